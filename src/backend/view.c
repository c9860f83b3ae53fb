/* backend/view.c - from file rules to mounts: find the points, weigh them, keep the differences.
 *
 * Order: (1) every alternative of every glob gives points, partial ones by reading directories;
 * (2) a literal deny that does not exist in a writable tree freezes the directories above it;
 * (3) points are sorted, so a directory comes before what is in it; (4) each is compared with the
 * nearest entry above.  Must not: follow a link without saying so, change anything. */
#include "backend/view.h"
#include "backend/backend.h"
#include "backend/walk.h"
#include "base/limits.h"
#include "base/path.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct point {
	const char *path;
	const struct rule *rule; /* first that named it */
	struct walk_status status;
	bool frozen;
};

struct builder {
	struct arena *arena;
	const struct policy *policy;
	struct diags *d;
	VEC(struct point) points;
	VEC(struct view_entry) entries;
	struct view *view;
};

/* Access that the rules of one effect give to a path and, for directories, all that is below. */
static unsigned access_at(const struct builder *b, enum effect effect, const struct point *p,
			  const struct rule **ret_rule)
{
	char *as_directory = arena_printf(b->arena, "%s/", strcmp(p->path, "/") == 0 ? "" : p->path);
	const char *top = strcmp(p->path, "/") == 0 ? "" : p->path;
	unsigned access = 0;
	size_t best = 0;

	for (size_t i = 0; i < b->policy->rule_count; i++) {
		const struct rule *rule = &b->policy->rules[i];
		const struct glob_alternative *alternatives;
		size_t depth = 0, count;
		bool covers;

		if (rule->kind != KIND_FILE || rule->effect != effect)
			continue;
		covers = p->status.is_directory ? glob_covers_tree(rule->glob, top) ||
						  (effect != EFFECT_ALLOW && glob_matches(rule->glob, as_directory))
						: glob_matches(rule->glob, p->path);
		if (!covers)
			continue;
		access |= rule->access;
		/* The deepest rule says what appears here; among equals the host's file. */
		count = glob_alternatives(rule->glob, &alternatives);
		for (size_t k = 0; k < count; k++)
			if (path_is_within(p->path, *alternatives[k].prefix ? alternatives[k].prefix : "/"))
				depth = MAX(depth, path_depth(alternatives[k].prefix) + 1);
		if (ret_rule && (!*ret_rule || depth > best ||
				 (depth == best && rule->place == PLACE_HOST))) {
			*ret_rule = rule;
			best = depth;
		}
	}
	return access;
}

static void add_point(struct builder *b, const char *path, const struct rule *rule)
{
	struct point *p = vec_push(b->arena, &b->points);

	*p = (struct point){ .path = path, .rule = rule };
	walk_status(path, &p->status);
}

struct visit {
	struct builder *b;
	const struct rule *rule;
};

static void visit_match(void *context, const char *path)
{
	struct visit *visit = context;

	add_point(visit->b, arena_strdup(visit->b->arena, path), visit->rule);
}

/* The links on the way to a host path are shown as links; what they lead to becomes the point. */
static void add_host_path(struct builder *b, const char *path, const struct rule *rule)
{
	struct walk_link links[WALK_LINKS];
	size_t count = 0;
	const char *real = walk_resolve(b->arena, path, links, &count);

	for (size_t i = 0; i < count; i++) {
		struct view_entry *e = vec_push(b->arena, &b->entries);

		*e = (struct view_entry){ .kind = VIEW_SYMLINK, .path = links[i].path,
					  .source = links[i].text, .rule = rule };
	}
	if (real)
		add_point(b, real, rule);
}

static int add_rule(struct builder *b, const struct rule *rule)
{
	const struct glob_alternative *alternatives;
	size_t count = glob_alternatives(rule->glob, &alternatives);
	size_t index = (size_t)(rule - b->policy->rules);

	b->view->exactness[index] = EXACTNESS_EXACT;
	for (size_t i = 0; i < count; i++) {
		const struct glob_alternative *a = &alternatives[i];
		const char *prefix = *a->prefix ? a->prefix : "/";
		struct visit visit = { b, rule };

		if (rule->effect == EFFECT_ALLOW && rule->place != PLACE_HOST) {
			add_point(b, prefix, rule);
		} else if (a->is_tree || a->is_literal) {
			add_host_path(b, prefix, rule);
		} else {
			b->view->exactness[index] = EXACTNESS_AT_START;
			b->view->note[index] = "for what exists when the cage starts";
			if (walk_matches(b->arena, rule->glob, prefix, visit_match, &visit) < 0)
				return diag_error(b->d, "C310", rule->origin,
						  "'%s' stands for more than %d files, or needs more "
						  "than %d looked at", str_quote(b->arena, rule->pattern),
						  LIMIT_GLOB_MATCHES, LIMIT_GLOB_VISITS);
		}
	}
	return 0;
}

