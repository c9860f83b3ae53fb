/* lib/appeared.c - compares what matches a denied pattern now with what the plan restricted.
 * Must not: follow a link, change anything, fail: what cannot be looked at is left out. */
#include "lib/appeared.h"
#include "backend/walk.h"
#include "base/path.h"

#include <string.h>
#include <sys/stat.h>

/* A deny that is looked at again: all in memory of its own, for by then the policy may be forgotten. */
struct watched { const struct glob *glob; const struct origin *origin; };

/* A mask of something in a directory that the program may write to. */
struct masked { const char *path; dev_t device; ino_t inode; const struct origin *origin; };

struct appeared {
	struct arena *arena;
	VEC(struct masked) masked;
	VEC(struct watched) denies;
	VEC(const char *) exact, trees; /* paths of steps; those below which nothing can be made */
	VEC(const char *) made, mounted; /* directories of the cage's own, and what is mounted: some are both */
	VEC(const char *) writable;	/* directories of the host, in which and below which the program may write */
};

/* Could the program have made it: may it write where that is? */
static bool is_makeable(const struct appeared *w, const char *path)
{
	for (size_t i = 0; i < w->writable.count; i++)
		if (path_is_within(path, w->writable.items[i]))
			return true;
	return false;
}

static bool is_writable_host(const struct rule *rule)
{
	return rule->kind == KIND_FILE && rule->effect == EFFECT_ALLOW && rule->place == PLACE_HOST &&
	       rule->access & ACCESS_WRITE;
}

static const char *top_of(const struct glob_alternative *a)
{
	return *a->prefix ? a->prefix : "/";
}

/* Does a pattern that is expanded at the start reach where the program may write? */
static bool concerns(const struct policy *policy, const struct glob_alternative *a)
{
	if (a->is_tree || a->is_literal)
		return false;
	for (size_t i = 0; i < policy->rule_count; i++) {
		const struct glob_alternative *allowed;
		size_t count = is_writable_host(&policy->rules[i]) ?
				       glob_alternatives(policy->rules[i].glob, &allowed) : 0;

		for (size_t k = 0; k < count; k++)
			if (path_is_within(top_of(a), top_of(&allowed[k])) ||
			    path_is_within(top_of(&allowed[k]), top_of(a)))
				return true;
	}
	return false;
}

static void remember_steps(struct appeared *w, const struct plan *plan)
{
	for (size_t i = 0; i < plan->steps.count; i++) {
		const struct step *step = &plan->steps.items[i];
		const char *path;

		if (op_table[step->op].argument[0] != ARG_TARGET)
			continue;
		path = arena_printf(w->arena, "/%s", plan_text_at(plan, step->a));
		*vec_push(w->arena, &w->exact) = path;
		if (step->op == OP_MKDIR)
			*vec_push(w->arena, &w->made) = path;
		else
			*vec_push(w->arena, &w->mounted) = path;
		if (step->op == OP_MASK || step->op == OP_READ_ONLY ||
		    ((step->op == OP_BIND || step->op == OP_PRIVATE_DIR) && step->x & PLAN_READ_ONLY))
			*vec_push(w->arena, &w->trees) = path;
	}
}

/* The place without its text but the line itself, which the message shows. */
static const struct origin *copy_origin(struct arena *arena, const struct origin *from)
{
	struct origin *origin = arena_new_object(arena, struct origin);
	struct source *source = arena_new_object(arena, struct source);
	const char *line = from->source->text, *end;

	for (uint32_t n = from->source->first_line; line && n < from->line; n++)
		line = (line = strchr(line, '\n')) ? line + 1 : NULL;
	end = line ? line + strcspn(line, "\n") : NULL;
	*source = (struct source){
		.name = arena_strdup(arena, from->source->name), .first_line = from->line,
		.text = line ? arena_strndup(arena, line, (size_t)(end - line)) : NULL,
		.length = line ? (size_t)(end - line) : 0,
	};
	*origin = *from;
	origin->source = source;
	origin->via = from->via ? copy_origin(arena, from->via) : NULL;
	return origin;
}

/* A mask hides what it was put on: when somebody outside puts another file in its place, the kernel takes the mask
 * away.  (A mount whose mount point is removed or replaced in another namespace goes, mount_namespaces(7).) */
static void remember_masks(struct appeared *w, const struct plan *plan)
{
	for (size_t i = 0; i < plan->steps.count; i++) {
		const struct step *step = &plan->steps.items[i];
		struct stat status;
		const char *path;

		if (step->op != OP_MASK)
			continue;
		path = arena_printf(w->arena, "/%s", plan_text_at(plan, step->a));
		if (is_makeable(w, path) && plan->origins.items[step->origin] && lstat(path, &status) == 0)
			*vec_push(w->arena, &w->masked) = (struct masked){
				path, status.st_dev, status.st_ino,
				copy_origin(w->arena, plan->origins.items[step->origin]) };
	}
}

