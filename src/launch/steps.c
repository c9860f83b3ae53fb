/* launch/steps.c - one small function per operation of a plan.
 * Each does what its step says, on descriptors, and returns 0 or -errno.
 * Must not: allocate, print, read the environment, resolve a path that the plan does not hold. */
#include "launch/child.h"
#include "launch/foreign_child.h"
#include "launch/kernel.h"

#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/if.h>
#include <linux/keyctl.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define MS_REC_     0x4000ul	/* sys/mount.h and linux/mount.h do not bear each other everywhere */
#define MS_PRIVATE_ 0x40000ul

static const char *text(const struct child *c, uint32_t offset)
{
	return c->plan->text.text + offset;
}

/* Most descriptors are left to CLOSE, which takes all of them with one call; only a plan with very many
 * mounts closes one by one.  (A launch makes some seventy; each close() is a call that it can spare.)
 * Another tool's callers may have fewer to give. */
static void release(const struct child *c, int fd)
{
	if (fd >= (c->foreign ? 32 : 200) && fd != c->root && fd != c->base && fd != c->place)
		close(fd);
}

int child_write_file(const struct child *c, int dir, const char *name, const char *bytes, size_t count)
{
	int fd = RESULT(openat(dir, name, O_WRONLY | O_CLOEXEC | O_NOCTTY));

	if (fd < 0)
		return fd;
	int r = RESULT(write(fd, bytes, count));
	release(c, fd);
	return r < 0 ? r : (size_t)r == count ? 0 : -EIO;
}

static int step_keyring(struct child *c UNUSED, const struct step *s UNUSED)
{
	int r = RESULT(syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL));

	return r < 0 && r != -ENOSYS ? r : 0; /* a kernel without keys has none to leak */
}

static int step_userns_limit(struct child *c, const struct step *s)
{
	char room[24], *number = decimal(room, sizeof(room), s->x);

	/* Counts namespaces below ours: NEST makes the first. */
	return child_write_file(c, AT_FDCWD, "/proc/sys/user/max_user_namespaces", number, strlen(number));
}

static int step_private(struct child *c UNUSED, const struct step *s UNUSED)
{
	/* Not slave: what the host mounts later would appear without our attributes. */
	return RESULT(syscall(SYS_mount, NULL, "/", NULL, MS_REC_ | MS_PRIVATE_, NULL));
}

/* A foreign tool's callers may look for the names of what is mounted (/proc/self/mountinfo). */
static int open_fs(const struct child *c, const char *type)
{
	int fs = sys_fsopen(type);

	if (fs >= 0 && c->foreign)
		(void)sys_fsconfig_string(fs, "source", type);
	return fs;
}

