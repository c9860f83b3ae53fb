/* import/firejail.c - firejail's profiles.
 * Lines are collected first: includes in their place, `ignore` and conditions applied.  Then two passes:
 * options, which say what stays open, and files, whose meaning depends on the options.
 * Taken over is what firejail shows to nearly every program (programs, /etc, the home, /tmp, drives that
 * are mounted, network, windows, sound); what else it leaves open must be named to be granted.
 * Source: firejail-profile(5), firejail(1), version 0.9.72. */
#include "import/firejail.h"
#include "base/limits.h"
#include "base/path.h"
#include "import/groups.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct directive { const char *name, *rest; const struct origin *origin; };
typedef VEC(struct directive) directives;

/* --- what lines do ----------------------------------------------------------------------- */

typedef void handler(struct firejail *f, const char *rest, const struct origin *origin, int number,
		     const char *text);

/* So in every cage, or nothing that a cage could have. */
static void always(struct firejail *f UNUSED, const char *rest UNUSED, const struct origin *origin UNUSED,
		   int number UNUSED, const char *text UNUSED)
{
}

static void lost(struct firejail *f, const char *rest, const struct origin *origin, int number, const char *text)
{
	import_tell(f->i, (enum import_loss)number, origin, "%s%s%s", text, *rest ? ": " : "",
		    str_quote(f->i->arena, rest));
}

static void shut(struct firejail *f, const char *rest UNUSED, const struct origin *origin UNUSED, int number,
		 const char *text UNUSED)
{
	f->closed[number] = true;
}

static void keep_private(struct firejail *f, const char *rest, const struct origin *origin, int number,
			 const char *text)
{
	f->private |= (unsigned)number;
	if (!*text)
		firejail_private_list(f, "bin", rest, origin);
	else if (str_equal(text, "etc") || str_equal(text, "opt") || str_equal(text, "srv"))
		firejail_private_list(f, text, rest, origin);
	else
		import_add(f->i, IMPORT_WANTED, "filesystem", "temporary", text, origin);
}

static void private_home(struct firejail *f, const char *rest, const struct origin *origin, int number UNUSED,
			 const char *text UNUSED)
{
	const char *path = *rest ? firejail_path(f, rest, origin) : NULL;

	f->private |= PRIVATE_HOME;
	if (!*rest)
		import_add(f->i, IMPORT_WANTED, "filesystem", "temporary", "~", origin);
	else if (path)
		import_mount(f->i, path, "~", "read-write", origin);
}

static void writable(struct firejail *f, const char *rest UNUSED, const struct origin *origin UNUSED, int number,
		     const char *text UNUSED)
{
	f->writes_var |= number == 0;
	f->writes_etc |= number == 1;
	f->closed[OPEN_USER_RUN] |= number == 2;
}

static void capabilities(struct firejail *f, const char *rest, const struct origin *origin, int number UNUSED,
			 const char *key)
{
	char *list = arena_strdup(f->i->arena, rest), *name;

	while ((name = import_word(&list, ", ")))
		if (!str_equal(name, "all")) /* all dropped, as in every cage */
			import_capability(f->i, key, name, origin);
}

/* "ptrace", "ptrace:EPERM", "@clock", "!chroot", "$165". */
static void one_call(struct firejail *f, char *name, bool allow, enum import_need need,
		     const struct origin *origin)
{
	const char *members;
	char *rest;

	name[strcspn(name, ":")] = '\0';
	if (*name == '!') {
		*vec_push(f->i->arena, &f->excepted) = name + 1;
		return;
	}
	members = *name == '@' ? group_members(f->i->arena, GROUPS_FIREJAIL, name + 1) : name;
	rest = arena_strdup(f->i->arena, members ? members : name);
	if (*name == '@' && members)
		need = allow ? need : IMPORT_IF_NEEDED;
	while ((name = import_word(&rest, " "))) {
		bool excepted = false;

		for (size_t n = 0; n < f->excepted.count; n++)
			excepted |= str_equal(f->excepted.items[n], name);
		if (!excepted && !import_call(f->i, allow, need, name, origin))
			import_tell(f->i, allow ? IMPORT_NARROW : IMPORT_UNKNOWN, origin, "there is no system call '%s'",
				    str_quote(f->i->arena, name));
	}
}

