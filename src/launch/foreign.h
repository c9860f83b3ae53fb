/* launch/foreign.h - starts what another tool's command line describes (struct plan, `foreign`).
 *
 * The same steps, walker and reports as a cage has, but another process model, bubblewrap's: the program
 * keeps the caller's streams, terminal, session, process group, signals and open descriptors; only those
 * namespaces are made that were asked for; pid 1, if there is one, waits until nobody is left; and when
 * the caller goes, the program goes with it only if that was asked for. */
#ifndef CUDDY_LAUNCH_FOREIGN_H
#define CUDDY_LAUNCH_FOREIGN_H

#include "plan/plan.h"
#include <sys/types.h>

#define FOREIGN_LOCKS 32 /* LOCK steps of one plan */

struct launch_foreign {
	uint64_t namespaces;	/* CLONE_NEW*, a mount namespace is always made */
	int user_namespace, pid_namespace; /* entered before, in this order; -1: none */
	int held;		/* a descriptor that init holds open and the program does not; -1 */
	int events;		/* one of ours that stays open while we wait; -1 */
	bool init;		/* a process that reaps, and is pid 1 of a new pid namespace */
	bool die_with_parent, new_session;
	/* Called when the child exists and before it does anything; NULL: it need not wait.  A negative
	 * number ends it. */
	int (*made)(void *context, pid_t pid);
	void *context;
};

/* What became of it. */
struct foreign_end {
	bool started;	  /* the program was executed */
	size_t step;	  /* else: the step that failed, */
	int error;	  /* and why: an errno */
	int status;	  /* exit status as the shell shows it */
};

/* Runs a foreign plan from the beginning to the end.  From now on this process has no other descriptor
 * above 2, no capability, and dies with its parent if the program does.  0, or -errno: -EINVAL with a
 * diagnostic when the plan breaks a rule; else the namespaces could not be made or entered. */
int launch_foreign(const struct plan *plan, const struct launch_foreign *options, struct diags *d,
		   struct foreign_end *ret);

#endif
