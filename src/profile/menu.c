/* profile/menu.c - reads desktop entries and finds the one of a program.  The files may be hostile:
 * they choose among the base profiles and nothing else.
 * Must not: expand field codes, run or look up anything that a file names. */
#include "profile/menu.h"

#include "base/fd.h"
#include "base/limits.h"
#include "base/path.h"
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Programs that start others: what follows them in Exec is meant.  Sorted. */
static const char *const launchers[] = {
	"bash", "dash", "dbus-run-session", "env", "gjs", "java", "node", "perl", "pkexec", "python",
	"python3", "ruby", "sh", "sudo", "systemd-run", "wine",
};

/* Which base profile a category means; the first row that fits decides, so special ones come
 * before general ones: "Office;Viewer" is a viewer. */
static const struct { const char *category, *profile; } meanings[] = {
	{ "WebBrowser", "web-browser" },
	{ "InstantMessaging", "chat" },
	{ "IRCClient", "chat" },
	{ "Telephony", "chat" },
	{ "VideoConference", "chat" },
	{ "Chat", "chat" },
	{ "Email", "mail" },
	{ "IDE", "development" },
	{ "Debugger", "development" },
	{ "GUIDesigner", "development" },
	{ "RevisionControl", "development" },
	{ "Building", "development" },
	{ "AudioVideoEditing", "editor" },
	{ "Viewer", "viewer" },
	{ "Development", "development" },
	{ "Game", "game" },
	{ "Emulator", "game" },
	{ "Recorder", "media-player" },
	{ "Player", "media-player" },
	{ "Music", "media-player" },
	{ "TV", "media-player" },
	{ "TextEditor", "editor" },
	{ "Publishing", "editor" },
	{ "3DGraphics", "editor" },
	{ "RasterGraphics", "editor" },
	{ "VectorGraphics", "editor" },
	{ "Photography", "editor" },
	{ "WordProcessor", "office" },
	{ "Spreadsheet", "office" },
	{ "Presentation", "office" },
	{ "Office", "office" },
	{ "Graphics", "editor" },
	{ "AudioVideo", "media-player" },
	{ "Audio", "media-player" },
	{ "Video", "media-player" },
	{ "Network", "network-app" },
};

const char *menu_profile(struct arena *arena, const char *categories, const char **ret_category)
{
	char *list = arena_printf(arena, ";%s;", categories ? categories : "");

	for (size_t i = 0; i < ARRAY_SIZE(meanings); i++)
		if (strstr(list, arena_printf(arena, ";%s;", meanings[i].category))) {
			*ret_category = meanings[i].category;
			return meanings[i].profile;
		}
	return NULL;
}

/* ---- one file ------------------------------------------------------------------------------- */

enum field { FIELD_TYPE, FIELD_EXEC, FIELD_TRY_EXEC, FIELD_CATEGORIES, FIELD_HIDDEN, FIELD_NO_DISPLAY,
	     FIELD_TERMINAL, FIELD_COUNT };
static const char *const fields[FIELD_COUNT] = {
	"Type", "Exec", "TryExec", "Categories", "Hidden", "NoDisplay", "Terminal",
};

/* The escapes that every value of type string may hold: \s \n \t \r \\ . */
static char *unescape(struct arena *arena, const char *value)
{
	static const char letters[] = "sntr\\", meant[] = " \n\t\r\\";
	char *copy = arena_strdup(arena, value), *out = copy;

	for (const char *at = value; *at; at++) {
		const char *letter = *at == '\\' && at[1] ? strchr(letters, at[1]) : NULL;

		*out++ = letter ? meant[letter - letters] : *at;
		at += letter != NULL;
	}
	*out = '\0';
	return copy;
}

static bool is_key(const char *key, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (key[i] == '[' && i) /* of a language */
			return key[length - 1] == ']';
		if (!isalnum((unsigned char)key[i]) && key[i] != '-')
			return false;
	}
	return length != 0;
}

