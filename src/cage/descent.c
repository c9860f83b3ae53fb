/* cage/descent.c - walks trees level by level with one descriptor for each side.
 * Must not: follow a link, cross a mount, trust "..". */
#include "cage/descent.h"
#include "base/fd.h"
#include "base/limits.h"
#include "launch/kernel.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int directory_names(struct arena *arena, int dir, size_t *entries, const char ***ret, size_t *ret_count)
{
	VEC(const char *) names = { 0 };
	int fd = RESULT(openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)), r = 0;
	DIR *stream = fd < 0 ? NULL : fdopendir(fd);

	if (!stream) {
		r = fd < 0 ? fd : -errno;
		fd_closep(&fd);
		return r;
	}
	for (struct dirent *entry; r == 0 && (errno = 0, entry = readdir(stream));) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (++*entries > LIMIT_TREE_ENTRIES)
			r = -E2BIG;
		else
			*vec_push(arena, &names) = arena_strdup(arena, entry->d_name);
	}
	if (r == 0)
		r = -errno;
	closedir(stream);
	if (names.count)
		qsort(names.items, names.count, sizeof(*names.items), compare_names);
	*ret = names.items;
	*ret_count = names.count;
	return r;
}

static int identify(int fd, struct descent_level *level, unsigned side)
{
	struct stat status;
	int r = RESULT(fstat(fd, &status));

	level->device[side] = r < 0 ? 0 : status.st_dev;
	level->inode[side] = r < 0 ? 0 : status.st_ino;
	return r;
}

/* Takes both descriptors, also when it fails. */
static int push(struct descent *d, int first, int second)
{
	AUTO_FD int fd0 = first, fd1 = second;
	struct descent_level level = { .path_length = d->path.length, .has_second = second >= 0 };
	int r = identify(fd0, &level, 0);

	if (r == 0 && fd1 >= 0)
		r = identify(fd1, &level, 1);
	if (r == 0)
		r = directory_names(d->arena, fd0, &d->entries, &level.names, &level.count);
	if (r < 0)
		return r;
	fd_closep(&d->fd[0]);
	d->fd[0] = TAKE_FD(fd0);
	if (fd1 >= 0) {
		fd_closep(&d->fd[1]);
		d->fd[1] = TAKE_FD(fd1);
	}
	*vec_push(d->arena, &d->levels) = level;
	return 0;
}

static int reopen(int fd)
{
	return fd < 0 ? -1 : RESULT(openat(fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC));
}

int descent_begin(struct descent *d, struct arena *arena, int first, int second)
{
	*d = (struct descent){ .arena = arena, .fd = { -1, -1 }, .path.arena = arena };
	return push(d, reopen(first), reopen(second));
}

void descent_end(struct descent *d)
{
	fd_closep(&d->fd[0]);
	fd_closep(&d->fd[1]);
	d->fd[0] = d->fd[1] = -1;
	d->levels.count = 0;
}

const char *descent_next(struct descent *d)
{
	struct descent_level *level = &d->levels.items[d->levels.count - 1];

	return level->next < level->count ? level->names[level->next++] : NULL;
}

int descent_first(const struct descent *d)
{
	return d->fd[0];
}

int descent_second(const struct descent *d)
{
	return d->levels.items[d->levels.count - 1].has_second ? d->fd[1] : -1;
}

char *descent_path(struct descent *d, const char *name)
{
	return arena_printf(d->arena, "%s%s%s", strbuf_text(&d->path), d->path.length ? "/" : "", name);
}

int descent_enter(struct descent *d, const char *name)
{
	int first = sys_open_below(d->fd[0], name, O_PATH | O_DIRECTORY, RESOLVE_NO_XDEV);
	int second = descent_second(d);
	size_t length = d->path.length;
	int r;

	if (first < 0)
		return first;
	if (second >= 0)
		second = sys_open_below(second, name, O_PATH | O_DIRECTORY, RESOLVE_NO_XDEV);
	if (length)
		strbuf_add(&d->path, "/");
	strbuf_add(&d->path, name);
	r = push(d, first, second);
	if (r < 0) {
		d->path.length = length;
		d->path.text[length] = '\0';
	}
	return r;
}

/* The directory above, if it still is the one that was left. */
static int open_above(int fd, const struct descent_level *level, unsigned side)
{
	AUTO_FD int above = RESULT(openat(fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC));
	struct stat status;

	if (above < 0 || fstat(above, &status) < 0)
		return above < 0 ? above : -errno;
	if (status.st_dev != level->device[side] || status.st_ino != level->inode[side])
		return -ESTALE;
	return TAKE_FD(above);
}

int descent_leave(struct descent *d)
{
	const struct descent_level *level = &d->levels.items[--d->levels.count];

	if (!d->levels.count)
		return 0;
	for (unsigned side = 0; side < 2; side++) {
		int above;

		if (side == 1 && !level->has_second)
			continue;
		above = open_above(d->fd[side], level - 1, side);
		if (above < 0)
			return above;
		close(d->fd[side]);
		d->fd[side] = above;
	}
	d->path.length = level[-1].path_length;
	d->path.text[d->path.length] = '\0';
	return 0;
}
