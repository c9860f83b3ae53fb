/* relay/vpn/wireguard.c - WireGuard of the kernel, else wireguard-go.  Its UDP socket stays in the uplink's
 * namespace when the device leaves it.  wg(8).
 * Must not: leave keys in a file. */
#include "relay/vpn/inside.h"
#include "relay/vpn/links.h"
#include "base/fd.h"

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

/* Lines of "KEY SECONDS": 0 where there was no handshake yet. */
static int ask(struct inside *in)
{
	static const char *const argv[] = { "wg", "show", INSIDE_TUNNEL, "latest-handshakes", NULL };
	struct strbuf out = { .arena = in->arena };
	int r = inside_call(in, &(struct client_wish){ .argv = argv, .envp = environment, .extra = -1,
						       .network_namespace = in->tunnel, .capabilities = NET_ADMIN }, &out);
	const char *line = strbuf_text(&out);

	for (; r == 0 && line && *line; line = strchr(line, '\n'), line += line != NULL) {
		const char *tab = strchr(line, '\t');
		if (tab && strtoll(tab, NULL, 10) > 0) {
			inside_is_up(in, &in->config->addresses, &in->config->dns);
			return 0;
		}
	}
	return r > 0 ? -EIO : r;
}

const struct inside_kind inside_wireguard = { start, NULL, NULL, ask };
