/* profile/load.c - reads a profile, its drop-ins and its includes into units; nothing is
 * interpreted yet but `include` and `define`.  Cycles and depth are refused with their chain. */
#include "profile/internal.h"

#include "base/fd.h"
#include "base/limits.h"
#include "base/path.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>

int load_source(struct loader *l, const char *path, const struct origin *via, bool may_lack,
		const struct source **ret)
{
	struct source *source = arena_new_object(l->arena, struct source);
	char *text;
	int r = fd_read_file(l->arena, AT_FDCWD, path, LIMIT_FILE_SIZE, &text, &source->length);

	if (r == -ENOENT && may_lack)
		return 0;
	if (r < 0) {
		diag_error(l->d, "C110", via, "cannot read '%s': %s", str_quote(l->arena, path),
			   strerror(-r));
		return r;
	}
	source->name = arena_strdup(l->arena, path);
	source->text = text;
	source->first_line = 1;
	*ret = source;
	return 0;
}

int load_file(struct loader *l, const char *path, const struct origin *via,
	      const struct toml_value **ret)
{
	const struct source *source;
	int r = load_source(l, path, via, false, &source);

	return r < 0 ? r : toml_parse(l->arena, source, via, l->d, ret);
}

/* A file with a relative path is meant from where the file that includes it lies. */
static const char *include_path(struct loader *l, const struct toml_value *item)
{
	const char *from = item->origin.source->name, *slash = strrchr(from, '/'), *path = item->string;

	if (!strchr(path, '/') || path[0] == '/' || !slash)
		return path;
	while (str_starts(path, "./"))
		path += 2;
	return arena_printf(l->arena, "%.*s%s", (int)(slash + 1 - from), from, path);
}

static int load_includes(struct loader *l, const struct toml_value *list, unsigned depth,
			 bool only_denies)
{
	int result = 0;

	if (list->type != TOML_ARRAY)
		return diag_error(l->d, "C101", &list->origin, "'include' takes a list, not %s",
				  toml_type_name(list->type));
	for (const struct toml_value *item = list->first; item; item = item->next) {
		int r = schema_string(l->arena, item, "include", l->d);

		if (r == 0)
			r = load_profile(l, include_path(l, item), &item->origin, depth + 1, only_denies);
		if (r < 0)
			result = r;
	}
	return result;
}

static int load_root(struct loader *l, const char *path, const struct toml_value *root,
		     unsigned depth, bool only_denies, bool warn)
{
	int r, result;

	*vec_push(l->arena, &l->units) = (struct unit){ path, root, depth, only_denies, warn };
	result = only_denies && warn ? 0 : flags_define(l, root);
	for (const struct toml_value *entry = root->first; entry; entry = entry->next) {
		if (!schema_is(entry, "include"))
			continue;
		r = load_includes(l, entry, depth, only_denies);
		if (r < 0)
			result = r;
	}
	return result;
}

int load_unit(struct loader *l, const char *path, const struct origin *via, unsigned depth,
	      bool only_denies, bool warn)
{
	const struct toml_value *root;
	int r;

	if (l->units.count >= LIMIT_INCLUDES)
		return diag_error(l->d, "C111", via, "more than %d files make one profile",
				  LIMIT_INCLUDES);
	r = load_file(l, path, via, &root);
	return r < 0 ? r : load_root(l, path, root, depth, only_denies, warn);
}

int load_text(struct loader *l, const struct source *text)
{
	const struct toml_value *root;
	int r = toml_parse(l->arena, text, NULL, l->d, &root);

	return r < 0 ? r : load_root(l, text->name, root, 0, false, false);
}

static int load_drop_ins(struct loader *l, const char *place, const char *name,
			 const struct origin *via, unsigned depth, bool only_denies)
{
	char *directory = arena_printf(l->arena, "%s/profiles/%s.d", place, name);
	char *local = arena_printf(l->arena, "%s/profiles/%s.local.toml", place, name);
	const char **names;
	size_t count = places_names(l->arena, directory, &names);
	int r, result = 0;

	for (size_t i = 0; i < count; i++) {
		r = load_unit(l, arena_printf(l->arena, "%s/%s.toml", directory, names[i]), via,
			      depth, only_denies, false);
		if (r < 0)
			result = r;
	}
	if (places_exists(local)) {
		r = load_unit(l, local, via, depth, only_denies, false);
		if (r < 0)
			result = r;
	}
	return result;
}

static int load_named(struct loader *l, const char *name, const struct origin *via,
		      unsigned depth, bool only_denies)
{
	const char *places[3], *winner = NULL, *etc = NULL;
	size_t count = places_all(l->context, places);
	int r, result = 0;

	for (size_t i = 0; i < count; i++) {
		char *path = arena_printf(l->arena, "%s/profiles/%s.toml", places[i], name);

		/* The shipped bases have a folder of their own, so that the others stand out. */
		if (!places_exists(path) && places[i] == l->context->places.share)
			path = arena_printf(l->arena, "%s/profiles/base/%s.toml", places[i], name);
		if (!places_exists(path))
			continue;
		winner = path;
		if (places[i] == l->context->places.etc)
			etc = path;
	}
	if (!winner)
		return diag_error(l->d, "C112", via, "there is no profile '%s'",
				  str_quote(l->arena, name));
	result = load_unit(l, winner, via, depth, only_denies, false);
	if (etc && etc != winner && !places_is_overridable(l->arena, l->context, name)) {
		r = load_unit(l, etc, via, depth, true, false);
		result = r < 0 ? r : result;
	}
	for (size_t i = 0; i < count; i++) {
		r = load_drop_ins(l, places[i], name, via, depth, only_denies);
		result = r < 0 ? r : result;
	}
	return result;
}

int load_profile(struct loader *l, const char *name, const struct origin *via, unsigned depth,
		 bool only_denies)
{
	struct strbuf chain = { .arena = l->arena };
	int r;

	for (size_t i = 0; i < l->depth; i++) {
		if (!chain.length && !str_equal(l->stack[i], name))
			continue;
		strbuf_addf(&chain, "%s -> ", str_quote(l->arena, l->stack[i]));
	}
	if (chain.length)
		return diag_error(l->d, "C113", via, "the profile includes itself: %s%s",
				  chain.text, str_quote(l->arena, name));
	if (l->depth >= LIMIT_INCLUDE_DEPTH)
		return diag_error(l->d, "C114", via, "includes are deeper than %d",
				  LIMIT_INCLUDE_DEPTH);
	if (!strchr(name, '/') && !places_name_is_valid(name))
		return diag_error(l->d, "C115", via, "'%s' is not a name of a profile",
				  str_quote(l->arena, name));
	l->stack[l->depth++] = name;
	r = strchr(name, '/') ? load_unit(l, name, via, depth, only_denies, false) :
				load_named(l, name, via, depth, only_denies);
	l->depth--;
	return r;
}

int load_defaults(struct loader *l)
{
	const char *share = l->context->places.share;
	char *path = share ? path_join(l->arena, share, "permissions/builtin.toml") : NULL;

	if (!path || !places_exists(path))
		return 0;
	return load_unit(l, path, NULL, DEPTH_DEFAULTS, false, false);
}
