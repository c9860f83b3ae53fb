/* backend/view.c - from file rules to mounts: find the points, weigh them, keep the differences.
 *
 * Order: (1) every alternative of every glob gives points, partial ones by reading directories;
 * (2) a literal deny that does not exist in a writable tree freezes the directories above it;
 * one that exists pins them, so that none is renamed and made anew;
 * (3) points are sorted, so a directory comes before what is in it; (4) each is compared with the
 * nearest entry above.  Must not: follow a link without saying so, change anything. */
#include "backend/view_builder.h"
#include "base/limits.h"
#include "base/path.h"
#include "base/sort.h"

#include <errno.h>
#include <string.h>

static char *path_as_directory(struct arena *arena, const char *path)
{
	size_t length = strcmp(path, "/") == 0 ? 0 : strlen(path);
	char *text = arena_strndup(arena, path, length + 1); /* room for the slash, and the zero */

	text[length] = '/';
	return text;
}

/* A deny that names a directory without its slash means that directory with all in it: nobody who wrote it wants
 * the other answer. */
static bool is_named(const struct rule *rule, const char *name)
{
	const struct glob_alternative *a;
	size_t count = rule->effect == EFFECT_ALLOW ? 0 : glob_alternatives(rule->glob, &a);

	for (size_t i = 0; i < count; i++)
		if (a[i].is_literal && path_is_within(name, a[i].prefix))
			return true;
	return false;
}

bool view_hides(const struct policy *policy, const char *path)
{
	for (size_t i = 0; i < policy->rule_count; i++) {
		const struct rule *rule = &policy->rules[i];

		if (rule->kind == KIND_FILE && rule->effect == EFFECT_DENY && rule->access & ACCESS_READ &&
		    is_named(rule, path))
			return true;
	}
	return false;
}

/* Does a rule speak of this point (and, for a directory, of all that is below) under this name? */
static bool covers(const struct rule *rule, const char *name, bool is_directory, const char *with_slash)
{
	if (is_named(rule, name))
		return true;
	if (!is_directory)
		return glob_matches(rule->glob, name);
	return glob_covers_tree(rule->glob, strcmp(name, "/") == 0 ? "" : name) ||
	       (rule->effect != EFFECT_ALLOW && glob_matches(rule->glob, with_slash));
}

/* How deep the rule reaches literally: the deepest says what appears at a path. */
static size_t rule_depth(const struct rule *rule, const char *name)
{
	const struct glob_alternative *a;
	size_t count = glob_alternatives(rule->glob, &a), depth = 0;

	for (size_t i = 0; i < count; i++)
		if (path_is_within(name, *a[i].prefix ? a[i].prefix : "/"))
			depth = MAX(depth, path_depth(a[i].prefix) + 1);
	return depth;
}

struct weight {
	unsigned access[PLACE_RANKS]; /* by rules for places of each rank */
	const struct rule *rule; /* the deepest; among equals one of the highest rank */
	size_t depth;
};

static void weigh_name(const struct builder *b, enum effect effect, const char *name, bool is_directory,
		       struct weight *w)
{
	const char *with_slash = is_directory ? path_as_directory(b->arena, name) : NULL;

	for (size_t i = 0; i < b->rules[effect].count; i++) {
		const struct rule *rule = b->rules[effect].items[i];
		size_t depth;

		if (!covers(rule, name, is_directory, with_slash))
			continue;
		w->access[place_rank(rule->place)] |= rule->access;
		depth = rule_depth(rule, name);
		if (!w->rule || depth > w->depth ||
		    (depth == w->depth && place_rank(rule->place) >= MAX(place_rank(w->rule->place), 1u))) {
			w->rule = rule;
			w->depth = depth;
		}
	}
}

static bool counts_with(enum place shown, unsigned rank)
{
	static const enum place of_rank[] = { PLACE_TEMPORARY, PLACE_HOST, PLACE_COPY_ON_WRITE,
						PLACE_ROOT };

	return place_counts(shown, of_rank[rank]);
}

/* By all names of a path: its own, and those of the links that lead to it. */
static void weigh_names(const struct builder *b, enum effect effect, const char *path, bool is_directory,
			struct weight *w)
{
	weigh_name(b, effect, path, is_directory, w);
	for (size_t i = 0; i < b->aliases.count; i++) {
		const struct alias *a = &b->aliases.items[i];

		/* That a deny names a link lets no allow reach through it. */
		if (effect == EFFECT_ALLOW && a->effect != EFFECT_ALLOW)
			continue;
		if (path_is_within(path, a->real) && strcmp(a->real, "/") != 0)
			weigh_name(b, effect, arena_printf(b->arena, "%s%s", a->name, path + strlen(a->real)),
				   is_directory, w);
	}
}

