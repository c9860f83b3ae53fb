/* diag/diag.h - what went wrong, where, and what to type next.
 *
 * Everything that reads a file keeps an `origin`: file, line, column and the chain of includes
 * and flags that led there.  A function with a `diags` parameter has told the user why it failed. */
#ifndef CUDDY_DIAG_DIAG_H
#define CUDDY_DIAG_DIAG_H

#include "base/text.h"

/* A text that was read: kept whole, so that the offending line can be shown. */
struct source {
	const char *name;	/* path as the user would write it, or "command line" */
	const char *text;	/* terminated; NULL when there is nothing to show */
	size_t length;
	uint32_t first_line;	/* number of the first line of `text`; 1 for whole files */
};

struct origin {
	const struct source *source;
	uint32_t line, column, length; /* from 1; columns and length in bytes */
	const struct origin *via;      /* the include or flag entry that led here; NULL at the top */
};

enum severity { SEVERITY_ERROR, SEVERITY_WARNING, SEVERITY_NOTE };

struct diag {
	enum severity severity;
	const char *code; /* "C021"; see diag/codes-*.def */
	const struct origin *origin; /* may be NULL */
	const char *message, *help;  /* help may be NULL */
};

struct diags {
	struct arena *arena;
	VEC(struct diag) list;
	size_t errors, warnings;
	size_t dropped; /* errors and warnings behind the first LIMIT_DIAGNOSTICS of their kind: counted only */
	bool is_dropped; /* the last one was: what belongs to it goes with it */
};

void diags_init(struct diags *d, struct arena *arena);

/* Adds one diagnostic; the text is ours, foreign bytes in it go through str_quote().  Always
 * returns -EINVAL, so that `return diag_error(…)` reads well. */
int diag_error(struct diags *d, const char *code, const struct origin *origin, const char *format, ...)
	PRINTF_LIKE(4, 5);
void diag_warning(struct diags *d, const char *code, const struct origin *origin, const char *format,
		  ...) PRINTF_LIKE(4, 5);
/* A second place that belongs to the last diagnostic ("first set here"). */
void diag_note(struct diags *d, const struct origin *origin, const char *format, ...) PRINTF_LIKE(3, 4);
/* What to do about the last error or warning. */
void diag_help(struct diags *d, const char *format, ...) PRINTF_LIKE(2, 3);

/* Compiler style: file:line:column, message, source line, caret, include chain, help. */
void diags_print(const struct diags *d, struct strbuf *out, bool colour);
struct json;
void diags_print_json(const struct diags *d, struct json *json, const char *key);

/* "file:12:3, included from file:1:8"; for messages and for `why`. */
const char *origin_text(struct arena *arena, const struct origin *origin);

/* The table of codes: what each means and how to mend it.  NULL when there is no such code. */
struct diag_code { const char *code, *title, *text; };
const struct diag_code *diag_code_find(const char *code);
const struct diag_code *diag_code_at(size_t index); /* in order; NULL behind the last */

/* The nearest of `count` names to `word` (at most 3 edits, less for short words), or NULL. */
const char *diag_nearest(const char *word, const char *const *names, size_t count);

#endif
