/* relay/net/dns_reply.c - asks a name server and reads what it says.
 * Every byte of a reply may come from anybody.  Must not: allocate, read behind the packet. */
#include "relay/net/dns_reply.h"
#include "base/macros.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

enum { HEADER = 12, LABEL_MOST = 63, CLASS_IN = 1, TYPE_CNAME = 5, RECORD_FIXED = 10, CHAIN_MOST = 16,
       FLAGS_MUST = 0x8000, FLAGS_LOOKED_AT = 0xf800, FLAG_TRUNCATED = 0x0200, CODE = 15 };

struct reader { const uint8_t *packet; size_t length; };

static uint16_t get16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static void put16(uint8_t *at, unsigned value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

size_t dns_ask(uint8_t out[DNS_ANSWER_SIZE], uint16_t id, const char *name, uint16_t type)
{
	static const uint8_t rest[] = { 1, 0, 0, 1, 0, 0, 0, 0, 0, 0 }; /* recursion, one question */
	size_t at = HEADER;

	if (!*name || strlen(name) >= DNS_NAME_SIZE)
		return 0;
	put16(out, id);
	memcpy(out + 2, rest, sizeof(rest));
	while (*name) {
		size_t label = strcspn(name, ".");
		if (!label || label > LABEL_MOST)
			return 0;
		out[at++] = (uint8_t)label;
		memcpy(out + at, name, label);
		at += label;
		name += label + (name[label] == '.');
	}
	out[at++] = 0;
	put16(out + at, type);
	put16(out + at + 2, CLASS_IN);
	return at + 4;
}

/* The name at *at, which is moved behind it, as labels in small letters with their lengths, ended by the
 * empty one: so two names are equal when their bytes are.  False: it is none. */
static bool read_name(const struct reader *r, size_t *at, uint8_t name[DNS_NAME_SIZE + 1], size_t *ret_size)
{
	size_t used = 0, from = *at, limit = *at; /* a pointer must lead before all that was read */
	bool jumped = false;

	for (;;) {
		if (from >= r->length)
			return false;
		size_t label = r->packet[from];
		if ((label & 0xc0) == 0xc0) {
			if (from + 2 > r->length || (get16(r->packet + from) & 0x3fffu) >= limit)
				return false;
			if (!jumped)
				*at = from + 2;
			jumped = true;
			from = limit = get16(r->packet + from) & 0x3fffu;
			continue;
		}
		if (label > LABEL_MOST || from + 1 + label > r->length || used + 1 + label > DNS_NAME_SIZE)
			return false;
		name[used++] = (uint8_t)label;
		for (size_t i = 0; i < label; i++)
			name[used++] = (uint8_t)tolower(r->packet[from + 1 + i]);
		from += 1 + label;
		if (!label)
			break;
	}
	if (!jumped)
		*at = from;
	*ret_size = used;
	return true;
}

struct record { uint8_t owner[DNS_NAME_SIZE + 1]; size_t owner_size, data, size; uint16_t type, class; };

static bool read_record(const struct reader *r, size_t *at, struct record *ret)
{
	if (!read_name(r, at, ret->owner, &ret->owner_size) || r->length - *at < RECORD_FIXED)
		return false;
	ret->type = get16(r->packet + *at);
	ret->class = get16(r->packet + *at + 2);
	ret->size = get16(r->packet + *at + 8);
	ret->data = *at + RECORD_FIXED;
	*at = ret->data + ret->size;
	return *at <= r->length;
}

static int check_header(const uint8_t *packet, size_t length, const uint8_t *query, size_t query_length)
{
	if (length < query_length || memcmp(packet, query, 2) != 0 || get16(packet + 4) != 1 ||
	    memcmp(packet + HEADER, query + HEADER, query_length - HEADER) != 0 ||
	    (get16(packet + 2) & FLAGS_LOOKED_AT) != FLAGS_MUST)
		return -EBADMSG;
	if (get16(packet + 2) & FLAG_TRUNCATED)
		return -EMSGSIZE;
	switch (get16(packet + 2) & CODE) {
	case DNS_OK:
	case DNS_NO_NAME:
		return 0;
	}
	return -EAGAIN;
}

/* Servers send the chain in its order: from the name to an alias of it, and so on, to the addresses. */
int dns_read_reply(const uint8_t *packet, size_t length, const uint8_t *query, size_t query_length,
		   uint8_t (*addresses)[16], unsigned room)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	struct reader reader = { packet, length };
	uint8_t wanted[DNS_NAME_SIZE + 1];
	size_t at = HEADER, wanted_size, data, chain = 0;
	uint16_t type = get16(query + query_length - 4);
	unsigned count = 0, bytes = type == DNS_A ? 4 : 16;
	struct record record;
	int r = check_header(packet, length, query, query_length);

	if (r < 0 || !read_name(&reader, &at, wanted, &wanted_size))
		return r < 0 ? r : -EBADMSG;
	at = query_length;
	for (unsigned left = get16(packet + 6); left && count < room; left--) {
		if (!read_record(&reader, &at, &record))
			return -EBADMSG;
		if (record.class != CLASS_IN || record.owner_size != wanted_size ||
		    memcmp(record.owner, wanted, wanted_size) != 0)
			continue;
		data = record.data;
		if (record.type == TYPE_CNAME && (++chain > CHAIN_MOST || !read_name(&reader, &data, wanted, &wanted_size)))
			return -EBADMSG;
		if (record.type != type || record.size != bytes)
			continue;
		memcpy(addresses[count], mapped, sizeof(mapped));
		memcpy(addresses[count++] + 16 - bytes, packet + record.data, bytes);
	}
	return (int)count;
}
