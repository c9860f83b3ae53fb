/* test_launch - real programs in cages made from plans that are built by hand.
 * As root each check runs twice: as root and, in a forked process, as an ordinary user.
 * With -DCUDDY_FAULTS every step is made to fail once.  Needs user namespaces, /usr and dynamically linked coreutils. */
#include "launch/launch.h"
#include "base/own.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

static struct shared { int number, failed; } *shared;
static const char *who = "root";

static void ok(bool good, const char *name)
{
	printf("%s %d - %s: %s\n", good ? "ok" : "not ok", ++shared->number, who, name);
	fflush(stdout);
	shared->failed += !good;
}

static const struct sock_filter allow_all[] = {
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
};

static void bind_host(struct plan *plan, const char *path, unsigned flags)
{
	struct stat status;

	if (stat(path, &status) == 0)
		plan_bind(plan, path, &status, path, flags, NULL);
}

static struct plan *typical(void)
{
	static const char *const links[] = { "bin", "sbin", "lib", "lib64" };
	static const char *const devices[] = { "/dev/null", "/dev/zero", "/dev/urandom" };
	struct plan *plan = plan_new();
	struct stat status;

	plan_base(plan, geteuid(), getegid(), 1000, 1000, 64 << 20);
	plan_add(plan, OP_USERNS_LIMIT, 0, 0, 0, 1, NULL);
	bind_host(plan, "/usr", PLAN_READ_ONLY);
	for (size_t i = 0; i < ARRAY_SIZE(links); i++) {
		char path[32], target[64];
		snprintf(path, sizeof(path), "/%s", links[i]);
		ssize_t length = readlink(path, target, sizeof(target) - 1);
		if (length > 0) {
			target[length] = 0;
			plan_symlink(plan, path, target, NULL);
		} else if (lstat(path, &status) == 0) {
			bind_host(plan, path, PLAN_READ_ONLY);
		}
	}
	bind_host(plan, "/etc/ld.so.cache", PLAN_READ_ONLY | PLAN_NOEXEC);
	plan_file(plan, "/etc/passwd", "me:x:1000:1000::/home/me:/bin/sh\n", 0644, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(devices); i++)
		bind_host(plan, devices[i], 0);
	plan_devpts(plan, "/dev/pts", NULL);
	plan_terminal(plan, "/dev/pts", NULL);
	plan_proc(plan, "/proc", NULL);
	plan_read_only(plan, "/proc/sys", NULL);
	plan_mask(plan, "/proc/keys", false, NULL);
	plan_mask(plan, "/usr/share", true, NULL);
	plan_private_dir(plan, "/tmp", 01777, 0, NULL);
	plan_private_dir(plan, "/home/me", 0700, 0, NULL);
	plan_tmpfs(plan, "/dev/shm", 01777, 1 << 20, NULL);
	plan_add(plan, OP_HOSTNAME, plan_text(plan, "cage"), 0, 0, 0, NULL);
	plan_add(plan, OP_CHDIR, plan_text(plan, "/home/me"), 0, 0, 0, NULL);
	plan_add(plan, OP_LOOPBACK, 0, 0, 0, 0, NULL);
	plan_add(plan, OP_RLIMIT, 4 /* CORE */, 0, 0, 0, NULL);
	plan_set_filter(plan, allow_all, ARRAY_SIZE(allow_all), NULL);
	plan_set_init_filter(plan, allow_all, ARRAY_SIZE(allow_all));
	plan_env(plan, "PATH", "/usr/bin:/bin");
	plan_env(plan, "HOME", "/home/me");
	return plan;
}

static struct plan *shell(const char *script)
{
	const char *const argv[] = { "sh", "-c", script, NULL };
	struct plan *plan = typical();

	plan_exec(plan, "/bin/sh", NULL, argv, NULL);
	plan_seal(plan);
	return plan;
}

