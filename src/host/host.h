/* host/host.h - what this machine can enforce, found by trying it.
 *
 * Every attempt happens in a forked child, in namespaces that end with it; nothing of the host
 * is changed, nothing is loaded, nothing is written.  The result is plain data: back ends ask it,
 * `doctor` prints it, tests write their own. */
#ifndef CUDDY_HOST_HOST_H
#define CUDDY_HOST_HOST_H

#include "base/text.h"

enum feature {
	FEATURE_KERNEL,		    /* value: major * 1000 + minor */
	FEATURE_USER_NAMESPACE,	    /* with power over what it owns */
	FEATURE_MOUNT_NAMESPACE,    /* and a tmpfs can be mounted in it */
	FEATURE_PID_NAMESPACE,
	FEATURE_PROC_MOUNT,	    /* a new procfs for the pid namespace */
	FEATURE_NETWORK_NAMESPACE,
	FEATURE_NETWORK_RULES,	    /* nft takes those of a cage with a relay, in a namespace */
	FEATURE_IPC_NAMESPACE,
	FEATURE_UTS_NAMESPACE,
	FEATURE_CGROUP_NAMESPACE,
	FEATURE_TIME_NAMESPACE,
	FEATURE_NESTING_LIMIT,	    /* the number of nested user namespaces can be set to 0 */
	FEATURE_OVERLAY,	    /* overlayfs mounted by a user namespace */
	FEATURE_MOUNT_API,	    /* value: level, see enum mount_api */
	FEATURE_OPENAT2,
	FEATURE_PIDFD,
	FEATURE_SECCOMP,
	FEATURE_SECCOMP_NOTIFY,
	FEATURE_LANDLOCK,	    /* value: ABI */
	FEATURE_APPARMOR,
	FEATURE_YAMA,		    /* value: ptrace_scope */
	FEATURE_CGROUP,		    /* value: 2, or 1 for the old hierarchies */
	FEATURE_CGROUP_DELEGATION,  /* we may make groups; value: HOST_CONTROLLER_* bits */
	FEATURE_FUSE,
	FEATURE_TUN,
	FEATURE_TIOCSTI_OFF,	    /* dev.tty.legacy_tiocsti is 0 */
	FEATURE_COUNT
};

enum mount_api {
	MOUNT_API_OLD,	   /* mount(2) only */
	MOUNT_API_NEW,	   /* fsopen, fsmount, open_tree, move_mount: 5.2 */
	MOUNT_API_SETATTR, /* mount_setattr: 5.12 */
	MOUNT_API_STATMOUNT, /* statmount, listmount: 6.8 */
	MOUNT_API_OPEN_ATTR, /* open_tree_attr: 6.15 */
};

enum helper {
	HELPER_RELAY, HELPER_NFT, HELPER_VPN, HELPER_OPENVPN, HELPER_WG,
	HELPER_WIREGUARD_GO, HELPER_XEPHYR,
	HELPER_XWAYLAND, HELPER_XVFB, HELPER_DBUS_DAEMON, HELPER_PORTAL, HELPER_NEWUIDMAP,
	HELPER_FUSE_OVERLAYFS, HELPER_BWRAP, HELPER_COUNT
};

enum host_controller {
	HOST_CONTROLLER_CPU = 1, HOST_CONTROLLER_IO = 2, HOST_CONTROLLER_MEMORY = 4,
	HOST_CONTROLLER_PIDS = 8,
};

enum support { SUPPORT_NONE, SUPPORT_PARTLY, SUPPORT_FULL };

/* What an attempt gave.  `detail` says what was seen or who is in the way; `remedy`, when it is
 * known better than in the table of features, is a command.  Both may be NULL. */
struct finding {
	enum support support;
	int error; /* errno of the attempt that failed, or 0 */
	long long value;
	const char *detail, *remedy;
};

struct host {
	const char *release, *machine; /* uname */
	const char *modules;	       /* active security modules, comma separated; NULL: unknown */
	bool in_container;	       /* a seccomp filter lies on us already */
	const char *cgroup;	       /* our own v2 group as a path of the host; NULL: none */
	struct finding features[FEATURE_COUNT];
	const char *helpers[HELPER_COUNT]; /* path, or NULL */
};

/* How bad a lack is.  Without a NEEDED feature no cage starts. */
enum weight { WEIGHT_NEEDED, WEIGHT_WANTED, WEIGHT_NICE };

struct feature_row {
	enum feature feature;
	enum weight weight;
	const char *name;   /* kebab-case, as in JSON */
	const char *title;  /* "user namespaces" */
	const char *cost;   /* what is lost without it, one sentence */
	const char *remedy; /* a command that mends it */
};

struct helper_row {
	enum helper helper;
	enum weight weight;
	const char *name, *cost;
	const char *debian, *alpine, *fedora, *arch; /* package names */
};

extern const struct feature_row feature_rows[FEATURE_COUNT];
extern const struct helper_row helper_rows[HELPER_COUNT];

/* Who keeps users from having user namespaces: what each knob says, and what undoes it. */
struct knobs {
	long long max_user_namespaces;	   /* user.max_user_namespaces; -1: no such file */
	long long unprivileged_userns;	   /* kernel.unprivileged_userns_clone; -1 */
	long long apparmor_restrict;	   /* kernel.apparmor_restrict_unprivileged_userns; -1 */
	bool has_filter, is_root, is_chrooted;
};
void knobs_read(struct arena *arena, struct knobs *ret); /* all but has_filter */
void knobs_blame(const struct knobs *knobs, struct finding *ret); /* pure; fills detail, remedy */

/* Tries everything; a feature that can't be tried counts as missing.  0, or -errno when not
 * even a child can be forked.  Memory from `arena`. */
int host_probe(struct arena *arena, const struct host **ret);

static inline bool host_has(const struct host *host, enum feature feature)
{
	return host->features[feature].support == SUPPORT_FULL;
}

/* Do all NEEDED features work? */
bool host_can_cage(const struct host *host);

/* The command that installs a helper with the package manager of this machine. */
const char *helper_remedy(struct arena *arena, enum helper helper);

/* What there is, what is missing, what that costs, what mends it.  `verbose` shows all of it. */
struct json;
void doctor_print(const struct host *host, struct strbuf *out, bool verbose);
void doctor_print_json(const struct host *host, struct json *json, const char *key);

#endif
