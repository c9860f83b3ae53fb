/* backend/seccomp.c - writes seccomp programs: rules in, classic BPF out.
 *
 * 1. gather: rules become one cell per call: which classes are allowed, which error denies.
 * 2. flatten: per architecture, calls become number ranges with one action each.
 * 3. emit: architecture check, then a balanced tree of comparisons over the ranges, whose
 *    leaves are a return or, where arguments count, a block of tests that ends in returns.
 * Must not: depend on the order of rules, on the machine's headers for numbers, or look at
 * anything but registers (memory that an argument points to may change behind our back). */
#include "backend/seccomp.h"
#include "base/limits.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <string.h>

#if defined(__x86_64__)
#define NATIVE ABI_X86_64
#elif defined(__i386__)
#define NATIVE ABI_I386
#elif defined(__aarch64__)
#define NATIVE ABI_AARCH64
#elif defined(__arm__)
#define NATIVE ABI_ARM
#else
#error "add this architecture to policy/syscalls.def"
#endif
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "low_word() assumes that the low half of an argument comes first"
#endif

static const uint32_t audit_names[ABI_COUNT] = {
	[ABI_X86_64] = AUDIT_ARCH_X86_64,   [ABI_I386] = AUDIT_ARCH_I386,
	[ABI_AARCH64] = AUDIT_ARCH_AARCH64, [ABI_ARM] = AUDIT_ARCH_ARM,
};
static const int twins[ABI_COUNT] = {
	[ABI_X86_64] = ABI_I386, [ABI_I386] = -1, [ABI_AARCH64] = ABI_ARM, [ABI_ARM] = -1,
};

#define NUMBERS (SYSCALL_NEWEST + 1)
#define ARM_NUMBERS (SYSCALL_ARM_LAST - SYSCALL_ARM_BASE + 1)
#define RANGES (NUMBERS + ARM_NUMBERS + 3)
#define ANSWER(error) (SECCOMP_RET_ERRNO | (uint32_t)(error))

/* An action is SECCOMP_RET_ALLOW, ANSWER(errno), or BLOCK | call: the arguments decide. */
#define BLOCK 0x80000000u

struct cell {
	uint16_t allowed;		/* bit per class */
	uint16_t denied[CLASS_COUNT];	/* errno, 0: not denied */
};

struct range {
	uint32_t first; /* up to the next range's first */
	uint32_t action;
};

struct emitter {
	struct cell cells[CALL_COUNT];
	uint16_t rows[CALL_COUNT + 1];	/* call → first of its rows in syscall_classes */
	uint16_t classes[CALL_COUNT];	/* bit per class that the call has */
	struct range ranges[RANGES];
	size_t range_count;
	struct sock_filter code[LIMIT_FILTER];
	size_t count;
	bool is_full;
};

static void index_classes(struct emitter *e)
{
	size_t row = 0;

	for (size_t call = 0; call < CALL_COUNT; call++) {
		e->rows[call] = (uint16_t)row;
		e->classes[call] = 1 << CLASS_ORDINARY;
		for (; row < syscall_class_count && syscall_classes[row].call == call; row++)
			e->classes[call] |= (uint16_t)(1 << syscall_classes[row].class);
	}
	e->rows[CALL_COUNT] = (uint16_t)row;
	must(row == syscall_class_count); /* else the table is not sorted */
}

static int gather(struct emitter *e, const struct seccomp_rule *rules, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct seccomp_rule *rule = &rules[i];
		struct cell *cell;
		uint16_t *denied;

		if (rule->call >= CALL_COUNT || rule->class >= CLASS_COUNT ||
		    !(e->classes[rule->call] & 1 << rule->class) || rule->verdict > 4095)
			return -EINVAL;
		cell = &e->cells[rule->call];
		denied = &cell->denied[rule->class];
		if (rule->verdict == SECCOMP_VERDICT_ALLOW)
			cell->allowed |= (uint16_t)(1 << rule->class);
		else if (!*denied || rule->verdict < *denied)
			*denied = rule->verdict;
	}
	return 0;
}

/* Programs do without a family of sockets that is not there, not without one that they may not use:
 * useradd(8) gives up when the audit socket answers EPERM. */
