/* test_vpn_links.c - what links.c asks of the kernel, in network namespaces of the test's own, and what ip(8) sees of it.
 * As root, or as an ordinary user who is root of a user namespace. */
#include "relay/vpn/links.h"
#include "base/fd.h"
#include "tap.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static struct arena *arena;

static void write_text(const char *path, const char *text)
{
	AUTO_FD int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || fd_write_all(fd, text, strlen(text)) < 0)
		abort();
}

/* Both may leave the network that we are in. */
static bool become_root(void)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();

	if (unshare((uid ? CLONE_NEWUSER : 0) | CLONE_NEWNET) < 0)
		return false;
	if (uid) {
		write_text("/proc/self/setgroups", "deny");
		write_text("/proc/self/uid_map", arena_printf(arena, "0 %u 1", uid));
		write_text("/proc/self/gid_map", arena_printf(arena, "0 %u 1", gid));
	}
	return true;
}

/* What a command says, its lines as they are. */
static const char *said(const char *command)
{
	struct strbuf out = { .arena = arena };
	FILE *stream = popen(command, "re");
	char line[512];

	while (stream && fgets(line, sizeof(line), stream))
		strbuf_add(&out, line);
	if (!stream || pclose(stream) != 0)
		strbuf_add(&out, "failed\n");
	return strbuf_text(&out);
}

static struct vpn_address address(const char *text, unsigned prefix)
{
	struct vpn_address a = { .family = strchr(text, ':') ? AF_INET6 : AF_INET, .prefix = prefix, .text = text };

	if (inet_pton(a.family, text, a.bytes) != 1)
		abort();
	return a;
}

static int give(int fd, const char *text, unsigned prefix)
{
	struct vpn_address a = address(text, prefix);

	return links_address(fd, if_nametoindex("tun0"), &a);
}

static int route(int fd, const char *text, unsigned prefix)
{
	struct vpn_address a = address(text, prefix);

	return links_route(fd, if_nametoindex("tun0"), &a);
}

struct spaces { int uplink, tunnel, uplink_links, links, device; };

static int own_space(void)
{
	return open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
}

static void test_device(struct spaces *s)
{
	if (setns(s->uplink, CLONE_NEWNET) < 0)
		abort();
	s->device = links_tun("tun0"); /* a client has it open */
	ok(s->device >= 0, "a tun device");
	ok(links_tun("tun0") == -EBUSY, "which one at a time may have");
	ok(strstr(said("ip -o link show tun0"), "POINTOPOINT"), "point to point");
	ok(links_move(s->uplink_links, "tun1", s->tunnel) == -ENODEV, "what is not there cannot be moved");
	ok(links_move(s->uplink_links, "tun0", s->uplink_links) == -EINVAL, "nor to what is no namespace");
	ok(links_move(s->uplink_links, "tun0", s->tunnel) == 0, "it is moved");
	ok(if_nametoindex("tun0") == 0, "and gone from here");
	if (setns(s->tunnel, CLONE_NEWNET) < 0)
		abort();
	ok(if_nametoindex("tun0") != 0, "it is there");
	ok(links_up(s->links, "tun0", 70000) == -EINVAL, "packets can be too large");
	ok(links_up(s->links, "tun0", 1434) == 0, "up");
	ok(strstr(said("ip -o link show tun0"), ",UP,LOWER_UP"), "as ip sees it");
	ok(strstr(said("ip -o link show tun0"), "mtu 1434 "), "with packets of that size");
	ok(links_up(s->links, "tun0", 0) == 0 && strstr(said("ip -o link show tun0"), "mtu 1434 "), "0 leaves it");
}

static void test_addresses(const struct spaces *s)
{
	static const char show4[] = "ip -o -4 addr show dev tun0 | awk '{ print $4 }'";
	static const char show6[] = "ip -o -6 addr show dev tun0 scope global | awk '{ print $4 }'";

	ok(give(s->links, "10.88.0.2", 24) == 0 && give(s->links, "10.88.0.2", 24) == 0, "an address, twice");
	ok(give(s->links, "10.99.0.2", 32) == 0, "one without neighbours");
	is(said(show4), "10.88.0.2/24\n10.99.0.2/32\n", "as ip sees it");
	ok(give(s->links, "10.1.1.1", 33) == -EINVAL, "a length that cannot be");
	struct vpn_address nowhere = address("10.1.1.1", 8);
	ok(links_address(s->links, 9999, &nowhere) == -ENODEV, "a device that is not there");
	is(said(show4), "10.88.0.2/24\n10.99.0.2/32\n", "change nothing");
	int r = give(s->links, "fd88::1000", 64);
	if (r == -EACCES || r == -EOPNOTSUPP || r == -EAFNOSUPPORT) {
		ok(1, "IPv6 # SKIP it is switched off");
		return;
	}
	ok(r == 0, "one of IPv6");
	is(said(show6), "fd88::1000/64\n", "as ip sees it");
	ok(!strstr(said("ip -o -6 addr show dev tun0 tentative"), "fd88"), "which can be used at once");
	ok(give(s->links, "fd00::1", 129) == -EINVAL, "its length can be too long");
}

