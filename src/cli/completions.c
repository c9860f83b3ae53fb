/* cli/completions.c - completions for bash, zsh and fish, from the same tables as the help. */
#include "cli/cli.h"

#include <string.h>

/* What the words in capitals of the tables stand for: a shell command that prints one a line. */
static const struct { const char *word, *bash, *zsh, *fish; } kinds[] = {
#define LINES(word, command) { word, command, "compadd -- ${(f)\"$(" command ")\"}", command }
	LINES("COMMAND", "cuddy --help | sed -n 's/^  \\([a-z-]*\\)  .*/\\1/p'"),
	LINES("FLAG", "cuddy permissions list 2>/dev/null | cut -d' ' -f1"),
	LINES("PROFILE", "cuddy profile list 2>/dev/null | cut -d' ' -f1"),
	{ "PROGRAM", "compgen -c -- \"$word\"", "_command_names -e", "__fish_complete_command" },
	LINES("SHELL", "printf '%s\\n' bash fish zsh"),
};

/* The next of those words in a text of the tables, which moves behind it; NULL: no more. */
static const char *next_kind(const char **text)
{
	const char *first = NULL, *found = NULL;

	for (size_t i = 0; *text && i < ARRAY_SIZE(kinds); i++) {
		const char *at = strstr(*text, kinds[i].word);

		if (at && (!first || at < first)) {
			first = at;
			found = kinds[i].word;
		}
	}
	if (found)
		*text = first + strlen(found);
	return found;
}

/* What an option takes; NULL: a file, or anything. */
static const char *option_kind(const struct option *o)
{
	const char *text = o->argument;

	return next_kind(&text);
}

/* A text inside single quotes of zsh or fish: quotes stay quotes, and what `special` lists gets a backslash. */
static const char *quoted(struct arena *arena, const char *text, const char *quote, const char *special)
{
	struct strbuf out = { .arena = arena };

	for (; *text; text++) {
		if (*text == '\'')
			strbuf_add(&out, quote);
		else
			strbuf_addf(&out, "%s%c", strchr(special, *text) ? "\\" : "", *text);
	}
	return strbuf_text(&out);
}

static const char *zsh_text(struct strbuf *out, const char *text)
{
	return quoted(out->arena, text, "'\\''", "[]:\\");
}

static const char *fish_text(struct strbuf *out, const char *text)
{
	return quoted(out->arena, text, "\\'", "\\");
}

/* --- bash ------------------------------------------------------------------------------ */

static void bash_words(struct strbuf *out, const struct command *command, const char *arguments)
{
	const char *kind;

	strbuf_add(out, "words=\"--help");
	for (const struct option *o = command->options; o && o->name; o++)
		strbuf_addf(out, " --%s", o->name);
	while ((kind = next_kind(&arguments)))
		strbuf_addf(out, " $(_cuddy_%s)", kind);
	strbuf_add(out, "\" ;;\n");
}

static void bash_command(struct strbuf *out, const struct command *command)
{
	for (const struct option *o = command->options; o && o->name; o++) {
		const char *kind = option_kind(o);

		if (!o->argument)
			continue;
		strbuf_addf(out, "\t*' %s --%s'", command->name, o->name);
		if (o->letter)
			strbuf_addf(out, "|*' %s -%c'", command->name, o->letter);
		if (kind)
			strbuf_addf(out, ") words=$(_cuddy_%s) ;;\n", kind);
		else
			strbuf_add(out, ") words= ;;\n");
	}
	if (command->actions) {
		strbuf_addf(out, "\t'2 %s '*) words='", command->name);
		for (const struct action *a = command->actions; a->name; a++)
			strbuf_addf(out, "%s ", a->name);
		strbuf_add(out, "--help' ;;\n");
	}
	for (const struct action *a = command->actions; a && a->name; a++) {
		strbuf_addf(out, "\t?*' %s %s '*) ", command->name, a->name);
		bash_words(out, command, a->arguments);
	}
	if (!command->actions) {
		strbuf_addf(out, "\t?*' %s '*) ", command->name);
		bash_words(out, command, command->arguments);
	}
}

static void bash(struct strbuf *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		strbuf_addf(out, "_cuddy_%s() { %s; }\n", kinds[i].word, kinds[i].bash);
	strbuf_add(out, "_cuddy() {\n\tlocal word=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[1]} words=\n"
			"\tlocal second=${COMP_WORDS[2]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
			"\tCOMPREPLY=()\n"
			"\tcase \"$COMP_CWORD $command $second $before $command $before\" in\n"
			"\t'1 '*) words='--help --version");
	for (const struct command *const *c = commands; *c; c++)
		strbuf_addf(out, " %s", (*c)->name);
	strbuf_add(out, "' ;;\n");
	for (const struct command *const *c = commands; *c; c++)
		bash_command(out, *c);
	strbuf_add(out, "\tesac\n\tCOMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n}\n"
			"complete -o default -F _cuddy cuddy\n");
}

/* --- zsh ------------------------------------------------------------------------------- */

