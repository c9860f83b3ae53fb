/* relay/net/names.h - which synthetic address stands for which name. */
#ifndef CUDDY_RELAY_NET_NAMES_H
#define CUDDY_RELAY_NET_NAMES_H

#include "base/synthetic.h"
#include <stdint.h>

struct names;

struct names *names_new(void); /* ends the process when there is no memory */
void names_free(struct names *names);

/* The index of a name, in [SYNTHETIC_FIRST, SYNTHETIC_FIRST + SYNTHETIC_COUNT).  The same name keeps its
 * index; when all are taken, the one that was given out first goes to the new name. */
uint32_t names_index(struct names *names, const char *name);

/* The addresses of an index: IPv6 whole, IPv4 in ::ffff:0:0/96. */
void names_address4(uint32_t index, uint8_t ret[16]);
void names_address6(uint32_t index, uint8_t ret[16]);

/* The name that such an address stands for; NULL when it was never given out.  *ret_synthetic tells
 * whether the address is one of ours at all. */
const char *names_find(const struct names *names, const uint8_t address[16], _Bool *ret_synthetic);

#endif
