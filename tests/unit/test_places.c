/* tests/unit/test_places.c - the three places: what replaces, what adds, what cannot be lifted; and
 * the limits and laws of putting profiles together. */
#include "profile/profile.h"

#include "base/limits.h"
#include "tap.h"
#include "tree.h"
#include <unistd.h>

static const struct profile_variable variables[] = {
	{ "HOME", "/home/me" }, { "PWD", "/work" }, { "XDG_DOWNLOAD_DIR", "" }, { "XDG_MUSIC_DIR", "/home/me/m*" },
};

static struct profile_context context(struct arena *arena)
{
	struct profile_context c = { .variables = variables, .variable_count = ARRAY_SIZE(variables) };

	c.places.share = arena_printf(arena, "%s/share", tree_top);
	c.places.etc = arena_printf(arena, "%s/etc", tree_top);
	c.places.user = arena_printf(arena, "%s/user", tree_top);
	return c;
}

/* The policy of a profile, NULL after an error; `d` is set up. */
static struct policy *load(struct arena *arena, const char *name, struct diags *d)
{
	struct profile_context c = context(arena);
	struct policy *policy = NULL;

	diags_init(d, arena);
	return profile_resolve(arena, &c, name, d, &policy) == 0 ? policy : NULL;
}

static struct policy *tighten(struct arena *arena, const char *name, const char *file, struct diags *d)
{
	struct profile_context c = context(arena);
	struct policy *policy = NULL;

	c.tighten = arena_strdup(arena, tree_path(file));
	diags_init(d, arena);
	return profile_resolve(arena, &c, name, d, &policy) == 0 ? policy : NULL;
}

/* Every rule of a policy in one line: "allow /a, deny /b". */
static const char *rules(struct arena *arena, const struct policy *p)
{
	struct strbuf out = { .arena = arena };

	for (size_t i = 0; p && i < p->rule_count; i++)
		strbuf_addf(&out, "%s%s %s", i ? ", " : "", effect_name(p->rules[i].effect), p->rules[i].pattern);
	return p ? strbuf_text(&out) : "none";
}

static void resolves_to(const char *name, const char *wanted, const char *title)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct diags d;

	is(rules(arena, load(arena, name, &d)), wanted, "%s", title);
	for (size_t i = 0; i < d.list.count; i++)
		printf("# %s %s\n", d.list.items[i].code, d.list.items[i].message);
}

static const char *shown(struct arena *arena, const struct diags *d)
{
	struct strbuf out = { .arena = arena };

	diags_print(d, &out, false);
	return strbuf_text(&out);
}

static void test_drop_ins(void)
{
	static const char *const places[] = { "share", "etc", "user" };
	char name[64], text[64];

	tree_put("share/profiles/a.toml", "[filesystem]\nread-only = [\"/a\"]\n");
	for (size_t i = 0; i < 3; i++) {
		snprintf(name, sizeof(name), "%s/profiles/a.d/z.toml", places[i]);
		snprintf(text, sizeof(text), "[filesystem]\nread-only = [\"/%s-d\"]\n", places[i]);
		tree_put(name, text);
		snprintf(name, sizeof(name), "%s/profiles/a.local.toml", places[i]);
		snprintf(text, sizeof(text), "[filesystem]\ndeny = [\"/%s-local\"]\n", places[i]);
		tree_put(name, text);
	}
	resolves_to("a", "allow /a, allow /etc-d, deny /etc-local, allow /share-d, deny /share-local, "
		    "allow /user-d, deny /user-local", "drop-ins of all places add");
	tree_put("user/profiles/a.toml", "[filesystem]\nread-only = [\"/mine\"]\n");
	resolves_to("a", "allow /etc-d, deny /etc-local, allow /mine, allow /share-d, deny /share-local, "
		    "allow /user-d, deny /user-local", "they add to a file that replaces, too");
	tree_put("user/profiles/b.toml", "include = [\"a\"]\n");
	resolves_to("b", "allow /etc-d, deny /etc-local, allow /mine, allow /share-d, deny /share-local, "
		    "allow /user-d, deny /user-local", "and to a profile that is included");
	tree_put("user/profiles/a.d/ignored", "nonsense");
	tree_put("user/profiles/a.d/.hidden.toml", "nonsense");
	tree_put("user/profiles/a.d/README.toml.bak", "nonsense");
	resolves_to("b", "allow /etc-d, deny /etc-local, allow /mine, allow /share-d, deny /share-local, "
		    "allow /user-d, deny /user-local", "only *.toml is a drop-in");
}

