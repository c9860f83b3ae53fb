/* cli/explain.c - what a profile means, in words: flags by risk, then single rights, then denies,
 * and who enforces it how exactly. */
#include "base/json.h"
#include "cli/session.h"
#include "profile/profile.h"

#include <string.h>

struct explain { bool json; };

static const struct option options[] = {
	{ "json", 0, OPTION_FLAG, offsetof(struct explain, json), NULL, "print JSON" },
	{ 0 },
};

static const char *access_words(struct cli *cli, const struct rule *rule)
{
	static const char *const words[KIND_COUNT][5] = {
		[KIND_FILE] = { "read", "write", "execute" },
		[KIND_NETWORK] = { "connect", "send", "listen", "resolve" },
		[KIND_SYSCALL] = { "call" }, [KIND_CAPABILITY] = { "hold" }, [KIND_DEVICE] = { "use" },
		[KIND_BUS] = { "see", "talk to", "own", "call", "receive" },
	};
	struct strbuf out = { .arena = cli->arena };

	for (unsigned bit = 0; bit < 5; bit++)
		if (rule->access >> bit & 1 && words[rule->kind][bit])
			strbuf_addf(&out, "%s%s", out.length ? ", " : "", words[rule->kind][bit]);
	return strbuf_text(&out);
}

static bool flag_is_used(const struct policy *policy, const char *name, enum effect effect)
{
	for (size_t i = 0; i < policy->rule_count; i++)
		if (str_equal(policy->rules[i].flag, name) && policy->rules[i].effect == effect)
			return true;
	return false;
}

static void explain_flags(struct cli *cli, struct strbuf *out, const struct policy *policy,
			  const struct cage *cage)
{
	struct profile_context context;
	struct profile_flag *flags;
	size_t count;

	session_context(cli, cage, &context);
	if (profile_list_flags(cli->arena, &context, &cli->d, &flags, &count) < 0)
		return;
	strbuf_add(out, "It may, worst first:\n");
	for (int risk = RISK_ESCAPE; risk >= RISK_LOW; risk--)
		for (size_t i = 0; i < count; i++)
			if ((int)flags[i].risk == risk && flag_is_used(policy, flags[i].name, EFFECT_ALLOW))
				strbuf_addf(out, "  %-7s %s (%s)\n", risk_name(flags[i].risk),
					    str_starts(flags[i].description, "may ") ? flags[i].description + 4 : flags[i].description,
					    flags[i].name);
}

static void explain_rules(struct cli *cli, struct strbuf *out, const struct policy *policy,
			  const struct claim *claims, enum effect effect, const char *title)
{
	bool first = true;

	for (size_t i = 0; i < policy->rule_count; i++) {
		const struct rule *rule = &policy->rules[i];

		if (rule->effect != effect || (rule->flag && effect == EFFECT_ALLOW))
			continue;
		if (first)
			strbuf_add(out, title);
		first = false;
		strbuf_addf(out, "  %s %s [%s%s%s%s%s]\n", access_words(cli, rule), str_quote(cli->arena, rule->pattern),
			    exactness_name(claims[i].exactness), claims[i].backend ? " by " : "",
			    claims[i].backend ? claims[i].backend : "", claims[i].note ? ": " : "",
			    claims[i].note ? claims[i].note : "");
	}
}

static void explain_json(struct cli *cli, struct strbuf *out, const struct policy *policy, const struct claim *claims)
{
	struct json json = { .out = out };

	json_object(&json, NULL);
	json_string(&json, "profile", policy->name);
	json_string(&json, "description", policy->description.value);
	json_array(&json, "rules");
	for (size_t i = 0; i < policy->rule_count; i++) {
		const struct rule *rule = &policy->rules[i];

		json_object(&json, NULL);
		json_string(&json, "effect", effect_name(rule->effect));
		json_string(&json, "kind", kind_name(rule->kind));
		json_string(&json, "access", access_words(cli, rule));
		json_string(&json, "pattern", rule->pattern);
		json_string(&json, "flag", rule->flag);
		json_string(&json, "risk", risk_name(rule->risk));
		json_string(&json, "origin", origin_text(cli->arena, rule->origin));
		json_string(&json, "enforced", exactness_name(claims[i].exactness));
		json_string(&json, "by", claims[i].backend);
		json_end_object(&json);
	}
	json_end_array(&json);
	json_end_object(&json);
}