/* Runs the plan; what it wrote to stdout goes to `output`.  Frees the plan. */
static int run(struct plan *plan, unsigned timeout, char *output, size_t room, bool show)
{
	struct diags d;
	struct strbuf text = { .arena = plan->arena };
	int pipes[2], streams[3];
	size_t length = 0;

	diags_init(&d, plan->arena);
	if (pipe2(pipes, O_CLOEXEC) < 0)
		abort();
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	streams[0] = null;
	streams[1] = pipes[1];
	streams[2] = show ? 2 : null;
	struct launch launch;
	struct launch_options options = { .streams = streams, .timeout = timeout };
	int status = launch_start(plan, &options, &d, &launch) < 0 ? EXIT_CUDDY :
								     launch_wait(&launch, &d);
	close(pipes[1]);
	close(null);
	for (ssize_t n; length < room - 1 && (n = read(pipes[0], output + length, room - 1 - length)) > 0;)
		length += (size_t)n;
	output[length] = 0;
	close(pipes[0]);
	diags_print(&d, &text, false);
	if (show && text.length)
		printf("# %s", strbuf_text(&text));
	plan_free(plan);
	return status;
}

static bool says(const char *script, const char *expected)
{
	char output[4096];
	int status = run(shell(script), 0, output, sizeof(output), true);

	if (status == 0 && strcmp(output, expected) == 0)
		return true;
	printf("# status %d, output '%s' instead of '%s'\n", status, output, expected);
	return false;
}

static bool ends(const char *script, int expected)
{
	char output[4096];
	int status = run(shell(script), 0, output, sizeof(output), true);

	if (status != expected)
		printf("# status %d instead of %d, output '%s'\n", status, expected, output);
	return status == expected;
}

static void test_identity(void)
{
	ok(ends("exit 7", 7), "the program's own exit status");
	ok(ends("kill -TERM $$", 128 + SIGTERM), "a signal gives 128 + n");
	ok(says("id -u; id -g; hostname 2>/dev/null || cat /proc/sys/kernel/hostname", "1000\n1000\ncage\n"),
	   "user, group and host name inside");
	ok(says("env | sort", "HOME=/home/me\nPATH=/usr/bin:/bin\nPWD=/home/me\n"),
	   "the environment is what the plan says");
	ok(says("pwd; echo a > b; cat b", "/home/me\na\n"), "the working directory is private and writable");
	ok(says("grep -E '^(Cap|NoNew|Seccomp:)' /proc/self/status | tr -d '\\t'",
		"CapInh:0000000000000000\nCapPrm:0000000000000000\nCapEff:0000000000000000\n"
		"CapBnd:0000000000000000\nCapAmb:0000000000000000\nNoNewPrivs:1\nSeccomp:2\n"),
	   "no capabilities, no new privileges, a filter");
	ok(says("unshare -U true 2>/dev/null && echo made; unshare -r true 2>/dev/null && echo made; true", ""),
	   "no user namespace inside");
	ok(says("ulimit -c; ulimit -Hc", "0\n0\n"), "resource limits");
}

