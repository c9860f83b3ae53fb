/* relay/net/udp.c - datagrams: each pair of addresses, the program's and the one it wrote to, has a socket
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

static void failed(struct flow *flow)
{
	flow_end(flow);
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

static void put_checksum(uint8_t *udp, size_t size, const uint8_t *addresses, size_t addresses_size)
{
	uint32_t sum = add_sum(IPPROTO_UDP + (uint32_t)size, addresses, addresses_size);

	sum = ~add_sum(sum, udp, size) & 0xffff;
	put16(udp + 6, sum ? sum : 0xffff);
}

/* Writes the headers of an answer in front of `payload` (there is room for them) and sends it. */
static void send_inside(struct relay *relay, const struct pair *p, uint8_t *payload, size_t size)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	bool v4 = memcmp(p->from, mapped, sizeof(mapped)) == 0;
	uint8_t *udp = payload - HEADER_UDP, *ip = udp - (v4 ? HEADER4 : HEADER6);
	int raw = relay->sockets[v4 ? SOCKET_RAW4 : SOCKET_RAW6].fd;
	size_t whole = size + HEADER_UDP;
	socklen_t to_size;
	struct sockaddr_storage to = address_of(p->from, 0, &to_size); /* raw sockets take no port */

	put16(put16(put16(put16(udp, p->flow.port), p->from_port), (unsigned)whole), 0);
	if (v4) {
		memset(ip, 0, HEADER4);
		ip[0] = 0x45;
		put16(ip + 2, (unsigned)(whole + HEADER4));
		ip[8] = TTL;
		ip[9] = IPPROTO_UDP;
		memcpy(ip + 12, p->flow.to + 12, 4);
		memcpy(ip + 16, p->from + 12, 4);
		put_checksum(udp, whole, ip + 12, 8);
	} else {
		memset(ip, 0, 8);
		ip[0] = 0x60;
		put16(ip + 4, (unsigned)whole);
		ip[6] = IPPROTO_UDP;
		ip[7] = TTL;
		memcpy(ip + 8, p->flow.to, 16);
		memcpy(ip + 24, p->from, 16);
		put_checksum(udp, whole, ip + 8, 32);
	}
	(void)!sendto(raw, ip, (size_t)(payload + size - ip), MSG_DONTWAIT, (struct sockaddr *)&to, to_size);
}

static void outside_ready(struct relay *relay, struct handle *handle, uint32_t events UNUSED)
{
	static uint8_t room[HEADER6 + HEADER_UDP + DATAGRAM];
	struct pair *p = of_outside(handle);

	for (unsigned i = 0; i < PACKETS; i++) {
		ssize_t size = flow_receive(&p->flow, room + HEADER6 + HEADER_UDP, DATAGRAM - HEADER_UDP - HEADER4);
		if (size < 0) {
			if (errno != EAGAIN && errno != EINTR)
				flow_end(&p->flow); /* nobody is there */
			return;
		}
		p->flow.deadline = relay->now + LIMIT_UDP_SECONDS * 1000;
		send_inside(relay, p, room + HEADER6 + HEADER_UDP, (size_t)size);
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
		(void)!flow_send(flow, p->first, p->first_size);
	free(p->first);
	p->first = NULL;
}

/* The pair of a datagram, brought to the front of the table; NULL: a new one. */
static struct pair *find(struct relay *relay, const struct pair *wanted)
{
	struct flow **link = &relay->udp.first;

	for (; *link; link = &(*link)->next) {
		struct pair *p = (struct pair *)*link;
		if (p->from_port != wanted->from_port || p->flow.port != wanted->flow.port ||
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

static void begin(struct relay *relay, const struct pair *wanted, const uint8_t *bytes, size_t size)
{
	struct pair *p = malloc(sizeof(*p));

	must(p);
	*p = *wanted;
	p->flow.access = ACCESS_SEND;
	p->flow.outside.fd = -1;
	p->flow.dialled = dialled;
	p->flow.failed = failed;
	p->flow.end = end;
	if (!flow_begin(relay, &p->flow, &relay->udp)) {
		free(p);
		return;
	}
	p->first = malloc(size + 1);
	must(p->first);
	memcpy(p->first, bytes, size);
	p->first_size = size;
	if (p->flow.count)
		flow_dial(&p->flow);
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
		struct pair wanted = { 0 }, *p;
		ssize_t size = recvmsg(handle->fd, &message, MSG_DONTWAIT);
		if (size < 0)
			return;
		if (!address_from(&from, wanted.from, &wanted.from_port) || !is_own(relay, wanted.from) ||
		    !find_destination(&message, &wanted))
			continue;
		p = find(relay, &wanted);
		if (!p) {
			begin(relay, &wanted, room, (size_t)size);
		} else if (p->flow.connected) {
			p->flow.deadline = relay->now + LIMIT_UDP_SECONDS * 1000;
			(void)!flow_send(&p->flow, room, (size_t)size);
		}
	}
}
