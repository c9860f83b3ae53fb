/* cage/fuse.h - copy-on-write by fuse-overlayfs(1), for directories that the kernel's overlayfs does not take:
 * data on NFS or on an overlay (the root of most containers), a kernel without it. */
#ifndef CUDDY_CAGE_FUSE_H
#define CUDDY_CAGE_FUSE_H

#include "launch/launch.h"

/* The directory of its layers, in that of a tree (cage/overlay.h). */
#define FUSE_LAYERS "fuse"

/* Makes "upper" and "work" for changes of the directory `lower` in the directory `data`, which `path` names:
 * there, if the kernel can mount them, else, if fuse-overlayfs is here and can, in FUSE_LAYERS.  What was chosen
 * stays: one does not read the other's marks.  Tries it once, in namespaces of its own.  0 or -errno. */
int fuse_choose(int data, const char *path, const char *lower);
/* What was chosen, of a tree that may be without layers yet. */
bool fuse_is_chosen(int data);

/* Waits until nobody serves the layers `layers` below `at`: who was killed with the cage may still write there
 * for a moment.  A descriptor that keeps others away, or -errno; -EBUSY after ten seconds. */
int fuse_hold(int at, const char *layers);

/* Those of one cage.  Zero-initialise. */
#define FUSE_MOST 64
struct fuse { pid_t pids[FUSE_MOST]; size_t count; };

/* A launch_serve; `data` is a struct fuse.  One confined fuse-overlayfs, outside the cage's pid namespace, which
 * ends with its mount. */
int fuse_serve(void *data, const struct plan *plan, const struct step *step, int pidfd, const int fds[LAYER_FDS],
	       struct diags *d);
/* After the cage has ended, or was never started: waits for them, and tells when one had failed before. */
void fuse_finish(struct fuse *fuse, struct diags *d);

#endif