/* seccomp adds to the default list, seccomp.drop stands alone, seccomp.keep allows. */
static void filter(struct firejail *f, const char *rest, const struct origin *origin, int number,
		   const char *text)
{
	char *list = arena_printf(f->i->arena, "%s,%s", text, rest), *name;
	char *first = arena_strdup(f->i->arena, list);

	while ((name = import_word(&first, ", "))) /* exceptions may stand last */
		if (*name == '!')
			*vec_push(f->i->arena, &f->excepted) = name + 1;
	f->has_seccomp = true;
	f->keeps_calls |= number != 0;
	while ((name = import_word(&list, ", ")))
		if (*name != '!')
			one_call(f, name, number != 0, IMPORT_WANTED, origin);
	for (size_t n = 0; n < f->excepted.count; n++)
		if (str_equal(f->excepted.items[n], "chroot"))
			f->own_sandbox = origin;
}

/* Without words: of every kind. */
static void namespaces(struct firejail *f, const char *rest, const struct origin *origin, int number UNUSED,
		       const char *text UNUSED)
{
	char *list = arena_strdup(f->i->arena, *rest ? rest : "user"), *name;

	while ((name = import_word(&list, ", ")))
		if (str_equal(name, "user"))
			f->no_user_namespaces = origin;
}

static void protocols(struct firejail *f, const char *rest, const struct origin *origin UNUSED,
		      int number UNUSED, const char *text UNUSED)
{
	static const struct { const char *name; enum feature feature; } families[] = {
		{ "inet", OPEN_INET }, { "inet6", OPEN_INET6 }, { "netlink", OPEN_NETLINK },
		{ "packet", OPEN_PACKET },
	};
	bool listed[ARRAY_SIZE(families)] = { false };
	char *list = arena_strdup(f->i->arena, rest), *name;

	while ((name = import_word(&list, ", ")))
		for (size_t n = 0; n < ARRAY_SIZE(families); n++)
			listed[n] |= str_equal(name, families[n].name);
	for (size_t n = 0; n < ARRAY_SIZE(families); n++)
		f->closed[families[n].feature] |= !listed[n];
}

static void network(struct firejail *f, const char *rest, const struct origin *origin, int number UNUSED,
		    const char *text UNUSED)
{
	if (str_equal(rest, "none"))
		f->closed[OPEN_INET] = f->closed[OPEN_INET6] = f->closed[OPEN_PACKET] = true;
	else
		import_tell(f->i, IMPORT_NARROW, origin, "the cage has a network of its own, not '%s'",
			    str_quote(f->i->arena, rest));
}

static void bus(struct firejail *f, const char *rest, const struct origin *origin, int number,
		const char *text UNUSED)
{
	f->closed[number] = true; /* a filter allows what it names */
	if (!str_equal(rest, "none") && !str_equal(rest, "filter") && !str_equal(rest, "allow"))
		import_tell(f->i, IMPORT_UNKNOWN, origin, "'%s' is no bus policy", str_quote(f->i->arena, rest));
}

static void bus_name(struct firejail *f, const char *rest, const struct origin *origin, int number,
		     const char *text)
{
	import_add(f->i, IMPORT_WANTED, number ? "desktop.system-bus" : "desktop.session-bus", text, rest, origin);
}

static void x11(struct firejail *f, const char *rest, const struct origin *origin UNUSED, int number UNUSED,
		const char *text UNUSED)
{
	f->closed[OPEN_X11] |= str_equal(rest, "none");
}

