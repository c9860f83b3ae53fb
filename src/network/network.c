/* network/network.c - starts the helpers of a cage's network and asks each whether it is ready.
 * They answer on a pipe: "ready", or what went wrong; that is all that is believed of them.
 * Must not: hold a right that the caller has not. */
#include "network/network.h"
#include "network/enter.h"
#include "base/fd.h"
#include "base/own.h"
#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ANSWER_MS = 10000, END_MS = 2000, ANSWER_SIZE = NETWORK_ANSWER };

/* All that a helper is started with. */
struct start {
	const char *program, *rules;
	int pidfd, policy, counters, log, peers, cages, sockets[2]; /* [0] for who makes them, [1] for the relay */
	const struct tunnel *outside; /* or NULL */
};

struct helper { pid_t pid; int answer; };

/* ---- what runs in the helpers ---- */

_Noreturn static void run_relay(const struct start *start, int answer)
{
	static const char *const argv[] = { "cuddy-net", NULL }, *const envp[] = { NULL };
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), from[] = { null, answer, null, start->sockets[1],
								     start->pidfd, start->policy, start->counters, start->log,
								     start->peers < 0 ? null : start->peers,
								     start->cages < 0 ? null : start->cages, null, null, null };

	if (start->outside)
		memcpy(from + ARRAY_SIZE(from) - TUNNEL_GIFTS, start->outside->gifts, sizeof(start->outside->gifts));
	int r = null < 0 ? -errno : fd_arrange(from, ARRAY_SIZE(from));
	if (r >= 0)
		execve(start->program, (char *const *)argv, (char *const *)envp);
	dprintf(from[1], "cannot start '%s': %s\n", start->program, strerror(r < 0 ? -r : errno));
	_exit(127);
}

_Noreturn static void run_enter(const struct start *start, int answer)
{
	network_enter(start->pidfd, start->rules, start->sockets[0], answer);
}

static int begin(void (*run)(const struct start *, int), const struct start *start, struct helper *ret)
{
	int pipes[2];

	if (pipe2(pipes, O_CLOEXEC) < 0)
		return -errno;
	pid_t pid = fork();
	if (pid == 0) {
		process_begin_helper();
		run(start, pipes[1]);
		_exit(1);
	}
	int error = pid < 0 ? -errno : 0;
	close(pipes[1]);
	if (error)
		close(pipes[0]);
	else
		*ret = (struct helper){ pid, pipes[0] };
	return error;
}

/* ---- their answers ---- */

/* Reads to the end what a helper answers; true when that is that it is ready. */
static bool is_ready(const struct helper *helper, long long deadline, char text[ANSWER_SIZE])
{
	size_t used = 0;
	ssize_t length = 1;

	while (length > 0 && used < ANSWER_SIZE - 1) {
		struct pollfd polled = { .fd = helper->answer, .events = POLLIN };
		int r = poll(&polled, 1, (int)MAX(deadline - clock_ms(), 0LL));
		if (r < 0 && errno == EINTR)
			continue;
		length = r > 0 ? read(helper->answer, text + used, ANSWER_SIZE - 1 - used) : -1;
		if (r == 0)
			used += (size_t)snprintf(text + used, ANSWER_SIZE - used, "no answer within %d s", ANSWER_MS / 1000);
		used = MIN(used + (size_t)MAX(length, 0), (size_t)ANSWER_SIZE - 1);
	}
	text[used] = '\0';
	return strcmp(text, "ready\n") == 0;
}

static const struct opening { enum op op; const char *verb, *help; } openings[] = {
	{ OP_PUBLISH, "publish", "choose another port, or end what has this one; 'ss -lntup' shows it; users may not open those below "
	  "net.ipv4.ip_unprivileged_port_start (1024): \"8080:80\" is port 80 in the cage" },
	{ OP_LEND, "lend", "name the socket by its own path, which no link is part of; 'realpath' shows it" },
	{ OP_EXPOSE, "expose", "choose another path, in a folder of yours that no link is part of" },
};

/* What a helper's words are about, or NULL. */
static const struct step *find_opening(const struct plan *plan, const char *text, const struct opening **ret)
{
	for (size_t i = 0; i < plan->steps.count; i++)
		for (size_t k = 0; k < ARRAY_SIZE(openings); k++) {
			const struct step *step = &plan->steps.items[i];
			if (step->op == openings[k].op &&
			    strstr(text, arena_printf(plan->arena, " %s '%s': ", openings[k].verb,
						      plan_text_at(plan, step->a)))) {
				*ret = &openings[k];
				return step;
			}
		}
	return NULL;
}

