/* bench/istages.c - where the time of one start goes: what the parent does, then every step of the plan.
 *
 *     istages ROUNDS SHARE     (SHARE holds permissions/ and profiles/)
 *
 * Linked with the library itself: resolves the profile command-line, makes the plan, makes the child with
 * its namespaces and walks the steps by the launcher's own table, with a clock in between, up to the
 * privileges; the program is not started.  Each round is a process of its own, so all is cold.  Medians. */
#include "backend/backend.h"
#include "launch/child.h"
#include "profile/profile.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MOST_STEPS 1024
#define MOST_ROUNDS 200
enum { RESOLVE, COMPILE, VERIFY, CLONE, END, PARTS };
static const char *const part_names[PARTS] = {
	"parent: files and flags to rules", "parent: rules to plan", "parent: verify the plan",
	"make the namespaces", "take the namespaces down",
};

struct round {
	double part[PARTS], at[MOST_STEPS + 1]; /* us; at[i]: when step i began */
	unsigned char op[MOST_STEPS];
	size_t steps;
	int failed;
};
static struct round *rounds;

extern char **environ;

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

static int walk(void *argument)
{
	struct child *c = argument;
	struct round *r = rounds;

	umask(0);
	c->root = c->base = c->self = c->host_root = c->place = -1;
	for (r->steps = 0; r->steps < c->plan->steps.count; r->steps++) {
		const struct step *step = &c->plan->steps.items[r->steps];

		r->at[r->steps] = now();
		if (step->stage > STAGE_PRIVILEGE)
			break;
		r->op[r->steps] = step->op;
		r->failed = step_table[step->op](c, step);
		if (r->failed)
			break;
	}
	_exit(0);
}

static int one(const char *share)
{
	struct arena *arena = arena_new();
	char here[PATH_MAX];
	const char *home = getenv("HOME");
	struct profile_variable variables[] = {
		{ "HOME", home ? home : "/" }, { "PWD", getcwd(here, sizeof(here)) },
		{ "XDG_CACHE_HOME", "/nonexistent/cache" }, { "XDG_CONFIG_HOME", "/nonexistent/config" },
		{ "XDG_DATA_HOME", "/nonexistent/data" }, { "XDG_STATE_HOME", "/nonexistent/state" },
		{ "XDG_RUNTIME_DIR", "/nonexistent/run" }, { "CUDDY_RUNNING", "/nonexistent/running" },
	};
	struct profile_context context = { .places = { share, "/etc/cuddy", NULL }, .variables = variables,
					   .variable_count = ARRAY_SIZE(variables) };
	const char *const argv[] = { "/bin/true", NULL };
	struct cage cage = { .name = "bench", .uid = getuid(), .gid = getgid(), .user = "bench",
			     .home = variables[0].value, .shell = "/bin/sh", .working_directory = here,
			     .environment = environ, .argv = argv };
	struct policy *policy;
	struct plan *plan;
	struct claim *claims;
	struct diags d;
	double times[PARTS + 1];

	diags_init(&d, arena);
	times[0] = now();
	if (profile_resolve(arena, &context, "command-line", &d, &policy) < 0)
		return 1;
	times[1] = now();
	if (backend_compile(arena, policy, &cage, &d, &plan, &claims) < 0)
		return 1;
	times[2] = now();
	if (plan_verify(plan, &d) < 0)
		return 1;
	times[3] = now();
	struct child child = { .plan = plan, .fault = -1, .report = open("/dev/null", O_WRONLY) };
	struct clone_args how = {
		.flags = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS |
			 CLONE_NEWCGROUP | CLONE_NEWNET, .exit_signal = SIGCHLD,
	};
	long pid = syscall(SYS_clone3, &how, sizeof(how));
	if (pid == 0)
		walk(&child);
	if (pid < 0 || waitpid((pid_t)pid, NULL, 0) < 0)
		return 1;
	times[4] = now();
	for (int i = 0; i < CLONE; i++)
		rounds->part[i] = times[i + 1] - times[i];
	rounds->part[CLONE] = rounds->at[0] - times[3];
	rounds->part[END] = times[4] - rounds->at[rounds->steps];
	return rounds->failed != 0;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values, int count)
{
	qsort(values, (size_t)count, sizeof(*values), by_value);
	return values[count / 2];
}

static void print_ops(const struct round *all, int count)
{
	double values[MOST_ROUNDS];

	for (unsigned op = 0; op < OP_COUNT; op++) {
		size_t steps = 0;

		for (int i = 0; i < count; i++) {
			values[i] = 0;
			steps = 0;
			for (size_t s = 0; s < all[i].steps; s++)
				if (all[i].op[s] == op) {
					values[i] += all[i].at[s + 1] - all[i].at[s];
					steps++;
				}
		}
		if (steps)
			printf("  %-32s %5zu %9.0f\n", op_table[op].name, steps, median(values, count));
	}
}

int main(int argc, char **argv)
{
	static struct round all[MOST_ROUNDS];
	double values[MOST_ROUNDS];
	int wanted = argc == 3 ? atoi(argv[1]) : 0, count = 0;

	rounds = mmap(NULL, sizeof(*rounds), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (wanted < 1 || wanted > MOST_ROUNDS || rounds == MAP_FAILED) {
		fprintf(stderr, "usage: istages ROUNDS SHARE\n");
		return 2;
	}
	for (int i = 0; i < wanted; i++) {
		int status;

		usleep(25000); /* the kernel still clears the last one's network away */
		pid_t pid = fork();

		if (pid == 0)
			_exit(one(argv[2]));
		if (pid > 0 && waitpid(pid, &status, 0) == pid && status == 0)
			all[count++] = *rounds;
	}
	if (!count) {
		fprintf(stderr, "istages: no round succeeded\n");
		return 1;
	}
	printf("%-34s %5s %9s\n", "part", "steps", "us");
	for (int part = 0; part < PARTS; part++) {
		for (int i = 0; i < count; i++)
			values[i] = all[i].part[part];
		printf("%-34s %5s %9.0f\n", part_names[part], "", median(values, count));
		if (part == CLONE)
			print_ops(all, count);
	}
	return 0;
}
