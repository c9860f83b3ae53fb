/* cli/cli.h - the command line: tables of commands and options, and what every command may use. */
#ifndef CUDDY_CLI_CLI_H
#define CUDDY_CLI_CLI_H

#include "diag/diag.h"

/* Exit statuses of our own (cuddy(1), EXIT STATUS). */
enum { EXIT_TIMEOUT = 124, EXIT_REFUSED = 125, EXIT_CANNOT_EXECUTE = 126, EXIT_NOT_FOUND = 127 };

enum option_type { OPTION_FLAG, OPTION_WORD, OPTION_LIST, OPTION_NUMBER };

struct option {
	const char *name;
	char letter;		/* 0: none */
	enum option_type type;
	size_t offset;		/* in the command's options: bool, const char *, struct words, long */
	const char *argument;	/* "NAME" in the help; NULL for flags */
	const char *help;
};

struct words { const char **items; size_t count; };

struct cli {
	struct arena *arena;
	struct diags d;
	const struct source *extra; /* rules of the command line as TOML, or NULL */
	const struct command *command;
	char **arguments; /* what follows the options; NULL-terminated */
	int count;
	bool colour;
};

struct command {
	const char *name, *arguments, *summary;
	const struct option *options; /* ends with a row without a name; may be NULL */
	size_t options_size;	      /* of the structure that the options fill */
	int (*run)(struct cli *cli, void *options); /* the exit status */
};

extern const struct command *const commands[]; /* in the order of the help; ends with NULL */

/* Fills `values` from `arguments` (which ends with NULL) up to the first non-option or "--";
 * returns how many were taken, or -EINVAL with diagnostics.  `--help` sets *ret_help. */
int options_parse(struct cli *cli, const struct command *command, char **arguments, void *values,
		  bool *ret_help);
void command_help(struct strbuf *out, const struct command *command);

/* Prints to standard output; commands that print documents end with it. */
int cli_print(const char *text);

extern const struct command command_completions, command_doctor, command_explain,
	command_explain_code, command_export, command_permissions, command_plan, command_profile, command_run, command_why;

#endif
