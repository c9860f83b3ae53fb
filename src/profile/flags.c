/* profile/flags.c - the catalogue of flags: permissions/CATEGORY.toml and flags/X.toml of every
 * place, later ones replacing by name, and what the profiles themselves define.
 * Where only the shipped permissions exist, they are read on demand, flag by flag. */
#include "profile/internal.h"

#include "base/limits.h"
#include "base/path.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The value of a key, in whatever spelling. */
static const struct toml_value *get(const struct toml_value *table, const char *key)
{
	const struct toml_value *e = table->first;

	while (e && !schema_is(e, key))
		e = e->next;
	return e;
}

static int read_heading(struct loader *l, const struct toml_value *table, struct profile_flag *flag)
{
	const struct toml_value *text = get(table, "description"), *risk = get(table, "risk");

	flag->description = "";
	if (text && schema_string(l->arena, text, "description", l->d) < 0)
		return -EINVAL;
	if (text)
		flag->description = text->string;
	if (!risk)
		return 0;
	if (schema_string(l->arena, risk, "risk", l->d) < 0)
		return -EINVAL;
	for (enum risk r = RISK_LOW; r <= RISK_ESCAPE; r++)
		if (str_equal(risk->string, risk_name(r))) {
			flag->risk = r;
			return 0;
		}
	return diag_error(l->d, "C120", &risk->origin, "a risk is low, medium, high or escape");
}

static int add_flags(struct loader *l, const struct toml_value *tables, enum category category,
		     bool may_replace);

static struct profile_flag *find_loaded(struct loader *l, const char *name)
{
	for (size_t i = 0; i < l->flags.count; i++)
		if (str_equal(l->flags.items[i].name, name))
			return &l->flags.items[i];
	return NULL;
}

/* Of a flag that a later place replaces: the administrator's one, whose denies go on to hold. */
static const struct profile_flag *keep(struct loader *l, const struct profile_flag *old)
{
	struct profile_flag *copy;

	if (!old->place || old->place != l->context->places.etc || old->place == l->place)
		return old->kept;
	copy = arena_new_object(l->arena, struct profile_flag);
	*copy = *old;
	return copy;
}

static const char *shelf_path(struct loader *l, const char *place, enum category category)
{
	return arena_printf(l->arena, "%s/permissions/%s.toml", place, category_name(category));
}

/* Adds the flags of a text that came with cuddy, while another place may be read. */
static int add_built_in(struct loader *l, const struct source *source, enum category category)
{
	const char *place = l->place;
	const struct toml_value *root;
	int r = toml_parse(l->arena, source, NULL, l->d, &root);

	l->place = l->context->places.share;
	r = r < 0 ? r : add_flags(l, root, category, true);
	l->place = place;
	return r;
}

/* Parses what the shelf has for "CATEGORY.NAME"; where it can't be cut, all of it. */
static int fetch(struct loader *l, const char *flag)
{
	const char *dot = strchr(flag, '.'), *path;
	const struct toml_value name = { .key = flag, .key_length = dot ? (size_t)(dot - flag) : 0 };
	const struct source *source;
	enum category category;
	struct shelf *shelf;
	int r;

	if (!dot || !schema_category(&name, &category))
		return 0;
	shelf = &l->shelves[category];
	if (!shelf->is_read) {
		shelf->is_read = true;
		path = shelf_path(l, l->context->places.share, category);
		r = load_source(l, path, NULL, true, &shelf->file);
		if (r < 0 || !shelf->file)
			return r;
		if (!catalogue_cut(l->arena, shelf->file->text, &shelf->flags))
			return add_built_in(l, shelf->file, category);
	}
	source = shelf->file ? catalogue_source(l->arena, shelf->file, &shelf->flags, dot + 1) : NULL;
	return source ? add_built_in(l, source, category) : 0;
}

static struct profile_flag *find(struct loader *l, const char *name)
{
	struct profile_flag *flag = find_loaded(l, name);

	return flag || !l->on_demand || fetch(l, name) < 0 ? flag : find_loaded(l, name);
}

static int add_flags(struct loader *l, const struct toml_value *tables, enum category category,
		     bool may_replace)
{
	int result = 0;

	for (const struct toml_value *t = tables->first; t; t = t->next) {
		struct profile_flag flag = { .category = category, .table = t, .risk = RISK_LOW,
					     .place = l->place };
		struct profile_flag *old;

		if (t->type != TOML_TABLE || !places_name_is_valid(t->key)) {
			result = diag_error(l->d, "C121", &t->key_origin,
					    "'%s' is not a table that defines a flag",
					    str_quote(l->arena, t->key));
			continue;
		}
		flag.name = arena_printf(l->arena, "%s.%s", category_name(category), t->key);
		old = may_replace ? find_loaded(l, flag.name) : find(l, flag.name);
		if (old && !may_replace) {
			const struct origin *o = &old->table->key_origin;

			/* One file may come twice, through two includes. */
			if (o->line == t->key_origin.line && o->source && t->key_origin.source &&
			    str_equal(o->source->name, t->key_origin.source->name))
				continue;
			result = diag_error(l->d, "C122", &t->key_origin,
					    "there is already a flag '%s'", flag.name);
			continue;
		}
		if (old)
			flag.kept = keep(l, old);
		if (read_heading(l, t, &flag) < 0)
			result = -EINVAL;
		else if (old)
			*old = flag;
		else
			*vec_push(l->arena, &l->flags) = flag;
	}
	return result;
}

