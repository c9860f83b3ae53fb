/* import/apparmor.c - AppArmor's profiles: files, capabilities, network, includes, variables.
 * Rules end with a comma; the rules of one path add up.  Our globs are AppArmor's, so patterns stay.  Of a
 * file with several profiles the first is read; profiles inside it are left out.
 * Source: apparmor.d(5), of AppArmor 3.0. */
#include "import/import.h"
#include "base/limits.h"
#include "base/path.h"
#include "policy/capabilities.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

enum permission { MAY_READ = 1, MAY_WRITE = 2, MAY_RUN = 4, MAY_MAP = 8 };

struct variable { const char *name, *values; };
struct file_rule { const char *path; unsigned may; bool deny, audit; const struct origin *origin; };

struct apparmor {
	struct import *i;
	VEC(struct variable) variables;
	VEC(struct file_rule) rules;
	unsigned depth;		/* braces that are open, */
	const struct origin *opened; /* and the last of them */
	unsigned includes;
	bool said_owner, is_done;
	const char *stack[LIMIT_INCLUDE_DEPTH];
	unsigned nested;
};

/* Known before any file says so: what the kernel or the parser fills in. */
static const struct variable built_in[] = {
	{ "HOME", "~" }, { "HOMEDIRS", "/home" }, { "PROC", "/proc" }, { "multiarch", "*-linux-gnu*" },
	{ "pid", "[0-9]*" }, { "pids", "[0-9]*" }, { "run", "/run" }, { "sys", "/sys" }, { "tid", "[0-9]*" },
	{ "uid", "[0-9]*" }, { "user_share_dirs", "${XDG_DATA_HOME}" },
};

static const char *variable(const struct apparmor *a, const char *name, size_t length)
{
	for (size_t n = 0; n < ARRAY_SIZE(built_in); n++)
		if (strlen(built_in[n].name) == length && strncmp(built_in[n].name, name, length) == 0)
			return built_in[n].values;
	for (size_t n = 0; n < a->variables.count; n++)
		if (strlen(a->variables.items[n].name) == length && strncmp(a->variables.items[n].name, name, length) == 0)
			return a->variables.items[n].values;
	return NULL;
}

/* Opens variables: the one at the beginning may be the home, others are values or {a,b}.  NULL: unknown. */
static const char *expand(struct apparmor *a, const char *text, unsigned depth)
{
	struct strbuf out = { .arena = a->i->arena };

	if (depth > 8)
		return NULL;
	for (; *text; text++) {
		const char *end = text[0] == '@' && text[1] == '{' ? strchr(text, '}') : NULL, *value;

		if (!end) {
			strbuf_addf(&out, *text == '$' ? "\\%c" : "%c", *text);
			continue;
		}
		value = variable(a, text + 2, (size_t)(end - text - 2));
		value = value && strstr(value, "@{") ? expand(a, value, depth + 1) : value;
		if (!value || out.length + strlen(value) > LIMIT_GLOB_LENGTH ||
		    ((*value == '~' || *value == '$') && out.length))
			return NULL;
		strbuf_add(&out, value);
		text = end;
	}
	return strbuf_text(&out);
}

static void set_variable(struct apparmor *a, char *statement, const struct origin *origin)
{
	char *name = statement + 2, *end = strchr(name, '}'), *rest = end ? strchr(end, '=') : NULL, *word;
	struct strbuf values = { .arena = a->i->arena };
	size_t count = 0;

	if (!rest || a->variables.count >= 256) {
		import_tell(a->i, IMPORT_UNKNOWN, origin, "'%s'", str_quote(a->i->arena, statement));
		return;
	}
	*end = '\0';
	rest++;
	while ((word = import_word(&rest, " \t,\"")))
		strbuf_addf(&values, "%s%s", count++ ? "," : "", word);
	*vec_push(a->i->arena, &a->variables) = (struct variable){
		name, count > 1 ? arena_printf(a->i->arena, "{%s}", strbuf_text(&values)) : strbuf_text(&values) };
}

/* --- rules ------------------------------------------------------------------------------- */

