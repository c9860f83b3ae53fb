/* export/container.c - docker and podman: a script that runs an image, the same as a compose fragment,
 * the filter and the AppArmor profile that both name.
 * The system's files are the image's; what else a profile shows is mounted from this host.
 * Source: docker-run(1), podman-run(1), and the compose specification. */
#include "export/export.h"
#include "base/path.h"

#include <errno.h>
#include <string.h>

static const struct setting_row settings[] = {
	{ SETTING_COMMAND, EXACTNESS_EXACT, NULL },
	{ SETTING_DIRECTORY, EXACTNESS_EXACT, NULL },
	{ SETTING_DNS, EXACTNESS_EXACT, NULL },
	{ SETTING_ENVIRONMENT, EXACTNESS_AT_START, "the values of when it was exported" },
	{ SETTING_HOSTNAME, EXACTNESS_EXACT, NULL },
	{ SETTING_NETWORK, EXACTNESS_EXACT, NULL },
	{ SETTING_PUBLISH, EXACTNESS_EXACT, NULL },
	{ SETTING_USER, EXACTNESS_EXACT, NULL },
	{ SETTING_GROUPS, EXACTNESS_EXACT, NULL },
	{ SETTING_LIMITS + LIMIT_MEMORY, EXACTNESS_EXACT, NULL },
	{ SETTING_LIMITS + LIMIT_SWAP, EXACTNESS_EXACT, NULL },
	{ SETTING_LIMITS + LIMIT_CPU, EXACTNESS_EXACT, NULL },
	{ SETTING_LIMITS + LIMIT_TASKS, EXACTNESS_EXACT, NULL },
	{ SETTING_LIMITS + LIMIT_OPEN_FILES, EXACTNESS_EXACT, NULL },
	{ SETTING_LIMITS + LIMIT_FILE_BYTES, EXACTNESS_EXACT, NULL },
	{ SETTING_LIMITS + LIMIT_IO_WEIGHT, EXACTNESS_EXACT, NULL },
	{ SETTING_LIMITS + LIMIT_TIMEOUT, EXACTNESS_COARSE, "by the script; compose has no such key" },
	{ SETTING_LIMITS + LIMIT_DISK, EXACTNESS_COARSE, "wider: of each temporary place, not of all together" },
	{ 0, EXACTNESS_NONE, NULL },
};

/* An option of the command line is a key of a compose service; lists gather their values. */
enum word { WORD_CAP_ADD, WORD_CAP_DROP, WORD_DEVICE, WORD_DNS, WORD_ENV, WORD_GROUP, WORD_HOSTNAME, WORD_IO_WEIGHT,
	    WORD_CPUS, WORD_MEMORY, WORD_SWAP, WORD_NETWORK, WORD_PIDS, WORD_PUBLISH, WORD_READ_ONLY,
	    WORD_SECURITY, WORD_TMPFS, WORD_ULIMIT, WORD_USER, WORD_MOUNT, WORD_WORKDIR, WORD_COUNT };
static const struct { const char *option, *key; char form; /* list, scalar, map */ } words[WORD_COUNT] = {
	[WORD_CAP_ADD] = { "--cap-add", "cap_add", 'l' },
	[WORD_CAP_DROP] = { "--cap-drop", "cap_drop", 'l' },
	[WORD_DEVICE] = { "--device", "devices", 'l' },
	[WORD_DNS] = { "--dns", "dns", 'l' },
	[WORD_ENV] = { "--env", "environment", 'l' },
	[WORD_GROUP] = { "--group-add", "group_add", 'l' },
	[WORD_HOSTNAME] = { "--hostname", "hostname", 's' },
	[WORD_IO_WEIGHT] = { "--blkio-weight", "blkio_config", 'm' },
	[WORD_CPUS] = { "--cpus", "cpus", 's' },
	[WORD_MEMORY] = { "--memory", "mem_limit", 's' },
	[WORD_SWAP] = { "--memory-swap", "memswap_limit", 's' },
	[WORD_NETWORK] = { "--network", "network_mode", 's' },
	[WORD_PIDS] = { "--pids-limit", "pids_limit", 's' },
	[WORD_PUBLISH] = { "--publish", "ports", 'l' },
	[WORD_READ_ONLY] = { "--read-only", "read_only", 's' },
	[WORD_SECURITY] = { "--security-opt", "security_opt", 'l' },
	[WORD_TMPFS] = { "--tmpfs", "tmpfs", 'l' },
	[WORD_ULIMIT] = { "--ulimit", "ulimits", 'm' },
	[WORD_USER] = { "--user", "user", 's' },
	[WORD_MOUNT] = { "--mount", "volumes", 'l' },
	[WORD_WORKDIR] = { "--workdir", "working_dir", 's' },
};

