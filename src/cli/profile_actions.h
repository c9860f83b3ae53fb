/* cli/profile_actions.h - the actions of 'cuddy profile' that compare and write, and what 'cuddy allow'
 * writes with. */
#ifndef CUDDY_CLI_PROFILE_ACTIONS_H
#define CUDDY_CLI_PROFILE_ACTIONS_H

#include "cli/session.h"

/* Rules that only one of two profiles has; exit status 0 when there is none, else 1. */
int profile_diff(struct cli *cli, void *options);

/* Writes a new profile of the user that includes a base profile; never over an old one. */
int profile_new(struct cli *cli, void *options);

/* Opens the user's file of a profile in an editor, and checks it. */
int profile_edit(struct cli *cli, void *options);

/* Writes a file of the user, and makes its directory.  0, or -errno with a diagnostic. */
int profile_write(struct cli *cli, const char *path, const char *text);

/* May a file or a directory be called so?  Otherwise says why not. */
bool profile_name_is_good(struct cli *cli, const char *name);

/* The file of a profile, of those that have several the one that counts; NULL with a diagnostic. */
const char *profile_find(struct cli *cli, const struct caller *caller, const char *name);

/* DIRECTORY/profiles/NAME.local.toml of the user: what is added to a profile. */
const char *profile_drop_in(struct arena *arena, const struct caller *caller, const char *name);

/* Adds a value to a list of a profile, in that file, and takes it from the opposite one (or NULL).  0, or
 * -EINVAL with a diagnostic: the profile could not be read with it, or the file not be written. */
int profile_amend(struct cli *cli, struct caller *caller, const char *profile, const char *key,
		  const char *opposite, const char *value);
/* Takes a value from a list there.  0, also when it was not there, or -EINVAL with a diagnostic. */
int profile_take(struct cli *cli, const struct caller *caller, const char *profile, const char *key,
		 const char *value);

#endif
