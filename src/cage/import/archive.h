/* cage/import/archive.h - reads tar archives, plain or compressed, with libarchive.
 *
 * Only the program cuddy-image has this, and it calls it in a child that can reach nothing but the
 * tree.  All functions return 0 or -errno, and then the report of the tree says why. */
#ifndef CUDDY_CAGE_IMPORT_ARCHIVE_H
#define CUDDY_CAGE_IMPORT_ARCHIVE_H

#include "base/sha256.h"
#include "cage/image_tree.h"

/* Is the archive an image with manifests and layers (1), or a root file system (0)? */
int image_archive_is_image(int fd, struct image_tree *t);

/* Unpacks all entries into the tree.  With `digest`: the file's bytes must have it. */
int image_archive_unpack(int fd, struct image_tree *t, const char *digest);

/* Applies the whiteouts of a layer to what the layers below it left in the tree. */
int image_archive_whiteouts(int fd, struct image_tree *t);

/* The digest of what is packed, without the compression (a "diff id" of image-spec, config.md). */
int image_archive_inner_digest(int fd, struct image_tree *t, char ret[SHA256_TEXT]);

#endif
