/* tests/fuzz/fuzz_image.c - documents of images and paths of their entries: read or refused; what
 * a path is cleaned to never leads up, and cleaning it again changes nothing. */
#include "cage/image_manifest.h"
#include "cage/image_tree.h"
#include "cage/subids.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_path(const char *path)
{
	char clean[IMAGE_NAME_MAX], again[IMAGE_NAME_MAX];

	if (image_path_clean(path, clean) < 0)
		return;
	must(clean[0] != '/' && !strstr(clean, "//") && strcmp(clean, "..") != 0 && !strstr(clean, "/../") &&
	     strncmp(clean, "../", 3) != 0);
	must(image_path_clean(clean, again) == 0 && strcmp(clean, again) == 0);
}

static void check_part(const struct image_part *part)
{
	must(strlen(part->digest) == 64 && !strchr(part->digest, '/') && part->size >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const char *text = arena_strndup(arena, (const char *)data, size), *error = NULL;
	struct image_document document;
	struct image_saved_list saved;
	struct image_config config;
	struct subid_range ranges[4];

	check_path(text);
	must(subids_read(text, "a", 1, ranges, 4) <= 4);
	if (image_document_read(arena, text, size, &document, &error) == 0) {
		for (size_t i = 0; i < document.parts.count; i++)
			check_part(&document.parts.items[i]);
		if (!document.is_index)
			check_part(&document.config);
	} else {
		must(error);
	}
	if (image_config_read(arena, text, size, &config, &error) == 0)
		for (size_t i = 0; i < config.inner_digests.count; i++)
			must(strlen(config.inner_digests.items[i]) == 64);
	if (image_saved_read(arena, text, size, &saved, &error) == 0)
		must(saved.count && saved.items[0].config);
	return 0;
}
