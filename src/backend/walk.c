/* backend/walk.c - looking at the host's file system without following what it should not. */
#include "backend/walk.h"
#include "base/limits.h"
#include "base/path.h"

#include "base/fd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

struct walk_known {
	struct walk_known *next;
	const char *path;
	struct walk_status status;
	const char *link; /* its text, when it was read */
};

struct entry { const char *name; unsigned char type; };

/* A directory that was read. */
struct walk_listing {
	struct walk_listing *next;
	const char *path;
	VEC(struct entry) entries;
	bool is_whole; /* no name that it lacks need be asked for */
	bool is_ascii; /* all its names */
};

/* As the kernel writes it: getdents64(2). */
struct record { uint64_t inode; int64_t offset; uint16_t length; unsigned char type; char name[]; };

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

/* ---- whose files they are ---- */

static const struct walk_map *map_of(const struct walk *walk, const char *path)
{
	const struct walk_map *best = NULL;

	for (size_t i = 0; i < walk->maps.count; i++) {
		const struct walk_map *map = &walk->maps.items[i];

		if (path_is_within(path, map->at) && (!best || strlen(map->at) > strlen(best->at)))
			best = map;
	}
	return best;
}

/* What of `path` is below the top of its map: "" or "a/b". */
static const char *below(const struct walk_map *map, const char *path)
{
	path += strcmp(map->at, "/") == 0 ? 0 : strlen(map->at);
	return path + strspn(path, "/");
}

const char *walk_source(const struct walk *walk, const char *path, const char *root_path)
{
	const struct walk_map *map = map_of(walk, path);

	return map ? path_normal(walk->arena, map->in_root ? root_path : map->from,
				 *below(map, path) ? below(map, path) : ".") : path;
}