static void test_order(void)
{
	tree_put("share/profiles/o.toml", "[filesystem]\nread-only = [\"/x\"]\n");
	tree_put("share/profiles/o.d/1.toml", "[filesystem]\ndeny = [\"/x\"]\n");
	tree_put("user/profiles/o.d/2.toml", "[filesystem]\nread-only = [\"/x\"]\nask = [\"/x\"]\n");
	resolves_to("o", "deny /x, allow /x, ask /x", "an allow after a deny lifts nothing");
	tree_put("share/profiles/o.d/1.toml", "[filesystem]\nread-only = [\"/x\"]\nask = [\"/x\"]\n");
	tree_put("user/profiles/o.d/2.toml", "[filesystem]\ndeny = [\"/x\"]\n");
	resolves_to("o", "deny /x, allow /x, ask /x", "the order of drop-ins does not matter");
}

static void test_scalars(void)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct policy *p;
	struct diags d;

	tree_put("share/profiles/s.toml", "command = [\"one\"]\nhostname = \"one\"\n");
	tree_put("user/profiles/s.local.toml", "command = [\"one\"]\nhostname = \"two\"\n");
	ok(!load(arena, "s", &d) && d.errors == 1 && str_equal(d.list.items[0].code, "C135"),
	   "a drop-in cannot replace a single value");
	ok(strstr(shown(arena, &d), "the other one is here") && strstr(shown(arena, &d), "includes this one"),
	   "both places and a way out are shown");
	tree_put("user/profiles/s.local.toml", "command = [\"one\"]\ndescription = \"added\"\n");
	p = load(arena, "s", &d);
	ok(p && str_equal(p->description.value, "added") && str_equal(p->hostname.value, "one"),
	   "it can set one that is not set");
	tree_put("user/profiles/t.toml", "include = [\"s\"]\nhostname = \"two\"\n");
	p = load(arena, "t", &d);
	ok(p && str_equal(p->hostname.value, "two") && p->command.count == 1, "a profile that includes it can replace");
	tree_put("user/profiles/s.toml", "hostname = \"three\"\n");
	p = load(arena, "s", &d);
	ok(p && str_equal(p->hostname.value, "three"), "so can a file of the same name");
}

