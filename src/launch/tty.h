/* launch/tty.h - the caller's terminal on one side, a terminal of the cage's own on the other.
 *
 * The caller's terminal never becomes the program's: bytes are copied between it and the master of a
 * pty that was opened inside.  This is the outer half; it knows nothing of how the inner one came to be,
 * so it serves whoever starts a process in a cage.
 *
 * The keyboard: while it is ours, the outer terminal is raw, its input goes to the inner one, and the
 * program is in the foreground inside.  While it is not (we are in the background, or somebody beside us
 * in a pipeline may want it), the outer modes are left alone and not a key is read. */
#ifndef CUDDY_LAUNCH_TTY_H
#define CUDDY_LAUNCH_TTY_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <termios.h>

#define TERMINAL_ROOM 4096

/* What waits to be written. */
struct terminal_bytes {
	size_t at, length;
	char bytes[TERMINAL_ROOM];
};

struct terminal {
	int outer;		/* the caller's terminal by a description of our own; -1: none */
	int master;		/* of the inner terminal; -1: not there yet, or hung up */
	bool keyboard;		/* ours, see above */
	bool asked;		/* the keyboard is wanted whenever we are in the foreground */
	bool fresh;		/* the keyboard has not been ours yet */
	struct termios modes;	/* of the outer terminal while the keyboard is not ours */
	struct termios given;	/* of the inner one at its beginning */
	struct terminal_bytes in, out;
};

/* What the inner terminal shall be like, for whoever opens it. */
struct terminal_wish {
	unsigned streams;	/* bit i: stream i shall lead to it; 0: none is wanted */
	bool foreground;	/* the program begins with the keyboard */
	struct termios modes;
	struct winsize size;
};

/* Looks for a terminal among the standard streams; further streams that lead to the same one count too,
 * others do not.  Changes nothing of the terminal.  0, also if there is none (ret->streams is 0), else
 * -errno.  With a neighbour in a pipeline the program does not begin with the keyboard. */
int terminal_find(struct terminal *t, const int streams[3], struct terminal_wish *ret);

/* Takes over `master` (also on failure).  -EINVAL unless it is the master of a pty (ptmx(4)). */
int terminal_attach(struct terminal *t, int master);

/* Another process group has the outer terminal.  Never, if it does not control our session. */
bool terminal_in_background(const struct terminal *t);

/* Makes the keyboard ours if we are in the foreground; true when it is. */
bool terminal_take(struct terminal *t);

/* The outer terminal as it was; if we are in the background it has other owners and is left alone. */
void terminal_give_back(struct terminal *t);

/* The inner terminal gets the outer one's size; the kernel tells the program (SIGWINCH). */
void terminal_resize(const struct terminal *t);

#define TERMINAL_POLLED 2
void terminal_poll(const struct terminal *t, struct pollfd polled[TERMINAL_POLLED]);

/* Copies what can be copied without waiting.  When the outer terminal is gone, the master is closed:
 * the kernel hangs the inner one up. */
void terminal_move(struct terminal *t, const struct pollfd polled[TERMINAL_POLLED]);

/* For when nobody is left inside: the last output has been read and written. */
bool terminal_drained(struct terminal *t);

/* Gives the keyboard back and closes all. */
void terminal_close(struct terminal *t);

#endif
