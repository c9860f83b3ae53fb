/* base/synthetic.h - the addresses that a cage with a relay sees.
 *
 * Such a cage has a loopback interface and nothing else.  OWN is its address there: a resolver needs
 * one that is not 127.0.0.1 (getaddrinfo's AI_ADDRCONFIG).  Each name that it asks for gets an address
 * out of NAMES, which stands for that name and for nothing else.  198.18.0.0/15 is kept for tests of
 * network devices (RFC 2544), the IPv6 prefix is a local one (RFC 4193) that spells "cuddy". */
#ifndef CUDDY_BASE_SYNTHETIC_H
#define CUDDY_BASE_SYNTHETIC_H

#define SYNTHETIC_OWN4   "198.18.0.1"
#define SYNTHETIC_OWN6   "fd63:7564:6479::1"
#define SYNTHETIC_NAMES4 "198.18.0.0/15"
#define SYNTHETIC_NAMES6 "fd63:7564:6479::/96"

#define SYNTHETIC_OWN	 1u	/* of NAMES, OWN */
#define SYNTHETIC_FIRST  256u	/* of NAMES, the first that stands for a name */
#define SYNTHETIC_COUNT  32768u /* names at a time; then the oldest gives its address away */

/* Where the relay takes what leaves the cage, at OWN: a port that no program can take. */
#define SYNTHETIC_PORT   1u

/* The kernel sends the front of each packet that the rules refuse to the relay, and whole the echo requests,
 * by these groups of nfnetlink_log and these rules, which are left out where the kernel has it not. */
#define NETWORK_LOG_RULE "\t\tlog group 1 snaplen 80\n"
/* Between rules that are loaded one after the other: the kernel takes no more at a time from a user than fits
 * into a socket's buffer (net.core.wmem_default), which is some 3000 elements of a set. */
#define NETWORK_RULES_THEN "# then\n"
enum { NETWORK_RULES_ELEMENTS = 1000 };

#define NETWORK_PING_RULE "\t\tlog group 2 snaplen 65535\n"
enum { NETWORK_LOG_GROUP = 1, NETWORK_LOG_BYTES = 80, NETWORK_PING_GROUP = 2, NETWORK_PING_BYTES = 65535 };

#endif