/* Links in a root lead to what is in that root (openat2(2)). */
static int open_at(const struct walk *walk, const char *path, int flags)
{
	const struct walk_map *map = walk->maps.count ? map_of(walk, path) : NULL;

	if (!map || !map->in_root)
		return open(map ? walk_source(walk, path, NULL) : path, flags);
	int fd = fd_open_resolved(walk->root, below(map, path), (unsigned)flags, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
	if (fd < 0)
		errno = -fd;
	return MAX(fd, -1);
}

/* A directory that leads to something of another map must be there, whatever the root has. */
static bool leads_to_map(const struct walk *walk, const char *path)
{
	for (size_t i = 0; i < walk->maps.count; i++)
		if (path_is_within(walk->maps.items[i].at, path) && strcmp(walk->maps.items[i].at, path) != 0)
			return true;
	return false;
}

static int look(const struct walk *walk, const char *path, struct stat *ret)
{
	if (!walk->maps.count)
		return lstat(path, ret);
	AUTO_FD int fd = open_at(walk, path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0 && fstat(fd, ret) == 0)
		return 0;
	if (!leads_to_map(walk, path))
		return -1;
	*ret = (struct stat){ .st_mode = S_IFDIR | 0755 };
	return 0;
}

static ssize_t read_link(const struct walk *walk, const char *path, char *text, size_t room)
{
	if (!walk->maps.count)
		return readlink(path, text, room);
	AUTO_FD int fd = open_at(walk, path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -1 : readlinkat(fd, "", text, room);
}

/* ---- looking ---- */

static bool is_ascii(const char *text)
{
	while ((unsigned char)*text - 1u < 0x7f)
		text++;
	return !*text;
}

static void add_entries(struct walk *walk, struct walk_listing *list, const char *bytes, size_t length)
{
	for (size_t at = 0; at < length;) {
		const struct record *record = (const void *)(bytes + at);
		const char *name = record->name;

		at += record->length;
		if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
			continue;
		*vec_push(walk->arena, &list->entries) =
			(struct entry){ arena_strdup(walk->arena, name), record->type };
		list->is_ascii = list->is_ascii && is_ascii(name);
	}
}

/* Not everywhere does a directory list what a look-up finds: autofs, FUSE.  These do. */
static bool lists_all(int fd)
{
	static const long known[] = { BTRFS_SUPER_MAGIC, EXT4_SUPER_MAGIC, F2FS_SUPER_MAGIC, OVERLAYFS_SUPER_MAGIC,
				      SQUASHFS_MAGIC, TMPFS_MAGIC, 0x58465342 /* XFS */ };
	struct statfs status;

	if (fstatfs(fd, &status) < 0)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if ((long)status.f_type == known[i])
			return true;
	return false;
}

static const struct walk_listing *list_of(struct walk *walk, const char *path)
{
	enum { ROOM = 16384 };
	struct walk_listing *list = walk->listings;
	ssize_t count = 0;

	while (list && strcmp(list->path, path) != 0)
		list = list->next;
	if (list)
		return list;
	list = arena_new_object(walk->arena, struct walk_listing);
	list->path = arena_strdup(walk->arena, path);
	list->is_ascii = true;
	list->next = walk->listings;
	walk->listings = list;
	if (!walk->room)
		walk->room = arena_alloc(walk->arena, ROOM);
	AUTO_FD int fd = open_at(walk, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	while (fd >= 0 && list->entries.count <= LIMIT_GLOB_VISITS &&
	       (count = syscall(SYS_getdents64, fd, walk->room, ROOM)) > 0)
		add_entries(walk, list, walk->room, (size_t)count);
	list->is_whole = fd >= 0 && count == 0 && lists_all(fd);
	return list;
}

void walk_list(struct walk *walk, const char *path)
{
	list_of(walk, path);
}

/* Directories may be blind to case (ext4 casefold), to that of all alphabets: then it is asked. */
static bool may_be_listed(const struct walk_listing *list, const char *name)
{
	if (!list->is_ascii || !is_ascii(name))
		return true;
	for (size_t i = 0; i < list->entries.count; i++) {
		const char *entry = list->entries.items[i].name;

		/* Of ASCII letters, the cases differ in one bit. */
		if (((*entry ^ *name) & ~0x20) == 0 && strcasecmp(entry, name) == 0)
			return true;
	}
	return false;
}

/* Nothing is found below what could not be looked at, nor in a directory that does not list it. */
static bool is_known_missing(struct walk *walk, const char *path)
{
	const char *slash = strrchr(path, '/');
	size_t length = slash ? (size_t)(slash - path) : 0;
	UNSET char above[PATH_MAX];
	const struct walk_known *parent;

	if (!length || length >= sizeof(above) || walk->maps.count)
		return false;
	parent = *place_of(walk, path, length);
	memcpy(above, path, length);
	above[length] = '\0';
	if (parent ? !parent->status.exists : is_known_missing(walk, above))
		return true;
	for (const struct walk_listing *list = walk->listings; list; list = list->next)
		if (list->is_whole && strncmp(list->path, path, length) == 0 && !list->path[length])
			return !may_be_listed(list, slash + 1);
	return false;
}

static struct walk_known *look_at(struct walk *walk, const char *path)
{
	struct walk_known **place = place_of(walk, path, strlen(path)), *known = *place;
	struct stat status;

	if (!known) {
		known = *place = arena_new_object(walk->arena, struct walk_known);
		known->path = arena_strdup(walk->arena, path);
		if (!is_known_missing(walk, path) && look(walk, path, &status) == 0)
			known->status = (struct walk_status){
				.exists = true, .is_directory = S_ISDIR(status.st_mode),
				.is_link = S_ISLNK(status.st_mode), .device = status.st_dev,
				.inode = status.st_ino, .mode = status.st_mode,
			};
	}
	return known;
}

void walk_status(struct walk *walk, const char *path, struct walk_status *ret)
{
	*ret = look_at(walk, path)->status;
}

static const char *link_text(struct walk *walk, const char *path)
{
	struct walk_known *known = look_at(walk, path);
	UNSET char text[PATH_MAX];
	ssize_t size;

	if (!known->link && (size = read_link(walk, path, text, sizeof(text))) > 0 && size < (ssize_t)sizeof(text))
		known->link = arena_strndup(walk->arena, text, (size_t)size);
	return known->link;
}

/* Mostly there is no link on the way: then nothing need be put together. */
enum way { WAY_PLAIN, WAY_MISSING, WAY_LINKED };
static enum way look_along(struct walk *walk, const char *path)
{
	UNSET char part[PATH_MAX];
	size_t length = strlen(path);

	if (length >= sizeof(part) || *path != '/')
		return WAY_LINKED;
	for (size_t i = 1; i <= length; i++) {
		const struct walk_known *known;

		part[i - 1] = path[i - 1];
		if (path[i] && path[i] != '/')
			continue;
		part[i] = '\0';
		known = look_at(walk, part);
		if (!known->status.exists)
			return WAY_MISSING;
		if (known->status.is_link)
			return WAY_LINKED;
	}
	return WAY_PLAIN;
}

const char *walk_resolve(struct walk *walk, const char *path, struct walk_link *links, size_t *ret_count)
{
	struct arena *arena = walk->arena;
	struct walk_status status;
	const char *rest = path;
	char *done;

	switch (look_along(walk, path)) {
	case WAY_PLAIN: return path;
	case WAY_MISSING: return NULL;
	case WAY_LINKED: break;
	}
	done = arena_strdup(arena, "");
	while (*rest) {
		const char *name, *text, *parent = *done ? done : "/";
		size_t length;

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
		text = link_text(walk, name);
		if (!text || *ret_count == WALK_LINKS)
			return NULL;
		links[(*ret_count)++] = (struct walk_link){ name, text };
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
static bool is_directory(struct walk *walk, const struct entry *entry, const char *path)
{
	struct walk_status status;

	if (entry->type != DT_UNKNOWN)
		return entry->type == DT_DIR;
	walk_status(walk, path, &status);
	return status.is_directory;
}

static bool is_link(struct walk *walk, const struct entry *entry, const char *path)
{
	struct walk_status status;

	if (entry->type != DT_UNKNOWN)
		return entry->type == DT_LNK;
	walk_status(walk, path, &status);
	return status.is_link;
}

/* `covered`: the glob has matched a directory above with all that is below. */
static int search_directory(struct search *s, const char *path, unsigned depth, bool covered)
{
	const struct walk_listing *list = list_of(s->walk, path);
	struct strbuf name = { .arena = s->walk->arena };
	int r = 0;

	strbuf_add(&name, strcmp(path, "/") == 0 ? "" : path);
	strbuf_add(&name, "/");
	for (size_t i = 0, before = name.length; r == 0 && i < list->entries.count; i++) {
		const struct entry *entry = &list->entries.items[i];
		bool tree, matches;

		if (++s->visits > LIMIT_GLOB_VISITS)
			return -E2BIG;
		name.length = before;
		strbuf_add(&name, entry->name);
		tree = is_directory(s->walk, entry, name.text);
		if (tree)
			strbuf_add(&name, "/");
		matches = covered ? is_link(s->walk, entry, name.text) : glob_matches(s->glob, name.text);
		if (tree)
			name.text[--name.length] = '\0';
		if (matches && ++s->matches > LIMIT_GLOB_MATCHES)
			return -E2BIG;
		if (matches)
			s->visit(s->context, arena_strdup(s->walk->arena, name.text));
		if (tree && depth < 64 && (covered || glob_may_match_below(s->glob, name.text)))
			r = search_directory(s, arena_strdup(s->walk->arena, name.text), depth + 1,
					     covered || (matches && glob_covers_tree(s->glob, name.text)));
	}
	return r;
}

int walk_matches(struct walk *walk, const struct glob *glob, const char *prefix,
		 void (*visit)(void *context, const char *path), void *context)
{
	struct search s = { .walk = walk, .glob = glob, .visit = visit, .context = context };

	return search_directory(&s, prefix, 0, false);
}

int walk_directory(struct walk *walk, const char *path, size_t most,
		   void (*visit)(void *context, const char *path), void *context)
{
	const struct walk_listing *list = list_of(walk, path);

	if (list->entries.count > most)
		return -E2BIG;
	for (size_t i = 0; i < list->entries.count; i++)
		visit(context, path_join(walk->arena, path, list->entries.items[i].name));
	return 0;
}
