/* test_relay - the copies that stand in for standard streams, without a cage and within one.
 * Needs user namespaces and dynamically linked coreutils in /usr. */
#include "launch/launch.h"
#include "launch/relay.h"
#include "base/own.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define BIG (3 << 20)

static const struct sock_filter allow_all[] = {
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
};

static void bind_host(struct plan *plan, const char *path, unsigned flags)
{
	char target[64];
	struct stat status;
	ssize_t length = readlink(path, target, sizeof(target) - 1);

	if (length > 0) {
		target[length] = 0;
		plan_symlink(plan, path, target, NULL);
	} else if (stat(path, &status) == 0) {
		plan_bind(plan, path, &status, path, flags, NULL);
	}
}

static struct plan *shell(const char *script)
{
	static const char *const paths[] = { "/usr", "/bin", "/lib", "/lib64" };
	const char *const argv[] = { "sh", "-c", script, NULL };
	struct plan *plan = plan_new();

	plan_base(plan, geteuid(), getegid(), 1000, 1000, 64 << 20);
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		bind_host(plan, paths[i], PLAN_READ_ONLY);
	bind_host(plan, "/dev/null", 0);
	plan_proc(plan, "/proc", NULL);
	plan_add(plan, OP_CHDIR, plan_text(plan, "/"), 0, 0, 0, NULL);
	plan_set_filter(plan, allow_all, ARRAY_SIZE(allow_all), NULL);
	plan_set_init_filter(plan, allow_all, ARRAY_SIZE(allow_all));
	plan_env(plan, "PATH", "/usr/bin:/bin");
	plan_exec(plan, "/bin/sh", NULL, argv, NULL);
	plan_seal(plan);
	return plan;
}

static int run(const char *script, int in, int out)
{
	struct launch_options options = { .streams = (int[3]){ in, out, 2 }, .timeout = 30 };
	struct plan *plan = shell(script);
	struct diags d;

	diags_init(&d, plan->arena);
	int status = launch_run(plan, &options, &d);
	for (size_t i = 0; i < d.list.count; i++)
		printf("# %s: %s\n", d.list.items[i].code, d.list.items[i].message);
	plan_free(plan);
	return status;
}

static int scratch(void)
{
	char name[] = "/tmp/cuddy-relay-XXXXXX";
	int fd = mkostemp(name, O_CLOEXEC);

	if (fd < 0)
		abort();
	unlink(name);
	return fd;
}

static int big_file(void)
{
	int fd = scratch();
	unsigned *text = malloc(BIG);

	for (unsigned i = 0; i < BIG / sizeof(*text); i++)
		text[i] = i * 2654435761u;
	if (write(fd, text, BIG) != BIG)
		abort();
	free(text);
	lseek(fd, 0, SEEK_SET);
	return fd;
}

static bool same(int a, int b)
{
	char *x = calloc(2, BIG + 1), *y = x + BIG + 1;
	bool equal = pread(a, x, BIG + 1, 0) == BIG && pread(b, y, BIG + 1, 0) == BIG && !memcmp(x, y, BIG);

	free(x);
	return equal;
}

static bool holds(int fd, const char *text)
{
	char got[256];
	ssize_t length = pread(fd, got, sizeof(got), 0);

	return length == (ssize_t)strlen(text) && memcmp(got, text, (size_t)length) == 0;
}

static void test_files(void)
{
	int in = big_file(), out = scratch(), appended = scratch();

	ok(run("cat", in, out) == 0 && same(in, out), "a large file in and out is the same");
	ok(lseek(in, 0, SEEK_CUR) == BIG, "and was read to its end");
	lseek(in, 0, SEEK_SET);
	fcntl(appended, F_SETFL, O_APPEND);
	ok(run("cat", in, appended) == 0 && same(in, appended), "also appending, where splice() refuses");
	lseek(in, 0, SEEK_SET);
	ok(run("head -c 1000 >/dev/null", in, out) == 0 && lseek(in, 0, SEEK_CUR) < BIG,
	   "unread input of a large file is given back");
	lseek(in, 5, SEEK_SET);
	ok(run("true", in, out) == 0 && lseek(in, 0, SEEK_CUR) == 5, "all of it if nothing was read");
	lseek(in, BIG - 10, SEEK_SET);
	ok(run("dd bs=1 count=3 of=/dev/null 2>/dev/null", in, out) == 0 && lseek(in, 0, SEEK_CUR) == BIG - 7,
	   "to the byte, also behind the end of the input");
	close(in);
	close(out);
	close(appended);
}

