/* cli/session.c - from the command line to libcuddy: which files of ours belong to this program.
 * Must not: read the caller's environment; lib/caller.c does. */
#include "cli/session.h"
#include "base/own.h"
#include "base/path.h"
#include "lib/caller.h"

#include <errno.h>
#include <unistd.h>

/* Run from a build directory, the tree's own files are used; NULL: those that were installed. */
static const char *share_directory(struct arena *arena)
{
	const char *path = own_path(arena), *tree;

	if (!path)
		return NULL;
	tree = path_normal(arena, "/", arena_printf(arena, "%s/../..", path));
	return access(path_join(arena, tree, "permissions/filesystem.toml"), R_OK) == 0 ? tree : NULL;
}

int session_load(struct cli *cli, struct cuddy_options options)
{
	options.size = sizeof(options);
	options.share = share_directory(cli->arena);
	options.flags |= CUDDY_FORGET | (cli->colour ? CUDDY_COLOUR : 0);
	cli->cuddy = cuddy_load(&options);
	return cuddy_check(cli->cuddy) < 0 ? -EINVAL : 0;
}

int session_load_profile(struct cli *cli, const char *profile)
{
	return session_load(cli, (struct cuddy_options){ .profile = profile });
}

int session_caller(struct cli *cli, struct caller *ret)
{
	return caller_fill(cli->arena, share_directory(cli->arena), &cli->d, ret);
}
