/* relay/net/relay.h - cuddy-net: the only way out of a cage that has no uplink.
 *
 * The launcher gives it sockets that were made in the cage's network namespace; it itself lives in the
 * host's, or in that of a tunnel.  What the cage sends anywhere arrives at those sockets with its original address and port
 * (tproxy).  An address that stands for a name is resolved here, after the policy was asked.
 *
 * Descriptors at start: 0, 2 /dev/null; 1 the answer to the launcher, "ready" or what went wrong; 3 a
 * socket on which the cage's sockets come; 4 a pidfd of the cage's init; 5 the policy (rules.h); 6 the
 * counters (network/counters.h); 7 the log (journal.h); 8 the cage's socket for its peers (peers.h), 9 the directory
 * of running cages: both /dev/null without a private network; 10, 11 the tunnel's user and network namespace, 12 its
 * name servers (network/servers.h): /dev/null without "tunnel" in the policy. */
#ifndef CUDDY_RELAY_NET_RELAY_H
#define CUDDY_RELAY_NET_RELAY_H

#include "network/sockets.h"
#include "relay/net/journal.h"
#include "relay/net/names.h"
#include "relay/net/peers.h"
#include "relay/net/resolver.h"
#include "relay/net/rules.h"

#include <netinet/in.h>

#ifndef IPV6_ORIGDSTADDR
#define IPV6_ORIGDSTADDR 74 /* linux/in6.h, which does not bear netinet/in.h */
#endif

enum {
	LIMIT_FLOWS = 1024,	   /* of each, TCP and UDP; fewer where descriptors are scarce */
	LIMIT_DNS_STREAMS = 16,
	LIMIT_RESOLVE_SECONDS = 30,
	LIMIT_CONNECT_SECONDS = 3, /* each address; the last one has as long as the kernel gives it */
	LIMIT_DOUBT_SECONDS = 600, /* that IPv4 goes first after an IPv6 address has not answered */
	LIMIT_UDP_SECONDS = 120,   /* without a packet */
	LIMIT_LENT_TRIES = 5,	   /* one in a second, while too many wait at the service */
};

struct relay;

/* Whoever waits for a descriptor. */
struct handle {
	int fd;
	uint32_t events; /* that are waited for */
	void (*ready)(struct relay *relay, struct handle *handle, uint32_t events);
};

struct flow_table { struct flow *first; unsigned count; };

/* One connection, or one pair of UDP addresses, from the program to the outside. */
struct flow {
	struct relay *relay;
	struct flow *next;	   /* of the same table, or of the dead */
	struct flow_table *table;
	uint32_t id;
	unsigned access;	   /* ACCESS_CONNECT, ACCESS_SEND or RULES_PING */
	bool inward;		   /* from outside to a port of the cage: `outside` is in the cage then */
	const struct lending *lent; /* it goes to a service of the host, or NULL */
	bool peer;		   /* to another cage of the private network */
	bool loose;		   /* `outside` is not connected: datagrams into a cage, this one or another */
	uint8_t to[16];		   /* as the program wrote it */
	uint16_t port;
	char *name;		   /* that `to` stands for; NULL: an address */
	uint8_t addresses[RESOLVER_ADDRESSES][16];
	unsigned count, tried;
	long long deadline;	   /* ms; 0: none */
	struct handle outside;
	bool connected, dead;
	/* The outside socket is on its way to an address; nothing can be reached; free what you own. */
	void (*dialled)(struct flow *flow);
	void (*failed)(struct flow *flow);
	void (*end)(struct flow *flow);
};

struct relay {
	int epoll;
	long long now;	    /* ms */
	long long doubt6;   /* until then IPv6 is thought not to work; ms */
	bool over;	    /* the cage has ended */
	bool broken;	    /* one of our own helpers has */
	struct rules rules;
	struct journal journal;
	struct names *names;
	struct handle sockets[SOCKET_COUNT], cage, resolver, onlink, peers, maker_end, keeper_end;
	struct flow_table tcp, udp, visitors; /* the last: of both, into the cage */
	struct inlet *inlets;	   /* one for each publication */
	struct outlet *outlets;	   /* of what is lent and exposed */
	struct exposed *exposed;   /* sockets that were made for that */
	size_t outlet_count, exposed_count;
	int maker, keeper, cages;  /* maker.c, keeper.c; -1: not needed.  The directory of running cages, for the keeper */
	struct flow *dead; /* freed when all events at hand are done: they may name it */
	unsigned flow_limit, dns_streams;
	uint32_t last_id;
};

/* loop.c */
int relay_watch(struct relay *relay, struct handle *handle, uint32_t events);
void relay_forget(struct relay *relay, struct handle *handle); /* closes the descriptor */
void relay_run(struct relay *relay);

