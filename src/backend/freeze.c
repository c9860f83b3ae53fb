/* backend/freeze.c - keeps denied names from being made anew: where a path that is denied is missing, where a link
 * leads to it, where a rename would take the mount on it away.
 * Must not: make anything on the host. */
#include "backend/view_builder.h"
#include "base/limits.h"
#include "base/path.h"

#include <errno.h>
#include <string.h>

static struct point *find_point(struct builder *b, const char *path)
{
	for (size_t i = 0; i < b->points.count; i++)
		if (strcmp(b->points.items[i].path, path) == 0)
			return &b->points.items[i];
	return NULL;
}

struct entries { struct builder *b; const struct rule *deny; };

static void add_entry(void *context, const char *path)
{
	struct entries *e = context;

	view_add_point(e->b, arena_strdup(e->b->arena, path), e->deny, false);
}

/* Freezes `path` and what is above it, as far as a granted tree reaches: directories of the
 * skeleton that hold binds of their present entries. */
static int freeze(struct builder *b, const char *path, const struct rule *deny)
{
	for (;;) {
		struct point probe = { .path = path }, *p;
		struct entries entries = { b, deny };
		const char *slash;

		walk_status(&b->walk, path, &probe.status);
		if (!probe.status.exists || !view_access(b, EFFECT_ALLOW, &probe, NULL))
			return 0;
		p = find_point(b, path);
		if (!p) {
			view_add_point(b, path, deny, true);
			p = &b->points.items[b->points.count - 1];
		}
		if (p->frozen)
			return 0;
		p->frozen = true;
		if (walk_directory(&b->walk, path, LIMIT_FREEZE_ENTRIES, add_entry, &entries) < 0)
			return diag_error(b->d, "C311", deny->origin,
					  "'%s' cannot be kept out of '%s', which has more than %d entries",
					  str_quote(b->arena, deny->pattern), str_quote(b->arena, path),
					  LIMIT_FREEZE_ENTRIES);
		if (strcmp(path, "/") == 0)
			return 0;
		slash = strrchr(path, '/');
		path = slash == path ? "/" : arena_strndup(b->arena, path, (size_t)(slash - path));
	}
}

/* In a copy-on-write tree a stub costs the host nothing: the topmost missing directory is made among the
 * changes, and hidden, so that neither it nor a rename of it gives the denied name to the program. */
static void add_stub(struct builder *b, const char *path, const struct rule *deny)
{
	size_t index = (size_t)(deny - b->policy->rules);

	view_add_point(b, path, deny, true);
	b->points.items[b->points.count - 1].stub = true;
	if (strcmp(path, deny->pattern) != 0) {
		b->view->exactness[index] = EXACTNESS_COARSE;
		b->view->note[index] = arena_printf(b->arena, "nothing can be made at '%s'",
						    str_quote(b->arena, path));
	}
}

/* Are these files the host's own, so that what is written reaches the host? */
static bool is_hosts(const struct builder *b, enum place place)
{
	return place == PLACE_HOST || (place == PLACE_ROOT && policy_root_is(b->policy, "writable"));
}

