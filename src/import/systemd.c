/* import/systemd.c - the sandboxing directives of systemd's units.
 * A unit shows all and takes away, like firejail; what it leaves open without naming it is granted only as
 * far as nearly every service needs it: programs, /etc, /var, /run, /srv, /tmp, the network.
 * Source: systemd.exec(5), systemd.resource-control(5), systemd.unit(5) "Specifiers". */
#include "import/ini.h"
#include "import/groups.h"

#include <stdlib.h>
#include <string.h>

enum protect { SYSTEM_OPEN, SYSTEM_USR, SYSTEM_FULL, SYSTEM_STRICT };

struct unit {
	struct import *i;
	enum protect system;
	const struct origin *system_origin;
	bool private_tmp, private_network, private_devices, allows_calls, denies_calls, says_addresses;
	bool families_only, families_taken, inet, netlink;
	VEC(struct ini_line) addresses;
};

typedef void handler(struct unit *u, const struct ini_line *line, const char *text);

static bool is_yes(const char *value)
{
	return str_equal(value, "yes") || str_equal(value, "true") || str_equal(value, "on") || str_equal(value, "1");
}

static void always(struct unit *u UNUSED, const struct ini_line *line UNUSED, const char *text UNUSED)
{
}

static void lost(struct unit *u, const struct ini_line *line, const char *text)
{
	if (*line->value && !str_equal(line->value, "no") && !str_equal(line->value, "false"))
		import_tell(u->i, IMPORT_LOST, line->origin, "%s=%s: %s", line->key,
			    str_quote(u->i->arena, line->value), text);
}

/* --- paths ------------------------------------------------------------------------------- */

static const struct { char letter; const char *ours; } specifiers[] = {
	{ 'C', "/var/cache" }, { 'L', "/var/log" }, { 'S', "/var/lib" }, { 'T', "/tmp" }, { 'V', "/var/tmp" },
	{ 't', "/run" }, { 'h', "~" }, { '%', "%" },
};

/* A path with its specifiers expanded, as a literal pattern; NULL when one is not known before a start. */
static const char *path_of(struct unit *u, const char *text)
{
	struct strbuf out = { .arena = u->i->arena };

	while (*text == '-' || *text == '+')
		text++;
	for (; *text; text++) {
		const char *value = NULL;

		if (*text != '%') {
			strbuf_add(&out, import_literal(u->i->arena, text, 1));
			continue;
		}
		text++;
		for (size_t n = 0; n < ARRAY_SIZE(specifiers); n++)
			if (*text == specifiers[n].letter)
				value = specifiers[n].ours;
		if (!value)
			return NULL;
		strbuf_add(&out, value);
	}
	return *strbuf_text(&out) == '/' || *strbuf_text(&out) == '~' ? strbuf_text(&out) : NULL;
}

static bool takes_away(const char *key)
{
	return str_starts(key, "deny");
}

static void paths(struct unit *u, const struct ini_line *line, const char *key)
{
	char *rest = arena_strdup(u->i->arena, line->value), *word;

	while ((word = import_word(&rest, " \t"))) {
		const char *path = path_of(u, word);

		if (!path)
			import_tell(u->i, takes_away(key) ? IMPORT_LOST : IMPORT_NARROW, line->origin, "%s=%s", line->key,
				    str_quote(u->i->arena, word));
		else if (str_equal(key, "temporary"))
			import_add(u->i, IMPORT_WANTED, "filesystem", key,
				   arena_strndup(u->i->arena, path, strcspn(path, ":")), line->origin);
		else
			import_tree(u->i, takes_away(key) ? IMPORT_IF_NEEDED : IMPORT_WANTED, key, path, line->origin);
	}
}

static void bind_paths(struct unit *u, const struct ini_line *line, const char *access)
{
	char *rest = arena_strdup(u->i->arena, line->value), *word;

	while ((word = import_word(&rest, " \t"))) {
		char *end = strchr(word, ':'), *source = word + (*word == '-'), *target;

		if (end)
			*end = '\0';
		target = end ? end + 1 : source;
		target[strcspn(target, ":")] = '\0';
		if (*source == '/' && *target == '/' && !strchr(source, '%') && !strchr(target, '%'))
			import_mount(u->i, source, target, access, line->origin);
		else
			import_tell(u->i, IMPORT_UNKNOWN, line->origin, "%s=%s", line->key,
				    str_quote(u->i->arena, source));
	}
}

