/* network/sockets.h - the sockets of the cage's namespace that cuddy-net gets, in the order in which they
 * are passed.  Where there is no IPv6, only those before SOCKET_TCP6 are. */
#ifndef CUDDY_NETWORK_SOCKETS_H
#define CUDDY_NETWORK_SOCKETS_H

enum relay_socket { SOCKET_DNS, SOCKET_DNS_STREAM, SOCKET_TCP4, SOCKET_UDP4, SOCKET_RAW4, SOCKET_REFUSED,
		    SOCKET_TCP6, SOCKET_UDP6, SOCKET_RAW6, SOCKET_COUNT };

#endif
