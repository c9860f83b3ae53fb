/* policy/syscalls.h - the names, numbers and argument classes of system calls.
 *
 * A rule speaks of NAME (ordinary arguments) or NAME(CLASS): `clone(user-namespace)`.  A call
 * that is made *needs* every class that its arguments fall in, or the ordinary class when in
 * none. */
#ifndef CUDDY_POLICY_SYSCALLS_H
#define CUDDY_POLICY_SYSCALLS_H

#include "base/macros.h"

enum abi { ABI_X86_64, ABI_I386, ABI_AARCH64, ABI_ARM, ABI_COUNT };

enum call {
#define SYSCALL(name, ...) CALL_##name,
#include "policy/syscalls.def"
#undef SYSCALL
	CALL_COUNT
};

#define SYSCALL_NEWEST 469	 /* file_setattr, Linux 6.18: numbers above are unknown */
#define SYSCALL_ARM_BASE 0xf0000 /* arm keeps a few calls of its own from here on */
#define SYSCALL_ARM_LAST 0xf0006

struct syscall {
	char name[32]; /* no pointer: a table without any is the same pages in every process */
	int number[ABI_COUNT]; /* -1: this architecture has no such call */
};
extern const struct syscall syscalls[CALL_COUNT]; /* sorted by name; index: enum call */

/* (argument & mask) == value, or != when negated.  Only the low 32 bits of an argument are
 * looked at: the kernel takes int, unsigned int or umode_t wherever this is used. */
struct syscall_condition {
	uint32_t mask, value; /* mask 0 ends a list */
	uint8_t argument;
	bool negate;
};

#define CLASS_ORDINARY 0
#define CLASS_COUNT 9
#define CLASS_CONDITIONS 7

/* The arguments fall in the class when all conditions of one of its rows hold. */
struct syscall_class {
	enum call call;
	uint8_t class;	  /* CLASS_ORDINARY: only another name of it, without conditions */
	char name[16];	  /* as in NAME(CLASS) */
	struct syscall_condition conditions[CLASS_CONDITIONS];
};
extern const struct syscall_class syscall_classes[]; /* sorted by call, then class */
extern const size_t syscall_class_count;

/* The call of that name, or -ENOENT. */
int syscall_find(const char *name, size_t length);

/* Parses "socket" or "socket(inet)".  -ENOENT: no such call; -EINVAL: it has no such class. */
int syscall_parse(const char *text, enum call *ret_call, unsigned *ret_class);

/* "inet" for the class of `socket`; NULL for ordinary arguments. */
const char *syscall_class_name(enum call call, unsigned class);

/* Calls that libraries fall back from: they answer ENOSYS instead of EPERM when not granted,
 * for their arguments lie in memory, where a filter can't look. */
bool syscall_hides(enum call call);

#endif
