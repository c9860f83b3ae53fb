/* The public header: load with options, check, decide, why, explain, plan, start, wait, messages; and
 * the example, as it stands. */
#include "tap.h"
#include <cuddy.h>

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

int example_main(int argc, char **argv);
#define main example_main
#include "../../examples/why.c" /* the file as it stands */
#undef main

/* What cages are started with. */
#ifdef __SANITIZE_ADDRESS__
#define PROGRAMS "tests/unit/unlimited.toml"
#else
#define PROGRAMS "command-line"
#endif

static struct cuddy *load(const char *profile)
{
	struct cuddy_options options = { .size = sizeof(options), .profile = profile, .share = "." };

	return cuddy_load(&options);
}

static bool has(const char *text, const char *part)
{
	return text && strstr(text, part);
}

static void test_questions(void)
{
	struct cuddy *c = load("project");

	ok(cuddy_check(c) == 0, "profile project is read");
	is(cuddy_messages(c), "", "without a message");
	ok(cuddy_decide(c, "read /etc/shadow") == CUDDY_DENY, "a deny");
	ok(cuddy_decide(c, "read /usr/bin/env") == CUDDY_ALLOW, "an allow");
	ok(has(cuddy_why(c, "read /usr/bin/env", CUDDY_TEXT), "allow: '/usr"), "why, with the rule");
	ok(has(cuddy_why(c, "read /usr/bin/env", CUDDY_TEXT), "permissions/filesystem.toml:"), "and its file");
	ok(has(cuddy_why(c, "read /etc/shadow", CUDDY_JSON), "\"verdict\": \"deny\""), "and as JSON");
	ok(has(cuddy_explain(c, CUDDY_TEXT), "not named here is denied"), "explain");
	ok(has(cuddy_explain(c, CUDDY_JSON), "\"rules\""), "and as JSON");
	ok(cuddy_decide(c, "fly /tmp") == CUDDY_ERROR, "a verb that there is not");
	ok(!cuddy_why(c, "fly /tmp", CUDDY_TEXT), "has no why");
	ok(*cuddy_messages(c), "but a message");
	ok(cuddy_wait(c) == -1, "nothing runs, nothing to wait for");
	cuddy_free(c);
	cuddy_free(NULL);
}

/* A structure after an error: every function fails on it. */
static void is_useless(struct cuddy *c, const char *code)
{
	static const char *const argv[] = { "true", NULL };

	ok(cuddy_check(c) == -1 && has(cuddy_messages(c), code), "%s is told", code);
	ok(cuddy_decide(c, "read /") == CUDDY_ERROR && !cuddy_why(c, "read /", CUDDY_TEXT) &&
	   !cuddy_explain(c, CUDDY_TEXT) && !cuddy_plan(c, argv, CUDDY_TEXT), "and decides nothing");
	ok(cuddy_can_start(c) == CUDDY_REFUSED && cuddy_start(c, argv) == CUDDY_REFUSED &&
	   cuddy_wait(c) == -1, "and starts nothing");
	cuddy_free(c);
}

static void test_options(void)
{
	static const char *const hidden[] = { "/usr/bin/env", NULL };
	struct { struct cuddy_options options; char later; } newer = { { .size = sizeof(newer) }, 0 };
	struct cuddy_options o = { .size = sizeof(o), .profile = "project", .share = ".", .hide = hidden };
	struct cuddy *c = cuddy_load(&o);

	ok(cuddy_decide(c, "read /usr/bin/env") == CUDDY_DENY, "a rule on top of the profile");
	ok(has(cuddy_why(c, "read /usr/bin/env", CUDDY_TEXT), "command line:"), "says so");
	cuddy_free(c);
	o = (struct cuddy_options){ .size = sizeof(o), .program = "/bin/no-such-program", .share = ".",
				    .network = "host" };
	c = cuddy_load(&o);
	ok(has(cuddy_explain(c, CUDDY_TEXT), "command-line"), "a program without a profile has one");
	ok(cuddy_decide(c, "connect 192.0.2.1:80") == CUDDY_ALLOW, "the host's network");
	cuddy_free(c);
	is_useless(load("no-such-profile"), "C112");
	is_useless(load(NULL), "C515");
	o.network = "somewhere";
	is_useless(cuddy_load(&o), "C520");
	o = (struct cuddy_options){ .size = sizeof(o), .profile = "project", .share = "/nonexistent" };
	is_useless(cuddy_load(&o), "C517");
	is_useless(cuddy_load(NULL), "C540");
	o.size = 0;
	is_useless(cuddy_load(&o), "C540");

	o = (struct cuddy_options){ .size = sizeof(o), .profile = "project", .share = ".", .flags = CUDDY_SECURE };
	c = cuddy_load(&o);
	ok(has(cuddy_why(c, "syscall ptrace", CUDDY_TEXT), "strict.toml"), "profile strict on top");
	cuddy_free(c);
	o.flags = 1u << 31;
	is_useless(cuddy_load(&o), "C540");

	newer.options.profile = "project";
	newer.options.share = ".";
	c = cuddy_load(&newer.options);
	ok(cuddy_check(c) == 0, "a later version's options, not used, are fine");
	cuddy_free(c);
	newer.later = 1;
	is_useless(cuddy_load(&newer.options), "C540");
	o = (struct cuddy_options){ .size = offsetof(struct cuddy_options, share), .profile = "project" };
	c = cuddy_load(&o);
	ok(!has(cuddy_messages(c), "C540"), "an earlier version's options are fine");
	cuddy_free(c);
}

