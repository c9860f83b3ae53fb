/* cli/session.c - who calls, from where, and which policy that gives.
 * The only place that reads the caller's environment and asks where our own files are. */
#include "cli/session.h"
#include "base/path.h"
#include "profile/choose.h"

#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef CUDDY_DATA_DIR
#define CUDDY_DATA_DIR "/usr/share/cuddy"
#endif

extern char **environ;

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

void session_context(struct cli *cli, const struct cage *cage, struct profile_context *ret)
{
	const struct profile_caller caller = {
		.home = cage->home, .user = cage->user, .directory = cage->working_directory,
		.share = share_directory(cli), .uid = cage->uid, .environment = cage->environment,
	};

	profile_context_fill(cli->arena, &caller, ret);
	ret->extra = cli->extra;
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
