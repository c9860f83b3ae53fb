/* cage/keep.h - makes ready what a cage keeps from run to run, before its plan is made. */
#ifndef CUDDY_CAGE_KEEP_H
#define CUDDY_CAGE_KEEP_H

#include "backend/backend.h"

/* Opens or makes the directories of everything that the policy lets persist, below `data`
 * ($XDG_DATA_HOME/cuddy), and tells cage->kept.  Without such rules nothing is made.  With `from`, a
 * name, they are those of that cage, and those that it has.  0, or -EINVAL with a diagnostic: also when the
 * program replaced one of them, by a link for example. */
int cage_keep(struct arena *arena, const struct policy *policy, const char *data, const char *from,
	      struct cage *cage, struct diags *d);

#endif
