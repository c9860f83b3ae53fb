/* test_vpn_tunnel.c - the way to a running tunnel, when what is there is none: other files, other words, silence.
 * What a real holder says is tested by test_vpn_holder.c and tests/integration/vpn.sh. */
#include "vpn/tunnel.h"
#include "base/fd.h"
#include "tap.h"
#include "tree.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static const char wireguard[] = "[Interface]\nPrivateKey = YAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=\nAddress = 10.0.0.2\n"
				"[Peer]\nPublicKey = xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=\n"
				"AllowedIPs = 0.0.0.0/0\nEndpoint = 192.0.2.1:1\n";

static struct diags d;
static struct tunnel_places places;
static int null; /* a descriptor to give away */

static const char *told(size_t number)
{
	return d.list.count > number ? d.list.items[number].message : "nothing";
}

static struct sockaddr_un name_of(const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	strcpy(address.sun_path, tree_top);
	strcat(address.sun_path, "/run/.vpn/");
	strcat(address.sun_path, name);
	return address;
}

static int listen_as(const char *name, int type, int backlog)
{
	struct sockaddr_un address = name_of(name);
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	unlink(address.sun_path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, backlog) < 0)
		abort();
	return fd;
}

/* ---- somebody who answers each caller with one packet, and is gone ---- */

struct answer { const void *bytes; size_t size, gifts; };

static pid_t answer_all(int listener, const struct answer *answer)
{
	const struct iovec part = { (void *)answer->bytes, answer->size };
	const int gifts[] = { null, null, null, null, null, null };
	char room[TUNNEL_MESSAGE];
	pid_t pid = fork();

	if (pid)
		return pid;
	for (;;) {
		int fd = accept(listener, NULL, NULL), came;
		(void)fd_receive(fd, room, sizeof(room), &came, 1, 0);
		fd_closep(&came);
		if (answer->bytes)
			(void)fd_send(fd, &part, 1, gifts, answer->gifts, 0);
		close(fd);
	}
}

static int attach_to(const struct answer *answer, struct tunnel *tunnel)
{
	int listener = listen_as("work", SOCK_SEQPACKET, 10);
	pid_t pid = answer_all(listener, answer);

	diags_init(&d, d.arena);
	int r = tunnel_attach(d.arena, &places, "work", NULL, null, &d, tunnel);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(listener);
	return r;
}

static void test_words(void)
{
	static char full[TUNNEL_MESSAGE - 1], more[2 * TUNNEL_MESSAGE];
	struct tunnel tunnel = { 0 };

	ok(attach_to(&(struct answer){ "u", 1, TUNNEL_GIFTS }, &tunnel) == 0 && tunnel.socket > 0, "up");
	tunnel_leave(&tunnel, NULL);
	ok(tunnel.socket == 0, "and left");
	for (size_t gifts = 0; gifts < TUNNEL_GIFTS; gifts++)
		ok(attach_to(&(struct answer){ "u", 1, gifts }, &tunnel) == -EIO && !tunnel.socket,
		   "up with %zu descriptors is not up", gifts);
	ok(attach_to(&(struct answer){ "u", 1, 6 }, &tunnel) == 0, "more than there should be are closed");
	tunnel_leave(&tunnel, NULL);

	ok(attach_to(&(struct answer){ "ffirst\nsecond \033[2Jlast\n", 24, 0 }, &tunnel) == -EIO, "failed");
	is(told(0), "the VPN 'work' did not come up", "with one message");
	ok(d.list.count >= 2 && strcmp(d.list.items[0].code, "C423") == 0, "of a code");
	bool escaped = false, raw = false;
	for (size_t i = 0; i < d.list.count; i++) {
		escaped = escaped || strstr(told(i), "\\x1b[2Jlast");
		raw = raw || strchr(told(i), '\033');
	}
	ok(escaped && !raw, "and nothing that a terminal obeys");
	ok(attach_to(&(struct answer){ "o", 1, 0 }, &tunnel) == -EBUSY && strcmp(d.list.items[0].code, "C425") == 0, "another one");
	for (const char *word = "dbizA\n\xff"; *word; word++)
		ok(attach_to(&(struct answer){ word, 1, TUNNEL_GIFTS }, &tunnel) == -EIO && !tunnel.socket,
		   "0x%02x is no answer", (unsigned char)*word);
	ok(attach_to(&(struct answer){ "", 1, 0 }, &tunnel) == -EIO, "nor is 0x00");
	ok(attach_to(&(struct answer){ "", 0, 0 }, &tunnel) == -EIO, "nor is an empty packet");
	ok(attach_to(&(struct answer){ 0 }, &tunnel) == -EIO, "nor none");
	memset(full, 'f', sizeof(full));
	ok(attach_to(&(struct answer){ full, sizeof(full), 0 }, &tunnel) == -EIO, "a packet as long as can be");
	memset(more, 'f', sizeof(more));
	ok(attach_to(&(struct answer){ more, sizeof(more), 0 }, &tunnel) == -EIO, "one that is longer");
}

