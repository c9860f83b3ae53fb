/* cli/profile_actions.c - the actions of 'cuddy profile' that compare and write: diff, new, edit. */
#include "cli/profile_actions.h"
#include "base/fd.h"
#include "base/path.h"
#include "lib/caller.h"
#include "toml/toml.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static bool has_rule(const struct policy *policy, const struct rule *wanted)
{
	for (size_t i = 0; i < policy->rule_count; i++) {
		const struct rule *rule = &policy->rules[i];

		if (rule->kind == wanted->kind && rule->effect == wanted->effect && rule->place == wanted->place &&
		    rule->system_bus == wanted->system_bus && (rule->access & wanted->access) == wanted->access &&
		    strcmp(rule->pattern, wanted->pattern) == 0)
			return true;
	}
	return false;
}

static size_t print_missing(struct cli *cli, struct strbuf *out, char sign, const struct policy *from,
			    const struct policy *in)
{
	size_t count = 0;

	for (size_t i = 0; i < from->rule_count; i++) {
		const struct rule *rule = &from->rules[i];

		if (has_rule(in, rule))
			continue;
		strbuf_addf(out, "%c %s %s %s%s%s%s\n", sign, effect_name(rule->effect), kind_name(rule->kind),
			    str_quote(cli->arena, rule->pattern), rule->flag ? " (" : "",
			    rule->flag ? rule->flag : "", rule->flag ? ")" : "");
		count++;
	}
	return count;
}

int profile_diff(struct cli *cli, void *options UNUSED)
{
	struct strbuf out = { .arena = cli->arena };
	struct policy *policies[2];
	struct caller caller;
	size_t count;
	int status;

	if (session_caller(cli, &caller) < 0)
		return EXIT_REFUSED;
	for (size_t i = 0; i < ARRAY_SIZE(policies); i++)
		if (caller_resolve(cli->arena, &caller, cli->arguments[i], &cli->d, &policies[i]) < 0)
			return EXIT_REFUSED;
	count = print_missing(cli, &out, '-', policies[0], policies[1]);
	count += print_missing(cli, &out, '+', policies[1], policies[0]);
	status = cli_print(strbuf_text(&out));
	return status ? status : count ? 1 : 0;
}

/* The directory, made with its parents; only the user may look into it.  `path` is scratch. */
static int make_directories(char *path)
{
	for (char *at = strchr(path + 1, '/');; at = strchr(at + 1, '/')) {
		if (at)
			*at = '\0';
		if (mkdir(path, 0700) < 0 && errno != EEXIST)
			return -errno;
		if (!at)
			return 0;
		*at = '/';
	}
}

bool profile_name_is_good(struct cli *cli, const char *name)
{
	if (places_name_is_valid(name))
		return true;
	diag_error(&cli->d, "C518", NULL, "'%s' cannot be the name of a profile", str_quote(cli->arena, name));
	return false;
}

const char *profile_find(struct cli *cli, const struct caller *caller, const char *name)
{
	struct profile_entry *entries;
	size_t count = 0;

	(void)profile_list(cli->arena, &caller->context, &entries, &count);
	for (size_t i = 0; i < count; i++)
		if (strcmp(entries[i].name, name) == 0)
			return entries[i].path;
	diag_error(&cli->d, "C512", NULL, "there is no profile '%s'", str_quote(cli->arena, name));
	diag_help(&cli->d, "'cuddy profile list' shows all");
	return NULL;
}

const char *profile_drop_in(struct arena *arena, const struct caller *caller, const char *name)
{
	return arena_printf(arena, "%s/profiles/%s.local.toml", caller->context.places.user, name);
}

int profile_write(struct cli *cli, const char *path, const char *text)
{
	char *directory = arena_strndup(cli->arena, path, (size_t)(strrchr(path, '/') - path));
	int r = make_directories(directory);

	if (r == 0)
		r = fd_replace_file(AT_FDCWD, path, text, strlen(text), 0600);
	if (r < 0)
		diag_error(&cli->d, "C519", NULL, "'%s' cannot be written: %s", str_quote(cli->arena, path),
			   strerror(-r));
	return r;
}

