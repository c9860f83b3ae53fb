/* relay/net/inlet.c - published ports: who connects to one outside is taken to the cage's loopback.
 *
 * Ports are bound before the relay confines itself.  The sockets that lead in must be made in the cage's
 * namespace: a process forked for that enters it, gives up all power over it, and from then on does
 * nothing but make sockets.  Inside, visitors come from the cage's own address, not from 127.0.0.1, so
 * that no program takes them for itself.
 * Must not: ask the policy (the profile opened the port), show the cage who comes. */
#include "relay/net/confine.h"
#include "relay/net/relay.h"
#include "base/fd.h"
#include "base/synthetic.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { ACCEPTS = 16, DATAGRAM = 65536, PACKETS = 32, MAKER_SECONDS = 5 };

struct inlet {
	struct handle handle; /* first */
	const struct publication *port;
};

/* One who sends datagrams to a published port, and what he sends goes where. */
struct visitor {
	struct flow flow; /* first */
	struct inlet *inlet;
	struct sockaddr_storage from;
	socklen_t from_size;
};

/* ---- the maker of sockets ---- */

struct wanted { int family, type; };

/* A socket of the cage's own address; -1 when the kernel has none for us. */
static int make_socket(const struct wanted *wanted)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
	bool is_v4 = wanted->family == AF_INET;
	int fd = socket(wanted->family, wanted->type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), one = 1;

	must(inet_pton(AF_INET, SYNTHETIC_OWN4, &v4.sin_addr) == 1);
	must(inet_pton(AF_INET6, SYNTHETIC_OWN6, &v6.sin6_addr) == 1);
	setsockopt(fd, IPPROTO_IP, 24 /* IP_BIND_ADDRESS_NO_PORT */, &one, sizeof(one));
	if (bind(fd, is_v4 ? (struct sockaddr *)&v4 : (struct sockaddr *)&v6, is_v4 ? sizeof(v4) : sizeof(v6)) == 0)
		return fd;
	close(fd);
	return -1;
}

static bool pass(int to, int fd)
{
	union { struct cmsghdr header; char bytes[CMSG_SPACE(sizeof(int))]; } control = { 0 };
	char byte = 's';
	struct iovec vector = { &byte, 1 };
	struct msghdr message = { .msg_iov = &vector, .msg_iovlen = 1, .msg_control = &control,
				  .msg_controllen = fd < 0 ? 0 : CMSG_SPACE(sizeof(int)) };

	control.header = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET,
					   .cmsg_type = SCM_RIGHTS };
	memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	return sendmsg(to, &message, MSG_NOSIGNAL) == 1;
}

_Noreturn static void make_sockets(int cage, int fd)
{
	struct wanted wanted;
	int r = 0;

	if (setns(cage, CLONE_NEWUSER | CLONE_NEWNET) < 0 || dup2(fd, 3) < 0 || dup2(2, 1) < 0)
		r = -errno;
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	prctl(PR_SET_NAME, "cuddy-inlet", 0, 0, 0);
	syscall(SYS_close_range, 4u, ~0u, 0);
	r = r < 0 ? r : confine_maker();
	send(3, &r, sizeof(r), MSG_NOSIGNAL);
	while (r == 0 && recv(3, &wanted, sizeof(wanted), 0) == sizeof(wanted)) {
		int made = make_socket(&wanted);
		if (!pass(3, made))
			break;
		if (made >= 0)
			close(made);
	}
	_exit(0);
}

