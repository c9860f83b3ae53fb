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

static const char *own_directory(struct arena *arena, const char *home, const char *variable, const char *standard)
{
	const char *value = getenv(variable);

	return path_join(arena, path_normal(arena, home, value && *value == '/' ? value : standard), "cuddy");
}

int caller_fill(struct arena *arena, const char *share, struct diags *d, struct caller *ret)
{
	int r = fill_cage(arena, d, &ret->cage);

	if (r < 0)
		return r;
	share = path_normal(arena, ret->cage.working_directory, share ? share : CUDDY_DATA_DIR);
	ret->places = (struct cage_places){
		.data = own_directory(arena, ret->cage.home, "XDG_DATA_HOME", ".local/share"),
		.state = own_directory(arena, ret->cage.home, "XDG_STATE_HOME", ".local/state"),
		.cache = own_directory(arena, ret->cage.home, "XDG_CACHE_HOME", ".cache"),
		.runtime = arena_strdup(arena, getenv("XDG_RUNTIME_DIR")),
	};
	profile_context_fill(arena, &(struct profile_caller){
		.home = ret->cage.home, .user = ret->cage.user, .directory = ret->cage.working_directory,
		.share = share, .running = cage_runtime_path(arena, &ret->places),
		.uid = ret->cage.uid, .environment = environ }, &ret->context);
	ret->places.config = ret->context.places.user;
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

struct profile_choice caller_choose(struct arena *arena, const struct caller *caller, const char *program,
				    struct diags *d)
{
	return profile_choose(arena, &caller->context, environ, program, d);
}
