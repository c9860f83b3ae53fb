/* network/servers.h - the name servers of a tunnel, as they are at this moment: a page of memory that cuddy-vpn
 * writes and the relays of its cages read.  A server may push others with every reconnection.
 * Whoever has the descriptor can only read: the memory is sealed (F_SEAL_FUTURE_WRITE, fcntl(2), Linux 5.1). */
#ifndef CUDDY_NETWORK_SERVERS_H
#define CUDDY_NETWORK_SERVERS_H

#include <stddef.h>
#include <stdint.h>

#define NAME_SERVERS 16

struct name_server { uint8_t address[16]; }; /* v4 mapped */

struct name_servers {
	uint32_t version; /* odd while it is being written */
	uint32_t count;
	struct name_server items[NAME_SERVERS];
};

/* A page without servers, for the one who writes, and *ret_fd for those who read.  NULL: errno says why. */
struct name_servers *name_servers_new(int *ret_fd);

/* What a descriptor of such a page shows; NULL: errno says why. */
const struct name_servers *name_servers_map(int fd);

/* The only writer.  More than NAME_SERVERS are left out. */
void name_servers_write(struct name_servers *page, const struct name_server *items, size_t count);

/* How many there are, in `ret`; none when the writer died in the middle. */
size_t name_servers_read(const struct name_servers *page, struct name_server ret[NAME_SERVERS]);

#endif
