/* tests/unit/test_toml_edit.c - edits change what they must and no other byte. */
#include "base/limits.h"
#include "toml/toml.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static unsigned count, failures;

static void ok(bool good, const char *name)
{
	printf("%s %u - %s\n", good ? "ok" : "not ok", ++count, name);
	failures += !good;
}

typedef int edit_function(struct arena *, const struct source *, const char *, const char *,
			  struct diags *, char **);

static const struct {
	const char *name;
	edit_function *edit;
	const char *path, *value, *before, *after; /* after NULL: refused */
} cases[] = {
	{ "set: replace", toml_set_string, "a.b", "new", "# c\n[a] # d\n  b  =  'old' # e\nc = 1\n",
	  "# c\n[a] # d\n  b  =  \"new\" # e\nc = 1\n" },
	{ "set: same value, same bytes", toml_set_string, "a", "x", "a = 'x'", "a = 'x'" },
	{ "set: escapes", toml_set_string, "a", "\"\\\n\x7f", "a = ''", "a = \"\\\"\\\\\\u000A\\u007F\"" },
	{ "set: empty text", toml_set_string, "a", "x", "", "a = \"x\"\n" },
	{ "set: new section in an empty text", toml_set_string, "a.'b c'.d", "x", "",
	  "[a.\"b c\"]\nd = \"x\"\n" },
	{ "set: behind the last key", toml_set_string, "z", "x", "a = 1 # one\n\n[t]\nb = 2\n",
	  "a = 1 # one\nz = \"x\"\n\n[t]\nb = 2\n" },
	{ "set: before the first header", toml_set_string, "z", "x", "# file\n\n# about t\n[t]\n",
	  "# file\n\nz = \"x\"\n\n# about t\n[t]\n" },
	{ "set: into a section, indented", toml_set_string, "t.z", "x", "[t]\n\tb = [\n1 ] # c\n# end\n[u]\n",
	  "[t]\n\tb = [\n1 ] # c\n\tz = \"x\"\n# end\n[u]\n" },
	{ "set: no newline at the end", toml_set_string, "t.z", "x", "[t]\nb = 2",
	  "[t]\nb = 2\nz = \"x\"\n" },
	{ "set: carriage returns", toml_set_string, "t.z", "x", "[t]\r\nb = 2\r\n[u]\r\n",
	  "[t]\r\nb = 2\r\nz = \"x\"\r\n[u]\r\n" },
	{ "set: byte order mark", toml_set_string, "z", "x", "\xef\xbb\xbf[t]\n",
	  "\xef\xbb\xbfz = \"x\"\n\n[t]\n" },
	{ "set: into an implicit table", toml_set_string, "t.z", "x", "[t.u]\nb = 2\n",
	  "[t.u]\nb = 2\n\n[t]\nz = \"x\"\n" },
	{ "set: into a dotted table", toml_set_string, "s.t.u.z", "x", "[s]\nt.u.v = 1\nw = 2\n[y]\n",
	  "[s]\nt.u.v = 1\nw = 2\nt.u.z = \"x\"\n[y]\n" },
	{ "set: into an inline table", toml_set_string, "t.u.z", "x", "t = { u.v = 1 } # c\n",
	  "t = { u.v = 1, u.z = \"x\" } # c\n" },
	{ "set: into an empty inline table", toml_set_string, "t.u.z", "x", "t = {}\n",
	  "t = { u.z = \"x\" }\n" },
	{ "set: another type", toml_set_string, "a", "x", "a = 1", NULL },
	{ "set: through a value", toml_set_string, "a.b", "x", "a = 1", NULL },
	{ "set: through an array of tables", toml_set_string, "a.b", "x", "[[a]]\nb = 'y'", NULL },
	{ "set: bad path", toml_set_string, "a..b", "x", "", NULL },
	{ "set: path with more behind", toml_set_string, "a b", "x", "", NULL },
	{ "set: bad text", toml_set_string, "a", "x", "b = ", NULL },
	{ "set: not UTF-8", toml_set_string, "a", "\xff", "", NULL },
	{ "set: too deep", toml_set_string, "a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a",
	  "x", "", NULL },

	{ "append: to one line", toml_append, "a", "z", "a = ['x', 'y' ] # c\n", "a = ['x', 'y', \"z\" ] # c\n" },
	{ "append: to one line, last comma", toml_append, "a", "z", "a = ['x',]", "a = ['x', \"z\",]" },
	{ "append: to an empty array", toml_append, "a", "z", "a = []", "a = [\"z\"]" },
	{ "append: to lines", toml_append, "a", "z", "a = [\n  'x', # about x\n  'y', # about y\n]\n",
	  "a = [\n  'x', # about x\n  'y', # about y\n  \"z\",\n]\n" },
	{ "append: to lines without the last comma", toml_append, "a", "z", "a = [\n\t'x' # about x\n]\n",
	  "a = [\n\t'x', # about x\n\t\"z\"\n]\n" },
	{ "append: to lines, closed behind the item", toml_append, "a", "z", "a = [\n 'x', ] # c\n",
	  "a = [\n 'x',\n \"z\", ] # c\n" },
	{ "append: no duplicates", toml_append, "a", "x", "a = [ \"\\u0078\" ]", "a = [ \"\\u0078\" ]" },
	{ "append: made if absent", toml_append, "t.a", "x", "[t]\n", "[t]\na = [\"x\"]\n" },
	{ "append: not an array", toml_append, "a", "x", "a = 'x'", NULL },
	{ "append: not of strings", toml_append, "a", "x", "a = ['y', 1]", NULL },
	{ "append: array of tables", toml_append, "a", "x", "[[a]]", NULL },

	{ "remove: first item", toml_remove, "a", "x", "a = ['x', 'y'] # c", "a = ['y'] # c" },
	{ "remove: middle item", toml_remove, "a", "y", "a = ['x', 'y', 'z']", "a = ['x', 'z']" },
	{ "remove: last item", toml_remove, "a", "y", "a = ['x', 'y' ]", "a = ['x' ]" },
	{ "remove: only item", toml_remove, "a", "x", "a = ['x']", "a = []" },
	{ "remove: all of them", toml_remove, "a", "x", "a = ['x', 'y', 'x', 'x']", "a = ['y', ]" },
	{ "remove: a line", toml_remove, "a", "x", "a = [\n  # list\n  'x', # about x\n  'y' # about y\n]\n",
	  "a = [\n  # list\n  'y' # about y\n]\n" },
	{ "remove: the last line", toml_remove, "a", "y", "a = [\n  'x', # about x\n  'y' # about y\n]\n",
	  "a = [\n  'x', # about x\n]\n" },
	{ "remove: absent item", toml_remove, "a", "z", "a = ['x'] ", "a = ['x'] " },
	{ "remove: absent key", toml_remove, "b.c", NULL, "a = ['x'] ", "a = ['x'] " },
	{ "remove: item of another type", toml_remove, "a", "z", "a = 'z'", NULL },
	{ "remove: key", toml_remove, "t.a", NULL, "[t] # c\na = [\n1 ] # d\n# e\nb = 2",
	  "[t] # c\n# e\nb = 2" },
	{ "remove: section and those below", toml_remove, "t", NULL,
	  "a = 1\n[t]\nb = 2\n# in\nc = 3\n\n[u]\n[t.v]\nd = 4\n# end\n", "a = 1\n\n[u]\n# end\n" },
	{ "remove: array of tables", toml_remove, "t", NULL, "[[t]]\na = 1\n[u]\n[[t]]\n", "[u]\n" },
	{ "remove: dotted table", toml_remove, "t.u", NULL, "t.u.a = 1\nt.b = 2\nt.u.c = { d = 1 }\n",
	  "t.b = 2\n" },
	{ "remove: first member", toml_remove, "t.a", NULL, "t = { a = 1, b = 2 }", "t = { b = 2 }" },
	{ "remove: last members", toml_remove, "t.a", NULL, "t = { b = 2, a.x = 1 , a.y = 2 }", "t = { b = 2 }" },
	{ "remove: only member", toml_remove, "t.a", NULL, "t = { a = 1 }", "t = {  }" },
	{ "remove: keeps the byte order mark", toml_remove, "a", NULL, "\xef\xbb\xbf" "a = 1\nb = 2\n",
	  "\xef\xbb\xbf" "b = 2\n" },
};

