/* test_vpn_config.c - what is a VPN configuration, what it comes to, and what is wrong with others. */
#include "vpn/config.h"

#include "base/limits.h"
#include "tap.h"
#include "tree.h"
#include "vpn/directives.h"
#include "vpn/openvpn.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#define PEM(label) "-----BEGIN " label "-----\nTUlJQg==\n-----END " label "-----\n"
#define CA "<ca>\n" PEM("CERTIFICATE") "</ca>\n"
#define GOOD "client\nremote a.example\n" CA
#define KEY "PrivateKey = YAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk="
#define PUB "PublicKey = xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg="
#define PEER "[Peer]\n" PUB "\nAllowedIPs = 0.0.0.0/0, ::/0\nEndpoint = 192.0.2.1:51820\n"
#define TUNNEL "[Interface]\n" KEY "\nAddress = 10.0.0.2/32\n"
#define A100 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n"
#define STATIC_KEY "-----BEGIN OpenVPN Static key V1-----\n" HEX64 HEX64 HEX64 HEX64 HEX64 HEX64 HEX64 HEX64 \
		   "-----END OpenVPN Static key V1-----\n"

struct test { struct arena *arena; struct diags d; struct source source; struct vpn_config *config; };

static int parse(struct test *t, enum vpn_kind kind, const char *text, size_t length, int directory)
{
	diags_init(&t->d, t->arena);
	t->source = (struct source){ .name = "x", .text = arena_strndup(t->arena, text, length), .length = length,
				     .first_line = 1 };
	return vpn_config_parse(t->arena, &t->source, kind, directory, &t->d, &t->config);
}

/* The first diagnostic, with its place. */
static const char *told(struct test *t)
{
	const struct diag *d = t->d.list.count ? &t->d.list.items[0] : NULL;

	if (!d)
		return "nothing";
	return arena_printf(t->arena, "%u:%u %s %s", d->origin ? d->origin->line : 0, d->origin ? d->origin->column : 0,
			    d->code, d->message);
}

static const struct { enum vpn_kind kind; const char *text; size_t length; const char *want; } bad[] = {
#define BAD(kind, text, want) { VPN_##kind, text, sizeof(text) - 1, want },
#include "vpn_bad.def"
};

static void test_bad(struct arena *arena)
{
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct test t = { .arena = arena };
		int r = parse(&t, bad[i].kind, bad[i].text, bad[i].length, -1);

		ok(r == -EINVAL && t.d.errors > 0, "%zu: refused", i);
		is(told(&t), bad[i].want, "%zu: at its place", i);
	}
}

int main(void)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();

	test_bad(arena);
	return done();
}
