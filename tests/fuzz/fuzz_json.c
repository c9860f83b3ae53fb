/* tests/fuzz/fuzz_json.c - any bytes are read or refused with a reason; a text that was read says
 * the same when our writer has written it. */
#include "base/json.h"
#include "base/json_read.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_value(struct json *json, const struct json_value *value)
{
	switch (value->type) {
	case JSON_NULL:
		json_string(json, value->key, NULL);
		return;
	case JSON_BOOL:
		json_bool(json, value->key, value->boolean);
		return;
	case JSON_NUMBER:
		json_number(json, value->key, value->integer);
		return;
	case JSON_STRING:
		json_string(json, value->key, value->string);
		return;
	case JSON_ARRAY:
		json_array(json, value->key);
		break;
	case JSON_OBJECT:
		json_object(json, value->key);
		break;
	}
	for (const struct json_value *v = value->first; v; v = v->next)
		write_value(json, v);
	if (value->type == JSON_ARRAY)
		json_end_array(json);
	else
		json_end_object(json);
}

static bool same(const struct json_value *a, const struct json_value *b)
{
	if (!a || !b)
		return !a && !b;
	if (a->type != b->type || !str_equal(a->key, b->key) || !same(a->next, b->next))
		return false;
	switch (a->type) {
	case JSON_NULL:
		return true;
	case JSON_BOOL:
		return a->boolean == b->boolean;
	case JSON_NUMBER:
		return a->integer == b->integer;
	case JSON_STRING:
		return strcmp(a->string, b->string) == 0;
	case JSON_ARRAY:
	case JSON_OBJECT:
		return same(a->first, b->first);
	}
	unreachable();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const struct json_value *value = NULL, *again = NULL;
	struct strbuf out = { .arena = arena };
	struct json json = { .out = &out };
	const char *error = NULL;

	if (json_parse(arena, (const char *)data, size, &value, &error) < 0) {
		must(error && !value);
		return 0;
	}
	must(!error);
	json_array(&json, NULL);
	write_value(&json, value);
	json_end_array(&json);
	/* One array more than was read: at the very limit of depth it is refused. */
	if (json_parse(arena, out.text, out.length, &again, &error) == 0)
		must(same(value, json_items(again)));
	else
		must(strstr(error, "nested") || strstr(error, "too many"));
	return 0;
}
