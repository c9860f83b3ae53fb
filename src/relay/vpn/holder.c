/* relay/vpn/holder.c - one loop over the cages of a tunnel and what the inside says of it.
 * A cage is attached by a pidfd: it counts until that process has ended, whoever started it.
 * Must not: allocate, open, start anything; believe a packet's length. */
#include "relay/vpn/holder.h"
#include "relay/vpn/inside.h"
#include "base/fd.h"
#include "base/process.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FIRST_MS = 10000 }; /* that it waits for the first cage */
#define FULL "it has 64 cages, and no room for more" /* HOLDER_USERS */
_Static_assert(HOLDER_USERS == 64, "FULL says how many");

/* ---- talking to cages ---- */

/* 0 or -errno. */
static int say(int fd, char word, const char *text, const int *gifts)
{
	const struct iovec parts[] = { { &word, 1 }, { (void *)text, strnlen(text, TUNNEL_MESSAGE - 2) } };

	return (int)MIN(fd_send(fd, parts, ARRAY_SIZE(parts), gifts, gifts ? TUNNEL_GIFTS : 0, MSG_DONTWAIT), (ssize_t)0);
}

/* The last lines of the client, oldest first. */
static const char *last_words(const struct holder *h, char room[TUNNEL_MESSAGE])
{
	size_t used = 0;

	*room = '\0';
	for (unsigned i = 0; i < ARRAY_SIZE(h->words); i++) {
		const char *line = h->words[(h->word + i) % ARRAY_SIZE(h->words)];
		if (*line && used + strlen(line) + 2 < TUNNEL_MESSAGE)
			used += (size_t)snprintf(room + used, TUNNEL_MESSAGE - used, "%s\n", line);
	}
	return room;
}

static void remember(struct holder *h, const char *line)
{
	snprintf(h->words[h->word], sizeof(h->words[0]), "%.*s", (int)sizeof(h->words[0]) - 1, line);
	h->word = (h->word + 1) % ARRAY_SIZE(h->words);
}

/* Those that the facts name, for the relays of all cages at once. */
static void tell_servers(const struct holder *h)
{
	struct name_server items[NAME_SERVERS];
	char line[sizeof("server ::ffff:") + INET6_ADDRSTRLEN];
	size_t count = 0;

	for (const char *at = h->facts; *at && count < NAME_SERVERS; at += strcspn(at, "\n"), at += *at == '\n') {
		size_t length = strcspn(at, "\n");
		if (!str_starts(at, "server ") || length >= INET6_ADDRSTRLEN + strlen("server "))
			continue;
		bool v6 = memchr(at, ':', length) != NULL;
		snprintf(line, sizeof(line), "%s%.*s", v6 ? "" : "::ffff:", (int)length - 7, at + 7);
		count += inet_pton(AF_INET6, line, items[count].address) == 1;
	}
	name_servers_write(h->servers, items, count);
}

