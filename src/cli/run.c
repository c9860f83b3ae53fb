/* cli/run.c - starts a program in its cage. */
#include "base/path.h"
#include "cli/session.h"
#include "launch/launch.h"
#include "network/network.h"
#include "toml/toml.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct run {
	const char *profile, *name, *net;
	struct words ro, rw, hide, hosts;
	bool secure;
	long timeout;
	bool dry_run, json;
};

static const struct option options[] = {
	{ "profile", 'p', OPTION_WORD, offsetof(struct run, profile), "PROFILE", "the profile to use, a name or a file" },
	{ "name", 'n', OPTION_WORD, offsetof(struct run, name), "NAME", "name of the cage" },
	{ "ro", 0, OPTION_LIST, offsetof(struct run, ro), "PATH", "show this file or directory, read-only" },
	{ "rw", 0, OPTION_LIST, offsetof(struct run, rw), "PATH", "show this file or directory, writable" },
	{ "hide", 0, OPTION_LIST, offsetof(struct run, hide), "PATH", "deny this file or directory" },
	{ "net", 0, OPTION_WORD, offsetof(struct run, net), "MODE", "none, outgoing (the internet), or host: the network of the host" },
	{ "allow-host", 0, OPTION_LIST, offsetof(struct run, hosts), "HOST", "allow connections to this endpoint" },
	{ "secure", 0, OPTION_FLAG, offsetof(struct run, secure), NULL, "deny all that profile strict denies" },
	{ "timeout", 0, OPTION_NUMBER, offsetof(struct run, timeout), "SECONDS", "end the program after this time, status 124" },
	{ "dry-run", 0, OPTION_FLAG, offsetof(struct run, dry_run), NULL, "print the plan and start nothing" },
	{ "json", 0, OPTION_FLAG, offsetof(struct run, json), NULL, "with --dry-run: print JSON" },
	{ 0 },
};

int cli_print_plan(struct cli *cli, const struct plan *plan, bool as_json)
{
	struct strbuf out = { .arena = cli->arena };
	struct json json = { .out = &out };

	if (as_json)
		plan_print_json(plan, &json, NULL);
	else
		plan_print(plan, &out);
	return cli_print(strbuf_text(&out));
}

/* A path as a pattern for it, and for all below if it is a directory: wildcards lose their meaning. */
static const char *pattern_of(struct cli *cli, const struct cage *cage, const char *path)
{
	struct strbuf out = { .arena = cli->arena };
	struct stat status;

	path = path_normal(cli->arena, cage->working_directory, path);
	for (const char *at = path; *at; at++)
		strbuf_addf(&out, "%s%c", strchr("*?[]{}\\$", *at) ? "\\" : "", *at);
	if (stat(path, &status) == 0 && !S_ISDIR(status.st_mode))
		return strbuf_text(&out);
	return arena_printf(cli->arena, "%s{,/,/**}", strcmp(path, "/") == 0 ? "" : strbuf_text(&out));
}

static int append(struct cli *cli, struct source *extra, const char *key, const char *value)
{
	char *text;

	if (toml_append(cli->arena, extra, key, value, &cli->d, &text) < 0)
		return -EINVAL;
	extra->text = text;
	extra->length = strlen(text);
	return 0;
}

