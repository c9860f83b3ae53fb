/* test_text.c - strings: comparing, building, quoting. */
#include "base/text.h"
#include "tap.h"

static struct arena *arena;

static void test_kebab(void)
{
	static const struct { const char *from, *to; } rows[] = {
		{ "ReadOnly",   "read-only" },
		{ "read_only",  "read-only" },
		{ "READ-ONLY",  "read-only" },
		{ "read-only",  "read-only" },
		{ "LogOnWrite", "log-on-write" },
		{ "X11",        "x11" },
		{ "ipv4Only",   "ipv4-only" },
		{ "",           "" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		is(str_kebab(arena, rows[i].from, strlen(rows[i].from)), rows[i].to,
		   "kebab '%s'", rows[i].from);
}

static void test_distance(void)
{
	char longest[66];

	ok(str_distance("abc", "abc", 3) == 0, "the same");
	ok(str_distance("abc", "acb", 3) == 1, "a swap is one edit");
	ok(str_distance("abc", "abcd", 3) == 1 && str_distance("abcd", "abc", 3) == 1, "insert, drop");
	ok(str_distance("", "abc", 5) == 3, "from nothing");
	ok(str_distance("abc", "xyz", 1) == 2, "never above most + 1");
	memset(longest, 'a', 65);
	longest[65] = '\0';
	ok(str_distance(longest, longest, 3) == 4, "65 bytes are too long");
	ok(str_distance(longest + 1, longest + 1, 3) == 0, "64 are not");
}

static void test_quote(void)
{
	static const struct { const char *from, *to, *name; } rows[] = {
		{ "plain /path",        "plain /path",          "plain" },
		{ "\xc3\xa4\xe2\x82\xac", "\xc3\xa4\xe2\x82\xac", "UTF-8" },
		{ "a\nb\033[1m\x7f",    "a\\x0ab\\x1b[1m\\x7f", "control characters" },
		{ "\xe2\x80\xae",       "\\xe2\\x80\\xae",      "right-to-left override" },
		{ "\xc2\x9b",           "\\xc2\\x9b",           "C1 control" },
		{ "\xff\xc3",           "\\xff\\xc3",           "not UTF-8" },
		{ NULL,                 "",                     "NULL" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		is(str_quote(arena, rows[i].from), rows[i].to, "quote: %s", rows[i].name);
}

static void test_utf8(void)
{
	static const struct { const char *text; size_t length; const char *name; } rows[] = {
		{ "a",                1, "ASCII" },
		{ "",                 0, "the end" },
		{ "\xc3\xa4",         2, "two bytes" },
		{ "\xe2\x82\xac",     3, "three" },
		{ "\xf0\x9f\x98\x80", 4, "four" },
		{ "\xc0\x80",         0, "overlong NUL" },
		{ "\xe0\x80\x80",     0, "overlong" },
		{ "\xed\xa0\x80",     0, "surrogate" },
		{ "\xf4\x90\x80\x80", 0, "above U+10FFFF" },
		{ "\x80",             0, "continuation alone" },
		{ "\xe2\x82",         0, "cut short" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		ok(str_utf8_length(rows[i].text) == rows[i].length, "utf8: %s", rows[i].name);
}

static void test_strbuf(void)
{
	struct strbuf out = { .arena = arena };

	is(strbuf_text(&out), "", "an empty buffer is text");
	for (int i = 0; i < 1000; i++)
		strbuf_addf(&out, "%d,", i % 10);
	strbuf_add_bytes(&out, "end and more", 3);
	ok(out.length == 2003 && strlen(out.text) == 2003, "it grows");
	ok(str_starts(out.text, "0,1,2,") && str_ends(out.text, "9,end"), "and keeps what it has");
}

int main(void)
{
	arena = arena_new();
	ok(str_equal("a", "a") && !str_equal("a", "b") && str_equal(NULL, NULL) && !str_equal("a", NULL),
	   "str_equal");
	ok(str_starts("abc", "ab") && str_starts("abc", "") && !str_starts("a", "ab"), "str_starts");
	ok(str_ends("abc", "bc") && str_ends("abc", "") && !str_ends("c", "bc"), "str_ends");
	test_kebab();
	test_distance();
	test_quote();
	test_utf8();
	test_strbuf();
	arena_free(arena);
	return done();
}
