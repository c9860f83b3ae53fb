/* test_vpn_pushed.c - what a server of OpenVPN pushes, as --up tells it: usual, odd and hostile words. */
#include "relay/vpn/pushed.h"
#include "tap.h"

#include <stdlib.h>
#include <sys/socket.h>

static struct arena *arena;
static struct pushed pushed;

/* The entries of a text, one on each line, as an environment. */
static bool take(const char *lines)
{
	size_t length = strlen(lines);
	char *bytes = malloc(length + 2); /* not of the arena: a sanitizer sees who reads behind it */

	memcpy(bytes, lines, length + 1);
	for (size_t i = 0; i < length; i++)
		if (bytes[i] == '\n')
			bytes[i] = '\0';
	bytes[length++] = '\0';
	if (length < 2 || bytes[length - 2])
		bytes[length++] = '\0';
	bool good = pushed_is_whole(bytes, length) && pushed_read(arena, bytes, length, &pushed);
	const struct vpn_addresses *const lists[] = { &pushed.addresses, &pushed.routes, &pushed.servers };
	for (size_t i = 0; i < ARRAY_SIZE(lists) && good; i++)
		for (size_t k = 0; k < lists[i]->count; k++)
			if (lists[i]->items[k].text >= bytes && lists[i]->items[k].text < bytes + length)
				abort(); /* a text that goes with the bytes */
	free(bytes);
	return good;
}

/* "10.8.0.2/24 fd00::2", of a list. */
static const char *texts(const struct vpn_addresses *list)
{
	struct strbuf out = { .arena = arena };

	for (size_t i = 0; i < list->count; i++) {
		const struct vpn_address *a = &list->items[i];
		strbuf_addf(&out, "%s%s", i ? " " : "", a->text);
		if (!strchr(a->text, '/') && a->prefix != (a->family == AF_INET ? 32 : 128))
			strbuf_add(&out, "!");
	}
	return strbuf_text(&out);
}

#define ADDRESS "ifconfig_local=10.8.0.2\nifconfig_netmask=255.255.255.0\n"

static void test_usual(void)
{
	ok(take("PATH=/bin\n" ADDRESS "ifconfig_ipv6_local=fd88::1000\nifconfig_ipv6_netbits=64\nifconfig_ipv6_remote=fd88::1\n"
		"foreign_option_1=dhcp-option DOMAIN x.example\nforeign_option_2=dhcp-option DNS 10.8.0.1\n"
		"foreign_option_3=dhcp-option DNS6 fd88::1\nforeign_option_4=dhcp-option DOMAIN-SEARCH a.example\n"
		"foreign_option_5=dhcp-option DNS fd88::7\nroute_network_1=203.0.113.10\nroute_netmask_1=255.255.255.255\n"
		"route_network_2=10.1.0.0\nroute_netmask_2=255.255.0.0\nroute_metric_2=7\nroute_network_3=10.2.0.1\n"
		"route_ipv6_network_1=2001:db8::/32\nroute_ipv6_network_2=::/3\nroute_ipv6_network_3=fd99::1\ntun_mtu=1400\n"),
	   "what servers push");
	is(texts(&pushed.addresses), "10.8.0.2/24 fd88::1000/64", "addresses");
	is(texts(&pushed.servers), "10.8.0.1 fd88::1 fd88::7", "name servers, no domains");
	is(texts(&pushed.routes), "203.0.113.10 10.1.0.0/16 10.2.0.1 2001:db8::/32 ::/3 fd99::1", "routes");
	ok(pushed.mtu == 1400 && !pushed.more, "the size of packets");
	pushed_redirect(arena, &pushed);
	is(texts(&pushed.routes), "203.0.113.10 10.1.0.0/16 10.2.0.1 2001:db8::/32 ::/3 fd99::1 0.0.0.0/0", "all through it");
	ok(take("ifconfig_local=10.8.0.6\nifconfig_remote=10.8.0.5\n"), "a tunnel between two points");
	is(texts(&pushed.routes), "10.8.0.5", "has a route to the other");
	is(texts(&pushed.addresses), "10.8.0.6", "and one address");
	pushed.routes = (struct vpn_addresses){ 0 };
	pushed_redirect(arena, &pushed);
	is(texts(&pushed.routes), "0.0.0.0/0", "nothing but the default route");
	ok(take("ifconfig_ipv6_local=fd88::2\n"), "IPv6 only");
	is(texts(&pushed.addresses), "fd88::2", "a host without a length");
}

