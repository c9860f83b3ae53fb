/* relay/vpn/main.c - cuddy-vpn: makes the namespaces of a tunnel and the uplink's relay, gives up its rights, holds
 * the tunnel as long as cages use it.  Started by cuddy alone (vpn/tunnel.c), and by OpenVPN as its --up.
 *
 *	holder, outside ── control ── inside: root of a user namespace, pid 1
 *	   │ cages, by pidfd             │ uplink: client ── relay (cuddy-net, outside) ── the server, nobody else
 *	   └ gives namespaces away       └ tunnel: tun0 ── relays of the cages
 *
 * Must not: read a file of the user, print. */
#include "relay/net/confine.h"
#include "relay/net/rules.h"
#include "relay/vpn/holder.h"
#include "relay/vpn/inside.h"
#include "backend/network.h"
#include "network/counters.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LISTENER = 3, CONFIGURATION = 4, TOLD = 3 };

extern char **environ;

/* OpenVPN's --up: what it was told goes to the inside, as it is. */
static int tell_environment(void)
{
	for (char **entry = environ; *entry; entry++)
		if (fd_write_all(TOLD, *entry, strlen(*entry) + 1) < 0)
			return 1;
	return fd_write_all(TOLD, "", 1) < 0;
}

static int read_configuration(struct arena *arena, const char *kind, struct vpn_config **ret)
{
	struct strbuf text = { .arena = arena };
	struct source *source = arena_new_object(arena, struct source);
	struct diags d;
	char bytes[4096];
	ssize_t length;

	while ((length = read(CONFIGURATION, bytes, sizeof(bytes))) > 0)
		strbuf_add_bytes(&text, bytes, (size_t)length);
	close(CONFIGURATION);
	*source = (struct source){ "configuration", strbuf_text(&text), text.length, 1 };
	diags_init(&d, arena);
	return vpn_config_parse(arena, source, str_equal(kind, "openvpn") ? VPN_OPENVPN : VPN_WIREGUARD, -1, &d, ret);
}

/* The servers, and nothing else: one line for each, as for a profile. */
static const char *uplink_policy(struct arena *arena, const struct vpn_config *config)
{
	struct strbuf out = { .arena = arena };

	for (size_t i = 0; i < config->remote_count; i++) {
		const struct vpn_remote *remote = &config->remotes[i];
		bool v6 = strchr(remote->host, ':') != NULL;
		strbuf_addf(&out, "allow %s:%s%s%s:%u\n", remote->tcp ? "tcp" : "udp", v6 ? "[" : "", remote->host,
			    v6 ? "]" : "", remote->port);
	}
	return strbuf_text(&out);
}

/* ---- the inside ---- */

static int write_map(pid_t pid, const char *name, const char *text)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	AUTO_FD int fd = open(path, O_WRONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd_write_all(fd, text, strlen(text));
}

static int map_ids(pid_t pid)
{
	char uids[32], gids[32];

	snprintf(uids, sizeof(uids), "0 %u 1", geteuid());
	snprintf(gids, sizeof(gids), "0 %u 1", getegid());
	int r = write_map(pid, "setgroups", "deny");
	if (r == 0)
		r = write_map(pid, "uid_map", uids);
	return r < 0 ? r : write_map(pid, "gid_map", gids);
}

static int start_inside(struct holder *h, const struct vpn_config *config, pid_t *ret_pid, int *ret_pidfd)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return -errno;
	struct clone_args how = {
		.flags = CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_PIDFD,
		.exit_signal = SIGCHLD, .pidfd = (uintptr_t)ret_pidfd,
	};
	long pid = syscall(SYS_clone3, &how, sizeof(how));
	if (pid == 0) {
		close(ends[0]);
		close(h->listener);
		inside_run(config, ends[1]);
	}
	int error = -errno;
	close(ends[1]);
	h->control = ends[0];
	*ret_pid = (pid_t)pid;
	return pid < 0 ? error : map_ids((pid_t)pid);
}