static void protect_system(struct unit *u, const struct ini_line *line, const char *text UNUSED)
{
	u->system = str_equal(line->value, "strict") ? SYSTEM_STRICT : str_equal(line->value, "full") ? SYSTEM_FULL :
		    is_yes(line->value) ? SYSTEM_USR : SYSTEM_OPEN;
	u->system_origin = line->origin;
}

static void protect_home(struct unit *u, const struct ini_line *line, const char *text UNUSED)
{
	const char *key = str_equal(line->value, "read-only") ? "deny-write" : "deny";

	if (!is_yes(line->value) && !str_equal(line->value, "read-only") && !str_equal(line->value, "tmpfs"))
		return;
	for (char *rest = arena_strdup(u->i->arena, "/home /root /run/user"), *path; (path = import_word(&rest, " "));)
		import_tree(u->i, IMPORT_WANTED, key, path, line->origin);
}

static void directory(struct unit *u, const struct ini_line *line, const char *top)
{
	char *rest = arena_strdup(u->i->arena, line->value), *word;

	while ((word = import_word(&rest, " \t"))) {
		word[strcspn(word, ":")] = '\0';
		if (!strchr(word, '%'))
			import_add(u->i, IMPORT_WANTED, "filesystem",
				   str_equal(top, "/etc") ? "read-only" : "read-write",
				   arena_printf(u->i->arena, "%s/%s{/,/**}", top,
						import_literal(u->i->arena, word, strlen(word))), line->origin);
	}
}

/* --- switches ---------------------------------------------------------------------------- */

static void switches(struct unit *u, const struct ini_line *line, const char *text)
{
	bool on = is_yes(line->value);

	if (str_equal(text, "tmp"))
		u->private_tmp = on;
	else if (str_equal(text, "network"))
		u->private_network = on;
	else
		u->private_devices = on;
}

/* Denied paths of a switch such as ProtectKernelTunables=yes. */
static void protect(struct unit *u, const struct ini_line *line, const char *values)
{
	const char *key = str_starts(values, "deny-write ") ? "deny-write" : "deny";
	char *rest = arena_strdup(u->i->arena, values + strlen(key)), *path;

	while (is_yes(line->value) && (path = import_word(&rest, " ")))
		import_tree(u->i, IMPORT_IF_NEEDED, key, path, line->origin);
}

static void deny_calls(struct unit *u, const struct ini_line *line, const char *values)
{
	char *rest = arena_strdup(u->i->arena, values), *name;

	while (is_yes(line->value) && (name = import_word(&rest, " ")))
		if (*name == '@')
			deny_calls(u, line, group_members(u->i->arena, GROUPS_SYSTEMD, name + 1));
		else
			import_call(u->i, false, IMPORT_IF_NEEDED, name, line->origin);
}

/* --- calls, capabilities, addresses ------------------------------------------------------ */

static void call(struct unit *u, const char *name, bool allow, const struct origin *origin)
{
	const char *members = *name == '@' ? group_members(u->i->arena, GROUPS_SYSTEMD, name + 1) : NULL;
	char *rest;

	if (members) {
		rest = arena_strdup(u->i->arena, members);
		while ((name = import_word(&rest, " ")))
			import_call(u->i, allow, allow ? IMPORT_WANTED : IMPORT_IF_NEEDED, name, origin);
	} else if (!import_call(u->i, allow, IMPORT_WANTED, name, origin)) {
		import_tell(u->i, allow ? IMPORT_NARROW : IMPORT_UNKNOWN, origin, "there is no system call '%s'",
			    str_quote(u->i->arena, name));
	}
}

static void call_filter(struct unit *u, const struct ini_line *line, const char *text UNUSED)
{
	bool allow = *line->value != '~';
	char *rest = arena_strdup(u->i->arena, line->value + !allow), *word;

	if (!*line->value) {
		import_drop(u->i, "runtime", "allow-syscalls", NULL);
		import_drop(u->i, "runtime", "deny-syscalls", NULL);
		u->allows_calls = u->denies_calls = false;
		return;
	}
	if (allow && !u->allows_calls) /* what every allow-list of systemd holds */
		call(u, "@default", true, line->origin);
	u->allows_calls |= allow;
	u->denies_calls |= !allow;
	while ((word = import_word(&rest, " \t"))) {
		word[strcspn(word, ":")] = '\0';
		call(u, word, allow, line->origin);
	}
}

