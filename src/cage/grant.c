/* cage/grant.c - mounts into a running cage, done by a child that goes there and does not come back.
 * Must not: follow a link inside, write to a directory of the host, leave a process. */
#include "cage/grant.h"
#include "base/fd.h"
#include "launch/kernel.h"

#include <linux/nsfs.h>
#include <linux/stat.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define DEPTH 64 /* components of a path that can be granted */

struct task {
	const struct cage_handles *cage;
	const char *path;
	bool read_only;
	struct stat above[DEPTH]; /* the host's directories that lead to the path, "/" first */
	size_t depth;
};

static int fail(int report, enum grant_stage stage, int error)
{
	struct grant_error message = { stage, -error };

	while (write(report, &message, sizeof(message)) < 0 && errno == EINTR)
		;
	return 1;
}

/* The program's user namespace is the child of the one that owns the cage. */
static int enter_owner(const struct cage_handles *cage)
{
	int owner = RESULT(ioctl(cage->fds[HANDLE_USER], NS_GET_PARENT));
	int r = owner < 0 ? owner : RESULT(setns(owner, CLONE_NEWUSER));

	if (owner >= 0)
		close(owner);
	return r;
}

static int enter_mounts(const struct cage_handles *cage)
{
	return RESULT(setns(cage->fds[HANDLE_MOUNT], CLONE_NEWNS));
}

