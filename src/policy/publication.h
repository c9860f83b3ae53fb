/* policy/publication.h - entries of `publish`, `lend` and `expose`: what of the host leads to which port of
 * the cage.
 *
 *     publish  [ADDRESS:]PORT[:PORT-IN-THE-CAGE][/tcp|/udp]
 *     lend     PORT[:PORT-IN-THE-CAGE] or PATH:PORT-IN-THE-CAGE
 *     expose   PATH:PORT-IN-THE-CAGE
 *
 * An IPv6 address stands in brackets.  Without an address it is 127.0.0.1, without a protocol TCP.  A port
 * that is lent is one of the host's loopback, a path that of a stream socket. */
#ifndef CUDDY_POLICY_PUBLICATION_H
#define CUDDY_POLICY_PUBLICATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct publication {
	const char *text;	  /* as it was given to publication_parse() */
	uint8_t address[16];	  /* of the host, where others connect to; v4 mapped */
	uint16_t outside, inside; /* ports */
	bool udp;
};

/* False: it is none. */
bool publication_parse(const char *text, struct publication *ret);

enum { LENDING_PATH = 512 };	  /* bytes that the path may have */

struct lending {
	const char *text;	  /* as it was given to lending_parse() */
	size_t path_length;	  /* bytes of text that are the path; 0: it is a port */
	uint16_t outside, inside; /* ports; outside only without a path */
};

/* An entry of `lend`, or of `expose`, which wants a path.  The path must be absolute, or begin with '~' or
 * '$': variables are not looked at.  False: it is none. */
bool lending_parse(const char *text, bool wants_path, struct lending *ret);

#endif
