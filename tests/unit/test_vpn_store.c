/* test_vpn_store.c - configurations by name: yours and the computer's, found, replaced, removed. */
#include "vpn/store.h"

#include "base/limits.h"
#include "tap.h"
#include "tree.h"

#include <errno.h>
#include <unistd.h>

static const char openvpn[] = "client\nremote a.example\n<ca>\n-----BEGIN CERTIFICATE-----\nTUlJQg==\n"
			      "-----END CERTIFICATE-----\n</ca>\n";
static const char wireguard[] = "[Interface]\nPrivateKey = YAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=\nAddress = 10.0.0.2\n"
				"[Peer]\nPublicKey = xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=\n"
				"AllowedIPs = 0.0.0.0/0\nEndpoint = 192.0.2.1:1\n";

static const struct vpn_config *config(struct arena *arena, enum vpn_kind kind)
{
	struct source *source = arena_new_object(arena, struct source);
	struct vpn_config *c;
	struct diags d;

	diags_init(&d, arena);
	*source = (struct source){ .name = "x", .text = kind == VPN_OPENVPN ? openvpn : wireguard, .first_line = 1 };
	source->length = strlen(source->text);
	if (vpn_config_parse(arena, source, kind, -1, &d, &c) < 0)
		abort();
	return c;
}

static struct diags d;

/* Its lines become more than a file may have. */
static void test_large(const struct vpn_places *places)
{
	struct strbuf text = { .arena = d.arena };
	struct source source = { .name = "large", .first_line = 1 };
	struct vpn_config *large;

	diags_init(&d, d.arena);
	strbuf_add(&text, openvpn);
	for (unsigned i = 0; i < 110; i++)
		strbuf_add(&text, "dns server 0 address ::1 ::2 ::3 ::4 ::5 ::6 ::7 ::8 ::9 ::a\n");
	source.text = text.text;
	source.length = text.length;
	ok(vpn_config_parse(d.arena, &source, VPN_OPENVPN, -1, &d, &large) == 0, "large");
	ok(vpn_add(d.arena, places, "large", large, false, &d) == -EINVAL && str_equal(d.list.items[0].code, "C731"),
	   "what could not be read again is not kept");
}

/* Of the tree; it stays. */
static const char *path_of(const char *name)
{
	return arena_strdup(d.arena, tree_path(name));
}

static const char *told(void)
{
	const struct diag *last = d.list.count ? &d.list.items[0] : NULL;

	return last ? arena_printf(d.arena, "%s %s; %s", last->code, last->message, last->help ? last->help : "") : "nothing";
}

static int add(const struct vpn_places *places, const char *name, enum vpn_kind kind, bool replace)
{
	diags_init(&d, d.arena);
	return vpn_add(d.arena, places, name, config(d.arena, kind), replace, &d);
}

static const char *find(const struct vpn_places *places, const char *name)
{
	const char *path = NULL;

	diags_init(&d, d.arena);
	return vpn_find(d.arena, places, name, NULL, &d, &path) < 0 ? told() : path;
}

static const char *all(const struct vpn_places *places)
{
	struct strbuf out = { .arena = d.arena };
	struct vpn_entry *entries;
	size_t count;
	int r = vpn_list(d.arena, places, &entries, &count);

	if (r < 0)
		return strerror(-r);
	for (size_t i = 0; i < count; i++)
		strbuf_addf(&out, "%s%s%s%s", i ? " " : "", entries[i].is_users ? "" : "/", entries[i].name,
			    entries[i].kind == VPN_OPENVPN ? "" : "*");
	return strbuf_text(&out);
}

static mode_t mode(const char *path)
{
	struct stat status;

	return stat(path, &status) < 0 ? 0 : status.st_mode & 07777;
}

static void test_names(const struct vpn_places *places)
{
	static const char *const names[] = { "", ".", "..", ".x", "-x", "a/b", "../x", "/x", "a b", "a\nb", "a\033[m", "\xc3\xa4" };
	char *longest = arena_printf(d.arena, "%0*d", LIMIT_NAME_LENGTH, 0);

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		ok(add(places, names[i], VPN_OPENVPN, true) == -EINVAL && str_starts(told(), "C737 "), "no name %zu", i);
		ok(vpn_remove(d.arena, places, names[i], &d) == -EINVAL, "nor to be removed");
		ok(*names[i] == '/' || str_starts(find(places, names[i]), "C735 "), "nor to be found");
	}
	ok(add(places, longest, VPN_OPENVPN, false) == 0, "the longest name");
	ok(add(places, arena_printf(d.arena, "%s0", longest), VPN_OPENVPN, false) < 0, "one longer is none");
	ok(vpn_remove(d.arena, places, longest, &d) == 0, "it goes");
}

