/* toml/lexer.h - private to src/toml: from bytes to keys, strings and scalars. */
#ifndef CUDDY_TOML_LEXER_H
#define CUDDY_TOML_LEXER_H

#include "base/limits.h"
#include "toml/toml.h"

/* A cursor over a text that lexer_check() has found clean: valid UTF-8, no control characters
 * but tab and line ends, so a NUL byte is always the end. */
struct lexer {
	struct arena *arena;
	const struct source *source;
	const struct origin *via;
	struct diags *d;
	const char *at, *end, *line_start;
	uint32_t line;
	unsigned errors;
	bool stop; /* too many errors, or none of what follows can be trusted */
};

struct place {
	const char *at, *line_start;
	uint32_t line;
};

/* One part of a dotted key. */
struct key {
	const char *text;
	size_t length;
	struct origin origin;
};

/* A dotted key; it makes at most one table per part but the last. */
struct path {
	struct key parts[LIMIT_TOML_DEPTH + 1];
	size_t count;
};

void lexer_init(struct lexer *lexer, struct arena *arena, const struct source *source,
		const struct origin *via, struct diags *d);
/* Size, UTF-8, control characters: 0, or -EINVAL after reporting every bad line. */
int lexer_check(struct lexer *lexer);

struct place lexer_place(const struct lexer *lexer);
uint32_t lexer_offset(const struct lexer *lexer);
/* From `from` to the cursor. */
struct origin lexer_origin(const struct lexer *lexer, const struct place *from);
/* Reports at `origin` (NULL: at the cursor); always -EINVAL. */
int lexer_error(struct lexer *lexer, const char *code, const struct origin *origin,
		const char *format, ...) PRINTF_LIKE(4, 5);
/* What stands at the cursor, ready for a message: "'x'", "the end of the line". */
const char *lexer_seen(const struct lexer *lexer);

/* The start of a long text, quoted, for messages. */
const char *lexer_shorten(struct arena *arena, const char *text);

void lexer_skip_blanks(struct lexer *lexer);
void lexer_skip_comment(struct lexer *lexer);
bool lexer_skip_newline(struct lexer *lexer);
void lexer_skip_space(struct lexer *lexer); /* blanks, comments, newlines */
void lexer_skip_line(struct lexer *lexer);  /* to the start of the next line */
bool lexer_take(struct lexer *lexer, char byte);

int lexer_path(struct lexer *lexer, struct path *ret_path);
/* A string in any of the four spellings.  -EINVAL only when it is not closed; a bad escape is
 * reported and left out, so that the rest of the file can still be read. */
int lexer_string(struct lexer *lexer, const char **ret_text, size_t *ret_length);
/* Booleans, numbers and dates; sets type and value.  -EINVAL when no value stands here at all;
 * a malformed one is reported and passed over. */
int lexer_scalar(struct lexer *lexer, struct toml_value *value);

/* scalar.c: what the token means.  NULL, or the complaint and its code. */
const char *scalar_parse(struct arena *arena, const char *token, size_t length,
			 struct toml_value *value, const char **ret_code);

#endif
