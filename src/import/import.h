/* import/import.h - from another sandbox's file to a profile of ours.
 *
 * A reader turns its text into entries, each a value of a key of our language with the place that it comes
 * from, and findings: what was not carried over, and why.  import_fold() replaces entries by flags,
 * import_write() prints the profile.  The rule for all readers: never grant more than the source does.
 * What it forbids is an entry, even if nothing grants it; folding decides which denies are needed. */
#ifndef CUDDY_IMPORT_IMPORT_H
#define CUDDY_IMPORT_IMPORT_H

#include "profile/profile.h"

struct json;

/* WANTED is written.  IMPLIED is granted by the source but not written by itself: a flag may grant it.
 * IF_NEEDED is a deny that is written where something else in the profile would allow it. */
enum import_need { IMPORT_WANTED, IMPORT_IMPLIED, IMPORT_IF_NEEDED };

struct import_entry {
	const char *section, *key; /* "filesystem", "read-only"; "" for the top level */
	const char *value;
	bool is_single;		   /* KEY = VALUE instead of a list */
	bool is_raw;		   /* value is TOML already: a number, a table */
	enum import_need need;
	VEC(const struct origin *) origins;
	uint32_t line;		   /* of the text that is resolved, while folding */
};

enum import_loss {
	IMPORT_LOST,	/* the source forbids or sets something that the profile doesn't */
	IMPORT_NARROW,	/* the source grants something that the profile doesn't */
	IMPORT_UNKNOWN, /* not understood, so not carried over */
};
struct import_finding {
	enum import_loss loss;
	const struct origin *origin; /* or NULL */
	const char *what;	     /* one line, safe to print */
};

struct import {
	struct arena *arena;
	struct diags *d;
	const struct profile_context *context; /* where our flags are, and the values of variables */
	const char *from;		       /* of the reader */
	const char *file;		       /* as the user wrote it */
	VEC(struct import_entry) entries;
	VEC(struct import_finding) findings;
	size_t not_needed;		       /* denies that import_fold() left out */
	bool is_full;			       /* LIMIT_IMPORT_ENTRIES was passed, and told */
};

struct import_reader {
	const char *name;
	/* How sure: 0 not at all, 1 by the text, 2 by the file's name. */
	int (*recognise)(const char *text, const char *file);
	/* Fills entries and findings.  0, or -EINVAL with diagnostics. */
	int (*read)(struct import *i, const struct source *source);
};
extern const struct import_reader import_firejail, import_flatpak, import_oci, import_systemd,
	import_apparmor;

/* Reads `file` as `from` says (NULL: as it looks) and folds.  `i` has arena, d and context set.
 * 0, or -EINVAL with diagnostics.  The file may be hostile; limits are in base/limits.h. */
int import_file(struct import *i, const char *file, const char *from);
/* The same for a text that is in memory, such as a fuzzer's. */
int import_source(struct import *i, const struct source *source, const char *from);

/* A file that a reader includes or is given: LIMIT_IMPORT_SIZE bytes at most, no NUL.  NULL with a
 * diagnostic at `via`. */
const struct source *import_read(struct import *i, const char *path, const struct origin *via);

/* Adds a value to a list; `value` is copied.  Paths are patterns of our language already. */
void import_add(struct import *i, enum import_need need, const char *section, const char *key,
		const char *value, const struct origin *origin);
/* The same for all words of `values`, which are separated by spaces. */
void import_add_all(struct import *i, enum import_need need, const char *section, const char *key,
		    const char *values, const struct origin *origin);
/* Adds the flag "CATEGORY.NAME". */
void import_flag(struct import *i, const char *flag, const struct origin *origin);
/* A mount: source and target are paths, access is a word of ours. */
void import_mount(struct import *i, const char *source, const char *target, const char *access,
		  const struct origin *origin);
/* Sets KEY = VALUE; a later one replaces an earlier one. */
void import_set(struct import *i, const char *section, const char *key, const char *value, bool is_raw,
		const struct origin *origin);
/* Takes back all entries of a list that hold this value. */
void import_drop(struct import *i, const char *section, const char *key, const char *value);
/* Allows or denies a system call with all its classes.  False: there is no such call. */
bool import_call(struct import *i, bool allow, enum import_need need, const char *name,
		 const struct origin *origin);
/* Adds a capability, in whatever spelling, to "allow-capabilities" or "deny-capabilities". */
void import_capability(struct import *i, const char *key, const char *name, const struct origin *origin);
/* Sets a variable of the environment from "NAME=VALUE".  False: it is no such thing. */
bool import_variable(struct import *i, const char *text, const struct origin *origin);
/* Wants the system calls that a flag consists of. */
void import_calls_of(struct import *i, const char *flag, const struct origin *origin);
/* All calls there are, as IMPLIED: the source forbids some only. */
void import_all_calls(struct import *i);
void import_tell(struct import *i, enum import_loss loss, const struct origin *origin, const char *format,
		 ...) PRINTF_LIKE(4, 5);

/* Adds a pattern that holds PATH, be it a file, a directory, or all below it. */
void import_tree(struct import *i, enum import_need need, const char *key, const char *path,
		 const struct origin *origin);
/* A literal path as a pattern: what has a meaning in patterns gets a backslash. */
char *import_literal(struct arena *arena, const char *path, size_t length);

/* --- lines of text ---------------------------------------------------------------------- */

/* The next line of a source, without white space around it; its origin spans the text of it.
 * `at` and `number` begin with zero.  False at the end. */
struct import_line { char *text; const struct origin *origin; size_t at; uint32_t number; };
bool import_next_line(struct import *i, const struct source *source, const struct origin *via,
		      struct import_line *line);
/* Cuts the next word, up to a character of `separators`, off *text; NULL at the end. */
char *import_word(char **text, const char *separators);

/* --- folding and writing ---------------------------------------------------------------- */

/* Entries that cannot be resolved become findings; a deny then grows to the directory.  Flags take the
 * place of entries where all that they grant was granted.  0, or -EINVAL with diagnostics. */
int import_fold(struct import *i);
/* The profile as TOML, each line with its origin. */
const char *import_write(struct import *i);
/* One value a line, and in `line` of each entry where it stands; for import_fold(). */
const char *import_plain(struct import *i, bool with_unneeded);
void import_write_json(struct import *i, struct json *json);
/* "firefox.profile:12,14-16 globals.local:1", at most `most` bytes. */
const char *import_places(struct arena *arena, const struct origin *const *origins, size_t count,
			  size_t most);
const char *import_loss_name(enum import_loss loss);

#endif
