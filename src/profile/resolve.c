/* profile/resolve.c - everything that was loaded becomes rules and settings.
 * One walk over tables; what a key becomes is schema.c's business.  Flags are walked the same way,
 * with the effect of the list that named them. */
#include "profile/internal.h"

#include "base/limits.h"
#include "base/path.h"
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>


struct walk {
	struct loader *l;
	struct policy *policy;
	VEC(struct rule) rules;
	VEC(struct flag_use) done;
	struct { size_t offset; unsigned depth; const struct toml_value *value; } nearest[64];
	size_t nearest_count;
	const char *stack[LIMIT_INCLUDE_DEPTH];
	size_t depth;
	/* of the file or flag at hand */
	const struct unit *unit;
	const struct profile_flag *flag;
	const struct origin *via;
	enum effect effect;
	bool full, said_home, tight[LIMIT_COUNT]; /* limits that a tightening file set */
};

static int apply_flag(struct walk *w, enum category category, enum effect effect,
		      const struct toml_value *value);

static bool is_ignored(struct walk *w, const struct toml_value *e, const char *what)
{
	if (!w->unit->only_denies)
		return false;
	if (w->unit->warn)
		diag_warning(w->l->d, "C130", &e->origin, "'%s' is ignored: this file may only tighten",
			     str_quote(w->l->arena, what));
	return true;
}

static const struct origin *origin_of(struct walk *w, const struct toml_value *value)
{
	struct origin *origin;

	if (!w->flag)
		return &value->origin;
	origin = arena_new_object(w->l->arena, struct origin);
	*origin = value->origin;
	origin->via = w->via;
	return origin;
}

static int add_rule(struct walk *w, struct rule rule, const struct toml_value *value)
{
	struct endpoint *endpoint;
	int r = 0;

	if (w->flag && w->effect != EFFECT_ALLOW && rule.effect == EFFECT_ALLOW)
		rule.effect = w->effect;
	if (w->full)
		return -EINVAL;
	if (w->rules.count >= LIMIT_RULES) {
		w->full = true;
		return diag_error(w->l->d, "C131", &value->origin, "more than %d rules", LIMIT_RULES);
	}
	rule.origin = origin_of(w, value);
	rule.flag = w->flag ? w->flag->name : NULL;
	rule.risk = w->flag ? w->flag->risk : RISK_LOW;
	if (rule.kind == KIND_FILE || rule.kind == KIND_DEVICE)
		r = glob_compile(w->l->arena, rule.pattern, rule.origin, w->l->d, &rule.glob);
	if (rule.kind == KIND_NETWORK) {
		endpoint = arena_new_object(w->l->arena, struct endpoint);
		r = endpoint_parse(w->l->arena, rule.pattern, rule.origin, w->l->d, endpoint);
		if (r < 0)
			return r;
		rule.endpoint = endpoint;
		rule.access = endpoint->access;
		rule.pattern = endpoint_text(w->l->arena, endpoint);
	}
	if (r == 0)
		*vec_push(w->l->arena, &w->rules) = rule;
	return r;
}

/* A rule names a folder that is not there.  An allow then grants nothing, a deny that takes nothing is
 * said, and so is the home that was not given as a project. */
static int skip_absent(struct walk *w, enum effect effect, const struct toml_value *value)
{
	struct text_list *absent = &w->policy->absent, out = { .count = absent->count + 1 };

	if (effect == EFFECT_ALLOW && !w->said_home &&
	    (strstr(value->string, "$PWD") || strstr(value->string, "${PWD}"))) {
		w->said_home = true;
		diag_warning(w->l->d, "C142", NULL,
			     "the working directory is or holds your home, so it is not given to the program");
		diag_help(w->l->d, "start in a folder below, or name one with '--rw'");
	}
	if (effect == EFFECT_DENY && !w->flag) {
		diag_warning(w->l->d, "C137", origin_of(w, value), "'%s' names a folder that you do not have",
			     str_quote(w->l->arena, value->string));
		diag_help(w->l->d, "nothing is denied by it; user-dirs.dirs says which folders there are");
	}
	out.items = arena_new_array(w->l->arena, struct text_setting, out.count);
	if (absent->count)
		memcpy(out.items, absent->items, absent->count * sizeof(*out.items));
	out.items[absent->count] = (struct text_setting){ value->string, origin_of(w, value) };
	*absent = out;
	return 0;
}

