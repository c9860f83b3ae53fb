/* tests/unit/test_upper.c - the marks of fuse-overlayfs, as files; those of the kernel are in test_overlay.c. */
#include "cage/upper.h"
#include "base/fd.h"
#include "base/text.h"
#include "cage/tree.h"
#include "tap.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static int base;

static void make(const char *name)
{
	int fd = openat(base, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	must(fd >= 0);
	close(fd);
}

/* What an entry is, and what it is about. */
static enum upper_kind kind_of(bool by_fuse, const char *name, const char **ret_target)
{
	struct entry entry;

	must(entry_read(base, name, &entry) == 0);
	return upper_kind(by_fuse, base, name, &entry, ret_target);
}

static void test_kinds(void)
{
	static const struct { const char *name; enum upper_kind kind; const char *target; } rows[] = {
		{ "file", UPPER_ENTRY, "file" },
		{ ".wh.gone", UPPER_HIDES, "gone" },
		{ ".wh.file", UPPER_NOTE, NULL },	 /* killed between the two */
		{ ".wh..wh..opq", UPPER_NOTE, NULL },
		{ ".wh..opq", UPPER_NOTE, NULL },
		{ ".wh.", UPPER_NOTE, NULL },
		{ ".wh.directory", UPPER_ENTRY, ".wh.directory" },
	};
	const char *target;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (str_equal(rows[i].name, ".wh.directory"))
			must(mkdirat(base, rows[i].name, 0700) == 0);
		else
			make(rows[i].name);
	}
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		ok(kind_of(true, rows[i].name, &target) == rows[i].kind &&
		   (!rows[i].target || str_equal(target, rows[i].target)), "by fuse-overlayfs: %s", rows[i].name);
		ok(kind_of(false, rows[i].name, &target) == UPPER_ENTRY && str_equal(target, rows[i].name),
		   "by the kernel it is nothing special: %s", rows[i].name);
	}
}

static void test_directories(void)
{
	struct entry entry;

	must(mkdirat(base, "new", 0700) == 0 && mkdirat(base, "copy", 0700) == 0 && mkdirat(base, "stub", 01000) == 0);
	make("new/.wh..wh..opq");
	AUTO_FD int fresh = openat(base, "new", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO_FD int copy = openat(base, "copy", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ok(upper_is_opaque(true, fresh) == 1 && upper_is_opaque(false, fresh) == 0, "a note makes a directory opaque");
	ok(upper_is_opaque(true, copy) == 0, "without one it is not");
	must(entry_read(base, "new", &entry) == 0);
	ok(upper_is_copy(true, base, "new", &entry) == 0, "what is opaque is new");
	must(entry_read(base, "copy", &entry) == 0);
	ok(upper_is_copy(true, base, "copy", &entry) == 1, "what is not is a copy");
	must(fchmodat(base, "stub", 0700, 0) == 0);
	make("stub/.wh..wh..opq");
	must(fchmodat(base, "stub", 01000, 0) == 0 && entry_read(base, "stub", &entry) == 0);
	ok(upper_is_stub(true, base, "stub", &entry), "a hidden directory may have a note");
	ok(geteuid() != 0 || !upper_is_stub(false, base, "stub", &entry), "by the kernel it has none");
}

int main(void)
{
	char name[] = "/tmp/cuddy-upper.XXXXXX";

	must(mkdtemp(name));
	base = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	must(base >= 0);
	test_kinds();
	test_directories();
	ok(tree_empty(base) == 0 && rmdir(name) == 0, "the test leaves nothing");
	return done();
}