/* Gateways, metrics and other words change nothing: what is routed is routed through the tunnel. */
static void test_gateways(void)
{
	static const char *const gateways[] = { "net_gateway", "vpn_gateway", "192.168.77.1", "0.0.0.0", "", "-1",
						"99999999999999999999" };

	for (size_t i = 0; i < ARRAY_SIZE(gateways); i++) {
		ok(take(arena_printf(arena, ADDRESS "route_network_1=203.0.113.99\nroute_netmask_1=255.255.255.255\n"
				     "route_gateway_1=%s\nroute_metric_1=%s\nroute_net_gateway=%s\n", gateways[i], gateways[i],
				     gateways[i])), "gateway '%s'", gateways[i]);
		is(texts(&pushed.routes), "203.0.113.99", "is no way past the tunnel");
	}
}

static const struct { const char *lines, *addresses, *routes, *servers; unsigned mtu; } odd[] = {
	/* addresses that name this computer, or many */
	{ "ifconfig_local=127.0.0.1\n", NULL, NULL, NULL, 0 },
	{ "ifconfig_local=0.0.0.0\n", NULL, NULL, NULL, 0 },
	{ "ifconfig_local=224.0.0.1\n", NULL, NULL, NULL, 0 },
	{ "ifconfig_local=255.255.255.255\n", NULL, NULL, NULL, 0 },
	{ "ifconfig_ipv6_local=::1\n", NULL, NULL, NULL, 0 },
	{ "ifconfig_ipv6_local=::\n", NULL, NULL, NULL, 0 },
	{ "ifconfig_ipv6_local=ff02::1\n", NULL, NULL, NULL, 0 },
	{ ADDRESS "ifconfig_ipv6_local=ff02::1\n", "10.8.0.2/24", "", "", 0 },
	/* texts that are no addresses */
	{ "ifconfig_local=\n", NULL, NULL, NULL, 0 },
	{ "ifconfig_local=10.8.0\n", NULL, NULL, NULL, 0 },
	{ "ifconfig_local=10.8.0.256\n", NULL, NULL, NULL, 0 },
	{ "ifconfig_local=10.8.0.2 \n", NULL, NULL, NULL, 0 },
	{ "ifconfig_local=0x0a.8.0.2\n", NULL, NULL, NULL, 0 },
	{ "ifconfig_local=vpn.example\n", NULL, NULL, NULL, 0 },
	{ "ifconfig_local\n", NULL, NULL, NULL, 0 },
	{ "ifconfig_local10=10.8.0.2\n", NULL, NULL, NULL, 0 },
	{ "xifconfig_local=10.8.0.2\n", NULL, NULL, NULL, 0 },
	{ "=10.8.0.2\n", NULL, NULL, NULL, 0 },
	{ "\n", NULL, NULL, NULL, 0 },
	{ "\n\n\n\n", NULL, NULL, NULL, 0 },
	/* masks and lengths */
	{ "ifconfig_local=10.8.0.2\nifconfig_netmask=255.0.255.0\n", NULL, NULL, NULL, 0 },
	{ "ifconfig_local=10.8.0.2\nifconfig_netmask=0.0.0.255\n", NULL, NULL, NULL, 0 },
	{ "ifconfig_local=10.8.0.2\nifconfig_netmask=24\n", NULL, NULL, NULL, 0 },
	{ "ifconfig_local=10.8.0.2\nifconfig_netmask=0.0.0.0\n", "10.8.0.2/0", "", "", 0 },
	{ "ifconfig_local=10.8.0.2\nifconfig_netmask=255.255.255.255\n", "10.8.0.2", "", "", 0 },
	{ "ifconfig_local=10.8.0.2/33\n", NULL, NULL, NULL, 0 },
	{ "ifconfig_local=10.8.0.2/-1\n", NULL, NULL, NULL, 0 },
	{ "ifconfig_local=10.8.0.2/4294967296\n", NULL, NULL, NULL, 0 },
	{ "ifconfig_local=10.8.0.2/ 8\n", NULL, NULL, NULL, 0 },
	{ "ifconfig_local=10.8.0.2/\n", NULL, NULL, NULL, 0 },
	{ "ifconfig_local=10.8.0.2/8/8\n", NULL, NULL, NULL, 0 },
	{ "ifconfig_ipv6_local=fd00::2\nifconfig_ipv6_netbits=129\n", NULL, NULL, NULL, 0 },
	{ "ifconfig_ipv6_local=fd00::2\nifconfig_ipv6_netbits=-1\n", NULL, NULL, NULL, 0 },
	{ "ifconfig_ipv6_local=fd00::2\nifconfig_ipv6_netbits=4294967360\n", NULL, NULL, NULL, 0 },
	{ "ifconfig_ipv6_local=fd00::2\nifconfig_ipv6_netbits=0\n", "fd00::2/0", "", "", 0 },
	/* name servers */
	{ ADDRESS "foreign_option_1=dhcp-option DNS 127.0.0.1\nforeign_option_2=dhcp-option DNS 0.0.0.0\n"
	  "foreign_option_3=dhcp-option DNS ::1\nforeign_option_4=dhcp-option DNS 255.255.255.255\n"
	  "foreign_option_5=dhcp-option DNS 169.254.169.254\n", "10.8.0.2/24", "", "169.254.169.254", 0 },
	{ ADDRESS "foreign_option_1=dhcp-option DNS\nforeign_option_2=dhcp-option DNS \nforeign_option_3=dhcp-option DNS x 10.8.0.1\n"
	  "foreign_option_4=dhcp-option DNS 10.8.0.1/8\nforeign_option_5=xdhcp-option DNS 10.8.0.9\n",
	  "10.8.0.2/24", "", "10.8.0.1", 0 },
	/* routes that are none are passed over, a gap ends their list */
	{ ADDRESS "route_network_1=x\nroute_network_2=10.1.0.0\nroute_netmask_2=255.0.255.0\nroute_network_3=10.3.0.0\n"
	  "route_netmask_3=255.255.0.0\nroute_network_5=10.5.0.0\n", "10.8.0.2/24", "10.3.0.0/16", "", 0 },
	{ ADDRESS "route_ipv6_network_1=::/129\nroute_ipv6_network_2=10.0.0.0/8\nroute_ipv6_network_3=fd00::/8\n",
	  "10.8.0.2/24", "10.0.0.0/8 fd00::/8", "", 0 },
	{ ADDRESS "route_network_01=10.1.0.0\nroute_network_1=10.2.0.0\nroute_network_1=10.3.0.0\n", "10.8.0.2/24", "10.1.0.0",
	  "", 0 },
	/* packets */
	{ ADDRESS "tun_mtu=0\n", "10.8.0.2/24", "", "", 0 },
	{ ADDRESS "tun_mtu=575\n", "10.8.0.2/24", "", "", 0 },
	{ ADDRESS "tun_mtu=576\n", "10.8.0.2/24", "", "", 576 },
	{ ADDRESS "tun_mtu=65535\n", "10.8.0.2/24", "", "", 65535 },
	{ ADDRESS "tun_mtu=65536\n", "10.8.0.2/24", "", "", 0 },
	{ ADDRESS "tun_mtu=-1\n", "10.8.0.2/24", "", "", 0 },
	{ ADDRESS "tun_mtu=4294968796\n", "10.8.0.2/24", "", "", 0 },
	{ ADDRESS "tun_mtu= 1500\n", "10.8.0.2/24", "", "", 0 },
	/* the first word counts */
	{ ADDRESS "ifconfig_local=1.2.3.4\nifconfig_netmask=0.0.0.0\n", "10.8.0.2/24", "", "", 0 },
};

