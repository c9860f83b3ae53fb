/* relay/vpn/pushed.c - one pass over the entries, then addresses, servers and routes in their order.
 * Gateways and metrics are not looked at: there is one way, "net_gateway" is none.
 * Must not: believe a number; take what names this computer for an address of the tunnel. */
#include "relay/vpn/pushed.h"

#include <arpa/inet.h>
#include <string.h>

enum { LEAST_MTU = 576, MOST_MTU = 65535, MOST_DIGITS = 5 };

enum single { LOCAL, MASK, PEER, LOCAL6, BITS6, MTU, SINGLES };
static const char *const singles[SINGLES] = {
	[LOCAL] = "ifconfig_local", [MASK] = "ifconfig_netmask", [PEER] = "ifconfig_remote",
	[LOCAL6] = "ifconfig_ipv6_local", [BITS6] = "ifconfig_ipv6_netbits", [MTU] = "tun_mtu",
};

enum series { OPTION, NETWORK, NETMASK, NETWORK6, SERIES };
static const char *const series[SERIES] = {
	[OPTION] = "foreign_option_", [NETWORK] = "route_network_", [NETMASK] = "route_netmask_",
	[NETWORK6] = "route_ipv6_network_",
};

/* The values, by name and number; the first one counts. */
struct entries {
	const char *single[SINGLES];
	const char *(*numbered)[PUSHED_MOST + 2]; /* of a series, from 1; the last stays NULL */
	bool more;
};

typedef VEC(struct vpn_address) address_list;

bool pushed_is_whole(const char *bytes, size_t size)
{
	return size > 1 && !bytes[size - 1] && !bytes[size - 2];
}

/* Digits up to `end`, which is their end. */
static bool read_number(const char *text, char end, unsigned most, unsigned *ret)
{
	unsigned value = 0;
	size_t length = strspn(text, "0123456789");

	if (!length || length > MOST_DIGITS || text[length] != end)
		return false;
	for (size_t i = 0; i < length; i++)
		value = value * 10 + (unsigned)(text[i] - '0');
	if (value > most)
		return false;
	*ret = value;
	return true;
}

static void keep(const char **place, const char *value)
{
	if (!*place)
		*place = value;
}

static void sort_in(struct entries *entries, const char *entry)
{
	const char *value = strchr(entry, '=');
	unsigned number;

	if (!value)
		return;
	for (unsigned i = 0; i < SINGLES; i++)
		if (str_starts(entry, singles[i]) && entry + strlen(singles[i]) == value)
			keep(&entries->single[i], value + 1);
	for (unsigned i = 0; i < SERIES; i++) {
		const char *digits = entry + strlen(series[i]);
		if (!str_starts(entry, series[i]))
			continue;
		if (read_number(digits, '=', PUSHED_MOST, &number) && number)
			keep(&entries->numbered[i][number], value + 1);
		else
			entries->more = true;
	}
}

/* 33 for what is no mask. */
static unsigned prefix_of(const char *mask)
{
	struct in_addr bytes;

	if (!mask)
		return 32;
	if (inet_pton(AF_INET, mask, &bytes) != 1)
		return 33;
	uint32_t host = ~ntohl(bytes.s_addr);
	return host & (host + 1) ? 33 : 32 - (unsigned)__builtin_popcount(host);
}

/* Of a machine, as far as one can see: not this one, not many. */
static bool is_host(const struct vpn_address *address)
{
	static const unsigned char none[16], loopback6[16] = { [15] = 1 };
	const unsigned char *bytes = address->bytes;

	if (address->family == AF_INET)
		return bytes[0] && bytes[0] != 127 && bytes[0] < 224;
	return memcmp(bytes, none, 16) != 0 && memcmp(bytes, loopback6, 16) != 0 && bytes[0] != 0xff;
}

