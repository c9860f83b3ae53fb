/* relay/net/flow.c - what connections and pairs of UDP addresses have in common: the policy is asked,
 * then the name is resolved, then its addresses are tried one by one, each only if the rules let the
 * name be that address.  Must not: resolve or connect before the policy said yes. */
#include "relay/net/relay.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
const uint8_t flow_loopback[2][16] = { { [10] = 0xff, [11] = 0xff, 127, 0, 0, 1 }, { [15] = 1 } };

bool address_is_v4(const uint8_t address[16])
{
	return memcmp(address, mapped, sizeof(mapped)) == 0;
}

struct sockaddr_storage address_of(const uint8_t bytes[16], uint16_t port, socklen_t *ret_size)
{
	struct sockaddr_storage all = { .ss_family = AF_INET6 };
	struct sockaddr_in *v4 = (struct sockaddr_in *)&all;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&all;

	if (address_is_v4(bytes)) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		memcpy(&v4->sin_addr, bytes + 12, 4);
		*ret_size = sizeof(*v4);
	} else {
		v6->sin6_port = htons(port);
		memcpy(&v6->sin6_addr, bytes, 16);
		*ret_size = sizeof(*v6);
	}
	return all;
}

const char *address_text(const uint8_t bytes[16], char text[INET6_ADDRSTRLEN])
{
	bool v4 = address_is_v4(bytes);

	return inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? bytes + 12 : bytes, text, INET6_ADDRSTRLEN);
}

bool address_from(const struct sockaddr_storage *from, uint8_t ret[16], uint16_t *ret_port)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)from;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)from;

	if (from->ss_family == AF_INET) {
		memcpy(ret, mapped, sizeof(mapped));
		memcpy(ret + 12, &v4->sin_addr, 4);
		*ret_port = ntohs(v4->sin_port);
	} else if (from->ss_family == AF_INET6) {
		memcpy(ret, &v6->sin6_addr, 16);
		*ret_port = ntohs(v6->sin6_port);
	}
	return from->ss_family == AF_INET || from->ss_family == AF_INET6;
}

static void put(struct flow *flow, struct flow_table *table)
{
	flow->table = table;
	flow->next = table->first;
	table->first = flow;
	table->count++;
}

static const char *protocol_of(const struct flow *flow)
{
	return flow->access == ACCESS_CONNECT ? "tcp" : flow->access == ACCESS_SEND ? "udp" : "icmp";
}

/* A pair of addresses was done with, most likely, when it was silent longest: who asks many hosts, each once, or is
 * asked by many, shall not have to wait until the first of them are forgotten. */
static bool has_room(const struct relay *relay, const struct flow_table *table)
{
	struct flow *oldest = NULL;

	if (table->count < relay->flow_limit)
		return true;
	for (struct flow *flow = table->first; flow; flow = flow->next)
		if (flow->access != ACCESS_CONNECT && flow->connected && (!oldest || flow->deadline < oldest->deadline))
			oldest = flow;
	if (oldest)
		flow_end(oldest);
	return oldest;
}

bool flow_begin(struct relay *relay, struct flow *flow, struct flow_table *table)
{
	char text[INET6_ADDRSTRLEN];
	bool synthetic;
	const char *name = names_find(relay->names, flow->to, &synthetic);

	if (synthetic && !name)
		return false;
	bool tcp = flow->access == ACCESS_CONNECT;
	bool may = name ? rules_may_reach_name(&relay->rules, flow->access, name, flow->port)
			: rules_may_reach(&relay->rules, flow->access, flow->to, flow->port);
	if (!may || !has_room(relay, table)) {
		journal_refused(&relay->journal, may ? "limit" : "relay", protocol_of(flow),
				name ? name : address_text(flow->to, text), flow->port);
		return false;
	}
	*(tcp ? &relay->journal.counters->connections : &relay->journal.counters->pairs) += 1;
	flow->relay = relay;
	flow->id = ++relay->last_id;
	if (name && rules_cage_length(&relay->rules, name)) {
		flow->peer = true;
		flow->loose = flow->access == ACCESS_SEND; /* pings are answered from where they went */
		flow->name = strdup(name);
		must(flow->name);
		memcpy(flow->addresses, flow_loopback, sizeof(flow_loopback));
		flow->count = 2;
	} else if (name) {
		if (!resolver_ask(relay->resolver.fd, flow->id, name))
			return false;
		flow->name = strdup(name);
		must(flow->name);
		flow->deadline = relay->now + LIMIT_RESOLVE_SECONDS * 1000;
	} else {
		memcpy(flow->addresses[0], flow->to, 16);
		flow->count = 1;
	}
	put(flow, table);
	return true;
}

