/* test_decide.c - the oracle, question by question; and the questions that are refused. */
#include "policy/policy.h"

#include <stdio.h>
#include <string.h>

static unsigned number, failed;

static void check(bool good, const char *name)
{
	failed += !good;
	printf("%sok %u - %s\n", good ? "" : "not ", ++number, name);
}

enum { RW = ACCESS_READ | ACCESS_WRITE, RX = ACCESS_READ | ACCESS_EXECUTE, ALL = 7 };

static const struct { enum kind kind; enum effect effect; unsigned access; const char *pattern; } table[] = {
	{ KIND_FILE,       EFFECT_ALLOW, RW,            "/home/me/project/**" },
	{ KIND_FILE,       EFFECT_ALLOW, RX,            "/usr/**" },
	{ KIND_FILE,       EFFECT_ALLOW, ACCESS_READ,   "/etc/hosts" },
	{ KIND_FILE,       EFFECT_ALLOW, ACCESS_READ,   "/secret/a/**" },
	{ KIND_FILE,       EFFECT_DENY,  ALL,           "/secret/**" },
	{ KIND_FILE,       EFFECT_DENY,  ALL,           "/home/me/project/.git/**" },
	{ KIND_FILE,       EFFECT_DENY,  ACCESS_WRITE,  "/home/me/project/locked" },
	{ KIND_FILE,       EFFECT_ASK,   ACCESS_READ,   "/home/me/**" },
	{ KIND_FILE,       EFFECT_LOG,   ALL,           "/var/**" },
	{ KIND_NETWORK,    EFFECT_ALLOW, 0,             "internet" },
	{ KIND_NETWORK,    EFFECT_ALLOW, 0,             "example.org:443" },
	{ KIND_NETWORK,    EFFECT_DENY,  0,             "example.org:80" },
	{ KIND_NETWORK,    EFFECT_DENY,  0,             "10.0.0.0/8" },
	{ KIND_NETWORK,    EFFECT_ASK,   0,             "lan" },
	{ KIND_NETWORK,    EFFECT_ALLOW, 0,             "listen:8000-8080" },
	{ KIND_NETWORK,    EFFECT_DENY,  0,             "host" },
	{ KIND_NETWORK,    EFFECT_ALLOW, 0,             "abstract" },
	{ KIND_SYSCALL,    EFFECT_ALLOW, ACCESS_USE,    "read" },
	{ KIND_SYSCALL,    EFFECT_ALLOW, ACCESS_USE,    "clone" },
	{ KIND_SYSCALL,    EFFECT_ALLOW, ACCESS_USE,    "socket(inet)" },
	{ KIND_SYSCALL,    EFFECT_ALLOW, ACCESS_USE,    "ioctl(any)" },
	{ KIND_SYSCALL,    EFFECT_DENY,  ACCESS_USE,    "ioctl" },
	{ KIND_CAPABILITY, EFFECT_ALLOW, ACCESS_USE,    "CAP_NET_RAW" },
	{ KIND_DEVICE,     EFFECT_ALLOW, ACCESS_USE,    "/dev/dri/*" },
	{ KIND_BUS,        EFFECT_ALLOW, ACCESS_TALK,   "org.talk.*" },
	{ KIND_BUS,        EFFECT_ALLOW, ACCESS_SEE,    "org.seen" },
	{ KIND_BUS,        EFFECT_ALLOW, ACCESS_OWN,    "org.mine" },
	{ KIND_BUS,        EFFECT_DENY,  ACCESS_TALK,   "org.talk.not" },
	{ KIND_BUS,        EFFECT_ALLOW, ACCESS_CALL,   "org.some=org.some.Iface.*@/org/some/*" },
	{ KIND_BUS,        EFFECT_DENY,  ACCESS_CALL,   "org.talk.less=org.talk.Kill" },
};

