/* cage/descent.h - walks a directory tree, or two that lie over each other, at any depth.
 *
 * Side 0 leads: its names are visited, sorted by bytes.  Side 1 goes along where it has a directory
 * of the same name.  One descriptor for each side is open; the way back up is "..", and counts only
 * when device and inode are those that were left.  Nothing is followed, no mount is crossed.
 *
 *     while (depth) { name = descent_next(d); if (!name) descent_leave(d); else … descent_enter(d, name) } */
#ifndef CUDDY_CAGE_DESCENT_H
#define CUDDY_CAGE_DESCENT_H

#include "base/text.h"

#include <sys/types.h>

struct descent_level {
	const char **names;
	size_t count, next;
	size_t path_length;	   /* of the path of this directory */
	bool has_second;	   /* side 1 has this directory too */
	dev_t device[2];
	ino_t inode[2];
};

struct descent {
	struct arena *arena;
	int fd[2];		   /* side 1: of the deepest directory above that it has */
	VEC(struct descent_level) levels;
	struct strbuf path;	   /* of the present directory, relative to the top; "" for the top */
	size_t entries;		   /* names read so far */
};

/* Starts at directories `first` and `second` (-1: none), which stay the caller's.  0 or -errno;
 * -E2BIG past LIMIT_TREE_ENTRIES, then and later. */
int descent_begin(struct descent *d, struct arena *arena, int first, int second);
void descent_end(struct descent *d);

/* The next name of the present directory, or NULL behind the last.  Lives in the arena. */
const char *descent_next(struct descent *d);

/* Goes into the directory `name` of side 0.  0, or -errno and nothing has changed. */
int descent_enter(struct descent *d, const char *name);
/* Goes back up; behind the top there are no levels left.  -ESTALE when a directory was moved away
 * meanwhile: the walk cannot go on. */
int descent_leave(struct descent *d);

/* Present directories; side 1 may be -1. */
int descent_first(const struct descent *d);
int descent_second(const struct descent *d);

/* The path of `name` in the present directory, relative to the top, in the arena. */
char *descent_path(struct descent *d, const char *name);

/* The names in a directory, sorted by bytes; "." and ".." left out.  0 or -errno; adds to *entries. */
int directory_names(struct arena *arena, int dir, size_t *entries, const char ***ret, size_t *ret_count);

#endif
