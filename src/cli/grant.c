/* cli/grant.c - 'cuddy allow' and 'cuddy deny': one more line in the user's drop-in of a profile.
 * What was written there by hand stays as it is.  Must not: write what the profile could not be read
 * with; it is checked before. */
#include "base/fd.h"
#include "base/limits.h"
#include "cli/profile_actions.h"
#include "lib/caller.h"
#include "toml/toml.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

/* The keys that a verb of a permission is written to; NULL: there is none. */
static const struct { const char *verb, *allow, *deny; } verbs[] = {
	{ "capability", "runtime.allow-capabilities", "runtime.deny-capabilities" },
	{ "connect",	"networking.allow",	      "networking.deny" },
	{ "device",	"misc.devices",		      NULL },
	{ "execute",	"filesystem.execute",	      "filesystem.deny-execute" },
	{ "read",	"filesystem.read-only",	      "filesystem.deny" },
	{ "syscall",	"runtime.allow-syscalls",     "runtime.deny-syscalls" },
	{ "write",	"filesystem.read-write",      "filesystem.deny-write" },
};

/* A line of a profile: a value that stands in one list, and no longer in the opposite one. */
struct entry { const char *allow, *deny, *value; };

static int parse_permission(struct cli *cli, const char *text, struct entry *ret)
{
	const char *space = strchr(text, ' '), *dot = strchr(text, '.');
	size_t length = space ? (size_t)(space - text) : 0;

	for (size_t i = 0; space && i < ARRAY_SIZE(verbs); i++) {
		if (strlen(verbs[i].verb) != length || strncmp(verbs[i].verb, text, length) != 0)
			continue;
		*ret = (struct entry){ verbs[i].allow, verbs[i].deny, space + 1 };
		return 0;
	}
	for (enum category c = 0; !space && dot && c < CATEGORY_COUNT; c++) {
		const char *name = category_name(c);

		if (strlen(name) != (size_t)(dot - text) || strncmp(name, text, (size_t)(dot - text)) != 0)
			continue;
		*ret = (struct entry){ arena_printf(cli->arena, "%s.flags", name),
				       arena_printf(cli->arena, "%s.deny-flags", name), dot + 1 };
		return 0;
	}
	diag_error(&cli->d, "C544", NULL, "'%s' is not a permission", str_quote(cli->arena, text));
	diag_help(&cli->d, "name a flag, such as networking.dns, or a right: \"read ~/Notes/**\"");
	return -EINVAL;
}

static void take_text(struct source *source, const char *text)
{
	source->text = text;
	source->length = strlen(text);
}

/* Can the profile be read with this line?  The line alone is tried, as if the command line gave it. */
static int try_line(struct cli *cli, struct caller *caller, const char *profile, const char *key,
		    const char *value)
{
	struct source *line = arena_new_object(cli->arena, struct source); /* diagnostics show it later */
	struct policy *policy;
	char *text;

	*line = (struct source){ .name = "command line", .text = "", .first_line = 1 };
	if (toml_append(cli->arena, line, key, value, &cli->d, &text) < 0)
		return -EINVAL;
	take_text(line, text);
	caller->context.extra = line;
	return caller_resolve(cli->arena, caller, profile, &cli->d, &policy);
}

/* The rule that still denies what was allowed: of the flag, or the oracle's for a right; or NULL. */
static const struct rule *find_deny(struct cli *cli, const struct caller *caller, const struct policy *policy,
				    const char *permission)
{
	const struct cage *cage = &caller->cage;
	struct request request;
	struct verdict verdict;
	struct diags ignored; /* a pattern need not be a question */

	for (size_t i = 0; i < policy->rule_count; i++)
		if (policy->rules[i].effect == EFFECT_DENY && str_equal(policy->rules[i].flag, permission))
			return &policy->rules[i];
	diags_init(&ignored, cli->arena);
	if (request_parse(cli->arena, permission, cage->home, cage->working_directory, &ignored, &request) < 0)
		return NULL;
	verdict = policy_decide(policy, &request);
	return verdict.effect == EFFECT_DENY ? verdict.rule : NULL;
}

static void warn_of_deny(struct cli *cli, struct caller *caller, const char *profile, const char *permission)
{
	const struct rule *rule;
	struct policy *policy;

	caller->context.extra = NULL;
	if (caller_resolve(cli->arena, caller, profile, &cli->d, &policy) < 0)
		return;
	rule = find_deny(cli, caller, policy, permission);
	if (rule)
		diag_warning(&cli->d, "C545", rule->origin, "'%s' is still denied, by this",
			     str_quote(cli->arena, permission));
}

