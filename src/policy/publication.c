/* policy/publication.c - reads one entry of `publish`.  Must not: resolve a name. */
#include "policy/publication.h"
#include "base/text.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* A port without leading zeros; *at is moved behind it. */
static bool take_port(const char **at, uint16_t *ret)
{
	unsigned value = 0;

	if (**at == '0')
		return false;
	for (; isdigit((unsigned char)**at) && value <= UINT16_MAX; ++*at)
		value = value * 10 + (unsigned)(**at - '0');
	*ret = (uint16_t)value;
	return value >= 1 && value <= UINT16_MAX;
}

/* "ADDRESS:" or "[ADDRESS]:", if there is one. */
static bool take_address(const char **at, uint8_t ret[16])
{
	bool bracket = **at == '[';
	const char *from = *at + bracket;
	size_t length = strcspn(from, bracket ? "]" : ":");
	char text[64] = "127.0.0.1", mapped[80];

	if (!bracket && !memchr(from, '.', length))
		length = 0;
	else if (length >= sizeof(text) || (bracket && from[length] != ']') || from[length + bracket] != ':')
		return false;
	if (length) {
		memcpy(text, from, length);
		text[length] = '\0';
		*at = from + length + bracket + 1;
	} else if (bracket) {
		return false;
	}
	if (bracket)
		return strchr(text, ':') && inet_pton(AF_INET6, text, ret) == 1;
	snprintf(mapped, sizeof(mapped), "::ffff:%s", text);
	return inet_pton(AF_INET6, mapped, ret) == 1;
}

bool publication_parse(const char *text, struct publication *ret)
{
	struct publication p = { .text = text };
	const char *at = text;

	if (!take_address(&at, p.address) || !take_port(&at, &p.outside))
		return false;
	p.inside = p.outside;
	if (*at == ':' && (at++, !take_port(&at, &p.inside)))
		return false;
	p.udp = str_equal(at, "/udp");
	if (*at && !p.udp && !str_equal(at, "/tcp"))
		return false;
	*ret = p;
	return true;
}
