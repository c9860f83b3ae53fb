/* policy/policy.h - all rights of one cage, and the answer to "may it?".
 *
 * A policy is a set of rules: effect × kind × pattern, each with its origin.  Deny wins over ask,
 * ask is overridden by allow, nothing said is deny.  There is no order: rules are kept sorted, so
 * the same rights give the same array whatever the order of includes, flags and keys. */
#ifndef CUDDY_POLICY_POLICY_H
#define CUDDY_POLICY_POLICY_H

#include "diag/diag.h"
#include "policy/glob.h"
#include "policy/endpoint.h"

enum effect { EFFECT_DENY, EFFECT_ALLOW, EFFECT_ASK, EFFECT_LOG };
enum category { CATEGORY_FILESYSTEM, CATEGORY_NETWORKING, CATEGORY_RUNTIME, CATEGORY_USER,
		CATEGORY_DESKTOP, CATEGORY_MISC, CATEGORY_COUNT };
enum kind { KIND_FILE, KIND_NETWORK, KIND_SYSCALL, KIND_CAPABILITY, KIND_DEVICE, KIND_BUS, KIND_COUNT };
enum risk { RISK_LOW, RISK_MEDIUM, RISK_HIGH, RISK_ESCAPE };

/* What a rule or request speaks of, by kind. */
enum access {
	ACCESS_READ = 1,    /* FILE: read, list */
	ACCESS_WRITE = 2,   /* FILE: write, create, delete */
	ACCESS_EXECUTE = 4, /* FILE */
	ACCESS_CONNECT = 1, ACCESS_SEND = 2, ACCESS_LISTEN = 4, ACCESS_RESOLVE = 8, /* NETWORK */
	ACCESS_SEE = 1, ACCESS_TALK = 2, ACCESS_OWN = 4, ACCESS_CALL = 8, ACCESS_BROADCAST = 16, /* BUS */
	ACCESS_USE = 1,     /* SYSCALL, CAPABILITY, DEVICE */
};

/* Where the content of an allowed file tree comes from. */
enum place {
	PLACE_HOST,	     /* the same (or `from`) path of the host */
	PLACE_TEMPORARY,     /* empty, the cage's own, gone at the end */
	PLACE_PERSIST,	     /* the cage's own, kept */
	PLACE_COPY_ON_WRITE, /* the host's, changes kept apart */
	PLACE_PROC,	     /* a procfs of the cage's own pid namespace */
	PLACE_DEVICES,	     /* a /dev with the granted devices, own devpts and shm */
	PLACE_ROOT,	     /* the root file system that `root` names (`from`), which all lies in */
	PLACE_SYNTHETIC,     /* a file that we write: `from` says which, of passwd, group, machine-id, hosts, … */
};

/* Among rules that reach equally deep the highest decides what appears: 2 for copy-on-write, so that
 * no other grant lets writes through to the host; 1 for the host's files; 0 for all else.  A root is a place
 * of its own: what may be done in it says nothing about the files that are mounted there. */
#define PLACE_RANKS 4
static inline unsigned place_rank(enum place place)
{
	return place == PLACE_ROOT ? 3 : place == PLACE_COPY_ON_WRITE ? 2 : place == PLACE_HOST;
}
/* Does a grant for `place` speak of what is shown from `shown`?  The host's files are the content of
 * a copy-on-write tree too. */
static inline bool place_counts(enum place shown, enum place place)
{
	return place_rank(place) == place_rank(shown) || (shown == PLACE_COPY_ON_WRITE && place == PLACE_HOST);
}

struct rule {
	enum kind kind;
	enum effect effect;
	unsigned access;	    /* ACCESS_* bits */
	enum place place;	    /* FILE allows */
	const char *from;	    /* FILE: other source path or synthetic name; NULL: same path */
	const char *pattern;	    /* canonical text, variables expanded; never NULL */
	const struct glob *glob;    /* FILE, DEVICE */
	const struct endpoint *endpoint; /* NETWORK */
	bool system_bus;	    /* BUS: which */
	enum category category;
	const char *flag;	    /* "filesystem.downloads" that brought it, or NULL */
	enum risk risk;		    /* of that flag; RISK_LOW without */
	const struct origin *origin; /* via: the flags and includes that led here */
};

struct text_setting { const char *value; const struct origin *origin; };
struct number_setting { uint64_t value; bool is_set; const struct origin *origin; }; /* UINT64_MAX: unlimited */
enum limit { LIMIT_MEMORY, LIMIT_SWAP, LIMIT_CPU, LIMIT_TASKS, LIMIT_OPEN_FILES, LIMIT_FILE_BYTES,
	     LIMIT_DISK, LIMIT_TIMEOUT, LIMIT_NICE, LIMIT_IO_WEIGHT, LIMIT_COUNT };
	     /* bytes, bytes, percent, number, number, bytes, bytes, seconds, level, weight */
struct text_list { struct text_setting *items; size_t count; };
struct variable_setting { const char *name, *value; const struct origin *origin; };

struct policy {
	struct arena *arena;
	const char *name;	/* of the profile */
	struct text_setting description, id, hostname, working_directory, root, root_access, user_as, x11, screen,
		vpn, network, check_names; /* the last: "true", or NULL */
	struct text_list command, match, requires, may_degrade, groups, dns, publish, lend, expose;
	struct text_list pass, unset;	 /* environment: names, may hold globs */
	struct { struct variable_setting *items; size_t count; } set;
	struct text_list absent;	 /* allows whose folder the user does not have: they are no rules */
	struct number_setting limits[LIMIT_COUNT];
	struct rule *rules;	/* sorted by kind, pattern, effect, … : canonical, no duplicates */
	size_t rule_count;
	struct diags *diags;
};

struct request {
	enum kind kind;
	unsigned access;	/* one bit */
	const char *verb;	/* as asked: "create", "list", … */
	const char *subject;	/* normal path, syscall name, … ; a directory path ends in "/" */
	bool system_bus;
	struct endpoint endpoint; /* NETWORK */
};

struct verdict {
	enum effect effect;	 /* ALLOW, ASK or DENY */
	const struct rule *rule; /* that decided; NULL: nothing allows it */
	bool on_the_way;	 /* allowed as a directory that leads to something granted (list only) */
};

/* Parses "read ~/.ssh/id_rsa", "connect example.org:443", "syscall clone(user-namespace)",
 * "talk org.freedesktop.secrets".  `home` expands "~", `base` completes relative paths. */
int request_parse(struct arena *arena, const char *text, const char *home, const char *base,
		  struct diags *d, struct request *ret);

/* The oracle: pure, total, no order.  A path is asked as file and, ending in "/", as directory. */
struct verdict policy_decide(const struct policy *policy, const struct request *request);

/* The allow that a deny of this request overrides, to be shown beside it; NULL for none. */
const struct rule *policy_overridden(const struct policy *policy, const struct request *request);

/* What the program may do with the whole of `root`: "writable", "read-only", and without a word
 * "copy-on-write".  False when there is no root. */
bool policy_root_is(const struct policy *policy, const char *access);

/* Allows of files below /proc become those of the cage's own.  Before sorting. */
void policy_own_proc(struct policy *policy);
void policy_sort(struct policy *policy); /* canonical order, exact duplicates merged */
void policy_free(struct policy *policy); /* frees its arena; NULL is fine */
void policy_freep(struct policy **policy);

const char *effect_name(enum effect effect);
const char *kind_name(enum kind kind);
const char *category_name(enum category category);
const char *risk_name(enum risk risk);
extern const char *const limit_names[LIMIT_COUNT];

#endif
