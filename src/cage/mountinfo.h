/* cage/mountinfo.h - looks into /proc/PID/mountinfo, proc_pid_mountinfo(5). */
#ifndef CUDDY_CAGE_MOUNTINFO_H
#define CUDDY_CAGE_MOUNTINFO_H

#include "base/arena.h"

/* `proc` is a /proc/PID directory.  Where the mount of that number is, in the arena.  0, -ENOENT: there is
 * none, or -errno. */
int mountinfo_find(struct arena *arena, int proc, unsigned long long mount, const char **ret);

/* Is `path` in, or is mounted below it, a file system through which the kernel shows itself: proc, sysfs,
 * control groups?  A procfs of the host would show the host's processes.  0, 1 or -errno. */
int mountinfo_has_kernel(struct arena *arena, int proc, const char *path);

#endif