static void set(struct firejail *f, const char *rest, const struct origin *origin, int number, const char *text)
{
	const char *section = number == 1 ? "runtime" : number == 2 ? "filesystem" : "";
	bool is_number = number == 1 && rest[strspn(rest, "0123456789")] == '\0' && strlen(rest) < 19;

	if (number == 1 && !is_number)
		import_tell(f->i, IMPORT_LOST, origin, "'%s' is no number", str_quote(f->i->arena, rest));
	else
		import_set(f->i, section, text, rest, is_number, origin);
}

static void set_timeout(struct firejail *f, const char *rest, const struct origin *origin, int number UNUSED,
			const char *text)
{
	unsigned long seconds = 0;
	char *list = arena_strdup(f->i->arena, rest), *part;

	while ((part = import_word(&list, ":")))
		seconds = seconds * 60 + strtoul(part, NULL, 10) % 100000;
	import_set(f->i, "runtime", text, arena_printf(f->i->arena, "%lu", seconds), true, origin);
}

static void environment(struct firejail *f, const char *rest, const struct origin *origin, int number,
			const char *text)
{
	if (number)
		import_add(f->i, IMPORT_WANTED, "environment", text, rest, origin);
	else if (!import_variable(f->i, rest, origin))
		import_tell(f->i, IMPORT_UNKNOWN, origin, "env '%s'", str_quote(f->i->arena, rest));
}

static void add(struct firejail *f, const char *rest, const struct origin *origin, int number UNUSED,
		const char *text)
{
	import_add(f->i, IMPORT_WANTED, "networking", text, rest, origin);
}

static void debuggers(struct firejail *f, const char *rest UNUSED, const struct origin *origin,
		      int number UNUSED, const char *text)
{
	import_add_all(f->i, IMPORT_WANTED, "runtime", "allow-syscalls", text, origin);
	*vec_push(f->i->arena, &f->excepted) = "ptrace";
	*vec_push(f->i->arena, &f->excepted) = "personality";
	*vec_push(f->i->arena, &f->excepted) = "process_vm_readv";
}

/* --- lines about files ------------------------------------------------------------------- */

static void blacklist(struct firejail *f, const char *rest, const struct origin *origin, int number UNUSED,
		      const char *text UNUSED)
{
	firejail_blacklist(f, rest, origin);
}

static void no_blacklist(struct firejail *f, const char *rest, const struct origin *origin UNUSED,
			 int number UNUSED, const char *text UNUSED)
{
	if (f->no_blacklist.count < LIMIT_IMPORT_EXCEPTIONS)
		*vec_push(f->i->arena, &f->no_blacklist) = rest;
}

static void whitelist(struct firejail *f, const char *rest, const struct origin *origin, int number,
		      const char *text UNUSED)
{
	firejail_whitelist(f, rest, number != 0, origin);
}

static void no_whitelist(struct firejail *f, const char *rest, const struct origin *origin UNUSED,
			 int number UNUSED, const char *text UNUSED)
{
	*vec_push(f->i->arena, &f->no_whitelist) = rest;
}

static void access_line(struct firejail *f, const char *rest, const struct origin *origin, int number UNUSED,
			const char *text)
{
	firejail_access(f, text, rest, origin);
}

static void read_write(struct firejail *f, const char *rest, const struct origin *origin, int number UNUSED,
		       const char *text UNUSED)
{
	firejail_read_write(f, rest, origin);
}

static void temporary(struct firejail *f, const char *rest, const struct origin *origin, int number UNUSED,
		      const char *text)
{
	const char *path = firejail_path(f, rest, origin);

	if (path)
		import_add(f->i, IMPORT_WANTED, "filesystem", text, path, origin);
}

