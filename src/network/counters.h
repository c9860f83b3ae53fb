/* network/counters.h - what a relay counts for those who look from outside: a file of the user's runtime
 * directory that the relay has mapped.  No cage can reach it, and nothing is decided by it. */
#ifndef CUDDY_NETWORK_COUNTERS_H
#define CUDDY_NETWORK_COUNTERS_H

#include <stdint.h>

#define NETWORK_COUNTERS_MAGIC 0x316e6463u /* "cdn1" */

struct network_counters {
	uint32_t magic, unused;
	uint64_t connections, pairs; /* that went out: TCP, and pairs of addresses of UDP */
	uint64_t visitors;	     /* that came in by published ports */
	uint64_t refused;	     /* by the kernel's rules and by the relay */
};

#endif
