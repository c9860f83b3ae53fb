/* tests/unit/test_export.c - the cases of a call: disjoint, complete, and what the oracle says; and
 * words of foreign text in scripts and YAML. */
#include "export/export.h"
#include "tap.h"

#include <string.h>

static uint64_t state = 88172645463325252u;
static uint64_t rnd(void) /* xorshift64: the same run every time */
{
	state ^= state << 13;
	state ^= state >> 7;
	return state ^= state << 17;
}

static struct policy *random_policy(struct arena *arena)
{
	static const struct source source = { .name = "test.toml" };
	static const struct origin origin = { .source = &source, .line = 1, .column = 1 };
	struct policy *policy = arena_new_object(arena, struct policy);
	VEC(struct rule) rules = { 0 };

	for (size_t i = 0; i < syscall_class_count; i++) {
		const struct syscall_class *row = &syscall_classes[i];
		const char *name = syscalls[row->call].name;

		if (rnd() % 3 == 0)
			continue;
		*vec_push(arena, &rules) = (struct rule){
			.kind = KIND_SYSCALL, .access = ACCESS_USE, .origin = &origin,
			.effect = rnd() % 6 ? EFFECT_ALLOW : EFFECT_DENY,
			.pattern = row->class == CLASS_ORDINARY || rnd() % 2 ? name :
				   arena_printf(arena, "%s(%s)", name, row->name),
		};
	}
	*policy = (struct policy){ .arena = arena, .name = "test", .rules = rules.items, .rule_count = rules.count };
	policy_sort(policy);
	return policy;
}

static bool holds(const struct syscall_class *row, const uint64_t *arguments)
{
	for (size_t i = 0; i < CLASS_CONDITIONS && row->conditions[i].mask; i++) {
		const struct syscall_condition *c = &row->conditions[i];

		if ((((uint32_t)arguments[c->argument] & c->mask) == c->value) == c->negate)
			return false;
	}
	return true;
}

static bool may(const struct policy *policy, struct arena *arena, enum call call, const char *class)
{
	struct request request = { .kind = KIND_SYSCALL, .access = ACCESS_USE, .verb = "syscall",
				   .subject = syscalls[call].name };

	if (class)
		request.subject = arena_printf(arena, "%s(%s)", request.subject, class);
	return policy_decide(policy, &request).effect == EFFECT_ALLOW;
}

static bool expected(const struct policy *policy, struct arena *arena, enum call call, const uint64_t *arguments)
{
	bool needs_any = false, good = true;

	for (size_t i = 0; i < syscall_class_count; i++) {
		const struct syscall_class *row = &syscall_classes[i];

		if (row->call != call || row->class == CLASS_ORDINARY || !holds(row, arguments))
			continue;
		needs_any = true;
		good = good && may(policy, arena, call, row->name);
	}
	return needs_any ? good : may(policy, arena, call, NULL);
}

static uint64_t random_argument(void)
{
	static const uint32_t seeds[] = {
		0, 1, 2, 3, 10, 16, 17, 40, 255, 256, 262, 0x5412, 0x541c, 0x5423, 0xffffffff, 0x10000000, 0x20000,
		0x80, 0100, 020200000, 04755, 02755, 0644, 0020666, 0060666, 0104755,
	};
	uint32_t value = seeds[rnd() % ARRAY_SIZE(seeds)];

	return (rnd() % 2 ? rnd() << 32 : 0) | (rnd() % 4 ? value : value ^ 1u << rnd() % 32);
}

static bool matches(const struct call_case *one, const uint64_t *arguments)
{
	for (size_t i = 0; i < ARRAY_SIZE(one->mask); i++)
		if (((uint32_t)arguments[i] & one->mask[i]) != one->value[i])
			return false;
	return true;
}

/* How many cases speak of these arguments, and what the first says. */
static size_t look_up(const struct export_call *call, const uint64_t *arguments, bool *ret_allowed)
{
	size_t found = 0;

	*ret_allowed = call->allowed;
	for (size_t i = 0; i < call->cases.count; i++)
		if (matches(&call->cases.items[i], arguments) && found++ == 0)
			*ret_allowed = call->cases.items[i].allowed;
	return call->cases.count ? found : 1;
}

static void test_cases(void)
{
	size_t asked = 0, wrong = 0, twice = 0, longest = 0;

	for (unsigned round = 0; round < 30; round++) {
		CLEANUP(arena_freep) struct arena *arena = arena_new();
		struct diags d;
		struct export e = { .arena = arena, .policy = random_policy(arena), .d = &d };

		diags_init(&d, arena);
		must(export_gather_calls(&e) == 0);
		for (size_t i = 0; i < syscall_class_count; i++) {
			enum call call = syscall_classes[i].call;

			longest = MAX(longest, e.calls[call].cases.count);
			for (unsigned k = 0; k < 60; k++, asked++) {
				uint64_t arguments[6];
				bool allowed;

				for (size_t a = 0; a < ARRAY_SIZE(arguments); a++)
					arguments[a] = random_argument();
				twice += look_up(&e.calls[call], arguments, &allowed) != 1;
				wrong += allowed != expected(e.policy, arena, call, arguments);
			}
		}
	}
	printf("# %zu questions, at most %zu cases of one call\n", asked, longest);
	ok(twice == 0, "cases exclude each other and leave nothing out");
	ok(wrong == 0, "cases say what the oracle says");
	ok(longest < 700, "cases stay few enough for a filter");
}

static void test_words(void)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();

	ok(str_equal(export_shell_word(arena, "/usr/lib"), "/usr/lib"), "a plain word stands as it is");
	ok(str_equal(export_shell_word(arena, ""), "''"), "an empty word is quoted");
	ok(str_equal(export_shell_word(arena, "a'b $(c)"), "'a'\\''b $(c)'"), "a quotation mark leaves its quotes");
	ok(str_equal(export_yaml_text(arena, "a: \"b\"\n"), "\"a: \\\"b\\\"\\n\""), "YAML text is quoted and escaped");
}

static void test_targets(void)
{
	bool sorted = true, complete = true;

	for (size_t i = 0; export_targets[i]; i++) {
		sorted = sorted && (i == 0 || strcmp(export_targets[i - 1]->name, export_targets[i]->name) < 0);
		for (unsigned kind = 0; kind < KIND_COUNT; kind++)
			complete = complete && export_targets[i]->express[kind];
	}
	ok(sorted, "targets are sorted");
	ok(complete, "every target answers for every kind of rule");
}

int main(void)
{
	test_cases();
	test_words();
	test_targets();
	return done();
}
