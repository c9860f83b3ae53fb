/* policy/publication.c - reads one entry of `publish`, `lend` or `expose`.  Must not: resolve a name. */
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

/* The policy of a relay is made of lines, so nothing in a path may end one. */
static bool is_path(const char *text, size_t length)
{
	if (length < 2 || length > LENDING_PATH || !strchr("/~$", *text) || text[length - 1] == '/')
		return false;
	for (size_t i = 0; i < length; i++)
		if (iscntrl((unsigned char)text[i]))
			return false;
	return true;
}

bool lending_parse(const char *text, bool wants_path, struct lending *ret)
{
	struct lending l = { .text = text };
	const char *colon = strrchr(text, ':'), *at = text;

	if (strchr(text, '/')) {
		if (!colon || !is_path(text, (size_t)(colon - text)))
			return false;
		l.path_length = (size_t)(colon - text);
		at = colon + 1;
		if (!take_port(&at, &l.inside) || *at)
			return false;
	} else if (wants_path || !take_port(&at, &l.outside)) {
		return false;
	} else {
		l.inside = l.outside;
		if ((*at == ':' && (at++, !take_port(&at, &l.inside))) || *at)
			return false;
	}
	*ret = l;
	return true;
}
