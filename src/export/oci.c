/* export/oci.c - the OCI runtime specification: config.json, and its filter as a file of its own.
 *
 * With --bundle the directory is a complete bundle for runc, crun and their like: over an empty
 * root every file comes from this host, over one with a system in it only what is not the system's.
 * Source: runtime-spec/config.md, config-linux.md.  JSON has no comments: "comment" members, which
 * runtimes must ignore ("Extensibility"), hold the origins, and annotations what is lost. */
#include "export/export.h"
#include "base/path.h"

#include <string.h>
#include <sys/stat.h>

static const struct setting_row settings[] = {
	{ SETTING_COMMAND, EXACTNESS_EXACT, NULL },
	{ SETTING_DIRECTORY, EXACTNESS_EXACT, NULL },
	{ SETTING_ENVIRONMENT, EXACTNESS_AT_START, "the values of when it was exported" },
	{ SETTING_HOSTNAME, EXACTNESS_EXACT, NULL },
	{ SETTING_USER, EXACTNESS_EXACT, NULL },
	{ SETTING_LIMITS + LIMIT_MEMORY, EXACTNESS_EXACT, NULL },
	{ SETTING_LIMITS + LIMIT_SWAP, EXACTNESS_EXACT, NULL },
	{ SETTING_LIMITS + LIMIT_CPU, EXACTNESS_EXACT, NULL },
	{ SETTING_LIMITS + LIMIT_TASKS, EXACTNESS_EXACT, NULL },
	{ SETTING_LIMITS + LIMIT_OPEN_FILES, EXACTNESS_EXACT, NULL },
	{ SETTING_LIMITS + LIMIT_FILE_BYTES, EXACTNESS_EXACT, NULL },
	{ SETTING_LIMITS + LIMIT_IO_WEIGHT, EXACTNESS_EXACT, NULL },
	{ SETTING_LIMITS + LIMIT_DISK, EXACTNESS_COARSE, "wider: of each temporary place, not of all together" },
	{ 0, EXACTNESS_NONE, NULL },
};

static void add_strings(struct json *json, const char *key, const char *const *items, size_t count)
{
	json_array(json, key);
	for (size_t i = 0; i < count; i++)
		json_string(json, NULL, items[i]);
	json_end_array(json);
}

/* ---- process ---- */

static void add_capabilities(const struct export *e, struct json *json)
{
	static const char *const sets[] = { "bounding", "effective", "inheritable", "permitted", "ambient" };
	const char *const *names;
	size_t count = export_capabilities(e, "CAP_", &names);

	json_object(json, "capabilities");
	for (size_t i = 0; i < ARRAY_SIZE(sets); i++)
		add_strings(json, sets[i], names, count);
	json_end_object(json);
}

static void add_rlimit(struct json *json, const char *type, uint64_t value, const char *comment)
{
	json_object(json, NULL);
	json_string(json, "type", type);
	json_number(json, "hard", (long long)value);
	json_number(json, "soft", (long long)value);
	json_string(json, "comment", comment);
	json_end_object(json);
}

static void add_rlimits(const struct export *e, struct json *json)
{
	static const struct { enum limit limit; const char *type; } rows[] = {
		{ LIMIT_OPEN_FILES, "RLIMIT_NOFILE" }, { LIMIT_FILE_BYTES, "RLIMIT_FSIZE" },
	};
	uint64_t value;

	json_array(json, "rlimits");
	add_rlimit(json, "RLIMIT_CORE", 0, "cuddy");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (export_limit(e, rows[i].limit, &value))
			add_rlimit(json, rows[i].type, value, export_limit_origin(e, rows[i].limit));
	json_end_array(json);
}

static void add_process(const struct export *e, struct json *json, uid_t uid, gid_t gid)
{
	const struct text_list *command = &e->policy->command;
	const char *const *variables;
	size_t count = export_environment(e, &variables);

	json_object(json, "process");
	json_object(json, "user");
	json_number(json, "uid", uid);
	json_number(json, "gid", gid);
	json_end_object(json);
	json_array(json, "args");
	for (size_t i = 0; i < command->count; i++)
		json_string(json, NULL, command->items[i].value);
	if (!command->count)
		json_string(json, NULL, "sh");
	json_end_array(json);
	add_strings(json, "env", variables, count);
	json_string(json, "cwd", export_directory(e));
	add_capabilities(e, json);
	add_rlimits(e, json);
	json_bool(json, "noNewPrivileges", true);
	json_end_object(json);
}

/* ---- mounts ---- */

static void begin_mount(struct json *json, const char *target, const char *type, const char *source)
{
	json_object(json, NULL);
	json_string(json, "destination", target);
	json_string(json, "type", type);
	json_string(json, "source", source);
	json_array(json, "options");
}

