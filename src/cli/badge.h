/* cli/badge.h - a program's icon with a mark, so that its cages are told apart. */
#ifndef CUDDY_CLI_BADGE_H
#define CUDDY_CLI_BADGE_H

#include "base/text.h"

/* The file of an icon: an absolute path, or a name that is looked for in icons/hicolor and pixmaps of the data
 * directories.  NULL when there is none that is PNG or SVG. */
const char *badge_find(struct arena *arena, const char *const *directories, size_t count, const char *icon);

/* An SVG with that icon in it and a badge, whose colour comes from `name`.  NULL when it cannot be read or is
 * larger than LIMIT_ICON. */
const char *badge_make(struct arena *arena, const char *path, const char *name);

#endif
