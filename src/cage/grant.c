/* cage/grant.c - mounts into a running cage, done by a child that goes there and does not come back.
 * The list is written before the mount: after a kill in between it names too much, never too little.
 * Must not: follow a link, write to a directory of the host, unmount what was not granted, leave a process. */
#include "cage/grant.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/path.h"
#include "cage/mountinfo.h"
#include "launch/kernel.h"

#include <linux/nsfs.h>
#include <linux/stat.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define TRIES 1000 /* to find a mount that its program keeps moving */

struct task {
	struct arena *arena;
	const struct cage_handles *cage;
	const struct grant_wish *wish; /* of a grant */
	struct grants grants;	       /* before */
	int gate;
	const char *path;
	int proc;		       /* the host's /proc/self, which no other namespace has */
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
	AUTO_FD int owner = RESULT(ioctl(cage->fds[HANDLE_USER], NS_GET_PARENT));

	return owner < 0 ? owner : RESULT(setns(owner, CLONE_NEWUSER));
}

static int enter_mounts(const struct cage_handles *cage)
{
	return RESULT(setns(cage->fds[HANDLE_MOUNT], CLONE_NEWNS));
}

static int mount_id(int fd, struct statx *ret)
{
	int r = RESULT(syscall(SYS_statx, fd, "", 0x1000 /* AT_EMPTY_PATH */, STATX_BASIC_STATS | STATX_MNT_ID,
			       ret));

	return r < 0 ? r : ret->stx_mask & STATX_MNT_ID ? 0 : -EOPNOTSUPP;
}

/* ---- the host's side, in a copy of its mounts ---- */

