/* props_policy.c - the laws of the algebra, over random policies and every question of a list.
 *
 * CUDDY_SEED and CUDDY_ROUNDS in the environment repeat or lengthen a run; the seed is printed.
 * Patterns are compiled once; a policy is a random choice of effect × access × pattern. */
#include "policy/policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MOST_RULES = 14 };

static const struct { enum kind kind; unsigned accesses; const char *pattern; } pool[] = {
	{ KIND_FILE,       7,  "/**" },
	{ KIND_FILE,       7,  "/a/**" },
	{ KIND_FILE,       7,  "/a/b/**" },
	{ KIND_FILE,       7,  "/a/*" },
	{ KIND_FILE,       7,  "/a/" },
	{ KIND_FILE,       7,  "/a/b/c" },
	{ KIND_FILE,       7,  "/{a,b}/**/" },
	{ KIND_FILE,       7,  "/a/[^b]*" },
	{ KIND_FILE,       7,  "/b/?" },
	{ KIND_NETWORK,    0,  "any" },
	{ KIND_NETWORK,    0,  "host" },
	{ KIND_NETWORK,    0,  "internet" },
	{ KIND_NETWORK,    0,  "lan" },
	{ KIND_NETWORK,    0,  "10.0.0.0/8" },
	{ KIND_NETWORK,    0,  "tcp:example.org:443" },
	{ KIND_NETWORK,    0,  "*.example.org" },
	{ KIND_NETWORK,    0,  "dns:any" },
	{ KIND_NETWORK,    0,  "listen:80-90" },
	{ KIND_SYSCALL,    1,  "clone" },
	{ KIND_SYSCALL,    1,  "clone(user-namespace)" },
	{ KIND_CAPABILITY, 1,  "net_raw" },
	{ KIND_DEVICE,     1,  "/dev/dri/*" },
	{ KIND_BUS,        31, "*" },
	{ KIND_BUS,        31, "org.a.*" },
	{ KIND_BUS,        31, "org.a.b" },
	{ KIND_BUS,        24, "org.a=org.a.I.*" },
};

static const char *const questions[] = {
	"read /", "list /", "list /a", "list /a/b", "list /a/x", "list /b", "list /c", "read /a/b/c",
	"write /a/b/c", "execute /a/b/c", "read /a/x", "create /a/b/d", "delete /b/x", "list /b/x",
	"connect example.org:443", "connect www.example.org:80", "send example.org:443",
	"connect 10.0.0.1:22", "connect 1.1.1.1:443", "connect localhost:1", "connect [fe80::1]:1",
	"resolve example.org", "resolve www.example.org", "listen 80", "listen 8080",
	"syscall clone", "syscall clone(user-namespace)", "syscall clone(other)", "syscall read",
	"capability net_raw", "capability sys_admin", "device dri/card0", "device sda",
	"see org.a", "talk org.a", "own org.a.b", "call org.a=org.a.I.M", "broadcast org.a.b.M",
	"talk org.b", "see system:org.a", "talk system:org.a.b",
};

static struct rule compiled[ARRAY_SIZE(pool)];
static struct request requests[ARRAY_SIZE(questions)];
static uint64_t state;

/* xorshift64*: the same numbers everywhere. */
static unsigned pick(unsigned below)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (unsigned)((state * UINT64_C(2685821657736338717)) >> 33) % below;
}

static void prepare(struct arena *arena)
{
	struct diags d;

	diags_init(&d, arena);
	for (size_t i = 0; i < ARRAY_SIZE(pool); i++) {
		struct endpoint *e = arena_new_object(arena, struct endpoint);
		struct rule *rule = &compiled[i];

		*rule = (struct rule){ .kind = pool[i].kind, .pattern = pool[i].pattern };
		if (rule->kind == KIND_FILE || rule->kind == KIND_DEVICE)
			must(glob_compile(arena, rule->pattern, NULL, &d, &rule->glob) == 0);
		if (rule->kind != KIND_NETWORK)
			continue;
		must(endpoint_parse(arena, rule->pattern, NULL, &d, e) == 0);
		rule->endpoint = e;
	}
	for (size_t i = 0; i < ARRAY_SIZE(questions); i++)
		must(request_parse(arena, questions[i], "/home/me", "/", &d, &requests[i]) == 0);
}

static struct rule rule_random(enum effect effect)
{
	static const char *const flags[] = { NULL, "filesystem.one", "filesystem.two" };
	unsigned i = pick(ARRAY_SIZE(pool));
	struct rule rule = compiled[i];

	rule.effect = effect;
	rule.access = rule.endpoint ? rule.endpoint->access : pool[i].accesses;
	if (pool[i].accesses & (pool[i].accesses - 1))
		do
			rule.access = pick(32) & pool[i].accesses;
		while (!rule.access);
	rule.flag = flags[pick(ARRAY_SIZE(flags))];
	rule.system_bus = rule.kind == KIND_BUS && pick(2);
	return rule;
}

static void policy_random(struct policy *policy)
{
	policy->rule_count = pick(MOST_RULES);
	for (size_t i = 0; i < policy->rule_count; i++)
		policy->rules[i] = rule_random((enum effect)pick(EFFECT_LOG + 1));
}

/* From little to much: deny, ask, allow. */
static unsigned width(const struct policy *policy, size_t question)
{
	static const unsigned widths[] = { [EFFECT_DENY] = 0, [EFFECT_ASK] = 1, [EFFECT_ALLOW] = 2 };

	return widths[policy_decide(policy, &requests[question]).effect];
}

