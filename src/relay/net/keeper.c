/* relay/net/keeper.c - sockets in the host's file system: those that are lent, those that are made to expose a port,
 * those of the other cages of a private network.
 *
 * The relay can reach no file.  A process forked before it gives up its rights connects to the sockets that
 * the profile lends, known by their number, and calls other cages, by their name; and when the relay has ended,
 * however it ended, it takes away the sockets that were made.  No link is followed on the way to any: whoever can
 * write there, the cage too, could lead us to another service.
 * Must not: open a file, take a path of the relay, let it say who calls. */
#include "relay/net/confine.h"
#include "relay/net/relay.h"
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

enum { LOCK_TRIES = 100, LOCK_WAIT_US = 10000, KEEPER_SECONDS = 5, CALL_US = 200000 };
enum { OWN_END = 3, CAGES = 4, DIRECTORIES = 5 }; /* descriptors of the keeper */

/* What the relay wants. */
struct wish {
	enum { WISH_LENT, WISH_LOOK, WISH_CALL } what;
	uint32_t index; /* of what is lent */
	bool v6;	/* when that is a port */
	char cage[PEER_NAME];
	struct peer_call call;
};


/* A socket that was made: where, and which one, since another may have taken its place. */
struct exposed {
	int directory;
	char name[LENDING_PATH + 1];
	dev_t device;
	ino_t inode;
};

static int open_below(int directory, const char *path, int flags)
{
	return fd_open_resolved(directory, path, (unsigned)flags, RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
}

/* The directory of an entry's path, and the name there. */
static int open_parent(const struct lending *entry, int flags, char name[LENDING_PATH + 1])
{
	char path[LENDING_PATH + 1];

	memcpy(path, entry->text, entry->path_length);
	path[entry->path_length] = '\0';
	char *slash = strrchr(path, '/');
	strcpy(name, slash + 1);
	*slash = '\0';
	return open_below(AT_FDCWD, slash == path ? "/" : path, flags | O_DIRECTORY);
}

/* Connects to the socket `name`: a new one, or -errno. */
static int connect_at(int directory, const char *name, int type)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	AUTO_FD int place = open_below(directory, name, O_PATH | O_NOFOLLOW);
	AUTO_FD int fd = place < 0 ? place : socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return place < 0 ? place : -errno;
	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d", place);
	return connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : TAKE_FD(fd);
}

/* ---- before the relay gives up its rights ---- */

int keeper_check(const struct lending *entry)
{
	char name[LENDING_PATH + 1];

	if (!entry->path_length)
		return 0;
	AUTO_FD int directory = open_parent(entry, O_PATH, name);
	AUTO_FD int place = directory < 0 ? directory : open_below(directory, name, O_PATH);
	return place < 0 && place != -ENOENT ? place : 0; /* the service may come later */
}

/* Two who start at the same time must not take each other's socket for one that was left. */
static int lock(int directory)
{
	for (unsigned i = 0; flock(directory, LOCK_EX | LOCK_NB) < 0; i++) {
		if (errno != EWOULDBLOCK || i == LOCK_TRIES)
			return -errno;
		usleep(LOCK_WAIT_US);
	}
	return 0;
}

/* A socket of ours that nobody listens to is what a killed relay left. */
static void remove_stale(int directory, const char *name)
{
	struct stat status;

	if (fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISSOCK(status.st_mode) ||
	    status.st_uid != geteuid())
		return;
	int fd = connect_at(directory, name, SOCK_STREAM | SOCK_NONBLOCK);
	if (fd == -ECONNREFUSED)
		unlinkat(directory, name, 0);
	fd_closep(&fd);
}