/* Something empty that nobody can read, over each part that stays hidden. */
static int cover(const struct task *t, int root)
{
	int fs = t->wish->mask_count ? sys_fsopen("tmpfs") : -1;
	AUTO_FD int empty = fs < 0 ? fs : sys_fsmount(fs, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
	int r = 0;

	if (!t->wish->mask_count)
		return 0;
	close(fs);
	if (empty < 0)
		return empty;
	if (mknodat(empty, "file", S_IFREG, 0) < 0 || mkdirat(empty, "directory", 0) < 0)
		return -errno;
	/* A clone is made of what is mounted somewhere. */
	if ((r = sys_move_mount(empty, AT_FDCWD, "/proc")) < 0)
		return r;
	for (size_t i = 0; r == 0 && i < t->wish->mask_count; i++) {
		const struct grant_mask *mask = &t->wish->masks[i];
		AUTO_FD int at = sys_open_below(root, mask->path, O_PATH, 0);
		AUTO_FD int tree = sys_clone_tree(empty, mask->is_directory ? "directory" : "file", 0,
						  MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOEXEC);
		struct stat now;

		r = MIN(MIN(at, tree), 0);
		if (r == 0)
			r = RESULT(fstat(at, &now));
		if (r == 0 && (now.st_dev != mask->device || now.st_ino != mask->inode))
			r = -ESTALE;
		if (r == 0)
			r = sys_move_mount(tree, at, "");
	}
	return r;
}

/* A detached copy of the path, with the least flags. */
static int clone_source(const struct task *t, struct stat *status)
{
	uint64_t set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC |
		       (t->wish->read_only ? MOUNT_ATTR_RDONLY : 0);
	int r;

	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return -errno;
	AUTO_FD int root = RESULT(open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
	AUTO_FD int source = root < 0 ? root : sys_open_below(root, t->path, O_PATH, 0);
	if (source < 0)
		return source;
	if (fstat(source, status) < 0)
		return -errno;
	if (!S_ISDIR(status->st_mode) && !S_ISREG(status->st_mode))
		return S_ISLNK(status->st_mode) ? -ELOOP : -EINVAL;
	r = mountinfo_has_kernel(t->arena, t->proc, t->path);
	if (r != 0)
		return r < 0 ? r : -EPERM;
	r = cover(t, root);
	return r < 0 ? r : sys_clone_tree(source, "", AT_EMPTY_PATH | AT_RECURSIVE, set);
}

/* ---- the place inside ---- */

/* Does the plan put something else over the cage's own root? */
static bool has_skeleton(const struct plan *plan)
{
	for (size_t i = 0; i < plan->steps.count; i++)
		if ((plan->steps.items[i].op == OP_BIND || plan->steps.items[i].op == OP_OVERLAY) &&
		    !*plan_text_at(plan, plan->steps.items[i].a))
			return false;
	return true;
}

/* Is it one of the directories that the cage keeps as its own? */
static bool is_kept(const struct grant_wish *wish, const struct stat *status)
{
	const struct plan *plan = wish->plan;

	for (size_t i = 0; i < plan->steps.count; i++) {
		const struct step *step = &plan->steps.items[i];
		const struct object *object = step->op == OP_BIND ? &plan->objects.items[step->c] : NULL;

		if (object && object->dev == status->st_dev && object->ino == status->st_ino &&
		    path_is_within(plan_text_at(plan, step->b), wish->data))
			return true;
	}
	return false;
}

/* The skeleton is read-only to look at; a copy of its mount is not. */
static int writable_skeleton(int directory)
{
	struct mount_attr attr = { .attr_clr = MOUNT_ATTR_RDONLY };
	AUTO_FD int tree = sys_clone_tree(directory, "", AT_EMPTY_PATH, 0);
	int r = tree < 0 ? tree : RESULT(syscall(SYS_mount_setattr, tree, "", 0x1000 /* AT_EMPTY_PATH */,
						 &attr, sizeof(attr)));

	return r < 0 ? r : TAKE_FD(tree);
}

/* Walks to the place, and makes what is missing where all is the cage's own: in its skeleton, and in what
 * it keeps.  Which of both a directory is in, is known when the walk enters a mount. */
struct way {
	int at;
	unsigned long long mount;
	dev_t skeleton; /* 0: it has none */
	bool is_kept;
	struct stat status;
};

static int step_into(struct way *way, const struct grant_wish *wish, int next)
{
	struct statx x;
	int r = mount_id(next, &x);

	if (r == 0)
		r = RESULT(fstat(next, &way->status));
	if (r < 0)
		return r;
	close(way->at);
	way->at = next;
	if (x.stx_mnt_id != way->mount)
		way->is_kept = is_kept(wish, &way->status);
	way->mount = x.stx_mnt_id;
	return 0;
}

static int make_component(const struct way *way, const char *name, bool directory)
{
	bool in_skeleton = way->skeleton && way->status.st_dev == way->skeleton;
	AUTO_FD int copy = in_skeleton ? writable_skeleton(way->at) : -1;
	int at = in_skeleton ? copy : way->at;

	if (!in_skeleton && !way->is_kept)
		return -EXDEV;
	if (at < 0)
		return at;
	if (directory)
		return RESULT(mkdirat(at, name, 0755));
	return RESULT(mknodat(at, name, S_IFREG | 0600, 0));
}

static int open_component(struct way *way, const struct grant_wish *wish, const char *name, bool last,
			  bool directory)
{
	uint64_t flags = O_PATH | (last ? 0 : O_DIRECTORY);
	int next = sys_open_below(way->at, name, flags, 0), r;

	if (next == -ENOENT) {
		r = make_component(way, name, directory || !last);
		next = r < 0 && r != -EEXIST ? r : sys_open_below(way->at, name, flags, 0);
	}
	r = next < 0 ? next : step_into(way, wish, next);
	if (r < 0 && next >= 0 && next != way->at)
		close(next);
	return r;
}

/* The mount point inside; an O_PATH descriptor. */
static int open_target(const struct task *t, bool directory)
{
	int top = RESULT(open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
	struct way way = { .at = top };
	int r = way.at < 0 ? way.at : step_into(&way, t->wish, dup(way.at));
	struct statx x;

	if (r == 0 && has_skeleton(t->wish->plan))
		way.skeleton = way.status.st_dev;
	for (const char *name = t->path + 1; r == 0 && *name;) {
		size_t length = strcspn(name, "/");
		bool last = !name[length];

		r = open_component(&way, t->wish, arena_strndup(t->arena, name, length), last, directory);
		name += length + !last;
	}
	if (r == 0)
		r = mount_id(way.at, &x);
	if (r == 0 && x.stx_attributes & STATX_ATTR_MOUNT_ROOT)
		r = -EBUSY;
	if (r == 0 && S_ISLNK(way.status.st_mode))
		r = -ELOOP;
	if (r == 0)
		return way.at;
	close(way.at);
	return r;
}

/* ---- both ---- */

static int show_there(struct task *t, int report)
{
	struct grants before = t->grants;
	struct stat status;
	struct statx x;
	int r = enter_owner(t->cage);

	if (r < 0)
		return fail(report, GRANT_ENTER, r);
	int tree = clone_source(t, &status);
	if (tree < 0)
		return fail(report, GRANT_SOURCE, tree);
	r = enter_mounts(t->cage);
	if (r < 0)
		return fail(report, GRANT_ENTER, r);
	int target = open_target(t, S_ISDIR(status.st_mode));
	if (target < 0)
		return fail(report, GRANT_TARGET, target);
	r = mount_id(tree, &x);
	if (r < 0)
		return fail(report, GRANT_MOUNT, r);
	*vec_push(t->arena, &t->grants.list) = (struct grant){ x.stx_mnt_id, t->wish->read_only, t->path };
	r = grants_write(t->arena, t->gate, &t->grants);
	if (r < 0)
		return fail(report, GRANT_RECORD, r);
	r = sys_move_mount(tree, target, "");
	if (r == 0)
		return 0;
	(void)grants_write(t->arena, t->gate, &before);
	return fail(report, GRANT_MOUNT, r);
}

/* Unmounts one mount by its number.  0, also when there is none; -EAGAIN when it was moved meanwhile. */
static int unmount(const struct task *t, unsigned long long mount)
{
	const char *path = "";
	int r = mountinfo_find(t->arena, t->proc, mount, &path);
	AUTO_FD int root = RESULT(open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
	AUTO_FD int fd = r < 0 ? r : sys_open_below(root, path, O_PATH, 0);
	char number[24];
	struct statx x;

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	if (fd < 0 || mount_id(fd, &x) < 0 || x.stx_mnt_id != mount)
		return -EAGAIN;
	/* By the descriptor: the name may lead elsewhere by now. */
	AUTO_FD int fds = RESULT(openat(t->proc, "fd", O_PATH | O_DIRECTORY | O_CLOEXEC));
	r = fds < 0 ? fds : RESULT(fchdir(fds));
	return r < 0 ? r : RESULT(umount2(decimal(number, sizeof(number), (unsigned)fd), MNT_DETACH));
}

/* Takes away the grant and those made below it, the last one first. */
static int hide_there(struct task *t, int report)
{
	struct grants left = { 0 };
	int r = enter_owner(t->cage);

	r = r < 0 ? r : enter_mounts(t->cage);
	if (r < 0)
		return fail(report, GRANT_ENTER, r);
	for (size_t i = t->grants.list.count; i-- > 0;) {
		const struct grant *grant = &t->grants.list.items[i];

		if (!path_is_within(grant->path, t->path))
			continue;
		r = -EAGAIN;
		for (unsigned tries = 0; r == -EAGAIN && tries < TRIES; tries++)
			r = unmount(t, grant->mount);
		if (r < 0)
			return fail(report, GRANT_MOUNT, r);
	}
	for (size_t i = 0; i < t->grants.list.count; i++)
		if (!path_is_within(t->grants.list.items[i].path, t->path))
			*vec_push(t->arena, &left.list) = t->grants.list.items[i];
	r = grants_write(t->arena, t->gate, &left);
	return r < 0 ? fail(report, GRANT_RECORD, r) : 0;
}

/* A child that enters the cage's namespaces, but not that of its processes, where some could see it. */
static int run_there(int (*work)(struct task *, int), struct task *task, struct grant_error *ret)
{
	int ends[2], status = 0;
	pid_t pid;

	*ret = (struct grant_error){ GRANT_ENTER, EIO };
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -EIO;
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
		task->proc = RESULT(open("/proc/self/", O_PATH | O_DIRECTORY | O_CLOEXEC));
		_exit(work(task, ends[1]));
	}
	close(ends[1]);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	bool good = pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
	if (!good && read(ends[0], ret, sizeof(*ret)) < 0)
		ret->error = errno;
	close(ends[0]);
	return good ? 0 : -ret->error;
}

static int refuse(struct grant_error *ret, int error)
{
	*ret = (struct grant_error){ GRANT_RECORD, -error };
	return error;
}

int cage_grant(struct arena *arena, const struct grant_wish *wish, struct grant_error *ret)
{
	struct task task = { .arena = arena, .cage = wish->cage, .wish = wish, .gate = wish->gate,
			     .path = wish->path };
	int r = grants_read(arena, wish->gate, &task.grants);

	if (r < 0)
		return refuse(ret, r);
	if (task.grants.list.count >= LIMIT_GRANTS)
		return refuse(ret, -E2BIG);
	for (size_t i = 0; i < task.grants.list.count; i++)
		if (path_is_within(task.grants.list.items[i].path, wish->path))
			return refuse(ret, -EEXIST);
	return run_there(show_there, &task, ret);
}

int cage_revoke(struct arena *arena, const struct cage_handles *cage, int gate, const char *path,
		struct grant_error *ret)
{
	struct task task = { .arena = arena, .cage = cage, .gate = gate, .path = path };
	int r = grants_read(arena, gate, &task.grants);

	if (r < 0)
		return refuse(ret, r);
	for (size_t i = 0; i < task.grants.list.count; i++)
		if (strcmp(task.grants.list.items[i].path, path) == 0)
			return run_there(hide_there, &task, ret);
	return refuse(ret, -ENOENT);
}
