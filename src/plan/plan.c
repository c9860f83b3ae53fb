/* plan/plan.c - the builder: texts into the blob, mount points before mounts, steps into stages.
 * Must not touch the file system: what a path is, the caller says. */
#include "plan/plan.h"
#include "base/limits.h"
#include "base/path.h"

#include <errno.h>
#include <linux/filter.h>
#include <string.h>
#include <sys/stat.h>

const struct op_info op_table[OP_COUNT] = {
#define OP(name_, stage_, rank_, a, b, c, x, count_, verb_)                                      \
	[OP_##name_] = { #name_, STAGE_##stage_, rank_,                                          \
			 { ARG_##a, ARG_##b, ARG_##c, ARG_##x }, COUNT_##count_, verb_ },
#include "plan/ops.def"
#undef OP
};

struct plan *plan_new(void)
{
	struct arena *arena = arena_new();
	struct plan *plan = arena_new_object(arena, struct plan);

	plan->arena = arena;
	plan->text.arena = arena;
	strbuf_add_bytes(&plan->text, "", 1); /* offset 0 is "" */
	*vec_push(arena, &plan->origins) = NULL;
	return plan;
}

void plan_free(struct plan *plan)
{
	if (plan)
		arena_free(plan->arena);
}

void plan_freep(struct plan **plan)
{
	plan_free(*plan);
}

uint32_t plan_text(struct plan *plan, const char *text)
{
	uint32_t offset = (uint32_t)plan->text.length;

	if (!text || !*text)
		return 0;
	strbuf_add_bytes(&plan->text, text, strlen(text) + 1);
	return offset;
}

const char *plan_text_at(const struct plan *plan, uint32_t offset)
{
	return offset < plan->text.length ? plan->text.text + offset : "";
}

/* Neighbouring steps mostly share their origin, so looking at the last one keeps the table short. */
static uint16_t origin_index(struct plan *plan, const struct origin *origin)
{
	size_t last = plan->origins.count - 1;

	if (!origin)
		return 0;
	if (plan->origins.items[last] == origin)
		return (uint16_t)last;
	if (last >= UINT16_MAX)
		return 0;
	*vec_push(plan->arena, &plan->origins) = origin;
	return (uint16_t)(last + 1);
}

struct step *plan_add(struct plan *plan, enum op op, uint32_t a, uint32_t b, uint32_t c, uint64_t x,
		      const struct origin *origin)
{
	struct step *step = vec_push(plan->arena, &plan->steps);

	*step = (struct step){
		.op = (uint8_t)op, .stage = (uint8_t)op_table[op].stage,
		.origin = origin_index(plan, origin), .a = a, .b = b, .c = c, .x = x,
	};
	return step;
}

void plan_base(struct plan *plan, uid_t uid, gid_t gid, uid_t inside_uid, gid_t inside_gid,
	       uint64_t root_size)
{
	plan_add(plan, OP_MAP_IDS, uid, gid, 0, 0, NULL);
	plan_add(plan, OP_KEYRING, 0, 0, 0, 0, NULL);
	plan_add(plan, OP_PRIVATE, 0, 0, 0, 0, NULL);
	plan_add(plan, OP_NEWROOT, 0, 0, 0, root_size, NULL);
	plan_add(plan, OP_ENTER, 0, 0, 0, PLAN_READ_ONLY | PLAN_NOSUID | PLAN_NODEV, NULL);
	plan_add(plan, OP_NEST, inside_uid, inside_gid, 0, 0, NULL);
	plan_add(plan, OP_HANDLES, 0, 0, 0, 0, NULL);
	plan_add(plan, OP_CAPS, 0, 0, 0, 0, NULL);
	plan_add(plan, OP_NO_NEW_PRIVS, 0, 0, 0, 0, NULL);
	plan_add(plan, OP_DUMPABLE, 0, 0, 0, 0, NULL);
	plan_add(plan, OP_CLOSE, 0, 0, 0, 0, NULL);
}

void plan_want_ids(struct plan *plan, const struct origin *origin)
{
	for (size_t i = 0; i < plan->steps.count; i++) {
		struct step *step = &plan->steps.items[i];

		if (step->op != OP_MAP_IDS && step->op != OP_NEST)
			continue;
		step->c = PLAN_MORE_IDS;
		step->origin = origin_index(plan, origin);
	}
}

/* Targets are relative: "/usr" → "usr", "/" → "". */
static const char *relative(const char *path)
{
	return *path == '/' ? path + 1 : path;
}

static bool is_listed(const char *const *items, size_t count, const char *path)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(items[i], path) == 0)
			return true;
	return false;
}

