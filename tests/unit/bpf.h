/* tests/unit/bpf.h - runs a seccomp program on given data, as the kernel's checker and
 * interpreter would: what the kernel refuses to load (bad offset, jump outside, no return)
 * aborts. */
#ifndef CUDDY_TESTS_BPF_H
#define CUDDY_TESTS_BPF_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t bpf_steps; /* instructions of the last run */

static inline void bpf_must(int condition, const char *what, size_t at)
{
	if (condition)
		return;
	fprintf(stderr, "bpf: %s at instruction %zu\n", what, at);
	abort();
}

static inline int bpf_compare(uint16_t code, uint32_t a, uint32_t k)
{
	switch (BPF_OP(code)) {
	case BPF_JEQ:
		return a == k;
	case BPF_JGT:
		return a > k;
	case BPF_JGE:
		return a >= k;
	case BPF_JSET:
		return (a & k) != 0;
	}
	bpf_must(0, "unknown comparison", code);
	return 0;
}

static inline uint32_t bpf_run(const struct sock_filter *code, size_t count,
			       const struct seccomp_data *data)
{
	uint32_t a = 0;

	bpf_steps = 0;
	for (size_t at = 0; at < count; at++) {
		const struct sock_filter *i = &code[at];

		bpf_steps++;
		switch (i->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			bpf_must(i->k % 4 == 0 && i->k < sizeof(*data), "bad offset", at);
			memcpy(&a, (const char *)data + i->k, sizeof(a));
			break;
		case BPF_ALU | BPF_AND | BPF_K:
			a &= i->k;
			break;
		case BPF_RET | BPF_K:
			return i->k;
		case BPF_JMP | BPF_JA:
			bpf_must(i->k < count - at, "jump outside", at);
			at += i->k;
			break;
		default:
			bpf_must(BPF_CLASS(i->code) == BPF_JMP && BPF_SRC(i->code) == BPF_K,
				 "unknown instruction", at);
			at += bpf_compare(i->code, a, i->k) ? i->jt : i->jf;
		}
	}
	bpf_must(0, "no return", count);
	return 0;
}

#endif