static void end_mount(const struct export *e, struct json *json, const struct export_mount *m)
{
	json_end_array(json);
	json_string(json, "comment", export_origin(e, m->origin));
	json_end_object(json);
}

/* Sources without a "/" are files of ours. */
static bool is_directory(const struct export_mount *m, const char *source)
{
	struct stat st;

	return *source == '/' ? stat(source, &st) == 0 && S_ISDIR(st.st_mode) : m->is_directory;
}

/* "r": for all mounts below, too.  crun (1.8) wants a directory for that. */
static void add_flags(struct json *json, unsigned attributes, bool recursive)
{
	static const struct { unsigned bit; const char *set, *clear; } flags[] = {
		{ PLAN_READ_ONLY, "rro", "rw" },   { PLAN_NOSUID, "rnosuid", NULL },
		{ PLAN_NODEV, "rnodev", NULL }, { PLAN_NOEXEC, "rnoexec", NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		const char *set = flags[i].set + !recursive;
		const char *word = attributes & flags[i].bit ? set : flags[i].clear;

		if (word)
			json_string(json, NULL, word);
	}
}

static void add_bind(const struct export *e, struct json *json, const struct export_mount *m, const char *source)
{
	begin_mount(json, m->target, "bind", source);
	json_string(json, NULL, "rbind");
	json_string(json, NULL, "rprivate");
	add_flags(json, m->attributes, is_directory(m, source));
	end_mount(e, json, m);
}

static void add_tmpfs(const struct export *e, struct json *json, const struct export_mount *m)
{
	uint64_t size;

	begin_mount(json, m->target, "tmpfs", "tmpfs");
	json_string(json, NULL, "nosuid");
	json_string(json, NULL, "nodev");
	if (m->attributes & PLAN_NOEXEC)
		json_string(json, NULL, "noexec");
	if (m->attributes & PLAN_READ_ONLY)
		json_string(json, NULL, "ro");
	json_string(json, NULL, arena_printf(e->arena, "mode=%04o", m->mode));
	if (export_limit(e, LIMIT_DISK, &size))
		json_string(json, NULL, arena_printf(e->arena, "size=%llu", (unsigned long long)size));
	end_mount(e, json, m);
}

/* Runtimes mount nothing in /proc; there they hide files themselves, which then read as empty. */
static void add_mask(struct export *e, struct json *json, const struct export_mount *m)
{
	struct export_mount bind = *m;

	bind.attributes = PLAN_READ_ONLY | PLAN_NOSUID | PLAN_NODEV | PLAN_NOEXEC;
	if (!path_is_within(m->target, "/proc"))
		add_bind(e, json, &bind, export_nothing(e, m->is_directory)); /* relative to the bundle */
}

static void add_pseudo(const struct export *e, struct json *json, const struct export_mount *m)
{
	static const char *const words[] = { "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620" };
	bool proc = m->kind == MOUNT_PROC;

	begin_mount(json, m->target, proc ? "proc" : "devpts", proc ? "proc" : "devpts");
	for (size_t i = 0; i < (proc ? 2 : ARRAY_SIZE(words)); i++)
		json_string(json, NULL, words[i]);
	end_mount(e, json, m);
}

static void add_file(struct export *e, struct json *json, const struct export_mount *m)
{
	struct export_mount bind = *m;

	bind.attributes |= PLAN_READ_ONLY | PLAN_NOSUID | PLAN_NODEV | PLAN_NOEXEC;
	add_bind(e, json, &bind, export_own_file(e, m)); /* relative to the bundle */
}

static void add_symlink(const struct export *e, struct json *json, const struct export_mount *m)
{
	struct export_mount bind;

	if (export_link_source(e, m, &bind))
		add_bind(e, json, &bind, bind.source);
}

static void add_mount(struct export *e, struct json *json, const struct export_mount *m)
{
	switch (m->kind) {
	case MOUNT_BIND:
		if (!export_is_default_device(m->target))
			add_bind(e, json, m, m->source);
		return;
	case MOUNT_TMPFS:
		add_tmpfs(e, json, m);
		return;
	case MOUNT_MASK:
		add_mask(e, json, m);
		return;
	case MOUNT_PROC:
	case MOUNT_DEVPTS:
		add_pseudo(e, json, m);
		return;
	case MOUNT_FILE:
		add_file(e, json, m);
		return;
	case MOUNT_SYMLINK:
		add_symlink(e, json, m);
		return;
	case MOUNT_READ_ONLY: /* lists of their own below */
	case MOUNT_DIRECTORY: /* made with what is mounted there */
	case MOUNT_KIND_COUNT:
		return;
	}
	unreachable();
}

/* Targets of one kind in /proc: masked and read-only paths. */
static void add_paths(const struct export *e, struct json *json, const char *key, enum mount_kind kind)
{
	json_array(json, key);
	for (size_t i = 0; i < e->mount_list.count; i++) {
		const struct export_mount *m = &e->mount_list.items[i];

		if (m->kind == kind && (kind != MOUNT_MASK || path_is_within(m->target, "/proc")))
			json_string(json, NULL, m->target);
	}
	json_end_array(json);
}

/* ---- linux ---- */

static void add_mapping(struct json *json, const char *key, unsigned inside, unsigned outside)
{
	json_array(json, key);
	json_object(json, NULL);
	json_number(json, "containerID", inside);
	json_number(json, "hostID", outside);
	json_number(json, "size", 1);
	json_end_object(json);
	json_end_array(json);
}

static void add_resources(const struct export *e, struct json *json)
{
	uint64_t memory, swap, value;
	bool has_memory = export_limit(e, LIMIT_MEMORY, &memory);

	json_object(json, "resources");
	json_object(json, "memory");
	if (has_memory)
		json_number(json, "limit", (long long)memory);
	if (has_memory && export_limit(e, LIMIT_SWAP, &swap))
		json_number(json, "swap", (long long)(memory + swap)); /* both together, as in cgroup v1 */
	json_end_object(json);
	if (export_limit(e, LIMIT_TASKS, &value)) {
		json_object(json, "pids");
		json_number(json, "limit", (long long)value);
		json_end_object(json);
	}
	if (export_limit(e, LIMIT_CPU, &value)) {
		json_object(json, "cpu");
		json_number(json, "quota", (long long)value * 1000);
		json_number(json, "period", 100000);
		json_end_object(json);
	}
	if (export_limit(e, LIMIT_IO_WEIGHT, &value)) {
		json_object(json, "blockIO");
		json_number(json, "weight", (long long)value);
		json_end_object(json);
	}
	json_end_object(json);
}

static void add_linux(const struct export *e, struct json *json, uid_t uid, gid_t gid)
{
	static const char *const spaces[] = { "user", "mount", "pid", "ipc", "uts", "cgroup", "network" };

	json_object(json, "linux");
	json_array(json, "namespaces");
	for (size_t i = 0; i < ARRAY_SIZE(spaces) - (e->reach == REACH_HOST); i++) {
		json_object(json, NULL);
		json_string(json, "type", spaces[i]);
		json_end_object(json);
	}
	json_end_array(json);
	add_mapping(json, "uidMappings", uid, e->cage->uid);
	add_mapping(json, "gidMappings", gid, e->cage->gid);
	add_resources(e, json);
	add_paths(e, json, "maskedPaths", MOUNT_MASK);
	add_paths(e, json, "readonlyPaths", MOUNT_READ_ONLY);
	export_seccomp_json(e, json, "seccomp", SECCOMP_RUNTIME);
	json_end_object(json);
}

static void add_annotations(const struct export *e, struct json *json)
{
	struct strbuf losses = { .arena = e->arena };

	export_print_losses(e, &losses, "");
	json_object(json, "annotations");
	json_string(json, "io.cuddy.profile", e->policy->name);
	json_string(json, "io.cuddy.losses", strbuf_text(&losses));
	json_end_object(json);
}

static int write(struct export *e)
{
	struct strbuf *out = export_file(e, "config.json", 0644);
	struct json json = { .out = out }, filter = {
		.out = export_file(e, arena_printf(e->arena, "%s.seccomp.json", export_name(e)), 0644) };
	const char *hostname = e->policy->hostname.value;
	uid_t uid;
	gid_t gid;

	(void)export_user(e, &uid, &gid);
	json_object(&json, NULL);
	json_string(&json, "ociVersion", "1.0.2");
	add_process(e, &json, uid, gid);
	json_object(&json, "root");
	json_string(&json, "path", e->rootfs ? path_normal(e->arena, e->cage->working_directory, e->rootfs) : "rootfs");
	json_bool(&json, "readonly", true);
	json_end_object(&json);
	json_string(&json, "hostname", hostname ? hostname : "cuddy");
	json_array(&json, "mounts");
	for (size_t i = 0; i < e->mount_list.count; i++)
		add_mount(e, &json, &e->mount_list.items[i]);
	json_end_array(&json);
	add_linux(e, &json, uid, gid);
	add_annotations(e, &json);
	json_end_object(&json);
	strbuf_add(out, "\n");
	export_seccomp_json(e, &filter, NULL, SECCOMP_RUNTIME);
	strbuf_add(filter.out, "\n");
	return 0;
}

const struct export_target target_oci = {
	"oci", "config.json of the OCI runtime specification, and its filter", "config.json NAME.seccomp.json", true, true,
	{ express_mounts, express_namespace, express_filter, express_capability, express_container_device, express_no_bus },
	settings, write,
};
