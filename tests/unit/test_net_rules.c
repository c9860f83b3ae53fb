/* test_net_rules - what the relay lets through: names, addresses by their number, addresses that a name
 * turned out to be, the host's own and its neighbours'. */
#include "relay/net/rules.h"
#include "tap.h"

#include <arpa/inet.h>
#include <errno.h>

static struct arena *arena;
static struct onlink_network near[2];

/* One rule stands behind each "; ". */
static struct rules rules_of(const char *text)
{
	struct strbuf lines = { .arena = arena };
	struct rules r;
	struct diags d;

	for (const char *at = text; *at; at++)
		if (*at != ' ' || at == text || at[-1] != ';')
			strbuf_addf(&lines, "%c", *at == ';' ? '\n' : *at);
	diags_init(&d, arena);
	if (rules_parse(arena, strbuf_text(&lines), &d, &r) < 0)
		ok(0, "these rules are read: %s", text);
	inet_pton(AF_INET6, "2001:db8:77::", near[0].address);
	near[0].prefix = 64;
	inet_pton(AF_INET6, "::ffff:203.0.113.77", near[1].address);
	near[1].prefix = 128;
	r.onlink.networks = near;
	r.onlink.count = 2;
	return r;
}

static void address_of(const char *text, uint8_t ret[16])
{
	char mapped[64];

	snprintf(mapped, sizeof(mapped), "%s%s", strchr(text, ':') ? "" : "::ffff:", text);
	if (inet_pton(AF_INET6, mapped, ret) != 1)
		ok(0, "'%s' is an address", text);
}

static const struct { const char *address; enum host_form class; } classes[] = {
	{ "203.0.113.1", HOST_INTERNET },	   { "2001:db8::1", HOST_INTERNET },
	{ "127.0.0.1", HOST_LOOPBACK },		   { "127.255.255.254", HOST_LOOPBACK },
	{ "::1", HOST_LOOPBACK },		   { "::", HOST_LOOPBACK },
	{ "0.0.0.0", HOST_LOOPBACK },		   { "10.1.2.3", HOST_LAN },
	{ "172.15.255.255", HOST_INTERNET },	   { "172.16.0.0", HOST_LAN },
	{ "172.31.255.255", HOST_LAN },		   { "172.32.0.0", HOST_INTERNET },
	{ "192.168.1.1", HOST_LAN },		   { "100.63.255.255", HOST_INTERNET },
	{ "100.64.0.1", HOST_LAN },		   { "100.128.0.0", HOST_INTERNET },
	{ "169.254.169.254", HOST_LAN },	   { "198.18.0.1", HOST_LAN },
	{ "224.0.0.251", HOST_LAN },		   { "240.0.0.1", HOST_LAN },
	{ "255.255.255.255", HOST_LAN },	   { "::ffff:10.0.0.1", HOST_LAN },
	{ "::10.0.0.1", HOST_LAN },		   { "64:ff9b::10.0.0.1", HOST_LAN },
	{ "64:ff9b::127.0.0.1", HOST_LOOPBACK },   { "64:ff9b::203.0.113.1", HOST_INTERNET },
	{ "64:ff9b:1::1", HOST_LAN },		   { "2002:c0a8:0101::1", HOST_LAN },
	{ "2001:0:1::1", HOST_LAN },		   { "fd00::1", HOST_LAN },
	{ "fe80::1", HOST_LAN },		   { "fec0::1", HOST_LAN },
	{ "ff02::fb", HOST_LAN },		   { "100::1", HOST_LAN },
};

static void test_classes(void)
{
	uint8_t address[16];

	for (size_t i = 0; i < ARRAY_SIZE(classes); i++) {
		address_of(classes[i].address, address);
		ok(endpoint_class(address) == classes[i].class, "what %s is", classes[i].address);
	}
	ok(endpoint_name_class("printer") == HOST_LAN && endpoint_name_class("nas.local") == HOST_LAN &&
	   endpoint_name_class("localhost") == HOST_LOOPBACK && endpoint_name_class("example.org") == HOST_INTERNET,
	   "what names are");
}

static const struct { const char *rules, *name; uint16_t port; bool resolve, reach; } names[] = {
	{ "allow example.org:443", "example.org", 443, true, true },
	{ "allow example.org:443", "example.org", 80, true, false },
	{ "allow example.org:443", "a.example.org", 443, false, false },
	{ "allow example.org:443", "xexample.org", 443, false, false },
	{ "allow *.example.org", "a.example.org", 22, true, true },
	{ "allow *.example.org", "a.b.example.org", 22, true, true },
	{ "allow *.example.org", "example.org", 22, false, false },
	{ "allow *.example.org", "aexample.org", 22, false, false },
	{ "allow *.example.org; deny evil.example.org", "evil.example.org", 22, false, false },
	{ "allow udp:example.org:443", "example.org", 443, true, false },
	{ "allow internet; allow dns:any", "example.org", 443, true, true },
	{ "allow internet; allow dns:any", "nas.local", 443, true, false },
	{ "allow internet; allow dns:any; deny example.org", "example.org", 443, false, false },
	{ "allow 203.0.113.0/24", "example.org", 443, false, false },
	{ "ask example.org", "example.org", 443, false, false },
	{ "", "example.org", 443, false, false },
};

