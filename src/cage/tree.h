/* cage/tree.h - whole directory trees that somebody else wrote: removed and measured.
 *
 * Everything in such a tree is hostile: as deep as its writer liked, with any names, with links,
 * pipes, sockets and directories that nobody may read.  Both functions work on descriptors, follow
 * no link, leave no file system, and need the same few descriptors for every depth. */
#ifndef CUDDY_CAGE_TREE_H
#define CUDDY_CAGE_TREE_H

#include "base/macros.h"
#include "base/progress.h"
#include <errno.h>

/* Removes `name` (one component) below directory `dir`, and all that is in it.  What cannot be
 * removed is left, the rest goes: the first error is returned as -errno, else 0; a missing `name` is
 * -ENOENT.  A mount point is never entered (-EXDEV or -EBUSY).  While somebody still writes there
 * it may go on as long as he does. */
int tree_remove(int dir, const char *name);
/* The same, and tells PROGRESS_ENTRY for each entry that goes; `progress` may be NULL. */
int tree_remove_telling(int dir, const char *name, const struct progress *progress);

/* The same, but that nothing is there is no error. */
static inline int tree_clear(int dir, const char *name)
{
	int r = tree_remove(dir, name);

	return r == -ENOENT ? 0 : r;
}
/* Removes all that is in the open directory `top`, which stays.  0 or the first error. */
int tree_empty(int top);

struct tree_size {
	uint64_t bytes;	  /* on the disk; a file with several links counts its share at each of them */
	uint64_t entries; /* files, directories and all else, without the top */
	bool partial;	  /* more than LIMIT_TREE_ENTRIES, or unreadable parts: it is at least this */
};
/* Measures the tree below the directory `name` of `dir`.  0, or -errno when it cannot be opened. */
int tree_size(int dir, const char *name, struct tree_size *ret);

#endif
