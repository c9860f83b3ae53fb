/* launch/child.h - what the parent prepares for the child, and the two halves of the child.
 * Nothing here is seen outside src/launch/. */
#ifndef CUDDY_LAUNCH_CHILD_H
#define CUDDY_LAUNCH_CHILD_H

#include "plan/plan.h"
#include <signal.h>

/* What goes through the report pipe: one message, small enough to be written at once. */
enum report_kind { REPORT_FAILED = 1, REPORT_ENDED };
struct report {
	uint32_t kind;
	uint32_t step, stage; /* FAILED */
	int32_t value;	      /* FAILED: errno; ENDED: wait status of the program */
};

struct child {
	const struct plan *plan;
	char *const *argv, *const *envp;
	const int *streams;
	sigset_t mask;		    /* for the program */
	int report, report_reader;  /* ours; the parent's end, to be closed */
	int barrier, barrier_parent; /* of OFFER and AWAIT: ours; the parent's end, to be closed */
	int fault;		    /* index of a step that shall fail, or -1 */
	char *wipe_from[2], *wipe_to[2]; /* command line and environment of the launcher */
	/* From here on the child's own. */
	int root, self, host_root, mask_objects[2];
	bool root_covered; /* a bind took the place of the root tmpfs */
	unsigned old_umask;
	pid_t payload;
};

_Noreturn void child_run(struct child *c);

/* Reports the failing step and ends the process. */
_Noreturn void child_give_up(struct child *c, size_t step, int error);

/* Runs the steps from *index on as long as their stage is at most `last`. */
void child_walk(struct child *c, size_t *index, enum stage last);

/* Starts the program with what is left of the plan and waits for it as pid 1. */
_Noreturn void init_run(struct child *c, size_t index);

/* One function per operation: 0 or -errno. */
typedef int step_function(struct child *c, const struct step *step);
extern step_function *const step_table[OP_COUNT];

#endif
