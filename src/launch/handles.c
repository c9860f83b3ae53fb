/* launch/handles.c - the handles of a running cage, received and closed: the outside's half of serve.h.
 * Must not: keep a descriptor of a message that is not whole. */
#include "launch/serve.h"
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void cage_handles_close(struct cage_handles *handles)
{
	for (size_t i = 0; i < HANDLE_COUNT; i++)
		fd_closep(&handles->fds[i]);
	fd_closep(&handles->socket);
}

int cage_handles_send(const struct cage_handles *handles, enum serve_command command)
{
	char byte = (char)command;

	return send(handles->socket, &byte, 1, MSG_NOSIGNAL) == 1 ? 0 : -errno;
}

/* Takes the control messages apart; true when all that must be there is. */
static bool take_controls(struct msghdr *message, struct cage_handles *ret)
{
	size_t count = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
		const void *data = CMSG_DATA(c);
		size_t length = c->cmsg_len - CMSG_LEN(0);

		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS && !count) {
			count = MIN(length / sizeof(int), (size_t)HANDLE_COUNT);
			memcpy(ret->fds, data, count * sizeof(int));
		} else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_CREDENTIALS &&
			   length >= sizeof(struct ucred)) {
			struct ucred who;

			memcpy(&who, data, sizeof(who));
			ret->pid = who.pid;
		}
	}
	return count == HANDLE_COUNT && ret->pid > 0;
}

int cage_handles_receive(int socket, enum serve_command request, struct cage_handles *ret)
{
	char byte = (char)request, control[CMSG_SPACE(sizeof(int) * HANDLE_COUNT) + CMSG_SPACE(sizeof(struct ucred))]
		__attribute__((aligned(8)));
	struct iovec one = { &byte, 1 };
	struct msghdr message = { .msg_iov = &one, .msg_iovlen = 1, .msg_control = control,
				  .msg_controllen = sizeof(control) };
	ssize_t count;

	*ret = (struct cage_handles){ .socket = socket };
	memset(ret->fds, 0xff, sizeof(ret->fds));
	count = send(socket, &byte, 1, MSG_NOSIGNAL);
	while (count == 1 && (count = recvmsg(socket, &message, MSG_CMSG_CLOEXEC)) < 0 && errno == EINTR)
		count = 1;
	int r = count < 0 ? (errno == EPIPE ? -ECONNRESET : -errno) : count == 0 ? -ECONNRESET : 0;
	if (r == 0 && (!take_controls(&message, ret) || message.msg_flags & MSG_CTRUNC))
		r = -EPROTO;
	if (r < 0)
		cage_handles_close(ret);
	return r;
}
