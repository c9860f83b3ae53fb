/* backend/backend.h - one enforcing mechanism each: claims the rules that it enforces, adds steps.
 *
 * A rule that nobody claims stops the launch with its line, unless `may-degrade` names its
 * category.  Several may claim one rule: the best counts, all are shown. */
#ifndef CUDDY_BACKEND_BACKEND_H
#define CUDDY_BACKEND_BACKEND_H

#include "plan/plan.h"
#include "policy/policy.h"
#include <sys/stat.h>

/* How exactly a rule is enforced; the order is from worst to best. */
enum exactness { EXACTNESS_NONE, EXACTNESS_COARSE, EXACTNESS_AT_START, EXACTNESS_EXACT };
const char *exactness_name(enum exactness exactness);

struct claim {
	enum exactness exactness;
	const char *backend; /* names, joined with ", "; NULL: nobody */
	const char *note;    /* why it is not exact, or NULL */
};

/* A directory of the cage's data that appears at `path`; `status` was taken without following links. */
struct cage_kept { const char *path, *source; struct stat status; };

/* Who starts what, where: all that does not come from a profile. */
struct cage {
	const char *name;
	uid_t uid, gid;		   /* of the caller */
	const char *user, *home, *shell;
	const char *working_directory;
	const char *overlay_dir;   /* where copy-on-write keeps changes; NULL: they vanish at the end */
	const struct cage_kept *kept; /* what persists; nothing: it is empty at each start */
	size_t kept_count;
	const char *root;	   /* directory of the policy's root file system, without links; or NULL */
	int root_fd;		   /* of that directory */
	bool ephemeral;		   /* nothing shall be kept */
	bool is_copy;		   /* what is in `kept` belongs to another cage: changes of it vanish */
	char **environment;	   /* the caller's */
	const char *const *argv;   /* NULL-terminated; argv[0] is looked up in PATH inside */
};

struct compilation {
	struct arena *arena;
	const struct policy *policy;
	const struct cage *cage;
	struct plan *plan;
	struct claim *claims; /* one per rule */
	struct diags *d;
};

struct backend {
	const char *name, *summary;
	int (*compile)(struct compilation *c); /* 0 or -EINVAL with diagnostics */
};

extern const struct backend backend_namespaces, backend_network, backend_mounts, backend_seccomp,
	backend_capabilities, backend_limits, backend_environment;

void backend_claim(struct compilation *c, size_t rule, const char *backend, enum exactness exactness,
		   const char *note);

/* Is that `persist` rule in force?  The whole home that flag own-home keeps is temporary once a profile names
 * the paths that are to be kept. */
bool backend_keeps(const struct policy *policy, const struct rule *rule);

/* Where the program starts: as the profile says, else where the caller stands, if the cage shows that; what is
 * the cage's own begins empty, but has a home. */
const char *backend_start_directory(struct arena *arena, const struct policy *policy, const struct cage *cage);

/* Runs all back ends, refuses what nobody claimed, seals and verifies the plan.  The plan is the
 * caller's (plan_free); *ret_claims lives in `arena`. */
int backend_compile(struct arena *arena, const struct policy *policy, const struct cage *cage,
		    struct diags *d, struct plan **ret_plan, struct claim **ret_claims);
/* The same without a plan: only who enforces what. */
void backend_claims(struct arena *arena, const struct policy *policy, const struct cage *cage,
		    struct diags *d, struct claim **ret_claims);

#endif
