/* backend/compile.c - from policy to plan: every back end in turn, then nothing may be left over. */
#include "backend/backend.h"

#include <errno.h>
#include <string.h>

static const struct backend *const backends[] = {
	&backend_namespaces, &backend_network, &backend_mounts, &backend_seccomp, &backend_capabilities,
	&backend_limits, &backend_environment,
};

const char *exactness_name(enum exactness exactness)
{
	static const char *const names[] = { "none", "coarse", "at-start", "exact" };

	return names[exactness];
}

void backend_claim(struct compilation *c, size_t rule, const char *backend, enum exactness exactness,
		   const char *note)
{
	struct claim *claim = &c->claims[rule];

	claim->backend = claim->backend ? arena_printf(c->arena, "%s, %s", claim->backend, backend) : backend;
	if (exactness >= claim->exactness) {
		claim->exactness = exactness;
		claim->note = note;
	}
}

static bool may_degrade(const struct policy *policy, enum category category)
{
	for (size_t i = 0; i < policy->may_degrade.count; i++)
		if (str_equal(policy->may_degrade.items[i].value, category_name(category)))
			return true;
	return false;
}

static bool is_unclaimed(const struct compilation *c, size_t index)
{
	const struct rule *rule = &c->policy->rules[index];

	/* An ask that nothing can ask counts as deny; a deny must hold at least at start. */
	return (!c->claims[index].backend ||
		(rule->effect != EFFECT_ALLOW && c->claims[index].exactness == EXACTNESS_NONE)) &&
	       !may_degrade(c->policy, rule->category);
}

/* Fail closed, and only here.  One line for each category; the others are counted. */
static int refuse_unclaimed(struct compilation *c)
{
	size_t first[CATEGORY_COUNT], count[CATEGORY_COUNT] = { 0 };
	int r = 0;

	for (size_t i = 0; i < c->policy->rule_count; i++) {
		enum category category = c->policy->rules[i].category;

		if (is_unclaimed(c, i) && !count[category]++)
			first[category] = i;
	}
	for (unsigned category = 0; category < CATEGORY_COUNT; category++) {
		const struct rule *rule;

		if (!count[category])
			continue;
		rule = &c->policy->rules[first[category]];
		r = diag_error(c->d, "C300", rule->origin, "nothing on this host can %s %s '%s'%s",
			       rule->effect == EFFECT_ALLOW ? "provide" : "enforce",
			       kind_name(rule->kind), str_quote(c->arena, rule->pattern),
			       count[category] == 1 ? "" :
			       arena_printf(c->arena, ", nor %zu more rules of '%s'", count[category] - 1,
					    category_name(category)));
		diag_help(c->d, "remove it, or accept less with: may-degrade = [\"%s\"]",
			  category_name(category));
	}
	return r;
}

/* An ask that nothing can ask counts as deny: never without a word. */
static void warn_ask(struct compilation *c)
{
	const struct rule *first = NULL;
	size_t count = 0;

	for (size_t i = 0; i < c->policy->rule_count; i++)
		if (c->policy->rules[i].effect == EFFECT_ASK && !count++)
			first = &c->policy->rules[i];
	if (!first)
		return;
	diag_warning(c->d, "C308", first->origin, "nothing can ask you about '%s'%s yet, so it is denied",
		     str_quote(c->arena, first->pattern),
		     count == 1 ? "" : arena_printf(c->arena, " and %zu more", count - 1));
	diag_help(c->d, "to have it, allow it; to be rid of this message, deny it");
}

/* Back ends that must take part and are not here: refused, never ignored. */
static int check_requires(struct compilation *c)
{
	int r = 0;

	for (size_t i = 0; i < c->policy->requires.count; i++) {
		const struct text_setting *wanted = &c->policy->requires.items[i];
		bool found = false;

		for (size_t k = 0; k < ARRAY_SIZE(backends); k++)
			found = found || str_equal(backends[k]->name, wanted->value);
		if (!found)
			r = diag_error(c->d, "C306", wanted->origin, "there is no back end '%s' here",
				       str_quote(c->arena, wanted->value));
	}
	return r;
}

/* Keys of the language that nothing acts on yet: refused with their line. */
static int refuse_settings(struct compilation *c)
{
	const struct policy *p = c->policy;
	const struct { const char *key; const struct text_setting *text; const struct text_list *list; } rows[] = {
		{ "user.groups", NULL, &p->groups },
		{ "desktop.screen", &p->screen, NULL },
	};
	const struct text_setting *set;
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		set = rows[i].text ? rows[i].text : rows[i].list->count ? rows[i].list->items : NULL;
		if (set && set->value)
			r = diag_error(c->d, "C307", set->origin, "'%s' cannot be provided yet", rows[i].key);
	}
	if (p->x11.value && !str_equal(p->x11.value, "none"))
		r = diag_error(c->d, "C307", p->x11.origin, "'desktop.x11' can only be \"none\" yet");
	return r;
}

int backend_compile(struct arena *arena, const struct policy *policy, const struct cage *cage,
		    struct diags *d, struct plan **ret_plan, struct claim **ret_claims)
{
	CLEANUP(plan_freep) struct plan *plan = plan_new();
	struct compilation c = { .arena = arena, .policy = policy, .cage = cage, .plan = plan, .d = d,
				 .claims = arena_new_array(arena, struct claim, policy->rule_count) };

	for (size_t i = 0; i < ARRAY_SIZE(backends); i++)
		if (backends[i]->compile(&c) < 0)
			return -EINVAL;
	if (check_requires(&c) < 0 || refuse_settings(&c) < 0 || refuse_unclaimed(&c) < 0)
		return -EINVAL;
	warn_ask(&c);
	plan_seal(plan);
	if (plan_verify(plan, d) < 0)
		return -EINVAL;
	*ret_plan = TAKE(plan);
	*ret_claims = c.claims;
	return 0;
}

void backend_claims(struct arena *arena, const struct policy *policy, const struct cage *cage,
		    struct diags *d, struct claim **ret_claims)
{
	CLEANUP(plan_freep) struct plan *plan = plan_new();
	struct compilation c = { .arena = arena, .policy = policy, .cage = cage, .plan = plan, .d = d,
				 .claims = arena_new_array(arena, struct claim, policy->rule_count) };

	for (size_t i = 0; i < ARRAY_SIZE(backends); i++)
		(void)backends[i]->compile(&c);
	*ret_claims = c.claims;
}
