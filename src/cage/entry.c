/* cage/entry.c - reads, compares and copies single entries of directories.
 * Must not: follow a link, open anything but regular files for reading, trust a size. */
#include "cage/entry.h"
#include "base/fd.h"
#include "base/text.h"
#include "launch/kernel.h"

#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#ifndef STATX_BTIME /* musl before 1.2.4 */
#include <linux/stat.h>
#endif

#define CHUNK (1024 * 1024)
#define XATTR_NAMES (64 * 1024)	 /* XATTR_LIST_MAX, listxattr(2) */
#define XATTR_VALUE (64 * 1024)	 /* XATTR_SIZE_MAX */

static struct timespec to_timespec(const struct statx_timestamp *t)
{
	return (struct timespec){ .tv_sec = t->tv_sec, .tv_nsec = t->tv_nsec };
}

int entry_read(int dir, const char *name, struct entry *ret)
{
	struct statx s;
	int r = RESULT(syscall(SYS_statx, dir, name, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS | STATX_BTIME, &s));

	*ret = (struct entry){ 0 };
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return r;
	*ret = (struct entry){
		.exists = true, .has_birth = s.stx_mask & STATX_BTIME, .mode = s.stx_mode, .uid = s.stx_uid, .gid = s.stx_gid,
		.device = makedev(s.stx_dev_major, s.stx_dev_minor), .inode = s.stx_ino,
		.special = makedev(s.stx_rdev_major, s.stx_rdev_minor), .links = s.stx_nlink,
		.size = s.stx_size, .bytes = s.stx_blocks * 512, .access = to_timespec(&s.stx_atime),
		.change = to_timespec(&s.stx_ctime), .modify = to_timespec(&s.stx_mtime),
		.birth = to_timespec(&s.stx_btime),
	};
	return 0;
}

int time_compare(const struct timespec *a, const struct timespec *b)
{
	if (a->tv_sec != b->tv_sec)
		return a->tv_sec < b->tv_sec ? -1 : 1;
	return a->tv_nsec == b->tv_nsec ? 0 : a->tv_nsec < b->tv_nsec ? -1 : 1;
}

/* ---- extended attributes ---- */

/* The calls with an O_PATH descriptor go through /proc: fgetxattr() takes none. */
static const char *self_path(char room[32], int fd)
{
	snprintf(room, 32, "/proc/self/fd/%d", fd);
	return room;
}

int xattr_read(int fd, const char *name, void *value, size_t room)
{
	char path[32];

	return RESULT(getxattr(self_path(path, fd), name, value, room));
}

/* The user's and the access lists.  What overlayfs keeps for itself never reaches the host, where the
 * next overlay would believe it. */
static bool is_copied(const char *name)
{
	return (str_starts(name, "user.") && !str_starts(name, "user.overlay.") &&
		!str_starts(name, "user.fuseoverlayfs.")) ||
	       str_equal(name, "system.posix_acl_access") || str_equal(name, "system.posix_acl_default");
}

/* Calls `visit` for each attribute that counts; the first result that is not 0 is the result. */
static int each_xattr(struct arena *arena, int fd, int (*visit)(void *, const char *, const void *, size_t),
		      void *context)
{
	char path[32], *names = arena_alloc(arena, XATTR_NAMES), *value = arena_alloc(arena, XATTR_VALUE);
	int length = RESULT(listxattr(self_path(path, fd), names, XATTR_NAMES)), r = 0;

	if (length < 0)
		return length == -ENOTSUP ? 0 : length;
	for (int at = 0; at < length && r == 0; at += (int)strlen(names + at) + 1) {
		if (!is_copied(names + at))
			continue;
		int size = xattr_read(fd, names + at, value, XATTR_VALUE);

		r = size == -ENODATA ? 0 : size < 0 ? size : visit(context, names + at, value, (size_t)size);
	}
	return r;
}

struct comparison { int other; char *room; int count; };

static int has_same(void *context, const char *name, const void *value, size_t size)
{
	struct comparison *c = context;

	c->count++;
	return xattr_read(c->other, name, c->room, XATTR_VALUE) == (int)size && memcmp(c->room, value, size) == 0
		       ? 0 : 1;
}

/* 0: the same, 1: not, or -errno. */
static int compare_xattrs(int a, int b)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct comparison there = { .other = b, .room = arena_alloc(arena, XATTR_VALUE) };
	struct comparison back = { .other = a, .room = there.room };
	int r = each_xattr(arena, a, has_same, &there);

	return r ? r : each_xattr(arena, b, has_same, &back);
}

static int set_xattr(void *context, const char *name, const void *value, size_t size)
{
	char path[32];

	return RESULT(setxattr(self_path(path, *(int *)context), name, value, size, 0));
}

