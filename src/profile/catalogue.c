/* profile/catalogue.c - cuts a file of permissions into the texts of its flags, so that the start of a
 * program parses only those that it uses.
 *
 * A line-wise look for [NAME] and [NAME.SUB] headers outside of brackets and strings.  It understands
 * less TOML than the parser, and says so: then the whole file is parsed.  Must not: judge, report. */
#include "profile/internal.h"

#include <string.h>

struct cutter { const char *at; uint32_t line; };

/* Moves behind a string of one line.  Those of several lines are not understood. */
static bool skip_string(struct cutter *c)
{
	char quote = *c->at;

	if (c->at[1] == quote && c->at[2] == quote)
		return false;
	for (c->at++; *c->at != quote; c->at++) {
		if (*c->at == '\\' && quote == '"')
			c->at++;
		if (!*c->at || *c->at == '\n')
			return false;
	}
	c->at++;
	return true;
}

/* Moves behind one statement, which may be an array of several lines. */
static bool skip_statement(struct cutter *c)
{
	int depth = 0;

	for (;;) {
		switch (*c->at) {
		case '\0':
			return depth == 0;
		case '"': case '\'':
			if (!skip_string(c))
				return false;
			continue;
		case '#':
			c->at += strcspn(c->at, "\n");
			continue;
		case '[': case '{':
			depth++;
			break;
		case ']': case '}':
			depth--;
			break;
		case '\n':
			c->line++;
			if (depth <= 0) {
				c->at++;
				return depth == 0;
			}
			break;
		}
		c->at++;
	}
}

/* A header begins a slice, continues the last one, or (once more later on) is not understood. */
static bool take_header(struct arena *arena, struct cutter *c, struct catalogue *all)
{
	const char *name = c->at + 1;
	size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");

	if (!length || (name[length] != ']' && name[length] != '.'))
		return false;
	for (size_t i = 0; i < all->count; i++)
		if (all->items[i].length == length && memcmp(all->items[i].name, name, length) == 0)
			return i == all->count - 1;
	*vec_push(arena, all) = (struct slice){ .name = name, .length = length, .text = c->at, .line = c->line };
	return true;
}

bool catalogue_cut(struct arena *arena, const char *text, struct catalogue *ret)
{
	struct cutter c = { text, 1 };
	struct catalogue all = { 0 };

	while (*c.at) {
		c.at += strspn(c.at, " \t");
		if (*c.at == '[' ? !take_header(arena, &c, &all) : !strchr("#\r\n", *c.at) && !all.count)
			return false;
		if (!skip_statement(&c))
			return false;
	}
	*ret = all;
	return true;
}

const struct source *catalogue_source(struct arena *arena, const struct source *file,
				      const struct catalogue *all, const char *name)
{
	struct source *source;

	for (size_t i = 0; i < all->count; i++) {
		const struct slice *s = &all->items[i];
		const char *end = i + 1 < all->count ? s[1].text : file->text + file->length;

		if (strlen(name) != s->length || memcmp(name, s->name, s->length) != 0)
			continue;
		source = arena_new_object(arena, struct source);
		*source = (struct source){ .name = file->name, .first_line = s->line,
					   .text = arena_strndup(arena, s->text, (size_t)(end - s->text)),
					   .length = (size_t)(end - s->text) };
		return source;
	}
	return NULL;
}