static int tell(const struct plan *plan, struct diags *d, char *text)
{
	const struct origin *origin = plan->origins.items[plan_find(plan, OP_AWAIT)->origin];
	const struct opening *opening;
	const struct step *step = find_opening(plan, text, &opening);
	char *line = strtok(text, "\n");

	if (step) {
		diag_error(d, "C422", plan->origins.items[step->origin], "%s", str_quote(d->arena, line));
		diag_help(d, "%s", opening->help);
		return -EADDRINUSE;
	}
	diag_error(d, "C420", origin, "the cage's network could not be made: %s",
		   line ? str_quote(d->arena, line) : "a helper ended without a word");
	while (line && (line = strtok(NULL, "\n")))
		diag_note(d, NULL, "%s", str_quote(d->arena, line));
	diag_help(d, "the program was not started; 'cuddy doctor' says what is missing");
	return -EIO;
}

static void stop(const struct helper *helper)
{
	if (helper->pid <= 0)
		return;
	kill(helper->pid, SIGKILL); /* our own child, not waited for yet */
	while (waitpid(helper->pid, NULL, 0) < 0 && errno == EINTR)
		;
}

/* Both work at the same time: the relay starts while its sockets are made. */
static int start_both(struct network *network, const struct start *start, char text[ANSWER_SIZE])
{
	struct helper relay = { 0, -1 }, enter = { 0, -1 };
	long long deadline = clock_ms() + ANSWER_MS;
	strcpy(text, "cannot start a helper\n");
	bool good = begin(run_relay, start, &relay) == 0 && begin(run_enter, start, &enter) == 0 &&
		    is_ready(&enter, deadline, text);

	stop(&enter); /* it has answered, or never will */
	good = good && is_ready(&relay, deadline, text);
	fd_closep(&enter.answer);
	fd_closep(&relay.answer);
	if (!good) {
		stop(&relay);
		return -EIO;
	}
	network->relay = relay.pid;
	network->relay_pidfd = (int)syscall(SYS_pidfd_open, relay.pid, 0);
	return 0;
}

int network_begin(struct network *network, struct arena *arena, const struct network_texts *texts,
		  char answer[NETWORK_ANSWER])
{
	struct start start = { .program = own_helper(arena, "cuddy-net"), .rules = texts->rules, .pidfd = texts->pidfd,
			       .counters = network->counters, .log = network->log, .peers = network->peers,
			       .cages = network->cages, .sockets = { -1, -1 },
			       .outside = texts->outside };
	AUTO_FD int policy = start.policy = fd_from_text("policy", texts->policy);

	if (policy < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, start.sockets) < 0) {
		strcpy(answer, "no descriptors are left\n");
		return -EIO;
	}
	int r = start_both(network, &start, answer);
	close(start.sockets[0]);
	close(start.sockets[1]);
	return r;
}

int network_prepare(void *data, const struct plan *plan, int pidfd, struct diags *d)
{
	struct network *network = data;
	const struct step *step = plan_find(plan, OP_AWAIT), *tunnel = plan_find(plan, OP_TUNNEL);
	struct network_texts texts = { .rules = plan_text_at(plan, step->b),
				       .policy = plan_text_at(plan, step->c), .pidfd = pidfd };
	char answer[NETWORK_ANSWER];

	if (tunnel) {
		if (tunnel_attach(plan->arena, &network->places, plan_text_at(plan, tunnel->a),
				  plan->origins.items[tunnel->origin], pidfd, d, &network->tunnel) < 0)
			return -EIO;
		texts.outside = &network->tunnel;
		texts.policy = arena_printf(plan->arena, "%stunnel\n", texts.policy);
	}
	if (network_begin(network, plan->arena, &texts, answer) == 0)
		return 0;
	tunnel_leave(&network->tunnel, NULL);
	return tell(plan, d, answer);
}

void network_finish(struct network *network, struct diags *d)
{
	struct pollfd ended = { .fd = network->relay_pidfd, .events = POLLIN };
	int status;

	tunnel_leave(&network->tunnel, d);
	if (!network->relay)
		return;
	if (network->relay_pidfd < 0 || poll(&ended, 1, END_MS) <= 0)
		kill(network->relay, SIGKILL);
	pid_t pid;
	do
		pid = waitpid(network->relay, &status, 0);
	while (pid < 0 && errno == EINTR);
	/* Without a pid the caller ignores SIGCHLD, and nobody can know. */
	if (pid > 0 && (!WIFEXITED(status) || WEXITSTATUS(status)))
		diag_warning(d, "C421", NULL, "the network relay ended before the cage: the cage's network was cut");
	fd_closep(&network->relay_pidfd);
	network->relay = 0;
	network->relay_pidfd = -1;
}
