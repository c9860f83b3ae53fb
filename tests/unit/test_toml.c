/* tests/unit/test_toml.c - the TOML parser: values, spans, refusals, limits, time. */
#include "base/limits.h"
#include "toml/toml.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static unsigned count, failures;

static void ok(bool good, const char *name)
{
	printf("%s %u - %s\n", good ? "ok" : "not ok", ++count, name);
	failures += !good;
}

static struct diags diags;
static struct source source;

static const struct toml_value *parse_bytes(struct arena *arena, const char *text, size_t length)
{
	const struct toml_value *root = NULL;
	int r;

	diags_init(&diags, arena);
	source = (struct source){ "test.toml", arena_strndup(arena, text, length), length, 1 };
	r = toml_parse(arena, &source, NULL, &diags, &root);
	must((r == 0) == (root != NULL) && (r == 0) == (diags.errors == 0));
	return root;
}

static const struct toml_value *parse(struct arena *arena, const char *text)
{
	return parse_bytes(arena, text, strlen(text));
}

/* --- refusals: text, and the codes and places of all errors ---------------------------------- */

static const struct {
	const char *text, *errors;
} refusals[] = {
	{ "a = 1\na = 2\n", "C019@2:1" },
	{ "a = 1\nb = \nc = 2\nd = tru\n", "C011@2:5 C012@4:5" },
	{ "a = \"x\nb = 1\na = 2", "C006@1:5" },
	{ "a = [1,\n 2 3]\nb = b\n", "C016@2:4" },
	{ "a = [x,\n 01, \"\\q\"]\nb = b\n", "C012@1:6 C012@2:2 C007@2:7 C012@3:5" },
	{ "a = { b = 1, }", "C017@1:14" },
	{ "a = { b = 1\n}", "C017@1:12" },
	{ "a = {}\na.b = 1", "C022@2:1" },
	{ "a = {}\n[a.b]", "C022@2:2" },
	{ "a = 1\na.b = 1", "C021@2:1" },
	{ "[a]\n[a]", "C020@2:2" },
	{ "[a]\nb.c = 1\n[a.b]", "C020@3:4" },
	{ "[a.b.c]\n[a]\nb.d = 1", "C022@3:1" },
	{ "a = []\n[[a]]", "C020@2:3" },
	{ "[[a]]\n[a]", "C020@2:2" },
	{ "[a.b]\n[[a]]", "C020@2:3" },
	{ "[[a] ]", "C018@1:5" },
	{ "[a\nx = 1\nx = 2", "C018@1:3 C019@3:1" },
	{ "a 1", "C010@1:3" },
	{ "a = 1 b = 2", "C015@1:7" },
	{ "= 1", "C009@1:1" },
	{ "\"\"\"a\"\"\" = 1", "C009@1:1" },
	{ "a = 9223372036854775808", "C013@1:5" },
	{ "a = -9223372036854775809", "C013@1:5" },
	{ "a = 0x8000000000000000", "C013@1:5" },
	{ "a = 1e400", "C023@1:5" },
	{ "a = 2023-02-29", "C014@1:5" },
	{ "a = 2100-02-29T00:00:00Z", "C014@1:5" },
	{ "a = 24:00:00", "C014@1:5" },
	{ "a = 1__0", "C012@1:5" },
	{ "a = \"\\ud800\"", "C008@1:6" },
	{ "a = \"\\U00110000\"", "C008@1:6" },
	{ "a = \"\\u12\"", "C008@1:6" },
	{ "a = \"\"\"x", "C006@1:5" },
	{ "a = 1 # \x01\nb = \x7f\r", "C004@1:9 C004@2:5" },
	{ "a = '\xff'\n\n# \xc0\x80", "C003@1:6 C003@3:3" },
	{ "\xff\xfe" "a", "C003@1:1" },
	{ "a = 1\rb = 2", "C004@1:6" },
};

static void test_refusals(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		CLEANUP(arena_freep) struct arena *arena = arena_new();
		struct strbuf got = { .arena = arena };

		parse(arena, refusals[i].text);
		for (size_t j = 0; j < diags.list.count; j++) {
			const struct diag *e = &diags.list.items[j];

			if (e->severity == SEVERITY_ERROR)
				strbuf_addf(&got, "%s%s@%u:%u", got.length ? " " : "", e->code,
					    e->origin->line, e->origin->column);
		}
		ok(str_equal(strbuf_text(&got), refusals[i].errors),
		   arena_printf(arena, "refused: %s", refusals[i].errors));
		if (!str_equal(strbuf_text(&got), refusals[i].errors))
			printf("# got %s\n", strbuf_text(&got));
	}
}

