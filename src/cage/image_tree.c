/* cage/image_tree.c - the entries of an archive become files below one directory, never elsewhere.
 *
 * Each entry is made in its parent, which openat2 finds below the top without any link; everything
 * else is one name in that descriptor.  What stands there is removed first and files are made with
 * O_EXCL, so nothing is ever opened that the archive made.
 * Must not: follow a link, make a device, give a set-id bit, write to an existing file. */
#include "cage/image_tree.h"

#include "base/fd.h"
#include "base/limits.h"
#include "base/text.h"
#include "cage/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#define WHITEOUT ".wh."
#define OPAQUE   ".wh..wh..opq"

int image_fail(struct image_report *report, int r, const char *code, const char *format, ...)
{
	va_list arguments;

	if (report->code[0])
		return r;
	snprintf(report->code, sizeof(report->code), "%s", code);
	va_start(arguments, format);
	vsnprintf(report->message, sizeof(report->message), format, arguments);
	va_end(arguments);
	return r;
}

static int fail_write(struct image_tree *t, int r, const char *path)
{
	return image_fail(t->report, r, "C575", "'%s' cannot be unpacked: %s", path, strerror(-r));
}

int image_path_clean(const char *path, char ret[IMAGE_NAME_MAX])
{
	size_t used = 0;

	while (*path) {
		size_t length = strcspn(path, "/");

		if (length == 2 && path[0] == '.' && path[1] == '.')
			return -EXDEV;
		if (length && !(length == 1 && path[0] == '.')) {
			if (used + (used > 0) + length >= IMAGE_NAME_MAX)
				return -ENAMETOOLONG;
			if (used)
				ret[used++] = '/';
			memcpy(ret + used, path, length);
			used += length;
		}
		path += length + (path[length] == '/');
	}
	ret[used] = '\0';
	return 0;
}

/* "a/b" becomes "a" and gives "b"; "b" becomes "" and gives "b". */
static const char *split(const char *path, char parent[IMAGE_NAME_MAX])
{
	const char *slash = strrchr(path, '/');
	size_t length = slash ? (size_t)(slash - path) : 0;

	memcpy(parent, path, length);
	parent[length] = '\0';
	return slash ? slash + 1 : path;
}

static int open_below(int top, const char *path, uint64_t flags)
{
	return fd_open_resolved(top, path, (unsigned)flags, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV);
}

static int clean(struct image_tree *t, const char *path, char ret[IMAGE_NAME_MAX])
{
	int r = image_path_clean(path, ret);

	if (r == -EXDEV)
		return image_fail(t->report, r, "C573", "'%s' leads out of the image", path);
	if (r < 0)
		return image_fail(t->report, r, "C574", "a name is longer than %d bytes: '%.60s…'",
				  IMAGE_NAME_MAX - 1, path);
	return 0;
}

/* Why the parent of an entry could not be opened. */
static int fail_parent(struct image_tree *t, int r, const char *parent)
{
	if (r == -ELOOP || r == -EXDEV)
		return image_fail(t->report, r, "C573", "an entry goes through '%s', which is or lies behind a link",
				  parent);
	if (r == -ENOTDIR)
		return image_fail(t->report, r, "C573", "an entry goes through '%s', which is no directory",
				  parent);
	return fail_write(t, r, parent);
}

/* Directories that no entry has named yet. */
static int make_parents(struct image_tree *t, const char *path)
{
	char part[IMAGE_NAME_MAX], above[IMAGE_NAME_MAX];

	for (size_t at = 0; path[at]; at += path[at] == '/') {
		const char *name;

		at += strcspn(path + at, "/");
		memcpy(part, path, at);
		part[at] = '\0';
		name = split(part, above);
		AUTO_FD int fd = open_below(t->top, above, O_RDONLY | O_DIRECTORY);
		if (fd < 0)
			return fd;
		if (mkdirat(fd, name, 0755) < 0 && errno != EEXIST)
			return -errno;
	}
	return 0;
}

static void forget_parent(struct image_tree *t)
{
	if (t->parent < 0)
		return;
	(void)futimens(t->parent, t->times);
	close(t->parent);
	t->parent = -1;
}

static int enter_parent(struct image_tree *t, const char *path, bool make)
{
	struct stat status;
	int fd;

	if (t->parent >= 0 && strcmp(t->parent_path, path) == 0)
		return 0;
	forget_parent(t);
	fd = open_below(t->top, path, O_RDONLY | O_DIRECTORY);
	if (fd == -ENOENT && make) {
		int r = make_parents(t, path);

		fd = r < 0 ? r : open_below(t->top, path, O_RDONLY | O_DIRECTORY);
	}
	if (fd < 0)
		return fd;
	if (fstat(fd, &status) < 0) {
		close(fd);
		return -EIO;
	}
	t->parent = fd;
	t->times[0] = status.st_atim;
	t->times[1] = status.st_mtim;
	strcpy(t->parent_path, path);
	return 0;
}

