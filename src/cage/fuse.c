/* cage/fuse.c - chooses between the kernel's overlayfs and fuse-overlayfs, and starts the latter.
 *
 * fuse-overlayfs answers questions of the caged program, so it is confined: in the user namespace that owns the
 * mount (where ids are those of the cage), with a root of its own that has /usr, /proc, the two directories
 * and nothing else, without network, with the capabilities over files and a filter of system calls.
 * Must not: allocate between fork and exec, give it a descriptor but the device. */
#include "cage/fuse.h"
#include "cage/fuse_confine.h"
#include "base/fd.h"
#include "base/process.h"
#include "cage/tree.h"
#include "launch/kernel.h"

#include <limits.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#define TRIED "fuse.new" /* layers that nothing was written to yet */
#define DEVICE "/dev/fuse"
#define ANSWER_SIZE 256
#define PID_WORD "pid "
#define END_MS 2000
#define LOCK_TRIES 500 /* ten seconds, at 20 ms each */

static const char *const programs[] = { "/usr/bin/fuse-overlayfs", "/usr/local/bin/fuse-overlayfs" };
static const char *const layer_names[] = { "upper", "work" };

static const char *find_program(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(programs); i++)
		if (access(programs[i], X_OK) == 0)
			return programs[i];
	return NULL;
}

/* 0, -errno, or minus its exit status. */
static int wait_for(pid_t pid)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -EINTR;
}

/* ---- the choice ---- */

static int write_file(const char *path, const char *text)
{
	AUTO_FD int fd = RESULT(open(path, O_WRONLY | O_CLOEXEC));

	return fd < 0 ? fd : fd_write_all(fd, text, strlen(text));
}

static int become_owner(void)
{
	char users[40], groups[40];
	int r;

	snprintf(users, sizeof(users), "0 %u 1", geteuid());
	snprintf(groups, sizeof(groups), "0 %u 1", getegid());
	r = RESULT(unshare(CLONE_NEWUSER | CLONE_NEWNS));
	if (r == 0)
		r = write_file("/proc/self/setgroups", "deny");
	if (r == 0)
		r = write_file("/proc/self/uid_map", users);
	return r < 0 ? r : write_file("/proc/self/gid_map", groups);
}

/* The kernel wants layers of mounts of our namespace, so they are opened by name, and may look at them only when
 * it mounts, so they stay open. */
static int set_layer(int fs, const char *key, const char *directory, const char *name)
{
	int dir = RESULT(open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC));
	int fd = dir < 0 ? dir : sys_open_below(dir, name, O_PATH | O_DIRECTORY, 0);
	char path[40];

	if (fd < 0)
		return fd;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return sys_fsconfig_string(fs, key, path);
}

/* As launch/overlay.c mounts it.  In a child. */
static int mount_layers(const char *lower, const char *data)
{
	int fs = sys_fsopen("overlay"), r = fs < 0 ? fs : set_layer(fs, "lowerdir", lower, ".");

	if (r == 0)
		r = set_layer(fs, "upperdir", data, TRIED "/upper");
	if (r == 0)
		r = set_layer(fs, "workdir", data, TRIED "/work");
	if (r == 0)
		r = sys_fsconfig_flag(fs, "userxattr");
	return r < 0 ? r : MIN(0, sys_fsmount(fs, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV));
}

/* Where no cage can be made, or something is mounted in the directory (which neither can serve, mount(2): the
 * kernel keeps it from being uncovered), the start says so better than we could. */
static bool needs_fuse(const char *lower, const char *data)
{
	int r = become_owner(), fd = RESULT(open(lower, O_PATH | O_DIRECTORY | O_CLOEXEC));

	return r == 0 && fd >= 0 && mount_layers(lower, data) < 0 && sys_clone_tree(fd, "", AT_EMPTY_PATH, 0) >= 0;
}

