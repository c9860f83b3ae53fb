/* base/json_read.h - reads JSON that somebody else wrote (RFC 8259), strictly and within limits.
 *
 * Refused besides what is no JSON: a byte order mark, invalid UTF-8, lone surrogates, NUL in
 * a string (strings are C strings here), a key that stands twice in one object. */
#ifndef CUDDY_BASE_JSON_READ_H
#define CUDDY_BASE_JSON_READ_H

#include "base/arena.h"

enum json_type { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json_value {
	enum json_type type;
	const char *key; /* in an object, else NULL */
	union {
		bool boolean;
		int64_t integer; /* of a number; INT64_MIN when it is no whole number or too large */
		const char *string;
		struct json_value *first; /* of an array or object, in order; NULL when empty */
	};
	struct json_value *next; /* sibling */
};

/* Parses `length` bytes.  0 and the value, whose memory is in `arena`; or -EINVAL and in
 * *ret_error what is wrong and where ("a key stands twice, at byte 17").
 * Limits: LIMIT_JSON_SIZE, LIMIT_JSON_DEPTH, LIMIT_JSON_VALUES, LIMIT_JSON_MEMBERS. */
int json_parse(struct arena *arena, const char *text, size_t length,
	       const struct json_value **ret, const char **ret_error);

/* All of them take NULL and values of another type, and then say NULL or -1. */
const struct json_value *json_get(const struct json_value *object, const char *key);
const struct json_value *json_items(const struct json_value *array); /* the first one */
const char *json_get_string(const struct json_value *object, const char *key);
int64_t json_get_size(const struct json_value *object, const char *key); /* 0 or more, else -1 */

#endif
