/* cage/entry.h - one entry of a directory that somebody else wrote: what it is, how two differ, how
 * one becomes another.  All by (directory descriptor, name of one component); no link is followed. */
#ifndef CUDDY_CAGE_ENTRY_H
#define CUDDY_CAGE_ENTRY_H

#include "base/arena.h"
#include "base/progress.h"

#include <sys/stat.h>
#include <time.h>

struct entry {
	bool exists, has_birth;
	mode_t mode;
	uid_t uid;
	gid_t gid;
	dev_t device, special;	  /* special: of a device node */
	ino_t inode;
	uint64_t links, size, bytes; /* bytes: on the disk */
	struct timespec access, change, modify, birth;
};

/* 0, also when there is none (`exists` is false then); -errno when that cannot be said (statx(2)). */
int entry_read(int dir, const char *name, struct entry *ret);

/* Bits of entry_compare(). */
enum { DIFFERS_TYPE = 1, DIFFERS_CONTENT = 2, DIFFERS_MODE = 4, DIFFERS_TIME = 8, DIFFERS_XATTRS = 16 };
/* How the entries `name` of two directories differ: bits, 0 or -errno.  Contents are read; of
 * directories only mode and xattrs count.  Set-id bits of files do not count: they are never copied. */
int entry_compare(int dir_a, int dir_b, const char *name, const struct entry *a, const struct entry *b);

/* A copy of a file, link, pipe or socket as `to` below `to_dir`, which must not exist: contents with
 * holes, mode without set-id bits, group, times, xattrs.  `progress` may be NULL; gets bytes read.
 * 0 or -errno and nothing is left; -ENOTSUP: a device. */
int entry_copy(int dir, const char *name, const struct entry *entry, int to_dir, const char *to,
	       const struct progress *progress);

/* Mode, group and xattrs of directory `from` for directory `to` (descriptors).  0 or -errno. */
int directory_copy_metadata(int from, const struct entry *entry, int to);
void directory_copy_times(const struct entry *entry, int to);

/* The value of one extended attribute of what `fd` (O_PATH is fine) holds: its length or -errno. */
int xattr_read(int fd, const char *name, void *value, size_t room);

/* a - b, as -1, 0 or 1. */
int time_compare(const struct timespec *a, const struct timespec *b);

#endif
