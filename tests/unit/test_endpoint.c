/* test_endpoint.c - what is an endpoint, how it is written, and which one covers which. */
#include "policy/endpoint.h"

#include "policy/policy.h"

#include <stdio.h>

static unsigned number, failed;

static void check(bool good, const char *name)
{
	failed += !good;
	printf("%sok %u - %s\n", good ? "" : "not ", ++number, name);
}

static bool parse(struct arena *arena, const char *text, struct endpoint *ret)
{
	struct diags d;

	diags_init(&d, arena);
	return endpoint_parse(arena, text, NULL, &d, ret) == 0;
}

/* Text and its canonical form; NULL: refused. */
static const struct { const char *text, *want; } forms[] = {
	{ "example.org",              "example.org" },
	{ "Example.ORG.",             "example.org" },
	{ "example.org:443",          "example.org:443" },
	{ "tcp:example.org:80-90",    "tcp:example.org:80-90" },
	{ "udp:*.example.org:53",     "udp:*.example.org:53" },
	{ "icmp:lan",                 "icmp:lan" },
	{ "dns:example.org",          "dns:example.org" },
	{ "dns:any",                  "dns:any" },
	{ "listen:8080",              "listen:8080" },
	{ "listen:8000-8080",         "listen:8000-8080" },
	{ "listen:any",               "listen:any" },
	{ "10.1.2.3",                 "10.1.2.3" },
	{ "10.1.2.3/8",               "10.0.0.0/8" },
	{ "0.0.0.0/0",                "0.0.0.0/0" },
	{ "10.0.0.0/8:22",            "10.0.0.0/8:22" },
	{ "[::1]:80",                 "[::1]:80" },
	{ "[fd00::]/8",               "[fd00::]/8" },
	{ "[fd00::/8]:1",             "[fd00::]/8:1" },
	{ "[::ffff:10.0.0.1]",        "10.0.0.1" },
	{ "[::]/0",                   "[::]/0" },
	{ "internet",                 "internet" },
	{ "LAN",                      "lan" },
	{ "localhost:1",              "loopback:1" },
	{ "any",                      "any" },
	{ "host",                     "host" },
	{ "abstract",                 "abstract" },
	{ "printer",                  "printer" },
	{ "_dns.example.org",         "_dns.example.org" },
	{ "LISTEN:8080",              "listen:8080" },
	{ "tcp.:80",                  NULL }, /* found by fuzz_endpoint */
	{ "",                         NULL },
	{ ":80",                      NULL },
	{ "tcp:",                     NULL },
	{ "a:0",                      NULL },
	{ "a:65536",                  NULL },
	{ "a:1-",                     NULL },
	{ "a:2-1",                    NULL },
	{ "a:080",                    NULL },
	{ "a:+1",                     NULL },
	{ "::1",                      NULL },
	{ "[::1",                     NULL },
	{ "[::1]x",                   NULL },
	{ "[fe80::1%eth0]",           NULL },
	{ "1.2.3",                    NULL },
	{ "1.2.3.4.5",                NULL },
	{ "256.1.1.1",                NULL },
	{ "010.0.0.1",                NULL },
	{ "0x7f.1",                   NULL },
	{ "a.0x7f",                   NULL },
	{ "2130706433",               NULL },
	{ "1.2.3.4/33",               NULL },
	{ "1.2.3.4/",                 NULL },
	{ "[::1]/129",                NULL },
	{ "a..b",                     NULL },
	{ ".a",                       NULL },
	{ "-a.org",                   NULL },
	{ "a b",                      NULL },
	{ "*",                        NULL },
	{ "*.*.org",                  NULL },
	{ "a.*",                      NULL },
	{ "b\303\274cher.example",    NULL },
	{ "dns:1.2.3.4",              NULL },
	{ "dns:a.org:53",             NULL },
	{ "icmp:a.org:1",             NULL },
	{ "tcp:host",                 NULL },
	{ "host:80",                  NULL },
	{ "listen:",                  NULL },
	{ "listen:a",                 NULL },
	{ "http://example.org",       NULL },
};

static void test_forms(void)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	char name[200];

	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		struct endpoint e, again;
		bool good = parse(arena, forms[i].text, &e);
		const char *text = good ? endpoint_text(arena, &e) : NULL;

		snprintf(name, sizeof(name), "'%s' is %s", forms[i].text, forms[i].want ? forms[i].want : "refused");
		check(str_equal(text, forms[i].want), name);
		if (!text || !forms[i].want)
			continue;
		snprintf(name, sizeof(name), "'%s' means the same when read again", text);
		check(parse(arena, text, &again) && str_equal(endpoint_text(arena, &again), text) &&
		      again.access == e.access && endpoint_covers(&e, &again) &&
		      endpoint_covers(&again, &e), name);
	}
}

