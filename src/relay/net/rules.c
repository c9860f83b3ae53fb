/* relay/net/rules.c - questions to the oracle.  Must not: resolve, remember an answer. */
#include "relay/net/rules.h"
#include "base/limits.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

static const struct { const char *word; enum effect effect; } effects[] = {
	{ "allow ", EFFECT_ALLOW }, { "ask ", EFFECT_ASK }, { "deny ", EFFECT_DENY },
};

static int parse_line(struct arena *arena, const char *line, struct diags *d, struct rule *ret)
{
	struct endpoint *endpoint = arena_new_object(arena, struct endpoint);

	for (size_t i = 0; i < ARRAY_SIZE(effects); i++) {
		if (!str_starts(line, effects[i].word))
			continue;
		*ret = (struct rule){ .kind = KIND_NETWORK, .effect = effects[i].effect, .endpoint = endpoint,
				      .category = CATEGORY_NETWORKING, .pattern = line + strlen(effects[i].word) };
		if (endpoint_parse(arena, ret->pattern, NULL, d, endpoint) < 0)
			return -EINVAL;
		ret->access = endpoint->access;
		return 0;
	}
	return -EINVAL;
}

static int parse_publication(struct arena *arena, const char *text, struct rules *rules)
{
	struct publication publication;

	if (!publication_parse(text, &publication))
		return -EINVAL;
	*vec_push(arena, &rules->publications) = publication;
	return 0;
}

static int parse_lent(struct arena *arena, const char *text, struct rules *rules)
{
	struct lending lending;

	if (!lending_parse(text, false, &lending))
		return -EINVAL;
	*vec_push(arena, &rules->lent) = lending;
	return 0;
}

static int parse_exposed(struct arena *arena, const char *text, struct rules *rules)
{
	struct lending lending;

	if (!lending_parse(text, true, &lending))
		return -EINVAL;
	*vec_push(arena, &rules->exposed) = lending;
	return 0;
}

static int parse_server(struct arena *arena, const char *text, struct rules *rules)
{
	const char *mapped = strchr(text, ':') ? text : arena_printf(arena, "::ffff:%s", text);
	struct name_server server;

	if (inet_pton(AF_INET6, mapped, server.address) != 1)
		return -EINVAL;
	*vec_push(arena, &rules->servers) = server;
	return 0;
}

static int parse_network(struct arena *arena, const char *text, struct rules *rules)
{
	size_t length = strcspn(text, " ");

	if (!length || text[length] != ' ' || !rules_is_cage(text + length + 1, strlen(text + length + 1)))
		return -EINVAL;
	rules->network = arena_strndup(arena, text, length);
	rules->cage = text + length + 1;
	return 0;
}

static const struct {
	const char *word;
	int (*parse)(struct arena *arena, const char *text, struct rules *rules);
} openings[] = {
	{ "expose ", parse_exposed }, { "lend ", parse_lent }, { "network ", parse_network },
	{ "publish ", parse_publication }, { "server ", parse_server },
};

static const struct { const char *word; size_t offset; } switches[] = {
	{ "check-names", offsetof(struct rules, check_names) }, { "tunnel", offsetof(struct rules, tunnel) },
};

/* A line that is no rule; -ENOENT: it is one. */
static int parse_opening(struct arena *arena, const char *line, struct rules *rules)
{
	for (size_t i = 0; i < ARRAY_SIZE(switches); i++)
		if (str_equal(line, switches[i].word)) {
			*(bool *)((char *)rules + switches[i].offset) = true;
			return 0;
		}
	for (size_t i = 0; i < ARRAY_SIZE(openings); i++)
		if (str_starts(line, openings[i].word))
			return openings[i].parse(arena, line + strlen(openings[i].word), rules);
	return -ENOENT;
}

int rules_parse(struct arena *arena, const char *text, struct diags *d, struct rules *ret)
{
	struct rules all = { .onlink = { .fd = -1 } };
	VEC(struct rule) rules = { 0 };

	while (*text) {
		size_t length = strcspn(text, "\n");
		const char *line = arena_strndup(arena, text, length);
		int r = parse_opening(arena, line, &all);
		if (r == -ENOENT)
			r = parse_line(arena, line, d, vec_push(arena, &rules));
		if (r < 0)
			return r;
		text += length + (text[length] == '\n');
	}
	all.policy = (struct policy){ .arena = arena, .rules = rules.items, .rule_count = rules.count };
	policy_sort(&all.policy);
	*ret = all;
	return 0;
}

