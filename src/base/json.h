/* base/json.h - writes JSON into a strbuf; commas, indentation and escapes take care of themselves.
 * Invalid UTF-8 becomes U+FFFD, so the document is always valid (RFC 8259). */
#ifndef CUDDY_BASE_JSON_H
#define CUDDY_BASE_JSON_H

#include "base/text.h"

struct json {
	struct strbuf *out;
	unsigned depth;
	bool first, after_key;
};

/* `key` is NULL inside an array and for the document itself. */
void json_object(struct json *json, const char *key);
void json_array(struct json *json, const char *key);
void json_end_object(struct json *json);
void json_end_array(struct json *json);
void json_string(struct json *json, const char *key, const char *value); /* NULL gives null */
void json_number(struct json *json, const char *key, long long value);
void json_bool(struct json *json, const char *key, bool value);

/* Adds a text in quotation marks with JSON's escapes, which are TOML's too. */
void json_quote(struct strbuf *out, const char *text);

#endif
