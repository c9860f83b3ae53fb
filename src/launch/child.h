/* launch/child.h - what the parent prepares for the child, and the two halves of the child.
 * Nothing here is seen outside src/launch/. */
#ifndef CUDDY_LAUNCH_CHILD_H
#define CUDDY_LAUNCH_CHILD_H

#include "launch/launch.h"
#include "launch/tty.h"
#include "plan/plan.h"
#include <poll.h>
#include <signal.h>

/* What the child sends through the report socket, one packet each.  FAILED and ENDED are the last word. */
enum report_kind { REPORT_FAILED = 1, REPORT_ENDED, REPORT_TERMINAL, REPORT_STARTED, REPORT_STOPPED,
		   REPORT_IDS, /* asks the parent to map them: it answers with struct id_ranges */
		   REPORT_LAYERS /* asks it for somebody who serves them, with LAYER_FDS: 0 or -errno, as int32_t */ };
struct report {
	uint32_t kind;
	uint32_t step, stage; /* FAILED */
	uint32_t others;      /* ENDED: the cage lives on with somebody else's program */
	int32_t value;	      /* FAILED: errno; ENDED: wait status of the program; STOPPED: the signal */
};

/* What the parent sends to init: who has the keyboard. */
enum order { ORDER_FOREGROUND = 1, ORDER_BACKGROUND };

/* Who talks to init through the cage's socket (launch/serve.c). */
#define SERVE_PEERS 256
struct peer { int fd; bool joined; };
struct server {
	int listener;		    /* -1: nobody may join */
	int handles[HANDLE_COUNT];
	bool launcher;		    /* the program of the launcher that made the cage still runs */
	bool over;		    /* somebody asked for the end */
	struct peer peers[SERVE_PEERS];
	size_t count;
};

struct child {
	const struct plan *plan;
	char **argv, **envp;	    /* argv[-1] is free */
	const int *streams;
	struct terminal_wish terminal;
	bool tell_start;	    /* the parent wants to know when the program has been executed */
	sigset_t mask;		    /* for the program */
	int report, report_reader;  /* ours; the parent's end, to be closed */
	int barrier, barrier_parent; /* of OFFER and AWAIT: ours; the parent's end, to be closed; or -1 */
	struct server server;	    /* `listener` and the handle of the record; the child opens the others */
	const int *join;	    /* handles of a running cage to enter; NULL: a new one is made */
	struct foreign_child *foreign; /* launch/foreign_child.h; NULL: this is a cage */
	int fault;		    /* index of a step that shall fail, or -1 */
	char *wipe_from[2], *wipe_to[2]; /* command line and environment of the launcher */
	/* From here on the child's own. */
	int root, base;		    /* what is mounted on "/"; the tmpfs that was first */
	unsigned roots;		    /* how many mounts have covered the base since */
	int self, host_root;	    /* /proc/self of the host; its "/" where a bind wants it */
	int place;		    /* the directory that the last target was in, or -1 */
	const char *place_path;	    /* begins with its path, */
	size_t place_length;	    /* which is so long */
	struct id_ranges ids;	    /* of MAP_IDS */
	unsigned old_umask;
	pid_t payload;
};

_Noreturn void child_run(struct child *c);

/* Enters the cage of c->join, takes the steps that each process of it takes, and becomes init_run(). */
_Noreturn void join_run(struct child *c);

/* Sends one packet; `fd` goes with it unless it is negative.  0 or -errno. */
int child_report(const struct child *c, const struct report *report, int fd);
/* The same with at most LAYER_FDS descriptors. */
int child_report_with(const struct child *c, const struct report *report, const int *fds, size_t count);

/* Reports the failing step and ends the process. */
_Noreturn void child_give_up(struct child *c, size_t step, int error);

/* Runs one step; does not come back if it fails. */
void child_step(struct child *c, size_t index);

/* Runs the steps from *index on as long as their stage is at most `last`. */
void child_walk(struct child *c, size_t *index, enum stage last);

/* What the parent prepares (launch/parent.c): words of the plan as argv or envp, with a free place before
 * the first; two ends of a socket, above the streams; where the kernel keeps our own words, and which signals
 * are ignored (a bit mask), false when it does not say. */
char **launch_words(const struct plan *plan, const uint32_t *offsets, size_t count);
int launch_pair(int type, int ends[2]);
bool launch_read_status(struct child *c, unsigned long *ret_ignored);
int launch_fault(void);
/* Refuses, with a diagnostic, when our own file could be changed from inside (base/own.h). */
int launch_check_own(struct diags *d);
/* Overwrites what was found. */
void child_wipe(struct child *c);

/* Opens a pty by its multiplexer `ptmx`, makes it our controlling terminal and the streams that were
 * wished for, and sends the master to the parent.  0, also if none was wished for, or -errno. */
int child_open_terminal(struct child *c, const char *ptmx);

/* The lowest stream that leads to the terminal; -1: none does. */
int child_terminal(const struct child *c);

/* Starts the program with what is left of the plan and waits for it as pid 1. */
_Noreturn void init_run(struct child *c, size_t index);

/* How many keep the cage alive, besides the launcher that made it. */
size_t serve_joined(const struct server *s);
/* Fills at most 1 + SERVE_PEERS entries; how many. */
size_t serve_poll(const struct server *s, struct pollfd *polled);
/* Obeys, admits and forgets peers after poll(). */
void serve_handle(struct server *s, const struct pollfd *polled, size_t count);

/* Writes a file below `dir` with one call.  0 or -errno. */
int child_write_file(const struct child *c, int dir, const char *name, const char *bytes, size_t count);

/* The steps of launch/ids.c. */
int step_map_ids(struct child *c, const struct step *step);
int step_nest(struct child *c, const struct step *step);

/* A detached mount of the layers that an OVERLAY names, or -errno.  Its descriptors stay open until CLOSE. */
int overlay_make(struct child *c, const struct step *step);

/* Where a target is: a directory, and a path below it on which no link of others can lie. */
struct spot { int dir; const char *path; };

/* For steps, in launch/steps.c.  Each is 0 or a descriptor, or -errno.
 * Puts a detached tree (or -errno) in the place of the step's target and closes it. */
int child_attach(struct child *c, int tree, const struct step *step);
/* A detached tmpfs; size 0 is the kernel's default; the mode in octal. */
int child_tmpfs(const struct child *c, uint64_t size, const char *mode);
/* "INSIDE OUTSIDE 1" into uid_map or gid_map. */
int child_write_map(const struct child *c, const char *name, uint64_t inside, uint64_t outside);

/* One function per operation: 0 or -errno. */
typedef int step_function(struct child *c, const struct step *step);
extern step_function *const step_table[OP_COUNT];

#endif
