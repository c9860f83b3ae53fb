/* relay/net/onlink.c - asks the kernel for addresses and routes; any change makes it ask again.
 * Until an answer is complete the last one holds, with what has come in meanwhile.
 * Must not: change anything, forget a network because of a broken message. */
#include "relay/net/onlink.h"
#include "base/macros.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A route as wide as these is no cable but a tunnel that takes the whole internet. */
enum { NARROWEST4 = 8, NARROWEST6 = 32, ASK_ADDRESSES = 1, ASK_ROUTES = 2 };

static void add(struct onlink *o, int family, const void *bytes, unsigned prefix)
{
	struct onlink_network network = { .prefix = prefix };

	if (family == AF_INET) {
		network.address[10] = network.address[11] = 0xff;
		memcpy(network.address + 12, bytes, 4);
		network.prefix += 96;
	} else {
		memcpy(network.address, bytes, 16);
	}
	if (prefix < (family == AF_INET ? NARROWEST4 : NARROWEST6))
		return;
	if (o->coming_count == LIMIT_ONLINK)
		o->overflow = true;
	else
		o->coming[o->coming_count++] = network;
}

/* The attributes of a message, by number; those that do not fit their place are left out. */
static void find_attributes(const struct rtattr *at, size_t length, const struct rtattr **found, unsigned count)
{
	for (; RTA_OK(at, length); at = RTA_NEXT(at, length))
		if (at->rta_type < count)
			found[at->rta_type] = at;
}

static bool holds_address(const struct rtattr *at, int family)
{
	return at && (family == AF_INET || family == AF_INET6) &&
	       RTA_PAYLOAD(at) >= (family == AF_INET ? 4u : 16u);
}

static void read_address(struct onlink *o, const struct nlmsghdr *message)
{
	const struct ifaddrmsg *m = NLMSG_DATA(message);
	const struct rtattr *found[IFA_LOCAL + 1] = { 0 };

	if (message->nlmsg_len < NLMSG_LENGTH(sizeof(*m)))
		return;
	find_attributes(IFA_RTA(m), IFA_PAYLOAD(message), found, ARRAY_SIZE(found));
	if (holds_address(found[IFA_ADDRESS], m->ifa_family)) /* of a peer, if there is one */
		add(o, m->ifa_family, RTA_DATA(found[IFA_ADDRESS]), m->ifa_prefixlen);
	if (holds_address(found[IFA_LOCAL], m->ifa_family))
		add(o, m->ifa_family, RTA_DATA(found[IFA_LOCAL]), m->ifa_family == AF_INET ? 32 : 128);
}

/* Routes without a gateway lead to neighbours. */
static void read_route(struct onlink *o, const struct nlmsghdr *message)
{
	const struct rtmsg *m = NLMSG_DATA(message);
	const struct rtattr *found[RTA_VIA + 1] = { 0 };

	if (message->nlmsg_len < NLMSG_LENGTH(sizeof(*m)) || m->rtm_type != RTN_UNICAST)
		return;
	find_attributes(RTM_RTA(m), RTM_PAYLOAD(message), found, ARRAY_SIZE(found));
	if (!found[RTA_GATEWAY] && !found[RTA_VIA] && !found[RTA_MULTIPATH] &&
	    holds_address(found[RTA_DST], m->rtm_family))
		add(o, m->rtm_family, RTA_DATA(found[RTA_DST]), m->rtm_dst_len);
}

static int ask(struct onlink *o, unsigned what)
{
	struct { struct nlmsghdr header; struct rtgenmsg family; } request = {
		{ sizeof(request), what == ASK_ADDRESSES ? RTM_GETADDR : RTM_GETROUTE,
		  NLM_F_REQUEST | NLM_F_DUMP, what, 0 }, { AF_UNSPEC },
	};

	o->asking = what;
	return send(o->fd, &request, sizeof(request), 0) < 0 ? -errno : 0;
}

static void begin(struct onlink *o)
{
	o->stale = false;
	o->coming_count = 0;
	if (ask(o, ASK_ADDRESSES) < 0)
		o->overflow = true; /* closed rather than open */
}

static void finish(struct onlink *o)
{
	struct onlink_network *last = o->networks;

	if (o->asking == ASK_ADDRESSES) {
		if (ask(o, ASK_ROUTES) < 0)
			o->overflow = true;
		return;
	}
	o->networks = o->coming;
	o->count = o->coming_count;
	o->coming = last;
	o->coming_count = 0;
	o->asking = 0;
	if (o->stale)
		begin(o);
}

static void read_message(struct onlink *o, const struct nlmsghdr *message)
{
	bool of_dump = message->nlmsg_seq == o->asking && o->asking;

	switch (message->nlmsg_type) {
	case NLMSG_DONE:
	case NLMSG_ERROR:
		if (of_dump)
			finish(o);
		return;
	case RTM_NEWADDR:
		read_address(o, message);
		break;
	case RTM_NEWROUTE:
		read_route(o, message);
		break;
	default:
		break;
	}
	if (!of_dump || message->nlmsg_flags & NLM_F_DUMP_INTR)
		o->stale = true;
}

void onlink_ready(struct onlink *o)
{
	union { struct nlmsghdr header; char bytes[32768]; } room;
	ssize_t length = recv(o->fd, &room, sizeof(room), MSG_DONTWAIT);

	if (length < 0 && errno == ENOBUFS)
		o->stale = true; /* messages were lost */
	for (const struct nlmsghdr *at = &room.header; length > 0 && NLMSG_OK(at, (size_t)length);
	     at = NLMSG_NEXT(at, length))
		read_message(o, at);
	if (o->stale && !o->asking)
		begin(o);
}

int onlink_open(struct onlink *o)
{
	struct sockaddr_nl name = {
		.nl_family = AF_NETLINK,
		.nl_groups = RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE,
	};
	struct pollfd readable;

	*o = (struct onlink){
		.networks = calloc(LIMIT_ONLINK, sizeof(*o->networks)),
		.coming = calloc(LIMIT_ONLINK, sizeof(*o->coming)),
		.fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE),
	};
	must(o->networks && o->coming);
	if (o->fd < 0 || bind(o->fd, (struct sockaddr *)&name, sizeof(name)) < 0)
		return -errno;
	begin(o);
	readable = (struct pollfd){ .fd = o->fd, .events = POLLIN };
	while (o->asking) {
		if (poll(&readable, 1, 2000) <= 0)
			return -ETIMEDOUT;
		onlink_ready(o);
	}
	return o->overflow ? -E2BIG : 0;
}

void onlink_close(struct onlink *o)
{
	if (o->fd >= 0)
		close(o->fd);
	free(o->networks);
	free(o->coming);
}

static bool has(const struct onlink_network *list, size_t count, const uint8_t address[16])
{
	for (size_t i = 0; i < count; i++) {
		unsigned whole = list[i].prefix / 8, rest = list[i].prefix % 8;
		if (memcmp(list[i].address, address, whole) == 0 &&
		    (!rest || (list[i].address[whole] ^ address[whole]) >> (8 - rest) == 0))
			return true;
	}
	return false;
}

bool onlink_has(const struct onlink *o, const uint8_t address[16])
{
	return o->overflow || has(o->networks, o->count, address) || has(o->coming, o->coming_count, address);
}