/* What is below `top` in `path`, which is within: "" or "/a/b". */
static const char *rest_of(const char *path, const char *top)
{
	const char *rest = strcmp(top, "/") == 0 ? path : path + strlen(top);

	return strcmp(rest, "/") == 0 ? "" : rest;
}

static const char *moved(struct arena *arena, const char *path, const char *from, const char *to)
{
	const char *rest = rest_of(path, from);

	return *rest ? arena_printf(arena, "%s%s", strcmp(to, "/") == 0 ? "" : to, rest) : to;
}

unsigned view_access(const struct builder *b, enum effect effect, const struct point *p,
		     const struct rule **ret_rule)
{
	struct weight w = { 0 };
	unsigned access = 0;

	weigh_names(b, effect, p->path, p->status.is_directory, &w);
	for (size_t i = 0; effect == EFFECT_DENY && i < b->shown.count; i++)
		if (path_is_within(p->path, b->shown.items[i].at))
			weigh_names(b, effect, moved(b->arena, p->path, b->shown.items[i].at, b->shown.items[i].real),
				    p->status.is_directory, &w);
	if (ret_rule && w.rule)
		*ret_rule = w.rule;
	for (unsigned rank = 0; rank < ARRAY_SIZE(w.access); rank++)
		if (effect != EFFECT_ALLOW || (w.rule && counts_with(w.rule->place, rank)))
			access |= w.access[rank];
	return access;
}

void view_add_point(struct builder *b, const char *path, const struct rule *rule, bool tree)
{
	struct point *p = vec_push(b->arena, &b->points);

	*p = (struct point){ .path = path, .rule = rule };
	walk_status(&b->walk, path, &p->status);
	if (!p->status.exists || (rule->effect == EFFECT_ALLOW && !place_rank(rule->place)))
		p->status.is_directory = tree;
}

struct visit {
	struct builder *b;
	const struct rule *rule;
	const char *prefix, *real; /* of a partial glob, and where it leads; or NULL */
};

static void visit_plain(void *context, const char *path)
{
	struct visit *visit = context;

	if (visit->real)
		path = arena_printf(visit->b->arena, "%s%s", visit->real, path + strlen(visit->prefix));
	else
		path = arena_strdup(visit->b->arena, path);
	view_add_point(visit->b, path, visit->rule, false);
}

static bool is_denied(const struct builder *b, const char *path)
{
	struct weight w = { 0 };

	weigh_name(b, EFFECT_DENY, path, false, &w);
	for (unsigned rank = 1; rank < PLACE_RANKS; rank++)
		w.access[0] |= w.access[rank];
	return w.access[0] & ACCESS_READ;
}

/* Where a host path leads, or NULL for nowhere else.  The links on the way are shown as links, but
 * not for a deny, which shows nothing. */
static const char *follow(struct builder *b, const char *path, const struct rule *rule)
{
	struct walk_link links[WALK_LINKS];
	size_t count = 0;
	const char *real = walk_resolve(&b->walk, path, links, &count);

	for (size_t i = 0; i < count && rule->effect == EFFECT_ALLOW; i++)
		if (!is_denied(b, links[i].path))
			*vec_push(b->arena, &b->entries) = (struct view_entry){
				.kind = VIEW_SYMLINK, .path = links[i].path, .source = links[i].text, .rule = rule,
			};
	for (size_t i = 0; i < count && rule->effect == EFFECT_DENY; i++)
		*vec_push(b->arena, &b->held) = (struct held){ links[i].path, rule };
	if (!real || !count)
		return NULL;
	*vec_push(b->arena, &b->aliases) = (struct alias){ path, real, rule->effect };
	return real;
}

/* What the links on the way lead to becomes the point. */
static void add_host_path(struct builder *b, const char *path, const struct rule *rule, bool tree)
{
	const char *real = follow(b, path, rule);

	view_add_point(b, real ? real : path, rule, tree);
}