static void remember_writable(struct appeared *w, const struct policy *policy)
{
	for (size_t i = 0; i < policy->rule_count; i++) {
		const struct glob_alternative *a;
		size_t count = is_writable_host(&policy->rules[i]) ? glob_alternatives(policy->rules[i].glob, &a) : 0;

		for (size_t k = 0; k < count; k++)
			*vec_push(w->arena, &w->writable) = path_normal(w->arena, "/", a[k].prefix);
	}
}

struct appeared *appeared_watch(const struct policy *policy, const struct plan *plan)
{
	struct arena *arena = arena_new();
	struct appeared *w = arena_new_object(arena, struct appeared);
	struct diags ignored;

	diags_init(&ignored, arena);
	*w = (struct appeared){ .arena = arena };
	for (size_t i = 0; i < policy->rule_count; i++) {
		const struct rule *rule = &policy->rules[i];
		const struct glob_alternative *a;
		size_t count = rule->kind == KIND_FILE && rule->effect == EFFECT_DENY ?
				       glob_alternatives(rule->glob, &a) : 0;
		bool wanted = false;
		const struct glob *glob;

		for (size_t k = 0; k < count; k++)
			wanted = wanted || concerns(policy, &a[k]);
		if (wanted && rule->origin && glob_compile(arena, glob_text(rule->glob), NULL, &ignored, &glob) == 0)
			*vec_push(arena, &w->denies) = (struct watched){ glob, copy_origin(arena, rule->origin) };
	}
	remember_writable(w, policy);
	remember_masks(w, plan);
	if (!w->denies.count && !w->masked.count) {
		arena_free(arena);
		return NULL;
	}
	remember_steps(w, plan);
	return w;
}

void appeared_free(struct appeared *watch)
{
	if (watch)
		arena_free(watch->arena);
}

struct sight {
	const struct appeared *w;
	const char *prefix, *real; /* a pattern's, and where that leads */
	const char *found;
};

static bool is_in(const char *const *list, size_t count, const char *path)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(list[i], path) == 0)
			return true;
	return false;
}

/* Directly in a directory of the cage's own there is what the plan put there, and nothing else. */
static bool is_fixed(const struct appeared *w, const char *path)
{
	const char *above = arena_strndup(w->arena, path, (size_t)(path_base_name(path) - path - 1));

	return is_in(w->made.items, w->made.count, above) && !is_in(w->mounted.items, w->mounted.count, above);
}

static void look(void *context, const char *path)
{
	struct sight *s = context;

	if (s->found)
		return;
	path = arena_printf(s->w->arena, "%s%s", s->real, path + strlen(s->prefix));
	if (is_in(s->w->exact.items, s->w->exact.count, path) || is_fixed(s->w, path))
		return;
	for (size_t i = 0; i < s->w->trees.count; i++)
		if (path_is_within(path, s->w->trees.items[i]))
			return;
	if (is_makeable(s->w, path))
		s->found = path;
}

static void tell(const struct appeared *w, const char *path, const struct origin *origin, struct diags *d)
{
	diag_warning(d, "C610", copy_origin(d->arena, origin),
		     "'%s' was not there when the cage started, so this line did not hold for it", str_quote(w->arena, path));
	diag_help(d, "look at it before you use it: the program may have made it");
}

static void tell_replaced(const struct appeared *w, struct diags *d)
{
	for (size_t i = 0; i < w->masked.count; i++) {
		const struct masked *m = &w->masked.items[i];
		struct stat status;

		if (lstat(m->path, &status) < 0 || (status.st_dev == m->device && status.st_ino == m->inode))
			continue;
		diag_warning(d, "C615", copy_origin(d->arena, m->origin),
			     "'%s' was replaced while the cage ran, so this line did not hold any more",
			     str_quote(w->arena, m->path));
		diag_help(d, "the program may have read it; deny its whole directory to be safe");
	}
}

void appeared_tell(const struct appeared *w, struct diags *d)
{
	struct walk walk = { .arena = w->arena };

	for (size_t i = 0; i < w->denies.count; i++) {
		const struct watched *deny = &w->denies.items[i];
		const struct glob_alternative *a;
		struct sight sight = { .w = w };
		size_t count = glob_alternatives(deny->glob, &a);

		for (size_t k = 0; k < count && !sight.found; k++) {
			struct walk_link links[WALK_LINKS];
			size_t link_count = 0;

			if (a[k].is_tree || a[k].is_literal || !is_makeable(w, path_normal(w->arena, "/", a[k].prefix)))
				continue;
			sight.prefix = path_normal(w->arena, "/", a[k].prefix);
			sight.real = walk_resolve(&walk, sight.prefix, links, &link_count);
			if (sight.real)
				(void)walk_matches(&walk, deny->glob, sight.prefix, look, &sight);
		}
		if (sight.found)
			tell(w, sight.found, deny->origin, d);
	}
	tell_replaced(w, d);
}
