/* policy/syscalls.c - the tables behind rules about system calls, and their lookup.
 *
 * Numbers come from syscalls.def.  The classes say which arguments make an ordinary call a
 * dangerous one.  Numbers of flags are written out: the headers of this machine must not decide
 * what another architecture's filter looks for, and they are equal on all four. */
#include "policy/syscalls.h"

#include <errno.h>
#include <string.h>

const struct syscall syscalls[CALL_COUNT] = {
#define SYSCALL(name, ...) { #name, { __VA_ARGS__ } },
#include "policy/syscalls.def"
#undef SYSCALL
};

#define IS(argument, value)           { 0xffffffff, value, argument, false }
#define NOT(argument, value)          { 0xffffffff, value, argument, true }
#define MASKED(argument, mask, value) { mask, value, argument, false }
#define SOME(argument, bits)          { bits, 0, argument, true }

#define SET_ID     06000		/* S_ISUID | S_ISGID */
#define CREATES    (0100 | 020000000)	/* O_CREAT, or the bit that makes O_TMPFILE */
#define NEW_USER   0x10000000		/* CLONE_NEWUSER */
#define NEW_OTHERS 0x6e020000		/* CLONE_NEW: NS, CGROUP, UTS, IPC, PID, NET */
#define NEW_TIME   0x00000080		/* CLONE_NEWTIME; in clone() these bits are a signal */
enum { UNIX = 1, INET = 2, INET6 = 10, NETLINK = 16, PACKET = 17, VSOCK = 40 };
#define BIG_PROTOCOL 0xffffff00 /* above a byte only IPPROTO_MPTCP, 262: libraries fall back to TCP */

/* socket(AF_INET, SOCK_PACKET) becomes AF_PACKET in __sock_create() of the kernel. */
const struct syscall_class syscall_classes[] = {
	{ CALL_chmod, 1, "set-id", { SOME(1, SET_ID) } },
	{ CALL_clone, 1, "user-namespace", { SOME(0, NEW_USER) } },
	{ CALL_clone, 2, "namespaces", { SOME(0, NEW_OTHERS) } },
	{ CALL_creat, 1, "set-id", { SOME(1, SET_ID) } },
	{ CALL_fchmod, 1, "set-id", { SOME(1, SET_ID) } },
	{ CALL_fchmodat, 1, "set-id", { SOME(2, SET_ID) } },
	{ CALL_fchmodat2, 1, "set-id", { SOME(2, SET_ID) } },
	{ CALL_ioctl, 1, "TIOCSTI", { IS(1, 0x5412) } },
	{ CALL_ioctl, 2, "TIOCLINUX", { IS(1, 0x541c) } },
	{ CALL_ioctl, 3, "TIOCSETD", { IS(1, 0x5423) } },
	{ CALL_mkdir, 1, "set-id", { SOME(1, SET_ID) } },
	{ CALL_mkdirat, 1, "set-id", { SOME(2, SET_ID) } },
	{ CALL_mknod, 1, "set-id", { SOME(1, SET_ID) } },
	{ CALL_mknod, 2, "device", { MASKED(1, 0170000, 0020000) } },
	{ CALL_mknod, 2, "device", { MASKED(1, 0170000, 0060000) } },
	{ CALL_mknodat, 1, "set-id", { SOME(2, SET_ID) } },
	{ CALL_mknodat, 2, "device", { MASKED(2, 0170000, 0020000) } },
	{ CALL_mknodat, 2, "device", { MASKED(2, 0170000, 0060000) } },
	{ CALL_open, 1, "set-id", { SOME(1, CREATES), SOME(2, SET_ID) } },
	{ CALL_openat, 1, "set-id", { SOME(2, CREATES), SOME(3, SET_ID) } },
	{ CALL_personality, 1, "any", { NOT(0, 0), NOT(0, 0xffffffff) } },
	{ CALL_socket, 0, "unix", { { 0 } } },
	{ CALL_socket, 1, "inet", { IS(0, INET) } },
	{ CALL_socket, 2, "inet6", { IS(0, INET6) } },
	{ CALL_socket, 3, "netlink-route", { IS(0, NETLINK), IS(2, 0) } },
	{ CALL_socket, 4, "raw", { IS(0, INET), MASKED(1, 0xf, 3) } },
	{ CALL_socket, 4, "raw", { IS(0, INET6), MASKED(1, 0xf, 3) } },
	{ CALL_socket, 5, "packet", { IS(0, PACKET) } },
	{ CALL_socket, 5, "packet", { IS(0, INET), MASKED(1, 0xf, 10) } },
	{ CALL_socket, 6, "vsock", { IS(0, VSOCK) } },
	{ CALL_socket, 7, "other", { NOT(0, UNIX), NOT(0, INET), NOT(0, INET6),
		NOT(0, NETLINK), NOT(0, PACKET), NOT(0, VSOCK) } },
	{ CALL_socket, 7, "other", { IS(0, NETLINK), NOT(2, 0) } },
	{ CALL_socket, 7, "other", { IS(0, INET), SOME(2, BIG_PROTOCOL) } },
	{ CALL_socket, 7, "other", { IS(0, INET6), SOME(2, BIG_PROTOCOL) } },
	{ CALL_socketpair, 0, "unix", { { 0 } } },
	{ CALL_socketpair, 1, "other", { NOT(0, UNIX) } },
	{ CALL_unshare, 1, "user-namespace", { SOME(0, NEW_USER) } },
	{ CALL_unshare, 2, "namespaces", { SOME(0, NEW_OTHERS | NEW_TIME) } },
};
const size_t syscall_class_count = ARRAY_SIZE(syscall_classes);

