/* profile/user_dirs.c - reads user-dirs.dirs.  Must not: run a shell, although the file is made for
 * one; give the whole home, or what holds it, as somebody's downloads. */
#include "profile/user_dirs.h"

#include "base/fd.h"
#include "base/limits.h"
#include "base/path.h"
#include <fcntl.h>
#include <string.h>

static const struct { const char *name, *standard; } directories[USER_DIRS_COUNT] = {
	{ "XDG_DESKTOP_DIR", "Desktop" },     { "XDG_DOCUMENTS_DIR", "Documents" },
	{ "XDG_DOWNLOAD_DIR", "Downloads" },  { "XDG_MUSIC_DIR", "Music" },
	{ "XDG_PICTURES_DIR", "Pictures" },   { "XDG_PUBLICSHARE_DIR", "Public" },
	{ "XDG_TEMPLATES_DIR", "Templates" }, { "XDG_VIDEOS_DIR", "Videos" },
};

const char *environment_find(char *const *environment, const char *name)
{
	size_t length = strlen(name);

	for (char *const *entry = environment; entry && *entry; entry++)
		if (strncmp(*entry, name, length) == 0 && (*entry)[length] == '=')
			return *entry + length + 1;
	return NULL;
}

/* The text between quotation marks, backslashes taken away; NULL when it does not end, or holds
 * what only a shell could replace. */
static char *unquote(struct arena *arena, const char *text)
{
	char *value = arena_strdup(arena, text), *out = value;

	for (; *text && *text != '"'; text++) {
		if (*text == '$' || *text == '`')
			return NULL;
		if (*text == '\\' && text[1])
			text++;
		*out++ = *text;
	}
	*out = '\0';
	return *text == '"' ? value : NULL;
}

/* The path that a line gives `name`, or NULL when it is about something else. */
static const char *read_line(struct arena *arena, const char *line, const char *name, const char *home)
{
	size_t length = strlen(name);
	bool below = false;
	const char *value;

	line += strspn(line, " \t");
	if (strncmp(line, name, length) != 0)
		return NULL;
	line += length + strspn(line + length, " \t");
	if (*line++ != '=')
		return NULL;
	line += strspn(line, " \t");
	if (*line++ != '"')
		return NULL;
	if (str_starts(line, "$HOME") && (line[5] == '/' || line[5] == '"')) {
		below = true;
		line += 5 + strspn(line + 5, "/");
	}
	value = unquote(arena, line);
	if (!value || (!below && *value != '/'))
		return NULL;
	return path_normal(arena, "/", below ? path_join(arena, home, value) : value);
}

/* The last line about `name` counts, as it would for a shell. */
static const char *find(struct arena *arena, const char *text, const char *name, const char *home)
{
	const char *found = NULL, *value;

	while (*text) {
		size_t length = strcspn(text, "\n");

		if (length > strlen(name)) {
			value = read_line(arena, arena_strndup(arena, text, length), name, home);
			found = value ? value : found;
		}
		text += length + (text[length] == '\n');
	}
	return found;
}

const char *user_dirs_folder(const char *home, const char *path)
{
	return path_is_within(home, path) ? "" : path;
}

void user_dirs_read(struct arena *arena, const char *file, const char *home, char *const *environment,
		    struct profile_variable ret[USER_DIRS_COUNT])
{
	const char *value;
	char *text;
	size_t length;

	if (fd_read_file(arena, AT_FDCWD, file, LIMIT_USER_DIRS, &text, &length) < 0)
		text = (char *)"";
	for (size_t i = 0; i < USER_DIRS_COUNT; i++) {
		value = environment_find(environment, directories[i].name);
		if (value && *value == '/')
			value = path_normal(arena, "/", value);
		else
			value = find(arena, text, directories[i].name, home);
		if (!value)
			value = path_join(arena, home, directories[i].standard);
		ret[i] = (struct profile_variable){ directories[i].name,
						    user_dirs_folder(home, value) };
	}
}
