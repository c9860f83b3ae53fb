/* tests/containment/net.c - sockets: families, the host's loopback, routes, services by path. */
#include "probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static enum verdict family(const struct row *row)
{
	int fd = socket((int)row->number[0], (int)row->number[1], (int)row->number[2]);

	/* A kernel without the family says EAFNOSUPPORT, and so may a filter: both are closed. */
	if (fd < 0 && (errno == EAFNOSUPPORT || errno == EPROTONOSUPPORT ||
		       errno == ESOCKTNOSUPPORT || errno == EINVAL))
		return say(VERDICT_CLOSED, "socket: %s", strerror(errno));
	return judge(fd, "socket");
}

static enum verdict connect_local(const char *name, bool is_abstract)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t length = strlen(name);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (length + 2 > sizeof(address.sun_path))
		return say(VERDICT_SKIP, "name too long");
	memcpy(address.sun_path + is_abstract, name, length);
	length += offsetof(struct sockaddr_un, sun_path) + is_abstract;
	if (fd < 0 || connect(fd, (void *)&address, (socklen_t)length) < 0)
		return say(VERDICT_CLOSED, "%.120s: %s", name, strerror(errno));
	return say(VERDICT_OPEN, "%.120s answers", name);
}

static enum verdict abstract_bait(const struct row *row)
{
	const char *name = fact("PROBE_ABSTRACT");

	(void)row;
	return name ? connect_local(name, true) : say(VERDICT_SKIP, "PROBE_ABSTRACT is not given");
}

static enum verdict abstract_fixed(const struct row *row)
{
	return connect_local(row->text, true);
}

static enum verdict by_path(const struct row *row)
{
	const char *name = row->number[0] ? row->text : fact(row->text);

	if (!name)
		return say(VERDICT_SKIP, "%s is not given", row->text);
	if (strncmp(name, "unix:path=", 10) == 0) /* a D-Bus address */
		name += 10;
	if (strchr(name, ',') || name[0] != '/')
		return say(VERDICT_SKIP, "not a path");
	return connect_local(name, false);
}

static enum verdict connect_loopback(const struct row *row)
{
	const char *port = fact("PROBE_PORT");
	struct sockaddr_in6 six = { .sin6_family = AF_INET6 };
	struct sockaddr_in four = { .sin_family = AF_INET };
	bool is_six = strchr(row->text, ':');
	int fd;

	if (!port)
		return say(VERDICT_SKIP, "PROBE_PORT is not given");
	inet_pton(AF_INET6, row->text, &six.sin6_addr);
	inet_pton(AF_INET, row->text, &four.sin_addr);
	six.sin6_port = four.sin_port = htons((uint16_t)atoi(port));
	fd = socket(is_six ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, is_six ? (void *)&six : (void *)&four,
			      is_six ? sizeof(six) : sizeof(four)) < 0)
		return say(VERDICT_CLOSED, "%s", strerror(errno));
	return say(VERDICT_OPEN, "the host's port %s answers", port);
}

static enum verdict route(const struct row *row)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(9) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	/* Connecting a datagram socket sends nothing; it only looks for a route. */
	inet_pton(AF_INET, row->text, &address.sin_addr);
	if (fd < 0 || connect(fd, (void *)&address, sizeof(address)) < 0)
		return say(VERDICT_CLOSED, "%s", strerror(errno));
	return say(VERDICT_OPEN, "there is a route to %s", row->text);
}

const struct row net_rows[] = {
	{ "abstract-socket",	 abstract_bait, NULL, { 0 } },
	{ "abstract-x11",	 abstract_fixed, "/tmp/.X11-unix/X0", { 0 } },
	{ "path-socket",	 by_path, "PROBE_SOCKET", { 0 } },
	{ "agent-ssh",		 by_path, "PROBE_SSH_AUTH_SOCK", { 0 } },
	{ "agent-gpg",		 by_path, "PROBE_GPG_AGENT", { 0 } },
	{ "bus-session",	 by_path, "PROBE_SESSION_BUS", { 0 } },
	{ "bus-system",		 by_path, "/run/dbus/system_bus_socket", { 1 } },
	{ "systemd-user",	 by_path, "PROBE_SYSTEMD_USER", { 0 } },
	{ "systemd-system",	 by_path, "/run/systemd/private", { 1 } },
	{ "containers-docker",	 by_path, "/run/docker.sock", { 1 } },
	{ "containers-podman",	 by_path, "/run/podman/podman.sock", { 1 } },
	{ "containers-containerd", by_path, "/run/containerd/containerd.sock", { 1 } },
	{ "display-x11",	 by_path, "/tmp/.X11-unix/X0", { 1 } },
	{ "display-wayland",	 by_path, "PROBE_WAYLAND", { 0 } },
	{ "sound-pulse",	 by_path, "PROBE_PULSE", { 0 } },
	{ "sound-pipewire",	 by_path, "PROBE_PIPEWIRE", { 0 } },
	{ "loopback-ipv4",	 connect_loopback, "127.0.0.1", { 0 } },
	{ "loopback-any",	 connect_loopback, "0.0.0.0", { 0 } },
	{ "loopback-mapped",	 connect_loopback, "::ffff:127.0.0.1", { 0 } },
	{ "route-internet",	 route, "192.0.2.1", { 0 } },
	{ "route-metadata",	 route, "169.254.169.254", { 0 } },
	{ "route-lan",		 route, "192.168.1.1", { 0 } },
	{ "socket-packet",	 family, NULL, { AF_PACKET, SOCK_RAW, 0 } },
	{ "socket-raw",		 family, NULL, { AF_INET, SOCK_RAW, IPPROTO_ICMP } },
	{ "socket-vsock",	 family, NULL, { AF_VSOCK, SOCK_STREAM, 0 } },
	{ "socket-crypto",	 family, NULL, { AF_ALG, SOCK_SEQPACKET, 0 } },
	{ "socket-key",		 family, NULL, { AF_KEY, SOCK_RAW, 2 } },
	{ "socket-bluetooth",	 family, NULL, { AF_BLUETOOTH, SOCK_RAW, 1 } },
	{ "socket-xdp",		 family, NULL, { 44, SOCK_RAW, 0 } },
	{ "socket-mptcp",	 family, NULL, { AF_INET, SOCK_STREAM, 262 } },
	{ "socket-sctp",	 family, NULL, { AF_INET, SOCK_STREAM, IPPROTO_SCTP } },
	{ "netlink-netfilter",	 family, NULL, { AF_NETLINK, SOCK_RAW, 12 } },
	{ "netlink-audit",	 family, NULL, { AF_NETLINK, SOCK_RAW, 9 } },
	{ "netlink-connector",	 family, NULL, { AF_NETLINK, SOCK_RAW, 11 } },
	{ "netlink-uevent",	 family, NULL, { AF_NETLINK, SOCK_RAW, 15 } },
	{ "netlink-generic",	 family, NULL, { AF_NETLINK, SOCK_RAW, 16 } },
	{ NULL, NULL, NULL, { 0 } }
};
