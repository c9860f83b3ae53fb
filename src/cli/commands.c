/* cli/commands.c - all commands, in the order of the help. */
#include "cli/cli.h"

const struct command *const commands[] = {
	&command_run, &command_explain, &command_why, &command_plan, &command_export, &command_profile,
	&command_permissions, &command_doctor, &command_explain_code, &command_completions, NULL,
};
