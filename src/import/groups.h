/* import/groups.h - named groups of system calls of other languages. */
#ifndef CUDDY_IMPORT_GROUPS_H
#define CUDDY_IMPORT_GROUPS_H

#include "base/arena.h"

enum group_language { GROUPS_FIREJAIL, GROUPS_SYSTEMD };

/* The calls of group `name` (without "@"), groups in groups opened, separated by spaces; NULL when
 * there is no such group. */
const char *group_members(struct arena *arena, enum group_language language, const char *name);

#endif
