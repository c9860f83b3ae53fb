/* relay/vpn/holder.h - the half of cuddy-vpn that stays outside: knows the cages, and ends with the last of them. */
#ifndef CUDDY_RELAY_VPN_HOLDER_H
#define CUDDY_RELAY_VPN_HOLDER_H

#include "network/network.h"
#include "network/servers.h"
#include "vpn/config.h"

#define HOLDER_USERS 64

struct holder_user {
	int socket, pidfd;     /* -1: it has gone; not attached yet */
	long long deadline;    /* while it waits for the tunnel, milliseconds; else 0 */
	bool mute, gone;       /* its socket, or both, are closed when all events of this time were looked at */
};

struct holder {
	const char *name, *kind, *digest, *remote; /* what it is; for `status` */
	int epoll, listener, control, relay; /* the last two: to inside; pidfd of the uplink's relay; or -1 */
	int gifts[TUNNEL_GIFTS];	    /* for each cage */
	struct name_servers *servers;	    /* what the last gift shows */
	struct holder_user users[HOLDER_USERS];
	size_t count;
	bool up, ever_up;
	unsigned downs;			    /* how often it was lost */
	long long since, started;	    /* of the present state; milliseconds */
	char facts[1024];		    /* lines of "server ADDRESS", "address ADDRESS" */
	char words[8][512];		    /* the client's last lines, a ring */
	unsigned word;
};

/* Waits for what the descriptors of the holder have to say; to be called before it is confined.  0 or -errno. */
int holder_watch(struct holder *holder);
/* Serves until the last cage has ended, or something that it needs; then the caller ends, and all with it. */
void holder_run(struct holder *holder);
/* The same for a tunnel that could not be made: tells whoever waits. */
void holder_fail(struct holder *holder, const char *why);

#endif
