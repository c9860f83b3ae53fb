/* relay/net/confine.c - seccomp and Landlock for cuddy-net itself.
 * The relay has a list of what it may do, the worker, which runs the libc's modules, of what it may not. */
#include "relay/net/confine.h"
#include "base/architecture.h"
#include "base/macros.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* SYS_socket is not here: its family is looked at. */
static const unsigned relay_calls[] = {
	SYS_accept4, SYS_bind, SYS_brk, SYS_clock_gettime, SYS_close, SYS_connect, SYS_dup3, SYS_epoll_ctl,
	SYS_epoll_pwait, SYS_exit_group, SYS_fcntl, SYS_futex, SYS_getrandom, SYS_getsockname, SYS_getsockopt,
	SYS_madvise, SYS_mmap, SYS_mprotect, SYS_mremap, SYS_munmap, SYS_pipe2, SYS_read, SYS_recvfrom,
	SYS_recvmsg, SYS_restart_syscall, SYS_rt_sigreturn, SYS_sendmsg, SYS_sendto, SYS_setsockopt,
	SYS_shutdown, SYS_splice, SYS_write,
#ifdef SYS_epoll_wait
	SYS_epoll_wait,
#endif
#ifdef SYS_dup2
	SYS_dup2,
#endif
};

static const unsigned maker_calls[] = {
	SYS_bind, SYS_close, SYS_exit_group, SYS_recvfrom, SYS_restart_syscall, SYS_rt_sigreturn, SYS_sendmsg,
	SYS_sendto, SYS_setsockopt, SYS_write,
};

/* What openat2 may open is places (O_PATH) only: Landlock refuses the rest. */
static const unsigned keeper_calls[] = {
	SYS_close, SYS_connect, SYS_exit_group, SYS_openat2, SYS_recvfrom, SYS_restart_syscall, SYS_rt_sigreturn,
	SYS_sendmsg, SYS_sendto, SYS_setsockopt, SYS_socketpair, SYS_unlinkat,
#ifdef SYS_newfstatat
	SYS_newfstatat,
#endif
#ifdef SYS_fstatat64
	SYS_fstatat64,
#endif
	SYS_statx,
};

static const unsigned worker_denied[] = {
	SYS_bpf, SYS_chroot, SYS_execve, SYS_execveat, SYS_init_module, SYS_io_uring_setup, SYS_kexec_load,
	SYS_keyctl, SYS_mount, SYS_move_mount, SYS_open_by_handle_at, SYS_open_tree, SYS_perf_event_open,
	SYS_pidfd_getfd, SYS_pivot_root, SYS_process_vm_readv, SYS_process_vm_writev, SYS_ptrace, SYS_setns,
	SYS_umount2, SYS_unshare, SYS_userfaultfd,
};

static const unsigned client_denied[] = {
	SYS_add_key, SYS_bpf, SYS_chroot, SYS_delete_module, SYS_finit_module, SYS_fsmount, SYS_fsopen, SYS_init_module,
	SYS_io_uring_setup, SYS_kcmp, SYS_kexec_load, SYS_keyctl, SYS_mknodat, SYS_mount, SYS_mount_setattr,
	SYS_move_mount, SYS_open_by_handle_at, SYS_open_tree, SYS_perf_event_open, SYS_pidfd_getfd, SYS_pivot_root,
	SYS_process_vm_readv, SYS_process_vm_writev, SYS_ptrace, SYS_request_key, SYS_setns, SYS_umount2, SYS_unshare,
	SYS_userfaultfd,
};

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define IS(value, then, otherwise) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), (then), (otherwise))
#define END(action) BPF_STMT(BPF_RET | BPF_K, (action))

enum { ROOM = 128 };

/* Architecture first; then `calls` end in `listed`, all others in what `rest` says. */
static int load_filter(const unsigned *calls, size_t count, unsigned listed, const struct sock_filter *rest,
		       size_t rest_count)
{
	struct sock_filter code[ROOM] = {
		LOAD(arch), IS(OWN_ARCH, 1, 0), END(SECCOMP_RET_KILL_PROCESS), LOAD(nr),
	};
	size_t used = 4;

	must(used + 2 * count + rest_count <= ROOM);
	for (size_t i = 0; i < count; i++) {
		code[used++] = (struct sock_filter)IS(calls[i], 0, 1);
		code[used++] = (struct sock_filter)END(listed);
	}
	for (size_t i = 0; i < rest_count; i++)
		code[used++] = rest[i];
	struct sock_fprog program = { (unsigned short)used, code };
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		return -errno;
	return 0;
}

