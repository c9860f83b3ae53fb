/* backend/overlay.h - copy-on-write: a directory of the host, and the cage's changes over it.
 *
 * The changes of one tree are in a directory of `cage->overlay_dir` with the name overlay_name():
 * `upper` and `work` of the kernel's overlayfs, and what src/cage/overlay.h keeps beside them. */
#ifndef CUDDY_BACKEND_OVERLAY_H
#define CUDDY_BACKEND_OVERLAY_H

#include "backend/backend.h"
#include "backend/view.h"

/* Mode of the empty directories that keep a denied name from being made among the changes: no
 * program needs such a one, so `changes` and `commit` leave it out. */
#define OVERLAY_STUB_MODE 01000

/* The name for an absolute path: its own bytes, '/' as '-', others as \\xNN; a long one is cut and
 * ends in a digest.  Different paths have different names. */
char *overlay_name(struct arena *arena, const char *path);

/* Adds the steps for an entry whose place is PLACE_COPY_ON_WRITE.  0, or -EINVAL with diagnostics. */
int overlay_add(struct compilation *c, const struct view_entry *entry, unsigned attributes);

/* The same for PLACE_ROOT, however writable it is. */
int overlay_add_root(struct compilation *c, const struct view_entry *entry, unsigned attributes);

#endif
