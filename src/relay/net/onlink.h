/* relay/net/onlink.h - the host's own addresses and the networks on its cables, as they change.
 *
 * They are no internet even where their numbers look like it: a neighbour with a global address, the
 * host itself by its public one.  Followed by rtnetlink(7) in the host's network namespace. */
#ifndef CUDDY_RELAY_NET_ONLINK_H
#define CUDDY_RELAY_NET_ONLINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LIMIT_ONLINK 4096 /* networks; of a host with more, all addresses count as near */

struct onlink {
	int fd; /* to be polled for reading */
	struct onlink_network { uint8_t address[16]; unsigned prefix; } *networks, *coming;
	size_t count, coming_count;
	unsigned asking; /* 0: nothing; 1: for addresses; 2: for routes */
	bool stale, overflow;
};

/* Reads the present state.  0 or -errno. */
int onlink_open(struct onlink *o);
void onlink_close(struct onlink *o);
/* To be called when fd is readable. */
void onlink_ready(struct onlink *o);
bool onlink_has(const struct onlink *o, const uint8_t address[16]);

#endif
