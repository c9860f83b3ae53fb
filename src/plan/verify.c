/* plan/verify.c - the invariants of a plan, in one place.
 * The steps may be any bytes: nothing is used as an index or an offset before it was checked here.
 * Must not: look at the file system, repair anything. */
#include "plan/plan.h"
#include "base/limits.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define MOST_COMPLAINTS 20

struct check {
	const struct plan *plan;
	struct diags *d;
	size_t index;
	const struct step *step;
	unsigned broken;
	bool root_bound; /* a BIND covers the root itself */
	unsigned more_ids; /* c of MAP_IDS */
	const char *devpts; /* where the cage's own one is, without the slash in front */
	uint8_t allowed[OP_COUNT]; /* enum op_count of each operation in a plan of this kind */
};

/* What holds for a plan that speaks for another tool: it may do what that tool does to its caller's own
 * namespaces, and no more than the caller could do without it.  Of these operations some must be there;
 * all that are not listed must not.  What is left of the other rules, is in the functions below. */
static const struct { enum op op; enum op_count count; } foreign_ops[] = {
	{ OP_MAP, COUNT_MAYBE },     { OP_BECOME, COUNT_MAYBE },  { OP_USERNS_LIMIT, COUNT_MAYBE },
	{ OP_SLAVE, COUNT_ONE },     { OP_NEWROOT, COUNT_ONE },   { OP_BIND, COUNT_MANY },
	{ OP_TMPFS, COUNT_MANY },    { OP_PROC, COUNT_MANY },	  { OP_DEVPTS, COUNT_MANY },
	{ OP_DIR, COUNT_MANY },	     { OP_COPY, COUNT_MANY },	  { OP_COPY_BIND, COUNT_MANY },
	{ OP_LINK, COUNT_MANY },     { OP_CHMOD, COUNT_MANY },	  { OP_COVER, COUNT_MANY },
	{ OP_REMOUNT, COUNT_MANY },  { OP_MQUEUE, COUNT_MANY },	  { OP_LAYER, COUNT_MANY },
	{ OP_LAYERED, COUNT_MANY },  { OP_LEAVE, COUNT_ONE },	  { OP_HOSTNAME, COUNT_MAYBE },
	{ OP_LOOPBACK, COUNT_MAYBE }, { OP_JOIN_USER, COUNT_MAYBE }, { OP_NEST, COUNT_MAYBE },
	{ OP_NO_USERNS, COUNT_MAYBE }, { OP_KEEP_CAPS, COUNT_MAYBE }, { OP_NO_NEW_PRIVS, COUNT_ONE },
	{ OP_BLOCK, COUNT_MAYBE },   { OP_PLACE, COUNT_MANY },	  { OP_LOCK, COUNT_MANY },
	{ OP_FILTER, COUNT_MANY },   { OP_RUN, COUNT_ONE },
};

static void broken(struct check *k, const char *rule)
{
	const struct origin *origin = NULL;

	if (k->broken++ >= MOST_COMPLAINTS)
		return;
	if (!k->step) {
		diag_error(k->d, "C410", NULL, "the plan breaks a rule: %s", rule);
		return;
	}
	if (k->step->origin < k->plan->origins.count)
		origin = k->plan->origins.items[k->step->origin];
	diag_error(k->d, "C410", origin, "step %zu (%s) breaks a rule: %s", k->index,
		   k->step->op < OP_COUNT ? op_table[k->step->op].name : "?", rule);
}

static bool is_offset(const struct check *k, uint64_t offset)
{
	return offset < k->plan->text.length;
}

/* Relative, no empty, "." or ".." component; "" is the root itself. */
static bool is_clean(const char *path)
{
	if (!*path)
		return true;
	while (true) {
		size_t length = strcspn(path, "/");
		if (length == 0 || (length == 1 && path[0] == '.') ||
		    (length == 2 && path[0] == '.' && path[1] == '.'))
			return false;
		if (!path[length])
			return true;
		path += length + 1;
	}
}

