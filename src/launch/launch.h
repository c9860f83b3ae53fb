/* launch/launch.h - builds the cage that a verified plan describes, and waits for it.
 *
 * launch_start() makes one child with all namespaces; the child becomes pid 1 of the cage, walks the
 * plan, starts the program and is its init.  Nothing here reads a file of the user or decides a right. */
#ifndef CUDDY_LAUNCH_LAUNCH_H
#define CUDDY_LAUNCH_LAUNCH_H

#include "plan/plan.h"
#include <signal.h>

/* Exit statuses that are ours. */
#define EXIT_TIMEOUT    124
#define EXIT_CUDDY      125
#define EXIT_CANNOT     126
#define EXIT_NOT_FOUND  127

/* Makes ready what a plan with an AWAIT step needs, in the namespaces of the process `pidfd`, which
 * waits meanwhile.  All signals that the cage forwards are blocked; what is forked gets a mask of its
 * own.  0, or -errno with a diagnostic: then the program never starts. */
typedef int launch_prepare(void *data, const struct plan *plan, int pidfd, struct diags *d);

struct launch_options {
	/* What the program's 0, 1 and 2 lead to, open until launch_wait() returns; NULL: the caller's own.
	 * Sockets, /dev/null and /dev/zero are passed, all else is copied (launch/relay.h). */
	const int *streams;
	unsigned timeout; /* seconds; 0: none */
	launch_prepare *prepare; /* NULL: plans with an AWAIT step are refused */
	void *data;		 /* of prepare */
};

/* A running cage.  Descriptors are close-on-exec and belong to the structure. */
struct launch {
	const struct plan *plan;
	pid_t pid;	     /* of the cage's pid 1, in our pid namespace; never signal it by number */
	int pidfd, report;   /* poll() both for POLLIN: the cage has ended; it has something to say */
	struct relays *relays;
	unsigned timeout;
	sigset_t mask;	     /* the caller's, put back by launch_wait() */
	sigset_t forwarded;  /* blocked meanwhile, passed on to the program */
};

/* Verifies the plan and starts it.  0, or -errno with a diagnostic and nothing left behind.  That the
 * program runs is known only to launch_wait(): a failing step is reported there. */
int launch_start(const struct plan *plan, const struct launch_options *options, struct diags *d,
		 struct launch *ret);

/* Waits until all of the cage is gone and its output is written; passes HUP, INT, QUIT, TERM, USR1, USR2, WINCH, CONT on.  Returns the
 * exit status as the shell shows it; 124 to 127 are ours, with a diagnostic. */
int launch_wait(struct launch *launch, struct diags *d);

/* Both: the exit status. */
int launch_run(const struct plan *plan, const struct launch_options *options, struct diags *d);

#endif
