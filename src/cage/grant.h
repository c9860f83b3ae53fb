/* cage/grant.h - makes a path of the host visible in a running cage, and takes it away again.
 *
 * A process of the user enters the cage's owner user namespace, where a copy of the host's mount
 * namespace lets it clone the path (open_tree(2)), then the cage's mount namespace, where it attaches the
 * clone (move_mount(2)).  No link is followed, on either side; nothing is made in a directory of the host.
 * Both are called with the gate of the cage locked, and keep its list of grants (cage/grants.h). */
#ifndef CUDDY_CAGE_GRANT_H
#define CUDDY_CAGE_GRANT_H

#include "cage/grants.h"
#include "launch/serve.h"
#include "plan/plan.h"

/* Something below the path that stays hidden: it is covered before the path becomes visible. */
struct grant_mask { const char *path; dev_t device; ino_t inode; bool is_directory; };

struct grant_wish {
	const struct cage_handles *cage;
	const struct plan *plan;   /* that the cage was built from */
	const char *data;	   /* directory of the cage's own data, as text: in there mount points are made */
	int gate;
	const char *path;	   /* absolute, normal, without links */
	bool read_only;
	const struct grant_mask *masks;
	size_t mask_count;
};

/* Where a grant or its withdrawal failed. */
enum grant_stage {
	GRANT_SOURCE, /* the path cannot be shown: -ELOOP a link, -EINVAL neither file nor directory,
		       * -EPERM a file system of the kernel, -ESTALE something changed meanwhile */
	GRANT_ENTER,  /* the cage cannot be entered */
	GRANT_TARGET, /* its place inside: -EXDEV would have to be made in a directory of the host, -EBUSY is
		       * a place of its own there, -ELOOP leads through a link */
	GRANT_RECORD, /* the list of grants: -EEXIST is granted, or something below is; -E2BIG is full */
	GRANT_MOUNT
};
struct grant_error { enum grant_stage stage; int error; };

/* Shows the path at the same place inside: never executable, writable unless `read_only`.  0, or -errno
 * with *ret and nothing changed. */
int cage_grant(struct arena *arena, const struct grant_wish *wish, struct grant_error *ret);

/* Takes away what was granted at `path`, wherever the program moved it; what is open stays open.  0, or
 * -errno with *ret; GRANT_RECORD and -ENOENT: it was not granted. */
int cage_revoke(struct arena *arena, const struct cage_handles *cage, int gate, const char *path,
		struct grant_error *ret);

#endif