/* `compose`: how compose writes it, or NULL for the value as a text; `shell`: the same for the script. */
struct item { enum word word; const char *value, *compose, *shell, *origin; };
struct container { struct export *e; bool podman; VEC(struct item) items; };

static void add(struct container *c, enum word word, const char *value, const char *origin)
{
	*vec_push(c->e->arena, &c->items) = (struct item){ word, value, NULL, NULL, origin };
}

static void add_listed(struct container *c, enum word word, const struct text_setting *set)
{
	add(c, word, set->value, export_origin(c->e, set->origin));
}

/* A field of the comma-separated --mount (RFC 4180): --volume could not take a path with a colon. */
static const char *mount_field(struct arena *arena, const char *key, const char *value)
{
	struct strbuf out = { .arena = arena };

	if (!value[strcspn(value, ",\"\n")])
		return arena_printf(arena, "%s=%s", key, value);
	strbuf_addf(&out, "\"%s=", key);
	for (; *value; value++)
		strbuf_addf(&out, "%s%c", *value == '"' ? "\"" : "", *value);
	strbuf_add(&out, "\"");
	return strbuf_text(&out);
}

static void add_bind(struct container *c, const char *source, const char *target, bool read_only, const char *origin)
{
	struct arena *arena = c->e->arena;

	add(c, WORD_MOUNT, arena_printf(arena, "type=bind,%s,%s%s", mount_field(arena, "source", source),
					mount_field(arena, "target", target), read_only ? ",readonly" : ""), origin);
	c->items.items[c->items.count - 1].compose =
		arena_printf(arena, "{type: bind, source: %s, target: %s, read_only: %s}", export_yaml_doubled(arena, source),
			     export_yaml_doubled(arena, target), read_only ? "true" : "false");
}

/* A file that lies beside the script and the fragment. */
static void add_own(struct container *c, const char *file, const char *target, const char *origin)
{
	struct arena *arena = c->e->arena;
	struct item *item;

	add(c, WORD_MOUNT, file, origin);
	item = &c->items.items[c->items.count - 1];
	item->compose = arena_printf(arena, "{type: bind, source: %s, target: %s, read_only: true}",
				     export_yaml_doubled(arena, arena_printf(arena, "./%s", file)), export_yaml_doubled(arena, target));
	item->shell = arena_printf(arena, "type=bind,source=\"$here\"/%s,%s,readonly", file,
				   export_shell_word(arena, mount_field(arena, "target", target)));
}

/* ---- answers ---- */

static struct claim express_network(const struct export *e, size_t index)
{
	const struct rule *rule = &e->policy->rules[index];
	enum host_form form = rule->endpoint->form;

	if (e->reach != REACH_SOME || form == HOST_LOOPBACK || form >= HOST_HOST)
		return express_namespace(e, index);
	if (rule->effect == EFFECT_ALLOW)
		return say(rule->endpoint->access == ACCESS_LISTEN ? EXACTNESS_EXACT : EXACTNESS_COARSE,
			   "namespaces", rule->endpoint->access == ACCESS_LISTEN ? NULL :
			   "wider: all that the container network leads to");
	return say_none("the container network has no filter");
}

static struct claim express_file(const struct export *e, size_t index)
{
	const struct rule *rule = &e->policy->rules[index];

	if (rule->effect == EFFECT_LOG)
		return express_log(e, index);
	if (rule->effect == EFFECT_DENY && rule->access == ACCESS_EXECUTE)
		return say_coarse("apparmor", "wider where the host has no AppArmor");
	if (rule->effect == EFFECT_DENY && str_starts(rule->pattern, "/proc") && e->target == &target_docker)
		return say_coarse("apparmor",
				  "wider where the host has no AppArmor: docker hides a list of its own in /proc");
	return express_runnable(e, index);
}