static int add_text(struct walk *w, const struct key *key, const struct toml_value *value)
{
	struct arena *arena = w->l->arena;
	struct rule rule = { .kind = key->kind, .effect = key->effect, .access = key->access,
			     .place = key->place, .category = (enum category)key->scope };
	char *pattern;
	int r = 0;

	if (schema_string(arena, value, key->name, w->l->d) < 0)
		return -EINVAL;
	if (rule.effect != EFFECT_DENY && !(w->flag && w->effect == EFFECT_DENY) &&
	    is_ignored(w, value, value->string))
		return 0;
	pattern = arena_strdup(arena, value->string);
	if (key->kind == KIND_FILE || key->kind == KIND_DEVICE)
		r = variables_expand(arena, w->l->context, pattern, EXPAND_PATTERN, &value->origin, w->l->d,
				     &pattern);
	if (r < 0)
		return r == -ENOENT ? skip_absent(w, rule.effect, value) : r;
	if (key->kind == KIND_CAPABILITY) {
		for (char *c = pattern; *c; c++)
			*c = (char)tolower((unsigned char)*c);
		if (str_starts(pattern, "cap_"))
			pattern += 4;
	}
	if (value_check_name(arena, key->kind, pattern, value, w->l->d) < 0)
		return -EINVAL;
	rule.pattern = key->place != PLACE_HOST ? value_tree(arena, pattern, value, w->l->d) : pattern;
	return rule.pattern ? add_rule(w, rule, value) : -EINVAL;
}

static const struct { const char *word; enum place place; bool has_name; } sources[] = {
	{ "proc:", PLACE_PROC, false },
	{ "devices:", PLACE_DEVICES, false },
	{ "temporary:", PLACE_TEMPORARY, false },
	{ "synthetic:", PLACE_SYNTHETIC, true },
};
static const struct { const char *word; unsigned access; } access_words[] = {
	{ "read-only", ACCESS_READ },
	{ "read-write", ACCESS_READ | ACCESS_WRITE },
	{ "execute", ACCESS_READ | ACCESS_EXECUTE },
};
static const char *const mount_keys[] = { "source", "target", "access" };

