/* cage/record.h - what a running cage can tell about itself: sealed memory that its init hands out.
 * Init got it from the launcher and cannot change it; it holds no secret of other cages. */
#ifndef CUDDY_CAGE_RECORD_H
#define CUDDY_CAGE_RECORD_H

#include "plan/plan.h"

struct cage_record {
	const char *name, *profile, *program; /* program: argv[0] of the first */
	const char *directory;		      /* where the first was started */
	const char *policy;		      /* policy_lines() */
	const char *root;		      /* as the profile names it; "": the computer's own */
	long long since;		      /* seconds, CLOCK_REALTIME */
	bool ephemeral;
	const char *plan;		      /* bytes for plan_unpack() */
	size_t plan_length;
};

/* A sealed memfd_create(2) descriptor with all of it; `plan` is packed, what record->plan says is ignored.
 * -errno when there is no memory. */
int cage_record_make(const struct cage_record *record, const struct plan *plan);

/* Reads one; texts lie in the arena.  -EPROTO: not a record of this build, or not sealed. */
int cage_record_read(struct arena *arena, int fd, struct cage_record *ret);

#endif
