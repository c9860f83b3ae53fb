/* profile/menu.h - what the menu of the desktop says of a program.
 *
 * Source: Desktop Entry Specification 1.5, Desktop Menu Specification 1.1 (categories). */
#ifndef CUDDY_PROFILE_MENU_H
#define CUDDY_PROFILE_MENU_H

#include "base/text.h"

struct menu_entry {
	const char *path;	 /* of the .desktop file; set by menu_find() */
	const char *program;	 /* the first word of Exec that is no launcher such as env */
	const char *try_program; /* TryExec, or NULL */
	const char *categories;	 /* "Network;WebBrowser;", or NULL */
	bool is_hidden;		 /* Hidden: counts as deleted */
	bool is_unlisted;	 /* NoDisplay: not in the menu, but meant for use */
	bool wants_terminal;
};

/* Reads the text of a desktop entry; memory in `arena`.  0; -EINVAL when it is none: another first
 * group, a line that is no key, a key twice, a zero byte, no application, no Exec, bad quotes. */
int menu_parse(struct arena *arena, const char *text, size_t length, struct menu_entry *ret);

/* What stands behind the program of base name `name` in the raw value of an Exec (where that is not named, behind the
 * first word that is no launcher), quotation marks and escapes taken away, field codes untouched.  0, or -EINVAL: no
 * program, bad quotes. */
int menu_arguments(struct arena *arena, const char *exec, const char *name, const char *const **ret,
		   size_t *ret_count);

/* Directories with applications/ in them, first ones win, and what belongs to the program. */
struct menu_search {
	const char *const *directories;
	size_t directory_count;
	bool (*is_program)(const char *word, void *data); /* is it what Exec or TryExec names? */
	void *data;
	const char *name; /* the program's base name */
	bool only_named;  /* look into files called NAME.desktop or X.Y.NAME.desktop alone */
};

/* The entry of a program: one that bears its name before others, one that the menu shows before
 * one that it doesn't.  False when there is none.  At most LIMIT_MENU_ENTRIES files are looked at. */
bool menu_find(struct arena *arena, const struct menu_search *search, struct menu_entry *ret);

/* The base profile for a list of categories and the category that decided, or NULL for none. */
const char *menu_profile(struct arena *arena, const char *categories, const char **ret_category);

#endif
