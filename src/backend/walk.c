/* backend/walk.c - looking at the host's file system without following what it should not. */
#include "backend/walk.h"
#include "base/limits.h"
#include "base/path.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void walk_status(const char *path, struct walk_status *ret)
{
	struct stat status;

	*ret = (struct walk_status){ 0 };
	if (lstat(path, &status) < 0)
		return;
	*ret = (struct walk_status){ .exists = true, .is_directory = S_ISDIR(status.st_mode),
				     .is_link = S_ISLNK(status.st_mode), .device = status.st_dev,
				     .inode = status.st_ino, .mode = status.st_mode };
}

const char *walk_resolve(struct arena *arena, const char *path, struct walk_link *links, size_t *ret_count)
{
	const char *rest = path;
	char *done = arena_strdup(arena, "");

	while (*rest) {
		char text[PATH_MAX];
		const char *name, *parent = *done ? done : "/";
		size_t length;
		ssize_t size;

		rest += strspn(rest, "/");
		length = strcspn(rest, "/");
		if (!length)
			break;
		name = path_join(arena, parent, arena_strndup(arena, rest, length));
		rest += length;
		size = readlink(name, text, sizeof(text) - 1);
		if (size < 0 && errno != EINVAL)
			return NULL;
		if (size < 0) {
			done = arena_strdup(arena, name);
			continue;
		}
		if (*ret_count == WALK_LINKS)
			return NULL;
		text[size] = '\0';
		links[(*ret_count)++] = (struct walk_link){ name, arena_strdup(arena, text) };
		rest = path_normal(arena, parent, arena_printf(arena, "%s/%s", text, rest));
		done = arena_strdup(arena, "");
	}
	return *done ? done : "/";
}

struct search {
	struct arena *arena;
	const struct glob *glob;
	void (*visit)(void *context, const char *path);
	void *context;
	size_t matches, visits;
};

static int search_directory(struct search *s, const char *path, unsigned depth)
{
	DIR *directory = opendir(path);
	struct dirent *entry;
	int r = 0;

	if (!directory)
		return 0;
	while (r == 0 && (entry = readdir(directory))) {
		struct walk_status status;
		const char *name;

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (++s->visits > LIMIT_GLOB_VISITS) {
			r = -E2BIG;
			break;
		}
		name = path_join(s->arena, path, entry->d_name);
		walk_status(name, &status);
		if (glob_matches(s->glob, status.is_directory ? arena_printf(s->arena, "%s/", name) : name)) {
			if (++s->matches > LIMIT_GLOB_MATCHES)
				r = -E2BIG;
			else
				s->visit(s->context, name);
		}
		if (r == 0 && status.is_directory && depth < 64 && glob_may_match_below(s->glob, name))
			r = search_directory(s, name, depth + 1);
	}
	closedir(directory);
	return r;
}

int walk_matches(struct arena *arena, const struct glob *glob, const char *prefix,
		 void (*visit)(void *context, const char *path), void *context)
{
	struct search s = { .arena = arena, .glob = glob, .visit = visit, .context = context };

	return search_directory(&s, prefix, 0);
}

int walk_directory(struct arena *arena, const char *path, size_t most,
		   void (*visit)(void *context, const char *path), void *context)
{
	DIR *directory = opendir(path);
	struct dirent *entry;
	size_t count = 0;
	int r = 0;

	if (!directory)
		return 0;
	while (r == 0 && (entry = readdir(directory))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (++count > most)
			r = -E2BIG;
		else
			visit(context, path_join(arena, path, entry->d_name));
	}
	closedir(directory);
	return r;
}
