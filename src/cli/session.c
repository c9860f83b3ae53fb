/* cli/session.c - who calls, from where, and which policy that gives.
 * The only place that reads the caller's environment and asks where our own files are. */
#include "cli/session.h"
#include "base/path.h"
#include "profile/choose.h"
#include "profile/user_dirs.h"

#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef CUDDY_DATA_DIR
#define CUDDY_DATA_DIR "/usr/share/cuddy"
#endif

extern char **environ;

/* The XDG base directory specification's defaults. */
static const struct { const char *name, *standard; } directories[] = {
	{ "XDG_CACHE_HOME", ".cache" },		{ "XDG_CONFIG_HOME", ".config" },
	{ "XDG_DATA_HOME", ".local/share" },	{ "XDG_STATE_HOME", ".local/state" },
};

int session_cage(struct cli *cli, struct cage *ret)
{
	const struct passwd *entry = getpwuid(getuid());
	const char *home = getenv("HOME"), *shell = getenv("SHELL");
	char *directory = getcwd(NULL, 0);

	if (!directory)
		return diag_error(&cli->d, "C511", NULL, "the working directory is gone");
	*ret = (struct cage){
		.name = "cage", .uid = getuid(), .gid = getgid(), .environment = environ,
		.user = arena_strdup(cli->arena, entry ? entry->pw_name : "user"),
		.home = arena_strdup(cli->arena, home && *home == '/' ? home : entry ? entry->pw_dir : "/"),
		.shell = shell && *shell == '/' ? shell : "/bin/sh",
		.working_directory = arena_strdup(cli->arena, directory),
	};
	ret->home = path_normal(cli->arena, "/", ret->home);
	free(directory);
	return 0;
}

/* Run from a build directory, the tree's own files are used. */
static const char *share_directory(struct cli *cli)
{
	char path[PATH_MAX];
	ssize_t size = readlink("/proc/self/exe", path, sizeof(path) - 1);
	const char *tree;

	if (size <= 0)
		return CUDDY_DATA_DIR;
	path[size] = '\0';
	tree = path_normal(cli->arena, "/", arena_printf(cli->arena, "%s/../..", path));
	return access(path_join(cli->arena, tree, "permissions/filesystem.toml"), R_OK) == 0 ? tree : CUDDY_DATA_DIR;
}

static const char *directory_of(struct cli *cli, const struct cage *cage, const char *name, const char *standard)
{
	const char *value = getenv(name);

	return path_normal(cli->arena, cage->home, value && *value == '/' ? value : standard);
}

void session_context(struct cli *cli, const struct cage *cage, struct profile_context *ret)
{
	const char *config = directory_of(cli, cage, "XDG_CONFIG_HOME", ".config");
	struct profile_variable folders[USER_DIRS_COUNT];
	VEC(struct profile_variable) v = { 0 };
	const char *runtime = arena_printf(cli->arena, "/run/user/%u", cage->uid);

	for (size_t i = 0; i < ARRAY_SIZE(directories); i++)
		*vec_push(cli->arena, &v) = (struct profile_variable){
			directories[i].name, directory_of(cli, cage, directories[i].name, directories[i].standard),
		};
	user_dirs_read(cli->arena, path_join(cli->arena, config, "user-dirs.dirs"), cage->home, cage->environment, folders);
	for (size_t i = 0; i < USER_DIRS_COUNT; i++)
		*vec_push(cli->arena, &v) = folders[i];
	*vec_push(cli->arena, &v) = (struct profile_variable){ "HOME", cage->home };
	*vec_push(cli->arena, &v) = (struct profile_variable){ "PWD", cage->working_directory };
	*vec_push(cli->arena, &v) = (struct profile_variable){ "USER", cage->user };
	*vec_push(cli->arena, &v) = (struct profile_variable){ "UID", arena_printf(cli->arena, "%u", cage->uid) };
	*vec_push(cli->arena, &v) = (struct profile_variable){ "XDG_RUNTIME_DIR", directory_of(cli, cage, "XDG_RUNTIME_DIR", runtime) };
	*ret = (struct profile_context){
		.places = { share_directory(cli), "/etc/cuddy",
			    path_join(cli->arena, config, "cuddy") },
		.extra = cli->extra, .variables = v.items, .variable_count = v.count,
	};
	for (const char *at = cage->working_directory; *at;) {
		const char *file = path_join(cli->arena, at, ".cuddy.toml"), *slash = strrchr(at, '/');

		if (access(file, F_OK) == 0) {
			ret->tighten = file;
			return;
		}
		at = slash ? arena_strndup(cli->arena, at, (size_t)(slash - at)) : "";
	}
}

int session_policy(struct cli *cli, const struct cage *cage, const char *name, struct policy **ret)
{
	struct profile_context context;

	session_context(cli, cage, &context);
	/* Without it the denies that hold for every cage would be missing, without a word. */
	if (access(path_join(cli->arena, context.places.share, "permissions/builtin.toml"), R_OK) < 0) {
		diag_error(&cli->d, "C517", NULL, "cuddy's own files are not in '%s'",
			   str_quote(cli->arena, context.places.share));
		diag_help(&cli->d, "install them with 'make install', or run cuddy from its build directory");
		return -22;
	}
	return profile_resolve(cli->arena, &context, name, &cli->d, ret) < 0 ? -22 : 0;
}

const char *session_profile_for(struct cli *cli, const struct cage *cage, const char *program, const char **ret_why)
{
	struct profile_context context;
	struct profile_choice choice;

	session_context(cli, cage, &context);
	choice = profile_choose(cli->arena, &context, cage->environment, program, &cli->d);
	*ret_why = choice.why;
	return choice.name;
}
