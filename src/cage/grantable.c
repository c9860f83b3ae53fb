/* cage/grantable.c - asks the same view that a start would build: the path, less all that is denied.
 * What a start would only hide below the path is hidden here too; all else is refused.
 * Must not: trust that the profile still says what the cage was started with. */
#include "cage/grantable.h"
#include "backend/view.h"
#include "base/path.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct builder {
	struct arena *arena;
	struct diags *d;
	VEC(struct rule) rules;
};

static void add_denies(struct builder *b, const struct policy *policy)
{
	for (size_t i = 0; policy && i < policy->rule_count; i++)
		if (policy->rules[i].kind == KIND_FILE && policy->rules[i].effect == EFFECT_DENY)
			*vec_push(b->arena, &b->rules) = policy->rules[i];
}

static int add_rule(struct builder *b, enum effect effect, unsigned access, const char *pattern,
		    const struct origin *origin)
{
	struct rule rule = { .kind = KIND_FILE, .effect = effect, .access = access, .pattern = pattern,
			     .category = CATEGORY_FILESYSTEM, .origin = origin };
	int r = glob_compile(b->arena, pattern, origin, b->d, &rule.glob);

	if (r == 0)
		*vec_push(b->arena, &b->rules) = rule;
	return r;
}

/* str_quote() backwards: "\x1b" is one byte. */
static char *unquote(struct arena *arena, const char *text)
{
	char *copy = arena_strdup(arena, text), *out = copy;

	for (const char *at = text; *at; at++)
		if (at[0] == '\\' && at[1] == 'x' && isxdigit((unsigned char)at[2]) && isxdigit((unsigned char)at[3])) {
			*out++ = (char)strtoul(arena_strndup(arena, at + 2, 2), NULL, 16);
			at += 3;
		} else {
			*out++ = *at;
		}
	*out = '\0';
	return copy;
}

/* "deny file 7 /path/\**" of the running cage.  A pattern with an escape was perhaps shown with it, perhaps
 * written with it: both are denied. */
static int add_line(struct builder *b, const struct source *source, const char *line, uint32_t number)
{
	struct origin *origin = arena_new_object(b->arena, struct origin);
	char *end, *bytes;
	unsigned long access;
	int r;

	if (!str_starts(line, "deny file "))
		return 0;
	access = strtoul(line + 10, &end, 16);
	if (*end != ' ')
		return diag_error(b->d, "C602", NULL, "the cage was started by another version of cuddy");
	*origin = (struct origin){ .source = source, .line = number, .column = 1, .length = (uint32_t)strlen(line) };
	r = add_rule(b, EFFECT_DENY, (unsigned)access, end + 1, origin);
	bytes = unquote(b->arena, end + 1);
	if (r == 0 && strcmp(bytes, end + 1) != 0)
		r = add_rule(b, EFFECT_DENY, (unsigned)access, bytes, origin);
	return r;
}

static int add_running(struct builder *b, const struct cage_record *running)
{
	struct source *source = arena_new_object(b->arena, struct source);
	uint32_t number = 1;
	int r = 0;

	*source = (struct source){ .name = arena_printf(b->arena, "(rights of the cage '%s')", running->name),
				   .text = running->policy, .length = strlen(running->policy), .first_line = 1 };
	for (const char *at = running->policy, *end; r == 0 && (end = strchr(at, '\n')); at = end + 1)
		r = add_line(b, source, arena_strndup(b->arena, at, (size_t)(end - at)), number++);
	return r;
}

static const struct rule *decides(const struct policy *policy, const char *verb, unsigned access, const char *path)
{
	const struct request request = { .kind = KIND_FILE, .access = access, .verb = verb, .subject = path };
	struct verdict verdict = policy_decide(policy, &request);

	return verdict.effect == EFFECT_DENY ? verdict.rule : NULL;
}

/* The deny of the path itself, for the message. */
static const struct rule *find_deny(struct arena *arena, const struct policy *policy, const char *path,
				    unsigned wanted)
{
	const struct { const char *verb; unsigned access; } verbs[] = {
		{ "read", ACCESS_READ }, { "write", ACCESS_WRITE },
	};
	const char *const forms[] = { path, arena_printf(arena, "%s/", path), arena_printf(arena, "%s/x", path) };
	const struct rule *rule = NULL;

	for (size_t i = 0; !rule && i < ARRAY_SIZE(verbs); i++)
		for (size_t k = 0; !rule && wanted & verbs[i].access && k < ARRAY_SIZE(forms); k++)
			rule = decides(policy, verbs[i].verb, verbs[i].access, forms[k]);
	return rule;
}

/* The same of something below it. */
static const struct rule *find_below(const struct policy *policy, const char *path, unsigned wanted,
				     const struct view_entry *below)
{
	if (below && below->rule && below->rule->effect == EFFECT_DENY)
		return below->rule;
	for (size_t i = 0; i < policy->rule_count; i++)
		if (policy->rules[i].effect == EFFECT_DENY && policy->rules[i].access & wanted &&
		    glob_may_match_below(policy->rules[i].glob, path))
			return &policy->rules[i];
	return NULL;
}

static int refuse(struct builder *b, const struct policy *policy, const char *path, unsigned wanted,
		  const struct view_entry *below)
{
	const struct rule *rule = find_deny(b->arena, policy, path, wanted);
	const char *shown = str_quote(b->arena, path);

	if (rule) {
		diag_error(b->d, "C640", rule->origin, "'%s' cannot be granted: a deny wins over every grant", shown);
		diag_help(b->d, wanted & ACCESS_WRITE && !(rule->access & ACCESS_READ) ? "it may be read: use --ro" :
			  "remove the deny if it is yours, and start the cage anew");
		return -EINVAL;
	}
	rule = find_below(policy, path, wanted, below);
	diag_error(b->d, "C640", rule ? rule->origin : NULL, "'%s' cannot be granted: something in it is denied", shown);
	diag_help(b->d, "grant %sparts of it that are not denied", wanted & ACCESS_WRITE ? "it with --ro, or the " : "the ");
	return -EINVAL;
}

int grant_check(struct arena *arena, const struct cage_record *running, const struct policy *policy,
		const char *path, bool read_only, struct diags *d, const struct grant_mask **ret, size_t *ret_count)
{
	const unsigned wanted = ACCESS_READ | (read_only ? 0 : ACCESS_WRITE);
	struct builder b = { .arena = arena, .d = d };
	VEC(struct grant_mask) masks = { 0 };
	bool shown = false;
	struct view view;

	add_denies(&b, policy);
	if (add_running(&b, running) < 0 ||
	    add_rule(&b, EFFECT_ALLOW, wanted, glob_of_path(arena, path, true), NULL) < 0)
		return -EINVAL;
	const struct policy asked = { .arena = arena, .rules = b.rules.items, .rule_count = b.rules.count };
	if (view_build(arena, &asked, &(struct cage){ 0 }, d, &view) < 0)
		return -EINVAL;
	for (size_t i = 0; i < view.count; i++) {
		const struct view_entry *e = &view.entries[i];

		if (!path_is_within(e->path, path))
			continue;
		if (!shown && strcmp(e->path, path) == 0 && e->kind == VIEW_BIND && e->access == wanted)
			shown = true;
		else if (shown && e->kind == VIEW_MASK && e->inode)
			*vec_push(arena, &masks) = (struct grant_mask){ e->path, e->device, e->inode, e->is_directory };
		else
			return refuse(&b, &asked, path, wanted, e);
	}
	if (!shown)
		return refuse(&b, &asked, path, wanted, NULL);
	*ret = masks.items;
	*ret_count = masks.count;
	return 0;
}