/* The answer comes by a pipe: who ignores SIGCHLD gets no status. */
static bool kernel_can(const char *lower, const char *data)
{
	ssize_t length = 0;
	int pipes[2];
	char byte;

	if (pipe2(pipes, O_CLOEXEC) < 0)
		return true;
	AUTO_FD int reader = pipes[0];
	pid_t pid = fork();
	if (pid == 0)
		_exit(needs_fuse(lower, data) && write(pipes[1], "", 1) == 1);
	close(pipes[1]);
	while ((length = read(reader, &byte, 1)) < 0 && errno == EINTR)
		;
	if (pid > 0)
		(void)wait_for(pid);
	return length != 1;
}

static bool is_directory(int dir, const char *name)
{
	struct stat status;

	return fstatat(dir, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(status.st_mode);
}

bool fuse_is_chosen(int data)
{
	return is_directory(data, FUSE_LAYERS);
}

static int make_layers(int dir)
{
	for (size_t i = 0; i < ARRAY_SIZE(layer_names); i++)
		if (mkdirat(dir, layer_names[i], 0700) < 0 && errno != EEXIST)
			return -errno;
	return 0;
}

int fuse_choose(int data, const char *path, const char *lower)
{
	AUTO_FD int tried = -1;
	int r = 0;

	if (fuse_is_chosen(data))
		return 0;
	if (is_directory(data, "upper") || !find_program() || access(DEVICE, R_OK | W_OK) < 0)
		return make_layers(data);
	r = tree_clear(data, TRIED);
	if (r == 0)
		r = RESULT(mkdirat(data, TRIED, 0700));
	tried = r < 0 ? r : sys_open_below(data, TRIED, O_RDONLY | O_DIRECTORY, RESOLVE_NO_XDEV);
	if (tried < 0)
		return tried;
	r = make_layers(tried);
	if (r < 0)
		return r;
	if (kernel_can(lower, path)) {
		r = tree_remove(data, TRIED);
		return r < 0 ? r : make_layers(data);
	}
	r = tree_empty(tried);
	if (r == 0)
		r = make_layers(tried);
	return r < 0 ? r : RESULT(renameat(data, TRIED, data, FUSE_LAYERS));
}

int fuse_hold(int at, const char *layers)
{
	static const struct timespec pause = { .tv_nsec = 20 * 1000 * 1000 };
	AUTO_FD int fd = sys_open_below(at, layers, O_RDONLY | O_DIRECTORY, 0);

	for (unsigned tries = 0; fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0; tries++) {
		if (errno != EWOULDBLOCK)
			return -errno;
		if (tries == LOCK_TRIES)
			return -EBUSY;
		nanosleep(&pause, NULL);
	}
	return fd < 0 ? fd : TAKE_FD(fd);
}

/* ---- what runs in the helper ---- */

struct service { const char *program; const int *fds; int pidfd, answer; };

_Noreturn static void give_up(const struct service *s, const char *what, int error)
{
	dprintf(s->answer, "cannot %s: %s\n", what, strerror(-error));
	_exit(1);
}

static int must_be(const struct service *s, int r, const char *what)
{
	if (r < 0)
		give_up(s, what, r);
	return r;
}

/* What its root shows, taken from the namespace that the cage is built in before ours is another. */
enum { SHOWN_LOWER, SHOWN_DATA, SHOWN_SYSTEM, SHOWN = SHOWN_SYSTEM + 4 };
static const char *const shown_names[SHOWN] = { "lower", "data", "usr", "lib", "lib64", "bin" };

/* Mounts, -ELOOP for links and -ENOENT for what this system has not. */
static int take_trees(const struct service *s, int trees[SHOWN])
{
	const unsigned system = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
	const unsigned layers = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
	struct stat status;

	trees[SHOWN_LOWER] = sys_clone_tree(s->fds[LAYER_LOWER], "", AT_EMPTY_PATH, layers | MOUNT_ATTR_RDONLY);
	trees[SHOWN_DATA] = sys_clone_tree(s->fds[LAYER_DATA], "", AT_EMPTY_PATH, layers);
	for (size_t i = SHOWN_SYSTEM; i < SHOWN; i++) {
		int host = s->fds[LAYER_ROOT], r = RESULT(fstatat(host, shown_names[i], &status, AT_SYMLINK_NOFOLLOW));

		trees[i] = r < 0 ? r : S_ISLNK(status.st_mode) ? -ELOOP
			 : sys_clone_tree(host, shown_names[i], AT_RECURSIVE | AT_SYMLINK_NOFOLLOW, system);
	}
	return MIN(trees[SHOWN_LOWER], trees[SHOWN_DATA]);
}

static int show_tree(int tree, int root, const char *name)
{
	int r = tree < 0 ? tree : RESULT(mkdirat(root, name, 0755));

	return r < 0 ? r : sys_move_mount(tree, root, name);
}

/* /lib may be a directory or lead into /usr. */
static int show_link(int host, int root, const char *name)
{
	char target[256];
	ssize_t length = readlinkat(host, name, target, sizeof(target) - 1);

	if (length < 0)
		return -errno;
	target[length] = '\0';
	return RESULT(symlinkat(target, root, name));
}

static int mount_proc(int root)
{
	int fs = sys_fsopen("proc");
	int tree = fs < 0 ? fs : sys_fsmount(fs, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);

	return show_tree(tree, root, "proc");
}

/* A root of its own over the one that the cage is being built on, which is then let go. */
static int make_root(const struct service *s, const int trees[SHOWN])
{
	int fs = sys_fsopen("tmpfs"), r = fs < 0 ? fs : sys_fsconfig_string(fs, "size", "64k");
	int root = r < 0 ? r : sys_fsmount(fs, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);

	r = root < 0 ? root : sys_move_mount(root, AT_FDCWD, "/");
	for (size_t i = 0; r == 0 && i < SHOWN; i++)
		if (trees[i] != -ENOENT)
			r = trees[i] == -ELOOP ? show_link(s->fds[LAYER_ROOT], root, shown_names[i])
					       : show_tree(trees[i], root, shown_names[i]);
	if (r == 0)
		r = mount_proc(root);
	if (r == 0)
		r = RESULT(fchdir(root));
	if (r == 0)
		r = RESULT(syscall(SYS_pivot_root, ".", "."));
	return r < 0 ? r : RESULT(syscall(SYS_umount2, ".", 2 /* MNT_DETACH */));
}

#define ANSWER 5

/* 0 to 2 lead nowhere, 3 is the device, 4 the lock of the layers, 5 the answer up to the exec. */
static int keep_descriptors(const struct service *s, int null, int lock)
{
	int from[] = { null, null, null, s->fds[LAYER_DEVICE], lock, s->answer }, r = fd_arrange(from, ARRAY_SIZE(from));

	if (r >= 0)
		r = RESULT(fcntl(ANSWER, F_SETFD, FD_CLOEXEC));
	return r < 0 ? r : sys_close_range(ANSWER + 1, UINT_MAX);
}

_Noreturn static void run(const struct service *s)
{
	static const char *const argv[] = { "fuse-overlayfs", "-f", "-o",
		"lowerdir=/lower,upperdir=/data/upper,workdir=/data/work", "/dev/fd/3", NULL }, *const envp[] = { NULL };
	struct service own = *s;
	int trees[SHOWN];

	process_begin_helper();
	int null = must_be(s, RESULT(open("/dev/null", O_RDWR | O_CLOEXEC)), "open /dev/null");
	must_be(s, RESULT(setns(s->pidfd, CLONE_NEWUSER | CLONE_NEWNS)), "enter the cage's namespaces");
	must_be(s, take_trees(s, trees), "take the layers");
	must_be(s, RESULT(unshare(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS)), "be apart");
	/* The launcher's child, as we are: it gets to know the number, and waits for it at the end. */
	struct clone_args how = { .flags = CLONE_PARENT };
	pid_t pid = must_be(s, RESULT(syscall(SYS_clone3, &how, sizeof(how))), "fork");
	if (pid > 0)
		_exit(dprintf(s->answer, PID_WORD "%d\n", (int)pid) > 0 ? 0 : 1);
	must_be(s, make_root(s, trees), "make a root");
	int lock = must_be(s, fuse_hold(AT_FDCWD, "/data"), "wait for who served the same before");
	must_be(s, keep_descriptors(s, null, lock), "close what is open");
	own.answer = ANSWER;
	must_be(&own, fuse_confine(), "give up rights");
	execve(s->program, (char *const *)argv, (char *const *)envp);
	give_up(&own, "execute fuse-overlayfs", -errno);
}

/* ---- the start and the end ---- */

/* Reads the helper's lines to the end, which comes with its exec: its number, and what went wrong if anything did. */
static const char *hear(int reader, char text[ANSWER_SIZE], pid_t *ret)
{
	const char *why = NULL;
	size_t used = 0;
	ssize_t length;

	while ((length = read(reader, text + used, ANSWER_SIZE - 1 - used)) > 0 || (length < 0 && errno == EINTR))
		used += (size_t)MAX(length, (ssize_t)0);
	text[used] = '\0';
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		if (str_starts(line, PID_WORD))
			*ret = (pid_t)strtol(line + strlen(PID_WORD), NULL, 10);
		else
			why = line;
	}
	return why || *ret > 0 ? why : "it ended without a word";
}