int child_tmpfs(const struct child *c, uint64_t size, const char *mode)
{
	char room[24];
	int fs = open_fs(c, "tmpfs");

	if (fs < 0)
		return fs;
	int r = size ? sys_fsconfig_string(fs, "size", decimal(room, sizeof(room), size)) : 0;
	if (r == 0)
		r = sys_fsconfig_string(fs, "mode", mode);
	if (r == 0)
		r = sys_fsmount(fs, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
	release(c, fs);
	return r;
}

static const char *const mask_names[2] = {
	[PLAN_MASK_FILE] = ".cuddy-mask-file", [PLAN_MASK_DIRECTORY] = ".cuddy-mask-directory",
};

/* Empty, mode 000, read-only wherever they are shown; unlinked by ENTER. */
static int make_mask_objects(const struct child *c)
{
	int r = RESULT(mknodat(c->base, mask_names[PLAN_MASK_FILE], S_IFREG, 0));

	return r < 0 ? r : RESULT(mkdirat(c->base, mask_names[PLAN_MASK_DIRECTORY], 0));
}

static int step_newroot(struct child *c, const struct step *s)
{
	if (s->a & PLAN_KEEP_HOST) {
		c->host_root = sys_clone_tree(AT_FDCWD, "/", AT_RECURSIVE, 0);
		if (c->host_root < 0)
			return c->host_root;
	}
	c->root = c->base = child_tmpfs(c, s->x, "0755");
	if (c->root < 0)
		return c->root;
	/* It covers "/" for those who enter the namespace; our own root is still the old one, so that
	 * absolute sources resolve there, and nothing of the new root is reached by a path. */
	int r = sys_move_mount(c->root, AT_FDCWD, "/");
	return r < 0 || c->foreign ? r : make_mask_objects(c);
}

static bool is_within(const char *path, const char *top, size_t length)
{
	return strncmp(path, top, length) == 0 && (!length || !path[length] || path[length] == '/');
}

/* A direct target is walked by the kernel as it is.  Any other is approached without links, up to the
 * directory that holds it; neighbours have the same one, so it is kept.  `resolve`: more RESOLVE_* flags. */
static int find_spot(struct child *c, const struct step *s, uint64_t resolve, struct spot *ret)
{
	const char *path = text(c, s->a), *slash = strrchr(path, '/');
	size_t length = slash ? (size_t)(slash - path) : 0;
	UNSET char parent[4096];

	if (c->foreign)
		return foreign_spot(c, s, ret);
	*ret = (struct spot){ c->root, path };
	if (s->direct || !*path)
		return 0;
	ret->path = slash ? slash + 1 : path;
	if (c->place >= 0 && !resolve && length == c->place_length && memcmp(path, c->place_path, length) == 0) {
		ret->dir = c->place;
		return 0;
	}
	if (length >= sizeof(parent))
		return -ENAMETOOLONG;
	memcpy(parent, path, length);
	parent[length] = 0;
	ret->dir = sys_open_below(c->root, parent, O_PATH | O_DIRECTORY, resolve);
	if (ret->dir < 0 || resolve)
		return MIN(ret->dir, 0);
	int before = c->place;
	c->place = ret->dir;
	c->place_path = path;
	c->place_length = length;
	if (before >= 0)
		release(c, before);
	return 0;
}

/* What is made outside of the root's own tmpfs is made only where the plan says so. */
static uint64_t crossing(const struct step *s)
{
	return s->x & PLAN_CREATE ? 0 : RESOLVE_NO_XDEV;
}

static int step_mkdir(struct child *c, const struct step *s)
{
	struct stat status;
	struct spot at;
	int r = find_spot(c, s, crossing(s), &at);

	if (r < 0)
		return r;
	r = RESULT(mkdirat(at.dir, at.path, s->x & 07777));
	if (r == -EEXIST) {
		r = RESULT(fstatat(at.dir, at.path, &status, AT_SYMLINK_NOFOLLOW));
		if (r == 0 && !S_ISDIR(status.st_mode))
			r = -ENOTDIR;
	}
	return r;
}

static int step_file(struct child *c, const struct step *s)
{
	/* In data of the cage a mount point may be there from the last time; it is not truncated. */
	int keep = s->x & PLAN_CREATE && !s->c ? 0 : O_EXCL;
	struct spot at;
	int r = find_spot(c, s, crossing(s), &at);

	if (r < 0)
		return r;
	if (!s->c && keep)
		return RESULT(mknodat(at.dir, at.path, S_IFREG | (s->x & 07777), 0));
	r = RESULT(openat(at.dir, at.path, O_CREAT | keep | O_NOFOLLOW | O_WRONLY | O_CLOEXEC | O_NONBLOCK,
			  s->x & 07777));
	if (r == -EACCES && !keep)
		return 0; /* it is there, not writable: move_mount will tell */
	if (r < 0)
		return r;
	int fd = r;
	for (uint32_t done = 0; r >= 0 && done < s->c; done += (uint32_t)r)
		r = RESULT(write(fd, text(c, s->b) + done, s->c - done));
	close(fd); /* while one is open for writing, ENTER cannot make the root read-only */
	return MIN(r, 0);
}

static bool is_link_to(int parent, const char *name, const char *target)
{
	char there[4096];
	ssize_t length = readlinkat(parent, name, there, sizeof(there));

	return length == (ssize_t)strlen(target) && memcmp(there, target, (size_t)length) == 0;
}

static int step_symlink(struct child *c, const struct step *s)
{
	struct spot at;
	int r = find_spot(c, s, crossing(s), &at);

	if (r < 0)
		return r;
	r = RESULT(symlinkat(text(c, s->b), at.dir, at.path));
	/* In data of the cage it is there from the last time. */
	return r == -EEXIST && !crossing(s) && is_link_to(at.dir, at.path, text(c, s->b)) ? 0 : r;
}

int child_attach(struct child *c, int tree, const struct step *s)
{
	const char *path = text(c, s->a);
	struct spot at;
	int r = tree < 0 ? tree : find_spot(c, s, 0, &at);

	if (r == 0)
		r = sys_move_mount(tree, at.dir, at.path);
	if (r == 0 && c->place >= 0 && is_within(c->place_path, path, strlen(path)) &&
	    strlen(path) <= c->place_length)
		c->place = -1; /* covered */
	if (r == 0 && !*path) { /* it covers the root: from now on it is the root */
		c->root = tree;
		c->roots++;
		return 0;
	}
	if (tree >= 0)
		release(c, tree);
	if (tree >= 0 && r >= 0 && c->foreign)
		release(c, at.dir);
	return r;
}

static int step_bind(struct child *c, const struct step *s)
{
	const struct object *object = &c->plan->objects.items[s->c];
	const char *source = text(c, s->b);
	struct stat status;
	int tree, r = 0;

	if (strcmp(source, "/") == 0) {
		tree = c->host_root < 0 ? -EBADF : c->host_root;
		if (c->foreign)
			tree = foreign_host_root(c);
		else
			c->host_root = -1;
		if (tree >= 0)
			r = sys_mount_setattr(tree, s->x & PLAN_ATTRS, AT_RECURSIVE);
	} else {
		tree = sys_clone_tree(AT_FDCWD, source, AT_RECURSIVE, s->x & PLAN_ATTRS);
	}
	if (tree < 0)
		return tree;
	if (r == 0)
		r = RESULT(fstat(tree, &status));
	if (r == 0 && (status.st_dev != object->dev || status.st_ino != object->ino ||
		       (status.st_mode & S_IFMT) != (object->mode & S_IFMT)))
		r = -ESTALE;
	if (r == 0)
		return child_attach(c, tree, s);
	release(c, tree);
	return r;
}

/* Binds what is visible at the target on itself, with attributes of its own. */
static int bind_self(struct child *c, const struct step *s, unsigned recursive)
{
	struct spot at;
	int r = find_spot(c, s, 0, &at);

	if (r < 0)
		return r;
	return child_attach(c, sys_clone_tree(at.dir, at.path, recursive | AT_SYMLINK_NOFOLLOW, s->x & PLAN_ATTRS), s);
}

static int step_private_dir(struct child *c, const struct step *s)
{
	return bind_self(c, s, 0);
}

/* Shows a file of the root tmpfs at a second place. */
static int step_own(struct child *c, const struct step *s)
{
	return child_attach(c, sys_clone_tree(c->base, text(c, s->b), AT_SYMLINK_NOFOLLOW, s->x & PLAN_ATTRS), s);
}

static int step_read_only(struct child *c, const struct step *s)
{
	return bind_self(c, s, AT_RECURSIVE);
}

/* Only the mount at the target: what is mounted in it stays as it is. */
static int step_seal(struct child *c, const struct step *s)
{
	struct spot at;
	int r = find_spot(c, s, 0, &at);
	int mount = r < 0 ? r : sys_open_below(at.dir, at.path, O_PATH | O_DIRECTORY, 0);

	if (mount < 0)
		return mount;
	r = sys_mount_setattr(mount, s->x & PLAN_ATTRS, 0);
	release(c, mount);
	return r;
}

static int step_mask(struct child *c, const struct step *s)
{
	return child_attach(c, sys_clone_tree(c->base, mask_names[s->b & 1], AT_SYMLINK_NOFOLLOW, PLAN_ATTRS), s);
}

static int step_tmpfs(struct child *c, const struct step *s)
{
	const char mode[] = { (char)('0' + (s->b >> 9 & 7)), (char)('0' + (s->b >> 6 & 7)),
			      (char)('0' + (s->b >> 3 & 7)), (char)('0' + (s->b & 7)), 0 };

	return child_attach(c, child_tmpfs(c, s->x, mode), s);
}

static int step_overlay(struct child *c, const struct step *s)
{
	return child_attach(c, overlay_make(c, s), s);
}

static int step_proc(struct child *c, const struct step *s)
{
	int fs = open_fs(c, "proc");

	if (fs < 0)
		return fs;
	int tree = sys_fsmount(fs, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
	release(c, fs);
	return child_attach(c, tree, s);
}

static int step_devpts(struct child *c, const struct step *s)
{
	int fs = open_fs(c, "devpts");

	if (fs < 0)
		return fs;
	int r = sys_fsconfig_flag(fs, "newinstance");
	if (r == 0)
		r = sys_fsconfig_string(fs, "ptmxmode", "0666");
	if (r == 0)
		r = sys_fsconfig_string(fs, "mode", "0620");
	if (r == 0)
		r = sys_fsmount(fs, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
	release(c, fs);
	return r < 0 ? r : child_attach(c, r, s);
}

/* The old root stays below, unreachable: our root is the topmost mount, and after NEST nobody inside has
 * power over the mount namespace (tried without a limit on user namespaces
 * too: unmount, pivot, move, clone of the tree from a fresh namespace reveal nothing). */
static int step_enter(struct child *c, const struct step *s)
{
	int r = 0;

	for (int i = 0; i < 2 && r == 0; i++)
		r = RESULT(unlinkat(c->base, mask_names[i], i ? AT_REMOVEDIR : 0));
	if (r < 0)
		return r;
	r = sys_mount_setattr(c->root, s->x & PLAN_ATTRS, 0);
	if (r == 0)
		r = RESULT(fchdir(c->root));
	return r < 0 ? r : RESULT(chroot("."));
}

static int step_terminal(struct child *c, const struct step *s)
{
	return child_open_terminal(c, text(c, s->a));
}

static int step_hostname(struct child *c, const struct step *s)
{
	const char *name = text(c, s->a);

	return RESULT(sethostname(name, strlen(name)));
}

/* The path may lead through what a program of this cage left behind, and links are allowed in it; not
 * those of /proc, which would lead to our descriptors, and with them out of the cage. */
static int step_chdir(struct child *c, const struct step *s)
{
	struct open_how how = {
		.flags = O_PATH | O_DIRECTORY | O_CLOEXEC, .resolve = RESOLVE_NO_MAGICLINKS,
	};
	int fd = RESULT(syscall(SYS_openat2, AT_FDCWD, text(c, s->a), &how, sizeof(how)));

	if (fd < 0)
		return fd;
	int r = RESULT(fchdir(fd));
	release(c, fd);
	return r;
}

static int step_loopback(struct child *c, const struct step *s UNUSED)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	int fd = RESULT(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));

	if (fd < 0)
		return fd;
	int r = RESULT(ioctl(fd, SIOCSIFFLAGS, &request));
	release(c, fd);
	return r;
}

/* From here on whoever owns us may enter our user and network namespaces. */
static int step_offer(struct child *c, const struct step *s UNUSED)
{
	return MIN(0, RESULT(write(c->barrier, "o", 1)));
}

/* A port of the host is none of ours: the relay opens it before AWAIT ends, or the cage never starts. */
static int step_open(struct child *c UNUSED, const struct step *s UNUSED)
{
	return 0;
}

/* The parent closes its end instead of answering when the helpers failed, and ends us. */
static int step_await(struct child *c, const struct step *s UNUSED)
{
	char byte;
	int r;

	do
		r = RESULT(read(c->barrier, &byte, 1));
	while (r == -EINTR);
	return r < 0 ? r : r == 1 ? 0 : -ECANCELED;
}

static int step_rlimit(struct child *c UNUSED, const struct step *s)
{
	struct rlimit limit = { s->x, s->x };

	return RESULT(setrlimit((int)s->a, &limit));
}

static int step_nice(struct child *c UNUSED, const struct step *s)
{
	return RESULT(setpriority(PRIO_PROCESS, 0, (int)s->a));
}

/* For init to hand out; opened while we still may, and only if anybody may come. */
static int step_handles(struct child *c, const struct step *s UNUSED)
{
	static const struct { enum handle handle; const char *name; } spaces[] = {
		{ HANDLE_USER, "ns/user" }, { HANDLE_MOUNT, "ns/mnt" }, { HANDLE_PID, "ns/pid" },
		{ HANDLE_NET, "ns/net" },   { HANDLE_IPC, "ns/ipc" },	{ HANDLE_UTS, "ns/uts" },
		{ HANDLE_CGROUP, "ns/cgroup" },
	};
	int *handles = c->server.handles;

	if (c->server.listener < 0)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(spaces); i++) {
		int fd = RESULT(openat(c->self, spaces[i].name, O_RDONLY | O_CLOEXEC));

		if (fd < 0)
			return fd;
		handles[spaces[i].handle] = fd;
	}
	handles[HANDLE_PIDFD] = RESULT(syscall(SYS_pidfd_open, getpid(), 0));
	return MIN(handles[HANDLE_PIDFD], 0);
}

