/* export/script.c - plain shell scripts, one option a line, each with its origin as a comment. */
#include "export/export.h"

#include <string.h>

const char *export_shell_word(struct arena *arena, const char *text)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=,@%+";
	struct strbuf out = { .arena = arena };

	if (*text && !text[strspn(text, plain)])
		return text;
	strbuf_add(&out, "'");
	for (; *text; text++) {
		if (*text == '\'')
			strbuf_add(&out, "'\\''");
		else
			strbuf_add_bytes(&out, text, 1);
	}
	strbuf_add(&out, "'");
	return strbuf_text(&out);
}

const char *export_yaml_text(struct arena *arena, const char *text)
{
	struct strbuf out = { .arena = arena };
	struct json json = { .out = &out };

	json_string(&json, NULL, text);
	return strbuf_text(&out);
}

const char *export_yaml_doubled(struct arena *arena, const char *text)
{
	struct strbuf doubled = { .arena = arena };

	for (; *text; text++)
		strbuf_add_bytes(&doubled, *text == '$' ? "$$" : text, *text == '$' ? 2 : 1);
	return export_yaml_text(arena, strbuf_text(&doubled));
}

void script_begin(const struct export *e, struct strbuf *out)
{
	strbuf_add(out, "#!/bin/sh\n");
	export_heading(e, out, "#");
	strbuf_add(out, "\nhere=$(cd \"$(dirname \"$0\")\" && pwd) || exit 125\n");
	if (e->policy->command.count) {
		strbuf_add(out, "[ $# -gt 0 ] || set --");
		for (size_t i = 0; i < e->policy->command.count; i++)
			strbuf_addf(out, " %s", export_shell_word(e->arena, e->policy->command.items[i].value));
		strbuf_addf(out, " # %s\n", export_origin(e, e->policy->command.items[0].origin));
	}
	strbuf_add(out, "words=$#\n\n");
}

void script_add(const struct export *e, struct strbuf *out, const char *origin, const char *option,
		const char *const *words)
{
	strbuf_addf(out, "set -- \"$@\" %s", option);
	for (; words && *words; words++)
		strbuf_addf(out, " %s", export_shell_word(e->arena, *words));
	strbuf_addf(out, " # %s\n", origin);
}

void script_end(const struct export *e, struct strbuf *out, const char *tool, const char *tail)
{
	uint64_t seconds;

	strbuf_add(out, "\n# The caller's words stand first so far: behind the options with them.\n"
			"while [ \"$words\" -gt 0 ]; do\n\tset -- \"$@\" \"$1\"\n\tshift\n\twords=$((words - 1))\ndone\nexec ");
	if (export_limit(e, LIMIT_TIMEOUT, &seconds))
		strbuf_addf(out, "timeout %llu ", (unsigned long long)seconds);
	strbuf_addf(out, "%s \"$@\"%s\n", tool, tail);
}