/* Reads one line of the group into `values`.  0, 1 when the group ends here, or -EINVAL. */
static int read_line(struct arena *arena, char *line, const char *values[FIELD_COUNT])
{
	char *equals = strchr(line, '='), *end, *value;

	if (*line == '\0' || *line == '#')
		return 0;
	if (*line == '[')
		return 1;
	if (!equals)
		return -EINVAL;
	for (end = equals; end > line && isblank((unsigned char)end[-1]); end--)
		;
	if (!is_key(line, (size_t)(end - line)))
		return -EINVAL;
	*end = '\0';
	value = equals + 1 + strspn(equals + 1, " \t");
	for (end = value + strlen(value); end > value && isspace((unsigned char)end[-1]); end--)
		;
	*end = '\0';
	for (size_t i = 0; i < FIELD_COUNT; i++) {
		if (strcmp(line, fields[i]) != 0)
			continue;
		if (values[i])
			return -EINVAL;
		values[i] = unescape(arena, value);
	}
	return 0;
}

/* The next argument of Exec, quotation marks taken away; *at moves on.  NULL at the end and, with
 * *bad, for a quotation mark that is not closed. */
static char *next_word(struct arena *arena, const char **at, bool *bad)
{
	struct strbuf out = { .arena = arena };
	const char *s = *at + strspn(*at, " \t\n");
	bool quoted = false, any = false;

	for (; *s && (quoted || !strchr(" \t\n", *s)); s++) {
		any = true;
		if (*s == '"') {
			quoted = !quoted;
			continue;
		}
		if (quoted && *s == '\\' && s[1] && strchr("\"`$\\", s[1]))
			s++;
		strbuf_add_bytes(&out, s, 1);
	}
	*at = s;
	*bad = quoted;
	return any && !quoted ? (char *)strbuf_text(&out) : NULL;
}

static bool is_launcher(const char *word)
{
	for (size_t i = 0; i < ARRAY_SIZE(launchers); i++)
		if (strcmp(path_base_name(word), launchers[i]) == 0)
			return true;
	return false;
}

/* *exec moves behind it. */
static int find_program(struct arena *arena, const char **exec, const char **ret)
{
	bool bad = false;
	char *word, *first = NULL;

	while ((word = next_word(arena, exec, &bad))) {
		first = first ? first : word;
		if (is_launcher(first) && (is_launcher(word) || *word == '-' || strchr(word, '=')))
			continue;
		*ret = word;
		return *word ? 0 : -EINVAL;
	}
	return -EINVAL;
}

int menu_arguments(struct arena *arena, const char *exec, const char *name, const char *const **ret,
		   size_t *ret_count)
{
	const char *text = unescape(arena, exec), *at = text, *program;
	VEC(const char *) words = { 0 };
	size_t first = 0;
	bool bad = false;

	for (char *word; (word = next_word(arena, &at, &bad));) {
		*vec_push(arena, &words) = word;
		if (!first && strcmp(path_base_name(word), name) == 0)
			first = words.count;
	}
	at = text;
	if (!first) {
		if (find_program(arena, &at, &program) < 0)
			return -EINVAL;
		while (strcmp(words.items[first++], program) != 0)
			;
	}
	*ret = words.items + first;
	*ret_count = words.count - first;
	return bad ? -EINVAL : 0;
}

static bool is_true(const char *value)
{
	return str_equal(value, "true");
}

int menu_parse(struct arena *arena, const char *text, size_t length, struct menu_entry *ret)
{
	const char *values[FIELD_COUNT] = { 0 };
	struct menu_entry entry = { 0 };
	char *at = arena_strndup(arena, text, length), *line;
	bool inside = false;
	int r = 0;

	if (strlen(at) != length)
		return -EINVAL;
	while (r == 0 && *at) {
		line = at;
		at += strcspn(at, "\n");
		if (*at)
			*at++ = '\0';
		line[strcspn(line, "\r")] = '\0';
		if (inside)
			r = read_line(arena, line, values);
		else if (strcmp(line, "[Desktop Entry]") == 0)
			inside = true;
		else if (*line && *line != '#')
			return -EINVAL;
	}
	if (r < 0 || !str_equal(values[FIELD_TYPE], "Application") || !values[FIELD_EXEC] ||
	    find_program(arena, &values[FIELD_EXEC], &entry.program) < 0)
		return -EINVAL;
	entry.try_program = values[FIELD_TRY_EXEC];
	entry.categories = values[FIELD_CATEGORIES];
	entry.is_hidden = is_true(values[FIELD_HIDDEN]);
	entry.is_unlisted = is_true(values[FIELD_NO_DISPLAY]);
	entry.wants_terminal = is_true(values[FIELD_TERMINAL]);
	*ret = entry;
	return 0;
}

