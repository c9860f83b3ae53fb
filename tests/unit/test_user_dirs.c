/* tests/unit/test_user_dirs.c - the user's folders as user-dirs.dirs names them, well or badly. */
#include "profile/user_dirs.h"

#include "base/limits.h"
#include "tap.h"
#include "tree.h"
#include <unistd.h>

static char file[] = "/tmp/cuddy-user-dirs-XXXXXX";
static const char home[] = "/home/me";

static void write_file(const char *text, size_t length)
{
	FILE *out = fopen(file, "w");

	if (!out || fwrite(text, 1, length, out) != length || fclose(out))
		abort();
}

static const char *value_of(struct arena *arena, const char *name, const char *const *environment)
{
	struct profile_variable v[USER_DIRS_COUNT];

	user_dirs_read(arena, file, home, (char *const *)environment, v);
	for (size_t i = 0; i < USER_DIRS_COUNT; i++)
		if (strcmp(v[i].name, name) == 0)
			return v[i].value;
	return NULL;
}

static const struct { const char *text, *value; } rows[] = {
	{ "", "/home/me/Downloads" },
	{ "XDG_DOWNLOAD_DIR=\"$HOME/Loads\"\n", "/home/me/Loads" },
	{ "XDG_DOWNLOAD_DIR=\"$HOME/Loads\"", "/home/me/Loads" },
	{ "# XDG_DOWNLOAD_DIR=\"$HOME/No\"\n \tXDG_DOWNLOAD_DIR = \"/data/x\"\n", "/data/x" },
	{ "XDG_DOWNLOAD_DIR=\"$HOME/a\"\nXDG_DOWNLOAD_DIR=\"$HOME/b\"\n", "/home/me/b" },
	{ "XDG_DOWNLOAD_DIR=\"$HOME/a \\\"b\\\" \\$c\"\n", "/home/me/a \"b\" $c" },
	{ "XDG_DOWNLOAD_DIR=\"$HOME/T\xc3\xa9l\xc3\xa9\"\n", "/home/me/T\xc3\xa9l\xc3\xa9" },
	{ "XDG_DOWNLOAD_DIR=\"$HOME//a//b/./c/\"\n", "/home/me/a/b/c" },
	/* there is no such folder */
	{ "XDG_DOWNLOAD_DIR=\"$HOME/\"\n", "" },
	{ "XDG_DOWNLOAD_DIR=\"$HOME\"\n", "" },
	{ "XDG_DOWNLOAD_DIR=\"/home/me\"\n", "" },
	{ "XDG_DOWNLOAD_DIR=\"$HOME/.\"\n", "" },
	{ "XDG_DOWNLOAD_DIR=\"$HOME/x/..\"\n", "" },
	/* what holds the home is no folder in it */
	{ "XDG_DOWNLOAD_DIR=\"$HOME/..\"\n", "" },
	{ "XDG_DOWNLOAD_DIR=\"$HOME/../../../..\"\n", "" },
	{ "XDG_DOWNLOAD_DIR=\"/\"\n", "" },
	{ "XDG_DOWNLOAD_DIR=\"/home/\"\n", "" },
	/* none of the format */
	{ "XDG_DOWNLOAD_DIR=\"Loads\"\n", "/home/me/Downloads" },
	{ "XDG_DOWNLOAD_DIR=$HOME/Loads\n", "/home/me/Downloads" },
	{ "XDG_DOWNLOAD_DIR='$HOME/Loads'\n", "/home/me/Downloads" },
	{ "XDG_DOWNLOAD_DIR=\"$HOME/Loads\n", "/home/me/Downloads" },
	{ "XDG_DOWNLOAD_DIR=\"$HOMER/Loads\"\n", "/home/me/Downloads" },
	{ "XDG_DOWNLOAD_DIR=\"$XDG_MUSIC_DIR/x\"\n", "/home/me/Downloads" },
	{ "XDG_DOWNLOAD_DIR=\"$HOME/$(id)\"\n", "/home/me/Downloads" },
	{ "XDG_DOWNLOAD_DIR=\"$HOME/`id`\"\n", "/home/me/Downloads" },
	{ "XDG_DOWNLOAD_DIR=\"$HOME/Loads\\", "/home/me/Downloads" },
	{ "XDG_DOWNLOAD_DIR", "/home/me/Downloads" },
	{ "XDG_DOWNLOAD_DIR=", "/home/me/Downloads" },
	{ "XDG_DOWNLOAD_DIRECTORY=\"$HOME/x\"\n", "/home/me/Downloads" },
};