int profile_new(struct cli *cli, void *options UNUSED)
{
	const char *name = cli->arguments[0], *base = cli->count > 1 ? cli->arguments[1] : "command-line";
	const struct { const char *key, *value; } rows[] = { { "include", base }, { "command", name } };
	struct source source = { .name = "new profile", .first_line = 1 };
	char *text = arena_strdup(cli->arena, "# what this program may do: see cuddy-profile(5)\n");
	struct caller caller;
	struct policy *policy;
	const char *path;

	if (!profile_name_is_good(cli, name) || session_caller(cli, &caller) < 0 ||
	    caller_resolve(cli->arena, &caller, base, &cli->d, &policy) < 0)
		return EXIT_REFUSED;
	path = arena_printf(cli->arena, "%s/profiles/%s.toml", caller.context.places.user, name);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		source.text = text;
		source.length = strlen(text);
		if (toml_append(cli->arena, &source, rows[i].key, rows[i].value, &cli->d, &text) < 0)
			return EXIT_REFUSED;
	}
	if (access(path, F_OK) == 0) {
		diag_error(&cli->d, "C519", NULL, "'%s' is there already", str_quote(cli->arena, path));
		diag_help(&cli->d, "'cuddy profile edit %s' changes it", name);
		return EXIT_REFUSED;
	}
	if (profile_write(cli, path, text) < 0)
		return EXIT_REFUSED;
	return cli_print(arena_printf(cli->arena, "%s\n", path));
}

/* --- edit ------------------------------------------------------------------------------ */

/* The editor may be a command with options, so a shell reads it, as git and sudoedit do. */
static int run_editor(struct cli *cli, const char *path)
{
	const char *visual = getenv("VISUAL"), *editor = visual && *visual ? visual : getenv("EDITOR");
	const char *command = arena_printf(cli->arena, "%s \"$1\"", editor && *editor ? editor : "vi");
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		execl("/bin/sh", "sh", "-c", command, "sh", path, NULL);
		_exit(EXIT_REFUSED);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return diag_error(&cli->d, "C543", NULL, "the editor cannot be started: %s", strerror(errno));
	if (status != 0)
		return diag_error(&cli->d, "C543", NULL, "the editor '%s' did not end well",
				  str_quote(cli->arena, editor ? editor : "vi"));
	return 0;
}

/* Asks on the terminal; without one the answer is no. */
static bool wants_to_go_on(struct cli *cli)
{
	static const char question[] = "edit again? [Y/n] ";
	struct strbuf errors = { .arena = cli->arena };
	char answer[16] = "";

	if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
		return false;
	diags_print(&cli->d, &errors, cli->colour);
	strbuf_add(&errors, question);
	(void)fd_write_all(STDERR_FILENO, strbuf_text(&errors), errors.length);
	diags_init(&cli->d, cli->arena); /* they were told */
	return read(STDIN_FILENO, answer, sizeof(answer) - 1) > 0 && *answer != 'n' && *answer != 'N';
}

/* A profile of the user's own is edited itself; one that came along through its drop-in. */
static int file_to_edit(struct cli *cli, const struct caller *caller, const char *name, const char **ret)
{
	static const char begin[] = "# adds to the profile of this name: see cuddy-profile(5)\n";

	*ret = profile_find(cli, caller, name);
	if (!*ret)
		return -ENOENT;
	if (path_is_within(*ret, caller->context.places.user))
		return 0;
	*ret = profile_drop_in(cli->arena, caller, name);
	return access(*ret, F_OK) == 0 ? 0 : profile_write(cli, *ret, begin);
}

int profile_edit(struct cli *cli, void *options UNUSED)
{
	const char *name = cli->arguments[0], *path;
	struct caller caller;
	struct policy *policy;

	if (!profile_name_is_good(cli, name) || session_caller(cli, &caller) < 0 ||
	    file_to_edit(cli, &caller, name, &path) < 0)
		return EXIT_REFUSED;
	do {
		diags_init(&cli->d, cli->arena);
		if (run_editor(cli, path) < 0)
			return EXIT_REFUSED;
		if (caller_resolve(cli->arena, &caller, name, &cli->d, &policy) == 0)
			return cli_print(arena_printf(cli->arena, "%s\n", path));
	} while (wants_to_go_on(cli));
	return EXIT_REFUSED;
}
