/* bwrap/translate.c - an understood command line as a plan: sources are looked up here, outside, and
 * compared when they are mounted; everything inside is left to the child.
 * Must not: change anything but the flags of descriptors, follow a path of the new root. */
#include "bwrap/bwrap.h"
#include "base/limits.h"
#include "base/path.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct translation {
	struct bwrap *b;
	const struct bwrap_caller *caller;
	struct plan *plan;
	bool user;		/* a user namespace is made */
	bool own_pids;		/* proc is mounted anew */
};

static int refuse(struct translation *t, const char *format, ...) PRINTF_LIKE(2, 3);
static int refuse(struct translation *t, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	t->b->error = arena_vprintf(t->b->arena, format, arguments);
	va_end(arguments);
	return -EINVAL;
}

static struct step *add(struct translation *t, enum op op, uint32_t a, uint32_t b, uint32_t c, uint64_t x)
{
	return plan_add(t->plan, op, a, b, c, x, NULL);
}

/* An absolute or relative path of the new root, as targets are written. */
static uint32_t target(struct translation *t, const char *path)
{
	return plan_text(t->plan, path_normal(t->b->arena, "/", path) + 1);
}

static uint32_t below(struct translation *t, const char *directory, const char *name)
{
	return target(t, arena_printf(t->b->arena, "%s/%s", directory, name));
}

/* Others have no more of the directories above than of what is made. */
static unsigned parents_of(unsigned mode)
{
	return 0755 & ~(mode & 070 ? 0u : 050u) & ~(mode & 07 ? 0u : 05u);
}

