/* cage/subids.h - a child that may give files to the subordinate ids of the caller.
 *
 * /etc/subuid and /etc/subgid (subuid(5)) grant ranges of ids to a user, newuidmap(1) and
 * newgidmap(1) put them into a user namespace.  There 0 is the caller, and 1, 2, … are the ids of
 * the ranges. */
#ifndef CUDDY_CAGE_SUBIDS_H
#define CUDDY_CAGE_SUBIDS_H

#include "base/arena.h"
#include "base/progress.h"
#include "launch/launch.h"
#include <sys/types.h>

enum subids {
	SUBIDS_ALL,    /* we are root: ids are what they are */
	SUBIDS_MAPPED, /* root is the caller, other ids come from the ranges */
	SUBIDS_SINGLE, /* there is no range: in the namespace, all is the caller's */
	SUBIDS_NONE,   /* no user namespace either */
};

struct subid_range { unsigned long start, count; };

/* The ranges that a text like /etc/subuid's grants to a user, by name or number; at most `room`. */
size_t subids_read(const char *text, const char *user, uid_t uid, struct subid_range *ret,
		   size_t room);

/* Like fork(2): the child's pid, 0 in the child, or -errno.  The child is root of a new user
 * namespace (SUBIDS_MAPPED, SUBIDS_SINGLE), or what the caller is.  It has every capability over
 * its files and dies with the caller.  Both get to know which kind it is. */
pid_t subids_fork(struct arena *arena, enum subids *ret);

/* tree_remove_telling() also for a tree with files of subordinate ids; that nothing is there is no error. */
int subids_remove(struct arena *arena, int dir, const char *name, const struct progress *progress);

/* Maps the ids that the caller may use into the new user namespace of the process `pid`, 0 being the caller:
 * all that root has, or the ranges.  None, and nothing is mapped, when there are no ranges. */
struct id_ranges subids_map(struct arena *arena, pid_t pid);

#endif
