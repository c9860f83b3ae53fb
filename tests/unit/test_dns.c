/* test_dns - queries read strictly, answers written as RFC 1035 and 6891 want them; names and the
 * synthetic addresses that stand for them. */
#include "relay/net/dns.h"
#include "relay/net/names.h"
#include "base/macros.h"
#include "tap.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define HEADER "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"
#define HEADER_OPT "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x01"
#define EXAMPLE "\x07" "eXample\x03" "org\x00"
#define IN_A "\x00\x01\x00\x01"
#define OPT "\x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00\x00"
#define LABEL63 "\x3f" "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define LABEL61 "\x3d" "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define LABEL62 "\x3e" "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

#define PACKET(text) (text), sizeof(text) - 1
static const struct { const char *what, *packet; size_t length; int code; } queries[] = {
	{ "a plain query", PACKET(HEADER EXAMPLE IN_A), DNS_OK },
	{ "one with EDNS", PACKET(HEADER_OPT EXAMPLE IN_A OPT), DNS_OK },
	{ "EDNS with a cookie", PACKET(HEADER_OPT EXAMPLE IN_A "\x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00\x0c"
				       "\x00\x0a\x00\x08" "12345678"), DNS_OK },
	{ "EDNS of a later version", PACKET(HEADER_OPT EXAMPLE IN_A "\x00\x00\x29\x04\xd0\x00\x01\x00\x00\x00\x00"),
	  DNS_BAD_VERSION },
	{ "EDNS cut off", PACKET(HEADER_OPT EXAMPLE IN_A "\x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00\x01"),
	  DNS_BAD_FORMAT },
	{ "EDNS announced and missing", PACKET(HEADER_OPT EXAMPLE IN_A), DNS_BAD_FORMAT },
	{ "another record than EDNS", PACKET(HEADER_OPT EXAMPLE IN_A "\x00\x00\x01\x04\xd0\x00\x00\x00\x00\x00\x00"),
	  DNS_BAD_FORMAT },
	{ "bytes behind it", PACKET(HEADER EXAMPLE IN_A "x"), DNS_BAD_FORMAT },
	{ "nothing", "", 0, -EBADMSG },
	{ "half a header", PACKET("\x12\x34\x01\x00\x00\x01"), -EBADMSG },
	{ "an answer", PACKET("\x12\x34\x81\x00\x00\x01\x00\x00\x00\x00\x00\x00" EXAMPLE IN_A), -EBADMSG },
	{ "a status query", PACKET("\x12\x34\x11\x00\x00\x01\x00\x00\x00\x00\x00\x00" EXAMPLE IN_A), DNS_NOT_DONE },
	{ "an update", PACKET("\x12\x34\x28\x00\x00\x01\x00\x00\x00\x00\x00\x00" EXAMPLE IN_A), DNS_NOT_DONE },
	{ "a truncated query", PACKET("\x12\x34\x03\x00\x00\x01\x00\x00\x00\x00\x00\x00" EXAMPLE IN_A), DNS_BAD_FORMAT },
	{ "no question", PACKET("\x12\x34\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00"), DNS_BAD_FORMAT },
	{ "two questions", PACKET("\x12\x34\x01\x00\x00\x02\x00\x00\x00\x00\x00\x00" EXAMPLE IN_A EXAMPLE IN_A),
	  DNS_BAD_FORMAT },
	{ "an answer record", PACKET("\x12\x34\x01\x00\x00\x01\x00\x01\x00\x00\x00\x00" EXAMPLE IN_A), DNS_BAD_FORMAT },
	{ "a question cut off", PACKET(HEADER EXAMPLE "\x00\x01\x00"), DNS_BAD_FORMAT },
	{ "a name cut off", PACKET(HEADER "\x07" "exam"), DNS_BAD_FORMAT },
	{ "a name without end", PACKET(HEADER "\x03" "abc"), DNS_BAD_FORMAT },
	{ "a pointer to itself", PACKET(HEADER "\xc0\x0c" IN_A), DNS_BAD_FORMAT },
	{ "a pointer behind a label", PACKET(HEADER "\x03" "abc\xc0\x0c" IN_A), DNS_BAD_FORMAT },
	{ "a label of an unknown kind", PACKET(HEADER "\x41\x01" IN_A), DNS_BAD_FORMAT },
	{ "the root", PACKET(HEADER "\x00" IN_A), DNS_REFUSED },
	{ "another class", PACKET(HEADER EXAMPLE "\x00\x01\x00\x03"), DNS_REFUSED },
	{ "a dot in a label", PACKET(HEADER "\x03" "a.b\x00" IN_A), DNS_NO_NAME },
	{ "a null in a label", PACKET(HEADER "\x03" "a\0b\x00" IN_A), DNS_NO_NAME },
	{ "a letter beyond ASCII", PACKET(HEADER "\x02\xc3\xa4\x00" IN_A), DNS_NO_NAME },
	{ "a name of 253 letters", PACKET(HEADER LABEL63 LABEL63 LABEL63 LABEL61 "\x00" IN_A), DNS_OK },
	{ "a name of 254 letters", PACKET(HEADER LABEL63 LABEL63 LABEL63 LABEL62 "\x00" IN_A), DNS_BAD_FORMAT },
};

