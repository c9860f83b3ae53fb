/* test_vpn_holder.c - the holder of a tunnel between those whom it believes least: launchers, which come and go, and
 * the inside, which repeats what a client said.  The holder runs in a process of its own. */
#include "relay/vpn/holder.h"
#include "relay/vpn/inside.h"
#include "base/fd.h"
#include "base/process.h"
#include "tap.h"
#include "tree.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATIENCE_MS = 5000 };

static const char digest[] = "abc";

/* ---- what is around it ---- */

struct lab {
	pid_t pid;    /* the holder's */
	int control;  /* the inside's end */
	int uplink;   /* a byte here is the end of the uplink's relay */
	int entry[2]; /* what stands for its namespaces */
};

static struct sockaddr_un name_of(void)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };

	strcpy(name.sun_path, tree_top);
	strcat(name.sun_path, "/holder");
	return name;
}

static int listen_there(void)
{
	struct sockaddr_un name = name_of();
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	unlink(name.sun_path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&name, sizeof(name)) < 0 || listen(fd, 128) < 0)
		abort();
	return fd;
}

static struct lab begin(void)
{
	int control[2], uplink[2], listener = listen_there();
	struct lab lab = { 0 };

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control) < 0 || pipe(uplink) < 0 || pipe(lab.entry) < 0)
		abort();
	lab.pid = fork();
	if (lab.pid == 0) {
		static struct holder holder;
		close(control[1]);
		close(uplink[1]);
		holder = (struct holder){
			.name = "work", .kind = "openvpn", .digest = digest, .remote = "vpn.example:1194", .listener = listener,
			.control = control[0], .relay = uplink[0], .gifts = { lab.entry[0], lab.entry[1] },
			.since = clock_ms(), .started = clock_ms(),
		};
		holder.servers = name_servers_new(&holder.gifts[TUNNEL_SERVERS]);
		if (!holder.servers || holder_watch(&holder) < 0)
			_exit(99);
		holder_run(&holder);
		_exit(0);
	}
	close(control[0]);
	close(uplink[0]);
	close(listener);
	lab.control = control[1];
	lab.uplink = uplink[1];
	return lab;
}

