/* launch/join.c - the child of a launcher that enters a running cage: the same limits, privileges and
 * filter as at its start, from the same plan, and then init's watch over one program.
 * It stays outside the cage's pid namespace, where nobody inside can see it; the program is born in it.
 * Must not: do anything inside before it is untraceable; build or change anything of the cage. */
#include "launch/child.h"
#include "launch/kernel.h"

#include <linux/nsfs.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>

/* In the order of entering: first what the owner has power over, last the program's own user namespace. */
static const struct { enum handle handle; int type; const char *own; } spaces[] = {
	{ HANDLE_NET,	 CLONE_NEWNET,	  "/proc/self/ns/net" },
	{ HANDLE_PID,	 CLONE_NEWPID,	  "/proc/self/ns/pid" },
	{ HANDLE_IPC,	 CLONE_NEWIPC,	  "/proc/self/ns/ipc" },
	{ HANDLE_UTS,	 CLONE_NEWUTS,	  "/proc/self/ns/uts" },
	{ HANDLE_CGROUP, CLONE_NEWCGROUP, "/proc/self/ns/cgroup" },
	{ HANDLE_MOUNT,	 CLONE_NEWNS,	  "/proc/self/ns/mnt" },
};

/* What a plan does for one process, not for the cage. */
static const bool for_each_process[OP_COUNT] = {
	[OP_KEYRING] = true,	  [OP_TERMINAL] = true,	   [OP_CHDIR] = true,  [OP_RLIMIT] = true,
	[OP_NICE] = true,	  [OP_CAPS] = true,	   [OP_NO_NEW_PRIVS] = true,
	[OP_SCOPE] = true,	  [OP_DUMPABLE] = true,	   [OP_CLOSE] = true,
};

/* A cage with the host's network shares it with us, and nobody may enter what belongs to the host. */
static bool is_ours(int handle, const char *own)
{
	struct stat a, b;

	return fstat(handle, &a) == 0 && stat(own, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

static int enter(const int *handles)
{
	int owner = RESULT(ioctl(handles[HANDLE_USER], NS_GET_PARENT));
	bool skip[ARRAY_SIZE(spaces)];
	int r;

	if (owner < 0)
		return owner;
	for (size_t i = 0; i < ARRAY_SIZE(spaces); i++)
		skip[i] = is_ours(handles[spaces[i].handle], spaces[i].own);
	r = RESULT(setns(owner, CLONE_NEWUSER));
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(spaces); i++)
		if (!skip[i])
			r = RESULT(setns(handles[spaces[i].handle], spaces[i].type));
	return r < 0 ? r : RESULT(setns(handles[HANDLE_USER], CLONE_NEWUSER));
}

_Noreturn void join_run(struct child *c)
{
	size_t index = 0;

	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	int r = enter(c->join);
	if (r < 0)
		child_give_up(c, c->plan->steps.count, r);
	for (; index < c->plan->steps.count && c->plan->steps.items[index].stage <= STAGE_PRIVILEGE; index++)
		if (for_each_process[c->plan->steps.items[index].op])
			child_step(c, index);
	init_run(c, index);
}