static int add_mount(struct walk *w, const struct key *key, const struct toml_value *table)
{
	const struct toml_value *field[3] = { 0 };
	struct arena *arena = w->l->arena;
	struct rule rule = { .kind = KIND_FILE, .effect = EFFECT_ALLOW, .access = ACCESS_READ };
	char *source, *target;
	size_t i = 0;
	int r;

	if (table->type != TOML_TABLE)
		return diag_error(w->l->d, "C132", &table->origin,
				  "'mount' takes tables { source, target, access }");
	for (const struct toml_value *e = table->first; e; e = e->next) {
		for (i = 0; i < 3 && !schema_is(e, mount_keys[i]); i++)
			;
		if (i == 3)
			return diag_error(w->l->d, "C100", &e->key_origin, "there is no key '%s' here",
					  str_quote(arena, e->key));
		if (schema_string(arena, e, mount_keys[i], w->l->d) < 0)
			return -EINVAL;
		field[i] = e;
	}
	if (!field[0] || !field[1])
		return diag_error(w->l->d, "C132", &table->origin, "a mount needs source and target");
	if (!(w->flag && w->effect == EFFECT_DENY) && is_ignored(w, table, key->name))
		return 0;
	for (i = 0; field[2] && i < ARRAY_SIZE(access_words) &&
	     !str_equal(field[2]->string, access_words[i].word); i++)
		;
	if (i == ARRAY_SIZE(access_words))
		return diag_error(w->l->d, "C133", &field[2]->origin,
				  "access is read-only, read-write or execute");
	if (field[2])
		rule.access = access_words[i].access;
	rule.from = NULL;
	for (i = 0; i < ARRAY_SIZE(sources); i++)
		if (str_starts(field[0]->string, sources[i].word))
			break;
	if (i < ARRAY_SIZE(sources)) {
		const char *name = field[0]->string + strlen(sources[i].word);

		rule.place = sources[i].place;
		if ((name[0] != '\0') != sources[i].has_name)
			return diag_error(w->l->d, "C134", &field[0]->origin, "'%s' is not a source",
					  str_quote(arena, field[0]->string));
		rule.from = sources[i].has_name ? name : NULL;
	} else {
		r = variables_expand(arena, w->l->context, field[0]->string, EXPAND_PATH, &field[0]->origin,
				     w->l->d, &source);
		if (r < 0)
			return r == -ENOENT ? skip_absent(w, EFFECT_ALLOW, field[0]) : r;
		if (source[0] != '/')
			return diag_error(w->l->d, "C134", &field[0]->origin, "'%s' is not a source",
					  str_quote(arena, field[0]->string));
		rule.from = path_normal(arena, "/", source);
	}
	r = variables_expand(arena, w->l->context, field[1]->string, EXPAND_PATTERN, &field[1]->origin, w->l->d,
			     &target);
	if (r < 0)
		return r == -ENOENT ? skip_absent(w, EFFECT_ALLOW, field[1]) : r;
	rule.pattern = rule.place == PLACE_SYNTHETIC ? target : value_tree(arena, target, field[1], w->l->d);
	return rule.pattern ? add_rule(w, rule, field[1]) : -EINVAL;
}

static const struct { const char *name; enum effect effect; unsigned access; } bus_keys[] = {
	{ "see", EFFECT_ALLOW, ACCESS_SEE }, { "deny-see", EFFECT_DENY, ACCESS_SEE },
	{ "talk", EFFECT_ALLOW, ACCESS_TALK }, { "deny-talk", EFFECT_DENY, ACCESS_TALK },
	{ "own", EFFECT_ALLOW, ACCESS_OWN }, { "deny-own", EFFECT_DENY, ACCESS_OWN },
	{ "call", EFFECT_ALLOW, ACCESS_CALL }, { "deny-call", EFFECT_DENY, ACCESS_CALL },
	{ "broadcast", EFFECT_ALLOW, ACCESS_BROADCAST },
	{ "deny-broadcast", EFFECT_DENY, ACCESS_BROADCAST },
};

static int add_bus(struct walk *w, const struct key *key, const struct toml_value *table)
{
	int result = 0;

	if (table->type != TOML_TABLE)
		return diag_error(w->l->d, "C101", &table->origin, "'%s' takes a table", key->name);
	for (const struct toml_value *e = table->first; e; e = e->next) {
		size_t i = 0;

		while (i < ARRAY_SIZE(bus_keys) && !schema_is(e, bus_keys[i].name))
			i++;
		if (i == ARRAY_SIZE(bus_keys)) {
			result = diag_error(w->l->d, "C100", &e->key_origin, "there is no key '%s' here",
					    str_quote(w->l->arena, e->key));
			continue;
		}
		if (e->type != TOML_ARRAY) {
			result = diag_error(w->l->d, "C101", &e->origin, "'%s' takes a list", bus_keys[i].name);
			continue;
		}
		for (const struct toml_value *item = e->first; item; item = item->next) {
			struct rule rule = { .kind = KIND_BUS, .effect = bus_keys[i].effect,
					     .access = bus_keys[i].access, .category = CATEGORY_DESKTOP,
					     .system_bus = str_equal(key->name, "system-bus") };

			if (schema_string(w->l->arena, item, bus_keys[i].name, w->l->d) < 0) {
				result = -EINVAL;
				continue;
			}
			if (rule.effect == EFFECT_ALLOW && !(w->flag && w->effect == EFFECT_DENY) &&
			    is_ignored(w, item, item->string))
				continue;
			rule.pattern = item->string;
			if (add_rule(w, rule, item) < 0)
				result = -EINVAL;
		}
	}
	return result;
}

