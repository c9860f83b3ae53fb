/* profile/variables.c - ~, $NAME and ${NAME}, from what the caller gives; in patterns values are
 * escaped, so that a home called "a*b" stays one directory. */
#include "profile/internal.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

static const char *lookup(const struct profile_context *context, const char *name, size_t length)
{
	for (size_t i = 0; i < context->variable_count; i++)
		if (strlen(context->variables[i].name) == length &&
		    memcmp(context->variables[i].name, name, length) == 0)
			return context->variables[i].value;
	return NULL;
}

static void add_escaped(struct strbuf *out, const char *value)
{
	while (*value) {
		size_t plain = strcspn(value, "*?[]{}\\,^");

		strbuf_add_bytes(out, value, plain);
		value += plain;
		if (*value) {
			strbuf_add(out, "\\");
			strbuf_add_bytes(out, value++, 1);
		}
	}
}

static int report_unset(const struct profile_context *context, const char *text, const char *name,
			const struct origin *origin, struct diags *d)
{
	const char **names = arena_new_array(d->arena, const char *, context->variable_count), *near;

	diag_error(d, "C105", origin, "'%s' has a variable that is not set", str_quote(d->arena, text));
	for (size_t i = 0; i < context->variable_count; i++)
		names[i] = context->variables[i].name;
	near = diag_nearest(name, names, context->variable_count);
	if (near)
		diag_help(d, "did you mean '${%s}'?", near);
	else
		diag_help(d, "write the path itself; cuddy-profile(5) lists the variables");
	return -EINVAL;
}

int variables_expand(struct arena *arena, const struct profile_context *context, const char *text,
		     enum expansion expansion, const struct origin *origin, struct diags *d, char **ret)
{
	struct strbuf out = { .arena = arena };
	const char *at = text;
	bool absent = false;

	if (at[0] == '~' && !strchr("/{", at[1]) && at[1])
		return diag_error(d, "C104", origin, "'~' stands for the home only before a '/'");
	while (*at) {
		const char *name = at + 1, *value;
		size_t length = 0, skip;
		bool brace = false;

		if (*at == '~' && at == text) {
			name = "HOME";
			length = 4;
			skip = 1;
		} else if (*at == '$') {
			brace = *name == '{';
			name += brace;
			while (isalnum((unsigned char)name[length]) || name[length] == '_')
				length++;
			skip = 1 + length + 2 * brace;
			if (brace && name[length] != '}')
				length = 0;
		} else {
			size_t plain = *at == '\\' && at[1] && expansion == EXPAND_PATTERN ? 2 :
				       MAX(strcspn(at, "$\\"), (size_t)1);

			strbuf_add_bytes(&out, at, plain);
			at += plain;
			continue;
		}
		value = length ? lookup(context, name, length) : NULL;
		if (!value)
			return report_unset(context, text, arena_strndup(arena, name, length), origin, d);
		absent = absent || *value == '\0';
		if (expansion == EXPAND_PATTERN)
			add_escaped(&out, value);
		else
			strbuf_add(&out, value);
		at += skip;
	}
	if (absent)
		return -ENOENT;
	*ret = (char *)strbuf_text(&out);
	return 0;
}
