/* profile/internal.h - what the files of profile/ tell each other. */
#ifndef CUDDY_PROFILE_INTERNAL_H
#define CUDDY_PROFILE_INTERNAL_H

#include "profile/profile.h"
#include "toml/toml.h"

/* What a key holds. */
enum key_form { FORM_RULES, FORM_TEXT, FORM_LIST, FORM_LIMIT, FORM_MOUNTS, FORM_BUS, FORM_FLAGS,
		FORM_TABLE, FORM_TIGHTEN /* true or false; true anywhere counts */ };
enum scope { SCOPE_TOP = CATEGORY_COUNT, SCOPE_ENVIRONMENT };

struct key {
	unsigned scope;	     /* enum category or enum scope */
	const char *name;
	enum key_form form;
	enum effect effect;
	unsigned access;
	enum kind kind;
	enum place place;
	size_t offset;	     /* in struct policy: TEXT, LIST */
	enum limit limit;
	bool adds;	     /* LIST: files add up; else the nearest file wins */
	bool is_path;	     /* TEXT, and of LIST what holds a '/': ~ and variables are expanded */
};
/* Is this the key `name` (kebab-case)?  ReadOnly, readonly, READ_ONLY all are read-only. */
bool schema_is(const struct toml_value *entry, const char *name);
const struct key *schema_find(struct arena *arena, unsigned scope, const struct toml_value *entry,
			      struct diags *d);
bool schema_category(const struct toml_value *entry, enum category *ret);
int schema_limit(struct arena *arena, enum limit limit, const struct toml_value *value,
		 struct diags *d, uint64_t *ret);
/* Is it a string without NUL?  Otherwise says so. */
int schema_string(struct arena *arena, const struct toml_value *value, const char *key,
		  struct diags *d);

#define DEPTH_DEFAULTS 1000 /* permissions/builtin.toml: behind every profile and include */

/* One file that was read; `only_denies`: its denies and limits count, nothing else. */
struct unit { const char *path; const struct toml_value *root; unsigned depth; bool only_denies, warn; };
struct flag_use { const char *name; enum effect effect; };

/* The text of one flag in a file of permissions: from its header to the next flag's. */
struct slice { const char *name; size_t length; const char *text; uint32_t line; };
struct catalogue { struct slice *items; size_t count, room; };
/* False: the file holds more than this understands, and must be parsed as a whole. */
bool catalogue_cut(struct arena *arena, const char *text, struct catalogue *ret);
/* A flag's part of `file`, lines counted as in the file; NULL when there is none of this name. */
const struct source *catalogue_source(struct arena *arena, const struct source *file,
				      const struct catalogue *all, const char *name);
/* The shipped permissions of one category, read when a flag of them is named. */
struct shelf { bool is_read; const struct source *file; struct catalogue flags; };

struct loader {
	struct arena *arena;
	const struct profile_context *context;
	struct diags *d;
	VEC(struct unit) units;
	VEC(struct profile_flag) flags;
	const char *place; /* whose flags are read; NULL: of a profile */
	bool on_demand; /* nothing but the shelves adds to `flags` what was not asked for */
	struct shelf shelves[CATEGORY_COUNT];
	const char *stack[64];
	size_t depth;
};
int load_profile(struct loader *l, const char *name, const struct origin *via, unsigned depth,
		 bool only_denies);
int load_file(struct loader *l, const char *path, const struct origin *via,
	      const struct toml_value **ret);
/* `may_lack`: a file that is not there is no error, and *ret stays as it is. */
int load_source(struct loader *l, const char *path, const struct origin *via, bool may_lack,
		const struct source **ret);
int load_unit(struct loader *l, const char *path, const struct origin *via, unsigned depth,
	      bool only_denies, bool warn);
int load_text(struct loader *l, const struct source *text); /* context->extra, context->guard */
/* What holds for every cage; its limits count where no file sets one, so it comes last. */
int load_defaults(struct loader *l);
int flags_load(struct loader *l); /* all there are */
int flags_prepare(struct loader *l); /* all, or the promise to read them on demand */
int flags_define(struct loader *l, const struct toml_value *root);
bool flags_has(struct loader *l, const char *name); /* "networking.client" */
const struct profile_flag *flags_find(struct loader *l, enum category category,
				      const struct toml_value *value);

/* What another root makes of the rules (profile/root.c): the program sees that root, and of the computer its
 * own folders.  0, or -EINVAL with a diagnostic. */
int root_apply(struct arena *arena, const struct profile_context *context, struct policy *policy);

size_t places_all(const struct profile_context *context, const char *ret[3]);
/* The context without the places that do not exist, which need not be asked for each file. */
struct profile_context places_present(const struct profile_context *context);
bool places_exists(const char *path);
/* Sorted names in `directory` that end in ".toml", without it.  A missing one is empty. */
size_t places_names(struct arena *arena, const char *directory, const char ***ret);
/* The profiles in `directory` but for the names in `taken`, sorted; their names are added to it. */
struct places_taken { const char **items; size_t count, room; };
size_t places_profiles(struct arena *arena, const char *directory, struct places_taken *taken,
		       const struct profile_entry **ret);

/* The index in a directory of profiles (profile/matches.c), "" when there is none; the items of one
 * profile in it, or NULL; and the next of these, NULL behind the last. */
const char *matches_read(struct arena *arena, const char *directory);
const char *matches_find(const char *index, const char *name);
const char *matches_next(struct arena *arena, const char **items);

bool places_is_overridable(struct arena *arena, const struct profile_context *context,
			   const char *name);

/* Expands ~, $NAME and ${NAME}.  0; -ENOENT, and nothing said, when one of them is a folder that the
 * user does not have; -EINVAL with a diagnostic. */
enum expansion { EXPAND_PATTERN, /* values are escaped, backslashes stay */ EXPAND_PATH };
int variables_expand(struct arena *arena, const struct profile_context *context, const char *text,
		     enum expansion expansion, const struct origin *origin, struct diags *d, char **ret);

/* Is this string one of those that `key` may hold?  Otherwise says so, with the nearest one. */
int value_check(struct arena *arena, const struct key *key, const struct toml_value *value,
		struct diags *d);
/* Is `name`, made from `value`, a system call or capability that there is?  Other kinds always pass. */
int value_check_name(struct arena *arena, enum kind kind, const char *name, const struct toml_value *value,
		     struct diags *d);
/* The pattern for a directory and all in it; NULL with a diagnostic for "/". */
const char *value_tree(struct arena *arena, const char *path, const struct toml_value *value, struct diags *d);
#endif
