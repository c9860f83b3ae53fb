/* relay/net/relay.h - cuddy-net: the only way out of a cage that has no uplink.
 *
 * The launcher gives it sockets that were made in the cage's network namespace; it itself lives in the
 * host's.  What the cage sends anywhere arrives at those sockets with its original address and port
 * (tproxy).  An address that stands for a name is resolved here, after the policy was asked.
 *
 * Descriptors at start: 0, 2 /dev/null; 1 the answer to the launcher, "ready" or what went wrong; 3 a
 * socket on which the cage's sockets come; 4 a pidfd of the cage's init; 5 the policy (rules.h); 6 the
 * counters (network/counters.h); 7 the log (journal.h). */
#ifndef CUDDY_RELAY_NET_RELAY_H
#define CUDDY_RELAY_NET_RELAY_H

#include "network/sockets.h"
#include "relay/net/journal.h"
#include "relay/net/names.h"
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
	LIMIT_CONNECT_SECONDS = 5, /* each address; the last one has as long as the kernel gives it */
	LIMIT_UDP_SECONDS = 120,   /* without a packet */
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
	unsigned access;	   /* ACCESS_CONNECT or ACCESS_SEND */
	bool inward;		   /* from outside to a published port: `outside` is in the cage then */
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
	bool over;	    /* the cage has ended */
	struct rules rules;
	struct journal journal;
	struct names *names;
	struct handle sockets[SOCKET_COUNT], cage, resolver, onlink;
	struct flow_table tcp, udp, visitors; /* the last: of both, into the cage */
	struct inlet *inlets;	   /* one for each publication */
	int socket_maker;	   /* inlet.c; -1: nothing is published */
	struct flow *dead; /* freed when all events at hand are done: they may name it */
	unsigned flow_limit, dns_streams;
	uint32_t last_id;
};

/* loop.c */
int relay_watch(struct relay *relay, struct handle *handle, uint32_t events);
void relay_forget(struct relay *relay, struct handle *handle); /* closes the descriptor */
void relay_run(struct relay *relay);

/* flow.c */
struct sockaddr_storage address_of(const uint8_t bytes[16], uint16_t port, socklen_t *ret_size);
/* As people write it; returns `text`. */
const char *address_text(const uint8_t bytes[16], char text[INET6_ADDRSTRLEN]);
bool address_from(const struct sockaddr_storage *from, uint8_t ret[16], uint16_t *ret_port);
/* Asks the policy and puts the flow into its table.  False: refused, nothing was done. */
bool flow_begin(struct relay *relay, struct flow *flow, struct flow_table *table);
/* The same for one who comes from outside to the port of the cage; asks nobody. */
bool flow_begin_inward(struct relay *relay, struct flow *flow, uint16_t port);
void flow_dial(struct flow *flow); /* the next address, or the end */
void flow_end(struct flow *flow);
void flows_bury(struct relay *relay); /* frees the dead */
void flow_resolved(struct relay *relay, const struct resolver_answer *answer);
/* Ends what is over its time; true when another flow has a deadline. */
bool flows_expire(struct relay *relay);

/* inlet.c: opens the published ports and starts the maker of sockets, which enters the cage of the
 * pidfd; before the relay confines itself.  0, or -errno with what could not be done. */
int inlets_open(struct relay *relay, int cage, const char **ret_what);
int inlets_watch(struct relay *relay);
int inlet_socket(struct relay *relay, int family, int type); /* one of the cage's namespace, or -errno */
/* tcp.c: somebody connected to a published port. */
void tcp_visit(struct relay *relay, int fd, uint16_t port);

/* dns_server.c, tcp.c, udp.c: what to do when a socket of the cage is ready. */
void dns_ready(struct relay *relay, struct handle *handle, uint32_t events);
void dns_stream_ready(struct relay *relay, struct handle *handle, uint32_t events);
void tcp_ready(struct relay *relay, struct handle *handle, uint32_t events);
void udp_ready(struct relay *relay, struct handle *handle, uint32_t events);

#endif
