/* network/enter.c - makes the cage's network from within its namespaces, before the program is there.
 *
 * Loopback gets the cage's own addresses and a route that takes everything; the rules send what comes
 * that way to the relay's sockets, which are made here because a socket stays in its namespace.
 * Must not: allocate (the caller may have had threads), touch the host's network. */
#include "network/enter.h"
#include "network/sockets.h"
#include "base/fd.h"
#include "base/synthetic.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LOOPBACK_INDEX = 1 };

_Noreturn static void give_up(int answer, const char *what, int error)
{
	dprintf(answer, "cannot %s: %s\n", what, strerror(error < 0 ? -error : error));
	_exit(1);
}

/* ---- the rules ---- */

static const char *const nft_paths[] = { "/usr/sbin/nft", "/sbin/nft", "/usr/bin/nft", "/usr/local/sbin/nft" };

_Noreturn static void run_nft(int input, int answer)
{
	static const char *const argv[] = { "nft", "-f", "-", NULL }, *const envp[] = { NULL };

	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (dup2(input, 0) < 0 || dup2(answer, 1) < 0 || dup2(answer, 2) < 0)
		give_up(answer, "start nft", errno);
	for (size_t i = 0; i < ARRAY_SIZE(nft_paths); i++)
		execve(nft_paths[i], (char *const *)argv, (char *const *)envp);
	dprintf(2, "the program 'nft' is missing or cannot be started (package nftables)\n");
	_exit(127);
}

/* Writes the lines but for those that log. */
static int write_unlogged(int fd, const char *rules, const char *end)
{
	int r = 0;

	while (rules < end && r == 0) {
		size_t length = strcspn(rules, "\n");
		length += rules[length] == '\n';
		if (strncmp(rules, NETWORK_LOG_RULE, length) != 0 && strncmp(rules, NETWORK_PING_RULE, length) != 0)
			r = fd_write_all(fd, rules, length);
		rules += length;
	}
	return r;
}

/* Runs nft with the rules up to `end`; true when it took them. */
static bool try_rules(const char *rules, const char *end, bool log, int answer, int complaints)
{
	int pipes[2], status;

	if (pipe2(pipes, O_CLOEXEC) < 0)
		give_up(answer, "make a pipe", errno);
	pid_t pid = fork();
	if (pid < 0)
		give_up(answer, "fork", errno);
	if (pid == 0)
		run_nft(pipes[0], complaints);
	close(pipes[0]);
	int r = log ? fd_write_all(pipes[1], rules, (size_t)(end - rules)) : write_unlogged(pipes[1], rules, end);
	close(pipes[1]);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return r == 0 && WIFEXITED(status) && !WEXITSTATUS(status);
}

/* A kernel that cannot log still refuses: then the rules that log are left out. */
static void load_rules(const char *rules, int answer)
{
	AUTO_FD int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	while (*rules) {
		const char *then = strstr(rules, NETWORK_RULES_THEN), *end = then ? then : rules + strlen(rules);
		if (!try_rules(rules, end, true, answer, null) && !try_rules(rules, end, false, answer, answer))
			_exit(1); /* it has said why */
		rules = then ? then + strlen(NETWORK_RULES_THEN) : end;
	}
}

/* ---- addresses and routes ---- */

struct request {
	struct nlmsghdr header;
	union { struct ifaddrmsg address; struct rtmsg route; };
	char attributes[64];
};

static void add_attribute(struct request *request, unsigned short type, const void *bytes, size_t size)
{
	struct rtattr *at = (struct rtattr *)((char *)request + NLMSG_ALIGN(request->header.nlmsg_len));

	at->rta_type = type;
	at->rta_len = (unsigned short)RTA_LENGTH(size);
	memcpy(RTA_DATA(at), bytes, size);
	request->header.nlmsg_len = NLMSG_ALIGN(request->header.nlmsg_len) + RTA_LENGTH((uint32_t)size);
}

/* Sends the request and gives the kernel's verdict. */
static int perform(int fd, struct request *request)
{
	struct { struct nlmsghdr header; struct nlmsgerr error; char rest[256]; } reply;

	request->header.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL;
	if (send(fd, request, request->header.nlmsg_len, 0) < 0)
		return -errno;
	ssize_t length = recv(fd, &reply, sizeof(reply), 0);
	if (length < (ssize_t)NLMSG_LENGTH(sizeof(reply.error)) || reply.header.nlmsg_type != NLMSG_ERROR)
		return length < 0 ? -errno : -EPROTO;
	return reply.error.error;
}

