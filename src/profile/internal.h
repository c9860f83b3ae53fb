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
};
const struct key *schema_find(struct arena *arena, unsigned scope, const struct toml_value *entry,
			      struct diags *d);
bool schema_category(struct arena *arena, const char *name, enum category *ret);
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
bool places_name_is_valid(const char *name);
bool places_exists(const char *path);
/* Sorted names in `directory` that end in ".toml", without it.  A missing one is empty. */
size_t places_names(struct arena *arena, const char *directory, const char ***ret);
bool places_is_overridable(struct arena *arena, const struct profile_context *context,
			   const char *name);

/* Expands ~, $NAME and ${NAME}; NULL after an error. */
char *variables_expand(struct arena *arena, const struct profile_context *context,
		       const char *text, const struct origin *origin, struct diags *d);
#endif