static void test_outside(void)
{
	int leak = open("/etc", O_RDONLY); /* deliberately not close-on-exec */

	ok(says("ls /proc/self/fd | tr '\\n' ' '", "0 1 2 3 "), "no descriptor is inherited"); /* 3: ls's own */
	close(leak);
	ok(says("ls /", "bin\ndev\netc\nhome\nlib\nlib64\nproc\nsbin\ntmp\nusr\n"),
	   "the root shows what was granted");
	ok(says("ls -a /etc; ls /tmp; ls /home", ".\n..\nld.so.cache\npasswd\nme\n"),
	   "no host files in /etc, /tmp, /home");
	ok(says("cd /; cd ../../..; ls -d root var work 2>/dev/null; true", ""),
	   "nothing above the root");
	ok(says("touch /usr/x /x /etc/x /proc/sys/net/x 2>/dev/null && echo made; true", ""),
	   "the root and read-only binds are not writable");
	ok(says("ls /usr/share 2>/dev/null; cat /proc/keys 2>/dev/null; chmod 755 /usr/share 2>/dev/null; true", ""),
	   "masked things are empty and stay so");
	ok(says("cat /proc/1/environ 2>/dev/null; tr -d '\\000' </proc/1/cmdline; readlink /proc/1/exe;"
		"readlink /proc/1/fd/*; cat /proc/1/fd/* 2>/dev/null; ls /proc/1/cwd/ /proc/1/root/ 2>/dev/null; true", ""),
	   "init is not readable");
	ok(says("for p in /proc/[0-9]*; do echo ${p#/proc/}; done | head -n 1; ps=$(ls -d /proc/[0-9]* | wc -l);"
		"test $ps -lt 8 && echo few", "1\nfew\n"), "only its own processes");
	ok(says("cat /proc/net/dev | grep -c :", "1\n"), "only the loopback interface");
	ok(says("sed 's/.*) //' /proc/self/stat | cut -d' ' -f5", "0\n"), "no controlling terminal");
	ok(says("grep -E ' (/|/tmp|/usr|/proc) ' /proc/mounts | cut -d' ' -f2,4 | sed 's/relatime.*//'",
		"/ ro,nosuid,nodev,\n/usr ro,nosuid,nodev,\n/proc rw,nosuid,nodev,noexec,\n"
		"/tmp rw,nosuid,nodev,\n"), "mount attributes");
}

static void test_signals(void)
{
	struct launch launch;
	struct diags d;
	struct plan *plan = shell("trap 'exit 33' TERM; while :; do sleep 0.05; done");

	diags_init(&d, plan->arena);
	ok(launch_start(plan, NULL, &d, &launch) == 0, "start and wait are two calls");
	usleep(300000);
	kill(getpid(), SIGTERM); /* blocked here, so it is passed on */
	ok(launch_wait(&launch, &d) == 33, "SIGTERM reaches the program");
	plan_free(plan);
	char output[64];
	ok(run(shell("sleep 20"), 1, output, sizeof(output), false) == EXIT_TIMEOUT, "a time limit gives 124");
	time_t before = time(NULL);
	ok(ends("sleep 30 & (setsid sleep 30 &) ; exit 4", 4) && time(NULL) - before < 5,
	   "everything ends with the program");
}

/* The caller's terminal is a pty made here; nobody reads it before the end. */
static void test_terminal(void)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	struct termios before, after;
	sigset_t mask_before, mask_after;
	char output[4096] = "";
	struct diags d;

	if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0)
		abort();
	int slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0 || tcgetattr(slave, &before) < 0)
		abort();
	struct plan *plan = shell("tty; tty <&2; grep Seccomp: /proc/1/status | tr -d '\\t'; exit 9");
	struct launch_options options = { .streams = (int[3]){ slave, slave, slave }, .timeout = 30 };
	diags_init(&d, plan->arena);
	sigprocmask(SIG_SETMASK, NULL, &mask_before);
	int status = launch_run(plan, &options, &d);
	sigprocmask(SIG_SETMASK, NULL, &mask_after);
	size_t length = 0;
	/* The kernel hands on in pieces, and somewhat later, what was written to a terminal. */
	for (int tries = 0; tries < 200 && !strstr(output, "Seccomp:2\r\n"); tries++) {
		ssize_t count = read(master, output + length, sizeof(output) - 1 - length);

		if (count > 0)
			length += (size_t)count;
		else
			usleep(10000);
	}
	ok(status == 9, "a program on a terminal ends");
	ok(strcmp(output, "/dev/pts/0\r\n/dev/pts/0\r\nSeccomp:2\r\n") == 0,
	   "it was the cage's own, and init has a filter");
	ok(tcgetattr(slave, &after) == 0 && after.c_lflag == before.c_lflag && after.c_oflag == before.c_oflag &&
		   after.c_iflag == before.c_iflag && memcmp(&mask_before, &mask_after, sizeof(mask_after)) == 0,
	   "modes and signals are as before");
	plan_free(plan);
	close(slave);
	close(master);
}

static int start(const char *program, const char *search)
{
	const char *const argv[] = { program, NULL };
	struct plan *plan = typical();
	char output[64];

	plan_exec(plan, program, search, argv, NULL);
	plan_seal(plan);
	return run(plan, 0, output, sizeof(output), false);
}

