/* launch/parent.c - verifies a plan and makes one child in all namespaces that will walk it.
 * Must not: resolve a path, change anything of the host. */
#include "launch/launch.h"
#include "launch/child.h"
#include "launch/kernel.h"
#include "launch/relay.h"
#include "launch/tty.h"
#include "base/fd.h"
#include "base/own.h"

#include <linux/sched.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define DYING_MS 500 /* a child whose namespaces are gone already */

static const int forwarded[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH, SIGCONT,
				SIGTSTP };

/* The child's argv and envp: pointers into the text, made here because the child allocates nothing. */
char **launch_words(const struct plan *plan, const uint32_t *offsets, size_t count)
{
	char **list = arena_new_array(plan->arena, char *, count + 2) + 1;

	for (size_t i = 0; i < count; i++)
		list[i] = plan->text.text + offsets[i];
	return list;
}

/* Fields of /proc/PID/stat, proc_pid_stat(5). */
enum { FIELD_IGNORED = 33, FIELD_WORDS = 48, FIELD_COUNT = 52 };

/* What the kernel says of us.  *ret_ignored is a bit mask of the signals that we ignore, below 32.  Where our
 * command line and environment lie is for the child: pid 1 of the cage is a copy of us, and /proc/1/environ
 * must not tell the cage what the caller's was.  False when there is no such file. */
bool launch_read_status(struct child *c, unsigned long *ret_ignored)
{
	char text[1024]; /* 52 numbers at most, and a name of 15 bytes */
	unsigned long fields[FIELD_COUNT] = { 0 };
	AUTO_FD int fd = openat(AT_FDCWD, "/proc/self/stat", O_RDONLY | O_CLOEXEC);
	ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (length <= 0)
		return false;
	text[length] = 0;
	char *at = strrchr(text, ')'); /* field 2 may hold anything */
	if (!at || !(at = strchr(at + 2, ' '))) /* field 3 is a letter */
		return false;
	for (unsigned i = 4; i < FIELD_COUNT; i++)
		fields[i] = strtoul(at, &at, 10);
	for (unsigned i = 0; i < 2; i++) {
		c->wipe_from[i] = (char *)fields[FIELD_WORDS + 2 * i];
		c->wipe_to[i] = (char *)fields[FIELD_WORDS + 2 * i + 1];
	}
	*ret_ignored = fields[FIELD_IGNORED];
	return true;
}

int launch_fault(void)
{
#ifdef CUDDY_FAULTS
	const char *number = getenv("CUDDY_FAULT_STEP");
	return number ? atoi(number) : -1;
#else
	return -1;
#endif
}

static bool is_ignored(int number)
{
	struct sigaction action;

	return sigaction(number, NULL, &action) < 0 || action.sa_handler == SIG_IGN;
}

/* Those that we ignore are not ours to pass on: nohup stays nohup. */
static void choose_signals(struct launch *launch, bool known, unsigned long ignored)
{
	sigemptyset(&launch->forwarded);
	for (size_t i = 0; i < ARRAY_SIZE(forwarded); i++)
		if (known ? !(ignored >> (forwarded[i] - 1) & 1) : !is_ignored(forwarded[i]))
			sigaddset(&launch->forwarded, forwarded[i]);
}

static void clone_failed(struct diags *d, int error)
{
	diag_error(d, "C400", NULL, "cannot make the namespaces of a cage: %s", strerror(-error));
	diag_help(d, "to see what this machine allows, run 'cuddy doctor'");
}

int launch_check_own(struct diags *d)
{
	if (own_is_safe())
		return 0;
	diag_error(d, "C411", NULL, "the cage could change the file of the program that starts it");
	diag_help(d, "a program that links libcuddy calls cuddy_protect() first; 'cuddy explain-code C411' says more");
	return -EPERM;
}

