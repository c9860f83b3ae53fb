/* cli/profile_actions.h - the actions of 'cuddy profile' that compare and write. */
#ifndef CUDDY_CLI_PROFILE_ACTIONS_H
#define CUDDY_CLI_PROFILE_ACTIONS_H

#include "cli/session.h"

/* Rules that only one of two profiles has; exit status 0 when there is none, else 1. */
int profile_diff(struct cli *cli, const struct cage *cage, const char *a, const char *b);

/* Writes a new profile of the user that includes base profile `base`; never over an old one. */
int profile_new(struct cli *cli, const struct cage *cage, const char *name, const char *base);

#endif