static int copy_xattrs(int from, int to)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();

	return each_xattr(arena, from, set_xattr, &to);
}

/* ---- comparing ---- */

static int open_path(int dir, const char *name)
{
	return sys_open_below(dir, name, O_PATH, RESOLVE_NO_XDEV);
}

/* A pipe that was put there meanwhile must not block us: what was opened is looked at. */
static int open_file(int dir, const char *name)
{
	AUTO_FD int fd = sys_open_below(dir, name, O_RDONLY | O_NONBLOCK | O_NOCTTY, RESOLVE_NO_XDEV);
	struct stat status;

	if (fd < 0)
		return fd;
	if (fstat(fd, &status) < 0)
		return -errno;
	return S_ISREG(status.st_mode) ? TAKE_FD(fd) : -ESTALE;
}

static ssize_t read_full(int fd, char *bytes, size_t room)
{
	size_t done = 0;

	while (done < room) {
		ssize_t count = read(fd, bytes + done, room - done);

		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			return -errno;
		if (count == 0)
			break;
		done += (size_t)count;
	}
	return (ssize_t)done;
}

/* 0: the same bytes, 1: not, or -errno. */
static int compare_files(int dir_a, int dir_b, const char *name)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	AUTO_FD int a = open_file(dir_a, name), b = a < 0 ? -1 : open_file(dir_b, name);
	char *room = arena_alloc(arena, 2 * CHUNK);

	if (a < 0 || b < 0)
		return a < 0 ? a : b;
	for (;;) {
		ssize_t one = read_full(a, room, CHUNK), two = read_full(b, room + CHUNK, CHUNK);

		if (one < 0 || two < 0)
			return (int)MIN(one, two);
		if (one != two || memcmp(room, room + CHUNK, (size_t)one) != 0)
			return 1;
		if (one == 0)
			return 0;
	}
}

static int compare_links(int dir_a, int dir_b, const char *name)
{
	char a[4096] = "", b[4096] = "";
	int one = RESULT(readlinkat(dir_a, name, a, sizeof(a))), two = RESULT(readlinkat(dir_b, name, b, sizeof(b)));

	if (one < 0 || two < 0)
		return MIN(one, two);
	return one == two && memcmp(a, b, (size_t)one) == 0 ? 0 : 1;
}

static int compare_content(int dir_a, int dir_b, const char *name, const struct entry *a, const struct entry *b)
{
	if (S_ISLNK(a->mode))
		return compare_links(dir_a, dir_b, name);
	if (!S_ISREG(a->mode))
		return 0;
	return a->size != b->size ? 1 : compare_files(dir_a, dir_b, name);
}

int entry_compare(int dir_a, int dir_b, const char *name, const struct entry *a, const struct entry *b)
{
	mode_t counts = S_ISLNK(a->mode) ? 0 : S_ISREG(a->mode) ? 01777 : 07777;
	int bits = 0, r;

	if ((a->mode ^ b->mode) & S_IFMT)
		return DIFFERS_TYPE;
	if ((a->mode ^ b->mode) & counts)
		bits |= DIFFERS_MODE;
	if (!S_ISDIR(a->mode) && time_compare(&a->modify, &b->modify) != 0)
		bits |= DIFFERS_TIME;
	r = compare_content(dir_a, dir_b, name, a, b);
	if (r < 0)
		return r;
	bits |= r ? DIFFERS_CONTENT : 0;
	if (S_ISDIR(a->mode) || S_ISREG(a->mode)) {
		AUTO_FD int one = open_path(dir_a, name), two = one < 0 ? -1 : open_path(dir_b, name);

		r = one < 0 ? one : two < 0 ? two : compare_xattrs(one, two);
		if (r < 0)
			return r;
		bits |= r ? DIFFERS_XATTRS : 0;
	}
	return bits;
}

/* ---- copying ---- */

/* One piece without holes.  copy_file_range() may refuse across file systems: then by hand. */
static int copy_range(int from, int to, off_t at, off_t end, char *room, const struct progress *progress)
{
	off_t in = at, out = at;
	ssize_t count;

	while (in < end) {
		size_t want = (size_t)MIN(end - in, (off_t)CHUNK);

		count = copy_file_range(from, &in, to, &out, want, 0);
		if (count < 0 && (errno == EXDEV || errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP)) {
			count = pread(from, room, want, in);
			if (count > 0)
				count = pwrite(to, room, (size_t)count, out);
			if (count > 0) {
				in += count;
				out += count;
			}
		}
		if (count < 0 && errno != EINTR)
			return -errno;
		if (count == 0) /* it became shorter */
			return -ESTALE;
		progress_step(progress, count > 0 ? (uint64_t)count : 0);
	}
	return 0;
}

