/* lib/appeared.h - a deny with a wildcard holds for what was there when the cage started; this tells of
 * what has appeared under such a name until its end, and of denied files that were replaced meanwhile. */
#ifndef CUDDY_LIB_APPEARED_H
#define CUDDY_LIB_APPEARED_H

#include "backend/backend.h"

struct appeared;

/* Remembers what the plan restricts where the policy lets the program make names that it denies; keeps nothing
 * of either.  For appeared_free(); NULL: there is no such place. */
struct appeared *appeared_watch(const struct policy *policy, const struct plan *plan);
void appeared_free(struct appeared *watch); /* NULL is fine */

/* Warns of the first new name for each such deny, at its line.  Who made it is not known. */
void appeared_tell(const struct appeared *watch, struct diags *d);

#endif
