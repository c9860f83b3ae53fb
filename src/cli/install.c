/* cli/install.c - install and uninstall: a program's cage as a command of its own and as an entry of the menu. */
#include "base/fd.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/own.h"
#include "base/path.h"
#include "cage/data.h"
#include "cli/badge.h"
#include "cli/installed.h"
#include "cli/session.h"
#include "lib/caller.h"
#include "profile/desktop.h"
#include "profile/user_dirs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct install { const char *name, *profile, *label; bool list, json; };

static const struct option install_options[] = {
	{ "name", 'n', OPTION_WORD, offsetof(struct install, name), "NAME", "name of the cage and of the command; without it, that of the program" },
	{ "profile", 'p', OPTION_WORD, offsetof(struct install, profile), "PROFILE", "use this profile, a name or a file" },
	{ "label", 0, OPTION_WORD, offsetof(struct install, label), "TEXT", "what the menu shows" },
	{ "list", 0, OPTION_FLAG, offsetof(struct install, list), NULL, "list what is installed" },
	{ "json", 0, OPTION_FLAG, offsetof(struct install, json), NULL, "with --list: print JSON" },
	{ 0 },
};

/* Everything that the files are made from. */
struct work {
	struct cli *cli;
	struct caller caller;
	const char *self, *name, *program, *profile, *command; /* command: the link in ~/.local/bin */
	const char *data_home;
	const char *directories[LIMIT_SEARCH_PATH + 1]; /* of XDG_DATA_HOME and XDG_DATA_DIRS */
	size_t directory_count;
	struct installed files;
};

static size_t split(struct arena *arena, const char *list, const char **ret, size_t room)
{
	size_t count = 0;

	for (; *list && count < room; list += strcspn(list, ":"), list += *list == ':')
		if (*list == '/')
			ret[count++] = arena_strndup(arena, list, strcspn(list, ":"));
	return count;
}

static const char *environment(const struct work *w, const char *name, const char *otherwise)
{
	const char *value = environment_find(w->caller.cage.environment, name);

	return value && *value ? value : otherwise;
}

/* An absolute path; a command of cuddy's own in PATH is passed over. */
static const char *find_program(struct work *w, const char *word)
{
	const char *directories[LIMIT_SEARCH_PATH];
	struct arena *arena = w->cli->arena;
	size_t count = split(arena, environment(w, "PATH", "/usr/local/bin:/usr/bin:/bin"), directories, LIMIT_SEARCH_PATH);
	struct stat status, self;

	if (strchr(word, '/')) {
		word = path_normal(arena, w->caller.cage.working_directory, word);
		return stat(word, &status) == 0 && S_ISREG(status.st_mode) && access(word, X_OK) == 0 ? word : NULL;
	}
	for (size_t i = 0; *word && i < count; i++) {
		const char *path = path_join(arena, directories[i], word);

		if (stat(path, &status) == 0 && S_ISREG(status.st_mode) && access(path, X_OK) == 0 &&
		    (stat("/proc/self/exe", &self) < 0 || self.st_ino != status.st_ino || self.st_dev != status.st_dev))
			return path;
	}
	return NULL;
}

static int begin(struct cli *cli, struct work *w)
{
	w->cli = cli;
	w->self = own_path(cli->arena);
	if (!w->self || session_caller(cli, &w->caller) < 0)
		return -EINVAL;
	w->data_home = arena_strndup(cli->arena, w->caller.places.data,
				     strlen(w->caller.places.data) - strlen("/cuddy"));
	w->directories[0] = w->data_home;
	w->directory_count = 1 + split(cli->arena, environment(w, "XDG_DATA_DIRS", "/usr/local/share:/usr/share"),
				       w->directories + 1, LIMIT_SEARCH_PATH);
	return 0;
}

static int check_names(struct work *w, const struct install *o)
{
	struct cli *cli = w->cli;
	const char *word = cli->arguments[0];

	w->program = find_program(w, word);
	if (!w->program) {
		diag_error(&cli->d, "C651", NULL, "there is no program '%s'", str_quote(cli->arena, word));
		return -EINVAL;
	}
	w->name = o->name ? o->name : cage_name_from(cli->arena, w->program);
	if (!cage_name_is_valid(w->name) || strcmp(w->name, "cuddy") == 0) {
		diag_error(&cli->d, "C603", NULL, "'%s' cannot be the name of a cage that is a command",
			   str_quote(cli->arena, w->name));
		return -EINVAL;
	}
	if (o->label && (!*o->label || !desktop_string(cli->arena, o->label)))
		return diag_error(&cli->d, "C650", NULL, "a label is one line of text");
	w->profile = o->profile && strchr(o->profile, '/') ?
		path_normal(cli->arena, w->caller.cage.working_directory, o->profile) : o->profile;
	struct policy *policy;
	if (w->profile && caller_resolve(cli->arena, &w->caller, w->profile, &cli->d, &policy) < 0)
		return -EINVAL;
	w->command = arena_printf(cli->arena, "%s/.local/bin/%s", w->caller.cage.home, w->name);
	return 0;
}