static void check_target(struct check *k, uint64_t value)
{
	if (!is_offset(k, value)) {
		broken(k, "text offsets lie within the text");
		return;
	}
	const char *path = plan_text_at(k->plan, (uint32_t)value);
	if (!is_clean(path))
		broken(k, "targets are relative and have no '..'");
	bool covers = k->step->op == OP_BIND || k->step->op == OP_OVERLAY;
	if (!*path && !covers && !k->plan->foreign)
		broken(k, "only a bind or an overlay may cover the root itself");
	if (!*path && covers)
		k->root_bound = true;
}

static void check_source(struct check *k, uint64_t value)
{
	if (!is_offset(k, value))
		broken(k, "text offsets lie within the text");
	else if (plan_text_at(k->plan, (uint32_t)value)[0] != '/')
		broken(k, "sources are absolute");
}

static void check_length(struct check *k, uint64_t value)
{
	if (!is_offset(k, k->step->b) || value >= k->plan->text.length - k->step->b)
		broken(k, "contents lie within the text");
}

static void check_attr(struct check *k, uint64_t value)
{
	bool is_device = false;

	if (value & ~(uint64_t)PLAN_ATTRS)
		broken(k, "only known mount attributes are used");
	if (!(value & PLAN_NOSUID) && k->step->op != OP_REMOUNT)
		broken(k, "every mount is nosuid");
	if (k->plan->foreign)
		return;
	if (k->step->op == OP_BIND && k->step->c < k->plan->objects.count) {
		uint32_t mode = k->plan->objects.items[k->step->c].mode;
		is_device = S_ISCHR(mode) || S_ISBLK(mode);
	}
	if (!(value & PLAN_NODEV) && !is_device)
		broken(k, "every mount but a device node is nodev");
	if ((k->step->op == OP_READ_ONLY || k->step->op == OP_SEAL) && !(value & PLAN_READ_ONLY))
		broken(k, "READ_ONLY and SEAL are read-only");
}

static bool is_filter(const struct plan *plan, uint64_t index)
{
	if (index >= plan->filters.count)
		return false;
	const struct plan_filter *filter = &plan->filters.items[index];
	if (!filter->code || filter->count < (plan->foreign ? 1 : 2) || filter->count > LIMIT_FILTER)
		return false;
	if (plan->foreign) /* somebody else's; the kernel looks at it */
		return true;
	/* The architecture is what is looked at first, and the last instruction ends the program. */
	return filter->code[0].code == (BPF_LD | BPF_W | BPF_ABS) &&
	       filter->code[0].k == offsetof(struct seccomp_data, arch) &&
	       BPF_CLASS(filter->code[filter->count - 1].code) == BPF_RET;
}

static void check_layers(struct check *k, uint64_t value)
{
	uint32_t data = PLAN_LAYERS_DATA(value);
	unsigned attributes = PLAN_LAYERS_ATTRS(value);

	if (attributes & ~(PLAN_ATTRS | PLAN_LAYERS_FUSE) ||
	    (attributes & (PLAN_NOSUID | PLAN_NODEV)) != (PLAN_NOSUID | PLAN_NODEV))
		broken(k, "layers have known attributes, nosuid and nodev among them");
	if (!data && attributes & PLAN_LAYERS_FUSE)
		broken(k, "fuse-overlayfs has a directory for its layers");
	if (!data)
		return;
	check_source(k, data);
	if (k->step->c >= UINT32_MAX - 1 || k->step->c + 1 >= k->plan->objects.count)
		broken(k, "kept layers name what their directory was");
}

