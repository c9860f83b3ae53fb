/* tests/containment/probe.c - tries to leave the cage that it runs in, harmlessly.
 *
 *     probe [NAME=VALUE…]      one line per class: "open CLASS detail", "closed …" or "skip …"
 *     probe --bait …           what the driver leaves outside (bait.c)
 *     probe --with-key NAME CMD…
 *     probe --linger COOKIE leave|hold    stays longer than it should
 *
 * Every row runs in a child of its own with a time limit.  Calls get invalid pointers, so that
 * "the kernel's code was reached" shows as EFAULT or EINVAL and nothing happens; files and
 * sockets are the driver's own bait.  Facts (where the bait is) come as arguments, since a cage
 * passes no environment.  Must be linked statically: a cage may show nothing but this file.
 * Must not: write to what it did not make, send a signal that has a default action. */
#include "probe.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROW_SECONDS 20

static char **facts;
static struct { enum verdict verdict; char detail[200]; } answer;

enum verdict say(enum verdict verdict, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(answer.detail, sizeof(answer.detail), format, arguments);
	va_end(arguments);
	return verdict;
}

enum verdict judge(long result, const char *what)
{
	if (result >= 0)
		return say(VERDICT_OPEN, "%s succeeded", what);
	return say(errno == EPERM || errno == EACCES || errno == ENOSYS || errno == EAFNOSUPPORT
			   ? VERDICT_CLOSED
									: VERDICT_OPEN,
		   "%s: %s", what, strerror(errno));
}

const char *fact(const char *name)
{
	size_t length = strlen(name);

	for (char **f = facts; *f; f++)
		if (strncmp(*f, name, length) == 0 && (*f)[length] == '=')
			return (*f)[length + 1] ? *f + length + 1 : NULL;
	return getenv(name);
}

const char *own_directory(void)
{
	static char place[300];
	const char *places[] = { getenv("HOME"), "/tmp", ".", "/dev/shm", "/run", "/var/tmp" };

	/* Each row in its own process, so each makes and leaves one; the driver's come first. */
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (!places[i] || strlen(places[i]) > 200)
			continue;
		snprintf(place, sizeof(place), "%s/.cuddy-probe-%d", places[i], (int)getpid());
		if (mkdir(place, 0700) == 0 || errno == EEXIST)
			return place;
	}
	return NULL;
}

static void run_row(const struct row *row)
{
	static const char *const words[] = { "closed", "open", "skip" };
	int ends[2], status = 0;
	pid_t child;

	memset(&answer, 0, sizeof(answer));
	fflush(stdout);
	if (pipe(ends) < 0 || (child = fork()) < 0) {
		printf("skip %s no child: %s\n", row->class, strerror(errno));
		return;
	}
	if (!child) {
		alarm(ROW_SECONDS);
		close(ends[0]);
		answer.verdict = row->run(row);
		_exit(write(ends[1], &answer, sizeof(answer)) != sizeof(answer));
	}
	close(ends[1]);
	if (read(ends[0], &answer, sizeof(answer)) != sizeof(answer)) {
		answer.verdict = VERDICT_CLOSED;
		snprintf(answer.detail, sizeof(answer.detail), "the attempt gave no answer");
	}
	close(ends[0]);
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFSIGNALED(status))
		snprintf(answer.detail, sizeof(answer.detail), "killed by signal %d",
			 WTERMSIG(status));
	for (char *c = answer.detail; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 127)
			*c = '?';
	printf("%s %s %s\n", words[answer.verdict], row->class, answer.detail);
}

int main(int argc, char **argv)
{
	const struct row *const tables[] = { inherit_rows, file_rows, call_rows, net_rows };

	if (argc > 1 && strcmp(argv[1], "--bait") == 0)
		return bait_main(argc - 2, argv + 2);
	if (argc > 1 && strcmp(argv[1], "--with-key") == 0)
		return key_main(argc - 2, argv + 2);
	if (argc > 1 && strcmp(argv[1], "--linger") == 0)
		return linger_main(argc - 2, argv + 2);
	facts = argv + 1;
	signal(SIGURG, SIG_IGN);
	prctl(PR_SET_DUMPABLE, 1);
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		for (const struct row *row = tables[i]; row->class; row++)
			run_row(row);
	printf("end\n");
	return 0;
}