/* Not for the program. */
static void keep_out(int fd)
{
	if (fd >= 0)
		(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
}

/* ---- sources ---- */

/* The source as a path without links, and what it is.  1; 0: it is missing, and may be. */
static int find_source(struct translation *t, const char *source, bool optional, char path[PATH_MAX],
		       struct stat *ret)
{
	if (realpath(source, path) && stat(path, ret) == 0)
		return 1;
	return errno == ENOENT && optional ? 0 : refuse(t, "Can't find source path %s: %s", source, strerror(errno));
}

static uint32_t add_object(struct translation *t, const struct stat *status)
{
	*vec_push(t->plan->arena, &t->plan->objects) = (struct object){
		.dev = status->st_dev, .ino = status->st_ino, .mode = status->st_mode,
	};
	return (uint32_t)t->plan->objects.count - 1;
}

static int bind(struct translation *t, const char *source, uint32_t where, unsigned attributes, bool optional, int fd)
{
	UNSET char path[PATH_MAX];
	struct stat status;
	int r = find_source(t, source, optional, path, &status);

	if (r > 0 && fd >= 0 && fstat(fd, &status) < 0)
		return refuse(t, "Can't stat fd %d: %s", fd, strerror(errno));
	if (r <= 0)
		return r;
	add(t, OP_BIND, where, plan_text(t->plan, path), add_object(t, &status), attributes | PLAN_NOSUID);
	if (strcmp(path, "/") == 0)
		for (size_t i = 0; i < t->plan->steps.count; i++)
			if (t->plan->steps.items[i].op == OP_NEWROOT)
				t->plan->steps.items[i].a = PLAN_KEEP_HOST;
	return 0;
}

static int op_bind(struct translation *t, const struct bwrap_op *op)
{
	const char *source = op->source;
	unsigned attributes = (op->devices ? 0 : PLAN_NODEV) | (op->read_only ? PLAN_READ_ONLY : 0);

	if (op->fd >= 0) {
		source = arena_printf(t->b->arena, "/proc/self/fd/%d", op->fd);
		keep_out(op->fd);
	}
	return bind(t, source, target(t, op->target), attributes, op->optional, op->fd);
}

static int layer(struct translation *t, const char *source, unsigned role)
{
	UNSET char path[PATH_MAX];
	struct stat status;
	int r = find_source(t, source, false, path, &status);

	if (r > 0)
		add(t, OP_LAYER, plan_text(t->plan, path), role, add_object(t, &status), 0);
	return MIN(r, 0);
}

/* overlayfs wants the highest layer first. */
static int op_overlay(struct translation *t, const struct bwrap_op *op)
{
	unsigned writes = op->kind == BWRAP_OVERLAY ? PLAN_WRITES_KEPT :
			  op->kind == BWRAP_TMP_OVERLAY ? PLAN_WRITES_TEMPORARY : PLAN_WRITES_REFUSED;
	int r = 0;

	if (op->source) {
		r = layer(t, op->source, PLAN_LAYER_UPPER);
		r = r < 0 ? r : layer(t, op->work, PLAN_LAYER_WORK);
	}
	for (size_t i = op->layers; r == 0 && i-- > 0;)
		r = layer(t, t->b->layers.items[op->first_layer + i], PLAN_LAYER_LOWER);
	if (r == 0)
		add(t, OP_LAYERED, target(t, op->target), writes, 0, PLAN_NOSUID | PLAN_NODEV);
	return r;
}

/* ---- the rest of the new root ---- */

static int op_proc(struct translation *t, const struct bwrap_op *op)
{
	static const char *const covered[] = { "sys", "sysrq-trigger", "irq", "bus" };
	int r = 0;

	if (t->own_pids)
		add(t, OP_PROC, target(t, op->target), 0, 0, 0);
	else
		r = bind(t, "/proc", target(t, op->target), PLAN_NODEV, false, -1);
	/* Nobody but root could write there. */
	for (size_t i = 0; r == 0 && t->caller->uid == 0 && i < ARRAY_SIZE(covered); i++)
		add(t, OP_COVER, below(t, op->target, covered[i]), 0, 0, PLAN_READ_ONLY | PLAN_NOSUID | PLAN_NODEV);
	return r;
}

static int op_dev(struct translation *t, const struct bwrap_op *op)
{
	static const char *const nodes[] = { "null", "zero", "full", "random", "urandom", "tty" };
	static const struct { const char *name, *target; } links[] = {
		{ "stdin", "/proc/self/fd/0" }, { "stdout", "/proc/self/fd/1" }, { "stderr", "/proc/self/fd/2" },
		{ "fd", "/proc/self/fd" },	{ "core", "/proc/kcore" },	 { "ptmx", "pts/ptmx" },
	};
	struct arena *arena = t->b->arena;
	const char *terminal = isatty(STDOUT_FILENO) ? ttyname(STDOUT_FILENO) : NULL;
	int r = 0;

	add(t, OP_TMPFS, target(t, op->target), 0755, 0, 0);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(nodes); i++)
		r = bind(t, arena_printf(arena, "/dev/%s", nodes[i]), below(t, op->target, nodes[i]), 0, false, -1);
	for (size_t i = 0; i < ARRAY_SIZE(links); i++)
		add(t, OP_LINK, below(t, op->target, links[i].name), plan_text(t->plan, links[i].target), 0, 0);
	add(t, OP_DIR, below(t, op->target, "shm"), 0755, 0, 0755);
	add(t, OP_DEVPTS, below(t, op->target, "pts"), 0, 0, 0);
	/* So that ttyname(3) works inside; it gives nothing that standard output does not. */
	if (r == 0 && terminal && *terminal)
		r = bind(t, terminal, below(t, op->target, "console"), 0, false, -1);
	return r;
}