static bool watch(const struct holder *h, int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	return fd < 0 || epoll_ctl(h->epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

/* Tells those who wait (`waiting`), or those who have the tunnel. */
static void say_all(struct holder *h, bool waiting, char word, const char *text)
{
	for (size_t i = 0; i < h->count; i++) {
		struct holder_user *user = &h->users[i];
		bool waits = user->deadline != 0;

		if (user->pidfd < 0 || user->mute || user->gone || waits != waiting)
			continue;
		int r = say(user->socket, word, text, word == SAY_UP && waits ? h->gifts : NULL);
		user->mute = r < 0 && r != -EAGAIN;
		if (word == SAY_UP && r == 0)
			user->deadline = 0;
		user->gone = user->gone || word == SAY_FAILED;
	}
}

static void say_status(const struct holder *h, int fd)
{
	char room[TUNNEL_MESSAGE];
	unsigned cages = 0;

	for (size_t i = 0; i < h->count; i++)
		cages += h->users[i].pidfd >= 0;
	snprintf(room, sizeof(room), "name %s\nkind %s\nstate %s\nseconds %lld\ncages %u\nlost %u\nremote %s\n%s",
		 h->name, h->kind, h->up ? "up" : h->ever_up ? "reconnecting" : "connecting",
		 (clock_ms() - h->since) / 1000, cages, h->downs, h->remote, h->up ? h->facts : "");
	(void)say(fd, SAY_STATUS, room, NULL);
}

/* ---- what comes ---- */

/* One packet, terminated, and the descriptor that came with it, or -1.  Its length or -errno. */
static ssize_t receive(int fd, char room[INSIDE_MESSAGE + 1], int *ret_fd)
{
	ssize_t length = fd_receive(fd, room, INSIDE_MESSAGE, ret_fd, 1, MSG_DONTWAIT);

	room[MAX(length, 0)] = '\0';
	return length;
}

/* As many whole lines as there is room for: half an address is another one. */
static void learn(struct holder *h, const char *lines)
{
	size_t length = strlen(lines);

	if (length >= sizeof(h->facts))
		for (length = sizeof(h->facts) - 1; length && lines[length - 1] != '\n'; length--)
			;
	memcpy(h->facts, lines, length);
	h->facts[length] = '\0';
}

/* A tunnel that never was is not tried for ever; one that was comes back. */
static bool went_down(struct holder *h, const char *why)
{
	char room[TUNNEL_MESSAGE];
	bool was_up = h->up;

	remember(h, why);
	h->up = false;
	h->since = was_up ? clock_ms() : h->since;
	h->downs += was_up;
	if (was_up)
		say_all(h, false, SAY_DOWN, last_words(h, room));
	if (!h->ever_up)
		say_all(h, true, SAY_FAILED, last_words(h, room));
	return h->ever_up;
}

/* False: it is over. */
static bool hear_inside(struct holder *h)
{
	char text[INSIDE_MESSAGE + 1];
	int fd;
	ssize_t length = receive(h->control, text, &fd);

	fd_closep(&fd);
	if (length <= 0)
		return length == -EAGAIN;
	switch (text[0]) {
	case INSIDE_LINE:
		remember(h, text + 1);
		say_all(h, true, SAY_WAIT, text + 1);
		return true;
	case INSIDE_UP:
		h->up = h->ever_up = true;
		h->since = clock_ms();
		learn(h, text + 1);
		tell_servers(h);
		say_all(h, false, SAY_UP, "");
		say_all(h, true, SAY_UP, "");
		return true;
	case INSIDE_DOWN:
		return went_down(h, text + 1);
	case INSIDE_FAILED:
		(void)went_down(h, text + 1);
		return false;
	default:
		return false;
	}
}

static void attach(struct holder *h, struct holder_user *user, const char *digest, int pidfd)
{
	if (strcmp(digest, h->digest) != 0) {
		(void)say(user->socket, SAY_OTHER, "", NULL);
		close(pidfd);
		user->gone = true;
		return;
	}
	user->pidfd = pidfd;
	user->gone = !watch(h, pidfd);
	user->deadline = clock_ms() + TUNNEL_SECONDS * 1000LL;
	if (h->up && say(user->socket, SAY_UP, "", h->gifts) == 0)
		user->deadline = 0;
}

static void hear_user(struct holder *h, struct holder_user *user)
{
	char text[INSIDE_MESSAGE + 1];
	int fd;
	ssize_t length = receive(user->socket, text, &fd);

	if (length == -EAGAIN)
		return;
	if (length > 0 && text[0] == ASK_ATTACH && fd >= 0 && user->pidfd < 0) {
		attach(h, user, text + 1, fd);
		return;
	}
	if (length > 0 && text[0] == ASK_STATUS)
		say_status(h, user->socket);
	fd_closep(&fd);
	/* It has gone, or talks nonsense.  A cage stays attached without its launcher, if it has got the tunnel. */
	if (length <= 0 && user->pidfd >= 0 && !user->deadline)
		user->mute = true;
	else if (length <= 0 || text[0] != ASK_STATUS)
		user->gone = true;
}

static void accept_user(struct holder *h)
{
	AUTO_FD int fd = accept4(h->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	char text[INSIDE_MESSAGE + 1];
	AUTO_FD int with = -1;

	if (fd >= 0 && h->count < HOLDER_USERS && watch(h, fd)) {
		h->users[h->count++] = (struct holder_user){ .socket = TAKE_FD(fd), .pidfd = -1 };
	} else if (fd >= 0) { /* what is not read takes our word with it, unix(7) */
		(void)receive(fd, text, &with);
		(void)say(fd, SAY_FAILED, FULL, NULL);
	}
}

/* ---- the loop ---- */

int holder_watch(struct holder *h)
{
	h->epoll = epoll_create1(EPOLL_CLOEXEC);
	return h->epoll >= 0 && watch(h, h->listener) && watch(h, h->control) && watch(h, h->relay) ? 0 : -errno;
}

/* A launcher may keep the same pidfd open, and epoll(7) would then tell of the number for ever, whoever has it next. */
static void forget(const struct holder *h, int *fd)
{
	if (*fd >= 0)
		(void)epoll_ctl(h->epoll, EPOLL_CTL_DEL, *fd, NULL);
	fd_closep(fd);
}

/* Those who waited too long; and what is left of all. */
static void sweep(struct holder *h)
{
	char room[TUNNEL_MESSAGE];
	size_t left = 0;

	for (size_t i = 0; i < h->count; i++) {
		struct holder_user *user = &h->users[i];
		if (user->pidfd >= 0 && user->deadline && clock_ms() >= user->deadline) {
			remember(h, "the time limit is over");
			if (!user->mute)
				(void)say(user->socket, SAY_FAILED, last_words(h, room), NULL);
			user->gone = true;
		}
		if (user->gone || user->mute)
			forget(h, &user->socket);
		if (user->gone)
			forget(h, &user->pidfd);
		if (user->socket >= 0 || user->pidfd >= 0)
			h->users[left++] = *user;
	}
	h->count = left;
}

static bool has_cage(const struct holder *h)
{
	for (size_t i = 0; i < h->count; i++)
		if (h->users[i].pidfd >= 0 && !h->users[i].gone)
			return true;
	return false;
}

/* -1: nothing is to be done without an event. */
static int next_deadline(const struct holder *h, bool first)
{
	long long next = first ? h->started + FIRST_MS : 0;

	for (size_t i = 0; i < h->count; i++)
		if (h->users[i].deadline && (!next || h->users[i].deadline < next))
			next = h->users[i].deadline;
	return next ? (int)MAX(next - clock_ms(), 0LL) : -1;
}

/* A cage that has ended, or something that it says. */
static void hear_users(struct holder *h, int fd)
{
	for (size_t i = 0; i < h->count; i++) {
		struct holder_user *user = &h->users[i];
		if (fd == user->pidfd && !user->gone) {
			user->gone = true;
			if (!user->mute)
				(void)say(user->socket, SAY_BYE, "", NULL);
		} else if (fd == user->socket && !user->gone && !user->mute)
			hear_user(h, user);
	}
}

/* What has happened, or nothing before the next deadline.  False: it is over. */
static bool serve(struct holder *h, bool first)
{
	enum { MOST = 32 };
	struct epoll_event events[MOST];
	int count = epoll_wait(h->epoll, events, MOST, next_deadline(h, first));

	if (count < 0 && errno != EINTR)
		return false;
	for (int i = 0; i < count; i++) {
		int fd = events[i].data.fd;
		if (fd == h->relay)
			(void)went_down(h, "the relay of the uplink ended");
		if (fd == h->relay || (fd == h->control && !hear_inside(h)))
			return false;
		if (fd == h->listener)
			accept_user(h);
		else
			hear_users(h, fd);
	}
	return true;
}

void holder_run(struct holder *h)
{
	bool had_cage = false;

	while (serve(h, !had_cage)) {
		sweep(h);
		had_cage = had_cage || has_cage(h);
		if (!has_cage(h) && (had_cage || clock_ms() >= h->started + FIRST_MS))
			return;
	}
}

void holder_fail(struct holder *h, const char *why)
{
	char room[TUNNEL_MESSAGE];

	h->control = h->relay = -1;
	for (; *why; why += strcspn(why, "\n"), why += *why == '\n') { /* the words may be several lines */
		snprintf(room, sizeof(h->words[0]), "%.*s", (int)strcspn(why, "\n"), why);
		remember(h, room);
	}
	fd_closep(&h->epoll);
	if (holder_watch(h) < 0)
		return;
	while (!has_cage(h) && clock_ms() < h->started + FIRST_MS && serve(h, true))
		sweep(h);
	say_all(h, true, SAY_FAILED, last_words(h, room));
}
