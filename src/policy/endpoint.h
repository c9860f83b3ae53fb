/* policy/endpoint.h - `[tcp:|udp:|icmp:|dns:|listen:]HOST[:PORT[-PORT]]`, HOST a name, `*.name`,
 * IPv4, [IPv6], CIDR, or a word: internet, lan, loopback, any, host (the host's own network), abstract (sockets
 * of that network which have no file, unix(7)). */
#ifndef CUDDY_POLICY_ENDPOINT_H
#define CUDDY_POLICY_ENDPOINT_H

#include "diag/diag.h"

enum host_form { HOST_NAME, HOST_SUFFIX /* *.name */, HOST_NETWORK /* address or CIDR */,
		 HOST_INTERNET, HOST_LAN, HOST_LOOPBACK, HOST_ANY, HOST_HOST, HOST_ABSTRACT };

struct endpoint {
	unsigned access;	/* ACCESS_CONNECT (tcp), ACCESS_SEND (udp), ACCESS_LISTEN, ACCESS_RESOLVE */
	bool icmp;
	enum host_form form;
	const char *name;	/* NAME, SUFFIX (without "*."): small letters, no final dot */
	unsigned char address[16]; /* v4 mapped into ::ffff:0:0/96 */
	unsigned prefix;	/* bits of 128 */
	uint16_t first_port, last_port; /* 0-65535 when none was given */
};

int endpoint_parse(struct arena *arena, const char *text, const struct origin *origin,
		   struct diags *d, struct endpoint *ret);
const char *endpoint_text(struct arena *arena, const struct endpoint *endpoint); /* canonical */
/* The networks that the words `lan` and `loopback` stand for, one by one as "10.0.0.0/8"; NULL behind
 * the last.  `internet` is all others. */
const char *endpoint_word_network(struct arena *arena, enum host_form form, size_t index);
/* Does the rule endpoint cover the (concrete) requested one?  Sees 4-in-6 addresses as IPv4. */
bool endpoint_covers(const struct endpoint *rule, const struct endpoint *request);
/* HOST_INTERNET, HOST_LAN or HOST_LOOPBACK: what an address is by its number (v4 mapped). */
enum host_form endpoint_class(const unsigned char address[16]);
/* The same for a name: names of one word and those that end in ".local", ".lan", … are of the lan. */
enum host_form endpoint_name_class(const char *name);
/* The networks that are not the internet, one by one, as HOST_NETWORK; false behind the last. */
bool endpoint_special(size_t index, struct endpoint *ret);

#endif
