/* export/systemd.c - drop-ins for a service: one for the system's manager, one for a user's, who may
 * do less.  The root is an empty, read-only place and gets what the plan shows, as in a cage.
 * Source: systemd.exec(5), systemd.resource-control(5) of 252.  Comments stand on lines of their own. */
#include "export/export.h"
#include "base/path.h"

#include <string.h>

static const struct setting_row settings[] = {
	{ SETTING_COMMAND, EXACTNESS_EXACT, NULL },
	{ SETTING_DIRECTORY, EXACTNESS_EXACT, NULL },
	{ SETTING_ENVIRONMENT, EXACTNESS_COARSE, "names with a star are not passed" },
	{ SETTING_GROUPS, EXACTNESS_EXACT, NULL },
	{ SETTING_USER, EXACTNESS_EXACT, NULL },
	{ SETTING_LIMITS + LIMIT_MEMORY, EXACTNESS_EXACT, NULL },
	{ SETTING_LIMITS + LIMIT_SWAP, EXACTNESS_EXACT, NULL },
	{ SETTING_LIMITS + LIMIT_CPU, EXACTNESS_EXACT, NULL },
	{ SETTING_LIMITS + LIMIT_TASKS, EXACTNESS_EXACT, NULL },
	{ SETTING_LIMITS + LIMIT_OPEN_FILES, EXACTNESS_EXACT, NULL },
	{ SETTING_LIMITS + LIMIT_FILE_BYTES, EXACTNESS_EXACT, NULL },
	{ SETTING_LIMITS + LIMIT_TIMEOUT, EXACTNESS_EXACT, NULL },
	{ SETTING_LIMITS + LIMIT_NICE, EXACTNESS_EXACT, NULL },
	{ SETTING_LIMITS + LIMIT_IO_WEIGHT, EXACTNESS_EXACT, NULL },
	{ SETTING_LIMITS + LIMIT_DISK, EXACTNESS_COARSE, "wider: of each temporary place, not of all together" },
	{ 0, EXACTNESS_NONE, NULL },
};

static const struct { enum limit limit; const char *key, *unit; bool system; } limits[] = {
	{ LIMIT_MEMORY, "MemoryMax", "", false },	  { LIMIT_SWAP, "MemorySwapMax", "", false },
	{ LIMIT_CPU, "CPUQuota", "%", false },		  { LIMIT_TASKS, "TasksMax", "", false },
	{ LIMIT_OPEN_FILES, "LimitNOFILE", "", false },	  { LIMIT_FILE_BYTES, "LimitFSIZE", "", false },
	{ LIMIT_TIMEOUT, "RuntimeMaxSec", "", false },	  { LIMIT_NICE, "Nice", "", false },
	{ LIMIT_IO_WEIGHT, "IOWeight", "", false },
};

/* What holds for every cage; `unless`: a call that the profile may make contradicts it. */
static const struct { const char *line, *unless; bool system; } always[] = {
	{ "NoNewPrivileges=yes", NULL, false },
	{ "PrivateUsers=yes", NULL, false },
	{ "PrivateIPC=yes", NULL, false },
	{ "KeyringMode=private", NULL, false },
	{ "LimitCORE=0", NULL, false },
	{ "RemoveIPC=yes", NULL, true },
	{ "MountAPIVFS=yes", NULL, false },
	{ "ProtectProc=invisible", NULL, true },
	{ "ProtectHostname=yes", "sethostname", false },
	{ "ProtectKernelTunables=yes", NULL, false },
	{ "ProtectKernelModules=yes", "init_module", false },
	{ "ProtectKernelLogs=yes", "syslog", false },
	{ "ProtectControlGroups=yes", NULL, false },
	{ "ProtectClock=yes", "clock_settime", true },
	{ "LockPersonality=yes", "personality(any)", false },
	{ "RestrictRealtime=yes", "sched_setscheduler", false },
	{ "RestrictSUIDSGID=yes", "chmod(set-id)", false },
	{ "SystemCallArchitectures=native", "set_thread_area", false },
	{ "SystemCallArchitectures=native x86", "!set_thread_area", false },
};