static int listen_at(struct exposed *at)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	AUTO_FD int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct stat status;

	if (fd < 0 || strlen(at->name) >= sizeof(address.sun_path))
		return fd < 0 ? -errno : -ENAMETOOLONG;
	memcpy(address.sun_path, at->name, strlen(at->name));
	int r = lock(at->directory);
	if (r < 0)
		return r;
	remove_stale(at->directory, at->name);
	umask(0177);
	if (fchdir(at->directory) < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(fd, SOMAXCONN) < 0 || fstatat(at->directory, at->name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		r = -errno;
	flock(at->directory, LOCK_UN);
	(void)!chdir("/");
	at->device = status.st_dev;
	at->inode = status.st_ino;
	return r < 0 ? r : TAKE_FD(fd);
}

int keeper_expose(struct relay *relay, size_t index)
{
	struct exposed at = { 0 };

	if (!relay->exposed) {
		relay->exposed = calloc(relay->rules.exposed.count, sizeof(*relay->exposed));
		must(relay->exposed);
	}
	at.directory = open_parent(&relay->rules.exposed.items[index], O_RDONLY, at.name);
	int fd = at.directory < 0 ? at.directory : listen_at(&at);
	if (fd >= 0)
		relay->exposed[relay->exposed_count++] = at;
	return fd;
}

void keeper_withdraw(const struct relay *relay)
{
	for (size_t i = 0; i < relay->exposed_count; i++) {
		const struct exposed *at = &relay->exposed[i];
		struct stat status;
		if (fstatat(at->directory, at->name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
		    status.st_dev == at->device && status.st_ino == at->inode)
			unlinkat(at->directory, at->name, 0);
	}
}

/* ---- the keeper ---- */

static int connect_port(uint16_t port, bool v6)
{
	AUTO_FD int fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int r = fd < 0 ? -errno : flow_connect(fd, flow_loopback[v6], port);

	return r < 0 ? r : TAKE_FD(fd);
}

static int connect_lent(const struct lending *entry, bool v6)
{
	char name[LENDING_PATH + 1];

	if (!entry->path_length)
		return connect_port(entry->outside, v6);
	AUTO_FD int directory = open_parent(entry, O_PATH, name);
	return directory < 0 ? directory : connect_at(directory, name, SOCK_STREAM | SOCK_NONBLOCK);
}

/* The socket of another cage; -ENOENT or -ECONNREFUSED: there is none. */
static int connect_peer(const char *cage)
{
	char path[PEER_NAME + sizeof("/peers")];

	if (!rules_is_cage(cage, strnlen(cage, PEER_NAME)))
		return -ENOENT;
	snprintf(path, sizeof(path), "%s/peers", cage);
	return connect_at(CAGES, path, SOCK_DGRAM);
}

/* Calls another cage for the relay, which may say what it wants and not who it is. */
static int call_peer(const struct relay *relay, struct wish *wish)
{
	static const struct timeval patience = { .tv_usec = CALL_US };
	const struct iovec call = { &wish->call, sizeof(wish->call) };
	AUTO_FD int peer = connect_peer(wish->cage);
	int ends[2];

	if (peer < 0 || setsockopt(peer, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) < 0 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0)
		return peer < 0 ? peer : -errno;
	snprintf(wish->call.network, sizeof(wish->call.network), "%s", relay->rules.network);
	snprintf(wish->call.from, sizeof(wish->call.from), "%s", relay->rules.cage);
	int r = (int)fd_send(peer, &call, 1, &ends[1], 1, 0);
	close(ends[1]);
	if (r < 0)
		close(ends[0]);
	return r < 0 ? r : ends[0];
}

/* A descriptor or -errno. */
static int grant(const struct relay *relay, struct wish *wish)
{
	switch (wish->what) {
	case WISH_LENT:
		return wish->index < relay->rules.lent.count ? connect_lent(&relay->rules.lent.items[wish->index], wish->v6) : -EINVAL;
	case WISH_LOOK:
		return connect_peer(wish->cage);
	case WISH_CALL:
		return call_peer(relay, wish);
	}
	return -EINVAL;
}

/* Keeps `fd`, the directory of running cages and those of exposed sockets, and closes all else. */
static int keep_only(struct relay *relay, int fd)
{
	int behind = DIRECTORIES + (int)relay->exposed_count, cages = relay->cages;

	fd = fcntl(fd, F_DUPFD_CLOEXEC, behind);
	cages = fcntl(cages, F_DUPFD_CLOEXEC, behind);
	for (size_t i = 0; i < relay->exposed_count; i++)
		relay->exposed[i].directory = fcntl(relay->exposed[i].directory, F_DUPFD_CLOEXEC, behind);
	if (dup2(fd, OWN_END) < 0 || dup2(cages, CAGES) < 0 || dup2(2, 1) < 0)
		return -errno;
	for (size_t i = 0; i < relay->exposed_count; i++) {
		relay->exposed[i].directory = dup2(relay->exposed[i].directory, DIRECTORIES + (int)i);
		if (relay->exposed[i].directory < 0)
			return -errno;
	}
	return syscall(SYS_close_range, (unsigned)behind, ~0u, 0) < 0 ? -errno : 0;
}

_Noreturn static void keep(struct relay *relay, int fd)
{
	struct wish wish;
	int r = keep_only(relay, fd);

	prctl(PR_SET_NAME, "cuddy-keeper", 0, 0, 0);
	signal(SIGTERM, SIG_IGN); /* it ends after the relay */
	if (r == 0)
		r = confine_keeper();
	send(OWN_END, &r, sizeof(r), MSG_NOSIGNAL);
	while (r == 0 && recv(OWN_END, &wish, sizeof(wish), 0) == sizeof(wish)) {
		int made = grant(relay, &wish);
		if (!socket_pass(OWN_END, made))
			break;
		fd_closep(&made);
	}
	keeper_withdraw(relay);
	_exit(0);
}

int keeper_start(struct relay *relay)
{
	static const struct timeval patience = { .tv_sec = KEEPER_SECONDS };
	int ends[2], r = -EPROTO;

	relay->keeper = -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return -errno;
	pid_t pid = fork();
	if (pid == 0)
		keep(relay, ends[1]);
	close(ends[1]);
	AUTO_FD int ours = ends[0];
	if (pid < 0 || setsockopt(ours, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0)
		return -errno;
	if (recv(ours, &r, sizeof(r), 0) != sizeof(r))
		return -EPROTO;
	if (r == 0)
		relay->keeper = TAKE_FD(ours);
	return r;
}

static int ask(struct relay *relay, const struct wish *wish)
{
	if (send(relay->keeper, wish, sizeof(*wish), MSG_NOSIGNAL) != sizeof(*wish))
		return -EPIPE;
	return socket_take(relay->keeper);
}

int keeper_connect(struct relay *relay, const struct lending *entry, bool v6)
{
	struct wish wish = { .what = WISH_LENT, .index = (uint32_t)(entry - relay->rules.lent.items), .v6 = v6 };

	return ask(relay, &wish);
}

static int ask_about(struct relay *relay, const char *name, struct wish *wish)
{
	size_t length = rules_cage_length(&relay->rules, name);

	if (!rules_is_cage(name, length))
		return -ENOENT;
	memcpy(wish->cage, name, length);
	return ask(relay, wish);
}

int keeper_call(struct relay *relay, const char *name, const struct peer_call *call)
{
	struct wish wish = { .what = WISH_CALL, .call = *call };

	return ask_about(relay, name, &wish);
}

bool keeper_has(struct relay *relay, const char *name)
{
	struct wish wish = { .what = WISH_LOOK };
	AUTO_FD int fd = ask_about(relay, name, &wish);

	return fd >= 0;
}

void keeper_end(struct relay *relay)
{
	char byte;

	if (relay->keeper < 0)
		return;
	shutdown(relay->keeper, SHUT_WR);
	(void)!recv(relay->keeper, &byte, 1, 0); /* it answers by ending, when all is gone */
}
