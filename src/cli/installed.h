/* cli/installed.h - files that cuddy wrote for a cage outside of its data: made where nothing is, and removed
 * only as they were made.
 *
 * The cage's data has the list, "installed": a digest and a path for each.  It is written first, so that after a
 * kill nothing is there that is not on it. */
#ifndef CUDDY_CLI_INSTALLED_H
#define CUDDY_CLI_INSTALLED_H

#include "cli/cli.h"

struct installed_file {
	const char *path;
	const char *content; /* of a file, or where a link leads; NULL when read from the list */
	bool is_link;
	const char *digest;  /* set by these functions */
};
struct installed { VEC(struct installed_file) files; };

/* Writes the list into the cage's directory `data`, then the files.  0, or -EINVAL with a diagnostic, and what was
 * written is gone again: one of them exists already. */
int installed_write(struct cli *cli, int data, struct installed *wish);

/* 0; -ENOENT: nothing was installed for it; or -errno. */
int installed_read(struct arena *arena, int data, struct installed *ret);

/* Removes the files and the list.  What is no longer as it was written stays, with a warning.  0, or -EINVAL
 * with a diagnostic. */
int installed_remove(struct cli *cli, int data, const struct installed *installed);

#endif
