/* launch/init.c - pid 1 after the set-up: starts the program, reaps, passes signals on, ends with it.
 * Holds the report pipe and nothing else.  Must not: allocate, print, trust anything from inside. */
#include "launch/child.h"
#include "launch/kernel.h"

#include <sched.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* Signals that a terminal would send go to the program's whole group. */
static const struct { int number; bool to_group; } passed[] = {
	{ SIGHUP, true },   { SIGINT, true },	{ SIGQUIT, true }, { SIGTERM, false },
	{ SIGUSR1, false }, { SIGUSR2, false }, { SIGWINCH, true }, { SIGCONT, true },
};

struct payload { struct child *c; size_t index; };

/* Runs in the memory of init, which stands still meanwhile (CLONE_VFORK). */
static int payload_run(void *argument)
{
	struct payload *payload = argument;
	struct child *c = payload->c;
	size_t index = payload->index;

	setpgid(0, 0);
	umask(c->old_umask);
	sigprocmask(SIG_SETMASK, &c->mask, NULL);
	child_walk(c, &index, STAGE_EXEC);
	child_give_up(c, index, -ENOEXEC); /* a plan ends with EXEC, and EXEC does not come back */
}

static void wipe(struct child *c)
{
	for (unsigned i = 0; i < 2; i++)
		if (c->wipe_from[i] < c->wipe_to[i])
			explicit_bzero(c->wipe_from[i], (size_t)(c->wipe_to[i] - c->wipe_from[i]));
}

_Noreturn static void end(struct child *c, int status)
{
	struct report report = { .kind = REPORT_ENDED, .value = status };

	while (write(c->report, &report, sizeof(report)) < 0 && errno == EINTR)
		;
	_exit(0); /* the kernel kills whatever else is left in the cage */
}

static void reap(struct child *c)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG | __WALL)) > 0)
		if (pid == c->payload)
			end(c, status);
}

_Noreturn void init_run(struct child *c, size_t index)
{
	static char stack[64 * 1024] __attribute__((aligned(16)));
	struct payload payload = { c, index };
	sigset_t wanted;

	wipe(c);
	prctl(PR_SET_NAME, "cuddy-init", 0, 0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0); /* changes of credentials may have cleared it */
	signal(SIGCHLD, SIG_DFL);		    /* ignored, it would make wait() lose the status */
	c->payload = clone(payload_run, stack + sizeof(stack), CLONE_VM | CLONE_VFORK | SIGCHLD,
			   &payload);
	if (c->payload < 0)
		child_give_up(c, index, -errno);
	/* The program has its own copies of these, and init must not keep a pipe of the caller open. */
	sys_close_range(0, (unsigned)c->report - 1);
	sys_close_range((unsigned)c->report + 1, ~0u);

	sigemptyset(&wanted);
	sigaddset(&wanted, SIGCHLD);
	for (size_t i = 0; i < ARRAY_SIZE(passed); i++)
		sigaddset(&wanted, passed[i].number);
	for (;;) {
		reap(c);
		int number = sigwaitinfo(&wanted, NULL);
		for (size_t i = 0; i < ARRAY_SIZE(passed); i++)
			if (passed[i].number == number)
				kill(passed[i].to_group ? -c->payload : c->payload, number);
	}
}
