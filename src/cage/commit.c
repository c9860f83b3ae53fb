/* cage/commit.c - carries an upper directory over to the host's.
 *
 * (1) Walk both trees: what may be applied is built under a temporary name in its directory of the host
 * and exchanged with what is there, so an entry is the old or the new one, never half of one.  Each
 * entry of the upper directory gets a mark: done or left.  (2) syncfs().  (3) Walk again, and take
 * what is done out of the upper directory.  So whatever kills us, all changes are in one of the two.
 * A file "commit" beside the upper directory tells the next one which temporary names are ours, and
 * whether (3) had begun; what is equal on both sides counts as done, so it goes on where this ended.
 * Must not: overwrite what changed outside, follow a link, use a path that the cage wrote. */
#include "cage/commit.h"
#include "base/fd.h"
#include "cage/tree.h"
#include "cage/upper.h"
#include "launch/kernel.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/xattr.h>

#define JOURNAL "commit"

/* The entry stays where it is; MARK_KEPT. */
static int leave_alone(struct commit *c, const char *name, enum left_why why, int error)
{
	*vec_push(c->arena, &c->result->left) = (struct left){
		.why = why, .path = descent_path(&c->d, name), .error = -error,
	};
	return MARK_KEPT;
}

/* ---- entries: each function gives a mark or -errno ---- */

/* What an unreadable entry of the cage needs is power; when that is there, it is a refusal like others. */
static int conclude(struct commit *c, const char *name, int r, enum mark good)
{
	if (r == -EACCES && !c->options->has_power)
		return r;
	if (r < 0)
		return leave_alone(c, name, r == -EBUSY ? LEFT_CHANGED_OUTSIDE : LEFT_FAILED, r);
	c->result->applied++;
	return (int)good;
}

/* A copy without an original: deleted outside, or renamed by the cage, which tells nobody.  If nothing
 * was taken out of the host's directory since, it was renamed.  (A directory with an original cannot be
 * renamed: overlayfs.rst, redirect_dir.)  A killed commit has changed the directory itself. */
static bool is_deleted_outside(const struct commit *c, const struct entry *here, const struct timespec *since)
{
	const struct level *level = &c->levels.items[c->levels.count - 1];

	return !c->options->force &&
	       (S_ISDIR(here->mode) || (!c->resumed && time_compare(&level->before, since) >= 0));
}

/* 0: may be replaced.  Else the entry is left, and its mark is in *ret. */
static int check_outside(struct commit *c, const char *name, const struct entry *here,
			 const struct entry *there, const struct timespec *since, int copy, int *ret)
{
	int r = 0;

	if (!there->exists) {
		r = copy && is_deleted_outside(c, here, since);
		if (r)
			*ret = leave_alone(c, name, LEFT_DELETED_OUTSIDE, 0);
		return r;
	}
	r = commit_tree_changed(c, lower(c), name, there, since);
	if (r < 0)
		*ret = conclude(c, name, r, MARK_KEPT);
	else if (r > 0)
		*ret = leave_alone(c, name, LEFT_CHANGED_OUTSIDE, 0);
	return r != 0;
}

static int apply_deletion(struct commit *c, const char *name, const char *target, const struct entry *here,
			  const struct entry *there)
{
	struct timespec since;
	int r = commit_since(c, name, here, &since);

	if (r < 0 || !there->exists)
		return r < 0 ? r : MARK_GONE;
	if (check_outside(c, target, here, there, &since, 0, &r))
		return r;
	return conclude(c, target, commit_take_away(c, target, there), MARK_GONE);
}

static const struct linked *find_link(const struct commit *c, const struct entry *here)
{
	const struct linked *l = c->links[here->inode % LINK_BUCKETS];

	while (l && (l->inode != here->inode || l->device != here->device))
		l = l->next;
	return l;
}

/* A second name for what was applied before.  -ENOENT: there is nothing to link to. */
static int link_temporary(struct commit *c, const struct entry *here, const struct entry *there)
{
	const struct linked *first = here->links > 1 && S_ISREG(here->mode) ? find_link(c, here) : NULL;
	AUTO_FD int fd = first ? sys_open_below(c->o->lower, first->path, O_PATH, RESOLVE_NO_XDEV) : -ENOENT;
	struct stat status;
	char self[32];

	if (fd < 0 || fstat(fd, &status) < 0 || (uint64_t)status.st_size != here->size ||
	    time_compare(&status.st_mtim, &here->modify) != 0)
		return -ENOENT;
	if (there->exists && there->inode == status.st_ino && there->device == status.st_dev)
		return -EEXIST;
	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	return RESULT(linkat(AT_FDCWD, self, lower(c), c->temporary, AT_SYMLINK_FOLLOW));
}

