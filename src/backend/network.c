/* backend/network.c - which network a cage gets, and who enforces the endpoint rules.
 * The relay decides by the oracle itself; the kernel's rules refuse early what can be told by address. */
#include "backend/abstract.h"
#include "backend/network.h"

#include <errno.h>
#include <string.h>

static bool is_full(const struct endpoint *e, unsigned access)
{
	return (e->access & access) == access && e->first_port == 0 && e->last_port == UINT16_MAX;
}

/* Is everything outside denied in one word? */
static bool denies_all(const struct policy *policy, unsigned access)
{
	for (size_t i = 0; i < policy->rule_count; i++) {
		const struct rule *rule = &policy->rules[i];

		if (rule->kind == KIND_NETWORK && rule->effect == EFFECT_DENY &&
		    rule->endpoint->form == HOST_ANY && !rule->endpoint->icmp && is_full(rule->endpoint, access))
			return true;
	}
	return false;
}

static bool wants_host(const struct policy *policy)
{
	bool allowed = false;

	for (size_t i = 0; i < policy->rule_count; i++) {
		const struct rule *rule = &policy->rules[i];

		if (rule->kind != KIND_NETWORK)
			continue;
		if (rule->effect == EFFECT_DENY &&
		    (rule->endpoint->form == HOST_HOST || rule->endpoint->form == HOST_ANY))
			return false;
		allowed = allowed || (rule->effect == EFFECT_ALLOW && rule->endpoint->form == HOST_HOST);
	}
	return allowed;
}

/* Does the rule speak of something outside the cage that the relay can carry? */
static bool is_outside(const struct rule *rule)
{
	const struct endpoint *e = rule->endpoint;

	return rule->kind == KIND_NETWORK && e->form != HOST_LOOPBACK && e->form < HOST_HOST && !e->icmp &&
	       e->access & (ACCESS_CONNECT | ACCESS_SEND | ACCESS_RESOLVE);
}

bool network_is_ping(const struct rule *rule)
{
	const struct endpoint *e = rule->endpoint;

	return rule->kind == KIND_NETWORK && rule->effect == EFFECT_ALLOW && e->icmp && e->form != HOST_LOOPBACK &&
	       e->form < HOST_HOST;
}

/* The first thing that leads in or out beside the rules; NULL: nothing. */
static const struct text_setting *first_opening(const struct policy *policy)
{
	const struct text_list *lists[] = { &policy->publish, &policy->lend, &policy->expose };

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		if (lists[i]->count)
			return lists[i]->items;
	return NULL;
}

/* The first rule that leads out; NULL: there is none. */
static const struct rule *first_way_out(const struct policy *policy)
{
	if (denies_all(policy, ACCESS_CONNECT | ACCESS_SEND)) /* then a name is of no use either */
		return NULL;
	for (size_t i = 0; i < policy->rule_count; i++)
		if (network_is_ping(&policy->rules[i]) ||
		    (policy->rules[i].effect == EFFECT_ALLOW && is_outside(&policy->rules[i])))
			return &policy->rules[i];
	return NULL;
}

bool network_leads_out(const struct policy *policy)
{
	return first_way_out(policy) != NULL;
}

enum network_mode network_mode(const struct policy *policy)
{
	if (wants_host(policy))
		return NETWORK_HOST;
	return first_opening(policy) || first_way_out(policy) ? NETWORK_RELAY : NETWORK_NONE;
}

static bool closes_loopback(const struct rule *rule)
{
	return rule->kind == KIND_NETWORK && rule->effect == EFFECT_DENY &&
	       (rule->endpoint->form == HOST_LOOPBACK || rule->endpoint->form == HOST_ANY) &&
	       rule->endpoint->access & (ACCESS_CONNECT | ACCESS_SEND | ACCESS_LISTEN);
}

/* A cage that may not use loopback gets a namespace in which it is down, or closed by rules. */
static bool denies_loopback(const struct policy *policy)
{
	for (size_t i = 0; i < policy->rule_count; i++)
		if (closes_loopback(&policy->rules[i]))
			return true;
	return false;
}

bool network_has_port(const struct policy *policy, unsigned access, uint16_t port)
{
	struct request request = {
		.kind = KIND_NETWORK, .access = access, .verb = access == ACCESS_LISTEN ? "listen" : "connect",
		.endpoint = { .access = access, .first_port = port, .last_port = port,
			      .form = access == ACCESS_LISTEN ? HOST_ANY : HOST_LOOPBACK },
	};

	return policy_decide(policy, &request).effect == EFFECT_ALLOW && !denies_loopback(policy);
}

