/* backend/view.h - what the file system inside looks like: the file rules of a policy as a short
 * list of mounts, in the order in which they must be made.
 *
 * Every path that a rule names is a point.  At a point the access is what the allows that cover it
 * give, less what the denies that cover it take.  Where that differs from what the mount above
 * shows, there is an entry.  Reads the host's file system (lstat, readlink, readdir), changes nothing. */
#ifndef CUDDY_BACKEND_VIEW_H
#define CUDDY_BACKEND_VIEW_H

#include "backend/backend.h"
#include <sys/stat.h>

enum view_kind {
	VIEW_DIRECTORY, /* an empty directory of the skeleton: leads to something */
	VIEW_SYMLINK,	/* in the skeleton; `source` is the link's text */
	VIEW_BIND,	/* a host file or tree (PLACE_HOST), or another place, appears at `path` */
	VIEW_CHANGE,	/* the same content as the mount above, with other access */
	VIEW_MASK,	/* hidden: an empty thing that cannot be read */
};

struct view_entry {
	enum view_kind kind;
	enum place place;
	const char *path;   /* inside; normal */
	const char *source; /* host path, link text, name of a synthetic file */
	unsigned access;    /* ACCESS_* that remain */
	bool is_directory;
	bool in_skeleton;   /* the mount point is ours to make; else it exists in a mount above */
	bool in_root;	    /* it lies in what a PLACE_ROOT shows */
	dev_t device;	    /* of the source or of a mask's target: compared inside */
	ino_t inode;
	mode_t mode;
	const struct rule *rule; /* the one that asked for it; its origin is the step's */
};

struct view {
	struct view_entry *entries;
	size_t count;
	/* how the rules came out, one per policy rule: */
	unsigned char *exactness; /* enum exactness of backend.h */
	const char **note;	  /* NULL or why it is not exact */
};

/* Works out the view of a policy; of `cage` only the root counts.  0, or -EINVAL with diagnostics (limits exceeded). */
int view_build(struct arena *arena, const struct policy *policy, const struct cage *cage, struct diags *d,
	       struct view *ret);

/* Does a deny name this path, or a directory above it without its slash? */
bool view_hides(const struct policy *policy, const char *path);

#endif