/* An id that the user namespace lacks (EINVAL, user_namespaces(7)) becomes root's. */
static int set_owner(struct image_tree *t, int fd, const char *name, const struct image_entry *e)
{
	const int flags = *name ? AT_SYMLINK_NOFOLLOW : AT_EMPTY_PATH;

	if (t->own)
		return 0;
	if (e->uid >= 0 && e->gid >= 0 && e->uid < UINT32_MAX && e->gid < UINT32_MAX) {
		if (fchownat(fd, name, (uid_t)e->uid, (gid_t)e->gid, flags) == 0)
			return 0;
		if (errno != EINVAL)
			return -errno;
	}
	t->report->foreign++;
	return fchownat(fd, name, 0, 0, flags) < 0 ? -errno : 0;
}

static int set_attributes(struct image_tree *t, int fd, const struct image_entry *e)
{
	for (size_t i = 0; i < e->attribute_count; i++) {
		const struct image_attribute *a = &e->attributes[i];

		if (str_starts(a->name, "user.") && fsetxattr(fd, a->name, a->value, a->size, 0) == 0)
			continue;
		if (str_starts(a->name, "user.") && errno != EOPNOTSUPP)
			return -errno;
		t->report->attributes++;
	}
	return 0;
}

/* Owner first, it clears bits of the mode; the time last. */
static int set_metadata(struct image_tree *t, int fd, const struct image_entry *e)
{
	const struct timespec times[2] = { e->mtime, e->mtime };
	mode_t mode = e->mode & 01777;
	int r = set_owner(t, fd, "", e);

	if (S_ISDIR(e->mode))
		mode |= (e->mode & S_ISGID) | (t->open_modes ? 0700 : 0);
	else if (e->mode & (S_ISUID | S_ISGID))
		t->report->set_id++;
	if (r == 0)
		r = set_attributes(t, fd, e);
	if (r == 0 && (fchmod(fd, mode) < 0 || futimens(fd, times) < 0))
		r = -errno;
	return r;
}

static int write_at(int fd, const char *bytes, size_t size, int64_t offset)
{
	while (size) {
		ssize_t count = pwrite(fd, bytes, size, offset);

		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			return -errno;
		bytes += count;
		size -= (size_t)count;
		offset += count;
	}
	return 0;
}

/* The parts of a sparse file have gaps between them, which stay holes. */
static int write_content(struct image_tree *t, int fd, const struct image_entry *e,
			 image_next *next, void *archive)
{
	const void *bytes = NULL;
	int64_t offset = 0;
	size_t size = 0;
	int r;

	while ((r = next(archive, &bytes, &size, &offset)) > 0) {
		if (offset < 0 || (uint64_t)offset > e->size || size > e->size - (uint64_t)offset)
			return image_fail(t->report, -EINVAL, "C572", "'%s' has more content than its size",
					  e->path);
		r = write_at(fd, bytes, size, offset);
		if (r < 0)
			return fail_write(t, r, e->path);
	}
	if (r == 0 && ftruncate(fd, (off_t)e->size) < 0)
		return fail_write(t, -errno, e->path);
	return r;
}

