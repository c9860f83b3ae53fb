/* cli/help.c - help from the tables: on the terminal, and as sections of the manual page. */
#include "cli/cli.h"

#include <string.h>

/* "list | show PROFILE | …", or the arguments of a command without actions. */
static const char *arguments_of(struct arena *arena, const struct command *command)
{
	struct strbuf out = { .arena = arena };

	if (!command->actions)
		return command->arguments;
	for (const struct action *a = command->actions; a->name; a++)
		strbuf_addf(&out, "%s%s%s%s", a == command->actions ? "" : " | ", a->name,
			    *a->arguments ? " " : "", a->arguments);
	return strbuf_text(&out);
}

void help_commands(struct strbuf *out)
{
	strbuf_add(out, "usage: cuddy COMMAND [OPTION…] [ARGUMENT…]\n\ncommands:\n");
	for (const struct command *const *c = commands; *c; c++)
		strbuf_addf(out, "  %-14s %s\n", (*c)->name, (*c)->summary);
	strbuf_add(out, "\n'cuddy COMMAND --help' tells more\n");
}

void help_command(struct strbuf *out, const struct command *command)
{
	const char *arguments = arguments_of(out->arena, command);

	strbuf_addf(out, "usage: cuddy %s%s%s%s\n%s\n", command->name, command->options ? " [OPTION…]" : "",
		    *arguments ? " " : "", arguments, command->summary);
	if (command->actions)
		strbuf_add(out, "\nactions:\n");
	for (const struct action *a = command->actions; a && a->name; a++)
		strbuf_addf(out, "  %-26s %s\n",
			    arena_printf(out->arena, "%s%s%s", a->name, *a->arguments ? " " : "", a->arguments),
			    a->summary);
	if (command->options)
		strbuf_add(out, "\noptions:\n");
	for (const struct option *o = command->options; o && o->name; o++) {
		char *left = arena_printf(out->arena, "%c%c%s --%s%s%s", o->letter ? '-' : ' ',
					  o->letter ? o->letter : ' ', o->letter ? "," : " ", o->name,
					  o->argument ? " " : "", o->argument ? o->argument : "");

		strbuf_addf(out, "  %-26s %s\n", left, o->help);
	}
}

/* Text for scdoc, in which a backslash takes the meaning from any sign. */
static void add_escaped(struct strbuf *out, const char *text)
{
	for (; *text; text++)
		strbuf_addf(out, "%s%c", strchr("\\*_#[`~+<", *text) ? "\\" : "", *text);
}

/* A sentence: with a capital and a full stop, which tables leave out. */
static void add_sentence(struct strbuf *out, const char *text)
{
	strbuf_addf(out, "%c", *text >= 'a' && *text <= 'z' ? *text - 'a' + 'A' : *text);
	add_escaped(out, text + 1);
	strbuf_add(out, ".\n");
}

void help_manual(struct strbuf *out, const struct command *command)
{
	const char *arguments = arguments_of(out->arena, command);

	/* scdoc takes a heading as it stands. */
	strbuf_addf(out, "## cuddy %s%s%s%s\n\n", command->name, command->options ? " [OPTION…]" : "",
		    *arguments ? " " : "", arguments);
	add_sentence(out, command->summary);
	for (const struct action *a = command->actions; a && a->name; a++) {
		strbuf_addf(out, "\n*%s*%s", a->name, *a->arguments ? " " : "");
		add_escaped(out, a->arguments);
		strbuf_add(out, "\n\t");
		add_sentence(out, a->summary);
	}
	for (const struct option *o = command->options; o && o->name; o++) {
		strbuf_add(out, "\n*");
		if (o->letter)
			strbuf_addf(out, "-%c, ", o->letter);
		strbuf_addf(out, "--%s%s%s*\n\t", o->name, o->argument ? " " : "", o->argument ? o->argument : "");
		add_sentence(out, o->help);
	}
}

struct help { bool man; };

static const struct option options[] = {
	{ "man", 0, OPTION_FLAG, offsetof(struct help, man), NULL, "print its section of cuddy(1), for scdoc" },
	{ 0 },
};

static int run(struct cli *cli, void *values)
{
	const struct help *o = values;
	struct strbuf out = { .arena = cli->arena };
	const struct command *command;

	if (cli->count > 1) {
		diag_error(&cli->d, "C542", NULL, "'cuddy help' wants one command");
		return EXIT_REFUSED;
	}
	if (cli->count == 0) {
		help_commands(&out);
		return cli_print(strbuf_text(&out));
	}
	command = command_find(cli, cli->arguments[0]);
	if (!command)
		return EXIT_REFUSED;
	(o->man ? help_manual : help_command)(&out, command);
	return cli_print(strbuf_text(&out));
}

const struct command command_help = {
	"help", "[COMMAND]", "say what a command does", options, sizeof(struct help), run, NULL,
};
