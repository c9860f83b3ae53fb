/* relay/vpn/links.c - builds the few rtnetlink(7) messages that a tunnel needs.
 * Must not: enter a namespace; the caller chooses by its socket. */
#include "relay/vpn/links.h"
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { VERDICT_SECONDS = 5, DRAIN_MOST = 65536 };

struct request {
	struct nlmsghdr header;
	union { struct ifinfomsg link; struct ifaddrmsg address; struct rtmsg route; };
	char attributes[128];
};

static struct request request_new(unsigned short type, size_t body)
{
	struct request request = { .header = { .nlmsg_type = type, .nlmsg_len = NLMSG_LENGTH((uint32_t)body) } };

	return request;
}

static struct rtattr *add(struct request *request, unsigned short type, const void *bytes, size_t size)
{
	struct rtattr *at = (struct rtattr *)((char *)request + NLMSG_ALIGN(request->header.nlmsg_len));
	uint32_t end = NLMSG_ALIGN(request->header.nlmsg_len) + RTA_LENGTH((uint32_t)size);

	must(end <= sizeof(*request));
	at->rta_type = type;
	at->rta_len = (unsigned short)RTA_LENGTH(size);
	if (size)
		memcpy(RTA_DATA(at), bytes, size);
	request->header.nlmsg_len = end;
	return at;
}

static void add_name(struct request *request, const char *name)
{
	add(request, IFLA_IFNAME, name, strlen(name) + 1);
}

struct reply { struct nlmsghdr header; struct nlmsgerr error; char rest[8192]; };

/* A client that has power over its network may send us messages, too. */
static bool is_verdict(const struct reply *reply, ssize_t length, const struct sockaddr_nl *from, uint32_t sequence)
{
	return from->nl_pid == 0 && length >= (ssize_t)NLMSG_LENGTH(sizeof(reply->error)) &&
	       reply->header.nlmsg_type == NLMSG_ERROR && reply->header.nlmsg_seq == sequence;
}

/* A full socket would lose the verdict, and then there is nothing to wait for. */
static void drain(int fd)
{
	char room[8192];

	for (unsigned i = 0; i < DRAIN_MOST && (recv(fd, room, sizeof(room), MSG_DONTWAIT) >= 0 || errno == ENOBUFS); i++)
		;
}

/* Asks and waits for the verdict; what a listening socket hears before and meanwhile is not for us. */
static int perform(int fd, struct request *request, unsigned short flags)
{
	static uint32_t sequence; /* only so that an answer is known */
	struct sockaddr_nl from;
	struct reply reply;
	ssize_t length;

	request->header.nlmsg_seq = ++sequence;
	request->header.nlmsg_flags = (unsigned short)(NLM_F_REQUEST | NLM_F_ACK | flags);
	drain(fd);
	if (send(fd, request, request->header.nlmsg_len, 0) < 0)
		return -errno;
	do {
		socklen_t size = sizeof(from);
		length = recvfrom(fd, &reply, sizeof(reply), 0, (struct sockaddr *)&from, &size);
	} while ((length < 0 && errno == EINTR) || (length >= 0 && !is_verdict(&reply, length, &from, sequence)));
	return length < 0 ? -errno : reply.error.error;
}

