/* policy/publication.h - one entry of `publish`: [ADDRESS:]PORT[:PORT-IN-THE-CAGE][/tcp|/udp], an IPv6
 * address in brackets.  Without an address it is 127.0.0.1, without a protocol TCP. */
#ifndef CUDDY_POLICY_PUBLICATION_H
#define CUDDY_POLICY_PUBLICATION_H

#include <stdbool.h>
#include <stdint.h>

struct publication {
	const char *text;	  /* as it was given to publication_parse() */
	uint8_t address[16];	  /* of the host, where others connect to; v4 mapped */
	uint16_t outside, inside; /* ports */
	bool udp;
};

/* False: it is none. */
bool publication_parse(const char *text, struct publication *ret);

#endif
