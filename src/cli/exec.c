/* cli/exec.c - exec and shell: another program in a running cage. */
#include "cage/look.h"
#include "cli/session.h"
#include "lib/caller.h"

struct exec { long timeout; };

static const struct option options[] = {
	{ "timeout", 0, OPTION_NUMBER, offsetof(struct exec, timeout), "SECONDS", "end the program after this time, status 124" },
	{ 0 },
};

static int enter(struct cli *cli, const char *name, const char *const *argv, long timeout)
{
	struct launch_options launch = { .timeout = (unsigned)timeout, .cage = name };
	struct cage_stay stay;
	struct caller caller;

	if (cli_protect(cli) < 0 || session_caller(cli, &caller) < 0 ||
	    cage_exec(cli->arena, &caller.places, name, argv,
		      &launch, &cli->d, &stay) < 0)
		return EXIT_REFUSED;
	return cage_leave(&stay, &cli->d);
}

static int exec(struct cli *cli, void *values)
{
	const struct exec *o = values;
	char **argv = cli->arguments + 1;

	if (cli->count > 1 && str_equal(argv[0], "--"))
		argv++;
	if (cli->count < 2 || !argv[0]) {
		diag_error(&cli->d, "C508", NULL, "'cuddy exec' wants the name of a cage and a program");
		diag_help(&cli->d, "for example: cuddy exec firefox -- ls");
		return EXIT_REFUSED;
	}
	return enter(cli, cli->arguments[0], (const char *const *)argv, o->timeout);
}

const struct command command_exec = {
	"exec", "NAME -- PROGRAM [ARGUMENT…]", "start another program in a running cage", options,
	sizeof(struct exec), exec, NULL,
};

static int shell(struct cli *cli, void *values)
{
	static const char *const argv[] = { "sh", "-c", "exec \"${SHELL:-sh}\" || exec sh", NULL };
	const struct exec *o = values;

	if (cli->count != 1) {
		diag_error(&cli->d, "C508", NULL, "'cuddy shell' wants the name of a cage");
		return EXIT_REFUSED;
	}
	return enter(cli, cli->arguments[0], argv, o->timeout);
}

const struct command command_shell = {
	"shell", "NAME", "start a shell in a running cage", options, sizeof(struct exec), shell, NULL,
};
