/* launch/tty.c - copies between the caller's terminal and a pty of the cage.
 * Must not: interpret the bytes, wait, leave the outer terminal raw, read a key that is not ours. */
#include "launch/tty.h"
#include "launch/kernel.h"
#include "base/fd.h"

#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

static void close_now(int *fd)
{
	fd_closep(fd);
	*fd = -1;
}

/* The master of a pty answers like a terminal, but is one's other end (TIOCGPTN, ioctl_tty(2)). */
static bool is_master(int fd)
{
	unsigned number;

	return ioctl(fd, TIOCGPTN, &number) == 0;
}

static bool is_terminal(int fd)
{
	return isatty(fd) && !is_master(fd);
}

/* The same terminal, also by way of /dev/tty. */
static bool is_same(int a, int b)
{
	unsigned x, y;

	return is_terminal(b) && ioctl(a, TIOCGDEV, &x) == 0 && ioctl(b, TIOCGDEV, &y) == 0 && x == y;
}

static bool has_neighbour(int fd)
{
	struct stat status;

	return fstat(fd, &status) == 0 && (S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode));
}

/* A description of our own, so that O_NONBLOCK troubles nobody else; above the standard streams.  Where
 * the terminal belongs to another user (su) it cannot be opened, and poll() has to suffice. */
static int open_again(int fd)
{
	char path[40] = "/proc/self/fd/", number[24];

	strcat(path, decimal(number, sizeof(number), (uint64_t)fd));
	AUTO_FD int own = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	bool good = own >= 0 && is_same(fd, own);
	return RESULT(fcntl(good ? own : fd, F_DUPFD_CLOEXEC, 3));
}

int terminal_find(struct terminal *t, const int streams[3], struct terminal_wish *ret)
{
	struct terminal_wish wish = { 0 };
	int first = 0;

	memset(t, 0, offsetof(struct terminal, in)); /* untouched buffers cost nothing */
	t->outer = t->master = -1;
	memset(ret, 0, sizeof(*ret));
	while (first < 3 && !is_terminal(streams[first]))
		first++;
	if (first == 3)
		return 0;
	AUTO_FD int outer = open_again(streams[first]);
	if (outer < 0)
		return outer;
	if (tcgetattr(outer, &wish.modes) < 0 || ioctl(outer, TIOCGWINSZ, &wish.size) < 0)
		return -errno;
	for (int i = first; i < 3; i++)
		if (is_same(outer, streams[i]))
			wish.streams |= 1u << i;
	t->outer = TAKE_FD(outer);
	t->modes = t->given = wish.modes;
	t->fresh = true;
	t->in.at = t->in.length = t->out.at = t->out.length = 0;
	t->asked = !has_neighbour(streams[0]) && !has_neighbour(streams[1]);
	wish.foreground = t->asked && !terminal_in_background(t);
	*ret = wish;
	return 0;
}

int terminal_attach(struct terminal *t, int master)
{
	struct stat status;
	AUTO_FD int own = master;

	if (t->outer < 0 || t->master >= 0 || fstat(own, &status) < 0 || !S_ISCHR(status.st_mode) ||
	    status.st_rdev != makedev(5, 2) || !is_master(own))
		return -EINVAL;
	if (fcntl(own, F_SETFL, O_NONBLOCK) < 0)
		return -errno;
	t->master = TAKE_FD(own);
	return 0;
}

bool terminal_in_background(const struct terminal *t)
{
	pid_t group = tcgetpgrp(t->outer);

	return group > 0 && group != getpgrp();
}

/* In the background this would stop us; that we look first leaves a gap. */
static void set_modes(const struct terminal *t, const struct termios *modes)
{
	sigset_t one, mask;

	sigemptyset(&one);
	sigaddset(&one, SIGTTOU);
	sigprocmask(SIG_BLOCK, &one, &mask);
	(void)tcsetattr(t->outer, TCSANOW, modes); /* not DRAIN: the terminal may be stopped */
	sigprocmask(SIG_SETMASK, &mask, NULL);
}

/* Started in the background we saw the modes of somebody else, say of a shell that edits a line.  Unless
 * the program has set its own by now, it gets those that the terminal is handed over with. */
static void give_modes(struct terminal *t)
{
	const struct termios *a = &t->given;
	struct termios b;

	if (t->fresh && tcgetattr(t->master, &b) == 0 && a->c_iflag == b.c_iflag && a->c_oflag == b.c_oflag &&
	    a->c_lflag == b.c_lflag && memcmp(a->c_cc, b.c_cc, sizeof(b.c_cc)) == 0)
		(void)tcsetattr(t->master, TCSANOW, &t->modes);
	t->fresh = false;
}

