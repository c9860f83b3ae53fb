/* launch/init.c - pid 1 after the set-up: starts the program, reaps, passes signals on, ends with it.
 * Holds the report socket, the cage's terminal if there is one, and its signals; a filter leaves it
 * little else.  Must not: allocate, print, trust anything from inside. */
#include "launch/child.h"
#include "launch/kernel.h"

#include <linux/futex.h>
#include <sched.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* Signals that a terminal would send go to the program's whole group. */
static const struct { int number; bool to_group; } passed[] = {
	{ SIGHUP, true },   { SIGINT, true },	{ SIGQUIT, true }, { SIGTERM, false },
	{ SIGUSR1, false }, { SIGUSR2, false }, { SIGWINCH, true }, { SIGCONT, true }, { SIGTSTP, true },
};

struct payload {
	struct child *c;
	size_t index;
	uint32_t go;	/* 1: the program may start */
	uint32_t alive; /* 0: it has left our memory, by execve() or by its end */
};

/* Sleeps while the word holds `value`.  (Not private: the kernel's own wake-up is not either.) */
static void wait_for_change(uint32_t *word, uint32_t value)
{
	while (__atomic_load_n(word, __ATOMIC_SEQ_CST) == value)
		syscall(SYS_futex, word, FUTEX_WAIT, value, NULL, NULL, 0);
}

/* Runs in the memory of init, and only while that sleeps: both share even errno. */
static int payload_run(void *argument)
{
	struct payload *payload = argument;
	struct child *c = payload->c;
	size_t index = payload->index + 1;

	wait_for_change(&payload->go, 0);
	setpgid(0, 0);
	if (c->join) /* the program dies with whoever brought it in; else it would with the cage */
		prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (c->terminal.foreground) /* SIGTTOU is still blocked */
		tcsetpgrp(child_terminal(c), getpid());
	umask(c->old_umask);
	sigprocmask(SIG_SETMASK, &c->mask, NULL);
	child_walk(c, &index, STAGE_EXEC);
	child_give_up(c, index, -ENOEXEC); /* a plan ends with EXEC, and EXEC does not come back */
}

void child_wipe(struct child *c)
{
	for (unsigned i = 0; i < 2; i++)
		if (c->wipe_from[i] < c->wipe_to[i])
			explicit_bzero(c->wipe_from[i], (size_t)(c->wipe_to[i] - c->wipe_from[i]));
}

/* The program has its own copies of these, and init must not keep a pipe of the caller open. */
static void close_streams(const struct child *c)
{
	int keep = child_terminal(c);

	for (int i = 0; i < 3; i++)
		if (i != keep)
			close(i);
}

/* The program waits until init has its filter, for a filter that is there before would be the program's
 * too, and one that fails afterwards would fail too late.  From then on init sleeps in the kernel until
 * the program has memory of its own, as after vfork() (CLONE_CHILD_CLEARTID, clone(2)). */
static void start(struct child *c, size_t index)
{
	static char stack[64 * 1024] __attribute__((aligned(16)));
	static struct payload payload;

	payload = (struct payload){ .c = c, .index = index, .alive = 1 };
	c->payload = clone(payload_run, stack + sizeof(stack), CLONE_VM | CLONE_CHILD_CLEARTID | SIGCHLD,
			   &payload, NULL, NULL, &payload.alive);
	if (c->payload < 0)
		child_give_up(c, index, -errno);
	close_streams(c);
	child_step(c, index);
	__atomic_store_n(&payload.go, 1, __ATOMIC_SEQ_CST);
	syscall(SYS_futex, &payload.go, FUTEX_WAKE, 1, NULL, NULL, 0);
	wait_for_change(&payload.alive, 1);
}

/* The launcher's program is gone, or the launcher: without others who joined, so is the cage. */
static void leave(struct child *c)
{
	int terminal = child_terminal(c);

	if (!serve_joined(&c->server))
		_exit(0); /* the kernel kills whatever else is left in the cage */
	if (terminal >= 0)
		close(terminal);
	close(c->report);
	c->server.launcher = false;
	c->report = -1;
	c->payload = -1;
	c->terminal.streams = 0;
}

static void end(struct child *c, int status)
{
	struct report report = {
		.kind = REPORT_ENDED, .value = status, .others = serve_joined(&c->server) > 0,
	};

	(void)child_report(c, &report, -1);
	leave(c);
}

