/* fuzz_dns.c - any bytes as a query: what is understood means the same when it is asked again, every
 * answer repeats the question, fits its room, and is itself never taken for a query. */
#include "relay/net/dns.h"

#include "base/macros.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t address[16] = { 1, 2, 3, 4 };
	struct dns_query q, again;
	uint8_t out[DNS_ANSWER_SIZE];
	int code = dns_parse(data, size, &q);

	if (code < 0)
		return 0;
	must(q.question >= 12 && q.question <= size && strlen(q.name) < DNS_NAME_SIZE);
	for (const char *c = q.name; code == 0 && *c; c++)
		must(strchr("abcdefghijklmnopqrstuvwxyz0123456789-_.", *c));
	size_t length = dns_answer(out, data, &q, (enum dns_code)code, code ? NULL : address, 60);
	must(length >= q.question && length <= sizeof(out));
	must(memcmp(out, data, 2) == 0 && memcmp(out + 12, data + 12, q.question - 12) == 0);
	must(dns_parse(out, length, &again) < 0);
	return 0;
}
