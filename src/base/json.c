/* base/json.c - writes JSON into a strbuf. */
#include "base/json.h"

#include <string.h>

void json_quote(struct strbuf *out, const char *text)
{
	static const char short_from[] = "\"\\\b\f\n\r\t", short_to[] = "\"\\bfnrt";
	const unsigned char *s = (const unsigned char *)text;

	strbuf_add(out, "\"");
	while (*s) {
		const char *found = strchr(short_from, *s);
		size_t length = str_utf8_length((const char *)s);

		if (found)
			strbuf_addf(out, "\\%c", short_to[found - short_from]);
		else if (*s < 0x20 || *s == 0x7f)
			strbuf_addf(out, "\\u%04x", *s);
		else if (length)
			strbuf_add_bytes(out, (const char *)s, length);
		else
			strbuf_add(out, "\xef\xbf\xbd");
		s += length ? length : 1;
	}
	strbuf_add(out, "\"");
}

static void begin(struct json *json, const char *key)
{
	if (json->depth) {
		strbuf_add(json->out, json->first ? "\n" : ",\n");
		for (unsigned i = 0; i < json->depth; i++)
			strbuf_add(json->out, "  ");
	}
	json->first = false;
	if (key) {
		json_quote(json->out, key);
		strbuf_add(json->out, ": ");
	}
}

static void open_with(struct json *json, const char *key, const char *bracket)
{
	begin(json, key);
	strbuf_add(json->out, bracket);
	json->depth++;
	json->first = true;
}

static void close_with(struct json *json, const char *bracket)
{
	bool empty = json->first;

	must(json->depth > 0);
	json->depth--;
	json->first = false;
	if (!empty) {
		strbuf_add(json->out, "\n");
		for (unsigned i = 0; i < json->depth; i++)
			strbuf_add(json->out, "  ");
	}
	strbuf_add(json->out, bracket);
	if (json->depth == 0)
		strbuf_add(json->out, "\n");
}

void json_object(struct json *json, const char *key) { open_with(json, key, "{"); }
void json_array(struct json *json, const char *key) { open_with(json, key, "["); }
void json_end_object(struct json *json) { close_with(json, "}"); }
void json_end_array(struct json *json) { close_with(json, "]"); }

void json_string(struct json *json, const char *key, const char *value)
{
	begin(json, key);
	if (value)
		json_quote(json->out, value);
	else
		strbuf_add(json->out, "null");
}

void json_number(struct json *json, const char *key, long long value)
{
	begin(json, key);
	strbuf_addf(json->out, "%lld", value);
}

void json_bool(struct json *json, const char *key, bool value)
{
	begin(json, key);
	strbuf_add(json->out, value ? "true" : "false");
}