/* What lies where the socket should be, and cannot be taken away or connected to: nothing is started. */
static void test_planted(void)
{
	struct tunnel tunnel = { 0 };
	struct sockaddr_un name = name_of("work");
	int fd;

	unlink(name.sun_path);
	if (mkdir(name.sun_path, 0700) < 0)
		abort();
	diags_init(&d, d.arena);
	ok(tunnel_attach(d.arena, &places, "work", NULL, null, &d, &tunnel) == -EIO && !tunnel.socket, "a directory");
	rmdir(name.sun_path);
	fd = listen_as("work", SOCK_STREAM, 10);
	diags_init(&d, d.arena);
	ok(tunnel_attach(d.arena, &places, "work", NULL, null, &d, &tunnel) == -EIO && !tunnel.socket, "a socket of another type");
	is(told(0), "the VPN 'work' did not come up: Protocol wrong type for socket", "is told");
	close(fd);
	const char *const *texts;
	ok(tunnel_list(d.arena, places.runtime, &texts) == 0 && !*texts, "none of them is a tunnel for 'status'");
}

/* One who has stopped, with as many callers as can wait. */
static void test_stopped(void)
{
	struct sockaddr_un name = name_of("work");
	struct tunnel tunnel = { 0 };
	int listener = listen_as("work", SOCK_SEQPACKET, 0), waiting[2];

	for (unsigned i = 0; i < 2; i++) {
		waiting[i] = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		(void)connect(waiting[i], (struct sockaddr *)&name, sizeof(name));
	}
	diags_init(&d, d.arena);
	ok(tunnel_attach(d.arena, &places, "work", NULL, null, &d, &tunnel) == -EIO, "who cannot connect does not wait for ever");
	is(told(0), "the VPN 'work' did not come up: Connection timed out", "and says so");
	for (unsigned i = 0; i < 2; i++)
		close(waiting[i]);
	close(listener);
}

static void say(int fd, const char *text)
{
	if (send(fd, text, strlen(text), 0) < 0)
		abort();
}

static void test_leave(void)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		abort();
	struct tunnel tunnel = { .socket = ends[0], .gifts = { dup(null), dup(null), dup(null) } };
	const struct iovec part = { (char[]){ 'u' }, 1 };
	const int gifts[] = { null, null, null, null };
	say(ends[1], "dfirst");
	if (fd_send(ends[1], &part, 1, gifts, 4, 0) < 0)
		abort();
	say(ends[1], "dthe client \033[1mended\nwith status 1");
	say(ends[1], "b");
	diags_init(&d, d.arena);
	tunnel_leave(&tunnel, &d);
	is(told(0), "the VPN was down 2 times: the cage's network was cut meanwhile", "what happened is told");
	is(told(1), "the client \\x1b[1mended", "with the last words as notes");
	is(told(2), "with status 1", "line by line");
	ok(!tunnel.socket, "once");
	tunnel_leave(&tunnel, &d);
	close(ends[1]);

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		abort();
	tunnel = (struct tunnel){ .socket = ends[0], .gifts = { dup(null), dup(null), dup(null) } };
	close(ends[1]);
	diags_init(&d, d.arena);
	tunnel_leave(&tunnel, &d);
	is(told(0), "cuddy-vpn ended before the cage: the cage's network was cut", "a holder that is gone");
}

static unsigned open_descriptors(void)
{
	unsigned count = 0;

	for (int fd = 0; fd < 256; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	d.arena = arena_new();
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	tree_make();
	tree_put("configuration/vpn/work.conf", wireguard);
	tree_put("run/.vpn/x", "");
	chmod(tree_path("configuration/vpn"), 0700);
	chmod(tree_path("configuration/vpn/work.conf"), 0600);
	chmod(tree_path("run/.vpn"), 0700);
	places = (struct tunnel_places){ .configurations = { .user = arena_strdup(d.arena, tree_path("configuration")) },
					 .runtime = open(tree_path("run"), O_RDONLY | O_DIRECTORY | O_CLOEXEC) };
	unsigned before = open_descriptors();
	test_words();
	test_planted();
	test_stopped();
	test_leave();
	ok(open_descriptors() == before, "no descriptor is left open");
	tree_remove();
	arena_free(d.arena);
	return done();
}