/* A detached copy of the path, with the least flags, made in a mount namespace of our own. */
static int clone_source(const struct task *t, struct stat *status)
{
	uint64_t set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC |
		       (t->read_only ? MOUNT_ATTR_RDONLY : 0);
	struct stat now;
	int tree, r;

	if (lstat(t->path, status) < 0 || unshare(CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return -errno;
	tree = sys_clone_tree(AT_FDCWD, t->path, AT_RECURSIVE, set);
	if (tree < 0)
		return tree;
	r = RESULT(fstat(tree, &now));
	if (r == 0 && (now.st_dev != status->st_dev || now.st_ino != status->st_ino))
		r = -ESTALE;
	if (r == 0 && !S_ISDIR(now.st_mode) && !S_ISREG(now.st_mode) && !S_ISSOCK(now.st_mode))
		r = -EINVAL; /* devices and FIFOs are not granted by path */
	if (r == 0)
		return tree;
	close(tree);
	return r;
}

/* The skeleton is read-only to look at; a copy of its mount is not. */
static int writable_skeleton(int directory)
{
	struct mount_attr attr = { .attr_clr = MOUNT_ATTR_RDONLY };
	int tree = sys_clone_tree(directory, "", AT_EMPTY_PATH, 0);
	int r = tree < 0 ? tree : RESULT(syscall(SYS_mount_setattr, tree, "", 0x1000 /* AT_EMPTY_PATH */,
						 &attr, sizeof(attr)));

	if (r == 0)
		return tree;
	if (tree >= 0)
		close(tree);
	return r;
}

/* One component of a mount point below `at`; the skeleton's superblock is `skeleton`. */
static int make_component(int at, const char *name, bool directory, dev_t skeleton, const struct stat *host)
{
	AUTO_FD int copy = -1;
	struct stat status;
	int r = RESULT(fstat(at, &status));

	if (r < 0)
		return r;
	if (host && status.st_dev == host->st_dev && status.st_ino == host->st_ino)
		return -EXDEV;
	if (status.st_dev == skeleton) {
		copy = writable_skeleton(at);
		if (copy < 0)
			return copy;
		at = copy;
	}
	if (directory)
		return RESULT(mkdirat(at, name, 0755));
	int file = RESULT(openat(at, name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600));
	if (file >= 0)
		close(file);
	return MIN(file, 0);
}

/* The mount point inside, made where it is missing; an O_PATH descriptor. */
static int open_target(const struct task *t, bool directory)
{
	AUTO_FD int at = RESULT(open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
	struct stat root;
	size_t level = 0;

	if (at < 0 || fstat(at, &root) < 0)
		return -errno;
	for (const char *name = t->path + 1; *name; level++) {
		size_t length = strcspn(name, "/");
		bool last = !name[length];
		char component[256];

		if (length >= sizeof(component))
			return -ENAMETOOLONG;
		memcpy(component, name, length);
		component[length] = '\0';
		int next = sys_open_below(at, component, O_PATH | (last ? 0 : O_DIRECTORY), 0);
		if (next == -ENOENT) {
			int r = make_component(at, component, directory || !last, root.st_dev,
					       level < t->depth ? &t->above[level] : NULL);

			if (r < 0)
				return r;
			next = sys_open_below(at, component, O_PATH, 0);
		}
		if (next < 0)
			return next;
		close(at);
		at = next;
		name += length + !last;
	}
	return TAKE_FD(at);
}

static int show_there(void *argument, int report)
{
	const struct task *t = argument;
	struct stat status;
	int r = enter_owner(t->cage), tree, target;

	if (r < 0)
		return fail(report, GRANT_ENTER, r);
	tree = clone_source(t, &status);
	if (tree < 0)
		return fail(report, GRANT_SOURCE, tree);
	r = enter_mounts(t->cage);
	if (r < 0)
		return fail(report, GRANT_ENTER, r);
	target = open_target(t, S_ISDIR(status.st_mode));
	if (target < 0)
		return fail(report, GRANT_TARGET, target);
	r = sys_move_mount(tree, target, "");
	return r < 0 ? fail(report, GRANT_MOUNT, r) : 0;
}

static int hide_there(void *argument, int report)
{
	const struct task *t = argument;
	const char *name = strrchr(t->path, '/') + 1;
	char parent[4096];
	struct statx status;
	int r = enter_owner(t->cage);

	r = r < 0 ? r : enter_mounts(t->cage);
	if (r < 0)
		return fail(report, GRANT_ENTER, r);
	if ((size_t)(name - t->path) >= sizeof(parent))
		return fail(report, GRANT_TARGET, -ENAMETOOLONG);
	memcpy(parent, t->path, (size_t)(name - t->path));
	parent[name - t->path] = '\0';
	AUTO_FD int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	AUTO_FD int directory = sys_open_below(root, parent, O_PATH | O_DIRECTORY, 0);
	r = directory < 0 ? directory : RESULT(fchdir(directory));
	if (r == 0)
		r = RESULT(syscall(SYS_statx, AT_FDCWD, name, AT_SYMLINK_NOFOLLOW, STATX_INO, &status));
	if (r == 0 && !(status.stx_attributes & STATX_ATTR_MOUNT_ROOT))
		r = -EINVAL;
	if (r == 0)
		r = RESULT(umount2(name, MNT_DETACH | UMOUNT_NOFOLLOW));
	return r < 0 ? fail(report, GRANT_TARGET, r) : 0;
}

/* A child that enters the cage's namespaces, but not that of its processes, where none could see it. */
static bool run_there(int (*work)(void *, int), struct task *task, struct grant_error *ret)
{
	int ends[2], status = 0;
	pid_t pid;

	*ret = (struct grant_error){ GRANT_ENTER, EIO };
	if (pipe2(ends, O_CLOEXEC) < 0)
		return false;
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
		_exit(work(task, ends[1]));
	}
	close(ends[1]);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	bool good = pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
	if (!good && read(ends[0], ret, sizeof(*ret)) < 0)
		ret->error = errno;
	close(ends[0]);
	return good;
}

/* What the host has on the way: nothing is made in any of these. */
static int look_above(struct task *t)
{
	char path[4096];

	if (*t->path != '/' || strlen(t->path) >= sizeof(path))
		return -ENAMETOOLONG;
	for (const char *slash = t->path; slash; slash = strchr(slash + 1, '/')) {
		size_t length = (size_t)(slash - t->path);

		if (t->depth == DEPTH)
			return -ENAMETOOLONG;
		memcpy(path, t->path, length);
		strcpy(path + length, length ? "" : "/");
		if (stat(path, &t->above[t->depth++]) < 0)
			return -errno;
	}
	return 0;
}

bool cage_grant(const struct cage_handles *cage, const char *path, bool read_only, struct grant_error *ret)
{
	struct task task = { .cage = cage, .path = path, .read_only = read_only };
	int r = look_above(&task);

	if (r == 0)
		return run_there(show_there, &task, ret);
	*ret = (struct grant_error){ GRANT_SOURCE, -r };
	return false;
}

bool cage_revoke(const struct cage_handles *cage, const char *path, struct grant_error *ret)
{
	struct task task = { .cage = cage, .path = path };

	return run_there(hide_there, &task, ret);
}
