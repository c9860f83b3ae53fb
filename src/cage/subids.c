/* cage/subids.c - a child that may give files to the subordinate ids of the caller.
 *
 * The child unshares its user namespace and waits; the parent maps the ids, through newuidmap or
 * by itself; then the child becomes root of its namespace.  What fails is tried the lesser way.
 * Must not: run anything but newuidmap and newgidmap. */
#include "cage/subids.h"

#include "base/fd.h"
#include "base/limits.h"
#include "base/text.h"
#include "cage/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST_RANGES = 16 };
_Static_assert(MOST_RANGES + 1 < ID_RANGES, "the caller, the ranges and the end");

/* The two kinds of ids differ in names only. */
static const struct kind { const char *file, *helper, *map; } kinds[] = {
	{ "/etc/subuid", "newuidmap", "uid_map" },
	{ "/etc/subgid", "newgidmap", "gid_map" },
};

static bool parse_range(const char *text, struct subid_range *ret)
{
	char *end;

	errno = 0;
	ret->start = strtoul(text, &end, 10);
	if (errno || end == text || *end != ':')
		return false;
	text = end + 1;
	ret->count = strtoul(text, &end, 10);
	return !errno && end != text && (*end == '\n' || !*end) && ret->count &&
	       ret->start <= UINT32_MAX && ret->count <= UINT32_MAX - ret->start;
}

size_t subids_read(const char *text, const char *user, uid_t uid, struct subid_range *ret,
		   size_t room)
{
	size_t count = 0;
	char number[16];

	snprintf(number, sizeof(number), "%u", uid);
	while (*text && count < room) {
		size_t name = strcspn(text, ":\n"), line = strcspn(text, "\n");

		if (name < line &&
		    ((name == strlen(user) && strncmp(text, user, name) == 0) ||
		     (name == strlen(number) && strncmp(text, number, name) == 0)) &&
		    parse_range(text + name + 1, &ret[count]))
			count++;
		text += line + (text[line] != '\0');
	}
	return count;
}

static size_t granted(struct arena *arena, const char *file, struct subid_range *ret)
{
	const struct passwd *entry = getpwuid(getuid());
	size_t length;
	char *text;

	if (fd_read_file(arena, AT_FDCWD, file, LIMIT_FILE_SIZE, &text, &length) < 0)
		return 0;
	return subids_read(text, entry ? entry->pw_name : "", getuid(), ret, MOST_RANGES);
}

static bool ran_well(char *const *words)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		int null = open("/dev/null", O_RDWR | O_CLOEXEC);

		if (null >= 0 && dup2(null, STDERR_FILENO) >= 0)
			execvp(words[0], words);
		_exit(127);
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* newuidmap PID 0 CALLER 1  1 START COUNT … */
static bool map_ranges(struct arena *arena, const struct kind *kind, pid_t pid, unsigned caller)
{
	struct subid_range ranges[MOST_RANGES];
	size_t count = granted(arena, kind->file, ranges);
	VEC(char *) words = { 0 };
	unsigned long inside = 1;

	if (!count)
		return false;
	*vec_push(arena, &words) = arena_strdup(arena, kind->helper);
	*vec_push(arena, &words) = arena_printf(arena, "%d", pid);
	*vec_push(arena, &words) = arena_strdup(arena, "0");
	*vec_push(arena, &words) = arena_printf(arena, "%u", caller);
	*vec_push(arena, &words) = arena_strdup(arena, "1");
	for (size_t i = 0; i < count; i++) {
		*vec_push(arena, &words) = arena_printf(arena, "%lu", inside);
		*vec_push(arena, &words) = arena_printf(arena, "%lu", ranges[i].start);
		*vec_push(arena, &words) = arena_printf(arena, "%lu", ranges[i].count);
		inside += ranges[i].count;
	}
	*vec_push(arena, &words) = NULL;
	return ran_well(words.items);
}

static bool write_file(struct arena *arena, pid_t pid, const char *name, const char *text)
{
	AUTO_FD int fd = open(arena_printf(arena, "/proc/%d/%s", pid, name), O_WRONLY | O_CLOEXEC);

	return fd >= 0 && fd_write_all(fd, text, strlen(text)) == 0;
}

/* Both kinds come from ranges, or none does: a file's owner and group belong together. */
static bool map_ids(struct arena *arena, pid_t pid, enum subids kind)
{
	if (kind == SUBIDS_MAPPED)
		return map_ranges(arena, &kinds[0], pid, getuid()) &&
		       map_ranges(arena, &kinds[1], pid, getgid());
	return write_file(arena, pid, "setgroups", "deny") &&
	       write_file(arena, pid, kinds[1].map, arena_printf(arena, "0 %u 1", getgid())) &&
	       write_file(arena, pid, kinds[0].map, arena_printf(arena, "0 %u 1", getuid()));
}