static void bind_mount(struct firejail *f, const char *rest, const struct origin *origin, int number UNUSED,
		       const char *text UNUSED)
{
	char *list = arena_strdup(f->i->arena, rest), *source = import_word(&list, ","),
	     *target = import_word(&list, ",");

	if (source && target && *source == '/' && *target == '/')
		import_mount(f->i, source, target, "read-write", origin);
	else
		import_tell(f->i, IMPORT_UNKNOWN, origin, "bind '%s'", str_quote(f->i->arena, rest));
}

/* --- the table --------------------------------------------------------------------------- */

enum pass { OPTIONS, FILES };

static const struct row { const char *name; enum pass pass; handler *run; int number; const char *text; } rows[] = {
	{ "allow-debuggers", OPTIONS, debuggers, 0, "kcmp personality personality(any) process_vm_readv ptrace" },
	{ "allusers", OPTIONS, always, 0, "" },
	{ "apparmor", OPTIONS, always, 0, "" },
	{ "apparmor-replace", OPTIONS, always, 0, "" },
	{ "apparmor-stack", OPTIONS, always, 0, "" },
	{ "bind", FILES, bind_mount, 0, "" },
	{ "blacklist", FILES, blacklist, 0, "" },
	{ "blacklist-nolog", FILES, blacklist, 0, "" },
	{ "caps", OPTIONS, always, 0, "" },
	{ "caps.drop", OPTIONS, capabilities, 0, "deny-capabilities" },
	{ "caps.keep", OPTIONS, capabilities, 0, "allow-capabilities" },
	{ "cpu", OPTIONS, lost, IMPORT_LOST, "processors cannot be chosen" },
	{ "dbus-system", OPTIONS, bus, OPEN_SYSTEM_BUS, "" },
	{ "dbus-system.broadcast", OPTIONS, bus_name, 1, "broadcast" },
	{ "dbus-system.call", OPTIONS, bus_name, 1, "call" },
	{ "dbus-system.own", OPTIONS, bus_name, 1, "own" },
	{ "dbus-system.see", OPTIONS, bus_name, 1, "see" },
	{ "dbus-system.talk", OPTIONS, bus_name, 1, "talk" },
	{ "dbus-user", OPTIONS, bus, OPEN_SESSION_BUS, "" },
	{ "dbus-user.broadcast", OPTIONS, bus_name, 0, "broadcast" },
	{ "dbus-user.call", OPTIONS, bus_name, 0, "call" },
	{ "dbus-user.own", OPTIONS, bus_name, 0, "own" },
	{ "dbus-user.see", OPTIONS, bus_name, 0, "see" },
	{ "dbus-user.talk", OPTIONS, bus_name, 0, "talk" },
	{ "deterministic-exit-code", OPTIONS, always, 0, "" },
	{ "deterministic-shutdown", OPTIONS, always, 0, "" },
	{ "disable-mnt", OPTIONS, shut, OPEN_MOUNTS, "" },
	{ "dns", OPTIONS, add, 0, "dns" },
	{ "env", OPTIONS, environment, 0, "" },
	{ "hostname", OPTIONS, set, 0, "hostname" },
	{ "ipc-namespace", OPTIONS, always, 0, "" },
	{ "join-or-start", OPTIONS, always, 0, "" },
	{ "keep-config-pulse", OPTIONS, always, 0, "" },
	{ "keep-dev-shm", OPTIONS, lost, IMPORT_NARROW, "the cage has a /dev/shm of its own" },
	{ "keep-fd", OPTIONS, lost, IMPORT_NARROW, "no descriptor is passed on" },
	{ "keep-var-tmp", OPTIONS, always, 0, "" },
	{ "machine-id", OPTIONS, always, 0, "" },
	{ "memory-deny-write-execute", OPTIONS, lost, IMPORT_LOST, "memory may be written and executed" },
	{ "mkdir", FILES, always, 0, "" },
	{ "mkfile", FILES, always, 0, "" },
	{ "net", OPTIONS, network, 0, "" },
	{ "netfilter", OPTIONS, always, 0, "" },
	{ "nice", OPTIONS, set, 1, "nice" },
	{ "no3d", OPTIONS, shut, OPEN_3D, "" },
	{ "noblacklist", FILES, no_blacklist, 0, "" },
	{ "nodvd", OPTIONS, shut, OPEN_DISC, "" },
	{ "noexec", FILES, access_line, 0, "deny-execute" },
	{ "nogroups", OPTIONS, always, 0, "" },
	{ "noinput", OPTIONS, shut, OPEN_INPUT, "" },
	{ "nonewprivs", OPTIONS, always, 0, "" },
	{ "noprinters", OPTIONS, shut, OPEN_PRINTER, "" },
	{ "noroot", OPTIONS, always, 0, "" },
	{ "nosound", OPTIONS, shut, OPEN_SOUND, "" },
	{ "notv", OPTIONS, always, 0, "" },
	{ "nou2f", OPTIONS, shut, OPEN_KEY, "" },
	{ "novideo", OPTIONS, shut, OPEN_VIDEO, "" },
	{ "nowhitelist", OPTIONS, no_whitelist, 0, "" },
	{ "private", OPTIONS, private_home, 0, "" },
	{ "private-bin", OPTIONS, keep_private, PRIVATE_BIN, "" },
	{ "private-cache", OPTIONS, keep_private, PRIVATE_CACHE, "~/.cache" },
	{ "private-cwd", OPTIONS, set, 2, "working-directory" },
	{ "private-dev", OPTIONS, always, 0, "" },
	{ "private-etc", OPTIONS, keep_private, PRIVATE_ETC, "etc" },
	{ "private-lib", OPTIONS, lost, IMPORT_LOST, "all libraries can be read" },
	{ "private-opt", OPTIONS, keep_private, PRIVATE_OPT, "opt" },
	{ "private-srv", OPTIONS, keep_private, PRIVATE_SRV, "srv" },
	{ "private-tmp", OPTIONS, keep_private, PRIVATE_TMP, "/tmp" },
	{ "protocol", OPTIONS, protocols, 0, "" },
	{ "quiet", OPTIONS, always, 0, "" },
	{ "read-only", FILES, access_line, 0, "deny-write" },
	{ "read-write", FILES, read_write, 0, "" },
	{ "restrict-namespaces", OPTIONS, namespaces, 0, "" },
	{ "rlimit-as", OPTIONS, set, 1, "memory" },
	{ "rlimit-fsize", OPTIONS, set, 1, "file-size" },
	{ "rlimit-nofile", OPTIONS, set, 1, "open-files" },
	{ "rlimit-nproc", OPTIONS, set, 1, "tasks" },
	{ "rmenv", OPTIONS, environment, 1, "unset" },
	{ "seccomp", OPTIONS, filter, 0, "@default-nodebuggers" },
	{ "seccomp.32", OPTIONS, always, 0, "" },
	{ "seccomp.block-secondary", OPTIONS, always, 0, "" },
	{ "seccomp.drop", OPTIONS, filter, 0, "" },
	{ "seccomp.keep", OPTIONS, filter, 1, "@default-keep" },
	{ "shell", OPTIONS, always, 0, "" },
	{ "tab", OPTIONS, always, 0, "" },
	{ "timeout", OPTIONS, set_timeout, 0, "timeout" },
	{ "tmpfs", FILES, temporary, 0, "temporary" },
	{ "tracelog", OPTIONS, always, 0, "" },
	{ "whitelist", FILES, whitelist, 0, "" },
	{ "whitelist-ro", FILES, whitelist, 1, "" },
	{ "writable-etc", OPTIONS, writable, 1, "" },
	{ "writable-run-user", OPTIONS, writable, 2, "" },
	{ "writable-var", OPTIONS, writable, 0, "" },
	{ "writable-var-log", OPTIONS, lost, IMPORT_NARROW, "/var/log is not written" },
	{ "x11", OPTIONS, x11, 0, "" },
};

