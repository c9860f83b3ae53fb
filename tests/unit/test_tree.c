/* tests/unit/test_tree.c - trees of somebody else: deep, with links, pipes and closed directories. */
#include "cage/tree.h"
#include "base/fd.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void make_file(int dir, const char *name, size_t size)
{
	AUTO_FD int fd = openat(dir, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	char bytes[4096] = { 'x' };

	while (size && write(fd, bytes, MIN(size, sizeof(bytes))) > 0)
		size -= MIN(size, sizeof(bytes));
}

static bool is_there(int dir, const char *name)
{
	struct stat status;

	return fstatat(dir, name, &status, AT_SYMLINK_NOFOLLOW) == 0;
}

static void make_deep(int dir, unsigned levels)
{
	int at = dup(dir);

	for (unsigned i = 0; i < levels; i++) {
		int next;

		mkdirat(at, "d", 0700);
		make_file(at, "f", 1);
		next = openat(at, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		close(at);
		at = next;
	}
	close(at);
}

static void test_kinds(int base)
{
	AUTO_FD int dir = -1;

	make_file(base, "outside", 1);
	mkdirat(base, "kept", 0700);
	make_file(base, "kept/file", 1);
	mkdirat(base, "tree", 0700);
	dir = openat(base, "tree", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ok(symlinkat("../kept", dir, "link") == 0 && symlinkat("/", dir, "root") == 0 &&
	   linkat(base, "outside", dir, "hard", 0) == 0 && mkfifoat(dir, "pipe", 0600) == 0 &&
	   mknodat(dir, "socket", S_IFSOCK | 0600, 0) == 0, "links, a pipe and a socket are made");
	make_file(dir, "new\nline \033[31m\xff", 10);
	make_file(dir, ".cuddy-gone-0", 10);
	mkdirat(dir, "closed", 0700);
	mkdirat(dir, "closed/inner", 0700);
	make_file(dir, "closed/inner/file", 1);
	must(fchmodat(dir, "closed/inner", 0, 0) == 0 && fchmodat(dir, "closed", 0, 0) == 0);
	ok(tree_remove(base, "tree") == 0 && !is_there(base, "tree"), "all kinds go");
	ok(is_there(base, "kept/file") && is_there(base, "outside"), "what links name stays");
	make_file(base, "file", 1);
	ok(tree_remove(base, "file") == 0 && !is_there(base, "file"), "a single file goes");
	must(symlinkat("kept", base, "link") == 0);
	ok(tree_remove(base, "link") == 0 && !is_there(base, "link") && is_there(base, "kept/file"),
	   "a link as the top goes itself");
	ok(tree_remove(base, "none") == -ENOENT, "what is not there is said");
}

static void test_deep(int base)
{
	struct tree_size size;
	AUTO_FD int dir = -1;

	mkdirat(base, "deep", 0700);
	dir = openat(base, "deep", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	make_deep(dir, 12000);
	ok(tree_size(base, "deep", &size) == 0 && size.entries == 24000 && !size.partial,
	   "12000 levels are measured");
	ok(tree_remove(base, "deep") == 0 && !is_there(base, "deep"), "12000 levels go");
}

static void test_size(int base)
{
	struct tree_size size, again;

	mkdirat(base, "size", 0700);
	make_file(base, "size/a", 100000);
	ok(tree_size(base, "size", &size) == 0 && size.entries == 1 && size.bytes >= 100000,
	   "a file is measured");
	must(linkat(base, "size/a", base, "size/b", 0) == 0 && symlinkat("/", base, "size/link") == 0);
	ok(tree_size(base, "size", &again) == 0 && again.entries == 3 && again.bytes < size.bytes + 10000,
	   "a hard link costs nothing, a link is not followed");
	must(symlinkat("size", base, "size-link") == 0);
	ok(tree_size(base, "size-link", &size) < 0, "a link is no tree");
	unlinkat(base, "size-link", 0);
	tree_remove(base, "size");
}

/* Somebody exchanges a directory of the tree for a link to what must stay, all the time. */
struct race { int dir; atomic_bool stop; };

static void *swap(void *context)
{
	struct race *race = context;

	while (!race->stop) {
		renameat(race->dir, "d", race->dir, "other");
		if (symlinkat("../kept", race->dir, "d") == 0)
			unlinkat(race->dir, "d", 0);
		renameat(race->dir, "other", race->dir, "d");
		mkdirat(race->dir, "d", 0700);
	}
	return NULL;
}

static void test_race(int base)
{
	unsigned gone = 0;

	for (unsigned round = 0; round < 40; round++) {
		AUTO_FD int dir = -1;
		struct race race = { 0 };
		pthread_t thread;

		mkdirat(base, "race", 0700);
		race.dir = dir = openat(base, "race", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		make_deep(dir, 20);
		pthread_create(&thread, NULL, swap, &race);
		tree_remove(base, "race");
		race.stop = true;
		pthread_join(thread, NULL);
		tree_remove(base, "race");
		gone += !is_there(base, "race");
	}
	ok(gone == 40, "a tree that changes while it is removed goes in the end (%u of 40)", gone);
	ok(is_there(base, "kept/file"), "and no link was followed");
}

int main(void)
{
	char name[] = "/tmp/cuddy-tree-XXXXXX";
	AUTO_FD int base = -1;

	umask(022);
	if (!mkdtemp(name))
		return 1;
	base = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	test_kinds(base);
	test_deep(base);
	test_size(base);
	test_race(base);
	ok(tree_remove(base, "kept") == 0 && tree_remove(base, "outside") == 0 && rmdir(name) == 0,
	   "the test leaves nothing");
	return done();
}