static void test_reopening(void)
{
	int in = scratch(), out = scratch();

	if (write(in, "secret", 6) != 6 || write(out, "earlier", 7) != 7)
		abort();
	lseek(in, 0, SEEK_SET);
	ok(run("(timeout 1 head -c 7 </proc/self/fd/1) >&2; test \"$(stat -Lc %F /proc/self/fd/1)\" = fifo", in, out) == 0 &&
		   holds(out, "earlier"),
	   "reopening standard output for reading shows a pipe");
	lseek(in, 0, SEEK_SET);
	run("echo overwritten 1<>/proc/self/fd/0 >&1; truncate -s 0 /proc/self/fd/0 2>/dev/null; true", in, out);
	ok(holds(in, "secret"), "reopening standard input for writing leaves the file alone");
	ok(lseek(in, 0, SEEK_CUR) >= 0 && lseek(in, 0, SEEK_CUR) <= 6, "nor does it move outside what was read");
	close(in);
	close(out);
}

static void test_ends(void)
{
	int pipes[2], null = open("/dev/null", O_RDWR | O_CLOEXEC), out = scratch();

	if (pipe2(pipes, O_CLOEXEC) < 0 || write(pipes[1], "abc", 3) != 3)
		abort();
	close(pipes[1]);
	ok(run("cat; echo .", pipes[0], out) == 0 && holds(out, "abc.\n"), "the end of a pipe is seen inside");
	close(pipes[0]);
	if (pipe2(pipes, O_CLOEXEC) < 0)
		abort();
	close(pipes[0]);
	ok(run("exec yes", null, pipes[1]) == 128 + SIGPIPE, "nobody reads: the program gets SIGPIPE, and we do not");
	close(pipes[1]);
	ok(run("cat", -1, out) == 0, "a closed input is /dev/null");
	int full = open("/dev/full", O_RDWR | O_CLOEXEC);
	ok(run("echo x", null, full) == EXIT_CUDDY, "lost output is told");
	close(full);
	close(null);
	close(out);
}

static void test_choice(void)
{
	struct relays *all = calloc(1, sizeof(*all));
	int sockets[2], null = open("/dev/null", O_RDWR | O_CLOEXEC), file = scratch();
	int directory = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) < 0)
		abort();
	struct stat node;
	bool owned = fstat(null, &node) == 0 && node.st_uid == geteuid();
	ok(relays_open(all, (int[3]){ null, sockets[0], null }, 0) == 0 && (all->streams[0] == null) == !owned &&
		   all->streams[1] == sockets[0] && (all->streams[2] == null) == !owned,
	   "sockets are passed, and /dev/null unless the node is ours");
	relays_close(all);
	ok(relays_open(all, (int[3]){ -1, -1, -1 }, 0) == 0 && all->streams[0] >= 3 && all->streams[1] >= 3 &&
		   (all->streams[1] == all->null) == !owned,
	   "what is closed leads to /dev/null, by the same rule");
	relays_close(all);
	ok(relays_open(all, (int[3]){ directory, file, file }, 0) == 0 && all->streams[0] != directory &&
		   all->streams[1] != file && all->streams[2] == all->streams[1],
	   "a directory and a file are not; 2>&1 is one pipe");
	relays_close(all);
	close(sockets[0]);
	close(sockets[1]);
	close(null);
	close(file);
	close(directory);
	free(all);
}

int main(int count, char **words)
{
	if (!count || own_protect(words) < 0)
		return 1;
	alarm(100);
	test_choice();
	test_files();
	test_reopening();
	test_ends();
	return done();
}