/* flow.c */
bool address_is_v4(const uint8_t address[16]); /* mapped, as all IPv4 is here */
struct sockaddr_storage address_of(const uint8_t bytes[16], uint16_t port, socklen_t *ret_size);
/* As people write it; returns `text`. */
const char *address_text(const uint8_t bytes[16], char text[INET6_ADDRSTRLEN]);
int flow_protocol(unsigned access, int family); /* of socket(2) */
extern const uint8_t flow_loopback[2][16]; /* IPv4, IPv6 */
int flow_connect(int fd, const uint8_t address[16], uint16_t port); /* 0, also when it is under way; or -errno */
bool address_from(const struct sockaddr_storage *from, uint8_t ret[16], uint16_t *ret_port);
/* Asks the policy and puts the flow into its table.  False: refused, nothing was done. */
bool flow_begin(struct relay *relay, struct flow *flow, struct flow_table *table);
/* The same, asking nobody, for one who comes from outside to the port of the cage, and for one to whom a
 * service is lent. */
bool flow_begin_inward(struct relay *relay, struct flow *flow, uint16_t port);
bool flow_begin_lent(struct relay *relay, struct flow *flow, const struct lending *lent);
void flow_dial(struct flow *flow); /* the next address, or the end */
/* Datagrams to and from where the flow goes; as send(2) and recv(2). */
ssize_t flow_send(const struct flow *flow, const uint8_t *bytes, size_t size);
ssize_t flow_receive(const struct flow *flow, uint8_t *room, size_t size);
void flow_end(struct flow *flow);
void flows_bury(struct relay *relay); /* frees the dead */
void flow_resolved(struct relay *relay, const struct resolver_answer *answer);
/* Ends what is over its time; true when another flow has a deadline. */
bool flows_expire(struct relay *relay);

/* inlet.c: opens the published ports, before the relay confines itself.  0, or -errno with what could
 * not be done. */
int inlets_open(struct relay *relay, const char **ret_what);
int inlets_watch(struct relay *relay);
/* outlet.c: the same for sockets of exposed ports, and looks where lent services are.  Ports for these are
 * taken from the maker. */
int outlets_open(struct relay *relay, const char **ret_what);
int outlets_take(struct relay *relay, int from);
int outlets_watch(struct relay *relay);
/* "publish '8080'"; returns `error`. */
int opening_failed(const char *verb, const char *entry, int error, const char **ret_what);
/* tcp.c: somebody connected to a published or exposed port, to a service that is lent. */
void tcp_visit(struct relay *relay, int fd, uint16_t port);
void tcp_lend(struct relay *relay, int fd, const struct lending *lent);

/* maker.c: forks the maker, which enters the cage of the pidfd.  0 or -errno. */
int maker_start(struct relay *relay, int cage);
/* One of the cage's namespace with that address, or -errno. */
int maker_socket(struct relay *relay, int family, int type, int protocol, const uint8_t source[16]);
/* One descriptor over a socket of ours, or the -errno that there is instead. */
bool socket_pass(int to, int fd);
int socket_take(int from); /* or -errno */

/* keeper.c: may this service be lent?  0, -ELOOP: a link is on the way, … */
int keeper_check(const struct lending *entry);
/* Makes the socket of an exposed port.  It, or -errno. */
int keeper_expose(struct relay *relay, size_t index);
void keeper_withdraw(const struct relay *relay); /* takes all of these away */
/* Forks the keeper, which does that when we have ended, and asks it for a connection.  0, it, or -errno. */
int keeper_start(struct relay *relay);
int keeper_connect(struct relay *relay, const struct lending *entry, bool v6); /* v6: a port of ::1 */
/* Calls the other cage that `name` ("db.lab") stands for: a socket on which its answer comes, or -errno. */
int keeper_call(struct relay *relay, const char *name, const struct peer_call *call);
bool keeper_has(struct relay *relay, const char *name); /* is there one? */
void keeper_end(struct relay *relay); /* waits until it has done so */

/* peers.c: another cage calls. */
void peers_ready(struct relay *relay, struct handle *handle, uint32_t events);

/* icmp.c: an echo request as the program sent it; false: it is none. */
struct echo { uint8_t from[16], to[16]; uint16_t id; const uint8_t *ip, *message; size_t size; };
bool icmp_read(const uint8_t *ip, size_t size, struct echo *ret);
/* Requests and answers have other numbers in IPv6, and the address of a name is given in both: what the program
 * asks by one may have to go by the other.  Makes a request one of IPv4 or IPv6. */
void icmp_translate(uint8_t *request, bool v6);
/* Makes an answer of that family one of the program's, with the identifier that it used; false: it is no answer. */
bool icmp_readdress(uint8_t *message, size_t size, bool from_v6, bool to_v6, uint16_t id);
enum { ICMP_REFUSAL = 56 };
/* Writes that what begins with `ip`, up to the eighth byte of `message`, is administratively prohibited, or that
 * nobody is at its port; the checksum is the caller's.  Its size. */
enum refusal { REFUSAL_PROHIBITED, REFUSAL_PORT };
size_t icmp_refuse(const uint8_t *ip, const uint8_t *message, enum refusal why, uint8_t out[ICMP_REFUSAL]);
void udp_echo(struct relay *relay, const struct echo *echo); /* the program sent it */

/* dns_server.c, tcp.c, udp.c: what to do when a socket of the cage is ready. */
void dns_ready(struct relay *relay, struct handle *handle, uint32_t events);
void dns_stream_ready(struct relay *relay, struct handle *handle, uint32_t events);
void tcp_ready(struct relay *relay, struct handle *handle, uint32_t events);
void udp_ready(struct relay *relay, struct handle *handle, uint32_t events);

#endif
