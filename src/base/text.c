/* base/text.c - strings: comparing, building, quoting. */
#include "base/text.h"
#include "base/copy.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

bool str_equal(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

bool str_starts(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool str_ends(const char *text, const char *suffix)
{
	size_t length = strlen(text), end = strlen(suffix);

	return length >= end && strcmp(text + length - end, suffix) == 0;
}

char *str_kebab(struct arena *arena, const char *text, size_t length)
{
	char *kebab = arena_alloc(arena, 2 * length + 1), *out = kebab;

	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)text[i];

		if (isupper(c) && i > 0 &&
		    (islower((unsigned char)text[i - 1]) || isdigit((unsigned char)text[i - 1])))
			*out++ = '-';
		*out++ = (char)(c == '_' ? '-' : tolower(c));
	}
	*out = '\0';
	return kebab;
}

/* Optimal string alignment with three rows; names are short, longer ones are just "far". */
unsigned str_distance(const char *a, const char *b, unsigned most)
{
	enum { LONGEST = 64 };
	unsigned rows[3][LONGEST + 1];
	size_t la = strlen(a), lb = strlen(b);

	if (la > LONGEST || lb > LONGEST)
		return most + 1;
	for (size_t j = 0; j <= lb; j++)
		rows[0][j] = (unsigned)j;
	for (size_t i = 1; i <= la; i++) {
		unsigned *row = rows[i % 3], *above = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= lb; j++) {
			unsigned cost = a[i - 1] != b[j - 1];

			row[j] = MIN(MIN(above[j] + 1, row[j - 1] + 1), above[j - 1] + cost);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				row[j] = MIN(row[j], before[j - 2] + 1);
		}
	}
	return MIN(rows[la % 3][lb], most + 1);
}

/* Decodes one UTF-8 sequence: its length, or 0 when it is not valid (RFC 3629). */
static size_t utf8_decode(const unsigned char *s, uint32_t *ret_code)
{
	static const struct { unsigned char mask, lead; uint32_t least; } forms[] = {
		{ 0xe0, 0xc0, 0x80 }, { 0xf0, 0xe0, 0x800 }, { 0xf8, 0xf0, 0x10000 },
	};

	*ret_code = s[0];
	if (s[0] < 0x80)
		return s[0] != 0;
	for (size_t form = 0; form < ARRAY_SIZE(forms); form++) {
		uint32_t code = s[0] & (unsigned char)~forms[form].mask;

		if ((s[0] & forms[form].mask) != forms[form].lead)
			continue;
		for (size_t i = 1; i <= form + 1; i++) {
			if ((s[i] & 0xc0) != 0x80)
				return 0;
			code = code << 6 | (s[i] & 0x3f);
		}
		if (code < forms[form].least || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
			return 0;
		*ret_code = code;
		return form + 2;
	}
	return 0;
}

size_t str_utf8_length(const char *text)
{
	uint32_t code;

	return utf8_decode((const unsigned char *)text, &code);
}

/* Control characters, and those that hide or turn around what follows. */
static bool is_harmful(uint32_t code)
{
	return code < 0x20 || (code >= 0x7f && code < 0xa0) || (code >= 0x200b && code <= 0x200f) ||
	       (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

char *str_quote(struct arena *arena, const char *text)
{
	struct strbuf out = { .arena = arena };
	const unsigned char *s = (const unsigned char *)(text ? text : "");
	size_t plain = 0;

	while (s[plain] >= 0x20 && s[plain] < 0x7f)
		plain++;
	if (!s[plain]) /* nearly always */
		return arena_strndup(arena, (const char *)s, plain);
	while (*s) {
		uint32_t code;
		size_t length = utf8_decode(s, &code);

		if (length && !is_harmful(code)) {
			strbuf_add_bytes(&out, (const char *)s, length);
			s += length;
		} else {
			strbuf_addf(&out, "\\x%02x", *s++);
		}
	}
	return (char *)strbuf_text(&out);
}

void strbuf_add_bytes(struct strbuf *buffer, const char *bytes, size_t count)
{
	if (buffer->length + count + 1 > buffer->room) {
		size_t room = MAX(2 * buffer->room, buffer->length + count + 1 + 64);
		char *text = arena_alloc(buffer->arena, room);

		if (buffer->length)
			memcpy(text, buffer->text, buffer->length);
		buffer->text = text;
		buffer->room = room;
	}
	bytes_copy(buffer->text + buffer->length, bytes, count);
	buffer->length += count;
	buffer->text[buffer->length] = '\0';
}

void strbuf_add(struct strbuf *buffer, const char *text)
{
	strbuf_add_bytes(buffer, text, strlen(text));
}

void strbuf_addf(struct strbuf *buffer, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	strbuf_add(buffer, arena_vprintf(buffer->arena, format, arguments));
	va_end(arguments);
}

const char *strbuf_text(struct strbuf *buffer)
{
	return buffer->text ? buffer->text : "";
}
