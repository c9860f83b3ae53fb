/* lib/internal.h - what the files of lib/ tell each other. */
#ifndef CUDDY_LIB_INTERNAL_H
#define CUDDY_LIB_INTERNAL_H

#include "cage/enter.h"
#include "cage/root.h"
#include "lib/caller.h"

#include <cuddy.h>

struct cuddy {
	struct arena *arena;
	struct diags d;
	struct caller caller;
	struct cage_root root; /* its `path` is NULL while none is open */
	struct policy *policy; /* in the arena; NULL after an error */
	const int *streams;    /* three, or NULL */
	unsigned timeout;      /* seconds, or 0 */
	int status_fd;	       /* or 0 */
	bool colour;
	char *said;	       /* messages from before the profile was forgotten, malloc()ed; or NULL */
	const char *profile;   /* as it was named, for the cage's card */
	bool is_named;	       /* the cage, by the caller: it gets a card */
	const char *const *command; /* when no program is named; NULL: none */
	const char *from;      /* cage whose data an ephemeral one starts with, or NULL */
	bool ephemeral, runs, forgets;
	enum cage_conflict conflict;
	struct cage_stay stay; /* while `runs` */
};

/* What the options grant and deny, written as a profile, so that it is checked like one.
 * 0, or -EINVAL with a diagnostic. */
int rules_of_options(struct arena *arena, const struct cage *cage, const struct cuddy_options *options,
		     struct diags *d, const struct source **ret);

/* A question in words, and the oracle's answer.  0, or -EINVAL with a diagnostic. */
int ask_oracle(struct cuddy *cuddy, const char *question, struct request *ret_request,
	       struct verdict *ret_verdict);

/* Opens the root that the policy names, and makes it the cage's.  0, or -errno with a diagnostic. */
int open_root(struct cuddy *cuddy, struct diags *d);

/* The plan of the program's cage, for plan_free().  0, or -EINVAL with diagnostics. */
int compile_cage(struct cuddy *cuddy, const char *const *argv, struct plan **ret);

#endif
