/* relay/net/journal.c - counts, and writes down what was refused.
 * Packets are the caged program's: every length is checked.  Must not: allocate, open a file. */
#include "relay/net/journal.h"
#include "base/macros.h"

#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

int journal_open(struct journal *journal, int log, int counters)
{
	void *map = mmap(NULL, sizeof(struct network_counters), PROT_READ | PROT_WRITE, MAP_SHARED, counters, 0);

	if (map == MAP_FAILED)
		return -errno;
	*journal = (struct journal){ .log = log, .counters = map };
	journal->counters->magic = NETWORK_COUNTERS_MAGIC;
	return 0;
}

/* Was the same written just now?  If not, it counts as written. */
static bool is_recent(struct journal *journal, const char *text)
{
	uint64_t key = 0xcbf29ce484222325u;
	struct timespec now;

	for (; *text; text++)
		key = (key ^ (unsigned char)*text) * 0x100000001b3u;
	clock_gettime(CLOCK_MONOTONIC, &now);
	for (unsigned i = 0; i < JOURNAL_RECENT; i++)
		if (journal->recent[i].key == key && now.tv_sec - journal->recent[i].at < JOURNAL_SECONDS)
			return true;
	journal->recent[journal->next].key = key;
	journal->recent[journal->next].at = now.tv_sec;
	journal->next = (journal->next + 1) % JOURNAL_RECENT;
	return false;
}

void journal_refused(struct journal *journal, const char *by, const char *protocol, const char *host,
		     uint16_t port)
{
	char what[512], line[640];
	struct timespec now;

	journal->counters->refused++;
	snprintf(what, sizeof(what), "\"event\": \"refused\", \"by\": \"%s\", \"protocol\": \"%s\", "
		 "\"host\": \"%s\", \"port\": %u", by, protocol, host, port);
	if (journal->lines >= JOURNAL_LINES || is_recent(journal, what))
		return;
	journal->lines++;
	clock_gettime(CLOCK_REALTIME, &now);
	int size = snprintf(line, sizeof(line), "{\"time\": %lld, %s}\n", (long long)now.tv_sec, what);
	(void)!write(journal->log, line, (size_t)size); /* a full disk stops no network */
}

/* An IP packet, or the front of one, as far as we look. */
static bool read_packet(const uint8_t *ip, size_t size, struct refused_packet *ret)
{
	bool v6 = size >= 40 && ip[0] >> 4 == 6;
	size_t header = v6 ? 40 : size ? (ip[0] & 15) * 4u : 0;

	if (!v6 && (size < 20 || ip[0] >> 4 != 4 || header < 20))
		return false;
	*ret = (struct refused_packet){ .to = { [10] = 0xff, [11] = 0xff }, .bytes = ip, .size = size };
	memcpy(v6 ? ret->to : ret->to + 12, ip + (v6 ? 24 : 16), v6 ? 16 : 4);
	uint8_t protocol = ip[v6 ? 6 : 9];
	ret->protocol = protocol == IPPROTO_TCP ? "tcp" : protocol == IPPROTO_UDP ? "udp" : "other";
	if (size >= header + 4 && *ret->protocol != 'o')
		ret->port = (uint16_t)(ip[header + 2] << 8 | ip[header + 3]);
	return true;
}

static bool find_payload(const uint8_t *at, size_t size, struct refused_packet *ret)
{
	struct nlattr attribute;

	while (size >= sizeof(attribute)) {
		memcpy(&attribute, at, sizeof(attribute));
		if (attribute.nla_len < sizeof(attribute) || attribute.nla_len > size)
			return false;
		if ((attribute.nla_type & NLA_TYPE_MASK) == NFULA_PAYLOAD)
			return read_packet(at + sizeof(attribute), attribute.nla_len - sizeof(attribute), ret);
		size_t step = MIN((size_t)NLA_ALIGN(attribute.nla_len), size);
		at += step;
		size -= step;
	}
	return false;
}

bool journal_packet(const uint8_t *bytes, size_t size, size_t *at, struct refused_packet *ret)
{
	const size_t fixed = NLMSG_HDRLEN + sizeof(struct nfgenmsg);
	struct nlmsghdr header;

	while (*at < size && size - *at >= sizeof(header)) {
		const uint8_t *message = bytes + *at;
		memcpy(&header, message, sizeof(header));
		if (header.nlmsg_len < sizeof(header) || header.nlmsg_len > size - *at)
			return false;
		*at += MIN((size_t)NLMSG_ALIGN(header.nlmsg_len), size - *at);
		if (header.nlmsg_type == (NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET) && header.nlmsg_len > fixed &&
		    find_payload(message + fixed, header.nlmsg_len - fixed, ret)) {
			ret->group = (uint16_t)(message[fixed - 2] << 8 | message[fixed - 1]);
			return true;
		}
	}
	return false;
}
