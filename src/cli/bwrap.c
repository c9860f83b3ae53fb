/* cli/bwrap.c - bubblewrap's command line on our engine: `cuddy bwrap`, or cuddy called as bwrap.
 * Messages and exit statuses are bubblewrap's: 1 when anything fails. */
#include "cli/cli.h"
#include "base/fd.h"
#include "base/own.h"
#include "bwrap/status.h"

#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

extern char **environ;

enum { FAILED = 1 };

/* Each line of `lines` as a message of its own. */
static int complain(const struct bwrap *b, const char *level, const char *lines)
{
	struct strbuf out = { .arena = b->arena };

	while (*lines) {
		size_t length = strcspn(lines, "\n");
		strbuf_addf(&out, "%sbwrap: %.*s\n", b->level_prefix ? level : "", (int)length, lines);
		lines += length + (lines[length] == '\n');
	}
	(void)fd_write_all(STDERR_FILENO, strbuf_text(&out), out.length);
	return FAILED;
}

static uint64_t own_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct sets[2] = { { 0 }, { 0 } };

	(void)syscall(SYS_capget, &header, sets);
	return sets[0].effective | (uint64_t)sets[1].effective << 32;
}

static int usage(struct cli *cli, int fd, const char *called)
{
	struct strbuf out = { .arena = cli->arena };

	bwrap_usage(&out, called);
	(void)fd_write_all(fd, out.text, out.length);
	return fd == STDOUT_FILENO ? 0 : FAILED;
}

static const char *why_not_made(struct arena *arena, const struct launch_foreign *launch, int error)
{
	if (launch->user_namespace >= 0 && error == EINVAL)
		return "Joining the specified user namespace failed, it might not be a descendant of the current "
		       "user namespace.";
	if (launch->namespaces & 0x10000000 /* CLONE_NEWUSER */ && error == EPERM)
		return "No permissions to create a new namespace, likely because the kernel does not allow "
		       "non-privileged user namespaces. 'cuddy doctor' tells what can be done.";
	if (error == ENOSPC)
		return "Creating new namespace failed: nesting depth or /proc/sys/user/max_*_namespaces exceeded "
		       "(ENOSPC)";
	return arena_printf(arena, "Creating new namespace failed: %s", strerror(error));
}

static int start(struct cli *cli, struct bwrap *b, const struct plan *plan, struct launch_foreign launch)
{
	struct bwrap_status status = { .b = b, .namespaces = launch.namespaces };
	struct foreign_end end;

	launch.context = &status;
	if (b->info_fd != -1 || b->status_fd != -1 || b->userns_block_fd != -1)
		launch.made = bwrap_status_made;
	int r = launch_foreign(plan, &launch, &cli->d, &end);
	if (r < 0 && cli->d.list.count) /* a mistake of ours, which main() tells */
		return FAILED;
	if (r < 0)
		return complain(b, "<3>", status.error ? status.error : why_not_made(b->arena, &launch, -r));
	if (!end.started)
		return complain(b, "<3>", bwrap_failure(plan, end.step, end.error));
	bwrap_status_ended(b, end.status);
	return end.status;
}

int bwrap_main(struct cli *cli, const char *called, char **words)
{
	struct bwrap_caller caller = {
		.uid = getuid(), .gid = getgid(), .caps = own_capabilities(),
	};
	CLEANUP(plan_freep) struct plan *plan = NULL;
	struct launch_foreign launch;
	struct bwrap b;

	if (cli_protect(cli) < 0) /* before descriptors are read */
		return FAILED;
	own_forget();
	caller.environment = (const char *const *)environ;
	int r = bwrap_parse(cli->arena, words, &caller, &b);

	complain(&b, "<4>", strbuf_text(&b.warnings));
	if (b.help)
		return usage(cli, STDOUT_FILENO, called);
	if (b.version)
		return cli_print("bubblewrap 0.11.0\n");
	if (b.usage)
		return usage(cli, STDERR_FILENO, called);
	if (r == 0)
		plan = bwrap_plan(&b, &caller, &launch);
	return plan ? start(cli, &b, plan, launch) : complain(&b, "<3>", b.error);
}

/* Its words are not ours to parse: main() hands them to bwrap_main(). */
const struct command command_bwrap = {
	"bwrap", "[OPTION…] PROGRAM [ARGUMENT…]", "run what a command line of bubblewrap says", NULL, 0, NULL, NULL,
};
