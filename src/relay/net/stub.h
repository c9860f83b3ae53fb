/* relay/net/stub.h - asks the name servers that a profile names, and nobody else: no file of the host, no
 * resolver of the host.  For a worker (resolver.h): it waits. */
#ifndef CUDDY_RELAY_NET_STUB_H
#define CUDDY_RELAY_NET_STUB_H

#include "relay/net/resolver.h"
#include "relay/net/rules.h"

/* The addresses of `name`, IPv4 first; ret->id is left alone.  Each server is asked twice at most. */
void stub_resolve(const struct name_server *servers, size_t count, const char *name,
		  struct resolver_answer *ret);

#endif
