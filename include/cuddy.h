/* cuddy.h - ask what a profile allows, and start a program in its cage.
 *
 *     struct cuddy *c = cuddy_load(&(struct cuddy_options){ .size = sizeof(struct cuddy_options),
 *                                                           .profile = "project" });
 *     if (cuddy_decide(c, "read /etc/shadow") == CUDDY_DENY) …
 *     fputs(cuddy_messages(c), stderr);
 *     cuddy_free(c);
 *
 * The program `cuddy` is written on this header: each of its commands run, explain, why, plan and
 * `profile check` is one of these functions.  Link with `pkg-config --cflags --libs cuddy`.
 *
 * Errors: a function that fails has added a message, in the words of the program, to
 * cuddy_messages().  A process that is out of memory is ended.
 *
 * Ownership: what goes in is copied and need only live during the call.  What comes out belongs to
 * the structure and lives until cuddy_free().
 *
 * Threads: only one at a time may use a structure, and no other may run during cuddy_start().  From
 * cuddy_start() to cuddy_wait() HUP, INT, QUIT, TERM, USR1, USR2, WINCH, CONT and TSTP are blocked, and
 * passed on to the program.  If our standard streams lead to a terminal, cuddy_wait() makes it raw, and
 * stops our process group when the program stops. */
#ifndef CUDDY_H
#define CUDDY_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct cuddy;

/* Exit statuses that are cuddy's own; all others are the program's (cuddy(1), EXIT STATUS). */
enum cuddy_status {
	CUDDY_TIMEOUT = 124,	    /* its time was over */
	CUDDY_REFUSED = 125,	    /* nothing was started */
	CUDDY_CANNOT_EXECUTE = 126,
	CUDDY_NOT_FOUND = 127
};

enum cuddy_verdict { CUDDY_ERROR = -1, CUDDY_DENY, CUDDY_ALLOW, CUDDY_ASK };

enum cuddy_format { CUDDY_TEXT, CUDDY_JSON, CUDDY_NFT /* cuddy_plan(): the rules of the network alone */ };

/* `flags` of the options. */
enum cuddy_flag {
	CUDDY_SECURE = 1, /* deny all that profile strict denies */
	CUDDY_COLOUR = 2, /* messages for a terminal */
	CUDDY_VERBOSE = 4, /* notes on which profile was chosen, and on what it names and is not here */
	CUDDY_EPHEMERAL = 8, /* what the cage keeps vanishes with its last process */
	/* When a cage of that name runs with other rights, which else is an error: */
	CUDDY_RESTART = 16, /* end it first */
	CUDDY_BESIDE = 32,  /* take the name with a number, beside it */
	/* For who only waits: as soon as the program runs, cuddy_wait() forgets the profile and what was
	 * handed out, which saves memory.  Then the structure only has messages. */
	CUDDY_FORGET = 64
};

/* What to load.  Set `size`, name what you need, leave the rest zero: zero always is the default.
 * Later versions add members at the end.  As with openat2(2), a caller with an older structure gets
 * the defaults, and one that sets a member or a flag which this library does not know is refused: a
 * right that somebody wanted to take away is never lost without a word. */
