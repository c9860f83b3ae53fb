/* cage/upper.h - the marks in an upper directory: those of overlayfs
 * (Documentation/filesystems/overlayfs.rst, mounts with "userxattr") or those of fuse-overlayfs, which are
 * those of image layers (whiteouts of the OCI image specification) and attributes of its own. */
#ifndef CUDDY_CAGE_UPPER_H
#define CUDDY_CAGE_UPPER_H

#include "cage/entry.h"

enum upper_kind {
	UPPER_ENTRY,  /* something that is shown */
	UPPER_HIDES,  /* a deleted entry: a character device 0/0, or an empty file, see below */
	UPPER_NOTE,   /* says something of its directory, or nothing any more */
};
/* What the entry `name` is.  *ret_target: the name inside that it is about, which is another one where a deleted
 * NAME is an empty file ".wh.NAME". */
enum upper_kind upper_kind(bool by_fuse, int dir, const char *name, const struct entry *entry,
			   const char **ret_target);
/* Nothing of the host's directory shows through this one.  -EACCES: it cannot be read. */
int upper_is_opaque(bool by_fuse, int dir);
/* From now on it does, as far as attributes say so; the notes are entries. */
void upper_open(int dir);
/* A copy of something of the host's was made, rather than something new.  Only files and directories
 * tell; 0, 1 or -errno. */
int upper_is_copy(bool by_fuse, int dir, const char *name, const struct entry *entry);
/* What records the deletion of `name` besides its own name, in the arena; NULL: nothing can. */
const char *upper_whiteout_name(struct arena *arena, bool by_fuse, const char *name);
/* Made by the launcher to hide a denied name: see OVERLAY_STUB_MODE. */
bool upper_is_stub(bool by_fuse, int dir, const char *name, const struct entry *entry);

#endif
