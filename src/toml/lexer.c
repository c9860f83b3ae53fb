/* toml/lexer.c - from bytes to keys, strings and scalars.
 *
 * First lexer_check() walks the whole text once: size, UTF-8, control characters.  All that
 * follows may then trust the bytes.  Nothing here recurses, and nothing looks back. */
#include "toml/lexer.h"

#include <errno.h>
#include <string.h>

void lexer_init(struct lexer *lexer, struct arena *arena, const struct source *source,
		const struct origin *via, struct diags *d)
{
	const char *text = source->text ? source->text : "";

	*lexer = (struct lexer){
		.arena = arena,
		.source = source,
		.via = via,
		.d = d,
		.at = text,
		.end = text + (source->text ? source->length : 0),
		.line_start = text,
		.line = source->first_line ? source->first_line : 1,
	};
	if (lexer->end - text >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		lexer->at += 3;
}

struct place lexer_place(const struct lexer *lexer)
{
	return (struct place){ lexer->at, lexer->line_start, lexer->line };
}

uint32_t lexer_offset(const struct lexer *lexer)
{
	return (uint32_t)(lexer->at - (lexer->source->text ? lexer->source->text : lexer->at));
}

struct origin lexer_origin(const struct lexer *lexer, const struct place *from)
{
	return (struct origin){
		.source = lexer->source,
		.via = lexer->via,
		.line = from->line,
		.column = (uint32_t)(from->at - from->line_start) + 1,
		.length = (uint32_t)(lexer->at - from->at),
	};
}

int lexer_error(struct lexer *lexer, const char *code, const struct origin *origin,
		const char *format, ...)
{
	struct place here = lexer_place(lexer);
	struct origin *kept;
	va_list arguments;
	char *message;

	if (lexer->stop)
		return -EINVAL;
	kept = arena_new_object(lexer->d->arena, struct origin);
	*kept = origin ? *origin : lexer_origin(lexer, &here);
	if (!kept->length)
		kept->length = 1;
	if (lexer->errors++ >= LIMIT_TOML_ERRORS) {
		lexer->stop = true;
		return diag_error(lexer->d, "C005", kept,
				  "too many errors (LIMIT_TOML_ERRORS is %d)",
				  LIMIT_TOML_ERRORS);
	}
	va_start(arguments, format);
	message = arena_vprintf(lexer->d->arena, format, arguments);
	va_end(arguments);
	/* What holds zero bytes is no text at all: its first fault says enough. */
	lexer->stop = memchr(kept->source->text, '\0', kept->source->length) != NULL;
	return diag_error(lexer->d, code, kept, "%s", message);
}

const char *lexer_seen(const struct lexer *lexer)
{
	size_t length;

	if (lexer->at >= lexer->end)
		return "the end of the file";
	if (*lexer->at == '\n' || *lexer->at == '\r')
		return "the end of the line";
	length = str_utf8_length(lexer->at);
	return arena_printf(lexer->d->arena, "'%s'",
			    str_quote(lexer->d->arena, arena_strndup(lexer->d->arena, lexer->at,
								     length ? length : 1)));
}

const char *lexer_shorten(struct arena *arena, const char *text)
{
	enum { LONGEST = 64 };
	size_t length = 0;

	while (text[length] && length < LONGEST)
		length += MAX(str_utf8_length(text + length), (size_t)1);
	return arena_printf(arena, "%s%s", str_quote(arena, arena_strndup(arena, text, length)),
			    text[length] ? "..." : "");
}

static bool is_clean_control(const struct lexer *lexer)
{
	return *lexer->at == '\t' || *lexer->at == '\n' ||
	       (*lexer->at == '\r' && lexer->at[1] == '\n');
}

/* Reports what is wrong with the byte at the cursor, if anything, once per line. */
static void check_byte(struct lexer *lexer, size_t length, uint32_t *last_bad)
{
	unsigned char c = (unsigned char)*lexer->at;
	bool control = c < 0x20 || c == 0x7f;

	if (length && !control)
		return;
	if ((control && is_clean_control(lexer)) || *last_bad == lexer->line)
		return;
	*last_bad = lexer->line;
	if (!control) {
		lexer_error(lexer, "C003", NULL, "byte 0x%02x is not UTF-8 text", c);
		if (lexer->at == lexer->source->text && (c == 0xff || c == 0xfe)) {
			diag_help(lexer->d, "this looks like UTF-16, save the file as UTF-8");
			lexer->stop = true;
		}
		return;
	}
	lexer_error(lexer, "C004", NULL, "control character 0x%02x in the text", c);
	if (c == '\r')
		diag_help(lexer->d, "end lines with a newline, or carriage return and newline");
	else
		diag_help(lexer->d, "inside a string write it as \"\\u%04x\"", c);
}

int lexer_check(struct lexer *lexer)
{
	struct lexer scan = *lexer;
	uint32_t last_bad = 0;

	if ((size_t)(lexer->end - lexer->line_start) > LIMIT_FILE_SIZE)
		return lexer_error(lexer, "C001", NULL,
				   "the file is larger than %d bytes (LIMIT_FILE_SIZE)",
				   LIMIT_FILE_SIZE);
	while (scan.at < scan.end && !scan.stop) {
		bool newline = *scan.at == '\n';
		size_t length;

		if (*scan.at >= ' ' && *scan.at < 0x7f) { /* nearly always */
			scan.at++;
			continue;
		}
		length = str_utf8_length(scan.at);
		if (length > (size_t)(scan.end - scan.at))
			length = 0;
		check_byte(&scan, length, &last_bad);
		scan.at += length ? length : 1;
		if (newline) {
			scan.line++;
			scan.line_start = scan.at;
		}
	}
	lexer->errors = scan.errors;
	return scan.errors ? -EINVAL : 0;
}

void lexer_skip_blanks(struct lexer *lexer)
{
	while (lexer->at < lexer->end && (*lexer->at == ' ' || *lexer->at == '\t'))
		lexer->at++;
}

void lexer_skip_comment(struct lexer *lexer)
{
	if (lexer->at >= lexer->end || *lexer->at != '#')
		return;
	while (lexer->at < lexer->end && *lexer->at != '\n' && *lexer->at != '\r')
		lexer->at++;
}

bool lexer_skip_newline(struct lexer *lexer)
{
	if (lexer->at < lexer->end && *lexer->at == '\r')
		lexer->at++;
	if (lexer->at >= lexer->end || *lexer->at != '\n')
		return false;
	lexer->line_start = ++lexer->at;
	lexer->line++;
	return true;
}

void lexer_skip_space(struct lexer *lexer)
{
	do {
		lexer_skip_blanks(lexer);
		lexer_skip_comment(lexer);
	} while (lexer_skip_newline(lexer));
}

void lexer_skip_line(struct lexer *lexer)
{
	while (lexer->at < lexer->end && *lexer->at != '\n')
		lexer->at++;
	lexer_skip_newline(lexer);
}

bool lexer_take(struct lexer *lexer, char byte)
{
	if (lexer->at >= lexer->end || *lexer->at != byte)
		return false;
	lexer->at++;
	return true;
}

static bool is_bare(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '-';
}

static bool starts(const struct lexer *lexer, const char *text)
{
	size_t length = strlen(text);

	return (size_t)(lexer->end - lexer->at) >= length &&
	       memcmp(lexer->at, text, length) == 0;
}

static int lexer_key(struct lexer *lexer, struct key *key)
{
	struct place from = lexer_place(lexer);
	int r;

	if (starts(lexer, "\"\"\"") || starts(lexer, "'''"))
		return lexer_error(lexer, "C009", NULL,
				   "a key cannot be a string of several lines");
	if (*lexer->at == '"' || *lexer->at == '\'') {
		r = lexer_string(lexer, &key->text, &key->length);
		if (r < 0)
			return r;
	} else {
		while (lexer->at < lexer->end && is_bare(*lexer->at))
			lexer->at++;
		if (lexer->at == from.at)
			return lexer_error(lexer, "C009", NULL, "expected a key, found %s",
					   lexer_seen(lexer));
		key->length = (size_t)(lexer->at - from.at);
		key->text = arena_strndup(lexer->arena, from.at, key->length);
	}
	key->origin = lexer_origin(lexer, &from);
	return 0;
}

int lexer_path(struct lexer *lexer, struct path *path)
{
	path->count = 0;
	do {
		int r;

		lexer_skip_blanks(lexer);
		if (path->count == ARRAY_SIZE(path->parts))
			return lexer_error(lexer, "C002", NULL,
					   "nested deeper than %d levels (LIMIT_TOML_DEPTH)",
					   LIMIT_TOML_DEPTH);
		r = lexer_key(lexer, &path->parts[path->count]);
		if (r < 0)
			return r;
		path->count++;
		lexer_skip_blanks(lexer);
	} while (lexer_take(lexer, '.'));
	return 0;
}

/* --- strings --------------------------------------------------------------------------- */

/* Writes a code point as UTF-8; gives the number of bytes. */
static size_t utf8_encode(uint32_t code, char *out)
{
	static const unsigned char lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
	size_t length = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;

	for (size_t i = length; i > 1; i--, code >>= 6)
		out[i - 1] = (char)(0x80 | (code & 0x3f));
	out[0] = (char)(lead[length > 1 ? length : 0] | code);
	return length;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The cursor stands behind "\u" or "\U". */
static char *take_code_point(struct lexer *lexer, const struct place *from, unsigned digits,
			     char *out)
{
	uint32_t code = 0;
	struct origin origin;

	for (unsigned i = 0; i < digits; i++) {
		int digit = hex_digit(*lexer->at);

		if (digit < 0) {
			origin = lexer_origin(lexer, from);
			lexer_error(lexer, "C008", &origin,
				    "'\\%c' needs %u hexadecimal digits", from->at[1], digits);
			return out;
		}
		code = code << 4 | (uint32_t)digit;
		lexer->at++;
	}
	if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) {
		origin = lexer_origin(lexer, from);
		lexer_error(lexer, "C008", &origin, "U+%04X is not a character", code);
		return out;
	}
	return out + utf8_encode(code, out);
}

/* A backslash at the end of a line swallows all space up to the next text. */
static bool take_line_end(struct lexer *lexer)
{
	const char *peek = lexer->at;

	while (peek < lexer->end && (*peek == ' ' || *peek == '\t'))
		peek++;
	if (peek >= lexer->end || (*peek != '\n' && *peek != '\r'))
		return false;
	lexer->at = peek;
	while (lexer_skip_newline(lexer))
		lexer_skip_blanks(lexer);
	return true;
}

/* The cursor stands on the backslash. */
static char *take_escape(struct lexer *lexer, bool lines, char *out)
{
	static const char names[] = "btnfr\"\\", bytes[] = "\b\t\n\f\r\"\\";
	struct place from = lexer_place(lexer);
	struct origin origin;
	const char *name, *seen;
	char c;

	lexer->at++;
	if (lines && take_line_end(lexer))
		return out;
	c = *lexer->at;
	name = c ? strchr(names, c) : NULL;
	if (name) {
		lexer->at++;
		*out++ = bytes[name - names];
		return out;
	}
	if (c == 'u' || c == 'U') {
		lexer->at++;
		return take_code_point(lexer, &from, c == 'u' ? 4 : 8, out);
	}
	seen = lexer_seen(lexer);
	origin = lexer_origin(lexer, &from);
	lexer_error(lexer, "C007", &origin, "a backslash before %s means nothing", seen);
	if (!lexer->stop)
		diag_help(lexer->d, "write '\\\\' for a backslash, or use a 'literal' string");
	return out;
}

/* Behind the opening quotes: the end of the content, or NULL when there is none. */
static const char *find_close(const struct lexer *lexer, char quote, bool lines)
{
	const char *at = lexer->at;

	for (; at < lexer->end; at++) {
		size_t run = 0;

		if (*at == '\\' && quote == '"' && at + 1 < lexer->end) {
			if (lines || (at[1] != '\n' && at[1] != '\r'))
				at++;
			continue;
		}
		if (*at == '\n' && !lines)
			return NULL;
		if (*at != quote)
			continue;
		if (!lines)
			return at;
		while (at + run < lexer->end && at[run] == quote && run < 5)
			run++;
		if (run >= 3)
			return at + run - 3;
		at += run - 1;
	}
	return NULL;
}

/* Decodes up to `close`; what comes out is never longer than what went in. */
static size_t take_content(struct lexer *lexer, const char *close, char quote, bool lines,
			   char *text)
{
	char *out = text;

	while (lexer->at < close && !lexer->stop) {
		if (*lexer->at == '\\' && quote == '"') {
			out = take_escape(lexer, lines, out);
		} else if (lines && (*lexer->at == '\n' || *lexer->at == '\r')) {
			lexer_skip_newline(lexer);
			*out++ = '\n';
		} else {
			*out++ = *lexer->at++;
		}
	}
	lexer->at = close;
	*out = '\0';
	return (size_t)(out - text);
}

int lexer_string(struct lexer *lexer, const char **ret_text, size_t *ret_length)
{
	struct place from = lexer_place(lexer);
	char quote = *lexer->at, *text;
	bool lines = starts(lexer, quote == '"' ? "\"\"\"" : "'''");
	struct origin origin;
	const char *close;

	lexer->at += lines ? 3 : 1;
	close = find_close(lexer, quote, lines);
	if (!close) {
		origin = lexer_origin(lexer, &from);
		lexer_error(lexer, "C006", &origin, "this string is not closed");
		if (lines)
			lexer->stop = true; /* it runs to the end of the file */
		return -EINVAL;
	}
	if (lines)
		lexer_skip_newline(lexer);
	text = arena_alloc(lexer->arena, (size_t)(close - lexer->at) + 1);
	*ret_length = take_content(lexer, close, quote, lines, text);
	*ret_text = text;
	lexer->at += lines ? 3 : 1;
	return 0;
}

/* --- scalars --------------------------------------------------------------------------- */

static bool is_token(char c)
{
	return is_bare(c) || c == '+' || c == '.' || c == ':';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

int lexer_scalar(struct lexer *lexer, struct toml_value *value)
{
	struct place from = lexer_place(lexer);
	const char *complaint, *code = NULL;
	size_t length;

	while (lexer->at < lexer->end && is_token(*lexer->at))
		lexer->at++;
	/* A date may have a space before its time. */
	if (lexer->at - from.at == 10 && from.at[4] == '-' && lexer->end - lexer->at > 2 &&
	    *lexer->at == ' ' && is_digit(lexer->at[1]) && is_digit(lexer->at[2]))
		for (lexer->at++; lexer->at < lexer->end && is_token(*lexer->at);)
			lexer->at++;
	length = (size_t)(lexer->at - from.at);
	if (!length)
		return lexer_error(lexer, "C011", NULL, "expected a value, found %s",
				   lexer_seen(lexer));
	complaint = scalar_parse(lexer->arena, from.at, length, value, &code);
	if (complaint) {
		struct origin origin = lexer_origin(lexer, &from);

		value->type = TOML_BOOLEAN;
		lexer_error(lexer, code, &origin, "'%.*s%s' %s", (int)MIN(length, (size_t)40),
			    from.at, length > 40 ? "..." : "", complaint);
	}
	return 0;
}
