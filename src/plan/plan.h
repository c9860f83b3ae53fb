/* plan/plan.h - the flat, printable list of steps that builds a cage.
 *
 * A back end adds steps in any order; plan_seal() puts them into stages; plan_verify() refuses a list
 * that breaks an invariant; launch/ walks it.  Every text of a plan lives in one blob and steps hold
 * offsets, so a plan means the same in the child, in a file and in a test.  Offset 0 is "". */
#ifndef CUDDY_PLAN_PLAN_H
#define CUDDY_PLAN_PLAN_H

#include "diag/diag.h"
#include "base/json.h"
#include <sys/types.h>

struct sock_filter;
struct stat;

enum stage { STAGE_IDENTITY, STAGE_ROOT, STAGE_PIVOT, STAGE_INSIDE, STAGE_NET, STAGE_LIMITS,
	     STAGE_PRIVILEGE, STAGE_FILTER, STAGE_EXEC, STAGE_COUNT };

enum op {
#define OP(name, ...) OP_##name,
#include "plan/ops.def"
#undef OP
	OP_COUNT
};

/* What a, b, c and x of a step hold: see ops.def. */
enum argument { ARG_NONE, ARG_NUMBER, ARG_TEXT, ARG_TARGET, ARG_SOURCE, ARG_LENGTH, ARG_OBJECT,
		ARG_FILTER, ARG_ATTR, ARG_MODE, ARG_SIZE, ARG_RESOURCE, ARG_CAPS, ARG_LAYERS };
enum op_count { COUNT_ONE, COUNT_MAYBE, COUNT_MANY, COUNT_FOREIGN };
struct op_info {
	const char *name;
	enum stage stage;
	unsigned rank;		   /* order within the stage */
	enum argument argument[4]; /* of a, b, c, x */
	enum op_count count;
	const char *verb;
};
extern const struct op_info op_table[OP_COUNT];

struct step {
	uint8_t op, stage : 7;
	uint8_t direct : 1;	/* no tree of others and no link lies on the way to the target */
	uint16_t origin;	/* index in plan->origins; 0: none */
	uint32_t a, b, c;
	uint64_t x;
};
_Static_assert(sizeof(struct step) == 24, "a step is 24 bytes");

/* Mount attributes (x of BIND, PRIVATE_DIR, READ_ONLY, ENTER): the kernel's MOUNT_ATTR_* values. */
#define PLAN_READ_ONLY 1u
#define PLAN_NOSUID    2u
#define PLAN_NODEV     4u
#define PLAN_NOEXEC    8u
#define PLAN_ATTRS     15u
/* BIND: the mount point may be made in a tree that was bound before (only the cage's own data). */
#define PLAN_CREATE    (1u << 16)

/* c of MAP_IDS and NEST: the launcher maps more ids than the caller's own, if it can. */
#define PLAN_MORE_IDS 1u
/* a of NEWROOT: the host's "/" is bound too, so it has to be taken before it is covered. */
#define PLAN_KEEP_HOST 1u
/* a, b of BECOME: the id stays. */
#define PLAN_SAME_ID UINT32_MAX
/* b of LAYER; b of LAYERED: what is written goes to a layer, to a tmpfs, nowhere. */
#define PLAN_LAYER_LOWER 0u
#define PLAN_LAYER_UPPER 1u
#define PLAN_LAYER_WORK 2u
#define PLAN_WRITES_KEPT 0u
#define PLAN_WRITES_TEMPORARY 1u
#define PLAN_WRITES_REFUSED 2u
/* a of LEAVE: the old root is taken out of the namespace; without, it is only covered. */
#define PLAN_LEAVE_PIVOT 1u
/* a of KEEP_CAPS: drop all others from the bounding set; also from the process. */
#define PLAN_CAPS_BOUND 1u
#define PLAN_CAPS_SET 2u
/* x of SCOPE: the kernel's LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET. */
#define PLAN_SCOPE_ABSTRACT 1u
/* x of PLACE: it must be there; else the next PLACE is tried. */
#define PLAN_PLACE_MUST 1u
/* b of MASK. */
#define PLAN_MASK_FILE 0u
#define PLAN_MASK_DIRECTORY 1u

/* What a mount source was when the plan was made; another thing at that path stops the start. */
struct object { uint64_t dev, ino; uint32_t mode; };
struct plan_filter { const struct sock_filter *code; size_t count; };