/* ---- the rules of the kernel ---- */

/* Rules of one effect with the same protocols and ports share a set: ranges in a set merge only then. */
struct group {
	const struct endpoint *like;
	enum effect effect;
	bool any, internet, lan;
	struct strbuf networks[2]; /* IPv4, IPv6: elements */
};

struct text {
	struct arena *arena;
	struct strbuf out, more; /* more: elements that are added when all else is there */
	VEC(struct group) groups;
};

static struct group *group_of(struct text *t, const struct rule *rule)
{
	const struct endpoint *e = rule->endpoint;
	unsigned both = ACCESS_CONNECT | ACCESS_SEND;

	for (size_t i = 0; i < t->groups.count; i++) {
		struct group *g = &t->groups.items[i];

		if (g->effect == rule->effect && (g->like->access & both) == (e->access & both) &&
		    g->like->first_port == e->first_port && g->like->last_port == e->last_port)
			return g;
	}
	struct group *g = vec_push(t->arena, &t->groups);
	*g = (struct group){ .like = e, .effect = rule->effect };
	g->networks[0].arena = g->networks[1].arena = t->arena;
	return g;
}

/* The network as nft writes it: without brackets. */
static void add_network(struct arena *arena, struct strbuf lists[2], struct endpoint e)
{
	const char *text;

	e.access = ACCESS_CONNECT | ACCESS_SEND;
	e.first_port = 0;
	e.last_port = UINT16_MAX;
	text = endpoint_text(arena, &e);
	struct strbuf *list = &lists[*text == '['];
	strbuf_add(list, list->length ? ", " : "");
	for (; *text; text++)
		if (*text != '[' && *text != ']')
			strbuf_add_bytes(list, text, 1);
}

static void add_rule(struct text *t, const struct rule *rule)
{
	struct group *g;

	if (!is_outside(rule) || !(rule->endpoint->access & (ACCESS_CONNECT | ACCESS_SEND)))
		return;
	if (rule->effect != EFFECT_ALLOW && rule->effect != EFFECT_DENY)
		return; /* an ask without an allow is refused at the end anyway */
	if (rule->endpoint->form == HOST_NAME || rule->endpoint->form == HOST_SUFFIX)
		return; /* names are the relay's */
	g = group_of(t, rule);
	g->any = g->any || rule->endpoint->form == HOST_ANY;
	g->internet = g->internet || rule->endpoint->form == HOST_INTERNET;
	g->lan = g->lan || rule->endpoint->form == HOST_LAN;
	if (rule->endpoint->form == HOST_NETWORK)
		add_network(t->arena, g->networks, *rule->endpoint);
}

/* As many elements as may be loaded at a time. */
static size_t some_elements(const char *elements)
{
	size_t length = 0;

	for (unsigned i = 0; elements[length] && i < NETWORK_RULES_ELEMENTS; i++) {
		length += length ? 1 : 0; /* the comma */
		length += strcspn(elements + length, ",");
	}
	return length;
}

static void print_set(struct text *t, const char *name, bool v6, const char *elements)
{
	size_t length = some_elements(elements);
	char family = v6 ? '6' : '4';

	if (!length)
		return;
	strbuf_addf(&t->out, "\tset %s%c {\n\t\ttype ipv%c_addr\n\t\tflags interval\n\t\tauto-merge\n"
			     "\t\telements = { %.*s }\n\t}\n", name, family, family, (int)length, elements);
	while (*(elements += length)) {
		elements++;
		length = some_elements(elements);
		strbuf_addf(&t->more, NETWORK_RULES_THEN "add element inet cuddy %s%c { %.*s }\n", name, family, (int)length,
			    elements);
	}
}

static void print_sets(struct text *t)
{
	struct strbuf local[2] = { { .arena = t->arena }, { .arena = t->arena } };
	struct endpoint special;

	for (size_t i = 0; endpoint_special(i, &special); i++)
		add_network(t->arena, local, special);
	for (unsigned v6 = 0; v6 < 2; v6++)
		print_set(t, "local", v6, strbuf_text(&local[v6]));
	for (size_t i = 0; i < t->groups.count; i++)
		for (unsigned v6 = 0; v6 < 2; v6++)
			print_set(t, arena_printf(t->arena, "group%zu_", i), v6,
				  strbuf_text(&t->groups.items[i].networks[v6]));
}

