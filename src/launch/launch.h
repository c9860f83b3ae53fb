/* launch/launch.h - builds the cage that a verified plan describes, and waits for it.
 *
 * launch_start() makes one child with all namespaces; the child becomes pid 1 of the cage, walks the
 * plan, starts the program and is its init.  Nothing here reads a file of the user or decides a right. */
#ifndef CUDDY_LAUNCH_LAUNCH_H
#define CUDDY_LAUNCH_LAUNCH_H

#include "launch/serve.h"
#include "plan/plan.h"
#include <signal.h>

/* Exit statuses that are ours. */
#define EXIT_TIMEOUT    124
#define EXIT_CUDDY      125
#define EXIT_CANNOT     126
#define EXIT_NOT_FOUND  127

/* What lets others join the cage: a socket that init will answer, and what init tells about it (a sealed
 * descriptor).  Both remain the caller's. */
struct launch_door { int listener, record; };

/* Makes ready what a plan with an AWAIT step needs, in the namespaces of the process `pidfd`, which
 * waits meanwhile.  All signals that the cage forwards are blocked; what is forked gets a mask of its
 * own.  0, or -errno with a diagnostic: then the program never starts. */
typedef int launch_prepare(void *data, const struct plan *plan, int pidfd, struct diags *d);

/* The ids that are mapped, from 0 on without a gap: how many come from each range of the outside, up to the
 * first 0; none: those of the caller alone. */
#define ID_RANGES 20
struct id_ranges { uint32_t users[ID_RANGES], groups[ID_RANGES]; };
/* Maps ids into the new user namespace of the process `pid`, if the caller has a right to more than its own,
 * and says so if it has none. */
typedef struct id_ranges launch_map_ids(void *data, pid_t pid, struct diags *d);

/* What a step with PLAN_LAYERS_FUSE hands out, as seen by the child: the device of a mount that waits for its
 * first answer, the host's "/", the directory below, the one that has "upper" and "work". */
enum { LAYER_DEVICE, LAYER_ROOT, LAYER_LOWER, LAYER_DATA, LAYER_FDS };
/* Starts somebody who serves them in the namespaces of the process `pidfd`, which waits meanwhile.  What is
 * forked gets no other descriptor.  0, or -errno with a diagnostic: then the program never starts. */
typedef int launch_serve(void *data, const struct plan *plan, const struct step *step, int pidfd,
			 const int fds[LAYER_FDS], struct diags *d);

struct launch_options {
	/* What the program's 0, 1 and 2 lead to, open until launch_wait() returns; NULL: the caller's own.
	 * Sockets, /dev/null and /dev/zero are passed, a terminal is replaced by one of the cage's own
	 * (launch/tty.h), all else is copied (launch/relay.h). */
	const int *streams;
	unsigned timeout; /* seconds; 0: none */
	launch_prepare *prepare; /* plans with an AWAIT step want it */
	void *data;		 /* of prepare */
	launch_serve *serve;	 /* plans with PLAN_LAYERS_FUSE want it */
	void *serve_data;	 /* of serve */
	int status_fd;	  /* gets lines of JSON (launch/status.h); 0: nobody asked */
	const char *cage; /* its name, for them */
	const struct launch_door *door; /* NULL: nobody may join */
	/* Called by launch_wait() when the program has been executed: from then on the plan is not
	 * needed, and may be freed.  NULL: nobody wants to know. */
	void (*started)(void *data);
	void *started_data;
	launch_map_ids *map_ids; /* for plans that want more ids; NULL: root is alone */
	void *map_data;		 /* of map_ids */
};

/* A running cage.  Descriptors are close-on-exec and belong to the structure. */
struct launch {
	struct arena *arena; /* of what is needed up to the end */
	const struct plan *plan;
	void (*started)(void *data);
	void *started_data;
	pid_t pid;	     /* of the cage's pid 1, in our pid namespace; never signal it by number */
	int pidfd, report;   /* poll() both for POLLIN: the cage has ended; it has something to say */
	struct relays *relays;
	struct terminal *terminal; /* NULL: the program has none */
	unsigned timeout;
	int status_fd;
	const char *cage;
	bool lives_on;	     /* after launch_wait(): others keep the cage */
	sigset_t mask;	     /* the caller's, put back by launch_wait() */
	sigset_t forwarded;  /* blocked meanwhile, passed on to the program */
};

/* Verifies the plan and starts it.  0, or -errno with a diagnostic and nothing left behind.  That the
 * program runs is known only to launch_wait(): a failing step is reported there. */
int launch_start(const struct plan *plan, const struct launch_options *options, struct diags *d,
		 struct launch *ret);

/* The same for a program that enters a running cage: from a plan with the same rights, it takes only the
 * steps that each process of a cage takes. */
int launch_join(const struct plan *plan, const struct cage_handles *cage, const struct launch_options *options,
		struct diags *d, struct launch *ret);

/* Waits until all of the cage (of one that was joined: the program) is gone and its output is written; passes HUP,
 * INT, QUIT, TERM, USR1, USR2, WINCH, CONT, TSTP on.  When the program stops, so does the caller's process group (job control).  Meanwhile
 * a terminal is raw; it is put back before this stops or returns.  Returns the exit status as the shell
 * shows it; 124 to 127 are ours, with a diagnostic. */
int launch_wait(struct launch *launch, struct diags *d);

/* Both: the exit status. */
int launch_run(const struct plan *plan, const struct launch_options *options, struct diags *d);

#endif