static bool is_within_any(const char *const *items, size_t count, const char *path)
{
	for (size_t i = 0; i < count; i++)
		if (path_is_within(path, items[i]))
			return true;
	return false;
}

/* How long the longest of the paths is that `path` lies in, with its last slash; 0: none. */
static size_t depth_in(const char *const *items, size_t count, const char *path)
{
	size_t depth = 0;

	for (size_t i = 0; i < count; i++)
		if (path_is_within(path, items[i]))
			depth = MAX(depth, strlen(items[i]) + (items[i][1] != '\0'));
	return depth;
}

/* Does it lie in a tree of others?  The nearest mount above counts. */
static bool is_covered(const struct plan *plan, const char *path)
{
	size_t covered = depth_in(plan->covered.items, plan->covered.count, path);

	return covered && covered >= depth_in(plan->own.items, plan->own.count, path);
}

/* MKDIR and FILE leave the root's own tmpfs only where this flag allows it. */
static unsigned crossing(const struct plan *plan, const char *path)
{
	return is_covered(plan, path) || is_within_any(plan->own.items, plan->own.count, path) ?
		       PLAN_CREATE : 0;
}

static bool need_not_make(const struct plan *plan, const char *path, bool create)
{
	return strcmp(path, "/") == 0 || is_listed(plan->made.items, plan->made.count, path) ||
	       (is_covered(plan, path) && !create);
}

static void make_directory(struct plan *plan, const char *path, unsigned mode, bool create,
			   const struct origin *origin)
{
	if (need_not_make(plan, path, create))
		return;
	char *own = arena_strdup(plan->arena, path);
	for (char *slash = strchr(own + 1, '/');; slash = strchr(slash + 1, '/')) {
		if (slash)
			*slash = 0;
		if (!need_not_make(plan, own, create)) {
			plan_add(plan, OP_MKDIR, plan_text(plan, relative(own)), 0, 0,
				 (slash ? 0755 : mode) | crossing(plan, own),
				 origin);
			*vec_push(plan->arena, &plan->made) = arena_strdup(plan->arena, own);
		}
		if (!slash)
			return;
		*slash = '/';
	}
}

static void make_parent(struct plan *plan, const char *path, bool create, const struct origin *origin)
{
	const char *slash = strrchr(path, '/');

	if (slash && slash != path)
		make_directory(plan, arena_strndup(plan->arena, path, (size_t)(slash - path)), 0755,
			       create, origin);
}

void plan_mkdir(struct plan *plan, const char *path, unsigned mode, const struct origin *origin)
{
	make_directory(plan, path, mode, true, origin);
}

void plan_file(struct plan *plan, const char *path, const char *content, unsigned mode,
	       const struct origin *origin)
{
	make_parent(plan, path, true, origin);
	plan_add(plan, OP_FILE, plan_text(plan, relative(path)), plan_text(plan, content),
		 (uint32_t)strlen(content), mode | crossing(plan, path), origin);
}

void plan_symlink(struct plan *plan, const char *path, const char *target, const struct origin *origin)
{
	make_parent(plan, path, true, origin);
	plan_add(plan, OP_SYMLINK, plan_text(plan, relative(path)), plan_text(plan, target), 0,
		 crossing(plan, path), origin);
}

static void make_point(struct plan *plan, const char *path, bool is_directory, unsigned flags,
		       const struct origin *origin)
{
	bool create = flags & PLAN_CREATE;

	if (is_directory) {
		make_directory(plan, path, 0755, create, origin);
		return;
	}
	make_parent(plan, path, create, origin);
	if (need_not_make(plan, path, create))
		return;
	plan_add(plan, OP_FILE, plan_text(plan, relative(path)), 0, 0,
		 0444 | crossing(plan, path), origin);
	*vec_push(plan->arena, &plan->made) = arena_strdup(plan->arena, path);
}

