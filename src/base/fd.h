/* base/fd.h - descriptors that close themselves, and whole-file reads and writes. */
#ifndef CUDDY_BASE_FD_H
#define CUDDY_BASE_FD_H

#include "base/arena.h"
#include <sys/types.h>
#include <sys/uio.h>

void fd_closep(int *fd); /* closes unless negative, and makes it -1; keeps errno */
#define AUTO_FD CLEANUP(fd_closep)

/* Opens /dev/null for each of 0 to 2 that is closed, so that nothing of ours is ever taken for a standard
 * stream.  0, or -EBADF when that cannot be. */
int fd_fill_streams(void);

/* Reads the whole file `name` below directory `dir` (AT_FDCWD is fine), at most `limit` bytes,
 * into the arena, terminated.  Only regular files.  -EFBIG when longer, else -errno. */
int fd_read_file(struct arena *arena, int dir, const char *name, size_t limit, char **ret_text,
		 size_t *ret_length);

/* The same from an open descriptor, which must be O_NONBLOCK where it could be a FIFO. */
int fd_read_all(struct arena *arena, int fd, size_t limit, char **ret_text, size_t *ret_length);

/* Opens the directory `name` of `dir`, never through a link, with O_RDONLY or O_PATH; where it is missing and
 * `create` is set it is made, for us alone (0700).  A descriptor or -errno. */
int fd_make_directory(int dir, const char *name, int access, bool create);

/* The same, ours and closed to others: -EPERM when it belongs to somebody else; a mode that is too wide is narrowed. */
int fd_make_private(int dir, const char *name, bool create);

/* openat2(2) with O_CLOEXEC and the rules `resolve` (RESOLVE_*); "" is the directory itself.  Asks again when something
 * was renamed or mounted meanwhile (EAGAIN).  The descriptor or -errno. */
int fd_open_resolved(int dir, const char *path, unsigned flags, uint64_t resolve);

/* Writes all of it, retrying EINTR and short writes.  0 or -errno. */
int fd_write_all(int fd, const void *bytes, size_t count);

/* A file of memory (memfd_create(2)) with `text`, to be read from its beginning; `name` is shown in /proc only.  It, or
 * -errno. */
int fd_from_text(const char *name, const char *text);

/* Makes from[i] the descriptor i, for a program that will be executed; negative ones are left out.  All are copied
 * behind `count` first, so that none is overwritten before its turn, and from[] has the copies afterwards, which
 * close on exec.  0 or -errno. */
int fd_arrange(int *from, size_t count);

/* One packet over a unix socket, with at most FD_SEND_MOST descriptors (SCM_RIGHTS, unix(7)); never SIGPIPE.  `flags`
 * are those of sendmsg(2).  The number of bytes or -errno. */
#define FD_SEND_MOST 16
ssize_t fd_send(int to, const struct iovec *parts, size_t part_count, const int *fds, size_t fd_count, int flags);

/* One packet of at most `size` bytes, and the descriptors that came with it, which close on exec: those behind the last
 * one are -1, and more than `fd_count` are closed.  `flags` are those of recvmsg(2).  The number of bytes, 0 at the end
 * of a connection, or -errno. */
ssize_t fd_receive(int from, void *room, size_t size, int *fds, size_t fd_count, int flags);

/* Replaces `name` below `dir` by the given text in one step (temporary file, fsync, rename), so
 * that a reader and a crash see the old or the new file, never half of one.  0 or -errno. */
int fd_replace_file(int dir, const char *name, const char *text, size_t length, mode_t mode);

/* renameat2(2), which not every libc has; `flags` from <linux/fs.h>.  0 or -errno. */
int fd_rename(int from, const char *old, int to, const char *new, unsigned flags);

#endif
