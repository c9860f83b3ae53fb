/* cage/state.c - the directory, the lock and the socket of a running cage.
 * Must not: believe a process id in a file, remove what belongs to a cage that runs. */
#include "cage/state.h"
#include "cage/data.h"
#include "cage/grants.h"
#include "base/fd.h"
#include "base/path.h"
#include "network/counters.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define SOCKET "socket"
#define COUNTERS "network"
#define PEERS "peers"
#define BACKLOG 128
#define LOCK_TRIES 6000 /* half a minute, at 5 ms each */

/* A directory that is the caller's and nobody else's. */
static int open_private(int dir, const char *name, bool create)
{
	AUTO_FD int fd = fd_make_directory(dir, name, O_RDONLY, create);
	struct stat status;

	if (fd < 0)
		return fd;
	if (fstat(fd, &status) < 0)
		return -errno;
	return status.st_uid != geteuid() || status.st_mode & 077 ? -EPERM : TAKE_FD(fd);
}

/* The first of the tops that is the caller's alone, and in *ret its path; -1: none. */
static int open_top(const char *runtime, char room[64], const char **ret)
{
	const char *const tops[] = { runtime, room };
	int top = -1;

	snprintf(room, 64, "/run/user/%u", geteuid());
	for (size_t i = 0; top < 0 && i < ARRAY_SIZE(tops); i++)
		if (tops[i] && *tops[i] == '/') {
			*ret = tops[i];
			top = open_private(AT_FDCWD, tops[i], false);
		}
	return MAX(top, -1);
}

int cage_runtime_open(const struct cage_places *places, bool create)
{
	const char *path;
	char room[64];
	AUTO_FD int top = open_top(places->runtime, room, &path);

	if (top >= 0)
		return open_private(top, "cuddy", create);
	AUTO_FD int state = open_private(AT_FDCWD, places->state, false);
	return state < 0 ? state : open_private(state, "running", create);
}

const char *cage_runtime_path(struct arena *arena, const struct cage_places *places)
{
	const char *path;
	char room[64];
	AUTO_FD int top = open_top(places->runtime, room, &path);

	return top >= 0 ? path_join(arena, path_normal(arena, "/", path), "cuddy")
			: path_join(arena, places->state, "running");
}

/* Whoever starts, ends or removes a cage holds the lock, and it may never let go: stopped, or stuck in a
 * file system.  flock(2) knows no time limit.  -EINTR when a signal came. */
static int lock(int gate)
{
	static const struct timespec pause = { .tv_nsec = 5 * 1000 * 1000 };

	for (unsigned tries = 0; flock(gate, LOCK_EX | LOCK_NB) < 0; tries++) {
		if (errno != EWOULDBLOCK)
			return -errno;
		if (tries >= LOCK_TRIES)
			return -ETIMEDOUT;
		if (nanosleep(&pause, NULL) < 0)
			return -errno;
	}
	return 0;
}

int cage_gate_look(int runtime, const char *name, bool *ret_locked)
{
	AUTO_FD int gate = cage_name_is_valid(name) ? open_private(runtime, name, false) : -EINVAL;
	struct stat locked, now;

	if (gate < 0)
		return gate;
	*ret_locked = flock(gate, LOCK_EX | LOCK_NB) == 0 && fstat(gate, &locked) == 0 &&
		      fstatat(runtime, name, &now, AT_SYMLINK_NOFOLLOW) == 0 && now.st_ino == locked.st_ino &&
		      now.st_dev == locked.st_dev;
	return TAKE_FD(gate);
}

int cage_gate_open(int runtime, const char *name, bool create)
{
	if (!cage_name_is_valid(name))
		return -EINVAL;
	for (;;) {
		AUTO_FD int gate = open_private(runtime, name, create);
		struct stat locked, now;
		int r = gate < 0 ? gate : lock(gate);

		if (r == -ENOENT && create)
			continue; /* the one before removed it just now */
		if (r < 0 || fstat(gate, &locked) < 0)
			return r < 0 ? r : -errno;
		/* While we waited, the one before may have removed it, and another made it anew. */
		if (fstatat(runtime, name, &now, AT_SYMLINK_NOFOLLOW) == 0 && now.st_ino == locked.st_ino &&
		    now.st_dev == locked.st_dev)
			return TAKE_FD(gate);
	}
}

/* sun_path holds 108 bytes: the directory is named by its descriptor. */
static int make_socket(int gate, const char *name, int type, struct sockaddr_un *ret)
{
	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	snprintf(ret->sun_path, sizeof(ret->sun_path), "/proc/self/fd/%d/%s", gate, name);
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	return fd < 0 ? -errno : fd;
}

/* Binds it there, in the place of what was. */
static int take_place(int gate, const char *name, int fd, const struct sockaddr_un *address)
{
	if (bind(fd, (const struct sockaddr *)address, sizeof(*address)) == 0)
		return 0;
	if (errno != EADDRINUSE || unlinkat(gate, name, 0) < 0 ||
	    bind(fd, (const struct sockaddr *)address, sizeof(*address)) < 0)
		return -errno;
	return 0;
}

int cage_gate_listen(int gate)
{
	struct sockaddr_un address;
	AUTO_FD int fd = make_socket(gate, SOCKET, SOCK_SEQPACKET, &address);
	int r = fd < 0 ? fd : take_place(gate, SOCKET, fd, &address);

	if (r < 0)
		return r;
	grants_clear(gate); /* of one that was killed */
	return listen(fd, BACKLOG) < 0 ? -errno : TAKE_FD(fd);
}

int cage_gate_peers(int gate)
{
	struct sockaddr_un address;
	AUTO_FD int fd = make_socket(gate, PEERS, SOCK_DGRAM | SOCK_NONBLOCK, &address);
	int r = fd < 0 ? fd : take_place(gate, PEERS, fd, &address);

	return r < 0 ? r : TAKE_FD(fd);
}

int cage_gate_counters(int gate, bool create)
{
	int flags = create ? O_RDWR | O_CREAT | O_TRUNC : O_RDONLY;
	AUTO_FD int fd = openat(gate, COUNTERS, flags | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0 || (create && ftruncate(fd, sizeof(struct network_counters)) < 0))
		return -errno;
	return TAKE_FD(fd);
}

int cage_gate_connect(int gate, enum serve_command request, struct cage_handles *ret)
{
	static const struct timeval patience = { .tv_sec = 10 }; /* also for a place among those who wait */
	struct sockaddr_un address;
	AUTO_FD int fd = make_socket(gate, SOCKET, SOCK_SEQPACKET, &address);
	int on = 1;

	if (fd < 0)
		return fd;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return errno == ECONNREFUSED ? -ENOENT : -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) < 0)
		return -errno;
	int r = cage_handles_receive(TAKE_FD(fd), request, ret);
	return r == -ECONNRESET ? -ENOENT : r == -EAGAIN ? -ETIMEDOUT : r;
}

void cage_gate_clear(int runtime, int gate, const char *name)
{
	struct cage_handles handles;
	int r = cage_gate_connect(gate, SERVE_LOOK, &handles);

	if (r == 0)
		cage_handles_close(&handles);
	if (r != -ENOENT)
		return;
	unlinkat(gate, SOCKET, 0);
	grants_clear(gate);
	unlinkat(gate, COUNTERS, 0);
	unlinkat(gate, PEERS, 0);
	unlinkat(runtime, name, AT_REMOVEDIR); /* what else lies there is not ours */
}
