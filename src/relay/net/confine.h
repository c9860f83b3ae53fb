/* relay/net/confine.h - what the relay and its workers give up. */
#ifndef CUDDY_RELAY_NET_CONFINE_H
#define CUDDY_RELAY_NET_CONFINE_H

/* The relay: no files, no programs, no processes; sockets of IPv4 and IPv6, and what moves bytes.  Any
 * other call ends it.  0 or -errno. */
int confine_relay(void);

/* The maker of sockets (inlet.c): no capability, and nothing but making and passing them. */
int confine_maker(void);

/* The keeper of sockets of the file system (keeper.c): connects, removes names; opens no file. */
int confine_keeper(void);

/* A resolver's worker: it must read files and load modules, but starts no program, traces nobody, enters
 * no namespace and writes no file (where Landlock is).  0 or -errno. */
int confine_worker(void);

/* A program of others that cuddy-vpn starts: it uses files, programs and common sockets as it finds them, but
 * makes no namespace or mount, traces nobody, loads nothing into the kernel.  0 or -errno. */
int confine_client(void);

#endif
