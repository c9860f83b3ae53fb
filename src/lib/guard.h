/* lib/guard.h - what no cage may change, though a profile gives away the folder that it lies in: what starts
 * cages, and what git runs later. */
#ifndef CUDDY_LIB_GUARD_H
#define CUDDY_LIB_GUARD_H

#include "policy/policy.h"
#include "profile/profile.h"

/* Denies of writing, written as a profile, in *ret: to the program's file and the helpers beside it, to the
 * permissions, profiles and flags in share, and to the repositories (.git) in folders of the working directory.
 * Only of what `policy` lets programs change, *ret is NULL for nothing; without a policy, of all.
 * 0, or -EINVAL with a diagnostic. */
int guard_rules(struct arena *arena, const struct profile_context *context, const struct policy *policy,
		struct diags *d, const struct source **ret);

#endif
