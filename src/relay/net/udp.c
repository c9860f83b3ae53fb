/* relay/net/udp.c - datagrams and pings: each pair of addresses, the program's and the one it wrote to, has a socket
 * outside.  Answers must come from the address that was written to; no socket of ours can be bound to it
 * later, so they are built whole and go in through a raw socket of the cage's namespace. */
#include "relay/net/relay.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

enum { DATAGRAM = 65536, PACKETS = 32, HEADER4 = 20, HEADER6 = 40, HEADER_UDP = 8, TTL = 64 };

struct pair {
	struct flow flow; /* first */
	uint8_t from[16];
	uint16_t from_port;
	uint8_t *first;	  /* what the program sent before there was a socket; the rest is lost */
	size_t first_size;
};

static struct pair *of_outside(struct handle *handle)
{
	return (struct pair *)((char *)handle - offsetof(struct pair, flow.outside));
}

static void end(struct flow *flow)
{
	free(((struct pair *)flow)->first);
}

static uint8_t *put16(uint8_t *at, unsigned value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
	return at + 2;
}

/* The sum of RFC 1071 over an even address and any text. */
static uint32_t add_sum(uint32_t sum, const uint8_t *bytes, size_t count)
{
	for (size_t i = 0; i + 1 < count; i += 2)
		sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
	if (count & 1)
		sum += (uint32_t)bytes[count - 1] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/* Over a pseudo header too, if there are addresses (ICMP has none with IPv4). */
static void put_checksum(uint8_t *message, size_t size, size_t at, unsigned protocol, const uint8_t *addresses,
			 size_t addresses_size)
{
	uint32_t sum = addresses_size ? add_sum(protocol + (uint32_t)size, addresses, addresses_size) : 0;

	sum = ~add_sum(sum, message, size) & 0xffff;
	put16(message + at, sum ? sum : 0xffff);
}

/* The header of IPv4, whose checksum the kernel writes, or IPv6; its size. */
static size_t put_header(uint8_t *ip, const uint8_t from[16], const uint8_t to[16], unsigned protocol, size_t size)
{
	if (address_is_v4(from)) {
		memset(ip, 0, HEADER4);
		ip[0] = 0x45;
		put16(ip + 2, (unsigned)(size + HEADER4));
		ip[8] = TTL;
		ip[9] = (uint8_t)protocol;
		memcpy(ip + 12, from + 12, 4);
		memcpy(ip + 16, to + 12, 4);
		return HEADER4;
	}
	memset(ip, 0, 8);
	ip[0] = 0x60;
	put16(ip + 4, (unsigned)size);
	ip[6] = (uint8_t)protocol;
	ip[7] = TTL;
	memcpy(ip + 8, from, 16);
	memcpy(ip + 24, to, 16);
	return HEADER6;
}

/* Writes the header in front of `message` (there is room for it), the checksum that `at` bytes of it begin, and
 * sends it. */
static void send_inside(struct relay *relay, const struct pair *p, uint8_t *message, size_t size,
			unsigned protocol, size_t at)
{
	bool v4 = address_is_v4(p->from);
	uint8_t *ip = message - (v4 ? HEADER4 : HEADER6);
	int raw = relay->sockets[v4 ? SOCKET_RAW4 : SOCKET_RAW6].fd;
	socklen_t to_size;
	struct sockaddr_storage to = address_of(p->from, 0, &to_size); /* raw sockets take no port */

	put_header(ip, p->flow.to, p->from, protocol, size);
	put_checksum(message, size, at, protocol, ip + (v4 ? 12 : 8), v4 ? protocol == IPPROTO_ICMP ? 0 : 8 : 32);
	(void)!sendto(raw, ip, (size_t)(message + size - ip), MSG_DONTWAIT, (struct sockaddr *)&to, to_size);
}

/* Tells the program that this packet of its, a datagram or an echo, goes nowhere. */
static void refuse(struct relay *relay, const struct pair *p, const uint8_t *ip, const uint8_t *message, enum refusal why)
{
	uint8_t room[HEADER6 + ICMP_REFUSAL], *answer = room + HEADER6;
	size_t size = icmp_refuse(ip, message, why, answer);

	send_inside(relay, p, answer, size, address_is_v4(p->from) ? IPPROTO_ICMP : IPPROTO_ICMPV6, 2);
}

/* A datagram is not kept: its front is written anew. */
static void refuse_datagram(struct relay *relay, const struct pair *p, enum refusal why)
{
	uint8_t ip[HEADER6 + HEADER_UDP], *udp = ip + put_header(ip, p->from, p->flow.to, IPPROTO_UDP, HEADER_UDP);

	put16(put16(put16(put16(udp, p->from_port), p->flow.port), HEADER_UDP), 0);
	refuse(relay, p, ip, udp, why);
}

static void failed(struct flow *flow)
{
	if (flow->access == ACCESS_SEND)
		refuse_datagram(flow->relay, (struct pair *)flow, REFUSAL_PROHIBITED);
	flow_end(flow);
}

/* The address outside that was taken. */
static const uint8_t *outside_address(const struct pair *p)
{
	return p->flow.addresses[p->flow.tried - 1];
}

/* False: it did not go, errno says why. */
static bool send_outside(const struct pair *p, const uint8_t *bytes, size_t size)
{
	static uint8_t request[DATAGRAM];

	if (p->flow.access == RULES_PING) {
		memcpy(request, bytes, size);
		icmp_translate(request, !address_is_v4(outside_address(p)));
		bytes = request;
	}
	return flow_send(&p->flow, bytes, size) >= 0;
}

/* `payload` has room in front. */
static void answer(struct relay *relay, const struct pair *p, uint8_t *payload, size_t size)
{
	uint8_t *udp = payload - HEADER_UDP;
	bool v4 = address_is_v4(p->from);

	if (p->flow.access == RULES_PING) {
		if (icmp_readdress(payload, size, !address_is_v4(outside_address(p)), !v4, p->from_port))
			send_inside(relay, p, payload, size, v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6, 2);
		return;
	}
	size += HEADER_UDP;
	put16(put16(put16(put16(udp, p->flow.port), p->from_port), (unsigned)size), 0);
	send_inside(relay, p, udp, size, IPPROTO_UDP, 6);
}

static void outside_ready(struct relay *relay, struct handle *handle, uint32_t events UNUSED)
{
	static uint8_t room[HEADER6 + HEADER_UDP + DATAGRAM];
	struct pair *p = of_outside(handle);

	for (unsigned i = 0; i < PACKETS; i++) {
		ssize_t size = flow_receive(&p->flow, room + HEADER6 + HEADER_UDP, DATAGRAM - HEADER_UDP - HEADER4);
		if (size < 0) {
			if (errno == EAGAIN || errno == EINTR)
				return;
			if (errno == ECONNREFUSED && p->flow.access == ACCESS_SEND)
				refuse_datagram(relay, p, REFUSAL_PORT);
			flow_end(&p->flow); /* nobody is there */
			return;
		}
		p->flow.deadline = relay->now + LIMIT_UDP_SECONDS * 1000;
		answer(relay, p, room + HEADER6 + HEADER_UDP, (size_t)size);
	}
}

static void dialled(struct flow *flow)
{
	struct pair *p = (struct pair *)flow;

	flow->outside.ready = outside_ready;
	flow->connected = true;
	flow->deadline = flow->relay->now + LIMIT_UDP_SECONDS * 1000;
	if (relay_watch(flow->relay, &flow->outside, EPOLLIN) < 0) {
		flow_end(flow);
		return;
	}
	if (p->first)
		(void)send_outside(p, p->first, p->first_size);
	free(p->first);
	p->first = NULL;
}

/* The pair of a datagram, brought to the front of the table; NULL: a new one. */
static struct pair *find(struct relay *relay, const struct pair *wanted)
{
	struct flow **link = &relay->udp.first;

	for (; *link; link = &(*link)->next) {
		struct pair *p = (struct pair *)*link;
		if (p->flow.access != wanted->flow.access || p->from_port != wanted->from_port || p->flow.port != wanted->flow.port ||
		    memcmp(p->from, wanted->from, 16) != 0 || memcmp(p->flow.to, wanted->flow.to, 16) != 0)
			continue;
		*link = p->flow.next;
		p->flow.next = relay->udp.first;
		relay->udp.first = &p->flow;
		return p;
	}
	return NULL;
}

/* The cage's own addresses.  A program may take any other as its source; answers sent there would come
 * back to us as if they were its own datagrams. */
static bool is_own(const struct relay *relay, const uint8_t address[16])
{
	bool synthetic;

	return endpoint_class(address) == HOST_LOOPBACK ||
	       (!names_find(relay->names, address, &synthetic) && synthetic);
}

static bool begin(struct relay *relay, const struct pair *wanted, const uint8_t *bytes, size_t size)
{
	struct pair *p = malloc(sizeof(*p));

	must(p);
	*p = *wanted;
	p->flow.outside.fd = -1;
	p->flow.dialled = dialled;
	p->flow.failed = failed;
	p->flow.end = end;
	if (!flow_begin(relay, &p->flow, &relay->udp)) {
		free(p);
		return false;
	}
	p->first = malloc(size + 1);
	must(p->first);
	memcpy(p->first, bytes, size);
	p->first_size = size;
	if (p->flow.count)
		flow_dial(&p->flow);
	return true;
}

/* The computer has another address now, or no way: a socket that is made anew finds what there is. */
static bool is_lost(int error)
{
	return error == EINVAL || error == ENETUNREACH || error == EHOSTUNREACH || error == ENETDOWN || error == EADDRNOTAVAIL;
}

/* False: it was refused. */
static bool pass_on(struct relay *relay, const struct pair *wanted, const uint8_t *bytes, size_t size)
{
	struct pair *p = find(relay, wanted);

	if (p && p->flow.connected) {
		p->flow.deadline = relay->now + LIMIT_UDP_SECONDS * 1000;
		if (send_outside(p, bytes, size) || !is_lost(errno))
			return true;
		flow_end(&p->flow);
		p = NULL;
	}
	return p || begin(relay, wanted, bytes, size);
}

/* Where a datagram was meant to go: the kernel says so beside it. */
static bool find_destination(struct msghdr *message, struct pair *p)
{
	struct sockaddr_storage to = { 0 };

	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c))
		if ((c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_ORIGDSTADDR) ||
		    (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_ORIGDSTADDR))
			memcpy(&to, CMSG_DATA(c), MIN(sizeof(to), c->cmsg_len - CMSG_LEN(0)));
	return address_from(&to, p->flow.to, &p->flow.port);
}

