/* profile/context.c - from who calls, and from where, to places and variables.
 * Must not: read the environment of this process, but only the one that it is given. */
#include "profile/profile.h"
#include "profile/user_dirs.h"

#include "base/path.h"
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The XDG base directory specification's defaults. */
static const struct { const char *name, *standard; } directories[] = {
	{ "XDG_CACHE_HOME", ".cache" },		{ "XDG_CONFIG_HOME", ".config" },
	{ "XDG_DATA_HOME", ".local/share" },	{ "XDG_STATE_HOME", ".local/state" },
};

static const char *directory_of(struct arena *arena, const struct profile_caller *caller, const char *name,
				const char *standard)
{
	const char *value = environment_find(caller->environment, name);

	return path_normal(arena, caller->home, value && *value == '/' ? value : standard);
}

/* A folder's own file that only tightens, from the working directory upwards; NULL for none. */
static const char *find_tightening(struct arena *arena, const char *directory)
{
	for (const char *at = directory; *at;) {
		const char *file = path_join(arena, at, ".cuddy.toml"), *slash = strrchr(at, '/');

		if (access(file, F_OK) == 0)
			return file;
		at = slash ? arena_strndup(arena, at, (size_t)(slash - at)) : "";
	}
	return NULL;
}

/* The working directory as a folder that may be given away: "" for the home and what holds it, under
 * the name that the caller has for it or its real one (a working directory has no links in it). */
static const char *project(const struct profile_caller *caller)
{
	char real[PATH_MAX];

	if (realpath(caller->home, real) && path_is_within(real, caller->directory))
		return "";
	return user_dirs_folder(caller->home, caller->directory);
}

void profile_context_fill(struct arena *arena, const struct profile_caller *caller, struct profile_context *ret)
{
	const char *config = directory_of(arena, caller, "XDG_CONFIG_HOME", ".config");
	const char *uid = arena_printf(arena, "%u", caller->uid);
	const struct profile_variable others[] = {
		{ "HOME", caller->home }, { "USER", caller->user }, { "UID", uid },
		{ "PWD", project(caller) }, { "CUDDY_RUNNING", caller->running ? caller->running : "" },
		{ "XDG_RUNTIME_DIR", directory_of(arena, caller, "XDG_RUNTIME_DIR",
						  arena_printf(arena, "/run/user/%s", uid)) },
	};
	size_t count = ARRAY_SIZE(directories) + ARRAY_SIZE(others) + USER_DIRS_COUNT;
	struct profile_variable *variables = arena_new_array(arena, struct profile_variable, count), *next = variables;

	for (size_t i = 0; i < ARRAY_SIZE(directories); i++)
		*next++ = (struct profile_variable){
			directories[i].name, directory_of(arena, caller, directories[i].name, directories[i].standard),
		};
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		*next++ = others[i];
	user_dirs_read(arena, path_join(arena, config, "user-dirs.dirs"), caller->home, caller->environment, next);
	*ret = (struct profile_context){
		.places = { caller->share, "/etc/cuddy", path_join(arena, config, "cuddy") },
		.variables = variables, .variable_count = count, .directory = caller->directory,
		.tighten = find_tightening(arena, caller->directory),
	};
}
