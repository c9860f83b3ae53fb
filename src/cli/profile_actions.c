/* cli/profile_actions.c - the actions of 'cuddy profile' that compare and write. */
#include "cli/profile_actions.h"
#include "base/fd.h"
#include "base/path.h"
#include "profile/profile.h"
#include "toml/toml.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
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

int profile_diff(struct cli *cli, const struct cage *cage, const char *a, const char *b)
{
	struct strbuf out = { .arena = cli->arena };
	struct policy *first, *second;
	size_t count;
	int status;

	if (session_policy(cli, cage, a, &first) < 0 || session_policy(cli, cage, b, &second) < 0)
		return EXIT_REFUSED;
	count = print_missing(cli, &out, '-', first, second);
	count += print_missing(cli, &out, '+', second, first);
	status = cli_print(strbuf_text(&out));
	return status ? status : count ? 1 : 0;
}

/* The directory, made with its parents; only the user may look into it. */
static int make_directories(const char *path)
{
	char *at, *own = strdup(path);
	int r = 0;

	must(own != NULL);
	for (at = strchr(own + 1, '/'); r == 0; at = strchr(at + 1, '/')) {
		if (at)
			*at = '\0';
		if (mkdir(own, 0700) < 0 && errno != EEXIST)
			r = -errno;
		if (!at)
			break;
		*at = '/';
	}
	free(own);
	return r;
}

int profile_new(struct cli *cli, const struct cage *cage, const char *name, const char *base)
{
	struct source source = { .name = "new profile", .first_line = 1, .text = "# what this program may do: see cuddy-profile(5)\n" };
	struct profile_context context;
	const char *directory, *path;
	struct policy *policy;
	char *text;
	int r;

	session_context(cli, cage, &context);
	if (strchr(name, '/') || *name == '.' || !*name)
		return diag_error(&cli->d, "C518", NULL, "'%s' cannot be the name of a profile", str_quote(cli->arena, name)),
		       EXIT_REFUSED;
	directory = path_join(cli->arena, context.places.user, "profiles");
	path = arena_printf(cli->arena, "%s/%s.toml", directory, name);
	if (session_policy(cli, cage, base, &policy) < 0)
		return EXIT_REFUSED;
	source.length = strlen(source.text);
	if (toml_append(cli->arena, &source, "include", base, &cli->d, &text) < 0)
		return EXIT_REFUSED;
	source.text = text;
	source.length = strlen(text);
	if (toml_append(cli->arena, &source, "command", name, &cli->d, &text) < 0)
		return EXIT_REFUSED;
	r = make_directories(directory);
	if (r == 0 && access(path, F_OK) == 0)
		r = -EEXIST;
	if (r == 0)
		r = fd_replace_file(AT_FDCWD, path, text, strlen(text), 0600);
	if (r < 0) {
		diag_error(&cli->d, "C519", NULL, "'%s' cannot be written: %s", str_quote(cli->arena, path), strerror(-r));
		return EXIT_REFUSED;
	}
	return cli_print(arena_printf(cli->arena, "%s\n", path));
}