static void test_exec(void)
{
	ok(start("/usr/bin/nothing-of-that-name", NULL) == EXIT_NOT_FOUND, "not found is 127");
	ok(start("nothing-of-that-name", "/usr/bin:/bin") == EXIT_NOT_FOUND, "not found in the search path");
	ok(start("/etc/passwd", NULL) == EXIT_CANNOT, "not executable is 126");
	ok(start("true", "/nowhere:/usr/bin") == 0, "found in the search path");
}

static void test_replaced(void)
{
	static const struct origin origin = { .line = 3, .column = 1, .length = 1 };
	struct plan *plan = shell("exit 0");
	struct diags d;

	diags_init(&d, plan->arena);
	for (size_t i = 0; i < plan->steps.count; i++)
		if (plan->steps.items[i].op == OP_BIND)
			plan->steps.items[i].origin = 1;
	*vec_push(plan->arena, &plan->origins) = &origin;
	plan->objects.items[0].ino++;
	ok(launch_run(plan, NULL, &d) == EXIT_CUDDY, "a replaced source stops the start");
	ok(d.list.count && strcmp(d.list.items[0].code, "C402") == 0 && d.list.items[0].origin &&
		   d.list.items[0].origin->line == 3,
	   "the message names the line that asked for it");
	plan_free(plan);
}

/* The caged side of an earlier run left a link where a mount point shall be. */
static void test_planted_link(void)
{
	char top[] = "/tmp/cuddy-test-XXXXXX", inner[64], link[64], output[64];
	struct plan *plan = typical();
	struct stat status, victim;
	static const char *const argv[] = { "true", NULL };

	if (!mkdtemp(top))
		abort();
	snprintf(inner, sizeof(inner), "%s/victim", top);
	snprintf(link, sizeof(link), "%s/link", top);
	if (mkdir(inner, 0755) < 0 || symlink(inner, link) < 0 || stat(top, &status) < 0)
		abort();
	plan_bind(plan, top, &status, "/data", 0, NULL);
	plan_mkdir(plan, "/data/link/made", 0755, NULL);
	plan_exec(plan, "true", "/usr/bin", argv, NULL);
	plan_seal(plan);
	ok(run(plan, 0, output, sizeof(output), false) == EXIT_CUDDY, "a planted link is not followed");
	strcat(inner, "/made");
	ok(lstat(inner, &victim) < 0, "and nothing is made behind it");
	rmdir(inner);
	unlink(link);
	snprintf(inner, sizeof(inner), "%s/victim", top);
	rmdir(inner);
	rmdir(top);
}

/* The cage holds the writing end of a pipe: it is closed when all of the cage is gone. */
static void test_killed_launcher(void)
{
	int pipes[2];
	char byte;

	if (pipe2(pipes, O_CLOEXEC) < 0)
		abort();
	pid_t pid = fork();
	if (pid == 0) {
		struct plan *plan = shell("echo up; (setsid sleep 60 &); sleep 60");
		struct launch_options options = { .streams = (int[3]){ pipes[1], pipes[1], pipes[1] } };
		struct diags d;
		diags_init(&d, plan->arena);
		_exit(launch_run(plan, &options, &d));
	}
	close(pipes[1]);
	bool up = read(pipes[0], &byte, 1) == 1;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	alarm(20);
	while (read(pipes[0], &byte, 1) > 0)
		;
	alarm(0);
	close(pipes[0]);
	ok(up, "a killed launcher takes its cage along");
}

static unsigned mounts(void)
{
	FILE *file = fopen("/proc/self/mounts", "re");
	unsigned lines = 0;

	for (int byte; (byte = getc(file)) != EOF;)
		lines += byte == '\n';
	fclose(file);
	return lines;
}

