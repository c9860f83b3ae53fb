/* cage/commit.h - what the two files of a commit share: commit.c walks and decides, commit_host.c looks at the
 * host's entries and changes them. */
#ifndef CUDDY_CAGE_COMMIT_H
#define CUDDY_CAGE_COMMIT_H

#include "cage/descent.h"
#include "cage/overlay.h"

enum mark {
	MARK_KEPT,    /* stays, with all below it */
	MARK_ENTERED, /* a directory of which something stays */
	MARK_DONE,    /* a directory of which nothing stays */
	MARK_GONE,    /* goes as a whole */
};

struct level {
	size_t mark;		/* index of the directory's own */
	enum meant meant;
	struct entry upper;
	struct timespec since;	/* of the opaque directories above: the earliest */
	struct timespec before;	/* when the host's directory was last modified before us; 0: it is new */
	bool opaque, kept;	/* one of those above or itself; something below stays */
	bool holds;		/* it stays opaque, or one above: what left it would be hidden, so all stay */
};

/* The first place of a file with several links. */
struct linked { struct linked *next; dev_t device; ino_t inode; const char *path; };
#define LINK_BUCKETS 4096u /* the cage may have made a million of them */

struct commit {
	const struct overlay *o;
	const struct commit_options *options;
	struct commit_result *result;
	struct arena *arena;
	struct descent d;
	VEC(struct level) levels;
	VEC(unsigned char) marks; /* enum mark, one for each upper entry, in the order of the walk */
	struct linked **links;	/* LINK_BUCKETS lists, by inode */
	char temporary[40];
	bool resumed, removing; /* an earlier commit was killed; when it took entries out already */
	unsigned long steps;
};

static inline struct level *top(struct commit *c)
{
	return &c->levels.items[c->levels.count - 1];
}

/* The present directory of the host and that of the cage. */
static inline int lower(const struct commit *c)
{
	return descent_second(&c->d);
}

static inline int upper(const struct commit *c)
{
	return descent_first(&c->d);
}

/* When the cage can last have seen the host's entry that its entry `name` stands for: *ret.  1: it is a copy of
 * that, 0: it is new; or -errno. */
int commit_since(struct commit *c, const char *name, const struct entry *e, struct timespec *ret);
/* Whether an entry, and whether anything at or below it changed after that: 1, 0 or -errno. */
bool commit_is_newer(const struct entry *e, const struct timespec *since);
int commit_tree_changed(struct commit *c, int dir, const char *name, const struct entry *e,
			const struct timespec *since);

/* Puts the temporary entry in the place of `name`.  0, or -EBUSY when that is no more what was looked at. */
int commit_put(struct commit *c, const char *name, const struct entry *seen);
/* The host's entry goes at once, and what is in it afterwards. */
int commit_take_away(struct commit *c, const char *name, const struct entry *e);
/* What a killed commit left under the temporary name is ours: out of the directory `dir` with it. */
int commit_clear(struct commit *c, int dir);
/* Something changed on disk: here a test may want us dead. */
void commit_stepped(struct commit *c);

#endif