static unsigned permissions(const char *text)
{
	unsigned may = 0;

	for (; *text; text++)
		switch (*text) {
		case 'r': may |= MAY_READ; break;
		case 'w': case 'a': may |= MAY_WRITE; break;
		case 'm': may |= MAY_MAP; break;
		case 'x': may |= MAY_RUN; break;
		case 'k': case 'l': case 'i': case 'p': case 'P': case 'c': case 'C': case 'u': case 'U': break;
		default: return 0;
		}
	return may;
}

static bool is_path(const char *word)
{
	return *word == '/' || *word == '"' || str_starts(word, "@{");
}

/* "[file] PATH PERMISSIONS [-> NAME]" or the other way round; PATH may be quoted. */
static bool file_rule(struct apparmor *a, char *text, bool deny, bool audit, const struct origin *origin)
{
	char *rest = text, *first, *second;
	const char *path, *how;

	if (str_starts(rest, "file") && strchr(" \t", rest[4]))
		rest += 4;
	rest += strspn(rest, " \t");
	first = import_word(&rest, *rest == '"' ? "\"" : " \t");
	second = first ? import_word(&rest, rest[strspn(rest, " \t")] == '"' ? "\"" : " \t") : NULL;
	if (!first || !second)
		return false;
	path = is_path(first) ? first : second;
	how = path == first ? second : first;
	if (!is_path(path) || !permissions(how))
		return is_path(path) && !how[strspn(how, "klipPcCuU")];
	path = expand(a, path, 0);
	if (!path) {
		import_tell(a->i, deny ? IMPORT_LOST : IMPORT_NARROW, origin, "'%s' has a variable that is not known",
			    str_quote(a->i->arena, is_path(first) ? first : second));
		return true;
	}
	if (a->rules.count < LIMIT_IMPORT_ENTRIES)
		*vec_push(a->i->arena, &a->rules) = (struct file_rule){ path, permissions(how), deny, audit, origin };
	return true;
}

static void capability(struct apparmor *a, char *rest, bool deny, const struct origin *origin)
{
	const char *key = deny ? "deny-capabilities" : "allow-capabilities";
	char *word = import_word(&rest, " \t");

	for (int n = 0; !word && n < CAPABILITY_COUNT; n++)
		import_add(a->i, deny ? IMPORT_WANTED : IMPORT_IMPLIED, "runtime", key, capability_name((unsigned)n),
			   origin);
	if (!word && !deny)
		import_tell(a->i, IMPORT_NARROW, origin, "all capabilities: name those that are needed");
	for (; word; word = import_word(&rest, " \t"))
		import_capability(a->i, key, word, origin);
}

/* Families by their classes; a type narrows what we cannot, but for raw sockets. */
static void network(struct apparmor *a, const char *rest, bool deny, const struct origin *origin)
{
	static const struct { const char *family, *call; bool internet; } families[] = {
		{ "inet", "socket(inet)", true }, { "inet6", "socket(inet6)", true },
		{ "netlink", "socket(netlink-route)", false }, { "packet", "socket(packet)", false },
		{ "unix", "socket", false }, { "vsock", "socket(vsock)", false },
	};
	size_t length = strcspn(rest, " \t,"), found = 0;

	for (size_t n = 0; n < ARRAY_SIZE(families); n++) {
		if (length && (strlen(families[n].family) != length || strncmp(rest, families[n].family, length)))
			continue;
		found++;
		import_add(a->i, IMPORT_WANTED, "runtime", deny ? "deny-syscalls" : "allow-syscalls", families[n].call,
			   origin);
		if (families[n].internet && !deny)
			import_add_all(a->i, IMPORT_WANTED, "networking", "allow", "dns:any internet lan listen:any loopback",
				       origin);
	}
	if (strstr(rest, "raw") && !deny)
		import_add(a->i, IMPORT_WANTED, "runtime", "allow-syscalls", "socket(raw)", origin);
	if (!found && !deny)
		import_tell(a->i, IMPORT_NARROW, origin, "network '%s'", str_quote(a->i->arena, rest));
}