static int step_caps(struct child *c UNUSED, const struct step *s)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct sets[2];
	unsigned long bits = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED;
	int r;

	/* Who may change its user gives its capabilities up with that, as programs expect (apt tests it). */
	if (!(s->x >> CAP_SETUID & 1))
		bits |= SECBIT_NO_SETUID_FIXUP | SECBIT_NO_SETUID_FIXUP_LOCKED;

	if (!s->x)
		bits |= SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;
	r = RESULT(prctl(PR_SET_SECUREBITS, bits, 0, 0, 0));
	for (unsigned cap = 0; r == 0 && cap < 63; cap++)
		if (!(s->x >> cap & 1))
			r = RESULT(prctl(PR_CAPBSET_DROP, cap, 0, 0, 0));
	if (r < 0 && r != -EINVAL) /* EINVAL: the kernel knows no more of them */
		return r;
	for (unsigned i = 0; i < 2; i++) {
		uint32_t half = (uint32_t)(s->x >> 32 * i);
		sets[i] = (struct __user_cap_data_struct){ half, half, half };
	}
	r = RESULT(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0));
	if (r == 0)
		r = RESULT(syscall(SYS_capset, &header, sets));
	for (unsigned cap = 0; r == 0 && cap < 63; cap++)
		if (s->x >> cap & 1)
			r = RESULT(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0));
	return r;
}