static int op_small(struct translation *t, const struct bwrap_op *op)
{
	uint32_t where = target(t, op->target);

	keep_out(op->fd);
	switch (op->kind) {
	case BWRAP_REMOUNT_RO:
		add(t, OP_REMOUNT, where, 0, 0, PLAN_READ_ONLY);
		return 0;
	case BWRAP_TMPFS:
		add(t, OP_TMPFS, where, op->mode, 0, op->size);
		return 0;
	case BWRAP_MQUEUE:
		add(t, OP_MQUEUE, where, 0, 0, 0);
		return 0;
	case BWRAP_DIR:
		add(t, OP_DIR, where, parents_of(op->mode), 0, op->mode);
		return 0;
	case BWRAP_FILE:
		add(t, OP_COPY, where, (uint32_t)op->fd, parents_of(op->mode), op->mode);
		return 0;
	case BWRAP_DATA:
		add(t, OP_COPY_BIND, where, (uint32_t)op->fd, parents_of(op->mode) |
		    (PLAN_NOSUID | PLAN_NODEV | (op->read_only ? PLAN_READ_ONLY : 0)) << 16, op->mode);
		return 0;
	case BWRAP_SYMLINK:
		add(t, OP_LINK, where, plan_text(t->plan, op->source), 0, 0);
		return 0;
	case BWRAP_CHMOD:
		add(t, OP_CHMOD, where, 0, 0, op->mode);
		return 0;
	case BWRAP_BIND:
	case BWRAP_OVERLAY:
	case BWRAP_TMP_OVERLAY:
	case BWRAP_RO_OVERLAY:
	case BWRAP_PROC:
	case BWRAP_DEV:
		break;
	}
	unreachable();
}

static int add_ops(struct translation *t)
{
	static int (*const larger[])(struct translation *, const struct bwrap_op *) = {
		[BWRAP_BIND] = op_bind,		    [BWRAP_OVERLAY] = op_overlay,
		[BWRAP_TMP_OVERLAY] = op_overlay,   [BWRAP_RO_OVERLAY] = op_overlay,
		[BWRAP_PROC] = op_proc,		    [BWRAP_DEV] = op_dev,
		[BWRAP_CHMOD] = NULL,
	};
	int r = 0;

	for (size_t i = 0; r == 0 && i < t->b->ops.count; i++) {
		const struct bwrap_op *op = &t->b->ops.items[i];
		r = larger[op->kind] ? larger[op->kind](t, op) : op_small(t, op);
	}
	return r;
}

/* ---- who the program is ---- */

static bool file_begins(const char *path, const char *with)
{
	char room[8] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool same = fd >= 0 && read(fd, room, sizeof(room) - 1) > 0 && str_starts(room, with);

	if (fd >= 0)
		close(fd);
	return same;
}

static bool wants_user(const struct bwrap *b, const struct bwrap_caller *caller)
{
	if (b->unshare_user || (caller->uid != 0 && b->userns_fd == -1))
		return true;
	return b->unshare_user_try && access("/proc/self/ns/user", F_OK) == 0 &&
	       !file_begins("/proc/sys/user/max_user_namespaces", "0\n");
}

static uint64_t namespaces(const struct translation *t)
{
	const struct bwrap *b = t->b;
	bool cgroup = b->unshare_cgroup || (b->unshare_cgroup_try && access("/proc/self/ns/cgroup", F_OK) == 0);

	return (t->user ? CLONE_NEWUSER : 0) | (b->unshare_pid ? CLONE_NEWPID : 0) |
	       (b->unshare_net ? CLONE_NEWNET : 0) | (b->unshare_ipc ? CLONE_NEWIPC : 0) |
	       (b->unshare_uts ? CLONE_NEWUTS : 0) | (cgroup ? CLONE_NEWCGROUP : 0);
}

static bool has_dev(const struct bwrap *b)
{
	for (size_t i = 0; i < b->ops.count; i++)
		if (b->ops.items[i].kind == BWRAP_DEV)
			return true;
	return false;
}