/* NULL, or why it does not run; then nothing is left of it. */
static const char *begin(const struct service *service, pid_t *ret, char text[ANSWER_SIZE])
{
	struct service s = *service;
	pid_t pid, server = 0;
	const char *why;
	int pipes[2];

	if (!s.program)
		return "fuse-overlayfs is not installed";
	if (pipe2(pipes, O_CLOEXEC) < 0)
		return strerror(errno);
	AUTO_FD int reader = pipes[0];
	s.answer = pipes[1];
	pid = fork();
	if (pid == 0)
		run(&s);
	close(pipes[1]);
	why = hear(reader, text, &server);
	if (pid > 0)
		(void)wait_for(pid);
	if (why && server > 0)
		(void)wait_for(server);
	*ret = server;
	return why;
}

int fuse_serve(void *data, const struct plan *plan, const struct step *step, int pidfd, const int fds[LAYER_FDS],
	       struct diags *d)
{
	const struct service s = { .program = find_program(), .fds = fds, .pidfd = pidfd };
	struct fuse *fuse = data;
	char text[ANSWER_SIZE];
	const char *why = fuse->count < FUSE_MOST ? begin(&s, &fuse->pids[fuse->count], text) : "there are too many";

	if (!why) {
		fuse->count++;
		return 0;
	}
	diag_error(d, "C413", plan->origins.items[step->origin], "cannot keep changes apart at '%s': %s",
		   str_quote(plan->arena, plan_text_at(plan, step->b)), str_quote(plan->arena, why));
	diag_help(d, "the changes of this cage were begun with fuse-overlayfs; 'cuddy explain-code C413' tells more");
	return -EIO;
}

static void finish_one(pid_t pid, struct diags *d)
{
	AUTO_FD int pidfd = RESULT(syscall(SYS_pidfd_open, pid, 0));
	struct pollfd ended = { .fd = pidfd, .events = POLLIN };
	int r;

	/* Somebody outside may have a file open there: the mount stays as long. */
	if (pidfd < 0 || poll(&ended, 1, END_MS) <= 0) {
		kill(pid, SIGKILL); /* our own child, not waited for yet */
		(void)wait_for(pid);
	} else if ((r = wait_for(pid)) != 0 && r != -ECHILD) {
		diag_warning(d, "C412", NULL, "fuse-overlayfs ended before the cage: its files were cut off");
		diag_help(d, "what was changed before is kept: 'cuddy changes' lists it");
	}
}

void fuse_finish(struct fuse *fuse, struct diags *d)
{
	while (fuse->count)
		finish_one(fuse->pids[--fuse->count], d);
}
