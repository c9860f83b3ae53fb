/* policy/policy.c - the canonical order of rules, the names of things, and the end of a policy. */
#include "policy/policy.h"
#include "base/path.h"
#include "base/sort.h"

#include <string.h>

const char *const limit_names[LIMIT_COUNT] = {
	[LIMIT_MEMORY] = "memory",
	[LIMIT_SWAP] = "swap",
	[LIMIT_CPU] = "cpu",
	[LIMIT_TASKS] = "tasks",
	[LIMIT_OPEN_FILES] = "open-files",
	[LIMIT_FILE_BYTES] = "file-size",
	[LIMIT_DISK] = "disk",
	[LIMIT_TIMEOUT] = "timeout",
	[LIMIT_NICE] = "nice",
	[LIMIT_IO_WEIGHT] = "io-weight",
};

static const char *const effect_names[] = {
	[EFFECT_DENY] = "deny",
	[EFFECT_ALLOW] = "allow",
	[EFFECT_ASK] = "ask",
	[EFFECT_LOG] = "log",
};

static const char *const kind_names[KIND_COUNT] = {
	[KIND_FILE] = "file",
	[KIND_NETWORK] = "network",
	[KIND_SYSCALL] = "syscall",
	[KIND_CAPABILITY] = "capability",
	[KIND_DEVICE] = "device",
	[KIND_BUS] = "bus",
};

static const char *const category_names[CATEGORY_COUNT] = {
	[CATEGORY_FILESYSTEM] = "filesystem",
	[CATEGORY_NETWORKING] = "networking",
	[CATEGORY_RUNTIME] = "runtime",
	[CATEGORY_USER] = "user",
	[CATEGORY_DESKTOP] = "desktop",
	[CATEGORY_MISC] = "misc",
};

static const char *const risk_names[] = {
	[RISK_LOW] = "low",
	[RISK_MEDIUM] = "medium",
	[RISK_HIGH] = "high",
	[RISK_ESCAPE] = "escape",
};

const char *effect_name(enum effect effect)
{
	must((size_t)effect < ARRAY_SIZE(effect_names));
	return effect_names[effect];
}

const char *kind_name(enum kind kind)
{
	must((size_t)kind < ARRAY_SIZE(kind_names));
	return kind_names[kind];
}

const char *category_name(enum category category)
{
	must((size_t)category < ARRAY_SIZE(category_names));
	return category_names[category];
}

const char *risk_name(enum risk risk)
{
	must((size_t)risk < ARRAY_SIZE(risk_names));
	return risk_names[risk];
}

/* ---- order ------------------------------------------------------------------------------- */

static int number_compare(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

/* NULL stands before every text. */
static int text_compare(const char *a, const char *b)
{
	if (!a || !b)
		return (a != NULL) - (b != NULL);
	return strcmp(a, b);
}

static int origin_compare(const struct origin *a, const struct origin *b)
{
	for (; a && b && a != b; a = a->via, b = b->via) {
		int r = text_compare(a->source ? a->source->name : NULL,
				     b->source ? b->source->name : NULL);

		if (r == 0)
			r = number_compare(a->line, b->line);
		if (r == 0)
			r = number_compare(a->column, b->column);
		if (r != 0)
			return r;
	}
	return a == b ? 0 : (a != NULL) - (b != NULL);
}

/* By all that a rule means and who brought it, but not by where it was written. */
static int meaning_compare(const struct rule *a, const struct rule *b)
{
	int r = number_compare(a->kind, b->kind);

	if (r == 0)
		r = text_compare(a->pattern, b->pattern);
	if (r == 0)
		r = number_compare(a->effect, b->effect);
	if (r == 0)
		r = number_compare(a->access, b->access);
	if (r == 0)
		r = number_compare(a->system_bus, b->system_bus);
	if (r == 0)
		r = number_compare(a->place, b->place);
	if (r == 0)
		r = text_compare(a->from, b->from);
	if (r == 0)
		r = number_compare(a->category, b->category);
	if (r == 0)
		r = text_compare(a->flag, b->flag);
	if (r == 0)
		r = number_compare(a->risk, b->risk);
	return r;
}

static int rule_compare(const void *left, const void *right)
{
	const struct rule *a = left, *b = right;
	int r = meaning_compare(a, b);

	return r ? r : origin_compare(a->origin, b->origin);
}

static bool is_own_proc(const struct policy *policy, const struct rule *rule)
{
	const struct glob_alternative *a;
	size_t count = glob_alternatives(rule->glob, &a), mounts = 0;

	for (size_t i = 0; i < policy->rule_count; i++)
		mounts += policy->rules[i].kind == KIND_FILE && policy->rules[i].place == PLACE_PROC;
	for (size_t i = 0; i < count; i++)
		if (!path_is_within(*a[i].prefix ? a[i].prefix : "/", "/proc") ||
		    (!mounts && strcmp(a[i].prefix, "/proc") != 0))
			return false;
	return true;
}

/* Processes outside are no files to be granted: a pattern below /proc means the /proc of the cage.  Only a `mount`
 * that names the host's shows it. */
void policy_own_proc(struct policy *policy)
{
	for (size_t i = 0; i < policy->rule_count; i++) {
		struct rule *rule = &policy->rules[i];

		if (rule->kind == KIND_FILE && rule->effect == EFFECT_ALLOW && rule->place == PLACE_HOST &&
		    rule->glob && !rule->from && is_own_proc(policy, rule))
			rule->place = PLACE_PROC;
	}
}

/* Rules are large, so pointers to a copy are sorted. */
void policy_sort(struct policy *policy)
{
	CLEANUP(arena_freep) struct arena *scratch = arena_new();
	size_t count = policy->rule_count, kept = 0;
	struct rule *copy = arena_new_array(scratch, struct rule, count);
	const void **order = arena_new_array(scratch, const void *, 2 * count);

	if (count == 0)
		return;
	memcpy(copy, policy->rules, count * sizeof(*copy));
	for (size_t i = 0; i < count; i++)
		order[i] = &copy[i];
	sort_pointers(order, order + count, count, rule_compare);
	policy->rules[0] = *(const struct rule *)order[0];
	for (size_t i = 1; i < count; i++)
		if (meaning_compare(&policy->rules[kept], order[i]) != 0)
			policy->rules[++kept] = *(const struct rule *)order[i];
	policy->rule_count = kept + 1;
}

bool policy_root_is(const struct policy *policy, const char *access)
{
	const char *word = policy->root_access.value;

	return policy->root.value && str_equal(word ? word : "copy-on-write", access);
}

/* ---- the end ----------------------------------------------------------------------------- */

void policy_free(struct policy *policy)
{
	if (policy)
		arena_free(policy->arena);
}

void policy_freep(struct policy **policy)
{
	policy_free(*policy);
}