/* Lets the inside go on, and waits until it says `word`.  What else it says are words of failure, in `room`. */
static int step(const struct holder *h, char word, char room[INSIDE_MESSAGE], int *ret_fd)
{
	ssize_t length = -1;

	if (send(h->control, "", 1, MSG_NOSIGNAL) == 1)
		length = fd_receive(h->control, room, INSIDE_MESSAGE - 1, ret_fd, ret_fd != NULL, 0);
	room[MAX(length, 0)] = '\0';
	return length > 0 && room[0] == word ? 0 : -EPROTO;
}

/* ---- the uplink ---- */

static int start_uplink(struct arena *arena, const struct vpn_config *config, int pidfd, struct holder *h,
			char answer[NETWORK_ANSWER])
{
	const char *policy = uplink_policy(arena, config);
	struct network network = { .peers = -1, .cages = -1 };
	struct rules rules;
	struct diags d;

	diags_init(&d, arena);
	if (rules_parse(arena, policy, &d, &rules) < 0) {
		strcpy(answer, "the configuration names a server that cannot be reached");
		return -EINVAL;
	}
	AUTO_FD int counters = memfd_create("counters", MFD_CLOEXEC);
	AUTO_FD int log = open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (counters < 0 || ftruncate(counters, sizeof(struct network_counters)) < 0 || log < 0) {
		strcpy(answer, "no descriptors are left");
		return -errno;
	}
	network.counters = counters;
	network.log = log;
	const struct network_texts texts = { network_rules(arena, &rules.policy), policy, pidfd, NULL };
	int r = network_begin(&network, arena, &texts, answer);
	h->relay = network.relay_pidfd;
	return r;
}

/* All that needs rights; 0, or -errno and why in `room`. */
static int set_up(struct arena *arena, const struct vpn_config *config, struct holder *h, char room[INSIDE_MESSAGE])
{
	char path[64];
	int pidfd, none = -1;
	pid_t pid;
	int r = start_inside(h, config, &pid, &pidfd);

	if (r < 0) {
		snprintf(room, INSIDE_MESSAGE, " cannot make namespaces: %s", strerror(-r));
		return r;
	}
	snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)pid);
	h->gifts[TUNNEL_USER] = open(path, O_RDONLY | O_CLOEXEC);
	r = step(h, INSIDE_READY, room, &none);
	if (r == 0)
		r = start_uplink(arena, config, pidfd, h, room + 1);
	if (r == 0)
		r = step(h, INSIDE_SPACES, room, &h->gifts[TUNNEL_NETWORK]);
	h->servers = name_servers_new(&h->gifts[TUNNEL_SERVERS]);
	for (size_t i = 0; i < TUNNEL_GIFTS && r == 0; i++)
		if (h->gifts[i] < 0) {
			strcpy(room, " no descriptors are left");
			r = -EMFILE;
		}
	return r;
}

int main(int argc, char **argv)
{
	static struct holder holder;
	static char room[INSIDE_MESSAGE];
	struct arena *arena = arena_new(); /* lives as long as we do */
	struct vpn_config *config;
	struct stat status;

	if (getenv("script_type"))
		return tell_environment();
	if (argc != 4 || fstat(LISTENER, &status) < 0 || !S_ISSOCK(status.st_mode)) {
		fprintf(stderr, "cuddy-vpn: this is started by cuddy, not by people\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	syscall(SYS_close_range, CONFIGURATION + 1u, ~0u, 0);
	(void)fcntl(LISTENER, F_SETFD, FD_CLOEXEC);
	(void)fcntl(LISTENER, F_SETFL, O_NONBLOCK);
	holder = (struct holder){
		.kind = argv[1], .digest = argv[2], .name = argv[3], .remote = "", .listener = LISTENER, .control = -1,
		.relay = -1, .epoll = -1, .gifts = { -1, -1, -1 }, .since = clock_ms(), .started = clock_ms(),
	};
	int r = read_configuration(arena, argv[1], &config);
	if (r == 0) {
		holder.remote = arena_printf(arena, "%s:%u", config->remotes[0].host, config->remotes[0].port);
		r = set_up(arena, config, &holder, room);
	}
	if (r == 0)
		r = holder_watch(&holder);
	if (r == 0)
		r = confine_relay();
	if (r < 0) {
		holder_fail(&holder, *room ? room + 1 : "its configuration cannot be read");
		_exit(1);
	}
	holder_run(&holder);
	_exit(0);
}
