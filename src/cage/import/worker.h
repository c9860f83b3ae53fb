/* cage/import/worker.h - children that read archives: all that libarchive runs in. */
#ifndef CUDDY_CAGE_IMPORT_WORKER_H
#define CUDDY_CAGE_IMPORT_WORKER_H

#include "cage/image_source.h"
#include "cage/image_tree.h"
#include "cage/subids.h"

struct worker {
	int jail;	  /* directory that becomes the child's root; `top` and `parts` are in it */
	int top;	  /* where the root file system goes */
	int parts;	  /* where an archive of manifests and layers goes */
	int archive;	  /* the file to import, or -1: */
	const struct image_source *source; /* its layers */
	uint64_t most_size;
	uint64_t total;	  /* bytes to read, for the progress bar; 0: draw none */
	struct image_report *report; /* in shared memory */
	bool is_image;	  /* result: the archive went to `parts` */
	enum subids ids;  /* result: whose the files are */
};

/* Runs a child to its end.  0; -EINVAL and `d` says why; -EINTR and the signal.  The signals that
 * end a program must be blocked, this takes them. */
int worker_run(struct arena *arena, struct worker *w, struct diags *d, int *ret_signal);

#endif
