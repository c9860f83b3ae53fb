/* import/ini.c - reads sections and KEY=VALUE lines; systemd.syntax(7), desktop entry specification. */
#include "import/ini.h"

#include <errno.h>
#include <string.h>

static char *trimmed(char *text)
{
	char *end;

	text += strspn(text, " \t");
	end = text + strlen(text);
	while (end > text && strchr(" \t", end[-1]))
		*--end = '\0';
	return text;
}

/* Joins the lines that follow; comments between them are left out. */
static const char *joined(struct import *i, const struct source *source, struct import_line *line)
{
	struct strbuf out = { .arena = i->arena };
	size_t length = strlen(line->text);

	strbuf_add(&out, line->text);
	while (length && line->text[length - 1] == '\\') {
		out.text[--out.length] = '\0';
		do {
			if (!import_next_line(i, source, NULL, line))
				return strbuf_text(&out);
		} while (*line->text == '#' || *line->text == ';');
		strbuf_addf(&out, " %s", line->text);
		length = strlen(line->text);
	}
	return strbuf_text(&out);
}

int ini_read(struct import *i, const struct source *source, bool continues,
	     void (*each)(void *data, const struct ini_line *line), void *data)
{
	struct import_line line = { 0 };
	const char *section = "";

	while (import_next_line(i, source, NULL, &line)) {
		const struct origin *origin = line.origin;
		size_t length = strlen(line.text);
		char *equals, *text = line.text;

		if (!*text || *text == '#' || *text == ';')
			continue;
		if (*text == '[' && text[length - 1] == ']') {
			section = arena_strndup(i->arena, text + 1, length - 2);
			continue;
		}
		if (continues)
			text = arena_strdup(i->arena, joined(i, source, &line));
		equals = strchr(text, '=');
		if (!equals || equals == text)
			return diag_error(i->d, "C709", origin, "neither a section nor KEY=VALUE");
		*equals = '\0';
		each(data, &(struct ini_line){ section, trimmed(text), trimmed(equals + 1), origin });
	}
	return 0;
}
