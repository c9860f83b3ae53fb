/* test_path.c - path strings. */
#include "base/path.h"
#include "tap.h"

static void test_normal(struct arena *arena)
{
	static const struct { const char *base, *path, *normal; } rows[] = {
		{ "/",     "/",                "/" },
		{ "/",     "///",              "/" },
		{ "/",     "/a/b/",            "/a/b" },
		{ "/",     "/a//b/./c",        "/a/b/c" },
		{ "/",     "/a/../b",          "/b" },
		{ "/",     "/..",              "/" },
		{ "/",     "/../../etc",       "/etc" },
		{ "/",     "/a/b/../..",       "/" },
		{ "/",     "/...",             "/..." },
		{ "/",     "/.hidden/..x",     "/.hidden/..x" },
		{ "/home", "me",               "/home/me" },
		{ "/home", "../etc",           "/etc" },
		{ "/home", ".",                "/home" },
		{ "/home", "",                 "/home" },
		{ "/",     "a",                "/a" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		is(path_normal(arena, rows[i].base, rows[i].path), rows[i].normal,
		   "normal '%s' below %s", rows[i].path, rows[i].base);
}

int main(void)
{
	struct arena *arena = arena_new();

	test_normal(arena);
	is(path_join(arena, "/", "a"), "/a", "join at the top");
	is(path_join(arena, "/a", "b"), "/a/b", "join below");
	ok(path_is_within("/a/b", "/a") && path_is_within("/a", "/a"), "within");
	ok(path_is_within("/a", "/") && path_is_within("/", "/"), "all is within the top");
	ok(!path_is_within("/ab", "/a") && !path_is_within("/", "/a"), "not within");
	is(path_base_name("/a/b"), "b", "base name");
	is(path_base_name("b"), "b", "base name without a directory");
	ok(path_depth("/") == 0 && path_depth("/usr") == 1 && path_depth("/usr/lib") == 2, "depth");
	arena_free(arena);
	return done();
}