/* Calls whose special arguments another directive takes away; of all others they come along. */
static const enum call restricted[] = {
	CALL_chmod, CALL_clone, CALL_creat, CALL_fchmod, CALL_fchmodat, CALL_fchmodat2, CALL_mkdir, CALL_mkdirat,
	CALL_open, CALL_openat, CALL_personality, CALL_unshare,
};

static const struct { const char *name, *calls; } groups[] = {
#define GROUP(name, calls) { name, calls },
#include "export/systemd-groups.def"
#undef GROUP
};

struct writer { struct export *e; struct strbuf *out; const char *last; bool user; };

/* A directive under the comment that says where it comes from. */
static void add(struct writer *w, const char *origin, const char *key, const char *value)
{
	if (!str_equal(w->last, origin))
		strbuf_addf(w->out, "# %s\n", origin);
	w->last = origin;
	strbuf_addf(w->out, "%s=%s\n", key, value);
}

/* One word: specifiers and backslashes doubled, quoted where blanks would split it. */
static const char *word(const struct writer *w, const char *text, const char *also)
{
	struct strbuf out = { .arena = w->e->arena };
	bool quote = !*text || text[strcspn(text, " \t\n\"'")];

	strbuf_add(&out, quote ? "\"" : "");
	for (; *text; text++) {
		if ((unsigned char)*text < ' ')
			strbuf_addf(&out, "\\x%02x", *text);
		else
			strbuf_addf(&out, "%s%c", *text == '%' ? "%" : strchr(also, *text) || strchr("\\\"", *text) ? "\\" : "",
				    *text);
	}
	strbuf_add(&out, quote ? "\"" : "");
	return strbuf_text(&out);
}

/* ---- answers ---- */

static bool is_restricted(enum call call)
{
	for (size_t i = 0; i < ARRAY_SIZE(restricted); i++)
		if (restricted[i] == call)
			return true;
	return false;
}

static bool has_word(const char *list, const char *name)
{
	size_t length = strlen(name);

	for (const char *at = list; (at = strstr(at, name)); at += length)
		if ((at == list || at[-1] == ' ') && (at[length] == ' ' || !at[length]))
			return true;
	return false;
}

static struct claim express_call(const struct export *e, size_t index)
{
	const struct rule *rule = &e->policy->rules[index];
	enum call call = CALL_COUNT;
	unsigned class = CLASS_ORDINARY;

	(void)syscall_parse(rule->pattern, &call, &class); /* gathering the calls refused what it can't read */
	if (rule->effect != EFFECT_ALLOW || !e->calls[call].cases.count || is_restricted(call))
		return say_exact("seccomp", NULL);
	if (call == CALL_socket)
		return say_coarse("seccomp", "by family alone, whatever type and protocol");
	return say_coarse("seccomp", "wider: with all its arguments");
}

/* Addresses are filtered in the host's network; a socket without a path has no address. */
#define ABSTRACT " the host's abstract sockets"

/* The first rule of IPAddressAllow and IPAddressDeny that knows an address wins, and the allow list is
 * asked first: a deny inside of an allowed network can't be said. */
static struct claim express_network(const struct export *e, size_t index)
{
	const struct rule *rule = &e->policy->rules[index];
	const struct endpoint *to = rule->endpoint;
	bool any_port = to->first_port == 0 && to->last_port == UINT16_MAX;

