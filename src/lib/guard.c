/* lib/guard.c - what no cage may change.
 * Must not: follow a link, look deeper than the folders of the working directory (a start must not grow with
 * a project). */
#include "lib/guard.h"
#include "base/own.h"
#include "base/path.h"
#include "policy/glob.h"
#include "toml/toml.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

struct guard {
	struct arena *arena;
	const struct policy *policy; /* NULL: whatever it says */
	struct source *rules;
	struct diags *d;
};

/* May programs write to that file of the host? */
static bool is_given(const struct guard *g, const char *path)
{
	const struct request request = {
		.kind = KIND_FILE, .access = ACCESS_WRITE, .verb = "write", .subject = path,
	};
	struct verdict verdict;

	if (!g->policy)
		return true;
	verdict = policy_decide(g->policy, &request);
	return verdict.effect == EFFECT_ALLOW && verdict.rule && verdict.rule->place == PLACE_HOST;
}

static int deny(struct guard *g, const char *pattern)
{
	char *text;
	int r = toml_append(g->arena, g->rules, "filesystem.deny-write", pattern, g->d, &text);

	if (r == 0) {
		g->rules->text = text;
		g->rules->length = strlen(text);
	}
	return r;
}

/* What may be missing is named with a wildcard, here and below: a literal name would freeze its directory
 * (decision D7), and what appears is told at the end. */
static int deny_program(struct guard *g, const char *program)
{
	const char *directory = program ? arena_printf(g->arena, "%s/", path_normal(g->arena, program, "..")) : NULL;
	const char *file;
	int r;

	if (!program || !(is_given(g, program) || is_given(g, directory)))
		return 0;
	file = glob_of_path(g->arena, program, false);
	r = deny(g, file);
	return r < 0 ? r : deny(g, arena_printf(g->arena, "%s-*", file));
}

static int deny_share(struct guard *g, const char *share)
{
	static const char *const names[] = { "permissions", "profiles" };
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(names); i++) {
		const char *path = path_join(g->arena, share, names[i]);

		if (is_given(g, path_join(g->arena, path, "new.toml")))
			r = deny(g, glob_of_path(g->arena, path, true));
	}
	if (r == 0 && is_given(g, path_join(g->arena, share, "flags/new.toml")))
		r = deny(g, arena_printf(g->arena, "%s/flag[s]{,/,/**}", glob_of_path(g->arena, share, false)));
	return r;
}

/* Also a file .git, which says where a repository is. */
static int deny_repositories(struct guard *g, const char *top)
{
	DIR *directory = is_given(g, path_join(g->arena, top, "folder/.git")) ? opendir(top) : NULL;
	int r = 0;

	for (struct dirent *entry; directory && r == 0 && (entry = readdir(directory));) {
		const char *path;

		if ((entry->d_type != DT_DIR && entry->d_type != DT_UNKNOWN) || *entry->d_name == '.')
			continue;
		path = path_join(g->arena, entry->d_name, ".git");
		if (faccessat(dirfd(directory), path, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
			r = deny(g, glob_of_path(g->arena, path_join(g->arena, top, path), true));
	}
	if (directory)
		closedir(directory);
	return r;
}

int guard_rules(struct arena *arena, const struct profile_context *context, const struct policy *policy,
		struct diags *d, const struct source **ret)
{
	struct source *rules = arena_new_object(arena, struct source);
	struct guard g = { .arena = arena, .policy = policy, .rules = rules, .d = d };
	int r = 0;

	*rules = (struct source){ .name = "what no cage may change", .text = "", .first_line = 1 };
	r = deny_program(&g, own_path(arena));
	if (r == 0)
		r = deny_share(&g, context->places.share);
	if (r == 0)
		r = deny_repositories(&g, context->directory);
	if (r == 0)
		*ret = rules->length ? rules : NULL;
	return r;
}
