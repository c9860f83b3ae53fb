/* profile/choose.c - which profile a program gets that nobody named one for.
 * Must not: run the program, or decide by what a caged program may write into its own folder. */
#include "profile/choose.h"
#include "profile/internal.h"

#include "base/fd.h"
#include "base/limits.h"
#include "base/path.h"
#include "profile/elf.h"
#include "profile/menu.h"
#include "profile/user_dirs.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct program {
	struct arena *arena;
	const struct profile_context *context;
	const char *search;	  /* PATH */
	const char *name;	  /* base name */
	const char *path, *real;  /* as it is started, and behind all links; NULL: not found */
	bool is_named;		  /* `name` alone would start it */
};

/* The start of library names that only programs with windows ask for.  Sorted. */
static const char *const toolkits[] = {
	"libEGL.so", "libFOX-", "libGL.so", "libGLX.so", "libOpenGL.so", "libQt5Gui.", "libQt5Quick.",
	"libQt5Widgets.", "libQt6Gui.", "libQt6Quick.", "libQt6Widgets.", "libQtGui.", "libSDL-", "libSDL2-",
	"libSDL3.", "libX11.so", "libXaw", "libXm.so", "libXt.so", "libadwaita-", "liballegro", "libelementary.",
	"libfltk", "libgdk-", "libglfw.", "libglut.", "libgnustep-gui.", "libgtk-", "libsfml-window.", "libtk8.",
	"libtk9.", "libvulkan.", "libwayland-client.", "libwx_", "libxcb.so",
};

/* Splits "a:b:c"; empty and relative parts are passed over. */
static size_t split(struct arena *arena, const char *list, const char *ret[LIMIT_SEARCH_PATH])
{
	size_t count = 0;

	while (*list && count < LIMIT_SEARCH_PATH) {
		size_t length = strcspn(list, ":");

		if (*list == '/')
			ret[count++] = arena_strndup(arena, list, length);
		list += length + (list[length] == ':');
	}
	return count;
}

static const char *find_in_path(const struct program *p, const char *name)
{
	const char *directories[LIMIT_SEARCH_PATH];
	size_t count = split(p->arena, p->search, directories);
	struct stat status;

	for (size_t i = 0; *name && i < count; i++) {
		char *path = path_join(p->arena, directories[i], name);

		if (access(path, X_OK) == 0 && stat(path, &status) == 0 && S_ISREG(status.st_mode))
			return path;
	}
	return NULL;
}

static const char *variable(const struct profile_context *context, const char *name)
{
	for (size_t i = 0; i < context->variable_count; i++)
		if (strcmp(context->variables[i].name, name) == 0)
			return context->variables[i].value;
	return "/";
}

static void find_program(struct program *p, const char *word)
{
	char real[PATH_MAX];

	p->name = path_base_name(word);
	if (strchr(word, '/'))
		p->path = path_normal(p->arena, p->context->directory, word);
	else
		p->path = find_in_path(p, word);
	p->is_named = !strchr(word, '/') || str_equal(p->path, find_in_path(p, p->name));
	if (p->path && realpath(p->path, real))
		p->real = arena_strdup(p->arena, real);
}

/* ---- profiles that match -------------------------------------------------------------------- */

/* Does one item of `match` mean the program?  It is a name or a path, and may hold wildcards. */
static bool item_matches(const struct program *p, const struct toml_value *item)
{
	const struct glob *glob;
	struct diags ignored;
	char *text;

	diags_init(&ignored, p->arena);
	if (item->type != TOML_STRING || variables_expand(p->arena, p->context, item->string, EXPAND_PATTERN,
							  &item->origin, &ignored, &text) < 0)
		return false;
	if (!strchr(text, '/'))
		return p->is_named && *p->name &&
		       glob_compile(p->arena, path_join(p->arena, "/", text), NULL, &ignored, &glob) == 0 &&
		       glob_matches(glob, path_join(p->arena, "/", p->name));
	return glob_compile(p->arena, text, NULL, &ignored, &glob) == 0 &&
	       ((p->path && glob_matches(glob, p->path)) || (p->real && glob_matches(glob, p->real)));
}

