/* cli/overlay.h - what `run` does for copy-on-write before a start. */
#ifndef CUDDY_CLI_OVERLAY_H
#define CUDDY_CLI_OVERLAY_H

#include "cli/session.h"

/* Where the cage named in `cage` keeps its changes becomes its overlay_dir. */
void session_overlays(struct cli *cli, struct cage *cage);
/* Makes the directories for the plan's copy-on-write trees, if it has any.  0 or -EINVAL, said why. */
int session_prepare_overlays(struct cli *cli, const struct cage *cage, struct plan *plan);

#endif
