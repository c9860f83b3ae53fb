/* launch/foreign_child.h - what the child of launch/foreign.h has besides struct child, and its steps.
 * Nothing here is seen outside src/launch/. */
#ifndef CUDDY_LAUNCH_FOREIGN_CHILD_H
#define CUDDY_LAUNCH_FOREIGN_CHILD_H

#include "launch/child.h"
#include "launch/foreign.h"

struct foreign_child {
	const struct launch_foreign *options;
	unsigned host_binds;	 /* how often the host's "/" will still be bound */
	/* The child's own. */
	uint32_t go;		 /* 1: the program may start; 2: it must not */
	bool placed;		 /* a PLACE found its directory */
	int locks[FOREIGN_LOCKS];
	unsigned lock_count;
	int upper, work;	 /* layers of the next LAYERED, or -1 */
	size_t lower_length;
	char lower[4000];	 /* its lower layers, "/proc/self/fd/7:…" */
};

_Noreturn void foreign_run(struct child *c);

/* Closes every descriptor above 2 but these (at most FOREIGN_LOCKS + 4; negative ones count nothing). */
void foreign_close_others(const int *kept, size_t count);

/* The place of a step's target: it is made if it is missing, with its parents, and links on the way are
 * followed inside the new root, never out of it. */
int foreign_spot(struct child *c, const struct step *step, struct spot *ret);

/* A detached tree of the host's "/", for one BIND of it. */
int foreign_host_root(struct child *c);

step_function foreign_map, foreign_become, foreign_slave, foreign_dir, foreign_copy, foreign_copy_bind,
	foreign_link, foreign_chmod, foreign_cover, foreign_remount, foreign_mqueue, foreign_layer,
	foreign_layered, foreign_leave, foreign_join_user, foreign_no_userns, foreign_keep_caps,
	foreign_block, foreign_place, foreign_lock, foreign_execute;

/* Rows of step_table. */
#define FOREIGN_STEPS                                                                            \
	[OP_MAP] = foreign_map,		    [OP_BECOME] = foreign_become,                        \
	[OP_SLAVE] = foreign_slave,	    [OP_DIR] = foreign_dir,                              \
	[OP_COPY] = foreign_copy,	    [OP_COPY_BIND] = foreign_copy_bind,                  \
	[OP_LINK] = foreign_link,	    [OP_CHMOD] = foreign_chmod,                          \
	[OP_COVER] = foreign_cover,	    [OP_REMOUNT] = foreign_remount,                      \
	[OP_MQUEUE] = foreign_mqueue,	    [OP_LAYER] = foreign_layer,                          \
	[OP_LAYERED] = foreign_layered,	    [OP_LEAVE] = foreign_leave,                          \
	[OP_JOIN_USER] = foreign_join_user, [OP_NO_USERNS] = foreign_no_userns,                  \
	[OP_KEEP_CAPS] = foreign_keep_caps, [OP_BLOCK] = foreign_block,                          \
	[OP_PLACE] = foreign_place,	    [OP_LOCK] = foreign_lock,                            \
	[OP_RUN] = foreign_execute,

#endif
