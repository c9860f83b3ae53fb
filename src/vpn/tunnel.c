/* vpn/tunnel.c - finds the holder of a tunnel or starts it, and waits for its word.
 * Must not: send anything another way when there is no tunnel. */
#include "vpn/tunnel.h"
#include "base/fd.h"
#include "base/own.h"
#include "base/process.h"
#include "base/sha256.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TICK_MS = 200, GRACE_SECONDS = 5, BACKLOG = 64, TRIES = 8 };

/* What is needed to start a holder. */
struct holder {
	const char *program, *name, *kind, *digest, *text;
	int directory;		   /* ".vpn" */
	const char *key;	   /* of its files there */
};

/* A name as it is; a path by its digest, since it may hold anything. */
static const char *key_of(struct arena *arena, const char *name)
{
	char digest[SHA256_TEXT];
	struct sha256 sha;

	if (*name != '/')
		return name;
	sha256_init(&sha);
	sha256_add(&sha, name, strlen(name));
	sha256_finish(&sha, digest);
	return arena_printf(arena, "%.32s.path", digest);
}

static const char *digest_of(struct arena *arena, const char *text)
{
	char digest[SHA256_TEXT];
	struct sha256 sha;

	sha256_init(&sha);
	sha256_add(&sha, text, strlen(text));
	sha256_finish(&sha, digest);
	return arena_strdup(arena, digest);
}

/* ---- the socket ---- */

/* Through a descriptor, since a path may be longer than a socket's name. */
static bool name_socket(const char *key, int directory, struct sockaddr_un *ret)
{
	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	int length = snprintf(ret->sun_path, sizeof(ret->sun_path), "/proc/self/fd/%d/%s", directory, key);
	return length > 0 && (size_t)length < sizeof(ret->sun_path);
}

/* -ENOENT for what is no socket of ours as well, a link too: nobody leads us to another's. */
static int open_socket(int directory, const char *key)
{
	AUTO_FD int place = openat(directory, key, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat status;

	if (place < 0 || fstat(place, &status) < 0)
		return -errno;
	return S_ISSOCK(status.st_mode) && status.st_uid == geteuid() ? TAKE_FD(place) : -ENOENT;
}

static int connect_to(int directory, const char *key)
{
	static const struct timeval patience = { .tv_sec = GRACE_SECONDS };
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	AUTO_FD int place = open_socket(directory, key);
	AUTO_FD int fd = place < 0 ? place : socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return place < 0 ? place : -errno;
	snprintf(name.sun_path, sizeof(name.sun_path), "/proc/self/fd/%d", place);
	/* One that is stopped may have all the callers that it can; the directory is locked meanwhile. */
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&name, sizeof(name)) < 0)
		return errno == ECONNREFUSED ? -ENOENT : errno == EAGAIN ? -ETIMEDOUT : -errno;
	return TAKE_FD(fd);
}

static int listen_at(int directory, const char *key)
{
	struct sockaddr_un name;
	AUTO_FD int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (fd < 0 || !name_socket(key, directory, &name))
		return fd < 0 ? -errno : -ENAMETOOLONG;
	if (unlinkat(directory, key, 0) < 0 && errno != ENOENT)
		return -errno;
	if (bind(fd, (struct sockaddr *)&name, sizeof(name)) < 0 || listen(fd, BACKLOG) < 0)
		return -errno;
	return TAKE_FD(fd);
}

static int send_word(int fd, char word, const char *text, int with)
{
	const struct iovec parts[] = { { &word, 1 }, { (void *)text, strlen(text) } };

	return (int)MIN(fd_send(fd, parts, ARRAY_SIZE(parts), &with, with >= 0, 0), (ssize_t)0);
}

/* One packet; the gifts come with SAY_UP.  Its word, 0 at the end, or -errno. */
static int receive_word(int fd, int flags, char text[TUNNEL_MESSAGE], int gifts[TUNNEL_GIFTS])
{
	ssize_t length = fd_receive(fd, text, TUNNEL_MESSAGE - 1, gifts, TUNNEL_GIFTS, flags);

	if (length <= 0)
		return (int)length;
	int word = (unsigned char)text[0];
	memmove(text, text + 1, (size_t)length - 1);
	text[length - 1] = '\0';
	return word;
}

static void close_all(int gifts[TUNNEL_GIFTS])
{
	for (size_t i = 0; i < TUNNEL_GIFTS; i++)
		fd_closep(&gifts[i]);
}

/* ---- the holder ---- */