/* For messages, or bytes; above 2 even if the caller closed its streams: 0 to 2 are the program's. */
int launch_pair(int type, int ends[2])
{
	int low[2], error = 0;

	if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, low) < 0)
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
	launch->relays = arena_new_object(launch->arena, struct relays);
	for (size_t i = 0; i < launch->plan->steps.count; i++)
		granted = granted || launch->plan->steps.items[i].op == OP_TERMINAL;
	if (granted) {
		launch->terminal = arena_new_object(launch->arena, struct terminal);
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

/* Waits for the child's offer, lets the helpers work, and lets the child go on.  A child that failed
 * before it came so far is launch_wait()'s business. */
static int prepare(const struct launch *launch, const struct launch_options *options, int barrier,
		   struct diags *d)
{
	struct pollfd ended = { .fd = launch->pidfd, .events = POLLIN };
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
	if (r < 0 && poll(&ended, 1, DYING_MS) > 0) { /* no wonder: the child had failed meanwhile */
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
	close(launch->report);
	relays_close(launch->relays);
	if (launch->terminal)
		terminal_close(launch->terminal);
	sigprocmask(SIG_SETMASK, &launch->mask, NULL);
}

static bool wants_ids(const struct plan *plan)
{
	for (size_t i = 0; i < plan->steps.count; i++)
		if (plan->steps.items[i].op == OP_MAP_IDS)
			return plan->steps.items[i].c == PLAN_MORE_IDS;
	return false;
}

/* Waits for what the child says next; what is no such question is left for launch_wait(). */
static bool is_asked(const struct launch *launch, enum report_kind kind)
{
	struct report report;
	ssize_t length;

	do
		length = recv(launch->report, &report, sizeof(report), MSG_PEEK);
	while (length < 0 && errno == EINTR);
	return length == sizeof(report) && report.kind == kind;
}

static void give_ids(const struct launch *launch, const struct launch_options *options, struct diags *d)
{
	struct id_ranges ids = { 0 };
	struct report report;

	if (!is_asked(launch, REPORT_IDS))
		return;
	(void)recv(launch->report, &report, sizeof(report), 0);
	if (options->map_ids)
		ids = options->map_ids(options->map_data, launch->pid, d);
	(void)send(launch->report, &ids, sizeof(ids), MSG_NOSIGNAL);
}

/* One packet of the child with all its descriptors. */
static bool receive_layers(const struct launch *launch, struct report *report, int fds[LAYER_FDS])
{
	union { char room[CMSG_SPACE(LAYER_FDS * sizeof(int))]; struct cmsghdr align; } control;
	struct iovec bytes = { report, sizeof(*report) };
	struct msghdr message = { .msg_iov = &bytes, .msg_iovlen = 1, .msg_control = control.room,
				  .msg_controllen = sizeof(control.room) };
	ssize_t length;

	do
		length = recvmsg(launch->report, &message, MSG_CMSG_CLOEXEC);
	while (length < 0 && errno == EINTR);
	const struct cmsghdr *header = length == sizeof(*report) ? CMSG_FIRSTHDR(&message) : NULL;
	if (!header || header->cmsg_type != SCM_RIGHTS || header->cmsg_len != CMSG_LEN(LAYER_FDS * sizeof(int)))
		return false;
	memcpy(fds, CMSG_DATA(header), LAYER_FDS * sizeof(int));
	return true;
}

static bool is_served(const struct step *step)
{
	return step->op == OP_OVERLAY && PLAN_LAYERS_ATTRS(step->x) & PLAN_LAYERS_FUSE;
}

/* Answers one question for each such step, unless the child failed before. */
static int serve(const struct launch *launch, const struct launch_options *options, struct diags *d)
{
	const struct plan *plan = launch->plan;
	int32_t r = 0;

	for (size_t i = 0; r == 0 && i < plan->steps.count; i++) {
		struct report report = { 0 };
		int fds[LAYER_FDS];

		if (!is_served(&plan->steps.items[i]))
			continue;
		if (!is_asked(launch, REPORT_LAYERS) || !receive_layers(launch, &report, fds))
			break;
		must(options->serve);
		r = options->serve(options->serve_data, plan, &plan->steps.items[i], launch->pidfd, fds, d);
		for (size_t k = 0; k < LAYER_FDS; k++)
			close(fds[k]);
		(void)send(launch->report, &r, sizeof(r), MSG_NOSIGNAL);
	}
	return r;
}

/* *ret_barrier: our end, on which a child that has an AWAIT step waits; else -1. */
static int start(struct launch *launch, const struct launch_options *options, const struct cage_handles *cage,
		 int *ret_barrier)
{
	const struct plan *plan = launch->plan;
	struct child child = {
		.plan = plan, .fault = launch_fault(), .tell_start = launch->status_fd > 0 || launch->started,
		.argv = launch_words(plan, plan->argv.items, plan->argv.count),
		.envp = launch_words(plan, plan->envp.items, plan->envp.count),
		.join = cage ? cage->fds : NULL, .server = { .listener = -1, .launcher = true },
		.barrier = -1, .barrier_parent = -1,
	};
	int ends[2], barriers[2] = { -1, -1 }, r = launch_pair(SOCK_SEQPACKET, ends);

	if (r < 0)
		return r;
	AUTO_FD int reader = ends[0];
	AUTO_FD int writer = ends[1];
	if (!cage && plan_find(plan, OP_AWAIT) && (r = launch_pair(SOCK_STREAM, barriers)) < 0)
		return r;
	AUTO_FD int barrier = child.barrier_parent = barriers[0];
	AUTO_FD int barrier_child UNUSED = child.barrier = barriers[1];
	unsigned long ignored = 0;
	bool known = launch_read_status(&child, &ignored);
	choose_signals(launch, known, ignored);
	if (options->door) {
		child.server.listener = options->door->listener;
		child.server.handles[HANDLE_RECORD] = options->door->record;
	}
	child.report_reader = reader;
	child.report = writer;
	r = open_streams(launch, options->streams, &child.terminal);
	if (r < 0)
		return r;
	const int own[3] = { launch->relays->streams[0], launch->relays->streams[1], launch->relays->streams[2] };
	child.streams = own;
	arena_hide(launch->arena);
	r = clone_child(launch, &child);
	relays_started(launch->relays);
	if (r < 0) {
		relays_close(launch->relays);
		if (launch->terminal)
			terminal_close(launch->terminal);
		return r;
	}
	launch->report = TAKE_FD(reader);
	*ret_barrier = TAKE_FD(barrier);
	return 0;
}

static int start_or_join(const struct plan *plan, const struct cage_handles *cage,
			 const struct launch_options *options, struct diags *d, struct launch *ret)
{
	static const struct launch_options none;
	int r = plan_verify(plan, d);

	must(!plan->foreign);
	options = options ? options : &none;
	struct launch launch = {
		.plan = plan, .pidfd = -1, .timeout = options->timeout, .status_fd = options->status_fd,
		.cage = options->cage, .started = options->started, .started_data = options->started_data,
	};
	if (r == 0)
		r = launch_check_own(d);
	if (r < 0)
		return r;
	must(cage || !plan_find(plan, OP_AWAIT) || options->prepare);
	launch.arena = arena_new();
	AUTO_FD int barrier = -1;
	r = start(&launch, options, cage, &barrier);
	if (r < 0)
		clone_failed(d, r);
	else if (!cage && wants_ids(plan))
		give_ids(&launch, options, d);
	if (r == 0 && !cage && (r = serve(&launch, options, d)) < 0)
		abandon(&launch);
	if (r == 0 && barrier >= 0 && (r = prepare(&launch, options, barrier, d)) < 0)
		abandon(&launch);
	if (r < 0) {
		arena_free(launch.arena);
		return r;
	}
	*ret = launch;
	return 0;
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
