/* tests/toml_decode.c - TOML in, toml-test's tagged JSON out.
 *
 * "toml_decode FILE" prints one file; without arguments it reads file names from standard input
 * and answers each with one line: the JSON, or "!" and the first error as line:column: message.
 * Exit status of the first form: 0, or 1 when the text is refused. */
#include "base/fd.h"
#include "toml/toml.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static void print_text(const char *text, size_t length)
{
	putchar('"');
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c < 0x20 || c == '"' || c == '\\' || c == 0x7f)
			printf("\\u%04x", c);
		else
			putchar(c);
	}
	putchar('"');
}

static void print_scalar(const struct toml_value *value)
{
	static const char *const kinds[] = { "datetime", "datetime-local", "date-local", "time-local" };
	const char *name = toml_type_name(value->type);

	if (value->type == TOML_DATETIME)
		name = kinds[value->datetime_kind];
	if (value->type == TOML_BOOLEAN)
		name = "bool";
	printf("{\"type\":\"%s\",\"value\":", name);
	if (value->type == TOML_INTEGER)
		printf("\"%" PRId64 "\"", value->integer);
	else if (value->type == TOML_FLOAT)
		printf("\"%.17g\"", isnan(value->real) ? fabs(value->real) : value->real);
	else if (value->type == TOML_BOOLEAN)
		printf("\"%s\"", value->boolean ? "true" : "false");
	else
		print_text(value->string, value->length);
	putchar('}');
}

static void print_value(const struct toml_value *value)
{
	bool table = value->type == TOML_TABLE;

	if (!table && value->type != TOML_ARRAY) {
		print_scalar(value);
		return;
	}
	putchar(table ? '{' : '[');
	for (const struct toml_value *item = value->first; item; item = item->next) {
		if (item != value->first)
			putchar(',');
		if (table) {
			print_text(item->key, item->key_length);
			putchar(':');
		}
		print_value(item);
	}
	putchar(table ? '}' : ']');
}

static int decode(const char *name)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const struct toml_value *root = NULL;
	struct source source = { .name = name, .first_line = 1 };
	struct diags d;
	char *text;
	int r;

	diags_init(&d, arena);
	r = fd_read_file(arena, AT_FDCWD, name, 16 << 20, &text, &source.length);
	if (r < 0) {
		printf("?%s: %s\n", name, strerror(-r));
		return 2;
	}
	source.text = text;
	if (toml_parse(arena, &source, NULL, &d, &root) == 0) {
		print_value(root);
		putchar('\n');
		return 0;
	}
	if (!d.list.count || !d.list.items[0].origin)
		printf("?refused without a place\n");
	else
		printf("!%u:%u: %s %s\n", d.list.items[0].origin->line, d.list.items[0].origin->column,
		       d.list.items[0].code, d.list.items[0].message);
	return 1;
}

int main(int argc, char **argv)
{
	char line[4096];

	if (argc == 2)
		return decode(argv[1]);
	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		decode(line);
		fflush(stdout);
	}
	return 0;
}
