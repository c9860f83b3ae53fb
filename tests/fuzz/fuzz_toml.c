/* tests/fuzz/fuzz_toml.c - any bytes parse or are refused with a place; what parses can be
 * edited, and what an edit returns parses and means what was asked for. */
#include "toml/toml.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const paths[] = { "a", "a.b", "a.b.c", "b", "\"\".x", "k.'x y'.z" };

static const struct toml_value *look(const struct toml_value *root, const char *path)
{
	char part[8];

	for (; root && *path; path += *path == '.') {
		size_t n = strcspn(path, ".");

		memcpy(part, path, n);
		part[n] = '\0';
		root = toml_get(root, part);
		path += n;
	}
	return root;
}

static bool holds(const struct toml_value *value, const char *text)
{
	if (value && value->type == TOML_ARRAY)
		for (value = value->first; value && strcmp(value->string, text) != 0;)
			value = value->next;
	return value && value->type == TOML_STRING && strcmp(value->string, text) == 0;
}

static void check(struct arena *arena, const char *path, int op, int r, const char *text)
{
	struct source source = { "edited", text, r == 0 ? strlen(text) : 0, 1 };
	const struct toml_value *root;
	struct diags d;

	if (r < 0)
		return;
	diags_init(&d, arena);
	must(toml_parse(arena, &source, NULL, &d, &root) == 0);
	if (strpbrk(path, "\"'"))
		return;
	if (op < 2)
		must(holds(look(root, path), "v\"\n"));
	else if (op == 2)
		must(!holds(look(root, path), "x"));
	else
		must(!look(root, path));
}

static void edit(struct arena *arena, const struct source *source, struct diags *d)
{
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		char *text = NULL;
		int r;

		r = toml_set_string(arena, source, paths[i], "v\"\n", d, &text);
		check(arena, paths[i], 0, r, text);
		r = toml_append(arena, source, paths[i], "v\"\n", d, &text);
		check(arena, paths[i], 1, r, text);
		r = toml_remove(arena, source, paths[i], "x", d, &text);
		check(arena, paths[i], 2, r, text);
		r = toml_remove(arena, source, paths[i], NULL, d, &text);
		check(arena, paths[i], 3, r, text);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const struct toml_value *root = NULL;
	struct source source = { "fuzz", arena_strndup(arena, (const char *)data, size), size, 1 };
	struct diags d;
	int r;

	diags_init(&d, arena);
	r = toml_parse(arena, &source, NULL, &d, &root);
	must((r == 0) == (d.errors == 0));
	for (size_t i = 0; i < d.list.count; i++)
		must(d.list.items[i].origin && d.list.items[i].origin->line &&
		     d.list.items[i].origin->column);
	if (r == 0)
		edit(arena, &source, &d);
	/* An edit makes a bad text only by passing a limit, and then refuses it. */
	for (size_t i = 0; i < d.list.count; i++)
		if (d.list.items[i].code && d.list.items[i].origin &&
		    str_ends(d.list.items[i].origin->source->name, ", edited"))
			must(strcmp(d.list.items[i].code, "C002") <= 0);
	return 0;
}
