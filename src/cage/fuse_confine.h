/* cage/fuse_confine.h - what fuse-overlayfs may do, once its root is made. */
#ifndef CUDDY_CAGE_FUSE_CONFINE_H
#define CUDDY_CAGE_FUSE_CONFINE_H

/* For this process and what it executes: only the capabilities over files, no new privileges, no core, none of
 * the calls that such a program has no use for.  0 or -errno. */
int fuse_confine(void);

#endif
