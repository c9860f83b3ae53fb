/* tests/unit/test_catalogue.c - flags that are read one by one mean what they mean when all are read. */
#include "base/sort.h"
#include "profile/internal.h"
#include "tap.h"

#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct profile_variable variables[] = {
	{ "HOME", "/home/me" }, { "PWD", "/home/me/work" }, { "XDG_CACHE_HOME", "/home/me/.cache" },
	{ "XDG_CONFIG_HOME", "/home/me/.config" }, { "XDG_DATA_HOME", "/home/me/.local/share" },
	{ "XDG_STATE_HOME", "/home/me/.local/state" }, { "XDG_RUNTIME_DIR", "/run/user/1000" },
	{ "CUDDY_RUNNING", "/run/user/1000/cuddy" },
	{ "XDG_DESKTOP_DIR", "/home/me/Desktop" }, { "XDG_DOCUMENTS_DIR", "/home/me/Documents" },
	{ "XDG_DOWNLOAD_DIR", "/home/me/Downloads" }, { "XDG_MUSIC_DIR", "/home/me/Music" },
	{ "XDG_PICTURES_DIR", "/home/me/Pictures" }, { "XDG_VIDEOS_DIR", "/home/me/Videos" },
	{ "XDG_PUBLICSHARE_DIR", "/home/me/Public" }, { "XDG_TEMPLATES_DIR", "/home/me/Templates" },
	{ "USER", "me" }, { "UID", "1000" },
};

/* All rules with their origins.  `user`: a place with flags of its own makes the loader read everything. */
static const char *rules_of(struct arena *arena, const char *share, const char *user, const char *name)
{
	struct profile_context context = { .places = { share, NULL, user }, .variables = variables,
					   .variable_count = ARRAY_SIZE(variables) };
	struct strbuf out = { .arena = arena };
	struct policy *policy;
	struct diags d;

	diags_init(&d, arena);
	if (profile_resolve(arena, &context, name, &d, &policy) < 0)
		return d.list.count ? d.list.items[0].message : "?";
	for (size_t i = 0; i < policy->rule_count; i++)
		strbuf_addf(&out, "%u %u %u %s %s\n", policy->rules[i].kind, policy->rules[i].effect,
			    policy->rules[i].access, policy->rules[i].pattern,
			    origin_text(arena, policy->rules[i].origin));
	return strbuf_text(&out);
}

static void test_shipped(const char *tree)
{
	char user[] = "/tmp/cuddy-catalogue-XXXXXX", *flags;
	struct arena *arena = arena_new();
	const char **names;
	size_t count = places_names(arena, arena_printf(arena, "%s/profiles/base", tree), &names);

	if (!mkdtemp(user))
		exit(1);
	flags = arena_printf(arena, "%s/flags", user);
	mkdir(flags, 0700);
	ok(count > 10, "%zu profiles", count);
	for (size_t i = 0; i < count; i++)
		is(rules_of(arena, tree, NULL, names[i]), rules_of(arena, tree, user, names[i]),
		   "%s: the same rules from the same places", names[i]);
	rmdir(flags);
	rmdir(user);
	arena_free(arena);
}

static const struct { const char *name, *text; int count; } files[] = {
	{ "nothing", "# only a comment\n", 0 },
	{ "two flags, one with a table", "[a]\nx = [\n \"]\", # [\n]\n[a.sub]\ny = 1\n[b]\n", 2 },
	{ "a header in a string", "[a]\nx = '[b]'\ny = \"\\\"[c]\"\n", 1 },
	{ "a header in an array", "[a]\nx = [\n[\n\"c\"],\n]\n[b]\n", 2 },
	{ "a key before the first header", "x = 1\n[a]\n", -1 },
	{ "a string of several lines", "[a]\nx = '''\n[b]\n'''\n", -1 },
	{ "a quoted name", "[\"a\"]\n", -1 },
	{ "an array of tables", "[[a]]\n", -1 },
	{ "a name that comes back", "[a]\n[b]\n[a.sub]\n", -1 },
	{ "a bracket without end", "[a]\nx = [\n", -1 },
	{ "a bracket too many", "[a]\nx = ]\n", -1 },
	{ "a string without end", "[a]\nx = \"y\n", -1 },
	{ "an escape at the end", "[a]\nx = \"\\", -1 },
};

static void test_cut(void)
{
	struct arena *arena = arena_new();

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		struct catalogue all = { 0 };
		bool good = catalogue_cut(arena, files[i].text, &all);

		ok(good == (files[i].count >= 0) && (!good || all.count == (size_t)files[i].count), "%s",
		   files[i].name);
	}
	arena_free(arena);
}

static int by_first(const void *a, const void *b)
{
	return *(const char *)a - *(const char *)b;
}

static void test_sort(void)
{
	const void *items[] = { "c1", "a1", "b1", "a2", "c2", "b2", "a3" }, *scratch[7];
	char text[16] = "";

	for (size_t count = 0; count <= 7; count++)
		sort_pointers(items, scratch, count, by_first);
	for (size_t i = 0; i < 7; i++)
		strcat(text, items[i]);
	is(text, "a1a2a3b1b2c1c2", "sorted, and equals stay in order");
}

int main(void)
{
	const char *tree = getenv("MESON_SOURCE_ROOT");

	test_shipped(tree ? tree : ".");
	test_cut();
	test_sort();
	return done();
}