static unsigned refusal(enum call call)
{
	return syscall_hides(call) ? ENOSYS : call == CALL_socket ? EAFNOSUPPORT : EPERM;
}

/* The errno of arguments in this class; 0 when they pass. */
static unsigned answer_of(const struct emitter *e, enum call call, unsigned class)
{
	const struct cell *cell = &e->cells[call];

	if (cell->denied[CLASS_ORDINARY])
		return cell->denied[CLASS_ORDINARY];
	if (cell->denied[class])
		return cell->denied[class];
	if (cell->allowed & 1 << class)
		return 0;
	return refusal(call);
}

/* One return for the whole call if its classes agree, else BLOCK. */
static uint32_t action_of(const struct emitter *e, enum call call)
{
	unsigned first = answer_of(e, call, CLASS_ORDINARY);

	for (unsigned class = 1; e->classes[call] >> class; class++)
		if (answer_of(e, call, class) != first)
			return BLOCK | call;
	return first ? ANSWER(first) : SECCOMP_RET_ALLOW;
}

static void add_range(struct emitter *e, uint32_t first, uint32_t action)
{
	if (e->range_count && e->ranges[e->range_count - 1].action == action)
		return;
	must(e->range_count < RANGES);
	e->ranges[e->range_count++] = (struct range){ first, action };
}

static void flatten(struct emitter *e, enum abi abi)
{
	uint32_t low[NUMBERS], high[ARM_NUMBERS];

	for (size_t i = 0; i < NUMBERS; i++)
		low[i] = ANSWER(ENOSYS);
	for (size_t i = 0; i < ARM_NUMBERS; i++)
		high[i] = ANSWER(ENOSYS);
	for (unsigned call = 0; call < CALL_COUNT; call++) {
		int number = syscalls[call].number[abi];

		if (number >= 0 && number < NUMBERS)
			low[number] = action_of(e, call);
		else if (number >= SYSCALL_ARM_BASE && number <= SYSCALL_ARM_LAST)
			high[number - SYSCALL_ARM_BASE] = action_of(e, call);
		else
			must(number < 0);
	}
	e->range_count = 0;
	for (uint32_t i = 0; i < NUMBERS; i++)
		add_range(e, i, low[i]);
	add_range(e, NUMBERS, ANSWER(ENOSYS));
	for (uint32_t i = 0; i < ARM_NUMBERS; i++)
		add_range(e, SYSCALL_ARM_BASE + i, high[i]);
	add_range(e, SYSCALL_ARM_LAST + 1, ANSWER(ENOSYS));
}

static void emit(struct emitter *e, uint16_t code, uint32_t k, unsigned jt, unsigned jf)
{
	if (e->count == LIMIT_FILTER) {
		e->is_full = true;
		return;
	}
	e->code[e->count++] = (struct sock_filter){ code, (uint8_t)jt, (uint8_t)jf, k };
}

static void emit_return(struct emitter *e, uint32_t value)
{
	emit(e, BPF_RET | BPF_K, value, 0, 0);
}

static uint32_t low_word(unsigned argument)
{
	return (uint32_t)(offsetof(struct seccomp_data, args) + 8 * argument);
}

static unsigned condition_length(const struct syscall_condition *condition)
{
	return condition->mask == 0xffffffff ? 2 : 3;
}

/* Returns `value` if all conditions of the row hold, else falls through behind itself. */
static void emit_row(struct emitter *e, const struct syscall_class *row, uint32_t value)
{
	const struct syscall_condition *c = row->conditions;
	unsigned left = 1; /* instructions of the row still to come: the return is one */

	for (size_t i = 0; i < CLASS_CONDITIONS && c[i].mask; i++)
		left += condition_length(&c[i]);
	for (size_t i = 0; i < CLASS_CONDITIONS && c[i].mask; i++) {
		left -= condition_length(&c[i]);
		emit(e, BPF_LD | BPF_W | BPF_ABS, low_word(c[i].argument), 0, 0);
		if (c[i].mask != 0xffffffff)
			emit(e, BPF_ALU | BPF_AND | BPF_K, c[i].mask, 0, 0);
		emit(e, BPF_JMP | BPF_JEQ | BPF_K, c[i].value, c[i].negate ? left : 0,
		     c[i].negate ? 0 : left);
	}
	emit_return(e, value);
}