static void test_administrator(void)
{
	tree_put("share/profiles/web.toml", "[filesystem]\nread-only = [\"/web\"]\n");
	tree_put("etc/profiles/web.toml", "include = [\"site\"]\n[filesystem]\ndeny = [\"/etc-deny\"]\nread-only = [\"/no\"]\n"
		 "[networking]\nflags = [\"guard\"]\n[runtime]\ntasks = 5\n");
	tree_put("etc/profiles/site.toml", "[filesystem]\ndeny = [\"/site-deny\"]\nread-write = [\"/no2\"]\n");
	tree_put("etc/flags/site.toml", "[define.networking.guard]\nallow = [\"internet\"]\ndeny = [\"lan\"]\n");
	resolves_to("web", "deny /etc-deny, allow /no, allow /no2, deny /site-deny, allow internet, deny lan",
		    "the administrator's file replaces the shipped one");
	tree_put("user/profiles/web.toml", "[filesystem]\nread-only = [\"/etc-deny\", \"/site-deny\"]\n");
	resolves_to("web", "deny /etc-deny, allow /etc-deny, deny /site-deny, allow /site-deny, deny lan",
		    "its denies cannot be lifted by a file of the user");
	tree_put("user/profiles/mine.toml", "include = [\"web\"]\n");
	resolves_to("mine", "deny /etc-deny, allow /etc-deny, deny /site-deny, allow /site-deny, deny lan",
		    "nor by including such a file");
	tree_put("user/flags/mine.toml", "[define.networking.guard]\nallow = [\"loopback\"]\n");
	resolves_to("web", "deny /etc-deny, allow /etc-deny, deny /site-deny, allow /site-deny, deny lan",
		    "nor by a flag of the same name");
	tree_put("user/profiles/flag.toml", "[networking]\nflags = [\"guard\"]\n");
	resolves_to("flag", "deny lan, allow loopback", "which otherwise replaces his");
	tree_put("etc/overridable", "other\n  web\tmore\n");
	resolves_to("web", "allow /etc-deny, allow /site-deny", "unless he lists the profile as overridable");
	tree_put("etc/profiles/web.d/x.toml", "[filesystem]\ndeny = [\"/always\"]\n");
	resolves_to("web", "deny /always, allow /etc-deny, allow /site-deny", "his drop-ins hold even then");
	tree_put("etc/overridable", "webs we wEb\n");
	resolves_to("mine", "deny /always, deny /etc-deny, allow /etc-deny, deny /site-deny, allow /site-deny, "
		    "deny lan", "names in overridable are whole");
	unlink(tree_path("etc/overridable"));
	ok(symlink("overridable", tree_path("etc/overridable")) == 0, "an overridable that links to itself");
	resolves_to("mine", "deny /always, deny /etc-deny, allow /etc-deny, deny /site-deny, allow /site-deny, "
		    "deny lan", "cannot be read and lists nothing");
}

static void test_tighten(void)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct policy *p;
	struct diags d;

	tree_put("share/profiles/p.toml", "[filesystem]\nread-only = [\"/p\"]\n[runtime]\ntasks = 50\nmemory = \"1M\"\n");
	tree_put("work/.cuddy.toml", "hostname = \"x\"\nmay-degrade = [\"filesystem\"]\n[Filesystem]\nReadWrite = [\"/p\"]\n"
		 "deny = [\"/p/secret\"]\nmount = [{ source = \"/\", target = \"/all\" }]\ntemporary = [\"/t\"]\nask = [\"/ask\"]\n"
		 "[networking]\nallow = [\"any\"]\nflags = [\"guard\"]\n[runtime]\nallow-syscalls = [\"ptrace\"]\n"
		 "deny-syscalls = [\"mount\"]\ntasks = 20\nmemory = \"2M\"\n[environment]\npass = [\"*\"]\nunset = [\"A\"]\n"
		 "set = { B = \"1\" }\n[desktop]\nx11 = \"host\"\nsession-bus = { talk = [\"a.b\"], deny-talk = [\"c.d\"] }\n");
	p = tighten(arena, "p", "work/.cuddy.toml", &d);
	is(rules(arena, p), "allow /p, deny /p/secret, deny lan, deny mount, deny c.d", "a .cuddy.toml only denies");
	ok(p && p->limits[LIMIT_TASKS].value == 20 && p->limits[LIMIT_MEMORY].value == 1 << 20, "it lowers limits only");
	ok(p && p->unset.count == 1 && !p->pass.count && !p->set.count && !p->hostname.value && !p->may_degrade.count &&
	   !p->x11.value, "it sets nothing");
	ok(d.errors == 0 && d.list.count >= 10 && str_equal(d.list.items[0].code, "C130"), "each grant gives a warning");
	ok(strstr(shown(arena, &d), ".cuddy.toml:4:14: warning[C130]"), "at its line");
	tree_put("work/.cuddy.toml", "include = [\"p\"]\n[define.networking.guard]\nallow = [\"any\"]\n");
	p = tighten(arena, "p", "work/.cuddy.toml", &d);
	is(rules(arena, p), "allow /p", "its includes grant nothing, it defines no flags");
	tree_put("work/.cuddy.toml", "[filesystem\n");
	ok(!tighten(arena, "p", "work/.cuddy.toml", &d) && d.errors == 1, "a broken one stops the start");
}

