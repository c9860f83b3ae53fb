/* backend/openings.c - what leads into a cage or out of it beside the rules: ports that are published, services
 * of the host that are lent, ports that are exposed on a socket, the private network that others find it in.
 * The relay does it, the plan tells of it. */
#include "backend/network.h"
#include "base/fd.h"
#include "policy/publication.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

/* A deny of the socket's path is a deny of the socket. */
static int check_path(struct compilation *c, const struct text_setting *entry, const struct lending *lending)
{
	struct request request = {
		.kind = KIND_FILE, .access = ACCESS_WRITE, .verb = "write",
		.subject = arena_strndup(c->arena, entry->value, lending->path_length),
	};
	struct verdict verdict = policy_decide(c->policy, &request);

	if (!verdict.rule || verdict.effect != EFFECT_DENY)
		return 0;
	diag_error(c->d, "C341", entry->origin, "'%s' is denied to the program", str_quote(c->arena, request.subject));
	diag_note(c->d, verdict.rule->origin, "'%s' denies it", str_quote(c->arena, verdict.rule->pattern));
	return -EINVAL;
}

static int check_listener(struct compilation *c, const struct text_setting *entry, const char *what,
			  uint16_t port)
{
	if (network_has_port(c->policy, ACCESS_LISTEN, port))
		return 0;
	diag_error(c->d, "C317", entry->origin,
		   "'%s' is %s, but the program may not wait for connections at port %u",
		   str_quote(c->arena, entry->value), what, port);
	diag_help(c->d, "allow that: networking.flags = [\"incoming\"], or \"listen:%u\"", port);
	return -EINVAL;
}

static int check_publication(struct compilation *c, const struct text_setting *entry)
{
	struct publication port;

	must(publication_parse(entry->value, &port)); /* profile/values.c saw to it */
	return check_listener(c, entry, "published", port.inside);
}

/* Variables have been put in since it was read. */
static int check_entry(struct compilation *c, const struct text_setting *entry, bool wants_path,
		       struct lending *ret)
{
	if (!lending_parse(entry->value, wants_path, ret))
		return diag_error(c->d, "C139", entry->origin, "'%s' is no value for '%s'",
				  str_quote(c->arena, entry->value), wants_path ? "expose" : "lend");
	return ret->path_length ? check_path(c, entry, ret) : 0;
}

static int check_lent(struct compilation *c, const struct text_setting *entry)
{
	struct lending service;
	int r = check_entry(c, entry, false, &service);

	if (r < 0 || network_has_port(c->policy, ACCESS_CONNECT, service.inside))
		return r;
	diag_error(c->d, "C340", entry->origin, "'%s' is lent, but the program may not connect to port %u of its loopback",
		   str_quote(c->arena, entry->value), service.inside);
	diag_help(c->d, "allow that: networking.flags = [\"local\"]");
	return -EINVAL;
}

static int check_exposed(struct compilation *c, const struct text_setting *entry)
{
	struct lending port;
	int r = check_entry(c, entry, true, &port);

	return r < 0 ? r : check_listener(c, entry, "exposed", port.inside);
}

/* What only the relay provides means nothing in the host's own network. */
static int refuse_in_host(struct compilation *c)
{
	const struct { const char *key; const struct text_list *list; } rows[] = {
		{ "publish", &c->policy->publish }, { "lend", &c->policy->lend },
		{ "expose", &c->policy->expose }, { "dns", &c->policy->dns },
	};
	int r = 0;

	if (c->policy->network.value)
		r = diag_error(c->d, "C318", c->policy->network.origin,
			       "'network' has no meaning in the network of the host");
	if (c->policy->check_names.value)
		r = diag_error(c->d, "C309", c->policy->check_names.origin,
			       "names cannot be checked in the network of the host");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].list->count)
			r = diag_error(c->d, "C318", rows[i].list->items[0].origin,
				       "'%s' has no meaning in the network of the host", rows[i].key);
	return r;
}

int network_tunnel(struct compilation *c, enum network_mode mode)
{
	const struct text_setting *vpn = &c->policy->vpn;

	if (!vpn->value)
		return 0;
	if (mode == NETWORK_HOST)
		return diag_error(c->d, "C318", vpn->origin,
				  "'vpn' has no meaning in the network of the host: nothing can be kept out of it");
	if (network_leads_out(c->policy)) {
		plan_tunnel(c->plan, vpn->value, vpn->origin);
		return 0;
	}
	diag_warning(c->d, "C319", vpn->origin, "no rule lets the program use the VPN '%s'", str_quote(c->arena, vpn->value));
	diag_help(c->d, "to let it reach the internet by that way: networking.flags = [\"outgoing\"]");
	return 0;
}

/* Others ask for it by its name, which must be one of DNS: labels of small letters, digits, '-' and '_'. */
static bool is_findable(const char *name)
{
	for (size_t length; ; name += length + 1) {
		length = strcspn(name, ".");
		if (length == 0 || length > 63)
			return false;
		for (size_t i = 0; i < length; i++)
			if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789-_", name[i]))
				return false;
		if (!name[length])
			return true;
	}
}

static int join_network(struct compilation *c)
{
	const struct text_setting *network = &c->policy->network;

	if (!network->value)
		return 0;
	plan_open(c->plan, OP_PEERS, network->value, network->origin);
	if (is_findable(c->cage->name))
		return 0;
	diag_error(c->d, "C342", network->origin, "a cage named '%s' cannot be found in a private network",
		   str_quote(c->arena, c->cage->name));
	diag_help(c->d, "choose a name of small letters, digits, '-' and '_': cuddy run --name NAME");
	return -EINVAL;
}

int network_check_ping(const struct policy *policy, struct diags *d)
{
	const struct rule *rule = NULL;

	for (size_t i = 0; !rule && i < policy->rule_count; i++)
		if (network_is_ping(&policy->rules[i]))
			rule = &policy->rules[i];
	AUTO_FD int fd = rule ? socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_ICMP) : -1;
	if (!rule || fd >= 0 || network_is_host(policy))
		return 0;
	diag_error(d, "C343", rule->origin, "'%s' needs ping sockets, which this computer does not let you open",
		   rule->pattern);
	diag_help(d, "as root: sysctl net.ipv4.ping_group_range='0 2147483647'");
	return -EINVAL;
}

int network_open(struct compilation *c, enum network_mode mode)
{
	const struct {
		enum op op;
		const struct text_list *list;
		int (*check)(struct compilation *c, const struct text_setting *entry);
	} rows[] = {
		{ OP_PUBLISH, &c->policy->publish, check_publication },
		{ OP_LEND, &c->policy->lend, check_lent },
		{ OP_EXPOSE, &c->policy->expose, check_exposed },
	};
	if (mode == NETWORK_HOST)
		return refuse_in_host(c);
	int r = join_network(c);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		for (size_t k = 0; k < rows[i].list->count; k++) {
			const struct text_setting *entry = &rows[i].list->items[k];

			if (rows[i].check(c, entry) < 0)
				r = -EINVAL;
			else
				plan_open(c->plan, rows[i].op, entry->value, entry->origin);
		}
	return r;
}
