/* lib/caller.c - who calls, from where, and where profiles are for that caller.
 * The only place that reads the caller's identity and environment.  Must not: print, change anything. */
#include "lib/caller.h"
#include "base/path.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef CUDDY_DATA_DIR
#define CUDDY_DATA_DIR "/usr/share/cuddy"
#endif

extern char **environ;

/* Directories of the user; the XDG base directory and user-dirs specifications' defaults. */
static const struct { const char *name, *standard; } directories[] = {
	{ "XDG_CACHE_HOME", ".cache" },		{ "XDG_CONFIG_HOME", ".config" },
	{ "XDG_DATA_HOME", ".local/share" },	{ "XDG_DESKTOP_DIR", "Desktop" },
	{ "XDG_DOCUMENTS_DIR", "Documents" },	{ "XDG_DOWNLOAD_DIR", "Downloads" },
	{ "XDG_MUSIC_DIR", "Music" },		{ "XDG_PICTURES_DIR", "Pictures" },
	{ "XDG_PUBLICSHARE_DIR", "Public" },	{ "XDG_STATE_HOME", ".local/state" },
	{ "XDG_TEMPLATES_DIR", "Templates" },	{ "XDG_VIDEOS_DIR", "Videos" },
};

static int fill_cage(struct arena *arena, struct diags *d, struct cage *ret)
{
	const struct passwd *entry = getpwuid(getuid());
	const char *home = getenv("HOME"), *shell = getenv("SHELL");
	char *directory = getcwd(NULL, 0);

	if (!directory)
		return diag_error(d, "C511", NULL, "the working directory is gone");
	home = home && *home == '/' ? home : entry ? entry->pw_dir : "/";
	*ret = (struct cage){
		.name = "cage", .uid = getuid(), .gid = getgid(), .environment = environ,
		.user = arena_strdup(arena, entry ? entry->pw_name : "user"),
		.home = path_normal(arena, "/", home),
		.shell = arena_strdup(arena, shell && *shell == '/' ? shell : "/bin/sh"),
		.working_directory = arena_strdup(arena, directory),
	};
	free(directory);
	return 0;
}

/* The directory that an environment variable names, or its standard below the home. */
static const char *directory_of(struct arena *arena, const struct cage *cage, const char *name,
				const char *standard)
{
	const char *value = getenv(name);

	return path_normal(arena, cage->home, value && *value == '/' ? value : standard);
}

/* A folder's own file that only tightens, from the working directory upwards; NULL for none. */
static const char *find_tightening(struct arena *arena, const struct cage *cage)
{
	for (const char *at = cage->working_directory; *at;) {
		const char *file = path_join(arena, at, ".cuddy.toml"), *slash = strrchr(at, '/');

		if (access(file, F_OK) == 0)
			return file;
		at = slash ? arena_strndup(arena, at, (size_t)(slash - at)) : "";
	}
	return NULL;
}

static void fill_context(struct arena *arena, const struct cage *cage, const char *share,
			 struct profile_context *ret)
{
	const char *uid = arena_printf(arena, "%u", cage->uid);
	const char *runtime = arena_printf(arena, "/run/user/%s", uid);
	const struct profile_variable others[] = {
		{ "HOME", cage->home }, { "PWD", cage->working_directory }, { "USER", cage->user },
		{ "UID", uid }, { "XDG_RUNTIME_DIR", directory_of(arena, cage, "XDG_RUNTIME_DIR", runtime) },
	};
	VEC(struct profile_variable) v = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(directories); i++)
		*vec_push(arena, &v) = (struct profile_variable){
			directories[i].name,
			directory_of(arena, cage, directories[i].name, directories[i].standard),
		};
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		*vec_push(arena, &v) = others[i];
	*ret = (struct profile_context){
		.places = { share, "/etc/cuddy",
			    path_join(arena, directory_of(arena, cage, "XDG_CONFIG_HOME", ".config"), "cuddy") },
		.variables = v.items, .variable_count = v.count, .tighten = find_tightening(arena, cage),
	};
}

int caller_fill(struct arena *arena, const char *share, struct diags *d, struct caller *ret)
{
	int r = fill_cage(arena, d, &ret->cage);

	if (r < 0)
		return r;
	share = path_normal(arena, ret->cage.working_directory, share ? share : CUDDY_DATA_DIR);
	fill_context(arena, &ret->cage, share, &ret->context);
	ret->places.data = path_join(arena, directory_of(arena, &ret->cage, "XDG_DATA_HOME", ".local/share"), "cuddy");
	ret->places.runtime = arena_strdup(arena, getenv("XDG_RUNTIME_DIR"));
	return 0;
}

int caller_resolve(struct arena *arena, const struct caller *caller, const char *name, struct diags *d,
		   struct policy **ret)
{
	const char *share = caller->context.places.share;

	/* Without it the denies that hold for every cage would be missing, without a word. */
	if (access(path_join(arena, share, "permissions/builtin.toml"), R_OK) < 0) {
		diag_error(d, "C517", NULL, "cuddy's own files are not in '%s'", str_quote(arena, share));
		diag_help(d, "install them with 'make install', or run cuddy from its build directory");
		return -EINVAL;
	}
	return profile_resolve(arena, &caller->context, name, d, ret) < 0 ? -EINVAL : 0;
}

const char *caller_choose(struct arena *arena, const struct caller *caller, const char *program)
{
	const char *name = path_base_name(program);
	struct profile_entry *entries;
	size_t count = 0;

	if (profile_list(arena, &caller->context, &entries, &count) < 0)
		return "command-line";
	for (size_t i = 0; i < count; i++)
		if (strcmp(entries[i].name, name) == 0)
			return entries[i].name;
	return "command-line";
}
