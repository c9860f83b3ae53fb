/* cage/fuse.h - copy-on-write by fuse-overlayfs(1), for directories that the kernel's overlayfs does not take:
 * data on NFS or on an overlay (the root of most containers), a kernel without it. */
#ifndef CUDDY_CAGE_FUSE_H
#define CUDDY_CAGE_FUSE_H

#include "launch/launch.h"

/* The directory of its layers, in that of a tree (cage/overlay.h). */
#define FUSE_LAYERS "fuse"

/* Makes "upper" and "work" for changes of the directory `lower` in the directory `data`: there, if the kernel
 * can mount them, else, if fuse-overlayfs is here and can, in FUSE_LAYERS.  What was chosen stays: one does not
 * read the other's marks.  Tries it once, in namespaces of its own.  0 or -errno. */
int fuse_choose(int data, int lower);
/* What was chosen, of a tree that may be without layers yet. */
bool fuse_is_chosen(int data);

/* A launch_serve: one confined fuse-overlayfs, outside the cage's pid namespace.  It ends with the mount. */
int fuse_serve(const struct plan *plan, const struct step *step, int pidfd, const int fds[LAYER_FDS], struct diags *d);

#endif
