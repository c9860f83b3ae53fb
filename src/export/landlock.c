/* export/landlock.c - a Landlock ruleset as JSON, in the words of the landlockconfig format.
 * Landlock adds up what is allowed below a path and knows no deny: what lies hidden inside of a
 * granted tree is reported as lost.  The format refuses unknown members and empty lists: origins and
 * losses stand in a text beside it.  Source: landlock(7), ABI 6. */
#include "export/export.h"
#include "backend/abstract.h"

#include <string.h>
#include <sys/stat.h>

static const struct setting_row settings[] = { { 0, EXACTNESS_NONE, NULL } };

#define READS   "read_file", "read_dir"
#define RUNS    "execute"
#define WRITES  "write_file", "truncate", "remove_dir", "remove_file", "make_char", "make_dir", "make_reg", \
		"make_sock", "make_fifo", "make_block", "make_sym", "refer"
#define FILE_WORDS "read_file", "write_file", "execute", "truncate", "ioctl_dev"
#define DEVICE  8 /* beside ACCESS_* of files */

static const struct { unsigned access; const char *words[12]; } rights[] = {
	{ ACCESS_READ, { READS } }, { ACCESS_WRITE, { WRITES } }, { ACCESS_EXECUTE, { RUNS } }, { DEVICE, { "ioctl_dev" } },
};

static bool is_file_word(const char *word)
{
	static const char *const words[] = { FILE_WORDS };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (str_equal(words[i], word))
			return true;
	return false;
}

static unsigned access_of(const struct export_mount *m)
{
	return ACCESS_READ | (m->attributes & PLAN_READ_ONLY ? 0 : ACCESS_WRITE) |
	       (m->attributes & PLAN_NOEXEC ? 0 : ACCESS_EXECUTE) | (m->is_device ? DEVICE : 0);
}

/* Is something of what the deny takes away granted by a tree above? */
static bool is_inside_of_grant(const struct export *e, const struct rule *deny)
{
	for (size_t i = 0; i < e->mount_list.count; i++) {
		const struct export_mount *m = &e->mount_list.items[i];

		if (m->kind == MOUNT_BIND && access_of(m) & deny->access && glob_may_match_below(deny->glob, m->target))
			return true;
	}
	return false;
}

static struct claim express_file(const struct export *e, size_t index)
{
	const struct rule *rule = &e->policy->rules[index];

	if (rule->effect == EFFECT_DENY)
		return is_inside_of_grant(e, rule) ?
			say_none("Landlock takes nothing away inside of what is allowed") :
			say_exact("landlock", NULL);
	if (rule->place == PLACE_PROC || rule->place == PLACE_DEVICES)
		return say_coarse("landlock", "the host's, not one of the cage's own");
	if (rule->place != PLACE_HOST || rule->from)
		return say_none("not granted: Landlock makes no files of its own");
	return express_mounts(e, index);
}

static bool is_port_rule(const struct rule *rule, unsigned access)
{
	return rule->effect == EFFECT_ALLOW && rule->access & access && rule->endpoint->form == HOST_ANY &&
	       rule->endpoint->last_port - rule->endpoint->first_port < 256;
}

static struct claim express_network(const struct export *e, size_t index)
{
	const struct rule *rule = &e->policy->rules[index];

	if (rule->endpoint->form == HOST_ABSTRACT || (rule->effect == EFFECT_ALLOW && rule->endpoint->form == HOST_HOST))
		return say_exact("landlock", NULL);
	if (rule->access & ACCESS_SEND)
		return say(rule->effect == EFFECT_ALLOW ? EXACTNESS_COARSE : EXACTNESS_NONE, "landlock",
			   "only TCP ports are known: UDP is open");
	if (is_port_rule(rule, ACCESS_CONNECT | ACCESS_LISTEN))
		return say_exact("landlock", NULL);
	return say_none(rule->effect == EFFECT_ALLOW ?
			"not granted: Landlock knows ports, not addresses" : "Landlock knows ports, not addresses");
}

static struct claim express_not(const struct export *e, size_t index)
{
	(void)e;
	(void)index;
	return say_none(NULL);
}