/* ---- the words ---- */

/* --tmpfs and --device end a path at a colon. */
static int check_colon(struct container *c, const struct export_mount *m)
{
	bool plain = m->kind == MOUNT_TMPFS || m->is_device;

	return !plain || !strchr(m->target, ':') ? 0 :
		diag_error(c->e->d, "C533", m->origin, "%s cannot take '%s': a colon ends a path there", c->e->target->name,
			   str_quote(c->e->arena, m->target));
}

static void add_mount(struct container *c, const struct export_mount *m)
{
	struct arena *arena = c->e->arena;
	const char *origin = export_origin(c->e, m->origin);
	struct export_mount link;
	uint64_t size;

	switch (m->kind) {
	case MOUNT_BIND:
		if (m->is_device && !export_is_default_device(m->source))
			add(c, WORD_DEVICE, m->source, origin);
		else if (!m->is_device)
			add_bind(c, m->source, m->target, m->attributes & PLAN_READ_ONLY, origin);
		return;
	case MOUNT_TMPFS:
		if (str_equal(m->target, "/dev/shm")) /* every container has its own */
			return;
		size = 0;
		(void)export_limit(c->e, LIMIT_DISK, &size);
		add(c, WORD_TMPFS, arena_printf(arena, "%s:%s,nosuid,nodev,%s,mode=%04o%s", m->target,
						m->attributes & PLAN_READ_ONLY ? "ro" : "rw",
						m->attributes & PLAN_NOEXEC ? "noexec" : "exec", m->mode,
						size ? arena_printf(arena, ",size=%llu", (unsigned long long)size) : ""),
		    origin);
		return;
	case MOUNT_MASK:
		if (path_is_within(m->target, "/proc") && c->podman)
			add(c, WORD_SECURITY, arena_printf(arena, "mask=%s", m->target), origin);
		else if (!path_is_within(m->target, "/proc"))
			add_own(c, export_nothing(c->e, m->is_directory), m->target, origin);
		return;
	case MOUNT_FILE:
		add_own(c, export_own_file(c->e, m), m->target, origin);
		return;
	case MOUNT_SYMLINK:
		if (export_link_source(c->e, m, &link))
			add_bind(c, link.source, m->target, link.attributes & PLAN_READ_ONLY, origin);
		return;
	case MOUNT_READ_ONLY: /* runtimes hide and protect what the kernel shows in /proc by themselves */
	case MOUNT_PROC:
	case MOUNT_DEVPTS:
	case MOUNT_DIRECTORY:
	case MOUNT_KIND_COUNT:
		return;
	}
	unreachable();
}

static void add_rights(struct container *c)
{
	struct export *e = c->e;
	static const char *const reach[] = { "none", "bridge", "host" };
	const char *network = e->policy->network.value, *const *capabilities;
	size_t kept = export_capabilities(e, "", &capabilities);

	add(c, WORD_SECURITY, "no-new-privileges", "cuddy");
	add(c, WORD_CAP_DROP, "ALL", "cuddy");
	for (size_t i = 0; i < kept; i++)
		add(c, WORD_CAP_ADD, capabilities[i], "runtime");
	add(c, WORD_READ_ONLY, "true", "cuddy");
	add(c, WORD_NETWORK, network ? network : reach[e->reach], "networking");
	for (size_t i = 0; i < e->policy->publish.count; i++)
		add_listed(c, WORD_PUBLISH, &e->policy->publish.items[i]);
	for (size_t i = 0; i < e->policy->dns.count; i++)
		add_listed(c, WORD_DNS, &e->policy->dns.items[i]);
}