static void test_rows(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(arena_freep) struct arena *arena = arena_new();

		write_file(rows[i].text, strlen(rows[i].text));
		is(value_of(arena, "XDG_DOWNLOAD_DIR", NULL), rows[i].value, "row %zu", i);
	}
}

static void test_environment(void)
{
	static const char *const set[] = { "XDG_MUSIC_DIR=/m", "XDG_DOWNLOAD_DIR=/env", NULL };
	static const char *const whole[] = { "XDG_DOWNLOAD_DIR=/home/me/", NULL };
	static const char loads[] = "XDG_DOWNLOAD_DIR=\"$HOME/Loads\"\n";
	static const char *const relative[] = { "XDG_DOWNLOAD_DIR=x", NULL };
	CLEANUP(arena_freep) struct arena *arena = arena_new();

	write_file(loads, sizeof(loads) - 1);
	is(value_of(arena, "XDG_DOWNLOAD_DIR", set), "/env", "the environment comes first");
	is(value_of(arena, "XDG_DOWNLOAD_DIR", whole), "", "the environment cannot give the home either");
	is(value_of(arena, "XDG_DOWNLOAD_DIR", relative), "/home/me/Loads", "a relative path there does not count");
	is(environment_find((char *const *)set, "XDG_MUSIC"), NULL, "the start of a name is no name");
}

static void test_hostile(void)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	static const char binary[] = "\0\xff\xfeXDG_DOWNLOAD_DIR=\"/x\"\n";
	size_t length = LIMIT_USER_DIRS + 1;
	char *text = arena_alloc(arena, length);

	memset(text, '\n', length);
	memcpy(text, "XDG_DOWNLOAD_DIR=\"/big\"\n", 24);
	write_file(text, length - 1);
	is(value_of(arena, "XDG_DOWNLOAD_DIR", NULL), "/big", "a file at the limit");
	write_file(text, length);
	is(value_of(arena, "XDG_DOWNLOAD_DIR", NULL), "/home/me/Downloads", "a file above the limit is none");
	write_file(binary, sizeof(binary) - 1);
	is(value_of(arena, "XDG_DOWNLOAD_DIR", NULL), "/home/me/Downloads", "binary");
	unlink(file);
	is(value_of(arena, "XDG_DOWNLOAD_DIR", NULL), "/home/me/Downloads", "no file");
	ok(mkfifo(file, 0600) == 0, "a FIFO");
	is(value_of(arena, "XDG_DOWNLOAD_DIR", NULL), "/home/me/Downloads", "is not waited for");
	unlink(file);
}

/* What $PWD stands for when a program is started in `directory`. */
static const char *project(struct arena *arena, const char *own_home, const char *directory)
{
	struct profile_caller caller = { .home = own_home, .user = "me", .directory = directory, .share = "/none" };
	struct profile_context c;

	profile_context_fill(arena, &caller, &c);
	for (size_t i = 0; i < c.variable_count; i++)
		if (strcmp(c.variables[i].name, "PWD") == 0)
			return c.variables[i].value;
	return NULL;
}

static void test_project(void)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const char *real, *link;

	tree_make();
	real = arena_strdup(arena, tree_path("real/home/x"));
	real = arena_strndup(arena, real, strlen(real) - 2);
	link = arena_strdup(arena, tree_path("link"));
	is(project(arena, real, arena_printf(arena, "%s/notes", real)), arena_printf(arena, "%s/notes", real), "a folder");
	is(project(arena, real, real), "", "the home is no project");
	is(project(arena, real, tree_top), "", "nor is what holds it");
	is(project(arena, real, "/"), "", "nor is the root");
	ok(symlink(real, link) == 0, "a home behind a link");
	is(project(arena, link, real), "", "is none by its real name either");
	is(project(arena, "/no/such/home", "/no"), "", "a home that is not there has a directory above, too");
	tree_put("real/home/notes/.cuddy.toml", "");
	is(project(arena, real, arena_printf(arena, "%s/notes", real)), arena_printf(arena, "%s/notes", real), "a folder again");
	tree_remove();
}

int main(void)
{
	int fd = mkstemp(file);

	if (fd < 0 || close(fd) < 0)
		return 1;
	test_rows();
	test_environment();
	test_hostile();
	test_project();
	return done();
}
