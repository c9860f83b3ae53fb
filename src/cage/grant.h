/* cage/grant.h - makes a path of the host visible in a running cage, and takes it away again.
 *
 * A process of the user enters the cage's owner user namespace, where a copy of the host's mount
 * namespace lets it clone the path (open_tree(2)), then the cage's mount namespace, where it attaches the
 * clone (move_mount(2)).  No link is followed inside; nothing is made in a directory of the host. */
#ifndef CUDDY_CAGE_GRANT_H
#define CUDDY_CAGE_GRANT_H

#include "launch/serve.h"
#include <stdbool.h>

/* Where a grant or its withdrawal failed. */
enum grant_stage { GRANT_SOURCE, GRANT_ENTER, GRANT_TARGET, GRANT_MOUNT };
struct grant_error { enum grant_stage stage; int error; };

/* Shows `path` (absolute, without links on its way) at the same place inside: never executable, writable
 * unless `read_only`.  True, or why not: GRANT_TARGET with EXDEV means that its mount point would have to be
 * made in a directory of the host. */
bool cage_grant(const struct cage_handles *cage, const char *path, bool read_only, struct grant_error *ret);

/* Takes away the topmost mount at `path`; what is open stays open.  GRANT_TARGET with EINVAL: nothing is
 * mounted there. */
bool cage_revoke(const struct cage_handles *cage, const char *path, struct grant_error *ret);

#endif
