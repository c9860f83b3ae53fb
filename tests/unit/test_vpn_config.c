/* test_vpn_config.c - what is a VPN configuration, what it comes to, and what is wrong with others. */
#include "vpn/config.h"

#include "base/fd.h"
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

/* ---- good files -------------------------------------------------------------------------- */

static const char *addresses(struct arena *arena, const struct vpn_addresses *list)
{
	struct strbuf out = { .arena = arena };

	for (size_t i = 0; i < list->count; i++)
		strbuf_addf(&out, "%s%s", i ? " " : "", list->items[i].text);
	return strbuf_text(&out);
}

static const char *remotes(struct arena *arena, const struct vpn_config *c)
{
	struct strbuf out = { .arena = arena };

	for (size_t i = 0; i < c->remote_count; i++)
		strbuf_addf(&out, "%s%s %u %s%d", i ? ", " : "", c->remotes[i].host, c->remotes[i].port,
			    c->remotes[i].tcp ? "tcp" : "udp",
			    c->remotes[i].family == AF_INET ? 4 : c->remotes[i].family == AF_INET6 ? 6 : 0);
	return strbuf_text(&out);
}

/* Written and read again it is the same, without a word. */
static void test_stored(struct test *t, const char *name)
{
	const char *first = vpn_stored_text(t->arena, t->config);
	struct test again = { .arena = t->arena };
	int r = parse(&again, t->config->kind, first, strlen(first), -1);

	ok(r == 0 && again.d.list.count == 0, "%s: the stored text reads without a word", name);
	is(r == 0 ? vpn_stored_text(t->arena, again.config) : told(&again), first, "%s: and is the same again", name);
}

static struct test good(struct arena *arena, enum vpn_kind kind, const char *text, const char *name)
{
	struct test t = { .arena = arena };
	int r = parse(&t, kind, text, strlen(text), -1);

	if (!ok(r == 0, "%s: read", name)) {
		printf("# %s\n", told(&t));
		t.config = NULL;
		return t;
	}
	test_stored(&t, name);
	return t;
}

static const char everything[] =
	"\xef\xbb\xbf# a client's file\r\n"
	"client\r\n"
	"  dev tun0 ; a comment\r\n"
	"proto tcp\n"
	"remote VPN.Example.org.\n"
	"remote 192.0.2.7 443 udp # another\n"
	"remote 2001:db8::7 1195 udp6\n"
	"remote ::ffff:192.0.2.8 1196\n"
	"remote-random\n"
	"port 1193\n"
	"\t--nobind\n"
	"persist-key\npersist-tun\nverb 3\nresolv-retry infinite\nmute 20\nauth-nocache\n"
	"setenv opt block-outside-dns\nsetenv opt no-such-thing at all\n"
	"ignore-unknown-option data-ciphers-maybe other\nother thing\n"
	"verify-x509-name \"C=DE, CN=\\\"me\\\" \\\\\" subject\n"
	"tls-cipher 'a b'\n"
	"route 10.1.2.3 255.0.0.0 vpn_gateway 5\nroute 10.9.9.9\nroute-ipv6 fd00::1/8\n"
	"redirect-gateway def1 ipv6\n"
	"dhcp-option DNS 10.0.0.1\ndhcp-option DNS6 fd00::53\ndhcp-option DOMAIN Example.Net\ndhcp-option WINS 10.0.0.9\n"
	"dns server 1 address 10.0.0.2 fd00::54\ndns search-domains a.example b.example\n"
	"tun-mtu 1400\nkey-direction 1\n"
	"<connection>\nremote backup.example 80\nproto udp4\n</connection>\n"
	"<connection>\nremote last.example\n</connection>\n"
	"auth-user-pass\n"
	"<ca>\nCertificate:\n    Data: up /bin/sh\n" PEM("CERTIFICATE") "between\n" PEM("CERTIFICATE") "</ca>\n"
	"<cert>\r\n" PEM("CERTIFICATE") "  </cert>\r\n"
	"<key>\n-----BEGIN EC PARAMETERS-----\nBggq\n-----END EC PARAMETERS-----\n"
	"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00FF\n\nTUlJQg==\n"
	"-----END RSA PRIVATE KEY-----\n</key>\n"
	"<tls-auth>\n#\n# 2048 bit OpenVPN static key\n#\n" STATIC_KEY "</tls-auth>\n"
	"<auth-user-pass>\nme@example\n p\"a's\\s # 1 \nmore\n</auth-user-pass>\n"
	"<askpass>\nkey pass\n</askpass>\n"
	"explicit-exit-notify"; /* without an end of the line */