/* Denied classes first: a call that needs one of them fails whatever else it needs.  Then, if
 * ordinary arguments are denied, the allowed classes; what is left is ordinary. */
static void emit_block(struct emitter *e, enum call call)
{
	unsigned ordinary = answer_of(e, call, CLASS_ORDINARY);

	for (int allows = 0; allows <= (ordinary ? 1 : 0); allows++)
		for (size_t i = e->rows[call]; i < e->rows[call + 1]; i++) {
			const struct syscall_class *row = &syscall_classes[i];
			unsigned answer = answer_of(e, call, row->class);

			if (row->class != CLASS_ORDINARY && (answer == 0) == (allows == 1))
				emit_row(e, row, answer ? ANSWER(answer) : SECCOMP_RET_ALLOW);
		}
	emit_return(e, ordinary ? ANSWER(ordinary) : SECCOMP_RET_ALLOW);
}

/* The tree over ranges [first, last): falls into the left half, jumps to the right one.  Jumps
 * of comparisons reach 255 instructions; only near the root a longer one takes its place. */
static void emit_tree(struct emitter *e, size_t first, size_t last)
{
	size_t middle = (first + last) / 2, at = e->count, length;

	if (last - first == 1) {
		uint32_t action = e->ranges[first].action;

		if (action & BLOCK)
			emit_block(e, (enum call)(action & ~BLOCK));
		else
			emit_return(e, action);
		return;
	}
	emit(e, BPF_JMP | BPF_JGE | BPF_K, e->ranges[middle].first, 0, 0);
	emit_tree(e, first, middle);
	length = e->count - at - 1;
	if (length > UINT8_MAX) {
		emit(e, 0, 0, 0, 0); /* room: jumps inside the left half are relative */
		if (e->is_full)
			return;
		memmove(&e->code[at + 2], &e->code[at + 1], length * sizeof(e->code[0]));
		e->code[at].jf = 1;
		e->code[at + 1] = (struct sock_filter){
			.code = BPF_JMP | BPF_JA,
			.k = (uint32_t)length,
		};
	} else if (!e->is_full) {
		e->code[at].jt = (uint8_t)length;
	}
	emit_tree(e, middle, last);
}

static void emit_abi(struct emitter *e, enum abi abi)
{
	flatten(e, abi);
	emit(e, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr), 0, 0);
	emit_tree(e, 0, e->range_count);
}

static void emit_all(struct emitter *e, enum abi abi, int twin)
{
	size_t jump;

	emit(e, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch), 0, 0);
	if (twin < 0) {
		emit(e, BPF_JMP | BPF_JEQ | BPF_K, audit_names[abi], 1, 0);
		emit_return(e, SECCOMP_RET_KILL_PROCESS);
		emit_abi(e, abi);
		return;
	}
	emit(e, BPF_JMP | BPF_JEQ | BPF_K, audit_names[abi], 3, 0);
	emit(e, BPF_JMP | BPF_JEQ | BPF_K, audit_names[twin], 1, 0);
	emit_return(e, SECCOMP_RET_KILL_PROCESS);
	jump = e->count;
	emit(e, BPF_JMP | BPF_JA, 0, 0, 0);
	emit_abi(e, abi);
	e->code[jump].k = (uint32_t)(e->count - jump - 1);
	emit_abi(e, (enum abi)twin);
}

int seccomp_build_for(struct arena *arena, enum abi abi, const struct seccomp_rule *rules,
		      size_t count, unsigned flags, struct sock_filter **ret, size_t *ret_count)
{
	struct emitter *e = arena_new_object(arena, struct emitter); /* 50 kB, too much for the stack */
	int r;

	index_classes(e);
	r = gather(e, rules, count);
	if (r < 0)
		return r;
	emit_all(e, abi, flags & SECCOMP_FOREIGN_ABI ? twins[abi] : -1);
	if (e->is_full)
		return -E2BIG;
	*ret = e->code;
	*ret_count = e->count;
	return 0;
}

int seccomp_build(struct arena *arena, const struct seccomp_rule *rules, size_t count,
		  unsigned flags, struct sock_filter **ret, size_t *ret_count)
{
	return seccomp_build_for(arena, NATIVE, rules, count, flags, ret, ret_count);
}
