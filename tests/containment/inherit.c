/* tests/containment/inherit.c - what comes along from the starter, and the processes outside. */
#include "probe.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define KEYCTL_SEARCH 10
#define KEY_SESSION (-3)

static char buffer[256 * 1024];

static ssize_t slurp(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t length = fd < 0 ? -1 : read(fd, buffer, sizeof(buffer) - 1);

	if (fd >= 0)
		close(fd);
	buffer[length > 0 ? length : 0] = '\0';
	return length;
}

static bool holds(ssize_t length, const char *word)
{
	return length > 0 && word && memmem(buffer, (size_t)length, word, strlen(word));
}

static enum verdict descriptors(const struct row *row)
{
	char link[PATH_MAX];

	(void)row;
	/* One descriptor is ours: the row's answer pipe, and it is a pipe. */
	for (int fd = 3; fd < 1024; fd++) {
		struct stat status;
		ssize_t length;

		if (fstat(fd, &status) < 0 || S_ISFIFO(status.st_mode))
			continue;
		snprintf(buffer, sizeof(buffer), "/proc/self/fd/%d", fd);
		length = readlink(buffer, link, sizeof(link) - 1);
		link[length > 0 ? length : 0] = '\0';
		return say(VERDICT_OPEN, "descriptor %d is %.100s", fd, link);
	}
	return say(VERDICT_CLOSED, "none above 2");
}

static enum verdict reopen(const struct row *row)
{
	int had = fcntl((int)row->number[0], F_GETFL) & O_ACCMODE;
	int more = had == O_RDONLY ? O_WRONLY : O_RDONLY, fd;
	struct stat status;

	if (fstat((int)row->number[0], &status) < 0 || !S_ISREG(status.st_mode))
		return say(VERDICT_CLOSED, "not a regular file");
	if (had == O_RDWR)
		return say(VERDICT_SKIP, "open for both already");
	fd = open(row->text, more | O_CLOEXEC | O_NOCTTY); /* nothing is written or truncated */
	return judge(fd, more == O_WRONLY ? "opened again for writing" : "opened again for reading");
}

static enum verdict secret_variable(const struct row *row)
{
	return getenv(row->text) ? say(VERDICT_OPEN, "%s came along", row->text)
				 : say(VERDICT_CLOSED, "not there");
}

static enum verdict secret_of_first(const struct row *row)
{
	ssize_t length = slurp("/proc/1/environ");

	return holds(length, row->text) ? say(VERDICT_OPEN, "pid 1 holds %s", row->text)
					: say(VERDICT_CLOSED, "%zd bytes without it", length);
}

static enum verdict first_process(const struct row *row)
{
	int fd;

	/* Our parent is init in a cage; a probe that is pid 1 itself is confined as itself. */
	if (getppid() == 1 && prctl(PR_GET_DUMPABLE) == 1 && slurp("/proc/1/comm") > 0 &&
	    holds((ssize_t)strlen(buffer), "probe"))
		return say(VERDICT_CLOSED, "we are pid 1 ourselves");
	fd = open(row->text, (int)row->number[0] | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 && (errno == ENOENT || errno == EACCES || errno == EPERM))
		return say(VERDICT_CLOSED, "%s: %s", row->text, strerror(errno));
	return judge(fd, row->text);
}

static enum verdict working_directory(const struct row *row)
{
	(void)row;
	if (syscall(SYS_getcwd, buffer, sizeof(buffer)) < 0)
		return say(VERDICT_OPEN, "it has no path here: %s", strerror(errno));
	return say(buffer[0] == '/' ? VERDICT_CLOSED : VERDICT_OPEN, "%.150s", buffer);
}

static enum verdict keyring(const struct row *row)
{
	const char *name = fact("PROBE_KEY");
	long key;

	(void)row;
	if (!name)
		return say(VERDICT_SKIP, "PROBE_KEY is not given");
	key = syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SESSION, "user", name, 0);
	return key < 0 ? say(VERDICT_CLOSED, "%s", strerror(errno))
		       : say(VERDICT_OPEN, "the caller's key was found");
}

static enum verdict process_group(const struct row *row)
{
	(void)row;
	kill(0, SIGURG); /* ignored by default; the bait notes it and the driver looks */
	if (getpgrp() == 0 || getsid(0) == 0)
		return say(VERDICT_OPEN, "group %d, session %d: the leader is outside", getpgrp(),
			   getsid(0));
	return say(VERDICT_CLOSED, "group %d, session %d", getpgrp(), getsid(0));
}