int links_open(bool listens)
{
	struct sockaddr_nl name = { .nl_family = AF_NETLINK, .nl_groups = listens ? RTMGRP_LINK : 0 };
	static const struct timeval patience = { .tv_sec = VERDICT_SECONDS };
	AUTO_FD int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (fd < 0 || bind(fd, (struct sockaddr *)&name, sizeof(name)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0)
		return -errno;
	return TAKE_FD(fd);
}

int links_tun(const char *name)
{
	struct ifreq request = { .ifr_flags = IFF_TUN | IFF_NO_PI };
	AUTO_FD int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return -errno;
	strncpy(request.ifr_name, name, IFNAMSIZ - 1);
	if (ioctl(fd, TUNSETIFF, &request) < 0)
		return -errno;
	if (ioctl(fd, TUNSETOWNER, geteuid()) < 0 || ioctl(fd, TUNSETPERSIST, 1) < 0)
		return -errno;
	return TAKE_FD(fd);
}

int links_add_wireguard(int fd, const char *name)
{
	struct request request = request_new(RTM_NEWLINK, sizeof(request.link));

	add_name(&request, name);
	struct rtattr *info = add(&request, IFLA_LINKINFO, NULL, 0);
	add(&request, IFLA_INFO_KIND, "wireguard", strlen("wireguard"));
	info->rta_len = (unsigned short)((char *)&request + request.header.nlmsg_len - (char *)info);
	return perform(fd, &request, NLM_F_CREATE | NLM_F_EXCL);
}

int links_move(int fd, const char *name, int network_namespace)
{
	struct request request = request_new(RTM_NEWLINK, sizeof(request.link));

	add_name(&request, name);
	add(&request, IFLA_NET_NS_FD, &network_namespace, sizeof(network_namespace));
	return perform(fd, &request, 0);
}

int links_remove(int fd, const char *name)
{
	struct request request = request_new(RTM_DELLINK, sizeof(request.link));

	add_name(&request, name);
	return perform(fd, &request, 0);
}

int links_up(int fd, const char *name, unsigned mtu)
{
	struct request request = request_new(RTM_NEWLINK, sizeof(request.link));

	request.link.ifi_flags = request.link.ifi_change = IFF_UP;
	add_name(&request, name);
	if (mtu)
		add(&request, IFLA_MTU, &mtu, sizeof(mtu));
	return perform(fd, &request, 0);
}

static size_t size_of(const struct vpn_address *address)
{
	return address->family == AF_INET ? 4 : 16;
}

int links_address(int fd, unsigned index, const struct vpn_address *address)
{
	struct request request = request_new(RTM_NEWADDR, sizeof(request.address));

	request.address = (struct ifaddrmsg){
		.ifa_family = (unsigned char)address->family, .ifa_prefixlen = (unsigned char)address->prefix,
		.ifa_flags = address->family == AF_INET6 ? IFA_F_NODAD : 0, .ifa_index = index,
	};
	add(&request, IFA_LOCAL, address->bytes, size_of(address));
	add(&request, IFA_ADDRESS, address->bytes, size_of(address));
	return perform(fd, &request, NLM_F_CREATE | NLM_F_REPLACE);
}

/* The device needs no gateway.  But what has none is taken for a cable's neighbour by the relays of cages
 * (relay/net/onlink.c), and this is a part of the internet; so there is one, which nobody asks for. */
static void add_gateway(struct request *request, int family)
{
	static const unsigned char v4[4] = { 198, 19, 255, 254 }, v6[16] = { 0xfe, 0x80, [15] = 1 };

	request->route.rtm_flags = RTNH_F_ONLINK;
	add(request, RTA_GATEWAY, family == AF_INET ? v4 : v6, family == AF_INET ? sizeof(v4) : sizeof(v6));
}

int links_route(int fd, unsigned index, const struct vpn_address *to)
{
	struct request request = request_new(RTM_NEWROUTE, sizeof(request.route));

	request.route = (struct rtmsg){
		.rtm_family = (unsigned char)to->family, .rtm_dst_len = (unsigned char)to->prefix,
		.rtm_table = RT_TABLE_MAIN, .rtm_protocol = RTPROT_STATIC, .rtm_type = RTN_UNICAST,
		.rtm_scope = RT_SCOPE_UNIVERSE,
	};
	if (to->prefix)
		add(&request, RTA_DST, to->bytes, size_of(to));
	add(&request, RTA_OIF, &index, sizeof(index));
	add_gateway(&request, to->family);
	return perform(fd, &request, NLM_F_CREATE | NLM_F_REPLACE);
}

bool links_lost(int fd, const char *name)
{
	drain(fd);
	return if_nametoindex(name) == 0;
}