static void add_words(struct json *json, const char *key, unsigned access, bool is_directory)
{
	json_array(json, key);
	for (size_t i = 0; i < ARRAY_SIZE(rights); i++)
		for (size_t k = 0; access & rights[i].access && k < ARRAY_SIZE(rights[i].words) && rights[i].words[k]; k++)
			if (is_directory || is_file_word(rights[i].words[k]))
				json_string(json, NULL, rights[i].words[k]);
	json_end_array(json);
}

static void add_path(const struct export *e, struct json *json, const struct export_mount *m, struct strbuf *notes)
{
	const char *path = m->kind == MOUNT_BIND ? m->source : m->target;
	struct stat status;

	json_object(json, NULL);
	add_words(json, "allowedAccess", access_of(m), stat(path, &status) == 0 && S_ISDIR(status.st_mode));
	json_array(json, "parent");
	json_string(json, NULL, path);
	json_end_array(json);
	json_end_object(json);
	strbuf_addf(notes, "%s: %s\n", str_quote(e->arena, path), export_origin(e, m->origin));
}

static void add_ports(const struct export *e, struct json *json, unsigned access, const char *word, bool *ret_any)
{
	for (size_t i = 0; i < e->policy->rule_count; i++) {
		const struct rule *rule = &e->policy->rules[i];

		if (rule->kind != KIND_NETWORK || !is_port_rule(rule, access) || export_is_overruled(e, rule))
			continue;
		if (!*ret_any)
			json_array(json, "netPort");
		*ret_any = true;
		json_object(json, NULL);
		json_array(json, "allowedAccess");
		json_string(json, NULL, word);
		json_end_array(json);
		json_array(json, "port");
		for (unsigned port = rule->endpoint->first_port; port <= rule->endpoint->last_port; port++)
			json_number(json, NULL, port);
		json_end_array(json);
		json_end_object(json);
	}
}

static void add_ruleset(const struct export *e, struct json *json)
{
	json_array(json, "ruleset");
	json_object(json, NULL);
	add_words(json, "handledAccessFs", ACCESS_READ | ACCESS_WRITE | ACCESS_EXECUTE | DEVICE, true);
	if (e->reach != REACH_HOST) {
		json_array(json, "handledAccessNet");
		json_string(json, NULL, "bind_tcp");
		json_string(json, NULL, "connect_tcp");
		json_end_array(json);
	}
	json_array(json, "scoped");
	if (!abstract_is_allowed(e->policy))
		json_string(json, NULL, "abstract_unix_socket");
	json_string(json, NULL, "signal");
	json_end_array(json);
	json_end_object(json);
	json_end_array(json);
}

static int write(struct export *e)
{
	struct strbuf *out = export_file(e, arena_printf(e->arena, "%s.landlock.json", export_name(e)), 0644);
	struct strbuf *notes = export_file(e, arena_printf(e->arena, "%s.landlock.txt", export_name(e)), 0644);
	struct json json = { .out = out };
	bool any_path = false, any_port = false;

	export_heading(e, notes, "#");
	json_object(&json, NULL);
	add_ruleset(e, &json);
	for (size_t i = 0; i < e->mount_list.count; i++) {
		struct export_mount m = e->mount_list.items[i];

		if (m.kind != MOUNT_BIND && m.kind != MOUNT_PROC && m.kind != MOUNT_DEVPTS)
			continue;
		if (m.kind != MOUNT_BIND)
			m.attributes = PLAN_NOEXEC;
		if (!any_path)
			json_array(&json, "pathBeneath");
		any_path = true;
		add_path(e, &json, &m, notes);
	}
	if (any_path)
		json_end_array(&json);
	add_ports(e, &json, ACCESS_LISTEN, "bind_tcp", &any_port);
	add_ports(e, &json, ACCESS_CONNECT, "connect_tcp", &any_port);
	if (any_port)
		json_end_array(&json);
	json_end_object(&json);
	strbuf_add(out, "\n");
	return 0;
}

const struct export_target target_landlock = {
	"landlock", "a Landlock ruleset as JSON", "NAME.landlock.json NAME.landlock.txt", false, false,
	{ express_file, express_network, express_not, express_not, express_device_nodes, express_not },
	settings, write,
};