/* Words that begin rules; what has no run function is inside the cage anyhow, or said to be left out. */
static const struct { const char *word; bool said; } others[] = {
	{ "all", true }, { "change_hat", true }, { "change_profile", true }, { "dbus", true }, { "io_uring", true },
	{ "link", true }, { "mount", true }, { "mqueue", true }, { "pivot_root", true }, { "ptrace", false },
	{ "remount", true }, { "set", true }, { "signal", false }, { "umount", true }, { "unix", false },
	{ "userns", true },
};

static void rule(struct apparmor *a, char *text, const struct origin *origin)
{
	bool deny = false, audit = false, again = true;
	size_t length;

	while (again) {
		again = false;
		length = strcspn(text, " \t");
		if (length == 4 && !strncmp(text, "deny", 4))
			again = deny = true;
		else if (length == 5 && !strncmp(text, "audit", 5))
			again = audit = true;
		else if (length == 5 && (!strncmp(text, "allow", 5) || !strncmp(text, "quiet", 5)))
			again = true;
		else if (length == 5 && !strncmp(text, "owner", 5)) {
			again = true;
			if (!a->said_owner && !deny)
				import_tell(a->i, IMPORT_LOST, origin, "'owner': files of others count too, as far as the user may");
			a->said_owner = true;
		}
		if (again)
			text += length + strspn(text + length, " \t");
	}
	length = strcspn(text, " \t(");
	if (length == 10 && !strncmp(text, "capability", 10)) {
		capability(a, text + 10, deny, origin);
		return;
	}
	if (length == 7 && !strncmp(text, "network", 7)) {
		network(a, text + 7 + strspn(text + 7, " \t"), deny, origin);
		return;
	}
	for (size_t n = 0; n < ARRAY_SIZE(others); n++)
		if (strlen(others[n].word) == length && !strncmp(text, others[n].word, length)) {
			if (others[n].said && !deny)
				import_tell(a->i, IMPORT_NARROW, origin, "'%s' is left out", str_quote(a->i->arena, text));
			return;
		}
	if (!file_rule(a, arena_strdup(a->i->arena, text), deny, audit, origin))
		import_tell(a->i, deny ? IMPORT_LOST : IMPORT_UNKNOWN, origin, "'%s'", str_quote(a->i->arena, text));
}

/* --- statements -------------------------------------------------------------------------- */

static int read_statements(struct apparmor *a, const struct source *source, const struct origin *via);

static int include(struct apparmor *a, const struct source *from, char *rest, const struct origin *origin)
{
	bool optional = str_starts(rest, "if exists");
	char *name = strpbrk(rest, "<\"/"), *end;
	const char *slash = strrchr(from->name, '/'), *path = NULL;
	const struct source *source;
	struct stat st;

	if (!name)
		return 0;
	if (*name != '/')
		name++;
	end = strpbrk(name, ">\"");
	if (end)
		*end = '\0';
	const char *tries[] = { *name == '/' ? name : arena_printf(a->i->arena, "%.*s/%s",
						slash ? (int)(slash - from->name) : 1, slash ? from->name : ".", name),
				arena_printf(a->i->arena, "/etc/apparmor.d/%s", name) };
	for (size_t n = 0; n < ARRAY_SIZE(tries) && !path; n++)
		path = stat(tries[n], &st) == 0 ? tries[n] : NULL;
	if (!path || !S_ISREG(st.st_mode)) {
		if (!optional && !(path && S_ISDIR(st.st_mode)))
			import_tell(a->i, IMPORT_UNKNOWN, origin, "'%s' is not there", str_quote(a->i->arena, name));
		return 0;
	}
	for (unsigned n = 0; n < a->nested; n++)
		if (str_equal(a->stack[n], path))
			return diag_error(a->i->d, "C707", origin, "'%s' includes itself", str_quote(a->i->arena, name));
	if (a->nested == LIMIT_INCLUDE_DEPTH || ++a->includes > LIMIT_INCLUDES)
		return diag_error(a->i->d, "C708", origin, "includes are deeper than %d or more than %d",
				  LIMIT_INCLUDE_DEPTH, LIMIT_INCLUDES);
	source = import_read(a->i, path, origin);
	return source ? read_statements(a, source, origin) : -EINVAL;
}

