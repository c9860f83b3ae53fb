/* cli/bar.h - the progress of long work, on a terminal. */
#ifndef CUDDY_CLI_BAR_H
#define CUDDY_CLI_BAR_H

#include "base/progress.h"
#include "cli/cli.h"

struct bar { const char *what; uint64_t done, total; unsigned shown; struct progress progress; };

/* Whether bars are drawn: standard error is a terminal, and NO_COLOR is not set (a bar moves the cursor as
 * colours do, and who reads lines wants neither). */
bool bar_is_wanted(const struct cli *cli);

/* Begins work that is worth `total` bytes, called `what`: "committing".  What to hand to who does it: NULL, and
 * nothing is drawn, for work that is done at once. */
const struct progress *bar_begin(struct bar *bar, const char *what, uint64_t total);
/* Clears the line; also of one that was zeroed and never begun. */
void bar_end(struct bar *bar);

#endif
