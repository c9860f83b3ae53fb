/* profile/user_dirs.h - the user's folders: Downloads, Music and the rest, under whatever name.
 *
 * Source: user-dirs.dirs(5) of xdg-user-dirs.  A line is XDG_NAME_DIR="$HOME/folder" or an absolute
 * path; a folder that is the home itself means that there is none of that kind. */
#ifndef CUDDY_PROFILE_USER_DIRS_H
#define CUDDY_PROFILE_USER_DIRS_H

#include "profile/profile.h"

#define USER_DIRS_COUNT 8

/* Fills in every XDG_NAME_DIR, sorted by name: from `environment` (as of execve(2)) where it is an
 * absolute path, else from `file`, else the usual name below `home` (normal, absolute).  A folder
 * that is the home or lies above it gets the value "": what names it grants nothing.
 * A file that is missing, not regular or larger than LIMIT_USER_DIRS counts as empty; lines that
 * are none of the format are passed over, as xdg-user-dir(1) does.  Memory in `arena`. */
void user_dirs_read(struct arena *arena, const char *file, const char *home, char *const *environment,
		    struct profile_variable ret[USER_DIRS_COUNT]);

/* `path` (normal, absolute), or "" when it is the home or holds it. */
const char *user_dirs_folder(const char *home, const char *path);

/* The value of a variable in an environment, or NULL. */
const char *environment_find(char *const *environment, const char *name);

#endif