static enum verdict limit_is_zero(const struct row *row)
{
	struct rlimit limit = { 1, 1 };

	getrlimit((int)row->number[0], &limit);
	return say(limit.rlim_max ? VERDICT_OPEN : VERDICT_CLOSED, "hard limit %llu",
		   (unsigned long long)limit.rlim_max);
}

static enum verdict status_line(const struct row *row)
{
	ssize_t length = slurp("/proc/self/status");
	char *line = length > 0 ? strstr(buffer, row->text) : NULL;
	unsigned long long value;

	if (!line)
		return say(VERDICT_SKIP, "no such line");
	value = strtoull(line + strlen(row->text), NULL, 16);
	return say((value != 0) == (row->number[0] != 0) ? VERDICT_CLOSED : VERDICT_OPEN, "%llx",
		   value);
}

/* The pid, as seen here, of the process with the cookie in its environment, or 0. */
static pid_t find_bait(void)
{
	const char *cookie = fact("PROBE_COOKIE");
	DIR *processes = opendir("/proc");
	pid_t found = 0;

	for (struct dirent *entry; processes && cookie && (entry = readdir(processes)) && !found;) {
		char path[300];

		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		snprintf(path, sizeof(path), "/proc/%s/environ", entry->d_name);
		if (holds(slurp(path), cookie))
			found = atoi(entry->d_name);
	}
	if (processes)
		closedir(processes);
	return found;
}

/* Where root is the caller, the kernel shows the numbers; what stands behind them must stay closed. */
static enum verdict descriptors_of_first(const struct row *row)
{
	DIR *directory = opendir("/proc/1/fd");
	enum verdict verdict = say(VERDICT_CLOSED, directory ? "numbers only" : "%s", strerror(errno));

	(void)row;
	for (struct dirent *entry; directory && (entry = readdir(directory));)
		if (isdigit((unsigned char)entry->d_name[0]) &&
		    readlinkat(dirfd(directory), entry->d_name, buffer, sizeof(buffer)) >= 0)
			verdict = say(VERDICT_OPEN, "/proc/1/fd/%.20s can be read", entry->d_name);
	if (directory)
		closedir(directory);
	return verdict;
}

static enum verdict outside_process(const struct row *row)
{
	struct iovec local = { buffer, 16 }, remote = { &environ, sizeof(environ) };
	pid_t bait = find_bait();

	if (!fact("PROBE_COOKIE"))
		return say(VERDICT_SKIP, "PROBE_COOKIE is not given");
	if (!bait)
		return say(VERDICT_CLOSED, "not to be seen");
	switch (row->number[0]) {
	case 0: return say(VERDICT_OPEN, "its environment is readable, pid %d", bait);
	case 1: return judge(kill(bait, 0), "kill");
	case 2: /* Seizing does not stop it; our end lets it go. */
		return judge(ptrace(PTRACE_SEIZE, bait, NULL, NULL), "ptrace");
	default: return judge(process_vm_readv(bait, &local, 1, &remote, 1, 0), "process_vm_readv");
	}
}

static enum verdict outside_pid_number(const struct row *row)
{
	const char *pid = fact("PROBE_PID");

	(void)row;
	if (!pid)
		return say(VERDICT_SKIP, "PROBE_PID is not given");
	if (kill(atoi(pid), SIGURG) < 0)
		return say(VERDICT_CLOSED, "%s", strerror(errno));
	snprintf(buffer, sizeof(buffer), "/proc/%s/environ", pid);
	char path[64];
	snprintf(path, sizeof(path), "%.60s", buffer);
	return holds(slurp(path), fact("PROBE_COOKIE"))
		       ? say(VERDICT_OPEN, "signalled pid %s", pid)
		       : say(VERDICT_CLOSED, "pid %s is somebody else here", pid);
}

static enum verdict shared_memory(const struct row *row)
{
	const char *key = fact("PROBE_SHM");

	(void)row;
	if (!key)
		return say(VERDICT_SKIP, "PROBE_SHM is not given");
	return shmget(atoi(key), 1, 0) < 0 ? say(VERDICT_CLOSED, "%s", strerror(errno))
					   : say(VERDICT_OPEN, "the segment outside was found");
}

