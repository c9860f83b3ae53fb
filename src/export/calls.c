/* export/calls.c - what the oracle says of every system call, as cases that exclude each other.
 *
 * Other tools take a list of comparisons without an order, at most one per argument.  So the
 * arguments are split bit by bit until every class of the call is decided, and halves that came
 * out alike are joined again.  Must not: know a call or class by name. */
#include "export/export.h"

#include <errno.h>
#include <string.h>

enum truth { NO, YES, OPEN };
enum { DENIED, ALLOWED, MIXED };

struct splitter {
	struct export *e;
	struct export_call *call;
	size_t first, last;	    /* rows of the call in syscall_classes */
	bool allowed[CLASS_COUNT];
	struct call_case at;
};

static enum truth condition_truth(const struct call_case *at, const struct syscall_condition *c)
{
	uint32_t fixed = at->mask[c->argument] & c->mask;

	if ((at->value[c->argument] ^ c->value) & fixed)
		return c->negate ? YES : NO;
	if (fixed == c->mask)
		return c->negate ? NO : YES;
	return OPEN;
}

/* Also gives the open condition with the most bits: its one side mostly ends the question. */
static enum truth row_truth(const struct call_case *at, const struct syscall_class *row,
			    const struct syscall_condition **open)
{
	enum truth all = YES;

	for (size_t i = 0; i < CLASS_CONDITIONS && row->conditions[i].mask; i++) {
		enum truth one = condition_truth(at, &row->conditions[i]);

		if (one == NO)
			return NO;
		if (one == OPEN) {
			if (all == YES)
				*open = &row->conditions[i];
			all = OPEN;
		}
	}
	return all;
}

static int bits(uint32_t mask)
{
	return __builtin_popcount(mask);
}

/* Every class that the arguments need must be allowed; ordinary when in none. */
static int decide(const struct splitter *s, const struct syscall_condition **ret_open)
{
	const struct syscall_condition *widest = NULL;
	bool needs_any = false, good = true;

	for (size_t i = s->first; i < s->last; i++) {
		const struct syscall_class *row = &syscall_classes[i];
		const struct syscall_condition *open = NULL;
		enum truth truth;

		if (row->class == CLASS_ORDINARY)
			continue;
		truth = row_truth(&s->at, row, &open);
		if (truth == OPEN && (!widest || bits(open->mask) > bits(widest->mask)))
			widest = open;
		if (truth == YES) {
			needs_any = true;
			good = good && s->allowed[row->class];
		}
	}
	*ret_open = widest;
	return (needs_any ? good : s->allowed[CLASS_ORDINARY]) ? ALLOWED : DENIED;
}

static int split(struct splitter *s)
{
	const struct syscall_condition *open;
	size_t before = s->call->cases.count;
	int verdict = decide(s, &open), half[2];
	struct call_case whole = s->at;
	uint32_t left, bit;

	if (!open) {
		*vec_push(s->e->arena, &s->call->cases) = s->at;
		s->call->cases.items[before].allowed = verdict == ALLOWED;
		return verdict;
	}
	left = open->mask & ~s->at.mask[open->argument];
	bit = 1u << (31 - __builtin_clz(left));
	for (unsigned side = 0; side < 2; side++) {
		s->at.mask[open->argument] |= bit;
		s->at.value[open->argument] |= side ? bit : 0;
		half[side] = split(s);
		s->at = whole;
	}
	if (half[0] != half[1] || half[0] == MIXED)
		return MIXED;
	s->call->cases.count = before;
	*vec_push(s->e->arena, &s->call->cases) = whole;
	s->call->cases.items[before].allowed = half[0] == ALLOWED;
	return half[0];
}

static struct verdict ask(const struct export *e, enum call call, unsigned class)
{
	const char *name = syscalls[call].name, *class_name = syscall_class_name(call, class);
	struct request request = { .kind = KIND_SYSCALL, .access = ACCESS_USE, .verb = "syscall" };

	request.subject = class_name ? arena_printf(e->arena, "%s(%s)", name, class_name) : name;
	return policy_decide(e->policy, &request);
}

static size_t gather_call(struct export *e, struct export_call *call, enum call number, size_t row)
{
	struct splitter s = { .e = e, .call = call, .first = row };
	struct verdict v = ask(e, number, CLASS_ORDINARY);

	call->rule = v.rule;
	s.allowed[CLASS_ORDINARY] = v.effect == EFFECT_ALLOW;
	for (s.last = row; s.last < syscall_class_count && syscall_classes[s.last].call == number; s.last++) {
		unsigned class = syscall_classes[s.last].class;

		if (class != CLASS_ORDINARY)
			s.allowed[class] = ask(e, number, class).effect == EFFECT_ALLOW;
	}
	call->allowed = split(&s) == ALLOWED;
	if (call->cases.count == 1)
		call->cases.count = 0;
	return s.last;
}

int export_gather_calls(struct export *e)
{
	struct export_call *calls = arena_new_array(e->arena, struct export_call, CALL_COUNT);
	size_t row = 0;

	for (size_t i = 0; i < e->policy->rule_count; i++) {
		const struct rule *rule = &e->policy->rules[i];
		enum call call;
		unsigned class;

		if (rule->kind == KIND_SYSCALL && syscall_parse(rule->pattern, &call, &class) < 0)
			return diag_error(e->d, "C303", rule->origin, "there is no system call '%s'",
					  str_quote(e->arena, rule->pattern));
	}
	for (unsigned call = 0; call < CALL_COUNT; call++)
		row = gather_call(e, &calls[call], call, row);
	/* Only the flag foreign-abi grants it, and only 32-bit programs call it. */
	e->foreign_abi = calls[CALL_set_thread_area].allowed;
	e->calls = calls;
	return 0;
}
