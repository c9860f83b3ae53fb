/* tests/unit/test_seccomp.c - is a seccomp program what its rules say?
 *
 * The expectation is written here a second time, plainly and from the manual pages, not from
 * the emitter's tables: a classifier per call and a loop over the rules.  Last the kernel is asked;
 * libseccomp is in test_seccomp_peer.c. */
#include "bpf.h"
#include "seccomp_random.h"

#include <errno.h>
#include <linux/audit.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const uint32_t archs[] = { AUDIT_ARCH_X86_64, AUDIT_ARCH_I386, AUDIT_ARCH_AARCH64,
				  AUDIT_ARCH_ARM };

/* ---- the plain evaluation ---- */

static unsigned bit(const char *call, const char *class)
{
	char text[64];
	enum call found;
	unsigned number;

	snprintf(text, sizeof(text), "%s(%s)", call, class);
	if (syscall_parse(text, &found, &number) < 0)
		abort();
	return 1u << number;
}

static unsigned socket_needs(const char *n, uint32_t family, uint32_t type, uint32_t protocol)
{
	bool is_inet = family == 2 || family == 10;
	unsigned needs = 0;

	switch (family) {
	case 1:
		return 0;
	case 2:
		needs = bit(n, "inet");
		break;
	case 10:
		needs = bit(n, "inet6");
		break;
	case 16:
		return bit(n, protocol ? "other" : "netlink-route");
	case 17:
		return bit(n, "packet");
	case 40:
		return bit(n, "vsock");
	default:
		return bit(n, "other");
	}
	if (is_inet && protocol > 255)
		needs |= bit(n, "other"); /* MPTCP, and what does not exist */
	if (is_inet && (type & 15) == 3)
		needs |= bit(n, "raw");
	if (family == 2 && (type & 15) == 10)
		needs |= bit(n, "packet");
	return needs;
}

static unsigned mode_needs(const char *n, uint32_t mode, bool is_node)
{
	unsigned needs = mode & 06000 ? bit(n, "set-id") : 0;

	if (is_node && ((mode & 0170000) == 0020000 || (mode & 0170000) == 0060000))
		needs |= bit(n, "device");
	return needs;
}

static bool is_one_of(const char *name, const char *list)
{
	char word[64];

	snprintf(word, sizeof(word), " %s ", name);
	return strstr(list, word) != NULL;
}

/* Bits of the classes that these arguments need; 0: ordinary. */
static unsigned plain_needs(const char *n, const __u64 *args)
{
	uint32_t a[4] = { (uint32_t)args[0], (uint32_t)args[1], (uint32_t)args[2],
			  (uint32_t)args[3] };

	if (is_one_of(n, " clone unshare ")) {
		uint32_t others = 0x20000u | 0x2000000u | 0x4000000u | 0x8000000u | 0x20000000u |
				  0x40000000u | (*n == 'u' ? 0x80u : 0);
		return (a[0] & 0x10000000u ? bit(n, "user-namespace") : 0) |
		       (a[0] & others ? bit(n, "namespaces") : 0);
	}
	if (!strcmp(n, "ioctl"))
		return a[1] == 0x5412 ? bit(n, "TIOCSTI") : a[1] == 0x541c ? bit(n, "TIOCLINUX") :
		       a[1] == 0x5423 ? bit(n, "TIOCSETD") : 0;
	if (!strcmp(n, "socket"))
		return socket_needs(n, a[0], a[1], a[2]);
	if (!strcmp(n, "socketpair"))
		return a[0] == 1 ? 0 : bit(n, "other");
	if (!strcmp(n, "personality"))
		return a[0] == 0 || a[0] == 0xffffffff ? 0 : bit(n, "any");
	if (!strcmp(n, "open"))
		return a[1] & 020000100 ? mode_needs(n, a[2], false) : 0;
	if (!strcmp(n, "openat"))
		return a[2] & 020000100 ? mode_needs(n, a[3], false) : 0;
	if (is_one_of(n, " chmod fchmod creat mkdir "))
		return mode_needs(n, a[1], false);
	if (is_one_of(n, " fchmodat fchmodat2 mkdirat "))
		return mode_needs(n, a[2], false);
	if (!strcmp(n, "mknod") || !strcmp(n, "mknodat"))
		return mode_needs(n, a[n[5] ? 2 : 1], true);
	return 0;
}

static unsigned plain_class(unsigned call, unsigned class, const struct seccomp_rule *rules,
			    size_t count)
{
	unsigned lowest_all = 0, lowest = 0;
	bool allowed = false;

	for (size_t i = 0; i < count; i++) {
		const struct seccomp_rule *r = &rules[i];

		if (r->call != call)
			continue;
		if (!r->verdict)
			allowed |= r->class == class;
		else if (!r->class)
			lowest_all = !lowest_all || r->verdict < lowest_all ? r->verdict : lowest_all;
		else if (r->class == class)
			lowest = !lowest || r->verdict < lowest ? r->verdict : lowest;
	}
	if (lowest_all || lowest)
		return lowest_all ? lowest_all : lowest;
	if (allowed)
		return 0;
	return is_one_of(syscalls[call].name, " clone3 openat2 io_uring_setup io_uring_enter "
			 "io_uring_register ") ? ENOSYS :
	       strcmp(syscalls[call].name, "socket") == 0 ? EAFNOSUPPORT : EPERM;
}

