/* backend/namespaces.c - user, mount, pid, ipc, uts and cgroup namespaces: always.  Which network there is
 * in its namespace is network.c's business. */
#include "backend/backend.h"

#include <string.h>
#include "backend/network.h"

static bool is_allowed(const struct policy *policy, const char *syscall)
{
	struct request request = { .kind = KIND_SYSCALL, .access = ACCESS_USE, .verb = "syscall", .subject = syscall };

	return policy_decide(policy, &request).effect == EFFECT_ALLOW;
}

/* No bus is shown and no abstract socket can be reached, so a deny needs nothing more. */
static void claim_bus(struct compilation *c)
{
	for (size_t i = 0; i < c->policy->rule_count; i++)
		if (c->policy->rules[i].kind == KIND_BUS && c->policy->rules[i].effect != EFFECT_ALLOW)
			backend_claim(c, i, "namespaces", EXACTNESS_EXACT, NULL);
}

/* What the rules show at a directory: the host's, the cage's own, or nothing (-1). */
static int place_of(struct arena *arena, const struct policy *policy, const char *directory)
{
	const struct request request = {
		.kind = KIND_FILE, .access = ACCESS_READ, .verb = "list",
		.subject = arena_printf(arena, "%s/", strcmp(directory, "/") ? directory : ""),
	};
	struct verdict v = policy_decide(policy, &request);

	return v.effect != EFFECT_ALLOW ? -1 : v.on_the_way ? PLACE_HOST : (int)v.rule->place;
}

const char *backend_start_directory(struct arena *arena, const struct policy *policy, const struct cage *cage)
{
	int place = place_of(arena, policy, cage->working_directory);

	if (policy->working_directory.value)
		return policy->working_directory.value;
	if (place >= 0 && place_rank((enum place)place))
		return cage->working_directory;
	return place_of(arena, policy, cage->home) >= 0 ? cage->home : "/";
}

static int compile(struct compilation *c)
{
	const struct policy *policy = c->policy;
	const struct cage *cage = c->cage;
	uint64_t disk = policy->limits[LIMIT_DISK].is_set ? policy->limits[LIMIT_DISK].value : 1ull << 30;
	uid_t uid = cage->uid;
	gid_t gid = cage->gid;
	const char *as = policy->user_as.value;

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
	plan_add(c->plan, OP_CHDIR, plan_text(c->plan, backend_start_directory(c->arena, policy, cage)), 0, 0, 0,
		 policy->working_directory.origin);
	if (!network_is_host(policy))
		claim_bus(c);
	return 0;
}

const struct backend backend_namespaces = { "namespaces", "own processes, names and users", compile };
