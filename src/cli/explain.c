/* cli/explain.c - the commands that print what a profile means: explain, why, plan. */
#include "cli/session.h"

struct document { bool json; };

static const struct option options[] = {
	{ "json", 0, OPTION_FLAG, offsetof(struct document, json), NULL, "print JSON" },
	{ 0 },
};

static enum cuddy_format format_of(const struct document *o)
{
	return o->json ? CUDDY_JSON : CUDDY_TEXT;
}

static int run_explain(struct cli *cli, void *values)
{
	if (cli->count != 1)
		return diag_error(&cli->d, "C515", NULL, "'cuddy explain' wants a profile"), EXIT_REFUSED;
	if (session_load_profile(cli, cli->arguments[0]) < 0)
		return EXIT_REFUSED;
	return cli_print(cuddy_explain(cli->cuddy, format_of(values)));
}

const struct command command_explain = {
	"explain", "PROFILE", "say in words what a profile allows", options, sizeof(struct document),
	run_explain, NULL,
};

static int run_why(struct cli *cli, void *values)
{
	if (cli->count != 2) {
		diag_error(&cli->d, "C509", NULL, "'cuddy why' wants a profile and a question");
		diag_help(&cli->d, "for example: cuddy why project \"read ~/.ssh/id_rsa\"");
		return EXIT_REFUSED;
	}
	if (session_load_profile(cli, cli->arguments[0]) < 0)
		return EXIT_REFUSED;
	return cli_print(cuddy_why(cli->cuddy, cli->arguments[1], format_of(values)));
}

const struct command command_why = {
	"why", "PROFILE QUESTION", "say whether a profile allows something, and which line decides", options,
	sizeof(struct document), run_why, NULL,
};

struct plan_options { bool json, net; };

static const struct option plan_options[] = {
	{ "json", 0, OPTION_FLAG, offsetof(struct plan_options, json), NULL, "print JSON" },
	{ "net", 0, OPTION_FLAG, offsetof(struct plan_options, net), NULL, "print the rules of its network, as nft(8) reads them" },
	{ 0 },
};

static int run_plan(struct cli *cli, void *values)
{
	const struct plan_options *o = values;
	static const char *const standard[] = { "true", NULL };

	if (cli->count < 1)
		return diag_error(&cli->d, "C516", NULL, "'cuddy plan' wants a profile"), EXIT_REFUSED;
	if (session_load_profile(cli, cli->arguments[0]) < 0)
		return EXIT_REFUSED;
	return cli_print(cuddy_plan(cli->cuddy, cli->count > 1 ? (const char *const *)cli->arguments + 1 : standard,
				    o->net ? CUDDY_NFT : o->json ? CUDDY_JSON : CUDDY_TEXT));
}

const struct command command_plan = {
	"plan", "PROFILE [PROGRAM [ARGUMENT…]]", "print the steps that would build the cage", plan_options,
	sizeof(struct plan_options), run_plan, NULL,
};
