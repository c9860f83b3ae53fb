/* cli/import_bwrap.h - a command line of bubblewrap as a profile. */
#ifndef CUDDY_CLI_IMPORT_BWRAP_H
#define CUDDY_CLI_IMPORT_BWRAP_H

#include <sys/types.h>

struct import;

/* Fills and folds *i, which has arena, d and context set, from the words behind `bwrap`, which end with NULL
 * and must live on.  `user` is the caller's number.  Reads and closes the descriptors of --args; looks at
 * symbolic links of this host.  0, or -EINVAL with diagnostics. */
int import_bwrap(struct import *i, char **words, uid_t user, gid_t group);

#endif
