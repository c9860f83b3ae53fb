/* cage/import/main.c - cuddy-image, the part of 'cuddy image import' that needs libarchive.
 *
 * 'cuddy image import' executes it; it is no interface for people:
 *     cuddy-image NAME FILE MAX-BYTES ARCHITECTURE TAG FLAGS
 * An empty ARCHITECTURE or TAG is none; FLAGS has an 'r' to replace an image, a 'p' for a progress
 * bar, a 'c' for colour. */
#include "base/fd.h"
#include "cage/import/import.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *or_null(const char *word)
{
	return *word ? word : NULL;
}

static void block_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
}

int main(int argc, char **argv)
{
	static const char usage[] = "cuddy-image: use 'cuddy image import'\n";
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct strbuf errors = { .arena = arena };
	struct import_options options;
	int signal = 0, r;
	struct diags d;

	if (argc != 7 || geteuid() != getuid() || getegid() != getgid()) {
		(void)fd_write_all(STDERR_FILENO, usage, sizeof(usage) - 1);
		return 125;
	}
	options = (struct import_options){
		.name = argv[1], .file = argv[2], .most_size = strtoull(argv[3], NULL, 10),
		.choice = { or_null(argv[4]), or_null(argv[5]) },
		.replace = strchr(argv[6], 'r'), .progress = strchr(argv[6], 'p'),
	};
	diags_init(&d, arena);
	block_signals();
	r = image_import(arena, &options, &d, &signal);
	diags_print(&d, &errors, strchr(argv[6], 'c'));
	(void)fd_write_all(STDERR_FILENO, strbuf_text(&errors), errors.length);
	return signal ? 128 + signal : r < 0 ? 125 : 0;
}
