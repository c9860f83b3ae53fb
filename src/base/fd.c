/* base/fd.c - descriptors that close themselves, and whole-file reads and writes. */
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { RESOLVE_TRIES = 64 };

void fd_closep(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	errno = saved;
}

int fd_fill_streams(void)
{
	for (int fd = 0; fd < 3; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd)
			return -EBADF;
	return 0;
}

int fd_read_file(struct arena *arena, int dir, const char *name, size_t limit, char **ret_text,
		 size_t *ret_length)
{
	AUTO_FD int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	return fd < 0 ? -errno : fd_read_all(arena, fd, limit, ret_text, ret_length);
}

int fd_read_all(struct arena *arena, int fd, size_t limit, char **ret_text, size_t *ret_length)
{
	struct stat status;
	size_t length = 0, room;
	char *text;

	if (fstat(fd, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode))
		return S_ISDIR(status.st_mode) ? -EISDIR : -EINVAL;
	if ((uintmax_t)status.st_size > limit)
		return -EFBIG;
	/* Files in /proc say 0 and are longer; of others we take what was there when they were opened. */
	room = status.st_size ? (size_t)status.st_size + 1 : limit + 1;
	text = arena_alloc(arena, room + 1);
	while (length < room && !(length && length == (size_t)status.st_size)) {
		ssize_t count = read(fd, text + length, room - length);

		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			return -errno;
		if (count == 0)
			break;
		length += (size_t)count;
	}
	if (length > limit)
		return -EFBIG;
	text[length] = '\0';
	*ret_text = text;
	*ret_length = length;
	return 0;
}

int fd_make_directory(int dir, const char *name, int access, bool create)
{
	int flags = access | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, fd = openat(dir, name, flags);

	if (fd < 0 && errno == ENOENT && create) {
		if (mkdirat(dir, name, 0700) < 0 && errno != EEXIST)
			return -errno;
		fd = openat(dir, name, flags);
	}
	return fd < 0 ? -errno : fd;
}

int fd_make_private(int dir, const char *name, bool create)
{
	AUTO_FD int fd = fd_make_directory(dir, name, O_RDONLY, create);
	struct stat status;

	if (fd < 0)
		return fd;
	if (fstat(fd, &status) < 0)
		return -errno;
	if (status.st_uid != geteuid())
		return -EPERM;
	if (status.st_mode & 077 && fchmod(fd, 0700) < 0)
		return -errno;
	return TAKE_FD(fd);
}

int fd_open_resolved(int dir, const char *path, unsigned flags, uint64_t resolve)
{
	struct open_how how = { .flags = flags | O_CLOEXEC, .resolve = resolve };
	long fd = -1;

	for (unsigned tries = 0; fd < 0 && tries < RESOLVE_TRIES; tries++)
		if ((fd = syscall(SYS_openat2, dir, *path ? path : ".", &how, sizeof(how))) < 0 && errno != EAGAIN)
			break;
	return fd < 0 ? -errno : (int)fd;
}

int fd_write_all(int fd, const void *bytes, size_t count)
{
	const char *at = bytes;

	while (count) {
		ssize_t done = write(fd, at, count);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -errno;
		at += done;
		count -= (size_t)done;
	}
	return 0;
}

int fd_from_text(const char *name, const char *text)
{
	AUTO_FD int fd = memfd_create(name, MFD_CLOEXEC);
	int r = fd < 0 ? -errno : fd_write_all(fd, text, strlen(text));

	if (r == 0 && lseek(fd, 0, SEEK_SET) < 0)
		r = -errno;
	return r < 0 ? r : TAKE_FD(fd);
}

int fd_arrange(int *from, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (from[i] >= 0 && (from[i] = fcntl(from[i], F_DUPFD_CLOEXEC, (int)count)) < 0)
			return -errno;
	for (size_t i = 0; i < count; i++)
		if (from[i] >= 0 && dup2(from[i], (int)i) < 0)
			return -errno;
	return 0;
}

ssize_t fd_send(int to, const struct iovec *parts, size_t part_count, const int *fds, size_t fd_count, int flags)
{
	union { struct cmsghdr header; char room[CMSG_SPACE(FD_SEND_MOST * sizeof(int))]; } control = { 0 };
	struct msghdr message = { .msg_iov = (struct iovec *)parts, .msg_iovlen = part_count };
	ssize_t count;

	must(fd_count <= FD_SEND_MOST);
	if (fd_count) {
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
		control.header = (struct cmsghdr){ .cmsg_len = CMSG_LEN(fd_count * sizeof(int)), .cmsg_level = SOL_SOCKET,
						   .cmsg_type = SCM_RIGHTS };
		memcpy(CMSG_DATA(&control.header), fds, fd_count * sizeof(int));
	}
	count = sendmsg(to, &message, flags | MSG_NOSIGNAL);
	return count < 0 ? -errno : count;
}

ssize_t fd_receive(int from, void *room, size_t size, int *fds, size_t fd_count, int flags)
{
	union { struct cmsghdr header; char room[CMSG_SPACE(FD_SEND_MOST * sizeof(int))]; } control;
	struct iovec part = { room, size };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control,
				  .msg_controllen = sizeof(control) };
	ssize_t length = recvmsg(from, &message, flags | MSG_CMSG_CLOEXEC);
	const struct cmsghdr *c = length < 0 ? NULL : CMSG_FIRSTHDR(&message);
	size_t came = c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS ?
		      (c->cmsg_len - CMSG_LEN(0)) / sizeof(int) : 0;

	for (size_t i = 0; i < MAX(fd_count, came); i++) {
		int fd = -1;
		if (i < came)
			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
		if (i < fd_count)
			fds[i] = fd;
		else
			fd_closep(&fd);
	}
	return length < 0 ? -errno : length;
}

int fd_replace_file(int dir, const char *name, const char *text, size_t length, mode_t mode)
{
	char temporary[PATH_MAX];
	AUTO_FD int fd = -1;
	int r;

	const char *slash = strrchr(name, '/'), *base = slash ? slash + 1 : name;

	r = snprintf(temporary, sizeof(temporary), "%.*s.%s.%ld.new", (int)(base - name), name, base,
		     (long)getpid());
	if (r < 0 || (size_t)r >= sizeof(temporary))
		return -ENAMETOOLONG;
	fd = openat(dir, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
	if (fd < 0)
		return -errno;
	r = fd_write_all(fd, text, length);
	if (r == 0 && (fsync(fd) < 0 || renameat(dir, temporary, dir, name) < 0))
		r = -errno;
	if (r < 0)
		unlinkat(dir, temporary, 0);
	return r;
}

int fd_rename(int from, const char *old, int to, const char *new, unsigned flags)
{
	return syscall(SYS_renameat2, from, old, to, new, flags) < 0 ? -errno : 0;
}