static void add_identity(struct translation *t)
{
	const struct bwrap *b = t->b;
	uid_t uid = b->uid < 0 ? t->caller->uid : (uid_t)b->uid;
	gid_t gid = b->gid < 0 ? t->caller->gid : (gid_t)b->gid;
	bool map = t->user && b->userns_block_fd == -1, all = t->caller->uid == 0 && !b->caps_named;
	/* A devpts wants a mapped root; a limit on user namespaces wants one namespace below it. */
	bool root_first = map && (has_dev(b) || b->disable_userns);
	bool nest = root_first && (uid != 0 || gid != 0 || b->disable_userns);
	unsigned caps = (t->user || b->userns_fd != -1 ? PLAN_CAPS_BOUND : 0) | (all ? 0 : PLAN_CAPS_SET);

	if (map)
		add(t, OP_MAP, t->caller->uid, t->caller->gid, root_first ? 0 : uid, root_first ? 0 : gid);
	if (b->userns_fd != -1)
		add(t, OP_BECOME, uid == t->caller->uid ? PLAN_SAME_ID : uid,
		    gid == t->caller->gid ? PLAN_SAME_ID : gid, 0, 0);
	if (b->disable_userns)
		add(t, OP_USERNS_LIMIT, 0, 0, 0, 1);
	add(t, OP_LEAVE, t->user && (nest || !(all || b->caps)) ? 0 : PLAN_LEAVE_PIVOT, 0, 0, 0);
	if (b->userns2_fd != -1)
		add(t, OP_JOIN_USER, (uint32_t)b->userns2_fd, 0, 0, 0);
	if (nest)
		add(t, OP_NEST, uid, gid, 0, 0);
	if (b->disable_userns || b->assert_userns_disabled)
		add(t, OP_NO_USERNS, 0, 0, 0, 0);
	if (caps)
		add(t, OP_KEEP_CAPS, caps, 0, 0, b->caps & UINT64_MAX >> 1);
	add(t, OP_NO_NEW_PRIVS, 0, 0, 0, 0);
}

/* ---- the program ---- */

static const char *variable(const struct bwrap *b, const char *name)
{
	size_t length = strlen(name);

	for (size_t i = 0; i < b->environment.count; i++)
		if (strncmp(b->environment.items[i], name, length) == 0 && b->environment.items[i][length] == '=')
			return b->environment.items[i] + length + 1;
	return NULL;
}

static void add_place(struct translation *t, const char *directory, unsigned flags)
{
	if (directory)
		add(t, OP_PLACE, plan_text(t->plan, directory),
		    plan_text(t->plan, arena_printf(t->b->arena, "PWD=%s", directory)), 0, flags);
}

/* Where it was called if that is visible, else at home, else at the root; PWD says which. */
static void add_places(struct translation *t)
{
	struct plan *plan = t->plan;
	char *here;

	for (size_t i = 0; i < t->b->environment.count; i++)
		if (!str_starts(t->b->environment.items[i], "PWD="))
			*vec_push(plan->arena, &plan->envp) = plan_text(plan, t->b->environment.items[i]);
	*vec_push(plan->arena, &plan->envp) = plan_text(plan, "PWD=/");
	if (t->b->chdir) {
		add_place(t, t->b->chdir, PLAN_PLACE_MUST);
		return;
	}
	here = get_current_dir_name();
	add_place(t, here, 0);
	free(here);
	add_place(t, variable(t->b, "HOME"), 0);
	add_place(t, "/", PLAN_PLACE_MUST);
}

static void add_program(struct translation *t)
{
	struct plan *plan = t->plan;
	const char *search = variable(t->b, "PATH");

	for (char **word = t->b->command; *word; word++)
		*vec_push(plan->arena, &plan->argv) =
			plan_text(plan, word == t->b->command && t->b->argv0 ? t->b->argv0 : *word);
	add(t, OP_RUN, plan_text(plan, t->b->command[0]), plan_text(plan, search ? search : "/bin:/usr/bin"), 0, 0);
}

