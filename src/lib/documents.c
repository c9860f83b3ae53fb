/* lib/documents.c - what people and programs read about a profile: why, explain, plan.
 * Must not: print; every document is a text that the structure owns. */
#include "lib/internal.h"
#include "base/json.h"
#include "policy/lines.h"
#include "policy/publication.h"

/* --- why ------------------------------------------------------------------------------- */

/* Whose file it is, where that is not the host's. */
static const char *owner(const struct verdict *v)
{
	if (v->effect != EFFECT_ALLOW || v->rule->kind != KIND_FILE || v->rule->place == PLACE_HOST)
		return "";
	return v->rule->place == PLACE_ROOT ? "of the root file system: " : "of the cage's own, not of the host: ";
}

static const char *reason(struct arena *arena, const struct verdict *v)
{
	if (v->on_the_way)
		return "it leads to something granted; listing shows only that";
	if (!v->rule)
		return "nothing allows it";
	return arena_printf(arena, "%s'%s'%s%s at %s",
			    owner(v), str_quote(arena, v->rule->pattern),
			    v->rule->flag ? " of " : "", v->rule->flag ? v->rule->flag : "",
			    origin_text(arena, v->rule->origin));
}

/* What of the host is behind the port of the cage's loopback that is asked for; NULL: nothing. */
static const struct text_setting *find_lent(const struct policy *policy, const struct request *request)
{
	const struct endpoint *to = &request->endpoint;

	if (request->kind != KIND_NETWORK || request->access != ACCESS_CONNECT ||
	    (to->form == HOST_NETWORK ? endpoint_class(to->address) : to->form) != HOST_LOOPBACK)
		return NULL;
	for (size_t i = 0; i < policy->lend.count; i++) {
		struct lending lent;
		if (lending_parse(policy->lend.items[i].value, false, &lent) && lent.inside == to->first_port)
			return &policy->lend.items[i];
	}
	return NULL;
}

/* `lost`: the allow that the deny overrides; `lent`: where it leads to; or NULL. */
static void why_json(struct strbuf *out, const char *question, const struct verdict *v, const struct rule *lost,
		     const struct text_setting *lent)
{
	struct arena *arena = out->arena;
	struct json json = { .out = out };

	json_object(&json, NULL);
	json_string(&json, "request", question);
	json_string(&json, "verdict", effect_name(v->effect));
	json_string(&json, "pattern", v->rule ? v->rule->pattern : NULL);
	json_string(&json, "flag", v->rule ? v->rule->flag : NULL);
	json_string(&json, "origin", v->rule ? origin_text(arena, v->rule->origin) : NULL);
	json_string(&json, "overrides", lost ? origin_text(arena, lost->origin) : NULL);
	json_string(&json, "lent", lent ? lent->value : NULL);
	json_end_object(&json);
}

static void why_text(struct strbuf *out, const struct verdict *v, const struct rule *lost,
		     const struct text_setting *lent)
{
	strbuf_addf(out, "%s: %s\n", effect_name(v->effect), reason(out->arena, v));
	if (lost)
		strbuf_addf(out, "it overrides '%s'%s%s at %s\n", str_quote(out->arena, lost->pattern),
			    lost->flag ? " of " : "", lost->flag ? lost->flag : "",
			    origin_text(out->arena, lost->origin));
	if (lent)
		strbuf_addf(out, "it leads to a service of the computer: '%s' is lent at %s\n",
			    str_quote(out->arena, lent->value), origin_text(out->arena, lent->origin));
}

static bool goes_out(const struct request *request, const struct verdict *v)
{
	return v->effect == EFFECT_ALLOW && request->kind == KIND_NETWORK && request->access != ACCESS_LISTEN &&
	       request->endpoint.form != HOST_LOOPBACK;
}

const char *cuddy_why(struct cuddy *cuddy, const char *question, enum cuddy_format format)
{
	struct strbuf out = { .arena = cuddy->arena };
	const struct rule *lost;
	struct request request;
	struct verdict v;

	if (ask_oracle(cuddy, question, &request, &v) < 0)
		return NULL;
	lost = v.rule && v.effect == EFFECT_DENY ? policy_overridden(cuddy->policy, &request) : NULL;
	const struct text_setting *lent = v.effect == EFFECT_ALLOW ? find_lent(cuddy->policy, &request) : NULL;
	if (format == CUDDY_JSON)
		why_json(&out, question, &v, lost, lent);
	else
		why_text(&out, &v, lost, lent);
	if (format == CUDDY_TEXT && !lent && goes_out(&request, &v) && cuddy->policy->vpn.value)
		strbuf_addf(&out, "through the VPN '%s'\n", str_quote(cuddy->arena, cuddy->policy->vpn.value));
	return strbuf_text(&out);
}