/* Is this the nearest file that sets the key?  -EINVAL when two are equally near and differ. */
static int is_nearest(struct walk *w, const struct key *key, const struct toml_value *value)
{
	size_t i = 0;

	while (i < w->nearest_count && w->nearest[i].offset != key->offset)
		i++;
	must(i < ARRAY_SIZE(w->nearest));
	if (i < w->nearest_count && w->nearest[i].depth < w->unit->depth)
		return 0;
	if (i < w->nearest_count && w->nearest[i].depth == w->unit->depth) {
		if (toml_same(w->nearest[i].value, value))
			return 0;
		diag_error(w->l->d, "C135", &value->origin, "'%s' is set to two values", key->name);
		diag_note(w->l->d, &w->nearest[i].value->origin, "the other one is here");
		diag_help(w->l->d, "remove one; a drop-in adds and cannot replace, a profile that includes this one can");
		return -EINVAL;
	}
	w->nearest_count = MAX(w->nearest_count, i + 1);
	w->nearest[i].offset = key->offset;
	w->nearest[i].depth = w->unit->depth;
	w->nearest[i].value = value;
	return 1;
}

/* The normal, absolute path that a setting names. */
static int expand_path(struct walk *w, const struct key *key, const struct toml_value *value, const char **ret)
{
	char *path;
	int r = variables_expand(w->l->arena, w->l->context, value->string, EXPAND_PATH, &value->origin, w->l->d,
				 &path);

	if (r == -ENOENT)
		return diag_error(w->l->d, "C137", &value->origin, "'%s' names a folder that you do not have",
				  str_quote(w->l->arena, value->string));
	if (r < 0)
		return r;
	if (path[0] != '/') {
		diag_error(w->l->d, "C139", &value->origin, "'%s' takes an absolute path, not '%s'", key->name,
			   str_quote(w->l->arena, value->string));
		diag_help(w->l->d, "begin it with '/', '~/' or a variable such as $PWD");
		return -EINVAL;
	}
	*ret = path_normal(w->l->arena, "/", path);
	return 0;
}

static int add_setting(struct walk *w, const struct key *key, const struct toml_value *value)
{
	struct text_setting *setting = (void *)((char *)w->policy + key->offset);
	const char *text = value->type == TOML_STRING ? value->string : "";
	int r;

	if (is_ignored(w, value, key->name))
		return 0;
	r = schema_string(w->l->arena, value, key->name, w->l->d);
	if (r == 0)
		r = value_check(w->l->arena, key, value, w->l->d);
	if (r == 0 && key->is_path && !(str_equal(key->name, "root") && root_image(text)))
		r = expand_path(w, key, value, &text);
	if (r == 0)
		r = is_nearest(w, key, value);
	if (r > 0)
		*setting = (struct text_setting){ text, origin_of(w, value) };
	return MIN(r, 0);
}

static int add_tightening(struct walk *w, const struct key *key, const struct toml_value *value)
{
	struct text_setting *setting = (void *)((char *)w->policy + key->offset);

	if (value->type != TOML_BOOLEAN)
		return diag_error(w->l->d, "C101", &value->origin, "'%s' takes true or false, not %s", key->name,
				  toml_type_name(value->type));
	if (value->boolean && !setting->value)
		*setting = (struct text_setting){ "true", origin_of(w, value) };
	return 0;
}

