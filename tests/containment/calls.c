/* tests/containment/calls.c - the kernel's entrances: calls, namespaces, other ABIs, sockets'
 * neighbours.  Arguments are invalid on purpose; see probe.c. */
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif
#define B BAD_POINTER

static enum verdict call(const struct row *row)
{
	const long *n = row->number;

	return judge(syscall(n[0], n[1], n[2], n[3], n[4], n[5], 0L), row->class);
}

static enum verdict clone_new(const struct row *row)
{
	/* A fork by clone(2) with a namespace flag; the child ends at once. */
	long child = syscall(SYS_clone, row->number[0] | SIGCHLD, 0L, 0L, 0L, 0L);

	if (child == 0)
		_exit(0);
	if (child > 0)
		waitpid((pid_t)child, NULL, 0);
	return judge(child, "clone");
}

static enum verdict clone3_new(const struct row *row)
{
	uint64_t arguments[11] = { (uint64_t)row->number[0], 0, 0, 0, SIGCHLD };
	long child = syscall(435 /* clone3 */, arguments, sizeof(arguments));

	if (child == 0)
		_exit(0);
	if (child > 0)
		waitpid((pid_t)child, NULL, 0);
	return judge(child, "clone3");
}

static enum verdict unshare_new(const struct row *row)
{
	return judge(unshare((int)row->number[0]), "unshare");
}

static enum verdict nested_power(const struct row *row)
{
	(void)row;
	if (unshare(CLONE_NEWUSER) < 0)
		return judge(-1, "unshare");
	return judge(unshare(CLONE_NEWNS | CLONE_NEWNET), "namespaces in a new user namespace");
}

static enum verdict change_personality(const struct row *row)
{
	(void)row;
	return judge(personality(ADDR_NO_RANDOMIZE), "personality(ADDR_NO_RANDOMIZE)");
}

#if defined(__x86_64__)
static long int80(long number, long a, long b, long c)
{
	long result;

	__asm__ volatile("int $0x80" : "=a"(result)
			 : "a"(number), "b"(a), "c"(b), "d"(c)
			 : "memory", "cc", "r8", "r9", "r10", "r11");
	return result;
}
static enum verdict foreign_int80(const struct row *row)
{
	long result = int80(row->number[0], row->number[1], row->number[2], row->number[3]);

	if (result < 0 && result > -4096) {
		errno = (int)-result;
		result = -1;
	}
	return judge(result, "int 0x80");
}
static enum verdict foreign_x32(const struct row *row)
{
	return judge(syscall(0x40000000L | row->number[0], 0, 0, 0), "x32");
}
#endif

/* On a terminal of our own, made here: what is typed into it hurts nobody. */
static int own_terminal(void)
{
	int unlock = 0, number, master = open("/dev/ptmx", O_RDWR | O_NOCTTY), slave;
	char name[40];

	if (master < 0 || ioctl(master, TIOCSPTLCK, &unlock) < 0 ||
	    ioctl(master, TIOCGPTN, &number) < 0)
		return -1;
	snprintf(name, sizeof(name), "/dev/pts/%d", number);
	setsid();
	slave = open(name, O_RDWR);
	if (slave >= 0)
		ioctl(slave, TIOCSCTTY, 0);
	return slave;
}

static enum verdict terminal(const struct row *row)
{
	int fd = own_terminal();
	union { char bytes[8]; int number; } argument = { .bytes = "\x6" };
	long r;

	if (fd < 0) { /* the filter answers before the descriptor is looked at */
		r = syscall(SYS_ioctl, 0, row->number[0], B);
		return judge(r, "ioctl (no terminal to be had)");
	}
	if ((row->number[0] & 0xffffffff) == TIOCSETD)
		argument.number = 0; /* N_TTY, which it has */
	r = syscall(SYS_ioctl, fd, row->number[0], &argument);
	/* EIO: dev.tty.legacy_tiocsti is 0, the kernel itself refuses. */
	if (r < 0 && errno == EIO)
		return say(VERDICT_CLOSED, "ioctl: refused by the kernel");
	return judge(r, "ioctl");
}

static enum verdict many_tasks(const struct row *row)
{
	const char *most = fact("PROBE_TASKS");
	int wanted = most ? atoi(most) : 0, made = 0, gate[2], status;
	char byte;

	(void)row;
	if (wanted <= 0 || pipe(gate) < 0)
		return say(VERDICT_SKIP, "PROBE_TASKS is not given");
	for (pid_t child; made < wanted; made++) {
		child = fork();
		if (child < 0)
			break;
		if (!child) {
			close(gate[1]);
			_exit(read(gate[0], &byte, 1) < 0);
		}
	}
	close(gate[1]); /* all of them end now */
	while (wait(&status) > 0)
		;
	return say(made < wanted ? VERDICT_CLOSED : VERDICT_OPEN, "%d processes at once", made);
}

