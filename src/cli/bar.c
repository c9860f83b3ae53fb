/* cli/bar.c - one line of standard error that is drawn again with each percent. */
#include "cli/bar.h"

#include <stdio.h>
#include <unistd.h>

enum { WIDTH = 40, NOTHING_SHOWN = 101 };

#define LEAST (16u << 20) /* bytes; less is done before anybody reads it */

bool bar_is_wanted(const struct cli *cli)
{
	return cli->colour;
}

static void draw(void *context, uint64_t bytes)
{
	struct bar *bar = context;

	bar->done += bytes;
	unsigned percent = (unsigned)(MIN(bar->done, bar->total) * 100 / bar->total);
	if (percent == bar->shown)
		return;
	bar->shown = percent;
	dprintf(STDERR_FILENO, "\r%s [%-*.*s] %3u %%", bar->what, WIDTH, (int)(percent * WIDTH / 100),
		"########################################", percent);
}

const struct progress *bar_begin(struct bar *bar, const char *what, uint64_t total)
{
	*bar = (struct bar){ .what = what, .total = total, .shown = NOTHING_SHOWN };
	if (total < LEAST)
		return NULL;
	bar->progress = (struct progress){ draw, bar };
	return &bar->progress;
}

void bar_end(struct bar *bar)
{
	if (bar->total && bar->shown != NOTHING_SHOWN)
		dprintf(STDERR_FILENO, "\r\033[K");
	bar->total = 0;
}
