/* test_dns_reply - what name servers say, read strictly. */
#include "relay/net/dns_reply.h"
#include "base/macros.h"
#include "tap.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#define QUESTION "\x02ok\x07" "example\x00\x00\x01\x00\x01"
#define REPLY(flags, count) "\x12\x34" flags "\x00\x01\x00" count "\x00\x00\x00\x00" QUESTION
#define SAME "\xc0\x0c"			    /* the name of the question, at 12 */
#define A(name, last) name "\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\xcb\x00\x71" last
#define ALIAS(name, size, to) name "\x00\x05\x00\x01\x00\x00\x00\x3c\x00" size to

#define PACKET(text) (const uint8_t *)(text), sizeof(text) - 1
static const struct { const char *what; const uint8_t *packet; size_t length; int result; unsigned last; } rows[] = {
	{ "one address", PACKET(REPLY("\x81\x80", "\x01") A(SAME, "\x0a")), 1, 10 },
	{ "two addresses", PACKET(REPLY("\x81\x80", "\x02") A(SAME, "\x0a") A(SAME, "\x0b")), 2, 11 },
	{ "no more than there is room for", PACKET(REPLY("\x81\x80", "\x03") A(SAME, "\x0a") A(SAME, "\x0b") A(SAME, "\x0c")), 2, 11 },
	{ "none", PACKET(REPLY("\x81\x80", "\x00")), 0, 0 },
	{ "no such name", PACKET(REPLY("\x81\x83", "\x00")), 0, 0 },
	{ "the name written out, in other letters", PACKET(REPLY("\x81\x80", "\x01") A("\x02OK\x07" "eXample\x00", "\x0a")), 1, 10 },
	{ "an alias", PACKET(REPLY("\x81\x80", "\x02") ALIAS(SAME, "\x04", "\x01" "b\xc0\x0f") A("\x01" "b\xc0\x0f", "\x0c")), 1, 12 },
	{ "an address of another name", PACKET(REPLY("\x81\x80", "\x01") A("\x01" "b\xc0\x0f", "\x0a")), 0, 0 },
	{ "an alias that leads elsewhere", PACKET(REPLY("\x81\x80", "\x02") ALIAS(SAME, "\x04", "\x01" "b\xc0\x0f") A(SAME, "\x0c")), 0, 0 },
	{ "a record of another class", PACKET(REPLY("\x81\x80", "\x01") SAME "\x00\x01\x00\x03\x00\x00\x00\x3c\x00\x04" "abcd"), 0, 0 },
	{ "an address of five bytes", PACKET(REPLY("\x81\x80", "\x01") SAME "\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x05" "abcde"), 0, 0 },
	{ "the server failed", PACKET(REPLY("\x81\x82", "\x00")), -EAGAIN, 0 },
	{ "the server refused", PACKET(REPLY("\x81\x85", "\x00")), -EAGAIN, 0 },
	{ "cut off", PACKET(REPLY("\x83\x80", "\x00")), -EMSGSIZE, 0 },
	{ "a query", PACKET(REPLY("\x01\x80", "\x00")), -EBADMSG, 0 },
	{ "an update", PACKET(REPLY("\xa9\x80", "\x00")), -EBADMSG, 0 },
	{ "another number", PACKET("\x12\x35\x81\x80\x00\x01\x00\x00\x00\x00\x00\x00" QUESTION), -EBADMSG, 0 },
	{ "another name", PACKET("\x12\x34\x81\x80\x00\x01\x00\x00\x00\x00\x00\x00\x02oh\x07" "example\x00\x00\x01\x00\x01"), -EBADMSG, 0 },
	{ "another type", PACKET("\x12\x34\x81\x80\x00\x01\x00\x00\x00\x00\x00\x00\x02ok\x07" "example\x00\x00\x1c\x00\x01"), -EBADMSG, 0 },
	{ "two questions", PACKET("\x12\x34\x81\x80\x00\x02\x00\x00\x00\x00\x00\x00" QUESTION), -EBADMSG, 0 },
	{ "half a header", PACKET("\x12\x34\x81\x80\x00"), -EBADMSG, 0 },
	{ "nothing", PACKET(""), -EBADMSG, 0 },
	{ "a record that is announced and missing", PACKET(REPLY("\x81\x80", "\x02") A(SAME, "\x0a")), -EBADMSG, 0 },
	{ "a record cut off", PACKET(REPLY("\x81\x80", "\x01") SAME "\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04" "abc"), -EBADMSG, 0 },
	{ "a pointer to itself", PACKET(REPLY("\x81\x80", "\x01") A("\xc0\x1c", "\x0a")), -EBADMSG, 0 },
	{ "a pointer ahead", PACKET(REPLY("\x81\x80", "\x01") A("\xc0\x2c", "\x0a")), -EBADMSG, 0 },
	{ "a pointer cut off", PACKET(REPLY("\x81\x80", "\x01") "\xc0"), -EBADMSG, 0 },
	{ "a label of an unknown kind", PACKET(REPLY("\x81\x80", "\x01") A("\x41\x00", "\x0a")), -EBADMSG, 0 },
};

static void read_row(size_t i)
{
	uint8_t query[DNS_ANSWER_SIZE], addresses[2][16];
	size_t length = dns_ask(query, 0x1234, "ok.example", DNS_A);
	int r = dns_read_reply(rows[i].packet, rows[i].length, query, length, addresses, 2);

	ok(r == rows[i].result, "%s: %d", rows[i].what, rows[i].result);
	if (r > 0)
		ok(addresses[r - 1][15] == rows[i].last && addresses[r - 1][12] == 203, "%s: the last ends in %u",
		   rows[i].what, rows[i].last);
}

int main(void)
{
	static const char *const bad[] = { "", ".", ".a", "a..b",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" };
	uint8_t query[DNS_ANSWER_SIZE];
	struct dns_query parsed;
	size_t length = dns_ask(query, 7, "a.b-c.example", DNS_AAAA);

	ok(dns_parse(query, length, &parsed) == DNS_OK && strcmp(parsed.name, "a.b-c.example") == 0 &&
	   parsed.type == DNS_AAAA, "what we ask is a query");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		ok(dns_ask(query, 7, bad[i], DNS_A) == 0, "'%s' cannot be asked for", bad[i]);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		read_row(i);
	return done();
}
