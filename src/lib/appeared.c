/* lib/appeared.c - compares what matches a denied pattern now with what the plan restricted.
 * Must not: follow a link, change anything, fail: what cannot be looked at is left out. */
#include "lib/appeared.h"
#include "backend/walk.h"
#include "base/path.h"

#include <string.h>

struct appeared {
	struct arena *arena;
	const struct policy *policy;
	VEC(const struct rule *) rules;
	VEC(const char *) exact, trees; /* paths of steps; those below which nothing can be made */
};

static bool is_writable_host(const struct rule *rule)
{
	return rule->kind == KIND_FILE && rule->effect == EFFECT_ALLOW && rule->place == PLACE_HOST &&
	       rule->access & ACCESS_WRITE;
}

static const char *top_of(const struct glob_alternative *a)
{
	return *a->prefix ? a->prefix : "/";
}

/* Does a pattern that is expanded at the start reach where the program may write? */
static bool concerns(const struct policy *policy, const struct glob_alternative *a)
{
	if (a->is_tree || a->is_literal)
		return false;
	for (size_t i = 0; i < policy->rule_count; i++) {
		const struct glob_alternative *allowed;
		size_t count = is_writable_host(&policy->rules[i]) ?
				       glob_alternatives(policy->rules[i].glob, &allowed) : 0;

		for (size_t k = 0; k < count; k++)
			if (path_is_within(top_of(a), top_of(&allowed[k])) ||
			    path_is_within(top_of(&allowed[k]), top_of(a)))
				return true;
	}
	return false;
}

static void remember_steps(struct appeared *w, const struct plan *plan)
{
	for (size_t i = 0; i < plan->steps.count; i++) {
		const struct step *step = &plan->steps.items[i];
		const char *path;

		if (op_table[step->op].argument[0] != ARG_TARGET)
			continue;
		path = arena_printf(w->arena, "/%s", plan_text_at(plan, step->a));
		*vec_push(w->arena, &w->exact) = path;
		if (step->op == OP_MASK || step->op == OP_READ_ONLY ||
		    ((step->op == OP_BIND || step->op == OP_PRIVATE_DIR) && step->x & PLAN_READ_ONLY))
			*vec_push(w->arena, &w->trees) = path;
	}
}

struct appeared *appeared_watch(struct arena *arena, const struct policy *policy, const struct plan *plan)
{
	struct appeared *w = arena_new_object(arena, struct appeared);

	*w = (struct appeared){ .arena = arena, .policy = policy };
	for (size_t i = 0; i < policy->rule_count; i++) {
		const struct rule *rule = &policy->rules[i];
		const struct glob_alternative *a;
		size_t count = rule->kind == KIND_FILE && rule->effect == EFFECT_DENY ?
				       glob_alternatives(rule->glob, &a) : 0;
		bool wanted = false;

		for (size_t k = 0; k < count; k++)
			wanted = wanted || concerns(policy, &a[k]);
		if (wanted)
			*vec_push(arena, &w->rules) = rule;
	}
	if (!w->rules.count)
		return NULL;
	remember_steps(w, plan);
	return w;
}

struct sight {
	const struct appeared *w;
	const char *prefix, *real; /* a pattern's, and where that leads */
	const char *found;
};

/* Could the program have made it: may it write beside it, to the host's own directory? */
static bool is_makeable(const struct sight *s, const char *path)
{
	const char *slash = strrchr(path, '/');
	const struct request request = {
		.kind = KIND_FILE, .access = ACCESS_WRITE, .verb = "create",
		.subject = arena_printf(s->w->arena, "%.*s/.cuddy-new", (int)(slash - path), path),
	};
	struct verdict verdict = policy_decide(s->w->policy, &request);

	return verdict.effect == EFFECT_ALLOW && verdict.rule && verdict.rule->place == PLACE_HOST;
}

static void look(void *context, const char *path)
{
	struct sight *s = context;

	if (s->found)
		return;
	path = arena_printf(s->w->arena, "%s%s", s->real, path + strlen(s->prefix));
	for (size_t i = 0; i < s->w->exact.count; i++)
		if (strcmp(s->w->exact.items[i], path) == 0)
			return;
	for (size_t i = 0; i < s->w->trees.count; i++)
		if (path_is_within(path, s->w->trees.items[i]))
			return;
	if (is_makeable(s, path))
		s->found = path;
}

static void tell(struct arena *arena, const char *path, const struct rule *rule, struct diags *d)
{
	diag_warning(d, "C610", rule->origin, "'%s' was not there when the cage started, so this line did not hold for it",
		     str_quote(arena, path));
	diag_help(d, "look at it before you use it: the program may have made it");
}

void appeared_tell(const struct appeared *w, struct diags *d)
{
	struct walk walk = { .arena = w->arena };

	for (size_t i = 0; i < w->rules.count; i++) {
		const struct rule *rule = w->rules.items[i];
		const struct glob_alternative *a;
		struct sight sight = { .w = w };
		size_t count = glob_alternatives(rule->glob, &a);

		for (size_t k = 0; k < count && !sight.found; k++) {
			struct walk_link links[WALK_LINKS];
			size_t link_count = 0;

			if (!concerns(w->policy, &a[k]))
				continue;
			sight.prefix = path_normal(w->arena, "/", a[k].prefix);
			sight.real = walk_resolve(&walk, sight.prefix, links, &link_count);
			if (sight.real)
				(void)walk_matches(&walk, rule->glob, sight.prefix, look, &sight);
		}
		if (sight.found)
			tell(w->arena, sight.found, rule, d);
	}
}
