/* relay/vpn/openvpn.c - OpenVPN without a right: it finds a device that is there and is its own, and says by --up
 * what the server has pushed.  openvpn(8), "Environmental Variables".
 * Must not: let it set addresses or routes, or run a program but ours. */
#include "relay/vpn/inside.h"
#include "base/fd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { NUMBERED_MOST = 1024, ENVIRONMENT_MOST = 256 * 1024 };

static const char *const environment[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL };

/* Files that only the client's own file system has. */
static int write_secret(const char *path, const char *first, const char *second)
{
	AUTO_FD int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	int r = fd < 0 ? -errno : fd_write_all(fd, first, strlen(first));

	if (r == 0)
		r = fd_write_all(fd, "\n", 1);
	if (r == 0 && second)
		r = fd_write_all(fd, second, strlen(second));
	return r == 0 && second ? fd_write_all(fd, "\n", 1) : r;
}

static const char **make_command(struct inside *in)
{
	static const char *const always[] = {
		"openvpn", "--config", "stdin", "--dev", INSIDE_TUNNEL, "--dev-type", "tun", "--disable-dco",
		"--ifconfig-noexec", "--route-noexec", "--persist-tun", "--persist-key", "--script-security", "2",
		"--up", "/cuddy-vpn", "--verb", "3", "--suppress-timestamps", "--connect-retry", "1", "15", "--auth-nocache",
	};
	VEC(const char *) words = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(always); i++)
		*vec_push(in->arena, &words) = always[i];
	if (in->config->wants_auth) {
		*vec_push(in->arena, &words) = "--auth-user-pass";
		*vec_push(in->arena, &words) = "/tmp/user";
	}
	if (in->config->key_password) {
		*vec_push(in->arena, &words) = "--askpass";
		*vec_push(in->arena, &words) = "/tmp/key";
	}
	*vec_push(in->arena, &words) = NULL;
	return words.items;
}

static int start(struct inside *in)
{
	const struct vpn_config *config = in->config;
	int ends[2];
	AUTO_FD int device = inside_tun(in);
	int r = MIN(device, 0);

	if (r == 0 && config->wants_auth)
		r = write_secret("/tmp/user", config->user ? config->user : "", config->password ? config->password : "");
	if (r == 0 && config->key_password)
		r = write_secret("/tmp/key", config->key_password, NULL);
	if (r == 0 && pipe2(ends, O_CLOEXEC) < 0)
		r = -errno;
	if (r < 0)
		return r;
	in->told = ends[0];
	AUTO_FD int writer = ends[1];
	fd_closep(&device); /* one at a time may have it */
	return client_start(&(struct client_wish){
		.argv = make_command(in), .envp = environment, .network_namespace = in->uplink, .extra = writer,
		.input = vpn_client_text(in->arena, config, NULL) }, &in->client);
}

/* The log is the only place that tells of --redirect-gateway. */
static void heard(struct inside *in, const char *line)
{
	const char *push = strstr(line, "PUSH_REPLY");

	if (push && strstr(push, ",redirect-gateway"))
		in->redirects = true;
}

static const char *value_of(const struct inside *in, const char *name)
{
	const char *at = in->environment.text, *end = at + in->environment.length;
	size_t length = strlen(name);

	for (; at && at < end && *at; at += strlen(at) + 1)
		if (strncmp(at, name, length) == 0 && at[length] == '=')
			return at + length + 1;
	return NULL;
}

static const char *numbered(const struct inside *in, const char *name, unsigned number)
{
	return value_of(in, arena_printf(in->arena, "%s_%u", name, number));
}

static unsigned prefix_of(const char *mask)
{
	struct in_addr bytes;

	return mask && inet_pton(AF_INET, mask, &bytes) == 1 ? (unsigned)__builtin_popcount(bytes.s_addr) : 32;
}

