/* cage/tree_remove.c - removes a tree that somebody else has filled.
 *
 * A tree may be deeper than descriptors and path names reach.  So a directory that is not empty is
 * first renamed to the top, under a number, and emptied there: everything happens in the top
 * directory or one below it.  Must not: follow a link, build a path of more than one name. */
#include "cage/tree_remove.h"

#include "base/fd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct remover {
	int top;
	dev_t device;
	unsigned long next; /* number for the next directory that moves to the top */
};

static void closedirp(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static bool is_dots(const char *name)
{
	return name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2]));
}

/* Opens a directory of the top to empty it, whatever its mode. */
static int open_directory(int parent, const char *name)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int fd = openat(parent, name, flags);

	if (fd < 0 && errno == EACCES && fchmodat(parent, name, 0700, 0) == 0)
		fd = openat(parent, name, flags);
	return fd < 0 ? -errno : fd;
}

/* A directory of another user can be renamed only when it can be written: its ".." changes. */
static int move_up(struct remover *r, int from, const char *name)
{
	char number[32];
	int result;

	if (fchmodat(from, name, 0700, 0) < 0)
		return -errno;
	do {
		snprintf(number, sizeof(number), "%lu", r->next++);
		result = fd_rename(from, name, r->top, number, RENAME_NOREPLACE);
	} while (result == -EEXIST);
	return result;
}

/* Removes what is not a directory, or an empty one; 1 when it is a full one. */
static int unlink_any(int parent, const char *name)
{
	struct stat status;

	if (unlinkat(parent, name, 0) == 0 || errno == ENOENT)
		return 0;
	/* POSIX says EPERM for a directory, Linux EISDIR (unlink(2)). */
	if (errno != EISDIR && errno != EPERM)
		return -errno;
	if (fstatat(parent, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (!S_ISDIR(status.st_mode))
		return -EPERM;
	if (unlinkat(parent, name, AT_REMOVEDIR) == 0)
		return 0;
	return errno == ENOTEMPTY || errno == EEXIST || errno == EACCES ? 1 : -errno;
}

static int flatten(struct remover *r, const char *name)
{
	int fd = open_directory(r->top, name);
	CLEANUP(closedirp) DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	struct stat status;

	if (fd < 0)
		return fd;
	if (!dir) {
		close(fd);
		return -ENOMEM;
	}
	if (fstat(fd, &status) < 0)
		return -errno;
	if (status.st_dev != r->device)
		return -EXDEV;
	(void)fchmod(fd, 0700);
	while ((entry = readdir(dir))) {
		int result = is_dots(entry->d_name) ? 0 : unlink_any(fd, entry->d_name);

		if (result == 1)
			result = move_up(r, fd, entry->d_name);
		if (result < 0)
			return result;
	}
	return unlinkat(r->top, name, AT_REMOVEDIR) < 0 && errno != ENOTEMPTY ? -errno : 0;
}

/* One walk over the top directory; says how many entries it met. */
static int sweep(struct remover *r)
{
	int fd = openat(r->top, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEANUP(closedirp) DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	int met = 0;

	if (!dir)
		return -errno;
	while ((entry = readdir(dir))) {
		int result;

		if (is_dots(entry->d_name))
			continue;
		met = 1;
		result = unlink_any(r->top, entry->d_name);
		if (result == 1)
			result = flatten(r, entry->d_name);
		if (result < 0)
			return result;
	}
	return met;
}

int tree_empty(int top)
{
	struct remover r = { .top = top };
	struct stat status;
	int result;

	if (fstat(top, &status) < 0)
		return -errno;
	r.device = status.st_dev;
	(void)fchmod(top, 0700);
	while ((result = sweep(&r)) > 0)
		;
	return result;
}

int tree_remove(int directory, const char *name)
{
	int r = unlink_any(directory, name);
	AUTO_FD int top = -1;

	if (r <= 0)
		return r;
	top = open_directory(directory, name);
	if (top < 0)
		return top;
	r = tree_empty(top);
	if (r < 0)
		return r;
	return unlinkat(directory, name, AT_REMOVEDIR) < 0 ? -errno : 0;
}