void plan_point(struct plan *plan, const char *path, bool is_directory, const struct origin *origin)
{
	make_point(plan, path, is_directory, 0, origin);
}

static void cover(struct plan *plan, const char *path)
{
	*vec_push(plan->arena, &plan->covered) = arena_strdup(plan->arena, path);
}

void plan_bind(struct plan *plan, const char *source, const struct stat *status, const char *path,
	       unsigned flags, const struct origin *origin)
{
	bool is_device = S_ISCHR(status->st_mode) || S_ISBLK(status->st_mode);

	make_point(plan, path, S_ISDIR(status->st_mode), flags, origin);
	*vec_push(plan->arena, &plan->objects) = (struct object){
		.dev = status->st_dev, .ino = status->st_ino, .mode = status->st_mode,
	};
	plan_add(plan, OP_BIND, plan_text(plan, relative(path)), plan_text(plan, source),
		 (uint32_t)plan->objects.count - 1,
		 (flags & PLAN_ATTRS) | PLAN_NOSUID | (is_device ? 0 : PLAN_NODEV), origin);
	cover(plan, path);
	if (strcmp(source, "/") == 0)
		for (size_t i = 0; i < plan->steps.count; i++)
			if (plan->steps.items[i].op == OP_NEWROOT)
				plan->steps.items[i].a |= PLAN_KEEP_HOST;
}

bool plan_is_own(const struct plan *plan, const char *path)
{
	return !is_covered(plan, path) && is_within_any(plan->own.items, plan->own.count, path);
}

void plan_keep(struct plan *plan, const char *source, const struct stat *status, const char *path,
	       unsigned flags, const struct origin *origin)
{
	plan_bind(plan, source, status, path, flags, origin);
	plan->covered.count--; /* what plan_bind() added: here more may be made */
	*vec_push(plan->arena, &plan->own) = arena_strdup(plan->arena, path);
}

void plan_private_dir(struct plan *plan, const char *path, unsigned mode, unsigned flags,
		      const struct origin *origin)
{
	make_directory(plan, path, mode, false, origin);
	plan_add(plan, OP_PRIVATE_DIR, plan_text(plan, relative(path)), 0, 0,
		 (flags & PLAN_ATTRS) | PLAN_NOSUID | PLAN_NODEV, origin);
	*vec_push(plan->arena, &plan->own) = arena_strdup(plan->arena, path);
}

void plan_own(struct plan *plan, const char *own, const char *path, unsigned flags,
	      const struct origin *origin)
{
	plan_add(plan, OP_OWN, plan_text(plan, relative(path)), plan_text(plan, relative(own)), 0,
		 (flags & PLAN_ATTRS) | PLAN_READ_ONLY | PLAN_NOSUID | PLAN_NODEV, origin);
}

void plan_own_directory(struct plan *plan, const char *own, const char *path, unsigned flags,
			const struct origin *origin)
{
	make_directory(plan, path, 0755, false, origin);
	plan_add(plan, OP_OWN, plan_text(plan, relative(path)), plan_text(plan, relative(own)), 0,
		 (flags & PLAN_ATTRS) | PLAN_NOSUID | PLAN_NODEV, origin);
	*vec_push(plan->arena, &plan->own) = arena_strdup(plan->arena, path);
}

void plan_change(struct plan *plan, const char *path, unsigned flags, const struct origin *origin)
{
	plan_add(plan, OP_PRIVATE_DIR, plan_text(plan, relative(path)), 0, 0,
		 (flags & PLAN_ATTRS) | PLAN_NOSUID | PLAN_NODEV, origin);
}

void plan_seal_mount(struct plan *plan, const char *path, const struct origin *origin)
{
	plan_add(plan, OP_SEAL, plan_text(plan, relative(path)), 0, 0,
		 PLAN_READ_ONLY | PLAN_NOSUID | PLAN_NODEV, origin);
}

