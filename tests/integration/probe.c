/* tests/integration/probe.c - tries what the lines of its input say and prints "LINE RESULT" for each.
 *
 * Lines are "VERB ARGUMENT"; the result is 0 or the errno.  What it creates it deletes.  Runs inside
 * the cage, so it is static and reads questions from descriptor 0 only. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int try_open(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0600);

	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

static int try_create(const char *path)
{
	int r = try_open(path, O_WRONLY | O_CREAT | O_EXCL);

	if (r == 0 && unlink(path) < 0)
		return 1000 + errno;
	return r;
}

static int try_list(const char *path)
{
	DIR *directory = opendir(path);

	if (!directory)
		return errno;
	errno = 0;
	while (readdir(directory))
		;
	int r = errno;
	closedir(directory);
	return r;
}

/* The files are no programs: ENOEXEC says that the kernel would have run one. */
static int try_execute(const char *path)
{
	char *argv[] = { (char *)path, NULL };

	execve(path, argv, argv + 1);
	return errno == ENOEXEC ? 0 : errno;
}

/* Arguments that do no harm; only EPERM and ENOSYS are refusals. */
static const struct { const char *name; long number, argument[6]; } calls[] = {
	{ "add_key", SYS_add_key, { 0 } },
	{ "getpgid", SYS_getpgid, { 0 } },
	{ "getpriority", SYS_getpriority, { 0 } },
	{ "getrusage", SYS_getrusage, { 0 } },
	{ "inotify_init1", SYS_inotify_init1, { 0 } },
	{ "keyctl", SYS_keyctl, { 0xffff } },
	{ "process_vm_readv", SYS_process_vm_readv, { 1 << 30 } },
	{ "ptrace", SYS_ptrace, { 0xffff, 1 << 30 } },
	{ "sched_yield", SYS_sched_yield, { 0 } },
	{ "sysinfo", SYS_sysinfo, { 0 } },
	{ "times", SYS_times, { 0 } },
	{ "umask", SYS_umask, { 022 } },
	{ "uname", SYS_uname, { 0 } },
};

static int call(size_t i)
{
	const long *a = calls[i].argument;
	long r = syscall(calls[i].number, a[0], a[1], a[2], a[3], a[4], a[5]);

	return r < 0 && (errno == EPERM || errno == ENOSYS) ? errno : 0;
}

/* In a process of its own, because a filter may kill. */
static int try_syscall(const char *name)
{
	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
		int status;
		pid_t pid;

		if (strcmp(calls[i].name, name) != 0)
			continue;
		pid = fork();
		if (pid == 0)
			_exit(call(i));
		if (pid < 0 || waitpid(pid, &status, 0) != pid)
			return 2000;
		return WIFEXITED(status) ? WEXITSTATUS(status) : 3000;
	}
	return 4000;
}

static int try_one(const char *verb, const char *argument)
{
	if (strcmp(verb, "read") == 0)
		return try_open(argument, O_RDONLY);
	if (strcmp(verb, "write") == 0)
		return try_open(argument, O_WRONLY);
	if (strcmp(verb, "create") == 0)
		return try_create(argument);
	if (strcmp(verb, "delete") == 0)
		return unlink(argument) < 0 ? errno : 0;
	if (strcmp(verb, "list") == 0)
		return try_list(argument);
	if (strcmp(verb, "execute") == 0)
		return try_execute(argument);
	return try_syscall(argument);
}

int main(void)
{
	char verb[16], argument[4096];

	while (scanf("%15s %4095s", verb, argument) == 2) {
		printf("%d\n", try_one(verb, argument));
		fflush(stdout);
	}
	return 0;
}