static void run(struct firejail *f, enum pass pass, const struct directive *d)
{
	for (size_t n = 0; n < ARRAY_SIZE(rows); n++)
		if (str_equal(d->name, rows[n].name)) {
			if (rows[n].pass == pass)
				rows[n].run(f, d->rest, d->origin, rows[n].number, rows[n].text);
			return;
		}
	if (pass == FILES)
		import_tell(f->i, IMPORT_UNKNOWN, d->origin, "%s%s%s", str_quote(f->i->arena, d->name),
			    *d->rest ? " " : "", str_quote(f->i->arena, d->rest));
}

/* --- collecting lines -------------------------------------------------------------------- */

/* Conditions as firejail has them without options and with its own firejail.config. */
static const struct { const char *name; bool holds; } conditions[] = {
	{ "ALLOW_TRAY", false }, { "BROWSER_ALLOW_DRM", false }, { "BROWSER_DISABLE_U2F", true },
	{ "HAS_APPIMAGE", false }, { "HAS_NET", false }, { "HAS_NODBUS", false }, { "HAS_NOSOUND", false },
	{ "HAS_PRIVATE", false }, { "HAS_X11", true },
};

/* "?NAME: LINE": cuts the condition off; false when the line does not count. */
static bool condition(struct firejail *f, char **line, const struct origin *origin)
{
	char *end = strchr(*line, ':');

	if (**line != '?')
		return true;
	if (!end) {
		import_tell(f->i, IMPORT_UNKNOWN, origin, "a condition without ':'");
		return false;
	}
	*end = '\0';
	for (size_t n = 0; n < ARRAY_SIZE(conditions); n++)
		if (str_equal(*line + 1, conditions[n].name)) {
			*line = end + 1 + strspn(end + 1, " \t");
			if (!conditions[n].holds)
				import_tell(f->i, IMPORT_NARROW, origin, "'%s' is not taken to hold",
					    conditions[n].name);
			return conditions[n].holds;
		}
	import_tell(f->i, IMPORT_UNKNOWN, origin, "condition '%s'", str_quote(f->i->arena, *line + 1));
	return false;
}

