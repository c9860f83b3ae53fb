/* toml/toml.h - TOML 1.0 (https://toml.io/en/v1.0.0) with the place of every key and value. */
#ifndef CUDDY_TOML_TOML_H
#define CUDDY_TOML_TOML_H

#include "diag/diag.h"

enum toml_type { TOML_STRING, TOML_INTEGER, TOML_FLOAT, TOML_BOOLEAN, TOML_DATETIME, TOML_ARRAY, TOML_TABLE };

struct toml_value {
	enum toml_type type;
	struct origin key_origin; /* of the key, where it has one */
	struct origin origin;     /* of the value */
	const char *key;	  /* NULL in arrays */
	size_t key_length, length; /* bytes; keys and strings may hold NUL in theory, see toml.c */
	union {
		const char *string;   /* TOML_STRING; TOML_DATETIME: normalised text */
		int64_t integer;
		double real;
		bool boolean;
		struct toml_value *first; /* ARRAY, TABLE: members in file order */
	};
	int datetime_kind;	  /* 0 offset, 1 local date-time, 2 local date, 3 local time */
	struct toml_value *next;  /* sibling */
};

/* Parses `source`; every error of the text is reported (up to LIMIT_TOML_ERRORS), none half-taken:
 * 0 and the root table, or -EINVAL.  Memory comes from and stays in `arena`; strings point into it.
 * `via` is put in every origin.  Limits: LIMIT_FILE_SIZE, LIMIT_TOML_DEPTH. */
int toml_parse(struct arena *arena, const struct source *source, const struct origin *via,
	       struct diags *d, const struct toml_value **ret_root);
const struct toml_value *toml_get(const struct toml_value *table, const char *key); /* or NULL */
/* Do two strings, or two arrays of such, say the same? */
bool toml_same(const struct toml_value *a, const struct toml_value *b);
const char *toml_type_name(enum toml_type type); /* "string", "table", … */

/* Edits keep every byte that they need not touch: comments, order, spacing.  `path` is a dotted
 * key in TOML spelling.  The result is the whole new text in `arena`, guaranteed to parse.
 * -EINVAL with a diagnostic when the text or path is bad or the value there has another type. */
int toml_set_string(struct arena *arena, const struct source *source, const char *path,
		    const char *value, struct diags *d, char **ret_text);
int toml_append(struct arena *arena, const struct source *source, const char *path,
		const char *value, struct diags *d, char **ret_text); /* to an array of strings, made if absent; no duplicates */
int toml_remove(struct arena *arena, const struct source *source, const char *path,
		const char *value, struct diags *d, char **ret_text); /* one array item; value NULL: the whole key */

#endif