/* Takes all rights to files of the first ABI but `left`; a kernel without Landlock has only seccomp. */
static int close_files(uint64_t left)
{
	uint64_t all = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1;
	struct landlock_ruleset_attr attributes = { .handled_access_fs = all & ~left };
	int fd = (int)syscall(SYS_landlock_create_ruleset, &attributes, sizeof(attributes.handled_access_fs), 0);

	if (fd < 0)
		return errno == ENOSYS || errno == EOPNOTSUPP ? 0 : -errno;
	long r = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -1 : syscall(SYS_landlock_restrict_self, fd, 0);
	int error = r < 0 ? -errno : 0;
	close(fd);
	return error;
}

/* No file but with the rights `left`, no trace, `calls` and sockets of the internet and of one more family. */
static int confine(const unsigned *calls, size_t count, uint64_t left, unsigned family)
{
	const struct sock_filter rest[] = {
		IS(SYS_socket, 0, 5), LOAD(args[0]), IS(AF_INET, 2, 0), IS(AF_INET6, 1, 0), IS(family, 0, 1),
		END(SECCOMP_RET_ALLOW), END(SECCOMP_RET_KILL_PROCESS),
	};
	struct rlimit none = { 0, 0 };
	int r = close_files(left);

	if (r == 0 && (setrlimit(RLIMIT_CORE, &none) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0))
		r = -errno;
	return r < 0 ? r : load_filter(calls, count, SECCOMP_RET_ALLOW, rest, ARRAY_SIZE(rest));
}

int confine_relay(void)
{
	return confine(relay_calls, ARRAY_SIZE(relay_calls), 0, AF_INET);
}

int confine_maker(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	const struct __user_cap_data_struct none[2] = { { 0 } };

	if (syscall(SYS_capset, &header, none) < 0)
		return -errno;
	return confine(maker_calls, ARRAY_SIZE(maker_calls), 0, AF_INET);
}

int confine_keeper(void)
{
	return confine(keeper_calls, ARRAY_SIZE(keeper_calls), LANDLOCK_ACCESS_FS_REMOVE_FILE, AF_UNIX);
}

int confine_client(void)
{
	static const struct sock_filter rest[] = {
#ifdef __x86_64__
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000 /* x32 */, 0, 1), END(SECCOMP_RET_KILL_PROCESS),
#endif
		/* Its flags lie in memory: the libc is to use clone(2). */
		IS(SYS_clone3, 0, 1), END(SECCOMP_RET_ERRNO | ENOSYS),
		IS(SYS_clone, 0, 2), LOAD(args[0]),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWPID | CLONE_NEWUTS |
			 CLONE_NEWIPC | CLONE_NEWCGROUP, 10, 9),
		IS(SYS_socket, 0, 8), LOAD(args[0]), IS(AF_UNIX, 6, 0), IS(AF_INET, 5, 0), IS(AF_INET6, 4, 0),
		IS(AF_NETLINK, 0, 4), LOAD(args[2]), IS(NETLINK_ROUTE, 1, 0), IS(NETLINK_GENERIC, 0, 1), /* no nf_tables */
		END(SECCOMP_RET_ALLOW),
		END(SECCOMP_RET_ERRNO | EPERM),
	};

	return load_filter(client_denied, ARRAY_SIZE(client_denied), SECCOMP_RET_ERRNO | EPERM, rest, ARRAY_SIZE(rest));
}

int confine_worker(void)
{
	static const struct sock_filter rest[] = { END(SECCOMP_RET_ALLOW) };
	int r = close_files(LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_EXECUTE);

	return r < 0 ? r : load_filter(worker_denied, ARRAY_SIZE(worker_denied), SECCOMP_RET_ERRNO | EPERM, rest,
				       ARRAY_SIZE(rest));
}