static bool is_ignored(const struct firejail *f, const char *line)
{
	for (size_t n = 0; n < f->ignored.count; n++) {
		size_t length = strlen(f->ignored.items[n]);

		if (strncmp(line, f->ignored.items[n], length) == 0 && (!line[length] || line[length] == ' '))
			return true;
	}
	return false;
}

static int collect(struct firejail *f, const struct source *source, const struct origin *via, directives *out);

/* Beside the file that includes, in the user's directory, in the system's: the first that exists. */
static const char *find_include(struct firejail *f, const struct source *from, const char *name)
{
	struct arena *arena = f->i->arena;
	const char *slash = strrchr(from->name, '/'), *home = NULL, *path;
	const char *directories[3] = { slash ? arena_strndup(arena, from->name, (size_t)(slash - from->name)) : "." };

	for (size_t n = 0; n < f->i->context->variable_count; n++)
		if (str_equal(f->i->context->variables[n].name, "HOME"))
			home = f->i->context->variables[n].value;
	directories[1] = home ? arena_printf(arena, "%s/.config/firejail", home) : "/etc/firejail";
	directories[2] = "/etc/firejail";
	if (str_starts(name, "${CFG}/"))
		name += 7;
	else if (str_starts(name, "${HOME}") && home)
		name = arena_printf(arena, "%s%s", home, name + 7);
	if (*name == '/')
		return access(name, F_OK) == 0 ? name : NULL;
	for (size_t n = 0; n < ARRAY_SIZE(directories); n++) {
		path = arena_printf(arena, "%s/%s", directories[n], name);
		if (access(path, F_OK) == 0)
			return path;
	}
	return NULL;
}

