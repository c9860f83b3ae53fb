/* lib/caller.h - who calls, from where, and where profiles are for that caller.
 * For the library and for those commands that need more than its public header. */
#ifndef CUDDY_LIB_CALLER_H
#define CUDDY_LIB_CALLER_H

#include "cage/enter.h"
#include "profile/choose.h"

struct caller {
	struct cage cage;		/* without a program */
	struct profile_context context; /* without rules of the command line */
	struct cage_places places; /* where cages are, running and resting */
};

/* Fills all from the identity, the environment and the working directory of the process.  `share` has
 * cuddy's own files; NULL: where they were installed.  0, or -EINVAL with a diagnostic. */
int caller_fill(struct arena *arena, const char *share, struct diags *d, struct caller *ret);

/* From now on every policy denies what lib/guard.h names, not only one that would allow it.  0 or -EINVAL. */
int caller_guard(struct arena *arena, struct caller *caller, struct diags *d);

/* The policy of a profile name or file; memory in `arena`.  0, or -EINVAL with diagnostics. */
int caller_resolve(struct arena *arena, const struct caller *caller, const char *name, struct diags *d,
		   struct policy **ret);

/* The profile that a program gets when none is named. */
struct profile_choice caller_choose(struct arena *arena, const struct caller *caller, const char *program,
				    struct diags *d);

#endif
