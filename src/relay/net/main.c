/* relay/net/main.c - cuddy-net: takes the cage's sockets, gives up its rights, relays until the cage ends.
 * Started by cuddy alone (relay.h tells with which descriptors).  Must not: read a file, print anything
 * but its answer to the launcher. */
#include "relay/net/confine.h"
#include "relay/net/relay.h"
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { ANSWER = 1, SOCKETS = 3, CAGE = 4, POLICY = 5, COUNTERS = 6, LOG = 7,
       PEERS = 8, CAGES = 9, TUNNEL_USER = 10, TUNNEL_NETWORK = 11, TUNNEL_SERVERS = 12, OWN = 13 };

_Noreturn static void give_up(const char *what, int error)
{
	dprintf(ANSWER, "the network relay cannot %s: %s\n", what, strerror(error < 0 ? -error : error));
	_exit(1);
}

static void read_policy(struct rules *ret)
{
	struct arena *arena = arena_new(); /* lives as long as we do */
	struct strbuf text = { .arena = arena };
	char bytes[4096];
	struct diags d;
	ssize_t length;

	while ((length = read(POLICY, bytes, sizeof(bytes))) > 0)
		strbuf_add_bytes(&text, bytes, (size_t)length);
	diags_init(&d, arena);
	if (length < 0 || rules_parse(arena, strbuf_text(&text), &d, ret) < 0)
		give_up("read its rules", length < 0 ? errno : EINVAL);
	close(POLICY);
}

/* Waits for the sockets from the cage's namespace. */
static void take_sockets(struct relay *relay)
{
	char byte;
	int fds[SOCKET_COUNT];
	size_t count = 0;
	ssize_t length = fd_receive(SOCKETS, &byte, 1, fds, SOCKET_COUNT, 0);

	while (count < SOCKET_COUNT && fds[count] >= 0)
		count++;
	if (length < 0)
		give_up("get its sockets", (int)-length);
	if (count != SOCKET_COUNT && count != SOCKET_TCP6)
		give_up("get its sockets", EPROTO);
	for (size_t i = 0; i < SOCKET_COUNT; i++)
		relay->sockets[i].fd = fds[i];
	close(SOCKETS);
}

/* Each connection takes six descriptors, out or in, each UDP pair one; some are left for the rest of us. */
static unsigned find_flow_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_max < 128)
		give_up("work with so few descriptors", EMFILE);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	return (unsigned)MIN((limit.rlim_max - 64) / 13, (rlim_t)LIMIT_FLOWS);
}

static void cage_ready(struct relay *relay, struct handle *handle UNUSED, uint32_t events UNUSED)
{
	relay->over = true;
}

static void resolver_ready(struct relay *relay, struct handle *handle, uint32_t events)
{
	struct resolver_answer answer;

	while (resolver_read(handle->fd, &answer))
		flow_resolved(relay, &answer);
	relay->broken = events & EPOLLHUP; /* no worker is left: no name can be reached any more */
}

/* Half a network that says nothing of it is worse than none and a message. */
static void helper_ended(struct relay *relay, struct handle *handle UNUSED, uint32_t events UNUSED)
{
	relay->broken = true;
}

static void onlink_changed(struct relay *relay, struct handle *handle UNUSED, uint32_t events UNUSED)
{
	onlink_ready(&relay->rules.onlink);
}