/* The child: asks for its ids and becomes root of its namespace. */
static bool become_root(int socket, enum subids kind)
{
	char go = 0;

	return unshare(CLONE_NEWUSER) == 0 && send(socket, &go, 1, MSG_NOSIGNAL) == 1 &&
	       recv(socket, &go, 1, 0) == 1 && (kind != SUBIDS_MAPPED || setgroups(0, NULL) == 0) &&
	       setresgid(0, 0, 0) == 0 && setresuid(0, 0, 0) == 0;
}

static void reap(pid_t pid)
{
	(void)kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

/* A child of this kind; -EPERM when there is none here. */
static pid_t try_fork(struct arena *arena, enum subids kind)
{
	bool change = kind == SUBIDS_MAPPED || kind == SUBIDS_SINGLE;
	pid_t parent = getpid(), pid;
	AUTO_FD int ours = -1;
	AUTO_FD int theirs = -1;
	int pair[2];
	char go = 1;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	ours = pair[0];
	theirs = pair[1];
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0) {
		close(TAKE_FD(ours));
		if (change && !become_root(theirs, kind))
			_exit(125);
		/* After the change of ids, which takes it away (prctl(2)). */
		if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
			_exit(125);
		return 0;
	}
	close(TAKE_FD(theirs));
	if (!change || (recv(ours, &go, 1, 0) == 1 && map_ids(arena, pid, kind) &&
			send(ours, &go, 1, MSG_NOSIGNAL) == 1))
		return pid;
	reap(pid);
	return -EPERM;
}

pid_t subids_fork(struct arena *arena, enum subids *ret)
{
	pid_t pid;

	*ret = geteuid() == 0 ? SUBIDS_ALL : SUBIDS_MAPPED;
	while ((pid = try_fork(arena, *ret)) == -EPERM && *ret != SUBIDS_ALL && *ret != SUBIDS_NONE)
		*ret = *ret == SUBIDS_MAPPED ? SUBIDS_SINGLE : SUBIDS_NONE;
	return pid;
}

/* Root of a container has the ids of that container: those of our own map, from 0 on. */
static void map_own(struct arena *arena, const struct kind *kind, pid_t pid, uint32_t ret[ID_RANGES])
{
	unsigned long inside, outside, count;
	size_t length;
	char *text;

	if (fd_read_file(arena, AT_FDCWD, arena_printf(arena, "/proc/self/%s", kind->map), LIMIT_FILE_SIZE, &text,
			 &length) == 0 &&
	    sscanf(text, "%lu %lu %lu", &inside, &outside, &count) == 3 && inside == 0 && count > 1 &&
	    write_file(arena, pid, kind->map, arena_printf(arena, "0 0 %lu", count)))
		ret[0] = (uint32_t)count;
}

static void map_granted(struct arena *arena, const struct kind *kind, pid_t pid, unsigned caller,
			uint32_t ret[ID_RANGES])
{
	struct subid_range ranges[MOST_RANGES];
	size_t count = granted(arena, kind->file, ranges);

	if (!map_ranges(arena, kind, pid, caller))
		return;
	ret[0] = 1;
	for (size_t i = 0; i < count; i++)
		ret[i + 1] = (uint32_t)ranges[i].count;
}

struct id_ranges subids_map(struct arena *arena, pid_t pid)
{
	struct subid_range groups[MOST_RANGES];
	struct id_ranges ids = { 0 };

	if (geteuid() == 0) {
		map_own(arena, &kinds[0], pid, ids.users);
		map_own(arena, &kinds[1], pid, ids.groups);
	} else if (granted(arena, kinds[1].file, groups)) { /* what newuidmap has written cannot be taken back */
		map_granted(arena, &kinds[0], pid, getuid(), ids.users);
		if (ids.users[0])
			map_granted(arena, &kinds[1], pid, getgid(), ids.groups);
	}
	return ids;
}

static int remove_as_root(struct arena *arena, int dir, const char *name, const struct progress *progress)
{
	enum subids kind;
	pid_t pid = subids_fork(arena, &kind);
	int status;

	if (pid == 0) {
		int r = tree_remove_telling(dir, name, progress);

		_exit(r < 0 ? MIN(-r, 255) : 0);
	}
	if (pid < 0)
		return pid;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -EINTR;
}

int subids_remove(struct arena *arena, int dir, const char *name, const struct progress *progress)
{
	int r = tree_remove_telling(dir, name, progress);

	if ((r == -EACCES || r == -EPERM) && geteuid() != 0)
		r = remove_as_root(arena, dir, name, progress);
	return r == -ENOENT ? 0 : r;
}
