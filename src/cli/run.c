/* cli/run.c - starts a program in its cage. */
#include "cli/session.h"

struct run {
	const char *profile, *name, *net;
	struct words ro, rw, hide, hosts;
	bool secure;
	long timeout;
	bool dry_run, json;
};

static const struct option options[] = {
	{ "profile", 'p', OPTION_WORD, offsetof(struct run, profile), "PROFILE", "use this profile, a name or a file" },
	{ "name", 'n', OPTION_WORD, offsetof(struct run, name), "NAME", "name of the cage" },
	{ "ro", 0, OPTION_LIST, offsetof(struct run, ro), "PATH", "show this file or directory, read-only" },
	{ "rw", 0, OPTION_LIST, offsetof(struct run, rw), "PATH", "show this file or directory, writable" },
	{ "hide", 0, OPTION_LIST, offsetof(struct run, hide), "PATH", "deny this file or directory" },
	{ "net", 0, OPTION_WORD, offsetof(struct run, net), "MODE", "the network, none or host (the computer itself)" },
	{ "allow-host", 0, OPTION_LIST, offsetof(struct run, hosts), "HOST", "allow connections to this endpoint" },
	{ "secure", 0, OPTION_FLAG, offsetof(struct run, secure), NULL, "deny all that profile strict denies" },
	{ "timeout", 0, OPTION_NUMBER, offsetof(struct run, timeout), "SECONDS", "end the program after this time, status 124" },
	{ "dry-run", 0, OPTION_FLAG, offsetof(struct run, dry_run), NULL, "print the plan and start nothing" },
	{ "json", 0, OPTION_FLAG, offsetof(struct run, json), NULL, "with --dry-run: print JSON" },
	{ 0 },
};

static int run(struct cli *cli, void *values)
{
	const struct run *o = values;
	const char *const *program = (const char *const *)cli->arguments;
	int status;

	if (cli->count == 0 || !*program[0]) {
		diag_error(&cli->d, "C508", NULL, "'cuddy run' wants a program");
		diag_help(&cli->d, "for example: cuddy run bash");
		return EXIT_REFUSED;
	}
	if (session_load(cli, (struct cuddy_options){
			.profile = o->profile, .program = program[0], .cage = o->name,
			.read_only = o->ro.items, .read_write = o->rw.items, .hide = o->hide.items,
			.hosts = o->hosts.items, .network = o->net, .flags = o->secure ? CUDDY_SECURE : 0,
			.timeout = (unsigned)o->timeout }) < 0)
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
	"run", "PROGRAM [ARGUMENT…]", "run a program in its cage", options, sizeof(struct run), run, NULL,
};