bool terminal_take(struct terminal *t)
{
	struct termios raw;

	if (t->master < 0 || terminal_in_background(t))
		return false;
	/* Still ours after a SIGSTOP: what is set now may be raw, or a shell's, and is not to be kept. */
	if (!t->keyboard && tcgetattr(t->outer, &t->modes) < 0)
		return false;
	give_modes(t);
	raw = t->modes;
	cfmakeraw(&raw);
	set_modes(t, &raw);
	t->keyboard = true;
	terminal_resize(t);
	return true;
}

void terminal_give_back(struct terminal *t)
{
	if (t->keyboard && !terminal_in_background(t))
		set_modes(t, &t->modes);
	t->keyboard = false;
}

void terminal_resize(const struct terminal *t)
{
	struct winsize size;

	if (t->master >= 0 && ioctl(t->outer, TIOCGWINSZ, &size) == 0)
		(void)ioctl(t->master, TIOCSWINSZ, &size);
}

/* Without events a hang-up is still seen. */
void terminal_poll(const struct terminal *t, struct pollfd polled[TERMINAL_POLLED])
{
	short in = t->keyboard && !t->in.length ? POLLIN : 0, out = t->out.length ? 0 : POLLIN;

	polled[0] = (struct pollfd){ t->master < 0 && !t->out.length ? -1 : t->outer, in, 0 };
	polled[0].events |= t->out.length ? POLLOUT : 0;
	polled[1] = (struct pollfd){ t->master, out, 0 };
	polled[1].events |= t->in.length ? POLLOUT : 0;
}

/* True when the far end is gone. */
static bool fill(struct terminal_bytes *b, int fd)
{
	ssize_t count;

	if (fd < 0 || b->length)
		return false;
	count = read(fd, b->bytes, sizeof(b->bytes));
	b->at = 0;
	b->length = count > 0 ? (size_t)count : 0;
	return count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR);
}

static bool empty(struct terminal_bytes *b, int fd)
{
	ssize_t count;

	if (fd < 0 || !b->length)
		return false;
	count = write(fd, b->bytes + b->at, b->length);
	if (count < 0)
		return errno != EAGAIN && errno != EINTR;
	b->at += (size_t)count;
	b->length -= (size_t)count;
	return false;
}

static bool adds_returns(int fd)
{
	struct termios modes;

	return tcgetattr(fd, &modes) == 0 && modes.c_oflag & OPOST && modes.c_oflag & ONLCR;
}

/* While the outer terminal is not raw, both add a carriage return to each newline; the inner one's is
 * taken away.  (One that two reads part stays: on a screen it makes no difference.) */
static void drop_returns(struct terminal *t)
{
	struct terminal_bytes *b = &t->out;
	size_t kept = 0;

	if (t->keyboard || !b->length || !adds_returns(t->outer) || !adds_returns(t->master))
		return;
	for (size_t i = 0; i < b->length; i++)
		if (b->bytes[i] != '\r' || i + 1 == b->length || b->bytes[i + 1] != '\n')
			b->bytes[kept++] = b->bytes[i];
	b->length = kept;
}

static void read_output(struct terminal *t)
{
	if (t->out.length)
		return;
	if (fill(&t->out, t->master))
		close_now(&t->master);
	else
		drop_returns(t);
}

static void hang_up(struct terminal *t)
{
	t->keyboard = false; /* there are no modes any more to be put back */
	t->in.length = t->out.length = 0;
	close_now(&t->master);
}

void terminal_move(struct terminal *t, const struct pollfd polled[TERMINAL_POLLED])
{
	bool gone = polled[0].revents & (POLLHUP | POLLERR | POLLNVAL);

	if (polled[0].revents & POLLIN && t->keyboard)
		gone = fill(&t->in, t->outer) || gone;
	if (t->in.length && empty(&t->in, t->master))
		t->in.length = 0;
	if (polled[1].revents & (POLLIN | POLLHUP | POLLERR))
		read_output(t);
	if (polled[0].revents & POLLOUT)
		gone = empty(&t->out, t->outer) || gone;
	if (gone)
		hang_up(t);
}

bool terminal_drained(struct terminal *t)
{
	read_output(t); /* also makes the kernel hand over what it still holds back (pty(7)) */
	return !t->out.length;
}

void terminal_close(struct terminal *t)
{
	terminal_give_back(t);
	close_now(&t->master);
	close_now(&t->outer);
}
