/* cage/image_source.h - from a directory with an image to its layers, in order, opened.
 *
 * The directory is an OCI layout, or what docker save writes, unpacked.  Every document is checked
 * against the digest that names it; layers are, when they are read. */
#ifndef CUDDY_CAGE_IMAGE_SOURCE_H
#define CUDDY_CAGE_IMAGE_SOURCE_H

#include "cage/image_manifest.h"
#include "diag/diag.h"

struct image_choice {
	const char *architecture; /* "arm64", "arm/v7"; NULL: the first there is */
	const char *tag;	  /* or NULL, when there is only one image */
};

struct image_layer {
	int fd;		    /* closed with the process */
	uint64_t size;	    /* of the file */
	const char *digest; /* of the file; of what is packed in it when `inner` */
	bool inner;
};

struct image_source {
	struct image_layer *layers;
	size_t count;
	struct image_config config;
	const char *digest; /* "sha256:…" of the manifest; of the configuration for docker save */
	const char *tag;    /* or NULL */
};

/* 0; or -EINVAL, and `d` says why. */
int image_source_open(struct arena *arena, int directory, const struct image_choice *choice,
		      struct diags *d, struct image_source *ret);

#endif
