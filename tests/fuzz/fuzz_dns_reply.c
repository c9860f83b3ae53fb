/* fuzz_dns_reply - any bytes behind the header and question that a reply must have: never more addresses
 * than there is room for, and the same again; any bytes at all: never one without its question. */
#include "relay/net/dns_reply.h"

#include "base/macros.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t packet[4096];
	uint8_t query[DNS_ANSWER_SIZE], addresses[4][16], again[4][16];
	uint16_t type = size & 1 ? DNS_A : DNS_AAAA;
	size_t length = dns_ask(query, 0x1234, "ok.example", type), used = MIN(size, sizeof(packet) - length);

	dns_read_reply(data, size, query, length, addresses, 4);
	memcpy(packet, query, length);
	packet[2] = 0x81;
	packet[3] = 0x80;
	packet[7] = 9; /* records */
	memcpy(packet + length, data, used);
	int count = dns_read_reply(packet, length + used, query, length, addresses, 4);
	must(count <= 4 && count == dns_read_reply(packet, length + used, query, length, again, 4));
	must(count <= 0 || memcmp(addresses, again, (size_t)count * 16) == 0);
	return 0;
}