/* Somebody asked for the end, or nobody is left: the kernel kills what still runs. */
_Noreturn static void end_all(struct child *c)
{
	if (c->payload > 0)
		(void)child_report(c, &(struct report){ .kind = REPORT_ENDED, .value = SIGKILL }, -1);
	_exit(0);
}

static void launcher_gone(struct child *c)
{
	kill(c->payload, SIGKILL);
	leave(c);
}

/* Takes all that has ended.  Of what has stopped only the program counts: in a shell inside, a stopped
 * job is that shell's matter. */
static void reap(struct child *c, bool *stopped)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG | WUNTRACED | WCONTINUED | __WALL)) > 0) {
		if (pid != c->payload)
			continue;
		if (WIFEXITED(status) || WIFSIGNALED(status)) {
			end(c, status);
			continue;
		}
		*stopped = WIFSTOPPED(status);
		if (*stopped)
			(void)child_report(c, &(struct report){ .kind = REPORT_STOPPED,
								.value = WSTOPSIG(status) }, -1);
	}
}

/* In the background our own group, that is nobody, has the terminal.  *behind is who had it before. */
static void obey(const struct child *c, uint32_t order, bool stopped, pid_t *behind)
{
	int terminal = child_terminal(c);
	pid_t now = tcgetpgrp(terminal), own = getpgrp();

	if (order == ORDER_BACKGROUND && now != own) {
		*behind = now;
		tcsetpgrp(terminal, own);
	} else if (order == ORDER_FOREGROUND && (now == own || stopped)) {
		if (stopped || tcsetpgrp(terminal, *behind) < 0)
			tcsetpgrp(terminal, c->payload);
	}
}

static void pass_signal(const struct child *c, int signals)
{
	struct signalfd_siginfo got;

	if (read(signals, &got, sizeof(got)) != sizeof(got) || c->payload < 0)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(passed); i++)
		if (passed[i].number == (int)got.ssi_signo)
			kill(passed[i].to_group ? -c->payload : c->payload, passed[i].number);
}

/* Our signals are all blocked since before we were made; a descriptor above the streams gives them. */
static int open_signals(void)
{
	sigset_t wanted;

	sigemptyset(&wanted);
	sigaddset(&wanted, SIGCHLD);
	for (size_t i = 0; i < ARRAY_SIZE(passed); i++)
		sigaddset(&wanted, passed[i].number);
	return RESULT(signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK));
}

_Noreturn void init_run(struct child *c, size_t index)
{
	bool stopped = false;
	uint32_t order;

	child_wipe(c);
	prctl(PR_SET_NAME, "cuddy-init", 0, 0, 0);
	/* Changes of credentials may have cleared it.  Who joins keeps the cage when its launcher goes, which
	 * is then seen by the report socket. */
	prctl(PR_SET_PDEATHSIG, c->server.listener < 0 ? SIGKILL : 0, 0, 0, 0);
	signal(SIGCHLD, SIG_DFL);		    /* ignored, it would make wait() lose the status */
	int signals = open_signals();
	if (signals < 0)
		child_give_up(c, index, signals);
	start(c, index);
	arena_free(c->plan->arena); /* the program has its own copies of all that it needs */
	if (c->tell_start)
		(void)child_report(c, &(struct report){ .kind = REPORT_STARTED }, -1);
	pid_t behind = c->payload;
	for (;;) {
		static struct pollfd polled[2 + 1 + SERVE_PEERS];
		reap(c, &stopped);
		polled[0] = (struct pollfd){ signals, POLLIN, 0 };
		polled[1] = (struct pollfd){ c->report, POLLIN, 0 };
		size_t served = serve_poll(&c->server, polled + 2);
		if (poll(polled, 2 + served, -1) < 0)
			continue;
		serve_handle(&c->server, polled + 2, served);
		if (c->server.over || (c->payload < 0 && !serve_joined(&c->server)))
			end_all(c);
		/* The order first: what it says is meant for the signal that was sent after it. */
		if (polled[1].revents & POLLHUP)
			launcher_gone(c);
		else if (polled[1].revents && recv(c->report, &order, sizeof(order), MSG_DONTWAIT) == sizeof(order))
			obey(c, order, stopped, &behind);
		if (polled[0].revents)
			pass_signal(c, signals);
	}
}
