/* backend/abstract.c - a scope of Landlock for cages with the host's network.
 * Every other cage has a network namespace, and so sockets of its own; in the host's all of them can be reached,
 * old X servers and buses among them.  Must not: claim what this kernel has no scope for. */
#include "backend/abstract.h"

#include <linux/landlock.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { ABI_WITH_SCOPES = 6 };

static bool can_be_closed(void)
{
	return syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) >= ABI_WITH_SCOPES;
}

bool abstract_is_allowed(const struct policy *policy)
{
	const struct request request = {
		.kind = KIND_NETWORK, .access = ACCESS_CONNECT, .verb = "connect",
		.endpoint = { .access = ACCESS_CONNECT, .form = HOST_ABSTRACT },
	};

	return policy_decide(policy, &request).effect == EFFECT_ALLOW;
}

/* Whose rule opened the host's network. */
static const struct origin *host_origin(const struct policy *policy)
{
	for (size_t i = 0; i < policy->rule_count; i++)
		if (policy->rules[i].kind == KIND_NETWORK && policy->rules[i].endpoint->form == HOST_HOST)
			return policy->rules[i].origin;
	return NULL;
}

void abstract_compile(struct compilation *c)
{
	if (abstract_is_allowed(c->policy))
		return;
	if (!can_be_closed()) {
		diag_warning(c->d, "C344", host_origin(c->policy),
			     "with the host's network come its abstract sockets: this kernel cannot close them");
		diag_help(c->d, "use 'outgoing' and 'lan' instead, or say that it may: networking.flags = [\"abstract-sockets\"]");
		return;
	}
	plan_add(c->plan, OP_SCOPE, 0, 0, 0, PLAN_SCOPE_ABSTRACT, NULL);
	for (size_t i = 0; i < c->policy->rule_count; i++) {
		const struct rule *rule = &c->policy->rules[i];
		if (rule->kind == KIND_NETWORK && rule->effect != EFFECT_ALLOW && rule->endpoint->form == HOST_ABSTRACT)
			backend_claim(c, i, "network", EXACTNESS_EXACT, NULL);
	}
}
