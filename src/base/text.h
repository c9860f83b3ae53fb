/* base/text.h - strings: comparing, building, quoting. */
#ifndef CUDDY_BASE_TEXT_H
#define CUDDY_BASE_TEXT_H

#include "base/arena.h"

bool str_equal(const char *a, const char *b); /* two NULLs are equal */
bool str_starts(const char *text, const char *prefix);
bool str_ends(const char *text, const char *suffix);

/* "ReadOnly", "read_only", "READ-ONLY" and "read-only" all give "read-only": a hyphen before
 * each capital that follows a small letter or digit, underscores to hyphens, small letters. */
char *str_kebab(struct arena *arena, const char *text, size_t length);

/* How many edits (insert, drop, change, swap neighbours) lead from a to b, at most `most` + 1. */
unsigned str_distance(const char *a, const char *b, unsigned most);

/* Bytes that we did not write, made safe to show: control characters, invalid UTF-8 and
 * bidirectional controls become \xNN; the result stands without quotation marks. */
char *str_quote(struct arena *arena, const char *text);

/* Bytes of the valid UTF-8 sequence that `text` begins with, or 0. */
size_t str_utf8_length(const char *text);

/* Text that grows.  Zero-initialise with the arena set; `text` is always terminated. */
struct strbuf {
	struct arena *arena;
	char *text;
	size_t length, room;
};
void strbuf_add(struct strbuf *buffer, const char *text);
void strbuf_add_bytes(struct strbuf *buffer, const char *bytes, size_t count);
void strbuf_addf(struct strbuf *buffer, const char *format, ...) PRINTF_LIKE(2, 3);
const char *strbuf_text(struct strbuf *buffer); /* "" when nothing was added */

#endif