/* "profile NAME /path flags=(…) {" or "/path {": the first one is the command. */
static void open_profile(struct apparmor *a, char *text, const struct origin *origin)
{
	char *path = strchr(text, '/'), *end = path ? path + strcspn(path, " \t\"") : NULL;

	a->opened = origin;
	if (++a->depth > 1) {
		import_tell(a->i, IMPORT_NARROW, origin, "a profile inside the profile is left out");
		return;
	}
	if (path)
		path = arena_strndup(a->i->arena, path, (size_t)(end - path));
	if (path && !strpbrk(path, "*?[{@\\\"") && str_equal(str_quote(a->i->arena, path), path))
		import_set(a->i, "", "command", arena_printf(a->i->arena, "[\"%s\"]", path), true, origin);
}

static bool is_complete(const char *text)
{
	size_t length = strlen(text);

	return !length || strchr(",{}", text[length - 1]) || *text == '@' || str_starts(text, "include") ||
	       str_starts(text, "#include") || str_starts(text, "abi ");
}

static bool is_open(const char *text)
{
	int braces = 0;

	for (; *text; text++)
		braces += (*text == '{') - (*text == '}');
	return braces > 0;
}

/* Cuts a comment off, but not "#include", and nothing in quotation marks. */
static void cut_comment(char *text)
{
	bool quoted = false;
	char *at = text;

	for (; *at && !(*at == '#' && !quoted && (at == text || isspace((unsigned char)at[-1]))); at++)
		quoted = quoted != (*at == '"');
	if (!str_starts(text, "#include"))
		*at = '\0';
	for (size_t length = strlen(text); length && isspace((unsigned char)text[length - 1]); length--)
		text[length - 1] = '\0';
}

static int one_statement(struct apparmor *a, const struct source *source, char *text, const struct origin *origin)
{
	size_t length = strlen(text);
	char *word = *text == '#' ? text + 1 : text;

	if (text[length - 1] == '{' || text[length - 1] == '}') {
		if (text[length - 1] == '{')
			open_profile(a, text, origin);
		else if (a->depth && --a->depth == 0 && a->nested == 1)
			a->is_done = true;
		return 0;
	}
	if (text[length - 1] == ',')
		text[length - 1] = '\0';
	if (str_starts(word, "include"))
		return a->depth > 1 ? 0 : include(a, source, word + 7 + strspn(word + 7, " \t"), origin);
	if (str_starts(text, "@{") && (strchr(text, '=') && a->depth == 0))
		set_variable(a, text, origin);
	else if (!str_starts(text, "abi ") && *text && a->depth <= 1)
		rule(a, text, origin);
	return 0;
}

static int read_statements(struct apparmor *a, const struct source *source, const struct origin *via)
{
	struct import_line line = { 0 };
	struct strbuf whole = { .arena = a->i->arena };
	const struct origin *origin = NULL;
	int r = 0;

	a->stack[a->nested++] = source->name;
	while (r == 0 && !a->is_done && import_next_line(a->i, source, via, &line)) {
		cut_comment(line.text);
		if (!*line.text)
			continue;
		if (!whole.length)
			origin = line.origin;
		strbuf_addf(&whole, "%s%s", whole.length && !is_open(strbuf_text(&whole)) ? " " : "", line.text);
		if (!str_ends(line.text, "{") && is_open(strbuf_text(&whole)))
			continue; /* a list in braces goes on */
		if (!is_complete(line.text) && !str_starts(strbuf_text(&whole), "@{"))
			continue;
		r = one_statement(a, source, arena_strdup(a->i->arena, strbuf_text(&whole)), origin);
		whole.length = 0;
		whole.text[0] = '\0';
	}
	a->nested--;
	if (r == 0 && whole.length)
		return diag_error(a->i->d, "C709", origin, "a rule without a comma at its end");
	return r;
}

/* --- what rules come to ------------------------------------------------------------------ */

/* All that the rules of the same path allow. */
static unsigned allowed_of(const struct apparmor *a, const struct file_rule *rule)
{
	unsigned may = rule->may;

	for (size_t n = 0; n < a->rules.count; n++)
		if (!a->rules.items[n].deny && str_equal(a->rules.items[n].path, rule->path))
			may |= a->rules.items[n].may;
	return may;
}

