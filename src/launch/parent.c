/* launch/parent.c - verifies, makes one child in all namespaces, waits, and tells a person what failed.
 * Must not: resolve a path, change anything of the host. */
#include "launch/launch.h"
#include "launch/child.h"
#include "launch/kernel.h"
#include "launch/relay.h"
#include "base/fd.h"

#include <linux/sched.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#define GRACE_MS 2000 /* between the polite signal of a time limit and the end */

static const int forwarded[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH, SIGCONT };

/* The child's argv and envp: pointers into the text, made here because the child allocates nothing. */
static char **words(const struct plan *plan, const uint32_t *offsets, size_t count)
{
	char **list = arena_new_array(plan->arena, char *, count + 1);

	for (size_t i = 0; i < count; i++)
		list[i] = plan->text.text + offsets[i];
	return list;
}

/* Where the kernel keeps our command line and environment (/proc/PID/stat, fields 48 to 51): pid 1 of the
 * cage is a copy of us, and /proc/1/environ must not tell the cage what the caller's was. */
static void find_own_words(struct child *c)
{
	char text[4096];
	unsigned long place[4];
	AUTO_FD int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
	ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (length <= 0)
		return;
	text[length] = 0;
	char *at = strrchr(text, ')'); /* field 2 may hold anything */
	for (unsigned field = 2; at && field < 48; field++)
		at = strchr(at + 1, ' ');
	for (unsigned i = 0; at && i < 4; i++)
		place[i] = strtoul(at, &at, 10);
	if (!at)
		return;
	for (unsigned i = 0; i < 2; i++) {
		c->wipe_from[i] = (char *)place[2 * i];
		c->wipe_to[i] = (char *)place[2 * i + 1];
	}
}

static int fault_step(void)
{
#ifdef CUDDY_FAULTS
	const char *number = getenv("CUDDY_FAULT_STEP");
	return number ? atoi(number) : -1;
#else
	return -1;
#endif
}