static const struct { const char *rule, *request; bool want; } covers[] = {
	{ "example.org",        "tcp:example.org:443",      true  },
	{ "example.org:443",    "tcp:example.org:443",      true  },
	{ "example.org:443",    "tcp:example.org:80",       false },
	{ "example.org:443",    "dns:example.org",          true  },
	{ "tcp:example.org",    "udp:example.org:1",        false },
	{ "*.example.org",      "tcp:www.example.org:1",    true  },
	{ "*.example.org",      "tcp:a.b.example.org:1",    true  },
	{ "*.example.org",      "tcp:example.org:1",        false },
	{ "*.example.org",      "tcp:badexample.org:1",     false },
	{ "dns:any",            "dns:example.org",          true  },
	{ "internet",           "dns:example.org",          false },
	{ "internet",           "tcp:example.org:1",        true  },
	{ "internet",           "tcp:printer.local:1",      false },
	{ "internet",           "tcp:printer:1",            false },
	{ "lan",                "tcp:printer:1",            true  },
	{ "internet",           "tcp:1.1.1.1:1",            true  },
	{ "internet",           "tcp:10.0.0.1:1",           false },
	{ "internet",           "tcp:127.0.0.1:1",          false },
	{ "internet",           "tcp:0.0.0.0:1",            false },
	{ "loopback",           "tcp:0.0.0.0:1",            true  },
	{ "loopback",           "tcp:127.9.9.9:1",          true  },
	{ "loopback",           "tcp:[::1]:1",              true  },
	{ "loopback",           "tcp:[::]:1",               true  },
	{ "loopback",           "tcp:[::ffff:127.0.0.1]:1", true  },
	{ "lan",                "tcp:10.255.0.1:1",         true  },
	{ "lan",                "tcp:172.31.0.1:1",         true  },
	{ "lan",                "tcp:172.32.0.1:1",         false },
	{ "lan",                "tcp:192.168.1.1:1",        true  },
	{ "lan",                "tcp:100.64.0.1:1",         true  },
	{ "lan",                "tcp:100.128.0.1:1",        false },
	{ "lan",                "tcp:169.254.169.254:1",    true  },
	{ "lan",                "udp:224.0.0.251:1",        true  },
	{ "lan",                "udp:255.255.255.255:1",    true  },
	{ "lan",                "tcp:[fe80::1]:1",          true  },
	{ "lan",                "tcp:[fd00::1]:1",          true  },
	{ "lan",                "udp:[ff02::1]:1",          true  },
	{ "lan",                "tcp:[2001:db8::1]:1",      false },
	{ "lan",                "tcp:[::ffff:10.0.0.1]:1",  true  },
	{ "lan",                "tcp:[64:ff9b::10.0.0.1]:1", true },
	{ "internet",           "tcp:[64:ff9b::1.1.1.1]:1", true  },
	{ "lan",                "tcp:[::10.0.0.1]:1",       true  },
	{ "10.0.0.0/8",         "tcp:[::ffff:10.0.0.1]:1",  true  },
	{ "10.0.0.0/8",         "tcp:[64:ff9b::10.0.0.1]:1", true },
	{ "[64:ff9b::]/96",     "tcp:[64:ff9b::10.0.0.1]:1", true },
	{ "10.0.0.0/8",         "tcp:11.0.0.1:1",           false },
	{ "10.0.0.128/25",      "tcp:10.0.0.127:1",         false },
	{ "10.0.0.128/25",      "tcp:10.0.0.200:1",         true  },
	{ "0.0.0.0/0",          "tcp:1.1.1.1:1",            true  },
	{ "0.0.0.0/0",          "tcp:[2001:db8::1]:1",      false },
	{ "[::]/0",             "tcp:[2001:db8::1]:1",      true  },
	{ "[::]/0",             "tcp:1.1.1.1:1",            false },
	{ "lan",                "0.0.0.0/0",                false },
	{ "internet",           "8.0.0.0/6",                false },
	{ "internet",           "8.0.0.0/8",                true  },
	{ "any",                "tcp:1.1.1.1:1",            true  },
	{ "any",                "icmp:1.1.1.1",             true  },
	{ "icmp:any",           "udp:1.1.1.1:1",            false },
	{ "udp:any",            "icmp:1.1.1.1",             false },
	{ "icmp:a.org",         "dns:a.org",                true  },
	{ "icmp:a.org",         "udp:a.org:1",              false },
	{ "any",                "listen:80",                false },
	{ "listen:any",         "listen:80",                true  },
	{ "listen:80",          "listen:81",                false },
	{ "any",                "host",                     false },
	{ "host",               "tcp:1.1.1.1:1",            true  },
	{ "host",               "listen:80",                true  },
	{ "host",               "dns:example.org",          true  },
	{ "abstract",           "abstract",                 true  },
	{ "any",                "abstract",                 false },
	{ "host",               "abstract",                 false },
	{ "abstract",           "host",                     false },
	{ "abstract",           "127.0.0.1:1",              false },
};

static void test_covers(void)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	char name[200];

	for (size_t i = 0; i < ARRAY_SIZE(covers); i++) {
		struct endpoint rule, request;
		bool good = parse(arena, covers[i].rule, &rule) && parse(arena, covers[i].request, &request);

		if (good && request.access != ACCESS_RESOLVE && request.form < HOST_HOST)
			request.access &= ~(unsigned)ACCESS_RESOLVE;
		snprintf(name, sizeof(name), "'%s' %s '%s'", covers[i].rule,
			 covers[i].want ? "covers" : "does not cover", covers[i].request);
		check(good && endpoint_covers(&rule, &request) == covers[i].want, name);
	}
}

int main(void)
{
	test_forms();
	test_covers();
	printf("1..%u\n", number);
	return failed != 0;
}