/* Packets that the kernel's rules refused or, echo requests, left to us. */
static void refused_ready(struct relay *relay, struct handle *handle, uint32_t events UNUSED)
{
	static uint8_t bytes[2 * 65536];
	struct refused_packet packet;
	struct echo echo;
	char host[INET6_ADDRSTRLEN];
	ssize_t size;

	while ((size = recv(handle->fd, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0)
		for (size_t at = 0; journal_packet(bytes, (size_t)size, &at, &packet);)
			if (packet.group == NETWORK_PING_GROUP && icmp_read(packet.bytes, packet.size, &echo))
				udp_echo(relay, &echo);
			else
				journal_refused(&relay->journal, "rules", packet.protocol, address_text(packet.to, host), packet.port);
}

static void watch_all(struct relay *relay)
{
	static void (*const ready[SOCKET_COUNT])(struct relay *, struct handle *, uint32_t) = {
		[SOCKET_DNS] = dns_ready,  [SOCKET_DNS_STREAM] = dns_stream_ready,
		[SOCKET_TCP4] = tcp_ready, [SOCKET_TCP6] = tcp_ready,
		[SOCKET_UDP4] = udp_ready, [SOCKET_UDP6] = udp_ready,
		[SOCKET_REFUSED] = refused_ready,
	};
	struct handle *others[] = { &relay->cage, &relay->resolver, &relay->onlink, &relay->peers };
	int r = 0;

	relay->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (relay->epoll < 0)
		give_up("wait", errno);
	for (size_t i = 0; i < SOCKET_COUNT; i++) {
		relay->sockets[i].ready = ready[i];
		if (relay->sockets[i].fd >= 0 && ready[i])
			r = MIN(r, relay_watch(relay, &relay->sockets[i], EPOLLIN));
	}
	for (size_t i = 0; i < ARRAY_SIZE(others) - !relay->rules.network; i++)
		r = MIN(r, relay_watch(relay, others[i], EPOLLIN));
	relay->maker_end = (struct handle){ .fd = relay->maker, .ready = helper_ended };
	relay->keeper_end = (struct handle){ .fd = relay->keeper, .ready = helper_ended };
	if (relay->maker >= 0)
		r = MIN(r, relay_watch(relay, &relay->maker_end, EPOLLHUP));
	if (relay->keeper >= 0)
		r = MIN(r, relay_watch(relay, &relay->keeper_end, EPOLLHUP));
	r = MIN(r, inlets_watch(relay));
	r = MIN(r, outlets_watch(relay));
	if (r < 0)
		give_up("wait", r);
}

/* Ports and sockets of the host, and who makes more of them and of the cage's. */
static int open_all(struct relay *relay, const char **ret_what)
{
	const struct rules *rules = &relay->rules;
	bool lends = rules->lent.count || rules->exposed.count || rules->network;
	int r = inlets_open(relay, ret_what);

	relay->maker = relay->keeper = -1;
	relay->cages = CAGES;
	r = r < 0 ? r : outlets_open(relay, ret_what);
	if (r == 0 && lends) {
		*ret_what = "start its keeper of sockets";
		r = keeper_start(relay);
	}
	if (r < 0)
		keeper_withdraw(relay);
	close(CAGES);
	if (r == 0 && (lends || rules->publications.count)) {
		*ret_what = "enter the cage's network";
		r = maker_start(relay, CAGE);
	}
	return r;
}

/* From here on all that leaves does so by the tunnel.  What the host's network is needed for is open already. */
static void enter_tunnel(const struct name_servers **ret_servers)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	const struct __user_cap_data_struct none[2] = { { 0 } };

	*ret_servers = name_servers_map(TUNNEL_SERVERS);
	if (!*ret_servers || setns(TUNNEL_USER, CLONE_NEWUSER) < 0 || setns(TUNNEL_NETWORK, CLONE_NEWNET) < 0 ||
	    syscall(SYS_capset, &header, none) < 0)
		give_up("enter the tunnel", errno);
}

int main(void)
{
	static struct relay relay;
	const struct name_servers *servers = NULL;
	struct stat status;

	if (fstat(POLICY, &status) < 0) {
		fprintf(stderr, "cuddy-net: this is started by cuddy, not by people\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	syscall(SYS_close_range, (unsigned)OWN, ~0u, 0);
	relay.flow_limit = find_flow_limit();
	read_policy(&relay.rules);
	const char *what = "count";
	int r = journal_open(&relay.journal, LOG, COUNTERS);
	close(COUNTERS);
	if (r == 0)
		r = open_all(&relay, &what);
	if (r < 0)
		give_up(what, r);
	if (relay.rules.tunnel)
		enter_tunnel(&servers);
	for (int fd = TUNNEL_USER; fd < OWN; fd++)
		close(fd);
	relay.resolver = (struct handle){ .fd = resolver_open(&relay.rules, servers), .ready = resolver_ready };
	if (relay.resolver.fd < 0)
		give_up("start its resolver", relay.resolver.fd);
	r = onlink_open(&relay.rules.onlink);
	if (r < 0 && r != -E2BIG) /* too many: all are taken for near */
		give_up("read the host's addresses", r);
	relay.onlink = (struct handle){ .fd = relay.rules.onlink.fd, .ready = onlink_changed };
	relay.cage = (struct handle){ .fd = CAGE, .ready = cage_ready };
	relay.peers = (struct handle){ .fd = PEERS, .ready = peers_ready };
	relay.names = names_new();
	take_sockets(&relay);
	watch_all(&relay);
	r = confine_relay();
	if (r < 0)
		give_up("confine itself", r);
	if (write(ANSWER, "ready\n", 6) != 6 || dup2(2, ANSWER) < 0)
		_exit(1);
	relay_run(&relay);
	refused_ready(&relay, &relay.sockets[SOCKET_REFUSED], 0); /* what the cage did at its end */
	keeper_end(&relay);
	_exit(relay.over ? 0 : 1);
}
