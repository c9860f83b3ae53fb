/* test_view.c - the view of the file system that a set of rules gives, compared as text. */
#include "backend/view.h"
#include "base/path.h"
#include "tap.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char top[] = "/tmp/cuddy-view-XXXXXX";

/* One rule; patterns are below the directory of this test. */
struct line { enum effect effect; unsigned access; enum place place; const char *pattern; };
#define R ACCESS_READ
#define W ACCESS_WRITE
#define X ACCESS_EXECUTE
#define ALL (R | W | X)

static void make(const char *path)
{
	char full[512];

	snprintf(full, sizeof(full), "%s%s", top, path);
	if (full[strlen(full) - 1] == '/') {
		if (mkdir(full, 0755) < 0)
			exit(2);
	} else {
		close(open(full, O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
	}
}

static void print_entry(struct strbuf *out, const struct view_entry *e)
{
	static const char *const kinds[] = { "dir", "link", "bind", "change", "mask" };
	const char *path = str_starts(e->path, top) ? e->path + strlen(top) : e->path;

	strbuf_addf(out, "%s %s %s%s%s%s;", kinds[e->kind], path, e->access & R ? "r" : "",
		    e->access & W ? "w" : "", e->access & X ? "x" : "",
		    e->is_directory ? "/" : "");
}

static void check(const char *name, const struct line *lines, size_t count, const char *expected)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct policy policy = { .arena = arena };
	struct strbuf out = { .arena = arena };
	struct diags d;
	struct view view;
	VEC(struct rule) rules = { 0 };
	static const struct origin nowhere;

	diags_init(&d, arena);
	for (size_t i = 0; i < count; i++) {
		char *pattern = arena_printf(arena, "%s%s", top, lines[i].pattern);
		struct rule rule = { .kind = KIND_FILE, .effect = lines[i].effect,
				     .access = lines[i].access, .place = lines[i].place,
				     .pattern = pattern, .origin = &nowhere };

		glob_compile(arena, pattern, &nowhere, &d, &rule.glob);
		*vec_push(arena, &rules) = rule;
	}
	policy.rules = rules.items;
	policy.rule_count = rules.count;
	if (view_build(arena, &policy, &(struct cage){ 0 }, &d, &view) < 0)
		strbuf_add(&out, "error");
	else
		for (size_t i = 0; i < view.count; i++)
			print_entry(&out, &view.entries[i]);
	ok(strcmp(strbuf_text(&out), expected) == 0, "%s: %s", name, strbuf_text(&out));
}
#define CHECK(name, expected, ...)                                       \
	do {                                                             \
		const struct line lines_[] = { __VA_ARGS__ };            \
		check(name, lines_, ARRAY_SIZE(lines_), expected);       \
	} while (0)

int main(void)
{
	if (!mkdtemp(top))
		return 2;
	make("/a/");
	make("/a/b/");
	make("/a/b/f");
	make("/a/x.png");
	make("/a/y.txt");
	if (symlinkat("a", open(top, O_PATH | O_CLOEXEC), "l") < 0)
		return 2;

	CHECK("a tree", "bind /a rx/;", { EFFECT_ALLOW, R | X, PLACE_HOST, "/a/**" });
	CHECK("one file", "bind /a/y.txt r;", { EFFECT_ALLOW, R, PLACE_HOST, "/a/y.txt" });
	CHECK("a partial glob", "bind /a/x.png r;", { EFFECT_ALLOW, R, PLACE_HOST, "/a/*.png" });
	CHECK("missing is skipped", "", { EFFECT_ALLOW, R, PLACE_HOST, "/none/**" });
	CHECK("a deeper allow widens", "bind /a r/;change /a/b rw/;",
	      { EFFECT_ALLOW, R, PLACE_HOST, "/a/**" }, { EFFECT_ALLOW, R | W, PLACE_HOST, "/a/b/**" });
	CHECK("a deeper allow never narrows", "bind /a rw/;",
	      { EFFECT_ALLOW, R | W, PLACE_HOST, "/a/**" }, { EFFECT_ALLOW, R, PLACE_HOST, "/a/b/**" });
	CHECK("deny inside", "bind /a rwx/;mask /a/b /;",
	      { EFFECT_ALLOW, ALL, PLACE_HOST, "/a/**" }, { EFFECT_DENY, ALL, PLACE_HOST, "/a/b/**" });
	CHECK("deny above wins", "", { EFFECT_ALLOW, ALL, PLACE_HOST, "/a/b/**" },
	      { EFFECT_DENY, ALL, PLACE_HOST, "/a/**" });
	CHECK("deny-write", "bind /a rw/;change /a/b r/;", { EFFECT_ALLOW, R | W, PLACE_HOST, "/a/**" },
	      { EFFECT_DENY, W, PLACE_HOST, "/a/b/**" });
	CHECK("a deny pins what is above it", "bind /a rw/;change /a/b rw/;change /a/b/f r;",
	      { EFFECT_ALLOW, R | W, PLACE_HOST, "/a/**" }, { EFFECT_DENY, W, PLACE_HOST, "/a/b/f*" });
	CHECK("an allow answers an ask", "bind /a r/;",
	      { EFFECT_ALLOW, R, PLACE_HOST, "/a/**" }, { EFFECT_ASK, ALL, PLACE_HOST, "/a/y.txt" });
	CHECK("an ask grants nothing", "", { EFFECT_ASK, ALL, PLACE_HOST, "/a/**" });
	CHECK("through a link", "link /l ;bind /a r/;", { EFFECT_ALLOW, R, PLACE_HOST, "/l/**" });
	CHECK("deny through a link", "bind /a r/;mask /a/b /;",
	      { EFFECT_ALLOW, R, PLACE_HOST, "/a/**" }, { EFFECT_DENY, ALL, PLACE_HOST, "/l/b/**" });
	CHECK("a missing deny freezes", "dir /a rw/;bind /a/b rw/;bind /a/x.png rw;bind /a/y.txt rw;",
	      { EFFECT_ALLOW, R | W, PLACE_HOST, "/a/**" }, { EFFECT_DENY, ALL, PLACE_HOST, "/a/new" });
	CHECK("a missing deny behind a link freezes what it leads to",
	      "dir /a rw/;bind /a/b rw/;bind /a/x.png rw;bind /a/y.txt rw;",
	      { EFFECT_ALLOW, R | W, PLACE_HOST, "/a/**" }, { EFFECT_DENY, ALL, PLACE_HOST, "/l/new" });
	CHECK("a partial glob below a link", "link /l ;bind /a/y.txt r;",
	      { EFFECT_ALLOW, R, PLACE_HOST, "/l/*.txt" });
	CHECK("a missing deny in a read-only tree", "bind /a r/;",
	      { EFFECT_ALLOW, R, PLACE_HOST, "/a/**" }, { EFFECT_DENY, ALL, PLACE_HOST, "/a/new" });
	CHECK("a temporary place", "bind /t rwx/;", { EFFECT_ALLOW, ALL, PLACE_TEMPORARY, "/t/**" });
	CHECK("a host tree in a temporary place", "bind  rwx/;bind /a r/;",
	      { EFFECT_ALLOW, ALL, PLACE_TEMPORARY, "/**" }, { EFFECT_ALLOW, R, PLACE_HOST, "/a/**" });
	CHECK("a deny in a temporary place", "bind /t rwx/;mask /t/s /;",
	      { EFFECT_ALLOW, ALL, PLACE_TEMPORARY, "/t/**" }, { EFFECT_DENY, ALL, PLACE_HOST, "/t/s/**" });

	if (chdir(top) == 0)
		(void)!system("rm -rf a l");
	rmdir(top);
	return done();
}
