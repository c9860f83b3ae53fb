/* tests/unit/test_seccomp_peer.c - libseccomp, loaded when it is there: do its numbers of calls and its
 * verdicts equal ours? */
#include "base/limits.h"
#include "bpf.h"
#include "seccomp_random.h"

#include <dlfcn.h>
#include <errno.h>
#include <linux/audit.h>
#include <sys/mman.h>
#include <unistd.h>
#if __has_include(<seccomp.h>)
#include <seccomp.h>
#define HAVE_LIBSECCOMP 1
#endif

/* ---- libseccomp, loaded when it is there ---- */

#ifdef HAVE_LIBSECCOMP
static struct seccomp_rule rules[RULES];

struct peer {
	__typeof__(&seccomp_init) init;
	__typeof__(&seccomp_rule_add) add;
	__typeof__(&seccomp_export_bpf) export;
	__typeof__(&seccomp_release) release;
};

/* Allows one call's ordinary arguments; 1 where libseccomp has no words for them.  All are
 * masked: its own _32 comparisons look at the high half too. */
static int peer_allow(const struct peer *peer, scmp_filter_ctx filter, enum call call)
{
	static const struct {
		enum call call;
		unsigned argument;
		uint64_t mask, values[2];
	} words[] = {
		{ CALL_unshare, 0, 0x7e020080, { 0, 0 } },
		{ CALL_clone, 0, 0x7e020000, { 0, 0 } },
		{ CALL_chmod, 1, 06000, { 0, 0 } },
		{ CALL_fchmodat, 2, 06000, { 0, 0 } },
		{ CALL_mkdir, 1, 06000, { 0, 0 } },
		{ CALL_socket, 0, 0xffffffff, { 1, 1 } },
		{ CALL_socketpair, 0, 0xffffffff, { 1, 1 } },
		{ CALL_personality, 0, 0xffffffff, { 0, 0xffffffff } },
	};
	int nr = syscalls[call].number[ABI_X86_64], r = 0;

	if (!has_classes(ABI_X86_64, nr))
		return peer->add(filter, SCMP_ACT_ALLOW, nr, 0);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (words[i].call != call)
			continue;
		for (int k = 0; k <= (words[i].values[0] != words[i].values[1]) && !r; k++)
			r = peer->add(filter, SCMP_ACT_ALLOW, nr, 1,
				      SCMP_CMP64(words[i].argument, SCMP_CMP_MASKED_EQ,
						 words[i].mask, words[i].values[k]));
		return r;
	}
	return 1;
}

static bool same_verdicts(const struct sock_filter *ours, size_t length,
			  const struct sock_filter *theirs, size_t their_length)
{
	for (unsigned call = 0; call < CALL_COUNT; call++)
		for (int i = 0; i < 100; i++) {
			struct seccomp_data data = { .nr = syscalls[call].number[ABI_X86_64],
						     .arch = AUDIT_ARCH_X86_64 };

			for (size_t k = 0; k < 6; k++)
				data.args[k] = random_argument();
			if (data.nr < 0 ||
			    (bpf_run(ours, length, &data) == SECCOMP_RET_ALLOW) ==
			    (bpf_run(theirs, their_length, &data) == SECCOMP_RET_ALLOW))
				continue;
			printf("# %s differs\n", syscalls[call].name);
			return false;
		}
	return true;
}

static bool peer_agrees(void *library)
{
	const struct peer peer = {
		(__typeof__(peer.init))dlsym(library, "seccomp_init"),
		(__typeof__(peer.add))dlsym(library, "seccomp_rule_add"),
		(__typeof__(peer.export))dlsym(library, "seccomp_export_bpf"),
		(__typeof__(peer.release))dlsym(library, "seccomp_release"),
	};
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	static struct sock_filter theirs[LIMIT_FILTER];
	struct sock_filter *ours;
	size_t count = 0, length, their_length;
	scmp_filter_ctx filter = peer.init(SCMP_ACT_ERRNO(EPERM));
	int fd = memfd_create("peer", MFD_CLOEXEC), r = 0;
	ssize_t bytes;

	for (unsigned call = 0; call < CALL_COUNT && r >= 0; call++) {
		if (syscalls[call].number[ABI_X86_64] < 0 || rnd() % 3 == 0)
			continue;
		r = peer_allow(&peer, filter, (enum call)call);
		if (r == 0)
			rules[count++] = (struct seccomp_rule){ .call = (uint16_t)call };
	}
	if (r >= 0)
		r = peer.export(filter, fd);
	peer.release(filter);
	bytes = pread(fd, theirs, sizeof(theirs), 0);
	close(fd);
	if (r < 0 || bytes <= 0 ||
	    seccomp_build_for(arena, ABI_X86_64, rules, count, 0, &ours, &length))
		return false;
	their_length = (size_t)bytes / sizeof(*theirs);
	printf("# %zu rules: ours %zu instructions, libseccomp %zu\n", count, length, their_length);
	return same_verdicts(ours, length, theirs, their_length);
}

static bool peer_numbers(void *library)
{
	__typeof__(&seccomp_syscall_resolve_name_arch) resolve =
		(__typeof__(&seccomp_syscall_resolve_name_arch))
		dlsym(library, "seccomp_syscall_resolve_name_arch");
	static const uint32_t tokens[] = { SCMP_ARCH_X86_64, SCMP_ARCH_X86, SCMP_ARCH_AARCH64,
					   SCMP_ARCH_ARM };
	bool good = true;

	for (unsigned call = 0; call < CALL_COUNT; call++)
		for (int abi = 0; abi < ABI_COUNT; abi++) {
			int theirs = resolve(tokens[abi], syscalls[call].name);

			if (theirs >= 0 && theirs != syscalls[call].number[abi]) {
				printf("# %s: %d\n", syscalls[call].name, theirs);
				good = false;
			}
		}
	return good;
}

static void test_peer(void)
{
	void *library = dlopen("libseccomp.so.2", RTLD_NOW);
	bool good = true;

	if (!library) {
		ok(true, "libseccomp # SKIP not installed");
		return;
	}
	ok(peer_numbers(library), "numbers are libseccomp's");
	for (int i = 0; i < 5; i++)
		good = good && peer_agrees(library);
	ok(good, "verdicts are libseccomp's");
	dlclose(library);
}
#else
static void test_peer(void)
{
	ok(true, "libseccomp # SKIP built without its header");
}
#endif

int main(void)
{
	test_peer();
	return done();
}