static void test_openvpn(struct arena *arena)
{
	struct test t = good(arena, VPN_OPENVPN, everything, "openvpn");
	const char *const numbers[6] = { "198.51.100.1", NULL, "2001:db8::9", NULL, NULL, NULL };
	const char *text;

	if (!t.config)
		return;
	ok(t.d.list.count == 0, "what is left out without loss is left out without a word");
	is(remotes(arena, t.config), "vpn.example.org 1193 tcp0, 192.0.2.7 443 udp4, 2001:db8::7 1195 udp6, "
	   "192.0.2.8 1196 tcp4, backup.example 80 udp4, last.example 1193 tcp0", "servers");
	ok(t.config->remote_random && t.config->redirect_gateway && t.config->mtu == 1400, "settings");
	is(addresses(arena, &t.config->routes), "10.0.0.0/8 10.9.9.9/32 fd00::/8", "routes");
	is(addresses(arena, &t.config->dns), "10.0.0.1 fd00::53 10.0.0.2 fd00::54", "name servers");
	is(t.config->search[0], "example.net", "domains");
	is(t.config->search[2], "b.example", "all domains");
	is(t.config->user, "me@example", "user");
	is(t.config->password, " p\"a's\\s # 1 ", "password, byte for byte");
	is(t.config->key_password, "key pass", "password of the key");
	ok(t.config->wants_auth && t.config->key_is_encrypted, "and that they are wanted");
	text = vpn_client_text(arena, t.config, numbers);
	ok(strstr(text, "remote 198.51.100.1 1193 tcp4-client\n") && strstr(text, "remote 2001:db8::9 1195 udp6\n") &&
	   !strstr(text, "backup") && !strstr(text, "192.0.2"), "the client gets the addresses that it is given");
	ok(!strstr(text, "auth-user-pass") && !strstr(text, "askpass") && !strstr(text, "p\"a"),
	   "and no user and password");
	ok(!strstr(text, "dev ") && !strstr(text, "/bin/sh") && !strstr(text, "between"), "nor what stands around PEM");
	ok(strstr(text, "\nverify-x509-name \"C=DE, CN=\\\"me\\\" \\\\\" subject\n"), "quoted as it must be");
	ok(strstr(text, "\nkey-direction 1\n") && strstr(text, "\n<tls-auth>\n-----BEGIN OpenVPN"), "keys");
	ok(strstr(text, "4,ENCRYPTED\nDEK-Info: AES-256-CBC,00FF\n\nTUlJQg==\n"), "headers of a key");
}

static const char tunnel[] =
	"# comment\n[interface]\r\nprivatekey=YAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk= # mine\r\n"
	"Address = 10.0.0.2/24 , fd00::2\nAddress = 10.0.1.2\nDNS = 10.0.0.1, corp.example\nDNS = fd00::1\n"
	"MTU = 1380\nListenPort = 1\nFwMark = 0x10\n"
	"[Peer]\n" PUB "\nPresharedKey = /UwcSPg38hW/D9Y3tcS1FOV0K1wuURMbS0sesJEP5ak=\n"
	"AllowedIPs = 10.1.2.3/8, ::/0\nAllowedIPs = 192.0.2.1\nEndpoint = VPN.example.org:51820\nPersistentKeepalive = 25\n"
	"[Peer]\nPublicKey = GtL7fZc/bLnqZldpVofMCD6hDjrK28SsdLxevJ+qtKU=\nAllowedIPs =\nPersistentKeepalive = off\n"
	"[Peer]\nPublicKey = /UwcSPg38hW/D9Y3tcS1FOV0K1wuURMbS0sesJEP5ak=\nEndpoint = [2001:db8::1]:2";

