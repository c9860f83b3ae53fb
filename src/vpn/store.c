/* vpn/store.c - the directories of configurations: finding, listing, adding, removing.
 *
 * The user's may be a link, vpn/ in it may not: what is below is ours alone.  Changes are made under a lock
 * on that directory, each with one rename, so that readers see the old file or the new one.
 * Must not: follow a link to a configuration, use a name that could be a path. */
#include "vpn/store.h"

#include "base/fd.h"
#include "base/limits.h"
#include "base/path.h"
#include "profile/profile.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const endings[] = { [VPN_OPENVPN] = ".ovpn", [VPN_WIREGUARD] = ".conf" };

/* ---- directories ------------------------------------------------------------------------- */

/* As mkdir -p does, for us alone.  `path` is scratch. */
static int make_directories(char *path)
{
	for (char *at = strchr(path + 1, '/');; at = strchr(at + 1, '/')) {
		if (at)
			*at = '\0';
		if (mkdir(path, 0700) < 0 && errno != EEXIST && access(path, F_OK) < 0)
			return -errno;
		if (!at)
			return 0;
		*at = '/';
	}
}

/* The directory vpn/ of `top`, or -errno. */
static int open_below(const char *top)
{
	AUTO_FD int fd = open(top, O_PATH | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : fd_make_directory(fd, "vpn", O_RDONLY, false);
}

/* That of the user, locked for a change.  What a killed command left behind goes. */
static int open_for_change(struct arena *arena, const char *top, bool create)
{
	AUTO_FD int parent = -1, fd = -1;
	int r = create ? make_directories(arena_strdup(arena, top)) : 0;

	if (r < 0)
		return r;
	parent = open(top, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (parent < 0)
		return -errno;
	fd = fd_make_private(parent, "vpn", create);
	if (fd < 0)
		return fd;
	while (flock(fd, LOCK_EX) < 0)
		if (errno != EINTR)
			return -errno;
	return TAKE_FD(fd);
}

static void closedirp(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

typedef void each_name(void *data, int directory, const char *name);

static int walk(int directory, each_name *each, void *data)
{
	int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEANUP(closedirp) DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!dir)
		return -errno;
	while ((entry = readdir(dir)))
		each(data, directory, entry->d_name);
	return 0;
}

/* Temporary files of fd_replace_file(); with the lock, nobody else is writing one. */
static void drop_leftover(void *data UNUSED, int directory, const char *name)
{
	if (name[0] == '.' && str_ends(name, ".new"))
		(void)unlinkat(directory, name, 0);
}

static int refuse_store(struct arena *arena, struct diags *d, const char *top, int error)
{
	diag_error(d, "C738", NULL, "'%s/vpn' cannot be used: %s", str_quote(arena, top),
		   error == -EPERM ? "it belongs to somebody else" :
		   error == -ELOOP || error == -ENOTDIR ? "it is no directory, or a link to one" : strerror(-error));
	diag_help(d, "see who owns it with 'ls -ld'");
	return -EINVAL;
}

/* ---- listing ----------------------------------------------------------------------------- */

struct listing {
	struct arena *arena;
	const char *top;
	bool is_users;
	VEC(struct vpn_entry) entries;
};

static bool is_file(int directory, const char *name)
{
	struct stat status;

	return fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(status.st_mode);
}

static void list_one(void *data, int directory, const char *file)
{
	struct listing *l = data;

	for (size_t kind = 0; kind < ARRAY_SIZE(endings); kind++) {
		const char *name;

		if (!str_ends(file, endings[kind]) || l->entries.count >= LIMIT_VPN_STORED)
			continue;
		name = arena_strndup(l->arena, file, strlen(file) - strlen(endings[kind]));
		if (!places_name_is_valid(name) || !is_file(directory, file))
			continue;
		for (size_t i = 0; !l->is_users && i < l->entries.count; i++)
			if (l->entries.items[i].is_users && str_equal(l->entries.items[i].name, name))
				return;
		*vec_push(l->arena, &l->entries) = (struct vpn_entry){
			.name = name, .path = arena_printf(l->arena, "%s/vpn/%s", l->top, file),
			.kind = (enum vpn_kind)kind, .is_users = l->is_users,
		};
	}
}

static int compare(const void *a, const void *b)
{
	const struct vpn_entry *x = a, *y = b;
	int r = strcmp(x->name, y->name);

	return r ? r : (int)x->kind - (int)y->kind;
}

int vpn_list(struct arena *arena, const struct vpn_places *places, struct vpn_entry **ret, size_t *ret_count)
{
	const char *const tops[] = { places->user, places->etc };
	struct listing l = { .arena = arena };

	for (size_t i = 0; i < ARRAY_SIZE(tops); i++) {
		AUTO_FD int directory = tops[i] ? open_below(tops[i]) : -ENOENT;
		int r = directory;

		l.top = tops[i];
		l.is_users = i == 0;
		if (directory >= 0)
			r = walk(directory, list_one, &l);
		/* The administrator may keep theirs from you. */
		if (r < 0 && r != -ENOENT && !(r == -EACCES && !l.is_users))
			return r;
	}
	if (l.entries.count)
		qsort(l.entries.items, l.entries.count, sizeof(*l.entries.items), compare);
	*ret = l.entries.items;
	*ret_count = l.entries.count;
	return 0;
}

static int refuse_unknown(struct arena *arena, const struct vpn_entry *entries, size_t count, const char *name,
			  const struct origin *origin, struct diags *d)
{
	enum { SHOWN = 8 };
	struct strbuf names = { .arena = arena };

	for (size_t i = 0; i < count && i < SHOWN; i++)
		strbuf_addf(&names, "%s%s", i ? ", " : "", entries[i].name);
	diag_error(d, "C735", origin, "there is no VPN configuration '%s'", str_quote(arena, name));
	if (count)
		diag_help(d, "there are: %s%s", strbuf_text(&names), count > SHOWN ? ", …" : "");
	else
		diag_help(d, "'cuddy vpn add FILE' adds one");
	return -EINVAL;
}

int vpn_find(struct arena *arena, const struct vpn_places *places, const char *name,
	     const struct origin *origin, struct diags *d, const char **ret_path)
{
	struct vpn_entry *entries = NULL;
	const struct vpn_entry *found = NULL;
	size_t count = 0;
	int r;

	if (*name == '/') {
		*ret_path = arena_strdup(arena, name);
		return 0;
	}
	r = vpn_list(arena, places, &entries, &count);
	if (r < 0)
		return refuse_store(arena, d, places->user ? places->user : places->etc, r);
	for (size_t i = 0; i < count; i++) {
		if (!str_equal(entries[i].name, name))
			continue;
		if (found) {
			diag_error(d, "C735", origin, "there are two: '%s' and '%s'", str_quote(arena, found->path),
				   str_quote(arena, entries[i].path));
			diag_help(d, "remove one of the files");
			return -EINVAL;
		}
		found = &entries[i];
	}
	if (!found)
		return refuse_unknown(arena, entries, count, name, origin, d);
	*ret_path = found->path;
	return 0;
}

/* ---- changing ---------------------------------------------------------------------------- */

static int check_name(struct arena *arena, const char *name, struct diags *d)
{
	if (places_name_is_valid(name))
		return 0;
	diag_error(d, "C737", NULL, "'%s' cannot be the name of a configuration", str_quote(arena, name));
	diag_help(d, "give one with '--name': letters, digits, '.', '_', '+', '-'");
	return -EINVAL;
}

/* Files that a configuration names become part of it, and some lines become several: what is kept must pass
 * the limits of a file, or it could not be read again. */
static int check_text(struct arena *arena, const struct vpn_config *config, const char *text, struct diags *d)
{
	const struct source source = { .name = "stored", .text = text, .length = strlen(text), .first_line = 1 };
	struct vpn_config *again;
	struct diags ignored;

	diags_init(&ignored, arena);
	if (vpn_config_parse(arena, &source, config->kind, -1, &ignored, &again) == 0)
		return 0;
	diag_error(d, "C731", NULL, "'%s' is too large with the files that it names",
		   str_quote(arena, config->source->name));
	diag_help(d, "all together may have 256 KiB (LIMIT_VPN_FILE) and 1000 lines (LIMIT_VPN_DIRECTIVES)");
	return -EINVAL;
}

/* May `name` be added?  With the lock. */
static int check_place(struct arena *arena, const struct vpn_places *places, const char *name, struct diags *d)
{
	const struct vpn_places own = { .user = places->user };
	struct vpn_entry *entries;
	size_t count = 0;

	(void)vpn_list(arena, &own, &entries, &count);
	for (size_t i = 0; i < count; i++) {
		if (!str_equal(entries[i].name, name))
			continue;
		diag_error(d, "C736", NULL, "there is a VPN configuration '%s'", name);
		diag_help(d, "'--force' replaces it, '--name' gives the new one another name");
		return -EINVAL;
	}
	if (count >= LIMIT_VPN_STORED)
		return diag_error(d, "C731", NULL, "there are %d configurations (LIMIT_VPN_STORED)", LIMIT_VPN_STORED);
	return 0;
}

int vpn_add(struct arena *arena, const struct vpn_places *places, const char *name,
	    const struct vpn_config *config, bool replace, struct diags *d)
{
	const char *text = vpn_stored_text(arena, config);
	const char *file = arena_printf(arena, "%s%s", name, endings[config->kind]);
	AUTO_FD int store = -1;
	int r;

	if (check_name(arena, name, d) < 0 || check_text(arena, config, text, d) < 0)
		return -EINVAL;
	store = open_for_change(arena, places->user, true);
	if (store < 0)
		return refuse_store(arena, d, places->user, store);
	(void)walk(store, drop_leftover, NULL);
	if (!replace && check_place(arena, places, name, d) < 0)
		return -EINVAL;
	r = fd_replace_file(store, file, text, strlen(text), 0600);
	for (size_t kind = 0; r == 0 && kind < ARRAY_SIZE(endings); kind++)
		if (kind != config->kind)
			(void)unlinkat(store, arena_printf(arena, "%s%s", name, endings[kind]), 0);
	if (r == 0)
		return 0;
	diag_error(d, "C738", NULL, "'%s/vpn/%s' cannot be written: %s", str_quote(arena, places->user), file, strerror(-r));
	diag_help(d, "nothing was changed; 'df' tells whether the disk is full");
	return -EINVAL;
}

int vpn_remove(struct arena *arena, const struct vpn_places *places, const char *name, struct diags *d)
{
	AUTO_FD int store = -1;
	bool found = false;

	if (check_name(arena, name, d) < 0)
		return -EINVAL;
	store = open_for_change(arena, places->user, false);
	if (store < 0 && store != -ENOENT)
		return refuse_store(arena, d, places->user, store);
	if (store >= 0)
		(void)walk(store, drop_leftover, NULL);
	for (size_t kind = 0; store >= 0 && kind < ARRAY_SIZE(endings); kind++) {
		if (unlinkat(store, arena_printf(arena, "%s%s", name, endings[kind]), 0) == 0)
			found = true;
		else if (errno != ENOENT)
			return refuse_store(arena, d, places->user, -errno);
	}
	if (found)
		return 0;
	diag_error(d, "C735", NULL, "you have no VPN configuration '%s'", name);
	diag_help(d, "'cuddy vpn list' shows all; those in /etc are the administrator's");
	return -EINVAL;
}