/* Numbers above 424 are the same on all architectures. */
const struct row call_rows[] = {
	{ "terminal-tiocsti",		terminal, NULL, { TIOCSTI } },
	{ "terminal-tiocsti-high-bits",	terminal, NULL, { TIOCSTI | 0x4200000000L } },
	{ "terminal-tioclinux",		terminal, NULL, { TIOCLINUX } },
	{ "terminal-tioclinux-high-bits", terminal, NULL, { TIOCLINUX | 0x4200000000L } },
	{ "terminal-discipline",	terminal, NULL, { TIOCSETD } },
	{ "user-namespace-unshare",	unshare_new, NULL, { CLONE_NEWUSER } },
	{ "user-namespace-clone",	clone_new, NULL, { CLONE_NEWUSER } },
	{ "user-namespace-clone3",	clone3_new, NULL, { CLONE_NEWUSER } },
	{ "user-namespace-power",	nested_power, NULL, { 0 } },
	{ "mount-namespace",		unshare_new, NULL, { CLONE_NEWNS } },
	{ "network-namespace",		unshare_new, NULL, { CLONE_NEWNET } },
	{ "setns",		call, NULL, { SYS_setns, -1, 0 } },
	{ "mount",		call, NULL, { SYS_mount, B, B, B, 0, B } },
	{ "umount",		call, NULL, { SYS_umount2, B, 0 } },
	{ "pivot-root",		call, NULL, { SYS_pivot_root, B, B } },
	{ "chroot",		call, NULL, { SYS_chroot, B } },
	{ "open-tree",		call, NULL, { 428, -1, B, 1 /* clone */ } },
	{ "move-mount",		call, NULL, { 429, -1, B, -1, B, 0 } },
	{ "fsopen",		call, NULL, { 430, B, 0 } },
	{ "fsconfig",		call, NULL, { 431, -1, 0, B, B, 0 } },
	{ "fsmount",		call, NULL, { 432, -1, 0, 0 } },
	{ "fspick",		call, NULL, { 433, -1, B, 0 } },
	{ "mount-setattr",	call, NULL, { 442, -1, B, 0, B, 32 } },
	{ "open-tree-attr",	call, NULL, { 467, -1, B, 1, B, 32 } },
	{ "io-uring-setup",	call, NULL, { 425, 1, B } },
	{ "io-uring-enter",	call, NULL, { 426, -1, 0, 0, 0, 0 } },
	{ "io-uring-register",	call, NULL, { 427, -1, 0, 0, 0 } },
	{ "bpf",		call, NULL, { SYS_bpf, 5, B, 128 } },
	{ "perf",		call, NULL, { SYS_perf_event_open, B, 0, -1, -1, 0 } },
	{ "userfaultfd",	call, NULL, { SYS_userfaultfd, 0x7fff0000 } },
	{ "add-key",		call, NULL, { SYS_add_key, B, B, 0, 0, 0 } },
	{ "request-key",	call, NULL, { SYS_request_key, B, B, 0, 0 } },
	{ "keyctl",		call, NULL, { SYS_keyctl, 9999, 0, 0, 0, 0 } },
	{ "ptrace",		call, NULL, { SYS_ptrace, 2 /* PEEKDATA */, -1, 0, 0 } },
	{ "process-vm-read",	call, NULL, { SYS_process_vm_readv, -1, B, 1, B, 1 } },
	{ "process-vm-write",	call, NULL, { SYS_process_vm_writev, -1, B, 1, B, 1 } },
	{ "pidfd-getfd",	call, NULL, { 438, -1, 0, 0 } },
	{ "kcmp",		call, NULL, { SYS_kcmp, -1, -1, 0, 0, 0 } },
	{ "file-handle-name",	call, NULL, { SYS_name_to_handle_at, -1, B, B, B, 0 } },
	{ "file-handle-open",	call, NULL, { SYS_open_by_handle_at, -1, B, 0 } },
	{ "module-load",	call, NULL, { SYS_init_module, B, 0, B } },
	{ "module-load-file",	call, NULL, { SYS_finit_module, -1, B, 0 } },
	{ "module-remove",	call, NULL, { SYS_delete_module, B, 0 } },
	{ "kexec",		call, NULL, { SYS_kexec_load, 0, 1000, B, 0 } },
	{ "quota",		call, NULL, { SYS_quotactl, -1, B, 0, B } },
	{ "swap-on",		call, NULL, { SYS_swapon, B, 0 } },
	{ "accounting",		call, NULL, { SYS_acct, B } },
	{ "kernel-log",		call, NULL, { SYS_syslog, 3, B, 1 } },
	{ "reboot",		call, NULL, { SYS_reboot, 0, 0, 0, 0 } }, /* wrong magic */
	{ "host-name-set",	call, NULL, { SYS_sethostname, B, -1 } },
	{ "time-set",		call, NULL, { SYS_clock_settime, 0, B } },
	{ "fanotify",		call, NULL, { SYS_fanotify_init, 0x7fff0000, 0 } },
	{ "memory-policy",	call, NULL, { SYS_set_mempolicy, 999, B, 0 } },
	{ "move-pages",		call, NULL, { SYS_move_pages, 0, 1, B, B, B } },
	{ "process-madvise",	call, NULL, { 440, -1, B, 1, 0, 0 } },
	{ "memory-secret",	call, NULL, { 447, 0x7fff0000 } },
	{ "personality",	change_personality, NULL, { 0 } },
#if defined(__x86_64__)
	{ "ldt",		call, NULL, { SYS_modify_ldt, 1, B, 16 } },
	{ "io-ports",		call, NULL, { SYS_iopl, 99 } },
	{ "old-uselib",		call, NULL, { SYS_uselib, B } },
	{ "old-ustat",		call, NULL, { SYS_ustat, 0, B } },
	{ "old-sysfs",		call, NULL, { SYS_sysfs, 3, 0, 0 } },
	{ "x32",		foreign_x32, NULL, { SYS_getpid } },
	{ "int-0x80",		foreign_int80, NULL, { 20 /* getpid */ } },
	{ "int-0x80-bpf",	foreign_int80, NULL, { 357, 5, B, 128 } },
	{ "int-0x80-userfaultfd", foreign_int80, NULL, { 374, 0x7fff0000 } },
	{ "int-0x80-mount",	foreign_int80, NULL, { 21, B, B, B } },
#endif
	{ "unbounded-tasks",	many_tasks, NULL, { 0 } },
	{ NULL, NULL, NULL, { 0 } }
};
