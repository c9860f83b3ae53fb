/* policy/glob.h - AppArmor's file globs: `*` and `?` stop at "/", `**` crosses it, [a-c], [^a],
 * {a,b}, backslash escapes; a pattern that ends in "/" matches directories only.
 * Source: apparmor.d(5), section "Globbing (AARE)"; truth table tests/unit/globs.tsv. */
#ifndef CUDDY_POLICY_GLOB_H
#define CUDDY_POLICY_GLOB_H

#include "diag/diag.h"

struct glob;

/* Compiles `text` (absolute, variables already expanded).  Errors carry `origin`.  The matcher
 * runs in time proportional to pattern × path, whatever the pattern (no backtracking). */
int glob_compile(struct arena *arena, const char *text, const struct origin *origin, struct diags *d,
		 const struct glob **ret);

/* `path` is normal; a directory is asked with a trailing "/" (the root is "/"). */
bool glob_matches(const struct glob *glob, const char *path);

/* Could something at or below directory `path` (no trailing "/", root "") match? */
bool glob_may_match_below(const struct glob *glob, const char *path);

/* Does it match every possible path strictly below directory `path` (tree grants: PATH/\*\*)? */
bool glob_covers_tree(const struct glob *glob, const char *path);

/* The glob without braces: its alternatives, each literal up to a first wildcard.  */
struct glob_alternative {
	const char *text;	/* pattern without braces */
	const char *prefix;	/* unescaped literal path up to the last "/" before a wildcard, without that "/" ("" is
				 * the root); the whole path when literal */
	bool is_literal;	/* no wildcard at all */
	bool is_directory;	/* ends in "/" */
	bool is_tree;		/* exactly prefix + "/\*\*" */
};
size_t glob_alternatives(const struct glob *glob, const struct glob_alternative **ret);
const char *glob_text(const struct glob *glob);

/* The pattern of one path, wildcards and variables in it without their meaning; as a `tree` of a directory too,
 * and of all that is below. */
char *glob_of_path(struct arena *arena, const char *path, bool tree);

#endif
