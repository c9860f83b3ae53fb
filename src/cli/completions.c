/* cli/completions.c - completions for bash, zsh and fish, from the same tables as the help. */
#include "cli/cli.h"

#include <string.h>

static void bash(struct strbuf *out)
{
	strbuf_add(out, "_cuddy() {\n\tlocal word=${COMP_WORDS[COMP_CWORD]} words=\n"
			"\tif [ \"$COMP_CWORD\" = 1 ]; then\n\t\twords='");
	for (const struct command *const *c = commands; *c; c++)
		strbuf_addf(out, "%s%s", c == commands ? "" : " ", (*c)->name);
	strbuf_add(out, "'\n\telse case ${COMP_WORDS[1]} in\n");
	for (const struct command *const *c = commands; *c; c++) {
		strbuf_addf(out, "\t\t%s) words='--help", (*c)->name);
		for (const struct option *o = (*c)->options; o && o->name; o++)
			strbuf_addf(out, " --%s", o->name);
		strbuf_add(out, "';;\n");
	}
	strbuf_add(out, "\tesac; fi\n\tCOMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
			"\t[ ${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -o default -- \"$word\"))\n"
			"}\ncomplete -F _cuddy cuddy\n");
}

/* The help texts hold no single quotes and no brackets; a unit test sees to it. */
static void zsh(struct strbuf *out)
{
	strbuf_add(out, "#compdef cuddy\nlocal -a commands=(\n");
	for (const struct command *const *c = commands; *c; c++)
		strbuf_addf(out, "\t'%s:%s'\n", (*c)->name, (*c)->summary);
	strbuf_add(out, ")\nif (( CURRENT == 2 )); then _describe command commands; return; fi\ncase $words[2] in\n");
	for (const struct command *const *c = commands; *c; c++) {
		strbuf_addf(out, "\t%s) shift words; (( CURRENT-- )); _arguments", (*c)->name);
		for (const struct option *o = (*c)->options; o && o->name; o++)
			strbuf_addf(out, " '--%s[%s]%s%s%s'", o->name, o->help, o->argument ? ":" : "",
				    o->argument ? o->argument : "", o->argument ? ":_files" : "");
		strbuf_add(out, " '*:argument:_files';;\n");
	}
	strbuf_add(out, "esac\n");
}

static void fish(struct strbuf *out)
{
	for (const struct command *const *c = commands; *c; c++) {
		strbuf_addf(out, "complete -c cuddy -n __fish_use_subcommand -a %s -d '%s'\n", (*c)->name,
			    (*c)->summary);
		for (const struct option *o = (*c)->options; o && o->name; o++) {
			strbuf_addf(out, "complete -c cuddy -n '__fish_seen_subcommand_from %s' -l %s",
				    (*c)->name, o->name);
			if (o->letter)
				strbuf_addf(out, " -s %c", o->letter);
			strbuf_addf(out, "%s -d '%s'\n", o->argument ? " -r" : "", o->help);
		}
	}
}

static const struct { const char *name; void (*print)(struct strbuf *out); } shells[] = {
	{ "bash", bash }, { "fish", fish }, { "zsh", zsh },
};

static int run(struct cli *cli, void *values UNUSED)
{
	struct strbuf out = { .arena = cli->arena };

	for (size_t i = 0; cli->count == 1 && i < ARRAY_SIZE(shells); i++) {
		if (strcmp(shells[i].name, cli->arguments[0]) == 0) {
			shells[i].print(&out);
			return cli_print(strbuf_text(&out));
		}
	}
	diag_error(&cli->d, "C506", NULL, "'completions' wants one of bash, fish, zsh");
	diag_help(&cli->d, "for example: cuddy completions bash > ~/.local/share/bash-completion/completions/cuddy");
	return EXIT_REFUSED;
}

const struct command command_completions = {
	"completions", "SHELL", "print completions for bash, fish or zsh", NULL, 0, run,
};
