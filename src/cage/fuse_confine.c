/* cage/fuse_confine.c - capabilities and seccomp for fuse-overlayfs.
 * A list of what it may not do: it is not our program, and each libfuse calls something else.
 * Must not: allocate. */
#include "cage/fuse_confine.h"
#include "base/architecture.h"
#include "base/macros.h"
#include "launch/kernel.h"

#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>

/* What copying a file with its owner, mode and attributes takes. */
static const unsigned capabilities[] = { CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER, CAP_FSETID };

static const unsigned denied[] = {
	SYS_add_key, SYS_bind, SYS_bpf, SYS_chroot, SYS_connect, SYS_delete_module, SYS_finit_module, SYS_fsmount,
	SYS_fsopen, SYS_init_module, SYS_io_uring_setup, SYS_kexec_load, SYS_keyctl, SYS_mount, SYS_mount_setattr,
	SYS_move_mount, SYS_open_by_handle_at, SYS_open_tree, SYS_perf_event_open, SYS_pidfd_getfd, SYS_pivot_root,
	SYS_process_vm_readv, SYS_process_vm_writev, SYS_ptrace, SYS_request_key, SYS_setns, SYS_socket, SYS_umount2,
	SYS_unshare, SYS_userfaultfd,
};

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define IS(value, then, otherwise) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), (then), (otherwise))
#define HAS(bits, then, otherwise) BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, (bits), (then), (otherwise))
#define END(action) BPF_STMT(BPF_RET | BPF_K, (action))

#define X32_BIT 0x40000000 /* the same calls by other numbers (asm/unistd.h of x86); no other architecture has it */

enum { ROOM = 2 * ARRAY_SIZE(denied) + 14 };

static int load_filter(void)
{
	struct sock_filter code[ROOM] = {
		LOAD(arch), IS(OWN_ARCH, 1, 0), END(SECCOMP_RET_KILL_PROCESS), LOAD(nr),
		HAS(X32_BIT, 0, 1), END(SECCOMP_RET_KILL_PROCESS),
	};
	size_t used = 6;

	for (size_t i = 0; i < ARRAY_SIZE(denied); i++) {
		code[used++] = (struct sock_filter)IS(denied[i], 0, 1);
		code[used++] = (struct sock_filter)END(SECCOMP_RET_ERRNO | EPERM);
	}
	const struct sock_filter rest[] = {
		/* The flags of clone3 are out of sight; libc takes the other then. */
		IS(SYS_clone3, 0, 1), END(SECCOMP_RET_ERRNO | ENOSYS),
		IS(SYS_clone, 0, 3), LOAD(args[0]), HAS(CLONE_NEWUSER, 0, 1), END(SECCOMP_RET_ERRNO | EPERM),
		END(SECCOMP_RET_ALLOW),
	};
	for (size_t i = 0; i < ARRAY_SIZE(rest); i++)
		code[used++] = rest[i];
	struct sock_fprog program = { (unsigned short)used, code };
	return RESULT(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program));
}

static bool is_kept(unsigned capability)
{
	for (size_t i = 0; i < ARRAY_SIZE(capabilities); i++)
		if (capabilities[i] == capability)
			return true;
	return false;
}

int fuse_confine(void)
{
	const struct rlimit none = { 0, 0 };
	int r = RESULT(setrlimit(RLIMIT_CORE, &none));

	/* Root of its user namespace gets at exec what the bounding set has (capabilities(7)). */
	for (unsigned i = 0; r == 0 && prctl(PR_CAPBSET_READ, i, 0, 0, 0) >= 0; i++)
		if (!is_kept(i))
			r = RESULT(prctl(PR_CAPBSET_DROP, i, 0, 0, 0));
	if (r == 0)
		r = RESULT(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	return r < 0 ? r : load_filter();
}
