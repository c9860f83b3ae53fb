/* bench/ibench.c - how long commands take, measured side by side.
 *
 *     ibench [-n ROUNDS] [-w WARM-UP] [-r REFERENCE] [-g CGROUP] [-p PAUSE-MS] [-f FD=FILE]
 *            [-c CSV] [-j] FILE
 *
 * FILE has a line per command: NAME, a tab, and its words as a shell would split them without
 * quotes or expansions ("#" starts a comment).  Every round runs each command once, in an order
 * shuffled anew, so that noise of the machine falls on all alike.  A ratio is taken within a
 * round and the median of these ratios is told: it bears what the median of times does not.
 * CPU time is that of the command and of its children that it waited for (wait4), and with -g
 * that of everything which ran in the control group meanwhile: helpers, kernel work, clean-up. */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum measure { MEASURE_WALL, MEASURE_CPU, MEASURE_GROUP, MEASURE_COUNT };
static const char *const measure_names[] = { "wall_us", "cpu_us", "group_cpu_us" };

struct command {
	char *name, **words;
	double *samples[MEASURE_COUNT];
	int failed;
};

static struct {
	int rounds, warm_up, pause_ms, file_fd, group_fd;
	bool group_is_v1, json;
	const char *reference, *csv;
	struct command commands[64];
	size_t count;
} bench = { .rounds = 50, .warm_up = 5, .file_fd = -1, .group_fd = -1 };

static _Noreturn void give_up(const char *what)
{
	fprintf(stderr, "ibench: %s: %s\n", what, strerror(errno));
	exit(2);
}

static void *room(size_t count, size_t size)
{
	void *memory = calloc(count ? count : 1, size);

	if (!memory)
		give_up("memory");
	return memory;
}

static double now_us(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

/* CPU time of the group so far: cpu.stat of version 2, cpuacct.usage of version 1. */
static double group_us(void)
{
	char text[512] = "";
	char *line;

	if (bench.group_fd < 0 || pread(bench.group_fd, text, sizeof(text) - 1, 0) <= 0)
		return 0;
	if (bench.group_is_v1)
		return strtod(text, NULL) / 1e3;
	line = strstr(text, "usage_usec ");
	return line ? strtod(line + 11, NULL) : 0;
}

static void group_join(const char *group)
{
	char path[4096], number[24];
	int fd;

	snprintf(path, sizeof(path), "%s/cgroup.procs", group);
	snprintf(number, sizeof(number), "%d", (int)getpid());
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, number, strlen(number)) < 0)
		give_up(path);
	close(fd);
	snprintf(path, sizeof(path), "%s/cpu.stat", group);
	bench.group_fd = open(path, O_RDONLY | O_CLOEXEC);
	snprintf(path, sizeof(path), "%s/cpuacct.usage", group);
	if (access(path, R_OK) == 0) {
		if (bench.group_fd >= 0)
			close(bench.group_fd);
		bench.group_fd = open(path, O_RDONLY | O_CLOEXEC);
		bench.group_is_v1 = true;
	}
	if (bench.group_fd < 0)
		give_up(path);
}

/* Without bias: numbers beyond the last whole multiple are thrown again. */
static size_t random_below(size_t limit)
{
	uint32_t number, most = UINT32_MAX - UINT32_MAX % (uint32_t)limit;

	do {
		if (getrandom(&number, sizeof(number), 0) != sizeof(number))
			give_up("getrandom");
	} while (number >= most);
	return number % limit;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double quantile(const double *values, int count, double part)
{
	double *sorted = room((size_t)count, sizeof(*sorted)), at = part * (count - 1), result;
	int low = (int)at;

	memcpy(sorted, values, (size_t)count * sizeof(*sorted));
	qsort(sorted, (size_t)count, sizeof(*sorted), by_value);
	result = sorted[low];
	if (low + 1 < count)
		result += (at - low) * (sorted[low + 1] - sorted[low]);
	free(sorted);
	return result;
}

static double paired_ratio(const struct command *a, const struct command *b, enum measure m)
{
	double *ratios = room((size_t)bench.rounds, sizeof(*ratios)), result;

	for (int i = 0; i < bench.rounds; i++)
		ratios[i] = b->samples[m][i] > 0 ? a->samples[m][i] / b->samples[m][i] : 0;
	result = quantile(ratios, bench.rounds, .5);
	free(ratios);
	return result;
}

static char **split_words(char *text)
{
	char **words = room(strlen(text) / 2 + 2, sizeof(*words)), *rest = NULL;
	size_t count = 0;

	for (char *word = strtok_r(text, " \t", &rest); word; word = strtok_r(NULL, " \t", &rest))
		words[count++] = word;
	return words;
}

static void commands_read(const char *name)
{
	FILE *file = strcmp(name, "-") ? fopen(name, "re") : stdin;
	char *line = NULL;
	size_t size = 0;

	if (!file)
		give_up(name);
	while (getline(&line, &size, file) > 0) {
		struct command *command = &bench.commands[bench.count];
		char *tab = strchr(line, '\t');

		line[strcspn(line, "\n")] = '\0';
		if (!tab || line[0] == '#' || !tab[1])
			continue;
		if (bench.count == sizeof(bench.commands) / sizeof(bench.commands[0])) {
			errno = E2BIG;
			give_up(name);
		}
		*tab = '\0';
		command->name = strdup(line);
		command->words = split_words(strdup(tab + 1));
		for (enum measure m = 0; m < MEASURE_COUNT; m++)
			command->samples[m] = room((size_t)bench.rounds, sizeof(double));
		bench.count++;
	}
	free(line);
	if (file != stdin)
		fclose(file);
	if (!bench.count) {
		fprintf(stderr, "ibench: %s: no command in it\n", name);
		exit(2);
	}
}

static double usage_us(const struct rusage *usage)
{
	return (double)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * 1e6 +
	       (double)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec);
}