	if (e->reach == REACH_SOME && to->form == HOST_ABSTRACT)
		return say_none("a socket without a path has no address");
	if (e->reach != REACH_SOME || to->form == HOST_HOST)
		return express_namespace(e, index);
	if (to->access == ACCESS_LISTEN)
		return rule->effect != EFFECT_ALLOW ? say_exact("cgroup", NULL) :
		       say_coarse("cgroup", "wider: at the host's own addresses, published or not, and" ABSTRACT);
	if (to->access == ACCESS_RESOLVE && rule->effect == EFFECT_ALLOW)
		return say_coarse("cgroup", "wider: every port of the name servers of this host's stub, and" ABSTRACT);
	if (to->form == HOST_NAME || to->form == HOST_SUFFIX)
		return say_none("systemd knows addresses, not names");
	if (to->form == HOST_LOOPBACK && rule->effect == EFFECT_ALLOW)
		return say_none("not granted: it would be the host's loopback");
	if (to->icmp && rule->effect == EFFECT_ALLOW)
		return say_none("not granted: it would open every port");
	if (rule->effect == EFFECT_ALLOW)
		return say_coarse("cgroup", any_port ? "wider: with it" ABSTRACT : "wider: every port of it, and" ABSTRACT);
	if (!any_port || to->icmp || to->access == ACCESS_RESOLVE)
		return say_none("ports and protocols cannot be denied by themselves");
	for (size_t i = 0; i < e->policy->rule_count; i++) {
		const struct rule *other = &e->policy->rules[i];

		if (other->kind == KIND_NETWORK && other->effect == EFFECT_ALLOW && other->endpoint->form == HOST_NETWORK &&
		    endpoint_covers(other->endpoint, to))
			return say_none("it lies inside of what is allowed, and allows win here");
	}
	return say_exact("cgroup", NULL);
}

static struct claim express_file(const struct export *e, size_t index)
{
	const struct rule *rule = &e->policy->rules[index];

	if (rule->effect == EFFECT_ALLOW && rule->place == PLACE_SYNTHETIC)
		return say_coarse("mounts", "wider: the host's own file is shown");
	if (rule->effect == EFFECT_ALLOW && rule->place == PLACE_PROC)
		return say_coarse("mounts", "wider: the host's processes, but for those of other users");
	return express_mounts(e, index);
}

/* ---- files ---- */

static void add_bind(struct writer *w, const struct export_mount *m, const char *source)
{
	const char *target = word(w, m->target, ":"), *from = word(w, source, ":");

	add(w, export_origin(w->e, m->origin), m->attributes & PLAN_READ_ONLY ? "BindReadOnlyPaths" : "BindPaths",
	    str_equal(target, from) ? target : arena_printf(w->e->arena, "%s:%s", from, target));
	if (m->attributes & PLAN_NOEXEC && !m->is_device)
		add(w, export_origin(w->e, m->origin), "NoExecPaths", word(w, m->target, ""));
}

static void add_symlink(struct writer *w, const struct export_mount *m)
{
	struct export_mount bind;

	if (export_link_source(w->e, m, &bind))
		add_bind(w, &bind, bind.source);
}

static void add_tmpfs(struct writer *w, const struct export_mount *m)
{
	uint64_t size;
	const char *room = export_limit(w->e, LIMIT_DISK, &size) ?
			   arena_printf(w->e->arena, ",size=%llu", (unsigned long long)size) : "";

	/* PrivateDevices makes a /dev with the shared memory of the computer in it. */
	if (!path_is_within(m->target, "/dev") || str_equal(m->target, "/dev/shm"))
		add(w, export_origin(w->e, m->origin), "TemporaryFileSystem",
		    arena_printf(w->e->arena, "%s:%s,nosuid,nodev%s,mode=%04o%s", word(w, m->target, ":"),
				 m->attributes & PLAN_READ_ONLY ? "ro" : "rw",
				 m->attributes & PLAN_NOEXEC ? ",noexec" : "", m->mode, room));
}

/* What is hidden must be there to be made inaccessible; in an empty place it is made by being hidden. */
static void add_mask(struct writer *w, const struct export_mount *m, const char *origin)
{
	for (size_t i = 0; i < w->e->mount_list.count; i++) {
		const struct export_mount *other = &w->e->mount_list.items[i];

		if (other->kind != MOUNT_DIRECTORY || !str_equal(other->target, m->target))
			continue;
		add(w, origin, "TemporaryFileSystem", arena_printf(w->e->arena, "%s:ro,mode=0000", word(w, m->target, ":")));
		return;
	}
	add(w, origin, "InaccessiblePaths", word(w, m->target, ""));
}

