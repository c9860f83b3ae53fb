/* relay/vpn/client.c - starts a program of others with as little as it needs.
 * Must not: give it a descriptor that is not named. */
#include "relay/vpn/client.h"
#include "relay/net/confine.h"
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { EXTRA = 3, LAST_CAPABILITY = 63, FILES = 256 };

static const char *const directories[] = { "/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/local/bin", "/usr/bin", "/bin" };

/* Root by its id, and only by it: what it has are the ambient capabilities. */
static int drop(uint64_t keep)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	const struct __user_cap_data_struct data[2] = {
		{ (uint32_t)keep, (uint32_t)keep, (uint32_t)keep },
		{ (uint32_t)(keep >> 32), (uint32_t)(keep >> 32), (uint32_t)(keep >> 32) },
	};
	const unsigned long bits = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |
				   SECBIT_NO_SETUID_FIXUP_LOCKED;

	for (unsigned long i = 0; i <= LAST_CAPABILITY; i++)
		if (!(keep >> i & 1) && prctl(PR_CAPBSET_DROP, i, 0, 0, 0) < 0 && errno != EINVAL)
			return -errno;
	if (prctl(PR_SET_SECUREBITS, bits, 0, 0, 0) < 0 || syscall(SYS_capset, &header, data) < 0)
		return -errno;
	for (unsigned long i = 0; i <= LAST_CAPABILITY; i++)
		if (keep >> i & 1 && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, i, 0, 0) < 0)
			return -errno;
	return 0;
}

static int confine(const struct client_wish *wish)
{
	const struct rlimit none = { 0, 0 }, files = { FILES, FILES };

	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || setrlimit(RLIMIT_CORE, &none) < 0 ||
	    setrlimit(RLIMIT_NOFILE, &files) < 0)
		return -errno;
	int r = drop(wish->capabilities);
	return r < 0 ? r : confine_client();
}

_Noreturn static void run(const struct client_wish *wish, int input, int output)
{
	int from[] = { input, output, output, wish->extra };
	int r = setns(wish->network_namespace, CLONE_NEWNET) < 0 ? -errno : 0; /* its descriptor may be one of the first */
	char path[128];
	sigset_t empty;

	sigemptyset(&empty);
	sigprocmask(SIG_SETMASK, &empty, NULL);
	if (r >= 0)
		r = fd_arrange(from, ARRAY_SIZE(from));
	if (r >= 0)
		r = confine(wish);
	if (r >= 0 && syscall(SYS_close_range, (unsigned)(wish->extra >= 0 ? EXTRA + 1 : EXTRA), ~0u, 0) < 0)
		r = -errno;
	for (size_t i = 0; i < ARRAY_SIZE(directories) && r >= 0; i++) {
		snprintf(path, sizeof(path), "%s/%s", directories[i], wish->argv[0]);
		execve(path, (char *const *)wish->argv, (char *const *)wish->envp);
	}
	dprintf(2, "cannot start '%s': %s\n", wish->argv[0], strerror(r < 0 ? -r : errno));
	_exit(127);
}

/* The reading end of a pipe that holds the text, or of nothing. */
static int make_input(const char *text)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	AUTO_FD int reader = ends[0];
	AUTO_FD int writer = ends[1];
	size_t length = text ? strlen(text) : 0;
	if (length > 65536)
		(void)fcntl(writer, F_SETPIPE_SZ, 1 << 20);
	if (fcntl(writer, F_SETFL, O_NONBLOCK) < 0)
		return -errno;
	int r = length ? fd_write_all(writer, text, length) : 0;
	return r < 0 ? r : TAKE_FD(reader);
}

int client_start(const struct client_wish *wish, struct client *ret)
{
	AUTO_FD int input = make_input(wish->input);
	int ends[2];

	if (input < 0)
		return input;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	AUTO_FD int reader = ends[0];
	AUTO_FD int writer = ends[1];
	pid_t pid = fork();
	if (pid == 0)
		run(wish, input, writer);
	if (pid < 0)
		return -errno;
	*ret = (struct client){ .pid = pid, .pidfd = (int)syscall(SYS_pidfd_open, pid, 0), .output = TAKE_FD(reader) };
	return 0;
}

void client_end(struct client *client)
{
	if (client->pid <= 0)
		return;
	kill(client->pid, SIGKILL); /* our own child, not waited for yet */
	while (waitpid(client->pid, NULL, 0) < 0 && errno == EINTR)
		;
	client->pid = 0;
}
