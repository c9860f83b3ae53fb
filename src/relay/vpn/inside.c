/* relay/vpn/inside.c - starts the client, puts its device where it belongs, starts it anew when it ends.
 * Order: the room, the uplink (made ready from outside), the tunnel's namespace, then the client.
 * Must not: leave a device in the tunnel's namespace whose client is gone. */
#include "relay/vpn/inside.h"
#include "relay/vpn/links.h"
#include "base/fd.h"
#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { AGAIN_MS = 1000, AGAIN_MOST_MS = 30000, ASK_MS = 250, CALL_MS = 10000, LINE_MOST = 400 };

void inside_say(struct inside *in, char word, const char *text, int with)
{
	const struct iovec parts[] = { { &word, 1 }, { (void *)text, strnlen(text, INSIDE_MESSAGE - 2) } };

	if (fd_send(in->control, parts, ARRAY_SIZE(parts), &with, with >= 0, 0) < 0)
		_exit(1); /* nobody holds us */
}

_Noreturn static void give_up(struct inside *in, const char *what, int error)
{
	inside_say(in, INSIDE_FAILED, arena_printf(in->arena, "cannot %s: %s", what, strerror(-error)), -1);
	_exit(1);
}

static int failed(struct inside *in, const char *what, int error)
{
	inside_say(in, INSIDE_LINE, arena_printf(in->arena, "cannot %s: %s", what, strerror(-error)), -1);
	return error;
}

/* ---- for the kinds ---- */

int inside_tun(struct inside *in)
{
	if (setns(in->uplink, CLONE_NEWNET) < 0)
		return failed(in, "enter the uplink", -errno);
	int fd = links_tun(INSIDE_TUNNEL);
	if (setns(in->tunnel, CLONE_NEWNET) < 0)
		give_up(in, "leave the uplink", -errno);
	return fd < 0 ? failed(in, "make a tunnel with '/dev/net/tun'", fd) : fd;
}

static bool has_family(const struct vpn_addresses *addresses, int family)
{
	for (size_t i = 0; i < addresses->count; i++)
		if (addresses->items[i].family == family)
			return true;
	return false;
}

int inside_connect(struct inside *in, unsigned mtu, const struct vpn_addresses *addresses,
		   const struct vpn_addresses *routes)
{
	int r = links_move(in->uplink_links, INSIDE_TUNNEL, in->tunnel);

	if (r < 0)
		return failed(in, "move the tunnel", r);
	in->exists = true;
	unsigned index = if_nametoindex(INSIDE_TUNNEL);
	for (size_t i = 0; i < addresses->count && r == 0; i++) {
		r = links_address(in->links, index, &addresses->items[i]);
		if (addresses->items[i].family == AF_INET6 && (r == -EACCES || r == -EOPNOTSUPP || r == -EAFNOSUPPORT))
			r = 0; /* IPv6 is switched off: less than was asked for */
	}
	if (r < 0)
		return failed(in, "give the tunnel its address", r);
	r = links_up(in->links, INSIDE_TUNNEL, mtu);
	if (r < 0)
		return failed(in, "start the tunnel", r);
	for (size_t i = 0; i < routes->count; i++)
		if (has_family(addresses, routes->items[i].family) &&
		    (r = links_route(in->links, index, &routes->items[i])) < 0)
			(void)failed(in, arena_printf(in->arena, "set the route '%s'", str_quote(in->arena, routes->items[i].text)), r);
	return if_nametoindex(INSIDE_TUNNEL) ? 0 : failed(in, "keep the tunnel", -ENODEV); /* its end was not listened to */
}

void inside_is_up(struct inside *in, const struct vpn_addresses *addresses, const struct vpn_addresses *servers)
{
	struct strbuf text = { .arena = in->arena };

	for (size_t i = 0; i < servers->count && text.length < INSIDE_MESSAGE / 4; i++)
		strbuf_addf(&text, "server %s\n", servers->items[i].text);
	for (size_t i = 0; i < addresses->count && text.length < INSIDE_MESSAGE / 2; i++)
		strbuf_addf(&text, "address %s\n", addresses->items[i].text);
	in->up = true;
	inside_say(in, INSIDE_UP, strbuf_text(&text), -1);
}