static void test_cases(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(arena_freep) struct arena *arena = arena_new();
		struct source source = { "test.toml", cases[i].before, strlen(cases[i].before), 1 };
		struct diags d;
		char *text = NULL;
		bool good;
		int r;

		diags_init(&d, arena);
		r = cases[i].edit(arena, &source, cases[i].path, cases[i].value, &d, &text);
		good = cases[i].after ? r == 0 && !d.errors && str_equal(text, cases[i].after)
				      : r == -EINVAL && d.errors && !text;
		ok(good, cases[i].name);
		if (!good)
			printf("# %d %s %s\n", r, d.errors ? d.list.items[0].message : "",
			       text ? str_quote(arena, text) : "(none)");
	}
}

/* An edit may not make a file that is too large to be read again. */
static void test_size(void)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	static const char line[] = "a = \"x\"\n";
	char *big = arena_alloc(arena, LIMIT_FILE_SIZE + 1), *text = NULL;
	struct source source = { "test.toml", big, LIMIT_FILE_SIZE - (sizeof(line) - 1), 1 };
	struct diags d;

	diags_init(&d, arena);
	memset(big, '\n', LIMIT_FILE_SIZE - (sizeof(line) - 1));
	ok(toml_set_string(arena, &source, "a", "x", &d, &text) == 0 && strlen(text) == LIMIT_FILE_SIZE,
	   "an edit up to the size limit");
	text = NULL;
	ok(toml_set_string(arena, &source, "a", "xx", &d, &text) == -EINVAL && !text &&
		   str_equal(d.list.items[0].code, "C001"), "an edit one byte above");
}

int main(void)
{
	test_cases();
	test_size();
	printf("1..%u\n", count);
	return failures != 0;
}
