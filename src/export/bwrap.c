/* export/bwrap.c - bubblewrap's command line as a commented script, and its filter as a file.
 * Source: bwrap(1) of 0.8; options stand in the order in which bubblewrap carries them out. */
#include "export/export.h"

#include <linux/filter.h>
#include <string.h>

static const struct setting_row settings[] = {
	{ SETTING_COMMAND, EXACTNESS_EXACT, NULL },
	{ SETTING_DIRECTORY, EXACTNESS_EXACT, NULL },
	{ SETTING_ENVIRONMENT, EXACTNESS_AT_START, "the values of when it was exported" },
	{ SETTING_HOSTNAME, EXACTNESS_EXACT, NULL },
	{ SETTING_USER, EXACTNESS_EXACT, NULL },
	{ SETTING_LIMITS + LIMIT_OPEN_FILES, EXACTNESS_EXACT, NULL },
	{ SETTING_LIMITS + LIMIT_FILE_BYTES, EXACTNESS_EXACT, NULL },
	{ SETTING_LIMITS + LIMIT_MEMORY, EXACTNESS_COARSE, "of each process, by ulimit" },
	{ SETTING_LIMITS + LIMIT_DISK, EXACTNESS_COARSE, "wider: of each temporary place, not of all together" },
	{ SETTING_LIMITS + LIMIT_TIMEOUT, EXACTNESS_EXACT, NULL },
	{ 0, EXACTNESS_NONE, NULL },
};

/* All of a limit's units that ulimit of dash(1) knows. */
static const struct { enum limit limit; char letter; unsigned unit; } limits[] = {
	{ LIMIT_MEMORY, 'd', 1024 }, { LIMIT_OPEN_FILES, 'n', 1 }, { LIMIT_FILE_BYTES, 'f', 512 },
};

static struct claim express_file(const struct export *e, size_t index)
{
	const struct rule *rule = &e->policy->rules[index];

	if (rule->effect == EFFECT_DENY && rule->access == ACCESS_EXECUTE)
		return say_none("bubblewrap mounts nothing noexec");
	return express_runnable(e, index);
}

static const char *own_file(const struct export *e, const char *name)
{
	return arena_printf(e->arena, "\"$here\"/%s", export_shell_word(e->arena, name));
}

static void add_file(struct export *e, struct strbuf *out, const struct export_mount *m, const char *origin)
{
	script_add(e, out, origin, arena_printf(e->arena, "--ro-bind %s", own_file(e, export_own_file(e, m))),
		   SCRIPT_WORDS(m->target));
}

/* A mask is an empty thing that nobody may open: mode 0, and no capability to overrule it. */
static void add_mask(struct export *e, struct strbuf *out, const struct export_mount *m, const char *origin)
{
	if (m->is_directory) {
		script_add(e, out, origin, "--perms 0000 --tmpfs", SCRIPT_WORDS(m->target));
		script_add(e, out, origin, "--remount-ro", SCRIPT_WORDS(m->target));
	} else {
		script_add(e, out, origin, arena_printf(e->arena, "--ro-bind %s", own_file(e, export_nothing(e, false))),
			   SCRIPT_WORDS(m->target));
	}
}

static void add_tmpfs(struct export *e, struct strbuf *out, const struct export_mount *m, const char *origin)
{
	uint64_t size;
	const char *room = export_limit(e, LIMIT_DISK, &size) ?
			   arena_printf(e->arena, "--size %llu ", (unsigned long long)size) : "";

	script_add(e, out, origin, arena_printf(e->arena, "%s--perms %04o --tmpfs", room, m->mode), SCRIPT_WORDS(m->target));
}

static void add_mount(struct export *e, struct strbuf *out, const struct export_mount *m)
{
	const char *origin = export_origin(e, m->origin);

	switch (m->kind) {
	case MOUNT_DIRECTORY:
		script_add(e, out, origin, arena_printf(e->arena, "--perms %04o --dir", m->mode), SCRIPT_WORDS(m->target));
		return;
	case MOUNT_SYMLINK:
		script_add(e, out, origin, "--symlink", SCRIPT_WORDS(m->source, m->target));
		return;
	case MOUNT_BIND:
		script_add(e, out, origin, m->is_device ? "--dev-bind" :
			   m->attributes & PLAN_READ_ONLY ? "--ro-bind" : "--bind",
			   SCRIPT_WORDS(m->source, m->target));
		return;
	case MOUNT_TMPFS:
		add_tmpfs(e, out, m, origin);
		return;
	case MOUNT_READ_ONLY:
		script_add(e, out, origin, "--ro-bind", SCRIPT_WORDS(m->target, m->target));
		return;
	case MOUNT_PROC:
		script_add(e, out, origin, "--proc", SCRIPT_WORDS(m->target));
		return;
	case MOUNT_DEVPTS: /* bubblewrap has one with its --dev only: no terminals are made inside */
		return;
	case MOUNT_MASK:
		add_mask(e, out, m, origin);
		return;
	case MOUNT_FILE:
		add_file(e, out, m, origin);
		return;
	case MOUNT_KIND_COUNT:
		break;
	}
	unreachable();
}