bool flow_begin_inward(struct relay *relay, struct flow *flow, uint16_t port)
{
	if (!has_room(relay, &relay->visitors))
		return false;
	flow->relay = relay;
	flow->id = ++relay->last_id;
	flow->inward = true;
	flow->loose = flow->access == ACCESS_SEND;
	relay->journal.counters->visitors++;
	flow->port = port;
	memcpy(flow->addresses, flow_loopback, sizeof(flow_loopback));
	flow->count = 2;
	put(flow, &relay->visitors);
	return true;
}

bool flow_begin_lent(struct relay *relay, struct flow *flow, const struct lending *lent)
{
	if (!has_room(relay, &relay->tcp))
		return false;
	flow->relay = relay;
	flow->id = ++relay->last_id;
	flow->lent = lent;
	relay->journal.counters->connections++;
	flow->port = lent->outside;
	memcpy(flow->addresses, flow_loopback, sizeof(flow_loopback));
	flow->count = lent->path_length ? LIMIT_LENT_TRIES : 2;
	put(flow, &relay->tcp);
	return true;
}

int flow_protocol(unsigned access, int family)
{
	return access != RULES_PING ? 0 : family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6;
}

/* A socket that may be connected, or is; or -errno. */
static int make_outside(const struct flow *flow, int family, int type)
{
	if (flow->lent)
		return keeper_connect(flow->relay, flow->lent, family == AF_INET6);
	if (flow->inward) {
		uint8_t own[16];
		if (family == AF_INET)
			names_address4(SYNTHETIC_OWN, own);
		else
			names_address6(SYNTHETIC_OWN, own);
		return maker_socket(flow->relay, family, type, 0, own);
	}
	int fd = socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, flow_protocol(flow->access, family));
	return fd < 0 ? -errno : fd;
}

int flow_connect(int fd, const uint8_t address[16], uint16_t port)
{
	socklen_t size;
	struct sockaddr_storage to = address_of(address, port, &size);

	return connect(fd, (struct sockaddr *)&to, size) < 0 && errno != EINPROGRESS ? -errno : 0;
}

/* The other cage has answered. */
static void answered(struct relay *relay, struct handle *handle, uint32_t events UNUSED)
{
	struct flow *flow = (struct flow *)((char *)handle - offsetof(struct flow, outside));
	int fd = socket_take(handle->fd);

	relay_forget(relay, handle);
	if (fd < 0) {
		if (fd == -EACCES)
			journal_refused(&relay->journal, "relay", protocol_of(flow), flow->name, flow->port);
		flow_dial(flow);
		return;
	}
	handle->fd = fd;
	handle->events = 0;
	flow->dialled(flow);
}

/* Asks the other cage for a socket; 0, or -errno: it is not there. */
static int call(struct flow *flow, bool v6)
{
	struct relay *relay = flow->relay;
	struct peer_call call = { .v6 = v6, .access = (uint8_t)flow->access, .port = flow->port };
	int fd = keeper_call(relay, flow->name, &call);

	if (fd < 0)
		return fd;
	flow->outside = (struct handle){ .fd = fd, .ready = answered };
	int r = relay_watch(relay, &flow->outside, EPOLLIN);
	if (r < 0)
		relay_forget(relay, &flow->outside);
	return r;
}

/* 0, or -errno: this address is none to go to. */
static int dial(struct flow *flow, const uint8_t address[16])
{
	struct relay *relay = flow->relay;
	int type = flow->access == ACCESS_CONNECT ? SOCK_STREAM : SOCK_DGRAM;
	socklen_t size;
	struct sockaddr_storage to = address_of(address, flow->port, &size);

	if (flow->peer)
		return call(flow, to.ss_family == AF_INET6);
	if (flow->name && !rules_may_be(&relay->rules, flow->access, flow->name, address, flow->port)) {
		/* The name may be reached, but not where it leads. */
		journal_refused(&relay->journal, "relay", protocol_of(flow), flow->name, flow->port);
		return -EACCES;
	}
	int fd = make_outside(flow, to.ss_family, type);
	if (fd < 0)
		return fd;
	int r = flow->lent || flow->loose ? 0 : flow_connect(fd, address, flow->port);
	if (r < 0) {
		close(fd);
		return r;
	}
	flow->outside.fd = fd;
	flow->outside.events = 0;
	return 0;
}

/* A server that waits at all addresses of a cage answers from another than it was asked at, so such a socket
 * takes what comes from the right port. */