static void zsh_arguments(struct strbuf *out, const struct command *command, const char *arguments)
{
	const char *kind;

	strbuf_add(out, "_arguments '(- *)--help[print the help]'");
	for (const struct option *o = command->options; o && o->name; o++) {
		const char *value = option_kind(o);

		if (o->letter)
			strbuf_addf(out, " '(-%c --%s)'{-%c,--%s}'[%s]", o->letter, o->name, o->letter,
				    o->name, zsh_text(out, o->help));
		else
			strbuf_addf(out, " '%s--%s[%s]", o->type == OPTION_LIST ? "*" : "", o->name,
				    zsh_text(out, o->help));
		if (o->argument)
			strbuf_addf(out, ":%s:%s%s", o->argument, value ? "_cuddy_" : "_files", value ? value : "");
		strbuf_add(out, "'");
	}
	for (int place = 1; (kind = next_kind(&arguments)); place++)
		strbuf_addf(out, " '%d:%s:_cuddy_%s'", place, kind, kind);
	strbuf_add(out, " '*:argument:_files'");
}

static void zsh_command(struct strbuf *out, const struct command *command)
{
	strbuf_addf(out, "%s)\n\tshift words; (( CURRENT-- ))\n", command->name);
	if (!command->actions) {
		strbuf_add(out, "\t");
		zsh_arguments(out, command, command->arguments);
		strbuf_add(out, " ;;\n");
		return;
	}
	strbuf_add(out, "\tlocal -a actions=(");
	for (const struct action *a = command->actions; a->name; a++)
		strbuf_addf(out, " '%s:%s'", a->name, zsh_text(out, a->summary));
	strbuf_add(out, " )\n\tif (( CURRENT == 2 )); then _describe action actions; return; fi\n"
			"\tcase $words[2] in\n");
	for (const struct action *a = command->actions; a->name; a++) {
		strbuf_addf(out, "\t%s) shift words; (( CURRENT-- )); ", a->name);
		zsh_arguments(out, command, a->arguments);
		strbuf_add(out, " ;;\n");
	}
	strbuf_add(out, "\tesac ;;\n");
}

static void zsh(struct strbuf *out)
{
	strbuf_add(out, "#compdef cuddy\n");
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		strbuf_addf(out, "_cuddy_%s() { %s; }\n", kinds[i].word, kinds[i].zsh);
	strbuf_add(out, "_cuddy() {\nlocal -a commands=(\n");
	for (const struct command *const *c = commands; *c; c++)
		strbuf_addf(out, "\t'%s:%s'\n", (*c)->name, zsh_text(out, (*c)->summary));
	strbuf_add(out, ")\nif (( CURRENT == 2 )); then _describe command commands; return; fi\ncase $words[2] in\n");
	for (const struct command *const *c = commands; *c; c++)
		zsh_command(out, *c);
	strbuf_add(out, "esac\n}\n"
			"if [[ $funcstack[1] == _cuddy ]]; then _cuddy \"$@\"; else compdef _cuddy cuddy; fi\n");
}

/* --- fish ------------------------------------------------------------------------------ */

static void fish_arguments(struct strbuf *out, const char *seen, const char *arguments)
{
	const char *kind;

	while ((kind = next_kind(&arguments)))
		strbuf_addf(out, "complete -c cuddy -n '%s' -f -a '(__cuddy_%s)'\n", seen, kind);
}

static void fish_command(struct strbuf *out, const struct command *command)
{
	const char *seen = arena_printf(out->arena, "__fish_seen_subcommand_from %s", command->name);
	struct strbuf names = { .arena = out->arena };

	strbuf_addf(out, "complete -c cuddy -n __fish_use_subcommand -f -a %s -d '%s'\n", command->name,
		    fish_text(out, command->summary));
	for (const struct option *o = command->options; o && o->name; o++) {
		const char *kind = option_kind(o);

		strbuf_addf(out, "complete -c cuddy -n '%s' -l %s", seen, o->name);
		if (o->letter)
			strbuf_addf(out, " -s %c", o->letter);
		if (kind)
			strbuf_addf(out, " -x -a '(__cuddy_%s)'", kind);
		else if (o->argument)
			strbuf_add(out, " -r");
		strbuf_addf(out, " -d '%s'\n", fish_text(out, o->help));
	}
	if (!command->actions) {
		fish_arguments(out, seen, command->arguments);
		return;
	}
	for (const struct action *a = command->actions; a->name; a++)
		strbuf_addf(&names, " %s", a->name);
	for (const struct action *a = command->actions; a->name; a++) {
		strbuf_addf(out, "complete -c cuddy -n '%s; and not __fish_seen_subcommand_from%s' -f", seen,
			    strbuf_text(&names));
		strbuf_addf(out, " -a %s -d '%s'\n", a->name, fish_text(out, a->summary));
		fish_arguments(out, arena_printf(out->arena, "%s; and __fish_seen_subcommand_from %s", seen, a->name),
			       a->arguments);
	}
}

static void fish(struct strbuf *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		strbuf_addf(out, "function __cuddy_%s\n\t%s\nend\n", kinds[i].word, kinds[i].fish);
	for (const struct command *const *c = commands; *c; c++)
		fish_command(out, *c);
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
	"completions", "SHELL", "print completions for bash, fish or zsh", NULL, 0, run, NULL,
};