static void add_mount(struct writer *w, const struct export_mount *m)
{
	const char *origin = export_origin(w->e, m->origin);

	switch (m->kind) {
	case MOUNT_BIND:
		if (m->is_device && !export_is_default_device(m->source) && !w->user)
			add(w, origin, "DeviceAllow", arena_printf(w->e->arena, "%s rw", word(w, m->source, "")));
		if (!m->is_device || !export_is_default_device(m->source))
			add_bind(w, m, m->source);
		return;
	case MOUNT_TMPFS:
		add_tmpfs(w, m);
		return;
	case MOUNT_MASK:
		if (path_is_within(m->target, "/proc")) /* of that kernel, not of this one: "-" */
			add(w, origin, "InaccessiblePaths", arena_printf(w->e->arena, "-%s", m->target));
		else
			add_mask(w, m, origin);
		return;
	case MOUNT_SYMLINK:
		add_symlink(w, m);
		return;
	case MOUNT_READ_ONLY: /* of /proc: ProtectKernelTunables= */
	case MOUNT_FILE:
	case MOUNT_PROC:
	case MOUNT_DEVPTS:
	case MOUNT_DIRECTORY:
	case MOUNT_KIND_COUNT:
		return;
	}
	unreachable();
}

/* ---- calls ---- */

static bool may_call(const struct export *e, unsigned call)
{
	return e->calls[call].cases.count ? export_may_call(e, syscalls[call].name) : e->calls[call].allowed;
}

/* A name of a call of another processor, which no program here can make, is no hindrance. */
static bool is_whole(const struct export *e, const char *list)
{
	for (const char *at = list; *at;) {
		size_t length = strcspn(at, " ");
		int call = syscall_find(at, length);

		if (call >= 0 && !may_call(e, (unsigned)call))
			return false;
		at += length + strspn(at + length, " ");
	}
	return true;
}

/* A line for the calls of each line of the profile; `sign` "~" takes them out again. */
static void add_calls(struct writer *w, const char *sign, bool *calls)
{
	struct export *e = w->e;

	for (unsigned first = 0; first < CALL_COUNT; first++) {
		const struct rule *rule = e->calls[first].rule;
		struct strbuf names = { .arena = e->arena };

		for (unsigned call = first; call < CALL_COUNT; call++) {
			if (!calls[call] || !export_is_same_line(rule, e->calls[call].rule))
				continue;
			strbuf_addf(&names, "%s%s", names.length ? " " : sign, syscalls[call].name);
			calls[call] = false;
		}
		if (names.length)
			add(w, rule ? export_rule_origin(e, rule) : "runtime", "SystemCallFilter", strbuf_text(&names));
	}
}

/* systemd adds @default to the first line of what is allowed; naming it makes that line one.  Its calls
 * stay permitted until a later line takes them out: systemd.exec(5). */
static void add_filter(struct writer *w)
{
	struct export *e = w->e;
	bool alone[CALL_COUNT], unwanted[CALL_COUNT];

	for (unsigned call = 0; call < CALL_COUNT; call++)
		alone[call] = may_call(e, call), unwanted[call] = false;
	add(w, "runtime", "SystemCallFilter", "@default");
	for (size_t i = 0; i < ARRAY_SIZE(groups); i++) {
		bool is_default = str_equal(groups[i].name, "@default");

		if (!is_default && !is_whole(e, groups[i].calls))
			continue;
		if (!is_default)
			add(w, "runtime", "SystemCallFilter", groups[i].name);
		for (unsigned call = 0; call < CALL_COUNT; call++) {
			if (!has_word(groups[i].calls, syscalls[call].name))
				continue;
			alone[call] = false;
			unwanted[call] = unwanted[call] || (is_default && !may_call(e, call));
		}
	}
	add_calls(w, "", alone);
	add_calls(w, "~", unwanted);
	/* clone3 and its like must seem missing, or libraries do not fall back; so do all others. */
	add(w, "cuddy", "SystemCallErrorNumber", "ENOSYS");
}

