/* test_diag.c - what a person (and a program) sees when something is wrong. */
#include "base/json.h"
#include "base/limits.h"
#include "diag/diag.h"
#include "tap.h"

#include <errno.h>

static struct arena *arena;

static struct source source_of(const char *name, const char *text)
{
	return (struct source){ .name = name, .text = text, .length = strlen(text), .first_line = 1 };
}

static const char *printed(const struct diags *d, bool colour)
{
	struct strbuf out = { .arena = arena };

	diags_print(d, &out, colour);
	return strbuf_text(&out);
}

/* The printed form of one error at that place, without the last line, which names its code. */
static const char *one_error(const struct source *source, uint32_t line, uint32_t column,
			     uint32_t length)
{
	struct origin origin = { .source = source, .line = line, .column = column, .length = length };
	static const char last[] = "help: 'cuddy explain-code C021' says what to do\n";
	const char *text;
	struct diags d;

	diags_init(&d, arena);
	diag_error(&d, "C021", &origin, "bad");
	text = printed(&d, false);
	must(str_ends(text, last));
	return arena_strndup(arena, text, strlen(text) - strlen(last));
}

static void test_many(void)
{
	struct diags d;
	const char *text;

	diags_init(&d, arena);
	for (unsigned i = 0; i < LIMIT_DIAGNOSTICS + 7; i++) {
		diag_warning(&d, "C130", NULL, "warning");
		diag_help(&d, "help of warning %u", i);
	}
	for (unsigned i = 0; i < LIMIT_DIAGNOSTICS + 5; i++) {
		diag_error(&d, "C021", NULL, "error");
		diag_note(&d, NULL, "note of error");
		diag_help(&d, "help of error %u", i);
	}
	text = printed(&d, false);
	ok(d.errors == LIMIT_DIAGNOSTICS + 5 && d.list.count == 3 * LIMIT_DIAGNOSTICS, "all are counted, not all kept");
	ok(strstr(text, "help of warning 99\n") && !strstr(text, "help of warning 100\n") &&
	   strstr(text, "help of error 99\n") && !strstr(text, "help of error 100\n"), "each kind has its limit");
	ok(str_ends(text, "cuddy: 12 more are not shown\n"), "and the rest is said");
}

static void test_carets(void)
{
	struct source s = source_of("a.toml", "x = 1\n\tkey = \"v\"\r\nlast");
	struct source wide = source_of("a.toml", "k = \"\xc3\xa4\x01\" z");
	struct source hole = { .name = "a.toml", .text = "a\0b", .length = 3, .first_line = 1 };
	struct source part = { .name = "a.toml", .text = "y = 2", .length = 5, .first_line = 7 };

	is(one_error(&s, 1, 5, 1), "a.toml:1:5: error[C021]: bad\nx = 1\n    ^\n", "one caret");
	is(one_error(&s, 2, 8, 3), "a.toml:2:8: error[C021]: bad\n\tkey = \"v\"\n\t      ^~~\n",
	   "tabs are kept, the carriage return is not");
	is(one_error(&s, 3, 5, 1), "a.toml:3:5: error[C021]: bad\nlast\n    ^\n", "behind the end");
	is(one_error(&s, 3, 1, 99), "a.toml:3:1: error[C021]: bad\nlast\n^~~~\n", "too long is clipped");
	is(one_error(&s, 3, 99, 0), "a.toml:3:99: error[C021]: bad\nlast\n    ^\n", "far behind the end");
	is(one_error(&s, 9, 1, 1), "a.toml:9:1: error[C021]: bad\n", "no such line");
	is(one_error(&s, 0, 0, 0), "a.toml: error[C021]: bad\n", "a file without a line");
	is(one_error(&wide, 1, 11, 1),
	   "a.toml:1:11: error[C021]: bad\nk = \"\xc3\xa4\\x01\" z\n            ^\n",
	   "columns count what is shown");
	is(one_error(&hole, 1, 3, 1), "a.toml:1:3: error[C021]: bad\na\\x00b\n     ^\n", "NUL is shown");
	is(one_error(&part, 7, 1, 1), "a.toml:7:1: error[C021]: bad\ny = 2\n^\n", "a part of a file");
	is(one_error(&part, 6, 1, 1), "a.toml:6:1: error[C021]: bad\n", "before that part");
}

