/* launch/wait.c - from the start of a cage to its end: copies, passes signals on, stops and continues with
 * the program, keeps the time limit, and tells a person what failed.
 * Must not: trust what comes from inside, leave a handler or the terminal's modes behind. */
#include "launch/launch.h"
#include "launch/child.h"
#include "launch/kernel.h"
#include "launch/relay.h"
#include "launch/status.h"
#include "base/fd.h"
#include "base/process.h"

#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#define GRACE_MS 2000 /* between the polite signal of a time limit and the end */

/* One wait: what launch_wait() knows beyond the launch. */
struct watch {
	struct launch *launch;
	int signals;		/* signalfd(2) */
	struct report last;	/* FAILED or ENDED, as soon as one was heard; kind 0: none */
	bool odd_terminal;	/* what was sent as the cage's terminal is none */
	bool struck, killed;	/* the time limit, once and twice */
	bool started;		/* the program has been executed */
	bool ended;		/* pid 1 is gone, or lives on for others */
};

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
	if (report->value == ESTALE && (step->op == OP_BIND || step->op == OP_OVERLAY)) {
		diag_error(d, "C402", origin, "'%s' was replaced while the cage was being built",
			   str_quote(plan->arena, plan_text_at(plan, step->b)));
		diag_help(d, "start it again");
		return EXIT_CUDDY;
	}
	if (step->op == OP_OVERLAY) {
		diag_error(d, "C409", origin, "cannot keep changes apart at '%s': %s",
			   str_quote(plan->arena, subject), strerror(report->value));
		diag_help(d, "'cuddy doctor' says whether this host can; 'cuddy explain-code C409' tells more");
		return EXIT_CUDDY;
	}
	diag_error(d, "C401", origin, "cannot %s%s%s%s: %s", op_table[step->op].verb,
		   subject ? " '" : "", subject ? str_quote(plan->arena, subject) : "",
		   subject ? "'" : "", strerror(report->value));
	diag_help(d, "step %u, stage %s; the program was not started", report->step,
		  stage_name(step->stage));
	return EXIT_CUDDY;
}

static void send_signal(const struct launch *launch, int number)
{
	syscall(SYS_pidfd_send_signal, launch->pidfd, number, NULL, 0);
}

/* ---- the terminal and job control ---- */

/* Takes the keyboard if it is wanted and can be had, and lets init put the program into the foreground or
 * the background of the inner terminal.  True when it is ours. */
static bool settle(const struct launch *launch)
{
	struct terminal *t = launch->terminal;
	bool have = t->asked && terminal_take(t);
	uint32_t order = have ? ORDER_FOREGROUND : ORDER_BACKGROUND;

	if (!have)
		terminal_give_back(t);
	(void)send(launch->report, &order, sizeof(order), MSG_DONTWAIT | MSG_NOSIGNAL);
	return have;
}

/* A shell does not tell a running job that it was moved to the foreground or out of it. */
static void look_at_terminal(const struct launch *launch)
{
	const struct terminal *t = launch->terminal;

	if (t && t->master >= 0 && (t->keyboard || t->asked) && t->keyboard == terminal_in_background(t))
		settle(launch);
}

/* Stops our job as the terminal would.  False when nothing stopped us: the signal is ignored, or nobody
 * could ever continue us (an orphaned process group, setpgid(2)). */
static bool stop_job(int number)
{
	sigset_t one, mask, pending;

	sigemptyset(&one);
	sigaddset(&one, number);
	sigprocmask(SIG_UNBLOCK, &one, &mask);
	kill(0, number);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	return sigpending(&pending) == 0 && sigismember(&pending, SIGCONT);
}

/* The program has stopped.  If it wants the keyboard it may get it; else our job stops with it, and goes on
 * when SIGCONT is read.  A SIGSTOP that somebody inside sent is theirs, unless a person sits before it. */
static void follow_stop(const struct launch *launch, int number)
{
	struct terminal *t = launch->terminal;
	bool wants = t && (number == SIGTTIN || number == SIGTTOU);

	if (wants) {
		t->asked = true;
		if (!t->keyboard && settle(launch)) {
			send_signal(launch, SIGCONT);
			return;
		}
	} else if (number == SIGSTOP && !(t && t->keyboard)) {
		return;
	}
	if (t)
		terminal_give_back(t);
	if (stop_job(wants ? number : SIGTSTP))
		return;
	if (wants) /* what the kernel tells stopped processes that nobody can continue */
		send_signal(launch, SIGHUP);
	if (t)
		settle(launch);
	send_signal(launch, SIGCONT);
}

