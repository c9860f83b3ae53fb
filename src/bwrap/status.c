/* bwrap/status.c - writes the documents of --info-fd and --json-status-fd, as bwrap(1) describes them. */
#include "bwrap/status.h"
#include "base/fd.h"

#include <errno.h>
#include <linux/sched.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct { const char *name; uint64_t flag; } spaces[] = {
	{ "cgroup", CLONE_NEWCGROUP }, { "ipc", CLONE_NEWIPC }, { "mnt", CLONE_NEWNS },
	{ "net", CLONE_NEWNET },       { "pid", CLONE_NEWPID }, { "uts", CLONE_NEWUTS },
};

/* Numbers of namespaces that cannot be told are left out. */
static void describe(struct strbuf *out, pid_t pid, uint64_t made, const char *begin, const char *between)
{
	struct stat status;

	strbuf_addf(out, "%s\"child-pid\": %d", begin, (int)pid);
	for (size_t i = 0; i < ARRAY_SIZE(spaces); i++)
		if ((made | CLONE_NEWNS) & spaces[i].flag &&
		    stat(arena_printf(out->arena, "/proc/%d/ns/%s", (int)pid, spaces[i].name), &status) == 0)
			strbuf_addf(out, ",%s\"%s-namespace\": %ju", between, spaces[i].name,
				    (uintmax_t)status.st_ino);
}

int bwrap_status_made(void *context, pid_t pid)
{
	struct bwrap_status *s = context;
	const struct bwrap *b = s->b;
	struct strbuf info = { .arena = b->arena }, event = { .arena = b->arena };
	char byte;
	int r = 0;

	describe(&info, pid, s->namespaces, "{\n    ", "\n    ");
	strbuf_add(&info, "\n}\n");
	describe(&event, pid, s->namespaces, "{ ", " ");
	strbuf_add(&event, " }\n");
	if (b->info_fd != -1)
		r = fd_write_all(b->info_fd, info.text, info.length);
	if (b->info_fd != -1)
		close(b->info_fd);
	if (r == 0 && b->status_fd != -1)
		r = fd_write_all(b->status_fd, event.text, event.length);
	if (r < 0)
		s->error = arena_printf(b->arena, "Write to info_fd: %s", strerror(-r));
	while (r == 0 && b->userns_block_fd != -1 && read(b->userns_block_fd, &byte, 1) < 0 && errno == EINTR)
		;
	return r;
}

void bwrap_status_ended(const struct bwrap *b, int exit_status)
{
	const char *text = arena_printf(b->arena, "{ \"exit-code\": %d }\n", exit_status);

	if (b->status_fd != -1)
		(void)fd_write_all(b->status_fd, text, strlen(text));
}
