/* cli/run.c - starts a program in its cage. */
#include "cli/session.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

struct run {
	const char *profile, *name, *net, *status_fd, *template, *root, *root_access;
	struct words ro, rw, hide, hosts;
	bool secure, ephemeral, restart, beside;
	long timeout;
	bool dry_run, json, verbose;
	bool by_name; /* all arguments are the program's, which the cage or its profile names */
};

static const struct option options[] = {
	{ "profile", 'p', OPTION_WORD, offsetof(struct run, profile), "PROFILE", "use this profile, a name or a file" },
	{ "name", 'n', OPTION_WORD, offsetof(struct run, name), "NAME", "name of the cage" },
	{ "ro", 0, OPTION_LIST, offsetof(struct run, ro), "PATH", "show this file or directory, read-only" },
	{ "rw", 0, OPTION_LIST, offsetof(struct run, rw), "PATH", "show this file or directory, writable" },
	{ "hide", 0, OPTION_LIST, offsetof(struct run, hide), "PATH", "deny this file or directory" },
	{ "net", 0, OPTION_WORD, offsetof(struct run, net), "MODE", "the network, none, outgoing (the internet) or host (the computer itself)" },
	{ "allow-host", 0, OPTION_LIST, offsetof(struct run, hosts), "HOST", "allow connections to this endpoint" },
	{ "root", 0, OPTION_WORD, offsetof(struct run, root), "ROOT", "run in another root file system, a directory or image:NAME" },
	{ "root-access", 0, OPTION_WORD, offsetof(struct run, root_access), "MODE", "what may be done to it: copy-on-write, read-only or writable" },
	{ "secure", 0, OPTION_FLAG, offsetof(struct run, secure), NULL, "deny all that profile strict denies" },
	{ "ephemeral", 0, OPTION_FLAG, offsetof(struct run, ephemeral), NULL, "keep nothing: what the cage writes vanishes with it" },
	{ "template", 0, OPTION_WORD, offsetof(struct run, template), "NAME", "start an ephemeral cage with what this cage keeps" },
	{ "restart", 0, OPTION_FLAG, offsetof(struct run, restart), NULL, "end a cage of that name which runs with other rights" },
	{ "new", 0, OPTION_FLAG, offsetof(struct run, beside), NULL, "start another cage beside it" },
	{ "timeout", 0, OPTION_NUMBER, offsetof(struct run, timeout), "SECONDS", "end the program after this time, status 124" },
	{ "status-fd", 0, OPTION_WORD, offsetof(struct run, status_fd), "FD", "write what becomes of the program to this descriptor, as JSON" },
	{ "dry-run", 0, OPTION_FLAG, offsetof(struct run, dry_run), NULL, "print the plan and start nothing" },
	{ "verbose", 'v', OPTION_FLAG, offsetof(struct run, verbose), NULL, "say which profile was chosen, and why" },
	{ "json", 0, OPTION_FLAG, offsetof(struct run, json), NULL, "with --dry-run: print JSON" },
	{ 0 },
};

/* The descriptor of --status-fd, which is the caller's and never the cage's; 0: not asked for; -EINVAL. */
static int status_fd(struct cli *cli, const char *word)
{
	char *end;
	long fd = word ? strtol(word, &end, 10) : 0;

	if (!word)
		return 0;
	if (*word && !*end && fd > STDERR_FILENO && fd <= INT_MAX) {
		int flags = fcntl((int)fd, F_GETFL);
		if (flags >= 0 && (flags & O_ACCMODE) != O_RDONLY && fcntl((int)fd, F_SETFD, FD_CLOEXEC) == 0)
			return (int)fd;
	}
	diag_error(&cli->d, "C521", NULL, "'--status-fd' wants a descriptor above 2 that is open for writing, not '%s'",
		   str_quote(cli->arena, word));
	diag_help(&cli->d, "for example: cuddy run --status-fd 3 PROGRAM 3>status.json");
	return -EINVAL;
}

static unsigned flags_of(const struct run *o)
{
	return (o->secure ? CUDDY_SECURE : 0) | (o->verbose ? CUDDY_VERBOSE : 0) |
	       (o->ephemeral ? CUDDY_EPHEMERAL : 0) | (o->restart ? CUDDY_RESTART : 0) |
	       (o->beside ? CUDDY_BESIDE : 0);
}

/* The command that the cage or its profile names, and then the arguments; NULL with a diagnostic. */
static const char *const *with_command(struct cli *cli)
{
	const char *const *command = cuddy_command(cli->cuddy);
	VEC(const char *) words = { 0 };

	if (!command) {
		diag_error(&cli->d, "C508", NULL, "neither the cage nor its profile says what to run");
		diag_help(&cli->d, "name a program, or give the profile a line such as: command = [\"bash\"]");
		return NULL;
	}
	while (*command)
		*vec_push(cli->arena, &words) = *command++;
	for (int i = 0; i <= cli->count; i++)
		*vec_push(cli->arena, &words) = cli->arguments[i];
	return words.items;
}

static int run(struct cli *cli, void *values)
{
	const struct run *o = values;
	const char *const *program = (const char *const *)cli->arguments;
	int status, events;

	if (!o->dry_run && cli_protect(cli) < 0)
		return EXIT_REFUSED;
	events = status_fd(cli, o->status_fd);
	if (events < 0)
		return EXIT_REFUSED;
	if (!o->profile && !o->name && !o->template && (cli->count == 0 || !*program[0])) {
		diag_error(&cli->d, "C508", NULL, "'cuddy run' wants a program");
		diag_help(&cli->d, "for example: cuddy run bash");
		return EXIT_REFUSED;
	}
	if (session_load(cli, (struct cuddy_options){
			.profile = o->profile, .program = o->by_name ? NULL : program[0], .cage = o->name,
			.read_only = o->ro.items, .read_write = o->rw.items, .hide = o->hide.items,
			.hosts = o->hosts.items, .network = o->net, .flags = flags_of(o),
			.root = o->root, .root_access = o->root_access,
			.timeout = (unsigned)o->timeout, .status_fd = events ? &events : NULL,
			.template_cage = o->template }) < 0)
		return EXIT_REFUSED;
	if (o->by_name || !cli->count)
		program = with_command(cli);
	if (!program)
		return EXIT_REFUSED;
	if (o->dry_run) {
		status = cuddy_can_start(cli->cuddy);
		if (status)
			return status;
		return cli_print(cuddy_plan(cli->cuddy, program, o->json ? CUDDY_JSON : CUDDY_TEXT));
	}
	status = cuddy_start(cli->cuddy, program);
	return status ? status : cuddy_wait(cli->cuddy);
}

const struct command command_run = {
	"run", "[PROGRAM [ARGUMENT…]]", "run a program in its cage", options, sizeof(struct run), run, NULL,
};

int run_by_name(struct cli *cli, const char *name)
{
	cli->command = &command_run;
	return run(cli, &(struct run){ .name = name, .by_name = true });
}
