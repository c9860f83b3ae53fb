/* relay/net/dns.c - reads one DNS query and writes its answer.
 * Every byte comes from the caged program.  Must not: allocate, read behind the packet. */
#include "relay/net/dns.h"

#include <errno.h>
#include <string.h>

enum {
	HEADER = 12, LABEL_MOST = 63, CLASS_IN = 1, TYPE_OPT = 41,
	FLAG_RESPONSE = 0x8000, FLAG_OPCODE = 0x7800, FLAG_AUTHORITATIVE = 0x0400, FLAG_TRUNCATED = 0x0200,
	FLAG_RECURSION_WANTED = 0x0100, FLAG_RECURSION = 0x0080,
	OPT_FIXED = 11, /* root name, type, size, extended code, version, flags, length */
};

static uint16_t get16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static uint8_t *put16(uint8_t *at, unsigned value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
	return at + 2;
}

/* The letter in its small form, or 0: not one of a host name. */
static char small(uint8_t byte)
{
	if (byte >= 'A' && byte <= 'Z')
		return (char)(byte - 'A' + 'a');
	if ((byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') || byte == '-' || byte == '_')
		return (char)byte;
	return 0;
}

/* The name of the question at *at, which is moved behind it.  Pointers are not taken: there is nothing
 * before the first name that one could point to. */
static int parse_name(const uint8_t *packet, size_t length, size_t *at, char name[DNS_NAME_SIZE])
{
	size_t used = 0;
	int code = 0;

	for (;;) {
		if (*at >= length || packet[*at] > LABEL_MOST)
			return DNS_BAD_FORMAT;
		size_t label = packet[(*at)++];
		if (!label)
			break;
		if (*at + label > length || used + label + 1 >= DNS_NAME_SIZE)
			return DNS_BAD_FORMAT;
		if (used)
			name[used++] = '.';
		for (size_t i = 0; i < label; i++) {
			name[used] = small(packet[*at + i]);
			code = name[used++] ? code : DNS_NO_NAME;
		}
		*at += label;
	}
	name[used] = 0;
	return used ? code : DNS_REFUSED; /* the root */
}

/* The one record that may stand behind the question. */
static int parse_opt(const uint8_t *packet, size_t length, size_t at, struct dns_query *q)
{
	if (length - at < OPT_FIXED || packet[at] != 0 || get16(packet + at + 1) != TYPE_OPT)
		return DNS_BAD_FORMAT;
	if (length - at - OPT_FIXED != get16(packet + at + 9))
		return DNS_BAD_FORMAT;
	q->extended = true;
	return packet[at + 6] ? DNS_BAD_VERSION : 0;
}

int dns_parse(const uint8_t *packet, size_t length, struct dns_query *ret)
{
	struct dns_query q = { .question = HEADER };
	size_t at = HEADER;
	int code;

	*ret = q;
	if (length < HEADER || get16(packet + 2) & FLAG_RESPONSE)
		return -EBADMSG;
	if (get16(packet + 2) & FLAG_OPCODE)
		return DNS_NOT_DONE;
	if (get16(packet + 2) & FLAG_TRUNCATED || get16(packet + 4) != 1 || get16(packet + 6) ||
	    get16(packet + 8) || get16(packet + 10) > 1 || length > DNS_QUERY_SIZE)
		return DNS_BAD_FORMAT;
	code = parse_name(packet, length, &at, q.name);
	if (code == DNS_BAD_FORMAT || length - at < 4)
		return DNS_BAD_FORMAT;
	q.type = get16(packet + at);
	if (get16(packet + at + 2) != CLASS_IN)
		code = code ? code : DNS_REFUSED;
	at += 4;
	q.question = at;
	int more = get16(packet + 10) ? parse_opt(packet, length, at, &q) : length > at ? DNS_BAD_FORMAT : 0;
	if (more == DNS_BAD_FORMAT)
		return more;
	*ret = q;
	return more ? more : code;
}

static uint8_t *put_address(uint8_t *at, const struct dns_query *query, const uint8_t *address,
			    uint32_t seconds)
{
	unsigned size = query->type == DNS_A ? 4 : 16;

	at = put16(at, 0xc000 | HEADER); /* the name of the question */
	at = put16(at, query->type);
	at = put16(at, CLASS_IN);
	at = put16(at, seconds >> 16);
	at = put16(at, seconds & 0xffff);
	at = put16(at, size);
	memcpy(at, address, size);
	return at + size;
}

static uint8_t *put_opt(uint8_t *at, enum dns_code code)
{
	*at++ = 0;
	at = put16(at, TYPE_OPT);
	at = put16(at, DNS_QUERY_SIZE);
	*at++ = (uint8_t)(code >> 4);
	memset(at, 0, 5); /* version, flags, length */
	return at + 5;
}

size_t dns_answer(uint8_t out[DNS_ANSWER_SIZE], const uint8_t *packet, const struct dns_query *query,
		  enum dns_code code, const uint8_t *address, uint32_t seconds)
{
	uint8_t *at = out + query->question;
	unsigned wanted = get16(packet + 2) & (FLAG_OPCODE | FLAG_RECURSION_WANTED);

	if (query->type != DNS_A && query->type != DNS_AAAA)
		address = NULL;
	memcpy(out, packet, query->question);
	put16(out + 2, FLAG_RESPONSE | FLAG_AUTHORITATIVE | FLAG_RECURSION | wanted | (code & 15));
	put16(out + 4, query->question > HEADER);
	put16(out + 6, address != NULL);
	put16(out + 8, 0);
	put16(out + 10, query->extended);
	if (address)
		at = put_address(at, query, address, seconds);
	if (query->extended)
		at = put_opt(at, code);
	return (size_t)(at - out);
}
