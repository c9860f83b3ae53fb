/* cli/profile.c - 'cuddy profile': list, show, check; the other actions are in profile_actions.c. */
#include "base/fd.h"
#include "base/json.h"
#include "base/limits.h"
#include "cli/profile_actions.h"
#include "lib/caller.h"

#include <fcntl.h>
#include <string.h>

struct profile { bool json, verbose; };

static const struct option options[] = {
	{ "json", 0, OPTION_FLAG, offsetof(struct profile, json), NULL, "with list: print JSON" },
	{ "verbose", 'v', OPTION_FLAG, offsetof(struct profile, verbose), NULL, "with check: name what is not here, too" },
	{ 0 },
};

static int list(struct cli *cli, void *values)
{
	const struct profile *o = values;
	struct strbuf out = { .arena = cli->arena };
	struct json json = { .out = &out };
	struct profile_entry *entries;
	struct caller caller;
	size_t count;

	if (session_caller(cli, &caller) < 0 ||
	    profile_list(cli->arena, &caller.context, &entries, &count) < 0)
		return EXIT_REFUSED;
	if (o->json)
		json_array(&json, NULL);
	for (size_t i = 0; i < count; i++) {
		if (!o->json) {
			strbuf_addf(&out, "%-20s %s\n", entries[i].name, entries[i].path);
			continue;
		}
		json_object(&json, NULL);
		json_string(&json, "name", entries[i].name);
		json_string(&json, "path", entries[i].path);
		json_end_object(&json);
	}
	if (o->json)
		json_end_array(&json);
	return cli_print(strbuf_text(&out));
}

static int show(struct cli *cli, void *values UNUSED)
{
	struct caller caller;
	const char *path;
	size_t length;
	char *text;
	int r;

	if (session_caller(cli, &caller) < 0)
		return EXIT_REFUSED;
	path = profile_find(cli, &caller, cli->arguments[0]);
	if (!path)
		return EXIT_REFUSED;
	r = fd_read_file(cli->arena, AT_FDCWD, path, LIMIT_FILE_SIZE, &text, &length);
	if (r < 0) {
		diag_error(&cli->d, "C110", NULL, "cannot read '%s': %s", str_quote(cli->arena, path), strerror(-r));
		return EXIT_REFUSED;
	}
	return cli_print(text);
}

static int check(struct cli *cli, void *values)
{
	const struct profile *o = values;
	const struct cuddy_options wish = {
		.profile = cli->arguments[0], .flags = o->verbose ? CUDDY_VERBOSE : 0,
	};

	return session_load(cli, wish) < 0 ? EXIT_REFUSED : 0;
}

static const struct action actions[] = {
	{ "list", "", "list all profiles, with the file that counts", 0, 0, list },
	{ "show", "PROFILE", "print the file of a profile", 1, 1, show },
	{ "check", "PROFILE", "say what is wrong with a profile; nothing, when all is well", 1, 1, check },
	{ "diff", "PROFILE PROFILE", "print the rules that only one has; status 1 if any", 2, 2, profile_diff },
	{ "edit", "PROFILE", "open your own file of it in $VISUAL or $EDITOR, then check it", 1, 1, profile_edit },
	{ "new", "NAME [PROFILE]", "begin one that includes another, else command-line", 1, 2, profile_new },
	{ 0 },
};

const struct command command_profile = {
	"profile", "", "list, show, check, compare, begin and edit profiles", options, sizeof(struct profile),
	NULL, actions,
};
