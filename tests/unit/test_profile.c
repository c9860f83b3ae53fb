/* tests/unit/test_profile.c - good profiles mean what they say; each bad one gives one error. */
#include "profile/profile.h"

#include "tap.h"
#include "tree.h"

static const struct profile_variable variables[] = { { "HOME", "/home/a*b" }, { "PWD", "/work" } };

static int resolve(struct arena *arena, const char *name, const char *tighten, struct diags *d,
		   struct policy **ret)
{
	struct profile_context c = { .variables = variables, .variable_count = 2, .tighten = tighten };

	c.places.share = arena_printf(arena, "%s/share", tree_top);
	c.places.etc = arena_printf(arena, "%s/etc", tree_top);
	c.places.user = arena_printf(arena, "%s/user", tree_top);
	diags_init(d, arena);
	return profile_resolve(arena, &c, name, d, ret);
}

static const struct { const char *text, *code; unsigned line; } bad[] = {
	{ "\ncolour = 1\n", "C100", 2 }, { "[filesystem]\nread-onyl = []\n", "C100", 2 },
	{ "[network]\n", "C100", 1 }, { "[environment]\nkeep = []\n", "C100", 2 },
	{ "[desktop.session-bus]\nspeak = []\n", "C100", 2 },
	{ "[filesystem]\nmount = [{ from = \"/a\" }]\n", "C100", 2 },
	{ "[filesystem]\nread-only = \"/a\"\n", "C101", 2 }, { "id = 3\n", "C101", 1 },
	{ "command = \"x\"\n", "C101", 1 }, { "filesystem = 1\n", "C101", 1 },
	{ "include = \"x\"\n", "C101", 1 }, { "define = 1\n", "C101", 1 },
	{ "[networking]\ncheck-names = 1\n", "C101", 2 }, { "[networking]\ndeny = [1]\n", "C101", 2 }, { "[desktop]\nsession-bus = 1\n", "C101", 2 },
	{ "id = \"\"\n", "C102", 1 }, { "id = \"a\\u0000b\"\n", "C102", 1 },
	{ "[runtime]\nmemory = \"12Q\"\n", "C103", 2 }, { "[runtime]\ncpu = 50\n", "C103", 2 },
	{ "[runtime]\nnice = 20\n", "C103", 2 }, { "[runtime]\nmemory = \"99999999999999999999G\"\n", "C103", 2 },
	{ "[filesystem]\ndeny = [\"~bob/x\"]\n", "C104", 2 },
	{ "[filesystem]\ndeny = [\"$NONE/x\"]\n", "C105", 2 },
	{ "[filesystem]\ndeny = [\"${HOME/x\"]\n", "C105", 2 },
	{ "include = [\"/nonexistent/x.toml\"]\n", "C110", 1 }, { "\ninclude = [\"none\"]\n", "C112", 2 },
	{ "include = [\"bad\"]\n", "C113", 1 }, { "include = [\"..\"]\n", "C115", 1 },
	{ "[define.misc.x]\nrisk = \"none\"\n", "C120", 2 }, { "[define.misc]\nx = 1\n", "C121", 2 },
	{ "[define.networking.web]\n", "C122", 1 }, { "[define.net.x]\n", "C123", 1 },
	{ "[networking]\nflags = [\"web2\"]\n", "C124", 2 },
	{ "[misc]\nflags = [\"x\"]\n[define.misc.x]\nflags = [\"x\"]\n", "C125", 4 },
	{ "[filesystem]\nmount = [1]\n", "C132", 2 }, { "[filesystem]\nmount = [{ source = \"/a\" }]\n", "C132", 2 },
	{ "[filesystem]\nmount = [{ source = \"/a\", target = \"/b\", access = \"all\" }]\n", "C133", 2 },
	{ "[filesystem]\nmount = [{ source = \"proc:x\", target = \"/b\" }]\n", "C134", 2 },
	{ "[environment.set]\nA = 1\n", "C136", 2 }, { "a = \n", "C011", 1 },
	{ "[filesystem]\nread-only = [\"etc\"]\n", "C201", 2 },
};