/* --- values ---------------------------------------------------------------------------------- */

static const struct {
	const char *text, *value;
} strings[] = {
	{ "\"a\\tb\\u00e9\\U0001F600\"", "a\tb\xc3\xa9\xf0\x9f\x98\x80" },
	{ "'a\\tb'", "a\\tb" },
	{ "\"\"\"\na\r\nb\"\"\"", "a\nb" },
	{ "\"\"\"a \\  \n\n   b\"\"\"", "a b" },
	{ "\"\"\"\"\"a\"\"\"\"\"", "\"\"a\"\"" },
	{ "'''''a'''''", "''a''" },
	{ "''''''", "" },
	{ "1987-07-05t17:45:00.120z", "1987-07-05T17:45:00.120Z" },
	{ "1987-07-05 17:45:00-08:00", "1987-07-05T17:45:00-08:00" },
	{ "2000-02-29", "2000-02-29" },
	{ "23:59:60", "23:59:60" },
};

static void test_values(struct arena *arena)
{
	const struct toml_value *root;

	for (size_t i = 0; i < ARRAY_SIZE(strings); i++) {
		root = parse(arena, arena_printf(arena, "a = %s # end", strings[i].text));
		ok(root && str_equal(root->first->string, strings[i].value) &&
			   root->first->length == strlen(strings[i].value),
		   arena_printf(arena, "string or date %zu", i));
	}
	root = parse(arena, "a = 9223372036854775807\nb = -9223372036854775808\nc = 0xDEAD_beef\n"
			    "d = 6.02_2e23\ne = -inf\nf = +nan\ng = true\nh = \"x\\u0000y\"\n");
	ok(root && toml_get(root, "a")->integer == INT64_MAX && toml_get(root, "b")->integer == INT64_MIN &&
		   toml_get(root, "c")->integer == 0xdeadbeef, "integers to the edge");
	ok(root && toml_get(root, "d")->real == 6.022e23 && toml_get(root, "e")->real == -INFINITY &&
		   isnan(toml_get(root, "f")->real), "floats");
	ok(root && toml_get(root, "g")->boolean && toml_get(root, "h")->length == 3, "boolean, NUL in a string");
	ok(root && !toml_get(root, "z") && !toml_get(toml_get(root, "g"), "a") && !toml_get(NULL, "a"),
	   "toml_get finds nothing where nothing is");
	ok(parse(arena, "") && parse(arena, "\xef\xbb\xbf") && parse(arena, "# x"), "empty texts");
	root = parse(arena, "[[a]]\nb = 1\n[a.c]\nd = 2\n[[a]]\n[e]\nf.g = 3\n[e.f.h]\ni = 4\n");
	ok(root && root->first->type == TOML_ARRAY && root->first->first->next &&
		   toml_get(toml_get(root->first->first, "c"), "d")->integer == 2 &&
		   toml_get(toml_get(toml_get(toml_get(root, "e"), "f"), "h"), "i")->integer == 4,
	   "tables, arrays of tables, dotted keys");
	ok(str_equal(toml_type_name(TOML_DATETIME), "datetime"), "type names");
}

static bool at(const struct origin *o, uint32_t line, uint32_t column, uint32_t length)
{
	return o->source == &source && o->line == line && o->column == column && o->length == length;
}

static void test_spans(struct arena *arena)
{
	const struct toml_value *root = parse(arena, "\xc3\xa4 = 1");
	const struct toml_value *v;
	struct origin via = { .line = 7, .column = 1 };

	ok(!root, "bare keys are ASCII");
	root = parse(arena, "'\xc3\xa4' = [ 12,\n\t'x' ]\n[ a . \"b\" ] # c\n  c.d = { e = true }\n[[f]]\n");
	ok(root && at(&root->first->key_origin, 1, 1, 4) && at(&root->first->origin, 1, 8, 12), "span of an array");
	ok(root && at(&root->first->first->origin, 1, 10, 2) && at(&root->first->first->next->origin, 2, 2, 3),
	   "spans of items");
	v = root ? toml_get(toml_get(root, "a"), "b") : NULL;
	ok(v && at(&v->key_origin, 3, 7, 3) && at(&v->origin, 3, 1, 11), "span of a table");
	v = v ? toml_get(toml_get(v, "c"), "d") : NULL;
	ok(v && at(&v->key_origin, 4, 5, 1) && at(&v->origin, 4, 9, 12) &&
		   at(&v->first->key_origin, 4, 11, 1) && at(&v->first->origin, 4, 15, 4), "spans inside");
	v = root ? toml_get(root, "f") : NULL;
	ok(v && at(&v->origin, 5, 1, 5) && at(&v->first->origin, 5, 1, 5), "span of an array of tables");

	source.first_line = 40;
	ok(toml_parse(arena, &source, &via, &diags, &root) == 0 && root->first->origin.line == 40 &&
		   root->first->origin.via == &via, "first line and via");
}