static int add_address(int fd, int family, const void *bytes, size_t size)
{
	struct request request = {
		.header = { .nlmsg_len = NLMSG_LENGTH(sizeof(struct ifaddrmsg)), .nlmsg_type = RTM_NEWADDR },
		.address = { .ifa_family = (unsigned char)family, .ifa_prefixlen = (unsigned char)(size * 8),
			     .ifa_scope = RT_SCOPE_UNIVERSE, .ifa_flags = family == AF_INET6 ? IFA_F_NODAD : 0,
			     .ifa_index = LOOPBACK_INDEX },
	};

	add_attribute(&request, IFA_LOCAL, bytes, size);
	add_attribute(&request, IFA_ADDRESS, bytes, size);
	return perform(fd, &request);
}

/* Everything is delivered here, and what the cage sends comes from its own address. */
static int add_route(int fd, int family, const void *source, size_t size)
{
	struct request request = {
		.header = { .nlmsg_len = NLMSG_LENGTH(sizeof(struct rtmsg)), .nlmsg_type = RTM_NEWROUTE },
		.route = { .rtm_family = (unsigned char)family, .rtm_table = RT_TABLE_LOCAL,
			   .rtm_protocol = RTPROT_STATIC, .rtm_scope = RT_SCOPE_HOST, .rtm_type = RTN_LOCAL },
	};
	uint32_t loopback = LOOPBACK_INDEX;

	add_attribute(&request, RTA_OIF, &loopback, sizeof(loopback));
	add_attribute(&request, RTA_PREFSRC, source, size);
	return perform(fd, &request);
}

static int bring_up_loopback(void)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	AUTO_FD int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	return fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request) < 0 ? -errno : 0;
}

static int make_family(int fd, int family, const char *own)
{
	unsigned char bytes[16];
	size_t size = family == AF_INET ? 4 : 16;

	must(inet_pton(family, own, bytes) == 1);
	int r = add_address(fd, family, bytes, size);
	return r < 0 ? r : add_route(fd, family, bytes, size);
}

/* IPv6 may be switched off, in the kernel or for new namespaces: then the cage has none, which is less
 * than was asked and never more.  True when there is. */
static bool make_addresses(int answer)
{
	AUTO_FD int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	int r = fd < 0 ? -errno : bring_up_loopback();

	if (r == 0)
		r = make_family(fd, AF_INET, SYNTHETIC_OWN4);
	if (r < 0)
		give_up(answer, "make the cage's addresses", r);
	r = make_family(fd, AF_INET6, SYNTHETIC_OWN6);
	if (r < 0 && r != -EAFNOSUPPORT && r != -EOPNOTSUPP && r != -EACCES && r != -EPERM)
		give_up(answer, "make the cage's IPv6 addresses", r);
	return r == 0;
}

/* The cage's ports are its own, the low ones too; the name server's stay taken.  Ping sockets are for all
 * its groups that are the caller's.  Where /proc/sys is read-only, programs get an error as they do outside. */
static void free_ports(void)
{
	static const char *const settings[][2] = {
		{ "/proc/sys/net/ipv4/ip_unprivileged_port_start", "0" },
		{ "/proc/sys/net/ipv4/ping_group_range", "0 0" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
		AUTO_FD int fd = open(settings[i][0], O_WRONLY | O_CLOEXEC);
		if (fd >= 0)
			(void)!write(fd, settings[i][1], strlen(settings[i][1]));
	}
}

/* ---- sockets ---- */

static const struct socket_row {
	int family, type, protocol;
	unsigned port; /* 0: not bound */
	bool transparent;
} socket_rows[SOCKET_COUNT] = {
	[SOCKET_DNS]	    = { AF_INET,  SOCK_DGRAM,  0,	    53,		    false },
	[SOCKET_DNS_STREAM] = { AF_INET,  SOCK_STREAM, 0,	    53,		    false },
	[SOCKET_TCP4]	    = { AF_INET,  SOCK_STREAM, 0,	    SYNTHETIC_PORT, true  },
	[SOCKET_UDP4]	    = { AF_INET,  SOCK_DGRAM,  0,	    SYNTHETIC_PORT, true  },
	[SOCKET_RAW4]	    = { AF_INET,  SOCK_RAW,    IPPROTO_RAW, 0,		    false },
	[SOCKET_REFUSED]    = { AF_NETLINK, SOCK_RAW,  NETLINK_NETFILTER, 0,	    false },
	[SOCKET_TCP6]	    = { AF_INET6, SOCK_STREAM, 0,	    SYNTHETIC_PORT, true  },
	[SOCKET_UDP6]	    = { AF_INET6, SOCK_DGRAM,  0,	    SYNTHETIC_PORT, true  },
	[SOCKET_RAW6]	    = { AF_INET6, SOCK_RAW,    IPPROTO_RAW, 0,		    false },
};

/* IP_TRANSPARENT lets a socket have any address; the other tells where a datagram was meant to go. */
static int make_transparent(int fd, int family)
{
	int one = 1;
	bool v4 = family == AF_INET;

	if (setsockopt(fd, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? 19 /* IP_TRANSPARENT */ : 75 /* IPV6_ */, &one,
		       sizeof(one)) < 0)
		return -errno;
	if (setsockopt(fd, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? 20 /* IP_RECVORIGDSTADDR */ : 74 /* IPV6_ */,
		       &one, sizeof(one)) < 0)
		return -errno;
	return 0;
}

static int bind_own(int fd, const struct socket_row *row)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons((uint16_t)row->port) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)row->port) };
	bool is_v4 = row->family == AF_INET;
	int one = 1;

	must(inet_pton(AF_INET, SYNTHETIC_OWN4, &v4.sin_addr) == 1);
	must(inet_pton(AF_INET6, SYNTHETIC_OWN6, &v6.sin6_addr) == 1);
	if (!is_v4 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one)) < 0)
		return -errno;
	if (bind(fd, is_v4 ? (struct sockaddr *)&v4 : (struct sockaddr *)&v6, is_v4 ? sizeof(v4) : sizeof(v6)) < 0)
		return -errno;
	return row->type == SOCK_STREAM && listen(fd, SOMAXCONN) < 0 ? -errno : 0;
}

