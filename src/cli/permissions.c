/* cli/permissions.c - 'cuddy permissions': the flags that profiles may use, and what they consist of. */
#include "base/json.h"
#include "cli/session.h"
#include "lib/caller.h"
#include "toml/toml.h"

#include <string.h>

struct permissions { bool json; };

static const struct option options[] = {
	{ "json", 0, OPTION_FLAG, offsetof(struct permissions, json), NULL, "print JSON" },
	{ 0 },
};

static int read_flags(struct cli *cli, struct profile_flag **ret, size_t *ret_count)
{
	struct caller caller;

	return session_caller(cli, &caller) < 0 ? -1 :
	       profile_list_flags(cli->arena, &caller.context, &cli->d, ret, ret_count);
}

static void heading_json(struct json *json, const struct profile_flag *flag)
{
	json_object(json, NULL);
	json_string(json, "name", flag->name);
	json_string(json, "category", category_name(flag->category));
	json_string(json, "risk", risk_name(flag->risk));
	json_string(json, "description", flag->description);
}

static int list(struct cli *cli, void *values)
{
	const struct permissions *o = values;
	struct strbuf out = { .arena = cli->arena };
	struct json json = { .out = &out };
	struct profile_flag *flags;
	size_t count;

	if (read_flags(cli, &flags, &count) < 0)
		return EXIT_REFUSED;
	if (o->json)
		json_array(&json, NULL);
	for (size_t i = 0; i < count; i++) {
		if (!o->json) {
			strbuf_addf(&out, "%-30s %-7s %s\n", flags[i].name, risk_name(flags[i].risk),
				    flags[i].description);
			continue;
		}
		heading_json(&json, &flags[i]);
		json_end_object(&json);
	}
	if (o->json)
		json_end_array(&json);
	return cli_print(strbuf_text(&out));
}

/* One value of a flag: a word, or a table such as { source = …, target = … } in one line. */
static const char *value_text(struct arena *arena, const struct toml_value *value)
{
	struct strbuf out = { .arena = arena };

	switch (value->type) {
	case TOML_STRING:
	case TOML_DATETIME:
		return str_quote(arena, value->string);
	case TOML_INTEGER:
		return arena_printf(arena, "%lld", (long long)value->integer);
	case TOML_FLOAT:
		return arena_printf(arena, "%g", value->real);
	case TOML_BOOLEAN:
		return value->boolean ? "true" : "false";
	case TOML_ARRAY:
	case TOML_TABLE:
		for (const struct toml_value *item = value->first; item; item = item->next)
			strbuf_addf(&out, "%s%s%s%s", item == value->first ? "" : ", ", item->key ? item->key : "",
				    item->key ? " = " : "", value_text(arena, item));
		return strbuf_text(&out);
	}
	unreachable();
}

/* Where members go: text for people, or an array of objects. */
struct members { struct strbuf *out; struct json *json; };

static void member(struct members *m, const char *key, const struct toml_value *value)
{
	const char *text = value_text(m->out->arena, value);

	if (m->json) {
		json_object(m->json, NULL);
		json_string(m->json, "key", key);
		json_string(m->json, "value", text);
		json_string(m->json, "origin", origin_text(m->out->arena, &value->origin));
		json_end_object(m->json);
		return;
	}
	strbuf_addf(m->out, "  %-28s %s\n", key, text);
}

/* Every line of the flag's table; lists one value a line, tables of other categories with their name. */
static void walk_members(struct members *m, const char *prefix, const struct toml_value *table)
{
	for (const struct toml_value *v = table->first; v; v = v->next) {
		const char *key = arena_printf(m->out->arena, "%s%s", prefix, v->key);

		if (!*prefix && (strcmp(v->key, "description") == 0 || strcmp(v->key, "risk") == 0))
			continue;
		if (v->type == TOML_TABLE)
			walk_members(m, arena_printf(m->out->arena, "%s.", key), v);
		else if (v->type == TOML_ARRAY)
			for (const struct toml_value *item = v->first; item; item = item->next)
				member(m, key, item);
		else
			member(m, key, v);
	}
}

static const struct profile_flag *find_flag(struct cli *cli, const char *name)
{
	struct profile_flag *flags;
	const char **names, *near;
	size_t count;

	if (read_flags(cli, &flags, &count) < 0)
		return NULL;
	names = arena_new_array(cli->arena, const char *, count);
	for (size_t i = 0; i < count; i++) {
		if (strcmp(flags[i].name, name) == 0)
			return &flags[i];
		names[i] = flags[i].name;
	}
	diag_error(&cli->d, "C514", NULL, "there is no flag '%s'", str_quote(cli->arena, name));
	near = diag_nearest(name, names, count);
	if (near)
		diag_help(&cli->d, "did you mean '%s'?", near);
	else
		diag_help(&cli->d, "'cuddy permissions' shows all");
	return NULL;
}

static int show(struct cli *cli, void *values)
{
	const struct permissions *o = values;
	struct strbuf out = { .arena = cli->arena };
	struct json json = { .out = &out };
	struct members members = { &out, o->json ? &json : NULL };
	const struct profile_flag *flag = find_flag(cli, cli->arguments[0]);

	if (!flag)
		return EXIT_REFUSED;
	if (o->json) {
		heading_json(&json, flag);
		json_string(&json, "origin", origin_text(cli->arena, &flag->table->key_origin));
		json_array(&json, "members");
		walk_members(&members, "", flag->table);
		json_end_array(&json);
		json_end_object(&json);
	} else {
		strbuf_addf(&out, "%s: %s\nrisk: %s\nfrom: %s\n\n", flag->name, flag->description,
			    risk_name(flag->risk), origin_text(cli->arena, &flag->table->key_origin));
		walk_members(&members, "", flag->table);
	}
	return cli_print(strbuf_text(&out));
}

static const struct action actions[] = {
	{ "list", "", "list all flags with their risk", 0, 0, list },
	{ "show", "FLAG", "say what a flag consists of, and where that is written", 1, 1, show },
	{ 0 },
};

const struct command command_permissions = {
	"permissions", "", "list and explain the flags that profiles may use", options,
	sizeof(struct permissions), NULL, actions,
};
