/* cage/upper.c - reads the marks of overlayfs and of fuse-overlayfs.
 * Must not: believe more than the kernel does; whoever wrote them, they only choose what is shown. */
#include "cage/upper.h"
#include "backend/overlay.h"
#include "base/fd.h"
#include "cage/descent.h"
#include "launch/kernel.h"

#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>

#define WHITEOUT ".wh."

/* By whom: false, true. */
static const char *const opaque_marks[] = { "user.overlay.opaque", "user.fuseoverlayfs.opaque" };

/* The length of an attribute of a file or directory, -ENODATA when there is none, or -errno. */
static int read_mark(int dir, const char *name, const char *attribute, char *value, size_t room)
{
	AUTO_FD int fd = sys_open_below(dir, name, O_PATH, RESOLVE_NO_XDEV);
	int r = fd < 0 ? fd : xattr_read(fd, attribute, value, room);

	return r == -ENOTSUP ? -ENODATA : r;
}

static bool is_whiteout(int dir, const char *name, const struct entry *entry)
{
	if (S_ISCHR(entry->mode))
		return entry->special == 0;
	return S_ISREG(entry->mode) && entry->size == 0 &&
	       read_mark(dir, name, "user.overlay.whiteout", NULL, 0) >= 0;
}

/* Versions differ in the first; both stand in directories that hide all below. */
static bool is_note(const char *name)
{
	return str_equal(name, WHITEOUT ".opq") || str_starts(name, WHITEOUT WHITEOUT);
}

enum upper_kind upper_kind(bool by_fuse, int dir, const char *name, const struct entry *entry,
			   const char **ret_target)
{
	struct stat status;

	*ret_target = name;
	if (by_fuse && str_starts(name, WHITEOUT) && !S_ISDIR(entry->mode)) {
		const char *target = name + strlen(WHITEOUT);

		/* Killed between making the entry and removing its whiteout: the entry counts. */
		if (is_note(name) || !*target || fstatat(dir, target, &status, AT_SYMLINK_NOFOLLOW) == 0)
			return UPPER_NOTE;
		*ret_target = target;
		return UPPER_HIDES;
	}
	return is_whiteout(dir, name, entry) ? UPPER_HIDES : UPPER_ENTRY;
}

static int is_marked_opaque(int dir, const char *attribute)
{
	char value;
	int length = read_mark(dir, ".", attribute, &value, 1);

	/* "x" says only that whiteouts of the second kind may be inside. */
	return length == -ENODATA || length == -ERANGE ? 0 : length < 0 ? length : length == 1 && value == 'y';
}

int upper_is_opaque(bool by_fuse, int dir)
{
	static const char *const notes[] = { WHITEOUT ".opq", WHITEOUT WHITEOUT ".opq" };
	struct stat status;
	int r = is_marked_opaque(dir, opaque_marks[by_fuse]);

	for (size_t i = 0; by_fuse && r == 0 && i < ARRAY_SIZE(notes); i++)
		r = fstatat(dir, notes[i], &status, AT_SYMLINK_NOFOLLOW) == 0 ? 1 : errno == ENOENT ? 0 : -errno;
	return r;
}

void upper_open(int dir)
{
	char self[32];

	snprintf(self, sizeof(self), "/proc/self/fd/%d", dir);
	for (size_t i = 0; i < ARRAY_SIZE(opaque_marks); i++)
		(void)removexattr(self, opaque_marks[i]);
}

int upper_is_copy(bool by_fuse, int dir, const char *name, const struct entry *entry)
{
	static const char *const marks[] = { "user.overlay.origin", "user.fuseoverlayfs.origin" };
	bool is_directory = S_ISDIR(entry->mode);
	int length = -ENODATA;

	if (by_fuse && is_directory) { /* those that are new have nothing behind them */
		AUTO_FD int fd = sys_open_below(dir, name, O_PATH | O_DIRECTORY, RESOLVE_NO_XDEV);
		int opaque = fd < 0 ? fd : upper_is_opaque(true, fd);

		return opaque < 0 ? opaque : !opaque;
	}
	if (S_ISREG(entry->mode) || is_directory)
		length = read_mark(dir, name, marks[by_fuse], NULL, 0);
	return length == -ENODATA ? 0 : length < 0 ? length : 1;
}

const char *upper_whiteout_name(struct arena *arena, bool by_fuse, const char *name)
{
	return by_fuse ? arena_printf(arena, WHITEOUT "%s", name) : NULL;
}

bool upper_is_stub(bool by_fuse, int dir, const char *name, const struct entry *entry)
{
	CLEANUP(arena_freep) struct arena *arena = NULL;
	AUTO_FD int fd = -1;
	const char **names;
	size_t count = 0, entries = 0;

	if (entry->mode != (S_IFDIR | OVERLAY_STUB_MODE))
		return false;
	fd = sys_open_below(dir, name, O_PATH | O_DIRECTORY, RESOLVE_NO_XDEV);
	arena = arena_new();
	/* Whoever may not read it need not: nothing of it reaches the host, and rmdir(2) tells the rest. */
	if (fd < 0 || directory_names(arena, fd, &entries, &names, &count) < 0)
		return true;
	for (size_t i = 0; i < count; i++)
		if (!by_fuse || !is_note(names[i]))
			return false;
	return true;
}
