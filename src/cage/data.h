/* cage/data.h - what a cage keeps: one directory for each name, reached by descriptors only.
 *
 *     $XDG_DATA_HOME/cuddy/cages/NAME/home       the home inside
 *                                    /places     what else persists, by its path inside
 *                                    /overlay    upper directories of copy-on-write places
 *                                    /cage.toml  profile and program, for those who come by name
 *
 * All below home, places and overlay is written by the caged program and hostile: nothing here follows
 * a link in it (openat2(2), RESOLVE_NO_SYMLINKS), and no path of it is used as text. */
#ifndef CUDDY_CAGE_DATA_H
#define CUDDY_CAGE_DATA_H

#include "diag/diag.h"
#include "base/arena.h"

#include <sys/stat.h>

/* The directories that are cuddy's: $XDG_…_HOME/cuddy; and $XDG_RUNTIME_DIR itself, or NULL. */
struct cage_places { const char *data, *config, *state, *cache, *runtime; };

/* Makes the first four (mode 0700) where they are missing, so that no cage can make them, and their denies
 * have something to hide.  0, or -errno of the first that cannot be made. */
int cage_places_make(const struct cage_places *places);

/* Opens $XDG_STATE_HOME/cuddy/NAME.jsonl, the log of a cage: to append to (made, mode 0600) or to read.
 * A descriptor or -errno. */
int cage_log_open(const struct cage_places *places, const char *name, bool append);

/* Letters, digits, '.', '_', '-'; no '.' or '-' first; 1 to LIMIT_NAME_LENGTH bytes. */
bool cage_name_is_valid(const char *name);

/* The name that a program or profile gives: its base name without ".toml", other bytes made '_'. */
const char *cage_name_from(struct arena *arena, const char *text);

/* `data` is $XDG_DATA_HOME/cuddy.  A descriptor of its directory "cages" (mode 0700, the caller's own), or
 * -errno; made with its parents if `create`. */
int cage_store_open(const char *data, bool create);

/* The directory of one cage, -ENOENT if there is none.  -EPERM: not ours, or open to others. */
int cage_data_open(int store, const char *name, bool create);

/* Where `path` (absolute, normal) of the inside is kept: "home/.mozilla", "places/var/lib/x", in the arena. */
const char *cage_kept_path(struct arena *arena, const char *home, const char *path);

/* Goes down to `relative` below the cage's directory `data`, making what is missing (mode 0700) if
 * `create`, never through a link or another mount.  An O_PATH descriptor of a directory, or -errno. */
int cage_descend(int data, const char *relative, bool create);

/* cage.toml: what to run by name alone.  Absent values are NULL; what was read ends with NULL. */
struct cage_card { const char *profile; const char *const *command; size_t command_count; };

/* 0 (without a file: an empty card) or -errno, with a diagnostic for what is no card. */
int cage_card_read(struct arena *arena, int data, const char *name, struct diags *d, struct cage_card *ret);
/* Written only if it says something else than now.  0 or -errno; -EILSEQ: a word is no UTF-8. */
int cage_card_write(struct arena *arena, int data, const struct cage_card *card);

/* The valid names of cages in a directory, be it cage_store_open()'s or cage_runtime_open()'s (where the
 * cage itself says whether it runs), sorted, in the arena.  0 or -errno. */
int cage_list(struct arena *arena, int at, const char ***ret, size_t *ret_count);

#endif