static void check_argument(struct check *k, enum argument kind, uint64_t value)
{
	switch (kind) {
	case ARG_NONE:
		if (value)
			broken(k, "what an operation does not use is zero");
		return;
	case ARG_TEXT:
		if (!is_offset(k, value))
			broken(k, "text offsets lie within the text");
		return;
	case ARG_TARGET:
		check_target(k, value);
		return;
	case ARG_SOURCE:
		check_source(k, value);
		return;
	case ARG_LENGTH:
		check_length(k, value);
		return;
	case ARG_OBJECT:
		if (value >= k->plan->objects.count)
			broken(k, "a mount source names what it was");
		return;
	case ARG_FILTER:
		if (!is_filter(k->plan, value))
			broken(k, "the filter is there, checks the architecture first and ends");
		return;
	case ARG_ATTR:
		check_attr(k, value);
		return;
	case ARG_MODE:
		if (value & ~(uint64_t)(k->plan->foreign ? 07777 : 01777 | PLAN_CREATE))
			broken(k, "no set-user-id bits");
		return;
	case ARG_RESOURCE:
		if (value >= RLIM_NLIMITS)
			broken(k, "resource limits are known ones");
		return;
	case ARG_SIZE:
		if (!value && !k->plan->foreign)
			broken(k, "temporary space is bounded");
		return;
	case ARG_CAPS:
		if (value >> 63)
			broken(k, "capabilities are known ones");
		return;
	case ARG_LAYERS:
		check_layers(k, value);
		return;
	case ARG_NUMBER:
		return;
	}
	unreachable();
}

static bool is_own_file(const struct check *k)
{
	const char *name = plan_text_at(k->plan, k->step->b);

	for (size_t i = 0; i < k->index; i++) {
		const struct step *step = &k->plan->steps.items[i];
		if ((step->op == OP_FILE || step->op == OP_MKDIR) && step->direct && strcmp(plan_text_at(k->plan, step->a), name) == 0)
			return true;
	}
	return false;
}

static void check_step(struct check *k, unsigned *counts)
{
	const struct step *step = k->step;

	if (step->op >= OP_COUNT) {
		broken(k, "operations are known ones");
		return;
	}
	const struct op_info *info = &op_table[step->op];
	const uint64_t values[4] = { step->a, step->b, step->c, step->x };
	if (step->stage != info->stage)
		broken(k, "an operation stands in its own stage");
	if (step->origin >= k->plan->origins.count)
		broken(k, "origins are in the table");
	for (unsigned i = 0; i < 4; i++)
		check_argument(k, info->argument[i], values[i]);
	if (step->direct && !step_may_be_direct(k->plan, k->index))
		broken(k, "direct targets lie in the cage's own directories");
	if (step->op == OP_OWN && !is_own_file(k))
		broken(k, "OWN shows what the plan made before");
	if (counts[step->op]++ && (enum op_count)k->allowed[step->op] != COUNT_MANY)
		broken(k, "it stands there only once");
	if (k->allowed[step->op] == COUNT_FOREIGN)
		broken(k, "it is for another kind of plan");
}

static unsigned place_of(const struct step *step)
{
	return op_table[step->op].stage * 8u + op_table[step->op].rank;
}

static void check_order(struct check *k)
{
	if (!k->index)
		return;
	const struct step *before = k->step - 1;
	if (before->op < OP_COUNT && k->step->op < OP_COUNT && place_of(before) > place_of(k->step))
		broken(k, "stages and ranks never decrease");
}

static void check_words(struct check *k)
{
	const struct plan *plan = k->plan;

	k->step = NULL;
	if (!plan->argv.count)
		broken(k, "there is a command line");
	for (size_t i = 0; i < plan->argv.count; i++)
		if (!is_offset(k, plan->argv.items[i]))
			broken(k, "arguments lie within the text");
	for (size_t i = 0; i < plan->envp.count; i++)
		if (!is_offset(k, plan->envp.items[i]) ||
		    !strchr(plan_text_at(plan, plan->envp.items[i]), '='))
			broken(k, "environment entries are NAME=VALUE within the text");
}