static const struct { const char *question; enum effect want; const char *by; } answers[] = {
	{ "read ~/project/a",                 EFFECT_ALLOW, "/home/me/project/**" },
	{ "create a",                         EFFECT_ALLOW, "/home/me/project/**" },
	{ "delete ./a",                       EFFECT_ALLOW, "/home/me/project/**" },
	{ "execute a",                        EFFECT_DENY,  NULL },
	{ "read .git/config",                 EFFECT_DENY,  "/home/me/project/.git/**" },
	{ "read locked",                      EFFECT_ALLOW, "/home/me/project/**" },
	{ "write locked",                     EFFECT_DENY,  "/home/me/project/locked" },
	{ "read ../other",                    EFFECT_ASK,   "/home/me/**" },
	{ "write ../other",                   EFFECT_DENY,  NULL },
	{ "read /usr/../etc/shadow",          EFFECT_DENY,  NULL },
	{ "execute /usr/bin/true",            EFFECT_ALLOW, "/usr/**" },
	{ "write /usr/bin/true",              EFFECT_DENY,  NULL },
	{ "list /usr/bin",                    EFFECT_ALLOW, "/usr/**" },
	{ "read /var/log/x",                  EFFECT_DENY,  NULL },
	{ "read /secret/a/b",                 EFFECT_DENY,  "/secret/**" },
	{ "connect example.org:443",          EFFECT_ALLOW, "example.org:443" },
	{ "connect example.org:80",           EFFECT_DENY,  "example.org:80" },
	{ "connect EXAMPLE.org.:80",          EFFECT_DENY,  "example.org:80" },
	{ "resolve example.org",              EFFECT_ALLOW, "example.org:443" },
	{ "resolve other.org",                EFFECT_DENY,  NULL },
	{ "connect 1.1.1.1:53",               EFFECT_ALLOW, "internet" },
	{ "send udp:1.1.1.1:53",              EFFECT_ALLOW, "internet" },
	{ "connect 10.0.0.1:22",              EFFECT_DENY,  "10.0.0.0/8" },
	{ "connect [::ffff:10.0.0.1]:22",     EFFECT_DENY,  "10.0.0.0/8" },
	{ "connect 192.168.0.1:22",           EFFECT_ASK,   "lan" },
	{ "connect localhost:22",             EFFECT_DENY,  NULL },
	{ "connect @/tmp/.X11-unix/X0",       EFFECT_ALLOW, "abstract" },
	{ "listen 8080",                      EFFECT_ALLOW, "listen:8000-8080" },
	{ "listen 80",                        EFFECT_DENY,  NULL },
	{ "syscall read",                     EFFECT_ALLOW, "read" },
	{ "syscall readv",                    EFFECT_DENY,  NULL },
	{ "syscall clone",                    EFFECT_ALLOW, "clone" },
	{ "syscall clone(user-namespace)",    EFFECT_DENY,  NULL },
	{ "syscall socket(inet)",             EFFECT_ALLOW, "socket(inet)" },
	{ "syscall socket",                   EFFECT_DENY,  NULL },
	{ "syscall ioctl(any)",               EFFECT_DENY,  "ioctl" },
	{ "syscall ioctl(TIOCSTI)",           EFFECT_DENY,  "ioctl" },
	{ "capability net-raw",               EFFECT_ALLOW, "CAP_NET_RAW" },
	{ "capability CAP_NET_RAW",           EFFECT_ALLOW, "CAP_NET_RAW" },
	{ "capability net_admin",             EFFECT_DENY,  NULL },
	{ "device /dev/dri/card0",            EFFECT_ALLOW, "/dev/dri/*" },
	{ "device sda",                       EFFECT_DENY,  NULL },
	{ "talk org.talk",                    EFFECT_ALLOW, "org.talk.*" },
	{ "talk org.talk.more",               EFFECT_ALLOW, "org.talk.*" },
	{ "talk org.talker",                  EFFECT_DENY,  NULL },
	{ "see org.talk.more",                EFFECT_ALLOW, "org.talk.*" },
	{ "own org.talk.more",                EFFECT_DENY,  NULL },
	{ "talk org.talk.not",                EFFECT_DENY,  "org.talk.not" },
	{ "see org.talk.not",                 EFFECT_ALLOW, "org.talk.*" },
	{ "call org.talk.not.Do",             EFFECT_DENY,  "org.talk.not" },
	{ "see org.seen",                     EFFECT_ALLOW, "org.seen" },
	{ "talk org.seen",                    EFFECT_DENY,  NULL },
	{ "talk org.mine",                    EFFECT_ALLOW, "org.mine" },
	{ "talk system:org.mine",             EFFECT_DENY,  NULL },
	{ "call org.some=org.some.Iface.Do@/org/some/x", EFFECT_ALLOW, "org.some=org.some.Iface.*@/org/some/*" },
	{ "call org.some=org.some.Iface.Do@/org/other",  EFFECT_DENY,  NULL },
	{ "talk org.some",                    EFFECT_DENY,  NULL },
	{ "see org.some",                     EFFECT_ALLOW, "org.some=org.some.Iface.*@/org/some/*" },
	{ "call org.talk.less=org.talk.Kill", EFFECT_DENY,  "org.talk.less=org.talk.Kill" },
	{ "call org.talk.less=org.talk.Hug",  EFFECT_ALLOW, "org.talk.*" },
	{ "see org.talk.less",                EFFECT_ALLOW, "org.talk.*" },
};