static uint32_t plain_verdict(int abi, const struct seccomp_data *data,
			      const struct seccomp_rule *rules, size_t count)
{
	unsigned call = 0, needs, answer = 0;

	while (call < CALL_COUNT && syscalls[call].number[abi] != data->nr)
		call++;
	if (call == CALL_COUNT || data->nr < 0)
		return SECCOMP_RET_ERRNO | ENOSYS;
	needs = plain_needs(syscalls[call].name, data->args);
	if (!needs)
		needs = 1u << CLASS_ORDINARY;
	for (unsigned class = 0; class < CLASS_COUNT && !answer; class++)
		if (needs & 1u << class)
			answer = plain_class(call, class, rules, count);
	return answer ? SECCOMP_RET_ERRNO | answer : SECCOMP_RET_ALLOW;
}

/* ---- random rules, random requests ---- */

static struct seccomp_rule rules[RULES];

static size_t random_rules(unsigned percent_allowed)
{
	size_t count = 0;

	for (unsigned call = 0; call < CALL_COUNT; call++)
		if (rnd() % 100 < percent_allowed)
			rules[count++] = (struct seccomp_rule){ .call = (uint16_t)call };
	for (size_t i = 0; i < syscall_class_count; i++)
		if (syscall_classes[i].class && rnd() % 3)
			rules[count++] = (struct seccomp_rule){
				.call = (uint16_t)syscall_classes[i].call,
				.class = syscall_classes[i].class,
				.verdict = rnd() % 5 ? 0 : (uint16_t)(1 + rnd() % 40),
			};
	for (size_t i = 0; i < 10; i++)
		rules[count++] = (struct seccomp_rule){ .call = (uint16_t)(rnd() % CALL_COUNT),
							.verdict = (uint16_t)(1 + rnd() % 40) };
	for (size_t i = count - 1; i > 0; i--) {
		size_t j = rnd() % (i + 1);
		struct seccomp_rule other = rules[i];

		rules[i] = rules[j];
		rules[j] = other;
	}
	return count;
}

static bool agrees(int abi, const struct sock_filter *code, size_t length, int nr, size_t count)
{
	struct seccomp_data data = { .nr = nr, .arch = archs[abi], .instruction_pointer = rnd() };
	uint32_t is, expected;

	for (size_t i = 0; i < 6; i++)
		data.args[i] = random_argument();
	is = bpf_run(code, length, &data);
	expected = plain_verdict(abi, &data, rules, count);
	if (is != expected)
		printf("# abi %d nr %d args %llx %llx %llx %llx: is %x, expected %x\n", abi, nr,
		       data.args[0], data.args[1], data.args[2], data.args[3], is, expected);
	return is == expected;
}

static bool numbers_agree(int abi, const struct sock_filter *code, size_t length, size_t count)
{
	static const int odd[] = { -1, INT32_MIN, INT32_MAX, 0xeffff, 0xf0000, 0xf0001, 0xf0002,
				   0xf0003, 0xf0004, 0xf0005, 0xf0006, 0xf0007 };
	bool good = true;

	for (int nr = 0; nr < 1024 && good; nr++) {
		for (int i = has_classes(abi, nr) ? 300 : 2; i > 0 && good; i--)
			good = agrees(abi, code, length, nr, count);
		good = good && agrees(abi, code, length, nr | 0x40000000, count);
	}
	for (size_t i = 0; i < ARRAY_SIZE(odd) && good; i++)
		good = agrees(abi, code, length, odd[i], count);
	return good;
}

static bool others_die(const struct sock_filter *code, size_t length, int abi, bool has_twin)
{
	static const uint32_t more[] = { 0, 0xffffffff, AUDIT_ARCH_PPC64LE, AUDIT_ARCH_RISCV64 };
	struct seccomp_data data = { 0 };
	bool good = true;

	for (size_t i = 0; i < ARRAY_SIZE(archs) + ARRAY_SIZE(more); i++) {
		bool ours = i < 4 && ((int)i == abi || (has_twin && (int)i == abi + 1));

		data.arch = i < 4 ? archs[i] : more[i - 4];
		for (data.nr = 0; data.nr < 1024 && good; data.nr++)
			good = (bpf_run(code, length, &data) == SECCOMP_RET_KILL_PROCESS) == !ours;
	}
	return good;
}