/* Writes a setting of the waiting cage's network, from within its namespaces. */
static int set_ttl(void *data, const struct plan *plan, int pidfd, struct diags *d)
{
	(void)plan;
	if (data)
		return diag_error(d, "C400", NULL, "the helper failed"), -EIO;
	int status;
	pid_t pid = fork();
	if (pid == 0) {
		if (setns(pidfd, CLONE_NEWUSER | CLONE_NEWNET) < 0)
			_exit(1);
		int fd = open("/proc/sys/net/ipv4/ip_default_ttl", O_WRONLY | O_CLOEXEC);
		_exit(write(fd, "77", 2) == 2 ? 0 : 2);
	}
	return waitpid(pid, &status, 0) == pid && status == 0 ? 0 : -EIO;
}

static struct plan *awaiting(const char *script)
{
	const char *const argv[] = { "sh", "-c", script, NULL };
	struct plan *plan = typical();

	plan_await(plan, "rules", "policy", NULL);
	plan_exec(plan, "/bin/sh", NULL, argv, NULL);
	plan_seal(plan);
	return plan;
}

static void test_prepare(void)
{
	char path[] = "/tmp/cuddy-test-XXXXXX", seen[8] = "";
	struct launch_options options = { .prepare = set_ttl };
	struct diags d;
	int file = mkstemp(path);

	unlink(path);
	options.streams = (int[3]){ 0, file, 2 };
	struct plan *plan = awaiting("cat /proc/sys/net/ipv4/ip_default_ttl");
	diags_init(&d, plan->arena);
	ok(launch_run(plan, &options, &d) == 0 && pread(file, seen, 7, 0) == 3 && strcmp(seen, "77\n") == 0,
	   "helpers prepare the namespaces before the program starts");
	plan_free(plan);
	options.data = path;
	plan = awaiting("echo ran");
	diags_init(&d, plan->arena);
	ok(launch_run(plan, &options, &d) == EXIT_CUDDY && d.errors == 1 && pread(file, seen, 7, 3) == 0,
	   "a helper that fails means that the program never ran");
	ok(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD, "and nothing is left of it");
	plan_free(plan);
	close(file);
}

static void test_faults(void)
{
#ifdef CUDDY_FAULTS
	struct plan *plan = shell("echo ran");
	size_t count = plan->steps.count, good = 0;
	unsigned before = mounts();
	char output[64], number[24];

	plan_free(plan);
	for (size_t i = 0; i < count; i++) {
		snprintf(number, sizeof(number), "%zu", i);
		setenv("CUDDY_FAULT_STEP", number, 1);
		int status = run(shell("echo ran"), 0, output, sizeof(output), false);
		if (status == EXIT_CUDDY && !*output)
			good++;
		else
			printf("# step %zu failing: status %d, output '%s'\n", i, status, output);
	}
	unsetenv("CUDDY_FAULT_STEP");
	ok(good == count, "each failing step: 125, and the program never ran");
	ok(mounts() == before, "no mount is left");
#else
	(void)mounts;
	printf("# faults need -DCUDDY_FAULTS\n");
#endif
}

static void test_all(void)
{
	test_identity();
	test_outside();
	test_signals();
	test_terminal();
	test_exec();
	test_replaced();
	test_planted_link();
	test_prepare();
	test_killed_launcher();
	test_faults();
}

/* A coverage or sanitizer run-time may have no business as another user, so the exit is quiet. */
static void test_as_user(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		who = "user";
		if (setgroups(0, NULL) || setresgid(65534, 65534, 65534) || setresuid(65534, 65534, 65534))
			_exit(1);
		prctl(PR_SET_DUMPABLE, 1); /* as after a login: else /proc/self is root's */
		test_all();
		_exit(0);
	}
	int status;
	waitpid(pid, &status, 0);
	ok(status == 0, "the process of the ordinary user ended well");
}

int main(int count, char **words)
{
	if (!count || own_protect(words) < 0)
		return 1;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	setenv("CUDDY_TEST_SECRET", "swordfish", 1);
	if (geteuid() == 0)
		test_as_user();
	else
		who = "user";
	test_all();
	printf("1..%d\n", shared->number);
	return shared->failed != 0;
}
