/* import/groups.c - the groups of system calls that firejail and systemd know by name.
 * What a group holds is part of those languages: firejail 0.9.72 (syscalls.txt of its documentation),
 * systemd 252 (systemd-analyze syscall-filter).  Calls that none of our architectures has are left out. */
#include "import/groups.h"
#include "base/limits.h"
#include "base/text.h"

#include <string.h>

struct group { const char *name, *members; };

static const struct group firejail[] = {
	{ "aio",
	  "io_cancel io_destroy io_getevents io_pgetevents io_setup io_submit "
	  "io_uring_enter io_uring_register io_uring_setup" },
	{ "basic-io",
	  "_llseek close close_range dup dup2 dup3 lseek pread64 preadv preadv2 "
	  "pwrite64 pwritev pwritev2 read readv write writev" },
	{ "chown",
	  "chown chown32 fchown fchown32 fchownat lchown lchown32" },
	{ "clock",
	  "adjtimex clock_adjtime clock_settime settimeofday stime" },
	{ "cpu-emulation",
	  "modify_ldt vm86 vm86old" },
	{ "debug",
	  "lookup_dcookie perf_event_open pidfd_getfd process_vm_writev" },
	{ "default",
	  "@clock @cpu-emulation @debug @module @mount @obsolete @raw-io @reboot @swap "
	  "acct add_key bpf fanotify_init io_cancel io_destroy io_getevents io_setup "
	  "io_submit ioprio_set keyctl mbind migrate_pages move_pages name_to_handle_at "
	  "nfsservctl open_by_handle_at remap_file_pages request_key set_mempolicy "
	  "setdomainname sethostname syslog userfaultfd vhangup vmsplice" },
	{ "default-keep",
	  "execve execveat prctl" },
	{ "default-nodebuggers",
	  "@default personality process_vm_readv ptrace" },
	{ "file-system",
	  "access chdir chmod close close_range creat faccessat faccessat2 fallocate "
	  "fchdir fchmod fchmodat fcntl fcntl64 fgetxattr flistxattr fremovexattr "
	  "fsetxattr fstat fstat64 fstatat64 fstatfs fstatfs64 ftruncate ftruncate64 "
	  "futimesat getcwd getdents getdents64 getxattr inotify_add_watch inotify_init "
	  "inotify_init1 inotify_rm_watch lgetxattr link linkat listxattr llistxattr "
	  "lremovexattr lsetxattr lstat lstat64 mkdir mkdirat mknod mknodat mmap mmap2 "
	  "munmap newfstatat oldfstat oldlstat oldstat open openat openat2 readlink "
	  "readlinkat removexattr rename renameat renameat2 rmdir setxattr stat stat64 "
	  "statfs statfs64 statx symlink symlinkat truncate truncate64 unlink unlinkat "
	  "utime utimensat utimes" },
	{ "io-event",
	  "_newselect epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait "
	  "epoll_wait epoll_wait_old eventfd eventfd2 poll ppoll pselect6 select" },
	{ "ipc",
	  "ipc memfd_create mq_getsetattr mq_notify mq_open mq_timedreceive "
	  "mq_timedsend mq_unlink msgctl msgget msgrcv msgsnd pipe pipe2 "
	  "process_madvise process_vm_readv process_vm_writev semctl semget semop "
	  "semtimedop shmat shmctl shmdt shmget" },
	{ "keyring",
	  "add_key keyctl request_key" },
	{ "memlock",
	  "mlock mlock2 mlockall munlock munlockall" },
	{ "module",
	  "delete_module finit_module init_module" },
	{ "mount",
	  "chroot fsconfig fsmount fsopen fspick mount move_mount open_tree pivot_root "
	  "umount umount2" },
	{ "network-io",
	  "accept accept4 bind connect getpeername getsockname getsockopt listen recv "
	  "recvfrom recvmmsg recvmsg send sendmmsg sendmsg sendto setsockopt shutdown "
	  "socket socketcall socketpair" },
	{ "obsolete",
	  "_sysctl afs_syscall bdflush break create_module ftime get_kernel_syms "
	  "getpmsg gtty idle lock mpx prof profil putpmsg query_module security "
	  "sgetmask ssetmask stty sysfs tuxcall ulimit uselib ustat vserver" },
	{ "privileged",
	  "@chown @clock @module @raw-io @reboot @swap _sysctl acct bpf capset chroot "
	  "fanotify_init mount nfsservctl open_by_handle_at pivot_root quotactl "
	  "setdomainname setfsuid setfsuid32 setgroups setgroups32 sethostname "
	  "setresuid setresuid32 setreuid setreuid32 setuid setuid32 umount2 vhangup" },
	{ "process",
	  "arch_prctl capget clone clone3 execveat fork getrusage kill pidfd_open "
	  "pidfd_send_signal prctl rt_sigqueueinfo rt_tgsigqueueinfo setns tgkill times "
	  "tkill unshare vfork wait4 waitid waitpid" },
	{ "raw-io",
	  "ioperm iopl pciconfig_iobase pciconfig_read pciconfig_write" },
	{ "reboot",
	  "kexec_file_load kexec_load reboot" },
	{ "resources",
	  "ioprio_set mbind migrate_pages move_pages nice sched_setaffinity "
	  "sched_setattr sched_setparam sched_setscheduler set_mempolicy" },
	{ "setuid",
	  "setgid setgid32 setgroups setgroups32 setregid setregid32 setresgid "
	  "setresgid32 setresuid setresuid32 setreuid setreuid32 setuid setuid32" },
	{ "signal",
	  "rt_sigaction rt_sigpending rt_sigprocmask rt_sigsuspend rt_sigtimedwait "
	  "sigaction sigaltstack signal signalfd signalfd4 sigpending sigprocmask "
	  "sigsuspend" },
	{ "swap",
	  "swapoff swapon" },
	{ "sync",
	  "fdatasync fsync msync sync sync_file_range syncfs" },
	{ "system-service",
	  "@aio @basic-io @chown @default @file-system @io-event @ipc @keyring @memlock "
	  "@network-io @process @resources @setuid @signal @sync @timer brk capget "
	  "capset copy_file_range fadvise64 fadvise64_64 flock get_mempolicy getcpu "
	  "getpriority getrandom ioctl ioprio_get kcmp madvise mprotect mremap "
	  "name_to_handle_at oldolduname olduname personality readahead readdir "
	  "remap_file_pages sched_get_priority_max sched_get_priority_min "
	  "sched_getaffinity sched_getattr sched_getparam sched_getscheduler "
	  "sched_rr_get_interval sched_yield sendfile sendfile64 setfsgid setfsgid32 "
	  "setfsuid setfsuid32 setpgid setsid splice sysinfo tee umask uname "
	  "userfaultfd vmsplice" },
	{ "timer",
	  "alarm getitimer setitimer timer_create timer_delete timer_getoverrun "
	  "timer_gettime timer_settime timerfd_create timerfd_gettime timerfd_settime "
	  "times" },
};

