/* cli/cli.h - the command line: tables of commands and options, and what every command may use.
 *
 * A command includes <cuddy.h>, base/, diag/ and cli/; those few that need more are listed in
 * tools/layers.sh. */
#ifndef CUDDY_CLI_CLI_H
#define CUDDY_CLI_CLI_H

#include "diag/diag.h"

#include <cuddy.h>

enum { EXIT_REFUSED = CUDDY_REFUSED }; /* what most commands return after an error */

enum option_type { OPTION_FLAG, OPTION_WORD, OPTION_LIST, OPTION_NUMBER };

struct option {
	const char *name;
	char letter;		/* 0: none */
	enum option_type type;
	size_t offset;		/* in the command's options: bool, const char *, struct words, long */
	const char *argument;	/* "NAME" in the help; NULL for flags */
	const char *help;
};

struct words { const char **items; size_t count; }; /* NULL stands behind the last */

struct cli {
	struct arena *arena;
	struct diags d;
	struct cuddy *cuddy; /* what session_load() loaded, or NULL; main() prints its messages */
	const struct command *command;
	char **words;	  /* argv, as main() got it */
	char **arguments; /* what follows the options; NULL-terminated */
	int count;
	bool colour;
};

/* A command in two words, such as 'profile list'. */
struct action {
	const char *name, *arguments, *summary;
	int least, most; /* how many arguments it takes */
	int (*run)(struct cli *cli, void *options); /* the exit status */
};

/* With "[ARGUMENT…]" in `arguments` options end at the first other word: the rest belongs to a program.
 * Words in capitals in `arguments` are what completions offer: PROFILE, FLAG, COMMAND, SHELL, PROGRAM. */
struct command {
	const char *name, *arguments, *summary;
	const struct option *options; /* ends with a row without a name; may be NULL */
	size_t options_size;	      /* of the structure that the options fill */
	int (*run)(struct cli *cli, void *options); /* the exit status; NULL with actions */
	const struct action *actions; /* or NULL; ends with a row without a name; the first is the default */
};

extern const struct command *const commands[]; /* in the order of the help; ends with NULL */

/* The command of that name; NULL with a diagnostic. */
const struct command *command_find(struct cli *cli, const char *name);

/* Fills `values` from `arguments` (which ends with NULL) up to the first non-option or "--";
 * returns how many were taken, or -EINVAL with diagnostics.  `--help` sets *ret_help. */
int options_parse(struct cli *cli, const struct command *command, char **arguments, void *values,
		  bool *ret_help);

/* What `--help` prints; and the section of cuddy(1), in scdoc. */
void help_command(struct strbuf *out, const struct command *command);
void help_manual(struct strbuf *out, const struct command *command);
void help_commands(struct strbuf *out);

/* cuddy was called by another name: `cuddy run --name NAME`, and all arguments are the program's. */
int run_by_name(struct cli *cli, const char *name);

/* cuddy was called as bwrap, which `called` names in the help: the exit status. */
int bwrap_main(struct cli *cli, const char *called, char **words);

/* Asks a person at the terminal; true for an answer that begins with y.  `question` is shown as it is. */
bool cli_agrees(const char *question);

/* For commands that start something in a cage, first of all: see cuddy_protect().  0 or -1 with a diagnostic. */
int cli_protect(struct cli *cli);

/* Prints to standard output; commands that print documents end with it.  NULL: the error was told. */
int cli_print(const char *text);

extern const struct command command_allow, command_bwrap, command_completions, command_deny, command_doctor,
	command_explain, command_explain_code, command_export, command_help, command_image, command_import,
	command_permissions, command_plan, command_profile, command_run, command_why, command_ps, command_list,
	command_stop, command_rm, command_log, command_exec, command_shell, command_changes, command_commit, command_discard,
	command_grant, command_revoke, command_install, command_uninstall, command_vpn;

#endif
