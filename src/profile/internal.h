/* profile/internal.h - what the files of profile/ tell each other. */
#ifndef CUDDY_PROFILE_INTERNAL_H
#define CUDDY_PROFILE_INTERNAL_H

#include "profile/profile.h"
#include "toml/toml.h"

/* What a key holds. */
enum key_form { FORM_RULES, FORM_TEXT, FORM_LIST, FORM_LIMIT, FORM_MOUNTS, FORM_BUS, FORM_FLAGS,
		FORM_TABLE };
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
	bool is_path;	     /* TEXT: ~ and variables are expanded */
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

/* One file that was read; `only_denies`: its denies and limits count, nothing else. */
struct unit { const char *path; const struct toml_value *root; unsigned depth; bool only_denies, warn; };
struct flag_use { const char *name; enum effect effect; };

struct loader {
	struct arena *arena;
	const struct profile_context *context;
	struct diags *d;
	VEC(struct unit) units;
	VEC(struct profile_flag) flags;
	const char *place; /* whose flags are read; NULL: of a profile */
	const char *stack[64];
	size_t depth;
};
int load_profile(struct loader *l, const char *name, const struct origin *via, unsigned depth,
		 bool only_denies);
int load_file(struct loader *l, const char *path, const struct origin *via,
	      const struct toml_value **ret);
int load_unit(struct loader *l, const char *path, const struct origin *via, unsigned depth,
	      bool only_denies, bool warn);
int load_extra(struct loader *l); /* context->extra */
int flags_load(struct loader *l);
int flags_define(struct loader *l, const struct toml_value *root);
const struct profile_flag *flags_find(struct loader *l, enum category category,
				      const struct toml_value *value);

size_t places_all(const struct profile_context *context, const char *ret[3]);
bool places_exists(const char *path);
/* Sorted names in `directory` that end in ".toml", without it.  A missing one is empty. */
size_t places_names(struct arena *arena, const char *directory, const char ***ret);
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
#endif
