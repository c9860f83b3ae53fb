/* launch/relay.h - standard streams that must not be passed to the program: pipes and a copy instead.
 * A regular file, a FIFO, a device or a terminal could be reopened through /proc/self/fd with more rights
 * than the caller gave, or be told to do things; the program gets a pipe that only we know.  (A terminal
 * that the profile grants is launch/tty.h's matter.) */
#ifndef CUDDY_LAUNCH_RELAY_H
#define CUDDY_LAUNCH_RELAY_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RELAY_ROOM 65536

struct relay {
	int outside, inside;	/* the caller's descriptor or `null`; our end of the pipe, -1: over */
	int kept;		/* input only: the program's end, to count at the end what nobody read */
	bool output, terminal, seekable, no_splice;
	bool readable, writable;
	int error;		/* why output was lost: -errno */
	uint64_t moved;		/* bytes taken from outside */
	size_t at, length;	/* what waits in the buffer */
	char *buffer;
};

struct relays {
	struct relay list[3];
	int streams[3];		/* what the program gets */
	int made[3];		/* descriptors of `streams` that are ours until the program has them */
	int null;		/* stands for what the caller closed; -1: nothing */
	char room[3][RELAY_ROOM]; /* the buffers: memory that nobody touches costs nothing */
};

/* Looks at the three streams and makes what is needed; those whose bit is set in `elsewhere` become
 * /dev/null until the program's side puts something else there.  0, or -errno and nothing open. */
int relays_open(struct relays *all, const int streams[3], unsigned elsewhere);

/* The child has its copies. */
void relays_started(struct relays *all);

#define RELAY_POLLED 6
void relays_poll(struct relays *all, struct pollfd polled[RELAY_POLLED]);
void relays_move(struct relays *all, const struct pollfd polled[RELAY_POLLED]);

/* For when the cage is gone: nothing waits in a pipe any more. */
bool relays_drained(const struct relays *all);

/* Gives unread input of a file back and closes all.  -errno when output was lost, unless to EPIPE. */
int relays_close(struct relays *all);

#endif