static void test_routes(const struct spaces *s)
{
	static const char show[] = "ip -4 route show proto static | sed 's/ *$//'";

	ok(route(s->links, "10.1.0.0", 16) == 0 && route(s->links, "10.1.0.0", 16) == 0, "a route, twice");
	ok(route(s->links, "203.0.113.99", 32) == 0 && route(s->links, "0.0.0.0", 0) == 0, "to a host, to all");
	is(said(show), "default via 198.19.255.254 dev tun0 onlink\n10.1.0.0/16 via 198.19.255.254 dev tun0 onlink\n"
		       "203.0.113.99 via 198.19.255.254 dev tun0 onlink\n", "as ip sees them");
	ok(route(s->links, "10.1.2.3", 16) == -EINVAL, "bits behind the length");
	ok(route(s->links, "10.0.0.0", 33) == -EINVAL, "a length that cannot be");
	struct vpn_address nowhere = address("10.0.0.0", 8);
	ok(links_route(s->links, 9999, &nowhere) == -ENODEV, "a device that is not there");
	int r = route(s->links, "2000::", 4);
	if (r < 0 && !strstr(said("ip -6 addr show dev tun0"), "fd88")) {
		ok(1, "IPv6 # SKIP it is switched off");
	} else {
		ok(r == 0 && route(s->links, "::", 0) == 0 && route(s->links, "fd12:3456:789a:bcde::1", 128) == 0, "of IPv6");
		is(said("ip -6 route show proto static | cut -d ' ' -f 1-5"),
		   "2000::/4 via fe80::1 dev tun0\nfd12:3456:789a:bcde::1 via fe80::1 dev tun0\ndefault via fe80::1 dev tun0\n",
		   "as ip sees them");
	}
	unsigned bad = 0;
	for (unsigned i = 0; i < 2000; i++)
		bad += route(s->links, arena_printf(arena, "11.%u.%u.0", i / 256, i % 256), 24) != 0;
	ok(!bad, "two thousand, one after the other");
	is(said("ip -4 route show proto static | wc -l"), "2003\n", "all of them are there");
}

/* Messages that look like the kernel's, for all numbers that the next request may have. */
static void pretend(int to, int from, int error, int room)
{
	struct { struct nlmsghdr header; struct nlmsgerr error; } message = {
		{ .nlmsg_len = sizeof(message), .nlmsg_type = NLMSG_ERROR }, { .error = error } };
	struct sockaddr_nl name;
	socklen_t size = sizeof(name);

	(void)setsockopt(to, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	if (getsockname(to, (struct sockaddr *)&name, &size) < 0)
		abort();
	name.nl_groups = 0;
	for (message.header.nlmsg_seq = 1; message.header.nlmsg_seq < 3000; message.header.nlmsg_seq++)
		if (sendto(from, &message, sizeof(message), MSG_DONTWAIT, (struct sockaddr *)&name, size) < 0)
			return;
}

/* A client with CAP_NET_ADMIN in the uplink can send to our socket there. */
static void test_pretender(const struct spaces *s)
{
	AUTO_FD int liar = links_open(false);
	AUTO_FD int listening = links_open(true);
	AUTO_FD int own = links_open(false);

	pretend(own, liar, 0, 8 << 20);
	ok(links_remove(own, "none") == -ENODEV, "who pretends that it is done is not believed");
	pretend(own, liar, -EPERM, 8 << 20);
	ok(links_up(own, "tun0", 0) == 0, "nor who pretends that it is not");
	ok(!links_lost(listening, "tun0"), "the link is there");
	pretend(listening, liar, 0, 8 << 20);
	ok(!links_lost(listening, "tun0"), "whatever somebody says");
	pretend(own, liar, 0, 1);
	ok(links_up(own, "tun0", 0) == 0, "a socket that was filled hears the kernel all the same");
	ok(links_remove(s->links, "tun0") == 0, "it is removed");
	ok(links_lost(listening, "tun0"), "that is seen");
	ok(links_remove(s->links, "tun0") == -ENODEV, "and once is enough");
	is(said("ip -o link | wc -l"), "1\n", "nothing but the loopback is left");
}

int main(void)
{
	struct spaces s;

	arena = arena_new();
	if (access("/dev/net/tun", R_OK | W_OK) < 0)
		return skip_all("/dev/net/tun is not for us");
	if (strstr(said("ip -V"), "failed"))
		return skip_all("there is no ip(8)");
	if (!become_root())
		return skip_all("there are no namespaces for us");
	s.uplink = own_space();
	s.uplink_links = links_open(false);
	if (unshare(CLONE_NEWNET) < 0)
		return skip_all("there is no second network");
	s.tunnel = own_space();
	s.links = links_open(true);
	test_device(&s);
	test_addresses(&s);
	test_routes(&s);
	test_pretender(&s);
	arena_free(arena);
	return done();
}