/* The drop-in with the line, and without its opposite. */
static int edit_file(struct cli *cli, const char *path, const char *key, const char *opposite,
		     const char *value, char **ret)
{
	struct source *file = arena_new_object(cli->arena, struct source);
	size_t length;
	char *text;
	int r = fd_read_file(cli->arena, AT_FDCWD, path, LIMIT_FILE_SIZE, &text, &length);

	*file = (struct source){ .name = path, .text = "", .first_line = 1 };
	if (r < 0 && r != -ENOENT)
		return diag_error(&cli->d, "C519", NULL, "'%s' cannot be read: %s", str_quote(cli->arena, path),
				  strerror(-r));
	if (r == 0)
		take_text(file, text);
	if (opposite) {
		if (toml_remove(cli->arena, file, opposite, value, &cli->d, &text) < 0)
			return -EINVAL;
		take_text(file, text);
	}
	return toml_append(cli->arena, file, key, value, &cli->d, ret);
}

int profile_amend(struct cli *cli, struct caller *caller, const char *profile, const char *key,
		  const char *opposite, const char *value)
{
	const char *path = profile_drop_in(cli->arena, caller, profile);
	char *text;

	if (try_line(cli, caller, profile, key, value) < 0 ||
	    edit_file(cli, path, key, opposite, value, &text) < 0 || profile_write(cli, path, text) < 0)
		return -EINVAL;
	return 0;
}

int profile_take(struct cli *cli, const struct caller *caller, const char *profile, const char *key,
		 const char *value)
{
	const char *path = profile_drop_in(cli->arena, caller, profile);
	struct source *file = arena_new_object(cli->arena, struct source);
	size_t length;
	char *text;
	int r = fd_read_file(cli->arena, AT_FDCWD, path, LIMIT_FILE_SIZE, &text, &length);

	if (r < 0)
		return r == -ENOENT ? 0 : diag_error(&cli->d, "C519", NULL, "'%s' cannot be read: %s",
						     str_quote(cli->arena, path), strerror(-r));
	*file = (struct source){ .name = path, .first_line = 1 };
	take_text(file, text);
	if (toml_remove(cli->arena, file, key, value, &cli->d, &text) < 0)
		return -EINVAL;
	return strcmp(text, file->text) == 0 ? 0 : profile_write(cli, path, text) < 0 ? -EINVAL : 0;
}

static int grant(struct cli *cli, bool allow)
{
	struct caller caller;
	struct entry entry;
	const char *key, *profile = cli->count ? cli->arguments[0] : "";

	if (cli->count != 2) {
		diag_error(&cli->d, "C544", NULL, "'cuddy %s' wants a profile and a permission", cli->command->name);
		diag_help(&cli->d, "for example: cuddy %s project networking.dns", cli->command->name);
		return EXIT_REFUSED;
	}
	if (!profile_name_is_good(cli, profile) || parse_permission(cli, cli->arguments[1], &entry) < 0 ||
	    session_caller(cli, &caller) < 0)
		return EXIT_REFUSED;
	key = allow ? entry.allow : entry.deny;
	if (!key) {
		diag_error(&cli->d, "C544", NULL, "a profile has no key for '%s %s'", cli->command->name,
			   str_quote(cli->arena, cli->arguments[1]));
		return EXIT_REFUSED;
	}
	if (profile_amend(cli, &caller, profile, key, allow ? entry.deny : entry.allow, entry.value) < 0)
		return EXIT_REFUSED;
	if (allow)
		warn_of_deny(cli, &caller, profile, cli->arguments[1]);
	return cli_print(arena_printf(cli->arena, "%s\n", profile_drop_in(cli->arena, &caller, profile)));
}

static int run_allow(struct cli *cli, void *values UNUSED)
{
	return grant(cli, true);
}

static int run_deny(struct cli *cli, void *values UNUSED)
{
	return grant(cli, false);
}

const struct command command_allow = {
	"allow", "PROFILE FLAG", "add a permission to a profile, in your own file beside it", NULL, 0,
	run_allow, NULL,
};

const struct command command_deny = {
	"deny", "PROFILE FLAG", "take a permission from a profile, in your own file beside it", NULL, 0,
	run_deny, NULL,
};
