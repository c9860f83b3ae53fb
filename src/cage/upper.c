/* cage/upper.c - reads the marks of overlayfs.
 * Must not: believe more than the kernel does; whoever wrote them, they only choose what is shown. */
#include "cage/upper.h"
#include "backend/overlay.h"
#include "base/fd.h"
#include "cage/descent.h"
#include "launch/kernel.h"

/* The length of an attribute of a file or directory, -ENODATA when there is none, or -errno. */
static int read_mark(int dir, const char *name, const char *attribute, char *value, size_t room)
{
	AUTO_FD int fd = sys_open_below(dir, name, O_PATH, RESOLVE_NO_XDEV);
	int r = fd < 0 ? fd : xattr_read(fd, attribute, value, room);

	return r == -ENOTSUP ? -ENODATA : r;
}

bool upper_is_whiteout(int dir, const char *name, const struct entry *entry)
{
	if (S_ISCHR(entry->mode))
		return entry->special == 0;
	return S_ISREG(entry->mode) && entry->size == 0 &&
	       read_mark(dir, name, "user.overlay.whiteout", NULL, 0) >= 0;
}

int upper_is_opaque(int dir)
{
	char value;
	int length = read_mark(dir, ".", "user.overlay.opaque", &value, 1);

	/* "x" says only that whiteouts of the second kind may be inside. */
	return length == -ENODATA || length == -ERANGE ? 0 : length < 0 ? length : length == 1 && value == 'y';
}

int upper_is_copy(int dir, const char *name, const struct entry *entry)
{
	int length = S_ISREG(entry->mode) || S_ISDIR(entry->mode)
			     ? read_mark(dir, name, "user.overlay.origin", NULL, 0) : -ENODATA;

	return length == -ENODATA ? 0 : length < 0 ? length : 1;
}

bool upper_is_stub(int dir, const char *name, const struct entry *entry)
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
	return fd < 0 || directory_names(arena, fd, &entries, &names, &count) < 0 || count == 0;
}
