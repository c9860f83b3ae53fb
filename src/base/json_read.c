/* base/json_read.c - reads JSON that somebody else wrote, strictly and within limits.
 * Must not: recurse deeper than LIMIT_JSON_DEPTH, or read behind the end of the text. */
#include "base/json_read.h"

#include "base/limits.h"
#include "base/text.h"

#include <errno.h>
#include <string.h>

struct reader {
	struct arena *arena;
	const char *text, *at, *end; /* *end is NUL */
	size_t values;
	const char *error; /* the first one */
};

static int read_value(struct reader *r, unsigned depth, struct json_value *value);

static int fail(struct reader *r, const char *what)
{
	if (!r->error)
		r->error = arena_printf(r->arena, "%s, at byte %zu", what, (size_t)(r->at - r->text));
	return -EINVAL;
}

static char skip_space(struct reader *r)
{
	r->at += strspn(r->at, " \t\r\n");
	return *r->at;
}

static bool take(struct reader *r, char wanted)
{
	if (skip_space(r) != wanted)
		return false;
	r->at++;
	return true;
}

static int hex4(const char *at)
{
	static const char digits[] = "0123456789abcdef";
	int code = 0;

	for (int i = 0; i < 4; i++) {
		const char *found = at[i] ? strchr(digits, at[i] | 0x20) : NULL;

		if (!found || (at[i] < '0'))
			return -1;
		code = code << 4 | (int)(found - digits);
	}
	return code;
}

static char *add_utf8(char *out, uint32_t code)
{
	if (code < 0x80) {
		*out++ = (char)code;
	} else if (code < 0x800) {
		*out++ = (char)(0xc0 | code >> 6);
		*out++ = (char)(0x80 | (code & 0x3f));
	} else if (code < 0x10000) {
		*out++ = (char)(0xe0 | code >> 12);
		*out++ = (char)(0x80 | (code >> 6 & 0x3f));
		*out++ = (char)(0x80 | (code & 0x3f));
	} else {
		*out++ = (char)(0xf0 | code >> 18);
		*out++ = (char)(0x80 | (code >> 12 & 0x3f));
		*out++ = (char)(0x80 | (code >> 6 & 0x3f));
		*out++ = (char)(0x80 | (code & 0x3f));
	}
	return out;
}

/* Behind "\u": one code point, made of two escapes when the first is a high surrogate. */
static int read_code_point(struct reader *r, char **out)
{
	int code = hex4(r->at), low;

	if (code <= 0)
		return fail(r, code ? "four hexadecimal digits are missing" : "a NUL in a string");
	r->at += 4;
	if (code >= 0xdc00 && code < 0xe000)
		return fail(r, "half of a surrogate pair");
	if (code >= 0xd800 && code < 0xdc00) {
		low = r->at[0] == '\\' && r->at[1] == 'u' ? hex4(r->at + 2) : -1;
		if (low < 0xdc00 || low >= 0xe000)
			return fail(r, "half of a surrogate pair");
		r->at += 6;
		code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
	}
	*out = add_utf8(*out, (uint32_t)code);
	return 0;
}

static int read_escape(struct reader *r, char **out)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *found;

	r->at++;
	if (*r->at == 'u') {
		r->at++;
		return read_code_point(r, out);
	}
	found = *r->at ? strchr(from, *r->at) : NULL;
	if (!found)
		return fail(r, "an unknown escape");
	*(*out)++ = to[found - from];
	r->at++;
	return 0;
}

static const char *closing_quote(const char *at)
{
	while (*at && *at != '"')
		at += *at == '\\' && at[1] ? 2 : 1;
	return *at ? at : NULL;
}

/* What is read is never longer than its text. */
static int read_string(struct reader *r, const char **ret)
{
	const char *close;
	char *string, *out;

	if (!take(r, '"'))
		return fail(r, "a string is missing");
	close = closing_quote(r->at);
	if (!close)
		return fail(r, "a string does not end");
	string = out = arena_alloc(r->arena, (size_t)(close - r->at) + 1);
	while (r->at < close) {
		size_t length = str_utf8_length(r->at);

		if (*r->at == '\\') {
			if (read_escape(r, &out) < 0)
				return -EINVAL;
			continue;
		}
		if (!length || (unsigned char)*r->at < 0x20)
			return fail(r, "a control character or invalid UTF-8 in a string");
		memcpy(out, r->at, length);
		out += length;
		r->at += length;
	}
	r->at++;
	*out = '\0';
	*ret = string;
	return 0;
}

static size_t digits(const char *at)
{
	return strspn(at, "0123456789");
}