static struct point *find_point(struct builder *b, const char *path)
{
	for (size_t i = 0; i < b->points.count; i++)
		if (strcmp(b->points.items[i].path, path) == 0)
			return &b->points.items[i];
	return NULL;
}

static void freeze_visit(void *context, const char *path)
{
	visit_match(context, path);
}

/* Freezes `path` and what is above it, as far as a granted tree reaches: directories of the
 * skeleton that hold binds of their present entries. */
static int freeze(struct builder *b, const char *path, const struct rule *deny)
{
	for (;;) {
		struct point probe = { .path = path }, *p;
		struct visit visit = { b, deny };
		const char *slash;

		walk_status(path, &probe.status);
		if (!probe.status.exists || !access_at(b, EFFECT_ALLOW, &probe, NULL))
			return 0;
		p = find_point(b, path);
		if (!p) {
			add_point(b, path, deny);
			p = &b->points.items[b->points.count - 1];
		}
		if (p->frozen)
			return 0;
		p->frozen = true;
		if (walk_directory(b->arena, path, LIMIT_FREEZE_ENTRIES, freeze_visit, &visit) < 0)
			return diag_error(b->d, "C311", deny->origin,
					  "'%s' cannot be kept out of '%s', which has more than %d entries",
					  str_quote(b->arena, deny->pattern), str_quote(b->arena, path),
					  LIMIT_FREEZE_ENTRIES);
		slash = strrchr(path, '/');
		if (slash == path)
			return 0;
		path = arena_strndup(b->arena, path, (size_t)(slash - path));
	}
}

/* A denied path that is not there yet, where the program could make it. */
static int freeze_for(struct builder *b, const struct rule *deny)
{
	const struct glob_alternative *alternatives;
	size_t count = glob_alternatives(deny->glob, &alternatives);

	for (size_t i = 0; i < count; i++) {
		struct point probe = { .path = *alternatives[i].prefix ? alternatives[i].prefix : "/" };
		const struct rule *allow = NULL;
		const char *slash;
		size_t index = (size_t)(deny - b->policy->rules);

		walk_status(probe.path, &probe.status);
		if (probe.status.exists || !(alternatives[i].is_tree || alternatives[i].is_literal))
			continue;
		while (!probe.status.exists && (slash = strrchr(probe.path, '/')) && slash != probe.path) {
			probe.path = arena_strndup(b->arena, probe.path, (size_t)(slash - probe.path));
			walk_status(probe.path, &probe.status);
		}
		if (!(access_at(b, EFFECT_ALLOW, &probe, &allow) & ACCESS_WRITE) ||
		    !allow || allow->place != PLACE_HOST)
			continue;
		b->view->exactness[index] = EXACTNESS_COARSE;
		b->view->note[index] = arena_printf(b->arena, "nothing new can be made directly in '%s'",
						    str_quote(b->arena, probe.path));
		if (freeze(b, probe.path, deny) < 0)
			return -EINVAL;
	}
	return 0;
}

static int compare_points(const void *a, const void *b)
{
	const struct point *x = a, *y = b;
	const unsigned char *s = (const unsigned char *)x->path, *t = (const unsigned char *)y->path;

	/* "/" sorts before everything, so that a tree stands together behind its directory. */
	for (; *s && *s == *t; s++, t++)
		;
	if (*s == *t)
		return (int)y->frozen - (int)x->frozen;
	if (!*s || !*t)
		return *s ? 1 : -1;
	return *s == '/' ? -1 : *t == '/' ? 1 : *s < *t ? -1 : 1;
}

