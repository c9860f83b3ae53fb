/* cli/why.c - asks the oracle one question and names the rule that decided. */
#include "base/json.h"
#include "cli/session.h"

struct why { bool json; };

static const struct option options[] = {
	{ "json", 0, OPTION_FLAG, offsetof(struct why, json), NULL, "print JSON" },
	{ 0 },
};

static const char *reason(struct cli *cli, const struct verdict *v)
{
	if (v->on_the_way)
		return "it leads to something granted; listing shows only that";
	if (!v->rule)
		return "nothing allows it";
	return arena_printf(cli->arena, "%s'%s'%s%s at %s",
			    v->effect == EFFECT_ALLOW && v->rule->kind == KIND_FILE && v->rule->place != PLACE_HOST ?
			    "of the cage's own, not of the host: " : "", str_quote(cli->arena, v->rule->pattern),
			    v->rule->flag ? " of " : "", v->rule->flag ? v->rule->flag : "",
			    origin_text(cli->arena, v->rule->origin));
}

static int run(struct cli *cli, void *values)
{
	const struct why *o = values;
	struct policy *policy;
	struct strbuf out = { .arena = cli->arena };
	struct json json = { .out = &out };
	struct request request;
	const struct rule *lost;
	struct verdict v;
	struct cage cage;

	if (cli->count != 2) {
		diag_error(&cli->d, "C509", NULL, "'cuddy why' wants a profile and a question");
		diag_help(&cli->d, "for example: cuddy why project \"read ~/.ssh/id_rsa\"");
		return EXIT_REFUSED;
	}
	if (session_cage(cli, &cage) < 0 || session_policy(cli, &cage, cli->arguments[0], &policy) < 0 ||
	    request_parse(cli->arena, cli->arguments[1], cage.home, cage.working_directory, &cli->d, &request) < 0)
		return EXIT_REFUSED;
	v = policy_decide(policy, &request);
	lost = v.rule && v.effect == EFFECT_DENY ? policy_overridden(policy, &request) : NULL;
	if (o->json) {
		json_object(&json, NULL);
		json_string(&json, "request", cli->arguments[1]);
		json_string(&json, "verdict", effect_name(v.effect));
		json_string(&json, "pattern", v.rule ? v.rule->pattern : NULL);
		json_string(&json, "flag", v.rule ? v.rule->flag : NULL);
		json_string(&json, "origin", v.rule ? origin_text(cli->arena, v.rule->origin) : NULL);
		json_string(&json, "overrides", lost ? origin_text(cli->arena, lost->origin) : NULL);
		json_end_object(&json);
	} else {
		strbuf_addf(&out, "%s: %s\n", effect_name(v.effect), reason(cli, &v));
		if (lost)
			strbuf_addf(&out, "it overrides '%s'%s%s at %s\n", str_quote(cli->arena, lost->pattern),
				    lost->flag ? " of " : "", lost->flag ? lost->flag : "",
				    origin_text(cli->arena, lost->origin));
	}
	return cli_print(strbuf_text(&out));
}

const struct command command_why = {
	"why", "PROFILE QUESTION", "say whether a profile allows something, and which line decides", options,
	sizeof(struct why), run,
};