static void deny(struct apparmor *a, const struct file_rule *rule)
{
	const char *key = rule->may & MAY_READ ? "deny" : rule->may & MAY_WRITE ? "deny-write" : "deny-execute";

	if (rule->may & MAY_READ && !(rule->may & MAY_WRITE))
		import_tell(a->i, IMPORT_NARROW, rule->origin, "'%s' is not written either", str_quote(a->i->arena, rule->path));
	import_add(a->i, IMPORT_WANTED, "filesystem", key, rule->path, rule->origin);
	if (str_equal(key, "deny-write") && rule->may & (MAY_RUN | MAY_MAP))
		import_add(a->i, IMPORT_WANTED, "filesystem", "deny-execute", rule->path, rule->origin);
}

static void allow(struct apparmor *a, const struct file_rule *rule, bool *mapped, bool *proc)
{
	unsigned may = allowed_of(a, rule);

	if (str_starts(rule->path, "/dev/")) {
		import_add(a->i, IMPORT_WANTED, "misc", "devices", rule->path, rule->origin);
		return;
	}
	if (str_starts(rule->path, "/proc/")) {
		*proc = true;
		return;
	}
	if (!(may & MAY_READ) && may & MAY_WRITE) {
		import_tell(a->i, IMPORT_NARROW, rule->origin, "'%s': writing without reading is left out",
			    str_quote(a->i->arena, rule->path));
		return;
	}
	if (may & (MAY_RUN | MAY_MAP)) {
		if (!(may & MAY_RUN) && !*mapped)
			import_tell(a->i, IMPORT_LOST, rule->origin, "what may be mapped ('m') may also be executed");
		*mapped |= !(may & MAY_RUN);
		import_add(a->i, IMPORT_WANTED, "filesystem", "execute", rule->path, rule->origin);
	}
	if (may & MAY_WRITE)
		import_add(a->i, IMPORT_WANTED, "filesystem", "read-write", rule->path, rule->origin);
	else if (!(may & (MAY_RUN | MAY_MAP)))
		import_add(a->i, IMPORT_WANTED, "filesystem", "read-only", rule->path, rule->origin);
	if (rule->audit && rule->may & MAY_WRITE)
		import_add(a->i, IMPORT_WANTED, "filesystem", "log-on-write", rule->path, rule->origin);
}

static int read_profile(struct import *i, const struct source *source)
{
	struct apparmor *a = arena_new_object(i->arena, struct apparmor);
	bool mapped = false, proc = false;

	a->i = i;
	if (read_statements(a, source, NULL) < 0)
		return -EINVAL;
	if (a->depth) /* what is cut off may forbid something */
		return diag_error(i->d, "C709", a->opened, "a profile that no '}' ends");
	if (a->rules.count > LIMIT_IMPORT_EXCEPTIONS)
		return diag_error(i->d, "C703", a->rules.items[0].origin, "more than %d rules about files",
				  LIMIT_IMPORT_EXCEPTIONS);
	for (size_t n = 0; n < a->rules.count; n++)
		if (a->rules.items[n].deny)
			deny(a, &a->rules.items[n]);
		else
			allow(a, &a->rules.items[n], &mapped, &proc);
	if (proc) {
		import_mount(i, "proc:", "/proc", "read-write", NULL);
		import_tell(i, IMPORT_LOST, NULL, "all of a /proc of the cage's own is shown");
	}
	import_all_calls(i);
	import_calls_of(i, "runtime.ordinary", NULL);
	import_flag(i, "misc.standard-devices", NULL);
	import_flag(i, "user.identity", NULL);
	return 0;
}

static int recognise(const char *text, const char *file)
{
	if (str_starts(file, "usr.") || str_starts(file, "bin.") || str_starts(file, "sbin."))
		return 2;
	return (strstr(text, "abstractions/") || strstr(text, "\nprofile ")) && strchr(text, '{') && *text != '{';
}

const struct import_reader import_apparmor = { "apparmor", recognise, read_profile };