/* Descriptors 3 and 4 are its socket and its configuration. */
_Noreturn static void run_holder(const struct holder *holder, int listener, int configuration)
{
	const char *const argv[] = { "cuddy-vpn", holder->kind, holder->digest, holder->name, NULL };
	static const char *const envp[] = { "PATH=/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin", NULL };
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), from[] = { null, null, null, listener, configuration };

	process_begin_helper();
	if (null >= 0 && fd_arrange(from, ARRAY_SIZE(from)) == 0 && chdir("/") == 0)
		execve(holder->program, (char *const *)argv, (char *const *)envp);
	_exit(127);
}

/* It belongs to nobody: the next cage may need it when this one has ended. */
static int start_holder(const struct holder *holder)
{
	AUTO_FD int listener = listen_at(holder->directory, holder->key);
	AUTO_FD int configuration = listener < 0 ? listener : fd_from_text("configuration", holder->text);
	int status;

	if (configuration < 0)
		return configuration;
	pid_t pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0) {
		if (fork() == 0)
			run_holder(holder, listener, configuration);
		_exit(0);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return 0;
}

/* A connection to the holder, which is started where there is none. */
static int reach(const struct holder *holder)
{
	int fd = connect_to(holder->directory, holder->key);

	if (fd != -ENOENT)
		return fd;
	int r = start_holder(holder);
	return r < 0 ? r : connect_to(holder->directory, holder->key);
}

static int open_directory(int runtime, bool create)
{
	return fd_make_directory(runtime, ".vpn", O_RDONLY, create);
}

/* One holder starts, however many want it.  The lock is the directory's, held for a moment only. */
static int lock_and_reach(const struct holder *holder)
{
	int r;

	do
		r = flock(holder->directory, LOCK_EX);
	while (r < 0 && errno == EINTR);
	int fd = r < 0 ? -errno : reach(holder);
	flock(holder->directory, LOCK_UN);
	return fd;
}

/* ---- attaching ---- */

static bool was_interrupted(void)
{
	sigset_t pending;

	return sigpending(&pending) == 0 && (sigismember(&pending, SIGINT) || sigismember(&pending, SIGTERM) ||
					     sigismember(&pending, SIGHUP));
}

/* A person who waits sees what for. */
static void show_progress(struct arena *arena, const char *name, const char *words)
{
	if (isatty(STDERR_FILENO) && words)
		dprintf(STDERR_FILENO, "\r\033[Kwaiting for the VPN '%s': %.60s", str_quote(arena, name),
			str_quote(arena, arena_strndup(arena, words, strnlen(words, 60))));
	else if (isatty(STDERR_FILENO))
		dprintf(STDERR_FILENO, "\r\033[K");
}

/* Waits for the first word that decides: SAY_UP, SAY_FAILED, SAY_OTHER; 0: the holder is gone; -errno. */
static int await(struct arena *arena, const char *name, int fd, char text[TUNNEL_MESSAGE], int gifts[TUNNEL_GIFTS])
{
	long long end = clock_ms() + (TUNNEL_SECONDS + GRACE_SECONDS) * 1000LL;
	struct pollfd polled = { .fd = fd, .events = POLLIN };
	int word = SAY_WAIT;

	*text = '\0';
	show_progress(arena, name, "it is being started");
	while (word == SAY_WAIT) {
		int r = poll(&polled, 1, TICK_MS);
		if (r > 0) {
			close_all(gifts);
			word = receive_word(fd, 0, text, gifts);
		}
		if (r > 0 && word == SAY_WAIT)
			show_progress(arena, name, text);
		if (was_interrupted())
			word = -EINTR;
		else if (word == SAY_WAIT && clock_ms() > end)
			word = -ETIMEDOUT;
	}
	show_progress(arena, name, NULL);
	return word;
}

static int tell_failure(struct diags *d, const char *name, const struct origin *origin, int word, char *text)
{
	name = str_quote(d->arena, name);
	if (word == SAY_OTHER) {
		diag_error(d, "C425", origin, "the VPN '%s' is up with another configuration", name);
		diag_help(d, "'cuddy vpn status' shows its cages; end them first");
		return -EBUSY;
	}
	diag_error(d, "C423", origin, "the VPN '%s' did not come up%s%s", name, word < 0 ? ": " : "",
		   word < 0 ? strerror(-word) : "");
	if (word == 0)
		diag_note(d, NULL, "cuddy-vpn ended without a word");
	for (char *line = strtok(text, "\n"); line && word == SAY_FAILED; line = strtok(NULL, "\n"))
		diag_note(d, NULL, "%s", str_quote(d->arena, line));
	diag_help(d, "the program was not started; 'cuddy doctor' says what this computer lacks for a VPN");
	return -EIO;
}