static void test_many(void)
{
	const struct vpn_places places = { .user = path_of("many") };

	for (unsigned i = 0; i < LIMIT_VPN_STORED - 1; i++)
		tree_put(arena_printf(d.arena, "many/vpn/x%u.conf", i), "");
	ok(add(&places, "last", VPN_OPENVPN, false) == 0, "a thousand");
	ok(add(&places, "more", VPN_OPENVPN, false) < 0 && str_starts(told(), "C731 "), "and no more");
	ok(add(&places, "last", VPN_OPENVPN, true) == 0, "but one in the place of another");
}

int main(void)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct vpn_places places;

	tree_make();
	diags_init(&d, arena);
	places.etc = arena_strdup(arena, tree_path("etc"));
	places.user = arena_strdup(arena, tree_path("home/.config/cuddy"));
	is(all(&places), "", "nothing is there");
	is(find(&places, "work"), "C735 there is no VPN configuration 'work'; 'cuddy vpn add FILE' adds one", "and nothing found");
	ok(add(&places, "work", VPN_OPENVPN, false) == 0, "added");
	ok(mode(path_of("home/.config/cuddy/vpn")) == 0700 && mode(path_of("home/.config/cuddy/vpn/work.ovpn")) == 0600,
	   "for its owner alone");
	is(find(&places, "work"), path_of("home/.config/cuddy/vpn/work.ovpn"), "found");
	is(find(&places, "wrok"), "C735 there is no VPN configuration 'wrok'; there are: work", "others are named");
	is(find(&places, "/etc/x"), "/etc/x", "an absolute path is itself");
	ok(add(&places, "work", VPN_WIREGUARD, false) == -EINVAL && str_starts(told(), "C736 "), "not twice, of no kind");
	ok(add(&places, "work", VPN_WIREGUARD, true) == 0, "but in its place");
	is(all(&places), "work*", "the other kind has gone");
	tree_put("etc/vpn/work.ovpn", openvpn);
	tree_put("etc/vpn/site.conf", wireguard);
	tree_put("etc/vpn/.hidden.conf", wireguard);
	tree_put("etc/vpn/note.txt", "x");
	ok(symlink("site.conf", tree_path("etc/vpn/link.conf")) == 0 && mkdir(tree_path("etc/vpn/dir.conf"), 0755) == 0, "made");
	is(all(&places), "/site* work*", "yours hide those of the computer; only files with a name and a kind count");
	is(find(&places, "site"), path_of("etc/vpn/site.conf"), "found there");
	ok(vpn_remove(arena, &places, "site", &d) == -EINVAL && access(path_of("etc/vpn/site.conf"), F_OK) == 0,
	   "the computer's are not removed");
	ok(vpn_remove(arena, &places, "work", &d) == 0, "yours are");
	is(all(&places), "/site* /work", "and show the computer's again");
	tree_put("etc/vpn/site.ovpn", openvpn);
	ok(str_starts(find(&places, "site"), "C735 there are two: "), "two of a name are an error");
	test_many();
	test_names(&places);
	test_large(&places);
	ok(chmod(path_of("etc/vpn"), 0) == 0 && add(&places, "own", VPN_OPENVPN, false) == 0 &&
	   str_ends(find(&places, "own"), "/vpn/own.ovpn"), "yours are found where the computer's are closed to you");
	ok(chmod(path_of("etc/vpn"), 0755) == 0 && vpn_remove(arena, &places, "own", &d) == 0, "and go");
	tree_put("home/.config/cuddy/vpn/.work.ovpn.1.new", "secret");
	ok(chmod(path_of("home/.config/cuddy/vpn"), 0755) == 0 && add(&places, "work", VPN_OPENVPN, false) == 0, "added");
	ok(mode(path_of("home/.config/cuddy/vpn")) == 0700, "a directory that was opened is closed again");
	ok(access(path_of("home/.config/cuddy/vpn/.work.ovpn.1.new"), F_OK) < 0, "what a killed command left is gone");
	ok(rename(path_of("home/.config/cuddy/vpn"), arena_strdup(arena, tree_path("elsewhere"))) == 0 &&
	   symlink("../../../elsewhere", path_of("home/.config/cuddy/vpn")) == 0, "the directory is a link");
	ok(add(&places, "x", VPN_OPENVPN, false) < 0 && str_starts(told(), "C738 "), "nothing is added there");
	ok(vpn_remove(arena, &places, "work", &d) < 0 && access(path_of("elsewhere/work.ovpn"), F_OK) == 0, "nothing removed");
	ok(str_starts(find(&places, "work"), "C738 "), "nothing found");
	tree_remove();
	return done();
}
