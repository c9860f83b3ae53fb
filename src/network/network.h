/* network/network.h - what a plan with an AWAIT step needs: rules in the cage's network namespace, and
 * the relay that carries what they let through.  Rules first, relay second, program last. */
#ifndef CUDDY_NETWORK_NETWORK_H
#define CUDDY_NETWORK_NETWORK_H

#include "plan/plan.h"
#include "vpn/tunnel.h"

/* The helpers of one cage.  Zero-initialise. */
struct network {
	pid_t relay;	 /* cuddy-net; 0: none */
	int relay_pidfd;
	int counters, log; /* for the relay (network/counters.h, relay/net/journal.h); the caller's */
	struct tunnel_places places; /* for plans with a TUNNEL step */
	struct tunnel tunnel;	     /* that the relay talks through; socket 0: none */
	int peers, cages;  /* its socket in a private network, the directory of running cages; the caller's; -1: none */
};

/* What a relay is made from. */
struct network_texts {
	const char *rules, *policy;   /* for nft(8); for cuddy-net */
	int pidfd;		      /* of a process in the namespaces that get them */
	const struct tunnel *outside; /* where the relay talks; NULL: where the caller is */
};

#define NETWORK_ANSWER 1024 /* bytes of what a helper says, with a NUL */

/* Loads the rules and starts the relay.  0, or -EIO with a helper's own words in `answer`; then nothing is left. */
int network_begin(struct network *network, struct arena *arena, const struct network_texts *texts,
		  char answer[NETWORK_ANSWER]);

/* A launch_prepare (launch/launch.h); `data` is a struct network.  On failure nothing is left. */
int network_prepare(void *data, const struct plan *plan, int pidfd, struct diags *d);

/* After the cage has ended, or was never started: waits for the helpers, which end with it, and tells
 * when one had ended before. */
void network_finish(struct network *network, struct diags *d);

#endif
