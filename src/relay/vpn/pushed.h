/* relay/vpn/pushed.h - what a server of OpenVPN has pushed, as the client tells it by the environment of --up.
 * openvpn(8), "Environmental Variables".  The server, or a client that was taken over, may say anything there. */
#ifndef CUDDY_RELAY_VPN_PUSHED_H
#define CUDDY_RELAY_VPN_PUSHED_H

#include "vpn/config.h"

#define PUSHED_MOST 8191 /* routes of a family, options */

struct pushed {
	struct vpn_addresses addresses, routes, servers;
	unsigned mtu; /* bytes; 0: none, or one that cannot be */
	bool more;    /* some were too many, and are left out */
};

/* Has all of it come?  Entries end with a NUL each, the last is empty. */
bool pushed_is_whole(const char *bytes, size_t size);

/* Reads what is whole.  What is no address, mask or number is passed over.  False: there is no address for the
 * tunnel.  Texts are in the arena. */
bool pushed_read(struct arena *arena, const char *bytes, size_t size, struct pushed *ret);

/* One more route, to all of IPv4. */
void pushed_redirect(struct arena *arena, struct pushed *pushed);

#endif
