/* cage/upper.h - the marks that overlayfs leaves in an upper directory
 * (Documentation/filesystems/overlayfs.rst, mounts with "userxattr"). */
#ifndef CUDDY_CAGE_UPPER_H
#define CUDDY_CAGE_UPPER_H

#include "cage/entry.h"

/* A deleted entry: a character device 0/0, or an empty file with the attribute user.overlay.whiteout. */
bool upper_is_whiteout(int dir, const char *name, const struct entry *entry);
/* Nothing of the host's directory shows through this one.  -EACCES: it cannot be read. */
int upper_is_opaque(int dir);
/* A copy of something of the host's was made, rather than something new.  Only files and directories
 * tell; 0, 1 or -errno. */
int upper_is_copy(int dir, const char *name, const struct entry *entry);
/* Made by the launcher to hide a denied name: see OVERLAY_STUB_MODE. */
bool upper_is_stub(int dir, const char *name, const struct entry *entry);

#endif
