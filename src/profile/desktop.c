/* profile/desktop.c - reads a desktop entry line by line, and writes what may stay.
 * The file may be hostile: no byte of it gets in front of our command, and nothing that it names is started.
 * Must not: keep a key that it does not know; let a value end its line. */
#include "profile/desktop.h"
#include "profile/menu.h"

#include <errno.h>
#include <string.h>

/* What stays, with its translations.  Sorted. */
static const char *const kept_keys[] = {
	"Actions", "Categories", "Comment", "GenericName", "Keywords", "MimeType", "NoDisplay", "NotShowIn",
	"OnlyShowIn", "PrefersNonDefaultGPU", "SingleMainWindow", "StartupNotify", "StartupWMClass", "Terminal",
	"Type", "Version",
};

enum group { GROUP_NONE, GROUP_ENTRY, GROUP_ACTION };

struct rewriter {
	struct arena *arena;
	const struct desktop_wish *wish;
	struct strbuf *out;
	enum group group;
	const char *actions;	 /* "new-window;private;" */
	bool is_begun, has_class, has_exec, has_name; /* of the entry itself */
};

struct line { const char *key, *language, *value; size_t key_length; }; /* language: "[de]" or "" */

static bool is_plain(const char *text)
{
	while (*text) {
		size_t length = str_utf8_length(text);

		if (!length || ((unsigned char)*text < 0x20 && *text != '\t') || *text == 0x7f)
			return false;
		text += length;
	}
	return true;
}

