/* launch/foreign_child.c - the child of a foreign plan: set-up, and pid 1 if one is wanted.
 * Must not: allocate, print, return. */
#include "launch/foreign_child.h"
#include "launch/kernel.h"

#include <linux/capability.h>
#include <sched.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

void foreign_close_others(const int *kept, size_t count)
{
	for (unsigned from = 3;;) {
		unsigned next = ~0u;

		for (size_t i = 0; i < count; i++)
			if (kept[i] >= 0 && (unsigned)kept[i] >= from)
				next = MIN(next, (unsigned)kept[i]);
		if (next == ~0u) {
			(void)sys_close_range(from, ~0u);
			return;
		}
		if (next > from)
			(void)sys_close_range(from, next - 1);
		from = next + 1;
	}
}

/* Dies with the parent; one that went before is seen by its end of the socket. */
static void follow_parent(const struct child *c)
{
	struct pollfd far = { .fd = c->report };

	if (!c->foreign->options->die_with_parent)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (poll(&far, 1, 0) > 0 && far.revents & POLLHUP)
		_exit(1);
}

/* Filters and the program; in the memory of init if there is one.  Who waits there for init's filters can
 * only look again and again: the filters may forbid init whatever would wake somebody up.  (Nothing here
 * fails while init works, for both have one errno.) */
static int program(void *argument)
{
	struct child *c = argument;
	size_t index = 0;
	uint32_t go;

	while (!(go = __atomic_load_n(&c->foreign->go, __ATOMIC_SEQ_CST)))
		syscall(SYS_nanosleep, &(struct timespec){ .tv_nsec = 20000 }, NULL);
	if (go != 1)
		_exit(1);
	while (index < c->plan->steps.count && c->plan->steps.items[index].stage < STAGE_FILTER)
		index++;
	follow_parent(c);
	child_walk(c, &index, STAGE_EXEC);
	child_give_up(c, index, -ENOEXEC); /* RUN does not come back */
}

static bool has_filter(const struct plan *plan)
{
	for (size_t i = 0; i < plan->steps.count; i++)
		if (plan->steps.items[i].op == OP_FILTER)
			return true;
	return false;
}

/* Who traces init must not gain by it: it has no capability, and the program's filters before that runs. */
static void confine_init(struct child *c)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = { { 0 }, { 0 } };

	(void)syscall(SYS_capset, &header, none);
	prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	for (size_t i = 0; i < c->plan->steps.count; i++) {
		const struct step *step = &c->plan->steps.items[i];
		int r = step->op == OP_FILTER ? step_table[OP_FILTER](c, step) : 0;
		if (r < 0) {
			__atomic_store_n(&c->foreign->go, 2, __ATOMIC_SEQ_CST);
			child_give_up(c, i, r);
		}
	}
	__atomic_store_n(&c->foreign->go, 1, __ATOMIC_SEQ_CST);
}

/* Reaps until nobody is left, as bwrap's pid 1 does; the program's status is told when it comes. */
_Noreturn static void init(struct child *c)
{
	static char stack[64 * 1024] __attribute__((aligned(16)));
	const struct foreign_child *f = c->foreign;
	int kept[FOREIGN_LOCKS + 2] = { c->report, f->options->held }, status, first = 1;

	/* Its capabilities are no more than the program's, so only filters have to be waited for. */
	c->foreign->go = !has_filter(c->plan);
	c->payload = clone(program, stack + sizeof(stack),
			   CLONE_VM | (c->foreign->go ? CLONE_VFORK : 0) | SIGCHLD, c);
	if (c->payload < 0)
		child_give_up(c, c->plan->steps.count, -errno);
	memcpy(kept + 2, f->locks, f->lock_count * sizeof(int));
	foreign_close_others(kept, 2 + f->lock_count);
	follow_parent(c);
	child_wipe(c);
	confine_init(c);
	for (;;) {
		pid_t pid = waitpid(-1, &status, __WALL);

		if (pid < 0 && errno == EINTR)
			continue;
		if (pid < 0)
			_exit(first);
		if (pid != c->payload)
			continue;
		struct report ended = { .kind = REPORT_ENDED, .value = status };
		(void)child_report(c, &ended, -1);
		first = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	}
}

_Noreturn void foreign_run(struct child *c)
{
	const struct launch_foreign *options = c->foreign->options;
	uint32_t order;
	size_t index = 0;

	close(c->report_reader);
	follow_parent(c);
	c->root = c->base = c->self = c->host_root = c->place = -1;
	if (options->made && read(c->report, &order, sizeof(order)) != sizeof(order))
		_exit(1);
	c->old_umask = umask(0);
	child_walk(c, &index, STAGE_PRIVILEGE);
	umask(c->old_umask);
	if (options->new_session && setsid() < 0)
		child_give_up(c, c->plan->steps.count, -errno);
	prctl(PR_SET_DUMPABLE, 1, 0, 0, 0); /* changes of ids cleared it, and /proc/self is the user's */
	if (options->init)
		init(c);
	c->foreign->go = 1;
	program(c);
	_exit(1);
}