static void test_wireguard(struct arena *arena)
{
	struct test t = good(arena, VPN_WIREGUARD, tunnel, "wireguard");
	const char *const numbers[] = { "198.51.100.1", NULL };

	if (!t.config)
		return;
	is(vpn_key_text(arena, t.config->private_key), "YAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=", "key");
	is(remotes(arena, t.config), "vpn.example.org 51820 udp0, 2001:db8::1 2 udp6", "endpoints");
	is(addresses(arena, &t.config->addresses), "10.0.0.2/24 fd00::2 10.0.1.2", "addresses keep their bits");
	is(addresses(arena, &t.config->dns), "10.0.0.1 fd00::1", "name servers");
	is(t.config->search[0], "corp.example", "domain");
	ok(t.config->peer_count == 3 && t.config->peers[0].keepalive == 25 && t.config->peers[0].has_preshared_key &&
	   !t.config->peers[1].endpoint && t.config->peers[2].endpoint == &t.config->remotes[1], "peers");
	is(addresses(arena, &t.config->peers[0].allowed), "10.0.0.0/8 ::/0 192.0.2.1", "networks lose theirs");
	ok(t.config->mtu == 1380 && t.config->listen_port == 1 && t.config->mark == 16, "settings");
	is(vpn_client_text(arena, t.config, numbers),
	   "[Interface]\nPrivateKey = YAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=\nListenPort = 1\nFwMark = 16\n"
	   "\n[Peer]\nPublicKey = xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=\n"
	   "PresharedKey = /UwcSPg38hW/D9Y3tcS1FOV0K1wuURMbS0sesJEP5ak=\nAllowedIPs = 10.0.0.0/8, ::/0, 192.0.2.1\n"
	   "Endpoint = 198.51.100.1:51820\nPersistentKeepalive = 25\n"
	   "\n[Peer]\nPublicKey = GtL7fZc/bLnqZldpVofMCD6hDjrK28SsdLxevJ+qtKU=\n"
	   "\n[Peer]\nPublicKey = /UwcSPg38hW/D9Y3tcS1FOV0K1wuURMbS0sesJEP5ak=\n", "what wg setconf gets");
}

/* ---- said, not refused -------------------------------------------------------------------- */