static void test_cage(void)
{
	static const char *const seven[] = { "sh", "-c", "exit 7", NULL }, *const none[] = { NULL };
	struct cuddy *c = load(PROGRAMS);

	ok(cuddy_can_start(c) == 0, "profile command-line lets programs start");
	ok(has(cuddy_plan(c, seven, CUDDY_TEXT), "IDENTITY"), "the plan");
	ok(has(cuddy_plan(c, seven, CUDDY_JSON), "\"IDENTITY\""), "and as JSON");
	ok(cuddy_start(c, none) == CUDDY_REFUSED, "no program, no start");
	if (cuddy_start(c, seven) == 0) {
		ok(cuddy_start(c, seven) == CUDDY_REFUSED, "one cage at a time");
		ok(cuddy_wait(c) == 7, "the status of the program");
		ok(cuddy_wait(c) == -1, "once");
	} else {
		ok(*cuddy_messages(c), "no cage here, and a message # SKIP no cages on this machine");
	}
	cuddy_free(c);
	c = load("nothing");
	ok(cuddy_start(c, seven) == CUDDY_CANNOT_EXECUTE, "profile nothing starts nothing");
	ok(has(cuddy_messages(c), "runtime.ordinary"), "and says which flag is missing");
	cuddy_free(c);
}

/* With CUDDY_FORGET the profile goes when the program runs, and only then. */
static void test_forgetting(void)
{
	static const char *const seven[] = { "sh", "-c", "exit 7", NULL }, *const missing[] = { "no-such-program", NULL };
	struct cuddy_options o = { .size = sizeof(o), .profile = PROGRAMS, .share = ".",
				   .flags = CUDDY_FORGET | CUDDY_VERBOSE, .cage = "forgetful" };
	struct cuddy *c = cuddy_load(&o);

	ok(cuddy_decide(c, "read /etc/shadow") == CUDDY_DENY, "before the start it may be asked");
	if (cuddy_start(c, seven) == 0) {
		char *before = strdup(cuddy_messages(c));

		ok(cuddy_decide(c, "read /etc/shadow") == CUDDY_DENY, "and after it");
		ok(cuddy_wait(c) == 7, "the status of the program");
		is(cuddy_messages(c), before, "what was said stays said");
		ok(cuddy_decide(c, "read /etc/shadow") == CUDDY_ERROR && cuddy_check(c) < 0 && !cuddy_command(c) &&
		   cuddy_can_start(c) == CUDDY_REFUSED && cuddy_wait(c) == -1, "all else is forgotten");
		free(before);
		cuddy_free(c);
		c = cuddy_load(&o);
		ok(cuddy_start(c, missing) == 0 && cuddy_wait(c) == CUDDY_NOT_FOUND && has(cuddy_messages(c), "C403"),
		   "a program that cannot be started is told");
		ok(cuddy_check(c) == 0, "and nothing is forgotten");
	} else {
		ok(*cuddy_messages(c), "no cage here, and a message # SKIP no cages on this machine");
	}
	cuddy_free(c);
}

static void test_streams(void)
{
	static const char *const echo[] = { "echo", "hello", NULL };
	char line[16] = "";
	int ends[2], streams[3] = { open("/dev/null", O_RDONLY), -1, 2 };
	struct cuddy_options o = { .size = sizeof(o), .profile = PROGRAMS, .share = ".", .streams = streams };
	struct cuddy *c;

	if (!ok(pipe(ends) == 0, "a pipe"))
		return;
	streams[1] = ends[1];
	c = cuddy_load(&o);
	streams[1] = -1;
	if (cuddy_start(c, echo) == 0) {
		ok(cuddy_wait(c) == 0, "a program with streams of its own");
		ok(read(ends[0], line, sizeof(line) - 1) == 6, "writes to them");
		is(line, "hello\n", "all of it");
	} else {
		ok(*cuddy_messages(c), "no cage here # SKIP no cages on this machine");
	}
	cuddy_free(c);
	close(streams[0]);
	close(ends[0]);
	close(ends[1]);
}

static void test_example(void)
{
	char name[] = "why", profile[] = "project", question[] = "read /etc/shadow", share[] = ".";
	char *words[] = { name, profile, question, share, NULL };
	char line[32] = "";
	int ends[2], status = -1;
	pid_t pid;

	if (!ok(pipe(ends) == 0, "a pipe"))
		return;
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		dup2(ends[1], 1);
		status = example_main(4, words);
		fflush(stdout);
		_exit(status);
	}
	close(ends[1]);
	ok(read(ends[0], line, sizeof(line) - 1) > 0, "the example says something");
	ok(strncmp(line, "deny: '/etc/", 12) == 0, "what is true");
	close(ends[0]);
	ok(waitpid(pid, &status, 0) == pid && status == 0, "and ends well");
}

int main(int count, char **words)
{
	if (!count || cuddy_protect(words) < 0)
		return 1;
	test_questions();
	test_options();
	test_cage();
	test_forgetting();
	test_streams();
	test_example();
	return done();
}