static void capabilities(struct unit *u, const struct ini_line *line, const char *text UNUSED)
{
	bool allow = *line->value != '~';
	char *rest = arena_strdup(u->i->arena, line->value + !allow), *word;

	while ((word = import_word(&rest, " \t")))
		import_capability(u->i, allow ? "allow-capabilities" : "deny-capabilities", word, line->origin);
}

static void families(struct unit *u, const struct ini_line *line, const char *text UNUSED)
{
	bool allow = *line->value != '~';

	if (str_equal(line->value, "none")) {
		u->families_only = true;
		return;
	}
	u->families_only |= allow && *line->value;
	u->families_taken |= !allow && strstr(line->value, "AF_INET");
	u->inet |= allow && strstr(line->value, "AF_INET");
	u->netlink |= allow && strstr(line->value, "AF_NETLINK");
}

static void address(struct unit *u, const struct ini_line *line, const char *text)
{
	char *rest = arena_strdup(u->i->arena, line->value), *word;

	while ((word = import_word(&rest, " \t"))) {
		const char *ours = str_equal(word, "localhost") ? "loopback" : str_equal(word, "link-local") ? "169.254.0.0/16" :
				   str_equal(word, "multicast") ? "224.0.0.0/4" : word;

		/* An allow-list of systemd lifts a deny of the same unit; with "any" denied it is all that is allowed. */
		*vec_push(u->i->arena, &u->addresses) = (struct ini_line){ text, text, ours, line->origin };
	}
}

/* --- settings ---------------------------------------------------------------------------- */

static void limit(struct unit *u, const struct ini_line *line, const char *key)
{
	const char *value = str_equal(line->value, "infinity") ? "unlimited" : line->value;

	if (*value)
		import_set(u->i, "runtime", key, value, value[strspn(value, "0123456789")] == '\0' && strlen(value) < 19,
			   line->origin);
}

static void text_of(struct unit *u, const struct ini_line *line, const char *key)
{
	if (*line->value && !strchr(line->value, '%'))
		import_set(u->i, str_equal(key, "working-directory") ? "filesystem" : "", key, line->value, false,
			   line->origin);
}

static void user(struct unit *u, const struct ini_line *line, const char *text UNUSED)
{
	import_tell(u->i, IMPORT_NARROW, line->origin, "%s=%s: a cage runs as the user who starts it", line->key,
		    str_quote(u->i->arena, line->value));
}

static void environment(struct unit *u, const struct ini_line *line, const char *text UNUSED)
{
	char *rest = arena_strdup(u->i->arena, line->value), *word;

	while ((word = import_word(&rest, strchr(rest, '"') ? "\"" : " \t"))) {
		if (!import_variable(u->i, word, line->origin))
			import_tell(u->i, IMPORT_UNKNOWN, line->origin, "Environment '%s'", str_quote(u->i->arena, word));
	}
}

static void command(struct unit *u, const struct ini_line *line, const char *text UNUSED)
{
	struct strbuf out = { .arena = u->i->arena };
	char *rest = arena_strdup(u->i->arena, line->value + strspn(line->value, "@-:+!")), *word;

	if (strpbrk(rest, "\"'\\$%") || !str_equal(str_quote(u->i->arena, rest), rest)) {
		import_tell(u->i, IMPORT_UNKNOWN, line->origin, "the command is not simple: write it by hand");
		return;
	}
	while ((word = import_word(&rest, " \t")))
		strbuf_addf(&out, "%s\"%s\"", out.length ? ", " : "[", word);
	if (out.length)
		import_set(u->i, "", "command", arena_printf(u->i->arena, "%s]", strbuf_text(&out)), true, line->origin);
}