static void test_queries(void)
{
	struct dns_query q;
	int code;

	for (size_t i = 0; i < ARRAY_SIZE(queries); i++) {
		code = dns_parse((const uint8_t *)queries[i].packet, queries[i].length, &q);
		ok(code == queries[i].code, "%s", queries[i].what);
		if (code != queries[i].code)
			printf("# gave %d instead of %d\n", code, queries[i].code);
	}
	dns_parse((const uint8_t *)queries[0].packet, queries[0].length, &q);
	ok(strcmp(q.name, "example.org") == 0 && q.type == DNS_A && !q.extended, "name, type, no EDNS");
	dns_parse((const uint8_t *)queries[1].packet, queries[1].length, &q);
	ok(q.extended && q.question == 29, "the question ends before EDNS");
}

static void test_answers(void)
{
	static const uint8_t expected[] =
		"\x12\x34\x85\x80\x00\x01\x00\x01\x00\x00\x00\x01" EXAMPLE IN_A
		"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\xc6\x12\x01\x00" OPT;
	static const uint8_t address[16] = { 198, 18, 1, 0 };
	const uint8_t *packet = (const uint8_t *)queries[1].packet;
	uint8_t out[DNS_ANSWER_SIZE];
	struct dns_query q;

	dns_parse(packet, queries[1].length, &q);
	ok(dns_answer(out, packet, &q, DNS_OK, address, 60) == sizeof(expected) - 1 &&
	   memcmp(out, expected, sizeof(expected) - 1) == 0, "an answer, with the case of the question and EDNS");
	ok(dns_answer(out, packet, &q, DNS_NO_NAME, NULL, 0) == 40 && out[3] == 0x83 && out[7] == 0, "no such name");
	q.type = 16;
	ok(dns_answer(out, packet, &q, DNS_OK, address, 60) == 40 && out[7] == 0, "no address for another type");
	q.type = DNS_AAAA;
	ok(dns_answer(out, packet, &q, DNS_OK, address, 60) == 68, "16 bytes for AAAA");
	packet = (const uint8_t *)queries[3].packet;
	dns_parse(packet, queries[3].length, &q);
	ok(dns_answer(out, packet, &q, DNS_BAD_VERSION, NULL, 0) == 40 && (out[3] & 15) == 0 && out[34] == 1,
	   "the upper bits of a code go into EDNS");
	packet = (const uint8_t *)queries[16].packet;
	int code = dns_parse(packet, queries[16].length, &q);
	ok(dns_answer(out, packet, &q, (enum dns_code)code, NULL, 0) == 12 && out[3] == 0x81 && out[5] == 0,
	   "an error that cannot repeat the question is a header alone");
}

static bool is_address(const uint8_t address[16], const char *text)
{
	uint8_t wanted[16];

	return inet_pton(AF_INET6, text, wanted) == 1 && memcmp(address, wanted, 16) == 0;
}

static void test_names(void)
{
	struct names *names = names_new();
	uint8_t address[16];
	bool synthetic, good = true;
	char name[32];
	uint32_t index = names_index(names, "example.org");

	ok(index == SYNTHETIC_FIRST && names_index(names, "example.org") == index, "a name keeps its index");
	names_address4(index, address);
	ok(is_address(address, "::ffff:198.18.1.0"), "its IPv4 address");
	ok(strcmp(names_find(names, address, &synthetic), "example.org") == 0 && synthetic, "leads back to it");
	names_address6(index, address);
	ok(is_address(address, "fd63:7564:6479::100"), "its IPv6 address");
	ok(strcmp(names_find(names, address, &synthetic), "example.org") == 0 && synthetic, "leads back to it");
	names_address6(index + 1, address);
	ok(!names_find(names, address, &synthetic) && synthetic, "an address that was not given out");
	inet_pton(AF_INET6, "::ffff:198.20.1.0", address);
	ok(!names_find(names, address, &synthetic) && !synthetic, "one behind the range");
	inet_pton(AF_INET6, "fd63:7564:6479::ffff:0:100", address);
	ok(!names_find(names, address, &synthetic) && !synthetic, "one of another prefix");
	for (unsigned i = 1; i < SYNTHETIC_COUNT; i++) {
		snprintf(name, sizeof(name), "n%u.example", i);
		index = names_index(names, name);
		names_address4(index, address);
		const char *found = names_find(names, address, &synthetic);
		good = good && found && strcmp(found, name) == 0;
	}
	ok(good && index == SYNTHETIC_FIRST + SYNTHETIC_COUNT - 1, "all places can be used");
	ok(names_index(names, "one.more.example") == SYNTHETIC_FIRST, "then the oldest gives way");
	names_address4(SYNTHETIC_FIRST, address);
	ok(strcmp(names_find(names, address, &synthetic), "one.more.example") == 0, "its address leads to the new name");
	ok(names_index(names, "example.org") == SYNTHETIC_FIRST + 1, "and it gets another when it comes back");
	names_free(names);
}

int main(void)
{
	test_queries();
	test_answers();
	test_names();
	return done();
}