static void test_spelling(void)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct policy *p;
	struct diags d;

	tree_put("user/profiles/camel.toml",
		 "Description = \"d\"\nID = \"org.example.Camel\"\nHostName = \"h\"\nMayDegrade = [\"misc\"]\nREQUIRES = [\"seccomp\"]\n"
		 "[Define.Filesystem.Mine]\nDescription = \"mine\"\nRisk = \"high\"\nReadOnly = [\"/m\"]\n"
		 "[Define.Filesystem.Mine.NetWorking]\nDeny = [\"lan\"]\n"
		 "[FileSystem]\nFlags = [\"Mine\"]\nReadOnly = [\"/r\"]\nread_write = [\"/w\"]\nLogOnWrite = [\"/l\"]\nDenyExecute = [\"/e\"]\n"
		 "CopyOnWrite = [\"/c\"]\nWorkingDirectory = \"~/x\"\nMount = [{ Source = \"/s\", TARGET = \"/t\", Access = \"read-only\" }]\n"
		 "[Runtime]\nAllowSyscalls = [\"read\"]\nDENY_CAPABILITIES = [\"CAP_NET_RAW\"]\nOpenFiles = 9\n"
		 "[Desktop]\nSessionBus = { DenyTalk = [\"a.b\"] }\n[Environment]\nPass = [\"LANG\"]\n[User]\nAs = \"nobody\"\n");
	p = load(arena, "camel", &d);
	ok(p != NULL, "every key in other spellings");
	printf("%s%s", p ? "" : "# ", p ? "" : shown(arena, &d));
	ok(p && p->limits[LIMIT_OPEN_FILES].value == 9 && str_equal(p->user_as.value, "nobody") && p->pass.count == 1 &&
	   str_equal(p->hostname.value, "h") && p->requires.count == 1, "settings are set");
	is(p ? p->working_directory.value : NULL, "/home/me/x", "working-directory is expanded");
	is(rules(arena, p), "allow /c{,/,/**}, deny /e, log /l, allow /m, allow /r, allow /t{,/,/**}, allow /w, deny lan, "
	   "allow read, deny net_raw, deny a.b", "rules are made");
	for (size_t i = 0; p && i < p->rule_count; i++)
		if (strcmp(p->rules[i].pattern, "/m") == 0)
			ok(p->rules[i].risk == RISK_HIGH, "the risk of a flag is read");
}

static void test_deny_flags(void)
{
	tree_put("share/permissions/filesystem.toml", "[inner]\nread-only = [\"/inner\"]\ndeny = [\"/inner-deny\"]\n"
		 "[outer]\nflags = [\"inner\"]\nread-write = [\"/outer\"]\npersist = [\"/kept\"]\n"
		 "mount = [{ source = \"/s\", target = \"/mounted\" }]\n[outer.networking]\nallow = [\"lan\"]\n"
		 "[outer.desktop]\nx11 = \"host\"\n[outer.environment]\npass = [\"X\"]\n"
		 "[asks]\nask-flags = [\"inner\"]\n[denies]\ndeny-flags = [\"inner\"]\n");
	tree_put("user/profiles/df.toml", "[filesystem]\ndeny-flags = [\"outer\"]\n");
	resolves_to("df", "deny /inner, deny /inner-deny, deny /kept{,/,/**}, deny /mounted{,/,/**}, deny /outer, deny lan",
		    "deny-flags denies what members and nested flags allow");
	tree_put("user/profiles/df.toml", "[filesystem]\nask-flags = [\"outer\"]\n");
	resolves_to("df", "ask /inner, deny /inner-deny, ask /kept{,/,/**}, ask /mounted{,/,/**}, ask /outer, ask lan",
		    "ask-flags asks for them, its denies stay");
	tree_put("user/profiles/df.toml", "[filesystem]\nflags = [\"asks\"]\n");
	resolves_to("df", "ask /inner, deny /inner-deny", "a flag that asks for a flag");
	tree_put("user/profiles/df.toml", "[filesystem]\nask-flags = [\"denies\"]\n");
	resolves_to("df", "deny /inner, deny /inner-deny", "the strictest of nested effects counts");
	tree_put("user/profiles/df.toml", "[filesystem]\ndeny-flags = [\"asks\"]\n");
	resolves_to("df", "deny /inner, deny /inner-deny", "in either order");
}

