/* relay/vpn/links.h - interfaces, addresses and routes by rtnetlink(7): one request, one answer.
 * `fd` is a socket made in the network namespace that is meant.  All return 0 or -errno. */
#ifndef CUDDY_RELAY_VPN_LINKS_H
#define CUDDY_RELAY_VPN_LINKS_H

#include "vpn/config.h"

/* A socket in the caller's network namespace; `listens`: it also hears of links, see links_lost(). */
int links_open(bool listens);

/* A tun device of the caller's network namespace that lives until it is removed, and that whoever is root in the
 * user namespace may open without a capability.  A descriptor with which it is open, or -errno. */
int links_tun(const char *name);

int links_add_wireguard(int fd, const char *name);
int links_move(int fd, const char *name, int network_namespace);
int links_remove(int fd, const char *name);
int links_up(int fd, const char *name, unsigned mtu);
int links_address(int fd, unsigned index, const struct vpn_address *address);
/* `to` with prefix 0 is the default route. */
int links_route(int fd, unsigned index, const struct vpn_address *to);

/* Has the link vanished?  Reads what the listening socket has heard. */
bool links_lost(int fd, const char *name);

#endif