/* --- explain --------------------------------------------------------------------------- */

static bool flag_is_allowed(const struct policy *policy, const char *name)
{
	for (size_t i = 0; i < policy->rule_count; i++)
		if (str_equal(policy->rules[i].flag, name) && policy->rules[i].effect == EFFECT_ALLOW)
			return true;
	return false;
}

static void explain_flags(struct cuddy *cuddy, struct strbuf *out)
{
	struct profile_flag *flags;
	size_t count;

	if (profile_list_flags(cuddy->arena, &cuddy->caller.context, &cuddy->d, &flags, &count) < 0)
		return;
	strbuf_add(out, "It may, worst first:\n");
	for (int risk = RISK_ESCAPE; risk >= RISK_LOW; risk--)
		for (size_t i = 0; i < count; i++) {
			const char *text = flags[i].description;

			if ((int)flags[i].risk == risk && flag_is_allowed(cuddy->policy, flags[i].name))
				strbuf_addf(out, "  %-7s %s (%s)\n", risk_name(flags[i].risk),
					    str_starts(text, "may ") ? text + 4 : text, flags[i].name);
		}
}

/* The rules of one effect; rights that a flag brought are told by the flag. */
static void explain_rules(struct strbuf *out, const struct policy *policy, const struct claim *claims,
			  enum effect effect, const char *title)
{
	bool first = true;

	for (size_t i = 0; i < policy->rule_count; i++) {
		const struct rule *rule = &policy->rules[i];

		if (rule->effect != effect || (rule->flag && effect == EFFECT_ALLOW))
			continue;
		if (first)
			strbuf_add(out, title);
		first = false;
		strbuf_addf(out, "  %s %s [%s%s%s%s%s]\n", policy_access_words(out->arena, rule->kind, rule->access),
			    str_quote(out->arena, rule->pattern),
			    exactness_name(claims[i].exactness), claims[i].backend ? " by " : "",
			    claims[i].backend ? claims[i].backend : "", claims[i].note ? ": " : "",
			    claims[i].note ? claims[i].note : "");
	}
}

static const struct { const char *key; size_t offset; const char *text; } openings[] = {
	{ "publish", offsetof(struct policy, publish), "others reach a port of it at" },
	{ "lend", offsetof(struct policy, lend), "it reaches a service of the computer:" },
	{ "expose", offsetof(struct policy, expose), "a port of it is a socket of the computer:" },
};

static const struct text_list *opening_list(const struct policy *policy, size_t index)
{
	return (const void *)((const char *)policy + openings[index].offset);
}

static void explain_openings(struct strbuf *out, const struct policy *policy)
{
	bool first = true;

	for (size_t i = 0; i < ARRAY_SIZE(openings); i++)
		for (size_t k = 0; k < opening_list(policy, i)->count; k++) {
			if (first)
				strbuf_add(out, "\nBeside its rules:\n");
			first = false;
			strbuf_addf(out, "  %s '%s'\n", openings[i].text,
				    str_quote(out->arena, opening_list(policy, i)->items[k].value));
		}
}

static void explain_text(struct cuddy *cuddy, struct strbuf *out, const struct claim *claims)
{
	static const struct { enum effect effect; const char *title; } sections[] = {
		{ EFFECT_ALLOW, "\nIt may also:\n" },
		{ EFFECT_ASK, "\nIt may ask for (nothing can ask yet, so this is denied):\n" },
		{ EFFECT_LOG, "\nLogged, once something can:\n" },
		{ EFFECT_DENY, "\nIt may never, whatever else is granted:\n" },
	};
	const struct policy *policy = cuddy->policy;
	const char *description = policy->description.value;

	strbuf_addf(out, "%s%s%s\n\n", policy->name, description ? ": " : "", description ? description : "");
	if (policy->root.value)
		strbuf_addf(out, "Its root file system is %s, %s.\n\n", cage_root_text(out->arena, policy),
			    policy->root_access.value ? policy->root_access.value : "copy-on-write");
	if (policy->vpn.value)
		strbuf_addf(out, "What it reaches of the network, it reaches through the VPN '%s'.\n\n",
			    str_quote(out->arena, policy->vpn.value));
	if (policy->rule_count == 0)
		strbuf_add(out, "It may do nothing at all.\n");
	explain_flags(cuddy, out);
	for (size_t i = 0; i < ARRAY_SIZE(sections); i++)
		explain_rules(out, policy, claims, sections[i].effect, sections[i].title);
	if (policy->network.value)
		strbuf_addf(out, "\nCages of the private network '%s' reach the ports at which it may wait, by its name.\n",
			    policy->network.value);
	explain_openings(out, policy);
	strbuf_add(out, "\nEverything that is not named here is denied.\n");
}

