/* relay/vpn/client.h - a program of others, confined: what it may see, what it may do, what it says.
 *
 * It sees the file system of room_enter() and one network namespace; no capability but those that are named,
 * no new privileges, no namespaces, mounts, traces or modules. */
#ifndef CUDDY_RELAY_VPN_CLIENT_H
#define CUDDY_RELAY_VPN_CLIENT_H

#include "base/macros.h"
#include <sys/types.h>

struct client {
	pid_t pid;  /* 0: none runs */
	int pidfd;  /* or -1 */
	int output; /* what it writes to 1 and 2; or -1 */
};

struct client_wish {
	const char *const *argv; /* argv[0] is looked up in /usr/sbin and its like */
	const char *const *envp;
	int network_namespace;
	const char *input;	 /* text of its standard input, at most a pipe's; or NULL */
	int extra;		 /* becomes its descriptor 3; or -1 */
	uint64_t capabilities;
};

/* 0 or -errno; a program that is missing says so on `output` and exits with 127. */
int client_start(const struct client_wish *wish, struct client *ret);
/* Kills it if it runs, and waits for it; what it has said can still be read. */
void client_end(struct client *client);

/* Makes a file system in which there is what such programs need, read-only, and enters it.  The caller is root in
 * a mount namespace of its own.  0 or -errno, and in *ret_what what could not be done. */
int room_enter(const char **ret_what);

#endif
