/* test_journal - what the kernel says of refused packets, and lines that do not fill a disk. */
#include "relay/net/journal.h"
#include "base/macros.h"
#include "tap.h"

#include <fcntl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static uint8_t bytes[512];

/* A message with one attribute of the given type; its size. */
static size_t make(unsigned attribute, const void *payload, size_t size)
{
	size_t whole = NLMSG_HDRLEN + sizeof(struct nfgenmsg) + NLA_HDRLEN + size;
	struct nlmsghdr header = { .nlmsg_len = (uint32_t)whole, .nlmsg_type = NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET };
	struct nlattr a = { .nla_len = (uint16_t)(NLA_HDRLEN + size), .nla_type = (uint16_t)attribute };

	memset(bytes, 0, sizeof(bytes));
	memcpy(bytes, &header, sizeof(header));
	memcpy(bytes + NLMSG_HDRLEN + sizeof(struct nfgenmsg), &a, sizeof(a));
	memcpy(bytes + NLMSG_HDRLEN + sizeof(struct nfgenmsg) + NLA_HDRLEN, payload, size);
	return whole;
}

static bool reads(size_t size, struct refused_packet *ret)
{
	size_t at = 0;

	return journal_packet(bytes, size, &at, ret);
}

static void packets(void)
{
	static const uint8_t v4[24] = { [0] = 0x45, [9] = 6, [16] = 203, 0, 113, 7, 0x10, 0, 0x01, 0xbb };
	static const uint8_t options[28] = { [0] = 0x46, [9] = 17, [16] = 203, 0, 113, 7, [26] = 0, 53 };
	static const uint8_t v6[44] = { [0] = 0x60, [6] = 17, [24] = 0x20, 1, [39] = 9, [42] = 0, 53 };
	struct refused_packet p;
	size_t size = make(NFULA_PAYLOAD, v4, sizeof(v4));

	ok(reads(size, &p) && !strcmp(p.protocol, "tcp") && p.to[12] == 203 && p.to[15] == 7 && p.port == 443, "IPv4");
	for (size_t cut = 0; cut < size; cut++)
		if (reads(cut, &p))
			break;
		else if (cut + 1 == size)
			ok(1, "no part of it is read");
	size = make(NFULA_PAYLOAD, options, sizeof(options));
	ok(reads(size, &p) && !strcmp(p.protocol, "udp") && p.port == 53, "IPv4 with options");
	size = make(NFULA_PAYLOAD, v6, sizeof(v6));
	ok(reads(size, &p) && !strcmp(p.protocol, "udp") && p.to[0] == 0x20 && p.to[15] == 9 && p.port == 53, "IPv6");
	size = make(NFULA_PAYLOAD, v4, 20);
	ok(reads(size, &p) && p.port == 0, "a header without ports");
	size = make(NFULA_PAYLOAD, v4, 19);
	ok(!reads(size, &p), "half a header");
	size = make(NFULA_PREFIX, v4, sizeof(v4));
	ok(!reads(size, &p), "a message without a packet");
	size = make(NFULA_PAYLOAD, v4, sizeof(v4));
	bytes[NLMSG_HDRLEN + sizeof(struct nfgenmsg)] = 0xff;
	ok(!reads(size, &p), "an attribute that is longer than its message");
	size = make(NFULA_PAYLOAD, v4, sizeof(v4));
	bytes[NLMSG_HDRLEN + sizeof(struct nfgenmsg)] = 0;
	ok(!reads(size, &p), "an attribute of no length");
}

static void lines(void)
{
	struct network_counters counters = { 0 };
	struct journal journal;
	int log = memfd_create("log", MFD_CLOEXEC), file = memfd_create("counters", MFD_CLOEXEC);
	char text[256];

	must(log >= 0 && write(file, &counters, sizeof(counters)) == sizeof(counters));
	ok(journal_open(&journal, log, file) == 0, "the counters are mapped");
	for (unsigned i = 0; i < 5; i++)
		journal_refused(&journal, "relay", "tcp", "a.example", 443);
	ssize_t size = pread(log, text, sizeof(text) - 1, 0);
	text[MAX(size, 0)] = 0;
	ok(strstr(text, "\"host\": \"a.example\", \"port\": 443}\n") && strchr(text, '\n')[1] == 0, "the same comes once");
	for (unsigned i = 0; i < 20000; i++)
		journal_refused(&journal, "relay", "tcp", "b.example", (uint16_t)i);
	ok(journal.lines == JOURNAL_LINES, "there are no more lines than that");
	must(pread(file, &counters, sizeof(counters), 0) == sizeof(counters));
	ok(counters.refused == 20005 && counters.magic == NETWORK_COUNTERS_MAGIC, "but all are counted");
	close(log);
	close(file);
}

int main(void)
{
	packets();
	lines();
	return done();
}
