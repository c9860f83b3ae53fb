/* profile/places.c - where profiles and flags lie, and what may be their name. */
#include "profile/internal.h"

#include "base/fd.h"
#include "base/limits.h"
#include "base/path.h"
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

size_t places_all(const struct profile_context *context, const char *ret[3])
{
	const char *all[] = { context->places.share, context->places.etc, context->places.user };
	size_t count = 0;

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		if (all[i])
			ret[count++] = all[i];
	return count;
}

struct profile_context places_present(const struct profile_context *context)
{
	struct profile_context present = *context;
	const char **all[] = { &present.places.share, &present.places.etc, &present.places.user };

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		if (*all[i] && !places_exists(*all[i]))
			*all[i] = NULL;
	return present;
}

bool places_name_is_valid(const char *name)
{
	size_t length = strlen(name);

	if (length == 0 || length > LIMIT_NAME_LENGTH || !isalnum((unsigned char)name[0]))
		return false;
	for (size_t i = 0; i < length; i++)
		if (!isalnum((unsigned char)name[i]) && !strchr("._+-", name[i]))
			return false;
	return true;
}

/* What is there but can't be read exists: the error comes when it is read. */
bool places_exists(const char *path)
{
	return faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0 ||
	       (errno != ENOENT && errno != ENOTDIR);
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

size_t places_names(struct arena *arena, const char *directory, const char ***ret)
{
	VEC(const char *) names = { 0 };
	DIR *dir = opendir(directory);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.' && str_ends(entry->d_name, ".toml"))
			*vec_push(arena, &names) =
				arena_strndup(arena, entry->d_name, strlen(entry->d_name) - 5);
	if (dir)
		closedir(dir);
	if (names.count)
		qsort(names.items, names.count, sizeof(*names.items), compare);
	*ret = names.items;
	return names.count;
}

bool places_is_overridable(struct arena *arena, const struct profile_context *context,
			   const char *name)
{
	char *text, *line, *rest;
	size_t length;

	if (!context->places.etc ||
	    fd_read_file(arena, AT_FDCWD, path_join(arena, context->places.etc, "overridable"),
			 LIMIT_FILE_SIZE, &text, &length) < 0)
		return false;
	for (line = strtok_r(text, " \t\r\n", &rest); line; line = strtok_r(NULL, " \t\r\n", &rest))
		if (str_equal(line, name))
			return true;
	return false;
}

size_t places_profiles(struct arena *arena, const char *directory, struct places_taken *taken,
		       const struct profile_entry **ret)
{
	VEC(struct profile_entry) list = { 0 };
	const char **names;
	size_t count = places_names(arena, directory, &names);

	for (size_t i = 0; i < count; i++) {
		size_t t = 0;

		if (!places_name_is_valid(names[i]) || str_ends(names[i], ".local"))
			continue;
		while (t < taken->count && strcmp(taken->items[t], names[i]) != 0)
			t++;
		if (t < taken->count)
			continue;
		*vec_push(arena, taken) = names[i];
		*vec_push(arena, &list) = (struct profile_entry){
			names[i], arena_printf(arena, "%s/%s.toml", directory, names[i]) };
	}
	*ret = list.items;
	return list.count;
}

static int compare_entries(const void *a, const void *b)
{
	return strcmp(((const struct profile_entry *)a)->name, ((const struct profile_entry *)b)->name);
}

int profile_list(struct arena *arena, const struct profile_context *context,
		 struct profile_entry **ret, size_t *ret_count)
{
	VEC(struct profile_entry) all = { 0 };
	struct places_taken taken = { 0 };
	const char *places[3], *directories[4];
	size_t count = places_all(context, places), kinds = 0;

	if (context->places.share)
		directories[kinds++] = path_join(arena, context->places.share, "profiles/base");
	for (size_t i = 0; i < count; i++)
		directories[kinds++] = path_join(arena, places[i], "profiles");
	while (kinds--) { /* later places win, so they come first */
		const struct profile_entry *entries;
		size_t more = places_profiles(arena, directories[kinds], &taken, &entries);

		for (size_t i = 0; i < more; i++)
			*vec_push(arena, &all) = entries[i];
	}
	if (all.count)
		qsort(all.items, all.count, sizeof(*all.items), compare_entries);
	*ret = all.items;
	*ret_count = all.count;
	return 0;
}