void plan_take_root(struct plan *plan, bool is_writable)
{
	for (size_t i = 0; i < plan->covered.count; i++)
		if (strcmp(plan->covered.items[i], "/") == 0)
			plan->covered.items[i] = plan->covered.items[--plan->covered.count];
	*vec_push(plan->arena, &plan->own) = "/";
	for (size_t i = 0; is_writable && i < plan->steps.count; i++)
		if (plan->steps.items[i].op == OP_ENTER)
			plan->steps.items[i].x &= ~(uint64_t)PLAN_READ_ONLY;
}

void plan_read_only(struct plan *plan, const char *path, const struct origin *origin)
{
	plan_add(plan, OP_READ_ONLY, plan_text(plan, relative(path)), 0, 0,
		 PLAN_READ_ONLY | PLAN_NOSUID | PLAN_NODEV, origin);
}

void plan_mask(struct plan *plan, const char *path, bool is_directory, const struct origin *origin)
{
	plan_add(plan, OP_MASK, plan_text(plan, relative(path)),
		 is_directory ? PLAN_MASK_DIRECTORY : PLAN_MASK_FILE, 0, 0, origin);
}

void plan_tmpfs(struct plan *plan, const char *path, unsigned mode, uint64_t size,
		const struct origin *origin)
{
	make_directory(plan, path, 0755, false, origin);
	plan_add(plan, OP_TMPFS, plan_text(plan, relative(path)), mode, 0, size, origin);
	*vec_push(plan->arena, &plan->own) = arena_strdup(plan->arena, path);
}

static uint32_t add_object(struct plan *plan, const struct stat *status)
{
	*vec_push(plan->arena, &plan->objects) = (struct object){
		.dev = status->st_dev, .ino = status->st_ino, .mode = status->st_mode,
	};
	return (uint32_t)plan->objects.count - 1;
}

void plan_overlay(struct plan *plan, const char *source, const struct stat *status, const char *data,
		  const struct stat *data_status, const char *path, unsigned flags,
		  const struct origin *origin)
{
	uint32_t object = add_object(plan, status);

	if (data)
		add_object(plan, data_status); /* the next one: the verifier and the step count on it */
	make_directory(plan, path, 0755, false, origin);
	plan_add(plan, OP_OVERLAY, plan_text(plan, relative(path)), plan_text(plan, source), object,
		 PLAN_LAYERS(plan_text(plan, data), (flags & PLAN_ATTRS) | PLAN_NOSUID | PLAN_NODEV), origin);
	cover(plan, path);
}

void plan_copy(struct plan *plan, const char *source, const struct stat *status, const char *path, unsigned flags,
	       const struct origin *origin)
{
	plan_overlay(plan, source, status, NULL, NULL, path, flags, origin);
	plan->covered.count--; /* as in plan_keep() */
	*vec_push(plan->arena, &plan->own) = arena_strdup(plan->arena, path);
}

void plan_proc(struct plan *plan, const char *path, const struct origin *origin)
{
	make_directory(plan, path, 0555, false, origin);
	plan_add(plan, OP_PROC, plan_text(plan, relative(path)), 0, 0, 0, origin);
	cover(plan, path);
}

void plan_devpts(struct plan *plan, const char *path, const struct origin *origin)
{
	make_directory(plan, path, 0755, false, origin);
	plan_add(plan, OP_DEVPTS, plan_text(plan, relative(path)), 0, 0, 0, origin);
	cover(plan, path);
}

void plan_await(struct plan *plan, const char *rules, const char *policy, const struct origin *origin)
{
	uint32_t rules_text = plan_text(plan, rules), policy_text = plan_text(plan, policy);

	plan_add(plan, OP_OFFER, 0, 0, 0, 0, origin);
	plan_add(plan, OP_AWAIT, 0, rules_text, policy_text, 0, origin);
}

void plan_open(struct plan *plan, enum op op, const char *entry, const struct origin *origin)
{
	plan_add(plan, op, plan_text(plan, entry), 0, 0, 0, origin);
}

void plan_tunnel(struct plan *plan, const char *name, const struct origin *origin)
{
	plan_add(plan, OP_TUNNEL, plan_text(plan, name), 0, 0, 0, origin);
}

const struct step *plan_find(const struct plan *plan, enum op op)
{
	for (size_t i = 0; i < plan->steps.count; i++)
		if (plan->steps.items[i].op == op)
			return &plan->steps.items[i];
	return NULL;
}