static int add_file(struct image_tree *t, const char *name, const struct image_entry *e,
		    image_next *next, void *archive)
{
	uint64_t *size = &t->report->size;
	AUTO_FD int fd = -1;
	int r;

	if (e->size > t->most_size - *size)
		return image_fail(t->report, -EFBIG, "C574", "the files are larger than %llu MiB",
				  (unsigned long long)t->most_size >> 20);
	*size += e->size;
	fd = openat(t->parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return fail_write(t, -errno, e->path);
	r = write_content(t, fd, e, next, archive);
	if (r < 0)
		return r;
	r = set_metadata(t, fd, e);
	return r < 0 ? fail_write(t, r, e->path) : 0;
}

static int add_symlink(struct image_tree *t, const char *name, const struct image_entry *e)
{
	const struct timespec times[2] = { e->mtime, e->mtime };
	int r = 0;

	if (symlinkat(e->target, t->parent, name) < 0)
		return fail_write(t, -errno, e->path);
	r = set_owner(t, t->parent, name, e);
	if (r == 0 && utimensat(t->parent, name, times, AT_SYMLINK_NOFOLLOW) < 0)
		r = -errno;
	return r < 0 ? fail_write(t, r, e->path) : 0;
}

/* A directory that is there gets the new metadata and keeps its entries. */
static int add_directory(struct image_tree *t, const char *path, const char *name,
			 const struct image_entry *e)
{
	struct image_entry own = *e;
	AUTO_FD int fd = -1;
	int r;

	/* An archive of "." brings the owner of a directory somewhere; a system's "/" is root's, and must be, to be one. */
	if (!*name)
		own.uid = own.gid = 0;
	if (*name && mkdirat(t->parent, name, 0700) < 0 && errno != EEXIST)
		return fail_write(t, -errno, e->path);
	fd = open_below(t->top, path, O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		return fail_write(t, fd, e->path);
	r = set_metadata(t, fd, &own);
	return r < 0 ? fail_write(t, r, e->path) : 0;
}

/* The other name is found like an entry: below the top and through no link. */
static int add_hard_link(struct image_tree *t, const char *path, const char *name,
			 const struct image_entry *e)
{
	char other[IMAGE_NAME_MAX], above[IMAGE_NAME_MAX];
	const char *base;
	AUTO_FD int fd = -1;
	struct stat status;
	int r = clean(t, e->hard_link, other);

	if (r < 0)
		return r;
	if (strcmp(other, path) == 0)
		return 0;
	base = split(other, above);
	fd = open_below(t->top, above, O_PATH | O_DIRECTORY);
	if (fd < 0 && fd != -ENOENT)
		return fail_parent(t, fd, above);
	if (!*base || fd < 0 || fstatat(fd, base, &status, AT_SYMLINK_NOFOLLOW) < 0 || S_ISDIR(status.st_mode))
		return image_fail(t->report, -ENOENT, "C573", "'%s' is a hard link to '%s', which is no file of the image",
				  e->path, e->hard_link);
	r = tree_clear(t->parent, name);
	if (r == 0 && linkat(fd, base, t->parent, name, 0) < 0)
		r = -errno;
	return r < 0 ? fail_write(t, r, e->path) : 0;
}

static bool is_directory(int parent, const char *name)
{
	struct stat status;

	return !*name || (fstatat(parent, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(status.st_mode));
}

static int add_clean(struct image_tree *t, const char *path, const struct image_entry *e,
		     image_next *next, void *archive)
{
	char above[IMAGE_NAME_MAX];
	const char *name = split(path, above);
	bool directory = !e->hard_link && S_ISDIR(e->mode);
	int r = enter_parent(t, above, true);

	if (r < 0)
		return fail_parent(t, r, above);
	if (!*name && !directory)
		return image_fail(t->report, -EINVAL, "C573", "the top of the image is no directory");
	if (e->hard_link)
		return add_hard_link(t, path, name, e);
	if (!directory || !is_directory(t->parent, name)) {
		r = tree_clear(t->parent, name);
		if (r < 0)
			return fail_write(t, r, e->path);
	}
	if (directory)
		return add_directory(t, path, name, e);
	return S_ISLNK(e->mode) ? add_symlink(t, name, e) : add_file(t, name, e, next, archive);
}

int image_tree_add(struct image_tree *t, const struct image_entry *e, image_next *next, void *archive)
{
	char path[IMAGE_NAME_MAX];
	int r;

	if (++t->report->entries > LIMIT_IMAGE_ENTRIES)
		return image_fail(t->report, -E2BIG, "C574", "there are more than %d entries", LIMIT_IMAGE_ENTRIES);
	r = clean(t, e->path, path);
	if (r < 0 || (t->layer && image_path_is_whiteout(path)))
		return r;
	if (!e->hard_link && !S_ISREG(e->mode) && !S_ISDIR(e->mode) && !S_ISLNK(e->mode)) {
		t->report->devices++;
		return 0;
	}
	r = add_clean(t, path, e, next, archive);
	/* The top is its own parent here: its entry gave it new times, the kept ones are old. */
	if (r == 0 && !*path)
		close(TAKE_FD(t->parent));
	return r;
}

bool image_path_is_whiteout(const char *path)
{
	const char *slash = strrchr(path, '/');

	return str_starts(slash ? slash + 1 : path, WHITEOUT);
}

int image_tree_whiteout(struct image_tree *t, const char *entry)
{
	char path[IMAGE_NAME_MAX], above[IMAGE_NAME_MAX];
	const char *name;
	int r = clean(t, entry, path);

	if (r < 0 || !image_path_is_whiteout(path))
		return r;
	name = split(path, above);
	r = enter_parent(t, above, false);
	if (r == -ENOENT || r == -ENOTDIR)
		return 0;
	if (r < 0)
		return fail_parent(t, r, above);
	if (strcmp(name, OPAQUE) == 0) {
		struct stat status;

		r = fstat(t->parent, &status) < 0 ? -errno : tree_empty(t->parent);
		if (r == 0 && fchmod(t->parent, status.st_mode & 07777) < 0)
			r = -errno;
	} else if (!str_starts(name, WHITEOUT WHITEOUT)) { /* other names of aufs mean nothing here */
		name += strlen(WHITEOUT);
		if (!*name || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
			return image_fail(t->report, -EXDEV, "C573", "'%s' leads out of the image", entry);
		r = tree_clear(t->parent, name);
	}
	return r < 0 ? fail_write(t, r, entry) : 0;
}

void image_tree_init(struct image_tree *t, int top, struct image_report *report)
{
	*t = (struct image_tree){ .top = top, .report = report, .parent = -1 };
}

void image_tree_finish(struct image_tree *t)
{
	forget_parent(t);
}
