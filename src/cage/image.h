/* cage/image.h - the store of root file systems that cages may start from (root = "image:NAME").
 *
 * $XDG_DATA_HOME/cuddy/images/NAME/ holds rootfs/ and image.toml, all 0700.  A name that begins
 * with a dot is an import under way or what is left of one.  Whoever uses a directory of the store
 * holds a lock on it (flock(2)): shared for a cage, exclusive for an import or a removal, so that
 * the next command knows what a killed one left. */
#ifndef CUDDY_CAGE_IMAGE_H
#define CUDDY_CAGE_IMAGE_H

#include "base/progress.h"
#include "cage/image_manifest.h"

struct image_info {
	const char *name;
	const char *source;	  /* path of the file it came from */
	const char *digest, *tag; /* of the image; "" for a plain archive */
	const char *imported;	  /* "2026-01-31T12:00:00Z" */
	const char *ids;	  /* whose the files are: "all", "mapped", "single" (cuddy(1)) */
	int64_t size;		  /* bytes of the files that were unpacked, of all layers */
	struct image_config config; /* what the image says of itself; NULL and empty where nothing */
};

/* The path of the root file system of an image, or NULL when there is no such image. */
const char *image_find(struct arena *arena, const char *name);

/* A descriptor of the image's directory that keeps it from being removed while it is open:
 * -ENOENT when there is none, -EBUSY when it is being removed. */
int image_hold(struct arena *arena, const char *name);

/* Letters, digits, ".", "_", "+", "-"; the first a letter or digit; at most LIMIT_NAME_LENGTH. */
bool image_name_is_valid(const char *name);

/* What an image made of this file is called: its name without ".tar.gz" and the like; NULL when
 * that is no name. */
const char *image_name_for(struct arena *arena, const char *file);

/* Opens the store of the caller and removes what killed commands left there.  `make` creates it.
 * A descriptor, or -errno (-ENOENT: there is no image yet). */
int image_store_open(struct arena *arena, bool make);
const char *image_store_path(struct arena *arena);

/* All images, sorted by name. */
int image_names(struct arena *arena, int store, const char ***ret, size_t *ret_count);
int image_list(struct arena *arena, int store, struct image_info **ret, size_t *ret_count);

/* Removes an image: -ENOENT, -EBUSY when a cage uses it, -errno.  `progress` may be NULL. */
int image_remove(struct arena *arena, int store, const char *name, const struct progress *progress);

/* ---- for the import --------------------------------------------------------------------- */

/* A new locked directory with a name of its own; gives a descriptor that holds the lock. */
int image_begin(struct arena *arena, int store, const char **ret_name);

/* Gives it its name in one step: -EEXIST when that is taken, unless `replace`. */
int image_publish(struct arena *arena, int store, const char *temporary, const char *name, bool replace);

/* Removes it, files of subordinate ids included. */
int image_discard(struct arena *arena, int store, const char *temporary);

/* The text of image.toml. */
const char *image_info_text(struct arena *arena, const struct image_info *info);

#endif