/* "10.8.0.2", "fd00::/8"; without a length it is `prefix`. */
static bool read_address(struct arena *arena, const char *text, unsigned prefix, struct vpn_address *ret)
{
	const char *slash = text ? strchr(text, '/') : NULL;
	struct vpn_address address = { .family = text && strchr(text, ':') ? AF_INET6 : AF_INET, .prefix = prefix };
	unsigned most = address.family == AF_INET ? 32 : 128;

	if (!text || (slash && !read_number(slash + 1, '\0', most, &address.prefix)) || address.prefix > most)
		return false;
	const char *host = slash ? arena_strndup(arena, text, (size_t)(slash - text)) : text;
	if (inet_pton(address.family, host, address.bytes) != 1)
		return false;
	address.text = address.prefix == most ? arena_strdup(arena, host) :
						arena_printf(arena, "%s/%u", host, address.prefix);
	*ret = address;
	return true;
}

static void add_route(struct arena *arena, address_list *list, const char *text, unsigned prefix)
{
	struct vpn_address address;

	if (read_address(arena, text, prefix, &address))
		*vec_push(arena, list) = address;
}

static void add_host(struct arena *arena, address_list *list, const char *text, unsigned prefix)
{
	struct vpn_address address;

	if (read_address(arena, text, prefix, &address) && is_host(&address))
		*vec_push(arena, list) = address;
}

static struct vpn_addresses read_addresses(struct arena *arena, const struct entries *entries)
{
	const char *bits = entries->single[BITS6];
	address_list list = { 0 };
	unsigned prefix = 128;

	add_host(arena, &list, entries->single[LOCAL], prefix_of(entries->single[MASK]));
	if (!bits || read_number(bits, '\0', 128, &prefix))
		add_host(arena, &list, entries->single[LOCAL6], prefix);
	return (struct vpn_addresses){ list.items, list.count };
}

static struct vpn_addresses read_servers(struct arena *arena, const struct entries *entries)
{
	const char *const *options = entries->numbered[OPTION];
	address_list list = { 0 };

	for (unsigned i = 1; options[i]; i++)
		if (str_starts(options[i], "dhcp-option DNS ") || str_starts(options[i], "dhcp-option DNS6 ")) {
			const char *text = strrchr(options[i], ' ') + 1;
			if (!strchr(text, '/'))
				add_host(arena, &list, text, strchr(text, ':') ? 128 : 32);
		}
	return (struct vpn_addresses){ list.items, list.count };
}

static struct vpn_addresses read_routes(struct arena *arena, const struct entries *entries)
{
	const char *const *networks = entries->numbered[NETWORK], *const *masks = entries->numbered[NETMASK];
	address_list list = { 0 };

	if (!entries->single[MASK]) /* a tunnel between two points */
		add_route(arena, &list, entries->single[PEER], 32);
	for (unsigned i = 1; networks[i]; i++)
		add_route(arena, &list, networks[i], prefix_of(masks[i]));
	networks = entries->numbered[NETWORK6];
	for (unsigned i = 1; networks[i]; i++)
		add_route(arena, &list, networks[i], 128);
	return (struct vpn_addresses){ list.items, list.count };
}

void pushed_redirect(struct arena *arena, struct pushed *pushed)
{
	struct vpn_addresses *routes = &pushed->routes;
	struct vpn_address *items = arena_new_array(arena, struct vpn_address, routes->count + 1);

	if (routes->count)
		memcpy(items, routes->items, routes->count * sizeof(*items));
	items[routes->count] = (struct vpn_address){ .family = AF_INET, .text = "0.0.0.0/0" };
	*routes = (struct vpn_addresses){ items, routes->count + 1 };
}

bool pushed_read(struct arena *arena, const char *bytes, size_t size, struct pushed *ret)
{
	struct entries entries = { .numbered = arena_alloc_array(arena, sizeof(*entries.numbered), SERIES) };
	unsigned mtu;

	must(pushed_is_whole(bytes, size));
	for (const char *at = bytes; at < bytes + size; at += strlen(at) + 1)
		sort_in(&entries, at);
	*ret = (struct pushed){
		.addresses = read_addresses(arena, &entries), .routes = read_routes(arena, &entries),
		.servers = read_servers(arena, &entries), .more = entries.more,
	};
	if (entries.single[MTU] && read_number(entries.single[MTU], '\0', MOST_MTU, &mtu) && mtu >= LEAST_MTU)
		ret->mtu = mtu;
	return ret->addresses.count > 0;
}