struct cuddy_options {
	size_t size;		 /* sizeof(struct cuddy_options) */
	const char *profile;	 /* a name or, with a slash, a file; NULL: the one for `program` */
	const char *program;	 /* whose profile is wanted, when none is named; without it the cage says which */
	const char *share;	 /* cuddy's own profiles and permissions; NULL: as installed */
	const char *cage;	 /* name of the cage; NULL: the profile's, or if none is named the program's */
	/* Rules on top of the profile; lists end with NULL, and may be NULL.  A path stands for itself
	 * and for all below it.  A deny of the profile still wins. */
	const char *const *read_only, *const *read_write, *const *hide;
	const char *const *hosts; /* endpoints that may be connected to: "example.org:443" */
	const char *network;	 /* "none", or "host" for the host's own; NULL: as the profile says */
	unsigned flags;		 /* of enum cuddy_flag */
	unsigned timeout;	 /* seconds; 0: as the profile says */
	/* What the program's 0, 1 and 2 lead to, open until cuddy_wait(); NULL: the caller's own. */
	const int *streams;
	/* Where what becomes of the program is written, as lines of JSON (cuddy(1), --status-fd): above 2,
	 * open for writing until cuddy_wait(), close-on-exec; NULL: nowhere. */
	const int *status_fd;
	/* Start an ephemeral cage with what the cage of this name keeps; that one is not changed, and must not
	 * run.  Each start makes a cage of its own, named like `cage` or this, with a number. */
	const char *template_cage;
	/* Another root file system: a directory, or "image:NAME" of one that was imported; NULL: as the profile
	 * says.  What may be done to it: "copy-on-write", "read-only" or "writable". */
	const char *root, *root_access;
};

/* Keeps the calling program's own file out of reach of its cages.  Until a cage's program runs, /proc/self/exe
 * inside leads to that file, and whoever owns it (root, or who built it) could change it from there.  If that
 * is so, the program is executed again, with the same `argv` and environment, from a read-only mount or a
 * sealed copy; so call this first in main().  0 when nothing is to be done; -1 with errno when it failed.
 * cuddy_start() refuses to start anything from a program whose file is in reach. */
int cuddy_protect(char **argv);

/* Reads a profile for whoever calls: user, home, working directory and the XDG variables of the
 * environment give the variables of profiles, and a .cuddy.toml above the working directory
 * tightens.  Starts nothing.  Never NULL: after an error the structure only has messages, and every
 * function below fails on it. */
struct cuddy *cuddy_load(const struct cuddy_options *options);

/* Waits for a cage that runs, and frees all; NULL is fine. */
void cuddy_free(struct cuddy *cuddy);

/* 0 when the profile was read without an error, else -1. */
int cuddy_check(const struct cuddy *cuddy);

/* May it?  A question is a verb and a subject: "read ~/.ssh/id_rsa", "connect example.org:443",
 * "syscall ptrace" (cuddy(1), why).  Nothing is touched: the profile alone answers. */
enum cuddy_verdict cuddy_decide(struct cuddy *cuddy, const char *question);

/* The same with the rule that decided, and the file, line and chain of includes that it comes from.
 * NULL after an error. */
const char *cuddy_why(struct cuddy *cuddy, const char *question, enum cuddy_format format);

/* What the profile allows, worst first, what it denies, and who enforces that on this host how
 * exactly.  NULL after an error. */
const char *cuddy_explain(struct cuddy *cuddy, enum cuddy_format format);

/* The steps that would build the cage of a program.  NULL after an error: what nothing on this host
 * can enforce is one. */
const char *cuddy_plan(struct cuddy *cuddy, const char *const *argv, enum cuddy_format format);

/* What runs when no program is named: what the cage was last started with by name, else the profile's
 * `command`.  Ends with NULL; NULL: neither names one. */
const char *const *cuddy_command(struct cuddy *cuddy);

/* Does the profile let any program start?  0, CUDDY_REFUSED when there is no profile, or
 * CUDDY_CANNOT_EXECUTE and a message that names the missing flag. */
int cuddy_can_start(struct cuddy *cuddy);

/* Starts a program in its cage, one at a time.  0; or CUDDY_REFUSED or CUDDY_CANNOT_EXECUTE, and
 * nothing is left behind.  `argv` ends with NULL; argv[0] is looked up in the cage's PATH. */
int cuddy_start(struct cuddy *cuddy, const char *const *argv);

/* Waits until all of the cage is gone; the exit status as a shell shows it, or -1 if none runs. */
int cuddy_wait(struct cuddy *cuddy);

/* All messages so far, as the program prints them; "" for none. */
const char *cuddy_messages(struct cuddy *cuddy);

#ifdef __cplusplus
}
#endif
#endif