void inside_is_silent(struct inside *in, const char *why)
{
	in->up = false;
	inside_say(in, INSIDE_DOWN, why, -1);
}

/* ---- what the client says ---- */

static void hear_line(struct inside *in, const struct inside_kind *kind, char *line)
{
	if (strlen(line) > LINE_MOST && !strstr(line, "PUSH_REPLY"))
		line[LINE_MOST] = '\0';
	if (!*line)
		return;
	if (kind && kind->heard)
		kind->heard(in, line);
	inside_say(in, INSIDE_LINE, line, -1);
}

/* What can be read now, in lines; false at its end. */
static bool hear(struct inside *in, const struct inside_kind *kind, int fd)
{
	static char room[8192];
	static size_t used;
	ssize_t length = read(fd, room + used, sizeof(room) - 1 - used);
	char *at = room, *end;

	if (length <= 0) {
		used = 0;
		return false;
	}
	used += (size_t)length;
	room[used] = '\0';
	while ((end = strchr(at, '\n'))) {
		*end = '\0';
		hear_line(in, kind, at);
		at = end + 1;
	}
	used -= (size_t)(at - room);
	memmove(room, at, used);
	if (used == sizeof(room) - 1) {
		hear_line(in, kind, room);
		used = 0;
	}
	return true;
}

/* A part of what a program says; false at its end. */
static bool take(struct inside *in, int fd, struct strbuf *out)
{
	char bytes[1024];

	if (!out)
		return hear(in, NULL, fd);
	ssize_t length = read(fd, bytes, sizeof(bytes));
	if (length > 0)
		strbuf_add_bytes(out, bytes, (size_t)length);
	return length > 0;
}

static bool is_ready(int fd, long long end)
{
	struct pollfd polled = { .fd = fd, .events = POLLIN };

	return poll(&polled, 1, (int)MAX(end - clock_ms(), 0LL)) > 0;
}

