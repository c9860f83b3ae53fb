/* launch/child.c - pid 1 of the cage, up to the moment when it becomes its init.
 * Walks the verified plan; the first failing step is reported and everything ends.
 * Must not: allocate, print, resolve names, return. */
#include "launch/child.h"
#include "launch/kernel.h"

#include <poll.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

int child_report_with(const struct child *c, const struct report *report, const int *fds, size_t count)
{
	union { char room[CMSG_SPACE(LAYER_FDS * sizeof(int))]; struct cmsghdr align; } control = { 0 };
	struct iovec bytes = { (void *)report, sizeof(*report) };
	struct msghdr message = { .msg_iov = &bytes, .msg_iovlen = 1 };
	int r;

	if (count) {
		message.msg_control = control.room;
		message.msg_controllen = CMSG_SPACE(count * sizeof(int));
		struct cmsghdr *header = CMSG_FIRSTHDR(&message);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(count * sizeof(int));
		memcpy(CMSG_DATA(header), fds, count * sizeof(int));
	}
	do
		r = RESULT(sendmsg(c->report, &message, MSG_NOSIGNAL));
	while (r == -EINTR);
	return MIN(r, 0);
}

int child_report(const struct child *c, const struct report *report, int fd)
{
	return child_report_with(c, report, &fd, fd >= 0);
}

_Noreturn void child_give_up(struct child *c, size_t step, int error)
{
	struct report report = {
		.kind = REPORT_FAILED, .step = (uint32_t)step, .value = -error,
		.stage = step < c->plan->steps.count ? c->plan->steps.items[step].stage : STAGE_COUNT,
	};

	(void)child_report(c, &report, -1);
	_exit(125);
}

void child_step(struct child *c, size_t index)
{
	const struct step *step = &c->plan->steps.items[index];
	int r = c->fault == (int)index ? -EIO : step_table[step->op](c, step);

	if (r < 0)
		child_give_up(c, index, r);
}

void child_walk(struct child *c, size_t *index, enum stage last)
{
	for (; *index < c->plan->steps.count; ++*index) {
		if (c->plan->steps.items[*index].stage > last)
			return;
		child_step(c, *index);
	}
}

/* The death signal is armed only from now on, so a parent that went before is looked for: its end of
 * the socket is then closed.  (getppid() is 0 in a new pid namespace, whether it lives or not.) */
static void follow_parent(struct child *c)
{
	struct pollfd far = { .fd = c->report };

	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (poll(&far, 1, 0) > 0 && far.revents & POLLHUP)
		_exit(125);
}

/* Streams that stand in the place of another move above 2 first, so that none is overwritten. */
static int take_streams(struct child *c)
{
	int from[3], r = 0;

	if (!c->streams)
		return 0;
	for (int i = 0; i < 3; i++) {
		from[i] = c->streams[i];
		if (from[i] < 3 && from[i] != i)
			from[i] = RESULT(fcntl(from[i], F_DUPFD_CLOEXEC, 3));
		r = MIN(r, from[i]);
	}
	for (int i = 0; i < 3 && r >= 0; i++)
		if (from[i] != i)
			r = RESULT(dup2(from[i], i));
	return MIN(r, 0);
}

int child_terminal(const struct child *c)
{
	for (int i = 0; i < 3; i++)
		if (c->terminal.streams & 1u << i)
			return i;
	return -1;
}

/* We are the leader of a session without a terminal (child_run()). */
static int set_up_terminal(struct child *c, int slave)
{
	int r = RESULT(tcsetattr(slave, TCSANOW, &c->terminal.modes));

	if (r == 0)
		r = RESULT(ioctl(slave, TIOCSWINSZ, &c->terminal.size));
	if (r == 0)
		r = RESULT(ioctl(slave, TIOCSCTTY, 0));
	for (int i = 0; i < 3 && r >= 0; i++)
		if (c->terminal.streams & 1u << i)
			r = RESULT(dup2(slave, i));
	return MIN(r, 0);
}

int child_open_terminal(struct child *c, const char *ptmx)
{
	struct report report = { .kind = REPORT_TERMINAL };
	int unlocked = 0;

	if (child_terminal(c) < 0)
		return 0;
	int master = RESULT(open(ptmx, O_RDWR | O_NOCTTY | O_CLOEXEC));
	if (master < 0)
		return master;
	int slave = -1, r = RESULT(ioctl(master, TIOCSPTLCK, &unlocked));
	if (r == 0)
		r = slave = RESULT(ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
	if (r >= 0)
		r = set_up_terminal(c, slave);
	if (r == 0)
		r = child_report(c, &report, master);
	if (slave >= 0)
		close(slave);
	close(master);
	return r;
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
	c->root = c->base = c->self = c->host_root = c->place = -1;
	int r = take_streams(c);
	if (r < 0)
		child_give_up(c, 0, r);
	if (c->join)
		join_run(c);
	child_walk(c, &index, STAGE_PRIVILEGE);
	init_run(c, index);
}