/* ---- what init says ---- */

/* One packet and the descriptor that came with it, or -1.  1; 0: there is none (any more). */
static int receive(const struct launch *launch, struct report *ret, int *ret_fd)
{
	union { char room[CMSG_SPACE(sizeof(int))]; struct cmsghdr align; } control;
	struct iovec bytes = { ret, sizeof(*ret) };
	struct msghdr message = {
		.msg_iov = &bytes, .msg_iovlen = 1,
		.msg_control = control.room, .msg_controllen = sizeof(control.room),
	};
	ssize_t length = recvmsg(launch->report, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	*ret_fd = -1;
	if (length <= 0)
		return 0;
	const struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS &&
	    header->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(ret_fd, CMSG_DATA(header), sizeof(int));
	if (length != sizeof(*ret))
		ret->kind = 0;
	return 1;
}

static void take_terminal(struct watch *w, int master)
{
	struct launch *launch = w->launch;

	if (master >= 0 && launch->terminal && terminal_attach(launch->terminal, master) == 0) {
		settle(launch);
		return;
	}
	w->odd_terminal = true;
	send_signal(launch, SIGKILL);
}

static void program_started(struct watch *w)
{
	struct launch *launch = w->launch;

	if (w->last.kind || w->started)
		return;
	w->started = true;
	status_started(launch->status_fd, launch->arena, launch->pid, launch->cage);
	launch->plan = NULL; /* only a failing step needs it */
	if (launch->started)
		launch->started(launch->started_data);
}

/* What waits in the socket: all of it, or the first. */
static void hear(struct watch *w, bool all)
{
	struct launch *launch = w->launch;
	struct report report = { 0 };
	int fd;

	do {
		if (receive(launch, &report, &fd) <= 0)
			return;
		AUTO_FD int came = fd;
		switch (report.kind) {
		case REPORT_TERMINAL:
			take_terminal(w, TAKE_FD(came));
			break;
		case REPORT_STARTED:
			program_started(w);
			break;
		case REPORT_STOPPED:
			follow_stop(launch, report.value);
			break;
		case REPORT_FAILED:
		case REPORT_ENDED:
			/* Only the first of them counts, and no step fails once the program runs. */
			if (w->last.kind || (w->started && report.kind == REPORT_FAILED))
				break;
			w->last = report;
			launch->lives_on = report.kind == REPORT_ENDED && report.others;
			break;
		}
	} while (all);
}

/* ---- the wait ---- */

/* Passes waiting signals on; true when one of them asks us to end. */
static bool pass_signals(const struct watch *w)
{
	const struct launch *launch = w->launch;
	struct signalfd_siginfo got;
	bool end = false;

	while (w->signals >= 0 && read(w->signals, &got, sizeof(got)) == sizeof(got)) {
		int number = (int)got.ssi_signo;
		if (number == SIGWINCH && launch->terminal) {
			terminal_resize(launch->terminal);
			continue;
		}
		if (number == SIGCONT && launch->terminal)
			settle(launch);
		send_signal(launch, number);
		end = end || number == SIGHUP || number == SIGINT || number == SIGQUIT || number == SIGTERM;
	}
	return end;
}

static bool is_drained(const struct launch *launch)
{
	return relays_drained(launch->relays) && (!launch->terminal || terminal_drained(launch->terminal));
}

/* True when the wait is over because nobody shall be waited for any longer. */
static bool limit_struck(struct watch *w, long long *deadline)
{
	if (*deadline < 0 || w->killed || clock_ms() < *deadline)
		return false;
	if (!w->ended) {
		send_signal(w->launch, w->struck ? SIGKILL : SIGTERM);
		w->killed = w->struck;
		*deadline += GRACE_MS;
	}
	w->struck = true;
	return w->ended;
}

/* Waits for the end of pid 1 and of its output.  With the cage gone, a signal or the limit also ends the
 * wait for whoever does not read our output. */
static void wait_for_end(struct watch *w)
{
	enum { PIDFD, SIGNALS, REPORT, RELAYS, TERMINAL = RELAYS + RELAY_POLLED,
	       ALL = TERMINAL + TERMINAL_POLLED };
	const struct launch *launch = w->launch;
	struct pollfd polled[ALL] = {
		[PIDFD] = { launch->pidfd, POLLIN, 0 }, [SIGNALS] = { w->signals, POLLIN, 0 },
		[REPORT] = { launch->report, POLLIN, 0 }, [TERMINAL] = { -1, 0, 0 }, [TERMINAL + 1] = { -1, 0, 0 },
	};
	long long deadline = launch->timeout ? clock_ms() + launch->timeout * 1000LL : -1;

	for (;;) {
		long long left = deadline < 0 || w->killed ? -1 : MAX(deadline - clock_ms(), 0LL);
		look_at_terminal(launch);
		relays_poll(launch->relays, polled + RELAYS);
		if (launch->terminal)
			terminal_poll(launch->terminal, polled + TERMINAL);
		int r = poll(polled, ALL, (int)MIN(left, 1000000000LL));
		if (r < 0 && errno != EINTR && errno != EAGAIN)
			return;
		if (r > 0 && polled[PIDFD].revents) {
			w->ended = true;
			polled[PIDFD].fd = -1;
		}
		if (r > 0 && (polled[REPORT].revents || w->ended))
			hear(w, w->ended || polled[REPORT].revents & POLLHUP);
		w->ended = w->ended || launch->lives_on;
		if (polled[REPORT].revents & POLLHUP)
			polled[REPORT].fd = -1;
		if (r > 0)
			relays_move(launch->relays, polled + RELAYS);
		if (r > 0 && launch->terminal)
			terminal_move(launch->terminal, polled + TERMINAL);
		if (w->ended && is_drained(launch))
			return;
		if ((polled[SIGNALS].revents && pass_signals(w) && w->ended) || limit_struck(w, &deadline))
			return;
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

/* Closes all that the launch holds.  -errno when output was lost. */
static int finish(struct watch *w)
{
	struct launch *launch = w->launch;
	siginfo_t info;

	while (!launch->lives_on && waitid((idtype_t)3 /* P_PIDFD */, (id_t)launch->pidfd, &info, WEXITED | __WALL) < 0 &&
	       errno == EINTR)
		;
	hear(w, true);
	close(launch->report);
	close(launch->pidfd);
	fd_closep(&w->signals);
	if (launch->terminal)
		terminal_close(launch->terminal);
	int lost = relays_close(launch->relays);
	forget_sigpipe(launch);
	sigprocmask(SIG_SETMASK, &launch->mask, NULL);
	return lost;
}

/* Our own exit status with its diagnostic, or -1: the program ended by itself. */
static int tell(const struct watch *w, int lost, struct diags *d)
{
	if (w->struck) {
		diag_error(d, "C405", NULL, "the time limit of %u s is over", w->launch->timeout);
		return EXIT_TIMEOUT;
	}
	if (w->odd_terminal) {
		diag_error(d, "C408", NULL, "what the cage sent as its terminal is none");
		return EXIT_CUDDY;
	}
	if (!w->last.kind) {
		diag_error(d, "C406", NULL, "the init of the cage was killed");
		return EXIT_CUDDY;
	}
	if (w->last.kind == REPORT_FAILED)
		return tell_failure(w->launch->plan, &w->last, d);
	if (lost < 0) {
		diag_error(d, "C407", NULL, "the program's output could not be written: %s", strerror(-lost));
		return EXIT_CUDDY;
	}
	return -1;
}

int launch_wait(struct launch *launch, struct diags *d)
{
	struct watch w = {
		.launch = launch, .signals = signalfd(-1, &launch->forwarded, SFD_CLOEXEC | SFD_NONBLOCK),
	};

	wait_for_end(&w);
	int status = tell(&w, finish(&w), d);
	if (status >= 0)
		status_failed(launch->status_fd, d, w.struck ? "timeout" : "failed", status);
	else
		status_ended(launch->status_fd, launch->arena, w.last.value);
	arena_free(launch->arena);
	if (status >= 0)
		return status;
	return WIFSIGNALED(w.last.value) ? 128 + WTERMSIG(w.last.value) : WEXITSTATUS(w.last.value);
}
