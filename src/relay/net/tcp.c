/* relay/net/tcp.c - connections: bytes go from socket to socket through pipes, never through us.
 * What the outside refuses ends inside with a reset, so that programs fail at once. */
#include "relay/net/hello.h"
#include "relay/net/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PIPE_SIZE = 65536, ACCEPTS = 16 };

struct half {
	int pipe[2];
	size_t filled;
	bool urgent; /* a byte that is marked so is next, or soon */
	bool ended;  /* no more comes */
	bool closed; /* and who waits for it was told */
};

struct connection {
	struct flow flow; /* first */
	struct handle inside;
	bool inside_gone, outside_gone; /* hung up: no more events are wanted */
	bool unchecked; /* nothing goes out before it has said which host it wants */
	size_t seen;	/* bytes of that */
	struct half out, in;
};

static struct connection *of_inside(struct handle *handle)
{
	return (struct connection *)((char *)handle - offsetof(struct connection, inside));
}

static struct connection *of_outside(struct handle *handle)
{
	return (struct connection *)((char *)handle - offsetof(struct connection, flow.outside));
}

static void reset(int fd)
{
	struct linger linger = { .l_onoff = 1 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
}

static void half_close(struct half *half)
{
	for (int i = 0; i < 2; i++)
		if (half->pipe[i] >= 0)
			close(half->pipe[i]);
}

static void end(struct flow *flow)
{
	struct connection *c = (struct connection *)flow;

	half_close(&c->out);
	half_close(&c->in);
	relay_forget(flow->relay, &c->inside);
}

static void failed(struct flow *flow)
{
	struct connection *c = (struct connection *)flow;

	if (c->inside.fd >= 0)
		reset(c->inside.fd);
	if (flow->outside.fd >= 0)
		reset(flow->outside.fd);
	flow_end(flow);
}

/* Does the program ask for the very host whose name it resolved?  0, also when that cannot be told yet,
 * or -EACCES. */
static int check(struct connection *c)
{
	uint8_t bytes[HELLO_SIZE];
	char name[HELLO_NAME_SIZE];
	bool strict = c->flow.port == 80 || c->flow.port == 443;
	ssize_t size = recv(c->inside.fd, bytes, sizeof(bytes), MSG_PEEK | MSG_DONTWAIT);
	int more = 1;

	if (size < 0)
		return errno == EAGAIN ? 0 : -errno;
	enum hello hello = hello_read(bytes, (size_t)size, name);
	if (hello == HELLO_BAD || (hello == HELLO_NAME && !str_equal(name, c->flow.name)) ||
	    (hello == HELLO_OTHER && strict) || (hello == HELLO_MORE && size && (size_t)size == c->seen))
		return -EACCES; /* in the last case it has ended in the middle */
	c->unchecked = hello == HELLO_MORE && size;
	c->seen = (size_t)size;
	if (c->unchecked)
		more = (int)size + 1; /* not to be woken by what we know already */
	return setsockopt(c->inside.fd, SOL_SOCKET, SO_RCVLOWAT, &more, sizeof(more)) < 0 ? -errno : 0;
}

/* At a byte that is marked urgent splice(2) stops for good, or says that it is the end when that comes later;
 * to recv(2) it is a byte as all others are.  As either. */
static ssize_t take(int from, struct half *half)
{
	uint8_t bytes[4096]; /* the pipe is empty: it has room */
	ssize_t n = 0;

	if (!half->urgent)
		n = splice(from, NULL, half->pipe[1], NULL, PIPE_SIZE, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
	half->urgent = false;
	if (n)
		return n;
	n = recv(from, bytes, sizeof(bytes), MSG_DONTWAIT);
	return n > 0 ? write(half->pipe[1], bytes, (size_t)n) : n;
}

/* Moves what can be moved; -errno when one side broke. */
static int pump(int from, int to, struct half *half)
{
	for (;;) {
		ssize_t n = 0;
		if (!half->ended && !half->filled) {
			n = take(from, half);
			if (n < 0 && errno != EAGAIN)
				return -errno;
			half->ended = n == 0;
			half->filled = n > 0 ? (size_t)n : 0;
		}
		if (!half->filled)
			break;
		n = splice(half->pipe[0], NULL, to, NULL, half->filled, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
		if (n < 0)
			return errno == EAGAIN ? 0 : -errno;
		half->filled -= (size_t)n;
	}
	if (half->ended && !half->closed) {
		half->closed = true;
		shutdown(to, SHUT_WR);
	}
	return 0;
}

/* What a side waits for: to read when nothing is under way from it, to write when something is for it. */
static uint32_t wanted(const struct half *from_it, const struct half *to_it)
{
	return (!from_it->ended && !from_it->filled ? (uint32_t)(EPOLLIN | EPOLLPRI) : 0) |
	       (to_it->filled ? (uint32_t)EPOLLOUT : 0);
}

static void move(struct connection *c)
{
	struct relay *relay = c->flow.relay;
	int r = c->unchecked ? 0 : pump(c->inside.fd, c->flow.outside.fd, &c->out);

	if (r == 0)
		r = pump(c->flow.outside.fd, c->inside.fd, &c->in);
	if (r == 0 && c->out.closed && c->in.closed) {
		flow_end(&c->flow);
		return;
	}
	if (r == 0 && !c->inside_gone)
		r = relay_watch(relay, &c->inside, wanted(&c->out, &c->in));
	if (r == 0 && !c->outside_gone)
		r = relay_watch(relay, &c->flow.outside, wanted(&c->in, &c->out));
	if (r < 0)
		failed(&c->flow);
}

/* A socket that hung up is always ready: it is read when the other side has room. */
static void hang_up(struct relay *relay, struct handle *handle, bool *gone)
{
	*gone = true;
	epoll_ctl(relay->epoll, EPOLL_CTL_DEL, handle->fd, NULL);
}

static int open_pipes(struct connection *c)
{
	if (pipe2(c->out.pipe, O_CLOEXEC | O_NONBLOCK) < 0 || pipe2(c->in.pipe, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	return 0;
}

static void set_options(int fd)
{
	int one = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
	setsockopt(fd, SOL_SOCKET, SO_OOBINLINE, &one, sizeof(one));
}

static void connected(struct connection *c)
{
	int error = 0;
	socklen_t size = sizeof(error);

	if (getsockopt(c->flow.outside.fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0 || error) {
		flow_dial(&c->flow);
		return;
	}
	c->flow.connected = true;
	c->flow.deadline = 0;
	set_options(c->flow.outside.fd);
	if (open_pipes(c) < 0)
		failed(&c->flow);
	else
		move(c);
}

static void outside_ready(struct relay *relay, struct handle *handle, uint32_t events)
{
	struct connection *c = of_outside(handle);

	if (!c->flow.connected) {
		connected(c);
		return;
	}
	if (events & (EPOLLHUP | EPOLLERR))
		hang_up(relay, handle, &c->outside_gone);
	c->in.urgent = events & EPOLLPRI;
	move(c);
}

static void inside_ready(struct relay *relay, struct handle *handle, uint32_t events)
{
	struct connection *c = of_inside(handle);

	if (!c->flow.connected) { /* the program gave up */
		failed(&c->flow);
		return;
	}
	if (c->unchecked && check(c) < 0) {
		failed(&c->flow);
		return;
	}
	if (events & (EPOLLHUP | EPOLLERR))
		hang_up(relay, handle, &c->inside_gone);
	c->out.urgent = events & EPOLLPRI;
	move(c);
}

static void dialled(struct flow *flow)
{
	flow->outside.ready = outside_ready;
	if (relay_watch(flow->relay, &flow->outside, EPOLLOUT) < 0)
		failed(flow);
}

static struct connection *connection_new(int fd)
{
	struct connection *c = calloc(1, sizeof(*c));

	must(c);
	c->flow = (struct flow){ .access = ACCESS_CONNECT, .outside.fd = -1, .dialled = dialled,
				 .failed = failed, .end = end };
	c->out.pipe[0] = c->out.pipe[1] = c->in.pipe[0] = c->in.pipe[1] = -1;
	c->inside = (struct handle){ .fd = fd, .events = ~0u, .ready = inside_ready }; /* none are set yet */
	set_options(fd);
	return c;
}

static void refuse(struct connection *c)
{
	reset(c->inside.fd);
	close(c->inside.fd);
	free(c);
}

static void begin(struct relay *relay, int fd)
{
	struct connection *c = connection_new(fd);
	struct sockaddr_storage to;
	socklen_t size = sizeof(to);

	if (getsockname(fd, (struct sockaddr *)&to, &size) < 0 ||
	    !address_from(&to, c->flow.to, &c->flow.port) || !flow_begin(relay, &c->flow, &relay->tcp)) {
		refuse(c);
		return;
	}
	c->unchecked = c->flow.name && !c->flow.peer && relay->rules.check_names;
	if (relay_watch(relay, &c->inside, 0) < 0) /* only that it hangs up */
		failed(&c->flow);
	else if (c->flow.count) /* else the resolver has to answer first */
		flow_dial(&c->flow);
}

/* Nobody has to be asked, so it goes on at once. */
static void begin_open(struct relay *relay, struct connection *c, bool taken)
{
	if (!taken)
		refuse(c);
	else if (relay_watch(relay, &c->inside, 0) < 0)
		failed(&c->flow);
	else
		flow_dial(&c->flow);
}

void tcp_visit(struct relay *relay, int fd, uint16_t port)
{
	struct connection *c = connection_new(fd);

	begin_open(relay, c, flow_begin_inward(relay, &c->flow, port));
}

void tcp_lend(struct relay *relay, int fd, const struct lending *lent)
{
	struct connection *c = connection_new(fd);

	begin_open(relay, c, flow_begin_lent(relay, &c->flow, lent));
}

void tcp_ready(struct relay *relay, struct handle *handle, uint32_t events UNUSED)
{
	for (unsigned i = 0; i < ACCEPTS; i++) {
		int fd = accept4(handle->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd < 0)
			return;
		begin(relay, fd);
	}
}