static void add_file(struct work *w, const char *path, const char *content, bool is_link)
{
	*vec_push(w->cli->arena, &w->files.files) =
		(struct installed_file){ .path = path, .content = content, .is_link = is_link };
}

/* The icon with a mark; the name that the entry gives it, or NULL. */
static const char *add_icon(struct work *w, const char *entry, size_t length)
{
	struct arena *arena = w->cli->arena;
	const char *icon = desktop_icon(arena, entry, length);
	const char *path = icon ? badge_find(arena, w->directories, w->directory_count, icon) : NULL;
	const char *badge = path ? badge_make(arena, path, w->name) : NULL;

	if (!badge)
		return NULL;
	add_file(w, arena_printf(arena, "%s/icons/hicolor/scalable/apps/cuddy-%s.svg", w->data_home, w->name), badge, false);
	return arena_printf(arena, "cuddy-%s", w->name);
}

static int add_entry(struct work *w, const struct install *o)
{
	struct cli *cli = w->cli;
	struct arena *arena = cli->arena;
	const char *base = path_base_name(w->program);
	struct strbuf out = { .arena = arena };
	struct desktop_wish wish = {
		.command = w->command, .label = o->label ? desktop_string(arena, o->label) : NULL,
		.suffix = strcmp(w->name, base) == 0 ? NULL : w->name, .program = base,
	};
	struct menu_entry entry;
	size_t length;
	char *text;

	if (!profile_menu_entry(arena, &w->caller.context, w->caller.cage.environment, w->program, &entry) ||
	    fd_read_file(arena, AT_FDCWD, entry.path, LIMIT_MENU_FILE, &text, &length) < 0) {
		if (!o->label)
			return 0;
		diag_warning(&cli->d, "C654", NULL, "the menu has no entry of '%s', so there is none of its cage",
			     str_quote(arena, w->program));
		return 0;
	}
	wish.icon = add_icon(w, text, length);
	if (desktop_rewrite(arena, text, length, &wish, &out) < 0) {
		diag_error(&cli->d, "C650", NULL, "the menu entry '%s' cannot be carried over",
			   str_quote(arena, entry.path));
		return -EINVAL;
	}
	add_file(w, arena_printf(arena, "%s/applications/cuddy-%s.desktop", w->data_home, w->name),
		 strbuf_text(&out), false);
	return 0;
}

/* What cuddy by that name shall start. */
static int write_card(struct work *w, int data)
{
	struct cli *cli = w->cli;
	int r = cage_card_write(cli->arena, data, &(struct cage_card){ w->profile, &w->program, 1 });

	if (r == 0)
		return 0;
	(void)installed_remove(cli, data, &w->files);
	return diag_error(&cli->d, "C652", NULL, "the cage's card cannot be written: %s", strerror(-r));
}

static void warn_of_path(struct work *w)
{
	const char *directories[LIMIT_SEARCH_PATH];
	size_t count = split(w->cli->arena, environment(w, "PATH", ""), directories, LIMIT_SEARCH_PATH);
	const char *bin = path_join(w->cli->arena, w->caller.cage.home, ".local/bin");

	for (size_t i = 0; i < count; i++)
		if (strcmp(directories[i], bin) == 0)
			return;
	diag_warning(&w->cli->d, "C655", NULL, "'%s' is not in PATH", str_quote(w->cli->arena, bin));
	diag_help(&w->cli->d, "add it in ~/.profile, or call '%s' by its path", w->name);
}

static int print_files(struct work *w)
{
	struct strbuf out = { .arena = w->cli->arena };

	for (size_t i = 0; i < w->files.files.count; i++)
		strbuf_addf(&out, "%s\n", str_quote(out.arena, w->files.files.items[i].path));
	return cli_print(strbuf_text(&out));
}