/* A deny that a link fulfils means what it leads to as well. */
static void visit_match(void *context, const char *path)
{
	struct visit *visit = context;
	struct walk_status status;

	walk_status(&visit->b->walk, path, &status);
	visit_plain(context, path);
	if (visit->rule->effect == EFFECT_DENY && status.exists && S_ISLNK(status.mode))
		add_host_path(visit->b, arena_strdup(visit->b->arena, path), visit->rule, false);
}

/* What a denied path leads to on the host may be shown elsewhere, too. */
static void add_where_shown(struct builder *b, const struct rule *rule, const char *path, bool tree)
{
	struct walk_link links[WALK_LINKS];
	size_t count = 0;
	const char *real = walk_resolve(&b->host, path, links, &count);

	real = real ? real : path;
	for (size_t i = 0; i < b->shown.count; i++) {
		const struct shown *shown = &b->shown.items[i];
		size_t index = (size_t)(rule - b->policy->rules);

		if (!path_is_within(real, shown->real))
			continue;
		view_add_point(b, moved(b->arena, real, shown->real, shown->at), rule, tree);
		if (b->view->exactness[index] != EXACTNESS_EXACT)
			continue;
		b->view->exactness[index] = EXACTNESS_AT_START;
		b->view->note[index] = arena_printf(b->arena, "in '%s' for what exists when the cage starts",
						    str_quote(b->arena, shown->at));
	}
}

static void visit_shown(void *context, const char *path)
{
	struct visit *visit = context;

	add_where_shown(visit->b, visit->rule, arena_strdup(visit->b->arena, path), false);
}

static int add_shown(struct builder *b, const struct rule *rule)
{
	const struct glob_alternative *a;
	size_t count = b->shown.count ? glob_alternatives(rule->glob, &a) : 0;
	struct visit visit = { .b = b, .rule = rule };

	for (size_t i = 0; i < count; i++) {
		const char *prefix = path_normal(b->arena, "/", a[i].prefix);

		if (a[i].is_tree || a[i].is_literal)
			add_where_shown(b, rule, prefix, a[i].is_tree || a[i].is_directory);
		else if (walk_matches(&b->host, rule->glob, prefix, visit_shown, &visit) < 0)
			return -E2BIG;
	}
	return 0;
}

/* A file was denied, and a directory is there: it goes with all that is in it. */
static void note_directory(struct builder *b, const struct rule *rule)
{
	const struct point *p = &b->points.items[b->points.count - 1];
	size_t index = (size_t)(rule - b->policy->rules);

	if (rule->effect == EFFECT_ALLOW || !p->status.exists || !p->status.is_directory ||
	    glob_covers_tree(rule->glob, strcmp(p->path, "/") == 0 ? "" : p->path))
		return;
	b->view->exactness[index] = EXACTNESS_COARSE;
	b->view->note[index] = arena_printf(b->arena, "'%s' is a directory: all in it is denied",
					    str_quote(b->arena, p->path));
}

static int too_many(struct builder *b, const struct rule *rule)
{
	return diag_error(b->d, "C310", rule->origin, "'%s' stands for more than %d files, or needs more than %d looked at",
			  str_quote(b->arena, rule->pattern), LIMIT_GLOB_MATCHES, LIMIT_GLOB_VISITS);
}

static int add_rule(struct builder *b, const struct rule *rule)
{
	const struct glob_alternative *alternatives;
	size_t count = glob_alternatives(rule->glob, &alternatives);
	size_t index = (size_t)(rule - b->policy->rules);

	b->view->exactness[index] = EXACTNESS_EXACT;
	for (size_t i = 0; i < count; i++) {
		const struct glob_alternative *a = &alternatives[i];
		const char *prefix = path_normal(b->arena, "/", a->prefix);
		bool tree = a->is_tree || a->is_directory;
		struct visit visit = { .b = b, .rule = rule, .prefix = prefix };

		if (rule->effect == EFFECT_ALLOW && !place_rank(rule->place)) {
			view_add_point(b, prefix, rule, rule->place != PLACE_SYNTHETIC);
		} else if (a->is_tree || a->is_literal) {
			add_host_path(b, prefix, rule, tree);
			note_directory(b, rule);
		} else {
			b->view->exactness[index] = EXACTNESS_AT_START;
			b->view->note[index] = "for what exists when the cage starts";
			visit.real = follow(b, prefix, rule);
			if (walk_matches(&b->walk, rule->glob, prefix, visit_match, &visit) < 0)
				return too_many(b, rule);
		}
	}
	if (rule->effect == EFFECT_DENY && add_shown(b, rule) < 0)
		return too_many(b, rule);
	return 0;
}

