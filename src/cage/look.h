/* cage/look.h - running cages as others see them: who, since when, how large; and how one is ended. */
#ifndef CUDDY_CAGE_LOOK_H
#define CUDDY_CAGE_LOOK_H

#include "cage/enter.h"
#include "cage/grants.h"
#include "cage/record.h"
#include "network/counters.h"

enum cage_network { CAGE_NETWORK_NONE, CAGE_NETWORK_RELAY, CAGE_NETWORK_VPN, CAGE_NETWORK_HOST };

struct cage_view {
	const char *name;
	bool runs;		    /* else only the name is known */
	struct cage_record record;
	pid_t pid;		    /* of its init */
	unsigned processes;	    /* that we may look at, init not counted */
	struct grants grants;	    /* what it got since its start */
	enum cage_network network;
	const char *vpn;	    /* of CAGE_NETWORK_VPN: its name, else NULL */
	const char **published, **lent, **exposed; /* as the profile says it; each ends with NULL */
	const char *private_network; /* or NULL */
	struct network_counters counters; /* of CAGE_NETWORK_RELAY and CAGE_NETWORK_VPN */
	uint64_t memory;	    /* bytes: their proportional share (smaps_rollup, proc_pid_smaps(5)) */
};

/* Looks at one cage; `measure` counts its processes and their memory.  0 or -errno; that it does not run is no
 * error. */
int cage_look(struct arena *arena, int runtime, const char *name, bool measure, struct cage_view *ret);

/* Asks its processes to end, and ends it after `seconds`.  0, -ENOENT: it did not run, -ETIMEDOUT: it stays. */
int cage_stop(int runtime, const char *name, unsigned seconds);
int cage_stop_behind(int gate, unsigned seconds); /* the same for one whose gate is open */

/* Starts a program in a running cage, with the rights, environment and working directory that the first one
 * got; for cage_leave().  0, or -errno with a diagnostic. */
int cage_exec(struct arena *arena, const struct cage_places *places, const char *name, const char *const *argv,
	      const struct launch_options *options, struct diags *d, struct cage_stay *ret);

#endif