/* One who was about to end as we came is gone before it answers: then another is started. */
static int attach_to(struct arena *arena, const struct holder *holder, const char *name, int pidfd,
		     char text[TUNNEL_MESSAGE], struct tunnel *ret)
{
	int word = 0;

	for (unsigned tries = 0; word == 0 && tries < TRIES; tries++) {
		int gifts[TUNNEL_GIFTS] = { -1, -1, -1 };
		AUTO_FD int fd = lock_and_reach(holder);
		if (fd < 0)
			return fd;
		word = send_word(fd, ASK_ATTACH, holder->digest, pidfd);
		if (word == 0 || word == -EPIPE) /* who has closed it may have said why */
			word = await(arena, name, fd, text, gifts);
		if (word == -EPIPE || word == -ECONNRESET)
			word = 0;
		if (word == SAY_UP && gifts[TUNNEL_GIFTS - 1] >= 0) {
			ret->socket = TAKE_FD(fd);
			memcpy(ret->gifts, gifts, sizeof(gifts));
		} else {
			close_all(gifts);
		}
	}
	return word;
}

int tunnel_attach(struct arena *arena, const struct tunnel_places *places, const char *name,
		  const struct origin *origin, int pidfd, struct diags *d, struct tunnel *ret)
{
	struct vpn_config *config;
	char text[TUNNEL_MESSAGE] UNSET;
	const char *path;

	*text = '\0';
	if (vpn_find(arena, &places->configurations, name, origin, d, &path) < 0 ||
	    vpn_config_load(arena, path, origin, d, &config) < 0)
		return -EINVAL;
	AUTO_FD int directory = open_directory(places->runtime, true);
	const char *stored = vpn_stored_text(arena, config);
	struct holder holder = {
		.program = own_helper(arena, "cuddy-vpn"), .name = name, .kind = config->kind == VPN_OPENVPN ? "openvpn" : "wireguard",
		.digest = digest_of(arena, stored), .text = stored, .directory = directory,
		.key = key_of(arena, name),
	};
	int word = directory < 0 ? directory : attach_to(arena, &holder, name, pidfd, text, ret);
	return word == SAY_UP && ret->socket ? 0 : tell_failure(d, name, origin, word, text);
}

/* ---- using and leaving ---- */

void tunnel_leave(struct tunnel *tunnel, struct diags *d)
{
	char text[TUNNEL_MESSAGE], words[TUNNEL_MESSAGE] = "";
	int gifts[TUNNEL_GIFTS], word = 0;
	unsigned downs = 0;

	if (!tunnel->socket)
		return;
	while ((word = receive_word(tunnel->socket, MSG_DONTWAIT, text, gifts)) > 0 && word != SAY_BYE) {
		close_all(gifts);
		if (word != SAY_DOWN)
			continue;
		downs++;
		strcpy(words, text);
	}
	if (d && word == 0)
		diag_warning(d, "C424", NULL, "cuddy-vpn ended before the cage: the cage's network was cut");
	else if (d && downs)
		diag_warning(d, "C424", NULL, "the VPN was down %u time%s: the cage's network was cut meanwhile", downs,
			     downs == 1 ? "" : "s");
	for (char *line = strtok(words, "\n"); d && line; line = strtok(NULL, "\n"))
		diag_note(d, NULL, "%s", str_quote(d->arena, line));
	fd_closep(&tunnel->socket);
	close_all(tunnel->gifts);
	*tunnel = (struct tunnel){ 0 };
}

/* NULL: it does not run, or does not answer. */
static const char *ask_status(struct arena *arena, int directory, const char *key)
{
	struct timeval patience = { .tv_sec = GRACE_SECONDS };
	AUTO_FD int fd = connect_to(directory, key);
	char text[TUNNEL_MESSAGE];
	int gifts[TUNNEL_GIFTS] = { -1, -1, -1 };
	bool good = fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) == 0 &&
		    send_word(fd, ASK_STATUS, "", -1) == 0 && receive_word(fd, 0, text, gifts) == SAY_STATUS;

	close_all(gifts);
	return good ? arena_strdup(arena, text) : NULL;
}

int tunnel_list(struct arena *arena, int runtime, const char *const **ret)
{
	VEC(const char *) texts = { 0 };
	int directory = open_directory(runtime, false);
	DIR *stream = directory < 0 ? NULL : fdopendir(directory);
	const struct dirent *entry;

	if (!stream && directory >= 0)
		close(directory);
	while (stream && (entry = readdir(stream))) {
		const char *text = *entry->d_name == '.' ? NULL : ask_status(arena, dirfd(stream), entry->d_name);
		if (text)
			*vec_push(arena, &texts) = text;
	}
	if (stream)
		closedir(stream);
	*vec_push(arena, &texts) = NULL;
	*ret = texts.items;
	return directory < 0 && directory != -ENOENT ? directory : 0;
}
