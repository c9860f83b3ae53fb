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

struct walk_known {
	struct walk_known *next;
	const char *path;
	struct walk_status status;
};

static struct walk_known **place_of(struct walk *walk, const char *path, size_t length)
{
	uint32_t hash = 2166136261u; /* FNV-1a; a long chain is slow, not wrong */
	struct walk_known **at;

	for (size_t i = 0; i < length; i++)
		hash = (hash ^ (unsigned char)path[i]) * 16777619u;
	for (at = &walk->known[(hash ^ hash >> 16) % ARRAY_SIZE(walk->known)]; *at; at = &(*at)->next)
		if (strncmp((*at)->path, path, length) == 0 && !(*at)->path[length])
			return at;
	return at;
}

/* Nothing is found below what could not be looked at. */
static bool is_below_missing(struct walk *walk, const char *path)
{
	const char *slash = strrchr(path, '/');
	const struct walk_known *parent;

	if (!slash || slash == path)
		return false;
	parent = *place_of(walk, path, (size_t)(slash - path));
	return parent && !parent->status.exists;
}

void walk_status(struct walk *walk, const char *path, struct walk_status *ret)
{
	struct walk_known **place = place_of(walk, path, strlen(path)), *known = *place;
	struct stat status;

	if (!known) {
		known = *place = arena_new_object(walk->arena, struct walk_known);
		known->path = arena_strdup(walk->arena, path);
		if (!is_below_missing(walk, path) && lstat(path, &status) == 0)
			known->status = (struct walk_status){
				.exists = true, .is_directory = S_ISDIR(status.st_mode),
				.is_link = S_ISLNK(status.st_mode), .device = status.st_dev,
				.inode = status.st_ino, .mode = status.st_mode,
			};
	}
	*ret = known->status;
}

/* Mostly there is no link on the way: then nothing need be put together. */
static bool is_plain(struct walk *walk, const char *path)
{
	UNSET char part[PATH_MAX];
	struct walk_status status;
	size_t length = strlen(path);

	if (length >= sizeof(part) || *path != '/')
		return false;
	for (size_t i = 1; i <= length; i++) {
		part[i - 1] = path[i - 1];
		if (path[i] && path[i] != '/')
			continue;
		part[i] = '\0';
		walk_status(walk, part, &status);
		if (!status.exists || status.is_link)
			return false;
	}
	return true;
}

const char *walk_resolve(struct walk *walk, const char *path, struct walk_link *links, size_t *ret_count)
{
	struct arena *arena = walk->arena;
	struct walk_status status;
	const char *rest = path;
	char *done;

	if (is_plain(walk, path))
		return path;
	done = arena_strdup(arena, "");
	while (*rest) {
		UNSET char text[PATH_MAX];
		const char *name, *parent = *done ? done : "/";
		size_t length;
		ssize_t size;

		rest += strspn(rest, "/");
		length = strcspn(rest, "/");
		if (!length)
			break;
		name = path_join(arena, parent, arena_strndup(arena, rest, length));
		rest += length;
		walk_status(walk, name, &status);
		if (!status.exists)
			return NULL;
		if (!status.is_link) {
			done = arena_strdup(arena, name);
			continue;
		}
		size = readlink(name, text, sizeof(text) - 1);
		if (size < 0 || *ret_count == WALK_LINKS)
			return NULL;
		text[size] = '\0';
		links[(*ret_count)++] = (struct walk_link){ name, arena_strdup(arena, text) };
		rest = path_normal(arena, parent, arena_printf(arena, "%s/%s", text, rest));
		done = arena_strdup(arena, "");
	}
	return *done ? done : "/";
}

struct search {
	struct walk *walk;
	const struct glob *glob;
	void (*visit)(void *context, const char *path);
	void *context;
	size_t matches, visits;
};

/* Most file systems say in the entry what it is; the others are asked. */
static bool is_directory(struct walk *walk, const struct dirent *entry, const char *path)
{
	struct walk_status status;

	if (entry->d_type != DT_UNKNOWN)
		return entry->d_type == DT_DIR;
	walk_status(walk, path, &status);
	return status.is_directory;
}

static int search_directory(struct search *s, const char *path, unsigned depth)
{
	DIR *directory = opendir(path);
	struct dirent *entry;
	int r = 0;

	if (!directory)
		return 0;
	while (r == 0 && (entry = readdir(directory))) {
		const char *name;
		bool tree;

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (++s->visits > LIMIT_GLOB_VISITS) {
			r = -E2BIG;
			break;
		}
		name = path_join(s->walk->arena, path, entry->d_name);
		tree = is_directory(s->walk, entry, name);
		if (glob_matches(s->glob, tree ? arena_printf(s->walk->arena, "%s/", name) : name)) {
			if (++s->matches > LIMIT_GLOB_MATCHES)
				r = -E2BIG;
			else
				s->visit(s->context, name);
		}
		if (r == 0 && tree && depth < 64 && glob_may_match_below(s->glob, name))
			r = search_directory(s, name, depth + 1);
	}
	closedir(directory);
	return r;
}

int walk_matches(struct walk *walk, const struct glob *glob, const char *prefix,
		 void (*visit)(void *context, const char *path), void *context)
{
	struct search s = { .walk = walk, .glob = glob, .visit = visit, .context = context };

	return search_directory(&s, prefix, 0);
}

int walk_directory(struct walk *walk, const char *path, size_t most,
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
			visit(context, path_join(walk->arena, path, entry->d_name));
	}
	closedir(directory);
	return r;
}