static int step_no_new_privs(struct child *c UNUSED, const struct step *s UNUSED)
{
	return RESULT(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
}

/* The header of an older kernel does not have the last member. */
static int step_scope(struct child *c, const struct step *s)
{
	const struct { uint64_t files, net, scoped; } attributes = { .scoped = s->x };
	int fd = RESULT(syscall(SYS_landlock_create_ruleset, &attributes, sizeof(attributes), 0));

	if (fd < 0)
		return fd;
	int r = RESULT(syscall(SYS_landlock_restrict_self, fd, 0));
	release(c, fd);
	return r;
}

static int step_dumpable(struct child *c UNUSED, const struct step *s UNUSED)
{
	return RESULT(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0));
}

/* Closes all above the streams but what init needs: one call for each gap between what is kept. */
static int step_close(struct child *c, const struct step *s UNUSED)
{
	int kept[2 + HANDLE_COUNT] = { c->report }, count = 1, r = 0;
	unsigned from = 3;

	if (c->server.listener >= 0) {
		kept[count++] = c->server.listener;
		for (int i = 0; i < HANDLE_COUNT; i++)
			kept[count++] = c->server.handles[i];
	}
	while (r == 0) {
		unsigned next = ~0u;

		for (int i = 0; i < count; i++)
			if ((unsigned)kept[i] >= from)
				next = MIN(next, (unsigned)kept[i]);
		if (next == ~0u)
			return sys_close_range(from, ~0u);
		if (next > from)
			r = sys_close_range(from, next - 1);
		from = next + 1;
	}
	return r;
}

