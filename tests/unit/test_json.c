/* test_json.c - JSON that is always valid. */
#include "base/json.h"
#include "tap.h"

static struct arena *arena;

static void test_document(void)
{
	struct strbuf out = { .arena = arena };
	struct json json = { .out = &out };

	json_object(&json, NULL);
	json_string(&json, "name", "a");
	json_string(&json, "none", NULL);
	json_number(&json, "n", -9223372036854775807LL - 1);
	json_array(&json, "list");
	json_bool(&json, NULL, true);
	json_bool(&json, NULL, false);
	json_object(&json, NULL);
	json_end_object(&json);
	json_end_array(&json);
	json_array(&json, "empty");
	json_end_array(&json);
	json_end_object(&json);
	is(strbuf_text(&out),
	   "{\n  \"name\": \"a\",\n  \"none\": null,\n  \"n\": -9223372036854775808,\n"
	   "  \"list\": [\n    true,\n    false,\n    {}\n  ],\n  \"empty\": []\n}\n",
	   "a document with everything");
}

static void test_escapes(void)
{
	static const struct { const char *from, *to, *name; } rows[] = {
		{ "a\"b\\c/",      "[\n  \"a\\\"b\\\\c/\"\n]\n",         "quotes and backslashes" },
		{ "\b\f\n\r\t",    "[\n  \"\\b\\f\\n\\r\\t\"\n]\n",      "short escapes" },
		{ "\x01\x1f\x7f",  "[\n  \"\\u0001\\u001f\\u007f\"\n]\n", "control characters" },
		{ "\xc3\xa4",      "[\n  \"\xc3\xa4\"\n]\n",             "UTF-8 stays" },
		{ "a\xff" "b",     "[\n  \"a\xef\xbf\xbd" "b\"\n]\n",    "what is not UTF-8 does not" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct strbuf out = { .arena = arena };
		struct json json = { .out = &out };

		json_array(&json, NULL);
		json_string(&json, NULL, rows[i].from);
		json_end_array(&json);
		is(strbuf_text(&out), rows[i].to, "%s", rows[i].name);
	}
}

int main(void)
{
	arena = arena_new();
	test_document();
	test_escapes();
	arena_free(arena);
	return done();
}