static const struct row { const char *key; handler *run; const char *text; } rows[] = {
	{ "AmbientCapabilities", capabilities, "" },
	{ "BindPaths", bind_paths, "read-write" },
	{ "BindReadOnlyPaths", bind_paths, "read-only" },
	{ "CPUQuota", limit, "cpu" },
	{ "CacheDirectory", directory, "/var/cache" },
	{ "CapabilityBoundingSet", capabilities, "" },
	{ "ConfigurationDirectory", directory, "/etc" },
	{ "Description", text_of, "description" },
	{ "DeviceAllow", lost, "name devices in [misc]" },
	{ "DevicePolicy", always, "" },
	{ "DynamicUser", user, "" },
	{ "Environment", environment, "" },
	{ "ExecPaths", paths, "execute" },
	{ "ExecStart", command, "" },
	{ "Group", user, "" },
	{ "IPAddressAllow", address, "allow" },
	{ "IPAddressDeny", address, "deny" },
	{ "InaccessibleDirectories", paths, "deny" },
	{ "InaccessiblePaths", paths, "deny" },
	{ "LimitFSIZE", limit, "file-size" },
	{ "LimitNOFILE", limit, "open-files" },
	{ "LimitNPROC", limit, "tasks" },
	{ "LockPersonality", deny_calls, "personality" },
	{ "LogsDirectory", directory, "/var/log" },
	{ "MemoryDenyWriteExecute", lost, "memory may be written and executed" },
	{ "MemoryLimit", limit, "memory" },
	{ "MemoryMax", limit, "memory" },
	{ "MemorySwapMax", limit, "swap" },
	{ "NoExecPaths", paths, "deny-execute" },
	{ "NoNewPrivileges", always, "" },
	{ "PrivateDevices", switches, "devices" },
	{ "PrivateIPC", always, "" },
	{ "PrivateMounts", always, "" },
	{ "PrivateNetwork", switches, "network" },
	{ "PrivateTmp", switches, "tmp" },
	{ "PrivateUsers", always, "" },
	{ "ProcSubset", lost, "all of /proc is shown" },
	{ "ProtectClock", deny_calls, "@clock" },
	{ "ProtectControlGroups", protect, "deny-write /sys/fs/cgroup" },
	{ "ProtectHome", protect_home, "" },
	{ "ProtectHostname", deny_calls, "sethostname setdomainname" },
	{ "ProtectKernelLogs", protect, "deny /dev/kmsg /proc/kmsg" },
	{ "ProtectKernelModules", protect, "deny /lib/modules /usr/lib/modules" },
	{ "ProtectKernelTunables", protect,
	  "deny-write /proc/sys /proc/sysrq-trigger /proc/latency_stats /proc/acpi /proc/timer_stats /proc/fs "
	  "/proc/irq /sys" },
	{ "ProtectProc", always, "" },
	{ "ProtectSystem", protect_system, "" },
	{ "ReadOnlyDirectories", paths, "deny-write" },
	{ "ReadOnlyPaths", paths, "deny-write" },
	{ "ReadWriteDirectories", paths, "read-write" },
	{ "ReadWritePaths", paths, "read-write" },
	{ "RestrictAddressFamilies", families, "" },
	{ "RestrictFileSystems", lost, "kinds of file systems cannot be named" },
	{ "RestrictNamespaces", always, "" },
	{ "RestrictRealtime", deny_calls, "sched_setscheduler sched_setattr sched_setparam" },
	{ "RestrictSUIDSGID", always, "" },
	{ "RootDirectory", lost, "see the key 'root'" },
	{ "RootImage", lost, "see 'cuddy image'" },
	{ "RuntimeDirectory", directory, "/run" },
	{ "SocketBindAllow", lost, "see 'listen:PORT' of networking" },
	{ "SocketBindDeny", lost, "see 'listen:PORT' of networking" },
	{ "StateDirectory", directory, "/var/lib" },
	{ "SupplementaryGroups", user, "" },
	{ "SystemCallArchitectures", always, "" },
	{ "SystemCallFilter", call_filter, "" },
	{ "TasksMax", limit, "tasks" },
	{ "TemporaryFileSystem", paths, "temporary" },
	{ "User", user, "" },
	{ "WorkingDirectory", text_of, "working-directory" },
};

/* An empty assignment takes back what the earlier lines of that key said. */
static void reset(struct import *i, const char *key)
{
	for (size_t n = 0; n < i->entries.count; n++) {
		const struct import_entry *e = &i->entries.items[n];
		const struct origin *origin = e->origins.count ? e->origins.items[0] : NULL;
		const char *text = origin ? origin->source->text : NULL;

		for (uint32_t line = 1; text && line < origin->line; line++)
			text = strchr(text, '\n') + 1;
		if (text && strncmp(text + strspn(text, " \t"), key, strlen(key)) == 0) {
			memmove(&i->entries.items[n], &i->entries.items[n + 1],
				(i->entries.count - n - 1) * sizeof(*i->entries.items));
			i->entries.count--;
			n--;
		}
	}
}