static const struct { const char *rules, *address; bool reach; } addresses[] = {
	{ "allow 203.0.113.0/24:443", "203.0.113.1", true },
	{ "allow 203.0.113.0/24:80", "203.0.113.1", false },
	{ "allow 203.0.113.0/24", "203.0.114.1", false },
	{ "allow 203.0.113.0/24; deny 203.0.113.1", "203.0.113.1", false },
	{ "allow [2001:db8:200::]/48", "2001:db8:200::1", true },
	{ "allow internet", "203.0.113.1", true },
	{ "allow internet", "192.168.1.1", false },
	{ "allow internet", "169.254.169.254", false },
	{ "allow internet", "203.0.113.77", false },	/* the host itself */
	{ "allow internet", "2001:db8:77::20", false }, /* a neighbour */
	{ "allow internet; allow lan", "2001:db8:77::20", true },
	{ "allow internet; allow [2001:db8:77::20]:443", "2001:db8:77::20", true },
	{ "allow internet; allow [2001:db8:77::20]:80", "2001:db8:77::20", false },
	{ "allow internet; allow [2001:db8:77::20]; deny lan", "2001:db8:77::20", false },
	{ "allow lan", "192.168.1.1", true },
	{ "allow lan", "203.0.113.1", false },
	{ "allow any", "127.0.0.1", false },		/* the host's loopback, never */
	{ "allow loopback", "127.0.0.1", false },
	{ "allow any", "64:ff9b::127.0.0.1", false },
	{ "allow 10.0.0.0/8", "64:ff9b::10.0.0.1", true },
	{ "allow internet; deny 203.0.113.0/24", "64:ff9b::203.0.113.1", false },
	{ "allow example.org", "203.0.113.1", false },
};

static const struct { const char *rules, *name, *address; bool good; } answers[] = {
	{ "allow example.org", "example.org", "203.0.113.1", true },
	{ "allow example.org", "example.org", "192.168.1.1", false },
	{ "allow example.org", "example.org", "127.0.0.1", false },
	{ "allow example.org", "example.org", "::1", false },
	{ "allow example.org", "example.org", "0.0.0.0", false },
	{ "allow example.org", "example.org", "169.254.169.254", false },
	{ "allow example.org", "example.org", "64:ff9b::192.168.1.1", false },
	{ "allow example.org", "example.org", "2002:c0a8:101::1", false },
	{ "allow example.org", "example.org", "203.0.113.77", false },
	{ "allow example.org", "example.org", "2001:db8:77::20", false },
	{ "allow example.org; allow 192.168.1.1", "example.org", "192.168.1.1", true },
	{ "allow example.org; allow 192.168.1.1:80", "example.org", "192.168.1.1", false },
	{ "allow example.org; allow lan", "example.org", "192.168.1.1", true },
	{ "allow example.org; allow lan", "example.org", "2001:db8:77::20", true },
	{ "allow example.org; allow any", "example.org", "127.0.0.1", false },
	{ "allow example.org; deny 203.0.113.0/24", "example.org", "203.0.113.1", false },
	{ "allow example.org; ask internet", "example.org", "203.0.113.1", true },
	{ "allow nas.local", "nas.local", "192.168.1.1", true },
	{ "allow nas.local", "nas.local", "2001:db8:77::20", true },
	{ "allow nas.local", "nas.local", "127.0.0.1", false },
	{ "allow nas.local; deny 192.168.0.0/16", "nas.local", "192.168.1.1", false },
};

int main(void)
{
	uint8_t address[16];
	struct rules r;

	arena = arena_new();
	test_classes();
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		r = rules_of(names[i].rules);
		ok(rules_may_resolve(&r, names[i].name) == names[i].resolve &&
		   rules_may_reach_name(&r, ACCESS_CONNECT, names[i].name, names[i].port) == names[i].reach,
		   "%s: %s:%u", names[i].rules, names[i].name, names[i].port);
	}
	for (size_t i = 0; i < ARRAY_SIZE(addresses); i++) {
		r = rules_of(addresses[i].rules);
		address_of(addresses[i].address, address);
		ok(rules_may_reach(&r, ACCESS_CONNECT, address, 443) == addresses[i].reach, "%s: %s",
		   addresses[i].rules, addresses[i].address);
	}
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		r = rules_of(answers[i].rules);
		address_of(answers[i].address, address);
		ok(rules_may_be(&r, ACCESS_CONNECT, answers[i].name, address, 443) == answers[i].good, "%s: %s is %s",
		   answers[i].rules, answers[i].name, answers[i].address);
	}
	r = rules_of("allow example.org; check-names");
	ok(rules_may_reach_name(&r, ACCESS_CONNECT, "example.org", 443) &&
	   !rules_may_reach_name(&r, ACCESS_SEND, "example.org", 443) &&
	   rules_may_reach_name(&r, ACCESS_SEND, "example.org", 53), "who checks names lets no QUIC pass");
	r = rules_of("");
	ok(onlink_open(&r.onlink) == 0 && r.onlink.count > 0, "the host's addresses are read");
	address_of("127.0.0.1", address);
	ok(onlink_has(&r.onlink, address), "loopback is among them");
	address_of("203.0.113.1", address);
	ok(!onlink_has(&r.onlink, address), "an address of the documentation is not");
	onlink_close(&r.onlink);
	arena_free(arena);
	return done();
}
