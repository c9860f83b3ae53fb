/* backend/view_builder.h - what the files that work out a view share: view.c and freeze.c. */
#ifndef CUDDY_BACKEND_VIEW_BUILDER_H
#define CUDDY_BACKEND_VIEW_BUILDER_H

#include "backend/view.h"
#include "backend/walk.h"

struct point {
	const char *path;
	const struct rule *rule; /* first that named it */
	struct walk_status status;
	bool frozen;
	bool stub;   /* not there, in a copy-on-write tree, and leads to what is denied: made and hidden */
	bool pinned; /* a mount of its own even where nothing differs: mount points can't be renamed */
};

/* A path of a rule that leads through links, and where it leads. */
struct alias { const char *name, *real; enum effect effect; };

/* A link on the way to a denied path. */
struct held { const char *path; const struct rule *deny; };

/* A tree of the host that is shown under another path: what is denied of it, is there too. */
struct shown { const char *at, *real; };

struct builder {
	struct arena *arena;
	struct walk walk;
	struct walk host; /* looks at the host as it is, where `walk` sees what the cage shows */
	const struct policy *policy;
	const char *root; /* path of the root file system, or NULL */
	VEC(const struct rule *) rules[EFFECT_LOG + 1]; /* those about files */
	struct diags *d;
	VEC(struct point) points;
	VEC(struct alias) aliases;
	VEC(struct held) held;
	VEC(struct shown) shown;
	VEC(struct view_entry) entries;
	struct view *view;
};

/* Access that the rules of one effect give to a point, by all names that lead to it.  What is granted for the
 * cage's own files says nothing about the host's that appear among them.  *ret_rule (may be NULL): the deepest. */
unsigned view_access(const struct builder *b, enum effect effect, const struct point *p,
		     const struct rule **ret_rule);

/* `tree`: to be taken for a directory when the host has nothing there. */
void view_add_point(struct builder *b, const char *path, const struct rule *rule, bool tree);

/* Denied paths that are not there yet, where the program could make them: the directories above are frozen.
 * 0, or -EINVAL with a diagnostic when one has too many entries. */
int freeze_missing(struct builder *b);
/* The same for links on the way to a denied path, which could be replaced. */
int freeze_links(struct builder *b);
/* Makes directories above denied paths mounts of their own, which cannot be renamed. */
void freeze_names(struct builder *b);

#endif