static void remember_link(struct commit *c, const char *name, const struct entry *here)
{
	struct linked **bucket = &c->links[here->inode % LINK_BUCKETS], *l;

	if (here->links < 2 || !S_ISREG(here->mode) || find_link(c, here))
		return;
	l = arena_new_object(c->arena, struct linked);
	*l = (struct linked){ *bucket, here->device, here->inode, descent_path(&c->d, name) };
	*bucket = l;
}

static int apply_file(struct commit *c, const char *name, const struct entry *here, const struct entry *there)
{
	struct timespec since;
	int differs = there->exists ? entry_compare(upper(c), lower(c), name, here, there) : DIFFERS_TYPE;
	int copy = commit_since(c, name, here, &since), r = MIN(differs, copy);

	if (r < 0)
		return conclude(c, name, r, MARK_KEPT);
	if (differs && check_outside(c, name, here, there, &since, copy, &r))
		return r;
	r = link_temporary(c, here, there);
	if (r == -EEXIST || (r == -ENOENT && !differs)) {
		remember_link(c, name, here);
		return MARK_GONE;
	}
	if (r < 0)
		r = entry_copy(upper(c), name, here, lower(c), c->temporary, c->options->progress);
	commit_stepped(c);
	if (r == 0)
		r = commit_put(c, name, there);
	if (r == 0)
		remember_link(c, name, here);
	return conclude(c, name, r, MARK_GONE);
}

/* ---- directories ---- */

static int make_directory(struct commit *c, const char *name, const struct entry *here,
			  const struct entry *there)
{
	AUTO_FD int from = sys_open_below(upper(c), name, O_PATH | O_DIRECTORY, RESOLVE_NO_XDEV), to = -1;
	int r = from < 0 ? from : RESULT(mkdirat(lower(c), c->temporary, 0700));

	if (r < 0)
		return r;
	to = sys_open_below(lower(c), c->temporary, O_PATH | O_DIRECTORY, RESOLVE_NO_XDEV);
	r = to < 0 ? to : directory_copy_metadata(from, here, to);
	commit_stepped(c);
	if (r == 0)
		return commit_put(c, name, there);
	(void)commit_clear(c, lower(c));
	return r;
}

/* Mode and attributes of a directory that both have.  -EBUSY: they may have changed on both sides. */
static int merge_metadata(struct commit *c, const char *name, const struct entry *here,
			  const struct entry *there, const struct timespec *since)
{
	int r = entry_compare(upper(c), lower(c), name, here, there);
	AUTO_FD int from = -1, to = -1;

	if (r <= 0)
		return r;
	/* The change time of a directory counts its entries too, so this may be too careful. */
	if (!c->options->force && commit_is_newer(there, since))
		return -EBUSY;
	from = sys_open_below(upper(c), name, O_PATH | O_DIRECTORY, RESOLVE_NO_XDEV);
	to = sys_open_below(lower(c), name, O_PATH | O_DIRECTORY, RESOLVE_NO_XDEV);
	c->result->applied++;
	return from < 0 ? from : to < 0 ? to : directory_copy_metadata(from, here, to);
}

/* Takes away what the host has in an opaque directory and the cage has not. */
static int prune(struct commit *c)
{
	const struct descent_level *level = &c->d.levels.items[c->d.levels.count - 1];
	const struct timespec since = top(c)->since;
	const char **names;
	size_t count, next = 0;
	int r = directory_names(c->arena, lower(c), &c->d.entries, &names, &count);

	for (size_t i = 0; r >= 0 && i < count; i++) {
		struct entry there;
		int left;

		while (next < level->count && strcmp(level->names[next], names[i]) < 0)
			next++;
		if (next < level->count && strcmp(level->names[next], names[i]) == 0)
			continue;
		r = entry_read(lower(c), names[i], &there);
		if (r < 0 || !there.exists)
			continue;
		if (!check_outside(c, names[i], &there, &there, &since, 0, &left))
			left = conclude(c, names[i], commit_take_away(c, names[i], &there), MARK_GONE);
		top(c)->kept |= left == MARK_KEPT;
		r = MIN(left, 0);
	}
	return MIN(r, 0);
}

static struct timespec modified(int dir)
{
	struct stat status = { 0 };

