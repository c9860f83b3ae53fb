/* cage/commit_host.c - the host's side of a commit: whether an entry changed outside, and its replacement.
 *
 * Changed outside means: the host's entry has a change time (ctime, which nobody can set) not before
 * the moment when the cage can last have seen it.
 * Must not: follow a link, replace what is no more what was looked at. */
#include "cage/commit.h"
#include "base/fd.h"
#include "cage/tree.h"
#include "cage/upper.h"
#include "launch/kernel.h"

#include <linux/fs.h>
#include <signal.h>
#include <stdio.h>

void commit_stepped(struct commit *c)
{
	if (++c->steps == c->options->die_after)
		raise(SIGKILL);
}

/* ---- what changed outside ---- */

/* When the cage can last have seen the host's entry.  A copy that the kernel made of it was born when it
 * began to read; something new may replace what was seen at any time since the cage was started. */
int commit_since(struct commit *c, const char *name, const struct entry *e, struct timespec *ret)
{
	const struct overlay *o = c->o;
	struct timespec since = { 0 };
	int copy = upper_is_copy(c->o->by_fuse, upper(c), name, e);

	if (copy < 0)
		return copy;
	if (e->has_birth)
		since = e->birth;
	else if (o->start_count)
		since = o->starts[0];
	for (size_t i = o->start_count; !copy && e->has_birth && i-- > 0;)
		if (time_compare(&o->starts[i], &since) <= 0) {
			since = o->starts[i];
			break;
		}
	if (top(c)->opaque && time_compare(&top(c)->since, &since) < 0)
		since = top(c)->since;
	*ret = since;
	return copy;
}

bool commit_is_newer(const struct entry *e, const struct timespec *since)
{
	return time_compare(&e->change, since) >= 0;
}

int commit_tree_changed(struct commit *c, int dir, const char *name, const struct entry *e,
			const struct timespec *since)
{
	CLEANUP(arena_freep) struct arena *arena = NULL;
	AUTO_FD int fd = -1;
	struct descent d;
	int r = 0;

	if (c->options->force || commit_is_newer(e, since) || !S_ISDIR(e->mode))
		return !c->options->force && commit_is_newer(e, since);
	fd = sys_open_below(dir, name, O_PATH | O_DIRECTORY, RESOLVE_NO_XDEV);
	if (fd < 0)
		return fd;
	arena = arena_new();
	for (r = descent_begin(&d, arena, fd, -1); r == 0 && d.levels.count;) {
		const char *below = descent_next(&d);
		struct entry entry;

		r = below ? entry_read(descent_first(&d), below, &entry) : descent_leave(&d);
		if (r == 0 && below && entry.exists)
			r = commit_is_newer(&entry, since) ? 1 : S_ISDIR(entry.mode) ? descent_enter(&d, below) : 0;
	}
	descent_end(&d);
	return r;
}

/* ---- changing the host's directory ---- */

static int rename_in(int dir, const char *from, const char *to, unsigned flags)
{
	return RESULT(syscall(SYS_renameat2, dir, from, dir, to, flags)); /* musl has no name for it */
}

int commit_clear(struct commit *c, int dir)
{
	int r = tree_remove(dir, c->temporary);

	return r == -ENOENT ? 0 : r;
}

static bool is_same_entry(const struct entry *a, const struct entry *b)
{
	return a->exists == b->exists && a->inode == b->inode && a->size == b->size &&
	       time_compare(&a->modify, &b->modify) == 0;
}

/* For file systems that cannot exchange names (NFS, some of FUSE): a moment between look and rename. */
static int put_plainly(struct commit *c, const char *name, const struct entry *seen, const struct entry *ours)
{
	struct entry now;
	int r = entry_read(lower(c), name, &now);

	if (r == 0 && !is_same_entry(&now, seen))
		r = -EBUSY;
	if (r == 0 && now.exists && S_ISDIR(now.mode | ours->mode))
		r = -ENOTSUP; /* a directory would be gone for that moment */
	return r < 0 ? r : RESULT(renameat(lower(c), c->temporary, lower(c), name));
}

int commit_put(struct commit *c, const char *name, const struct entry *seen)
{
	struct entry now, ours;
	int dir = lower(c), r = entry_read(dir, c->temporary, &ours);

	if (r < 0)
		return r;
	if (!seen->exists) {
		r = rename_in(dir, c->temporary, name, RENAME_NOREPLACE);
		if (r == -EEXIST)
			r = -EBUSY;
	} else {
		r = rename_in(dir, c->temporary, name, RENAME_EXCHANGE);
		if (r == 0 && entry_read(dir, c->temporary, &now) == 0 && !is_same_entry(&now, seen)) {
			r = rename_in(dir, c->temporary, name, RENAME_EXCHANGE);
			r = r < 0 ? r : -EBUSY;
		}
	}
	if (r == -EINVAL)
		r = put_plainly(c, name, seen, &ours);
	commit_stepped(c);
	(void)commit_clear(c, dir);
	return r;
}

int commit_take_away(struct commit *c, const char *name, const struct entry *e)
{
	int dir = lower(c), r;

	r = S_ISDIR(e->mode) ? rename_in(dir, name, c->temporary, RENAME_NOREPLACE)
			     : RESULT(unlinkat(dir, name, 0));
	commit_stepped(c);
	return r < 0 || !S_ISDIR(e->mode) ? r : commit_clear(c, dir);
}