/* "10.8.0.2" or "fd00::/8"; what is none is passed over: the server said it, not the user. */
static void add(struct inside *in, struct vpn_addresses *list, const char *text, unsigned prefix)
{
	struct vpn_address address = { .family = text && strchr(text, ':') ? AF_INET6 : AF_INET, .prefix = prefix };
	const char *slash = text ? strchr(text, '/') : NULL;
	unsigned most = address.family == AF_INET ? 32 : 128;

	if (!text)
		return;
	if (slash)
		address.prefix = (unsigned)strtoul(slash + 1, NULL, 10);
	const char *host = slash ? arena_strndup(in->arena, text, (size_t)(slash - text)) : text;
	if (address.prefix > most || inet_pton(address.family, host, address.bytes) != 1)
		return;
	address.text = address.prefix == most ? host : arena_printf(in->arena, "%s/%u", host, address.prefix);
	struct vpn_address *items = arena_new_array(in->arena, struct vpn_address, list->count + 1);
	if (list->count)
		memcpy(items, list->items, list->count * sizeof(*items));
	items[list->count] = address;
	*list = (struct vpn_addresses){ items, list->count + 1 };
}

static void read_servers(struct inside *in, struct vpn_addresses *servers)
{
	const char *option;

	for (unsigned i = 1; i < NUMBERED_MOST && (option = numbered(in, "foreign_option", i)); i++)
		if (str_starts(option, "dhcp-option DNS ") || str_starts(option, "dhcp-option DNS6 "))
			add(in, servers, strrchr(option, ' ') + 1, strchr(strrchr(option, ' '), ':') ? 128 : 32);
}

static void read_routes(struct inside *in, struct vpn_addresses *routes)
{
	const char *network;

	for (unsigned i = 1; i < NUMBERED_MOST && (network = numbered(in, "route_network", i)); i++)
		add(in, routes, network, prefix_of(numbered(in, "route_netmask", i)));
	for (unsigned i = 1; i < NUMBERED_MOST && (network = numbered(in, "route_ipv6_network", i)); i++)
		add(in, routes, network, 128);
	if (in->redirects || in->config->redirect_gateway)
		add(in, routes, "0.0.0.0", 0);
}

static int use_environment(struct inside *in)
{
	struct vpn_addresses addresses = { 0 }, routes = { 0 }, servers = { 0 };
	const char *mtu = value_of(in, "tun_mtu"), *bits = value_of(in, "ifconfig_ipv6_netbits");
	const char *mask = value_of(in, "ifconfig_netmask"), *peer = value_of(in, "ifconfig_remote");

	add(in, &addresses, value_of(in, "ifconfig_local"), prefix_of(mask));
	add(in, &addresses, value_of(in, "ifconfig_ipv6_local"), bits ? (unsigned)strtoul(bits, NULL, 10) : 128);
	if (!mask)
		add(in, &routes, peer, 32); /* a tunnel between two points */
	read_servers(in, &servers);
	read_routes(in, &routes);
	if (!addresses.count) {
		inside_say(in, INSIDE_LINE, "the server gave no address", -1);
		return -EPROTO;
	}
	int r = inside_connect(in, in->config->mtu ? in->config->mtu : mtu ? (unsigned)strtoul(mtu, NULL, 10) : 1500,
			       &addresses, &routes);
	if (r == 0)
		inside_is_up(in, &addresses, &servers);
	return r;
}

/* A part of the environment of --up; it ends with an empty entry. */
static int told(struct inside *in)
{
	char bytes[4096];
	ssize_t length = read(in->told, bytes, sizeof(bytes));

	if (length <= 0) { /* the client and its children are gone */
		fd_closep(&in->told);
		return 0;
	}
	if (in->up || in->environment.length + (size_t)length > ENVIRONMENT_MOST)
		return -EPROTO;
	strbuf_add_bytes(&in->environment, bytes, (size_t)length);
	size_t all = in->environment.length;
	if (all < 2 || in->environment.text[all - 1] || in->environment.text[all - 2])
		return 0;
	return use_environment(in);
}

const struct inside_kind inside_openvpn = { start, heard, told, NULL };