static int include(struct firejail *f, const struct source *from, const char *name, const struct origin *origin,
		   directives *out)
{
	const char *path = find_include(f, from, name);
	const struct source *source;

	if (!path && str_ends(name, ".local"))
		return 0;
	if (!path)
		return diag_error(f->i->d, "C706", origin, "'%s' is not there", str_quote(f->i->arena, name));
	for (unsigned n = 0; n < f->depth; n++)
		if (str_equal(f->stack[n], path))
			return diag_error(f->i->d, "C707", origin, "'%s' includes itself",
					  str_quote(f->i->arena, name));
	if (f->depth == LIMIT_INCLUDE_DEPTH || ++f->files > LIMIT_INCLUDES)
		return diag_error(f->i->d, "C708", origin, "includes are deeper than %d or more than %d",
				  LIMIT_INCLUDE_DEPTH, LIMIT_INCLUDES);
	source = import_read(f->i, path, origin);
	return source ? collect(f, source, origin, out) : -EINVAL;
}

/* A comment begins with a '#' behind white space. */
static void cut_comment(char *text)
{
	for (char *at = strchr(text, '#'); at; at = strchr(at + 1, '#'))
		if (at > text && strchr(" \t", at[-1])) {
			while (at > text && strchr(" \t", at[-1]))
				at--;
			*at = '\0';
			return;
		}
}

static int collect(struct firejail *f, const struct source *source, const struct origin *via, directives *out)
{
	struct import_line line = { 0 };
	int r = 0;

	f->stack[f->depth++] = source->name;
	while (r == 0 && import_next_line(f->i, source, via, &line)) {
		char *text = line.text, *rest;

		if (!*text || *text == '#' || !condition(f, &text, line.origin) || is_ignored(f, text))
			continue;
		cut_comment(text);
		rest = text + strcspn(text, " \t");
		if (*rest)
			*rest++ = '\0';
		rest += strspn(rest, " \t");
		if (str_equal(text, "include")) {
			r = include(f, source, rest, line.origin, out);
		} else if (str_equal(text, "ignore")) {
			if (f->ignored.count < LIMIT_IMPORT_EXCEPTIONS)
				*vec_push(f->i->arena, &f->ignored) = rest;
			f->runs_home |= str_equal(rest, "noexec ${HOME}");
		} else if (out->count >= LIMIT_IMPORT_ENTRIES) {
			r = diag_error(f->i->d, "C703", line.origin, "more than %d lines", LIMIT_IMPORT_ENTRIES);
		} else {
			*vec_push(f->i->arena, out) = (struct directive){ text, rest, line.origin };
		}
	}
	f->depth--;
	return r;
}

/* --- what stays open --------------------------------------------------------------------- */

static const struct { enum feature feature; const char *section, *key, *values; } open_rights[] = {
	{ OPEN_SOUND, "filesystem", "read-write", "${XDG_RUNTIME_DIR}/pulse/native" },
	{ OPEN_3D, "misc", "devices", "/dev/dri/** /dev/kgsl-3d0 /dev/mali[0-9]* /dev/nvidia* /dev/udmabuf" },
	{ OPEN_INPUT, "misc", "devices", "/dev/input/js[0-9]*" },
	{ OPEN_DISC, "misc", "devices", "/dev/cdrom /dev/sr[0-9]*" },
	{ OPEN_KEY, "misc", "devices", "/dev/hidraw[0-9]*" },
	{ OPEN_X11, "filesystem", "read-write", "${XDG_RUNTIME_DIR}/wayland-[0-9]" },
	{ OPEN_INET, "networking", "allow", "dns:any internet lan listen:any loopback" },
	{ OPEN_INET, "runtime", "allow-syscalls", "socket(inet) socket(netlink-route)" },
	{ OPEN_INET6, "runtime", "allow-syscalls", "socket(inet6)" },
};

