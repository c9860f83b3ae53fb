/* export/apparmor.c - an AppArmor profile: rules of files, capabilities, networks and buses.
 *
 * Globs are AppArmor's own and stand as they are, with the home as a variable.  It is a second fence
 * around a container, whose mounts say what files there are; alone it sees the host's files, so what
 * the policy gives as the cage's own is not granted there.  Must not: include abstractions, which
 * grant more than was asked.  Source: apparmor.d(5) of 3.0; `deny` is quiet, so it is audited. */
#include "export/export.h"
#include "backend/abstract.h"
#include "policy/capabilities.h"

#include <stdlib.h>
#include <string.h>

static const struct setting_row settings[] = {
	{ SETTING_LIMITS + LIMIT_MEMORY, EXACTNESS_COARSE, "of each process, as rlimit" },
	{ SETTING_LIMITS + LIMIT_TASKS, EXACTNESS_COARSE, "of the user as a whole, as rlimit" },
	{ SETTING_LIMITS + LIMIT_OPEN_FILES, EXACTNESS_EXACT, NULL },
	{ SETTING_LIMITS + LIMIT_FILE_BYTES, EXACTNESS_EXACT, NULL },
	{ 0, EXACTNESS_NONE, NULL },
};

struct writer { const struct export *e; struct strbuf *out; bool alone; };

static void line(const struct writer *w, const struct rule *rule, const char *text)
{
	strbuf_addf(w->out, "  %s, # %s\n", text, export_rule_origin(w->e, rule));
}

/* ---- files ---- */

/* Is all that `rule` speaks of writable by an allow anyhow?  Then to audit it grants nothing. */
static bool is_writable(const struct export *e, const struct rule *rule)
{
	const struct glob_alternative *a;
	size_t count = glob_alternatives(rule->glob, &a), covered = 0;

	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < e->policy->rule_count; k++) {
			const struct rule *allow = &e->policy->rules[k];

			if (allow->kind == KIND_FILE && allow->effect == EFFECT_ALLOW && allow->access & ACCESS_WRITE &&
			    (a[i].is_literal ? glob_matches(allow->glob, a[i].prefix)
					     : glob_covers_tree(allow->glob, a[i].prefix))) {
				covered++;
				break;
			}
		}
	return covered == count;
}

/* Alone, a rule for the cage's own files would open the host's. */
static bool is_granted(const struct writer *w, const struct rule *rule)
{
	return !w->alone || (rule->place != PLACE_TEMPORARY && rule->place != PLACE_PERSIST && !rule->from);
}

static const char *permissions(const struct rule *rule)
{
	static const char *const allow[] = { "", "rk", "wkl", "rwkl", "mrix", "mrkix", "mwklix", "mrwklix" };
	static const char *const deny[] = { "", "mr", "wl", "mrwkl", "mx", "mrx", "mwlx", "mrwklx" };

	return (rule->effect == EFFECT_DENY ? deny : allow)[rule->access]; /* READ 1, WRITE 2, EXECUTE 4 */
}

/* The pattern, with the home as a variable: quoted, for it may hold any byte. */
static const char *pattern_text(const struct export *e, const char *pattern)
{
	const char *home = e->cage->home;
	size_t length = strlen(home);
	struct strbuf out = { .arena = e->arena };

	strbuf_add(&out, "\"");
	if (length > 1 && str_starts(pattern, home) && strchr("/{", pattern[length])) {
		strbuf_add(&out, "@{cuddy_home}");
		pattern += length;
	}
	for (; *pattern; pattern++) {
		if (*pattern == '"' || (pattern[0] == '@' && pattern[1] == '{'))
			strbuf_add(&out, "\\");
		strbuf_add_bytes(&out, pattern, 1);
	}
	strbuf_add(&out, "\"");
	return strbuf_text(&out);
}

/* What is the cage's own elsewhere, and here a part of the host's that has no better name. */
static const struct { enum place place; const char *lines[3]; const char *note; } pseudo[] = {
	{ PLACE_PROC, { "\"/proc/{,**}\" rk", "owner \"/proc/[0-9]*/**\" rwk" },
	  "wider: the host's /proc, with all processes; those of the same user can be changed" },
	{ PLACE_DEVICES, { "\"/dev/\" r", "owner \"/dev/pts/[0-9]*\" rw" },
	  "wider: terminals of the same user; no shared memory" },
};

