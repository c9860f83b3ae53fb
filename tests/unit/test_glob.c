/* test_glob.c - the truth table, the alternatives, whole trees, broken and hostile patterns. */
#include "base/limits.h"
#include "policy/glob.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static unsigned number, failed;

static void check(bool good, const char *name)
{
	failed += !good;
	printf("%sok %u - %s\n", good ? "" : "not ", ++number, name);
}

static const struct glob *compile(struct arena *arena, const char *text)
{
	const struct glob *glob = NULL;
	struct diags d;

	diags_init(&d, arena);
	return glob_compile(arena, text, NULL, &d, &glob) == 0 ? glob : NULL;
}

/* 1, 0, or -1 when the pattern is refused. */
static int match(const char *pattern, const char *path)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const struct glob *glob = compile(arena, pattern);

	return glob ? glob_matches(glob, path) : -1;
}

static FILE *table_open(void)
{
	const char *root = getenv("MESON_SOURCE_ROOT"), *slash = strrchr(__FILE__, '/');
	char path[4096];
	FILE *file = fopen("tests/unit/globs.tsv", "r");

	if (!file && root) {
		snprintf(path, sizeof(path), "%s/tests/unit/globs.tsv", root);
		file = fopen(path, "r");
	}
	if (!file) {
		snprintf(path, sizeof(path), "%.*sglobs.tsv", slash ? (int)(slash + 1 - __FILE__) : 0,
			 __FILE__);
		file = fopen(path, "r");
	}
	return file;
}

static void test_table(void)
{
	FILE *file = table_open();
	char line[512], name[600];
	unsigned rows = 0;

	while (file && fgets(line, sizeof(line), file)) {
		char *pattern = strtok(line, "\t"), *path = strtok(NULL, "\t"), *want = strtok(NULL, "\n");

		if (line[0] == '#' || !want)
			continue;
		rows++;
		snprintf(name, sizeof(name), "%s on %s: %s", pattern, path, want);
		check(match(pattern, path) == (strcmp(want, "match") == 0), name);
	}
	check(rows == 58, "the table was found and has all its rows");
	if (file)
		fclose(file);
}

static void test_more(void)
{
	static const struct { const char *pattern, *path; int want; } rows[] = {
		{ "/a//b",            "/a/b",      1 },
		{ "/a\\/b",           "/a/b",      1 },
		{ "/{a,b}/{c,d}",     "/b/c",      1 },
		{ "/{a,b}/{c,d}",     "/b/e",      0 },
		{ "{/a,/b}/x",        "/b/x",      1 },
		{ "/a,b",             "/a,b",      1 },
		{ "/a,{b,c},d",       "/a,c,d",    1 },
		{ "/{a\\,b,c}",       "/a,b",      1 },
		{ "/[{,}]",           "/,",        1 },
		{ "/[a\\]b]",         "/]",        1 },
		{ "/[a-]",            "/-",        1 },
		{ "/x[^a]y",          "/x/y",      1 }, /* AppArmor: a class crosses "/" */
		{ "/**",              "/",         0 },
		{ "/**",              "/a/",       1 },
		{ "/",                "/",         1 },
		{ "/a/***",           "/a/b/c",    1 },
		{ "/a*/b",            "/a/b",      1 },
		{ "/*/b",             "/b",        0 },
		{ "/a**/c",           "/ab/x/c",   1 },
		{ "/{,**/}x",         "/x",        1 },
		{ "/{,**/}x",         "/a/b/x",    1 },
		{ "",                 "/",        -1 },
		{ "a",                "a",        -1 },
		{ "{/a,b}",           "/a",       -1 },
		{ "/{a",              "/a",       -1 },
		{ "/a}",              "/a",       -1 },
		{ "/{a}",             "/a",       -1 },
		{ "/{}",              "/a",       -1 },
		{ "/[a",              "/a",       -1 },
		{ "/a]",              "/a",       -1 },
		{ "/[]",              "/a",       -1 },
		{ "/[^]",             "/a",       -1 },
		{ "/[z-a]",           "/a",       -1 },
		{ "/[a-",             "/a",       -1 },
		{ "/[!a]",            "/b",       -1 },
		{ "/[\303\244]",      "/\303\244", -1 },
		{ "/a\\",             "/a",       -1 },
		{ "/a/../b",          "/b",       -1 },
		{ "/a/.",             "/a",       -1 },
		{ "/a/...",           "/a/...",    1 },
	};
	char name[200];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		snprintf(name, sizeof(name), "'%s' on '%s' gives %d", rows[i].pattern, rows[i].path,
			 rows[i].want);
		check(match(rows[i].pattern, rows[i].path) == rows[i].want, name);
	}
}

static char *repeat(struct arena *arena, const char *head, const char *part, size_t count)
{
	struct strbuf text = { .arena = arena };

	strbuf_add(&text, head);
	while (count--)
		strbuf_add(&text, part);
	return text.text;
}

