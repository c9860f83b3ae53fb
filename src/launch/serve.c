/* launch/serve.c - init's half of serve.h: hands out the cage's handles, counts who keeps it alive.
 * Peers come from outside only: the socket lies where no cage can look.
 * Must not: allocate, block, wait for a peer, run anything for one. */
#include "launch/child.h"
#include "launch/kernel.h"

#include <string.h>
#include <sys/socket.h>

size_t serve_joined(const struct server *s)
{
	size_t joined = 0;

	for (size_t i = 0; i < s->count; i++)
		joined += s->peers[i].joined;
	return joined;
}

size_t serve_poll(const struct server *s, struct pollfd *polled)
{
	polled[0] = (struct pollfd){ s->count < SERVE_PEERS ? s->listener : -1, POLLIN, 0 };
	for (size_t i = 0; i < s->count; i++)
		polled[1 + i] = (struct pollfd){ s->peers[i].fd, POLLIN, 0 };
	return 1 + s->count;
}

/* One message with all handles.  False: the peer cannot take it. */
static bool hand_out(const struct server *s, int fd)
{
	char byte = 0, control[CMSG_SPACE(sizeof(s->handles))] __attribute__((aligned(8)));
	struct iovec one = { &byte, 1 };
	struct msghdr message = { .msg_iov = &one, .msg_iovlen = 1, .msg_control = control,
				  .msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&message);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(s->handles));
	memcpy(CMSG_DATA(c), s->handles, sizeof(s->handles));
	return sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) == 1;
}

static bool leave(const struct server *s, struct peer *peer)
{
	char byte = 0;

	peer->joined = false;
	if (serve_joined(s) || s->launcher)
		return send(peer->fd, &byte, 1, MSG_DONTWAIT | MSG_NOSIGNAL) == 1;
	return true; /* the end of the cage is the answer */
}

/* Obeys one command.  False: the peer is gone, or talks nonsense. */
static bool obey(struct server *s, struct peer *peer)
{
	char command;
	ssize_t count = recv(peer->fd, &command, 1, MSG_DONTWAIT);

	if (count < 0)
		return errno == EAGAIN || errno == EINTR;
	switch (count ? command : 0) {
	case SERVE_JOIN:
		peer->joined = true;
		return hand_out(s, peer->fd);
	case SERVE_LOOK:
		return hand_out(s, peer->fd);
	case SERVE_LEAVE:
		return leave(s, peer);
	case SERVE_TERM:
		kill(-1, SIGTERM);
		return true;
	case SERVE_KILL:
		s->over = true;
		return true;
	}
	return false;
}

void serve_handle(struct server *s, const struct pollfd *polled, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i + 1 < count; i++)
		if (polled[1 + i].revents && !obey(s, &s->peers[i])) {
			close(s->peers[i].fd);
			s->peers[i] = (struct peer){ .fd = -1 };
		}
	for (size_t i = 0; i < s->count; i++)
		if (s->peers[i].fd >= 0)
			s->peers[kept++] = s->peers[i];
	s->count = kept;
	int fd = polled[0].revents ? accept4(s->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK) : -1;
	if (fd >= 0)
		s->peers[s->count++] = (struct peer){ .fd = fd };
}
