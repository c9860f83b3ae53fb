/* relay/net/inlet.c - published ports: who connects to one outside is taken to the cage's loopback.
 *
 * Ports are bound before the relay confines itself.  What leads in are sockets of maker.c.  Inside, visitors
 * come from the cage's own address, not from 127.0.0.1, so that no program takes them for itself.
 * Must not: ask the policy (the profile opened the port), show the cage who comes. */
#include "relay/net/relay.h"
#include "base/fd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ACCEPTS = 16, DATAGRAM = 65536, PACKETS = 32 };

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

/* ---- datagrams ---- */

static void answer_ready(struct relay *relay, struct handle *handle, uint32_t events UNUSED)
{
	static uint8_t room[DATAGRAM];
	struct visitor *v = (struct visitor *)((char *)handle - offsetof(struct visitor, flow.outside));

	for (unsigned i = 0; i < PACKETS; i++) {
		ssize_t size = flow_receive(&v->flow, room, sizeof(room));
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
			(void)!flow_send(&v->flow, room, (size_t)size);
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

int inlets_open(struct relay *relay, const char **ret_what)
{
	size_t count = relay->rules.publications.count;

	relay->inlets = calloc(count + 1, sizeof(*relay->inlets));
	must(relay->inlets);
	for (size_t i = 0; i < count; i++) {
		const struct publication *port = &relay->rules.publications.items[i];
		int fd = open_port(port);
		if (fd < 0)
			return opening_failed("publish", port->text, fd, ret_what);
		relay->inlets[i] = (struct inlet){
			.handle = { .fd = fd, .ready = port->udp ? datagrams_ready : connections_ready }, .port = port,
		};
	}
	return 0;
}

int inlets_watch(struct relay *relay)
{
	int r = 0;

	for (size_t i = 0; i < relay->rules.publications.count; i++)
		r = MIN(r, relay_watch(relay, &relay->inlets[i].handle, EPOLLIN));
	return r;
}
