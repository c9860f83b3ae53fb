/* launch/foreign_mounts.c - steps of foreign plans that build the new root.
 * Every target is looked up with openat2(RESOLVE_IN_ROOT): what a link in a tree of somebody else says is
 * taken as the program inside would take it, so neither it nor ".." leads a mount or a new file outside.
 * Must not: allocate, print, resolve a target by a plain path. */
#include "launch/foreign_child.h"
#include "launch/kernel.h"

#include <linux/sched.h>
#include <string.h>
#include <sys/stat.h>

static const char *text(const struct child *c, uint32_t offset)
{
	return c->plan->text.text + offset;
}

/* Below the new root, following links inside it. */
static int open_inside(const struct child *c, const char *path, uint64_t flags, uint64_t mode)
{
	struct open_how how = {
		.flags = flags | O_CLOEXEC, .mode = mode,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	int r = -EAGAIN;

	for (unsigned tries = 0; r == -EAGAIN && tries < 64; tries++)
		r = RESULT(syscall(SYS_openat2, c->root, *path ? path : ".", &how, sizeof(how)));
	return r;
}

/* The directory of which `path` names an entry; all on the way that are missing are made. */
static int open_parent(const struct child *c, const char *path, unsigned mode)
{
	UNSET char parent[4096];
	const char *slash = strrchr(path, '/');
	size_t length = slash ? (size_t)(slash - path) : 0;

	if (length >= sizeof(parent))
		return -ENAMETOOLONG;
	memcpy(parent, path, length);
	parent[length] = 0;
	int dir = open_inside(c, parent, O_PATH | O_DIRECTORY, 0);
	if (dir != -ENOENT)
		return dir;
	dir = open_inside(c, "", O_PATH | O_DIRECTORY, 0);
	for (size_t at = 0, end; dir >= 0 && at < length; at = end + 1) {
		int above = dir;

		end = at + strcspn(parent + at, "/");
		parent[end] = 0;
		dir = open_inside(c, parent, O_PATH | O_DIRECTORY, 0);
		if (dir == -ENOENT)
			dir = RESULT(mkdirat(above, parent + at, mode));
		if (dir == 0)
			dir = open_inside(c, parent, O_PATH | O_DIRECTORY, 0);
		close(above);
		parent[end] = end < length ? '/' : 0;
	}
	return dir;
}

/* The directory at `path`, made if it is missing. */
static int open_directory(const struct child *c, const char *path, unsigned parents, unsigned mode)
{
	const char *slash = strrchr(path, '/');
	int r = open_inside(c, path, O_PATH | O_DIRECTORY, 0);

	if (r != -ENOENT)
		return r;
	int dir = slash ? open_parent(c, path, parents) : c->root;
	r = dir < 0 ? dir : RESULT(mkdirat(dir, slash ? slash + 1 : path, mode));
	if (slash && dir >= 0)
		close(dir);
	return r < 0 ? r : open_inside(c, path, O_PATH | O_DIRECTORY, 0);
}

/* The file at `path`, whatever kind it is; an empty one is made if it is missing. */
static int open_file(const struct child *c, const char *path, unsigned parents)
{
	const uint64_t create = O_CREAT | O_RDONLY | O_NONBLOCK | O_NOCTTY;
	int r = open_inside(c, path, O_PATH, 0);

	if (r == -ENOENT)
		r = open_inside(c, path, create, 0444);
	if (r != -ENOENT)
		return r;
	int dir = open_parent(c, path, parents);
	if (dir < 0)
		return dir;
	close(dir);
	return open_inside(c, path, create, 0444);
}

int foreign_spot(struct child *c, const struct step *s, struct spot *ret)
{
	const char *path = text(c, s->a);
	bool is_file = s->op == OP_COPY_BIND ||
		       (s->op == OP_BIND && !S_ISDIR(c->plan->objects.items[s->c].mode));
	unsigned parents = s->op == OP_COPY_BIND ? s->c & 07777 : 0755;
	/* A mode that shuts others out does so for the directories above, too (bwrap(1), --perms). */
	if (s->op == OP_TMPFS)
		parents = 0755 & ~(s->b & 070 ? 0u : 050u) & ~(s->b & 07 ? 0u : 05u);
	int r = is_file ? open_file(c, path, parents) : open_directory(c, path, parents, 0755);

	*ret = (struct spot){ r, "" };
	return MIN(r, 0);
}

int foreign_host_root(struct child *c)
{
	int tree = c->host_root;

	if (tree < 0)
		return -EBADF;
	if (c->foreign->host_binds-- > 1)
		return sys_clone_tree(tree, "", AT_RECURSIVE | 0x1000 /* AT_EMPTY_PATH */, 0);
	c->host_root = -1;
	return tree;
}

int foreign_slave(struct child *c UNUSED, const struct step *s UNUSED)
{
	/* What the host mounts later still appears, as bwrap(1)'s callers know it; nothing goes back. */
	return RESULT(syscall(SYS_mount, NULL, "/", NULL, 0x4000ul | 1ul << 19 /* MS_REC | MS_SLAVE */, NULL));
}

int foreign_dir(struct child *c, const struct step *s)
{
	int r = open_directory(c, text(c, s->a), s->b & 07777, s->x & 07777);

	if (r >= 0)
		close(r);
	return MIN(r, 0);
}

/* All that can be read from one descriptor into the other. */
static int copy_bytes(int from, int to)
{
	UNSET char buffer[16384];
	int got, r = 0;

	while ((got = RESULT(read(from, buffer, sizeof(buffer)))) != 0) {
		if (got < 0 && got != -EINTR)
			return got;
		for (int done = 0; done < got; done += r)
			if ((r = RESULT(write(to, buffer + done, (size_t)(got - done)))) < 0)
				return r;
	}
	return 0;
}

int foreign_copy(struct child *c, const struct step *s)
{
	int dir = open_parent(c, text(c, s->a), s->c & 07777);

	if (dir < 0)
		return dir;
	close(dir);
	int to = open_inside(c, text(c, s->a), O_CREAT | O_WRONLY | O_TRUNC | O_NOCTTY, s->x & 07777);
	if (to < 0)
		return to;
	int r = copy_bytes((int)s->b, to);
	close(to);
	return r;
}

/* The file gets its name in the first tmpfs for a moment: a mount needs one when it is taken. */
int foreign_copy_bind(struct child *c, const struct step *s)
{
	static const char name[] = ".cuddy-data";
	int to = RESULT(openat(c->base, name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600));

	if (to < 0)
		return to;
	int r = copy_bytes((int)s->b, to);
	if (r == 0)
		r = RESULT(syscall(SYS_fchmod, to, (unsigned)(s->x & 07777)));
	close(to);
	if (r == 0)
		r = sys_clone_tree(c->base, name, AT_SYMLINK_NOFOLLOW, s->c >> 16 & PLAN_ATTRS);
	if (r >= 0)
		r = child_attach(c, r, s);
	(void)unlinkat(c->base, name, 0); /* not before: the kernel mounts nothing that has no name */
	return r;
}

int foreign_link(struct child *c, const struct step *s)
{
	const char *path = text(c, s->a), *wanted = text(c, s->b), *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	UNSET char there[4096];
	int dir = open_parent(c, path, 0755);

	if (dir < 0)
		return dir;
	int r = RESULT(symlinkat(wanted, dir, name));
	if (r == -EEXIST) {
		ssize_t length = readlinkat(dir, name, there, sizeof(there));
		if (length == (ssize_t)strlen(wanted) && memcmp(there, wanted, (size_t)length) == 0)
			r = 0;
	}
	close(dir);
	return r;
}

/* "/proc/self/fd/7"; our own root is still the host's. */
static const char *name_of(int fd, char room[40])
{
	char number[24];

	stpcpy(stpcpy(room, "/proc/self/fd/"), decimal(number, sizeof(number), (unsigned)fd));
	return room;
}

int foreign_chmod(struct child *c, const struct step *s)
{
	char room[40];
	int fd = open_inside(c, text(c, s->a), O_PATH, 0);

	if (fd < 0)
		return fd;
	int r = RESULT(syscall(SYS_fchmodat, AT_FDCWD, name_of(fd, room), (unsigned)(s->x & 07777)));
	close(fd);
	return r;
}

/* For what an honest kernel does not let an ordinary user write anyway. */
int foreign_cover(struct child *c, const struct step *s)
{
	int fd = open_inside(c, text(c, s->a), O_PATH, 0);

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	char room[40];
	int r = RESULT(syscall(SYS_faccessat, AT_FDCWD, name_of(fd, room), W_OK));
	if (r == 0)
		r = sys_clone_tree(fd, "", AT_RECURSIVE | 0x1000 /* AT_EMPTY_PATH */, s->x & PLAN_ATTRS);
	if (r >= 0)
		r = sys_move_mount(r, fd, "");
	close(fd);
	return r == -EACCES || r == -EROFS || r == -EPERM ? 0 : MIN(r, 0);
}

int foreign_remount(struct child *c, const struct step *s)
{
	const char *path = text(c, s->a);
	int fd = *path ? open_inside(c, path, O_PATH, 0) : c->root;

	if (fd < 0)
		return fd;
	int r = sys_mount_setattr(fd, s->x & PLAN_ATTRS, 0);
	if (fd != c->root)
		close(fd);
	return r;
}

int foreign_mqueue(struct child *c, const struct step *s)
{
	int fs = sys_fsopen("mqueue");

	if (fs < 0)
		return fs;
	(void)sys_fsconfig_string(fs, "source", "mqueue");
	int tree = sys_fsmount(fs, 0);
	close(fs);
	return child_attach(c, tree, s);
}

/* The source must still be what it was, as with BIND. */
int foreign_layer(struct child *c, const struct step *s)
{
	const struct object *object = &c->plan->objects.items[s->c];
	struct foreign_child *f = c->foreign;
	struct stat status;
	char room[40];
	int fd = RESULT(open(text(c, s->a), O_PATH | O_DIRECTORY | O_CLOEXEC));

	if (fd < 0)
		return fd;
	if (fstat(fd, &status) < 0 || status.st_dev != object->dev || status.st_ino != object->ino)
		return -ESTALE;
	if (s->b != PLAN_LAYER_LOWER) {
		*(s->b == PLAN_LAYER_UPPER ? &f->upper : &f->work) = fd;
		return 0;
	}
	const char *name = name_of(fd, room);
	size_t length = strlen(name);
	if (f->lower_length + length + 2 > sizeof(f->lower))
		return -E2BIG;
	if (f->lower_length)
		f->lower[f->lower_length++] = ':';
	memcpy(f->lower + f->lower_length, name, length + 1);
	f->lower_length += length;
	return 0;
}

/* What is written goes to a tmpfs that the layers then hide. */
static int temporary_layers(struct child *c, const struct step *s)
{
	struct foreign_child *f = c->foreign;
	int tree = child_tmpfs(c, 0, "0755");

	if (tree < 0)
		return tree;
	int own = RESULT(fcntl(tree, F_DUPFD_CLOEXEC, 3));
	int r = own < 0 ? own : child_attach(c, tree, s);
	if (r == 0)
		r = RESULT(mkdirat(own, "upper", 0755));
	if (r == 0)
		r = RESULT(mkdirat(own, "work", 0755));
	if (r == 0)
		r = f->upper = RESULT(openat(own, "upper", O_PATH | O_DIRECTORY | O_CLOEXEC));
	if (r >= 0)
		r = f->work = RESULT(openat(own, "work", O_PATH | O_DIRECTORY | O_CLOEXEC));
	return MIN(r, 0);
}

int foreign_layered(struct child *c, const struct step *s)
{
	struct foreign_child *f = c->foreign;
	char room[40];
	int r = s->b == PLAN_WRITES_TEMPORARY ? temporary_layers(c, s) : 0;
	int fs = r < 0 ? r : sys_fsopen("overlay");

	r = fs < 0 ? fs : sys_fsconfig_string(fs, "lowerdir", f->lower);
	if (r == 0 && s->b != PLAN_WRITES_REFUSED)
		r = sys_fsconfig_string(fs, "upperdir", name_of(f->upper, room));
	if (r == 0 && s->b != PLAN_WRITES_REFUSED)
		r = sys_fsconfig_string(fs, "workdir", name_of(f->work, room));
	if (r == 0)
		r = sys_fsconfig_flag(fs, "userxattr");
	f->lower_length = 0;
	if (r == 0)
		r = sys_fsmount(fs, s->x & PLAN_ATTRS);
	if (fs >= 0)
		close(fs);
	return child_attach(c, r, s);
}

/* Covered, the old root is out of reach for those who have no power over the mount namespace (see
 * step_enter()); for others it is taken out of it. */
int foreign_leave(struct child *c, const struct step *s)
{
	int r = RESULT(fchdir(c->root));

	if (r < 0)
		return r;
	if (!(s->a & PLAN_LEAVE_PIVOT))
		return RESULT(chroot("."));
	r = RESULT(syscall(SYS_pivot_root, ".", "."));
	/* Now the old root lies on ours, the base on that, then all that covered it before ours; the topmost
	 * is what umount2() finds. */
	for (unsigned left = c->roots + 1; r == 0 && left; left--)
		r = RESULT(syscall(SYS_umount2, ".", 2 /* MNT_DETACH */));
	return r < 0 ? r : RESULT(chdir("/"));
}
