/* network/network.h - what a plan with an AWAIT step needs: rules in the cage's network namespace, and
 * the relay that carries what they let through.  Rules first, relay second, program last. */
#ifndef CUDDY_NETWORK_NETWORK_H
#define CUDDY_NETWORK_NETWORK_H

#include "plan/plan.h"

/* The helpers of one cage.  Zero-initialise. */
struct network {
	pid_t relay;	 /* cuddy-net; 0: none */
	int relay_pidfd;
	int counters, log; /* for the relay (network/counters.h, relay/net/journal.h); the caller's */
	int peers, cages;  /* its socket in a private network, the directory of running cages; the caller's; -1: none */
};

/* A launch_prepare (launch/launch.h); `data` is a struct network.  On failure nothing is left. */
int network_prepare(void *data, const struct plan *plan, int pidfd, struct diags *d);

/* After the cage has ended, or was never started: waits for the helpers, which end with it, and tells
 * when one had ended before. */
void network_finish(struct network *network, struct diags *d);

#endif