static void each(void *data, const struct ini_line *line)
{
	struct unit *u = data;

	if (!str_equal(line->section, "Service") && !str_equal(line->key, "Description"))
		return;
	for (size_t n = 0; n < ARRAY_SIZE(rows); n++)
		if (str_equal(rows[n].key, line->key)) {
			if (!*line->value)
				reset(u->i, line->key);
			rows[n].run(u, line, rows[n].text);
			return;
		}
	if (str_starts(line->key, "Protect") || str_starts(line->key, "Private") || str_starts(line->key, "Restrict"))
		import_tell(u->i, IMPORT_UNKNOWN, line->origin, "%s=%s", str_quote(u->i->arena, line->key),
			    str_quote(u->i->arena, line->value));
}

/* --- what a unit leaves open ------------------------------------------------------------- */

static void grant(struct unit *u, const char *key, enum import_need need, const char *list)
{
	for (char *rest = arena_strdup(u->i->arena, list), *path; (path = import_word(&rest, " "));)
		import_add(u->i, need, "filesystem", key, arena_printf(u->i->arena, "%s{/,/**}", path), NULL);
}

static void grant_files(struct unit *u)
{
	grant(u, "execute", IMPORT_WANTED, "/usr /bin /lib /lib32 /lib64 /libx32 /sbin /opt");
	grant(u, "execute", IMPORT_IMPLIED, "/nix /gnu /run");
	grant(u, "read-only", IMPORT_WANTED, "/etc");
	grant(u, "read-only", IMPORT_IMPLIED, "/sys /proc /var");
	if (u->system != SYSTEM_STRICT)
		grant(u, "read-write", IMPORT_WANTED, "/run /srv /var");
	if (!u->private_tmp && u->system != SYSTEM_STRICT)
		grant(u, "read-write", IMPORT_WANTED, "/tmp");
	if (u->private_tmp)
		import_add_all(u->i, IMPORT_WANTED, "filesystem", "temporary", "/tmp /var/tmp", NULL);
	import_mount(u->i, "proc:", "/proc", "read-write", NULL);
	import_flag(u->i, "misc.standard-devices", NULL);
	import_flag(u->i, "user.identity", NULL);
}

static void grant_network(struct unit *u)
{
	bool any_denied = false, has_allow = false;

	for (size_t n = 0; n < u->addresses.count; n++) {
		any_denied |= str_equal(u->addresses.items[n].key, "deny") && str_equal(u->addresses.items[n].value, "any");
		has_allow |= str_equal(u->addresses.items[n].key, "allow");
	}
	if (u->private_network || (u->families_only && !u->inet) || u->families_taken)
		return;
	for (size_t n = 0; n < u->addresses.count; n++) {
		const struct ini_line *a = &u->addresses.items[n];

		if (any_denied && str_equal(a->key, "deny"))
			continue; /* nothing but what is allowed */
		if (!any_denied && has_allow && str_equal(a->key, "deny"))
			import_tell(u->i, IMPORT_NARROW, a->origin, "'%s' is denied, also where an allow lifts it",
				    str_quote(u->i->arena, a->value));
		import_add(u->i, IMPORT_WANTED, "networking", a->key, a->value, a->origin);
	}
	import_add_all(u->i, IMPORT_WANTED, "runtime", "allow-syscalls", "socket(inet) socket(inet6) socket(netlink-route)",
		       NULL);
	if (any_denied)
		return;
	import_add_all(u->i, IMPORT_WANTED, "networking", "allow", "dns:any internet lan listen:any loopback", NULL);
	import_mount(u->i, "synthetic:hosts", "/etc/hosts", "read-only", NULL);
	import_mount(u->i, "synthetic:resolv-conf", "/etc/resolv.conf", "read-only", NULL);
}

static int read_unit(struct import *i, const struct source *source)
{
	struct unit *u = arena_new_object(i->arena, struct unit);
	int r;

	u->i = i;
	r = ini_read(i, source, true, each, u);
	if (r < 0)
		return r;
	grant_files(u);
	grant_network(u);
	import_add_all(i, IMPORT_IMPLIED, "misc", "devices", "/dev/random /dev/tty /dev/urandom", NULL);
	if (!u->allows_calls) {
		import_all_calls(i);
		import_calls_of(i, "runtime.ordinary", NULL);
	}
	return 0;
}

static int recognise(const char *text, const char *file)
{
	if (str_ends(file, ".service"))
		return 2;
	return strstr(text, "[Service]") != NULL;
}

const struct import_reader import_systemd = { "systemd", recognise, read_unit };