static const struct group systemd[] = {
	{ "aio",
	  "io_cancel io_destroy io_getevents io_pgetevents io_pgetevents_time64 "
	  "io_setup io_submit io_uring_enter io_uring_register io_uring_setup" },
	{ "basic-io",
	  "_llseek close close_range dup dup2 dup3 lseek pread64 preadv preadv2 "
	  "pwrite64 pwritev pwritev2 read readv write writev" },
	{ "chown",
	  "chown chown32 fchown fchown32 fchownat lchown lchown32" },
	{ "clock",
	  "adjtimex clock_adjtime clock_adjtime64 clock_settime clock_settime64 "
	  "settimeofday" },
	{ "cpu-emulation",
	  "modify_ldt vm86 vm86old" },
	{ "debug",
	  "lookup_dcookie perf_event_open pidfd_getfd ptrace" },
	{ "default",
	  "arch_prctl brk cacheflush clock_getres clock_getres_time64 clock_gettime "
	  "clock_gettime64 clock_nanosleep clock_nanosleep_time64 execve exit "
	  "exit_group futex futex_time64 futex_waitv get_robust_list get_thread_area "
	  "getegid getegid32 geteuid geteuid32 getgid getgid32 getgroups getgroups32 "
	  "getpgid getpgrp getpid getppid getrandom getresgid getresgid32 getresuid "
	  "getresuid32 getrlimit getsid gettid gettimeofday getuid getuid32 membarrier "
	  "mmap mmap2 mprotect munmap nanosleep pause prlimit64 restart_syscall rseq "
	  "rt_sigreturn sched_getaffinity sched_yield set_robust_list set_thread_area "
	  "set_tid_address set_tls sigreturn time ugetrlimit uretprobe" },
	{ "file-system",
	  "access chdir chmod close creat faccessat faccessat2 fallocate fchdir fchmod "
	  "fchmodat fchmodat2 fcntl fcntl64 fgetxattr flistxattr fremovexattr fsetxattr "
	  "fstat fstat64 fstatat64 fstatfs fstatfs64 ftruncate ftruncate64 futimesat "
	  "getcwd getdents getdents64 getxattr inotify_add_watch inotify_init "
	  "inotify_init1 inotify_rm_watch lgetxattr link linkat listxattr llistxattr "
	  "lremovexattr lsetxattr lstat lstat64 mkdir mkdirat mknod mknodat newfstatat "
	  "oldfstat oldlstat oldstat open openat openat2 readlink readlinkat "
	  "removexattr rename renameat renameat2 rmdir setxattr stat stat64 statfs "
	  "statfs64 statx symlink symlinkat truncate truncate64 unlink unlinkat utime "
	  "utimensat utimensat_time64 utimes" },
	{ "io-event",
	  "_newselect epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait "
	  "epoll_pwait2 epoll_wait epoll_wait_old eventfd eventfd2 poll ppoll "
	  "ppoll_time64 pselect6 pselect6_time64 select" },
	{ "ipc",
	  "ipc memfd_create mq_getsetattr mq_notify mq_open mq_timedreceive "
	  "mq_timedreceive_time64 mq_timedsend mq_timedsend_time64 mq_unlink msgctl "
	  "msgget msgrcv msgsnd pipe pipe2 process_madvise process_vm_readv "
	  "process_vm_writev semctl semget semop semtimedop semtimedop_time64 shmat "
	  "shmctl shmdt shmget" },
	{ "keyring",
	  "add_key keyctl request_key" },
	{ "memlock",
	  "mlock mlock2 mlockall munlock munlockall" },
	{ "module",
	  "delete_module finit_module init_module" },
	{ "mount",
	  "chroot fsconfig fsmount fsopen fspick mount mount_setattr move_mount "
	  "open_tree pivot_root umount umount2" },
	{ "network-io",
	  "accept accept4 bind connect getpeername getsockname getsockopt listen recv "
	  "recvfrom recvmmsg recvmmsg_time64 recvmsg send sendmmsg sendmsg sendto "
	  "setsockopt shutdown socket socketcall socketpair" },
	{ "obsolete",
	  "_sysctl afs_syscall bdflush break create_module ftime get_kernel_syms "
	  "getpmsg gtty idle lock mpx prof profil putpmsg query_module security "
	  "sgetmask ssetmask stime stty sysfs tuxcall ulimit uselib ustat vserver" },
	{ "pkey",
	  "pkey_alloc pkey_free pkey_mprotect" },
	{ "privileged",
	  "@chown @clock @module @raw-io @reboot @swap _sysctl acct bpf capset chroot "
	  "fanotify_init fanotify_mark nfsservctl open_by_handle_at pivot_root quotactl "
	  "quotactl_fd setdomainname setfsuid setfsuid32 setgroups setgroups32 "
	  "sethostname setresuid setresuid32 setreuid setreuid32 setuid setuid32 "
	  "vhangup" },
	{ "process",
	  "capget clone clone3 execveat fork getrusage kill pidfd_open "
	  "pidfd_send_signal prctl rt_sigqueueinfo rt_tgsigqueueinfo setns tgkill times "
	  "tkill unshare vfork wait4 waitid waitpid" },
	{ "raw-io",
	  "ioperm iopl pciconfig_iobase pciconfig_read pciconfig_write" },
	{ "reboot",
	  "kexec_file_load kexec_load reboot" },
	{ "resources",
	  "ioprio_set mbind migrate_pages move_pages nice sched_setaffinity "
	  "sched_setattr sched_setparam sched_setscheduler set_mempolicy "
	  "set_mempolicy_home_node setpriority setrlimit" },
	{ "setuid",
	  "setgid setgid32 setgroups setgroups32 setregid setregid32 setresgid "
	  "setresgid32 setresuid setresuid32 setreuid setreuid32 setuid setuid32" },
	{ "signal",
	  "rt_sigaction rt_sigpending rt_sigprocmask rt_sigsuspend rt_sigtimedwait "
	  "rt_sigtimedwait_time64 sigaction sigaltstack signal signalfd signalfd4 "
	  "sigpending sigprocmask sigsuspend" },
	{ "swap",
	  "swapoff swapon" },
	{ "sync",
	  "fdatasync fsync msync sync sync_file_range syncfs" },
	{ "system-service",
	  "@aio @basic-io @chown @default @file-system @io-event @ipc @keyring @memlock "
	  "@network-io @process @resources @setuid @signal @sync @timer "
	  "arm_fadvise64_64 capget capset copy_file_range fadvise64 fadvise64_64 flock "
	  "get_mempolicy getcpu getpriority ioctl ioprio_get kcmp madvise mremap "
	  "name_to_handle_at oldolduname olduname personality readahead readdir "
	  "remap_file_pages sched_get_priority_max sched_get_priority_min sched_getattr "
	  "sched_getparam sched_getscheduler sched_rr_get_interval "
	  "sched_rr_get_interval_time64 sched_yield sendfile sendfile64 setfsgid "
	  "setfsgid32 setfsuid setfsuid32 setpgid setsid splice sysinfo tee umask uname "
	  "userfaultfd vmsplice" },
	{ "timer",
	  "alarm getitimer setitimer timer_create timer_delete timer_getoverrun "
	  "timer_gettime timer_gettime64 timer_settime timer_settime64 timerfd_create "
	  "timerfd_gettime timerfd_gettime64 timerfd_settime timerfd_settime64 times" },
};

static const char *members_of(enum group_language language, const char *name, size_t length)
{
	const struct group *groups = language == GROUPS_FIREJAIL ? firejail : systemd;
	size_t count = language == GROUPS_FIREJAIL ? ARRAY_SIZE(firejail) : ARRAY_SIZE(systemd);

	for (size_t n = 0; n < count; n++)
		if (strlen(groups[n].name) == length && strncmp(groups[n].name, name, length) == 0)
			return groups[n].members;
	return NULL;
}

static bool expand(struct strbuf *out, enum group_language language, const char *name, size_t length,
		   unsigned depth)
{
	const char *at = members_of(language, name, length);

	if (!at || depth > 8)
		return false;
	for (size_t size; *at; at += size + (at[size] == ' ')) {
		size = strcspn(at, " ");
		if (*at == '@') {
			if (!expand(out, language, at + 1, size - 1, depth + 1))
				return false;
			continue;
		}
		strbuf_addf(out, "%s%.*s", out->length ? " " : "", (int)size, at);
	}
	return true;
}

const char *group_members(struct arena *arena, enum group_language language, const char *name)
{
	struct strbuf out = { .arena = arena };

	return expand(&out, language, name, strlen(name), 0) ? strbuf_text(&out) : NULL;
}
