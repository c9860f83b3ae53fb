/* export/export.h - the same policy as artefacts for other tools: one file per target.
 *
 * A target says of every rule and setting how exactly it can say it, and writes its files.  What it
 * can't say is never lost in silence: it stands in the files, in the table and in the report.
 * What files are shown comes from the plan of the mounts back end, so that a cage here and one
 * elsewhere can't disagree; who may make which call comes from the oracle. */
#ifndef CUDDY_EXPORT_EXPORT_H
#define CUDDY_EXPORT_EXPORT_H

#include "backend/backend.h"
#include "base/json.h"
#include "policy/syscalls.h"

/* ---- what is exported ---- */

/* Arguments of one call that have one verdict: (argument & mask) == value, mask 0 for any. */
struct call_case { bool allowed; uint32_t mask[6], value[6]; };

struct export_call {
	const struct rule *rule; /* that allows or denies ordinary arguments, or NULL */
	bool allowed;		 /* if there are no cases: every argument */
	VEC(struct call_case) cases; /* disjoint, together all arguments; none when all are alike */
};

enum mount_kind { MOUNT_BIND, MOUNT_TMPFS, MOUNT_MASK, MOUNT_READ_ONLY, MOUNT_PROC, MOUNT_DEVPTS,
		  MOUNT_DIRECTORY, MOUNT_SYMLINK, MOUNT_FILE, MOUNT_KIND_COUNT };
struct export_mount {
	enum mount_kind kind;
	const char *target;  /* absolute, inside */
	const char *source;  /* BIND: host path; SYMLINK: its text; FILE: its content */
	unsigned attributes; /* PLAN_READ_ONLY, … */
	unsigned mode;
	bool is_directory;   /* of a mask */
	bool is_device;      /* a bound device node */
	bool is_shown;	     /* FILE: over a file of a bound tree, not in the skeleton */
	const struct origin *origin;
};

/* Settings of a profile that are no rules.  Limits follow: SETTING_LIMITS + enum limit. */
enum setting { SETTING_COMMAND, SETTING_DIRECTORY, SETTING_DNS, SETTING_ENVIRONMENT, SETTING_EXPOSE,
	       SETTING_GROUPS, SETTING_HOSTNAME, SETTING_LEND, SETTING_NETWORK, SETTING_PUBLISH, SETTING_REQUIRES,
	       SETTING_ROOT, SETTING_SCREEN,
	       SETTING_USER, SETTING_VPN, SETTING_X11, SETTING_LIMITS,
	       SETTING_COUNT = SETTING_LIMITS + LIMIT_COUNT };

enum reach { REACH_NOTHING, REACH_SOME, REACH_HOST }; /* REACH_SOME: other computers, by rules */

struct export_file { const char *name; unsigned mode; struct strbuf text; };

struct export {
	struct arena *arena;
	const struct policy *policy;
	const struct cage *cage;
	const struct export_target *target;
	const char *image;  /* name of a container image; never NULL */
	const char *rootfs; /* directory of a bundle, or NULL */
	bool own_system;    /* the target's image has the system's files: those of the host are not shown */
	struct plan *plan; /* owned: mounts, environment and filter; not the whole of a cage */
	const struct claim *mounts; /* one per rule: of the mounts back end */
	const struct export_call *calls; /* CALL_COUNT */
	bool foreign_abi;
	uint64_t capabilities;
	enum reach reach;
	bool loopback;
	VEC(struct export_mount) mount_list;
	struct claim *claims; /* the answers of the target: one per rule */
	struct claim settings[SETTING_COUNT]; /* backend NULL and exactness exact: not set */
	VEC(struct export_file *) files;
	struct diags *d;
};

/* ---- a target ---- */

typedef struct claim express_function(const struct export *e, size_t rule);
struct setting_row { enum setting setting; enum exactness exactness; const char *note; };

struct export_target {
	const char *name, *summary;
	const char *files; /* names, for the manual */
	bool own_system;   /* unless there is a bundle that lacks one */
	bool takes_root;   /* --bundle */
	express_function *express[KIND_COUNT]; /* can_express(rule), by kind */
	const struct setting_row *settings;    /* what it can say; the last has exactness NONE */
	int (*write)(struct export *e);	       /* 0 or -EINVAL with diagnostics */
};
extern const struct export_target *const export_targets[]; /* sorted; ends with NULL */
extern const struct export_target target_apparmor, target_bwrap, target_docker, target_kubernetes,
	target_landlock, target_oci, target_podman, target_systemd;

/* ---- for those who ask ---- */

struct export_options { const char *image, *rootfs; };

/* Works out everything and lets the target write its files into memory.  Reads the host's file
 * system as a start would.  NULL with diagnostics; it lives in `arena`, but export_free() it. */
struct export *export_make(struct arena *arena, const struct policy *policy, const struct cage *cage,
			   const struct export_target *target, const struct export_options *options,
			   struct diags *d);

void export_free(struct export *e); /* NULL is fine */

size_t export_lost(const struct export *e); /* rules and settings that are not said exactly */

/* The table of what is lost: a line per group of rules of one flag that share the reason.  Each line
 * begins with `prefix`. */
void export_print_losses(const struct export *e, struct strbuf *out, const char *prefix);
void export_print_json(const struct export *e, struct json *json); /* one object */

