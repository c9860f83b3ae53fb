/* relay/net/resolver.h - the host's own resolver, asked by processes of its own.
 *
 * getaddrinfo(3) reads files, loads modules and waits; the relay itself can do none of that.  So some
 * workers, forked before the relay gives up its rights, share one end of a socket: each takes the next
 * name, and all end when the relay does. */
#ifndef CUDDY_RELAY_NET_RESOLVER_H
#define CUDDY_RELAY_NET_RESOLVER_H

#include <stdbool.h>
#include <stdint.h>

enum { RESOLVER_WORKERS = 8 /* each may wait for a server that is silent */, RESOLVER_ADDRESSES = 16 };

struct resolver_answer {
	uint32_t id;
	uint32_t count; /* 0: there is no such name, or nobody could tell */
	uint8_t addresses[RESOLVER_ADDRESSES][16]; /* v4 mapped; in the order in which to try them */
};

struct rules;
struct name_servers;

/* Forks the workers, which keep no descriptor but their own.  They ask the rules' servers, when there are
 * any; else those of the tunnel, and nobody when it has none; without a tunnel (NULL) the host's resolver.
 * The relay's end, or -errno. */
int resolver_open(const struct rules *rules, const struct name_servers *tunnel);

/* False when too many names wait already. */
bool resolver_ask(int resolver, uint32_t id, const char *name);

/* One answer, if there is one. */
bool resolver_read(int resolver, struct resolver_answer *ret);

#endif
