/* export/mounts.c - the steps of the plan that build the file system, as a list for exporters.
 * Must not: decide what is shown; the mounts back end did. */
#include "export/export.h"
#include "base/path.h"

#include <stdlib.h>

/* Steps of a plan that are mounts elsewhere too; any other of these stages is reported. */
static const struct { enum op op; enum mount_kind kind; } kinds[] = {
	{ OP_MKDIR, MOUNT_DIRECTORY },	   { OP_FILE, MOUNT_FILE },   { OP_SYMLINK, MOUNT_SYMLINK },
	{ OP_BIND, MOUNT_BIND },	   { OP_PRIVATE_DIR, MOUNT_TMPFS }, { OP_OWN, MOUNT_FILE },
	{ OP_READ_ONLY, MOUNT_READ_ONLY }, { OP_MASK, MOUNT_MASK },   { OP_TMPFS, MOUNT_TMPFS },
	{ OP_PROC, MOUNT_PROC },	   { OP_DEVPTS, MOUNT_DEVPTS },
};

/* What the operating system brings, on a host and in an image. */
bool export_is_system(const char *path)
{
	static const char *const trees[] = {
		"/bin", "/etc", "/gnu", "/lib", "/lib32", "/lib64", "/libx32", "/nix", "/opt",
		"/run/current-system", "/sbin", "/sys", "/usr", "/var/cache/fontconfig",
		"/var/cache/ldconfig", "/var/lib/ca-certificates", "/var/lib/texmf",
	};

	for (size_t i = 0; i < ARRAY_SIZE(trees); i++)
		if (path_is_within(path, trees[i]))
			return true;
	return false;
}

static const char *file_content(const struct plan *plan, const char *target)
{
	for (size_t i = 0; i < plan->steps.count; i++) {
		const struct step *step = &plan->steps.items[i];

		if (step->op == OP_FILE && str_equal(plan_text_at(plan, step->a), target))
			return plan_text_at(plan, step->b);
	}
	return "";
}

/* A file that only stands in the skeleton for another step: a mount point, or the store of OWN. */
static bool is_helper(const struct plan *plan, const struct step *step)
{
	if (str_starts(plan_text_at(plan, step->a), ".cuddy"))
		return true;
	for (size_t i = 0; step->op == OP_FILE && i < plan->steps.count; i++) {
		const struct step *other = &plan->steps.items[i];

		if (other->op != OP_FILE && other->op != OP_MKDIR && op_table[other->op].argument[0] == ARG_TARGET &&
		    str_equal(plan_text_at(plan, other->a), plan_text_at(plan, step->a)))
			return true;
	}
	return false;
}

static const char *source_of(const struct plan *plan, const struct step *step)
{
	switch (step->op) {
	case OP_OWN:
		return file_content(plan, plan_text_at(plan, step->b));
	case OP_BIND:
	case OP_FILE:
	case OP_SYMLINK:
		return plan_text_at(plan, step->b);
	default:
		return NULL;
	}
}

/* An image has its own system: of the host's only what can be written is shown. */
static bool is_of_image(const struct export *e, const struct export_mount *m)
{
	if (!e->own_system)
		return false;
	if (m->kind == MOUNT_DIRECTORY || m->kind == MOUNT_SYMLINK || m->kind == MOUNT_PROC || m->kind == MOUNT_DEVPTS)
		return true;
	if (m->kind == MOUNT_FILE)
		return export_is_system(m->target);
	return m->kind == MOUNT_BIND && !m->is_device && export_is_system(m->target) &&
	       m->attributes & PLAN_READ_ONLY;
}

/* A place of the cage's own has the mode of the directory that was made for it. */
static unsigned mode_of(const struct export *e, const struct step *step, const char *target)
{
	if (step->op == OP_MKDIR || step->op == OP_FILE)
		return (unsigned)step->x & 07777;
	if (step->op == OP_TMPFS)
		return step->b;
	for (size_t i = e->mount_list.count; i-- > 0;)
		if (e->mount_list.items[i].kind == MOUNT_DIRECTORY && str_equal(e->mount_list.items[i].target, target))
			return e->mount_list.items[i].mode;
	return 0755;
}

/* An empty place that a deny makes read-only. */
static void seal(struct export *e, const char *target)
{
	for (size_t i = 0; i < e->mount_list.count; i++)
		if (e->mount_list.items[i].kind == MOUNT_TMPFS && str_equal(e->mount_list.items[i].target, target))
			e->mount_list.items[i].attributes |= PLAN_READ_ONLY;
}

void export_gather_mounts(struct export *e)
{
	const struct plan *plan = e->plan;

	for (size_t i = 0; i < plan->steps.count; i++) {
		const struct step *step = &plan->steps.items[i];
		struct export_mount m = { .origin = plan->origins.items[step->origin] };
		size_t k = 0;

		while (k < ARRAY_SIZE(kinds) && kinds[k].op != step->op)
			k++;
		if (step->op == OP_SEAL)
			seal(e, arena_printf(e->arena, "/%s", plan_text_at(plan, step->a)));
		if (k == ARRAY_SIZE(kinds) || is_helper(plan, step))
			continue;
		m.kind = kinds[k].kind;
		m.target = arena_printf(e->arena, "/%s", plan_text_at(plan, step->a));
		m.source = source_of(plan, step);
		m.attributes = (unsigned)step->x & PLAN_ATTRS;
		m.is_directory = step->op == OP_MASK && step->b == PLAN_MASK_DIRECTORY;
		m.is_device = step->op == OP_BIND && !(m.attributes & PLAN_NODEV);
		if (m.is_device) /* read-only keeps the node as it is; what it leads to can be written */
			m.attributes &= ~(unsigned)PLAN_READ_ONLY;
		m.is_shown = step->op == OP_OWN;
		m.mode = mode_of(e, step, m.target);
		if (step->op == OP_TMPFS)
			m.attributes = PLAN_NOSUID | PLAN_NODEV | PLAN_NOEXEC;
		if (!is_of_image(e, &m))
			*vec_push(e->arena, &e->mount_list) = m;
	}
}

const char *export_own_file(struct export *e, const struct export_mount *m)
{
	const char *name = arena_printf(e->arena, "%s.%s", export_name(e), path_base_name(m->target));

	strbuf_add(export_file(e, name, 0444), m->source);
	return name;
}

bool export_link_source(const struct export *e, const struct export_mount *m, struct export_mount *ret)
{
	char *real = path_is_within(m->target, "/dev") ? NULL : realpath(m->target, NULL);
	bool shown = false;

	*ret = *m;
	for (size_t i = 0; real && i < e->mount_list.count; i++) {
		const struct export_mount *other = &e->mount_list.items[i];

		if (other->kind != MOUNT_BIND || other->is_device || !path_is_within(real, other->target))
			continue;
		ret->attributes = other->attributes;
		shown = true;
	}
	ret->source = arena_strdup(e->arena, real);
	free(real);
	return shown;
}
