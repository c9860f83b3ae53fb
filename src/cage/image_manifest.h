/* cage/image_manifest.h - the JSON documents of images: indexes, manifests, configurations.
 *
 * Sources: OCI image-spec (image-index.md, manifest.md, config.md) and, for manifest.json, what
 * docker save writes (Docker image specification v1.2).  Each function returns 0, or -EINVAL and
 * what is wrong in *ret_error.  All memory is in the arena. */
#ifndef CUDDY_CAGE_IMAGE_MANIFEST_H
#define CUDDY_CAGE_IMAGE_MANIFEST_H

#include "base/arena.h"

/* A descriptor: what a document says of another blob. */
struct image_part {
	const char *digest;		       /* 64 hexadecimal digits of SHA-256 */
	int64_t size;			       /* bytes */
	const char *os, *architecture, *variant; /* or NULL */
	const char *tag;		       /* or NULL */
};

struct image_document {
	bool is_index;
	VEC(struct image_part) parts; /* the manifests of an index, the layers of a manifest */
	struct image_part config;     /* of a manifest */
};

struct image_strings { const char **items; size_t count; };

struct image_config {
	const char *os, *architecture, *variant, *created, *user, *directory; /* or NULL */
	struct image_strings entrypoint, command, environment;
	struct image_strings inner_digests; /* of the layers, 64 digits each, without compression */
};

struct image_saved { const char *config; struct image_strings tags, layers; }; /* paths */
struct image_saved_list { struct image_saved *items; size_t count; };

/* An index or a manifest. */
int image_document_read(struct arena *arena, const char *text, size_t length,
			struct image_document *ret, const char **ret_error);
int image_config_read(struct arena *arena, const char *text, size_t length,
		      struct image_config *ret, const char **ret_error);
/* manifest.json of docker save. */
int image_saved_read(struct arena *arena, const char *text, size_t length,
		     struct image_saved_list *ret, const char **ret_error);

/* What a machine (of uname(2)) is called in images: "amd64", "arm/v7"; NULL when unknown. */
const char *image_architecture(const char *machine);

/* Does "amd64" or "arm/v7" mean this architecture and variant?  NULL stands for any. */
bool image_architecture_fits(const char *wanted, const char *architecture, const char *variant);

#endif
