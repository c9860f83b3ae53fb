/* cli/profile.c - profiles and flags: list, show, check. */
#include "base/fd.h"
#include "base/json.h"
#include "base/limits.h"
#include "cli/profile_actions.h"
#include "profile/profile.h"

#include <fcntl.h>
#include <string.h>

struct listing { bool json, verbose; };

static const struct option options[] = {
	{ "json", 0, OPTION_FLAG, offsetof(struct listing, json), NULL, "print JSON" },
	{ 0 },
};

static const struct option profile_options[] = {
	{ "json", 0, OPTION_FLAG, offsetof(struct listing, json), NULL, "print JSON" },
	{ "verbose", 'v', OPTION_FLAG, offsetof(struct listing, verbose), NULL, "check: name what is not here, too" },
	{ 0 },
};

static int list_profiles(struct cli *cli, const struct profile_context *context, bool as_json)
{
	struct strbuf out = { .arena = cli->arena };
	struct json json = { .out = &out };
	struct profile_entry *entries;
	size_t count;

	if (profile_list(cli->arena, context, &entries, &count) < 0)
		return EXIT_REFUSED;
	if (as_json)
		json_array(&json, NULL);
	for (size_t i = 0; i < count; i++) {
		if (!as_json) {
			strbuf_addf(&out, "%-20s %s\n", entries[i].name, entries[i].path);
			continue;
		}
		json_object(&json, NULL);
		json_string(&json, "name", entries[i].name);
		json_string(&json, "path", entries[i].path);
		json_end_object(&json);
	}
	if (as_json)
		json_end_array(&json);
	return cli_print(strbuf_text(&out));
}

static int show_profile(struct cli *cli, const struct profile_context *context, const char *name)
{
	struct profile_entry *entries;
	size_t count, length;
	char *text;

	if (profile_list(cli->arena, context, &entries, &count) < 0)
		return EXIT_REFUSED;
	for (size_t i = 0; i < count; i++)
		if (strcmp(entries[i].name, name) == 0 &&
		    fd_read_file(cli->arena, AT_FDCWD, entries[i].path, LIMIT_FILE_SIZE, &text, &length) == 0)
			return cli_print(text);
	diag_error(&cli->d, "C512", NULL, "there is no profile '%s'", str_quote(cli->arena, name));
	diag_help(&cli->d, "'cuddy profile list' shows all");
	return EXIT_REFUSED;
}

static int check_profile(struct cli *cli, const struct cage *cage, const char *name, bool verbose)
{
	struct policy *policy;

	if (session_policy(cli, cage, name, &policy) < 0)
		return EXIT_REFUSED;
	if (verbose)
		profile_report_absent(policy, &cli->d);
	return 0;
}

static int run(struct cli *cli, void *values)
{
	const struct listing *o = values;
	struct profile_context context;
	struct cage cage;
	const char *action = cli->count ? cli->arguments[0] : "list";

	if (session_cage(cli, &cage) < 0)
		return EXIT_REFUSED;
	session_context(cli, &cage, &context);
	if (strcmp(action, "list") == 0 && cli->count <= 1)
		return list_profiles(cli, &context, o->json);
	if (strcmp(action, "show") == 0 && cli->count == 2)
		return show_profile(cli, &context, cli->arguments[1]);
	if (strcmp(action, "check") == 0 && cli->count == 2)
		return check_profile(cli, &cage, cli->arguments[1], o->verbose);
	if (strcmp(action, "diff") == 0 && cli->count == 3)
		return profile_diff(cli, &cage, cli->arguments[1], cli->arguments[2]);
	if (strcmp(action, "new") == 0 && (cli->count == 2 || cli->count == 3))
		return profile_new(cli, &cage, cli->arguments[1], cli->count == 3 ? cli->arguments[2] : "command-line");
	diag_error(&cli->d, "C513", NULL, "'cuddy profile' wants list, show NAME, check NAME, diff A B or new NAME [BASE]");
	return EXIT_REFUSED;
}

const struct command command_profile = {
	"profile", "list | show NAME | check NAME | diff A B | new NAME [BASE]", "list, show, check, compare and begin profiles",
	profile_options,
	sizeof(struct listing), run,
};

static int run_permissions(struct cli *cli, void *values)
{
	const struct listing *o = values;
	struct strbuf out = { .arena = cli->arena };
	struct json json = { .out = &out };
	const char *wanted = cli->count == 2 && strcmp(cli->arguments[0], "show") == 0 ? cli->arguments[1] : NULL;
	struct profile_context context;
	struct profile_flag *flags;
	struct cage cage;
	size_t count, shown = 0;

	if (session_cage(cli, &cage) < 0)
		return EXIT_REFUSED;
	session_context(cli, &cage, &context);
	if (profile_list_flags(cli->arena, &context, &cli->d, &flags, &count) < 0)
		return EXIT_REFUSED;
	if (o->json)
		json_array(&json, NULL);
	for (size_t i = 0; i < count; i++) {
		if (wanted && strcmp(wanted, flags[i].name) != 0)
			continue;
		shown++;
		if (!o->json) {
			strbuf_addf(&out, "%-30s %-7s %s\n", flags[i].name, risk_name(flags[i].risk), flags[i].description);
			continue;
		}
		json_object(&json, NULL);
		json_string(&json, "name", flags[i].name);
		json_string(&json, "risk", risk_name(flags[i].risk));
		json_string(&json, "description", flags[i].description);
		json_end_object(&json);
	}
	if (o->json)
		json_end_array(&json);
	if (wanted && !shown) {
		diag_error(&cli->d, "C514", NULL, "there is no flag '%s'", str_quote(cli->arena, wanted));
		diag_help(&cli->d, "'cuddy permissions' shows all");
		return EXIT_REFUSED;
	}
	return cli_print(strbuf_text(&out));
}

const struct command command_permissions = {
	"permissions", "[list | show FLAG]", "list the flags that profiles may use", options,
	sizeof(struct listing), run_permissions,
};
