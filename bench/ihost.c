/* bench/ihost.c - the sides of a launcher that single runs don't show.
 *
 *     ihost crowd N CMD…              runs CMD while N more processes sleep
 *     ihost mounts N CMD…             runs CMD with N more mounts (private namespace, wants root)
 *     ihost rate SECONDS WORKERS FILE runs per second with so many at once, turn by turn
 *     ihost rest N FILE               what N resting cages cost: helpers, PSS, private memory
 *
 * FILE is ibench's.  "@N@" in a word becomes a number that no other running copy has, "@L@" one of each
 * launcher.  For `rest` the last word of each command gives way to a sleep.  Ends only what it started. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MOST_WORDS 512
#define RATE_TURNS 5

struct command { char *name, *line; };
static struct command commands[64];
static size_t command_count;
static unsigned serial;

static _Noreturn void give_up(const char *what)
{
	fprintf(stderr, "ihost: %s: %s\n", what, strerror(errno));
	exit(2);
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void commands_read(const char *name)
{
	FILE *file = fopen(name, "re");
	char *line = NULL;
	size_t size = 0;

	if (!file)
		give_up(name);
	while (getline(&line, &size, file) > 0 && command_count < 64) {
		char *tab = strchr(line, '\t');

		line[strcspn(line, "\n")] = '\0';
		if (!tab || line[0] == '#' || !tab[1])
			continue;
		*tab = '\0';
		commands[command_count++] = (struct command){ strdup(line), strdup(tab + 1) };
	}
	free(line);
	fclose(file);
}

/* Starts the command with its @N@ filled in; `sleeps` puts a sleep in the program's place. */
static pid_t start(const struct command *command, int sleeps)
{
	char line[65536], *words[MOST_WORDS + 3], *rest = NULL;
	posix_spawn_file_actions_t actions;
	size_t length = 0, count = 0;
	pid_t pid;
	int r;

	for (const char *at = command->line; *at && length < sizeof(line) - 24;)
		if (strncmp(at, "@N@", 3) == 0 || strncmp(at, "@L@", 3) == 0) {
			length += (size_t)snprintf(line + length, 24, "%d-%u", (int)getpid(),
						   at[1] == 'N' ? serial : 0);
			at += 3;
		} else {
			line[length++] = *at++;
		}
	line[length] = '\0';
	serial++;
	for (char *word = strtok_r(line, " \t", &rest); word && count < MOST_WORDS;
	     word = strtok_r(NULL, " \t", &rest))
		words[count++] = word;
	if (sleeps) {
		words[count - 1] = "/bin/sleep";
		words[count++] = "900";
	}
	words[count] = NULL;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
	if (!getenv("IBENCH_STDERR"))
		posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
	r = posix_spawnp(&pid, words[0], &actions, NULL, words, environ);
	posix_spawn_file_actions_destroy(&actions);
	errno = r;
	if (r)
		give_up(words[0]);
	return pid;
}

static int wait_for(pid_t pid)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* ---- crowd, mounts ---- */

static int run_words(char **words)
{
	pid_t pid;
	int r = posix_spawnp(&pid, words[0], NULL, NULL, words, environ);

	errno = r;
	if (r)
		give_up(words[0]);
	return wait_for(pid);
}

static int crowd(int count, char **words)
{
	pid_t *sleepers = calloc((size_t)count + 1, sizeof(*sleepers));
	int made, status;

	if (!sleepers)
		give_up("memory");
	for (made = 0; made < count; made++) {
		sleepers[made] = fork();
		if (sleepers[made] < 0)
			break;
		if (!sleepers[made]) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			for (;;)
				pause();
		}
	}
	if (made < count)
		fprintf(stderr, "ihost: %d processes only: %s\n", made, strerror(errno));
	status = made < count ? 2 : run_words(words);
	for (int i = 0; i < made; i++)
		kill(sleepers[i], SIGKILL);
	for (int i = 0; i < made; i++)
		waitpid(sleepers[i], NULL, 0);
	free(sleepers);
	return status;
}

static int mounts(int count, char **words)
{
	char path[64];

	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("ihost", "/mnt", "tmpfs", 0, NULL) < 0)
		give_up("a mount namespace");
	for (int i = 0; i < count - 1; i++) {
		snprintf(path, sizeof(path), "/mnt/%d", i);
		if (mkdir(path, 0755) < 0 || mount("/usr/share", path, NULL, MS_BIND, NULL) < 0)
			give_up(path);
	}
	return run_words(words);
}

/* ---- rate ---- */

