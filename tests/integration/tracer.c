/* tracer.c - sits in a cage and tries to look into those who come in, before they are the program that they become.
 *
 * tracer victim: what comes in; has descriptors 0 to 2 and no more, and ends after a moment.
 * tracer FILE:   for each process id that may come next, as fast as it can: attach, read the program's name, the
 *                environment, the descriptors; until FILE exists.  Prints how often it was refused, and each success
 *                with what is not the victim's own. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define AHEAD 6 /* processes that are tried for behind the last one seen */

static char own[4096];
static unsigned long refused, own_image, hits;

static void hit(long pid, const char *what, const char *detail)
{
	hits++;
	printf("hit: %s of %ld: %s\n", what, pid, detail);
	fflush(stdout);
}

/* Is it the victim by now?  0, or why it is not to be known: ENOENT while it ends. */
static int image(long pid)
{
	char path[64], link[4096];

	snprintf(path, sizeof(path), "/proc/%ld/exe", pid);
	ssize_t size = readlink(path, link, sizeof(link) - 1);
	if (size < 0) {
		refused += errno == EACCES || errno == EPERM;
		return errno;
	}
	link[size] = 0;
	if (strcmp(link, own) != 0)
		hit(pid, "exe", link);
	else
		own_image++;
	return 0;
}

static void environment(long pid)
{
	char path[64], text[8192];

	snprintf(path, sizeof(path), "/proc/%ld/environ", pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	ssize_t size = read(fd, text, sizeof(text) - 1);
	for (ssize_t i = 0; i < size; i++)
		if (strncmp(text + i, "PLANTED=", 8) == 0)
			hit(pid, "environ", text + i);
	close(fd);
}

static void descriptors(long pid)
{
	char path[64], link[4096];

	snprintf(path, sizeof(path), "/proc/%ld/fd", pid);
	DIR *directory = opendir(path);
	const struct dirent *entry;
	while (directory && (entry = readdir(directory))) {
		if (atoi(entry->d_name) < 3)
			continue;
		/* The numbers can be listed by root, on any kernel; what they are cannot. */
		ssize_t size = readlinkat(dirfd(directory), entry->d_name, link, sizeof(link) - 1);
		if (size < 0)
			continue;
		link[size] = 0;
		hit(pid, "fd", link);
	}
	if (directory)
		closedir(directory);
}

static void attach(long pid)
{
	if (ptrace(PTRACE_SEIZE, pid, 0, 0) < 0)
		return;
	int error = image(pid);
	if (error == EACCES || error == EPERM)
		hit(pid, "ptrace", "attached to what is no program yet");
	ptrace(PTRACE_INTERRUPT, pid, 0, 0);
	waitpid((pid_t)pid, NULL, __WALL);
	ptrace(PTRACE_DETACH, pid, 0, 0);
}

static void watch(const char *until)
{
	long last = getpid();
	char path[64];

	while (access(until, F_OK) < 0)
		for (long pid = last + 1; pid <= last + AHEAD; pid++) {
			snprintf(path, sizeof(path), "/proc/%ld", pid);
			for (unsigned tries = 0; access(path, F_OK) == 0 && tries < 400; tries++) {
				image(pid);
				environment(pid);
				descriptors(pid);
				attach(pid);
				last = pid;
			}
		}
	printf("refused %lu, own %lu, hits %lu\n", refused, own_image, hits);
}

int main(int argc, char **argv)
{
	if (argc < 2 || readlink("/proc/self/exe", own, sizeof(own) - 1) < 0)
		return 1;
	if (strcmp(argv[1], "victim") == 0)
		nanosleep(&(struct timespec){ .tv_nsec = 5000000 }, NULL);
	else
		watch(argv[1]);
	return 0;
}