static int run(struct cli *cli, void *values)
{
	const struct explain *o = values;
	struct strbuf out = { .arena = cli->arena };
	struct claim *claims;
	struct policy *policy;
	struct diags ignored;
	struct cage cage;

	if (cli->count != 1)
		return diag_error(&cli->d, "C515", NULL, "'cuddy explain' wants a profile"), EXIT_REFUSED;
	if (session_cage(cli, &cage) < 0 || session_policy(cli, &cage, cli->arguments[0], &policy) < 0)
		return EXIT_REFUSED;
	diags_init(&ignored, cli->arena);
	backend_claims(cli->arena, policy, &cage, &ignored, &claims);
	if (o->json) {
		explain_json(cli, &out, policy, claims);
		return cli_print(strbuf_text(&out));
	}
	strbuf_addf(&out, "%s%s%s\n\n", policy->name, policy->description.value ? ": " : "",
		    policy->description.value ? policy->description.value : "");
	if (policy->rule_count == 0)
		strbuf_add(&out, "It may do nothing at all.\n");
	explain_flags(cli, &out, policy, &cage);
	explain_rules(cli, &out, policy, claims, EFFECT_ALLOW, "\nIt may also:\n");
	explain_rules(cli, &out, policy, claims, EFFECT_ASK, "\nIt may ask for (nothing can ask yet, so this is denied):\n");
	explain_rules(cli, &out, policy, claims, EFFECT_LOG, "\nLogged, once something can:\n");
	explain_rules(cli, &out, policy, claims, EFFECT_DENY, "\nIt may never, whatever else is granted:\n");
	strbuf_add(&out, "\nEverything that is not named here is denied.\n");
	return cli_print(strbuf_text(&out));
}

const struct command command_explain = {
	"explain", "PROFILE", "say in words what a profile allows", options, sizeof(struct explain), run,
};

struct plan_options { bool json, net; };

static const struct option plan_options[] = {
	{ "json", 0, OPTION_FLAG, offsetof(struct plan_options, json), NULL, "print JSON" },
	{ "net", 0, OPTION_FLAG, offsetof(struct plan_options, net), NULL, "print the rules of its network, as nft(8) reads them" },
	{ 0 },
};

static int print_network(const struct plan *plan)
{
	const struct step *step = plan_find(plan, OP_AWAIT);

	return cli_print(step ? plan_text_at(plan, step->b) :
			 plan->host_network ? "# the network of the host, without rules\n" :
					      "# a network of its own, with no way out\n");
}

static int run_plan(struct cli *cli, void *values)
{
	const struct plan_options *o = values;
	static const char *const standard[] = { "true", NULL };
	struct claim *claims;
	struct policy *policy;
	struct plan *plan = NULL;
	struct cage cage;
	int status;

	if (cli->count < 1)
		return diag_error(&cli->d, "C516", NULL, "'cuddy plan' wants a profile"), EXIT_REFUSED;
	if (session_cage(cli, &cage) < 0 || session_policy(cli, &cage, cli->arguments[0], &policy) < 0)
		return EXIT_REFUSED;
	cage.argv = cli->count > 1 ? (const char *const *)cli->arguments + 1 : standard;
	if (backend_compile(cli->arena, policy, &cage, &cli->d, &plan, &claims) < 0)
		return EXIT_REFUSED;
	status = o->net ? print_network(plan) : cli_print_plan(cli, plan, o->json);
	plan_free(plan);
	return status;
}

const struct command command_plan = {
	"plan", "PROFILE [PROGRAM…]", "print the steps that would build the cage", plan_options,
	sizeof(struct plan_options), run_plan,
};
