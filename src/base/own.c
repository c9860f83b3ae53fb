/* base/own.c - the file of the program that runs, and that no cage can change it.
 * The usual case, root's file and another caller, costs one stat().  Must not: print, keep a copy on a disk. */
#include "base/own.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/mount.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef CUDDY_LIBEXEC_DIR
#define CUDDY_LIBEXEC_DIR "/usr/libexec/cuddy"
#endif
#define EXECUTABLE  "/proc/self/exe"
#define VARIABLE    "CUDDY_SELF"   /* tells the program that is executed again where its file is */
#define MEMFD_EXEC_ 0x10u	   /* MFD_EXEC, Linux 6.3 */
#define EMPTY_PATH_ 0x1000	   /* AT_EMPTY_PATH */
#define UNKNOWN_USER 65534	   /* user_namespaces(7), unmapped ids */
#define SEALS	    (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

/* The kernel says so (getauxval(3), execveat(2)); service managers execute by a descriptor, too. */
static bool is_by_descriptor(void)
{
	const char *name = (const char *)getauxval(AT_EXECFN);

	return name && str_starts(name, "/dev/fd/");
}

/* The path that own_protect() left, or NULL. */
static const char *left_path(void)
{
	const char *path = is_by_descriptor() ? getenv(VARIABLE) : NULL;

	return path && *path == '/' ? path : NULL;
}

const char *own_path(struct arena *arena)
{
	const char *path = left_path();
	char text[PATH_MAX];
	ssize_t size;

	if (path)
		return arena_strdup(arena, path);
	size = readlink(EXECUTABLE, text, sizeof(text));
	return size > 0 && (size_t)size < sizeof(text) ? arena_strndup(arena, text, (size_t)size) : NULL;
}

const char *own_helper(struct arena *arena, const char *name)
{
	const char *path = own_path(arena), *beside;

	if (path) {
		beside = path_normal(arena, "/", arena_printf(arena, "%s/../%s", path, name));
		if (access(beside, X_OK) == 0)
			return beside;
	}
	return path_join(arena, CUDDY_LIBEXEC_DIR, name);
}

static bool is_sealed(void)
{
	AUTO_FD int fd = open(EXECUTABLE, O_RDONLY | O_CLOEXEC);
	int seals = fd < 0 ? -1 : fcntl(fd, F_GET_SEALS); /* -1: a file that can have none */

	return seals >= 0 && (seals & SEALS) == SEALS;
}

/* Root's, or that of a user whom our user namespace does not know.  Root's cages have all ids, so to them any
 * owner's file is their own; and others may have subordinate ids, so only these two owners count. */
static bool is_foreign(uid_t owner)
{
	uid_t caller = getuid();

	return caller != 0 && owner != caller && (owner == 0 || owner == UNKNOWN_USER);
}

/* The bits of the group tell of access control lists, too (acl(5)). */
bool own_is_safe(void)
{
	struct stat status;
	struct statvfs mount;

	if (stat(EXECUTABLE, &status) < 0)
		return false;
	if (is_foreign(status.st_uid) && !(status.st_mode & (S_IWGRP | S_IWOTH)))
		return true;
	return (statvfs(EXECUTABLE, &mount) == 0 && mount.f_flag & ST_RDONLY) ||
	       (is_by_descriptor() && is_sealed());
}

/* A mount that is in no namespace: whoever is led to the file by /proc gets EROFS.  Descriptor or -errno. */
static int read_only_mount(void)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY };
	AUTO_FD int tree = (int)syscall(SYS_open_tree, AT_FDCWD, EXECUTABLE, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

	if (tree < 0 || syscall(SYS_mount_setattr, tree, "", EMPTY_PATH_, &attr, sizeof(attr)) < 0)
		return -errno;
	return TAKE_FD(tree);
}

/* The same for those who may not mount.  Descriptor or -errno. */
static int sealed_copy(void)
{
	AUTO_FD int file = open(EXECUTABLE, O_RDONLY | O_CLOEXEC);
	AUTO_FD int copy = -1;
	struct stat status;

	if (file < 0 || fstat(file, &status) < 0)
		return -errno;
	copy = memfd_create("cuddy", MFD_CLOEXEC | MFD_ALLOW_SEALING | MEMFD_EXEC_);
	if (copy < 0 && errno == EINVAL)
		copy = memfd_create("cuddy", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (copy < 0)
		return -errno;
	for (off_t left = status.st_size; left > 0;) {
		ssize_t count = sendfile(copy, file, NULL, (size_t)left);
		if (count <= 0)
			return count < 0 ? -errno : -EIO;
		left -= count;
	}
	return fcntl(copy, F_ADD_SEALS, SEALS) < 0 ? -errno : TAKE_FD(copy);
}

void own_forget(void)
{
	if (left_path())
		unsetenv(VARIABLE);
}

int own_protect(char **argv)
{
	extern char **environ;
	struct arena *arena;
	const char *path;
	int r;

	if (own_is_safe()) {
		if (is_by_descriptor() && argv[0]) /* before 6.14 the name is the number of the descriptor */
			prctl(PR_SET_NAME, path_base_name(argv[0]), 0, 0, 0);
		return 0;
	}
	if (left_path())
		return -ELOOP; /* a kernel that says one thing and does another */
	AUTO_FD int mount = read_only_mount();
	AUTO_FD int file = mount < 0 ? sealed_copy() : TAKE_FD(mount);
	if (file < 0)
		return file;
	arena = arena_new();
	path = own_path(arena);
	r = !path || setenv(VARIABLE, path, 1) < 0 ? -ENOMEM : 0;
	arena_free(arena);
	if (r < 0)
		return r;
	syscall(SYS_execveat, file, "", argv, environ, EMPTY_PATH_);
	return -errno;
}
