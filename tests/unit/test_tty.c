/* test_tty - the outer half of a cage's terminal, between two ptys made here: no cage, no job control. */
#include "launch/tty.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct pair { int master, slave; };

static struct pair open_pair(void)
{
	struct pair p = { .master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC) };

	if (p.master < 0 || grantpt(p.master) < 0 || unlockpt(p.master) < 0)
		abort();
	p.slave = open(ptsname(p.master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (p.slave < 0)
		abort();
	return p;
}

static void close_pair(struct pair p)
{
	close(p.master);
	close(p.slave);
}

static void put(int fd, const char *text)
{
	if (write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		abort();
}

static bool reads(int fd, const char *text)
{
	char got[256];
	size_t length = 0;

	while (length < strlen(text)) {
		ssize_t count = read(fd, got + length, sizeof(got) - length);
		if (count <= 0)
			return false;
		length += (size_t)count;
	}
	return length == strlen(text) && memcmp(got, text, length) == 0;
}

/* As long as something moves. */
static void relay(struct terminal *t)
{
	struct pollfd polled[TERMINAL_POLLED];

	for (terminal_poll(t, polled); poll(polled, TERMINAL_POLLED, 200) > 0; terminal_poll(t, polled))
		terminal_move(t, polled);
}

static bool is_raw(int fd)
{
	struct termios modes;

	return tcgetattr(fd, &modes) == 0 && !(modes.c_lflag & (ICANON | ECHO | ISIG)) && !(modes.c_oflag & OPOST);
}

static bool same_modes(int fd, const struct termios *wanted)
{
	struct termios modes;

	return tcgetattr(fd, &modes) == 0 && modes.c_iflag == wanted->c_iflag &&
	       modes.c_oflag == wanted->c_oflag && modes.c_lflag == wanted->c_lflag &&
	       memcmp(modes.c_cc, wanted->c_cc, sizeof(modes.c_cc)) == 0;
}

static void test_find(void)
{
	struct pair a = open_pair(), b = open_pair();
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), pipes[2];
	struct terminal t;
	struct terminal_wish wish;

	if (pipe2(pipes, O_CLOEXEC) < 0)
		abort();
	ok(terminal_find(&t, (int[3]){ null, pipes[1], -1 }, &wish) == 0 && !wish.streams && t.outer < 0,
	   "no terminal among the streams");
	ok(terminal_find(&t, (int[3]){ a.master, null, null }, &wish) == 0 && !wish.streams,
	   "the other end of one is none");
	ok(terminal_find(&t, (int[3]){ null, a.slave, b.slave }, &wish) == 0 && wish.streams == 2,
	   "the first one counts, another does not");
	ok(t.outer > 2 && t.outer != a.slave && fcntl(t.outer, F_GETFL) & O_NONBLOCK &&
		   !(fcntl(a.slave, F_GETFL) & O_NONBLOCK),
	   "it is opened anew, not to wait, and the caller's is left alone");
	terminal_close(&t);
	ok(terminal_find(&t, (int[3]){ a.slave, a.slave, a.slave }, &wish) == 0 && wish.streams == 7 &&
		   wish.foreground,
	   "three times the same; the program has the keyboard");
	terminal_close(&t);
	ok(terminal_find(&t, (int[3]){ a.slave, pipes[1], a.slave }, &wish) == 0 && wish.streams == 5 &&
		   !wish.foreground && !t.asked,
	   "before a pipe it has not");
	terminal_close(&t);
	close(pipes[0]);
	close(pipes[1]);
	close(null);
	close_pair(a);
	close_pair(b);
}

static void test_attach(void)
{
	struct pair a = open_pair(), b = open_pair();
	struct terminal t;
	struct terminal_wish wish;
	int sockets[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) < 0)
		abort();
	terminal_find(&t, (int[3]){ a.slave, a.slave, a.slave }, &wish);
	ok(terminal_attach(&t, sockets[0]) == -EINVAL && fcntl(sockets[0], F_GETFD) < 0,
	   "a socket is refused, and closed");
	ok(terminal_attach(&t, dup(b.slave)) == -EINVAL, "so is a terminal");
	ok(terminal_attach(&t, open("/dev/null", O_RDWR | O_CLOEXEC)) == -EINVAL, "and /dev/null");
	ok(terminal_attach(&t, open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)) == -EINVAL && t.master < 0,
	   "and what was not opened, or leads elsewhere");
	ok(terminal_attach(&t, dup(b.master)) == 0, "a master is taken");
	ok(terminal_attach(&t, dup(b.master)) == -EINVAL, "once");
	terminal_close(&t);
	close(sockets[1]);
	close_pair(a);
	close_pair(b);
}