static struct verdict decide(const struct rules *r, unsigned access, struct endpoint endpoint, uint16_t port)
{
	struct request request = { .kind = KIND_NETWORK, .access = access, .verb = "connect", .endpoint = endpoint };

	if (access == RULES_PING) {
		request.access = ACCESS_SEND;
		request.endpoint.icmp = true;
	}
	request.endpoint.access = request.access;
	request.endpoint.first_port = request.endpoint.last_port = port;
	return policy_decide(&r->policy, &request);
}

static struct endpoint name_endpoint(const char *name)
{
	return (struct endpoint){ .form = HOST_NAME, .name = name };
}

static struct endpoint address_endpoint(const uint8_t address[16])
{
	struct endpoint endpoint = { .form = HOST_NETWORK, .prefix = 128 };

	memcpy(endpoint.address, address, sizeof(endpoint.address));
	return endpoint;
}

bool rules_may_resolve(const struct rules *r, const char *name)
{
	return decide(r, ACCESS_RESOLVE, name_endpoint(name), 0).effect == EFFECT_ALLOW;
}

bool rules_may_reach_name(const struct rules *r, unsigned access, const char *name, uint16_t port)
{
	if (r->check_names && access == ACCESS_SEND && port == 443)
		return false; /* QUIC, whose hello only its server can read */
	return decide(r, access, name_endpoint(name), port).effect == EFFECT_ALLOW;
}

bool rules_may_listen(const struct rules *r, uint16_t port)
{
	return decide(r, ACCESS_LISTEN, (struct endpoint){ .form = HOST_ANY }, port).effect == EFFECT_ALLOW;
}

size_t rules_cage_length(const struct rules *r, const char *name)
{
	size_t length = strlen(name), end = r->network ? strlen(r->network) : 0;

	if (!end || length <= end + 1 || name[length - end - 1] != '.' || !str_equal(name + length - end, r->network))
		return 0;
	return length - end - 1;
}

bool rules_is_cage(const char *name, size_t length)
{
	if (length == 0 || length > LIMIT_NAME_LENGTH || strchr("-.", *name))
		return false;
	for (size_t i = 0; i < length; i++)
		if (!name[i] || !strchr("abcdefghijklmnopqrstuvwxyz0123456789-_.", name[i]))
			return false;
	return true;
}

/* Is there an allow that names this very network, not only "the internet"? */
static bool is_named(const struct rules *r, unsigned access, const uint8_t address[16], uint16_t port)
{
	struct endpoint request = address_endpoint(address);

	request.access = access == RULES_PING ? ACCESS_SEND : access;
	request.icmp = access == RULES_PING;
	request.first_port = request.last_port = port;
	for (size_t i = 0; i < r->policy.rule_count; i++) {
		const struct rule *rule = &r->policy.rules[i];
		if (rule->effect == EFFECT_ALLOW && rule->endpoint->form == HOST_NETWORK &&
		    endpoint_covers(rule->endpoint, &request))
			return true;
	}
	return false;
}

static bool is_denied(struct verdict verdict)
{
	return verdict.rule && verdict.effect == EFFECT_DENY;
}

/* Whatever its number says, the address is one of the local network. */
static bool is_near_open(const struct rules *r, unsigned access, const uint8_t address[16], uint16_t port,
			 bool by_local_name)
{
	struct verdict lan = decide(r, access, (struct endpoint){ .form = HOST_LAN }, port);

	if (is_denied(lan))
		return false;
	return lan.effect == EFFECT_ALLOW || by_local_name || is_named(r, access, address, port);
}

bool rules_may_reach(const struct rules *r, unsigned access, const uint8_t address[16], uint16_t port)
{
	if (endpoint_class(address) == HOST_LOOPBACK ||
	    decide(r, access, address_endpoint(address), port).effect != EFFECT_ALLOW)
		return false;
	return !onlink_has(&r->onlink, address) || is_near_open(r, access, address, port, false);
}

bool rules_may_be(const struct rules *r, unsigned access, const char *name, const uint8_t address[16],
		  uint16_t port)
{
	enum host_form class = endpoint_class(address);

	if (class == HOST_LOOPBACK || is_denied(decide(r, access, address_endpoint(address), port)))
		return false;
	if (class == HOST_INTERNET && !onlink_has(&r->onlink, address))
		return true;
	return is_near_open(r, access, address, port, endpoint_name_class(name) == HOST_LAN);
}