static void test_limits(void)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct strbuf nested = { .arena = arena };
	const struct glob_alternative *list;
	const struct glob *glob = compile(arena, repeat(arena, "/", "{a,b}", 10));

	check(glob && glob_alternatives(glob, &list) == LIMIT_GLOB_BRACES, "1024 alternatives are fine");
	check(glob && glob_matches(glob, "/abababbbbb") && !glob_matches(glob, "/ababab"),
	      "and they match");
	check(!compile(arena, repeat(arena, "/", "{a,b}", 11)), "2048 are refused");
	check(!compile(arena, repeat(arena, "/", "{,}", 1300)), "2^1300 are refused, too");
	check(compile(arena, repeat(arena, "/", "a", LIMIT_GLOB_LENGTH - 1)) != NULL, "4096 bytes are fine");
	check(!compile(arena, repeat(arena, "/", "a", LIMIT_GLOB_LENGTH)), "4097 are refused");
	for (int depth = LIMIT_GLOB_NESTING; depth <= LIMIT_GLOB_NESTING + 1; depth++) {
		nested = (struct strbuf){ .arena = arena };
		strbuf_add(&nested, "/");
		for (int i = 0; i < depth; i++)
			strbuf_add(&nested, "{a,");
		strbuf_add(&nested, "b");
		for (int i = 0; i < depth; i++)
			strbuf_add(&nested, "}");
		check(!compile(arena, nested.text) == (depth > LIMIT_GLOB_NESTING),
		      depth > LIMIT_GLOB_NESTING ? "17 nested braces are refused" : "16 are fine");
	}
}

/* Patterns that take a matcher with backtracking for ever. */
static void test_pathological(void)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	static const char *const parts[] = { "a*", "*a", "**a", "?*", "[ab]*", "a**", "/**" };
	char *path = repeat(arena, "/", "a", 4000), name[80];

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		char *text = repeat(arena, "/", parts[i], 4000 / strlen(parts[i]) / 4);
		const struct glob *glob;
		clock_t start = clock();

		glob = compile(arena, repeat(arena, text, "X", 1));
		snprintf(name, sizeof(name), "many times '%s' ends soon", parts[i]);
		check(glob && !glob_matches(glob, path) && clock() - start < 5 * CLOCKS_PER_SEC, name);
	}
}

static void test_trees(void)
{
	static const struct { const char *pattern, *path; bool below, covers; } rows[] = {
		{ "/a/**",      "",        true,  false },
		{ "/a/**",      "/a",      true,  true  },
		{ "/a/**",      "/a/b",    true,  true  },
		{ "/a/**",      "/ab",     false, false },
		{ "/a/**",      "/b",      false, false },
		{ "/**",        "",        true,  true  },
		{ "/a/b/c",     "/a/b",    true,  false },
		{ "/a/b/c",     "/a/b/c",  false, false },
		{ "/a/b/",      "/a/b",    true,  false },
		{ "/a/*",       "/a",      true,  false },
		{ "/a/*",       "/a/b",    false, false },
		{ "/a/*/c",     "/a/x",    true,  false },
		{ "/a/**/",     "/a",      true,  false },
		{ "/a/**.png",  "/a/b",    true,  false },
		{ "/a/**[^/]",  "/a",      true,  false },
		{ "/{a,b}/**",  "/b",      true,  true  },
		{ "/a**",       "/abc",    true,  true  },
		{ "/a**",       "",        true,  false },
		{ "/*/**",      "/x",      true,  true  },
	};
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	char name[200];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct glob *glob = compile(arena, rows[i].pattern);

		snprintf(name, sizeof(name), "'%s' below '%s'", rows[i].pattern, rows[i].path);
		check(glob && glob_may_match_below(glob, rows[i].path) == rows[i].below &&
		      glob_covers_tree(glob, rows[i].path) == rows[i].covers, name);
	}
}

static void test_alternatives(void)
{
	static const struct {
		const char *pattern;
		size_t index;
		struct glob_alternative want;
	} rows[] = {
		{ "/a/b",          0, { "/a/b",       "/a/b", true,  false, false } },
		{ "/a/b/",         0, { "/a/b/",      "/a/b", true,  true,  false } },
		{ "/",             0, { "/",          "",     true,  true,  false } },
		{ "/**",           0, { "/**",        "",     false, false, true  } },
		{ "/a/**",         0, { "/a/**",      "/a",   false, false, true  } },
		{ "/a/\\*/**",     0, { "/a/\\*/**",  "/a/*", false, false, true  } },
		{ "/a/b*",         0, { "/a/b*",      "/a",   false, false, false } },
		{ "/a/b**",        0, { "/a/b**",     "/a",   false, false, false } },
		{ "/a/**/",        0, { "/a/**/",     "/a",   false, true,  false } },
		{ "/a/{b,c/**,*}", 0, { "/a/b",       "/a/b", true,  false, false } },
		{ "/a/{b,c/**,*}", 1, { "/a/c/**",    "/a/c", false, false, true  } },
		{ "/a/{b,c/**,*}", 2, { "/a/*",       "/a",   false, false, false } },
		{ "/{a,b{c,d}}",   2, { "/bd",        "/bd",  true,  false, false } },
	};
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	char name[200];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct glob *glob = compile(arena, rows[i].pattern);
		const struct glob_alternative *list, *want = &rows[i].want;
		size_t count = glob ? glob_alternatives(glob, &list) : 0;

		snprintf(name, sizeof(name), "alternative %zu of '%s'", rows[i].index, rows[i].pattern);
		check(rows[i].index < count && str_equal(list[rows[i].index].text, want->text) &&
		      str_equal(list[rows[i].index].prefix, want->prefix) &&
		      list[rows[i].index].is_literal == want->is_literal &&
		      list[rows[i].index].is_directory == want->is_directory &&
		      list[rows[i].index].is_tree == want->is_tree &&
		      str_equal(glob_text(glob), rows[i].pattern), name);
	}
}

int main(void)
{
	test_table();
	test_more();
	test_limits();
	test_pathological();
	test_trees();
	test_alternatives();
	printf("1..%u\n", number);
	return failed != 0;
}