static int read_number(struct reader *r, struct json_value *value)
{
	bool negative = *r->at == '-', whole = true;
	int64_t sum = 0;
	size_t count;

	r->at += negative;
	count = digits(r->at);
	if (!count || (count > 1 && *r->at == '0'))
		return fail(r, "a value is missing or a number is malformed");
	for (size_t i = 0; i < count; i++)
		if (__builtin_mul_overflow(sum, 10, &sum) ||
		    __builtin_add_overflow(sum, r->at[i] - '0', &sum))
			whole = false;
	r->at += count;
	if (*r->at == '.') {
		whole = false;
		count = digits(++r->at);
		if (!count)
			return fail(r, "a number is malformed");
		r->at += count;
	}
	if (*r->at == 'e' || *r->at == 'E') {
		whole = false;
		r->at += r->at[1] == '-' || r->at[1] == '+' ? 2 : 1;
		count = digits(r->at);
		if (!count)
			return fail(r, "a number is malformed");
		r->at += count;
	}
	value->type = JSON_NUMBER;
	value->integer = !whole ? INT64_MIN : negative ? -sum : sum;
	return 0;
}

static int read_members(struct reader *r, unsigned depth, struct json_value *value, char close)
{
	struct json_value **tail = &value->first;
	size_t count = 0;

	value->type = close == '}' ? JSON_OBJECT : JSON_ARRAY;
	r->at++;
	if (take(r, close))
		return 0;
	do {
		struct json_value *member = arena_new_object(r->arena, struct json_value);

		if (close == '}') {
			if (read_string(r, &member->key) < 0)
				return -EINVAL;
			if (++count > LIMIT_JSON_MEMBERS)
				return fail(r, "an object has too many members");
			if (json_get(value, member->key))
				return fail(r, "a key stands twice");
			if (!take(r, ':'))
				return fail(r, "a colon is missing");
		}
		if (read_value(r, depth + 1, member) < 0)
			return -EINVAL;
		*tail = member;
		tail = &member->next;
	} while (take(r, ','));
	return take(r, close) ? 0 : fail(r, "a comma or a closing bracket is missing");
}

static int read_word(struct reader *r, struct json_value *value)
{
	static const struct { const char *word; enum json_type type; bool boolean; } words[] = {
		{ "false", JSON_BOOL, false }, { "null", JSON_NULL, false }, { "true", JSON_BOOL, true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (!str_starts(r->at, words[i].word))
			continue;
		value->type = words[i].type;
		value->boolean = words[i].boolean;
		r->at += strlen(words[i].word);
		return 0;
	}
	return read_number(r, value);
}

static int read_value(struct reader *r, unsigned depth, struct json_value *value)
{
	char first = skip_space(r);

	if (depth > LIMIT_JSON_DEPTH)
		return fail(r, "arrays and objects are nested too deep");
	if (++r->values > LIMIT_JSON_VALUES)
		return fail(r, "there are too many values");
	if (first == '{' || first == '[')
		return read_members(r, depth, value, first == '{' ? '}' : ']');
	if (first == '"') {
		value->type = JSON_STRING;
		return read_string(r, &value->string);
	}
	return read_word(r, value);
}

int json_parse(struct arena *arena, const char *text, size_t length,
	       const struct json_value **ret, const char **ret_error)
{
	struct json_value *value = arena_new_object(arena, struct json_value);
	struct reader r = { .arena = arena };

	if (length > LIMIT_JSON_SIZE) {
		*ret_error = "the document is too long";
		return -EINVAL;
	}
	r.text = r.at = arena_strndup(arena, text, length);
	r.end = r.text + length;
	if (read_value(&r, 1, value) == 0 && (skip_space(&r), r.at != r.end))
		(void)fail(&r, "something follows the value");
	if (r.error) {
		*ret_error = r.error;
		return -EINVAL;
	}
	*ret = value;
	return 0;
}

const struct json_value *json_get(const struct json_value *object, const char *key)
{
	if (!object || object->type != JSON_OBJECT)
		return NULL;
	for (const struct json_value *v = object->first; v; v = v->next)
		if (strcmp(v->key, key) == 0)
			return v;
	return NULL;
}

const struct json_value *json_items(const struct json_value *array)
{
	return array && array->type == JSON_ARRAY ? array->first : NULL;
}

const char *json_get_string(const struct json_value *object, const char *key)
{
	const struct json_value *value = json_get(object, key);

	return value && value->type == JSON_STRING ? value->string : NULL;
}

int64_t json_get_size(const struct json_value *object, const char *key)
{
	const struct json_value *value = json_get(object, key);

	return value && value->type == JSON_NUMBER && value->integer >= 0 ? value->integer : -1;
}
