/* backend/seccomp.h - turns rules about system calls into a seccomp filter program.
 *
 * A call passes when every class that its arguments need (policy/syscalls.h) is allowed and
 * none is denied; a denied NAME denies all classes of the call, an allowed NAME only its
 * ordinary arguments.  Everything else answers an error; the order of rules never matters. */
#ifndef CUDDY_BACKEND_SECCOMP_H
#define CUDDY_BACKEND_SECCOMP_H

#include "base/arena.h"
#include "policy/syscalls.h"

struct sock_filter;

#define SECCOMP_VERDICT_ALLOW 0

struct seccomp_rule {
	uint16_t call;	  /* enum call */
	uint8_t class;	  /* CLASS_ORDINARY or as in syscall_classes */
	uint16_t verdict; /* SECCOMP_VERDICT_ALLOW or the errno to answer; the lower of two */
};

#define SECCOMP_FOREIGN_ABI 1u /* also accept the 32-bit twin: i386 on x86_64, arm on aarch64 */

/* A program in `arena` for the architecture that we are built for.  In it another architecture
 * kills the process; x32 numbers, gaps and numbers above SYSCALL_NEWEST answer ENOSYS; calls
 * that are known and not granted answer EPERM, those of syscall_hides() ENOSYS.
 *
 * -EINVAL: a
 * rule names no call, class or errno; -E2BIG: longer than LIMIT_FILTER. */
int seccomp_build(struct arena *arena, const struct seccomp_rule *rules, size_t count,
		  unsigned flags, struct sock_filter **ret, size_t *ret_count);

/* The same for any architecture: exports and tests. */
int seccomp_build_for(struct arena *arena, enum abi abi, const struct seccomp_rule *rules,
		      size_t count, unsigned flags, struct sock_filter **ret, size_t *ret_count);

#endif
