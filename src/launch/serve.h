/* launch/serve.h - what the init of a cage tells those who come through its socket.
 *
 * Who connects sends one byte, SERVE_JOIN or SERVE_LOOK, and gets one message: the handles below as
 * SCM_RIGHTS, and init's credentials (SCM_CREDENTIALS, unix(7)), whose process id is the one of the
 * receiver's own pid namespace.  More bytes are commands.  The cage lives as long as the program of the
 * launcher that made it, or anybody who joined and did not go. */
#ifndef CUDDY_LAUNCH_SERVE_H
#define CUDDY_LAUNCH_SERVE_H

#include "base/macros.h"
#include <sys/types.h>

/* Descriptors in the order of the message. */
enum handle {
	HANDLE_PIDFD,	/* of init: readable at the end of the cage */
	HANDLE_RECORD,	/* sealed memory: who, what, policy, plan (cage/record.h) */
	HANDLE_USER,	/* the program's user namespace; its parent owns the others */
	HANDLE_MOUNT, HANDLE_PID, HANDLE_NET, HANDLE_IPC, HANDLE_UTS, HANDLE_CGROUP,
	HANDLE_COUNT
};

enum serve_command {
	SERVE_JOIN = 'j',  /* the handles; from now on this connection keeps the cage alive */
	SERVE_LOOK = 'i',  /* the handles */
	SERVE_LEAVE = 'l', /* after a join; answered by one byte when others are left, else by the end */
	SERVE_TERM = 't',  /* SIGTERM for every process inside */
	SERVE_KILL = 'k',  /* the end, at once */
};

struct cage_handles {
	int socket;
	int fds[HANDLE_COUNT];
	pid_t pid; /* of init; for showing, never for signals */
};

/* Asks on a connected socket (SO_PASSCRED is set), which becomes part of *ret.  -ECONNRESET: the cage
 * ended meanwhile; else -errno; all is closed then. */
int cage_handles_receive(int socket, enum serve_command request, struct cage_handles *ret);
/* Sends one command.  0, or -EPIPE when the cage is gone, or -errno. */
int cage_handles_send(const struct cage_handles *handles, enum serve_command command);
void cage_handles_close(struct cage_handles *handles);

#endif