static int copy_bytes(int from, int to, const struct entry *entry, const struct progress *progress)
{
	CLEANUP(arena_freep) struct arena *arena = NULL;
	off_t size = (off_t)entry->size, at = 0, end;
	char *room;
	int r;

	if (ioctl(to, FICLONE, from) == 0) {
		progress_step(progress, entry->bytes);
		return 0;
	}
	r = RESULT(ftruncate(to, size));
	if (r < 0)
		return r;
	arena = arena_new();
	room = arena_alloc(arena, CHUNK);
	while (r == 0 && at < size) {
		at = lseek(from, at, SEEK_DATA);
		if (at < 0)
			return errno == ENXIO ? 0 : -errno; /* nothing but a hole follows */
		end = lseek(from, at, SEEK_HOLE);
		if (end < 0)
			return -errno;
		r = copy_range(from, to, at, MIN(end, size), room, progress);
		at = end;
	}
	return r;
}

static int copy_owner_and_mode(int to, const struct entry *entry, mode_t mode)
{
	struct stat status;
	int r = RESULT(fstat(to, &status));

	if (r == 0 && status.st_gid != entry->gid)
		r = RESULT(fchown(to, (uid_t)-1, entry->gid));
	if (r == 0 && status.st_uid != entry->uid) {
		r = RESULT(fchown(to, entry->uid, (gid_t)-1));
		r = r == -EPERM ? -EACCES : r; /* with power it goes: overlay_gain_power() */
	}
	return r < 0 ? r : RESULT(fchmod(to, mode));
}

static int copy_file(int dir, const char *name, const struct entry *entry, int to_dir, const char *to,
		     const struct progress *progress)
{
	AUTO_FD int from = open_file(dir, name), file = -1;
	int r;

	if (from < 0)
		return from;
	file = RESULT(openat(to_dir, to, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
	if (file < 0)
		return file;
	r = copy_bytes(from, file, entry, progress);
	if (r == 0)
		r = copy_xattrs(from, file);
	if (r == 0)
		r = copy_owner_and_mode(file, entry, entry->mode & 01777);
	if (r == 0)
		r = RESULT(futimens(file, (const struct timespec[]){ entry->access, entry->modify }));
	return r;
}

static int copy_link(int dir, const char *name, int to_dir, const char *to)
{
	char text[4096];
	int length = RESULT(readlinkat(dir, name, text, sizeof(text) - 1));

	if (length < 0)
		return length;
	text[length] = '\0';
	return RESULT(symlinkat(text, to_dir, to));
}

/* Of a pipe or socket that was just made, and of nothing that others put in its place. */
static int change_mode(int dir, const char *name, mode_t mode)
{
	AUTO_FD int fd = open_path(dir, name);
	struct stat status;
	char path[32];

	if (fd < 0 || fstat(fd, &status) < 0)
		return fd < 0 ? fd : -errno;
	return (status.st_mode ^ mode) & S_IFMT ? -ESTALE : RESULT(chmod(self_path(path, fd), mode & 01777));
}

int entry_copy(int dir, const char *name, const struct entry *entry, int to_dir, const char *to,
	       const struct progress *progress)
{
	const struct timespec times[] = { entry->access, entry->modify };
	int r;

	if (S_ISREG(entry->mode)) {
		r = copy_file(dir, name, entry, to_dir, to, progress);
	} else if (S_ISLNK(entry->mode)) {
		r = copy_link(dir, name, to_dir, to);
	} else if (S_ISFIFO(entry->mode) || S_ISSOCK(entry->mode)) {
		r = RESULT(mknodat(to_dir, to, (entry->mode & S_IFMT) | 0600, 0));
		if (r == 0)
			r = change_mode(to_dir, to, entry->mode);
	} else {
		return -ENOTSUP;
	}
	if (r == 0 && !S_ISREG(entry->mode))
		r = RESULT(utimensat(to_dir, to, times, AT_SYMLINK_NOFOLLOW));
	if (r < 0 && r != -EEXIST)
		unlinkat(to_dir, to, 0);
	return r;
}

int directory_copy_metadata(int from, const struct entry *entry, int to)
{
	AUTO_FD int fd = RESULT(openat(to, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	int r = fd < 0 ? fd : copy_xattrs(from, fd);

	return r < 0 ? r : copy_owner_and_mode(fd, entry, entry->mode & 07777);
}

void directory_copy_times(const struct entry *entry, int to)
{
	(void)utimensat(to, ".", (const struct timespec[]){ entry->access, entry->modify }, 0);
}
