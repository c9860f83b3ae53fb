/* relay/net/journal.h - counts, and writes down what was refused: one line of JSON each, for `cuddy log`.
 *
 *     {"time": 1700000000, "event": "refused", "by": "relay", "protocol": "tcp", "host": "a.example", "port": 443}
 *
 * `time` in seconds since 1970; `by`: "rules" (the kernel), "relay", "resolver", "limit".  The same line comes once
 * in JOURNAL_SECONDS, and a cage writes JOURNAL_LINES at most: a program must not fill the disk. */
#ifndef CUDDY_RELAY_NET_JOURNAL_H
#define CUDDY_RELAY_NET_JOURNAL_H

#include "network/counters.h"

#include <stdbool.h>
#include <stddef.h>

enum { JOURNAL_LINES = 10000, JOURNAL_SECONDS = 10, JOURNAL_RECENT = 64 };

struct journal {
	int log;
	struct network_counters *counters;
	unsigned lines, next;
	struct { uint64_t key; long long at; } recent[JOURNAL_RECENT];
};

/* Maps the counters.  0 or -errno. */
int journal_open(struct journal *journal, int log, int counters);

/* `host` holds letters, digits and ".-_:" only.  Port 0: there is none. */
void journal_refused(struct journal *journal, const char *by, const char *protocol, const char *host,
		     uint16_t port);

/* What the kernel sent by nfnetlink_log: for each packet in it the protocol ("tcp", "udp", "other"), the
 * destination and its port.  *at starts with 0; false: there are no more.  (linux/netfilter/nfnetlink_log.h) */
struct refused_packet {
	const char *protocol;
	uint8_t to[16];
	uint16_t port, group; /* group: which rule sent it (base/synthetic.h) */
	const uint8_t *bytes; /* of the IP packet, as far as it was sent */
	size_t size;
};
bool journal_packet(const uint8_t *bytes, size_t size, size_t *at, struct refused_packet *ret);

#endif