/* What seccomp_export_bpf(3) wrote. */
static int add_filter(struct translation *t, int fd)
{
	struct plan *plan = t->plan;
	struct sock_filter *code = arena_new_array(plan->arena, struct sock_filter, LIMIT_FILTER + 1);
	size_t length = 0, room = (LIMIT_FILTER + 1) * sizeof(*code);
	ssize_t got;

	while ((got = read(fd, (char *)code + length, room - length)) != 0) {
		if (got < 0 && errno != EINTR)
			return refuse(t, "Can't read seccomp data: %s", strerror(errno));
		length += got > 0 ? (size_t)got : 0;
	}
	close(fd);
	if (length % sizeof(*code))
		return refuse(t, "Invalid seccomp data, must be multiple of 8");
	if (!length || length == room)
		return refuse(t, "prctl(PR_SET_SECCOMP): %s", strerror(EINVAL));
	*vec_push(plan->arena, &plan->filters) = (struct plan_filter){ code, length / sizeof(*code) };
	add(t, OP_FILTER, (uint32_t)plan->filters.count - 1, 0, 0, 0);
	return 0;
}

static int add_filters(struct translation *t)
{
	int r = t->b->seccomp_fd >= 0 ? add_filter(t, t->b->seccomp_fd) : 0;

	for (size_t i = 0; r == 0 && i < t->b->filters.count; i++)
		r = add_filter(t, t->b->filters.items[i]);
	return r;
}

/* ---- the whole ---- */

static void fill_launch(const struct translation *t, struct launch_foreign *ret)
{
	const struct bwrap *b = t->b;

	*ret = (struct launch_foreign){
		.namespaces = namespaces(t), .user_namespace = b->userns_fd, .pid_namespace = b->pidns_fd,
		.held = b->sync_fd, .events = b->status_fd, .die_with_parent = b->die_with_parent,
		.new_session = b->new_session,
		.init = !b->as_pid_1 && (b->unshare_pid || b->locks.count || b->sync_fd != -1),
	};
	keep_out(b->info_fd);
	keep_out(b->status_fd);
	keep_out(b->block_fd);
	keep_out(b->userns_block_fd);
	keep_out(b->userns_fd);
	keep_out(b->userns2_fd);
	keep_out(b->pidns_fd);
	if (!b->as_pid_1)
		keep_out(b->sync_fd);
}

static int translate(struct translation *t)
{
	struct bwrap *b = t->b;

	/* As bubblewrap where there is no SELinux; there it is not done yet, and not ignored. */
	if (b->exec_label || b->file_label)
		return refuse(t, "labeling not supported on this system");
	add(t, OP_SLAVE, 0, 0, 0, 0);
	add(t, OP_NEWROOT, 0, 0, 0, 0);
	add_identity(t);
	if (b->hostname)
		add(t, OP_HOSTNAME, plan_text(t->plan, b->hostname), 0, 0, 0);
	if (b->unshare_net)
		add(t, OP_LOOPBACK, 0, 0, 0, 0);
	if (b->block_fd != -1)
		add(t, OP_BLOCK, (uint32_t)b->block_fd, 0, 0, 0);
	int r = add_ops(t);
	if (r == 0)
		r = add_filters(t);
	if (r < 0)
		return r;
	add_places(t);
	for (size_t i = 0; i < b->locks.count; i++)
		add(t, OP_LOCK, plan_text(t->plan, b->locks.items[i]), 0, 0, 0);
	add_program(t);
	plan_seal(t->plan);
	return 0;
}

struct plan *bwrap_plan(struct bwrap *b, const struct bwrap_caller *caller, struct launch_foreign *ret_launch)
{
	CLEANUP(plan_freep) struct plan *plan = plan_new();
	struct translation t = {
		.b = b, .caller = caller, .plan = plan, .user = wants_user(b, caller),
		.own_pids = b->unshare_pid || b->pidns_fd != -1,
	};

	plan->foreign = true;
	if (translate(&t) < 0)
		return NULL;
	fill_launch(&t, ret_launch);
	return TAKE(plan);
}

