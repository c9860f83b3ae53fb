/* cli/commands.c - all commands, in the order of the help. */
#include "cli/cli.h"

const struct command *const commands[] = {
	&command_run, &command_exec, &command_shell, &command_ps, &command_list, &command_stop, &command_rm, &command_log,
	&command_grant, &command_revoke, &command_install, &command_uninstall,
	&command_image, &command_vpn, &command_export, &command_bwrap,
	&command_changes, &command_commit, &command_discard,
	&command_explain, &command_why, &command_plan, &command_profile,
	&command_permissions, &command_allow, &command_deny, &command_import, &command_doctor, &command_explain_code,
	&command_completions, &command_help, NULL,
};
