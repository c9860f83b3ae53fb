/* relay/net/dns.h - reads one DNS query and writes its answer (RFC 1035, 6891).
 *
 * Strict: one question, class IN, one OPT record at most, nothing behind it.  What does not look like
 * that is answered with an error or, when not even that can be done, not at all.  Answers hold at most
 * one address, so they fit any datagram and nothing is ever truncated.
 * Must not: allocate, know a policy, send. */
#ifndef CUDDY_RELAY_NET_DNS_H
#define CUDDY_RELAY_NET_DNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DNS_NAME_SIZE = 254, DNS_ANSWER_SIZE = 512, DNS_QUERY_SIZE = 1232 };
enum dns_code { DNS_OK = 0, DNS_BAD_FORMAT = 1, DNS_FAILURE = 2, DNS_NO_NAME = 3, DNS_NOT_DONE = 4,
		DNS_REFUSED = 5, DNS_BAD_VERSION = 16 };
enum dns_type { DNS_A = 1, DNS_AAAA = 28 };

struct dns_query {
	char name[DNS_NAME_SIZE]; /* small letters, no final dot */
	uint16_t type;
	bool extended;		  /* it had an OPT record: so will the answer */
	size_t question;	  /* bytes of header and question, to be repeated; 12: only the header */
};

/* 0 and a question; or the code of the error to answer with (ret->question is set); or -EBADMSG: not a
 * query, to be ignored.  A name of other bytes than letters, digits, '-' and '_' is DNS_NO_NAME. */
int dns_parse(const uint8_t *packet, size_t length, struct dns_query *ret);

/* Writes the answer to `query`, which was parsed from `packet`.  `address` has 4 or 16 bytes, as the type
 * wants it, or is NULL: no such record.  Returns the length, at most DNS_ANSWER_SIZE. */
size_t dns_answer(uint8_t out[DNS_ANSWER_SIZE], const uint8_t *packet, const struct dns_query *query,
		  enum dns_code code, const uint8_t *address, uint32_t seconds);

#endif