static void test_absent(void)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const char *text;
	struct policy *p;
	struct diags d;

	tree_put("share/permissions/misc.toml", "[loads]\n[loads.filesystem]\nread-write = [\"${XDG_DOWNLOAD_DIR}{/,/**}\"]\n");
	tree_put("user/profiles/ab.toml", "[misc]\nflags = [\"loads\"]\ndevices = [\"/dev/null\", \"/dev/no-such*\"]\n[filesystem]\n"
		 "read-only = [\"/no/such/thing{/,/**}\", \"/usr{/,/**}\", \"/{usr,none}/**\", \"$XDG_DOWNLOAD_DIR/x\", \"${XDG_MUSIC_DIR}/**\"]\n");
	p = load(arena, "ab", &d);
	ok(p && d.list.count == 0, "what is not here is passed over, without a word");
	is(rules(arena, p), "allow /home/me/m\\*/**, allow /no/such/thing{/,/**}, allow /usr{/,/**}, allow /{usr,none}/**, "
	   "allow /dev/no-such*, allow /dev/null", "a folder that the user does not have grants nothing");
	if (!p)
		return;
	profile_report_absent(p, &d);
	text = shown(arena, &d);
	ok(d.errors == 0 && strstr(text, "/no/such/thing") && strstr(text, "/home/me/m") && strstr(text, "no-such*") == NULL,
	   "what is not here is named on request");
	ok(strstr(text, "'${XDG_DOWNLOAD_DIR}{/,/**}' names a folder") && strstr(text, "ab.toml:2:10"),
	   "so are folders, with the flag that names them");
	ok(!strstr(text, "'/usr") && !strstr(text, "/dev/null'"), "what is here is not");
	tree_put("user/profiles/ab.toml", "[filesystem]\ndeny = [\"$XDG_DOWNLOAD_DIR/**\"]\n");
	p = load(arena, "ab", &d);
	ok(p && p->rule_count == 0 && d.list.count == 1 && str_equal(d.list.items[0].code, "C137"),
	   "a deny of a folder that is not there is said");
	tree_put("user/profiles/ab.toml", "[filesystem]\nworking-directory = \"$XDG_DOWNLOAD_DIR\"\n");
	ok(!load(arena, "ab", &d) && d.errors == 1, "a program cannot start in one");
}

