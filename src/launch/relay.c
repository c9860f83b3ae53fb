/* launch/relay.c - decides which standard streams are passed and copies the others.
 * Never sets O_NONBLOCK on a descriptor of the caller, who shares it with others: outside we poll first.
 * Must not: keep state of its own, trust what the cage does to its ends of the pipes. */
#include "launch/relay.h"
#include "launch/kernel.h"
#include "base/fd.h"

#include <limits.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <termios.h>

/* Sockets cannot be reopened; these two devices have nothing to gain, unless they are the caller's own:
 * with the descriptor the program could change the mode of the host's node (fchmod(2)). */
static bool may_pass(const struct stat *status)
{
	if (S_ISSOCK(status->st_mode))
		return true;
	return S_ISCHR(status->st_mode) && status->st_uid != geteuid() &&
	       (status->st_rdev == makedev(1, 3) || status->st_rdev == makedev(1, 5));
}

/* 0 to 2 stay free even if the caller closed them: our messages must not go into a pipe. */
static int above_streams(int fd)
{
	if (fd < 0 || fd > 2)
		return RESULT(fd);
	AUTO_FD int low = fd;
	return RESULT(fcntl(low, F_DUPFD_CLOEXEC, 3));
}

static int relay_open(struct relay *relay, int outside, const struct stat *status, bool output,
		      int *ret_program)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	int reader = above_streams(ends[0]), writer = above_streams(ends[1]);
	int ours = output ? reader : writer, program = output ? writer : reader;
	if (reader < 0 || writer < 0 || fcntl(ours, F_SETFL, O_NONBLOCK) < 0) {
		int error = reader < 0 ? reader : writer < 0 ? writer : -errno;
		fd_closep(&reader);
		fd_closep(&writer);
		return error;
	}
	relay->outside = outside;
	relay->inside = ours;
	relay->output = output;
	relay->terminal = S_ISCHR(status->st_mode) && isatty(outside);
	relay->seekable = S_ISREG(status->st_mode);
	/* Splicing a file in would hand pages of the host's cache to the cage (CVE-2022-0847). */
	relay->no_splice = !output;
	if (!output)
		relay->kept = program;
	*ret_program = program;
	return 0;
}

/* What the caller closed leads here. */
static int open_null(struct relays *all, struct stat *status)
{
	if (all->null < 0)
		all->null = above_streams(open("/dev/null", O_RDWR | O_CLOEXEC));
	return all->null < 0 ? all->null : fstat(all->null, status) < 0 ? -errno : all->null;
}

int relays_open(struct relays *all, const int streams[3], unsigned elsewhere)
{
	struct stat status[3];
	int r = 0;

	all->null = -1;
	for (int i = 0; i < 3; i++) {
		all->list[i] = (struct relay){ .outside = -1, .inside = -1, .kept = -1, .buffer = all->room[i] };
		all->made[i] = -1;
	}
	for (int i = 0; i < 3 && r >= 0; i++) {
		bool replaced = elsewhere & 1u << i;
		int outside = streams[i];
		if (replaced || fstat(outside, &status[i]) < 0)
			r = outside = open_null(all, &status[i]);
		if (r < 0)
			break;
		if (replaced || may_pass(&status[i])) {
			all->streams[i] = outside;
		} else if (i == 2 && all->list[1].inside >= 0 && status[1].st_dev == status[2].st_dev &&
			   status[1].st_ino == status[2].st_ino) {
			all->streams[2] = all->streams[1]; /* 2>&1 keeps its order */
		} else {
			r = relay_open(&all->list[i], outside, &status[i], i > 0, &all->streams[i]);
			if (r == 0 && i > 0)
				all->made[i] = all->streams[i];
		}
	}
	if (r < 0)
		relays_close(all);
	return MIN(r, 0);
}

static void close_now(int *fd)
{
	fd_closep(fd);
	*fd = -1;
}

void relays_started(struct relays *all)
{
	for (size_t i = 0; i < ARRAY_SIZE(all->made); i++)
		close_now(&all->made[i]);
}

/* In the background a read would stop us; SIGCONT wakes the caller's poll when that changes. */
static bool in_background(const struct relay *relay)
{
	pid_t group = relay->terminal ? tcgetpgrp(relay->outside) : -1;

	return group > 0 && group != getpgrp();
}