static bool is_indexed(const struct program *p, const char *items)
{
	struct toml_value value = { .type = TOML_STRING };

	while ((value.string = matches_next(p->arena, &items)))
		if (item_matches(p, &value))
			return true;
	return false;
}

static const struct toml_value *find_match(const struct toml_value *root)
{
	const struct toml_value *e = root->first;

	while (e && !schema_is(e, "match"))
		e = e->next;
	return e;
}

/* A profile that can't be read matches by its name: then its errors are shown, not another's rights. */
static bool profile_matches(const struct program *p, const struct profile_entry *entry)
{
	struct source source = { .name = entry->path, .first_line = 1 };
	const struct toml_value *root, *match = NULL;
	struct diags ignored;
	char *text;

	diags_init(&ignored, p->arena);
	if (fd_read_file(p->arena, AT_FDCWD, entry->path, LIMIT_FILE_SIZE, &text, &source.length) == 0 &&
	    strcasestr(text, "match")) {
		source.text = text;
		if (toml_parse(p->arena, &source, NULL, &ignored, &root) == 0)
			match = find_match(root);
	}
	if (!match)
		return p->is_named && strcmp(entry->name, p->name) == 0;
	for (const struct toml_value *item = match->type == TOML_ARRAY ? match->first : NULL; item; item = item->next)
		if (item_matches(p, item))
			return true;
	return false;
}

/* The profiles of one place that match, but for those whose name a later place has taken: the first, and
 * another one. */
static void find_matches(const struct program *p, const char *place, const char *index, struct places_taken *taken,
			 const struct profile_entry *ret[2])
{
	const struct profile_entry *entries;
	size_t count = places_profiles(p->arena, path_join(p->arena, place, "profiles"), taken, &entries);

	for (size_t i = 0; i < count; i++) {
		const char *items = matches_find(index, entries[i].name);

		if (!(items ? is_indexed(p, items) : profile_matches(p, &entries[i])))
			continue;
		ret[ret[0] != NULL] = &entries[i];
	}
}

/* Later places come first; the bases match nothing. */
static bool choose_match(const struct program *p, struct diags *d, struct profile_choice *ret)
{
	const struct profile_entry *found[2] = { NULL, NULL }, *best, *other;
	struct places_taken taken = { 0 };
	const char *places[3];

	for (size_t i = places_all(p->context, places); i-- && !found[0];) {
		bool shipped = places[i] == p->context->places.share;

		find_matches(p, places[i], shipped ? matches_read(p->arena, path_join(p->arena, places[i], "profiles")) : "",
			     &taken, found);
	}
	best = found[0];
	other = found[1];
	if (!best)
		return false;
	if (other) {
		diag_warning(d, "C140", NULL, "the profiles '%s' and '%s' both match '%s'", best->name, other->name,
			     str_quote(p->arena, p->name));
		diag_help(d, "'%s' is used; name the other one with '-p %s'", best->name, other->name);
	}
	*ret = (struct profile_choice){ best->name, arena_printf(p->arena, "'%s' matches the program",
								 str_quote(p->arena, best->path)) };
	return true;
}

/* ---- the menu ------------------------------------------------------------------------------- */

static bool is_program(const char *word, void *data)
{
	const struct program *p = data;

	if (!strchr(word, '/'))
		word = find_in_path(p, word);
	return word && (str_equal(word, p->path) || str_equal(word, p->real));
}

static bool find_entry(struct program *p, char *const *environment, bool only_named, struct menu_entry *ret)
{
	const char *directories[LIMIT_SEARCH_PATH + 1], *list = environment_find(environment, "XDG_DATA_DIRS");
	struct menu_search search = { .is_program = is_program, .data = p, .name = p->name, .only_named = only_named };

	directories[0] = variable(p->context, "XDG_DATA_HOME");
	search.directories = directories;
	search.directory_count = 1 + split(p->arena, list && *list ? list : "/usr/local/share:/usr/share", directories + 1);
	return menu_find(p->arena, &search, ret);
}

