/* profile/desktop.h - a program's desktop entry, made anew for a cage of it.
 * Source: Desktop Entry Specification 1.5. */
#ifndef CUDDY_PROFILE_DESKTOP_H
#define CUDDY_PROFILE_DESKTOP_H

#include "base/text.h"

struct desktop_wish {
	const char *command; /* absolute path that Exec and TryExec name from now on */
	const char *label;   /* the Name, for all languages; NULL: the old ones with `suffix` */
	const char *suffix;  /* "work" gives "Firefox (work)"; NULL: nothing is added */
	const char *icon;    /* name or path; NULL: the old one */
	const char *program; /* base name: what follows it in Exec stays; the class of its windows where none is named */
};

/* Writes the entry `text` anew: the keys that a menu shows and their translations, its actions, its kinds of
 * files, and Exec with the arguments and field codes that it had, behind the new command.  All else is left
 * out: it could start something that is not in the cage.  The result goes to `out`.  0, or -EINVAL when
 * it is none that menu_parse() takes, has no name, or arguments that can't be carried over. */
int desktop_rewrite(struct arena *arena, const char *text, size_t length, const struct desktop_wish *wish,
		    struct strbuf *out);

/* The value of Icon, or NULL. */
const char *desktop_icon(struct arena *arena, const char *text, size_t length);

/* Text as the value of a key.  NULL: it has a line end or is no UTF-8. */
const char *desktop_string(struct arena *arena, const char *text);

#endif