/* The entry whose content shows at `path`, or NULL: the skeleton. */
static const struct view_entry *above(const struct builder *b, const char *path)
{
	const struct view_entry *best = NULL;

	for (size_t i = 0; i < b->entries.count; i++) {
		const struct view_entry *e = &b->entries.items[i];

		if (e->kind != VIEW_SYMLINK && e->is_directory && path_is_within(path, e->path) &&
		    (!best || path_depth(e->path) >= path_depth(best->path)))
			best = e;
	}
	return best && best->kind == VIEW_DIRECTORY ? NULL : best;
}

static const char *source_of(struct builder *b, const struct point *p, const struct rule *rule)
{
	const struct glob_alternative *a;

	if (rule->place == PLACE_SYNTHETIC)
		return rule->from;
	if (rule->place != PLACE_HOST || !rule->from)
		return p->path;
	glob_alternatives(rule->glob, &a);
	return path_normal(b->arena, rule->from, p->path + (path_is_within(p->path, a->prefix) ?
			   strlen(a->prefix) + (p->path[strlen(a->prefix)] == '/') : 0));
}

static void weigh(struct builder *b, const struct point *p)
{
	const struct rule *allow = NULL, *deny = NULL;
	const struct view_entry *over = above(b, p->path);
	unsigned taken = access_at(b, EFFECT_DENY, p, &deny) | access_at(b, EFFECT_ASK, p, &deny);
	unsigned access = access_at(b, EFFECT_ALLOW, p, &allow) & ~taken;
	struct view_entry e = { .path = p->path, .access = access, .is_directory = true,
				.in_skeleton = !over, .rule = p->rule };
	bool ours = allow && allow->place != PLACE_HOST;

	if (p->status.exists && (!ours || allow->place == PLACE_PROC))
		e.is_directory = p->status.is_directory;
	if (ours && allow->place == PLACE_SYNTHETIC)
		e.is_directory = false;
	e.device = p->status.device;
	e.inode = p->status.inode;
	e.mode = p->status.mode;
	if (p->frozen && (access & ACCESS_READ)) {
		e.kind = VIEW_DIRECTORY;
	} else if (!(access & ACCESS_READ)) {
		/* Hidden: where nothing shows it, or nothing is there, there is nothing to do. */
		if (!over || !(over->access & ACCESS_READ) ||
		    (!p->status.exists && over->place == PLACE_HOST))
			return;
		e.kind = VIEW_MASK;
		e.place = over->place;
		e.rule = deny ? deny : p->rule;
		if (!p->status.exists)
			e.is_directory = true;
	} else {
		if (!p->status.exists && !ours)
			return;
		e.place = allow->place;
		e.source = source_of(b, p, allow);
		e.kind = VIEW_BIND;
		e.rule = allow;
		if (over && over->place == allow->place &&
		    (over->place == PLACE_HOST || over->rule == allow)) {
			if (over->access == access)
				return;
			e.kind = VIEW_CHANGE;
			e.rule = deny ? deny : allow;
		}
	}
	*vec_push(b->arena, &b->entries) = e;
}

int view_build(struct arena *arena, const struct policy *policy, struct diags *d, struct view *ret)
{
	struct view view = { .exactness = arena_new_array(arena, unsigned char, policy->rule_count),
			     .note = arena_new_array(arena, const char *, policy->rule_count) };
	struct builder b = { .arena = arena, .policy = policy, .d = d, .view = &view };
	int r = 0;

	for (size_t i = 0; i < policy->rule_count; i++)
		if (policy->rules[i].kind == KIND_FILE && policy->rules[i].effect != EFFECT_LOG &&
		    add_rule(&b, &policy->rules[i]) < 0)
			r = -EINVAL;
	for (size_t i = 0; i < policy->rule_count; i++)
		if (policy->rules[i].kind == KIND_FILE &&
		    (policy->rules[i].effect == EFFECT_DENY || policy->rules[i].effect == EFFECT_ASK) &&
		    freeze_for(&b, &policy->rules[i]) < 0)
			r = -EINVAL;
	if (r < 0)
		return r;
	if (b.points.count)
		qsort(b.points.items, b.points.count, sizeof(*b.points.items), compare_points);
	for (size_t i = 0; i < b.points.count; i++)
		if (i == 0 || strcmp(b.points.items[i].path, b.points.items[i - 1].path) != 0)
			weigh(&b, &b.points.items[i]);
	view.entries = b.entries.items;
	view.count = b.entries.count;
	*ret = view;
	return 0;
}
