/* relay/net/rules.h - may the cage resolve this name, reach this address?  The policy's oracle decides;
 * here is only added what the oracle cannot know: what a name turned out to be, and which addresses are
 * the host's own or its neighbours'. */
#ifndef CUDDY_RELAY_NET_RULES_H
#define CUDDY_RELAY_NET_RULES_H

#include "network/servers.h"
#include "policy/policy.h"
#include "policy/publication.h"
#include "relay/net/onlink.h"

struct rules {
	struct policy policy;  /* network rules only */
	struct onlink onlink;
	bool check_names;      /* what a client asks for must be the name that it resolved */
	VEC(struct publication) publications;
	const char *network, *cage; /* the private network and the name there; NULL: none */
	VEC(struct lending) lent, exposed;
	VEC(struct name_server) servers; /* to ask for names in the place of the host's resolver */
	bool tunnel;	       /* what leaves does so in a tunnel's namespace, where its name servers are asked */
};

/* Lines of "allow ENDPOINT", "deny ENDPOINT", "ask ENDPOINT", "check-names", "publish PUBLICATION",
 * "lend LENDING", "expose LENDING", "network NETWORK CAGE", "server ADDRESS", "tunnel".  0 or -EINVAL with diagnostics. */
int rules_parse(struct arena *arena, const char *text, struct diags *d, struct rules *ret);

bool rules_may_resolve(const struct rules *r, const char *name);

/* `access`: ACCESS_CONNECT (TCP), ACCESS_SEND (UDP) or RULES_PING, which has no port. */
#define RULES_PING 16u
bool rules_may_reach_name(const struct rules *r, unsigned access, const char *name, uint16_t port);
bool rules_may_reach(const struct rules *r, unsigned access, const uint8_t address[16], uint16_t port);

bool rules_may_listen(const struct rules *r, uint16_t port);

/* How much of a name of the private network is the name of a cage, as "db" of "db.lab"; 0: it is another name.
 * These are never looked up outside. */
size_t rules_cage_length(const struct rules *r, const char *name);
/* Can a cage that others find have this name? */
bool rules_is_cage(const char *name, size_t length);

/* May `name`, which may be reached, be `address`?  Never the host's loopback.  The host's own
 * addresses, those of its neighbours and all that is no internet: only for a name that is local itself,
 * or when the rules allow that address. */
bool rules_may_be(const struct rules *r, unsigned access, const char *name, const uint8_t address[16],
		  uint16_t port);

#endif