int inside_call(struct inside *in, const struct client_wish *wish, struct strbuf *out)
{
	long long end = clock_ms() + CALL_MS;
	struct client client;
	int status = 0, r = client_start(wish, &client);

	if (r < 0)
		return failed(in, arena_printf(in->arena, "start '%s'", wish->argv[0]), r);
	while (is_ready(client.output, end) && take(in, client.output, out))
		;
	bool ended = is_ready(client.pidfd, end);
	if (!ended)
		client_end(&client);
	while (ended && waitpid(client.pid, &status, 0) < 0 && errno == EINTR)
		;
	fd_closep(&client.pidfd);
	fd_closep(&client.output);
	if (!ended)
		return failed(in, arena_printf(in->arena, "wait for '%s'", wish->argv[0]), -ETIMEDOUT);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* ---- its life ---- */

/* Whatever the client has started ends with it: we are process 1 of a namespace, where nobody else is. */
static void end_all(struct inside *in)
{
	client_end(&in->client);
	kill(-1, SIGKILL);
	while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
		;
}

/* The device goes with the client, whatever way that went: a cage then has no route. */
static void take_away(struct inside *in, const struct inside_kind *kind)
{
	end_all(in);
	while (in->client.output >= 0 && hear(in, kind, in->client.output))
		;
	fd_closep(&in->client.output);
	fd_closep(&in->client.pidfd);
	(void)links_remove(in->links, INSIDE_TUNNEL);
	(void)links_remove(in->uplink_links, INSIDE_TUNNEL);
	fd_closep(&in->told);
	in->exists = in->up = in->redirects = false;
}

static const char *how_it_ended(struct arena *arena, int status)
{
	return WIFSIGNALED(status) ? arena_printf(arena, "the client was killed by signal %d", WTERMSIG(status)) :
				     arena_printf(arena, "the client ended with status %d", WEXITSTATUS(status));
}

/* From the start of the client to its end; how it ended. */
static const char *follow(struct inside *in, const struct inside_kind *kind)
{
	static const char removed[] = "the device was removed";
	enum { OUTPUT, TOLD, LINKS, END, CONTROL, ALL };
	int status = 0;

	for (;;) {
		struct pollfd polled[ALL] = {
			[OUTPUT] = { in->client.output, POLLIN, 0 }, [TOLD] = { in->told, POLLIN, 0 },
			[LINKS] = { in->links, POLLIN, 0 }, [END] = { in->client.pidfd, POLLIN, 0 },
			[CONTROL] = { in->control, POLLIN, 0 },
		};
		int r = poll(polled, ALL, kind->ask ? in->pause : -1);
		if (r < 0 && errno != EINTR)
			return "it could not be waited for";
		if (r > 0 && polled[CONTROL].revents)
			_exit(0);
		if (r > 0 && polled[OUTPUT].revents && !hear(in, kind, in->client.output))
			fd_closep(&in->client.output);
		if (r > 0 && polled[TOLD].revents && kind->told && kind->told(in) < 0)
			return "its tunnel could not be used";
		if (r > 0 && polled[LINKS].revents && links_lost(in->links, INSIDE_TUNNEL) && in->exists &&
		    !polled[END].revents)
			return removed;
		if (r > 0 && polled[END].revents) {
			while (waitpid(in->client.pid, &status, 0) < 0 && errno == EINTR)
				;
			in->client.pid = 0;
			return how_it_ended(in->arena, status);
		}
		if (r == 0 && kind->ask(in) < 0)
			return if_nametoindex(INSIDE_TUNNEL) ? "it could not be asked" : removed;
	}
}

_Noreturn static void hold(struct inside *in, const struct inside_kind *kind)
{
	int wait = AGAIN_MS;

	for (;;) {
		arena_reset(in->arena);
		in->environment = (struct strbuf){ .arena = in->arena };
		in->traffic = (struct inside_traffic){ 0 };
		in->pause = ASK_MS;
		const char *why = kind->start(in) < 0 ? "it could not be started" : follow(in, kind);
		wait = in->up ? AGAIN_MS : wait;
		take_away(in, kind);
		inside_say(in, INSIDE_DOWN, why, -1);
		struct pollfd gone = { .fd = in->control, .events = POLLIN };
		if (poll(&gone, 1, wait) > 0)
			_exit(0);
		wait = MIN(wait * 2, (int)AGAIN_MOST_MS);
	}
}

/* The holder answers with one byte when it is done with what we said. */
static void await_holder(struct inside *in)
{
	char byte;

	if (recv(in->control, &byte, 1, 0) != 1)
		_exit(1);
}

/* Relays of cages may send pings from the tunnel's namespace, icmp(7): they are root's group there.  Where /proc/sys
 * is read-only there are none. */
static void let_ping(void)
{
	AUTO_FD int fd = open("/proc/sys/net/ipv4/ping_group_range", O_WRONLY | O_CLOEXEC);

	if (fd >= 0)
		(void)!write(fd, "0 0", 3);
}

/* We come out of it in the tunnel's namespace. */
static void make_namespaces(struct inside *in)
{
	in->uplink = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	in->uplink_links = links_open(false);
	if (in->uplink < 0 || in->uplink_links < 0)
		give_up(in, "open the uplink", in->uplink < 0 ? -errno : in->uplink_links);
	if (unshare(CLONE_NEWNET) < 0)
		give_up(in, "make the tunnel's network namespace", -errno);
	let_ping();
	in->tunnel = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	in->links = links_open(true);
	if (in->tunnel < 0 || in->links < 0)
		give_up(in, "open the tunnel's network namespace", in->tunnel < 0 ? -errno : in->links);
}

_Noreturn void inside_run(const struct vpn_config *config, int control)
{
	const struct inside_kind *kind = config->kind == VPN_OPENVPN ? &inside_openvpn : &inside_wireguard;
	struct inside in = { .arena = arena_new(), .config = config, .control = control, .told = -1,
			     .client = { .pidfd = -1, .output = -1 } };
	const char *what;

	must(getpid() == 1);
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	prctl(PR_SET_NAME, "cuddy-vpn-in", 0, 0, 0);
	signal(SIGPIPE, SIG_IGN);
	await_holder(&in); /* our ids are mapped */
	inside_say(&in, INSIDE_READY, "", -1);
	await_holder(&in); /* the uplink is ready */
	make_namespaces(&in);
	int r = room_enter(&what);
	if (r < 0)
		give_up(&in, arena_printf(in.arena, "make the room of the client ('%s')", what), r);
	inside_say(&in, INSIDE_SPACES, "", in.tunnel);
	hold(&in, kind);
}
