/* cage/grants.h - what a running cage was granted since its start: the file "grants" in its gate directory,
 * written under the lock of the gate, gone with the cage. */
#ifndef CUDDY_CAGE_GRANTS_H
#define CUDDY_CAGE_GRANTS_H

#include "base/arena.h"

struct grant {
	unsigned long long mount; /* its mount id (STATX_MNT_ID, statx(2)): a program may move it about */
	bool read_only;
	const char *path;	  /* of the host, and inside when it was granted */
};
struct grants { VEC(struct grant) list; };

/* Reads all of them into the arena; a cage without any has no file.  0, -EPROTO: not ours, or -errno. */
int grants_read(struct arena *arena, int gate, struct grants *ret);
/* Replaces the file in one step.  0 or -errno. */
int grants_write(struct arena *arena, int gate, const struct grants *grants);
/* Removes it. */
void grants_clear(int gate);

#endif
