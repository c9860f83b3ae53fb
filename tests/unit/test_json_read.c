/* test_json_read.c - JSON of others: what is read, what is refused, and the limits. */
#include "base/json_read.h"
#include "base/limits.h"
#include "base/text.h"
#include "tap.h"

static struct arena *arena;

static const struct json_value *parse(const char *text, size_t length)
{
	const struct json_value *value = NULL;
	const char *error = NULL;
	int r = json_parse(arena, text, length, &value, &error);

	must((r == 0) == (value != NULL) && (r == 0) == (error == NULL));
	return value;
}

static void test_document(void)
{
	static const char text[] =
		" { \"a\" : [ 1 , -2, 0, true,false,null, \"x\" ], \"b\":{\"c\":\"\\u00e4\\ud83d\\ude00\\n\"} ,"
		"\"big\": 9223372036854775807, \"huge\": 9223372036854775808, \"real\": 1.5e+3 } \n";
	const struct json_value *root = parse(text, strlen(text)), *item;

	if (!ok(root != NULL, "a document with everything"))
		return;
	item = json_items(json_get(root, "a"));
	ok(item->integer == 1 && item->next->integer == -2, "numbers");
	item = item->next->next->next;
	ok(item->type == JSON_BOOL && item->boolean && !item->next->boolean, "true and false");
	ok(item->next->next->type == JSON_NULL, "null");
	is(item->next->next->next->string, "x", "a string");
	is(json_get_string(json_get(root, "b"), "c"), "\xc3\xa4\xf0\x9f\x98\x80\n", "escapes");
	ok(json_get_size(root, "big") == INT64_MAX, "the largest number");
	ok(json_get_size(root, "huge") == -1, "a larger one is none");
	ok(json_get_size(root, "real") == -1, "nor is a fraction");
	ok(!json_get(root, "none") && !json_get(NULL, "a") && !json_items(root), "what is not there");
	is(json_get_string(root, "a"), NULL, "a list is no string");
}

static void test_refused(void)
{
	static const char *const texts[] = {
		"", " ", "{", "[", "]", "[1", "[1,", "[1,]", "{\"a\"", "{\"a\":", "{\"a\":1,}", "{a:1}", "{1:1}",
		"\"", "\"\\", "\"\\\"", "\"\\q\"", "\"\\u12\"", "\"\\u0000\"", "\"\\ud800\"", "\"\\udc00\"",
		"\"\\ud800\\u0041\"", "\"\\ud800\\n\"", "\"a\nb\"", "\"\xff\"", "\"\xed\xa0\x80\"",
		"\xef\xbb\xbf{}", "01", "-", "+1", ".5", "1.", "1e", "1e+", "0x10", "1 2", "[] []", "truefalse",
		"tru", "nul", "True", "NaN", "Infinity", "'a'", "// x", "{\"a\":1,\"a\":2}", "{\"a\":1 \"b\":2}",
		"[1 2]", "{\"a\" 1}", "\"\\u\x10\x10\x10\x10\"",
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		ok(!parse(texts[i], strlen(texts[i])), "refused: row %zu", i);
	ok(!parse("[1]\0", 4), "refused: NUL behind the value");
	ok(!parse("\"a\0b\"", 5), "refused: NUL in a string");
}

static bool values(size_t count)
{
	struct strbuf out = { .arena = arena };

	for (size_t i = 1; i < count; i++)
		strbuf_add(&out, i == 1 ? "[0" : ",0");
	strbuf_add(&out, "]");
	return parse(out.text, out.length) != NULL;
}

static bool members(size_t count)
{
	struct strbuf out = { .arena = arena };

	for (size_t i = 0; i < count; i++)
		strbuf_addf(&out, "%s\"%zu\":0", i ? "," : "{", i);
	strbuf_add(&out, "}");
	return parse(out.text, out.length) != NULL;
}

static bool nested(size_t depth)
{
	struct strbuf out = { .arena = arena };

	for (size_t i = 0; i < 2 * depth; i++)
		strbuf_add(&out, i < depth ? "[" : "]");
	return parse(out.text, out.length) != NULL;
}

static bool long_text(size_t length)
{
	char *text = arena_alloc(arena, length);

	memset(text, ' ', length);
	text[0] = '1';
	return parse(text, length) != NULL;
}

static void test_limits(void)
{
	ok(nested(LIMIT_JSON_DEPTH), "as deep as may be");
	ok(!nested(LIMIT_JSON_DEPTH + 1), "deeper");
	ok(values(LIMIT_JSON_VALUES), "as many values as may be");
	ok(!values(LIMIT_JSON_VALUES + 1), "one more");
	ok(members(LIMIT_JSON_MEMBERS), "as many members as may be");
	ok(!members(LIMIT_JSON_MEMBERS + 1), "one more");
	ok(long_text(LIMIT_JSON_SIZE), "as long as may be");
	ok(!long_text(LIMIT_JSON_SIZE + 1), "one byte more");
}

int main(void)
{
	arena = arena_new();
	test_document();
	test_refused();
	test_limits();
	arena_free(arena);
	return done();
}
