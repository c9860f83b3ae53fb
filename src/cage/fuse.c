/* cage/fuse.c - chooses between the kernel's overlayfs and fuse-overlayfs, and starts the latter.
 *
 * fuse-overlayfs answers questions of the caged program, so it is confined: in the user namespace that owns the
 * mount (where ids are those of the cage), with a root of its own that has /usr, /proc, the two directories
 * and nothing else, without network, with the capabilities over files and a filter of system calls.
 * Must not: allocate between fork and exec, give it a descriptor but the device. */
#include "cage/fuse.h"
#include "cage/fuse_confine.h"
#include "base/fd.h"
#include "cage/tree.h"
#include "launch/kernel.h"

#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define TRIED "fuse.new" /* layers that nothing was written to yet */
#define DEVICE "/dev/fuse"

static const char *const programs[] = { "/usr/bin/fuse-overlayfs", "/usr/local/bin/fuse-overlayfs" };
static const char *const layer_names[] = { "upper", "work" };

static const char *find_program(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(programs); i++)
		if (access(programs[i], X_OK) == 0)
			return programs[i];
	return NULL;
}

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

static int set_layer(int fs, const char *key, int dir, const char *name)
{
	AUTO_FD int fd = sys_open_below(dir, name, O_PATH | O_DIRECTORY, 0);
	char path[40];

	if (fd < 0)
		return fd;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return sys_fsconfig_string(fs, key, path);
}

/* As launch/overlay.c mounts it.  In a child. */
static int mount_layers(int lower, int layers)
{
	int fs = sys_fsopen("overlay"), r = fs < 0 ? fs : set_layer(fs, "lowerdir", lower, ".");

	if (r == 0)
		r = set_layer(fs, "upperdir", layers, "upper");
	if (r == 0)
		r = set_layer(fs, "workdir", layers, "work");
	if (r == 0)
		r = sys_fsconfig_flag(fs, "userxattr");
	return r < 0 ? r : MIN(0, sys_fsmount(fs, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV));
}

/* Where no cage can be made, its start says so better than we could. */
static bool kernel_can(int lower, int layers)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(become_owner() < 0 ? 0 : -mount_layers(lower, layers));
	return pid < 0 || wait_for(pid) == 0;
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

int fuse_choose(int data, int lower)
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
	if (kernel_can(lower, tried)) {
		r = tree_remove(data, TRIED);
		return r < 0 ? r : make_layers(data);
	}
	r = tree_empty(tried);
	if (r == 0)
		r = make_layers(tried);
	return r < 0 ? r : RESULT(renameat(data, TRIED, data, FUSE_LAYERS));
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

	trees[SHOWN_LOWER] = sys_clone_tree(s->fds[LAYER_LOWER], "", AT_EMPTY_PATH | AT_RECURSIVE, layers | MOUNT_ATTR_RDONLY);
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

/* 0 to 2 lead nowhere, 3 is the device, 4 the answer up to the exec. */
static int keep_descriptors(const struct service *s, int null)
{
	const int from[] = { null, null, null, s->fds[LAYER_DEVICE], s->answer };
	int high[ARRAY_SIZE(from)], r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(from) && r >= 0; i++)
		r = high[i] = RESULT(fcntl(from[i], F_DUPFD, (int)ARRAY_SIZE(from)));
	for (size_t i = 0; i < ARRAY_SIZE(from) && r >= 0; i++)
		r = RESULT(dup2(high[i], (int)i));
	if (r >= 0)
		r = RESULT(fcntl(4, F_SETFD, FD_CLOEXEC));
	return r < 0 ? r : sys_close_range(5, UINT_MAX);
}

_Noreturn static void run(const struct service *s)
{
	static const char *const argv[] = { "fuse-overlayfs", "-f", "-o",
		"lowerdir=/lower,upperdir=/data/upper,workdir=/data/work", "/dev/fd/3", NULL }, *const envp[] = { NULL };
	struct service own = *s;
	int trees[SHOWN];
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGCHLD, SIG_DFL);
	setsid(); /* the terminal's signals are not for helpers */
	int null = must_be(s, RESULT(open("/dev/null", O_RDWR | O_CLOEXEC)), "open /dev/null");
	must_be(s, RESULT(setns(s->pidfd, CLONE_NEWUSER | CLONE_NEWNS)), "enter the cage's namespaces");
	must_be(s, take_trees(s, trees), "take the layers");
	must_be(s, RESULT(unshare(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS)), "be apart");
	pid_t pid = must_be(s, RESULT(fork()), "fork");
	if (pid > 0) /* nobody waits for it: it ends when the mount does */
		_exit(0);
	must_be(s, make_root(s, trees), "make a root");
	must_be(s, keep_descriptors(s, null), "close what is open");
	own.answer = 4;
	must_be(&own, fuse_confine(), "give up rights");
	execve(s->program, (char *const *)argv, (char *const *)envp);
	give_up(&own, "execute fuse-overlayfs", -errno);
}

/* ---- the start ---- */

int fuse_serve(const struct plan *plan, const struct step *step, int pidfd, const int fds[LAYER_FDS], struct diags *d)
{
	struct service s = { .program = find_program(), .fds = fds, .pidfd = pidfd };
	char text[256] = "fuse-overlayfs is not installed";
	ssize_t length = -1;
	int pipes[2], r = s.program ? RESULT(pipe2(pipes, O_CLOEXEC)) : -ENOENT;
	pid_t pid = -1;

	if (r == 0) {
		s.answer = pipes[1];
		pid = fork();
		if (pid == 0)
			run(&s);
		close(pipes[1]);
		do
			length = read(pipes[0], text, sizeof(text) - 1);
		while (length < 0 && errno == EINTR);
		close(pipes[0]);
		if (pid > 0)
			(void)wait_for(pid);
		text[MAX(length, 0)] = '\0';
	}
	if (pid > 0 && length == 0)
		return 0;
	diag_error(d, "C411", plan->origins.items[step->origin], "cannot keep changes apart at '%s': %s",
		   str_quote(plan->arena, plan_text_at(plan, step->b)), str_quote(plan->arena, strtok(text, "\n")));
	diag_help(d, "the changes of this cage were begun with fuse-overlayfs; 'cuddy explain-code C411' tells more");
	return -EIO;
}