static int start_maker(int cage)
{
	static const struct timeval patience = { .tv_sec = MAKER_SECONDS };
	int ends[2], r = -EPROTO;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return -errno;
	pid_t pid = fork();
	if (pid == 0)
		make_sockets(cage, ends[1]);
	close(ends[1]);
	AUTO_FD int ours = ends[0];
	if (pid < 0 || setsockopt(ours, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0)
		return -errno;
	if (recv(ours, &r, sizeof(r), 0) != sizeof(r))
		return -EPROTO;
	return r < 0 ? r : TAKE_FD(ours);
}

int inlet_socket(struct relay *relay, int family, int type)
{
	union { struct cmsghdr header; char bytes[CMSG_SPACE(sizeof(int))]; } control;
	struct wanted wanted = { family, type };
	char byte;
	struct iovec vector = { &byte, 1 };
	struct msghdr message = { .msg_iov = &vector, .msg_iovlen = 1, .msg_control = &control,
				  .msg_controllen = sizeof(control) };
	int fd;

	if (send(relay->socket_maker, &wanted, sizeof(wanted), MSG_NOSIGNAL) != sizeof(wanted) ||
	    recvmsg(relay->socket_maker, &message, MSG_CMSG_CLOEXEC) != 1)
		return -EPIPE;
	const struct cmsghdr *c = CMSG_FIRSTHDR(&message);
	if (!c || c->cmsg_type != SCM_RIGHTS)
		return -EAFNOSUPPORT;
	memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	return fd;
}

/* ---- datagrams ---- */

static void answer_ready(struct relay *relay, struct handle *handle, uint32_t events UNUSED)
{
	static uint8_t room[DATAGRAM];
	struct visitor *v = (struct visitor *)((char *)handle - offsetof(struct visitor, flow.outside));

	for (unsigned i = 0; i < PACKETS; i++) {
		ssize_t size = recv(handle->fd, room, sizeof(room), MSG_DONTWAIT);
		if (size < 0) {
			if (errno != EAGAIN && errno != EINTR)
				flow_end(&v->flow); /* nobody waits there */
			return;
		}
		v->flow.deadline = relay->now + LIMIT_UDP_SECONDS * 1000;
		(void)!sendto(v->inlet->handle.fd, room, (size_t)size, MSG_DONTWAIT | MSG_NOSIGNAL,
			      (struct sockaddr *)&v->from, v->from_size);
	}
}

static void visitor_dialled(struct flow *flow)
{
	flow->outside.ready = answer_ready;
	flow->connected = true;
	flow->deadline = flow->relay->now + LIMIT_UDP_SECONDS * 1000;
	if (relay_watch(flow->relay, &flow->outside, EPOLLIN) < 0)
		flow_end(flow);
}

static void visitor_end(struct flow *flow UNUSED)
{
}

/* The visitor whose datagram this is, in the cage already; NULL: there is no way in. */
static struct visitor *find(struct relay *relay, struct inlet *inlet, const struct sockaddr_storage *from,
			    socklen_t size)
{
	for (struct flow *flow = relay->visitors.first; flow; flow = flow->next) {
		struct visitor *v = (struct visitor *)flow;
		if (flow->access == ACCESS_SEND && v->inlet == inlet && v->from_size == size &&
		    memcmp(&v->from, from, size) == 0)
			return v;
	}
	struct visitor *v = calloc(1, sizeof(*v));
	must(v);
	v->inlet = inlet;
	v->from_size = size;
	memcpy(&v->from, from, size);
	v->flow = (struct flow){ .access = ACCESS_SEND, .outside.fd = -1, .dialled = visitor_dialled,
				 .failed = flow_end, .end = visitor_end };
	if (!flow_begin_inward(relay, &v->flow, inlet->port->inside)) {
		free(v);
		return NULL;
	}
	flow_dial(&v->flow);
	return v->flow.dead ? NULL : v;
}

static void datagrams_ready(struct relay *relay, struct handle *handle, uint32_t events UNUSED)
{
	static uint8_t room[DATAGRAM];

	for (unsigned i = 0; i < PACKETS; i++) {
		struct sockaddr_storage from = { 0 };
		socklen_t from_size = sizeof(from);
		ssize_t size = recvfrom(handle->fd, room, sizeof(room), MSG_DONTWAIT, (struct sockaddr *)&from,
					&from_size);
		if (size < 0)
			return;
		struct visitor *v = find(relay, (struct inlet *)handle, &from, from_size);
		if (v)
			(void)!send(v->flow.outside.fd, room, (size_t)size, MSG_DONTWAIT | MSG_NOSIGNAL);
	}
}

/* ---- the ports ---- */

static void connections_ready(struct relay *relay, struct handle *handle, uint32_t events UNUSED)
{
	for (unsigned i = 0; i < ACCEPTS; i++) {
		int fd = accept4(handle->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd < 0)
			return;
		tcp_visit(relay, fd, ((struct inlet *)handle)->port->inside);
	}
}

/* A socket that waits at the port outside, or -errno. */
static int open_port(const struct publication *port)
{
	socklen_t size;
	struct sockaddr_storage at = address_of(port->address, port->outside, &size);
	int type = port->udp ? SOCK_DGRAM : SOCK_STREAM, one = 1;
	AUTO_FD int fd = socket(at.ss_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	if (at.ss_family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one)) < 0)
		return -errno;
	/* Connections of an earlier cage that are not quite over do not keep the port. */
	if (!port->udp && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&at, size) < 0 || (!port->udp && listen(fd, SOMAXCONN) < 0))
		return -errno;
	return TAKE_FD(fd);
}

int inlets_open(struct relay *relay, int cage, const char **ret_what)
{
	static char what[128]; /* the caller ends with it */
	size_t count = relay->rules.publications.count;

	relay->socket_maker = -1;
	if (!count)
		return 0;
	relay->inlets = calloc(count, sizeof(*relay->inlets));
	must(relay->inlets);
	for (size_t i = 0; i < count; i++) {
		const struct publication *port = &relay->rules.publications.items[i];
		int fd = open_port(port);
		if (fd < 0) {
			snprintf(what, sizeof(what), "publish '%s'", port->text);
			*ret_what = what;
			return fd;
		}
		relay->inlets[i] = (struct inlet){
			.handle = { .fd = fd, .ready = port->udp ? datagrams_ready : connections_ready }, .port = port,
		};
	}
	*ret_what = "enter the cage's network";
	relay->socket_maker = start_maker(cage);
	return MIN(0, relay->socket_maker);
}

int inlets_watch(struct relay *relay)
{
	int r = 0;

	for (size_t i = 0; i < relay->rules.publications.count; i++)
		r = MIN(r, relay_watch(relay, &relay->inlets[i].handle, EPOLLIN));
	return r;
}
