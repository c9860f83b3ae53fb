/* launch/kernel.h - the system calls that not every libc wraps.  Each returns a result or -errno. */
#ifndef CUDDY_LAUNCH_KERNEL_H
#define CUDDY_LAUNCH_KERNEL_H

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#define RESULT(call) ({ long result_ = (call); result_ < 0 ? -errno : (int)result_; })

/* Mounts what `tree` holds on `path` below `dir`; a link at its end is not followed.  "": on `dir` itself. */
static inline int sys_move_mount(int tree, int dir, const char *path)
{
	return RESULT(syscall(SYS_move_mount, tree, "", dir, path,
			      MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH));
}

static inline int sys_mount_setattr(int mount, uint64_t set, unsigned flags)
{
	struct mount_attr attr = { .attr_set = set };

	return RESULT(syscall(SYS_mount_setattr, mount, "", flags | 0x1000 /* AT_EMPTY_PATH */, &attr,
			      sizeof(attr)));
}

/* A detached copy of the mount at `path` below `dir`, with these attributes more; `flags` are
 * AT_RECURSIVE, for all below it too, and AT_SYMLINK_NOFOLLOW.  One call since 6.15 (open_tree_attr);
 * EPERM is what a container's filter may say to it. */
static inline int sys_clone_tree(int dir, const char *path, unsigned flags, uint64_t set)
{
	struct mount_attr attr = { .attr_set = set };

	flags |= OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC;
	int tree = RESULT(syscall(467 /* SYS_open_tree_attr */, dir, path, flags, &attr, sizeof(attr)));
	if (tree != -ENOSYS && tree != -EPERM)
		return tree;
	tree = RESULT(syscall(SYS_open_tree, dir, path, flags));
	int r = tree < 0 ? tree : sys_mount_setattr(tree, set, flags & AT_RECURSIVE);
	if (tree >= 0 && r < 0)
		close(tree);
	return r < 0 ? r : tree;
}

static inline int sys_fsopen(const char *type)
{
	return RESULT(syscall(SYS_fsopen, type, FSOPEN_CLOEXEC));
}

static inline int sys_fsconfig_string(int fs, const char *key, const char *value)
{
	return RESULT(syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, key, value, 0));
}

static inline int sys_fsconfig_flag(int fs, const char *key)
{
	return RESULT(syscall(SYS_fsconfig, fs, FSCONFIG_SET_FLAG, key, NULL, 0));
}

/* Creates the file system and gives a descriptor of a detached mount of it. */
static inline int sys_fsmount(int fs, unsigned attributes)
{
	int r = RESULT(syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0));

	return r < 0 ? r : RESULT(syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, attributes));
}

/* Below `dir`, without links.  EAGAIN means that something was renamed or mounted meanwhile. */
static inline int sys_open_below(int dir, const char *path, uint64_t flags, uint64_t more)
{
	struct open_how how = {
		.flags = flags | O_CLOEXEC | O_NOFOLLOW,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | more,
	};
	int r = -EAGAIN;

	for (unsigned tries = 0; r == -EAGAIN && tries < 64; tries++)
		r = RESULT(syscall(SYS_openat2, dir, *path ? path : ".", &how, sizeof(how)));
	return r;
}

static inline int sys_close_range(unsigned first, unsigned last)
{
	return RESULT(syscall(SYS_close_range, first, last, 0));
}

/* The number in decimal, at the end of `room` (21 bytes suffice); returns where it begins. */
static inline char *decimal(char *room, unsigned size, uint64_t number)
{
	char *at = room + size - 1;

	*at = 0;
	do
		*--at = (char)('0' + number % 10);
	while (number /= 10);
	return at;
}

#endif