static int add_list(struct walk *w, const struct key *key, const struct toml_value *list)
{
	struct text_list *target = (void *)((char *)w->policy + key->offset);
	struct text_list out = key->adds ? *target : (struct text_list){ 0 };
	size_t more = 0;
	int r;

	for (const struct toml_value *item = list->first; item; item = item->next, more++)
		if ((r = schema_string(w->l->arena, item, key->name, w->l->d)) < 0 ||
		    (r = value_check(w->l->arena, key, item, w->l->d)) < 0)
			return r;
	if (!str_equal(key->name, "unset") && !str_equal(key->name, "requires") &&
	    is_ignored(w, list, key->name))
		return 0;
	r = key->adds ? 1 : is_nearest(w, key, list);
	if (r <= 0)
		return r;
	out.items = arena_new_array(w->l->arena, struct text_setting, out.count + more);
	if (key->adds && target->count)
		memcpy(out.items, target->items, target->count * sizeof(*out.items));
	for (const struct toml_value *item = list->first; item; item = item->next) {
		const char *text = item->string;

		if (key->is_path && strchr(text, '/') && expand_path(w, key, item, &text) < 0)
			return -EINVAL;
		out.items[out.count++] = (struct text_setting){ text, origin_of(w, item) };
	}
	*target = out;
	return 0;
}

static int add_limit(struct walk *w, const struct key *key, const struct toml_value *value)
{
	struct number_setting *now = &w->policy->limits[key->limit];
	uint64_t number;
	int r = schema_limit(w->l->arena, key->limit, value, w->l->d, &number);

	if (r < 0 || (w->unit->depth == DEPTH_DEFAULTS && now->is_set && !w->tight[key->limit]))
		return r;
	/* A higher nice level is the tighter one. */
	if (!now->is_set || (key->limit == LIMIT_NICE ? number > now->value : number < now->value))
		w->tight[key->limit] = w->unit->only_denies,
		*now = (struct number_setting){ number, true, origin_of(w, value) };
	return 0;
}

static int add_variables(struct walk *w, const struct toml_value *table)
{
	for (const struct toml_value *e = table->first; e; e = e->next) {
		size_t count = w->policy->set.count;
		struct variable_setting *items;

		if (e->type != TOML_STRING || strlen(e->string) != e->length ||
		    strlen(e->key) != e->key_length || !e->key[0] || strchr(e->key, '='))
			return diag_error(w->l->d, "C136", &e->origin, "'%s' is no variable with a string",
					  str_quote(w->l->arena, e->key));
		if (is_ignored(w, e, e->key))
			continue;
		items = arena_new_array(w->l->arena, struct variable_setting, count + 1);
		if (count)
			memcpy(items, w->policy->set.items, count * sizeof(*items));
		items[count] = (struct variable_setting){ e->key, e->string, origin_of(w, e) };
		w->policy->set.items = items;
		w->policy->set.count = count + 1;
	}
	return 0;
}

static int apply_table(struct walk *w, const struct toml_value *table, unsigned scope);

static int apply_nested(struct walk *w, const struct key *key, const struct toml_value *e)
{
	enum category category;

	if (str_equal(key->name, "include") || str_equal(key->name, "define"))
		return 0;
	if (e->type != TOML_TABLE)
		return diag_error(w->l->d, "C101", &e->origin, "'%s' takes a table, not %s", key->name,
				  toml_type_name(e->type));
	if (str_equal(key->name, "set"))
		return add_variables(w, e);
	if (schema_category(e, &category))
		return apply_table(w, e, category);
	return apply_table(w, e, SCOPE_ENVIRONMENT);
}