static void test_long_line(void)
{
	char text[5001];
	struct source s;
	const char *got;

	for (size_t i = 0; i < 5000; i++)
		text[i] = (char)(i % 2 ? 0xa4 : 0xc3);
	text[5000] = '\0';
	s = source_of("long", text);
	got = one_error(&s, 1, 3001, 10);
	ok(strlen(got) < 500, "a long line is cut (%zu bytes)", strlen(got));
	ok(!strstr(got, "\\x"), "never within a character");
	ok(strstr(got, "...\xc3\xa4") && strstr(got, "\xa4...\n"), "and says so on both sides");
	ok(strstr(got, "^~~~~\n") && !strstr(got, "~~~~~"), "with its five characters underlined");
}

static void test_chain(struct diags *d)
{
	struct source base = source_of("base.toml", "a = 1\n"), top = source_of("top.toml", "\n");
	struct origin first = { .source = &top, .line = 1, .column = 8, .length = 1 };
	struct origin origin = { .source = &base, .line = 1, .column = 1, .length = 1, .via = &first };
	struct strbuf out = { .arena = arena };
	struct json json = { .out = &out };

	ok(diag_error(d, "C101", &origin, "unknown key '%s'", "a") == -EINVAL, "an error is -EINVAL");
	diag_note(d, &first, "first set here");
	diag_help(d, "did you mean '%s'?", "b");
	diag_warning(d, "C102", NULL, "hm");
	ok(d->errors == 1 && d->list.count == 3, "only errors are counted as such");
	is(printed(d, false),
	   "base.toml:1:1: error[C101]: unknown key 'a'\na = 1\n^\nincluded from top.toml:1:8\n"
	   "help: did you mean 'b'?\ntop.toml:1:8: note: first set here\n\n^\n"
	   "cuddy: warning[C102]: hm\n", "includes, help, note, no place");
	ok(strstr(printed(d, true), "\033[1;31merror[C101]:\033[0m"), "colour on request");
	is(origin_text(arena, &origin), "base.toml:1:1, included from top.toml:1:8", "origin_text");
	is(origin_text(arena, NULL), "", "origin_text of nothing");
	diags_print_json(d, &json, NULL);
	ok(strstr(out.text, "\"code\": \"C101\"") && strstr(out.text, "\"included-from\": [\n") &&
	   strstr(out.text, "\"help\": null"), "as JSON");
	ok(out.text[0] == '[' && str_ends(out.text, "]\n"), "an array of objects");
}

static void test_nearest(void)
{
	static const char *const names[] = { "read-only", "read-write", "execute", "deny" };

	is(diag_nearest("read-olny", names, 4), "read-only", "swapped letters");
	is(diag_nearest("exceute", names, 4), "execute", "and again");
	is(diag_nearest("deni", names, 4), "deny", "one edit in a short word");
	is(diag_nearest("dnei", names, 4), NULL, "not two");
	is(diag_nearest("networking", names, 4), NULL, "nothing is near");
	is(diag_nearest("", names, 4), NULL, "nor near nothing");
}

static void test_codes(void)
{
	const struct diag_code *row, *last = NULL;
	size_t count, bad = 0;

	for (count = 0; (row = diag_code_at(count)); count++) {
		if (strlen(row->code) != 4 || row->code[0] != 'C' || !row->title[0] || !row->text[0] ||
		    (last && strcmp(last->code, row->code) >= 0) || diag_code_find(row->code) != row) {
			printf("# bad or out of order: %s\n", row->code);
			bad++;
		}
		last = row;
	}
	ok(bad == 0, "the table of %zu codes is sorted, unique, complete", count);
	ok(!diag_code_find("C999") && !diag_code_find(""), "codes that don't exist");
	ok(!diag_code_at(count) && !diag_code_at((size_t)-1), "behind the last");
}

int main(void)
{
	struct diags d;

	arena = arena_new();
	diags_init(&d, arena);
	test_carets();
	test_many();
	test_long_line();
	test_chain(&d);
	test_nearest();
	test_codes();
	arena_free(arena);
	return done();
}