static const char *const refused[] = {
	"", "read", "raed /x", "connect example.org", "connect lan:80", "connect 10.0.0.0/8:1",
	"connect *.example.org:1", "resolve 1.2.3.4", "resolve *.org", "listen any", "listen 1-2",
	"syscall Read", "syscall clone(", "syscall clone()", "syscall clone(a)b", "capability a b",
	"talk .org", "talk org..x", "talk", "connect host",
};

static void policy_fill(struct policy *policy, struct diags *d)
{
	policy->rules = arena_new_array(policy->arena, struct rule, ARRAY_SIZE(table));
	policy->rule_count = ARRAY_SIZE(table);
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct rule *rule = &policy->rules[i];
		struct endpoint *e = arena_new_object(policy->arena, struct endpoint);

		*rule = (struct rule){ .kind = table[i].kind, .effect = table[i].effect,
				       .access = table[i].access, .pattern = table[i].pattern };
		if (rule->kind == KIND_FILE || rule->kind == KIND_DEVICE)
			must(glob_compile(policy->arena, rule->pattern, NULL, d, &rule->glob) == 0);
		if (rule->kind != KIND_NETWORK)
			continue;
		must(endpoint_parse(policy->arena, rule->pattern, NULL, d, e) == 0);
		rule->endpoint = e;
		rule->access = e->access;
	}
	policy_sort(policy);
}

static void test_way(const struct policy *policy, struct diags *d)
{
	static const struct { const char *question; bool allowed, on_the_way; } rows[] = {
		{ "list /",                  true,  true  },
		{ "list /etc",               true,  true  },
		{ "list /usr",               true,  true  },
		{ "list /usr/lib",           true,  false },
		{ "list /home",              true,  true  },
		{ "list /secret",            false, false },
		{ "list /var",               false, false },
		{ "list /opt",               false, false },
		{ "read /etc/",              false, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct request request;
		bool good = request_parse(policy->arena, rows[i].question, "/home/me", "/", d, &request) == 0;
		struct verdict v = { 0 };

		if (good)
			v = policy_decide(policy, &request);
		check(good && (v.effect == EFFECT_ALLOW) == rows[i].allowed &&
		      v.on_the_way == rows[i].on_the_way && (v.rule || !rows[i].allowed),
		      rows[i].question);
	}
}

int main(void)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct policy policy = { .arena = arena };
	struct request request;
	struct diags d;
	char name[200];

	diags_init(&d, arena);
	policy_fill(&policy, &d);
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		struct verdict v = { .effect = EFFECT_LOG };

		if (request_parse(arena, answers[i].question, "/home/me", "/home/me/project", &d, &request) == 0)
			v = policy_decide(&policy, &request);
		snprintf(name, sizeof(name), "%s: %s", answers[i].question, effect_name(answers[i].want));
		check(v.effect == answers[i].want &&
		      str_equal(v.rule ? v.rule->pattern : NULL, answers[i].by), name);
	}
	test_way(&policy, &d);
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		size_t before = d.errors;

		snprintf(name, sizeof(name), "'%s' is refused, with help", refused[i]);
		check(request_parse(arena, refused[i], "/home/me", "/", &d, &request) < 0 &&
		      d.errors == before + 1 && d.list.items[d.list.count - 1].help, name);
	}
	check(request_parse(arena, "raed /x", "/", "/", &d, &request) < 0 &&
	      strstr(d.list.items[d.list.count - 1].help, "'read'"), "the nearest verb is offered");
	printf("1..%u\n", number);
	return failed != 0;
}