/* "/dev/pts/ptmx" for the devpts at "dev/pts": never one of the host's. */
static void check_terminal(struct check *k)
{
	const char *ptmx = plan_text_at(k->plan, k->step->a);
	size_t length = k->devpts ? strlen(k->devpts) : 0;

	if (!k->devpts || *ptmx != '/' || strncmp(ptmx + 1, k->devpts, length) != 0 ||
	    strcmp(ptmx + 1 + length, "/ptmx") != 0)
		broken(k, "a terminal comes from the cage's own devpts");
}

/* The ids of the program are among those of its cage. */
static void check_ids(struct check *k)
{
	const struct step *step = k->step;

	if (step->op == OP_MAP_IDS)
		k->more_ids = step->c;
	if (step->op == OP_NEST && (step->c != k->more_ids || step->c > PLAN_MORE_IDS || (step->c && (step->a || step->b))))
		broken(k, "more ids are for root alone, and for MAP_IDS and NEST alike");
}

static void check_whole(struct check *k, const unsigned *counts)
{
	k->step = NULL;
	if (counts[OP_OFFER] != counts[OP_AWAIT] || (counts[OP_AWAIT] && k->plan->host_network))
		broken(k, "OFFER and AWAIT stand together, and only in a network of the cage's own");
	if ((counts[OP_PUBLISH] || counts[OP_LEND] || counts[OP_EXPOSE] || counts[OP_PEERS] ||
	     counts[OP_TUNNEL]) && !counts[OP_AWAIT])
		broken(k, "PUBLISH, LEND, EXPOSE, PEERS and TUNNEL want an AWAIT: the helpers do it");
	for (unsigned op = 0; op < OP_COUNT; op++)
		if (k->allowed[op] == COUNT_ONE && !counts[op])
			broken(k, arena_printf(k->plan->arena, "there is one %s", op_table[op].name));
	for (k->index = 0; k->index < k->plan->steps.count; k->index++) {
		k->step = &k->plan->steps.items[k->index];
		if (k->step->op == OP_DEVPTS && is_offset(k, k->step->a))
			k->devpts = plan_text_at(k->plan, k->step->a);
		check_ids(k);
		if (k->step->op == OP_TERMINAL)
			check_terminal(k);
		if (k->step->op == OP_ENTER && !(k->step->x & PLAN_READ_ONLY) && !k->root_bound)
			broken(k, "the root is read-only");
		if (k->step->op == OP_EXEC && is_offset(k, k->step->a)) {
			const char *program = plan_text_at(k->plan, k->step->a);
			if (!*program || (*program != '/' && strchr(program, '/')))
				broken(k, "the program is an absolute path or a bare name");
		}
	}
}

static void look_up_counts(struct check *k)
{
	for (unsigned op = 0; op < OP_COUNT; op++)
		k->allowed[op] = k->plan->foreign ? COUNT_FOREIGN : op_table[op].count;
	for (size_t i = 0; k->plan->foreign && i < ARRAY_SIZE(foreign_ops); i++)
		k->allowed[foreign_ops[i].op] = foreign_ops[i].count;
}

int plan_verify(const struct plan *plan, struct diags *d)
{
	struct check k = { .plan = plan, .d = d };
	unsigned counts[OP_COUNT] = { 0 };

	look_up_counts(&k);
	if (plan->steps.count > LIMIT_PLAN_STEPS)
		broken(&k, "it has at most 8192 steps");
	if (!plan->text.length || plan->text.length > LIMIT_PLAN_TEXT ||
	    plan->text.text[plan->text.length - 1] || plan->text.text[0])
		broken(&k, "its text begins and ends with a terminator and is at most 4 MiB");
	if (k.broken) /* nothing else can be trusted */
		return -EINVAL;
	for (k.index = 0; k.index < plan->steps.count; k.index++) {
		k.step = &plan->steps.items[k.index];
		check_step(&k, counts);
		check_order(&k);
	}
	check_words(&k);
	check_whole(&k, counts);
	return k.broken ? -EINVAL : 0;
}
