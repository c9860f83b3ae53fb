/* relay/vpn/wireguard.c - WireGuard of the kernel, else wireguard-go.  Its UDP socket stays in the uplink's
 * namespace when the device leaves it.  wg(8).
 * Must not: leave keys in a file. */
#include "relay/vpn/inside.h"
#include "relay/vpn/links.h"
#include "base/fd.h"
#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CONFIGURATION "/tmp/wireguard"
#define CONTROL "/run/wireguard/" INSIDE_TUNNEL ".sock"
#define NET_ADMIN (1ull << CAP_NET_ADMIN)
enum { STANDARD_MTU = 1420, KEEPALIVE = 25, SOCKET_TRIES = 250, SOCKET_MS = 20 };

/* How often it is asked whether it is there; what a keepalive takes; how long an answer may be owed (data are
 * answered within 10 s, a handshake at once, and after 15 s without one WireGuard itself begins a handshake); how
 * long no session lives without one; how long a new socket is tried.  "WireGuard: Next Generation Kernel Network
 * Tunnel", sections 6.1 and 6.5. */
enum { WATCH_MS = 5000, KEEPALIVE_BYTES = 32, OWED_MS = 20000, SESSION_MS = 180000, RENEW_MS = 30000 };

static const char *const environment[] = {
	"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LOG_LEVEL=error", "WG_PROCESS_FOREGROUND=1", NULL,
};

/* Between us and the network the uplink's relay keeps a pair of addresses for some time only, as a router with NAT
 * does; and a first handshake tells that the server is there. */
static const char *client_text(struct inside *in)
{
	struct vpn_config config = *in->config;

	config.peers = arena_new_array(in->arena, struct vpn_peer, config.peer_count);
	for (size_t i = 0; i < config.peer_count; i++) {
		config.peers[i] = in->config->peers[i];
		if (config.peers[i].endpoint && !config.peers[i].keepalive)
			config.peers[i].keepalive = KEEPALIVE;
	}
	return vpn_client_text(in->arena, &config, NULL);
}

/* wg(8) reads a file; it is gone when it has. */
static int configure(struct inside *in)
{
	static const char *const argv[] = { "wg", "setconf", INSIDE_TUNNEL, CONFIGURATION, NULL };
	const char *text = client_text(in);
	AUTO_FD int fd = open(CONFIGURATION, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	int r = fd < 0 ? -errno : fd_write_all(fd, text, strlen(text));

	if (r == 0)
		r = inside_call(in, &(struct client_wish){ .argv = argv, .envp = environment, .extra = -1,
							   .network_namespace = in->uplink, .capabilities = NET_ADMIN }, NULL);
	(void)unlink(CONFIGURATION);
	return r > 0 ? -EIO : r;
}

static int start_program(struct inside *in)
{
	static const char *const argv[] = { "wireguard-go", INSIDE_TUNNEL, NULL };

	(void)unlink(CONTROL);
	int r = client_start(&(struct client_wish){ .argv = argv, .envp = environment, .extra = -1,
						     .network_namespace = in->uplink, .capabilities = NET_ADMIN }, &in->client);
	for (unsigned tries = 0; r == 0 && access(CONTROL, F_OK) < 0; tries++) {
		struct pollfd ended = { .fd = in->client.pidfd, .events = POLLIN };
		if (tries == SOCKET_TRIES || poll(&ended, 1, SOCKET_MS) > 0)
			return 0; /* the next step fails, and follow() is told what it said */
	}
	return r;
}

static int start(struct inside *in)
{
	const struct vpn_config *config = in->config;
	struct vpn_addresses routes = { 0 };
	size_t count = 0;
	int r = links_add_wireguard(in->uplink_links, INSIDE_TUNNEL);

	if (r == -EOPNOTSUPP)
		r = start_program(in);
	if (r == 0)
		r = configure(in);
	if (r < 0)
		return r;
	for (size_t i = 0; i < config->peer_count; i++)
		count += config->peers[i].allowed.count;
	routes.items = arena_new_array(in->arena, struct vpn_address, count + 1);
	for (size_t i = 0; i < config->peer_count; i++)
		for (size_t k = 0; k < config->peers[i].allowed.count; k++)
			routes.items[routes.count++] = config->peers[i].allowed.items[k];
	return inside_connect(in, config->mtu ? config->mtu : STANDARD_MTU, &config->addresses, &routes);
}

/* Lines of "KEY RECEIVED SENT". */
static int read_traffic(struct inside *in, uint64_t *ret_received, uint64_t *ret_sent)
{
	static const char *const argv[] = { "wg", "show", INSIDE_TUNNEL, "transfer", NULL };
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct strbuf out = { .arena = arena };
	int r = inside_call(in, &(struct client_wish){ .argv = argv, .envp = environment, .extra = -1,
						       .network_namespace = in->tunnel, .capabilities = NET_ADMIN }, &out);
	char *at = r == 0 ? strchr(strbuf_text(&out), '\t') : NULL;

	*ret_received = *ret_sent = 0;
	for (; at; at = *at ? strchr(at + 1, '\t') : NULL) {
		*ret_received += strtoull(at, &at, 10);
		*ret_sent += strtoull(at, &at, 10);
	}
	return r > 0 ? -EIO : r;
}

/* What may have been sent since it was last looked at without an answer being due. */
static uint64_t keepalives(const struct inside *in)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < in->config->peer_count; i++) {
		unsigned every = in->config->peers[i].keepalive ? in->config->peers[i].keepalive : KEEPALIVE;
		bytes += KEEPALIVE_BYTES * (1 + (unsigned)in->pause / 1000 / every);
	}
	return bytes;
}

/* From another port: the uplink's relay then asks for the server's name again, and takes the address that the
 * computer has now. */
static int renew_socket(struct inside *in, long long now)
{
	static const char *const argv[] = { "wg", "set", INSIDE_TUNNEL, "listen-port", "0", NULL };

	if (now - in->traffic.renewed < RENEW_MS)
		return 0;
	in->traffic.renewed = now;
	int r = inside_call(in, &(struct client_wish){ .argv = argv, .envp = environment, .extra = -1,
						       .network_namespace = in->tunnel, .capabilities = NET_ADMIN }, NULL);
	return r > 0 ? -EIO : r;
}

/* It is up when something has come (before a handshake nothing does), and silent when what must come does not.  The
 * device stays, as it would outside of cuddy: what was begun goes on when the server is back. */
static int ask(struct inside *in)
{
	struct inside_traffic *traffic = &in->traffic;
	uint64_t received, sent;
	int r = read_traffic(in, &received, &sent);
	long long now = clock_ms();

	if (r < 0)
		return r;
	if (received != traffic->received)
		*traffic = (struct inside_traffic){ .heard = now };
	else if (!traffic->owed && sent - traffic->sent > keepalives(in))
		traffic->owed = now;
	traffic->received = received;
	traffic->sent = sent;
	in->pause = in->up ? WATCH_MS : MIN(in->pause * 2, (int)WATCH_MS);
	if (traffic->heard == now && !in->up)
		inside_is_up(in, &in->config->addresses, &in->config->dns);
	if (!traffic->heard || ((!traffic->owed || now - traffic->owed < OWED_MS) && now - traffic->heard < SESSION_MS))
		return 0;
	if (in->up)
		inside_is_silent(in, "the server does not answer any more");
	return renew_socket(in, now);
}

const struct inside_kind inside_wireguard = { start, NULL, NULL, ask };