	(void)fstat(dir, &status);
	return status.st_mtim;
}

static int enter(struct commit *c, const char *name, struct level *level, bool is_new)
{
	int r = descent_enter(&c->d, name);

	if (r < 0)
		return r;
	if (!is_new)
		level->before = modified(lower(c));
	*vec_push(c->arena, &c->levels) = *level;
	if (c->resumed)
		(void)commit_clear(c, lower(c));
	return 0;
}

static int apply_directory(struct commit *c, const char *name, struct level *level, const struct entry *there)
{
	AUTO_FD int fd = sys_open_below(upper(c), name, O_PATH | O_DIRECTORY, RESOLVE_NO_XDEV);
	bool both = there->exists && S_ISDIR(there->mode);
	struct timespec since;
	int opaque = fd < 0 ? fd : upper_is_opaque(c->o->by_fuse, fd);
	int copy = commit_since(c, name, &level->upper, &since), r = 0;

	if (opaque < 0 || copy < 0)
		return conclude(c, name, MIN(opaque, copy), MARK_KEPT);
	if (both && opaque && level->meant != MEANT)
		return leave_alone(c, name, LEFT_PART, 0);
	/* Our own work changes the time of a directory too. */
	if (both && opaque && !c->resumed && !c->options->force && commit_is_newer(there, &since))
		return leave_alone(c, name, LEFT_CHANGED_OUTSIDE, 0);
	if (!both && check_outside(c, name, &level->upper, there, &since, copy && !opaque, &r))
		return r;
	if (!both)
		r = make_directory(c, name, &level->upper, there);
	else if (level->meant == MEANT)
		r = merge_metadata(c, name, &level->upper, there, &since);
	if (!both || (r < 0 && r != -EBUSY)) {
		int mark = conclude(c, name, r, MARK_ENTERED);

		if (mark != MARK_ENTERED)
			return mark;
	} else if (r == -EBUSY) {
		leave_alone(c, name, LEFT_CHANGED_OUTSIDE, 0);
		level->kept = true;
	}
	level->opaque = opaque || top(c)->opaque;
	level->holds = top(c)->holds;
	level->since = opaque ? since : top(c)->since; /* commit_since() looked at those above */
	r = enter(c, name, level, !both);
	if (r == -EACCES)
		return conclude(c, name, r, MARK_KEPT);
	if (r == 0 && both && opaque)
		r = prune(c);
	/* When the host has nothing here any more that the mark would have to hide, what stays of the
	 * directory is a part of the host's from now on. */
	if (r == 0 && opaque && top(c)->kept) {
		top(c)->holds = true;
	} else if (r == 0 && opaque) {
		upper_open(fd);
	}
	return r < 0 ? r : MARK_ENTERED;
}

/* ---- the walks ---- */

/* What the cage did with the name `target` of the host's directory. */
static int apply(struct commit *c, const char *name, enum upper_kind kind, const char *target,
		 struct level *level)
{
	struct entry there = { 0 };
	int r = entry_read(lower(c), target, &there);

	if (r < 0)
		return r;
	if (kind == UPPER_HIDES)
		return apply_deletion(c, name, target, &level->upper, &there);
	if (upper_is_stub(c->o->by_fuse, upper(c), name, &level->upper))
		return MARK_GONE;
	if (S_ISDIR(level->upper.mode))
		return apply_directory(c, name, level, &there);
	return level->meant == MEANT ? apply_file(c, name, &level->upper, &there) : MARK_KEPT;
}

static int visit(struct commit *c, const char *name)
{
	struct level level = { .mark = c->marks.count, .meant = MEANT };
	size_t above = c->levels.count - 1;
	const char *target = name;
	enum upper_kind kind;
	int mark = entry_read(upper(c), name, &level.upper);

	progress_step(c->options->progress, PROGRESS_ENTRY);
	*vec_push(c->arena, &c->marks) = MARK_KEPT;
	if (mark < 0 || !level.upper.exists)
		return mark;
	kind = upper_kind(c->o->by_fuse, upper(c), name, &level.upper, &target);
	if (c->options->selection.count && kind != UPPER_NOTE)
		level.meant = selection_find(&c->options->selection, descent_path(&c->d, target));
	if (level.meant == MEANT_NOT)
		mark = MARK_KEPT;
	else
		mark = kind == UPPER_NOTE ? MARK_GONE : apply(c, name, kind, target, &level);
	if (mark < 0)
		return mark;
	if (mark == MARK_GONE && c->levels.items[above].holds)
		mark = MARK_KEPT;
	c->marks.items[level.mark] = (unsigned char)mark;
	c->levels.items[above].kept |= mark == MARK_KEPT;
	return 0;
}