/* "tcp dport 443", "meta l4proto { tcp, udp } th dport 1-1023", "" … */
static const char *protocol_text(struct arena *arena, const struct endpoint *e)
{
	bool tcp = e->access & ACCESS_CONNECT, udp = e->access & ACCESS_SEND;
	const char *protocol = tcp && udp ? "meta l4proto { tcp, udp } th" : tcp ? "tcp" : "udp";

	if (is_full(e, ACCESS_CONNECT | ACCESS_SEND))
		return "";
	return e->first_port == e->last_port ? arena_printf(arena, "%s dport %u ", protocol, e->first_port)
					     : arena_printf(arena, "%s dport %u-%u ", protocol, e->first_port, e->last_port);
}

static void print_group(struct text *t, size_t index)
{
	const struct group *g = &t->groups.items[index];
	const char *what = protocol_text(t->arena, g->like);
	const char *then = g->effect == EFFECT_DENY ? "goto refuse" : "accept";

	for (unsigned v6 = 0; v6 < 2; v6++) {
		const char *daddr = v6 ? "ip6 daddr" : "ip daddr", *family = v6 ? "6" : "4";

		if (g->networks[v6].length)
			strbuf_addf(&t->out, "\t\t%s @group%zu_%s %s%s\n", daddr, index, family, what, then);
		if (g->internet)
			strbuf_addf(&t->out, "\t\t%s != @local%s %s%s\n", daddr, family, what, then);
		if (g->lan)
			strbuf_addf(&t->out, "\t\t%s @local%s %s%s\n", daddr, family, what, then);
	}
	if (g->any)
		strbuf_addf(&t->out, "\t\t%s%s\n", what, then);
}

static void print_groups(struct text *t, enum effect effect)
{
	for (size_t i = 0; i < t->groups.count; i++)
		if (t->groups.items[i].effect == effect)
			print_group(t, i);
}

#define OWN4 "{ 127.0.0.0/8, " SYNTHETIC_OWN4 " }"
#define OWN6 "{ ::1, " SYNTHETIC_OWN6 " }"

/* What stays inside.  The relay's answers come from other addresses and are let through. */
static const char *own_rules(const struct policy *policy)
{
	if (!denies_loopback(policy))
		return "\t\tip daddr " OWN4 " accept\n"
		       "\t\tip6 daddr " OWN6 " accept\n";
	return "\t\ttcp flags rst accept comment \"what refuse sends back\"\n"
	       "\t\tip saddr " OWN4 " ip daddr " SYNTHETIC_OWN4 " meta l4proto { tcp, udp } th dport 53 accept\n"
	       "\t\tip saddr " SYNTHETIC_OWN4 " ip daddr " OWN4 " meta l4proto { tcp, udp } th sport 53 accept\n"
	       "\t\tip saddr " OWN4 " ip daddr " OWN4 " goto refuse\n"
	       "\t\tip6 saddr " OWN6 " ip6 daddr " OWN6 " goto refuse\n"
	       "\t\tip daddr " SYNTHETIC_OWN4 " accept\n"
	       "\t\tip6 daddr " SYNTHETIC_OWN6 " accept\n";
}

/* Cages of its private network come from the addresses that their names have here. */
#define PEER_RULE "\t\tsocket wildcard 0 accept comment \"to who came from there\"\n" \
	"\t\ticmp type echo-reply accept\n\t\ticmpv6 type echo-reply accept\n"
#define PEER_OUTPUT "\t\tip saddr " OWN4 " icmp type echo-reply accept\n" \
	"\t\tip6 saddr " OWN6 " icmpv6 type echo-reply accept\n"

/* Where some may be pinged the relay gets all echo requests: the cage's own kernel would answer each of them. */
#define PING_CHAIN "\tchain ping {\n" NETWORK_PING_RULE "\t\tdrop comment \"the relay decides\"\n\t}\n"
#define PING_OUTPUT "\t\ticmp type echo-request accept\n\t\ticmpv6 type echo-request accept\n"
#define PING_RULE "\t\ticmp type echo-request goto ping\n\t\ticmpv6 type echo-request goto ping\n"

