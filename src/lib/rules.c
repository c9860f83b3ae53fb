/* lib/rules.c - rules of the command line or of a program's options, as the text of a profile.
 * Must not: decide anything; the text is read and checked like any other profile. */
#include "lib/internal.h"
#include "base/path.h"
#include "toml/toml.h"

#include <string.h>
#include <sys/stat.h>

/* A path as a pattern for it, and for all below if it is a directory: wildcards lose their meaning. */
static const char *pattern_of(struct arena *arena, const struct cage *cage, const char *path)
{
	struct stat status;

	path = path_normal(arena, cage->working_directory, path);
	return glob_of_path(arena, path, stat(path, &status) < 0 || S_ISDIR(status.st_mode));
}

static int set(struct arena *arena, struct source *rules, const char *key, const char *value, struct diags *d)
{
	char *text;
	int r = value ? toml_set_string(arena, rules, key, value, d, &text) : 0;

	if (r < 0 || !value)
		return r;
	rules->text = text;
	rules->length = strlen(text);
	return 0;
}

static int append(struct arena *arena, struct source *rules, const char *key, const char *value,
		  struct diags *d)
{
	char *text;
	int r = toml_append(arena, rules, key, value, d, &text);

	if (r < 0)
		return r;
	rules->text = text;
	rules->length = strlen(text);
	return 0;
}

/* What a word for the network stands for; rows with the same word add up. */
static const struct { const char *network, *key, *value; } networks[] = {
	{ "host", "networking.flags", "host" },
	{ "none", "networking.deny", "any" },
	{ "none", "may-degrade", "networking" },
	{ "outgoing", "networking.flags", "outgoing" },
};

static int append_network(struct arena *arena, struct source *rules, const char *network, struct diags *d)
{
	bool known = false;
	int r = 0;

	if (str_starts(network, "vpn:")) {
		r = set(arena, rules, "networking.vpn", network + strlen("vpn:"), d);
		network = "outgoing";
	}
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(networks); i++) {
		if (strcmp(networks[i].network, network) != 0)
			continue;
		known = true;
		r = append(arena, rules, networks[i].key, networks[i].value, d);
	}
	return known ? r : diag_error(d, "C520", NULL, "the network is none, outgoing, vpn:NAME or host, not '%s'",
				      str_quote(arena, network));
}

/* A directory is meant from where the caller stands. */
static const char *root_of(struct arena *arena, const struct cage *cage, const char *root)
{
	return !root || root_image(root) ? root : path_normal(arena, cage->working_directory, root);
}

int rules_of_options(struct arena *arena, const struct cage *cage, const struct cuddy_options *options,
		     struct diags *d, const struct source **ret)
{
	const struct { const char *const *words; const char *key; bool is_path; } rows[] = {
		{ options->read_only, "filesystem.read-only", true },
		{ options->read_write, "filesystem.read-write", true },
		{ options->hide, "filesystem.deny", true },
		{ options->hosts, "networking.allow", false },
	};
	struct source *rules = arena_new_object(arena, struct source);
	int r = 0;

	*rules = (struct source){ .name = "command line", .text = "", .first_line = 1 };
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		for (const char *const *word = rows[i].words; r == 0 && word && *word; word++)
			r = append(arena, rules, rows[i].key,
				   rows[i].is_path ? pattern_of(arena, cage, *word) : *word, d);
	if (r == 0 && options->flags & CUDDY_SECURE)
		r = append(arena, rules, "include", "strict", d);
	if (r == 0)
		r = set(arena, rules, "filesystem.root", root_of(arena, cage, options->root), d);
	if (r == 0)
		r = set(arena, rules, "filesystem.root-access", options->root_access, d);
	if (r == 0 && options->network)
		r = append_network(arena, rules, options->network, d);
	if (r == 0)
		*ret = rules;
	return r;
}