static enum verdict groups(const struct row *row)
{
	gid_t list[256];
	int count = getgroups(256, list);

	(void)row;
	for (int i = 0; i < count; i++)
		if (list[i] != getgid() && list[i] != getegid())
			return say(VERDICT_OPEN, "group %u is still with us", list[i]);
	return say(VERDICT_CLOSED, "none but our own");
}

static enum verdict other_terminals(const struct row *row)
{
	DIR *directory = opendir("/dev/pts");
	enum verdict verdict = say(VERDICT_CLOSED, "none");

	(void)row;
	for (struct dirent *entry; directory && (entry = readdir(directory));) {
		struct stat status;

		/* A terminal of the cage's own is one of the three standard streams. */
		if (!isdigit((unsigned char)entry->d_name[0]) ||
		    fstatat(dirfd(directory), entry->d_name, &status, 0) < 0)
			continue;
		for (int fd = 0; fd < 3; fd++) {
			struct stat own;

			if (fstat(fd, &own) == 0 && own.st_rdev == status.st_rdev)
				status.st_ino = 0;
		}
		if (status.st_ino && faccessat(dirfd(directory), entry->d_name, W_OK, 0) == 0)
			verdict = say(VERDICT_OPEN, "/dev/pts/%.20s is writable", entry->d_name);
	}
	if (directory)
		closedir(directory);
	return verdict;
}

const struct row inherit_rows[] = {
	{ "inherited-descriptors",  descriptors, NULL, { 0 } },
	{ "stdin-reopen",	    reopen, "/proc/self/fd/0", { 0 } },
	{ "stderr-reopen",	    reopen, "/proc/self/fd/2", { 2 } },
	{ "environment-secret",	    secret_variable, "CUDDY_PROBE_SECRET", { 0 } },
	{ "environment-preload",    secret_variable, "LD_LIBRARY_PATH", { 0 } },
	{ "pid-1-environment",	    secret_of_first, "CUDDY_PROBE_SECRET", { 0 } },
	{ "pid-1-executable",	    first_process, "/proc/1/exe", { O_RDONLY } },
	{ "pid-1-executable-write", first_process, "/proc/1/exe", { O_WRONLY } },
	{ "pid-1-descriptors",	    descriptors_of_first, NULL, { 0 } },
	{ "pid-1-memory",	    first_process, "/proc/1/mem", { O_RDONLY } },
	{ "pid-1-root",		    first_process, "/proc/1/root/", { O_RDONLY | O_DIRECTORY } },
	{ "pid-1-directory",	    first_process, "/proc/1/cwd/", { O_RDONLY | O_DIRECTORY } },
	{ "working-directory",	    working_directory, NULL, { 0 } },
	{ "keyring",		    keyring, NULL, { 0 } },
	{ "process-group",	    process_group, NULL, { 0 } },
	{ "groups",		    groups, NULL, { 0 } },
	{ "core-dumps",		    limit_is_zero, NULL, { RLIMIT_CORE } },
	{ "capabilities-effective", status_line, "\nCapEff:\t", { 0 } },
	{ "capabilities-permitted", status_line, "\nCapPrm:\t", { 0 } },
	{ "capabilities-inheritable", status_line, "\nCapInh:\t", { 0 } },
	{ "capabilities-bounding",  status_line, "\nCapBnd:\t", { 0 } },
	{ "capabilities-ambient",   status_line, "\nCapAmb:\t", { 0 } },
	{ "no-new-privileges",	    status_line, "\nNoNewPrivs:\t", { 1 } },
	{ "filter-present",	    status_line, "\nSeccomp:\t", { 1 } },
	{ "outside-process-seen",   outside_process, NULL, { 0 } },
	{ "outside-process-kill",   outside_process, NULL, { 1 } },
	{ "outside-process-ptrace", outside_process, NULL, { 2 } },
	{ "outside-process-memory", outside_process, NULL, { 3 } },
	{ "outside-process-number", outside_pid_number, NULL, { 0 } },
	{ "outside-shared-memory",  shared_memory, NULL, { 0 } },
	{ "outside-terminals",	    other_terminals, NULL, { 0 } },
	{ NULL, NULL, NULL, { 0 } }
};
