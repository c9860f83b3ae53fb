/* test_icmp - echo requests are read and answered, nothing else is. */
#include "relay/net/relay.h"
#include "tap.h"

#include <string.h>

/* An echo request of `size` bytes of data in an IPv4 or IPv6 packet; returns the length. */
static size_t make(uint8_t packet[128], bool v6, size_t size)
{
	size_t header = v6 ? 40 : 20, whole = header + 8 + size;

	memset(packet, 0, 128);
	packet[0] = v6 ? 0x60 : 0x45;
	if (v6) {
		packet[5] = (uint8_t)(8 + size);
		packet[6] = IPPROTO_ICMPV6;
		packet[23] = 1;
		packet[39] = 2;
	} else {
		packet[3] = (uint8_t)whole;
		packet[9] = IPPROTO_ICMP;
		memcpy(packet + 12, "\xc6\x12\0\1\xcb\0\x71\x0b", 8);
	}
	packet[header] = v6 ? 128 : 8;
	packet[header + 4] = 0x12;
	packet[header + 5] = 0x34;
	return whole;
}

/* Changes one byte, and asks whether it is still a request. */
static bool reads_with(bool v6, size_t at, uint8_t byte)
{
	uint8_t packet[128];
	struct echo echo;
	size_t size = make(packet, v6, 4);

	packet[at] = byte;
	return icmp_read(packet, size, &echo);
}

static void test_read(bool v6)
{
	uint8_t packet[128], refusal[ICMP_REFUSAL];
	struct echo echo;
	size_t header = v6 ? 40 : 20, size = make(packet, v6, 56);

	ok(icmp_read(packet, size, &echo) && echo.id == 0x1234 && echo.size == 64 && echo.message == packet + header,
	   "a request is read");
	ok(echo.to[15] == (v6 ? 2 : 11) && echo.from[15] == 1, "with its addresses");
	ok(icmp_refuse(&echo, refusal) == (v6 ? 56 : 36) && memcmp(refusal + 8, packet, v6 ? 48 : 28) == 0,
	   "a refusal holds the front of it");
	bool shorter = false;
	for (size_t cut = 0; cut < size; cut++)
		shorter = shorter || icmp_read(packet, cut, &echo);
	ok(!shorter, "no part of it is one");
	ok(!reads_with(v6, header, v6 ? 129 : 0), "an answer is none");
	ok(!reads_with(v6, header + 1, 1), "another code is none");
	ok(!reads_with(v6, v6 ? 6 : 9, IPPROTO_UDP), "another protocol is none");
	ok(!reads_with(v6, 0, 0x75), "another version is none");
	ok(!reads_with(v6, v6 ? 5 : 3, 200), "one that is longer than it came is none");
	ok(!reads_with(v6, v6 ? 5 : 3, 7), "one without a header is none");
	if (v6)
		return;
	ok(!reads_with(v6, 0, 0x4f), "options that are not there are none");
	ok(!reads_with(v6, 0, 0x44), "a header that is too short is none");
	ok(!reads_with(v6, 6, 0x20) && !reads_with(v6, 7, 1), "a fragment is none");
}

static void test_readdress(void)
{
	uint8_t answer[12] = { 0, 0, 9, 9, 7, 7, 0, 1, 'd', 'a', 't', 'a' };

	ok(icmp_readdress(answer, 12, false, false, 0xabcd) && answer[4] == 0xab && answer[5] == 0xcd && !answer[2] && answer[7] == 1,
	   "an answer gets the identifier");
	ok(!icmp_readdress(answer, 7, false, false, 1), "unless it is too short");
	ok(!icmp_readdress(answer, 12, true, true, 1), "or of the other family");
	ok(icmp_readdress(answer, 12, false, true, 1) && answer[0] == 129, "to one who asked by IPv6 it is an answer of IPv6");
	ok(icmp_readdress(answer, 12, true, false, 1) && answer[0] == 0, "and back");
	icmp_translate(answer, true);
	ok(answer[0] == 128, "a request, too");
	answer[0] = 3;
	ok(!icmp_readdress(answer, 12, false, false, 1), "or an error");
}

int main(void)
{
	test_read(false);
	test_read(true);
	test_readdress();
	return done();
}