static void test_bad(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		CLEANUP(arena_freep) struct arena *arena = arena_new();
		struct policy *policy;
		struct diags d;
		int r;

		tree_put("user/profiles/bad.toml", bad[i].text);
		r = resolve(arena, "bad", NULL, &d, &policy);
		ok(r < 0 && d.errors == 1 && str_equal(d.list.items[0].code, bad[i].code) &&
		   d.list.items[0].origin && d.list.items[0].origin->line == bad[i].line,
		   "bad %zu %s", i, bad[i].code);
		for (size_t j = 0; j < d.list.count; j++)
			printf("# %s:%u %s\n", d.list.items[j].code, d.list.items[j].origin ?
			       d.list.items[j].origin->line : 0, d.list.items[j].message);
	}
}

static size_t count(const struct policy *p, enum kind kind, enum effect effect)
{
	size_t n = 0;

	for (size_t i = 0; i < p->rule_count; i++)
		n += p->rules[i].kind == kind && p->rules[i].effect == effect;
	return n;
}

static void test_good(const char *proposal)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct policy *p;
	struct diags d;

	tree_put("user/profiles/a.toml", "id = \"org.example.near\"\ninclude = [\"b\"]\n[networking]\nflags = [\"web\"]\n"
	    "[filesystem]\npersist = [\"~\"]\nmount = [{source=\"proc:\", target=\"/proc\"}]\n"
	    "[runtime]\nmemory = \"512M\"\n");
	tree_put("share/profiles/b.toml", "id = \"org.example.far\"\n[runtime]\nmemory = \"1G\"\n[networking]\nask = [\"lan\"]\n");
	tree_put("etc/profiles/a.toml", "[filesystem]\ndeny = [\"/secret\"]\nread-only = [\"/not\"]\n");
	ok(resolve(arena, "a", NULL, &d, &p) == 0 && str_equal(p->id.value, "org.example.near") &&
	   p->limits[LIMIT_MEMORY].value == 512u << 20, "nearest scalar, smaller limit");
	ok(p && count(p, KIND_FILE, EFFECT_DENY) == 1 && count(p, KIND_FILE, EFFECT_ALLOW) == 2 &&
	   count(p, KIND_NETWORK, EFFECT_ASK) == 1, "denies of /etc stay, ask stays");
	tree_put("share/permissions/builtin.toml", "[runtime]\nmemory = \"1M\"\ntasks = 7\n");
	ok(resolve(arena, "a", NULL, &d, &p) == 0 && p->limits[LIMIT_TASKS].value == 7 &&
	   p->limits[LIMIT_MEMORY].value == 512u << 20, "built-in limits are defaults");
	tree_put("share/permissions/desktop.toml", "[x]\nx11 = \"host\"\n");
	tree_put("user/profiles/x.toml", "[desktop]\ndeny-flags = [\"x\"]\n");
	ok(resolve(arena, "x", NULL, &d, &p) == 0 && !p->x11.value, "a denied flag sets nothing");
	tree_put("tight.toml", "[networking]\nallow = [\"any\"]\ndeny-flags = [\"web\"]\n");
	ok(resolve(arena, "a", arena_printf(arena, "%s/tight.toml", tree_top), &d, &p) == 0 &&
	   d.list.count == 1 && count(p, KIND_NETWORK, EFFECT_DENY) == 1, "a .cuddy.toml only tightens");
	ok(resolve(arena, proposal, NULL, &d, &p) == 0 && count(p, KIND_FILE, EFFECT_LOG) == 2 &&
	   count(p, KIND_FILE, EFFECT_ALLOW) == 1, "the proposal loads");
	for (size_t j = 0; j < d.list.count; j++)
		printf("# %s\n", d.list.items[j].message);
}

int main(void)
{
	const char *root = getenv("MESON_SOURCE_ROOT");
	char proposal[512];

	tree_make();
	snprintf(proposal, sizeof(proposal), "%s/tests/unit/proposal.toml", root ? root : ".");
	tree_put("share/permissions/networking.toml", "[web]\nallow = [\"tcp:internet:443\"]\n"
	    "[dns]\n[ping]\n[incoming]\n[outgoing]\n");
	tree_put("share/permissions/filesystem.toml", "[tmp]\n");
	tree_put("share/permissions/runtime.toml", "[malloc]\nallow-syscalls = [\"mmap\"]\n");
	tree_put("share/permissions/user.toml", "[create]\n");
	test_bad();
	test_good(proposal);
	tree_remove();
	return done();
}