static void add_limits(struct container *c)
{
	static const struct { enum limit limit; enum word word; const char *prefix; double unit; } rows[] = {
		{ LIMIT_MEMORY, WORD_MEMORY, "", 1 },		{ LIMIT_CPU, WORD_CPUS, "", 100 },
		{ LIMIT_TASKS, WORD_PIDS, "", 1 },		{ LIMIT_IO_WEIGHT, WORD_IO_WEIGHT, "", 1 },
		{ LIMIT_OPEN_FILES, WORD_ULIMIT, "nofile=", 1 }, { LIMIT_FILE_BYTES, WORD_ULIMIT, "fsize=", 1 },
	};
	struct export *e = c->e;
	uint64_t value, memory;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (export_limit(e, rows[i].limit, &value))
			add(c, rows[i].word, arena_printf(e->arena, "%s%.15g", rows[i].prefix, (double)value / rows[i].unit),
			    export_limit_origin(e, rows[i].limit));
	if (export_limit(e, LIMIT_SWAP, &value) && export_limit(e, LIMIT_MEMORY, &memory))
		add(c, WORD_SWAP, arena_printf(e->arena, "%llu", (unsigned long long)(value + memory)),
		    export_limit_origin(e, LIMIT_SWAP));
	add(c, WORD_ULIMIT, "core=0", "cuddy");
}

static void add_identity(struct container *c)
{
	struct export *e = c->e;
	const char *const *variables;
	size_t count = export_environment(e, &variables);
	uid_t uid;
	gid_t gid;

	if (export_user(e, &uid, &gid))
		add(c, WORD_USER, arena_printf(e->arena, "%u:%u", uid, gid), export_origin(e, e->policy->user_as.origin));
	else
		add(c, WORD_USER, e->policy->user_as.value, export_origin(e, e->policy->user_as.origin));
	for (size_t i = 0; i < e->policy->groups.count; i++)
		add_listed(c, WORD_GROUP, &e->policy->groups.items[i]);
	add(c, WORD_HOSTNAME, e->policy->hostname.value ? e->policy->hostname.value : "cuddy",
	    export_origin(e, e->policy->hostname.origin));
	add(c, WORD_WORKDIR, export_directory(e), export_origin(e, e->policy->working_directory.origin));
	for (size_t i = 0; i < count; i++)
		if (!str_starts(variables[i], "PATH=")) /* the image knows where its programs are */
			add(c, WORD_ENV, variables[i], "environment");
}

/* ---- the files ---- */

static void write_script(struct container *c, const char *name)
{
	struct export *e = c->e;
	struct strbuf *out = export_file(e, arena_printf(e->arena, "%s.sh", name), 0755);
	const char *tool = e->target->name;

	script_begin(e, out);
	script_add(e, out, "cuddy", c->podman ? "--rm --interactive" : "--rm --init --interactive", NULL);
	strbuf_add(out, "[ ! -t 0 ] || set -- \"$@\" --tty\n");
	strbuf_addf(out, "set -- \"$@\" --security-opt seccomp=\"$here\"/%s.seccomp.json # runtime\n", name);
	strbuf_addf(out, "if [ \"$(cat /sys/module/apparmor/parameters/enabled 2>/dev/null)\" = Y ]; then\n"
		    "\t# once, as root: apparmor_parser -r %s.apparmor\n"
		    "\tset -- \"$@\" --security-opt apparmor=cuddy.%s # filesystem\nfi\n", name, name);
	if (c->podman)
		strbuf_add(out, "set -- \"$@\" --read-only-tmpfs=false # cuddy; else /tmp, /run and /var/tmp are writable\n"
				"[ \"$(id -u)\" = 0 ] || set -- \"$@\" --userns keep-id # cuddy\n");
	for (size_t i = 0; i < c->items.count; i++) {
		const struct item *item = &c->items.items[i];

		if (item->shell)
			script_add(e, out, item->origin, arena_printf(e->arena, "--mount %s", item->shell), NULL);
		else
			script_add(e, out, item->origin, words[item->word].option, item->word == WORD_READ_ONLY ?
				   NULL : SCRIPT_WORDS(item->value));
	}
	if (c->podman && e->rootfs)
		script_add(e, out, "--bundle", "--rootfs",
			   SCRIPT_WORDS(path_normal(e->arena, e->cage->working_directory, e->rootfs)));
	else
		script_add(e, out, "--image", "--", SCRIPT_WORDS(e->image));
	script_end(e, out, arena_printf(e->arena, "%s run", tool), "");
}

