/* base/own.h - the file of the program that runs, and that no cage can change it.
 *
 * Until a cage's program has been executed, the process that will execute it is ours, and /proc/self/exe
 * leads to our file.  A script may name that as its interpreter, or a link lead to it: then a process inside
 * is our program, and its /proc/PID/exe is our file on the host, whatever the cage shows (the class of
 * CVE-2019-5736).  That is harmless while the cage's user has no right to change the file. */
#ifndef CUDDY_BASE_OWN_H
#define CUDDY_BASE_OWN_H

#include "base/arena.h"

/* Where our file is, an absolute path, also when own_protect() executed something in its place; NULL when
 * the kernel does not say. */
const char *own_path(struct arena *arena);

/* Where the program `name` is that comes with ours: beside our file when that runs from where it was built, else
 * where it was installed; nobody looked whether it is there.  Never NULL. */
const char *own_helper(struct arena *arena, const char *name);

/* Is it out of reach for whoever has our user and no capability: root's and the caller is not root, or on a
 * read-only mount, or a sealed copy? */
bool own_is_safe(void);

/* Makes it so where it is not: executes the program once more, with the same arguments, from a read-only
 * mount of the file or, without the right to mount, from a sealed copy in memory.  To be called first of all:
 * 0 when there is nothing to do (any more), -errno when it cannot be done; else it does not return. */
int own_protect(char **argv);

/* Takes out of our environment what own_protect() put there, for a program that inherits all of it; own_path()
 * knows no more then. */
void own_forget(void);

#endif