static void test_agreement(void)
{
	static const char *const names[] = { "x86_64", "i386", "aarch64", "arm" };
	char name[96];

	for (int abi = 0; abi < ABI_COUNT; abi++) {
		bool good = true, deadly = true;
		size_t longest = 0;

		for (int round = 0; round < 40 && good && deadly; round++) {
			CLEANUP(arena_freep) struct arena *arena = arena_new();
			size_t count = random_rules((unsigned)round * 100 / 39), length;
			unsigned flags = round % 2 ? SECCOMP_FOREIGN_ABI : 0;
			bool twin = flags && (abi == ABI_X86_64 || abi == ABI_AARCH64);
			struct sock_filter *code;

			good = !seccomp_build_for(arena, (enum abi)abi, rules, count, flags, &code,
						  &length) &&
			       numbers_agree(abi, code, length, count) &&
			       (!twin || numbers_agree(abi + 1, code, length, count));
			deadly = good && others_die(code, length, abi, twin);
			longest = length > longest ? length : longest;
		}
		snprintf(name, sizeof(name), "%s: program equals rules (longest %zu)", names[abi],
			 longest);
		ok(good, "%s", name);
		snprintf(name, sizeof(name), "%s: every other architecture is killed", names[abi]);
		ok(deadly, "%s", name);
	}
}

static void test_order(void)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	size_t count = random_rules(60), one, two;
	struct sock_filter *first, *second;
	static struct seccomp_rule back[RULES];

	for (size_t i = 0; i < count; i++)
		back[i] = rules[count - 1 - i];
	ok(!seccomp_build(arena, rules, count, 1, &first, &one) &&
	      !seccomp_build(arena, back, count, 1, &second, &two) && one == two &&
	      !memcmp(first, second, one * sizeof(*first)), "the order of rules changes nothing");
}

static void test_bad_rules(void)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	static const struct seccomp_rule bad[] = {
		{ CALL_COUNT, 0, 0 }, { CALL_read, 1, 0 }, { CALL_socket, 8, 0 },
		{ CALL_read, CLASS_COUNT, 0 }, { CALL_read, 255, 0 }, { CALL_read, 0, 4096 },
	};
	struct sock_filter *code;
	size_t length;
	bool good = true;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		good = good && seccomp_build(arena, &bad[i], 1, 0, &code, &length) == -EINVAL;
	ok(good, "rules out of range are refused");
}

/* ---- the kernel ---- */

static int in_child(const struct sock_filter *code, size_t length)
{
	struct sock_fprog program = { (unsigned short)length, (struct sock_filter *)code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program))
		return 2;
	if (syscall(SYS_getpid) <= 0)
		return 3;
	if (syscall(SYS_getuid) != -1 || errno != EPERM)
		return 4;
	if (syscall(1000) != -1 || errno != ENOSYS)
		return 5;
	if (syscall(SYS_ioctl, 0, 0xf00000005412, 0) != -1 || errno != EACCES)
		return 6;
	if (syscall(SYS_socket, 2, 3, 0) != -1 || errno != EAFNOSUPPORT)
		return 7;
	return 0;
}

static void test_kernel(void)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	static const struct seccomp_rule some[] = {
		{ CALL_getpid, 0, 0 }, { CALL_exit_group, 0, 0 }, { CALL_ioctl, 0, 0 },
		{ CALL_ioctl, 1, EACCES }, { CALL_socket, 0, 0 }, { CALL_socket, 1, 0 },
	};
	struct sock_filter *code;
	size_t length;
	int status = -1;
	pid_t pid;

	if (!ok(!seccomp_build(arena, some, ARRAY_SIZE(some), SECCOMP_FOREIGN_ABI, &code, &length),
		"a program for the kernel"))
		return;
	fflush(stdout);
	pid = fork();
	if (pid == 0)
		syscall(SYS_exit_group, in_child(code, length));
	waitpid(pid, &status, 0);
	if (status)
		printf("# status %x\n", status);
	ok(status == 0, "the kernel takes it and does the same");
}

/* ---- cost ---- */

static double microseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static void test_cost(void)
{
	double best[2] = { 1e9, 1e9 };
	size_t count = 0, length[2] = { 0 }, most = 0;

	for (unsigned call = 0; count < 300; call++)
		if (syscalls[call].number[ABI_X86_64] >= 0 && rnd() % 10)
			rules[count++] = (struct seccomp_rule){ .call = (uint16_t)call };
	for (unsigned flags = 0; flags < 2; flags++) {
		CLEANUP(arena_freep) struct arena *arena = arena_new();
		struct sock_filter *code = NULL;

		for (int i = 0; i < 200; i++) {
			double start = microseconds(), took;

			must(!seccomp_build_for(arena, ABI_X86_64, rules, count, flags, &code,
						&length[flags]));
			took = microseconds() - start;
			best[flags] = took < best[flags] ? took : best[flags];
		}
		for (int nr = 0; nr < 470 && !flags; nr++) {
			struct seccomp_data data = { .nr = nr, .arch = AUDIT_ARCH_X86_64 };

			bpf_run(code, length[flags], &data);
			if (!has_classes(ABI_X86_64, nr))
				most = bpf_steps > most ? bpf_steps : most;
		}
	}
	printf("# 300 calls: %zu instructions in %.1f us; with i386 %zu in %.1f us; a call without "
	       "classes passes %zu\n", length[0], best[0], length[1], best[1], most);
	ok(most <= 14, "the tree is balanced");
}

int main(void)
{
	test_agreement();
	test_order();
	test_bad_rules();
	test_kernel();
	test_cost();
	return done();
}
