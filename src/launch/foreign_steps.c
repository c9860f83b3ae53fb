/* launch/foreign_steps.c - steps of foreign plans that are about who the program is and how it starts.
 * Must not: allocate, print, give the program anything that the caller does not have. */
#include "launch/foreign_child.h"
#include "launch/kernel.h"

#include <linux/capability.h>
#include <linux/sched.h>
#include <string.h>
#include <sys/prctl.h>

static const char *text(const struct child *c, uint32_t offset)
{
	return c->plan->text.text + offset;
}

int foreign_map(struct child *c, const struct step *s)
{
	c->self = RESULT(openat(AT_FDCWD, "/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC));
	if (c->self < 0)
		return c->self;
	int groups = RESULT(openat(c->self, "setgroups", O_WRONLY | O_CLOEXEC));
	int r = groups < 0 ? groups : RESULT(write(groups, "deny", 4));
	if (groups >= 0)
		close(groups);
	if (r >= 0)
		r = child_write_map(c, "uid_map", s->c, s->a);
	return r < 0 ? r : child_write_map(c, "gid_map", s->x, s->b);
}

/* In a namespace of the caller's, other ids may be mapped. */
int foreign_become(struct child *c UNUSED, const struct step *s)
{
	int r = s->a == PLAN_SAME_ID ? 0 : RESULT(syscall(SYS_setuid, s->a));

	return r < 0 || s->b == PLAN_SAME_ID ? r : RESULT(syscall(SYS_setgid, s->b));
}

int foreign_join_user(struct child *c UNUSED, const struct step *s)
{
	return RESULT(syscall(SYS_setns, (int)s->a, CLONE_NEWUSER));
}

int foreign_no_userns(struct child *c UNUSED, const struct step *s UNUSED)
{
	return syscall(SYS_unshare, CLONE_NEWUSER) == 0 ? -EEXIST : 0;
}

/* Refusals of single capabilities are no error: no_new_privs is what keeps the others away. */
int foreign_keep_caps(struct child *c UNUSED, const struct step *s)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct sets[2];

	for (unsigned cap = 0; cap < 63 && s->a & PLAN_CAPS_BOUND; cap++)
		if (!(s->x >> cap & 1) && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0 && errno == EINVAL)
			break;
	if (!(s->a & PLAN_CAPS_SET))
		return 0;
	for (unsigned i = 0; i < 2; i++) {
		uint32_t half = (uint32_t)(s->x >> 32 * i);
		sets[i] = (struct __user_cap_data_struct){ half, half, half };
	}
	int r = RESULT(syscall(SYS_capset, &header, sets));
	for (unsigned cap = 0; r == 0 && cap < 63; cap++)
		if (s->x >> cap & 1)
			(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0);
	return r;
}

int foreign_block(struct child *c UNUSED, const struct step *s)
{
	char byte;
	int r;

	do
		r = RESULT(read((int)s->a, &byte, 1));
	while (r == -EINTR);
	return 0; /* whatever was said: bwrap(1) goes on at the end of the file, too */
}

/* The last word of the environment is a place for PWD. */
int foreign_place(struct child *c, const struct step *s)
{
	size_t last = c->plan->envp.count;

	if (c->foreign->placed)
		return 0;
	int r = RESULT(chdir(text(c, s->a)));
	if (r < 0)
		return s->x & PLAN_PLACE_MUST ? r : 0;
	c->foreign->placed = true;
	if (last && s->b)
		c->envp[last - 1] = c->plan->text.text + s->b;
	return 0;
}

int foreign_lock(struct child *c, const struct step *s)
{
	struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET };

	if (c->foreign->lock_count == FOREIGN_LOCKS)
		return -E2BIG;
	int fd = RESULT(open(text(c, s->a), O_RDONLY | O_CLOEXEC));
	if (fd < 0)
		return fd;
	c->foreign->locks[c->foreign->lock_count++] = fd;
	return RESULT(fcntl(fd, F_SETLK, &lock));
}

/* What the kernel does not know is a script for the shell, as execvp(3) has it. */
static int execute(struct child *c, const char *path)
{
	int r = RESULT(execve(path, c->argv, c->envp));

	if (r != -ENOEXEC)
		return r;
	char *name = c->argv[0];
	c->argv[-1] = (char *)"/bin/sh";
	c->argv[0] = (char *)path;
	r = RESULT(execve("/bin/sh", c->argv - 1, c->envp));
	c->argv[0] = name;
	return r;
}

/* As execvp(3): an empty entry is the working directory; a refusal is remembered while the search goes on. */
int foreign_execute(struct child *c, const struct step *s)
{
	const char *name = text(c, s->a), *search = text(c, s->b);
	UNSET char path[4096];
	size_t length = strlen(name);
	int result = -ENOENT;

	if (!*name)
		return -ENOENT;
	if (strchr(name, '/'))
		return execute(c, name);
	for (const char *end; ; search = end + 1) {
		end = search + strcspn(search, ":");
		size_t directory = (size_t)(end - search);
		if (directory + length + 2 <= sizeof(path)) {
			memcpy(path, search, directory);
			path[directory] = '/';
			memcpy(path + directory + !!directory, name, length + 1);
			int r = execute(c, path);
			if (r != -ENOENT && r != -ENOTDIR && r != -EACCES)
				return r;
			if (r == -EACCES)
				result = r;
		}
		if (!*end)
			return result;
	}
}