static int apply_key(struct walk *w, const struct key *key, const struct toml_value *e,
		     unsigned scope)
{
	bool granted = !w->flag || w->effect == EFFECT_ALLOW;
	int r, result = 0;

	/* A flag that is denied or asked for grants no setting (x11 = "host"). */
	if (!granted && (key->form == FORM_TEXT || key->form == FORM_LIST))
		return 0;
	switch (key->form) {
	case FORM_TABLE: return apply_nested(w, key, e);
	case FORM_TEXT: return add_setting(w, key, e);
	case FORM_LIMIT: return add_limit(w, key, e);
	case FORM_BUS: return add_bus(w, key, e);
	case FORM_TIGHTEN: return add_tightening(w, key, e);
	case FORM_RULES: case FORM_LIST: case FORM_MOUNTS: case FORM_FLAGS: break;
	}
	if (e->type != TOML_ARRAY)
		return diag_error(w->l->d, "C101", &e->origin, "'%s' takes a list, not %s", key->name,
				  toml_type_name(e->type));
	if (key->form == FORM_LIST)
		return add_list(w, key, e);
	for (const struct toml_value *item = e->first; item; item = item->next) {
		r = key->form == FORM_RULES ? add_text(w, key, item) :
		    key->form == FORM_MOUNTS ? add_mount(w, key, item) :
		    apply_flag(w, (enum category)scope, key->effect, item);
		result = r < 0 ? r : result;
	}
	return result;
}

static int apply_table(struct walk *w, const struct toml_value *table, unsigned scope)
{
	int result = 0;

	for (const struct toml_value *e = table->first; e; e = e->next) {
		const struct key *key = schema_find(w->l->arena, scope, e, w->l->d);

		if (!key || apply_key(w, key, e, scope) < 0)
			result = -EINVAL;
	}
	return result;
}

/* A flag: the keys of its own category stand directly in it, others in sub-tables. */
static int apply_members(struct walk *w, const struct profile_flag *flag)
{
	enum category category;
	int result = 0;

	for (const struct toml_value *e = flag->table->first; e; e = e->next) {
		const struct key *key;
		int r;

		if (schema_is(e, "description") || schema_is(e, "risk"))
			continue;
		if (e->type == TOML_TABLE && schema_category(e, &category)) {
			r = apply_table(w, e, category);
		} else if (e->type == TOML_TABLE && schema_is(e, "environment")) {
			/* Settings of a flag that is denied or asked for are not set. */
			r = w->effect == EFFECT_ALLOW ? apply_table(w, e, SCOPE_ENVIRONMENT) : 0;
		} else {
			key = schema_find(w->l->arena, flag->category, e, w->l->d);
			r = key ? apply_key(w, key, e, flag->category) : -EINVAL;
		}
		result = r < 0 ? r : result;
	}
	return result;
}

/* The user's flag of this name replaced the administrator's: of that one the denies still count. */
static int apply_kept(struct walk *w, const struct profile_flag *kept)
{
	const struct unit *before = w->unit;
	struct unit unit = *before;
	int r;

	unit.only_denies = true;
	unit.warn = false;
	w->unit = &unit;
	w->flag = kept;
	r = apply_members(w, kept);
	w->unit = before;
	return r;
}

static int apply_flag(struct walk *w, enum category category, enum effect effect,
		      const struct toml_value *value)
{
	const struct profile_flag *flag = flags_find(w->l, category, value), *outer = w->flag;
	const struct origin *via = w->via, *here = origin_of(w, value);
	enum effect before = w->effect;
	int r;

	if (!flag)
		return -EINVAL;
	/* The strictest of the effects on the way counts. */
	if (outer && (before == EFFECT_DENY || (before == EFFECT_ASK && effect == EFFECT_ALLOW)))
		effect = before;
	for (size_t i = 0; i < w->depth; i++)
		if (str_equal(w->stack[i], flag->name))
			return diag_error(w->l->d, "C125", here, "the flag '%s' names itself", flag->name);
	if (w->depth == LIMIT_INCLUDE_DEPTH)
		return diag_error(w->l->d, "C126", here, "flags are deeper than %d", LIMIT_INCLUDE_DEPTH);
	for (size_t i = 0; !w->unit->only_denies && i < w->done.count; i++)
		if (w->done.items[i].effect == effect && str_equal(w->done.items[i].name, flag->name))
			return 0;
	w->stack[w->depth++] = flag->name;
	w->flag = flag;
	w->via = here;
	w->effect = effect;
	r = apply_members(w, flag);
	if (flag->kept && apply_kept(w, flag->kept) < 0)
		r = -EINVAL;
	w->flag = outer;
	w->via = via;
	w->effect = before;
	w->depth--;
	if (!w->unit->only_denies)
		*vec_push(w->l->arena, &w->done) = (struct flag_use){ flag->name, effect };
	return r;
}

