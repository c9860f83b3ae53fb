/* launch/foreign.c - the parent of a foreign plan: makes the child, waits for the program's end.
 * Must not: resolve a path, pass a signal on, keep a descriptor of the caller while it waits. */
#include "launch/foreign.h"
#include "launch/foreign_child.h"
#include "launch/kernel.h"
#include "base/fd.h"

#include <linux/capability.h>
#include <linux/sched.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

static int enter(const struct launch_foreign *options)
{
	int r = 0;

	if (options->user_namespace >= 0)
		r = RESULT(syscall(SYS_setns, options->user_namespace, CLONE_NEWUSER));
	if (r == 0 && options->pid_namespace >= 0)
		r = RESULT(syscall(SYS_setns, options->pid_namespace, CLONE_NEWPID));
	return r;
}

static unsigned host_binds(const struct plan *plan)
{
	unsigned count = 0;

	for (size_t i = 0; i < plan->steps.count; i++)
		count += plan->steps.items[i].op == OP_BIND &&
			 strcmp(plan_text_at(plan, plan->steps.items[i].b), "/") == 0;
	return count;
}

/* We need no right any more, and no descriptor that somebody waits to see closed. */
static void step_back(const struct launch_foreign *options, int report)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = { { 0 }, { 0 } };

	(void)syscall(SYS_capset, &header, none);
	prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	if (options->die_with_parent)
		prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	foreign_close_others((const int[]){ report, options->events }, 2);
}

static int shell_status(int wait_status)
{
	return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

/* The first last word that init or the failing child says; false: it said none and is gone. */
static bool hear(int report, struct report *ret)
{
	ssize_t length;

	while ((length = recv(report, ret, sizeof(*ret), 0)) != 0) {
		if (length < 0 && errno != EINTR)
			return false;
		if (length == sizeof(*ret) && (ret->kind == REPORT_FAILED || ret->kind == REPORT_ENDED))
			return true;
	}
	return false;
}

/* The socket closes when the last process that holds it is gone, or executed the program. */
static void wait_for_end(int report, pid_t pid, struct foreign_end *ret)
{
	struct report said = { 0 };
	int status = 0;
	bool heard = hear(report, &said);

	*ret = (struct foreign_end){ .started = true };
	if (heard && said.kind == REPORT_ENDED) {
		ret->status = shell_status(said.value);
		return;
	}
	if (heard)
		*ret = (struct foreign_end){ .step = said.step, .error = said.value, .status = 1 };
	while (waitpid(pid, &status, __WALL) < 0 && errno == EINTR)
		;
	if (!heard)
		ret->status = shell_status(status);
}

int launch_foreign(const struct plan *plan, const struct launch_foreign *options, struct diags *d,
		   struct foreign_end *ret)
{
	struct foreign_child foreign = {
		.options = options, .host_binds = host_binds(plan), .upper = -1, .work = -1,
	};
	struct child child = {
		.plan = plan, .fault = launch_fault(), .foreign = &foreign,
		.argv = launch_words(plan, plan->argv.items, plan->argv.count),
		.envp = launch_words(plan, plan->envp.items, plan->envp.count),
		.server = { .listener = -1 },
	};
	int ends[2], r = plan_verify(plan, d);

	must(plan->foreign);
	if (r == 0)
		r = launch_check_own(d);
	if (r == 0)
		r = enter(options);
	if (r == 0)
		r = launch_pair(SOCK_SEQPACKET, ends);
	if (r < 0)
		return r;
	child.report_reader = ends[0];
	child.report = ends[1];
	if (options->init)
		(void)launch_read_status(&child, &(unsigned long){ 0 });
	signal(SIGCHLD, SIG_DFL); /* ignored, it would make the kernel forget the status */
	struct clone_args how = {
		.flags = CLONE_NEWNS | options->namespaces, .exit_signal = SIGCHLD,
	};
	int pid = RESULT(syscall(SYS_clone3, &how, sizeof(how)));
	if (pid == 0)
		foreign_run(&child);
	close(ends[1]);
	r = pid < 0 ? pid : 0;
	if (r == 0 && options->made)
		r = options->made(options->context, pid);
	if (r < 0) { /* a child that waits ends when this end of the socket is closed */
		close(ends[0]);
		return r;
	}
	if (options->made)
		(void)send(ends[0], &(uint32_t){ 1 }, sizeof(uint32_t), MSG_NOSIGNAL);
	step_back(options, ends[0]);
	wait_for_end(ends[0], pid, ret);
	return 0;
}