static double rate_once(const struct command *command, double seconds, int workers, int *failed)
{
	double begin = now(), end = begin + seconds;
	int running = 0, done = 0, status;

	while (running || now() < end) {
		while (running < workers && now() < end) {
			start(command, 0);
			running++;
		}
		if (running && wait(&status) > 0) {
			running--;
			done++;
			*failed += status != 0;
		}
	}
	return done / (now() - begin);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static int rate(double seconds, int workers)
{
	double rates[64][RATE_TURNS];
	int failed[64] = { 0 };

	/* A different command goes first each turn. */
	for (size_t turn = 0; turn < RATE_TURNS; turn++)
		for (size_t i = 0; i < command_count; i++) {
			size_t at = (i + turn) % command_count;

			rates[at][turn] = rate_once(&commands[at], seconds, workers, &failed[at]);
		}
	printf("%-24s %12s %9s\n", "command", "per_second", "failed");
	for (size_t i = 0; i < command_count; i++) {
		qsort(rates[i], RATE_TURNS, sizeof(rates[i][0]), by_value);
		printf("%-24s %12.1f %9d\n", commands[i].name, rates[i][RATE_TURNS / 2], failed[i]);
	}
	return 0;
}

/* ---- rest ---- */

static int parent_of(int pid)
{
	char path[64], text[512], *end;
	int fd, parent = 0;
	ssize_t length;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	length = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (fd >= 0)
		close(fd);
	text[length > 0 ? length : 0] = '\0';
	end = strrchr(text, ')');
	if (end)
		sscanf(end + 1, " %*c %d", &parent);
	return parent;
}

static int is_ours(int pid)
{
	for (int depth = 0; pid > 1 && depth < 16; depth++, pid = parent_of(pid))
		if (pid == getpid())
			return depth > 0;
	return 0;
}

static void memory_of(int pid, long *pss, long *private)
{
	char path[64], line[256];
	FILE *file;
	long value;

	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", pid);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "Pss: %ld", &value) == 1)
			*pss += value;
		if (sscanf(line, "Private_Clean: %ld", &value) == 1 ||
		    sscanf(line, "Private_Dirty: %ld", &value) == 1)
			*private += value;
	}
	if (file)
		fclose(file);
}

static int is_sleep(int pid)
{
	char path[64], name[32] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	file = fopen(path, "re");
	if (file && !fgets(name, sizeof(name), file))
		name[0] = '\0';
	if (file)
		fclose(file);
	return strcmp(name, "sleep\n") == 0;
}

static void look(int *helpers, int *asleep, long *pss, long *private)
{
	DIR *processes = opendir("/proc");

	*helpers = *asleep = 0;
	*pss = *private = 0;
	for (struct dirent *entry; processes && (entry = readdir(processes));) {
		int pid = isdigit((unsigned char)entry->d_name[0]) ? atoi(entry->d_name) : 0;

		if (!pid || !is_ours(pid))
			continue;
		if (is_sleep(pid)) {
			++*asleep;
			continue;
		}
		++*helpers;
		memory_of(pid, pss, private);
	}
	if (processes)
		closedir(processes);
}

static int rest(int count)
{
	pid_t *started = calloc((size_t)count + 1, sizeof(*started));

	if (!started)
		give_up("memory");
	printf("%-24s %9s %9s %9s %9s\n", "command", "asleep", "helpers", "pss_kB", "uss_kB");
	for (size_t i = 0; i < command_count; i++) {
		int helpers = 0, asleep = 0;
		long pss = 0, private = 0;

		for (int j = 0; j < count; j++)
			started[j] = start(&commands[i], 1);
		for (int tries = 0; tries < 100 && asleep < count; tries++) {
			usleep(100000);
			look(&helpers, &asleep, &pss, &private);
		}
		printf("%-24s %6d/%-2d %9.1f %9.1f %9.1f\n", commands[i].name, asleep, count,
		       (double)helpers / count, (double)pss / count, (double)private / count);
		fflush(stdout);
		for (int j = 0; j < count; j++)
			kill(started[j], SIGTERM);
		for (int j = 0; j < count; j++)
			wait_for(started[j]);
	}
	free(started);
	return 0;
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "";

	if (argc > 3 && !strcmp(mode, "crowd"))
		return crowd(atoi(argv[2]), argv + 3);
	if (argc > 3 && !strcmp(mode, "mounts"))
		return mounts(atoi(argv[2]), argv + 3);
	if (argc == 5 && !strcmp(mode, "rate") && atoi(argv[3]) > 0) {
		commands_read(argv[4]);
		return rate(atof(argv[2]), atoi(argv[3]));
	}
	if (argc == 4 && !strcmp(mode, "rest") && atoi(argv[2]) > 0) {
		commands_read(argv[3]);
		return rest(atoi(argv[2]));
	}
	fprintf(stderr, "usage: ihost crowd N CMD… | mounts N CMD… | rate SECONDS WORKERS FILE | "
			"rest N FILE\n");
	return 2;
}
