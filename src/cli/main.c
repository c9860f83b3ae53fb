/* cli/main.c - finds the command, lets the tables parse, prints what went wrong.
 * The only place that ends the process with a status. */
#include "cli/cli.h"
#include "base/fd.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int cli_print(const char *text)
{
	return fd_write_all(STDOUT_FILENO, text, strlen(text)) < 0 ? EXIT_REFUSED : 0;
}

static int print_help(struct arena *arena)
{
	struct strbuf out = { .arena = arena };

	strbuf_add(&out, "usage: cuddy COMMAND [OPTION…] [ARGUMENT…]\n\ncommands:\n");
	for (const struct command *const *c = commands; *c; c++)
		strbuf_addf(&out, "  %-14s %s\n", (*c)->name, (*c)->summary);
	strbuf_add(&out, "\n'cuddy COMMAND --help' tells more\n");
	return cli_print(strbuf_text(&out));
}

static int unknown_command(struct cli *cli, const char *word)
{
	const char *names[64], *near;
	size_t count = 0;

	for (const struct command *const *c = commands; *c && count < 64; c++)
		names[count++] = (*c)->name;
	diag_error(&cli->d, "C504", NULL, "there is no command '%s'", str_quote(cli->arena, word));
	near = diag_nearest(word, names, count);
	if (near)
		diag_help(&cli->d, "did you mean 'cuddy %s'?", near);
	else
		diag_help(&cli->d, "'cuddy --help' lists the commands");
	return EXIT_REFUSED;
}

static int run_command(struct cli *cli, char **arguments)
{
	struct strbuf out = { .arena = cli->arena };
	bool help = false;
	void *values;
	int taken;

	values = arena_alloc(cli->arena, cli->command->options_size);
	taken = options_parse(cli, cli->command, arguments, values, &help);
	if (help) {
		command_help(&out, cli->command);
		return cli_print(strbuf_text(&out));
	}
	if (taken < 0)
		return EXIT_REFUSED;
	cli->arguments = arguments + taken;
	while (cli->arguments[cli->count])
		cli->count++;
	return cli->command->run(cli, values);
}

static int dispatch(struct cli *cli, char **arguments)
{
	if (!arguments[0] || strcmp(arguments[0], "--help") == 0 || strcmp(arguments[0], "-h") == 0 ||
	    strcmp(arguments[0], "help") == 0)
		return print_help(cli->arena);
	if (strcmp(arguments[0], "--version") == 0)
		return cli_print("cuddy " CUDDY_VERSION "\n");
	for (const struct command *const *c = commands; *c; c++) {
		if (strcmp((*c)->name, arguments[0]) == 0) {
			cli->command = *c;
			return run_command(cli, arguments + 1);
		}
	}
	return unknown_command(cli, arguments[0]);
}

int main(int argc, char **argv)
{
	struct arena *arena = arena_new();
	struct cli cli = { .arena = arena };
	struct strbuf errors = { .arena = arena };
	int status;

	if (geteuid() != getuid() || getegid() != getgid()) {
		static const char refusal[] = "cuddy: refusing to run with set-uid or set-gid rights\n";

		(void)fd_write_all(STDERR_FILENO, refusal, sizeof(refusal) - 1);
		return EXIT_REFUSED;
	}
	diags_init(&cli.d, arena);
	cli.colour = isatty(STDERR_FILENO) && !getenv("NO_COLOR");
	status = dispatch(&cli, argc ? argv + 1 : argv);
	diags_print(&cli.d, &errors, cli.colour);
	(void)fd_write_all(STDERR_FILENO, strbuf_text(&errors), strlen(strbuf_text(&errors)));
	exit(status); /* the arena goes with the process */
}
