/* cage/grantable.h - may this path be granted to a running cage?  Denies win: those that the cage was started
 * with, and those that its profile has now. */
#ifndef CUDDY_CAGE_GRANTABLE_H
#define CUDDY_CAGE_GRANTABLE_H

#include "cage/grant.h"
#include "cage/record.h"
#include "policy/policy.h"

/* `policy` is the profile as it is now, NULL when there is none any more; `path` as in struct grant_wish.
 * 0 and, in the arena, what below it must stay hidden; or -EINVAL with a diagnostic at the deny. */
int grant_check(struct arena *arena, const struct cage_record *running, const struct policy *policy,
		const char *path, bool read_only, struct diags *d, const struct grant_mask **ret, size_t *ret_count);

#endif
