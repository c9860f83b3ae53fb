/* cage/root.h - the root file system that a policy names: a directory or an image, opened and held. */
#ifndef CUDDY_CAGE_ROOT_H
#define CUDDY_CAGE_ROOT_H

#include "backend/backend.h"

struct cage_root {
	const char *path; /* without links */
	int fd;		  /* of the directory (O_PATH) */
	int hold;	  /* keeps the image from being removed; -1: it is no image */
};

/* Opens the root of the policy; both descriptors are the caller's, and stay open as long as the cage runs.
 * 0; -ENOENT without a diagnostic when the policy names none; else -errno with one. */
int cage_root_open(struct arena *arena, const struct policy *policy, struct diags *d, struct cage_root *ret);
void cage_root_close(struct cage_root *root);

/* What the root is, in words: "the image 'sid' of '/home/me/sid.tar' of 2026-01-31". */
const char *cage_root_text(struct arena *arena, const struct policy *policy);

/* Holds the image of the root `value` as a program that enters its cage does.  A descriptor, or -1. */
int cage_root_hold(struct arena *arena, const char *value);

#endif