static void write_key(struct container *c, struct strbuf *out, enum word word)
{
	struct arena *arena = c->e->arena;
	bool first = true;

	for (size_t i = 0; i < c->items.count; i++) {
		const struct item *item = &c->items.items[i];
		const char *equals;

		if (item->word != word)
			continue;
		if (words[word].form == 's') {
			strbuf_addf(out, "    %s: %s # %s\n", words[word].key,
				    word == WORD_READ_ONLY ? item->value : export_yaml_doubled(arena, item->value), item->origin);
			continue;
		}
		if (first)
			strbuf_addf(out, "    %s:\n", words[word].key);
		first = false;
		equals = strchr(item->value, '=');
		if (words[word].form == 'l')
			strbuf_addf(out, "      - %s # %s\n", item->compose ? item->compose : export_yaml_doubled(arena, item->value),
				    item->origin);
		else if (equals)
			strbuf_addf(out, "      %.*s: %s # %s\n", (int)(equals - item->value), item->value, equals + 1,
				    item->origin);
		else
			strbuf_addf(out, "      weight: %s # %s\n", item->value, item->origin);
	}
}

static void write_compose(struct container *c, const char *name)
{
	struct export *e = c->e;
	struct strbuf *out = export_file(e, arena_printf(e->arena, "%s.compose.yaml", name), 0644);

	/* Paths in security_opt are relative to the file; both tools read the filter from there. */
	add(c, WORD_SECURITY, arena_printf(e->arena, "seccomp=./%s.seccomp.json", name), "runtime");
	export_heading(e, out, "#");
	strbuf_addf(out, "# Where the host has AppArmor, load %s.apparmor and add to security_opt: apparmor=cuddy.%s\n",
		    name, name);
	if (c->podman)
		strbuf_add(out, "# With read_only podman makes /tmp, /run and /var/tmp writable: only the script forbids it.\n");
	strbuf_addf(out, "services:\n  %s:\n    image: %s\n%s", export_yaml_doubled(e->arena, name),
		    export_yaml_doubled(e->arena, e->image), c->podman ? "" : "    init: true\n");
	if (e->policy->command.count) {
		strbuf_add(out, "    command:\n");
		for (size_t i = 0; i < e->policy->command.count; i++)
			strbuf_addf(out, "      - %s # %s\n", export_yaml_doubled(e->arena, e->policy->command.items[i].value),
				    export_origin(e, e->policy->command.items[i].origin));
	}
	for (unsigned word = 0; word < WORD_COUNT; word++)
		write_key(c, out, word);
}

static int write(struct export *e)
{
	struct container c = { .e = e, .podman = str_equal(e->target->name, "podman") };
	const char *name = export_name(e);
	struct json json = { .out = NULL };

	add_rights(&c);
	add_limits(&c);
	add_identity(&c);
	for (size_t i = 0; i < e->mount_list.count; i++) {
		if (check_colon(&c, &e->mount_list.items[i]) < 0)
			return -EINVAL;
		add_mount(&c, &e->mount_list.items[i]);
	}
	write_script(&c, name);
	write_compose(&c, name);
	json.out = export_file(e, arena_printf(e->arena, "%s.seccomp.json", name), 0644);
	export_seccomp_json(e, &json, NULL, SECCOMP_RUNTIME);
	strbuf_add(json.out, "\n");
	export_apparmor(e, export_file(e, arena_printf(e->arena, "%s.apparmor", name), 0644), false);
	return 0;
}

#define CONTAINER_FILES "NAME.sh NAME.compose.yaml NAME.seccomp.json NAME.apparmor"
#define CONTAINER_ANSWERS                                                                                   \
	{ express_file, express_network, express_filter, express_capability, express_container_device, express_no_bus }

const struct export_target target_docker = {
	"docker", "a script for docker, a compose fragment, the filter and the AppArmor profile", CONTAINER_FILES,
	true, false, CONTAINER_ANSWERS, settings, write,
};
const struct export_target target_podman = {
	"podman", "a script for podman, a compose fragment, the filter and the AppArmor profile", CONTAINER_FILES,
	true, true, CONTAINER_ANSWERS, settings, write,
};