/* Directories that partial globs will read. */
static void list_early(struct builder *b)
{
	for (size_t i = 0; i < b->rules[EFFECT_DENY].count; i++) {
		const struct glob_alternative *a;
		size_t count = glob_alternatives(b->rules[EFFECT_DENY].items[i]->glob, &a);

		for (size_t k = 0; k < count; k++)
			if (!a[k].is_tree && !a[k].is_literal && *a[k].prefix)
				walk_list(&b->walk, a[k].prefix);
	}
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

/* The entry whose content shows at `path`, or NULL: the skeleton.  Points come in the order of their
 * paths, so of all entries above one the last that was made is the deepest. */
static const struct view_entry *above(const struct builder *b, const char *path)
{
	for (size_t i = b->entries.count; i--;) {
		const struct view_entry *e = &b->entries.items[i];

		if (e->kind != VIEW_SYMLINK && e->is_directory && path_is_within(path, e->path))
			return e->kind == VIEW_DIRECTORY ? NULL : e;
	}
	return NULL;
}

static const char *source_of(struct builder *b, const struct point *p, const struct rule *rule)
{
	if (rule->place == PLACE_SYNTHETIC)
		return rule->from;
	return walk_source(&b->walk, p->path, b->root);
}

/* Does the mount above show the same files here? */
static bool has_same_files(struct builder *b, const struct view_entry *over, const struct view_entry *e)
{
	const char *rest = e->path + (strcmp(over->path, "/") == 0 ? 0 : strlen(over->path));

	return over->place == e->place && over->source && (!b->walk.maps.count ||
	       strcmp(path_normal(b->arena, over->source, *rest ? rest + 1 : "."), e->source) == 0);
}

/* Of a /dev of ours only this can be written to: no device is made that is denied, and nothing else can be. */
static bool is_in_shm(const struct view_entry *dev, const char *path)
{
	return path_is_within(path, dev->path) && path_is_within(path + strlen(dev->path), "/shm");
}

/* Places that start empty, whatever the host has there. */
static bool starts_empty(const struct view_entry *over)
{
	return over->place == PLACE_TEMPORARY || over->place == PLACE_PERSIST || over->place == PLACE_DEVICES;
}

/* What is denied there is made, so that it can be hidden: where the program could make it. */
static bool is_ours_to_fill(const struct view_entry *over, const char *path)
{
	return starts_empty(over) && over->access & ACCESS_WRITE &&
	       (over->place != PLACE_DEVICES || is_in_shm(over, path));
}

static void weigh(struct builder *b, const struct point *p)
{
	const struct rule *allow = NULL, *deny = NULL;
	const struct view_entry *over = above(b, p->path);
	unsigned taken = view_access(b, EFFECT_DENY, p, &deny);
	unsigned access = view_access(b, EFFECT_ALLOW, p, &allow) & ~taken;
	struct view_entry e = { .path = p->path, .access = access, .is_directory = true,
				.in_skeleton = !over, .in_root = over && over->place == PLACE_ROOT,
				.rule = p->rule };
	bool ours = allow && !place_rank(allow->place);

	if (over && over->place == PLACE_DEVICES && !is_in_shm(over, p->path) &&
	    (!allow || allow->place == PLACE_DEVICES))
		return; /* devices have rules of their own, and nothing else is there */
	if (p->status.exists && (!ours || allow->place == PLACE_PROC))
		e.is_directory = p->status.is_directory;
	if (ours && allow->place == PLACE_SYNTHETIC)
		e.is_directory = false;
	e.device = p->status.device;
	e.inode = p->status.inode;
	e.mode = p->status.mode;
	if (p->frozen && (access & ACCESS_READ)) {
		e.kind = VIEW_DIRECTORY;
	} else if (p->stub && over) {
		e.kind = VIEW_MASK;
		e.place = PLACE_COPY_ON_WRITE;
	} else if (!(access & ACCESS_READ)) {
		/* Hidden: where nothing shows it, or nothing is there, there is nothing to do. */
		if (!over || !(over->access & ACCESS_READ) ||
		    ((!p->status.exists || starts_empty(over)) && !is_ours_to_fill(over, p->path)))
			return;
		e.kind = VIEW_MASK;
		e.place = over->place;
		e.rule = deny ? deny : p->rule;
		if (!p->status.exists)
			e.is_directory = true;
	} else {
		if (!p->status.exists && (!ours || (over && over->place == PLACE_PROC)))
			return;
		e.place = allow->place;
		e.source = source_of(b, p, allow);
		e.kind = VIEW_BIND;
		e.rule = allow;
		if (over && (place_rank(e.place) ? has_same_files(b, over, &e) :
						   over->place == e.place && (over->rule == allow || e.place == PLACE_PROC))) {
			if (over->access == access && !p->pinned)
				return;
			e.kind = VIEW_CHANGE;
			e.rule = deny ? deny : allow;
		}
	}
	*vec_push(b->arena, &b->entries) = e;
}

static void merge_point(struct point *p, const struct point *other)
{
	p->status.is_directory |= other->status.is_directory;
	p->pinned |= other->pinned;
	p->stub |= other->stub;
}

/* In order of their paths, each once. */
static void weigh_all(struct builder *b)
{
	size_t count = b->points.count;
	const void **order = arena_new_array(b->arena, const void *, 2 * count);

	for (size_t i = 0; i < count; i++)
		order[i] = &b->points.items[i];
	sort_pointers(order, order + count, count, compare_points);
	for (size_t i = 0, next; i < count; i = next) {
		struct point p = *(const struct point *)order[i];

		for (next = i + 1; next < count; next++) {
			const struct point *other = order[next];

			if (strcmp(other->path, p.path) != 0)
				break;
			merge_point(&p, other);
		}
		weigh(b, &p);
	}
}

static void find_shown(struct builder *b, const char *at, const char *from)
{
	struct walk_link links[WALK_LINKS];
	size_t count = 0;
	const char *real = walk_resolve(&b->host, from, links, &count);

	if (strcmp(at, real ? real : from) != 0)
		*vec_push(b->arena, &b->shown) = (struct shown){ at, real ? real : from };
}

/* Only where something comes from another path than its own need that be known for all others. */
static void find_maps(struct builder *b)
{
	bool any = b->root != NULL;

	for (size_t i = 0; i < b->rules[EFFECT_ALLOW].count; i++)
		any = any || (place_rank(b->rules[EFFECT_ALLOW].items[i]->place) && b->rules[EFFECT_ALLOW].items[i]->from);
	for (size_t i = 0; any && i < b->rules[EFFECT_ALLOW].count; i++) {
		const struct rule *rule = b->rules[EFFECT_ALLOW].items[i];
		const struct glob_alternative *a;
		size_t count = place_rank(rule->place) ? glob_alternatives(rule->glob, &a) : 0;

		for (size_t k = 0; k < count; k++) {
			const char *at = path_normal(b->arena, "/", a[k].prefix);

			*vec_push(b->arena, &b->walk.maps) = (struct walk_map){
				at, rule->from ? rule->from : at, rule->place == PLACE_ROOT };
			if (rule->from && rule->place != PLACE_ROOT)
				find_shown(b, at, rule->from);
		}
	}
}

int view_build(struct arena *arena, const struct policy *policy, const struct cage *cage, struct diags *d,
	       struct view *ret)
{
	struct view view = { .exactness = arena_new_array(arena, unsigned char, policy->rule_count),
			     .note = arena_new_array(arena, const char *, policy->rule_count) };
	struct builder b = { .arena = arena, .walk.arena = arena, .walk.root = cage->root_fd, .host.arena = arena,
			     .policy = policy, .root = cage->root, .d = d, .view = &view };
	int r = 0;

	for (size_t i = 0; i < policy->rule_count; i++)
		if (policy->rules[i].kind == KIND_FILE)
			*vec_push(arena, &b.rules[policy->rules[i].effect]) = &policy->rules[i];
	find_maps(&b);
	list_early(&b);
	for (size_t i = 0; i < policy->rule_count; i++)
		if (policy->rules[i].kind == KIND_FILE && policy->rules[i].effect != EFFECT_LOG &&
		    add_rule(&b, &policy->rules[i]) < 0)
			r = -EINVAL;
	if (freeze_missing(&b) < 0 || r < 0 || freeze_links(&b) < 0)
		return -EINVAL;
	freeze_names(&b);
	weigh_all(&b);
	view.entries = b.entries.items;
	view.count = b.entries.count;
	*ret = view;
	return 0;
}
