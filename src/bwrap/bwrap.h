/* bwrap/bwrap.h - bubblewrap's command line (bwrap(1), 0.11), understood and carried out.
 *
 *     words ──bwrap_parse──► struct bwrap ──bwrap_plan──► plan and launch_foreign ──► the program
 *
 * Messages are bubblewrap's where scripts may look for them; each is one line without the "bwrap: ". */
#ifndef CUDDY_BWRAP_BWRAP_H
#define CUDDY_BWRAP_BWRAP_H

#include "base/text.h"
#include "launch/foreign.h"

#define BWRAP_WORDS 9000		/* of the command line and all --args together, as bubblewrap */
#define BWRAP_ARGS_SIZE (4 * 1024 * 1024) /* bytes of one --args */

/* What changes the new root, in the order of the command line. */
enum bwrap_kind { BWRAP_BIND, BWRAP_OVERLAY, BWRAP_TMP_OVERLAY, BWRAP_RO_OVERLAY, BWRAP_REMOUNT_RO,
		  BWRAP_PROC, BWRAP_DEV, BWRAP_TMPFS, BWRAP_MQUEUE, BWRAP_DIR, BWRAP_FILE, BWRAP_DATA,
		  BWRAP_SYMLINK, BWRAP_CHMOD };

struct bwrap_op {
	enum bwrap_kind kind;
	const char *source, *target, *work; /* as they were given; `work` of OVERLAY */
	int fd;				/* of BIND, FILE, DATA; -1 */
	unsigned mode;
	uint64_t size;			/* of TMPFS; 0: the kernel's default */
	bool read_only, devices, optional;
	size_t option;			/* which option of the command line, from 0; those of --args as it */
	size_t first_layer, layers;	/* of overlays: in struct bwrap, lowest first */
};

struct bwrap {
	struct arena *arena;
	VEC(struct bwrap_op) ops;
	VEC(const char *) layers, locks, environment; /* environment: NAME=VALUE */
	VEC(int) filters;		/* --add-seccomp-fd */
	char **command;			/* ends with NULL; points into the command line */
	const char *chdir, *argv0, *hostname, *exec_label, *file_label;
	int uid, gid;			/* -1: not given; so are descriptors */
	int sync_fd, block_fd, userns_block_fd, info_fd, status_fd, seccomp_fd, userns_fd, userns2_fd,
		pidns_fd;
	bool unshare_user, unshare_user_try, unshare_ipc, unshare_pid, unshare_net, unshare_uts,
		unshare_cgroup, unshare_cgroup_try, disable_userns, assert_userns_disabled;
	bool new_session, die_with_parent, as_pid_1, level_prefix;
	bool help, version;
	bool caps_named;		/* --cap-add or --cap-drop was used */
	uint64_t caps;			/* what the program keeps */
	struct strbuf warnings;		/* lines */
	const char *error;		/* why it was refused */
	bool usage;			/* there is no command: the help goes to standard error */
};

/* What the command line is parsed with: the caller's identity, capabilities and environment. */
struct bwrap_caller {
	uid_t uid;
	gid_t gid;
	uint64_t caps;
	const char *const *environment;
};

/* Fills *ret from `words` (ends with NULL; the first one is the first option), whose bytes must live on.
 * Reads and closes the descriptors of --args.  0; -EINVAL and ret->error or ret->usage. */
int bwrap_parse(struct arena *arena, char **words, const struct bwrap_caller *caller, struct bwrap *ret);

/* How many words follow this option, or -1 if there is none of that name. */
int bwrap_arguments(const char *name);

/* The help, as --help prints it. */
void bwrap_usage(struct strbuf *out, const char *called);

/* Turns it into a sealed plan, the caller's (plan_free), and fills *ret_launch but for its callback.
 * Reads and closes the descriptors of filters; those that the program must not inherit are made
 * close-on-exec.  NULL and b->error. */
struct plan *bwrap_plan(struct bwrap *b, const struct bwrap_caller *caller, struct launch_foreign *ret_launch);

/* What bubblewrap says when this step fails. */
const char *bwrap_failure(const struct plan *plan, size_t step, int error);

#endif
