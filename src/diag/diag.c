/* diag/diag.c - collects diagnostics and prints them the way compilers do.
 *
 * Source lines and file names are bytes that we did not write: they are shown one character at a
 * time, with what is harmful escaped, and the caret line counts what was really shown. */
#include "diag/diag.h"

#include "base/json.h"
#include "base/limits.h"

#include <errno.h>
#include <string.h>

enum {
	SHOWN_BEFORE = 100, /* bytes of a long line that are shown before the column, */
	SHOWN_LINE = 200,   /* and all in all */
};

static const struct { const char *name, *colour; } severities[] = {
	[SEVERITY_ERROR]   = { "error",   "\033[1;31m" },
	[SEVERITY_WARNING] = { "warning", "\033[1;35m" },
	[SEVERITY_NOTE]    = { "note",    "\033[1;36m" },
};

#define COLOUR_PLACE "\033[1m"
#define COLOUR_CARET "\033[1;32m"
#define COLOUR_OFF   "\033[0m"

#define CODE(code, title, text) { code, title, text },
static const struct diag_code codes[] = {
#include "diag/codes-toml.def"
#include "diag/codes-profile.def"
#include "diag/codes-policy.def"
#include "diag/codes-plan.def"
#include "diag/codes-launch.def"
#include "diag/codes-cli.def"
#include "diag/codes-cage.def"
#include "diag/codes-import.def"
#include "diag/codes-vpn.def"
	{ NULL, NULL, NULL },
};
#undef CODE

void diags_init(struct diags *d, struct arena *arena)
{
	*d = (struct diags){ .arena = arena };
}

PRINTF_LIKE(5, 0)
static void add(struct diags *d, enum severity severity, const char *code,
		const struct origin *origin, const char *format, va_list arguments)
{
	struct origin *place = NULL;
	size_t *count = severity == SEVERITY_ERROR ? &d->errors : &d->warnings;

	if (severity != SEVERITY_NOTE) {
		d->is_dropped = (*count)++ >= LIMIT_DIAGNOSTICS;
		d->dropped += d->is_dropped;
	}
	if (d->is_dropped)
		return;
	if (origin) {
		place = arena_new_object(d->arena, struct origin);
		*place = *origin;
	}
	*vec_push(d->arena, &d->list) = (struct diag){
		.severity = severity,
		.code = arena_strdup(d->arena, code),
		.origin = place,
		.message = arena_vprintf(d->arena, format, arguments),
	};
}

int diag_error(struct diags *d, const char *code, const struct origin *origin, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	add(d, SEVERITY_ERROR, code, origin, format, arguments);
	va_end(arguments);
	return -EINVAL;
}

void diag_warning(struct diags *d, const char *code, const struct origin *origin, const char *format,
		  ...)
{
	va_list arguments;

	va_start(arguments, format);
	add(d, SEVERITY_WARNING, code, origin, format, arguments);
	va_end(arguments);
}

void diag_note(struct diags *d, const struct origin *origin, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	add(d, SEVERITY_NOTE, NULL, origin, format, arguments);
	va_end(arguments);
}

void diag_help(struct diags *d, const char *format, ...)
{
	va_list arguments;

	if (d->is_dropped)
		return;
	for (size_t i = d->list.count; i-- > 0;) {
		if (d->list.items[i].severity == SEVERITY_NOTE)
			continue;
		va_start(arguments, format);
		d->list.items[i].help = arena_vprintf(d->arena, format, arguments);
		va_end(arguments);
		return;
	}
	must(!"diag_help() without an error or warning before it");
}

/* "file:12:3"; without what is not known. */
static void add_place(struct strbuf *out, const struct origin *origin)
{
	const struct source *source = origin->source;

	strbuf_add(out, source && source->name ? str_quote(out->arena, source->name) : "(unknown)");
	if (origin->line)
		strbuf_addf(out, ":%u", origin->line);
	if (origin->line && origin->column)
		strbuf_addf(out, ":%u", origin->column);
}

const char *origin_text(struct arena *arena, const struct origin *origin)
{
	struct strbuf out = { .arena = arena };

	for (const struct origin *at = origin; at; at = at->via) {
		if (at != origin)
			strbuf_add(&out, ", included from ");
		add_place(&out, at);
	}
	return strbuf_text(&out);
}

/* The line that `origin` points at, without its end; NULL when there is none to show. */
static const char *find_line(const struct origin *origin, size_t *ret_length)
{
	const struct source *source = origin->source;
	const char *line, *end, *newline;
	uint32_t number;

	if (!source || !source->text || !origin->line || origin->line < source->first_line)
		return NULL;
	line = source->text;
	end = source->text + source->length;
	for (number = source->first_line; number < origin->line; number++) {
		line = memchr(line, '\n', (size_t)(end - line));
		if (!line)
			return NULL;
		line++;
	}
	newline = memchr(line, '\n', (size_t)(end - line));
	*ret_length = (size_t)((newline ? newline : end) - line);
	if (*ret_length && line[*ret_length - 1] == '\r')
		--*ret_length;
	return line;
}

/* Appends the character at `s`, safe to show, and tells how many bytes it was (never more than
 * `left`) and how many columns it took. */
static size_t show_character(struct strbuf *out, const char *s, size_t left, size_t *ret_columns)
{
	size_t length = str_utf8_length(s), before = out->length;
	const char *safe;

	if (!length || length > left) {
		strbuf_addf(out, "\\x%02x", (unsigned char)*s);
		*ret_columns = 4;
		return 1;
	}
	if (*s == '\t') {
		strbuf_add(out, "\t");
		*ret_columns = 1;
		return 1;
	}
	safe = str_quote(out->arena, arena_strndup(out->arena, s, length));
	strbuf_add(out, safe);
	*ret_columns = strncmp(safe, s, length) == 0 ? 1 : out->length - before;
	return length;
}

