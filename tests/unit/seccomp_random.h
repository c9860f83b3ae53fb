/* tests/unit/seccomp_random.h - random rules and arguments for seccomp programs, the same every run. */
#ifndef CUDDY_TESTS_SECCOMP_RANDOM_H
#define CUDDY_TESTS_SECCOMP_RANDOM_H

#include "backend/seccomp.h"
#include "policy/syscalls.h"
#include "tap.h"

static uint64_t state = 88172645463325252u;
static inline uint64_t rnd(void) /* xorshift64 */
{
	state ^= state << 13;
	state ^= state >> 7;
	return state ^= state << 17;
}

#define RULES 700 /* more than a test makes */

/* Values near the interesting ones, with garbage above bit 31. */
static inline uint64_t random_argument(void)
{
	static const uint32_t seeds[] = {
		0, 1, 2, 3, 10, 16, 17, 40, 0x802, 0x80003, 0x5412, 0x541c, 0x5423, 0xffffffff,
		0x10000000, 0x20000, 0x80, 0x2000000, 0x40000000, 0x1200011, 0x003d0f00, 0100, 0101,
		020200000, 04755, 02755, 0644, 0020666, 0060666, 0104755, 0010644, 0140000, 06000,
	};
	uint32_t value = seeds[rnd() % ARRAY_SIZE(seeds)];

	switch (rnd() % 5) {
	case 0:
		value ^= 1u << rnd() % 32;
		break;
	case 1:
		value |= seeds[rnd() % ARRAY_SIZE(seeds)];
		break;
	case 2:
		value = rnd() % 20 ? value : (uint32_t)rnd();
	}
	return (rnd() % 2 ? rnd() << 32 : 0) | value;
}

/* Do arguments of that call matter? */
static inline bool has_classes(int abi, int nr)
{
	for (size_t i = 0; i < syscall_class_count; i++)
		if (syscalls[syscall_classes[i].call].number[abi] == nr)
			return true;
	return false;
}

#endif