static void test_limits(void)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct strbuf text = { .arena = arena };
	struct policy *p;
	struct diags d;
	char name[64];

	for (unsigned i = 0; i <= LIMIT_INCLUDE_DEPTH; i++) {
		snprintf(name, sizeof(name), "user/profiles/deep%u.toml", i);
		tree_put(name, i == LIMIT_INCLUDE_DEPTH ? "" : arena_printf(arena, "\ninclude = [\"deep%u\"]\n", i + 1));
	}
	ok(load(arena, "deep1", &d) != NULL, "%d includes deep", LIMIT_INCLUDE_DEPTH);
	ok(!load(arena, "deep0", &d) && d.errors == 1 && str_equal(d.list.items[0].code, "C114"), "one deeper is refused");
	ok(strstr(shown(arena, &d), "deep15.toml:2:12: error[C114]") && strstr(shown(arena, &d), "deep0.toml:2:12"),
	   "the chain is shown from the deepest to the first");
	tree_put("user/profiles/c1.toml", "include = [\"c2\"]\n");
	tree_put("user/profiles/c2.toml", "\ninclude = [\"c3\"]\n");
	tree_put("user/profiles/c3.toml", "\n\ninclude = [\"c1\"]\n");
	ok(!load(arena, "c1", &d) && d.errors == 1 && strstr(shown(arena, &d), "c1 -> c2 -> c3 -> c1"), "a circle is shown");
	ok(strstr(shown(arena, &d), "c3.toml:3:12") && strstr(shown(arena, &d), "c2.toml:2:12") &&
	   strstr(shown(arena, &d), "c1.toml:1:12"), "with each line of it");
	tree_put("user/profiles/d1.toml", "include = [\"deep16\", \"deep16\", \"d2\"]\n");
	tree_put("user/profiles/d2.toml", "include = [\"deep16\"]\n");
	ok(load(arena, "d1", &d) != NULL, "twice is no circle");
	strbuf_add(&text, "[filesystem]\nread-only = [");
	for (unsigned i = 0; i < LIMIT_RULES; i++)
		strbuf_addf(&text, "\"/f%u\",\n", i);
	tree_put("user/profiles/many.toml", arena_printf(arena, "%s]\n", strbuf_text(&text)));
	p = load(arena, "many", &d);
	ok(p && p->rule_count == LIMIT_RULES, "%d rules", LIMIT_RULES);
	tree_put("user/profiles/many.toml", arena_printf(arena, "%s\"/one-more\", \"/two\", \"/three\"]\n", strbuf_text(&text)));
	ok(!load(arena, "many", &d) && d.errors == 1 && str_equal(d.list.items[0].code, "C131"), "one more gives one error");
	for (unsigned i = 0; i < LIMIT_INCLUDES; i++) {
		snprintf(name, sizeof(name), "user/profiles/w.d/%u.toml", i);
		tree_put(name, "");
	}
	tree_put("user/profiles/w.toml", "");
	ok(!load(arena, "w", &d) && str_equal(d.list.items[0].code, "C111"), "more than %d files", LIMIT_INCLUDES);
	unlink(tree_path("user/profiles/w.d/0.toml"));
	ok(load(arena, "w", &d) != NULL, "%d files", LIMIT_INCLUDES);
}

static void test_list(void)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct profile_context c = context(arena);
	struct profile_entry *entries;
	const char *wanted;
	size_t count;

	tree_put("share/profiles/base/z-base.toml", "");
	tree_put("share/profiles/z-both.toml", "");
	tree_put("share/profiles/base/z-both.toml", "");
	tree_put("share/profiles/z-user.toml", "");
	tree_put("etc/profiles/z-user.toml", "");
	tree_put("user/profiles/z-user.toml", "");
	tree_put("user/profiles/z-user.local.toml", "");
	tree_put("etc/profiles/z-etc.toml", "");
	tree_put("share/profiles/z-etc.toml", "");
	tree_put("user/profiles/bad name.toml", "");
	ok(profile_list(arena, &c, &entries, &count) == 0, "the list");
	for (size_t i = 1, sorted = 1; i < count; i++)
		if (!(sorted &= strcmp(entries[i - 1].name, entries[i].name) < 0))
			ok(false, "sorted and once each: %s", entries[i].name);
	for (size_t i = 0; i < count; i++) {
		wanted = str_equal(entries[i].name, "z-base") ? "share/profiles/base/" :
			 str_equal(entries[i].name, "z-both") ? "share/profiles/" :
			 str_equal(entries[i].name, "z-user") ? "user/profiles/" :
			 str_equal(entries[i].name, "z-etc") ? "etc/profiles/" : NULL;
		ok(!strchr(entries[i].name, ' ') && !str_ends(entries[i].name, ".local"), "%s is a name", entries[i].name);
		if (wanted)
			is(entries[i].path, arena_printf(arena, "%s/%s%s.toml", tree_top, wanted, entries[i].name),
			   "'%s' is of the last place", entries[i].name);
	}
}

int main(void)
{
	tree_make();
	test_drop_ins();
	test_order();
	test_scalars();
	test_administrator();
	test_tighten();
	test_spelling();
	test_deny_flags();
	test_absent();
	test_limits();
	test_list();
	tree_remove();
	return done();
}