/* A long line is cut on both sides, at the start of a character. */
static void cut_line(const char *line, size_t length, size_t at, size_t *ret_from, size_t *ret_to)
{
	size_t from = at > SHOWN_BEFORE ? at - SHOWN_BEFORE : 0;
	size_t to = MIN(length, from + SHOWN_LINE);

	while (from > 0 && from < length && ((unsigned char)line[from] & 0xc0) == 0x80)
		from--;
	while (to < length && to > from && ((unsigned char)line[to] & 0xc0) == 0x80)
		to--;
	*ret_from = from;
	*ret_to = to;
}

static void print_line(const struct origin *origin, struct strbuf *out, bool colour)
{
	struct strbuf shown = { .arena = out->arena }, blank = shown, carets = shown;
	size_t length, start, from, to, columns;
	const char *line = find_line(origin, &length);

	if (!line || !origin->column)
		return;
	start = MIN((size_t)origin->column - 1, length);
	cut_line(line, length, start, &from, &to);
	if (from > 0) {
		strbuf_add(&shown, "...");
		strbuf_add(&blank, "   ");
	}
	for (size_t i = from, step; i < to; i += step) {
		step = show_character(&shown, line + i, to - i, &columns);
		while (columns--) {
			if (i + step <= start)
				strbuf_add(&blank, line[i] == '\t' ? "\t" : " ");
			else if (carets.length == 0 || i < start + origin->length)
				strbuf_add(&carets, carets.length ? "~" : "^");
		}
	}
	strbuf_addf(out, "%s%s\n%s%s%s%s\n", strbuf_text(&shown), to < length ? "..." : "",
		    strbuf_text(&blank), colour ? COLOUR_CARET : "",
		    carets.length ? strbuf_text(&carets) : "^", colour ? COLOUR_OFF : "");
}

static void print_one(const struct diag *diag, struct strbuf *out, bool colour)
{
	const char *off = colour ? COLOUR_OFF : "";

	strbuf_add(out, colour ? COLOUR_PLACE : "");
	if (diag->origin)
		add_place(out, diag->origin);
	else
		strbuf_add(out, "cuddy");
	strbuf_addf(out, ":%s %s%s", off, colour ? severities[diag->severity].colour : "",
		    severities[diag->severity].name);
	if (diag->code)
		strbuf_addf(out, "[%s]", diag->code);
	strbuf_addf(out, ":%s %s\n", off, diag->message);
	if (diag->origin)
		print_line(diag->origin, out, colour);
	for (const struct origin *at = diag->origin ? diag->origin->via : NULL; at; at = at->via) {
		strbuf_add(out, "included from ");
		add_place(out, at);
		strbuf_add(out, "\n");
	}
	if (diag->help)
		strbuf_addf(out, "%shelp:%s %s\n", colour ? COLOUR_CARET : "", off, diag->help);
	else if (diag->code && diag->severity == SEVERITY_ERROR)
		strbuf_addf(out, "%shelp:%s 'cuddy explain-code %s' says what to do\n",
			    colour ? COLOUR_CARET : "", off, diag->code);
}

void diags_print(const struct diags *d, struct strbuf *out, bool colour)
{
	for (size_t i = 0; i < d->list.count; i++)
		print_one(&d->list.items[i], out, colour);
	if (d->dropped)
		strbuf_addf(out, "cuddy: %zu more are not shown\n", d->dropped);
}

static void json_place(struct json *json, const struct origin *origin)
{
	json_string(json, "file", origin->source ? origin->source->name : NULL);
	json_number(json, "line", origin->line);
	json_number(json, "column", origin->column);
	json_number(json, "length", origin->length);
}

void diags_print_json(const struct diags *d, struct json *json, const char *key)
{
	json_array(json, key);
	for (size_t i = 0; i < d->list.count; i++) {
		const struct diag *diag = &d->list.items[i];

		json_object(json, NULL);
		json_string(json, "severity", severities[diag->severity].name);
		json_string(json, "code", diag->code);
		json_string(json, "message", diag->message);
		json_string(json, "help", diag->help);
		if (diag->origin) {
			json_place(json, diag->origin);
			json_array(json, "included-from");
			for (const struct origin *at = diag->origin->via; at; at = at->via) {
				json_object(json, NULL);
				json_place(json, at);
				json_end_object(json);
			}
			json_end_array(json);
		}
		json_end_object(json);
	}
	json_end_array(json);
}

const struct diag_code *diag_code_at(size_t index)
{
	return index < ARRAY_SIZE(codes) && codes[index].code ? &codes[index] : NULL;
}

const struct diag_code *diag_code_find(const char *code)
{
	const struct diag_code *row;

	for (size_t i = 0; (row = diag_code_at(i)); i++)
		if (str_equal(row->code, code))
			return row;
	return NULL;
}

const char *diag_nearest(const char *word, const char *const *names, size_t count)
{
	unsigned most = (unsigned)MIN((strlen(word) + 1) / 3, (size_t)3), best = most + 1;
	const char *nearest = NULL;

	for (size_t i = 0; i < count; i++) {
		unsigned distance = str_distance(word, names[i], most);

		if (distance < best) {
			best = distance;
			nearest = names[i];
		}
	}
	return nearest;
}