static int install_program(struct cli *cli, const struct install *o)
{
	struct work w = { 0 };
	struct installed old;

	if (begin(cli, &w) < 0 || check_names(&w, o) < 0)
		return EXIT_REFUSED;
	AUTO_FD int store = cage_store_open(w.caller.places.data, true);
	AUTO_FD int data = store < 0 ? store : cage_data_open(store, w.name, true);
	if (data < 0)
		return diag_error(&cli->d, "C605", NULL, "cannot open the data of the cage '%s': %s", w.name,
				  strerror(-data)), EXIT_REFUSED;
	if (installed_read(cli->arena, data, &old) != -ENOENT) {
		diag_error(&cli->d, "C650", NULL, "'%s' is installed already", w.name);
		diag_help(&cli->d, "remove it first: cuddy uninstall %s", w.name);
		return EXIT_REFUSED;
	}
	add_file(&w, w.command, w.self, true);
	if (add_entry(&w, o) < 0 || installed_write(cli, data, &w.files) < 0 || write_card(&w, data) < 0)
		return EXIT_REFUSED;
	warn_of_path(&w);
	return print_files(&w);
}

/* ---- the list ---- */

static void list_one(struct cli *cli, int store, const char *name, struct json *json, struct strbuf *out)
{
	AUTO_FD int data = cage_data_open(store, name, false);
	struct cage_card card = { 0 };
	struct installed files;

	if (data < 0 || installed_read(cli->arena, data, &files) < 0 ||
	    cage_card_read(cli->arena, data, name, &cli->d, &card) < 0)
		return;
	const char *program = card.command_count ? card.command[0] : "";
	if (!json) {
		strbuf_addf(out, "%-20s %s\n", name, str_quote(cli->arena, program));
		return;
	}
	json_object(json, NULL);
	json_string(json, "name", name);
	json_string(json, "program", program);
	json_string(json, "profile", card.profile);
	json_array(json, "files");
	for (size_t i = 0; i < files.files.count; i++)
		json_string(json, NULL, files.files.items[i].path);
	json_end_array(json);
	json_end_object(json);
}

static int list(struct cli *cli, bool as_json)
{
	struct strbuf out = { .arena = cli->arena };
	struct json json = { .out = &out };
	struct caller caller;
	const char **names = NULL;
	size_t count = 0;

	if (session_caller(cli, &caller) < 0)
		return EXIT_REFUSED;
	AUTO_FD int store = cage_store_open(caller.places.data, false);
	if (store >= 0)
		(void)cage_list(cli->arena, store, &names, &count);
	if (as_json)
		json_array(&json, NULL);
	for (size_t i = 0; i < count; i++)
		list_one(cli, store, names[i], as_json ? &json : NULL, &out);
	if (as_json)
		json_end_array(&json);
	return cli_print(strbuf_text(&out));
}

static int install(struct cli *cli, void *values)
{
	const struct install *o = values;

	if (o->list)
		return list(cli, o->json);
	if (cli->count == 1)
		return install_program(cli, o);
	diag_error(&cli->d, "C508", NULL, "'cuddy install' wants one program");
	diag_help(&cli->d, "for example: cuddy install firefox --name firefox-work --label 'Firefox (work)'");
	return EXIT_REFUSED;
}

const struct command command_install = {
	"install", "PROGRAM", "make the cage of a program a command, and an entry of the menu", install_options,
	sizeof(struct install), install, NULL,
};

static int uninstall(struct cli *cli, void *values UNUSED)
{
	struct caller caller;
	struct installed files;
	int status = 0;

	if (!cli->count) {
		diag_error(&cli->d, "C508", NULL, "'cuddy uninstall' wants a name");
		diag_help(&cli->d, "'cuddy install --list' shows them");
		return EXIT_REFUSED;
	}
	if (session_caller(cli, &caller) < 0)
		return EXIT_REFUSED;
	AUTO_FD int store = cage_store_open(caller.places.data, false);
	for (int i = 0; i < cli->count; i++) {
		AUTO_FD int data = store < 0 ? store : cage_data_open(store, cli->arguments[i], false);

		if (data >= 0 && installed_read(cli->arena, data, &files) == 0) {
			status = installed_remove(cli, data, &files) < 0 ? EXIT_REFUSED : status;
			continue;
		}
		diag_error(&cli->d, "C651", NULL, "'%s' is not installed", str_quote(cli->arena, cli->arguments[i]));
		diag_help(&cli->d, "'cuddy install --list' shows what is");
		status = EXIT_REFUSED;
	}
	return status;
}

const struct command command_uninstall = {
	"uninstall", "NAME…", "remove what install wrote; the cage and its data stay", NULL, 0, uninstall, NULL,
};
