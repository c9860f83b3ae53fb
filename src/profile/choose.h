/* profile/choose.h - the profile of a program for which none was named.
 *
 * In this order: a profile whose `match` lists the program (without the key: whose name is the
 * program's); the base profile that the categories of its menu entry mean; `desktop-app` when it
 * links a library for windows; `command-line`.  The bases match nothing by their names. */
#ifndef CUDDY_PROFILE_CHOOSE_H
#define CUDDY_PROFILE_CHOOSE_H

#include "profile/menu.h"
#include "profile/profile.h"

struct profile_choice {
	const char *name;
	const char *why; /* for people: "its menu entry '/usr/…' is of category 'Viewer'" */
};

/* Always finds one.  `program` is a name, looked up in PATH of `environment` (as of execve(2)), or a
 * path.  Relative paths and XDG_DATA_HOME are of `context`, XDG_DATA_DIRS is of `environment`.
 * Several profiles of one place that match: a warning, and the first by name.  Files that it looks
 * into may be hostile or gone.  Memory in `arena`. */
struct profile_choice profile_choose(struct arena *arena, const struct profile_context *context,
				     char *const *environment, const char *program, struct diags *d);

/* The entry of a program in the menu, as profile_choose() looks for it.  False when there is none. */
bool profile_menu_entry(struct arena *arena, const struct profile_context *context, char *const *environment,
			const char *program, struct menu_entry *ret);

#endif