static bool allows_ping(const struct policy *policy)
{
	for (size_t i = 0; i < policy->rule_count; i++) {
		const struct rule *rule = &policy->rules[i];

		if (network_is_ping(rule) || (rule->effect == EFFECT_ALLOW && is_outside(rule) &&
					      is_full(rule->endpoint, ACCESS_CONNECT | ACCESS_SEND)))
			return true;
	}
	return false;
}

const char *network_rules(struct arena *arena, const struct policy *policy)
{
	struct text t = { .arena = arena, .out = { .arena = arena }, .more = { .arena = arena } };
	bool pings = allows_ping(policy);

	for (size_t i = 0; i < policy->rule_count; i++)
		add_rule(&t, &policy->rules[i]);
	strbuf_add(&t.out, "table inet cuddy {\n\tcounter refused { }\n");
	print_sets(&t);
	strbuf_addf(&t.out,
		"\tchain refuse {\n"
		"\t\tcounter name refused\n"
		NETWORK_LOG_RULE
		"\t\tmeta l4proto tcp reject with tcp reset\n"
		"\t\treject with icmpx admin-prohibited\n"
		"\t}\n"
		"%s"
		"\tchain output {\n"
		"\t\ttype filter hook output priority filter; policy drop;\n"
		"%s%s%s"
		"\t\tmeta l4proto != { tcp, udp } goto refuse\n"
		"\t\tip daddr " SYNTHETIC_NAMES4 " accept comment \"names: the relay decides\"\n"
		"\t\tip6 daddr " SYNTHETIC_NAMES6 " accept comment \"names: the relay decides\"\n",
		pings ? PING_CHAIN : "", own_rules(policy), policy->network.value ? PEER_OUTPUT : "", pings ? PING_OUTPUT : "");
	print_groups(&t, EFFECT_DENY);
	print_groups(&t, EFFECT_ALLOW);
	strbuf_addf(&t.out,
		"\t\tgoto refuse\n"
		"\t}\n"
		"\tchain prerouting {\n"
		"\t\ttype filter hook prerouting priority mangle; policy drop;\n"
		"\t\tip daddr " OWN4 " accept\n"
		"\t\tip6 daddr " OWN6 " accept\n"
		"%s%s"
		"\t\tmeta nfproto ipv4 meta l4proto { tcp, udp } tproxy ip to " SYNTHETIC_OWN4 ":%u accept\n"
		"\t\tmeta nfproto ipv6 meta l4proto { tcp, udp } tproxy ip6 to [" SYNTHETIC_OWN6 "]:%u accept\n"
		"\t}\n"
		"}\n", pings ? PING_RULE : "", policy->network.value ? PEER_RULE : "", SYNTHETIC_PORT, SYNTHETIC_PORT);
	strbuf_add(&t.out, strbuf_text(&t.more));
	return strbuf_text(&t.out);
}

static void add_lines(struct strbuf *out, const char *word, const struct text_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		strbuf_addf(out, "%s %s\n", word, list->items[i].value);
}

const char *network_policy(struct arena *arena, const struct policy *policy, const char *name)
{
	struct strbuf out = { .arena = arena };

	for (size_t i = 0; i < policy->rule_count; i++)
		if (policy->rules[i].kind == KIND_NETWORK && policy->rules[i].effect != EFFECT_LOG)
			strbuf_addf(&out, "%s %s\n", effect_name(policy->rules[i].effect), policy->rules[i].pattern);
	if (policy->check_names.value)
		strbuf_add(&out, "check-names\n");
	if (policy->network.value)
		strbuf_addf(&out, "network %s %s\n", policy->network.value, name);
	add_lines(&out, "publish", &policy->publish);
	add_lines(&out, "lend", &policy->lend);
	add_lines(&out, "expose", &policy->expose);
	add_lines(&out, "server", &policy->dns);
	return strbuf_text(&out);
}

/* ---- claims ---- */

/* Where addresses are open at large, a name that is denied can still be reached by its address. */
static bool opens_addresses(const struct policy *policy)
{
	for (size_t i = 0; i < policy->rule_count; i++) {
		const struct rule *rule = &policy->rules[i];

		if (rule->effect == EFFECT_ALLOW && is_outside(rule) && rule->endpoint->form != HOST_NAME &&
		    rule->endpoint->form != HOST_SUFFIX && rule->endpoint->access & (ACCESS_CONNECT | ACCESS_SEND))
			return true;
	}
	return false;
}