/* ---- for targets ---- */

/* A new file of the artefact, with all bits of its mode; S_IFDIR makes an empty directory. */
struct strbuf *export_file(struct export *e, const char *name, unsigned mode);
/* An empty file or directory that nobody may open, made once, to be shown in place of what is hidden. */
const char *export_nothing(struct export *e, bool is_directory);
/* What every text file begins with: who made it, and what is lost. */
void export_heading(const struct export *e, struct strbuf *out, const char *prefix);
/* "file.toml:12 (filesystem.system)"; "cuddy" for what no line asked for. */
const char *export_origin(const struct export *e, const struct origin *origin);
const char *export_rule_origin(const struct export *e, const struct rule *rule);

/* A shell script that calls `tool`: options are appended line by line, each with its origin, and
 * come to stand before what the caller of the script gives, or the profile's command. */
void script_begin(const struct export *e, struct strbuf *out);
/* `option` as it is, then the words up to NULL, quoted; `words` itself may be NULL. */
void script_add(const struct export *e, struct strbuf *out, const char *origin, const char *option,
		const char *const *words);
#define SCRIPT_WORDS(...) ((const char *const[]){ __VA_ARGS__, NULL })
/* `tail`: redirections, or "". */
void script_end(const struct export *e, struct strbuf *out, const char *tool, const char *tail);
/* Were both decided by the same line of a profile, or neither by any?  NULL is fine. */
bool export_is_same_line(const struct rule *a, const struct rule *b);
/* One word of a shell command line, quoted where it must be. */
const char *export_shell_word(struct arena *arena, const char *text);
/* A double-quoted YAML scalar, which is a JSON string. */
const char *export_yaml_text(struct arena *arena, const char *text);
/* The same where "$" begins a variable, as in compose files and in a Pod's command. */
const char *export_yaml_doubled(struct arena *arena, const char *text);
/* Sets *ret to the limit if the profile has one that is finite. */
bool export_limit(const struct export *e, enum limit limit, uint64_t *ret);
const char *export_limit_origin(const struct export *e, enum limit limit);
/* "container=cuddy" and the others, as the plan passes them. */
size_t export_environment(const struct export *e, const char *const **ret);
/* Where the program starts, as in a cage of ours; "/" when an image need not have it. */
const char *export_directory(const struct export *e);
/* The capabilities that are kept, as "NET_RAW" behind `prefix`. */
size_t export_capabilities(const struct export *e, const char *prefix, const char *const **ret);
/* May a call be made with these arguments: "clone(user-namespace)"? */
bool export_may_call(const struct export *e, const char *call);
/* The profile's name, fit for files and for objects of Kubernetes: small letters, digits, '-', '.'. */
const char *export_name(const struct export *e);
/* Who the program is: the caller, root or nobody; false for a name that another host must know. */
bool export_user(const struct export *e, uid_t *ret_uid, gid_t *ret_gid);
bool export_is_system(const char *path); /* belongs to the operating system, not to somebody */
bool export_is_default_device(const char *path); /* that every container has */

/* Writes the content of a MOUNT_FILE beside the artefact; its name. */
const char *export_own_file(struct export *e, const struct export_mount *m);
/* Where links cannot be made: the bind of what one leads to, as it is shown there.  False: nothing is. */
bool export_link_source(const struct export *e, const struct export_mount *m, struct export_mount *ret);

/* The networks that an endpoint names, as "10.0.0.0/8"; "any" for `internet` and `any`; names none. */
size_t export_networks(const struct export *e, const struct endpoint *endpoint, const char *const **ret);
const char *export_network_text(const struct export *e, const struct endpoint *endpoint); /* of HOST_NETWORK */
bool export_is_overruled(const struct export *e, const struct rule *allow); /* by a deny, as a whole */
/* Does an allow that nothing overrules name this word (`lan`, `internet`, …) for more than icmp? */
bool export_is_allowed_word(const struct export *e, enum host_form form);

/* The paths and mounts of the plan. */
void export_gather_mounts(struct export *e);
/* One entry per call: the oracle's verdicts as disjoint cases. */
int export_gather_calls(struct export *e);

/* The runtime specification's "seccomp" object (also what docker, podman and CRI-O load), or the stricter
 * one of the security-profiles-operator: no comments, no default but EPERM. */
enum seccomp_form { SECCOMP_RUNTIME, SECCOMP_OPERATOR };
void export_seccomp_json(const struct export *e, struct json *json, const char *key, enum seccomp_form form);
/* The profile `cuddy.NAME` as text; `alone`: no mounts beside it show the cage's own files. */
void export_apparmor(const struct export *e, struct strbuf *out, bool alone);

/* Answers that targets share. */
express_function express_filter, express_capability, express_mounts, express_runnable, express_device_nodes,
	express_container_device, express_namespace, express_no_bus, express_log;
/* The answer for an allow when the host's whole network is shared, for a rule of that form. */
struct claim express_host_network(const struct export *e, const char *backend, enum host_form form);
/* An answer: by which mechanism, and why not exactly (NULL: nothing to add, or no word for it). */
struct claim say(enum exactness exactness, const char *by, const char *note);
struct claim say_exact(const char *by, const char *note);
struct claim say_coarse(const char *by, const char *note);
struct claim say_none(const char *note);

#endif
