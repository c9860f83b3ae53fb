/* policy/lines.h - a policy as text of one line for each right and setting, made to be compared. */
#ifndef CUDDY_POLICY_LINES_H
#define CUDDY_POLICY_LINES_H

#include "policy/policy.h"

/* What rules of that kind allow by these bits, in the arena: "read, write". */
const char *policy_access_words(struct arena *arena, enum kind kind, unsigned access);

/* The lines of a policy, in the arena: "allow file 3 /usr/share".  Equal policies give equal text;
 * command and working directory are not in it. */
const char *policy_lines(const struct policy *policy, struct arena *arena);

/* Do two texts of policy_lines() mean different policies?  The lines that came ("+ ") and went ("- ")
 * are added to `widened` when the newer one allows more by them, else to `narrowed`. */
bool policy_lines_differ(struct arena *arena, const char *before, const char *now,
			 struct strbuf *widened, struct strbuf *narrowed);

#endif
