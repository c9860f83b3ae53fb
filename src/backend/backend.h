/* backend/backend.h - one enforcing mechanism each: claims the rules that it enforces, adds steps. */
#ifndef CUDDY_BACKEND_BACKEND_H
#define CUDDY_BACKEND_BACKEND_H

#include "policy/policy.h"

/* How exactly a rule is enforced; the order is from worst to best. */
enum exactness { EXACTNESS_NONE, EXACTNESS_COARSE, EXACTNESS_AT_START, EXACTNESS_EXACT };
const char *exactness_name(enum exactness exactness);

#endif
