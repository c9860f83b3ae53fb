/* backend/namespaces.c - user, mount, pid, ipc, uts, cgroup and network namespaces: always.
 * The network is none (an own namespace with loopback) or the host's (endpoint word `host`). */
#include "backend/backend.h"

static bool is_allowed(const struct policy *policy, const char *syscall)
{
	struct request request = { .kind = KIND_SYSCALL, .access = ACCESS_USE, .verb = "syscall", .subject = syscall };

	return policy_decide(policy, &request).effect == EFFECT_ALLOW;
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

/* A cage that may not use loopback gets a namespace in which it is down. */
static bool denies_loopback(const struct policy *policy)
{
	for (size_t i = 0; i < policy->rule_count; i++) {
		const struct rule *rule = &policy->rules[i];

		if (rule->kind == KIND_NETWORK && rule->effect == EFFECT_DENY &&
		    (rule->endpoint->form == HOST_LOOPBACK || rule->endpoint->form == HOST_ANY) &&
		    rule->endpoint->access & (ACCESS_CONNECT | ACCESS_SEND | ACCESS_LISTEN))
			return true;
	}
	return false;
}

static void claim_network(struct compilation *c, bool host)
{
	for (size_t i = 0; i < c->policy->rule_count; i++) {
		const struct rule *rule = &c->policy->rules[i];
		enum host_form form;

		if (rule->kind != KIND_NETWORK)
			continue;
		form = rule->endpoint->form;
		if (host) {
			/* The host's stack cannot be narrowed: allows are part of it, denies are lost. */
			if (rule->effect == EFFECT_ALLOW)
				backend_claim(c, i, "namespaces", form == HOST_HOST ? EXACTNESS_EXACT : EXACTNESS_COARSE,
					      form == HOST_HOST ? NULL : "the whole network of the host is open");
		} else if (rule->effect != EFFECT_ALLOW) {
			backend_claim(c, i, "namespaces", EXACTNESS_EXACT, NULL);
		} else if (form == HOST_LOOPBACK || rule->endpoint->access == ACCESS_LISTEN) {
			backend_claim(c, i, "namespaces", EXACTNESS_EXACT, "the cage's own loopback");
		}
	}
}

/* No bus is shown and no abstract socket can be reached, so a deny needs nothing more. */
static void claim_bus(struct compilation *c)
{
	for (size_t i = 0; i < c->policy->rule_count; i++)
		if (c->policy->rules[i].kind == KIND_BUS && c->policy->rules[i].effect != EFFECT_ALLOW)
			backend_claim(c, i, "namespaces", EXACTNESS_EXACT, NULL);
}

static int compile(struct compilation *c)
{
	const struct policy *policy = c->policy;
	const struct cage *cage = c->cage;
	uint64_t disk = policy->limits[LIMIT_DISK].is_set ? policy->limits[LIMIT_DISK].value : 1ull << 30;
	uid_t uid = cage->uid;
	gid_t gid = cage->gid;
	const char *as = policy->user_as.value, *directory = policy->working_directory.value;
	bool host = wants_host(policy);

	if (str_equal(as, "root"))
		uid = gid = 0;
	else if (str_equal(as, "nobody"))
		uid = gid = 65534;
	else if (as && !str_equal(as, "me") && !str_equal(as, cage->user))
		return diag_error(c->d, "C301", policy->user_as.origin, "the program cannot run as '%s'",
				  str_quote(c->arena, as)),
		       diag_help(c->d, "use \"me\", \"nobody\" or \"root\""), -22;
	plan_base(c->plan, cage->uid, cage->gid, uid, gid, disk);
	if (str_equal(as, "root"))
		plan_want_ids(c->plan, policy->user_as.origin);
	if (!is_allowed(policy, "clone(user-namespace)") && !is_allowed(policy, "unshare(user-namespace)"))
		plan_add(c->plan, OP_USERNS_LIMIT, 0, 0, 0, 1, NULL);
	plan_add(c->plan, OP_HOSTNAME, plan_text(c->plan, policy->hostname.value ? policy->hostname.value : "cuddy"),
		 0, 0, 0, policy->hostname.origin);
	plan_add(c->plan, OP_CHDIR, plan_text(c->plan, directory ? directory : cage->working_directory), 0, 0, 0,
		 policy->working_directory.origin);
	c->plan->host_network = host;
	if (!host && !denies_loopback(policy))
		plan_add(c->plan, OP_LOOPBACK, 0, 0, 0, 0, NULL);
	claim_network(c, host);
	if (!host)
		claim_bus(c);
	return 0;
}

const struct backend backend_namespaces = { "namespaces", "own processes, network, names and users", compile };