static const enum call hiding[] = {
	CALL_clone3, CALL_io_uring_enter, CALL_io_uring_register, CALL_io_uring_setup,
	CALL_openat2,
};

/* As strncmp(name, other, length), but that `other` must end there too.  In place: thousands of names are
 * looked up at each start. */
static int name_order(const char *name, size_t length, const char *other)
{
	size_t i = 0;

	while (i < length && name[i] == other[i])
		i++;
	if (i == length)
		return other[i] ? -1 : 0;
	return (unsigned char)name[i] < (unsigned char)other[i] ? -1 : 1;
}

int syscall_find(const char *name, size_t length)
{
	size_t low = 0, high = CALL_COUNT;

	while (low < high) {
		size_t middle = (low + high) / 2;
		int order = name_order(name, length, syscalls[middle].name);

		if (order == 0)
			return (int)middle;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return -ENOENT;
}

static int class_find(enum call call, const char *name, size_t length)
{
	for (size_t i = 0; i < syscall_class_count; i++) {
		const struct syscall_class *row = &syscall_classes[i];

		if (row->call == call && strlen(row->name) == length &&
		    !strncmp(row->name, name, length))
			return row->class;
	}
	return -EINVAL;
}

int syscall_parse(const char *text, enum call *ret_call, unsigned *ret_class)
{
	size_t length = strlen(text), name = strcspn(text, "(");
	int class = CLASS_ORDINARY;
	int call = name ? syscall_find(text, name) : -ENOENT;

	if (call < 0)
		return call;
	if (name < length) {
		if (text[length - 1] != ')')
			return -EINVAL;
		class = class_find((enum call)call, text + name + 1, length - name - 2);
		if (class < 0)
			return class;
	}
	*ret_call = (enum call)call;
	*ret_class = (unsigned)class;
	return 0;
}

const char *syscall_class_name(enum call call, unsigned class)
{
	for (size_t i = 0; class != CLASS_ORDINARY && i < syscall_class_count; i++)
		if (syscall_classes[i].call == call && syscall_classes[i].class == class)
			return syscall_classes[i].name;
	return NULL;
}

bool syscall_hides(enum call call)
{
	for (size_t i = 0; i < ARRAY_SIZE(hiding); i++)
		if (hiding[i] == call)
			return true;
	return false;
}
