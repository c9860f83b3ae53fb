/* cli/session.h - who calls, from where, and which policy that gives. */
#ifndef CUDDY_CLI_SESSION_H
#define CUDDY_CLI_SESSION_H

#include "backend/backend.h"
#include "cli/cli.h"

/* Fills the cage from the caller's identity and environment.  0 or -EINVAL with diagnostics. */
int session_cage(struct cli *cli, struct cage *ret);

/* The policy of a profile name or file, for this caller. */
int session_policy(struct cli *cli, const struct cage *cage, const char *name, struct policy **ret);

/* The profile that a program gets without `-p`, and why, for people. */
const char *session_profile_for(struct cli *cli, const struct cage *cage, const char *program, const char **ret_why);

/* Where profiles are and what variables hold, for this caller. */
struct profile_context;
void session_context(struct cli *cli, const struct cage *cage, struct profile_context *ret);



/* Prints a plan as text or JSON; the exit status. */
int cli_print_plan(struct cli *cli, const struct plan *plan, bool as_json);

#endif
