/* relay/net/maker.c - makes sockets of the cage's namespace while the cage runs.
 *
 * A process forked for that enters the namespace, opens the ports of the services that are lent, gives up
 * all power over the namespace, and from then on does nothing but make sockets and pass them.
 * Must not: take a word of the cage. */
#include "relay/net/confine.h"
#include "relay/net/relay.h"
#include "base/fd.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { MAKER_SECONDS = 5 };

struct wanted { int family, type, protocol; uint8_t source[16]; };

bool socket_pass(int to, int fd)
{
	uint8_t error = fd < 0 ? (uint8_t)-fd : 0;
	const struct iovec part = { &error, 1 };

	return fd_send(to, &part, 1, &fd, fd >= 0, 0) == 1;
}

int socket_take(int from)
{
	uint8_t error;
	int fd;

	if (fd_receive(from, &error, 1, &fd, 1, 0) != 1)
		return -EPIPE;
	return fd >= 0 ? fd : error ? -error : -EPROTO;
}

/* A socket of the address, which waits at `port` if there is one; or -errno. */
static int make_socket(const struct wanted *wanted, uint16_t port)
{
	socklen_t size;
	struct sockaddr_storage source = address_of(wanted->source, port, &size);
	AUTO_FD int fd = socket(wanted->family, wanted->type | SOCK_CLOEXEC | SOCK_NONBLOCK, wanted->protocol);
	bool v4 = wanted->family == AF_INET;
	int one = 1;

	setsockopt(fd, IPPROTO_IP, 24 /* IP_BIND_ADDRESS_NO_PORT */, &one, sizeof(one));
	/* Loopback may not be up yet, and those of names are on no interface. */
	setsockopt(fd, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? 15 /* IP_FREEBIND */ : 78 /* IPV6_ */, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&source, size) < 0 || (port && listen(fd, SOMAXCONN) < 0))
		return -errno;
	return TAKE_FD(fd);
}

static bool make_and_pass(const struct wanted *wanted, uint16_t port)
{
	AUTO_FD int fd = make_socket(wanted, port);

	return socket_pass(3, fd);
}

/* Two for each service, in their order; without IPv6 the second is none. */
static int pass_lent(const struct relay *relay)
{
	struct wanted v4 = { .family = AF_INET, .type = SOCK_STREAM }, v6 = { .family = AF_INET6, .type = SOCK_STREAM };

	memcpy(v4.source, flow_loopback[0], sizeof(v4.source));
	memcpy(v6.source, flow_loopback[1], sizeof(v6.source));
	for (size_t i = 0; i < relay->rules.lent.count; i++) {
		uint16_t port = relay->rules.lent.items[i].inside;
		if (!make_and_pass(&v4, port) || !make_and_pass(&v6, port))
			return -EPIPE;
	}
	return 0;
}

_Noreturn static void make_sockets(const struct relay *relay, int cage, int fd)
{
	struct wanted wanted;
	int r = 0;

	if (setns(cage, CLONE_NEWUSER | CLONE_NEWNET) < 0 || dup2(fd, 3) < 0 || dup2(2, 1) < 0)
		r = -errno;
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	prctl(PR_SET_NAME, "cuddy-inlet", 0, 0, 0);
	syscall(SYS_close_range, 4u, ~0u, 0);
	send(3, &r, sizeof(r), MSG_NOSIGNAL);
	if (r == 0)
		r = pass_lent(relay);
	r = r < 0 ? r : confine_maker();
	send(3, &r, sizeof(r), MSG_NOSIGNAL);
	while (r == 0 && recv(3, &wanted, sizeof(wanted), 0) == sizeof(wanted))
		if (!make_and_pass(&wanted, 0))
			break;
	_exit(0);
}

/* What the maker says of its state: 0 or -errno. */
static int ask_state(int fd)
{
	int r;

	return recv(fd, &r, sizeof(r), 0) == sizeof(r) ? r : -EPROTO;
}

int maker_start(struct relay *relay, int cage)
{
	static const struct timeval patience = { .tv_sec = MAKER_SECONDS };
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return -errno;
	pid_t pid = fork();
	if (pid == 0)
		make_sockets(relay, cage, ends[1]);
	close(ends[1]);
	AUTO_FD int ours = ends[0];
	if (pid < 0 || setsockopt(ours, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0)
		return -errno;
	int r = ask_state(ours);
	r = r < 0 ? r : outlets_take(relay, ours);
	r = r < 0 ? r : ask_state(ours);
	relay->maker = r < 0 ? -1 : TAKE_FD(ours);
	return r;
}

int maker_socket(struct relay *relay, int family, int type, int protocol, const uint8_t source[16])
{
	struct wanted wanted = { .family = family, .type = type, .protocol = protocol };

	memcpy(wanted.source, source, sizeof(wanted.source));
	if (send(relay->maker, &wanted, sizeof(wanted), MSG_NOSIGNAL) != sizeof(wanted))
		return -EPIPE;
	return socket_take(relay->maker);
}