/* "Name[de] = Wort"; `text` is cut. */
static bool split_line(char *text, struct line *ret)
{
	char *equals = strchr(text, '='), *end = equals;

	if (!equals || !is_plain(text))
		return false;
	while (end > text && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	*end = '\0';
	ret->value = equals + 1 + strspn(equals + 1, " \t");
	ret->key = text;
	ret->key_length = strcspn(text, "[");
	ret->language = text + ret->key_length;
	return ret->key_length && (!*ret->language || end[-1] == ']');
}

static bool is_named(const struct line *line, const char *key)
{
	return strlen(key) == line->key_length && strncmp(line->key, key, line->key_length) == 0;
}

static bool stays(const struct line *line)
{
	for (size_t i = 0; i < ARRAY_SIZE(kept_keys); i++)
		if (is_named(line, kept_keys[i]))
			return true;
	return false;
}

const char *desktop_string(struct arena *arena, const char *text)
{
	struct strbuf out = { .arena = arena };

	if (!is_plain(text))
		return NULL;
	for (const char *at = text; *at; at++)
		if (*at == '\\')
			strbuf_add(&out, "\\\\");
		else if (*at == ' ' && at == text)
			strbuf_add(&out, "\\s");
		else
			strbuf_add_bytes(&out, at, 1);
	return strbuf_text(&out);
}

/* ---- Exec ---- */

/* An argument with its quotation marks (for the launcher) and escapes (for the file).  Field codes must not stand
 * between quotation marks: -EINVAL. */
static int add_argument(struct rewriter *r, struct strbuf *exec, const char *word, bool has_code)
{
	bool quote = !*word || word[strcspn(word, " \t\"'\\><~|&;$*?#()`")];
	struct strbuf out = { .arena = r->arena };

	if ((quote && has_code) || !is_plain(word))
		return -EINVAL;
	for (const char *at = word; *at; at++)
		strbuf_addf(&out, "%s%c", strchr("\"`$\\", *at) ? "\\" : "", *at);
	strbuf_addf(exec, quote ? "%s\"%s\"" : "%s%s", exec->length ? " " : "",
		    desktop_string(r->arena, strbuf_text(&out)));
	return 0;
}

/* Field codes stay, the deprecated and unknown ones go. */
static const char *take_codes(struct arena *arena, const char *word, bool *ret_has)
{
	struct strbuf out = { .arena = arena };

	*ret_has = false;
	for (const char *at = word; *at; at++) {
		if (*at != '%') {
			strbuf_add_bytes(&out, at, 1);
			continue;
		}
		if (!*++at)
			break;
		if (!strchr("fFuUick%", *at))
			continue;
		strbuf_addf(&out, "%%%c", *at);
		*ret_has = *ret_has || *at != '%';
	}
	return strbuf_text(&out);
}

static int add_exec(struct rewriter *r, const char *value)
{
	struct strbuf exec = { .arena = r->arena };
	const char *const *words;
	size_t count;
	int result = menu_arguments(r->arena, value, r->wish->program, &words, &count);
	bool has_code;

	if (result < 0)
		return result;
	struct strbuf command = { .arena = r->arena };
	for (const char *at = r->wish->command; *at; at++)
		strbuf_addf(&command, *at == '%' ? "%%%%" : "%c", *at);
	result = add_argument(r, &exec, strbuf_text(&command), false);
	for (size_t i = 0; result == 0 && i < count; i++) {
		const char *word = take_codes(r->arena, words[i], &has_code);

		if (*word || !*words[i])
			result = add_argument(r, &exec, word, has_code);
	}
	if (result == 0)
		strbuf_addf(r->out, "Exec=%s\n", strbuf_text(&exec));
	r->has_exec = r->has_exec || r->group == GROUP_ENTRY;
	return result;
}

/* ---- the groups ---- */

static void add_name(struct rewriter *r, const struct line *line)
{
	const struct desktop_wish *wish = r->wish;

	r->has_name = r->has_name || (r->group == GROUP_ENTRY && !*line->language);
	if (r->group == GROUP_ACTION || (!wish->label && !wish->suffix))
		strbuf_addf(r->out, "%s=%s\n", line->key, line->value);
	else if (!wish->label)
		strbuf_addf(r->out, "%s=%s (%s)\n", line->key, line->value, wish->suffix);
	else if (!*line->language)
		strbuf_addf(r->out, "Name=%s\n", wish->label);
}

static int add_line(struct rewriter *r, const struct line *line)
{
	if (is_named(line, "Name"))
		return add_name(r, line), 0;
	if (is_named(line, "Exec")) /* there is one for all languages, and no second */
		return *line->language ? 0 : add_exec(r, line->value);
	if (is_named(line, "Icon")) {
		if (r->group == GROUP_ACTION || !r->wish->icon)
			strbuf_addf(r->out, "%s=%s\n", line->key, line->value);
		return 0;
	}
	if (r->group != GROUP_ENTRY || !stays(line))
		return 0;
	if (is_named(line, "Actions"))
		r->actions = arena_printf(r->arena, ";%s;", line->value);
	r->has_class = r->has_class || is_named(line, "StartupWMClass");
	strbuf_addf(r->out, "%s=%s\n", line->key, line->value);
	return 0;
}

static void end_group(struct rewriter *r)
{
	if (r->group != GROUP_ENTRY)
		return;
	strbuf_addf(r->out, "TryExec=%s\nDBusActivatable=false\n", desktop_string(r->arena, r->wish->command));
	if (r->wish->icon)
		strbuf_addf(r->out, "Icon=%s\n", r->wish->icon);
	if (!r->has_class && is_plain(r->wish->program))
		strbuf_addf(r->out, "StartupWMClass=%s\n", desktop_string(r->arena, r->wish->program));
}

static void begin_group(struct rewriter *r, char *line)
{
	static const char action[] = "[Desktop Action ";
	char *end = strchr(line, ']');

	end_group(r);
	r->group = GROUP_NONE;
	if (strcmp(line, "[Desktop Entry]") == 0 && !r->is_begun) {
		r->group = GROUP_ENTRY;
		r->is_begun = true;
	} else if (str_starts(line, action) && end && !end[1] && r->actions) {
		const char *name = arena_strndup(r->arena, line + strlen(action), (size_t)(end - line) - strlen(action));

		if (*name && strstr(r->actions, arena_printf(r->arena, ";%s;", name)))
			r->group = GROUP_ACTION;
	}
	if (r->group != GROUP_NONE)
		strbuf_addf(r->out, "%s%s\n", r->out->length ? "\n" : "", line);
}

int desktop_rewrite(struct arena *arena, const char *text, size_t length, const struct desktop_wish *wish,
		    struct strbuf *out)
{
	struct rewriter r = { .arena = arena, .wish = wish, .out = out };
	struct menu_entry entry;
	int result = menu_parse(arena, text, length, &entry);
	char *save, *copy = arena_strndup(arena, text, length);
	struct line parts;

	for (char *line = strtok_r(copy, "\n", &save); result == 0 && line; line = strtok_r(NULL, "\n", &save)) {
		line[strcspn(line, "\r")] = '\0';
		if (*line == '[')
			begin_group(&r, line);
		else if (*line != '#' && r.group != GROUP_NONE && split_line(line, &parts))
			result = add_line(&r, &parts);
	}
	end_group(&r);
	/* Lines with bytes that no text has were passed over: what is left must still be an entry. */
	if (result == 0 && (!r.has_exec || !r.has_name || menu_parse(arena, strbuf_text(out), out->length, &entry) < 0))
		result = -EINVAL;
	return result;
}

const char *desktop_icon(struct arena *arena, const char *text, size_t length)
{
	char *save, *copy = arena_strndup(arena, text, length);
	bool inside = false;
	struct line parts;

	for (char *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		line[strcspn(line, "\r")] = '\0';
		if (*line == '[')
			inside = strcmp(line, "[Desktop Entry]") == 0;
		else if (inside && split_line(line, &parts) && strcmp(parts.key, "Icon") == 0)
			return arena_strdup(arena, parts.value);
	}
	return NULL;
}
