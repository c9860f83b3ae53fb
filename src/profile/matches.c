/* profile/matches.c - the index of what the shipped profiles match: one file instead of them all.
 * tools/match-index writes it.  It holds for the directory that it lies in; a profile that it does not
 * name is read itself.  Must not: be believed for profiles of other places. */
#include "profile/internal.h"

#include "base/fd.h"
#include "base/limits.h"
#include "base/path.h"
#include <fcntl.h>
#include <string.h>

const char *matches_read(struct arena *arena, const char *directory)
{
	size_t length;
	char *text;

	return fd_read_file(arena, AT_FDCWD, path_join(arena, directory, "index"), LIMIT_FILE_SIZE, &text,
			    &length) < 0 ? "" : text;
}

const char *matches_find(const char *index, const char *name)
{
	size_t length = strlen(name);

	while (strncmp(index, name, length) != 0 || index[length] != '\t') {
		index = strchr(index, '\n');
		if (!index++)
			return NULL;
	}
	return index + length + 1;
}

const char *matches_next(struct arena *arena, const char **items)
{
	size_t length = strcspn(*items, "\t\n");
	const char *item = length ? arena_strndup(arena, *items, length) : NULL;

	*items += length + ((*items)[length] == '\t');
	return item;
}