static void test_relay(void)
{
	struct pair outer = open_pair(), inner = open_pair();
	struct winsize size = { .ws_row = 7, .ws_col = 9 }, got = { 0 };
	struct terminal t;
	struct terminal_wish wish;

	terminal_find(&t, (int[3]){ outer.slave, outer.slave, outer.slave }, &wish);
	terminal_attach(&t, dup(inner.master));
	ok(!is_raw(outer.slave), "nothing has changed yet");
	put(inner.slave, "a\nb\n");
	relay(&t);
	ok(reads(outer.master, "a\r\nb\r\n"), "a newline gets one carriage return, not two");
	ioctl(outer.slave, TIOCSWINSZ, &size);
	ok(terminal_take(&t) && t.keyboard && is_raw(outer.slave), "with the keyboard it is raw");
	ok(ioctl(inner.slave, TIOCGWINSZ, &got) == 0 && got.ws_row == 7 && got.ws_col == 9, "the size is passed");
	put(inner.slave, "c\n");
	relay(&t);
	ok(reads(outer.master, "c\r\n"), "raw, the inner one's carriage return counts");
	put(outer.master, "key\r");
	relay(&t);
	ok(reads(inner.slave, "key\n"), "keys arrive");
	ok(reads(outer.master, "key\r\n"), "and are echoed by the inner terminal");
	terminal_give_back(&t);
	ok(same_modes(outer.slave, &wish.modes), "given back, the modes are as before");
	put(outer.master, "other\n");
	relay(&t);
	ok(t.in.length == 0 && reads(outer.slave, "other\n"), "then no key is read");
	terminal_take(&t);
	terminal_close(&t);
	ok(same_modes(outer.slave, &wish.modes), "closing gives back too");
	close_pair(outer);
	close_pair(inner);
}

static void test_modes(void)
{
	struct pair outer = open_pair(), inner = open_pair();
	struct terminal t;
	struct terminal_wish wish;
	struct termios cooked, raw;

	tcgetattr(outer.slave, &cooked);
	raw = cooked;
	cfmakeraw(&raw);
	tcsetattr(outer.slave, TCSANOW, &raw); /* a shell edits its line */
	terminal_find(&t, (int[3]){ outer.slave, outer.slave, outer.slave }, &wish);
	tcsetattr(inner.slave, TCSANOW, &wish.modes);
	terminal_attach(&t, dup(inner.master));
	tcsetattr(outer.slave, TCSANOW, &cooked);
	terminal_take(&t);
	ok(same_modes(inner.slave, &cooked), "the inner modes are those of the moment when the terminal is ours");
	tcsetattr(inner.slave, TCSANOW, &raw);
	terminal_give_back(&t);
	terminal_take(&t);
	ok(same_modes(inner.slave, &raw), "later they are the program's");
	tcsetattr(outer.slave, TCSANOW, &raw); /* stopped from outside, a shell has been here */
	terminal_take(&t);
	terminal_close(&t);
	ok(same_modes(outer.slave, &cooked), "taken twice, the first modes are given back");
	close_pair(outer);
	close_pair(inner);
}

static void test_ends(void)
{
	struct pair outer = open_pair(), inner = open_pair();
	struct terminal t;
	struct terminal_wish wish;
	struct pollfd hung = { .fd = inner.slave };
	size_t written = 0;

	terminal_find(&t, (int[3]){ outer.slave, outer.slave, outer.slave }, &wish);
	terminal_attach(&t, dup(inner.master));
	close(inner.master);
	terminal_take(&t);
	fcntl(inner.slave, F_SETFL, O_NONBLOCK);
	for (int idle = 0; idle < 3; idle++) {
		ssize_t count = write(inner.slave, "0123456789", 10);
		for (; count > 0; idle = 0) {
			written += (size_t)count;
			count = write(inner.slave, "0123456789", 10);
		}
		relay(&t);
	}
	ok(written > 0 && written < 100000 && t.out.length <= TERMINAL_ROOM,
	   "nobody reads the outer terminal: the writer waits, we hold %zu bytes", t.out.length);
	ok(!terminal_drained(&t), "and know that something is left");
	close(outer.master);
	relay(&t);
	ok(t.master < 0 && poll(&hung, 1, 0) == 1 && hung.revents & POLLHUP, "when it is gone the inner one is hung up");
	ok(terminal_drained(&t), "and nothing is left to be written");
	terminal_close(&t);
	close(outer.slave);
	close(inner.slave);
}

static void test_drain(void)
{
	struct pair outer = open_pair(), inner = open_pair();
	struct terminal t;
	struct terminal_wish wish;

	terminal_find(&t, (int[3]){ outer.slave, outer.slave, outer.slave }, &wish);
	terminal_attach(&t, dup(inner.master));
	close(inner.master);
	put(inner.slave, "last");
	close(inner.slave);
	ok(!terminal_drained(&t), "the last output of a program that has ended is found");
	relay(&t);
	ok(terminal_drained(&t) && reads(outer.master, "last"), "and written");
	terminal_close(&t);
	close_pair(outer);
}

int main(void)
{
	alarm(60);
	test_find();
	test_attach();
	test_relay();
	test_modes();
	test_ends();
	test_drain();
	return done();
}
