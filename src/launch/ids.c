/* launch/ids.c - who the cage's users are outside: the steps that map ids.
 * The child asks the launcher for ids of others; those of the program are the same, written by a short-lived
 * child that stays in the namespace between (user_namespaces(7)).
 * Must not: allocate, print, decide who gets which id. */
#include "launch/child.h"
#include "launch/kernel.h"

#include <linux/sched.h>
#include <sched.h>
#include <string.h>
#include <sys/wait.h>

/* Appends "INSIDE OUTSIDE COUNT\n". */
static char *add_range(char *end, uint64_t inside, uint64_t outside, uint64_t count)
{
	const uint64_t numbers[] = { inside, outside, count };
	char number[24];

	for (size_t i = 0; i < 3; i++) {
		end = stpcpy(end, decimal(number, sizeof(number), numbers[i]));
		*end++ = i < 2 ? ' ' : '\n';
	}
	return end;
}

int child_write_map(const struct child *c, const char *name, uint64_t inside, uint64_t outside)
{
	char line[80];

	return child_write_file(c, c->self, name, line, (size_t)(add_range(line, inside, outside, 1) - line));
}

/* Every id as it is; a line must not span two ranges of the namespace above. */
static int write_ranges(const struct child *c, const char *name, const uint32_t counts[ID_RANGES])
{
	char text[ID_RANGES * 40], *end = text;
	uint64_t id = 0;

	for (size_t i = 0; i < ID_RANGES && counts[i]; id += counts[i++])
		end = add_range(end, id, id, counts[i]);
	return child_write_file(c, c->self, name, text, (size_t)(end - text));
}

/* Only somebody outside may map ids that are not our own: user_namespaces(7). */
static int ask_for_ids(struct child *c)
{
	long length, r = child_report(c, &(struct report){ .kind = REPORT_IDS }, -1);

	do
		length = RESULT(syscall(SYS_read, c->report, &c->ids, sizeof(c->ids)));
	while (length == -EINTR);
	return r < 0 ? (int)r : length == sizeof(c->ids) ? 0 : -ECANCELED;
}

int step_map_ids(struct child *c, const struct step *s)
{
	/* Through /proc of the host, where we still are; the same descriptor serves NEST. */
	c->self = RESULT(openat(AT_FDCWD, "/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC));
	if (c->self < 0)
		return c->self;
	int r = s->c & PLAN_MORE_IDS ? ask_for_ids(c) : 0;
	if (r < 0 || c->ids.users[0])
		return r;
	r = child_write_file(c, c->self, "setgroups", "deny", 4);
	if (r == 0)
		r = child_write_map(c, "uid_map", 0, s->a);
	return r < 0 ? r : child_write_map(c, "gid_map", 0, s->b);
}

/* A map of many ids is written by somebody who stays in the namespace that they come from. */
_Noreturn static void write_maps_later(struct child *c, int go)
{
	char byte;
	int r = RESULT(syscall(SYS_read, go, &byte, 1));

	r = r == 1 ? write_ranges(c, "uid_map", c->ids.users) : -ECANCELED;
	if (r == 0)
		r = write_ranges(c, "gid_map", c->ids.groups);
	_exit(-r);
}

static int nest_with_ids(struct child *c)
{
	struct clone_args how = { .exit_signal = SIGCHLD };
	int ends[2], status = 0, r = RESULT(syscall(SYS_pipe2, ends, O_CLOEXEC));

	if (r < 0)
		return r;
	int writer = RESULT(syscall(SYS_clone3, &how, sizeof(how)));
	if (writer == 0) {
		close(ends[1]);
		write_maps_later(c, ends[0]);
	}
	r = writer < 0 ? writer : RESULT(syscall(SYS_unshare, CLONE_NEWUSER));
	if (r == 0)
		r = MIN(0, RESULT(write(ends[1], "", 1)));
	close(ends[0]);
	close(ends[1]);
	while (writer > 0 && waitpid(writer, &status, 0) < 0 && errno == EINTR)
		;
	return r < 0 ? r : WIFEXITED(status) ? -WEXITSTATUS(status) : -ECANCELED;
}

int step_nest(struct child *c, const struct step *s)
{
	if (c->ids.users[0])
		return nest_with_ids(c);
	int r = RESULT(syscall(SYS_unshare, CLONE_NEWUSER));

	if (r == 0)
		r = child_write_map(c, "uid_map", s->a, 0);
	return r < 0 ? r : child_write_map(c, "gid_map", s->b, 0);
}