/* ---- when a step fails ---- */

/* %1 is the target or first text, %2 the second, %3 why. */
static const struct { enum op op; const char *message; } failures[] = {
	{ OP_MAP, "setting up uid map: %3" },
	{ OP_SLAVE, "Failed to make / slave: %3" },
	{ OP_NEWROOT, "Failed to mount tmpfs: %3" },
	{ OP_BIND, "Can't bind mount %2 on %1: %3" },
	{ OP_TMPFS, "Can't mount tmpfs on %1: %3" },
	{ OP_PROC, "Can't mount proc on %1: %3" },
	{ OP_DEVPTS, "Can't mount devpts on %1: %3" },
	{ OP_MQUEUE, "Can't mount mqueue on %1: %3" },
	{ OP_DIR, "Can't mkdir %1: %3" },
	{ OP_COPY, "Can't create file %1: %3" },
	{ OP_COPY_BIND, "Can't create file at %1: %3" },
	{ OP_LINK, "Can't make symlink at %1: %3" },
	{ OP_CHMOD, "Can't chmod %4 %1: %3" },
	{ OP_COVER, "Can't access %1: %3" },
	{ OP_REMOUNT, "Can't remount readonly on %1: %3" },
	{ OP_LAYERED, "Can't make overlay mount on %1: %3" },
	{ OP_LEAVE, "pivot_root: %3" },
	{ OP_HOSTNAME, "Can't set hostname to %1: %3" },
	{ OP_LOOPBACK, "loopback: Failed RTM_NEWADDR: %3" },
	{ OP_JOIN_USER, "Setting userns2 failed: %3" },
	{ OP_NEST, "unshare user ns: %3" },
	{ OP_NO_USERNS, "creation of new user namespaces was not disabled as requested" },
	{ OP_KEEP_CAPS, "capset failed: %3" },
	{ OP_PLACE, "Can't chdir to %1: %3" },
	{ OP_LOCK, "Unable to open lock file %1: %3" },
	{ OP_FILTER, "prctl(PR_SET_SECCOMP): %3" },
	{ OP_RUN, "execvp %1: %3" },
};

/* A mount point that cannot be made is what these mean. */
static bool is_point(enum op op, int error)
{
	return (op == OP_BIND || op == OP_TMPFS || op == OP_PROC || op == OP_MQUEUE || op == OP_LAYERED) &&
	       (error == EROFS || error == EACCES || error == ENOTDIR || error == EEXIST);
}

const char *bwrap_failure(const struct plan *plan, size_t index, int error)
{
	struct arena *arena = plan->arena;

	if (index >= plan->steps.count)
		return arena_printf(arena, "cannot start: %s", strerror(error));
	const struct step *step = &plan->steps.items[index];
	const char *subject = step_subject(plan, step), *second = plan_text_at(plan, step->b);
	const char *mode = arena_printf(arena, "%#llo", (unsigned long long)step->x);
	const char *why = error == ESTALE ? "it was replaced meanwhile" : strerror(error);
	if (is_point(step->op, error)) {
		bool file = step->op == OP_BIND && !S_ISDIR(plan->objects.items[step->c].mode);
		return arena_printf(arena, file ? "Can't create file at %s: %s" : "Can't mkdir %s: %s", subject, why);
	}
	for (size_t i = 0; i < ARRAY_SIZE(failures); i++) {
		if (failures[i].op != step->op)
			continue;
		struct strbuf out = { .arena = arena };
		for (const char *at = failures[i].message; *at; at++) {
			const char *words[] = { subject, second, why, mode };
			if (at[0] != '%') {
				strbuf_add_bytes(&out, at, 1);
				continue;
			}
			strbuf_add(&out, words[at[1] - '1']);
			at++;
		}
		return strbuf_text(&out);
	}
	return arena_printf(arena, "cannot %s %s: %s", op_table[step->op].verb, subject ? subject : "", why);
}