static void choose_signals(struct launch *launch)
{
	struct sigaction action;

	sigemptyset(&launch->forwarded);
	for (size_t i = 0; i < ARRAY_SIZE(forwarded); i++)
		if (sigaction(forwarded[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN)
			sigaddset(&launch->forwarded, forwarded[i]); /* nohup stays nohup */
}

static int clone_failed(struct diags *d, int error)
{
	diag_error(d, "C400", NULL, "cannot make the namespaces of a cage: %s", strerror(-error));
	diag_help(d, "to see what this machine allows, run 'cuddy doctor'");
	return error;
}

/* A pipe or, for the barrier, a socket pair; above 2 even if the caller closed its streams: 0 to 2 are
 * the program's. */
static int high_pair(bool both_ways, int ends[2])
{
	int low[2], error = 0;

	if ((both_ways ? socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, low) : pipe2(low, O_CLOEXEC)) < 0)
		return -errno;
	for (int i = 0; i < 2; i++) {
		ends[i] = RESULT(fcntl(low[i], F_DUPFD_CLOEXEC, 3));
		error = MIN(error, ends[i]);
		close(low[i]);
	}
	if (error < 0) {
		fd_closep(&ends[0]);
		fd_closep(&ends[1]);
	}
	return error;
}

/* One child in all namespaces, with our signals held back meanwhile.  0 or -errno. */
static int clone_child(struct launch *launch, struct child *child)
{
	sigset_t all;

	sigfillset(&all);
	choose_signals(launch);
	sigprocmask(SIG_SETMASK, &all, &launch->mask);
	child->mask = launch->mask;
	struct clone_args how = {
		.flags = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS |
			 CLONE_NEWCGROUP | CLONE_PIDFD | CLONE_CLEAR_SIGHAND |
			 (launch->plan->host_network ? 0 : CLONE_NEWNET),
		.exit_signal = SIGCHLD, .pidfd = (uintptr_t)&launch->pidfd,
	};
	long pid = syscall(SYS_clone3, &how, sizeof(how));
	if (pid == 0)
		child_run(child);
	int error = pid < 0 ? -errno : 0;
	sigset_t waiting = launch->mask;
	if (pid > 0) { /* the rest of our signals work as ever; EPIPE is for the relay */
		sigorset(&waiting, &launch->mask, &launch->forwarded);
		sigaddset(&waiting, SIGPIPE);
	}
	sigprocmask(SIG_SETMASK, &waiting, NULL);
	launch->pid = (pid_t)pid;
	return error;
}

/* Waits for the child's offer, lets the helpers work, and lets the child go on.  A child that failed
 * before it came so far is launch_wait()'s business. */
static int prepare(const struct launch *launch, const struct launch_options *options, int barrier,
		   int report, struct diags *d)
{
	struct pollfd reported = { .fd = report, .events = POLLIN };
	size_t messages = d->list.count, errors = d->errors;
	ssize_t length;
	char byte;

	do
		length = read(barrier, &byte, 1);
	while (length < 0 && errno == EINTR);
	if (length != 1)
		return 0;
	int r = options->prepare(options->data, launch->plan, launch->pidfd, d);
	if (r == 0) /* a child that is gone meanwhile will be reported, too */
		(void)!send(barrier, &byte, 1, MSG_NOSIGNAL);
	if (r < 0 && poll(&reported, 1, 0) > 0) { /* no wonder: the child had failed meanwhile */
		d->list.count = messages;
		d->errors = errors;
		return 0;
	}
	return r;
}

/* Ends a cage whose program has not started, as if it had never been. */
static void abandon(struct launch *launch)
{
	siginfo_t info;

	syscall(SYS_pidfd_send_signal, launch->pidfd, SIGKILL, NULL, 0);
	while (waitid((idtype_t)3 /* P_PIDFD */, (id_t)launch->pidfd, &info, WEXITED | __WALL) < 0 &&
	       errno == EINTR)
		;
	close(launch->pidfd);
	relays_close(launch->relays);
	sigprocmask(SIG_SETMASK, &launch->mask, NULL);
}

int launch_start(const struct plan *plan, const struct launch_options *options, struct diags *d,
		 struct launch *ret)
{
	static const struct launch_options none;
	static const int own[3] = { 0, 1, 2 };
	struct launch launch = { .plan = plan, .pidfd = -1 };
	int ends[2], barrier_ends[2] = { -1, -1 }, r = plan_verify(plan, d);

	if (r < 0)
		return r;
	options = options ? options : &none;
	bool awaits = plan_find(plan, OP_AWAIT) != NULL;
	must(!awaits || options->prepare);
	launch.relays = arena_new_object(plan->arena, struct relays);
	struct child child = {
		.plan = plan, .streams = launch.relays->streams, .fault = fault_step(),
		.argv = words(plan, plan->argv.items, plan->argv.count),
		.envp = words(plan, plan->envp.items, plan->envp.count),
	};
	find_own_words(&child);
	r = high_pair(false, ends);
	if (r < 0)
		return clone_failed(d, r);
	AUTO_FD int reader = ends[0];
	AUTO_FD int writer = ends[1];
	child.report_reader = reader;
	child.report = writer;
	if (awaits && (r = high_pair(true, barrier_ends)) < 0)
		return clone_failed(d, r);
	AUTO_FD int barrier = barrier_ends[0];
	AUTO_FD int barrier_child = barrier_ends[1];
	child.barrier_parent = barrier;
	child.barrier = barrier_child;
	r = relays_open(launch.relays, options->streams ? options->streams : own);
	if (r < 0)
		return clone_failed(d, r);

	int error = clone_child(&launch, &child);
	relays_started(launch.relays);
	if (error) {
		relays_close(launch.relays);
		return clone_failed(d, error);
	}
	if (awaits) {
		fd_closep(&barrier_child);
		barrier_child = -1;
		r = prepare(&launch, options, barrier, reader, d);
		if (r < 0) {
			abandon(&launch);
			return r;
		}
	}
	launch.timeout = options->timeout;
	launch.report = TAKE_FD(reader);
	*ret = launch;
	return 0;
}

static const struct { int error, status; const char *code, *help; } exec_errors[] = {
	{ ENOENT,  EXIT_NOT_FOUND, "C403",
	  "it may exist outside: check that the profile grants it and its interpreter" },
	{ ENOTDIR, EXIT_NOT_FOUND, "C403", "it may exist outside: check that the profile grants it" },
	{ EACCES,  EXIT_CANNOT,	   "C404", "it must be executable, and granted with execute rights" },
	{ ENOEXEC, EXIT_CANNOT,	   "C404", "a script needs a first line such as '#!/bin/sh'" },
};

static int tell_exec(const struct plan *plan, const struct step *step, int error,
		     const struct origin *origin, struct diags *d)
{
	for (size_t i = 0; i < ARRAY_SIZE(exec_errors); i++)
		if (exec_errors[i].error == error) {
			diag_error(d, exec_errors[i].code, origin, "cannot start '%s': %s",
				   str_quote(plan->arena, plan_text_at(plan, step->a)), strerror(error));
			diag_help(d, "%s", exec_errors[i].help);
			return exec_errors[i].status;
		}
	return 0;
}

/* A failed step as a message at the line that asked for it. */
static int tell_failure(const struct plan *plan, const struct report *report, struct diags *d)
{
	if (report->step >= plan->steps.count) {
		diag_error(d, "C401", NULL, "the cage could not be built: %s", strerror(report->value));
		return EXIT_CUDDY;
	}
	const struct step *step = &plan->steps.items[report->step];
	const struct origin *origin = plan->origins.items[step->origin];
	int status = step->op == OP_EXEC ? tell_exec(plan, step, report->value, origin, d) : 0;
	if (status)
		return status;
	const char *subject = step_subject(plan, step);
	if (report->value == ESTALE && step->op == OP_BIND) {
		diag_error(d, "C402", origin, "'%s' was replaced while the cage was being built",
			   str_quote(plan->arena, plan_text_at(plan, step->b)));
		diag_help(d, "start it again");
		return EXIT_CUDDY;
	}
	diag_error(d, "C401", origin, "cannot %s%s%s%s: %s", op_table[step->op].verb,
		   subject ? " '" : "", subject ? str_quote(plan->arena, subject) : "",
		   subject ? "'" : "", strerror(report->value));
	diag_help(d, "step %u, stage %s; the program was not started", report->step,
		  stage_name(step->stage));
	return EXIT_CUDDY;
}

static long long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static void pass_signal(const struct launch *launch, int number)
{
	syscall(SYS_pidfd_send_signal, launch->pidfd, number, NULL, 0);
}

/* Passes waiting signals on; true when one of them asks us to end. */
static bool pass_signals(const struct launch *launch, int signals)
{
	struct signalfd_siginfo got;
	bool end = false;

	while (signals >= 0 && read(signals, &got, sizeof(got)) == sizeof(got)) {
		int number = (int)got.ssi_signo;
		pass_signal(launch, number);
		end = end || number == SIGHUP || number == SIGINT || number == SIGQUIT || number == SIGTERM;
	}
	return end;
}

/* Waits for the end of pid 1 and of its output, passing signals on; true when the time limit struck.
 * With the cage gone, a signal or the limit also ends the wait for whoever does not read our output. */
static bool wait_for_end(const struct launch *launch)
{
	AUTO_FD int signals = signalfd(-1, &launch->forwarded, SFD_CLOEXEC | SFD_NONBLOCK);
	struct pollfd polled[2 + RELAY_POLLED] = { { launch->pidfd, POLLIN, 0 }, { signals, POLLIN, 0 } };
	long long deadline = launch->timeout ? now_ms() + launch->timeout * 1000LL : -1;
	bool struck = false, killed = false, ended = false;

	for (;;) {
		long long left = deadline < 0 || killed ? -1 : MAX(deadline - now_ms(), 0LL);
		relays_poll(launch->relays, polled + 2);
		int r = poll(polled, ARRAY_SIZE(polled), (int)MIN(left, 1000000000LL));
		if (r < 0 && errno != EINTR && errno != EAGAIN)
			return struck;
		if (r > 0 && polled[0].revents) {
			ended = true;
			polled[0] = (struct pollfd){ .fd = -1 };
		}
		if (r > 0)
			relays_move(launch->relays, polled + 2);
		if (ended && relays_drained(launch->relays))
			return struck;
		if (pass_signals(launch, signals) && ended)
			return struck;
		if (deadline >= 0 && !killed && now_ms() >= deadline) {
			if (ended)
				return true;
			pass_signal(launch, struck ? SIGKILL : SIGTERM);
			killed = struck;
			struck = true;
			deadline += GRACE_MS;
		}
	}
}

/* A SIGPIPE of the relay must not strike when the caller's mask is back. */
static void forget_sigpipe(const struct launch *launch)
{
	sigset_t only;

	sigemptyset(&only);
	sigaddset(&only, SIGPIPE);
	if (!sigismember(&launch->mask, SIGPIPE))
		sigtimedwait(&only, NULL, &(struct timespec){ 0 });
}

int launch_wait(struct launch *launch, struct diags *d)
{
	struct report report = { 0 };
	siginfo_t info;
	bool struck = wait_for_end(launch);

	/* Only the first message counts: the pipe holds it, however long ago it was written. */
	ssize_t length = read(launch->report, &report, sizeof(report));
	while (waitid((idtype_t)3 /* P_PIDFD */, (id_t)launch->pidfd, &info, WEXITED | __WALL) < 0 &&
	       errno == EINTR)
		;
	close(launch->report);
	close(launch->pidfd);
	int lost = relays_close(launch->relays);
	forget_sigpipe(launch);
	sigprocmask(SIG_SETMASK, &launch->mask, NULL);
	if (struck) {
		diag_error(d, "C405", NULL, "the time limit of %u s is over", launch->timeout);
		return EXIT_TIMEOUT;
	}
	if (length != sizeof(report)) {
		diag_error(d, "C406", NULL, "the init of the cage was killed");
		return EXIT_CUDDY;
	}
	if (report.kind == REPORT_FAILED)
		return tell_failure(launch->plan, &report, d);
	if (lost < 0) {
		diag_error(d, "C407", NULL, "the program's output could not be written: %s", strerror(-lost));
		return EXIT_CUDDY;
	}
	if (WIFSIGNALED(report.value))
		return 128 + WTERMSIG(report.value);
	return WEXITSTATUS(report.value);
}

int launch_run(const struct plan *plan, const struct launch_options *options, struct diags *d)
{
	struct launch launch;

	return launch_start(plan, options, d, &launch) < 0 ? EXIT_CUDDY : launch_wait(&launch, d);
}
