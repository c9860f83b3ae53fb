/* backend/network.h - which network a cage gets follows from its rules. */
#ifndef CUDDY_BACKEND_NETWORK_H
#define CUDDY_BACKEND_NETWORK_H

#include "backend/backend.h"
#include "base/synthetic.h"

enum network_mode {
	NETWORK_NONE,  /* nothing outside is allowed: loopback, or not even that */
	NETWORK_RELAY, /* no uplink; the relay carries what the rules allow */
	NETWORK_HOST,  /* the word `host`: the host's own, with no border */
};
enum network_mode network_mode(const struct policy *policy);

static inline bool network_is_host(const struct policy *policy)
{
	return network_mode(policy) == NETWORK_HOST;
}
static inline bool network_has_relay(const struct policy *policy)
{
	return network_mode(policy) == NETWORK_RELAY;
}

/* Does a rule lead out of the cage?  What is published, lent or exposed does not count. */
bool network_leads_out(const struct policy *policy);

/* Does the rule allow to ping somebody outside, and nothing else? */
bool network_is_ping(const struct rule *rule);

/* Of rules about pings alone nothing would be left where the kernel lets the user open no ping socket (icmp(7)):
 * 0, or -EINVAL with a diagnostic.  To be asked when a cage starts, not when a plan is made. */
int network_check_ping(const struct policy *policy, struct diags *d);

/* The rules of a cage with a relay as nft(8) reads them; in `arena`. */
const char *network_rules(struct arena *arena, const struct policy *policy);

/* May the program do `access` (ACCESS_CONNECT, ACCESS_LISTEN) at that port of its own loopback? */
bool network_has_port(const struct policy *policy, unsigned access, uint16_t port);

/* Adds steps for what the profile publishes, lends and exposes, and for its private network; refuses
 * what nobody could use.  With the
 * host's network: refuses all of it.  (openings.c)  0 or -EINVAL with diagnostics. */
int network_open(struct compilation *c, enum network_mode mode);

/* Adds the step for the VPN, if there is one: what leads out goes through it, or nowhere.  Rules say where to, it
 * says by which way.  (openings.c)  0 or -EINVAL with diagnostics. */
int network_tunnel(struct compilation *c, enum network_mode mode);

/* The network rules as cuddy-net reads them (relay/net/rules.h), for the cage `name`. */
const char *network_policy(struct arena *arena, const struct policy *policy, const char *name);

#endif
