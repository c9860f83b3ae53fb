/* The public header: load, check, decide, start, wait, messages; and the example, as it stands. */
#include "tap.h"
#include <cuddy.h>

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

int example_main(int argc, char **argv);
#define main example_main
#include "../../examples/why.c" /* the file as it stands */
#undef main

static void test_questions(void)
{
	struct cuddy *c = cuddy_load("project", ".");

	ok(cuddy_check(c) == 0, "profile project is read");
	is(cuddy_messages(c), "", "without a message");
	ok(cuddy_decide(c, "read /etc/shadow") == CUDDY_DENY, "a deny");
	ok(cuddy_decide(c, "read /usr/bin/env") == CUDDY_ALLOW, "an allow");
	ok(cuddy_decide(c, "fly /tmp") == CUDDY_ERROR, "a verb that there is not");
	ok(*cuddy_messages(c), "gives a message");
	ok(cuddy_wait(c) == -1, "nothing runs, nothing to wait for");
	cuddy_free(c);
	c = cuddy_load("no-such-profile", ".");
	ok(cuddy_check(c) == -1 && strstr(cuddy_messages(c), "C112"), "a missing profile is told");
	ok(cuddy_decide(c, "read /") == CUDDY_ERROR, "and decides nothing");
	cuddy_free(c);
	c = cuddy_load("project", "/nonexistent");
	ok(cuddy_check(c) == -1 && strstr(cuddy_messages(c), "C517"), "missing files of our own are told");
	cuddy_free(c);
	cuddy_free(NULL);
}

static void test_cage(void)
{
	static const char *const seven[] = { "sh", "-c", "exit 7", NULL };
	struct cuddy *c = cuddy_load("command-line", ".");

	if (cuddy_start(c, seven) == 0) {
		ok(cuddy_start(c, seven) == -1, "one cage at a time");
		ok(cuddy_wait(c) == 7, "the status of the program");
		ok(cuddy_wait(c) == -1, "once");
	} else {
		ok(*cuddy_messages(c), "no cage here, and a message # SKIP no cages on this machine");
	}
	cuddy_free(c);
}

static void test_example(void)
{
	char name[] = "why", profile[] = "project", question[] = "read /etc/shadow", share[] = ".";
	char *words[] = { name, profile, question, share, NULL };
	char line[16] = "";
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
	is(line, "deny\n", "what is true");
	close(ends[0]);
	ok(waitpid(pid, &status, 0) == pid && status == 0, "and ends well");
}

int main(void)
{
	test_questions();
	test_cage();
	test_example();
	return done();
}
