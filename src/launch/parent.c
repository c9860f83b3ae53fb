/* launch/parent.c - verifies a plan and makes one child in all namespaces that will walk it.
 * Must not: resolve a path, change anything of the host. */
#include "launch/launch.h"
#include "launch/child.h"
#include "launch/kernel.h"
#include "launch/relay.h"
#include "launch/tty.h"
#include "base/fd.h"

#include <linux/sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

static const int forwarded[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH, SIGCONT,
				SIGTSTP };

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
	AUTO_FD int fd = openat(AT_FDCWD, "/proc/self/stat", O_RDONLY | O_CLOEXEC);
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

static void clone_failed(struct diags *d, int error)
{
	diag_error(d, "C400", NULL, "cannot make the namespaces of a cage: %s", strerror(-error));
	diag_help(d, "to see what this machine allows, run 'cuddy doctor'");
}

/* Above 2 even if the caller closed its streams: 0 to 2 are the program's. */
static int report_socket(int ends[2])
{
	int low[2], error = 0;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, low) < 0)
		return -errno;
	for (int i = 0; i < 2; i++) {
		ends[i] = low[i];
		if (low[i] > 2)
			continue;
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

/* One child, in all namespaces unless it enters those of a cage, with our signals held back meanwhile.  0 or -errno. */
static int clone_child(struct launch *launch, struct child *child)
{
	sigset_t all;

	sigfillset(&all);
	choose_signals(launch);
	sigprocmask(SIG_SETMASK, &all, &launch->mask);
	child->mask = launch->mask;
	const uint64_t spaces = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS |
				CLONE_NEWCGROUP | (launch->plan->host_network ? 0 : CLONE_NEWNET);
	struct clone_args how = {
		.flags = CLONE_PIDFD | CLONE_CLEAR_SIGHAND | (child->join ? 0 : spaces),
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

/* What the program's streams lead to: the inner terminal, a copy, or the caller's own. */
static int open_streams(struct launch *launch, const int streams[3], struct terminal_wish *ret)
{
	static const int own[3] = { 0, 1, 2 };
	bool granted = false;
	int r = 0;

	streams = streams ? streams : own;
	launch->relays = arena_new_object(launch->plan->arena, struct relays);
	for (size_t i = 0; i < launch->plan->steps.count; i++)
		granted = granted || launch->plan->steps.items[i].op == OP_TERMINAL;
	if (granted) {
		launch->terminal = arena_new_object(launch->plan->arena, struct terminal);
		r = terminal_find(launch->terminal, streams, ret);
		if (r < 0 || !ret->streams)
			launch->terminal = NULL;
	}
	if (r == 0)
		r = relays_open(launch->relays, streams, ret->streams);
	if (r < 0 && launch->terminal)
		terminal_close(launch->terminal);
	return r;
}

static bool wants_ids(const struct plan *plan)
{
	for (size_t i = 0; i < plan->steps.count; i++)
		if (plan->steps.items[i].op == OP_MAP_IDS)
			return plan->steps.items[i].c == PLAN_MORE_IDS;
	return false;
}

/* Answers the child's question for ids.  What else it has to say is left for launch_wait(). */
static void give_ids(const struct launch *launch, const struct launch_options *options, struct diags *d)
{
	struct id_ranges ids = { 0 };
	struct report report;
	ssize_t length;

	do
		length = recv(launch->report, &report, sizeof(report), MSG_PEEK);
	while (length < 0 && errno == EINTR);
	if (length != sizeof(report) || report.kind != REPORT_IDS)
		return;
	(void)recv(launch->report, &report, sizeof(report), 0);
	if (options->map_ids)
		ids = options->map_ids(options->data, launch->pid, d);
	(void)send(launch->report, &ids, sizeof(ids), MSG_NOSIGNAL);
}

static int start(struct launch *launch, const struct launch_options *options, const struct cage_handles *cage)
{
	const struct plan *plan = launch->plan;
	struct child child = {
		.plan = plan, .fault = fault_step(), .tell_start = launch->status_fd > 0,
		.argv = words(plan, plan->argv.items, plan->argv.count),
		.envp = words(plan, plan->envp.items, plan->envp.count),
		.join = cage ? cage->fds : NULL, .server = { .listener = -1, .launcher = true },
	};
	int ends[2], r = report_socket(ends);

	if (r < 0)
		return r;
	AUTO_FD int reader = ends[0];
	AUTO_FD int writer = ends[1];
	find_own_words(&child);
	if (options->door) {
		child.server.listener = options->door->listener;
		child.server.handles[HANDLE_RECORD] = options->door->record;
	}
	child.report_reader = reader;
	child.report = writer;
	r = open_streams(launch, options->streams, &child.terminal);
	if (r < 0)
		return r;
	child.streams = launch->relays->streams;
	r = clone_child(launch, &child);
	relays_started(launch->relays);
	if (r < 0) {
		relays_close(launch->relays);
		if (launch->terminal)
			terminal_close(launch->terminal);
		return r;
	}
	launch->report = TAKE_FD(reader);
	return 0;
}

static int start_or_join(const struct plan *plan, const struct cage_handles *cage,
			 const struct launch_options *options, struct diags *d, struct launch *ret)
{
	static const struct launch_options none;
	int r = plan_verify(plan, d);

	options = options ? options : &none;
	struct launch launch = {
		.plan = plan, .pidfd = -1, .timeout = options->timeout, .status_fd = options->status_fd,
		.cage = options->cage,
	};
	if (r == 0) {
		r = start(&launch, options, cage);
		if (r < 0)
			clone_failed(d, r);
		else if (!cage && wants_ids(plan))
			give_ids(&launch, options, d);
	}
	if (r == 0)
		*ret = launch;
	return r;
}

int launch_start(const struct plan *plan, const struct launch_options *options, struct diags *d,
		 struct launch *ret)
{
	return start_or_join(plan, NULL, options, d, ret);
}

int launch_join(const struct plan *plan, const struct cage_handles *cage, const struct launch_options *options,
		struct diags *d, struct launch *ret)
{
	return start_or_join(plan, cage, options, d, ret);
}

int launch_run(const struct plan *plan, const struct launch_options *options, struct diags *d)
{
	struct launch launch;

	return launch_start(plan, options, d, &launch) < 0 ? EXIT_CUDDY : launch_wait(&launch, d);
}