static int leave(struct commit *c)
{
	struct level level = *top(c);
	bool done = !level.kept && level.meant == MEANT;

	/* Entries that were taken out already have changed the time of the upper directory. */
	if (done && !c->removing)
		directory_copy_times(&level.upper, lower(c));
	if (--c->levels.count) {
		done = done && !top(c)->holds;
		c->marks.items[level.mark] = done ? MARK_DONE : MARK_ENTERED;
		top(c)->kept |= !done;
	}
	return descent_leave(&c->d);
}

static int apply_all(struct commit *c)
{
	struct level first = { .meant = c->options->selection.count ? MEANT_ON_THE_WAY : MEANT,
			       .before = modified(c->o->lower) };
	int r = entry_read(c->o->upper, ".", &first.upper);

	if (r == 0)
		r = descent_begin(&c->d, c->arena, c->o->upper, c->o->lower);
	*vec_push(c->arena, &c->levels) = first;
	if (r == 0 && c->resumed)
		r = commit_clear(c, lower(c));
	while (r == 0 && c->d.levels.count) {
		const char *name = descent_next(&c->d);

		r = name ? visit(c, name) : leave(c);
	}
	descent_end(&c->d);
	return r;
}

/* The same walk over the upper directory alone. */
static int remove_done(struct commit *c)
{
	struct pending { const char *name; enum mark mark; } pending;
	VEC(struct pending) above = { 0 };
	size_t next = 0;
	int r = descent_begin(&c->d, c->arena, c->o->upper, -1), error = 0;

	while (r == 0 && c->d.levels.count) {
		const char *name = descent_next(&c->d);
		int gone = 0;

		if (name) {
			pending = (struct pending){ name, c->marks.items[next++] };
			if (pending.mark == MARK_GONE) {
				gone = tree_remove(upper(c), name);
			} else if (pending.mark != MARK_KEPT) {
				*vec_push(c->arena, &above) = pending;
				r = descent_enter(&c->d, name);
			}
		} else {
			r = descent_leave(&c->d);
			if (r == 0 && above.count && above.items[--above.count].mark == MARK_DONE)
				gone = tree_remove(upper(c), above.items[above.count].name);
		}
		error = error ? error : gone;
		commit_stepped(c);
	}
	descent_end(&c->d);
	return r ? r : error;
}

/* ---- the journal ---- */

static int write_journal(struct commit *c, const char *state)
{
	const char *text = arena_printf(c->arena, "%s %s\n", state, c->temporary);

	return fd_replace_file(c->o->data, JOURNAL, text, strlen(text), 0600);
}

static int begin(struct commit *c)
{
	char state[8];
	uint64_t random;
	size_t length;
	char *text;

	if (fd_read_file(c->arena, c->o->data, JOURNAL, 256, &text, &length) == 0 &&
	    sscanf(text, "%7s %39[.a-z0-9-]", state, c->temporary) == 2 &&
	    str_starts(c->temporary, ".cuddy-commit-")) {
		c->resumed = true;
		c->removing = str_equal(state, "remove");
		return 0;
	}
	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		return -EIO;
	snprintf(c->temporary, sizeof(c->temporary), ".cuddy-commit-%016llx", (unsigned long long)random);
	return write_journal(c, "apply");
}

/* What was applied is on the disk before its other copy goes. */
static int settle(const struct commit *c)
{
	AUTO_FD int fd = RESULT(openat(c->o->lower, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));

	return fd < 0 ? fd : RESULT(syncfs(fd));
}

int overlay_commit(const struct overlay *o, struct arena *arena, const struct commit_options *options,
		   struct commit_result *ret)
{
	struct commit c = { .o = o, .options = options, .result = ret, .arena = arena,
			    .d = { .fd = { -1, -1 } },
			    .links = arena_new_array(arena, struct linked *, LINK_BUCKETS) };
	int r;

	*ret = (struct commit_result){ 0 };
	if (o->lower < 0)
		return -ENOENT;
	r = begin(&c);
	if (r == 0)
		r = apply_all(&c);
	if (r == 0)
		r = settle(&c);
	if (r == 0)
		r = write_journal(&c, "remove");
	if (r == 0)
		r = remove_done(&c);
	return r < 0 ? r : RESULT(unlinkat(o->data, JOURNAL, 0));
}
