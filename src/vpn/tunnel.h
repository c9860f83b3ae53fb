/* vpn/tunnel.h - running tunnels: one for each configuration, shared by all cages that name it.
 *
 * A tunnel is held by cuddy-vpn (relay/vpn/), which the first cage starts and the last one ends.  It is the
 * only interface of a network namespace of its own; what is done there can leave by the tunnel or not at all.
 * The way to it is a socket in ".vpn" of the directory of running cages, where no cage can look. */
#ifndef CUDDY_VPN_TUNNEL_H
#define CUDDY_VPN_TUNNEL_H

#include "vpn/store.h"

#define TUNNEL_MESSAGE 4096 /* bytes of one packet of its socket, with a NUL */
#define TUNNEL_SECONDS 30   /* that a cage waits for a tunnel */

/* What a user sends (one packet each): ASK_ATTACH and a digest, with a pidfd of the cage; or ASK_STATUS.
 * What cuddy-vpn answers: SAY_UP, with what TUNNEL_GIFTS lists;
 * SAY_WAIT, SAY_FAILED, SAY_DOWN and the client's last words; SAY_OTHER: the digest is another one;
 * SAY_STATUS and lines of "KEY VALUE".  To one who is attached SAY_DOWN and SAY_UP again as it
 * happens, and SAY_BYE when its cage has ended. */
enum tunnel_word { ASK_ATTACH = 'a', ASK_STATUS = 's', SAY_UP = 'u', SAY_WAIT = 'w', SAY_FAILED = 'f',
		   SAY_DOWN = 'd', SAY_OTHER = 'o', SAY_STATUS = 'i', SAY_BYE = 'b' };

/* Descriptors that make a process part of the tunnel: its user and network namespace, its name servers
 * (network/servers.h). */
enum tunnel_gift { TUNNEL_USER, TUNNEL_NETWORK, TUNNEL_SERVERS, TUNNEL_GIFTS };

struct tunnel_places {
	struct vpn_places configurations;
	int runtime; /* the directory of running cages */
};

/* A use of a tunnel.  Zero-initialise. */
struct tunnel {
	int socket;		    /* 0: none */
	int gifts[TUNNEL_GIFTS];
};

/* Waits until the tunnel `name` is up, which is started if it is not there; from then on it stays as long as the
 * process of `pidfd` lives.  Tells a terminal at stderr what it waits for.  0, or -errno, told at `origin`. */
int tunnel_attach(struct arena *arena, const struct tunnel_places *places, const char *name,
		  const struct origin *origin, int pidfd, struct diags *d, struct tunnel *ret);

/* Closes what there is, and tells whether the tunnel was gone meanwhile; `d` may be NULL. */
void tunnel_leave(struct tunnel *tunnel, struct diags *d);

/* What cuddy-vpn says of the tunnels that run: a text of "KEY VALUE" lines for each, NULL at the end.  0 or
 * -errno; that there is none is no error. */
int tunnel_list(struct arena *arena, int runtime, const char *const **ret);

#endif