static bool add_pseudo(const struct writer *w, const struct rule *rule)
{
	if (!w->alone || rule->effect != EFFECT_ALLOW)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(pseudo); i++) {
		if (pseudo[i].place != rule->place)
			continue;
		for (const char *const *text = pseudo[i].lines; *text; text++)
			line(w, rule, *text);
		return true;
	}
	return false;
}

static void add_pattern(const struct writer *w, const struct rule *rule, const char *pattern)
{
	static const char *const words[] = { [EFFECT_DENY] = "audit deny ", [EFFECT_ALLOW] = "", [EFFECT_LOG] = "audit " };

	line(w, rule, arena_printf(w->e->arena, "%s%s %s", words[rule->effect], pattern_text(w->e, pattern),
				   rule->effect == EFFECT_LOG ? "w" : permissions(rule)));
}

/* Bytes that AppArmor's patterns take for wildcards, made plain. */
static const char *plain(struct arena *arena, const char *path)
{
	struct strbuf out = { .arena = arena };

	for (; *path; path++)
		strbuf_addf(&out, "%s%c", strchr("*?[]{}\\^", *path) ? "\\" : "", *path);
	return strbuf_text(&out);
}

/* AppArmor knows paths without links: a rule that leads through one is said for where it leads, too. */
static void add_resolved(const struct writer *w, const struct rule *rule)
{
	const struct glob_alternative *a;
	size_t count = glob_alternatives(rule->glob, &a);
	struct arena *arena = w->e->arena;

	for (size_t i = 0; i < count; i++) {
		char *parent = arena_strdup(arena, a[i].prefix), *real = NULL, *slash;

		while (*parent && !(real = realpath(parent, NULL)) && (slash = strrchr(parent, '/')))
			*slash = '\0';
		if (real && !str_equal(real, parent) && str_starts(a[i].text, plain(arena, parent)))
			add_pattern(w, rule, arena_printf(arena, "%s%s", plain(arena, real),
							  a[i].text + strlen(plain(arena, parent))));
		free(real);
	}
}

static void add_file(const struct writer *w, const struct rule *rule)
{

	if (rule->effect == EFFECT_ASK || (rule->effect == EFFECT_ALLOW && !is_granted(w, rule)) ||
	    (rule->effect == EFFECT_LOG && !is_writable(w->e, rule)) || add_pseudo(w, rule))
		return;
	add_pattern(w, rule, rule->pattern);
	add_resolved(w, rule);
}

struct claim express_log(const struct export *e, size_t index)
{
	return is_writable(e, &e->policy->rules[index]) ? say_exact("apparmor", "where the host has AppArmor") :
		say_coarse("apparmor", "where it may be written at all; the rest is logged as denied");
}

static struct claim express_file(const struct export *e, size_t index)
{
	const struct rule *rule = &e->policy->rules[index];
	struct writer w = { .e = e, .alone = true };

	if (rule->effect == EFFECT_LOG)
		return express_log(e, index);
	for (size_t i = 0; i < ARRAY_SIZE(pseudo); i++)
		if (rule->effect == EFFECT_ALLOW && rule->place == pseudo[i].place)
			return say_coarse("apparmor", pseudo[i].note);
	if (rule->effect == EFFECT_ALLOW && !is_granted(&w, rule))
		return say_none("not granted: AppArmor makes no files of its own, it would be the host's");
	if (rule->effect == EFFECT_ALLOW && rule->place == PLACE_COPY_ON_WRITE)
		return say_coarse("apparmor", "narrower: read-only, for copies are not kept apart");
	return say_exact("apparmor", NULL);
}

static struct claim express_device(const struct export *e, size_t index)
{
	(void)e;
	(void)index;
	return say_exact("apparmor", NULL);
}

static void add_device(const struct writer *w, const struct rule *rule)
{
	if (rule->effect != EFFECT_ASK)
		line(w, rule, arena_printf(w->e->arena, "%s%s rw", rule->effect == EFFECT_DENY ? "audit deny " : "",
					   pattern_text(w->e, rule->pattern)));
}

