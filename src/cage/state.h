/* cage/state.h - running cages: who is there, and the way to them.
 *
 * $XDG_RUNTIME_DIR/cuddy/NAME/ (0700) is locked (flock(2)) while a cage of that name starts or is looked
 * for, so that of many only one starts.  Its "socket" is answered by the init of the cage alone: a
 * connection that succeeds means that the cage lives, however anything was killed, and nothing has to be
 * believed that stands in a file.  Init answers with descriptors (launch/serve.h). */
#ifndef CUDDY_CAGE_STATE_H
#define CUDDY_CAGE_STATE_H

#include "base/arena.h"
#include "cage/data.h"
#include "launch/serve.h"

/* The directory of running cages: "cuddy" below $XDG_RUNTIME_DIR or /run/user/UID, the first that exists and
 * is the caller's alone; else "running" below the state directory, which no cage can reach either (as /tmp,
 * where one that may write there could answer in the place of another).  A descriptor or -errno; -ENOENT
 * only without `create`. */
int cage_runtime_open(const struct cage_places *places, bool create);
/* Its path in the arena, whether it is there or not: no cage may see it. */
const char *cage_runtime_path(struct arena *arena, const struct cage_places *places);

/* The directory of `name` there, locked until the descriptor is closed (all copies).  -ENOENT only without
 * `create`; -EINTR when a signal came first; -ETIMEDOUT when somebody else keeps the lock. */
int cage_gate_open(int runtime, const char *name, bool create);

/* The same for those who change nothing: waits for nobody, and says whether it has the lock. */
int cage_gate_look(int runtime, const char *name, bool *ret_locked);

/* A listening socket for init, in the place of one that nobody answers.  Call it locked. */
int cage_gate_listen(int gate);

/* The counters of its relay (network/counters.h), all zero when they are made: a descriptor or -errno. */
int cage_gate_counters(int gate, bool create);

/* Its socket in a private network, in the place of one that nobody reads: for datagrams of relay/net/peers.h.
 * It, or -errno. */
int cage_gate_peers(int gate);

/* Asks the cage behind a gate for its handles: SERVE_JOIN or SERVE_LOOK.  0; -ENOENT: no cage runs; else -errno. */
int cage_gate_connect(int gate, enum serve_command request, struct cage_handles *ret);

/* Removes what a cage left that runs no more; does nothing while one runs.  Call it locked. */
void cage_gate_clear(int runtime, int gate, const char *name);

#endif
