/* test_image.c - names, paths, ids and entries of images, without an archive. */
#include "base/fd.h"
#include "cage/image.h"
#include "cage/image_tree.h"
#include "cage/subids.h"
#include "cage/tree.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static struct arena *arena;

static void test_paths(void)
{
	static const struct { const char *path, *clean; int r; } rows[] = {
		{ "a", "a", 0 }, { "/a", "a", 0 }, { "a/", "a", 0 }, { "./a", "a", 0 }, { "a/b", "a/b", 0 },
		{ "//a///./b//", "a/b", 0 }, { "", "", 0 }, { "/", "", 0 }, { ".", "", 0 }, { "././", "", 0 },
		{ "...", "...", 0 }, { "..a/b..", "..a/b..", 0 }, { ".a", ".a", 0 },
		{ "..", NULL, -EXDEV }, { "../a", NULL, -EXDEV }, { "a/..", NULL, -EXDEV },
		{ "a/../b", NULL, -EXDEV }, { "/..", NULL, -EXDEV }, { "a//../b", NULL, -EXDEV },
	};
	char clean[IMAGE_NAME_MAX], path[IMAGE_NAME_MAX + 2];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int r = image_path_clean(rows[i].path, clean);

		ok(r == rows[i].r && (r < 0 || strcmp(clean, rows[i].clean) == 0), "path '%s'", rows[i].path);
	}
	memset(path, 'x', sizeof(path));
	path[IMAGE_NAME_MAX - 1] = '\0';
	ok(image_path_clean(path, clean) == 0, "as long as may be");
	path[IMAGE_NAME_MAX - 1] = 'x';
	path[IMAGE_NAME_MAX] = '\0';
	ok(image_path_clean(path, clean) == -ENAMETOOLONG, "one byte more");
	ok(image_path_is_whiteout(".wh.a") && image_path_is_whiteout("b/.wh..wh..opq"), "whiteouts");
	ok(!image_path_is_whiteout(".wh") && !image_path_is_whiteout(".wh.a/b") && !image_path_is_whiteout("a.wh.b"),
	   "no whiteouts");
}

