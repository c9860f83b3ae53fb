/* profile/profile.h - from TOML tables to a policy.
 *
 * Places are directories: DIR/profiles/NAME.toml, DIR/profiles/NAME.d/X.toml and
 * DIR/profiles/NAME.local.toml (both add), DIR/permissions/CATEGORY.toml and DIR/flags/X.toml
 * ([define.CATEGORY.NAME]).  A later place wins by name.  share/permissions/builtin.toml holds for
 * every cage; its limits are defaults. */
#ifndef CUDDY_PROFILE_PROFILE_H
#define CUDDY_PROFILE_PROFILE_H

#include "policy/policy.h"

/* Configuration directories, NULL to leave one out, such as /usr/share/cuddy, /etc/cuddy. */
struct profile_places { const char *share, *etc, *user; };

/* "HOME", "XDG_CONFIG_HOME", "PWD", …  The value "" says that there is no such folder: allows that name
 * it grant nothing. */
struct profile_variable { const char *name, *value; };

struct profile_context {
	struct profile_places places;
	const struct profile_variable *variables; /* HOME also expands "~" */
	size_t variable_count;
	const struct source *extra; /* TOML that adds like a drop-in: the command line; or NULL */
	const struct source *guard; /* TOML that denies what no cage may change; or NULL */
	const char *directory; /* where programs with a relative path are */
	const char *tighten; /* a .cuddy.toml whose denies and limits count, or NULL */
};

/* Who calls, and from where.  Paths are absolute and normal. */
struct profile_caller {
	const char *home, *user, *directory;
	const char *share;	  /* with cuddy's own files */
	const char *running;	  /* where running cages are found: hidden from all of them */
	unsigned uid;
	char *const *environment; /* as of execve(2) */
};

/* Places, variables and the .cuddy.toml of that caller; no rules of a command line.  PWD stands for
 * nothing when the directory is the home or holds it: a home is no project. */
void profile_context_fill(struct arena *arena, const struct profile_caller *caller, struct profile_context *ret);

/* Finds, reads and expands profile `name` (a file when it has a slash).  0 and the sorted policy,
 * whose memory is in `arena`; or -errno, and `d` says every reason. */
int profile_resolve(struct arena *arena, const struct profile_context *context, const char *name,
		    struct diags *d, struct policy **ret);

/* The name of the image when a `root` names one ("image:NAME"), else NULL. */
const char *root_image(const char *root);

/* May a profile, flag or cage be called so?  Letters, digits and ._+-, the first a letter or digit, at
 * most LIMIT_NAME_LENGTH bytes. */
bool places_name_is_valid(const char *name);

/* Warns of what the profile names and this computer does not have: paths in allow lists and folders
 * of the user.  That is no mistake: alternatives are written so. */
void profile_report_absent(const struct policy *policy, struct diags *d);

struct profile_entry { const char *name, *path; };

/* All profiles by name, sorted, with the file that wins. */
int profile_list(struct arena *arena, const struct profile_context *context,
		 struct profile_entry **ret, size_t *ret_count);

struct profile_flag {
	const char *name; /* "networking.dns" */
	enum category category;
	const char *description;
	enum risk risk;
	const struct toml_value *table;
	const char *place; /* of `context` that defines it; NULL: a profile */
	const struct profile_flag *kept; /* of /etc, replaced by the user's: its denies hold; or NULL */
};

/* All flags of the places, sorted by name. */
int profile_list_flags(struct arena *arena, const struct profile_context *context,
		       struct diags *d, struct profile_flag **ret, size_t *ret_count);

#endif
