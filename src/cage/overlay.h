/* cage/overlay.h - what a cage changed in its copy-on-write trees: listed, applied, dropped.
 *
 * Each tree has a directory of its own in the cage's directory "overlay":
 *
 *     NAME/path      the host's directory, as text; NAME is overlay_name() of it
 *     NAME/upper     the changes, as the kernel's overlayfs keeps them: hostile, as all of the cage's data
 *     NAME/work      the kernel's
 *     NAME/fuse      instead of both, if fuse-overlayfs does it: its "upper" and "work" (cage/fuse.h)
 *     NAME/starts    when cages were started on it, a line "SECONDS.NANOSECONDS" each
 *     NAME/commit    only while a commit is under way: its state and the name of its temporary entries
 *
 * None of this may be used while a cage runs on it: the caller holds the lock of the cage. */
#ifndef CUDDY_CAGE_OVERLAY_H
#define CUDDY_CAGE_OVERLAY_H

#include "cage/entry.h"
#include "diag/diag.h"
#include "plan/plan.h"

/* Where the cage of that name keeps its changes, as text; `data` is $XDG_DATA_HOME/cuddy. */
const char *overlays_directory(struct arena *arena, const char *data, const char *name);
/* Makes the directories for every OVERLAY of a plan that keeps its changes there, notes the start, and
 * enters into the plan which directories they are.  Before each start.  0, or -EINVAL with a diagnostic. */
int overlays_prepare(const char *data, const char *name, struct plan *plan, struct diags *d);

struct overlay {
	struct arena *arena;
	const char *path;	   /* of the host's directory */
	int data, upper, lower;	   /* lower: -1 when the host's directory is gone */
	bool by_fuse;		   /* the upper directory has the marks of fuse-overlayfs */
	int hold;		   /* then nobody serves it meanwhile; else -1 */
	struct timespec *starts;
	size_t start_count;
};
/* All trees that have changes or could have, sorted by path.  0 or -errno. */
int overlays_open(struct arena *arena, int at, struct overlay **ret, size_t *ret_count);
void overlay_close(struct overlay *overlay);

/* Becomes the owner of every mode, and of subordinate ids, in a user namespace of its own, for the rest of
 * the process: what the caged program made unreadable is the user's nevertheless.  What returned -EACCES can
 * be tried again then.  0 or -errno; -EALREADY for root and the second time. */
int overlay_gain_power(void);

/* ---- listing ---- */

enum change_kind { CHANGE_ADDED, CHANGE_DELETED, CHANGE_MODIFIED, CHANGE_TYPE };
struct change {
	enum change_kind kind;
	const char *path;	   /* relative to the tree */
	unsigned differs;	   /* MODIFIED: DIFFERS_* bits */
	struct entry before, after;
};
struct changes {
	VEC(struct change) list;   /* sorted, a directory before what is in it */
	size_t too_deep;	   /* entries whose path is longer than any program can name */
};
/* How much work all that is: for bars. */
uint64_t overlay_work(const struct overlay *overlay);
/* 0 or -errno: -EACCES see above, -E2BIG past LIMIT_TREE_ENTRIES.  `progress` may be NULL. */
int overlay_changes(const struct overlay *overlay, struct arena *arena, const struct progress *progress,
		    struct changes *ret);

/* ---- applying and dropping ---- */

/* Which entries are meant: those at or below one of the paths (relative to the tree); none: all. */
struct selection { const char *const *paths; size_t count; };
/* Is a path (relative to the tree) meant, only on the way to one that is, or neither? */
enum meant { MEANT_NOT, MEANT_ON_THE_WAY, MEANT };
enum meant selection_find(const struct selection *selection, const char *path);

enum left_why {
	LEFT_CHANGED_OUTSIDE,   /* the host's entry changed after the cage's copy of it was made */
	LEFT_DELETED_OUTSIDE,   /* the cage changed it, the host has it no more */
	LEFT_PART,		   /* only a part was asked for of a directory that was replaced */
	LEFT_FAILED,		   /* see error */
};
struct left {			   /* an entry that commit left alone, with all below it */
	enum left_why why;
	const char *path;
	int error;
};
struct commit_result {
	size_t applied;
	VEC(struct left) left;
};
struct commit_options {
	struct selection selection;
	bool force;		   /* apply conflicts too */
	bool has_power;		   /* overlay_gain_power() was called: -EACCES is one entry's failure */
	const struct progress *progress; /* or NULL */
	/* For tests: the process kills itself after that many changes of either tree; 0: never. */
	unsigned long die_after;
};
/* Applies changes to the host's directory; those leave the upper directory.  Each entry appears whole or
 * not at all; after a kill the next commit goes on.  0 (see ret->left), or -errno when it could not be
 * carried through: -EACCES see above, -ENOENT: no host directory, -ESTALE: directories moved meanwhile. */
int overlay_commit(const struct overlay *overlay, struct arena *arena, const struct commit_options *options,
		   struct commit_result *ret);

/* Drops changes.  0, or the first -errno; -ENOENT: nothing was changed there. */
int overlay_discard(const struct overlay *overlay, const struct selection *selection);

#endif