static void explain_json(struct strbuf *out, const struct policy *policy, const struct claim *claims)
{
	struct json json = { .out = out };

	json_object(&json, NULL);
	json_string(&json, "profile", policy->name);
	json_string(&json, "description", policy->description.value);
	json_string(&json, "root", policy->root.value);
	json_string(&json, "vpn", policy->vpn.value);
	json_string(&json, "private", policy->network.value);
	for (size_t i = 0; i < ARRAY_SIZE(openings); i++) {
		json_array(&json, openings[i].key);
		for (size_t k = 0; k < opening_list(policy, i)->count; k++)
			json_string(&json, NULL, opening_list(policy, i)->items[k].value);
		json_end_array(&json);
	}
	json_array(&json, "rules");
	for (size_t i = 0; i < policy->rule_count; i++) {
		const struct rule *rule = &policy->rules[i];

		json_object(&json, NULL);
		json_string(&json, "effect", effect_name(rule->effect));
		json_string(&json, "kind", kind_name(rule->kind));
		json_string(&json, "access", policy_access_words(out->arena, rule->kind, rule->access));
		json_string(&json, "pattern", rule->pattern);
		json_string(&json, "flag", rule->flag);
		json_string(&json, "risk", risk_name(rule->risk));
		json_string(&json, "origin", origin_text(out->arena, rule->origin));
		json_string(&json, "enforced", exactness_name(claims[i].exactness));
		json_string(&json, "by", claims[i].backend);
		json_end_object(&json);
	}
	json_end_array(&json);
	json_end_object(&json);
}

const char *cuddy_explain(struct cuddy *cuddy, enum cuddy_format format)
{
	struct strbuf out = { .arena = cuddy->arena };
	struct claim *claims;
	struct diags ignored; /* what cannot be enforced is in the claims */

	if (!cuddy->policy)
		return NULL;
	diags_init(&ignored, cuddy->arena);
	(void)open_root(cuddy, &ignored);
	backend_claims(cuddy->arena, cuddy->policy, &cuddy->caller.cage, &ignored, &claims);
	if (format == CUDDY_JSON)
		explain_json(&out, cuddy->policy, claims);
	else
		explain_text(cuddy, &out, claims);
	return strbuf_text(&out);
}

/* --- plan ------------------------------------------------------------------------------ */

static const char *network_text(const struct plan *plan)
{
	const struct step *step = plan_find(plan, OP_AWAIT), *tunnel = plan_find(plan, OP_TUNNEL);
	const char *rules = step ? plan_text_at(plan, step->b) : "";

	if (tunnel)
		return arena_printf(plan->arena, "# what these let out goes through the VPN '%s' or nowhere\n%s",
				    str_quote(plan->arena, plan_text_at(plan, tunnel->a)), rules);
	return step ? rules :
	       plan->host_network ? "# the network of the host, without rules\n" :
				    "# a network of its own, with no way out\n";
}

const char *cuddy_plan(struct cuddy *cuddy, const char *const *argv, enum cuddy_format format)
{
	CLEANUP(plan_freep) struct plan *plan = NULL;
	struct strbuf out = { .arena = cuddy->arena };
	struct json json = { .out = &out };

	if (compile_cage(cuddy, argv, &plan) < 0)
		return NULL;
	if (format == CUDDY_NFT)
		strbuf_add(&out, network_text(plan));
	else if (format == CUDDY_JSON)
		plan_print_json(plan, &json, NULL);
	else
		plan_print(plan, &out);
	return strbuf_text(&out);
}