/* ---- network ---- */

static struct claim express_network(const struct export *e, size_t index)
{
	const struct rule *rule = &e->policy->rules[index];

	if (e->reach == REACH_NOTHING && rule->effect != EFFECT_ALLOW && !e->loopback)
		return say_exact("apparmor", NULL);
	if (rule->effect == EFFECT_ALLOW && rule->endpoint->form >= HOST_HOST)
		return say_exact("apparmor", NULL);
	if (rule->effect != EFFECT_ALLOW && rule->endpoint->form == HOST_ABSTRACT)
		return say_exact("apparmor", NULL);
	if (rule->effect == EFFECT_ALLOW)
		return say_coarse("apparmor", "wider: AppArmor 3 knows families and types, not addresses and ports");
	return say_none("AppArmor 3 knows families and types, not addresses and ports");
}

/* Every family and type that some endpoint needs, once, with the first rule that needs it. */
static void add_network(const struct writer *w)
{
	static const struct { unsigned access; bool icmp; const char *text; } rows[] = {
		{ ACCESS_CONNECT | ACCESS_LISTEN, false, "network inet stream" },
		{ ACCESS_CONNECT | ACCESS_LISTEN, false, "network inet6 stream" },
		{ ACCESS_SEND | ACCESS_RESOLVE | ACCESS_LISTEN, false, "network inet dgram" },
		{ ACCESS_SEND | ACCESS_RESOLVE | ACCESS_LISTEN, false, "network inet6 dgram" },
		{ ACCESS_RESOLVE, false, "network netlink raw" },
		{ ACCESS_SEND, true, "network inet raw" },
		{ ACCESS_SEND, true, "network inet6 raw" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		for (size_t k = 0; k < w->e->policy->rule_count; k++) {
			const struct rule *rule = &w->e->policy->rules[k];

			if (rule->kind != KIND_NETWORK || rule->effect != EFFECT_ALLOW || !(rule->access & rows[i].access) ||
			    rule->endpoint->icmp != rows[i].icmp)
				continue;
			line(w, rule, rows[i].text);
			break;
		}
}

/* ---- buses ---- */

static struct claim express_bus(const struct export *e, size_t index)
{
	const struct rule *rule = &e->policy->rules[index];
	if (rule->access & (ACCESS_SEE | ACCESS_BROADCAST))
		return say_coarse("apparmor", "where the bus asks AppArmor; names can be listed");
	return say_exact("apparmor", "where the bus asks AppArmor");
}

/* A name or path of ours as AppArmor's pattern: only a star behind `separator` at the end is special,
 * and means what stands before it as well. */
static const char *below_pattern(struct arena *arena, const char *text, size_t length, char separator)
{
	bool below = length > 2 && text[length - 1] == '*' && text[length - 2] == separator;
	struct strbuf out = { .arena = arena };

	if (length == 1 && *text == '*')
		return "**";
	for (size_t i = 0; i < length - (below ? 2 : 0); i++)
		strbuf_addf(&out, "%s%c", strchr("*?[]{}^\\\"@", text[i]) ? "\\" : "", text[i]);
	if (below)
		strbuf_addf(&out, "{,%c**}", separator);
	return strbuf_text(&out);
}

static void add_bus_line(const struct writer *w, const struct rule *rule, const char *verb, bool member)
{
	struct arena *arena = w->e->arena;
	const char *equals = strchrnul(rule->pattern, '='), *rest = *equals && member ? equals + 1 : "";
	const char *at = strchrnul(rest, '@'), *dot = memrchr(rest, '.', (size_t)(at - rest));
	const char *name = below_pattern(arena, rule->pattern, (size_t)(equals - rule->pattern), '.');
	struct strbuf out = { .arena = arena };

	strbuf_addf(&out, "%sdbus %s bus=%s", rule->effect == EFFECT_DENY ? "audit deny " : "", verb,
		    rule->system_bus ? "system" : "session");
	if (*at)
		strbuf_addf(&out, " path=\"%s\"", below_pattern(arena, at + 1, strlen(at + 1), '/'));
	if (dot)
		strbuf_addf(&out, " interface=\"%.*s\"", (int)(dot - rest), rest);
	if (dot && strncmp(dot, ".*", 2) != 0)
		strbuf_addf(&out, " member=\"%.*s\"", (int)(at - dot - 1), dot + 1);
	strbuf_addf(&out, str_equal(verb, "bind") ? " name=\"%s\"" : " peer=(name=\"%s\")", name);
	line(w, rule, strbuf_text(&out));
}

static void add_bus(const struct writer *w, const struct rule *rule)
{
	if (rule->effect == EFFECT_ASK || rule->effect == EFFECT_LOG)
		return;
	if (rule->access & ACCESS_OWN)
		add_bus_line(w, rule, "bind", false);
	if (rule->access & (ACCESS_TALK | ACCESS_OWN | ACCESS_CALL))
		add_bus_line(w, rule, "(send, receive)", true);
	else if (rule->access & ACCESS_BROADCAST)
		add_bus_line(w, rule, "receive", true);
}

/* ---- the profile ---- */

static void add_rule(const struct writer *w, const struct rule *rule)
{
	switch (rule->kind) {
	case KIND_FILE:
		add_file(w, rule);
		return;
	case KIND_DEVICE:
		add_device(w, rule);
		return;
	case KIND_CAPABILITY:
		if (rule->effect == EFFECT_ALLOW || rule->effect == EFFECT_DENY)
			line(w, rule, arena_printf(w->e->arena, "%scapability %s",
						   rule->effect == EFFECT_DENY ? "audit deny " : "",
						   capability_name((unsigned)capability_find(rule->pattern))));
		return;
	case KIND_BUS:
		if (w->alone)
			add_bus(w, rule);
		return;
	case KIND_NETWORK: /* families, below */
	case KIND_SYSCALL:
	case KIND_COUNT:
		return;
	}
}

static void add_limits(const struct writer *w)
{
	static const struct { enum limit limit; const char *name; } rows[] = {
		{ LIMIT_MEMORY, "data" }, { LIMIT_TASKS, "nproc" }, { LIMIT_OPEN_FILES, "nofile" },
		{ LIMIT_FILE_BYTES, "fsize" },
	};
	uint64_t value;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (w->alone && export_limit(w->e, rows[i].limit, &value))
			strbuf_addf(w->out, "  set rlimit %s <= %llu, # %s\n", rows[i].name, (unsigned long long)value,
				    export_limit_origin(w->e, rows[i].limit));
}

void export_apparmor(const struct export *e, struct strbuf *out, bool alone)
{
	struct writer w = { .e = e, .out = out, .alone = alone };
	const char *name = export_name(e);

	if (alone)
		export_heading(e, out, "#");
	strbuf_add(out, "abi <abi/3.0>,\ninclude <tunables/global>\n");
	strbuf_addf(out, "@{cuddy_home} = %s\n\n", e->cage->home);
	strbuf_addf(out, "profile cuddy.%s%s {\n", name, alone ? "" : " flags=(attach_disconnected)");
	strbuf_add(out, "  # Its own processes only.\n  signal peer=@{profile_name},\n  ptrace peer=@{profile_name},\n"
			"  unix peer=(label=@{profile_name}),\n");
	if (!alone)
		strbuf_add(out, "  signal receive peer=unconfined, # to be ended from outside\n"
				"  / r, # the container's root\n");
	if (abstract_is_allowed(e->policy))
		strbuf_add(out, "  unix peer=(addr=\"@*\"),\n");
	add_limits(&w);
	add_network(&w);
	for (size_t i = 0; i < e->policy->rule_count; i++)
		add_rule(&w, &e->policy->rules[i]);
	strbuf_add(out, "}\n");
}

static int write(struct export *e)
{
	export_apparmor(e, export_file(e, arena_printf(e->arena, "cuddy.%s", export_name(e)), 0644), true);
	return 0;
}

static struct claim express_syscall(const struct export *e, size_t index)
{
	(void)e;
	(void)index;
	return say_none("AppArmor filters no system calls: use a filter beside it");
}

const struct export_target target_apparmor = {
	"apparmor", "an AppArmor profile", "cuddy.NAME", false, false,
	{ express_file, express_network, express_syscall, express_capability, express_device, express_bus },
	settings, write,
};
