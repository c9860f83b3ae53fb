/* cage/enter.h - `run`: the first of a name makes the cage, the others join it. */
#ifndef CUDDY_CAGE_ENTER_H
#define CUDDY_CAGE_ENTER_H

#include "backend/backend.h"
#include "cage/data.h"
#include "cage/fuse.h"
#include "cage/state.h"
#include "launch/launch.h"
#include "network/network.h"

/* What to do when a cage of the name runs with another policy. */
enum cage_conflict {
	CONFLICT_REFUSE,
	CONFLICT_RESTART, /* end it first */
	CONFLICT_BESIDE,  /* take the name with a number */
	CONFLICT_ELSEWHERE, /* the same if that one was started in another directory, else refuse */
};

struct cage_wish {
	const struct policy *policy;
	struct cage cage;	 /* name, argv and who calls; `data` is filled in */
	struct cage_places places;
	bool ephemeral;		 /* nothing is kept */
	const char *from;	 /* of an ephemeral one: the cage whose data it starts with; or NULL */
	enum cage_conflict conflict;
	struct launch_options launch;
};

/* A program in its cage, from cage_enter() to cage_leave(). */
struct cage_stay {
	struct arena *arena;
	const char *name;	 /* of the cage: with CONFLICT_BESIDE it may have got a number */
	struct plan *plan;
	struct launch launch;
	struct network network;	 /* its helpers, of a cage that we made */
	struct fuse fuse;	 /* the same */
	struct cage_handles handles; /* of a cage that was joined; socket -1: we made it */
	int runtime;
	int hold;		 /* of an image that it runs from, or -1 */
};

/* Starts wish->cage.argv in the cage of that name, which is made if it does not run.  0, or -errno with
 * diagnostics and nothing left behind. */
int cage_enter(struct arena *arena, const struct cage_wish *wish, struct diags *d, struct cage_stay *ret);

/* Waits for the program and, when it was the last, for the end of the cage; the exit status as
 * launch_wait() gives it. */
int cage_leave(struct cage_stay *stay, struct diags *d);

#endif