struct plan {
	struct arena *arena;
	VEC(struct step) steps;
	struct strbuf text;
	VEC(struct object) objects;
	VEC(struct plan_filter) filters;
	VEC(uint32_t) argv, envp;	      /* text offsets */
	VEC(const struct origin *) origins; /* [0] is NULL */
	/* The builder's own: directories made, trees bound, places that are the cage's own mounts. */
	VEC(const char *) made, covered, own;
	bool host_network;		     /* keep the network namespace of the caller */
	/* It says what another tool's command line says (src/bwrap/), and keeps no more than that tool
	 * promises: plan_verify() has a table of its own for it.  launch_start() refuses it, a cage is never
	 * built from it; launch_foreign() takes nothing else.  plan_pack() forgets it: such a plan fails. */
	bool foreign;
};

struct plan *plan_new(void);
void plan_free(struct plan *plan); /* NULL is fine */
void plan_freep(struct plan **plan);

uint32_t plan_text(struct plan *plan, const char *text);
const char *plan_text_at(const struct plan *plan, uint32_t offset);

/* The raw builder: appends one step; its stage comes from the table. */
struct step *plan_add(struct plan *plan, enum op op, uint32_t a, uint32_t b, uint32_t c, uint64_t x,
		      const struct origin *origin);

/* Steps that every plan has.  `uid`, `gid` are the caller's; `inside_*` what the program sees. */
void plan_base(struct plan *plan, uid_t uid, gid_t gid, uid_t inside_uid, gid_t inside_gid,
	       uint64_t root_size);

/* Root inside is to have other users beside it, as many ids as the launcher can get for the caller. */
void plan_want_ids(struct plan *plan, const struct origin *origin);

/* Paths inside: absolute ("/usr/lib"), normal.  Missing parents are made (mode 0755). */
void plan_mkdir(struct plan *plan, const char *path, unsigned mode, const struct origin *origin);
void plan_file(struct plan *plan, const char *path, const char *content, unsigned mode,
	       const struct origin *origin);
void plan_symlink(struct plan *plan, const char *path, const char *target, const struct origin *origin);

/* Mounts the whole tree of the host's absolute path `source`, which must still be `status` (of stat())
 * when the cage starts.  The mount point is made, unless it lies in a tree bound before. nosuid is
 * always set, nodev for everything but device nodes. */
void plan_bind(struct plan *plan, const char *source, const struct stat *status, const char *path,
	       unsigned flags, const struct origin *origin);
/* The same for data of the cage's own, in which later mount points may be made. */
void plan_keep(struct plan *plan, const char *source, const struct stat *status, const char *path,
	       unsigned flags, const struct origin *origin);
/* Is `path` in the cage's own data, so that a mount point can be made there? */
bool plan_is_own(const struct plan *plan, const char *path);
void plan_private_dir(struct plan *plan, const char *path, unsigned mode, unsigned flags,
		      const struct origin *origin);
/* Shows `own`, a file that plan_file() made, at `path` too: over a file of a bound tree. */
void plan_own(struct plan *plan, const char *own, const char *path, unsigned flags,
	      const struct origin *origin);
/* The same for a directory that plan_mkdir() made: as writable as `flags` say, and mount points can be made. */
void plan_own_directory(struct plan *plan, const char *own, const char *path, unsigned flags,
			const struct origin *origin);
/* Shows what is at `path` once more there, with other attributes. */
void plan_change(struct plan *plan, const char *path, unsigned flags, const struct origin *origin);
/* Makes the mount at `path` read-only, but not what is mounted in it. */
void plan_seal_mount(struct plan *plan, const char *path, const struct origin *origin);
/* What was mounted at "/" is the cage's root: mount points can be made in it, and it may stay writable. */
void plan_take_root(struct plan *plan, bool is_writable);
/* Makes the mount point `path` now, unless it lies in a tree of others. */
void plan_point(struct plan *plan, const char *path, bool is_directory, const struct origin *origin);
/* Makes what is already visible at `path` read-only: /proc/sys. */
void plan_read_only(struct plan *plan, const char *path, const struct origin *origin);
void plan_mask(struct plan *plan, const char *path, bool is_directory, const struct origin *origin);
void plan_tmpfs(struct plan *plan, const char *path, unsigned mode, uint64_t size,
		const struct origin *origin);