void udp_ready(struct relay *relay, struct handle *handle, uint32_t events UNUSED)
{
	static uint8_t room[DATAGRAM];
	union { struct cmsghdr header; char bytes[128]; } control;

	for (unsigned i = 0; i < PACKETS; i++) {
		struct sockaddr_storage from = { 0 };
		struct iovec vector = { room, sizeof(room) };
		struct msghdr message = { .msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &vector,
					  .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control) };
		struct pair wanted = { .flow.access = ACCESS_SEND };
		ssize_t size = recvmsg(handle->fd, &message, MSG_DONTWAIT);
		if (size < 0)
			return;
		if (!address_from(&from, wanted.from, &wanted.from_port) || !is_own(relay, wanted.from) ||
		    !find_destination(&message, &wanted))
			continue;
		if (!pass_on(relay, &wanted, room, (size_t)size))
			refuse_datagram(relay, &wanted, REFUSAL_PROHIBITED);
	}
}

void udp_echo(struct relay *relay, const struct echo *echo)
{
	struct pair wanted = { .flow.access = RULES_PING, .from_port = echo->id };

	memcpy(wanted.from, echo->from, sizeof(wanted.from));
	memcpy(wanted.flow.to, echo->to, sizeof(wanted.flow.to));
	if (!is_own(relay, wanted.from) || pass_on(relay, &wanted, echo->message, echo->size))
		return;
	refuse(relay, &wanted, echo->ip, echo->message, REFUSAL_PROHIBITED);
}