ssize_t flow_send(const struct flow *flow, const uint8_t *bytes, size_t size)
{
	socklen_t to_size;
	struct sockaddr_storage to;

	if (!flow->loose)
		return send(flow->outside.fd, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL);
	to = address_of(flow->addresses[flow->tried - 1], flow->port, &to_size);
	return sendto(flow->outside.fd, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL, (struct sockaddr *)&to, to_size);
}

ssize_t flow_receive(const struct flow *flow, uint8_t *room, size_t size)
{
	struct sockaddr_storage from = { 0 };
	socklen_t from_size = sizeof(from);
	uint8_t address[16];
	uint16_t port = 0;
	ssize_t length = recvfrom(flow->outside.fd, room, size, MSG_DONTWAIT, (struct sockaddr *)&from, &from_size);

	if (length < 0 || !flow->loose || (address_from(&from, address, &port) && port == flow->port))
		return length;
	errno = EAGAIN;
	return -1;
}

void flow_dial(struct flow *flow)
{
	struct relay *relay = flow->relay;

	relay_forget(relay, &flow->outside);
	while (flow->tried < flow->count) {
		int r = dial(flow, flow->addresses[flow->tried++]);
		if (r == -EAGAIN && (flow->lent || flow->peer)) {
			flow->deadline = relay->now + 1; /* the next look at the clock */
			return;
		}
		if (r < 0)
			continue;
		bool last = flow->tried == flow->count && !flow->peer;
		flow->deadline = last ? 0 : relay->now + LIMIT_CONNECT_SECONDS * 1000;
		if (!flow->peer) /* that one has to answer first */
			flow->dialled(flow);
		return;
	}
	flow->failed(flow);
}

void flow_end(struct flow *flow)
{
	struct flow **link = &flow->table->first;

	if (flow->dead)
		return;
	while (*link != flow)
		link = &(*link)->next;
	*link = flow->next;
	flow->table->count--;
	flow->dead = true;
	relay_forget(flow->relay, &flow->outside);
	flow->end(flow);
	free(flow->name);
	flow->next = flow->relay->dead;
	flow->relay->dead = flow;
}

void flows_bury(struct relay *relay)
{
	for (struct flow *flow = relay->dead, *next; flow; flow = next) {
		next = flow->next;
		free(flow);
	}
	relay->dead = NULL;
}

static struct flow *find(const struct flow_table *table, uint32_t id)
{
	for (struct flow *flow = table->first; flow; flow = flow->next)
		if (flow->id == id)
			return flow;
	return NULL;
}

/* Keeps the resolver's order, but puts IPv4 first while IPv6 is in doubt: many a network says that it has it and
 * does not carry it.  Programs that would try both at once, as outside, cannot tell them apart in the cage. */
static void take_addresses(struct flow *flow, const struct resolver_answer *answer)
{
	unsigned rounds = flow->relay->now < flow->relay->doubt6 ? 2 : 1;

	for (unsigned round = 0; round < rounds; round++)
		for (unsigned i = 0; i < answer->count; i++)
			if (rounds == 1 || address_is_v4(answer->addresses[i]) == (round == 0))
				memcpy(flow->addresses[flow->count++], answer->addresses[i], 16);
}

void flow_resolved(struct relay *relay, const struct resolver_answer *answer)
{
	struct flow *flow = find(&relay->tcp, answer->id);

	if (!flow)
		flow = find(&relay->udp, answer->id);
	if (!flow || flow->count)
		return; /* it is gone meanwhile */
	take_addresses(flow, answer);
	flow_dial(flow);
}

/* The address that was tried last has not answered in its time. */
static void try_next(struct flow *flow)
{
	if (flow->outside.fd >= 0 && flow->access == ACCESS_CONNECT && !flow->inward && !flow->lent && !flow->peer &&
	    !address_is_v4(flow->addresses[flow->tried - 1]))
		flow->relay->doubt6 = flow->relay->now + LIMIT_DOUBT_SECONDS * 1000;
	flow_dial(flow);
}

static bool expire(struct relay *relay, struct flow_table *table)
{
	bool waits = false;

	for (struct flow *flow = table->first, *next; flow; flow = next) {
		next = flow->next;
		if (flow->deadline && flow->deadline <= relay->now && flow->connected)
			flow_end(flow);
		else if (flow->deadline && flow->deadline <= relay->now)
			try_next(flow);
		waits = waits || (!flow->dead && flow->deadline);
	}
	return waits;
}

bool flows_expire(struct relay *relay)
{
	bool tcp = expire(relay, &relay->tcp);

	bool udp = expire(relay, &relay->udp);

	return expire(relay, &relay->visitors) || tcp || udp;
}