static void run_once(struct command *command, const posix_spawn_file_actions_t *actions, int round)
{
	struct rusage usage;
	double group = group_us(), start;
	int status, r;
	pid_t pid;

	if (bench.file_fd >= 0)
		lseek(bench.file_fd, 0, SEEK_SET);
	start = now_us();
	r = posix_spawnp(&pid, command->words[0], actions, NULL, command->words, environ);
	if (r) {
		errno = r;
		give_up(command->words[0]);
	}
	while (wait4(pid, &status, 0, &usage) < 0)
		if (errno != EINTR)
			give_up("wait4");
	start = now_us() - start;
	/* Name spaces and mounts go after the program: let that fall on its own account. */
	if (bench.pause_ms)
		usleep((useconds_t)bench.pause_ms * 1000);
	if (round < 0)
		return;
	command->failed += status != 0;
	command->samples[MEASURE_WALL][round] = start;
	command->samples[MEASURE_CPU][round] = usage_us(&usage);
	command->samples[MEASURE_GROUP][round] = group_us() - group;
}

static void run_all(void)
{
	posix_spawn_file_actions_t actions;
	size_t order[64];

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
	if (!getenv("IBENCH_STDERR"))
		posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
	for (size_t i = 0; i < bench.count; i++)
		order[i] = i;
	for (int round = -bench.warm_up; round < bench.rounds; round++) {
		for (size_t i = bench.count; i > 1; i--) {
			size_t j = random_below(i), swap = order[i - 1];

			order[i - 1] = order[j];
			order[j] = swap;
		}
		for (size_t i = 0; i < bench.count; i++)
			run_once(&bench.commands[order[i]], &actions, round);
	}
	posix_spawn_file_actions_destroy(&actions);
}

static const struct command *reference(void)
{
	for (size_t i = 0; i < bench.count; i++)
		if (bench.reference && !strcmp(bench.commands[i].name, bench.reference))
			return &bench.commands[i];
	return &bench.commands[0];
}

static void report(void)
{
	const struct command *base = reference();
	enum measure cpu = bench.group_fd >= 0 ? MEASURE_GROUP : MEASURE_CPU;
	int n = bench.rounds;

	if (!bench.json)
		printf("%-24s %9s %9s %9s %12s %9s %9s %6s\n", "command", "wall_us", "p10", "p90",
		       measure_names[cpu], "x_wall", "x_cpu", "failed");
	for (size_t i = 0; i < bench.count; i++) {
		const struct command *c = &bench.commands[i];
		const double *wall = c->samples[MEASURE_WALL];

		printf(bench.json ? "{\"name\": \"%s\", \"wall_us\": %.1f, \"p10\": %.1f, "
				    "\"p90\": %.1f, \"cpu_us\": %.1f, \"wall_ratio\": %.4f, "
				    "\"cpu_ratio\": %.4f, \"failed\": %d}\n"
				  : "%-24s %9.0f %9.0f %9.0f %12.0f %9.3f %9.3f %6d\n",
		       c->name, quantile(wall, n, .5), quantile(wall, n, .1), quantile(wall, n, .9),
		       quantile(c->samples[cpu], n, .5), paired_ratio(c, base, MEASURE_WALL),
		       paired_ratio(c, base, cpu), c->failed);
	}
}

static void write_csv(void)
{
	FILE *file = bench.csv ? fopen(bench.csv, "we") : NULL;

	if (bench.csv && !file)
		give_up(bench.csv);
	for (size_t i = 0; file && i < bench.count; i++)
		for (int round = 0; round < bench.rounds; round++)
			fprintf(file, "%s,%d,%.1f,%.1f,%.1f\n", bench.commands[i].name, round,
				bench.commands[i].samples[MEASURE_WALL][round],
				bench.commands[i].samples[MEASURE_CPU][round],
				bench.commands[i].samples[MEASURE_GROUP][round]);
	if (file && fclose(file))
		give_up(bench.csv);
}

static void inherit_file(const char *argument)
{
	const char *name = strchr(argument, '=');
	int fd = name ? open(name + 1, O_RDONLY) : -1;

	bench.file_fd = atoi(argument);
	if (fd < 0 || (fd != bench.file_fd && dup2(fd, bench.file_fd) < 0))
		give_up(argument);
}

int main(int argc, char **argv)
{
	for (int option; (option = getopt(argc, argv, "n:w:r:g:p:f:c:j")) != -1;)
		switch (option) {
		case 'n': bench.rounds = atoi(optarg); break;
		case 'w': bench.warm_up = atoi(optarg); break;
		case 'r': bench.reference = optarg; break;
		case 'g': group_join(optarg); break;
		case 'p': bench.pause_ms = atoi(optarg); break;
		case 'f': inherit_file(optarg); break;
		case 'c': bench.csv = optarg; break;
		case 'j': bench.json = true; break;
		default: return 2;
		}
	if (optind + 1 != argc || bench.rounds < 1) {
		fprintf(stderr, "usage: ibench [-n rounds] [-w warm-up] [-r reference] [-g cgroup] "
				"[-p pause-ms] [-f fd=file] [-c csv] [-j] FILE\n");
		return 2;
	}
	commands_read(argv[optind]);
	run_all();
	report();
	write_csv();
	return 0;
}