static void grant_open(struct firejail *f)
{
	for (size_t n = 0; n < ARRAY_SIZE(open_rights); n++) {
		bool file = str_equal(open_rights[n].section, "filesystem");

		/* Where a white list closes the directory, it names the socket or it is not shown. */
		if (!f->closed[open_rights[n].feature] && !(file && firejail_is_top(f, "${XDG_RUNTIME_DIR}")))
			import_add_all(f->i, IMPORT_WANTED, open_rights[n].section, open_rights[n].key,
				       open_rights[n].values, NULL);
	}
	if (f->closed[OPEN_SOUND])
		firejail_hide(f, "${XDG_RUNTIME_DIR}/pulse ${XDG_RUNTIME_DIR}/pipewire-* ~/.config/pulse ~/.pulse");
	if (f->closed[OPEN_X11])
		firejail_hide(f, "/tmp/.X11-unix");
	if (!f->closed[OPEN_INET]) {
		import_mount(f->i, "synthetic:hosts", "/etc/hosts", "read-only", NULL);
		import_mount(f->i, "synthetic:resolv-conf", "/etc/resolv.conf", "read-only", NULL);
	}
	if (!f->closed[OPEN_X11])
		import_flag(f->i, "desktop.x11", NULL);
	if (!f->closed[OPEN_SESSION_BUS])
		import_flag(f->i, "desktop.portals", NULL);
	import_flag(f->i, "misc.standard-devices", NULL);
	import_flag(f->i, "user.identity", NULL);
}

static void grant_calls(struct firejail *f)
{
	/* Browsers that may call chroot have a sandbox of their own, in a user namespace. */
	if (f->own_sandbox && !f->no_user_namespaces)
		import_calls_of(f->i, "runtime.browser-sandbox", f->own_sandbox);
	if (f->no_user_namespaces)
		import_add_all(f->i, IMPORT_IF_NEEDED, "runtime", "deny-syscalls", "clone(user-namespace) unshare(user-namespace)",
			       f->no_user_namespaces);
	if (f->keeps_calls)
		return;
	import_all_calls(f->i);
	import_calls_of(f->i, "runtime.ordinary", NULL);
	import_add_all(f->i, IMPORT_IMPLIED, "misc", "devices", "/dev/tty /dev/random /dev/urandom", NULL);
}

static void describe(struct firejail *f, const struct source *source)
{
	static const char word[] = "# Description: ";
	const char *at = strstr(source->text, word), *name = path_base_name(source->name);
	size_t length = strlen(name);

	if (at && (at == source->text || at[-1] == '\n')) {
		at += strlen(word);
		import_set(f->i, "", "description",
			   str_quote(f->i->arena, arena_strndup(f->i->arena, at, MIN(strcspn(at, "\r\n"), (size_t)200))),
			   false, NULL);
	}
	if (length > 8 && str_ends(name, ".profile") && str_equal(str_quote(f->i->arena, name), name) &&
	    !strpbrk(name, "\"\\"))
		import_set(f->i, "", "command", arena_printf(f->i->arena, "[\"%.*s\"]", (int)length - 8, name), true,
			   NULL);
}

static int read_profile(struct import *i, const struct source *source)
{
	struct firejail *f = arena_new_object(i->arena, struct firejail);
	directives lines = { 0 };

	f->i = i;
	if (collect(f, source, NULL, &lines) < 0)
		return -EINVAL;
	describe(f, source);
	for (enum pass pass = OPTIONS; pass <= FILES; pass++)
		for (size_t n = 0; n < lines.count; n++)
			run(f, pass, &lines.items[n]);
	firejail_base(f);
	grant_open(f);
	grant_calls(f);
	return 0;
}

static int recognise(const char *text, const char *file)
{
	if (str_ends(file, ".profile") || str_equal(file, "globals.local") || str_ends(file, ".inc"))
		return 2;
	return strstr(text, "\ncaps.drop ") || strstr(text, "\nnonewprivs") || strstr(text, "\nblacklist ");
}

const struct import_reader import_firejail = { "firejail", recognise, read_profile };
