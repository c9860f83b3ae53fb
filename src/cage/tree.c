/* cage/tree.c - removes and measures directory trees without recursion.
 *
 * Removal flattens: a directory in a directory is moved up into the top, and emptied there when its
 * turn comes.  So two open directories suffice for any depth (unlink(2), rename(2), openat2(2)).
 * Must not: follow a link, cross a mount, build a path. */
#include "cage/tree.h"
#include "cage/descent.h"
#include "base/fd.h"
#include "base/limits.h"
#include "launch/kernel.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

struct removal {
	int top;
	uint64_t moved;	  /* directories moved up so far: their new names */
	bool goes_on;	  /* in this pass something went or moved */
	const struct progress *progress;
	int error;	  /* the first one */
};

static void closedirp(DIR **stream)
{
	if (*stream)
		closedir(*stream);
}

static void note(struct removal *r, int error)
{
	if (error < 0 && r->error == 0)
		r->error = error;
}

/* Opens a directory of somebody else for reading and writing; its mode may forbid both to us. */
static DIR *open_directory(int dir, const char *name, int *ret_error)
{
	char self[32];
	struct stat status;
	AUTO_FD int place = sys_open_below(dir, name, O_PATH | O_DIRECTORY, RESOLVE_NO_XDEV);
	int fd;
	DIR *stream;

	*ret_error = place;
	if (place < 0)
		return NULL;
	/* chmod() through /proc reaches what the descriptor holds, whatever has its name by now. */
	snprintf(self, sizeof(self), "/proc/self/fd/%d", place);
	if (fstat(place, &status) == 0 && (status.st_mode & 0700) != 0700)
		(void)chmod(self, 0700);
	fd = RESULT(openat(place, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	*ret_error = fd;
	if (fd < 0)
		return NULL;
	stream = fdopendir(fd);
	if (!stream) {
		*ret_error = -errno;
		close(fd);
	}
	return stream;
}

static bool is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* 0, -ENOTEMPTY for a directory that holds something, or what else kept it from being removed. */
static int remove_one(int dir, const char *name)
{
	int r = RESULT(unlinkat(dir, name, 0));

	if (r == -EISDIR || r == -EPERM) { /* EPERM: POSIX's word for a directory, or a real refusal */
		int as_directory = RESULT(unlinkat(dir, name, AT_REMOVEDIR));

		r = as_directory == -ENOTDIR ? r : as_directory == -EEXIST ? -ENOTEMPTY : as_directory;
	}
	return r;
}

static int remove_counted(const struct removal *r, int dir, const char *name)
{
	int error = remove_one(dir, name);

	if (error == 0)
		progress_step(r->progress, PROGRESS_ENTRY);
	return error;
}

/* A directory may only be moved to another parent by one who may write it. */
static int move_up(struct removal *r, int dir, const char *name)
{
	char fresh[40];
	int result = -EACCES;

	for (unsigned tries = 0; tries < 100; tries++) {
		snprintf(fresh, sizeof(fresh), ".cuddy-gone-%llu", (unsigned long long)r->moved++);
		result = RESULT(renameat(dir, name, r->top, fresh));
		if (result == -EACCES && tries == 0) {
			DIR *opened = open_directory(dir, name, &result);

			if (!opened)
				return result;
			closedir(opened);
		} else if (result != -EEXIST && result != -ENOTEMPTY && result != -ENOTDIR) {
			break;
		}
	}
	return result;
}

/* Takes all out of a directory of the top: files go, directories that are not empty move up. */
static void empty_directory(struct removal *r, const char *name)
{
	int error;
	CLEANUP(closedirp) DIR *stream = open_directory(r->top, name, &error);

	if (!stream) {
		note(r, error);
		return;
	}
	for (struct dirent *entry; (entry = readdir(stream));) {
		if (is_dots(entry->d_name))
			continue;
		error = remove_counted(r, dirfd(stream), entry->d_name);
		if (error == -ENOTEMPTY)
			error = move_up(r, dirfd(stream), entry->d_name);
		r->goes_on |= error == 0;
		note(r, error);
	}
}

static void remove_pass(struct removal *r, DIR *top)
{
	rewinddir(top);
	r->goes_on = false;
	for (struct dirent *entry; (entry = readdir(top));) {
		int error;

		if (is_dots(entry->d_name))
			continue;
		error = remove_counted(r, r->top, entry->d_name);
		if (error == -ENOTEMPTY) {
			empty_directory(r, entry->d_name);
			error = remove_counted(r, r->top, entry->d_name);
		}
		r->goes_on |= error == 0;
		note(r, error == -ENOENT ? 0 : error);
	}
}

int tree_empty(int top)
{
	struct removal removal = { .top = top };
	int error;
	CLEANUP(closedirp) DIR *stream = open_directory(top, ".", &error);

	if (!stream)
		return error;
	do
		remove_pass(&removal, stream);
	while (removal.goes_on);
	return removal.error;
}

int tree_remove(int dir, const char *name)
{
	return tree_remove_telling(dir, name, NULL);
}

int tree_remove_telling(int dir, const char *name, const struct progress *progress)
{
	struct removal removal = { .progress = progress };
	CLEANUP(closedirp) DIR *top = NULL;
	int r = remove_one(dir, name);

	if (r != -ENOTEMPTY)
		return r;
	top = open_directory(dir, name, &r);
	if (!top)
		return r;
	removal.top = dirfd(top);
	do
		remove_pass(&removal, top);
	while (removal.goes_on);
	r = remove_one(dir, name);
	/* What failed in an early pass may have gone in a later one. */
	return r == 0 ? 0 : removal.error ? removal.error : r;
}

static void measure(struct descent *d, const char *name, struct tree_size *size, bool *ret_directory)
{
	struct stat status;

	*ret_directory = false;
	if (fstatat(descent_first(d), name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	*ret_directory = S_ISDIR(status.st_mode);
	size->entries++;
	/* st_blocks counts 512 bytes on every file system (stat(2)). */
	size->bytes += (uint64_t)status.st_blocks * 512 /
		       (S_ISDIR(status.st_mode) || !status.st_nlink ? 1 : status.st_nlink);
}

int tree_size(int dir, const char *name, struct tree_size *ret)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(descent_end) struct descent d = { .fd = { -1, -1 } };
	struct tree_size size = { 0 };
	AUTO_FD int top = sys_open_below(dir, name, O_PATH | O_DIRECTORY, 0);
	int r = top < 0 ? top : descent_begin(&d, arena, top, -1);

	if (r < 0 && r != -E2BIG)
		return r;
	while (d.levels.count) {
		const char *entry = descent_next(&d);
		bool is_directory = false;

		if (entry)
			measure(&d, entry, &size, &is_directory);
		if (is_directory)
			r = descent_enter(&d, entry);
		else if (!entry && descent_leave(&d) < 0)
			break;
		size.partial |= r < 0;
		r = 0;
	}
	size.partial |= d.levels.count > 0 || d.entries > LIMIT_TREE_ENTRIES;
	*ret = size;
	return 0;
}
