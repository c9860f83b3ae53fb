/* cage/changes.c - compares an upper directory with the host's: what was added, deleted, modified.
 * Must not: change anything, follow a link, show more than differs. */
#include "cage/overlay.h"
#include "cage/descent.h"
#include "cage/upper.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

struct listing {
	bool by_fuse;
	struct descent d;
	struct arena *arena;
	struct changes *changes;
	const struct progress *progress;
};

static void add(struct listing *l, const char *name, struct change change)
{
	if (l->d.path.length + strlen(name) + 1 >= PATH_MAX) {
		l->changes->too_deep++;
		return;
	}
	change.path = descent_path(&l->d, name);
	*vec_push(l->arena, &l->changes->list) = change;
}

/* What stands only on the host's side of an opaque directory is deleted. */
static int list_hidden(struct listing *l)
{
	const struct descent_level *level = &l->d.levels.items[l->d.levels.count - 1];
	const char **names;
	size_t count, next = 0;
	int r = directory_names(l->arena, descent_second(&l->d), &l->d.entries, &names, &count);

	for (size_t i = 0; r == 0 && i < count; i++) {
		struct change change = { .kind = CHANGE_DELETED };

		while (next < level->count && strcmp(level->names[next], names[i]) < 0)
			next++;
		if (next < level->count && strcmp(level->names[next], names[i]) == 0)
			continue;
		r = entry_read(descent_second(&l->d), names[i], &change.before);
		if (r == 0 && change.before.exists)
			add(l, names[i], change);
	}
	return r;
}

static int enter(struct listing *l, const char *name)
{
	int r = descent_enter(&l->d, name);

	if (r < 0 || descent_second(&l->d) < 0)
		return r;
	r = upper_is_opaque(l->by_fuse, descent_first(&l->d));
	return r > 0 ? list_hidden(l) : r;
}

static int compare(struct listing *l, const char *name, enum upper_kind kind, struct change *change)
{
	int upper = descent_first(&l->d), lower = descent_second(&l->d), differs;

	if (kind == UPPER_HIDES) {
		change->kind = CHANGE_DELETED;
		change->after = (struct entry){ 0 };
		return change->before.exists;
	}
	if (upper_is_stub(l->by_fuse, upper, name, &change->after))
		return 0;
	change->kind = CHANGE_ADDED;
	if (!change->before.exists)
		return 1;
	differs = entry_compare(upper, lower, name, &change->after, &change->before);
	if (differs < 0)
		return differs;
	change->kind = differs & DIFFERS_TYPE ? CHANGE_TYPE : CHANGE_MODIFIED;
	change->differs = (unsigned)differs;
	return differs != 0;
}

static int visit(struct listing *l, const char *name)
{
	struct change change = { 0 };
	int upper = descent_first(&l->d), r = entry_read(upper, name, &change.after);
	enum upper_kind kind = UPPER_ENTRY;
	const char *target = name;
	bool is_directory;

	if (r == 0 && change.after.exists)
		kind = upper_kind(l->by_fuse, upper, name, &change.after, &target);
	if (r == 0 && descent_second(&l->d) >= 0)
		r = entry_read(descent_second(&l->d), target, &change.before);
	if (r < 0 || !change.after.exists || kind == UPPER_NOTE)
		return r;
	is_directory = S_ISDIR(change.after.mode) && !upper_is_stub(l->by_fuse, upper, name, &change.after);
	r = compare(l, name, kind, &change);
	progress_step(l->progress, PROGRESS_ENTRY + (is_directory ? 0 : change.after.bytes));
	if (r > 0)
		add(l, target, change);
	return r < 0 || !is_directory ? MIN(r, 0) : enter(l, name);
}

/* A directory before what is in it: '/' sorts before all else. */
static int compare_changes(const void *a, const void *b)
{
	const unsigned char *s = (const unsigned char *)((const struct change *)a)->path;
	const unsigned char *t = (const unsigned char *)((const struct change *)b)->path;

	for (; *s && *s == *t; s++, t++)
		;
	if (*s == *t)
		return 0;
	if (!*s || !*t)
		return *s ? 1 : -1;
	return *s == '/' ? -1 : *t == '/' ? 1 : *s < *t ? -1 : 1;
}

int overlay_changes(const struct overlay *o, struct arena *arena, const struct progress *progress,
		    struct changes *ret)
{
	struct listing l = { .by_fuse = o->by_fuse, .arena = arena, .changes = ret, .progress = progress };
	int r = descent_begin(&l.d, arena, o->upper, o->lower);

	*ret = (struct changes){ 0 };
	while (r == 0 && l.d.levels.count) {
		const char *name = descent_next(&l.d);

		r = name ? visit(&l, name) : descent_leave(&l.d);
	}
	descent_end(&l.d);
	if (r == 0 && ret->list.count)
		qsort(ret->list.items, ret->list.count, sizeof(*ret->list.items), compare_changes);
	return r;
}