static int define(struct loader *l, const struct toml_value *root, bool may_replace)
{
	int result = 0;

	for (const struct toml_value *e = root->first; e; e = e->next) {
		enum category category;

		if (!schema_is(e, "define"))
			continue;
		if (e->type != TOML_TABLE)
			return diag_error(l->d, "C101", &e->origin, "'define' takes a table");
		for (const struct toml_value *c = e->first; c; c = c->next) {
			if (c->type != TOML_TABLE || !schema_category(c, &category))
				result = diag_error(l->d, "C123", &c->key_origin,
						    "'%s' is not a category",
						    str_quote(l->arena, c->key));
			else if (add_flags(l, c, category, may_replace) < 0)
				result = -EINVAL;
		}
	}
	return result;
}

int flags_define(struct loader *l, const struct toml_value *root)
{
	return define(l, root, false);
}

int flags_load(struct loader *l)
{
	const char *places[3], **names;
	size_t count = places_all(l->context, places);
	const struct toml_value *root;
	int result = 0;

	for (size_t i = 0; i < count; i++) {
		char *directory = path_join(l->arena, places[i], "flags");
		size_t files = places_names(l->arena, directory, &names);
		bool built_in = places_exists(path_join(l->arena, places[i], "permissions"));

		l->place = places[i];
		for (enum category c = 0; built_in && c < CATEGORY_COUNT; c++) {
			const char *path = shelf_path(l, places[i], c);

			if (!places_exists(path))
				continue;
			if (load_file(l, path, NULL, &root) < 0 || add_flags(l, root, c, true) < 0)
				result = -EINVAL;
		}
		for (size_t f = 0; f < files; f++)
			if (load_file(l, arena_printf(l->arena, "%s/%s.toml", directory, names[f]),
				      NULL, &root) < 0 || define(l, root, true) < 0)
				result = -EINVAL;
	}
	l->place = NULL;
	return result;
}

int flags_prepare(struct loader *l)
{
	const char *places[3];
	size_t count = places_all(l->context, places);

	/* Who adds or replaces flags is heard first, so all is read. */
	l->on_demand = l->context->places.share != NULL;
	for (size_t i = 0; i < count; i++)
		if (places_exists(path_join(l->arena, places[i], "flags")) ||
		    (places[i] != l->context->places.share &&
		     places_exists(path_join(l->arena, places[i], "permissions"))))
			l->on_demand = false;
	return l->on_demand ? 0 : flags_load(l);
}

bool flags_has(struct loader *l, const char *name)
{
	return find(l, name) != NULL;
}

const struct profile_flag *flags_find(struct loader *l, enum category category,
				      const struct toml_value *value)
{
	const char *name, **names, *near;
	const struct profile_flag *flag;
	size_t errors = l->d->errors;

	if (schema_string(l->arena, value, "flags", l->d) < 0)
		return NULL;
	name = strchr(value->string, '.') ? value->string :
	       arena_printf(l->arena, "%s.%s", category_name(category), value->string);
	flag = find(l, name);
	if (flag || l->d->errors != errors)
		return flag;
	if (l->on_demand) { /* now their names are wanted */
		l->on_demand = false;
		if (flags_load(l) < 0)
			return NULL;
	}
	diag_error(l->d, "C124", &value->origin, "there is no flag '%s'", str_quote(l->arena, name));
	names = arena_new_array(l->arena, const char *, l->flags.count);
	for (size_t i = 0; i < l->flags.count; i++)
		names[i] = l->flags.items[i].name;
	near = diag_nearest(name, names, l->flags.count);
	if (near)
		diag_help(l->d, "did you mean '%s'?", near);
	return NULL;
}

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct profile_flag *)a)->name, ((const struct profile_flag *)b)->name);
}

int profile_list_flags(struct arena *arena, const struct profile_context *context,
		       struct diags *d, struct profile_flag **ret, size_t *ret_count)
{
	struct loader l = { .arena = arena, .context = context, .d = d };
	int r = flags_load(&l);

	if (r < 0)
		return r;
	if (l.flags.count)
		qsort(l.flags.items, l.flags.count, sizeof(*l.flags.items), compare);
	*ret = l.flags.items;
	*ret_count = l.flags.count;
	return 0;
}
