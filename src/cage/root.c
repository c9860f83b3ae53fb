/* cage/root.c - finds the root file system of a policy.
 * Must not: change anything, take a directory for a root that is none. */
#include "cage/root.h"
#include "base/fd.h"
#include "cage/image.h"
#include "profile/profile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int cage_root_hold(struct arena *arena, const char *value)
{
	const char *image = value ? root_image(value) : NULL;
	int fd = image ? image_hold(arena, image) : -1;

	return MAX(fd, -1);
}

void cage_root_close(struct cage_root *root)
{
	fd_closep(&root->fd);
	fd_closep(&root->hold);
	*root = (struct cage_root){ .fd = -1, .hold = -1 };
}

static int no_image(struct arena *arena, const char *name, const struct text_setting *root, int error, struct diags *d)
{
	AUTO_FD int store = image_store_open(arena, false);
	const char **names, *near = NULL;
	size_t count;

	if (error != -ENOENT) {
		diag_error(d, "C611", root->origin, "the image '%s' cannot be used: %s", str_quote(arena, name),
			   error == -EBUSY ? "it is being removed" : strerror(-error));
		return error;
	}
	diag_error(d, "C611", root->origin, "there is no image '%s'", str_quote(arena, name));
	if (store >= 0 && image_names(arena, store, &names, &count) == 0)
		near = diag_nearest(name, names, count);
	if (near)
		diag_help(d, "did you mean 'image:%s'?", near);
	else
		diag_help(d, "'cuddy image list' shows those there are, 'cuddy image import FILE' makes one");
	return error;
}

static int open_image(struct arena *arena, const char *name, const struct text_setting *root, struct diags *d,
		      struct cage_root *ret)
{
	const char *path = image_find(arena, name);

	ret->hold = path ? image_hold(arena, name) : -ENOENT;
	if (ret->hold < 0)
		return no_image(arena, name, root, ret->hold, d);
	ret->path = path;
	return 0;
}

static int refuse(struct arena *arena, const struct text_setting *root, const char *why, int error, struct diags *d)
{
	diag_error(d, "C612", root->origin, "'%s' cannot be the root: %s", str_quote(arena, root->value), why);
	diag_help(d, "name a directory with a whole system, as debootstrap makes one, or 'image:NAME' of 'cuddy image list'");
	return error;
}

/* The kernel maps our ids alone, so nothing could be changed or even mounted in it. */
static int not_yours(struct arena *arena, const struct text_setting *root, struct diags *d)
{
	diag_error(d, "C612", root->origin, "'%s' cannot be the root: it belongs to another user",
		   str_quote(arena, root->value));
	diag_help(d, "make an image of it: 'sudo tar -C %s -cf root.tar .' and 'cuddy image import root.tar'",
		  str_quote(arena, root->value));
	return -EPERM;
}

static bool looks_like_root(int fd)
{
	static const char *const programs[] = { "usr/bin", "bin", "usr/sbin", "sbin" };

	for (size_t i = 0; i < ARRAY_SIZE(programs); i++)
		if (faccessat(fd, programs[i], F_OK, AT_SYMLINK_NOFOLLOW) == 0)
			return true;
	return false;
}

int cage_root_open(struct arena *arena, const struct policy *policy, struct diags *d, struct cage_root *ret)
{
	const struct text_setting *root = &policy->root;
	const char *image = root->value ? root_image(root->value) : NULL;
	CLEANUP(cage_root_close) struct cage_root found = { .path = root->value, .fd = -1, .hold = -1 };
	char real[PATH_MAX];
	struct stat status;
	int r = root->value ? 0 : -ENOENT;

	if (r == 0 && image)
		r = open_image(arena, image, root, d, &found);
	if (r < 0)
		return r;
	if (!realpath(found.path, real))
		return refuse(arena, root, strerror(errno), -errno, d);
	found.path = arena_strdup(arena, real);
	found.fd = open(real, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (found.fd < 0)
		return refuse(arena, root, strerror(errno), -errno, d);
	if (faccessat(found.fd, ".", X_OK, 0) < 0)
		return refuse(arena, root, strerror(errno), -errno, d);
	if (fstat(found.fd, &status) < 0)
		return refuse(arena, root, strerror(errno), -errno, d);
	if (geteuid() != 0 && status.st_uid != geteuid())
		return not_yours(arena, root, d);
	if (!looks_like_root(found.fd))
		return refuse(arena, root, "it holds no programs (bin, usr/bin)", -EINVAL, d);
	*ret = found;
	found.fd = found.hold = -1;
	return 0;
}

const char *cage_root_text(struct arena *arena, const struct policy *policy)
{
	const char *image = root_image(policy->root.value);
	AUTO_FD int store = image ? image_store_open(arena, false) : -1;
	struct image_info *images;
	size_t count = 0;

	if (!image)
		return arena_printf(arena, "the directory '%s'", str_quote(arena, policy->root.value));
	if (store < 0 || image_list(arena, store, &images, &count) < 0)
		count = 0;
	for (size_t i = 0; i < count; i++)
		if (strcmp(images[i].name, image) == 0)
			return arena_printf(arena, "the image '%s', imported from '%s' at %s", image,
					    str_quote(arena, images[i].source ? images[i].source : "?"),
					    images[i].imported ? images[i].imported : "?");
	return arena_printf(arena, "the image '%s', which is not here", str_quote(arena, image));
}
