/* cage/image_store.c - the directory of images: finding, listing, publishing, removing.
 *
 * Every change is one rename in the store.  What is to go gets a name with a dot first, so that
 * a command that is killed leaves nothing that looks like an image.
 * Must not: follow a link, remove what somebody holds a lock on. */
#include "cage/image.h"

#include "base/fd.h"
#include "base/limits.h"
#include "base/path.h"
#include "base/text.h"
#include "cage/subids.h"
#include "cage/tree.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { DIRECTORY = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC };

bool image_name_is_valid(const char *name)
{
	size_t length = strlen(name);

	if (length == 0 || length > LIMIT_NAME_LENGTH || !isalnum((unsigned char)name[0]))
		return false;
	for (size_t i = 0; i < length; i++)
		if (!isalnum((unsigned char)name[i]) && !strchr("._+-", name[i]))
			return false;
	return true;
}

const char *image_name_for(struct arena *arena, const char *file)
{
	static const char *const endings[] = { ".gz", ".bz2", ".xz", ".zst", ".tar", ".tgz", ".oci" };
	const char *path = path_normal(arena, "/", file);
	char *name = arena_strdup(arena, path_base_name(path));

	for (size_t i = 0; i < ARRAY_SIZE(endings); i++)
		if (str_ends(name, endings[i]))
			name[strlen(name) - strlen(endings[i])] = '\0';
	return image_name_is_valid(name) ? name : NULL;
}

const char *image_store_path(struct arena *arena)
{
	const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
	const struct passwd *entry;

	if (data && *data == '/')
		return path_join(arena, path_normal(arena, "/", data), "cuddy/images");
	if (!home || *home != '/') {
		entry = getpwuid(getuid());
		home = entry ? entry->pw_dir : "/";
	}
	return path_join(arena, path_normal(arena, "/", home), ".local/share/cuddy/images");
}

const char *image_find(struct arena *arena, const char *name)
{
	const char *path;
	struct stat status;

	if (!image_name_is_valid(name))
		return NULL;
	path = arena_printf(arena, "%s/%s/rootfs", image_store_path(arena), name);
	return lstat(path, &status) == 0 && S_ISDIR(status.st_mode) ? path : NULL;
}

int image_hold(struct arena *arena, const char *name)
{
	const char *path = path_join(arena, image_store_path(arena), name);
	AUTO_FD int fd = -1;
	struct stat held, named;

	if (!image_name_is_valid(name))
		return -ENOENT;
	fd = open(path, DIRECTORY);
	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_SH | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? -EBUSY : -errno;
	/* It may have been renamed to be removed, before the lock. */
	if (fstat(fd, &held) < 0 || lstat(path, &named) < 0 || held.st_ino != named.st_ino ||
	    held.st_dev != named.st_dev)
		return -EBUSY;
	return TAKE_FD(fd);
}

/* Each directory on the way that is missing; the last two are ours alone. */
static int make_store(const char *path)
{
	char *copy = strdupa(path);

	for (char *slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(copy, 0700) < 0 && errno != EEXIST && access(copy, F_OK) < 0)
			return -errno;
		*slash = '/';
	}
	return mkdir(copy, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

static void closedirp(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Names of the store, sorted: either those of images or those of leftovers. */
static int read_names(struct arena *arena, int store, bool leftovers, const char ***ret, size_t *ret_count)
{
	int fd = openat(store, ".", DIRECTORY);
	CLEANUP(closedirp) DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	VEC(const char *) names = { 0 };
	struct dirent *entry;

	if (!dir)
		return -errno;
	while ((entry = readdir(dir))) {
		const char *name = entry->d_name;

		if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0 &&
		    (leftovers ? name[0] == '.' : image_name_is_valid(name)))
			*vec_push(arena, &names) = arena_strdup(arena, name);
	}
	if (names.count)
		qsort(names.items, names.count, sizeof(*names.items), compare);
	*ret = names.items;
	*ret_count = names.count;
	return 0;
}

int image_names(struct arena *arena, int store, const char ***ret, size_t *ret_count)
{
	return read_names(arena, store, false, ret, ret_count);
}

int image_discard(struct arena *arena, int store, const char *temporary)
{
	return subids_remove(arena, store, temporary, NULL);
}

/* What nobody holds any more belonged to a command that was killed. */
static void clean(struct arena *arena, int store)
{
	const char **names;
	size_t count;

	if (read_names(arena, store, true, &names, &count) < 0)
		return;
	for (size_t i = 0; i < count; i++) {
		AUTO_FD int fd = openat(store, names[i], DIRECTORY);

		if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
			continue;
		(void)image_discard(arena, store, names[i]);
	}
}

int image_store_open(struct arena *arena, bool make)
{
	const char *path = image_store_path(arena);
	int r = make ? make_store(path) : 0;
	AUTO_FD int store = r < 0 ? -1 : open(path, DIRECTORY);
	struct stat status;

	if (r < 0)
		return r;
	if (store < 0 || fstat(store, &status) < 0)
		return -errno;
	if (status.st_uid != geteuid())
		return -EPERM;
	if ((status.st_mode & 07777) != 0700 && fchmod(store, 0700) < 0)
		return -errno;
	clean(arena, store);
	return TAKE_FD(store);
}

static const char *temporary_name(struct arena *arena)
{
	uint64_t number;

	must(getrandom(&number, sizeof(number), 0) == sizeof(number));
	return arena_printf(arena, ".%016llx", (unsigned long long)number);
}

/* Between mkdir and flock another command may take it for a leftover: then another one is made. */
int image_begin(struct arena *arena, int store, const char **ret_name)
{
	for (unsigned attempt = 0; attempt < 100; attempt++) {
		const char *name = temporary_name(arena);
		AUTO_FD int fd = -1;
		struct stat held, named;

		if (mkdirat(store, name, 0700) < 0)
			return -errno;
		fd = openat(store, name, DIRECTORY);
		if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
			continue;
		if (fstat(fd, &held) < 0 || fstatat(store, name, &named, AT_SYMLINK_NOFOLLOW) < 0 ||
		    held.st_ino != named.st_ino)
			continue;
		*ret_name = name;
		return TAKE_FD(fd);
	}
	return -EBUSY;
}

/* After the exchange the old image has the temporary name.  A cage that still runs from it holds
 * its lock; then some later command removes it. */
int image_publish(struct arena *arena, int store, const char *temporary, const char *name, bool replace)
{
	int r = fd_rename(store, temporary, store, name, RENAME_NOREPLACE);

	if (r != -EEXIST || !replace)
		return r;
	r = fd_rename(store, temporary, store, name, RENAME_EXCHANGE);
	if (r < 0)
		return r;
	AUTO_FD int old = openat(store, temporary, DIRECTORY);
	if (old < 0 || flock(old, LOCK_EX | LOCK_NB) == 0)
		(void)image_discard(arena, store, temporary);
	return 0;
}

int image_remove(struct arena *arena, int store, const char *name, const struct progress *progress)
{
	const char *temporary = temporary_name(arena);
	AUTO_FD int fd = -1;
	int r;

	if (!image_name_is_valid(name))
		return -ENOENT;
	fd = openat(store, name, DIRECTORY);
	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? -EBUSY : -errno;
	r = fd_rename(store, name, store, temporary, RENAME_NOREPLACE);
	return r < 0 ? r : subids_remove(arena, store, temporary, progress);
}
