/* cage/image_tree.h - the entries of an archive become files below one directory, never elsewhere.
 *
 * Names are taken below the top: a leading "/" counts for nothing, ".." is refused.  A parent that
 * is a symbolic link is refused; a last component is replaced, never followed or written to, so
 * what another name (a hard link) holds stays as it is. */
#ifndef CUDDY_CAGE_IMAGE_TREE_H
#define CUDDY_CAGE_IMAGE_TREE_H

#include "base/macros.h"
#include <limits.h>
#include <sys/stat.h>

/* What the child that unpacks tells its parent, in memory that both see. */
struct image_report {
	volatile uint64_t read;	  /* bytes of the archive, for the progress bar */
	uint64_t entries, size;	  /* made; bytes of regular files, holes included */
	uint64_t devices;	  /* skipped: device nodes, FIFOs, sockets */
	uint64_t set_id;	  /* files that lost a set-uid or set-gid bit */
	uint64_t attributes;	  /* skipped: extended attributes that are not user.* */
	uint64_t foreign;	  /* files whose owner has no id here; they belong to root */
	char code[8];		  /* of the diagnostic that ended it, or "" */
	char message[2 * PATH_MAX]; /* bytes of the archive are in it as they are */
};

enum { IMAGE_NAME_MAX = PATH_MAX };

struct image_tree {
	int top;		/* of the tree; open for reading */
	bool own;		/* leave owners alone: all is the caller's */
	bool open_modes;	/* directories stay open for the caller, who has no capability */
	bool layer;		/* ".wh." names are whiteouts */
	uint64_t most_size;	/* bytes of all regular files */
	struct image_report *report;
	/* The parent of the last entry, and its times, which adding entries must not change. */
	int parent;		/* or -1 */
	char parent_path[IMAGE_NAME_MAX];
	struct timespec times[2];
};

struct image_attribute { const char *name; const void *value; size_t size; };

struct image_entry {
	const char *path;
	mode_t mode;	       /* type and permissions; ignored for a hard link */
	const char *hard_link; /* what it is another name of, or NULL */
	const char *target;    /* of a symbolic link */
	uint64_t size;	       /* of a regular file */
	int64_t uid, gid;
	struct timespec mtime;
	const struct image_attribute *attributes;
	size_t attribute_count;
};

/* Gives the next part of a file's content: 1; 0 at the end; or -errno, with the report filled. */
typedef int image_next(void *archive, const void **ret, size_t *ret_size, int64_t *ret_offset);

/* Cuts what is superfluous from a path: "/a//./b/" gives "a/b", "./" gives "".  0, -EXDEV when it
 * has a "..", -ENAMETOOLONG when it has more than IMAGE_NAME_MAX - 1 bytes. */
int image_path_clean(const char *path, char ret[IMAGE_NAME_MAX]);

void image_tree_init(struct image_tree *t, int top, struct image_report *report);
void image_tree_finish(struct image_tree *t); /* once all entries are there */

/* Makes one entry.  0, or -errno and the report says why. */
int image_tree_add(struct image_tree *t, const struct image_entry *entry, image_next *next,
		   void *archive);

/* Removes what a whiteout names (image-spec, layer.md); does nothing for other paths.  Whiteouts
 * hide what lower layers have, so all of a layer come before its entries. */
int image_tree_whiteout(struct image_tree *t, const char *path);
bool image_path_is_whiteout(const char *path);

/* Fills the report, unless it is filled already, and gives `r` back. */
int image_fail(struct image_report *report, int r, const char *code, const char *format, ...)
	PRINTF_LIKE(4, 5);

#endif
