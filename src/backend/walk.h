/* backend/walk.h - looking at the host's file system without following what it should not. */
#ifndef CUDDY_BACKEND_WALK_H
#define CUDDY_BACKEND_WALK_H

#include "policy/glob.h"
#include <sys/types.h>

#define WALK_LINKS 40 /* as many as the kernel follows, path_resolution(7) */

struct walk_status {
	bool exists, is_directory, is_link;
	dev_t device;
	ino_t inode;
	mode_t mode;
};
/* What was looked at while one view is built: every path once.  A bind checks device and inode again. */
struct walk_known;
struct walk_listing;
/* What appears at `at` and below comes from the host's path `from`, or from the root that is open as
 * walk.root; the deepest counts.  Without any, everything comes from its own path. */
struct walk_map { const char *at, *from; bool in_root; };
struct walk {
	struct arena *arena;
	int root;
	VEC(struct walk_map) maps;
	struct walk_known *known[256];
	struct walk_listing *listings;
	char *room; /* for entries of a directory; NULL: none was read yet */
};
void walk_status(struct walk *walk, const char *path, struct walk_status *ret); /* lstat; missing is no error */

/* Where on the host the content of `path` is (in the root: below `root_path`). */
const char *walk_source(const struct walk *walk, const char *path, const char *root_path);

/* Reads a directory that will be searched anyway: looking at what it lacks costs nothing from then on. */
void walk_list(struct walk *walk, const char *path);

struct walk_link { const char *path, *text; };

/* The path without symbolic links, and the links met on the way, in order (room for WALK_LINKS).
 * NULL when it does not exist, leads in a circle, or is not to be looked at. */
const char *walk_resolve(struct walk *walk, const char *path, struct walk_link *links, size_t *ret_count);

/* Calls `visit` for all that exists at or below directory `prefix` and matches (links are not
 * followed); below a directory that matches with its whole tree for links only, which lead elsewhere.
 * 0, or -E2BIG past LIMIT_GLOB_MATCHES or LIMIT_GLOB_VISITS. */
int walk_matches(struct walk *walk, const struct glob *glob, const char *prefix,
		 void (*visit)(void *context, const char *path), void *context);

/* The entries of one directory.  0, or -E2BIG when there are more than `most`. */
int walk_directory(struct walk *walk, const char *path, size_t most,
		   void (*visit)(void *context, const char *path), void *context);

#endif
