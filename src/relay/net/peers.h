/* relay/net/peers.h - what the cages of a private network ask each other for.
 *
 * Each has a socket for datagrams in its directory of running cages, which only their user can reach.  A
 * datagram is one struct peer_call and carries one descriptor, over which the answer goes back: a socket of the
 * called cage's namespace, on its way to the port, or why there is none (socket_pass()).  From then on the
 * caller's relay moves the bytes, and what happens in one cage is seen in the other as between two computers. */
#ifndef CUDDY_RELAY_NET_PEERS_H
#define CUDDY_RELAY_NET_PEERS_H

#include <stdint.h>

enum { PEER_NETWORK = 64, PEER_NAME = 65 };

struct peer_call {
	char network[PEER_NETWORK], from[PEER_NAME]; /* the caller's; its keeper writes them */
	uint8_t v6;	 /* the port is one of ::1, else of 127.0.0.1 */
	uint8_t access;	 /* ACCESS_CONNECT (TCP), ACCESS_SEND (UDP) or RULES_PING, which has no port */
	uint16_t port;
};

#endif
