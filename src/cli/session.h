/* cli/session.h - from the command line to libcuddy. */
#ifndef CUDDY_CLI_SESSION_H
#define CUDDY_CLI_SESSION_H

#include "cli/cli.h"

/* Loads what the options name into cli->cuddy, with the files that belong to this program.
 * 0, or -EINVAL; main() prints the messages. */
int session_load(struct cli *cli, struct cuddy_options options);
int session_load_profile(struct cli *cli, const char *profile);

/* Who calls, for the commands that need more than <cuddy.h>: see lib/caller.h. */
struct caller;
int session_caller(struct cli *cli, struct caller *ret);

#endif