static void test_left_out(struct arena *arena)
{
	static const struct { const char *line, *want; } rows[] = {
		{ "setenv UV_ID x\n", "8:1 C726 'setenv' is left out: it sets a variable for programs, and none is run" },
		{ "push-peer-info\n", "8:1 C726 'push-peer-info' is left out: it would tell the server about this computer" },
		{ "route 10.0.0.1 255.255.255.255 net_gateway\n",
		  "8:32 C726 the route is left out: nothing goes past the tunnel" },
		{ "dns server 0 dnssec yes\n", "8:14 C726 'dns server … dnssec' is left out: all names are asked there" },
		{ "mark 5\n", "8:1 C726 'mark' is left out: it names a device or mark of this computer, and the client "
			      "sees none of them" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *text = arena_printf(arena, "%s%s", GOOD, rows[i].line);
		struct test t = good(arena, VPN_OPENVPN, text, arena_printf(arena, "left out %zu", i));

		is(told(&t), rows[i].want, "left out, and said");
	}
}

/* No message shows a line that may hold a secret. */
static void test_secrets(struct arena *arena)
{
	static const struct { enum vpn_kind kind; const char *text; } rows[] = {
		{ VPN_WIREGUARD, "[Interface]\nPrivateKey = sekret\n" },
		{ VPN_WIREGUARD, "[Interface]\nPrivatKey = sekret\n" },
		{ VPN_WIREGUARD, "[Interface]\nsekret\n" },
		{ VPN_WIREGUARD, "sekret = x\n" },
		{ VPN_WIREGUARD, "[Interface]\n" KEY "\n" KEY "\n" },
		{ VPN_WIREGUARD, "[Peer]\nPrivateKey = sekret\n" },
		{ VPN_WIREGUARD, "[Peer]\nPresharedKey = sekret=\x01\n" },
		{ VPN_OPENVPN, GOOD "<key>\n-----BEGIN PRIVATE KEY-----\nsekret!\n-----END PRIVATE KEY-----\n</key>\n" },
		{ VPN_OPENVPN, GOOD "<key>\n-----BEGIN PRIVATE KEY-----\nsekret" },
		{ VPN_OPENVPN, GOOD "<tls-auth>\n-----BEGIN OpenVPN Static key V1-----\nsekret\n-----END" },
		{ VPN_OPENVPN, GOOD "<kye>\n-----BEGIN PRIVATE KEY-----\nsekret\n</kye>\n" },
		{ VPN_OPENVPN, GOOD "-----BEGIN PRIVATE KEY-----\nsekret\nsekret\n" },
		{ VPN_OPENVPN, GOOD "<auth-user-pass>\nsekret\n</auth-user-pass>\n" },
		{ VPN_OPENVPN, GOOD "<auth-user-pass>\nsekret\nsekret\tsekret\x02\n</auth-user-pass>\n" },
		{ VPN_OPENVPN, GOOD "<pkcs12>\nsekret sekret\n</pkcs12>\n" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct strbuf out = { .arena = arena };
		struct test t = { .arena = arena };
		int r = parse(&t, rows[i].kind, rows[i].text, strlen(rows[i].text), -1);

		diags_print(&t.d, &out, false);
		ok(r < 0 && !strstr(strbuf_text(&out), "sekret") && !strstr(strbuf_text(&out), "YAnz5"),
		   "secrets %zu: not shown", i);
	}
}

static void test_all_at_once(struct arena *arena)
{
	struct test t = { .arena = arena };
	static const char text[] = "client\nup a\nfrob\nproto x\nremote -\ncipher\n";

	parse(&t, VPN_OPENVPN, text, sizeof(text) - 1, -1);
	ok(t.d.errors == 5, "all errors of a file at once");
}

/* ---- limits ------------------------------------------------------------------------------ */

static const char *repeated(struct arena *arena, const char *before, const char *format, unsigned count)
{
	struct strbuf out = { .arena = arena };

	strbuf_add(&out, before);
	for (unsigned i = 0; i < count; i++) {
		strbuf_add(&out, format);
		strbuf_addf(&out, "%u.%u.%u.%u\n", 10, i >> 16, i >> 8 & 255, i & 255);
	}
	return strbuf_text(&out);
}

static void limit(struct arena *arena, enum vpn_kind kind, const char *text, const char *name, const char *what)
{
	struct test t = { .arena = arena };
	int r = parse(&t, kind, text, strlen(text), -1);

	if (what)
		ok(r < 0 && str_ends(told(&t), what) && t.d.errors == 1, "%s: one above is refused: %s", name, told(&t));
	else
		ok(r == 0, "%s: the limit itself is not", name);
}

static void test_limits(struct arena *arena)
{
	static const char start[] = "client\n" CA "remote a\n";
	static const char peer[] = TUNNEL PEER;
	char *long_line = arena_printf(arena, GOOD "x509-username-field %0233d\n", 0);
	struct strbuf file = { .arena = arena }, peers = { .arena = arena };

	limit(arena, VPN_OPENVPN, long_line, "line", NULL);
	limit(arena, VPN_OPENVPN, arena_printf(arena, GOOD "x509-username-field %0236d\n", 0), "line", "(LIMIT_VPN_LINE)");
	limit(arena, VPN_OPENVPN, repeated(arena, start, "remote ", LIMIT_VPN_REMOTES - 1), "servers", NULL);
	limit(arena, VPN_OPENVPN, repeated(arena, start, "remote ", LIMIT_VPN_REMOTES), "servers", "(LIMIT_VPN_REMOTES)");
	limit(arena, VPN_OPENVPN, repeated(arena, start, "route ", LIMIT_VPN_DIRECTIVES - 3), "directives", NULL);
	limit(arena, VPN_OPENVPN, repeated(arena, start, "route ", LIMIT_VPN_DIRECTIVES - 2), "directives",
	      "(LIMIT_VPN_DIRECTIVES)");
	limit(arena, VPN_WIREGUARD, repeated(arena, peer, "AllowedIPs = ", LIMIT_VPN_ADDRESSES - 3), "addresses", NULL);
	limit(arena, VPN_WIREGUARD, repeated(arena, peer, "AllowedIPs = ", LIMIT_VPN_ADDRESSES - 2), "addresses",
	      "(LIMIT_VPN_ADDRESSES)");
	limit(arena, VPN_WIREGUARD, repeated(arena, peer, "AllowedIPs = ", LIMIT_VPN_ADDRESSES + 9), "addresses",
	      "(LIMIT_VPN_ADDRESSES)");
	strbuf_add(&peers, TUNNEL PEER);
	for (unsigned char i = 1; i <= LIMIT_VPN_REMOTES; i++) {
		unsigned char key[VPN_KEY_BYTES] = { i };

		if (i == LIMIT_VPN_REMOTES)
			limit(arena, VPN_WIREGUARD, strbuf_text(&peers), "peers", NULL);
		strbuf_addf(&peers, "[Peer]\nPublicKey = %s\n", vpn_key_text(arena, key));
	}
	limit(arena, VPN_WIREGUARD, strbuf_text(&peers), "peers", "(LIMIT_VPN_REMOTES)");
	strbuf_add(&file, GOOD);
	while (file.length < LIMIT_VPN_FILE)
		strbuf_add(&file, "#");
	limit(arena, VPN_OPENVPN, file.text, "file", NULL);
	strbuf_add(&file, "#");
	limit(arena, VPN_OPENVPN, file.text, "file", "(LIMIT_VPN_FILE)");
	ok(!vpn_secret_fault(arena_printf(arena, "%0*d", LIMIT_VPN_SECRET, 0)) &&
	   vpn_secret_fault(arena_printf(arena, "%0*d", LIMIT_VPN_SECRET + 1, 0)), "a password of 127 bytes, not of 128");
	ok(vpn_secret_fault(" </auth-user-pass>") && vpn_secret_fault("a\nb") && vpn_secret_fault(""), "no password");
}

/* ---- files ------------------------------------------------------------------------------- */

static const char *with_file(struct arena *arena, const char *line, int directory)
{
	const char *text = arena_printf(arena, "client\nremote a\n%s\n", line);
	struct test t = { .arena = arena };

	if (parse(&t, VPN_OPENVPN, text, strlen(text), directory) < 0)
		return told(&t);
	test_stored(&t, arena_strndup(arena, line, strcspn(line, "\n")));
	return vpn_client_text(arena, t.config, NULL);
}

#define REFUSED(file, why) "3:4 C728 the file '" file "' of 'ca' cannot be used: " why
#define OUTSIDE "it is not below the configuration's directory"

static void test_files(struct arena *arena)
{
	static const char want[] = "nobind\nclient\n" CA "remote a 1194 udp\n";
	AUTO_FD int directory = -1;
	char *big = arena_alloc(arena, LIMIT_VPN_FILE + 2);

	tree_put("vpn/ca.crt", "text\n" PEM("CERTIFICATE"));
	tree_put("vpn/sub/ca 2.crt", PEM("CERTIFICATE"));
	tree_put("vpn/evil.crt", PEM("CERTIFICATE") "</ca>\nup /bin/sh\n" "<ca>\n");
	tree_put("vpn/key", PEM("PRIVATE KEY"));
	tree_put("vpn/login", "me\npass\n");
	tree_put("vpn/empty", "");
	tree_put_bytes("vpn/nul", "-----BEGIN\0", 11);
	tree_put_bytes("vpn/b.p12", "\x30\x82\0\xff\n", 5);
	tree_put("outside", PEM("CERTIFICATE"));
	memset(big, '#', LIMIT_VPN_FILE + 1);
	tree_put("vpn/big", big);
	ok(symlink("../outside", tree_path("vpn/out")) == 0 && symlink("ca.crt", tree_path("vpn/link")) == 0 &&
	   mkfifo(tree_path("vpn/fifo"), 0600) == 0, "made");
	directory = open(tree_path("vpn"), O_PATH | O_DIRECTORY | O_CLOEXEC);
	is(with_file(arena, "ca ca.crt", directory), want, "a file beside it becomes part of it");
	is(with_file(arena, "ca './sub/ca 2.crt'", directory), want, "one below, with a blank");
	is(with_file(arena, "ca evil.crt", directory), want, "what stands around a certificate does not end its block");
	is(with_file(arena, "ca ../outside", directory), REFUSED("../outside", OUTSIDE), "not above");
	is(with_file(arena, "ca sub/../../outside", directory), REFUSED("sub/../../outside", OUTSIDE), "nor by a detour");
	is(with_file(arena, "ca /etc/passwd", directory), REFUSED("/etc/passwd", OUTSIDE), "nor absolute");
	is(with_file(arena, "ca out", directory), REFUSED("out", "links are not followed"), "nor by a link");
	is(with_file(arena, "ca link", directory), REFUSED("link", "links are not followed"), "nor any link");
	is(with_file(arena, "ca fifo", directory), REFUSED("fifo", "it is no regular file"), "no pipe, and no waiting");
	is(with_file(arena, "ca sub", directory), REFUSED("sub", "Is a directory"), "no directory");
	is(with_file(arena, "ca big", directory), REFUSED("big", "it is longer than 256 KiB (LIMIT_VPN_FILE)"), "limited");
	is(with_file(arena, "ca none", directory), REFUSED("none", "No such file or directory"), "missing");
	is(with_file(arena, "ca ca.crt", -1), REFUSED("ca.crt", "no file can be named here"), "not without a directory");
	is(with_file(arena, "ca key", directory), "1:1 C727 'ca' takes no 'PRIVATE KEY'", "not another thing");
	is(with_file(arena, "ca empty", directory), "1:1 C727 'ca' holds nothing", "not nothing");
	is(with_file(arena, "ca nul", directory), "1:11 C721 control character 0x00", "no zero bytes");
	is(with_file(arena, "pkcs12 b.p12", directory),
	   "nobind\nclient\n<pkcs12>\nMIIA/wo=\n</pkcs12>\nremote a 1194 udp\n", "a bundle in base64");
	is(with_file(arena, "auth-user-pass login\npkcs12 b.p12", directory),
	   "nobind\nclient\n<pkcs12>\nMIIA/wo=\n</pkcs12>\nremote a 1194 udp\n", "user and password from a file");
}

static void test_load(struct arena *arena)
{
	struct vpn_config *config = NULL;
	struct diags d;

	diags_init(&d, arena);
	tree_put("work", "\n; a\n# b\n" GOOD);
	tree_put("home", "# c\n\n " TUNNEL PEER);
	tree_put("world", GOOD);
	chmod(tree_path("world"), 0666);
	mkfifo(tree_path("fifo"), 0600);
	ok(vpn_config_load(arena, tree_path("work"), NULL, &d, &config) == 0 && config->kind == VPN_OPENVPN, "by its looks");
	ok(vpn_config_load(arena, tree_path("home"), NULL, &d, &config) == 0 && config->kind == VPN_WIREGUARD, "either");
	ok(vpn_config_load(arena, tree_path("world"), NULL, &d, &config) < 0, "not what everybody may write to");
	ok(vpn_config_load(arena, tree_path("fifo"), NULL, &d, &config) < 0, "no pipe, and no waiting");
	ok(vpn_config_load(arena, tree_path("none"), NULL, &d, &config) < 0, "nothing");
	ok(vpn_config_load(arena, "", NULL, &d, &config) < 0 && vpn_config_load(arena, "/", NULL, &d, &config) < 0, "no name");
	ok(d.errors == 5, "each is told");
}

/* ---- tables ------------------------------------------------------------------------------ */

static void test_tables(struct arena *arena)
{
	const struct directive *row, *before = NULL;
	bool sorted = true, handled = true, known = true;
	size_t passed = 0;

	for (size_t i = 0; (row = directive_at(i)); before = row, i++) {
		const char *help;

		sorted &= !before || strcmp(before->name, row->name) < 0;
		handled &= row->action != DIRECTIVE_OURS || str_starts(row->name, "setenv") ||
			   openvpn_find_handler(row->name);
		known &= (row->action == DIRECTIVE_NOTE || row->action == DIRECTIVE_REFUSE) ==
			 (*directive_reason_text(row->reason, &help) != '\0' && row->reason != REASON_NONE) ||
			 row->reason == REASON_ENVIRONMENT;
		passed += row->action == DIRECTIVE_PASS;
	}
	ok(sorted, "directives are sorted");
	ok(handled, "those of our own have a function");
	ok(known, "those that are refused or left out have a reason");
	ok(passed > 40, "%zu are passed on", passed);
	for (size_t i = 0; i < MATERIAL_COUNT; i++)
		ok(directive_find(material_at(i)->name)->action == DIRECTIVE_OURS, "%s is known", material_at(i)->name);
	is(directive_nearest(arena, "ciper"), "cipher", "the nearest");
}

int main(void)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();

	test_bad(arena);
	test_openvpn(arena);
	test_wireguard(arena);
	test_left_out(arena);
	test_secrets(arena);
	test_all_at_once(arena);
	test_limits(arena);
	tree_make();
	test_files(arena);
	test_load(arena);
	tree_remove();
	test_tables(arena);
	return done();
}