void plan_terminal(struct plan *plan, const char *devpts, const struct origin *origin)
{
	const char *ptmx = arena_printf(plan->arena, "%s/ptmx", devpts);

	plan_add(plan, OP_TERMINAL, plan_text(plan, ptmx), 0, 0, 0, origin);
}

static void add_filter(struct plan *plan, enum op op, const struct sock_filter *code, size_t count,
		       const struct origin *origin)
{
	struct sock_filter *own = arena_new_array(plan->arena, struct sock_filter, count);

	memcpy(own, code, count * sizeof(*code));
	*vec_push(plan->arena, &plan->filters) = (struct plan_filter){ own, count };
	plan_add(plan, op, (uint32_t)plan->filters.count - 1, 0, 0, 0, origin);
}

void plan_set_filter(struct plan *plan, const struct sock_filter *code, size_t count,
		     const struct origin *origin)
{
	add_filter(plan, OP_FILTER, code, count, origin);
}

void plan_set_init_filter(struct plan *plan, const struct sock_filter *code, size_t count)
{
	add_filter(plan, OP_INIT_FILTER, code, count, NULL);
}

void plan_env(struct plan *plan, const char *name, const char *value)
{
	*vec_push(plan->arena, &plan->envp) =
		plan_text(plan, arena_printf(plan->arena, "%s=%s", name, value));
}

void plan_exec(struct plan *plan, const char *program, const char *search, const char *const *argv,
	       const struct origin *origin)
{
	plan_add(plan, OP_EXEC, plan_text(plan, program), plan_text(plan, search), 0, 0, origin);
	for (; *argv; argv++)
		*vec_push(plan->arena, &plan->argv) = plan_text(plan, *argv);
}

int plan_set_program(struct plan *plan, const char *const *argv)
{
	const char *directory = "/";
	struct step *start = NULL;

	for (size_t i = 0; i < plan->steps.count; i++) {
		struct step *step = &plan->steps.items[i];

		if (step->op == OP_CHDIR)
			directory = plan_text_at(plan, step->a);
		if (step->op == OP_EXEC)
			start = step;
	}
	if (!start || !argv[0])
		return -EINVAL;
	start->a = plan_text(plan, strchr(argv[0], '/') ? path_normal(plan->arena, directory, argv[0]) : argv[0]);
	plan->argv.count = 0;
	for (; *argv; argv++)
		*vec_push(plan->arena, &plan->argv) = plan_text(plan, *argv);
	return 0;
}

/* Behind these a path leads into what others made, or elsewhere. */
static bool is_foreign(const struct step *step)
{
	return step->op == OP_BIND || step->op == OP_OVERLAY || step->op == OP_PROC ||
	       step->op == OP_DEVPTS || step->op == OP_SYMLINK;
}

bool step_may_be_direct(const struct plan *plan, size_t index)
{
	const struct step *steps = plan->steps.items;
	const char *path = plan_text_at(plan, steps[index].a);

	if (op_table[steps[index].op].argument[0] != ARG_TARGET)
		return false;
	for (size_t i = 0; i < index; i++) {
		const char *top = plan_text_at(plan, steps[i].a);

		if (is_foreign(&steps[i]) && (!*top || (*top == *path && path_is_within(path, top))))
			return false;
	}
	return true;
}

/* A counting sort: stable, and stages × ranks are few. */
void plan_seal(struct plan *plan)
{
	struct step *sorted = arena_new_array(plan->arena, struct step, plan->steps.count);
	size_t done = 0;

	for (unsigned stage = 0; stage < STAGE_COUNT; stage++)
		for (unsigned rank = 0; rank < 8; rank++)
			for (size_t i = 0; i < plan->steps.count; i++) {
				const struct step *step = &plan->steps.items[i];
				if (step->stage == stage && op_table[step->op].rank == rank)
					sorted[done++] = *step;
			}
	must(done == plan->steps.count);
	memcpy(plan->steps.items, sorted, done * sizeof(*sorted));
	for (size_t i = 0; i < done; i++)
		plan->steps.items[i].direct = !plan->foreign && step_may_be_direct(plan, i);
}
