/* fuzz_relay.c - what the relay reads besides names: its policy, packets from the kernel's log, echo requests, the
 * names of other cages.  Whatever is understood lies in its bounds, and a policy that is none opens nothing. */
#include "relay/net/journal.h"
#include "relay/net/relay.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_log(const uint8_t *data, size_t size)
{
	struct refused_packet packet;
	struct echo echo;
	size_t at = 0, before = 0;

	while (journal_packet(data, size, &at, &packet)) {
		must(at > before && at <= size);
		must(packet.bytes >= data && packet.bytes + packet.size <= data + size);
		before = at;
		if (icmp_read(packet.bytes, packet.size, &echo))
			must(echo.message + echo.size <= packet.bytes + packet.size);
	}
}

static void read_echo(const uint8_t *data, size_t size)
{
	uint8_t refusal[ICMP_REFUSAL], answer[64];
	struct echo echo;

	if (icmp_read(data, size, &echo)) {
		must(echo.size >= 8 && echo.message > data && echo.message + echo.size <= data + size);
		must(icmp_refuse(echo.ip, echo.message, size % 2 ? REFUSAL_PORT : REFUSAL_PROHIBITED, refusal) <= ICMP_REFUSAL);
	}
	size = MIN(size, sizeof(answer));
	memcpy(answer, data, size);
	if (icmp_readdress(answer, size, size % 2, size % 3 == 0, 0x1234))
		must(answer[4] == 0x12 && answer[5] == 0x34);
}

static void read_policy(const uint8_t *data, size_t size)
{
	static const uint8_t host[16] = { [10] = 0xff, [11] = 0xff, 127, 0, 0, 1 };
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const char *text = arena_strndup(arena, (const char *)data, size);
	struct rules rules;
	struct diags d;

	diags_init(&d, arena);
	(void)rules_is_cage(text, strlen(text));
	if (rules_parse(arena, text, &d, &rules) < 0)
		return;
	must(!rules_may_reach(&rules, ACCESS_CONNECT, host, 80));
	must(rules_cage_length(&rules, text) < size + 1);
	for (size_t i = 0; i < rules.lent.count; i++)
		must(rules.lent.items[i].inside && rules.lent.items[i].path_length <= LENDING_PATH);
	must(!rules.network || rules_is_cage(rules.cage, strlen(rules.cage)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	void (*const readers[])(const uint8_t *, size_t) = { read_log, read_echo, read_policy };
	readers[data[0] % ARRAY_SIZE(readers)](data + 1, size - 1);
	return 0;
}