static void add_restrictions(struct writer *w)
{
	static const struct { const char *call, *family; } families[] = {
		{ "socket", "AF_UNIX" }, { "socket(inet)", "AF_INET" }, { "socket(inet6)", "AF_INET6" },
		{ "socket(netlink-route)", "AF_NETLINK" }, { "socket(packet)", "AF_PACKET" }, { "socket(vsock)", "AF_VSOCK" },
	};
	struct export *e = w->e;
	struct strbuf list = { .arena = e->arena };
	bool user = export_may_call(e, "unshare(user-namespace)") || export_may_call(e, "clone(user-namespace)");
	bool others = export_may_call(e, "unshare(namespaces)") || export_may_call(e, "clone(namespaces)");

	for (size_t i = 0; i < ARRAY_SIZE(families); i++)
		if (export_may_call(e, families[i].call))
			strbuf_addf(&list, "%s%s", list.length ? " " : "", families[i].family);
	if (!export_may_call(e, "socket(other)"))
		add(w, "runtime", "RestrictAddressFamilies", list.length ? strbuf_text(&list) : "none");
	add(w, "runtime", "RestrictNamespaces", user && others ? "no" : user ? "user" : others ?
	    "cgroup ipc net mnt pid uts" : "yes");
	for (size_t i = 0; i < ARRAY_SIZE(always); i++) {
		const char *line = always[i].line, *unless = always[i].unless;

		if ((w->user && always[i].system) || (unless && *unless == '!' && !export_may_call(e, unless + 1)) ||
		    (unless && *unless != '!' && export_may_call(e, unless)))
			continue;
		add(w, "cuddy", arena_strndup(e->arena, line, strcspn(line, "=")), strchr(line, '=') + 1);
	}
}

/* ---- network ---- */

static void add_addresses(struct writer *w, const struct rule *rule, const char *key)
{
	const char *const *networks;
	size_t count = export_networks(w->e, rule->endpoint, &networks);

	for (size_t i = 0; i < count; i++)
		add(w, export_rule_origin(w->e, rule), key, networks[i]);
}

static void add_network(struct writer *w)
{
	struct export *e = w->e;
	static const enum host_form local[] = { HOST_LAN, HOST_LOOPBACK };
	bool wide = export_is_allowed_word(e, HOST_INTERNET) || export_is_allowed_word(e, HOST_ANY);

	if (e->reach == REACH_NOTHING)
		add(w, "networking", "PrivateNetwork", "yes");
	if (e->reach != REACH_SOME || w->user)
		return;
	for (size_t i = 0; i < e->policy->rule_count; i++) {
		const struct rule *rule = &e->policy->rules[i];
		enum host_form form;

		if (rule->kind != KIND_NETWORK || rule->effect == EFFECT_LOG || rule->endpoint->icmp)
			continue;
		form = rule->endpoint->form;
		if (rule->effect == EFFECT_ALLOW && rule->endpoint->access == ACCESS_RESOLVE)
			add(w, export_rule_origin(e, rule), "IPAddressAllow", "127.0.0.53 127.0.0.54");
		else if (rule->effect == EFFECT_ALLOW && (form == HOST_NETWORK || form == HOST_LAN) &&
			 !export_is_overruled(e, rule))
			add_addresses(w, rule, "IPAddressAllow");
		else if (rule->effect == EFFECT_DENY && e->claims[i].exactness == EXACTNESS_EXACT && form != HOST_HOST &&
			 rule->endpoint->access != ACCESS_LISTEN)
			add_addresses(w, rule, "IPAddressDeny");
	}
	if (!wide) {
		add(w, "nothing else is allowed", "IPAddressDeny", "any");
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(local) && !export_is_allowed_word(e, HOST_ANY); i++) {
		const char *text;

		for (size_t k = 0; (text = endpoint_word_network(e->arena, local[i], k)); k++)
			add(w, "not the internet", "IPAddressDeny", text);
	}
}

/* ---- the rest ---- */

static void add_capabilities(struct writer *w)
{
	struct strbuf list = { .arena = w->e->arena };
	const char *const *names;
	size_t count = export_capabilities(w->e, "CAP_", &names);

	for (size_t i = 0; i < count; i++)
		strbuf_addf(&list, "%s%s", i ? " " : "", names[i]);
	add(w, "runtime", "CapabilityBoundingSet", strbuf_text(&list));
	add(w, "runtime", "AmbientCapabilities", strbuf_text(&list));
}

