/* base/path.h - path strings, without touching the file system. */
#ifndef CUDDY_BASE_PATH_H
#define CUDDY_BASE_PATH_H

#include "base/arena.h"

/* An absolute path without ".", "..", "//" and trailing "/" ("/" stays).  ".." at the top stays
 * at the top.  A relative `path` is taken below `base` (absolute). */
char *path_normal(struct arena *arena, const char *base, const char *path);

char *path_join(struct arena *arena, const char *directory, const char *name);

/* Is `path` the directory `top` itself or below it?  Both normal. */
bool path_is_within(const char *path, const char *top);

const char *path_base_name(const char *path); /* what stands behind the last slash */
size_t path_depth(const char *path);	       /* "/" is 0, "/usr" is 1 */

#endif