static void test_odd(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(odd); i++) {
		bool good = take(odd[i].lines);
		const char *name = arena_printf(arena, "odd words, number %zu", i);
		ok(good == (odd[i].addresses != NULL), "%s", name);
		if (!good || !odd[i].addresses)
			continue;
		is(texts(&pushed.addresses), odd[i].addresses, "%s: addresses", name);
		is(texts(&pushed.routes), odd[i].routes, "%s: routes", name);
		is(texts(&pushed.servers), odd[i].servers, "%s: servers", name);
		ok(pushed.mtu == odd[i].mtu, "%s: mtu %u", name, pushed.mtu);
	}
}

static void test_whole(void)
{
	ok(!pushed_is_whole("", 0) && !pushed_is_whole("", 1) && !pushed_is_whole("a=b", 4) && !pushed_is_whole("a=b", 3),
	   "what has not come yet is not read");
	ok(pushed_is_whole("\0", 2) && pushed_is_whole("a=b\0", 5), "what ends with an empty entry is whole");
}

/* One route below the limit and one above. */
static void test_many(void)
{
	struct strbuf out = { .arena = arena };

	strbuf_add(&out, ADDRESS);
	for (unsigned i = 1; i <= PUSHED_MOST; i++)
		strbuf_addf(&out, "route_network_%u=10.%u.%u.0\nroute_netmask_%u=255.255.255.0\nroute_ipv6_network_%u=fd00::%x/128\n",
			    i, i / 256, i % 256, i, i, i);
	ok(take(strbuf_text(&out)) && pushed.routes.count == 2 * PUSHED_MOST && !pushed.more, "%zu routes", pushed.routes.count);
	strbuf_addf(&out, "route_network_%u=11.0.0.0\n", PUSHED_MOST + 1);
	ok(take(strbuf_text(&out)) && pushed.routes.count == 2 * PUSHED_MOST && pushed.more, "one more is said to be too many");
	ok(take(ADDRESS "route_network_=10.0.0.0\nroute_network_0=10.0.0.0\nroute_network_-1=10.0.0.0\n"
		"route_network_4294967297=10.0.0.0\nroute_network_1x=10.0.0.0\n") && !pushed.routes.count, "odd numbers are none");
}

int main(void)
{
	arena = arena_new();
	test_usual();
	test_gateways();
	test_odd();
	test_whole();
	test_many();
	arena_free(arena);
	return done();
}
