/* launch/child.c - pid 1 of the cage, up to the moment when it becomes its init.
 * Walks the verified plan; the first failing step is reported and everything ends.
 * Must not: allocate, print, resolve names, return. */
#include "launch/child.h"
#include "launch/kernel.h"

#include <poll.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>

_Noreturn void child_give_up(struct child *c, size_t step, int error)
{
	struct report report = {
		.kind = REPORT_FAILED, .step = (uint32_t)step, .value = -error,
		.stage = step < c->plan->steps.count ? c->plan->steps.items[step].stage : STAGE_COUNT,
	};

	while (write(c->report, &report, sizeof(report)) < 0 && errno == EINTR)
		;
	_exit(125);
}

void child_walk(struct child *c, size_t *index, enum stage last)
{
	for (; *index < c->plan->steps.count; ++*index) {
		const struct step *step = &c->plan->steps.items[*index];
		if (step->stage > last)
			return;
		int r = c->fault == (int)*index ? -EIO : step_table[step->op](c, step);
		if (r < 0)
			child_give_up(c, *index, r);
	}
}

/* The death signal is armed only from now on, so a parent that went before is looked for: its end of
 * the pipe is then closed.  (getppid() is 0 in a new pid namespace, whether it lives or not.) */
static void follow_parent(struct child *c)
{
	struct pollfd pipe = { .fd = c->report };

	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (poll(&pipe, 1, 0) > 0 && pipe.revents & POLLERR)
		_exit(125);
}

/* The three streams move above 2 first, so that none overwrites another that is still needed. */
static int take_streams(struct child *c)
{
	int moved[3];

	if (!c->streams)
		return 0;
	for (int i = 0; i < 3; i++) {
		moved[i] = RESULT(fcntl(c->streams[i], F_DUPFD_CLOEXEC, 3));
		if (moved[i] < 0)
			return moved[i];
	}
	for (int i = 0; i < 3; i++) {
		int r = RESULT(dup2(moved[i], i));
		if (r < 0)
			return r;
		close(moved[i]);
	}
	return 0;
}

_Noreturn void child_run(struct child *c)
{
	size_t index = 0;

	close(c->report_reader);
	if (c->barrier_parent >= 0)
		close(c->barrier_parent);
	follow_parent(c);
	setsid(); /* no terminal, no process group shared with the outside */
	c->old_umask = umask(0);
	c->root = c->self = c->host_root = c->mask_objects[0] = c->mask_objects[1] = -1;
	int r = take_streams(c);
	if (r < 0)
		child_give_up(c, 0, r);
	child_walk(c, &index, STAGE_PRIVILEGE);
	init_run(c, index);
}