/* A denied path that is not there yet, where the program could make it. */
static int freeze_for(struct builder *b, const struct rule *deny)
{
	const struct glob_alternative *alternatives;
	size_t count = glob_alternatives(deny->glob, &alternatives);

	for (size_t i = 0; i < count; i++) {
		struct point probe = { .path = path_normal(b->arena, "/", alternatives[i].prefix) };
		const struct rule *allow = NULL;
		const char *slash, *missing = NULL;
		size_t index = (size_t)(deny - b->policy->rules);

		walk_status(&b->walk, probe.path, &probe.status);
		if (probe.status.exists || !(alternatives[i].is_tree || alternatives[i].is_literal))
			continue;
		while (!probe.status.exists && (slash = strrchr(probe.path, '/')) && slash != probe.path) {
			missing = probe.path;
			probe.path = arena_strndup(b->arena, probe.path, (size_t)(slash - probe.path));
			walk_status(&b->walk, probe.path, &probe.status);
		}
		/* Behind a link the directory is elsewhere, with other rules. */
		struct walk_link links[WALK_LINKS];
		size_t link_count = 0;
		const char *real = walk_resolve(&b->walk, probe.path, links, &link_count);

		if (!real)
			continue;
		probe.path = real;
		walk_status(&b->walk, probe.path, &probe.status);
		if (!(view_access(b, EFFECT_ALLOW, &probe, &allow) & ACCESS_WRITE) || !allow)
			continue;
		if ((allow->place == PLACE_COPY_ON_WRITE || allow->place == PLACE_ROOT) &&
		    !is_hosts(b, allow->place) && missing)
			add_stub(b, path_join(b->arena, real, strrchr(missing, '/') + 1), deny);
		if (allow->place == PLACE_ROOT && is_hosts(b, PLACE_ROOT)) {
			/* Its directories are the root's own to fill; what must stay away can be made later. */
			b->view->exactness[index] = EXACTNESS_AT_START;
			b->view->note[index] = "in a writable root for what exists when the cage starts";
			continue;
		}
		if (!is_hosts(b, allow->place))
			continue;
		b->view->exactness[index] = EXACTNESS_COARSE;
		b->view->note[index] = arena_printf(b->arena, "nothing new can be made directly in '%s'",
						    str_quote(b->arena, probe.path));
		if (freeze(b, probe.path, deny) < 0)
			return -EINVAL;
	}
	return 0;
}

int freeze_missing(struct builder *b)
{
	int r = 0;

	for (size_t i = 0; i < b->policy->rule_count; i++)
		if (b->policy->rules[i].kind == KIND_FILE && b->policy->rules[i].effect == EFFECT_DENY &&
		    freeze_for(b, &b->policy->rules[i]) < 0)
			r = -EINVAL;
	return r;
}

int freeze_links(struct builder *b)
{
	for (size_t i = 0, count = b->held.count; i < count; i++) {
		const struct held *h = &b->held.items[i];
		const char *slash = strrchr(h->path, '/');
		struct point probe = { 0 };
		const struct rule *allow = NULL;

		if (!slash || slash == h->path)
			continue;
		probe.path = arena_strndup(b->arena, h->path, (size_t)(slash - h->path));
		walk_status(&b->walk, probe.path, &probe.status);
		if (!(view_access(b, EFFECT_ALLOW, &probe, &allow) & ACCESS_WRITE) ||
		    !allow || !is_hosts(b, allow->place))
			continue;
		b->view->exactness[h->deny - b->policy->rules] = EXACTNESS_COARSE;
		b->view->note[h->deny - b->policy->rules] = arena_printf(
			b->arena, "nothing new can be made directly in '%s'", str_quote(b->arena, probe.path));
		if (freeze(b, probe.path, h->deny) < 0)
			return -EINVAL;
	}
	return 0;
}

/* A rename of `.git` would take the mount on `.git/hooks` along, and the name would be free. */
static void pin_above(struct builder *b, const char *path, const struct rule *deny)
{
	for (const char *slash; (slash = strrchr(path, '/')) && slash != path;) {
		struct point probe = { .path = arena_strndup(b->arena, path, (size_t)(slash - path)) }, *p;
		const struct rule *allow = NULL;

		path = probe.path;
		walk_status(&b->walk, path, &probe.status);
		if (!probe.status.inode || !(view_access(b, EFFECT_ALLOW, &probe, &allow) & ACCESS_WRITE) ||
		    !allow || !is_hosts(b, allow->place))
			return;
		p = find_point(b, path);
		if (!p) {
			view_add_point(b, path, deny, true);
			p = &b->points.items[b->points.count - 1];
		}
		if (p->pinned)
			return;
		p->pinned = true;
	}
}

void freeze_names(struct builder *b)
{
	for (size_t i = 0, count = b->points.count; i < count; i++) {
		struct point p = b->points.items[i];

		if (p.status.exists && p.rule->effect == EFFECT_DENY)
			pin_above(b, p.path, p.rule);
	}
}
