/* fuzz_glob.c - input: a pattern, a line feed, a path.  A pattern that compiles has alternatives
 * that compile and together match the same; a covered tree is a tree that may match. */
#include "policy/glob.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	char *pattern = arena_strndup(arena, (const char *)data, size), *path = strchr(pattern, '\n');
	const struct glob_alternative *list;
	const struct glob *glob, *one;
	bool any = false;
	struct diags d;
	size_t count;

	diags_init(&d, arena);
	if (path)
		*path++ = '\0';
	else
		path = pattern;
	if (glob_compile(arena, pattern, NULL, &d, &glob) < 0) {
		must(d.errors > 0);
		return 0;
	}
	count = glob_alternatives(glob, &list);
	must(count > 0);
	for (size_t i = 0; i < count; i++) {
		must(glob_compile(arena, list[i].text, NULL, &d, &one) == 0);
		any |= glob_matches(one, path);
		if (list[i].is_tree)
			must(glob_covers_tree(glob, list[i].prefix));
		if (list[i].is_literal && !list[i].is_directory)
			must(glob_matches(glob, list[i].prefix));
	}
	must(any == glob_matches(glob, path));
	must(!glob_covers_tree(glob, path) || glob_may_match_below(glob, path));
	return 0;
}