static int step_filter(struct child *c, const struct step *s)
{
	const struct plan_filter *filter = &c->plan->filters.items[s->a];
	struct sock_fprog program = { (unsigned short)filter->count, (struct sock_filter *)filter->code };

	return RESULT(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program));
}

/* As execvp() does, without its fallback to a shell: EACCES is remembered while the search goes on. */
static int search_exec(struct child *c, const char *name, const char *search)
{
	char path[4096];
	size_t length = strlen(name);
	int result = -ENOENT;

	for (const char *end; ; search = end + 1) {
		end = search + strcspn(search, ":");
		size_t directory = (size_t)(end - search);
		if (*search == '/' && directory + length + 2 <= sizeof(path)) {
			memcpy(path, search, directory);
			path[directory] = '/';
			memcpy(path + directory + 1, name, length + 1);
			int r = RESULT(execve(path, c->argv, c->envp));
			if (r != -ENOENT && r != -ENOTDIR && r != -EACCES)
				return r;
			if (r == -EACCES)
				result = r;
		}
		if (!*end)
			return result;
	}
}

static int step_exec(struct child *c, const struct step *s)
{
	const char *program = text(c, s->a);

	if (*program == '/')
		return RESULT(execve(program, c->argv, c->envp));
	return search_exec(c, program, text(c, s->b));
}

