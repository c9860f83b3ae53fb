/* relay/net/dns_reply.h - asks a name server and reads what it says (RFC 1035).
 *
 * Strict: what does not repeat the question to the letter is not the answer; pointers lead backwards only;
 * records that the chain from the name asked for does not lead to are passed over.
 * Must not: allocate, send, believe a length. */
#ifndef CUDDY_RELAY_NET_DNS_REPLY_H
#define CUDDY_RELAY_NET_DNS_REPLY_H

#include "relay/net/dns.h"

/* Writes the query for `name` (letters, digits, '-', '_', dots).  Its length, or 0: no such name can be
 * asked for. */
size_t dns_ask(uint8_t out[DNS_ANSWER_SIZE], uint16_t id, const char *name, uint16_t type);

/* Reads the reply to `query`, which dns_ask() wrote.  The number of addresses, at most `room`, each of 16
 * bytes, v4 mapped (0: the name has none, or does not exist); -EBADMSG: this is not the reply;
 * -EMSGSIZE: ask by TCP; -EAGAIN: this server cannot tell. */
int dns_read_reply(const uint8_t *packet, size_t length, const uint8_t *query, size_t query_length,
		   uint8_t (*addresses)[16], unsigned room);

#endif
