/* cage/import/import.h - from a file to an image in the store. */
#ifndef CUDDY_CAGE_IMPORT_IMPORT_H
#define CUDDY_CAGE_IMPORT_IMPORT_H

#include "cage/image_source.h"

struct import_options {
	const char *name, *file;
	uint64_t most_size; /* bytes unpacked */
	struct image_choice choice;
	bool replace;	/* an image that has the name */
	bool progress;	/* draw a bar on standard error */
};

/* Unpacks and publishes; says what it did on standard output and what it left out on standard
 * error.  0; -EINVAL, and `d` says why; -EINTR when SIGINT, SIGTERM or SIGHUP came, its number
 * is in *ret_signal.  What fails leaves nothing behind. */
int image_import(struct arena *arena, const struct import_options *options, struct diags *d,
		 int *ret_signal);

#endif