static void test_names(void)
{
	static const struct { const char *file, *name; } rows[] = {
		{ "debian.tar", "debian" }, { "/x/debian-12.tar.gz", "debian-12" }, { "a.tgz", "a" },
		{ "alpine.tar.zst", "alpine" }, { "layout/", "layout" }, { "x.oci.tar.xz", "x" },
		{ "no-ending", "no-ending" }, { ".tar", NULL }, { "/", NULL }, { "two words.tar", NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		is(image_name_for(arena, rows[i].file), rows[i].name, "the name for '%s'", rows[i].file);
}

static void test_architectures(void)
{
	is(image_architecture("x86_64"), "amd64", "x86_64");
	is(image_architecture("vax"), NULL, "an unknown machine");
	ok(image_architecture_fits("amd64", "amd64", NULL) && image_architecture_fits("amd64", "amd64", "v2"), "amd64");
	ok(image_architecture_fits("arm/v7", "arm", "v7") && image_architecture_fits("arm/v7", "arm", NULL), "arm/v7");
	ok(!image_architecture_fits("arm/v7", "arm", "v6"), "a wrong variant");
	ok(!image_architecture_fits("arm", "arm64", NULL) && !image_architecture_fits("arm64", "arm", NULL), "a part of a name");
	ok(image_architecture_fits(NULL, "vax", NULL) && image_architecture_fits("arm", NULL, NULL), "nothing said");
}

static void test_subids(void)
{
	static const char text[] = "alice:100000:65536\nbob:200000:10\n1001:300000:5\nalice:400000:1\n"
				   "alice:x:1\nalice:1\nalice:5:0\nalice:4294967290:100\nalice:7:8:9\nali:1:1\nalice:9:3";
	struct subid_range ranges[8];

	ok(subids_read(text, "alice", 1000, ranges, 8) == 3 && ranges[0].start == 100000 &&
	   ranges[0].count == 65536 && ranges[1].start == 400000 && ranges[2].count == 3, "ranges by name");
	ok(subids_read(text, "carol", 1001, ranges, 8) == 1 && ranges[0].start == 300000, "by number");
	ok(subids_read(text, "", 5, ranges, 8) == 0, "none");
	ok(subids_read(text, "alice", 1000, ranges, 2) == 2, "no more than there is room");
}

static int no_content(void *archive UNUSED, const void **ret UNUSED, size_t *size UNUSED, int64_t *offset UNUSED)
{
	return 0;
}

/* What the content says it is may be more than the entry's size. */
static int much_content(void *archive, const void **ret, size_t *size, int64_t *offset)
{
	int *left = archive;

	*ret = "xxxx";
	*size = 4;
	*offset = *left ? 0 : 3;
	return (*left)-- > 0;
}

static void test_tree(int top)
{
	struct image_report *report = arena_new_object(arena, struct image_report);
	struct image_tree *t = arena_new_object(arena, struct image_tree);
	struct image_entry file = { .path = "d/f", .mode = S_IFREG | 06755, .size = 3, .uid = (int64_t)getuid(), .gid = (int64_t)getgid(),
				    .mtime = { 12, 0 } };
	struct image_entry link = { .path = "l", .mode = S_IFLNK | 0777, .target = "/", .uid = (int64_t)getuid(), .gid = (int64_t)getgid() };
	struct stat status;
	int left = 1;

	image_tree_init(t, top, report);
	t->most_size = 10;
	ok(image_tree_add(t, &file, no_content, NULL) == 0 && fstatat(top, "d/f", &status, 0) == 0, "a file");
	ok(status.st_size == 3 && (status.st_mode & 07777) == 0755 && status.st_mtime == 12, "its size, mode and time");
	ok(report->set_id == 1 && report->size == 3 && report->entries == 1, "it is counted");
	ok(image_tree_add(t, &link, no_content, NULL) == 0, "a link to '/'");
	file.path = "l/tmp/evil";
	ok(image_tree_add(t, &file, no_content, NULL) == -ELOOP && strcmp(report->code, "C573") == 0,
	   "nothing goes through it");
	report->code[0] = '\0';
	file.path = "l";
	ok(image_tree_add(t, &file, much_content, &left) == -EINVAL, "more content than its size");
	ok(fstatat(top, "l", &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(status.st_mode), "the link was replaced");
	file.path = "big";
	file.size = UINT64_MAX - 1;
	report->code[0] = '\0';
	ok(image_tree_add(t, &file, no_content, NULL) == -EFBIG && strcmp(report->code, "C574") == 0, "a size that overflows");
	ok(image_tree_whiteout(t, "d/.wh.f") == 0 && fstatat(top, "d/f", &status, 0) < 0, "a whiteout");
	image_tree_finish(t);
}

/* Names that a removal gives to what it moves may be taken already. */
static void test_remove(int base)
{
	AUTO_FD int top = -1;

	mkdirat(base, "r", 0700);
	top = openat(base, "r", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; i < 5; i++) {
		char name[64];

		snprintf(name, sizeof(name), "%d", i);
		mkdirat(top, name, 0700);
		snprintf(name, sizeof(name), "%d/%d", i, i);
		mkdirat(top, name, 0700);
		snprintf(name, sizeof(name), "%d/%d/x", i, i);
		mkdirat(top, name, 0);
	}
	ok(symlinkat("/", top, "link") == 0 && tree_clear(base, "r") == 0 && faccessat(base, "r", F_OK, 0) < 0,
	   "a tree with numbers as names");
	ok(tree_clear(base, "r") == 0, "what is not there is removed already");
	ok(symlinkat("..", base, "r") == 0 && tree_clear(base, "r") == 0 && faccessat(base, ".", F_OK, 0) == 0,
	   "a link is removed, not what it leads to");
}

static void test_info(void)
{
	const char *words[] = { "sh", "-c", "a \"b\"\n" };
	struct image_info info = { .source = "/x\\y.tar", .imported = "2026-01-01T00:00:00Z", .ids = "all", .size = 5,
				   .config = { .command = { words, 3 } } };

	is(image_info_text(arena, &info),
	   "source = \"/x\\\\y.tar\"\nimported = \"2026-01-01T00:00:00Z\"\nids = \"all\"\nsize = 5\n"
	   "command = [\"sh\", \"-c\", \"a \\\"b\\\"\\n\"]\n", "image.toml");
}

static void test_fork(void)
{
	enum subids kind;
	pid_t pid = subids_fork(arena, &kind);
	int status;

	if (pid == 0)
		_exit(kind == SUBIDS_NONE || getuid() == 0 ? 7 : 1);
	ok(pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 7,
	   "a child that is root of its files");
}

int main(void)
{
	char path[] = "/tmp/cuddy-test-image.XXXXXX";
	AUTO_FD int base = -1;

	arena = arena_new();
	must(mkdtemp(path));
	base = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	test_paths();
	test_names();
	test_architectures();
	test_subids();
	test_tree(base);
	test_remove(base);
	test_info();
	test_fork();
	tree_clear(AT_FDCWD, path);
	arena_free(arena);
	return done();
}