/* What the options grant and deny, written as a profile, so that it is checked like one. */
static int read_rules(struct cli *cli, const struct cage *cage, const struct run *o)
{
	const struct { const struct words *words; const char *key; } rows[] = {
		{ &o->ro, "filesystem.read-only" }, { &o->rw, "filesystem.read-write" },
		{ &o->hide, "filesystem.deny" },    { &o->hosts, "networking.allow" },
	};
	struct source *extra = arena_new_object(cli->arena, struct source);
	int r = 0;

	*extra = (struct source){ .name = "command line", .text = "", .first_line = 1 };
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		for (size_t k = 0; r == 0 && k < rows[i].words->count; k++)
			r = append(cli, extra, rows[i].key, rows[i].words == &o->hosts ? rows[i].words->items[k] :
				   pattern_of(cli, cage, rows[i].words->items[k]));
	if (r == 0 && o->secure)
		r = append(cli, extra, "include", "strict");
	if (r == 0 && (str_equal(o->net, "host") || str_equal(o->net, "outgoing")))
		r = append(cli, extra, "networking.flags", o->net);
	else if (r == 0 && str_equal(o->net, "none"))
		r = append(cli, extra, "networking.deny", "any") || append(cli, extra, "may-degrade", "networking");
	else if (r == 0 && o->net)
		r = diag_error(&cli->d, "C520", NULL, "'--net' takes none, outgoing or host, not '%s'",
			       str_quote(cli->arena, o->net));
	cli->extra = extra;
	return r;
}

/* The oracle is asked before anything is started: 126 and the flag that is missing, or 0. */
static int may_start(struct cli *cli, const struct policy *policy)
{
	static const char *const calls[] = { "execve", "exit_group" };
	const char *missing = NULL;
	bool files = false;

	for (size_t i = 0; i < policy->rule_count; i++)
		files = files || (policy->rules[i].kind == KIND_FILE && policy->rules[i].effect == EFFECT_ALLOW &&
				  policy->rules[i].access & ACCESS_EXECUTE);
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		struct request request = { .kind = KIND_SYSCALL, .access = ACCESS_USE, .verb = "syscall", .subject = calls[i] };

		if (policy_decide(policy, &request).effect != EFFECT_ALLOW)
			missing = "runtime.ordinary";
	}
	if (!missing && files)
		return 0;
	diag_error(&cli->d, "C507", NULL, "profile '%s' lets no program start: %s",
		   str_quote(cli->arena, policy->name),
		   missing ? "it grants no system calls" : "it grants no file to execute");
	diag_help(&cli->d, "give it the flags %s%sfilesystem.system", missing ? missing : "", missing ? " and " : "");
	return EXIT_CANNOT_EXECUTE;
}

static int run(struct cli *cli, void *values)
{
	const struct run *o = values;
	struct policy *policy;
	CLEANUP(plan_freep) struct plan *plan = NULL;
	struct launch_options launch = { .timeout = (unsigned)o->timeout, .prepare = network_prepare };
	struct network network = { 0 };
	struct claim *claims;
	struct cage cage;
	int status;

	if (session_cage(cli, &cage) < 0 || read_rules(cli, &cage, o) < 0)
		return EXIT_REFUSED;
	if (cli->count == 0 || !*cli->arguments[0]) {
		diag_error(&cli->d, "C508", NULL, "'cuddy run' wants a program");
		diag_help(&cli->d, "for example: cuddy run bash");
		return EXIT_REFUSED;
	}
	if (session_policy(cli, &cage, o->profile ? o->profile : session_profile_for(cli, &cage, cli->arguments[0]), &policy) < 0)
		return EXIT_REFUSED;
	status = may_start(cli, policy);
	if (status)
		return status;
	cage.name = o->name ? o->name : policy->name;
	cage.argv = (const char *const *)cli->arguments;
	if (!launch.timeout && policy->limits[LIMIT_TIMEOUT].is_set)
		launch.timeout = (unsigned)policy->limits[LIMIT_TIMEOUT].value;
	if (backend_compile(cli->arena, policy, &cage, &cli->d, &plan, &claims) < 0)
		return EXIT_REFUSED;
	if (o->dry_run)
		return cli_print_plan(cli, plan, o->json);
	launch.data = &network;
	status = launch_run(plan, &launch, &cli->d);
	network_finish(&network, &cli->d);
	return status;
}

const struct command command_run = {
	"run", "PROGRAM [ARGUMENT…]", "run a program in its cage", options, sizeof(struct run), run,
};