step_function *const step_table[OP_COUNT] = {
	[OP_OFFER] = step_offer,	       [OP_AWAIT] = step_await,
	[OP_PUBLISH] = step_open,
	[OP_LEND] = step_open,
	[OP_EXPOSE] = step_open,
	[OP_PEERS] = step_open,
	[OP_TUNNEL] = step_open,
	[OP_MAP_IDS] = step_map_ids,	       [OP_KEYRING] = step_keyring,
	[OP_USERNS_LIMIT] = step_userns_limit, [OP_PRIVATE] = step_private,
	[OP_NEWROOT] = step_newroot,	       [OP_MKDIR] = step_mkdir,
	[OP_FILE] = step_file,		       [OP_SYMLINK] = step_symlink,
	[OP_BIND] = step_bind,		       [OP_PRIVATE_DIR] = step_private_dir,
	[OP_OWN] = step_own,
	[OP_READ_ONLY] = step_read_only,       [OP_MASK] = step_mask,
	[OP_TMPFS] = step_tmpfs,	       [OP_PROC] = step_proc,
	[OP_OVERLAY] = step_overlay,	       [OP_SEAL] = step_seal,
	[OP_DEVPTS] = step_devpts,	       [OP_ENTER] = step_enter,
	[OP_HOSTNAME] = step_hostname,	       [OP_CHDIR] = step_chdir,
	[OP_LOOPBACK] = step_loopback,	       [OP_RLIMIT] = step_rlimit,
	[OP_NICE] = step_nice,		       [OP_NEST] = step_nest,
	[OP_HANDLES] = step_handles,
	[OP_CAPS] = step_caps,		       [OP_NO_NEW_PRIVS] = step_no_new_privs,
	[OP_SCOPE] = step_scope,
	[OP_DUMPABLE] = step_dumpable,	       [OP_CLOSE] = step_close,
	[OP_TERMINAL] = step_terminal,	       [OP_INIT_FILTER] = step_filter,
	[OP_FILTER] = step_filter,	       [OP_EXEC] = step_exec,
	FOREIGN_STEPS
};