void relays_poll(struct relays *all, struct pollfd polled[RELAY_POLLED])
{
	for (int i = 0; i < 3; i++) {
		struct relay *relay = &all->list[i];
		int from = relay->output ? relay->inside : relay->outside;
		int to = relay->output ? relay->outside : relay->inside;
		bool full = relay->readable || relay->length;

		if (relay->inside < 0)
			from = to = -1;
		else if (full || (!relay->output && in_background(relay)))
			from = -1;
		/* Without events the far end is still seen to close. */
		polled[2 * i] = (struct pollfd){ from, POLLIN, 0 };
		polled[2 * i + 1] = (struct pollfd){ to, full ? POLLOUT : 0, 0 };
	}
}

static void relay_lost(struct relay *relay, int error)
{
	if (relay->output && error != -EPIPE)
		relay->error = error;
	relay->length = 0;
	close_now(&relay->inside); /* the program gets SIGPIPE, or the end of its input */
}

/* Moves one portion: both ends are ready. */
static int relay_move(struct relay *relay)
{
	int from = relay->output ? relay->inside : relay->outside;
	int to = relay->output ? relay->outside : relay->inside;
	ssize_t count;

	if (!relay->no_splice) {
		count = splice(from, NULL, to, NULL, RELAY_ROOM, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
		if (count > 0 || (count < 0 && (errno == EAGAIN || errno == EINTR)))
			return 0;
		if (count == 0) {
			close_now(&relay->inside);
			return 0;
		}
		relay->no_splice = true; /* appending, or a device: the slow way also says why */
	}
	if (!relay->length) {
		count = read(from, relay->buffer, RELAY_ROOM);
		if (count < 0)
			return -errno;
		if (count == 0) {
			close_now(&relay->inside);
			return 0;
		}
		relay->at = 0;
		relay->length = (size_t)count;
		relay->moved += (size_t)count;
	}
	/* What poll() called writable takes that much of a pipe without blocking. */
	bool may_block = relay->output && !relay->seekable;
	size_t portion = may_block ? MIN(relay->length, (size_t)PIPE_BUF) : relay->length;
	count = write(to, relay->buffer + relay->at, portion);
	if (count < 0)
		return -errno;
	relay->at += (size_t)count;
	relay->length -= (size_t)count;
	return 0;
}

void relays_move(struct relays *all, const struct pollfd polled[RELAY_POLLED])
{
	for (int i = 0; i < 3; i++) {
		struct relay *relay = &all->list[i];
		const struct pollfd *from = &polled[2 * i], *to = &polled[2 * i + 1];

		if (relay->inside < 0)
			continue;
		relay->readable = relay->readable || from->revents;
		if (to->revents & (POLLERR | POLLNVAL | POLLHUP) && !(to->revents & POLLOUT)) {
			relay_lost(relay, to->revents & POLLNVAL ? -EBADF : -EPIPE);
			continue;
		}
		if (!(to->revents & POLLOUT) || !(relay->readable || relay->length))
			continue;
		int r = relay_move(relay);
		relay->readable = false;
		if (r < 0 && r != -EAGAIN && r != -EINTR)
			relay_lost(relay, r);
	}
}

static size_t waiting(int fd)
{
	int count = 0;

	return fd >= 0 && ioctl(fd, FIONREAD, &count) == 0 && count > 0 ? (size_t)count : 0;
}

bool relays_drained(const struct relays *all)
{
	for (int i = 1; i < 3; i++)
		if (all->list[i].inside >= 0 && (all->list[i].length || waiting(all->list[i].inside)))
			return false;
	return true;
}

int relays_close(struct relays *all)
{
	struct relay *input = &all->list[0];
	int error = 0;

	if (input->seekable) {
		/* The cage may have filled its pipe itself: never more than we took. */
		uint64_t unread = MIN((uint64_t)(waiting(input->kept) + input->length), input->moved);
		if (unread)
			lseek(input->outside, -(off_t)unread, SEEK_CUR);
	}
	close_now(&input->kept);
	for (int i = 0; i < 3; i++) {
		close_now(&all->list[i].inside);
		error = error ? error : all->list[i].error;
	}
	relays_started(all);
	close_now(&all->null);
	return error;
}