/* ---- all files ------------------------------------------------------------------------------ */

struct menu_file { const char *id, *path; }; /* "kde-kate.desktop" is kde/kate.desktop */
struct menu_list { VEC(struct menu_file) files; size_t visits; };

static int compare_ids(const void *a, const void *b)
{
	return strcmp(((const struct menu_file *)a)->id, ((const struct menu_file *)b)->id);
}

static bool has_id(const struct menu_list *list, size_t count, const char *id)
{
	struct menu_file key = { id, NULL };

	return count && bsearch(&key, list->files.items, count, sizeof(key), compare_ids);
}

/* Adds the files of one directory and those below it; `known` are of places that come before. */
static void list_directory(struct arena *arena, struct menu_list *list, size_t known, const char *path,
			   const char *prefix, unsigned depth)
{
	DIR *directory = opendir(path);
	struct dirent *entry;

	while (directory && list->visits < LIMIT_MENU_ENTRIES && (entry = readdir(directory))) {
		const char *id, *below;

		if (entry->d_name[0] == '.')
			continue;
		list->visits++;
		id = arena_printf(arena, "%s%s", prefix, entry->d_name);
		below = path_join(arena, path, entry->d_name);
		if (str_ends(id, ".desktop")) {
			if (!has_id(list, known, id))
				*vec_push(arena, &list->files) = (struct menu_file){ id, below };
		} else if (depth < LIMIT_MENU_DEPTH && entry->d_type != DT_REG) {
			list_directory(arena, list, known, below, arena_printf(arena, "%s-", id), depth + 1);
		}
	}
	if (directory)
		closedir(directory);
}

/* All files, sorted by id; the first directory that has an id wins. */
static void list_all(struct arena *arena, const struct menu_search *search, struct menu_list *list)
{
	for (size_t i = 0; i < search->directory_count; i++) {
		list_directory(arena, list, list->files.count,
			       path_join(arena, search->directories[i], "applications"), "", 0);
		if (list->files.count)
			qsort(list->files.items, list->files.count, sizeof(*list->files.items), compare_ids);
	}
}

/* "firefox.desktop" and "org.mozilla.Firefox.desktop" bear the name "firefox". */
static bool bears_name(const char *id, const char *name)
{
	size_t length = strlen(id) - strlen(".desktop"), wanted = strlen(name);

	return length >= wanted && strncasecmp(id + length - wanted, name, wanted) == 0 &&
	       (length == wanted || strchr(".-", id[length - wanted - 1]));
}

static bool read_entry(struct arena *arena, const struct menu_search *search, const char *path,
		       struct menu_entry *ret)
{
	size_t length;
	char *text;

	if (fd_read_file(arena, AT_FDCWD, path, LIMIT_MENU_FILE, &text, &length) < 0 ||
	    menu_parse(arena, text, length, ret) < 0 || ret->is_hidden)
		return false;
	ret->path = path;
	return search->is_program(ret->program, search->data) ||
	       (ret->try_program && search->is_program(ret->try_program, search->data));
}

bool menu_find(struct arena *arena, const struct menu_search *search, struct menu_entry *ret)
{
	struct menu_list list = { 0 };
	struct menu_entry entry;
	bool found = false;

	list_all(arena, search, &list);
	for (unsigned turn = 0; turn < (search->only_named ? 1 : 2); turn++)
		for (size_t i = 0; i < list.files.count && (!found || ret->is_unlisted); i++) {
			if (bears_name(list.files.items[i].id, search->name) != (turn == 0) ||
			    !read_entry(arena, search, list.files.items[i].path, &entry) ||
			    (found && entry.is_unlisted))
				continue;
			*ret = entry;
			found = true;
		}
	return found;
}
