/* cli/difference.h - one changed file as a unified difference. */
#ifndef CUDDY_CLI_DIFFERENCE_H
#define CUDDY_CLI_DIFFERENCE_H

#include "cli/cli.h"

struct overlay;
struct change;

/* Adds what diff(1) of PATH says of a changed file to `out`; nothing for all but regular files.  Control
 * characters are made visible when standard output is a terminal.  0 or -EINVAL with a diagnostic. */
int difference_print(struct cli *cli, const struct overlay *overlay, const struct change *change,
		     struct strbuf *out);

#endif