static void widths_take(const struct policy *policy, unsigned char ret[ARRAY_SIZE(questions)])
{
	for (size_t i = 0; i < ARRAY_SIZE(questions); i++)
		ret[i] = (unsigned char)width(policy, i);
}

/* A copy in `rules`, in random order, with a rule doubled now and then. */
static struct policy policy_shuffled(const struct policy *policy, struct rule rules[2 * MOST_RULES])
{
	struct policy copy = { .rules = rules, .rule_count = policy->rule_count };

	memcpy(rules, policy->rules, policy->rule_count * sizeof(*rules));
	if (copy.rule_count && pick(2)) {
		rules[copy.rule_count] = rules[pick((unsigned)copy.rule_count)];
		copy.rule_count++;
	}
	for (size_t i = copy.rule_count; i > 1; i--) {
		size_t other = pick((unsigned)i);
		struct rule rule = rules[i - 1];

		rules[i - 1] = rules[other];
		rules[other] = rule;
	}
	return copy;
}

static bool rules_equal(const struct policy *a, const struct policy *b)
{
	if (a->rule_count != b->rule_count)
		return false;
	for (size_t i = 0; i < a->rule_count; i++) {
		const struct rule *x = &a->rules[i], *y = &b->rules[i];

		if (x->kind != y->kind || x->effect != y->effect || x->access != y->access ||
		    !str_equal(x->pattern, y->pattern) || !str_equal(x->flag, y->flag) ||
		    x->system_bus != y->system_bus || x->origin != y->origin)
			return false;
	}
	return true;
}

static bool law_order(const struct policy *policy)
{
	unsigned char before[ARRAY_SIZE(questions)], after[ARRAY_SIZE(questions)];
	struct rule left[2 * MOST_RULES], right[2 * MOST_RULES];
	struct policy a = policy_shuffled(policy, left), b = policy_shuffled(policy, right);

	widths_take(policy, before);
	widths_take(&a, after);
	if (memcmp(before, after, sizeof(before)) != 0)
		return false;
	policy_sort(&a);
	policy_sort(&b);
	widths_take(&a, after);
	return memcmp(before, after, sizeof(before)) == 0 && rules_equal(&a, &b);
}

static bool law_sort(const struct policy *policy)
{
	struct rule left[2 * MOST_RULES], right[2 * MOST_RULES];
	struct policy a = policy_shuffled(policy, left), b;

	policy_sort(&a);
	b = a;
	b.rules = memcpy(right, left, a.rule_count * sizeof(*right));
	policy_sort(&b);
	return rules_equal(&a, &b);
}

/* What one more rule does: a deny never widens, an allow never narrows, a log changes nothing. */
static bool law_one_more(const struct policy *policy, enum effect effect)
{
	unsigned char before[ARRAY_SIZE(questions)], after[ARRAY_SIZE(questions)];
	struct rule rules[2 * MOST_RULES];
	struct policy more = { .rules = rules, .rule_count = policy->rule_count + 1 };

	memcpy(rules, policy->rules, policy->rule_count * sizeof(*rules));
	rules[policy->rule_count] = rule_random(effect);
	widths_take(policy, before);
	widths_take(&more, after);
	for (size_t i = 0; i < ARRAY_SIZE(questions); i++)
		if ((effect != EFFECT_ALLOW && effect != EFFECT_ASK && after[i] > before[i]) ||
		    (effect != EFFECT_DENY && after[i] < before[i]))
			return false;
	return true;
}

static bool law_deny(const struct policy *policy) { return law_one_more(policy, EFFECT_DENY); }
static bool law_allow(const struct policy *policy) { return law_one_more(policy, EFFECT_ALLOW); }
static bool law_log(const struct policy *policy) { return law_one_more(policy, EFFECT_LOG); }

static bool law_empty(const struct policy *policy)
{
	struct policy empty = { .rules = policy->rules };

	for (size_t i = 0; i < ARRAY_SIZE(questions); i++)
		if (width(&empty, i) != 0)
			return false;
	return true;
}

static const struct { const char *name; bool (*holds)(const struct policy *policy); } laws[] = {
	{ "order and repetition never matter",  law_order },
	{ "sorting twice is sorting once",      law_sort  },
	{ "one more deny never widens",         law_deny  },
	{ "one more allow never narrows",       law_allow },
	{ "a log rule decides nothing",         law_log   },
	{ "the empty policy denies all",        law_empty },
};

int main(void)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const char *seed = getenv("CUDDY_SEED"), *rounds = getenv("CUDDY_ROUNDS");
	unsigned long most = rounds ? strtoul(rounds, NULL, 10) : 10000, broken[ARRAY_SIZE(laws)] = { 0 };
	struct rule rules[MOST_RULES];
	struct policy policy = { .rules = rules };
	unsigned failed = 0;

	state = seed ? strtoull(seed, NULL, 10) : (uint64_t)time(NULL);
	printf("# seed %llu, %lu policies\n", (unsigned long long)state, most);
	state = state * UINT64_C(2654435761) | 1;
	prepare(arena);
	for (unsigned long round = 1; round <= most; round++) {
		policy_random(&policy);
		for (size_t i = 0; i < ARRAY_SIZE(laws); i++)
			if (!broken[i] && !laws[i].holds(&policy))
				broken[i] = round;
	}
	for (size_t i = 0; i < ARRAY_SIZE(laws); i++) {
		failed += broken[i] != 0;
		printf("%sok %zu - %s\n", broken[i] ? "not " : "", i + 1, laws[i].name);
		if (broken[i])
			printf("# broken first in round %lu\n", broken[i]);
	}
	printf("1..%zu\n", ARRAY_SIZE(laws));
	return failed != 0;
}