static void claim_relayed(struct compilation *c, size_t index, bool open)
{
	const struct rule *rule = &c->policy->rules[index];
	unsigned both = ACCESS_CONNECT | ACCESS_SEND;
	/* What names ports is not about pings. */
	bool all = (rule->endpoint->access & both) == both && !rule->endpoint->first_port && rule->endpoint->last_port == UINT16_MAX;
	bool named = rule->endpoint->form == HOST_NAME || rule->endpoint->form == HOST_SUFFIX;

	if (rule->effect != EFFECT_ALLOW)
		backend_claim(c, index, "network", named && open ? EXACTNESS_COARSE : EXACTNESS_EXACT,
			      named && open ? "by its name; who knows its address may reach it" : NULL);
	else if (is_outside(rule))
		backend_claim(c, index, "network", all ? EXACTNESS_COARSE : EXACTNESS_EXACT,
			      all ? "by tcp and udp; ping as far as this computer lets users" : NULL);
	else if (network_is_ping(rule))
		backend_claim(c, index, "network", EXACTNESS_EXACT, NULL);
}

/* The host's stack cannot be narrowed: allows are part of it, denies are lost. */
static void claim_host(struct compilation *c, size_t index)
{
	enum host_form form = c->policy->rules[index].endpoint->form;

	if (form == HOST_ABSTRACT || (form == HOST_HOST && (abstract_is_allowed(c->policy) || plan_find(c->plan, OP_SCOPE))))
		backend_claim(c, index, "network", EXACTNESS_EXACT, NULL);
	else
		backend_claim(c, index, "network", EXACTNESS_COARSE, form == HOST_HOST ?
			      "its abstract sockets too: this kernel cannot close them (Landlock, Linux 6.12)" :
			      "the whole network of the host is open");
}

static void claim(struct compilation *c, enum network_mode mode)
{
	bool open = opens_addresses(c->policy);

	for (size_t i = 0; i < c->policy->rule_count; i++) {
		const struct rule *rule = &c->policy->rules[i];

		if (rule->kind != KIND_NETWORK)
			continue;
		enum host_form form = rule->endpoint->form;
		if (mode == NETWORK_HOST && rule->effect == EFFECT_ALLOW)
			claim_host(c, i);
		else if (mode == NETWORK_HOST)
			continue;
		else if (rule->effect == EFFECT_ALLOW &&
			 (form == HOST_LOOPBACK || rule->endpoint->access == ACCESS_LISTEN))
			backend_claim(c, i, "network", EXACTNESS_EXACT, "the cage's own loopback");
		else if (closes_loopback(rule) && (rule->endpoint->first_port || rule->endpoint->last_port != UINT16_MAX))
			backend_claim(c, i, "network", EXACTNESS_COARSE, "the whole loopback of the cage is closed");
		else if (mode == NETWORK_RELAY)
			claim_relayed(c, i, open);
		else if (rule->effect != EFFECT_ALLOW || is_outside(rule)) /* all of it is denied */
			backend_claim(c, i, "network", EXACTNESS_EXACT, NULL);
	}
}

static const struct origin *first_origin(const struct policy *policy)
{
	const struct rule *rule = first_way_out(policy);

	return rule ? rule->origin : first_opening(policy)->origin; /* or there would be no relay */
}

static int compile(struct compilation *c)
{
	enum network_mode mode = network_mode(c->policy);
	int r = 0;

	c->plan->host_network = mode == NETWORK_HOST;
	if (mode == NETWORK_NONE && !denies_loopback(c->policy))
		plan_add(c->plan, OP_LOOPBACK, 0, 0, 0, 0, NULL);
	if (mode != NETWORK_NONE)
		r = network_open(c, mode);
	if (mode == NETWORK_HOST)
		abstract_compile(c);
	r = MIN(r, network_tunnel(c, mode));
	if (mode == NETWORK_RELAY) {
		plan_await(c->plan, network_rules(c->arena, c->policy), network_policy(c->arena, c->policy, c->cage->name),
			   first_origin(c->policy));
	}
	claim(c, mode);
	return r;
}

const struct backend backend_network = {
	"network", "names and addresses that may be reached, by a relay", compile,
};