/* Cages of the same private network may reach each other, by names that end in its own. */
static int apply_network(struct walk *w)
{
	const struct text_setting *network = &w->policy->network;
	struct rule rule = { .kind = KIND_NETWORK, .effect = EFFECT_ALLOW, .category = CATEGORY_NETWORKING };
	struct toml_value *value = arena_new_object(w->l->arena, struct toml_value);

	if (!network->value)
		return 0;
	value->origin = *network->origin;
	rule.pattern = arena_printf(w->l->arena, "*.%s", network->value);
	return add_rule(w, rule, value);
}

/* Who may reach something outside gets the means for it: sockets, and files of a resolver. */
#define MEANS "networking.client"

static int apply_means(struct walk *w)
{
	const unsigned out = ACCESS_CONNECT | ACCESS_SEND | ACCESS_RESOLVE;
	struct toml_value value = { .type = TOML_STRING, .string = (char *)MEANS, .length = strlen(MEANS) };

	for (size_t i = 0; i < w->rules.count; i++) {
		const struct rule *rule = &w->rules.items[i];

		if (rule->kind != KIND_NETWORK || rule->effect != EFFECT_ALLOW || !(rule->access & out) ||
		    rule->endpoint->form == HOST_LOOPBACK)
			continue;
		if (!flags_has(w->l, MEANS)) /* as in a tree of tests */
			return 0;
		value.origin = *rule->origin;
		struct toml_value *kept = arena_new_object(w->l->arena, struct toml_value);
		*kept = value;
		return apply_flag(w, CATEGORY_NETWORKING, EFFECT_ALLOW, kept);
	}
	return 0;
}

int profile_resolve(struct arena *arena, const struct profile_context *context, const char *name,
		    struct diags *d, struct policy **ret)
{
	struct profile_context present = places_present(context);
	struct loader l = { .arena = arena, .context = &present, .d = d };
	struct policy *policy = arena_new_object(arena, struct policy);
	struct walk w = { .l = &l, .policy = policy };
	size_t errors = d->errors;
	int r = flags_prepare(&l);

	if (r == 0)
		r = load_profile(&l, name, NULL, 0, false);
	if (r == 0 && context->extra)
		r = load_text(&l, context->extra);
	if (r == 0 && context->guard)
		r = load_text(&l, context->guard);
	if (r == 0 && context->tighten)
		r = load_unit(&l, context->tighten, NULL, 0, true, true);
	if (r == 0)
		r = load_defaults(&l);
	if (r < 0)
		return r;
	for (size_t i = 0; i < l.units.count; i++) {
		w.unit = &l.units.items[i];
		if (apply_table(&w, w.unit->root, SCOPE_TOP) < 0)
			r = -EINVAL;
	}
	if (r == 0)
		r = apply_network(&w);
	if (r == 0)
		r = apply_means(&w);
	if (r < 0 || d->errors != errors)
		return -EINVAL;
	policy->arena = arena;
	policy->name = arena_strdup(arena, name);
	policy->diags = d;
	policy->rules = w.rules.items;
	policy->rule_count = w.rules.count;
	if (policy->root.value && root_apply(arena, context, policy) < 0)
		return -EINVAL;
	policy_own_proc(policy);
	policy_sort(policy);
	*ret = policy;
	return 0;
}