/* No pattern, and nothing that a unit would take for more than a name. */
static bool is_variable(const char *name)
{
	return *name && !name[strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_")];
}

static void add_settings(struct writer *w)
{
	struct export *e = w->e;
	const struct policy *p = e->policy;
	struct strbuf command = { .arena = e->arena };
	const char *as = p->user_as.value;
	uint64_t value;

	for (size_t i = 0; i < p->command.count; i++) {
		const char *text = p->command.items[i].value;

		strbuf_add(&command, i ? " " : "");
		for (const char *at = word(w, text, ""); *at; at++)
			strbuf_addf(&command, "%s%c", *at == '$' ? "$" : "", *at);
	}
	if (command.length) {
		add(w, export_origin(e, p->command.items[0].origin), "ExecStart", "");
		add(w, export_origin(e, p->command.items[0].origin), "ExecStart", strbuf_text(&command));
	}
	if (str_equal(as, "nobody") && !w->user) /* "nobody" is everybody's: a user of its own is meant */
		add(w, export_origin(e, p->user_as.origin), "DynamicUser", "yes");
	else if (as && !str_equal(as, "me") && !w->user)
		add(w, export_origin(e, p->user_as.origin), "User", word(w, as, ""));
	for (size_t i = 0; i < p->groups.count && !w->user; i++)
		add(w, export_origin(e, p->groups.items[i].origin), "SupplementaryGroups",
		    word(w, p->groups.items[i].value, ""));
	if (p->working_directory.value)
		add(w, export_origin(e, p->working_directory.origin), "WorkingDirectory",
		    word(w, p->working_directory.value, ""));
	for (size_t i = 0; i < p->set.count; i++)
		add(w, export_origin(e, p->set.items[i].origin), "Environment",
		    word(w, arena_printf(e->arena, "%s=%s", p->set.items[i].name, p->set.items[i].value), ""));
	for (size_t i = 0; i < p->pass.count; i++)
		if (is_variable(p->pass.items[i].value))
			add(w, export_origin(e, p->pass.items[i].origin), "PassEnvironment", p->pass.items[i].value);
	for (size_t i = 0; i < ARRAY_SIZE(limits); i++)
		if (export_limit(e, limits[i].limit, &value) && !(w->user && limits[i].system))
			add(w, export_limit_origin(e, limits[i].limit), limits[i].key,
			    arena_printf(e->arena, "%lld%s", (long long)value, limits[i].unit));
}

static void write_unit(struct export *e, const char *ending, bool user)
{
	const char *name = export_name(e);
	struct writer w = { .e = e, .user = user };

	w.out = export_file(e, arena_printf(e->arena, "%s.%s.conf", name, ending), 0644);
	export_heading(e, w.out, "#");
	strbuf_addf(w.out, "# Belongs in /etc/systemd/%s/UNIT.service.d/%s\n[Service]\n", ending,
		    user ? "; a user's manager can say less: no addresses, devices, users" : "");
	add_settings(&w);
	add(&w, "cuddy", "TemporaryFileSystem", "/:ro");
	add(&w, "cuddy", "PrivateDevices", "yes");
	if (!user)
		add(&w, "cuddy", "DevicePolicy", "closed");
	for (size_t i = 0; i < e->mount_list.count; i++)
		add_mount(&w, &e->mount_list.items[i]);
	add_network(&w);
	if (!user)
		add_capabilities(&w);
	add_restrictions(&w);
	add_filter(&w);
}

static int write(struct export *e)
{
	write_unit(e, "system", false);
	write_unit(e, "user", true);
	return 0;
}

const struct export_target target_systemd = {
	"systemd", "drop-ins for a service of the system and of a user", "NAME.system.conf NAME.user.conf", false, false,
	{ express_file, express_network, express_call, express_capability, express_container_device, express_no_bus },
	settings, write,
};
