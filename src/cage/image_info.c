/* cage/image_info.c - image.toml: what is known of an image, written and read back. */
#include "cage/image.h"

#include "base/fd.h"
#include "base/json.h"
#include "base/limits.h"
#include "toml/toml.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

/* Keys and where they are kept; written in this order. */
static const struct { const char *key; size_t offset; } texts[] = {
	{ "source",	       offsetof(struct image_info, source) },
	{ "digest",	       offsetof(struct image_info, digest) },
	{ "tag",	       offsetof(struct image_info, tag) },
	{ "imported",	       offsetof(struct image_info, imported) },
	{ "ids",	       offsetof(struct image_info, ids) },
	{ "created",	       offsetof(struct image_info, config.created) },
	{ "architecture",      offsetof(struct image_info, config.architecture) },
	{ "user",	       offsetof(struct image_info, config.user) },
	{ "working-directory", offsetof(struct image_info, config.directory) },
};

static const struct { const char *key; size_t offset; } lists[] = {
	{ "entrypoint",  offsetof(struct image_info, config.entrypoint) },
	{ "command",	 offsetof(struct image_info, config.command) },
	{ "environment", offsetof(struct image_info, config.environment) },
};

const char *image_info_text(struct arena *arena, const struct image_info *info)
{
	struct strbuf out = { .arena = arena };

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		const char *text = *(const char *const *)((const char *)info + texts[i].offset);

		if (!text || !*text)
			continue;
		strbuf_addf(&out, "%s = ", texts[i].key);
		json_quote(&out, text);
		strbuf_add(&out, "\n");
	}
	strbuf_addf(&out, "size = %lld\n", (long long)info->size);
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		const struct image_strings *list =
			(const struct image_strings *)(const void *)((const char *)info + lists[i].offset);

		if (!list->count)
			continue;
		strbuf_addf(&out, "%s = [", lists[i].key);
		for (size_t k = 0; k < list->count; k++) {
			strbuf_add(&out, k ? ", " : "");
			json_quote(&out, list->items[k]);
		}
		strbuf_add(&out, "]\n");
	}
	return strbuf_text(&out);
}

static struct image_strings read_list(struct arena *arena, const struct toml_value *list)
{
	VEC(const char *) strings = { 0 };

	if (list && list->type == TOML_ARRAY)
		for (const struct toml_value *v = list->first; v; v = v->next)
			if (v->type == TOML_STRING)
				*vec_push(arena, &strings) = v->string;
	return (struct image_strings){ strings.items, strings.count };
}

/* Without its image.toml an image still has a name. */
static void read_info(struct arena *arena, int store, struct image_info *info)
{
	struct source source = { .name = "image.toml", .first_line = 1 };
	const struct toml_value *root, *value;
	struct diags d;
	char *text;

	diags_init(&d, arena);
	if (fd_read_file(arena, store, arena_printf(arena, "%s/image.toml", info->name), LIMIT_FILE_SIZE, &text,
			 &source.length) < 0)
		return;
	source.text = text;
	if (toml_parse(arena, &source, NULL, &d, &root) < 0)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		value = toml_get(root, texts[i].key);
		if (value && value->type == TOML_STRING)
			*(const char **)((char *)info + texts[i].offset) = value->string;
	}
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		*(struct image_strings *)(void *)((char *)info + lists[i].offset) =
			read_list(arena, toml_get(root, lists[i].key));
	value = toml_get(root, "size");
	if (value && value->type == TOML_INTEGER)
		info->size = value->integer;
}

int image_list(struct arena *arena, int store, struct image_info **ret, size_t *ret_count)
{
	const char **names;
	size_t count;
	int r = image_names(arena, store, &names, &count);

	if (r < 0)
		return r;
	*ret = arena_new_array(arena, struct image_info, count);
	*ret_count = count;
	for (size_t i = 0; i < count; i++) {
		(*ret)[i].name = names[i];
		read_info(arena, store, &(*ret)[i]);
	}
	return 0;
}