/* Asks nfnetlink_log for the packets of a group, each at once.  A kernel without it sends nothing. */
static void listen_to_group(int fd, unsigned group, unsigned bytes)
{
	struct attribute { struct nlattr header; unsigned char value[8]; };
	const struct attribute wishes[] = {
		{ { 5, NFULA_CFG_CMD }, { NFULNL_CFG_CMD_BIND } },
		{ { 10, NFULA_CFG_MODE }, { 0, 0, (unsigned char)(bytes >> 8), (unsigned char)bytes, NFULNL_COPY_PACKET } },
		{ { 8, NFULA_CFG_QTHRESH }, { 0, 0, 0, 1 } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(wishes); i++) {
		struct { struct nlmsghdr header; struct nfgenmsg what; struct attribute attribute; } message = {
			.header = { .nlmsg_len = sizeof(message), .nlmsg_type = NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_CONFIG,
				    .nlmsg_flags = NLM_F_REQUEST },
			.what = { .nfgen_family = AF_UNSPEC, .res_id = htons((uint16_t)group) },
			.attribute = wishes[i],
		};
		(void)!send(fd, &message, sizeof(message), 0);
	}
}

static int make_socket(const struct socket_row *row)
{
	AUTO_FD int fd = socket(row->family, row->type | SOCK_CLOEXEC | SOCK_NONBLOCK, row->protocol);
	int r = fd < 0 ? -errno : 0;

	if (r == 0 && row->transparent)
		r = make_transparent(fd, row->family);
	if (r == 0 && row->port)
		r = bind_own(fd, row);
	if (r == 0 && row->family == AF_NETLINK) {
		listen_to_group(fd, NETWORK_LOG_GROUP, NETWORK_LOG_BYTES);
		listen_to_group(fd, NETWORK_PING_GROUP, NETWORK_PING_BYTES);
	}
	return r < 0 ? r : TAKE_FD(fd);
}

static void send_sockets(int to, size_t count, int answer)
{
	int fds[SOCKET_COUNT] = { 0 };
	const struct iovec byte = { &(char){ 's' }, 1 };

	for (size_t i = 0; i < count; i++) {
		fds[i] = make_socket(&socket_rows[i]);
		if (fds[i] < 0)
			give_up(answer, "make the relay's sockets", fds[i]);
	}
	ssize_t sent = fd_send(to, &byte, 1, fds, count, 0);
	if (sent != 1)
		give_up(answer, "pass the relay's sockets on", (int)-sent);
}

_Noreturn void network_enter(int pidfd, const char *rules, int sockets, int answer)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (setns(pidfd, CLONE_NEWUSER | CLONE_NEWNET) < 0)
		give_up(answer, "enter the cage's namespaces", errno);
	load_rules(rules, answer);
	bool v6 = make_addresses(answer);
	free_ports();
	send_sockets(sockets, v6 ? SOCKET_COUNT : SOCKET_TCP6, answer);
	_exit(write(answer, "ready\n", 6) == 6 ? 0 : 1);
}