/* x of OVERLAY: the offset of the data directory's path, or 0, and above it mount attributes, and whether
 * the kernel's overlayfs does it or fuse-overlayfs (then the layers lie in "fuse" of the data directory). */
#define PLAN_LAYERS_FUSE 0x80000000u
#define PLAN_LAYERS(data, attributes) ((uint64_t)(attributes) << 32 | (data))
#define PLAN_LAYERS_DATA(x) ((uint32_t)(x))
#define PLAN_LAYERS_ATTRS(x) ((unsigned)((x) >> 32))
/* Shows the host's directory `source` at `path`, writable, and keeps what is changed in the
 * directories `upper` and `work` of the directory `data`; with a NULL they are made in what is mounted
 * at `path` already (a tmpfs), and vanish with it.  Both directories must still be what `status` and
 * `data_status` say when the cage starts. */
void plan_overlay(struct plan *plan, const char *source, const struct stat *status, const char *data,
		  const struct stat *data_status, const char *path, unsigned flags,
		  const struct origin *origin);
/* The same without `data`, for another cage's: later mount points may be made in it. */
void plan_copy(struct plan *plan, const char *source, const struct stat *status, const char *path, unsigned flags,
	       const struct origin *origin);
void plan_proc(struct plan *plan, const char *path, const struct origin *origin);
void plan_devpts(struct plan *plan, const char *path, const struct origin *origin);
/* The program may have a terminal of that devpts, if the caller has one when the cage starts. */
void plan_terminal(struct plan *plan, const char *devpts, const struct origin *origin);

/* Lets helpers prepare the cage's network before the program starts: `rules` is a text for nft(8),
 * `policy` one for cuddy-net (relay/net/rules.h).  The child only waits until they are ready. */
void plan_await(struct plan *plan, const char *rules, const char *policy, const struct origin *origin);
/* What they open, PUBLISH, LEND or EXPOSE: an entry of the profile (policy/publication.h); PEERS: the name of
 * the private network. */
void plan_open(struct plan *plan, enum op op, const char *entry, const struct origin *origin);
/* The VPN that carries all that they let out, as the profile names it (vpn/store.h). */
void plan_tunnel(struct plan *plan, const char *name, const struct origin *origin);
/* The first step of that kind, or NULL. */
const struct step *plan_find(const struct plan *plan, enum op op);

/* The BPF programs are copied.  The first is the program's, the other that of the cage's pid 1. */
void plan_set_filter(struct plan *plan, const struct sock_filter *code, size_t count,
		     const struct origin *origin);
void plan_set_init_filter(struct plan *plan, const struct sock_filter *code, size_t count);
void plan_env(struct plan *plan, const char *name, const char *value);
/* `program` is a path inside or, without "/", a name searched in `search` ("/usr/bin:/bin"). */
void plan_exec(struct plan *plan, const char *program, const char *search, const char *const *argv,
	       const struct origin *origin);

/* The same plan for another program: a name, searched as the first was, or a path, taken from the
 * working directory of the plan.  0, or -EINVAL when the plan starts nothing. */
int plan_set_program(struct plan *plan, const char *const *argv);

/* Sorts the steps by stage and rank, keeping the order of those that are equal; says which are direct. */
void plan_seal(struct plan *plan);

/* May the target of this step be direct?  What an earlier step mounted or linked must not be above it. */
bool step_may_be_direct(const struct plan *plan, size_t index);

/* Every invariant of a plan, from bytes that may be anything.  0, or -EINVAL and one diagnostic for
 * each one broken (at most 20). */
int plan_verify(const struct plan *plan, struct diags *d);

/* The plan as bytes, for plan_unpack() of this very build.  Origins are not kept. */
void plan_pack(const struct plan *plan, struct strbuf *out);
/* The plan of bytes that may be anything, the caller's (plan_free); NULL when they are none.
 * It must pass plan_verify() before it is used. */
struct plan *plan_unpack(const char *bytes, size_t length);

void plan_print(const struct plan *plan, struct strbuf *out);
void plan_print_json(const struct plan *plan, struct json *json, const char *key);

const char *stage_name(enum stage stage);
/* What a step is about, for a message: its target, else its text, else NULL. */
const char *step_subject(const struct plan *plan, const struct step *step);

#endif