static void add_identity(struct export *e, struct strbuf *out)
{
	const char *origin = export_origin(e, e->policy->user_as.origin);
	const char *hostname = e->policy->hostname.value ? e->policy->hostname.value : "cuddy";
	gid_t gid;
	uid_t uid;

	script_add(e, out, "cuddy", "--die-with-parent --new-session --unshare-all", NULL);
	if (e->reach == REACH_HOST)
		script_add(e, out, "network", "--share-net", NULL);
	if (!export_may_call(e, "clone(user-namespace)") && !export_may_call(e, "unshare(user-namespace)"))
		script_add(e, out, "cuddy", "--unshare-user --disable-userns", NULL);
	(void)export_user(e, &uid, &gid);
	script_add(e, out, origin, arena_printf(e->arena, "--uid %u --gid %u", uid, gid), NULL);
	script_add(e, out, export_origin(e, e->policy->hostname.origin), "--hostname", SCRIPT_WORDS(hostname));
}

static void add_rights(struct export *e, struct strbuf *out)
{
	const char *const *variables, *const *capabilities;
	size_t count = export_environment(e, &variables), kept = export_capabilities(e, "CAP_", &capabilities);

	script_add(e, out, "cuddy", "--cap-drop ALL", NULL);
	for (size_t i = 0; i < kept; i++)
		script_add(e, out, "runtime", "--cap-add", SCRIPT_WORDS(capabilities[i]));
	script_add(e, out, "cuddy", "--clearenv", NULL);
	for (size_t i = 0; i < count; i++) {
		const char *equals = strchr(variables[i], '=');

		script_add(e, out, "environment", "--setenv",
			   SCRIPT_WORDS(arena_strndup(e->arena, variables[i], (size_t)(equals - variables[i])), equals + 1));
	}
	script_add(e, out, export_origin(e, e->policy->working_directory.origin), "--chdir",
		   SCRIPT_WORDS(export_directory(e)));
	script_add(e, out, "runtime", "--seccomp 9", NULL);
}

static int write(struct export *e)
{
	const struct plan_filter *filter = &e->plan->filters.items[0];
	const char *name = export_name(e), *bpf = arena_printf(e->arena, "%s.bpf", name);
	struct strbuf *out = export_file(e, arena_printf(e->arena, "%s.sh", name), 0755);

	strbuf_add_bytes(export_file(e, bpf, 0444), (const char *)filter->code, filter->count * sizeof(*filter->code));
	script_begin(e, out);
	add_identity(e, out);
	for (size_t i = 0; i < e->mount_list.count; i++)
		add_mount(e, out, &e->mount_list.items[i]);
	for (size_t i = 0; i < e->mount_list.count; i++) /* last, for mount points are made in it */
		if (e->mount_list.items[i].kind == MOUNT_TMPFS && e->mount_list.items[i].attributes & PLAN_READ_ONLY)
			script_add(e, out, export_origin(e, e->mount_list.items[i].origin), "--remount-ro",
				   SCRIPT_WORDS(e->mount_list.items[i].target));
	script_add(e, out, "cuddy", "--remount-ro /", NULL);
	add_rights(e, out);
	script_add(e, out, "cuddy", "--", NULL);
	strbuf_add(out, "ulimit -c 0 # cuddy\n");
	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		uint64_t value;

		if (export_limit(e, limits[i].limit, &value))
			strbuf_addf(out, "ulimit -%c %llu 2>/dev/null || : # %s; unless it is lower already\n", limits[i].letter,
				    (unsigned long long)value / limits[i].unit, export_limit_origin(e, limits[i].limit));
	}
	/* bubblewrap's first process keeps its environment, and all descriptors; sh can close these. */
	script_end(e, out, "env -i PATH=\"$PATH\" bwrap",
		   arena_printf(e->arena, " 3<&- 4<&- 5<&- 6<&- 7<&- 8<&- 9<%s", own_file(e, bpf)));
	return 0;
}

const struct export_target target_bwrap = {
	"bwrap", "bubblewrap's command line as a script, and its filter", "NAME.sh NAME.bpf NAME.nothing", false, false,
	{ express_file, express_namespace, express_filter, express_capability, express_device_nodes, express_no_bus },
	settings, write,
};