static bool choose_menu(struct program *p, char *const *environment, bool only_named, struct profile_choice *ret)
{
	const char *category;
	struct menu_entry entry;

	if (!find_entry(p, environment, only_named, &entry))
		return false;
	if (entry.wants_terminal) {
		*ret = (struct profile_choice){ "command-line", arena_printf(p->arena, "its menu entry '%s' wants a terminal",
									     str_quote(p->arena, entry.path)) };
		return true;
	}
	ret->name = menu_profile(p->arena, entry.categories, &category);
	ret->why = arena_printf(p->arena, "its menu entry '%s' is of category '%s'", str_quote(p->arena, entry.path),
				ret->name ? category : "none that has a profile");
	if (!ret->name)
		ret->name = "desktop-app";
	return true;
}

/* ---- the file itself ------------------------------------------------------------------------ */

/* The program that a script names in its first line, or NULL; env(1) is looked through. */
static const char *find_interpreter(const struct program *p, int fd)
{
	char line[256], *word, *rest;
	ssize_t length = pread(fd, line, sizeof(line) - 1, 0);

	if (length < 2 || line[0] != '#' || line[1] != '!')
		return NULL;
	line[length] = '\0';
	line[strcspn(line, "\n")] = '\0';
	word = strtok_r(line + 2, " \t\r", &rest);
	if (word && strcmp(path_base_name(word), "env") == 0)
		for (word = strtok_r(NULL, " \t\r", &rest); word && (*word == '-' || strchr(word, '='));)
			word = strtok_r(NULL, " \t\r", &rest);
	if (!word)
		return NULL;
	return *word == '/' ? arena_strdup(p->arena, word) : find_in_path(p, word);
}

/* Opens a regular file that may be started; a FIFO or a device is not waited for. */
static int open_program(const char *path)
{
	AUTO_FD int fd = path ? open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK) : -1;
	struct stat status;

	return fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode) ? TAKE_FD(fd) : -1;
}

/* The library for windows that the program or its interpreter links, or NULL. */
static const char *find_toolkit(const struct program *p, bool *ret_is_script)
{
	AUTO_FD int fd = open_program(p->path), other = -1;
	const char *const *names = NULL, *interpreter;
	size_t count = 0;

	if (fd < 0)
		return NULL;
	interpreter = find_interpreter(p, fd);
	*ret_is_script = interpreter != NULL;
	if (interpreter)
		other = open_program(interpreter);
	if (elf_read_needed(p->arena, interpreter ? other : fd, &names, &count) < 0)
		return NULL;
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < ARRAY_SIZE(toolkits); k++)
			if (str_starts(names[i], toolkits[k]))
				return names[i];
	return NULL;
}

bool profile_menu_entry(struct arena *arena, const struct profile_context *context, char *const *environment,
			const char *program, struct menu_entry *ret)
{
	const char *search = environment_find(environment, "PATH");
	struct program p = { .arena = arena, .context = context,
			     .search = search && *search ? search : "/usr/local/bin:/usr/bin:/bin" };

	find_program(&p, program);
	return p.path && find_entry(&p, environment, false, ret);
}

struct profile_choice profile_choose(struct arena *arena, const struct profile_context *context,
				     char *const *environment, const char *program, struct diags *d)
{
	const char *search = environment_find(environment, "PATH"), *toolkit;
	struct program p = { .arena = arena, .context = context,
			     .search = search && *search ? search : "/usr/local/bin:/usr/bin:/bin" };
	struct profile_choice choice = { 0 };
	bool is_script = false;

	find_program(&p, program);
	if (choose_match(&p, d, &choice))
		return choice;
	if (!p.path)
		return (struct profile_choice){ "command-line", "the program was not found here" };
	toolkit = find_toolkit(&p, &is_script);
	/* The whole menu is read only for what may have windows: most programs of a shell do not. */
	if (choose_menu(&p, environment, !toolkit && !is_script, &choice))
		return choice;
	if (toolkit)
		return (struct profile_choice){ "desktop-app", arena_printf(arena, "it links '%s'",
									    str_quote(arena, toolkit)) };
	return (struct profile_choice){ "command-line", "it has no menu entry and links no library for windows" };
}
