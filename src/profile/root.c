/* profile/root.c - what `root` makes of the rules of a policy.
 *
 * With another root the paths of a policy are those of that root, and what may be done there one rule says:
 * that of `root-access`.  The computer's own are the kernel's file systems, the home, the working directory
 * and what the command line names; only there do grants of host files count.  Denies hold everywhere; the
 * guard of the computer's passwords is the exception, since no password of the computer is in the root.
 * Must not: look at the file system. */
#include "profile/internal.h"
#include "base/path.h"

#include <errno.h>
#include <string.h>

#define IMAGE "image:"

const char *root_image(const char *root)
{
	return str_starts(root, IMAGE) ? root + strlen(IMAGE) : NULL;
}

struct sorting {
	struct arena *arena;
	const struct profile_context *context;
	struct policy *policy;
	VEC(const char *) own; /* directories of the computer that are seen in the root */
	VEC(struct rule) kept;
};

static bool is_own(const struct sorting *s, const char *path)
{
	for (size_t i = 0; i < s->own.count; i++)
		if (path_is_within(path, s->own.items[i]))
			return true;
	return false;
}

static bool is_from_command_line(const struct sorting *s, const struct rule *rule)
{
	return s->context->extra && rule->origin && rule->origin->source == s->context->extra;
}

static void find_own(struct sorting *s)
{
	static const char *const kernel[] = { "/dev", "/proc", "/sys" };
	static const char *const variables[] = { "HOME", "PWD", "XDG_RUNTIME_DIR" };

	for (size_t i = 0; i < ARRAY_SIZE(kernel); i++)
		*vec_push(s->arena, &s->own) = kernel[i];
	for (size_t i = 0; i < s->context->variable_count; i++) {
		const struct profile_variable *v = &s->context->variables[i];

		for (size_t k = 0; k < ARRAY_SIZE(variables); k++)
			if (strcmp(v->name, variables[k]) == 0 && v->value[0] == '/' && v->value[1])
				*vec_push(s->arena, &s->own) = v->value;
	}
	for (size_t i = 0; i < s->policy->rule_count; i++) {
		const struct rule *rule = &s->policy->rules[i];
		const struct glob_alternative *a;

		if (rule->kind == KIND_FILE && rule->effect == EFFECT_ALLOW && is_from_command_line(s, rule) &&
		    glob_alternatives(rule->glob, &a) && *a->prefix)
			*vec_push(s->arena, &s->own) = a->prefix;
	}
}

/* Rules about the host's files; an explicit mount says itself what it means. */
static bool speaks_of_host(const struct sorting *s, const struct rule *rule)
{
	if (rule->kind != KIND_FILE || rule->from)
		return false;
	if (rule->effect == EFFECT_DENY)
		return str_equal(rule->flag, "filesystem.system-guard");
	return rule->effect == EFFECT_ALLOW && place_rank(rule->place) && !is_from_command_line(s, rule);
}

/* A root has users of its own, which its administrator may change. */
static bool is_list_of_users(const struct sorting *s, const struct rule *rule)
{
	return rule->kind == KIND_FILE && rule->place == PLACE_SYNTHETIC && str_equal(s->policy->user_as.value, "root") &&
	       (str_equal(rule->from, "passwd") || str_equal(rule->from, "group"));
}

/* Keeps of a rule the alternatives that lead to the computer's own. */
static int keep_own(struct sorting *s, const struct rule *rule)
{
	const struct glob_alternative *a;
	size_t count = glob_alternatives(rule->glob, &a), own = 0;

	for (size_t i = 0; i < count; i++)
		own += is_own(s, *a[i].prefix ? a[i].prefix : "/");
	if (own == count)
		*vec_push(s->arena, &s->kept) = *rule;
	for (size_t i = 0; own && own < count && i < count; i++) {
		struct rule *part;
		int r;

		if (!is_own(s, *a[i].prefix ? a[i].prefix : "/"))
			continue;
		part = vec_push(s->arena, &s->kept);
		*part = *rule;
		part->pattern = a[i].text;
		r = glob_compile(s->arena, part->pattern, part->origin, s->policy->diags, &part->glob);
		if (r < 0)
			return r;
	}
	return 0;
}

static int add(struct sorting *s, struct rule rule)
{
	rule.kind = KIND_FILE;
	rule.category = CATEGORY_FILESYSTEM;
	rule.origin = s->policy->root.origin;
	int r = glob_compile(s->arena, rule.pattern, rule.origin, s->policy->diags, &rule.glob);
	if (r == 0)
		*vec_push(s->arena, &s->kept) = rule;
	return r;
}

/* The root itself, and that nobody writes to it where it is also seen by its own name. */
static int add_root(struct sorting *s)
{
	const char *root = s->policy->root.value;
	bool read_only = policy_root_is(s->policy, "read-only"), writable = policy_root_is(s->policy, "writable");
	struct strbuf pattern = { .arena = s->arena };
	int r = add(s, (struct rule){
		.effect = EFFECT_ALLOW, .place = PLACE_ROOT, .from = root, .pattern = "/{,**}",
		.access = ACCESS_READ | ACCESS_EXECUTE | (read_only ? 0 : ACCESS_WRITE) });

	if (r < 0 || writable || root_image(root) || !is_own(s, root))
		return r;
	for (const char *at = root; *at; at++)
		strbuf_addf(&pattern, "%s%c", strchr("*?[]{}\\,^", *at) ? "\\" : "", *at);
	strbuf_add(&pattern, "{,/,/**}");
	return add(s, (struct rule){ .effect = EFFECT_DENY, .access = ACCESS_WRITE,
				     .pattern = strbuf_text(&pattern) });
}

int root_apply(struct arena *arena, const struct profile_context *context, struct policy *policy)
{
	struct sorting s = { .arena = arena, .context = context, .policy = policy };
	int r = 0;

	find_own(&s);
	for (size_t i = 0; r == 0 && i < policy->rule_count; i++) {
		const struct rule *rule = &policy->rules[i];

		if (speaks_of_host(&s, rule))
			r = keep_own(&s, rule);
		else if (!is_list_of_users(&s, rule))
			*vec_push(arena, &s.kept) = *rule;
	}
	if (r == 0)
		r = add_root(&s);
	policy->rules = s.kept.items;
	policy->rule_count = s.kept.count;
	return r;
}