/* --- limits ---------------------------------------------------------------------------------- */

static const char *repeat(struct arena *arena, const char *a, size_t n, const char *middle, const char *b)
{
	struct strbuf out = { .arena = arena };

	for (size_t i = 0; i < n; i++)
		strbuf_add(&out, a);
	strbuf_add(&out, middle);
	for (size_t i = 0; i < n; i++)
		strbuf_add(&out, b);
	return strbuf_text(&out);
}

static bool refused(const char *code, const char *limit)
{
	return diags.errors && str_equal(diags.list.items[0].code, code) &&
	       strstr(diags.list.items[0].message, limit);
}

static void test_limits(struct arena *arena)
{
	static const struct { const char *start, *a, *middle, *b; size_t most; } depths[] = {
		{ "a = ", "[", "", "]", LIMIT_TOML_DEPTH },
		{ "", "a.", "a = 1", "", LIMIT_TOML_DEPTH },
		{ "[", "a.", "a]", "", LIMIT_TOML_DEPTH - 1 },
		{ "[[", "a.", "a]]", "", LIMIT_TOML_DEPTH - 2 },
		{ "a = ", "{ a = ", "1", "}", LIMIT_TOML_DEPTH },
	};
	char *big = arena_alloc(arena, LIMIT_FILE_SIZE + 2);
	struct strbuf errors = { .arena = arena };

	for (size_t i = 0; i < ARRAY_SIZE(depths); i++) {
		for (size_t more = 0; more < 2; more++) {
			const char *text = arena_printf(arena, "%s%s", depths[i].start,
							repeat(arena, depths[i].a, depths[i].most + more,
							       depths[i].middle, depths[i].b));
			bool good = parse(arena, text) != NULL;

			ok(more ? refused("C002", "LIMIT_TOML_DEPTH") : good,
			   arena_printf(arena, "depth, form %zu, %s", i, more ? "one above" : "at the limit"));
		}
	}
	memset(big, '#', LIMIT_FILE_SIZE + 1);
	ok(parse_bytes(arena, big, LIMIT_FILE_SIZE), "file at the size limit");
	parse_bytes(arena, big, LIMIT_FILE_SIZE + 1);
	ok(refused("C001", "LIMIT_FILE_SIZE"), "file one byte above");
	for (size_t i = 0; i < LIMIT_TOML_ERRORS; i++)
		strbuf_add(&errors, "x\n");
	parse(arena, errors.text);
	ok(diags.errors == LIMIT_TOML_ERRORS, "as many errors as are shown");
	strbuf_add(&errors, "x\nx\nx\n");
	parse(arena, errors.text);
	ok(diags.errors == LIMIT_TOML_ERRORS + 1 &&
		   str_equal(diags.list.items[diags.list.count - 1].code, "C005"), "too many errors");
}

/* --- time ------------------------------------------------------------------------------------ */

static void test_time(void)
{
	static const char *const forms[] = { "k%x=1\n", "[a%x]\n", "a.b%x=1\n", "[[a]]\n#%x\n", "'%x'=[[]]\n" };

	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		CLEANUP(arena_freep) struct arena *arena = arena_new();
		struct strbuf out = { .arena = arena };
		clock_t start;
		double seconds;

		for (unsigned n = 0; out.length < LIMIT_FILE_SIZE - 32; n++)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
			strbuf_add(&out, arena_printf(arena, forms[i], n));
#pragma GCC diagnostic pop
		start = clock();
		ok(parse(arena, out.text), "a megabyte parses");
		seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
		printf("# %.3f s\n", seconds);
		ok(seconds < 5, "in linear time");
	}
}

int main(void)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();

	test_refusals();
	test_values(arena);
	test_spans(arena);
	test_limits(arena);
	test_time();
	printf("1..%u\n", count);
	return failures != 0;
}