/* Its exit status; 255: it had to be killed. */
static int end(struct lab *lab)
{
	struct pollfd ended = { .fd = (int)syscall(SYS_pidfd_open, lab->pid, 0), .events = POLLIN };
	int status;

	close(lab->control);
	close(lab->uplink);
	close(lab->entry[0]);
	close(lab->entry[1]);
	if (poll(&ended, 1, PATIENCE_MS) <= 0)
		kill(lab->pid, SIGKILL);
	close(ended.fd);
	waitpid(lab->pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

static void inside_says(const struct lab *lab, char word, const char *text)
{
	const struct iovec parts[] = { { &word, 1 }, { (void *)text, strlen(text) } };

	if (fd_send(lab->control, parts, 2, NULL, 0, 0) < 0)
		abort();
}

/* ---- a launcher and its cage ---- */

struct cage { int socket, pidfd; pid_t pid; };

static int reach(void)
{
	struct sockaddr_un name = name_of();
	const struct timeval patience = { .tv_sec = PATIENCE_MS / 1000 };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0 ||
	    connect(fd, (struct sockaddr *)&name, sizeof(name)) < 0)
		abort();
	return fd;
}

static void ask(int fd, char word, const char *text, int with)
{
	const struct iovec parts[] = { { &word, 1 }, { (void *)text, strlen(text) } };

	if (fd_send(fd, parts, 2, &with, with >= 0, 0) < 0)
		abort();
}

static struct cage attach(void)
{
	struct cage cage = { .socket = reach(), .pid = fork() };

	if (cage.pid == 0) {
		pause();
		_exit(0);
	}
	cage.pidfd = (int)syscall(SYS_pidfd_open, cage.pid, 0);
	ask(cage.socket, ASK_ATTACH, digest, cage.pidfd);
	return cage;
}

/* Its launcher stays, and so does the launcher's pidfd. */
static void end_program(struct cage *cage)
{
	kill(cage->pid, SIGKILL);
	waitpid(cage->pid, NULL, 0);
	cage->pid = 0;
}

static void leave(struct cage *cage)
{
	close(cage->socket);
	close(cage->pidfd);
	if (cage->pid)
		end_program(cage);
}

/* The next word that it says, with what came along; -1: the connection has ended, -2: silence. */
static int hear(int fd, char text[TUNNEL_MESSAGE + 1], int gifts[TUNNEL_GIFTS])
{
	int came[TUNNEL_GIFTS];
	ssize_t length = fd_receive(fd, text, TUNNEL_MESSAGE, came, TUNNEL_GIFTS, 0);
	int word = length > 0 ? text[0] : length == -EAGAIN ? -2 : -1;

	text[MAX(length, 0)] = '\0';
	memmove(text, text + (length > 0), strlen(text) + (length <= 0));
	for (unsigned i = 0; i < TUNNEL_GIFTS; i++)
		if (gifts)
			gifts[i] = came[i];
		else
			fd_closep(&came[i]);
	return word;
}

/* The next one that is none of `passed`. */
static int hear_but(int fd, const char *passed, char text[TUNNEL_MESSAGE + 1])
{
	int word;

	do
		word = hear(fd, text, NULL);
	while (word > 0 && strchr(passed, word));
	return word;
}

static const char *status_of(char text[TUNNEL_MESSAGE + 1])
{
	int fd = reach();

	ask(fd, ASK_STATUS, "", -1);
	if (hear(fd, text, NULL) != SAY_STATUS)
		*text = '\0';
	close(fd);
	return text;
}

/* The name servers that are told, one after the other. */
static const char *servers_of(const int gifts[TUNNEL_GIFTS])
{
	static char room[NAME_SERVERS * INET6_ADDRSTRLEN];
	const struct name_servers *page = name_servers_map(gifts[TUNNEL_SERVERS]);
	struct name_server list[NAME_SERVERS];
	size_t count = page ? name_servers_read(page, list) : 0;

	*room = '\0';
	for (size_t i = 0; i < count; i++) {
		inet_ntop(AF_INET6, list[i].address, room + strlen(room), INET6_ADDRSTRLEN);
		strcat(room, " ");
	}
	return room;
}

/* Until it has heard of so many. */
static void await_cages(unsigned count)
{
	char text[TUNNEL_MESSAGE + 1], wanted[32];

	snprintf(wanted, sizeof(wanted), "cages %u\n", count);
	while (!strstr(status_of(text), wanted))
		usleep(1000);
}

/* ---- the tests ---- */

static char text[TUNNEL_MESSAGE + 1];

static void test_life(void)
{
	struct lab lab = begin();
	struct cage cage = attach();
	int gifts[TUNNEL_GIFTS];

	await_cages(1);
	inside_says(&lab, INSIDE_LINE, "it resolves a name");
	ok(hear(cage.socket, text, NULL) == SAY_WAIT && strcmp(text, "it resolves a name") == 0, "who waits hears what for");
	inside_says(&lab, INSIDE_UP, "server 10.8.0.1\naddress 10.8.0.2/24\nserver fd00::1\nserver any\nallow any\n");
	ok(hear(cage.socket, text, gifts) == SAY_UP && gifts[TUNNEL_GIFTS - 1] >= 0, "and that it is up, with all it needs");
	is(servers_of(gifts), "::ffff:10.8.0.1 fd00::1 ", "with its name servers, and no other words");
	ok(strstr(status_of(text), "state up\n") && strstr(text, "cages 1\n") && strstr(text, "address 10.8.0.2/24\n"),
	   "'status' says so");
	inside_says(&lab, INSIDE_DOWN, "the client ended with status 1");
	ok(hear(cage.socket, text, NULL) == SAY_DOWN && strstr(text, "status 1"), "who has it hears that it is down");
	ok(strstr(status_of(text), "state reconnecting\n") && strstr(text, "lost 1\n") && !strstr(text, "address"),
	   "'status' too");
	inside_says(&lab, INSIDE_UP, "address 10.8.0.3/24\n");
	ok(hear(cage.socket, text, NULL) == SAY_UP && !*text, "and that it is back");
	is(servers_of(gifts), "", "with the servers of this time");
	end_program(&cage);
	ok(hear(cage.socket, text, NULL) == SAY_BYE, "its end is told");
	ok(hear(cage.socket, text, NULL) == -1, "and the holder ends with the last");
	for (unsigned i = 0; i < TUNNEL_GIFTS; i++)
		close(gifts[i]);
	leave(&cage);
	ok(end(&lab) == 0, "by itself");
}

/* A client's lines, and a list that is too long for the holder: a server pushes both. */
static void test_long_facts(void)
{
	struct lab lab = begin();
	struct cage cage = attach();
	char line[600], facts[INSIDE_MESSAGE] = "address 10.1.1.12/24\n";
	int gifts[TUNNEL_GIFTS];

	await_cages(1);
	memset(line, 'A', sizeof(line));
	memcpy(line, "server ", 7);
	line[511] = '\0';
	for (unsigned i = 0; i < 8; i++)
		inside_says(&lab, INSIDE_LINE, line);
	for (unsigned i = 0; strlen(facts) < 1003; i++)
		snprintf(facts + strlen(facts), 40, "address 10.8.%u.2/24\n", 100 + i);
	strcat(facts, "server 10.8.123.123\nserver 10.8.123.124\n");
	inside_says(&lab, INSIDE_UP, facts);
	ok(hear_but(cage.socket, (char[]){ SAY_WAIT, 0 }, text) == SAY_UP, "it bears a list that is too long");
	(void)status_of(text);
	ok(strlen(text) > 900 && text[strlen(text) - 1] == '\n', "what is left of it are whole lines, %zu bytes", strlen(text));
	inside_says(&lab, INSIDE_UP, "server 10.8.0.1"); /* without an end */
	struct cage next = attach();
	ok(hear(next.socket, text, gifts) == SAY_UP && hear(cage.socket, text, NULL) == SAY_UP, "so is a line without an end");
	is(servers_of(gifts), "::ffff:10.8.0.1 ", "which is understood");
	leave(&next);
	leave(&cage);
	ok(end(&lab) == 0, "all that does no harm");
}

/* A launcher that stays after its cage keeps the pidfd that it gave away, so epoll(7) goes on to tell of its number. */
static void test_same_number(void)
{
	struct lab lab = begin();
	struct cage first = attach(), stays = attach(), next;

	inside_says(&lab, INSIDE_UP, "");
	ok(hear(first.socket, text, NULL) == SAY_UP && hear(stays.socket, text, NULL) == SAY_UP, "two cages");
	end_program(&first);
	ok(hear(first.socket, text, NULL) == SAY_BYE, "one of them ends, its launcher does not");
	next = attach();
	ok(hear(next.socket, text, NULL) == SAY_UP, "a third comes");
	ok(strstr(status_of(text), "cages 2\n"), "and is not taken for the first");
	end_program(&stays);
	ok(hear(stays.socket, text, NULL) == SAY_BYE, "the second ends");
	ok(strstr(status_of(text), "cages 1\n"), "it stays alone");
	leave(&first);
	leave(&stays);
	leave(&next);
	ok(end(&lab) == 0, "until its own end");
}

static void test_nonsense(void)
{
	struct lab lab = begin();
	struct cage stays = attach();
	int fd, pipes[2];

	inside_says(&lab, INSIDE_UP, "");
	ok(hear(stays.socket, text, NULL) == SAY_UP, "a cage among those that talk nonsense");
	for (const char *word = "aAxu\n"; *word; word++) {
		fd = reach();
		ask(fd, *word, digest, -1);
		ok(hear(fd, text, NULL) == -1, "0x%02x without a descriptor ends that connection", (unsigned char)*word);
		close(fd);
	}
	fd = reach();
	ask(fd, ASK_ATTACH, "another", stays.pidfd);
	ok(hear(fd, text, NULL) == SAY_OTHER && hear(fd, text, NULL) == -1, "another digest is refused");
	close(fd);
	fd = reach();
	ask(fd, ASK_STATUS, "", stays.pidfd);
	ask(fd, ASK_STATUS, "", -1);
	ok(hear(fd, text, NULL) == SAY_STATUS && hear(fd, text, NULL) == SAY_STATUS, "a descriptor with a question is dropped");
	close(fd);
	if (pipe(pipes) < 0)
		abort();
	fd = reach();
	const int many[] = { stays.pidfd, pipes[0], pipes[1], pipes[0] };
	const struct iovec part = { (char[]){ 'a', 'a', 'b', 'c' }, 4 };
	ok(fd_send(fd, &part, 1, many, 4, 0) == 4 && hear(fd, text, NULL) == SAY_UP, "of many descriptors the first counts");
	close(pipes[0]);
	struct pollfd closed = { .fd = pipes[1] };
	ok(poll(&closed, 1, PATIENCE_MS) == 1 && closed.revents & POLLERR, "the others are closed");
	close(pipes[1]);
	close(fd);
	fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int other = reach();
	ask(other, ASK_ATTACH, digest, fd);
	ok(hear_but(other, (char[]){ SAY_UP, 0 }, text) == -1, "what cannot be waited for is no cage");
	close(other);
	close(fd);
	ok(strstr(status_of(text), "cages 2\n"), "the rest stays: %.*s", (int)strcspn(text, "\n"), text);
	leave(&stays);
	ok(end(&lab) == 0, "and ends as it should");
}

/* More than it has room for. */
static void test_crowd(void)
{
	struct lab lab = begin();
	struct cage cages[HOLDER_USERS + 1];

	inside_says(&lab, INSIDE_UP, "");
	for (size_t i = 0; i < HOLDER_USERS; i++) {
		cages[i] = attach();
		if (hear(cages[i].socket, text, NULL) != SAY_UP)
			abort();
	}
	cages[HOLDER_USERS].socket = reach();
	ok(hear(cages[HOLDER_USERS].socket, text, NULL) == SAY_FAILED && strstr(text, "64 cages"), "who finds no room is told");
	close(cages[HOLDER_USERS].socket);
	leave(&cages[0]);
	while (strncmp(status_of(text), "name ", 5) != 0)
		;
	ok(strstr(text, "cages 63\n"), "room comes back");
	for (size_t i = 1; i < HOLDER_USERS; i++)
		leave(&cages[i]);
	ok(end(&lab) == 0, "and all of them end it");
}

/* One who does not read must not lose the word that counts. */
static void test_stopped_launcher(void)
{
	struct lab lab = begin();
	struct cage cage = attach();
	struct pollfd readable = { .fd = cage.socket, .events = POLLIN };
	char line[400];
	int gifts[TUNNEL_GIFTS];

	memset(line, 'x', sizeof(line) - 1);
	line[sizeof(line) - 1] = '\0';
	await_cages(1);
	for (unsigned i = 0; i < 3000; i++)
		inside_says(&lab, INSIDE_LINE, line);
	inside_says(&lab, INSIDE_UP, "server 10.8.0.1\n");
	inside_says(&lab, INSIDE_DOWN, "gone");
	while (!strstr(status_of(text), "state reconnecting\n"))
		usleep(1000);
	while (poll(&readable, 1, 0) > 0 && hear(cage.socket, text, NULL) == SAY_WAIT)
		;
	inside_says(&lab, INSIDE_UP, "server 10.8.0.1\n");
	ok(hear(cage.socket, text, gifts) == SAY_UP && gifts[TUNNEL_GIFTS - 1] >= 0, "who was slow still gets the tunnel");
	leave(&cage);
	ok(end(&lab) == 0, "the end");
}

/* Whatever it needs goes: the tunnel is over, and who waits knows why. */
static void test_ends(void)
{
	struct lab lab = begin();
	struct cage cage = attach();

	await_cages(1);
	inside_says(&lab, INSIDE_FAILED, "cannot leave the uplink: no");
	ok(hear(cage.socket, text, NULL) == SAY_FAILED && strstr(text, "cannot leave the uplink"), "the inside gives up");
	ok(hear(cage.socket, text, NULL) == -1, "that is the end");
	leave(&cage);
	ok(end(&lab) == 0, "of the holder");

	lab = begin();
	cage = attach();
	await_cages(1);
	if (write(lab.uplink, "", 1) != 1)
		abort();
	ok(hear(cage.socket, text, NULL) == SAY_FAILED && strstr(text, "uplink"), "the relay of the uplink is gone");
	ok(hear(cage.socket, text, NULL) == -1, "that is the end too");
	leave(&cage);
	ok(end(&lab) == 0, "of this one");

	lab = begin();
	cage = attach();
	await_cages(1);
	inside_says(&lab, INSIDE_DOWN, "no answer");
	ok(hear(cage.socket, text, NULL) == SAY_FAILED && strstr(text, "no answer"), "one that never was up is not tried for ever");
	leave(&cage);
	ok(end(&lab) == 0, "it ends");

	lab = begin();
	if (send(lab.control, "?", 1, 0) != 1)
		abort();
	ok(end(&lab) == 0, "a word that is none ends it");
}

int main(void)
{
	tree_make();
	signal(SIGPIPE, SIG_IGN);
	test_life();
	test_long_facts();
	test_same_number();
	test_nonsense();
	test_crowd();
	test_stopped_launcher();
	test_ends();
	tree_remove();
	return done();
}
