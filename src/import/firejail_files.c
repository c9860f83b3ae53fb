/* import/firejail_files.c - firejail's lines about files, and what it shows without any line.
 * firejail shows all and takes away; a directory with something on a white list shows only that.
 * Source: firejail(1), firejail-profile(5), version 0.9.72. */
#include "import/firejail.h"
#include "base/path.h"

#include <fnmatch.h>
#include <string.h>

#define PATHS "/{,usr/,usr/local/}{bin,games,sbin}"

static const struct { const char *macro, *ours; } macros[] = {
	{ "${HOME}", "~" },
	{ "${CFG}", "/etc/firejail" },
	{ "${RUNUSER}", "${XDG_RUNTIME_DIR}" },
	{ "${PATH}", PATHS },
	{ "${DESKTOP}", "${XDG_DESKTOP_DIR}" },
	{ "${DOCUMENTS}", "${XDG_DOCUMENTS_DIR}" },
	{ "${DOWNLOADS}", "${XDG_DOWNLOAD_DIR}" },
	{ "${MUSIC}", "${XDG_MUSIC_DIR}" },
	{ "${PICTURES}", "${XDG_PICTURES_DIR}" },
	{ "${VIDEOS}", "${XDG_VIDEOS_DIR}" },
	{ "~", "~" },
};

static const struct { const char *class, *ours; } classes[] = {
	{ "[:alnum:]", "0-9A-Za-z" }, { "[:alpha:]", "A-Za-z" }, { "[:digit:]", "0-9" },
	{ "[:lower:]", "a-z" }, { "[:upper:]", "A-Z" }, { "[:xdigit:]", "0-9A-Fa-f" },
};

/* Of a class such as [:digit:] at `text`; NULL when there is none. */
static const char *class_at(const char **text)
{
	for (size_t n = 0; n < ARRAY_SIZE(classes); n++)
		if (str_starts(*text, classes[n].class)) {
			*text += strlen(classes[n].class) - 1;
			return classes[n].ours;
		}
	return NULL;
}

/* glob(3) has no braces, writes [!a] for [^a], and knows classes. */
static const char *pattern_of(struct arena *arena, const char *text)
{
	struct strbuf out = { .arena = arena };

	for (; *text; text++) {
		const char *class = *text == '[' ? class_at(&text) : NULL;

		if (class) {
			strbuf_add(&out, class);
			continue;
		}
		if (text[0] == '[' && text[1] == '!') {
			strbuf_add(&out, "[^");
			text++;
			continue;
		}
		strbuf_addf(&out, strchr("{}$,", *text) ? "\\%c" : "%c", *text);
	}
	return strbuf_text(&out);
}

const char *firejail_path(struct firejail *f, const char *text, const struct origin *origin)
{
	struct arena *arena = f->i->arena;
	const char *rest = NULL, *start = NULL;

	for (size_t n = 0; n < ARRAY_SIZE(macros) && !start; n++)
		if (str_starts(text, macros[n].macro)) {
			rest = text + strlen(macros[n].macro);
			start = *rest == '/' || !*rest ? macros[n].ours : NULL;
		}
	if (!start && *text == '/') {
		start = "";
		rest = text;
	}
	if (!start) {
		import_tell(f->i, IMPORT_UNKNOWN, origin, "'%s' is no path", str_quote(arena, text));
		return NULL;
	}
	/* Variables are the only dollars that are not escaped. */
	return arena_printf(arena, "%s%s", start, pattern_of(arena, rest));
}

/* Does one of firejail's patterns hold all that `path` holds?  Only "*" may meet another wildcard. */
static bool holds(const char *pattern, const char *path)
{
	if (str_equal(pattern, path))
		return true;
	if (strpbrk(path, "*?[") && strpbrk(pattern, "?["))
		return false;
	return fnmatch(pattern, path, FNM_PATHNAME) == 0;
}

void firejail_blacklist(struct firejail *f, const char *path, const struct origin *origin)
{
	const char *pattern;

	for (size_t n = 0; n < f->no_blacklist.count; n++)
		if (holds(f->no_blacklist.items[n], path))
			return;
	pattern = firejail_path(f, path, origin);
	if (pattern)
		import_tree(f->i, IMPORT_IF_NEEDED, "deny", pattern, origin);
}

/* The directory that shows nothing else as soon as something in it is on a white list. */
static const char *top_of(struct arena *arena, const char *pattern)
{
	const char *end;

	if (*pattern == '~' || (*pattern == '$' && !str_starts(pattern, "${XDG_RUNTIME_DIR}")))
		return "~";
	if (*pattern == '$')
		return "${XDG_RUNTIME_DIR}";
	end = strchrnul(pattern + 1, '/');
	if (str_starts(pattern, "/usr/") || str_starts(pattern, "/sys/module/"))
		end = strchrnul(end + (*end == '/'), '/');
	return arena_strndup(arena, pattern, (size_t)(end - pattern));
}

bool firejail_is_top(const struct firejail *f, const char *path)
{
	for (size_t n = 0; n < f->tops.count; n++)
		if (str_equal(f->tops.items[n], path))
			return true;
	return false;
}

/* What a white list may not show: the sockets of the buses are shown by the rules for buses. */
static bool is_bus(const char *pattern)
{
	return str_equal(pattern, "${XDG_RUNTIME_DIR}/bus") || str_starts(pattern, "/run/dbus") ||
	       str_starts(pattern, "/var/run/dbus") || str_starts(pattern, "${XDG_RUNTIME_DIR}/at-spi");
}

/* Sockets that flags know are written as there. */
static const struct { const char *theirs, *ours; } sockets[] = {
	{ "${XDG_RUNTIME_DIR}/pipewire-?", "${XDG_RUNTIME_DIR}/pipewire-0" },
	{ "${XDG_RUNTIME_DIR}/pulse/native", "${XDG_RUNTIME_DIR}/pulse/native" },
	{ "${XDG_RUNTIME_DIR}/wayland-?", "${XDG_RUNTIME_DIR}/wayland-[0-9]" },
};

static const char *access_in(const struct firejail *f, const char *pattern)
{
	if (str_starts(pattern, "/usr") || str_starts(pattern, "/opt"))
		return "execute";
	if ((str_starts(pattern, "/var") && !f->writes_var && !str_starts(pattern, "/var/tmp")) ||
	    (str_starts(pattern, "/etc") && !f->writes_etc) || str_starts(pattern, "/sys"))
		return "read-only";
	return "read-write";
}

void firejail_whitelist(struct firejail *f, const char *path, bool read_only, const struct origin *origin)
{
	const char *pattern = firejail_path(f, path, origin), *top;

	if (!pattern)
		return;
	top = top_of(f->i->arena, pattern);
	if (!firejail_is_top(f, top))
		*vec_push(f->i->arena, &f->tops) = top;
	for (size_t n = 0; n < f->no_whitelist.count; n++)
		if (holds(f->no_whitelist.items[n], path) || holds(path, f->no_whitelist.items[n]))
			return;
	if (read_only)
		import_tree(f->i, IMPORT_IF_NEEDED, "deny-write", pattern, origin);
	if (is_bus(pattern) || (f->private & PRIVATE_HOME && str_equal(top, "~")) ||
	    (f->private & PRIVATE_CACHE && str_starts(pattern, "~/.cache")))
		return;
	for (size_t n = 0; n < ARRAY_SIZE(sockets); n++)
		if (str_equal(pattern, sockets[n].theirs)) {
			import_add(f->i, IMPORT_WANTED, "filesystem", "read-write", sockets[n].ours, origin);
			return;
		}
	import_tree(f->i, IMPORT_WANTED, access_in(f, pattern), pattern, origin);
}

void firejail_access(struct firejail *f, const char *key, const char *path, const struct origin *origin)
{
	const char *pattern = firejail_path(f, path, origin);

	if (pattern)
		import_tree(f->i, IMPORT_IF_NEEDED, key, pattern, origin);
}

void firejail_read_write(struct firejail *f, const char *path, const struct origin *origin)
{
	const char *pattern = firejail_path(f, path, origin);

	if (!pattern)
		return;
	import_drop(f->i, "filesystem", "deny-write", arena_printf(f->i->arena, "%s{,/,/**}", pattern));
	if (!str_equal(access_in(f, pattern), "read-write"))
		import_tell(f->i, IMPORT_NARROW, origin, "'%s' stays read-only", str_quote(f->i->arena, path));
}

void firejail_private_list(struct firejail *f, const char *place, const char *names,
			   const struct origin *origin)
{
	bool is_bin = str_equal(place, "bin");
	const char *top = is_bin ? PATHS : arena_printf(f->i->arena, "/%s", place);
	char *rest = arena_strdup(f->i->arena, names), *name;

	while ((name = import_word(&rest, ", "))) {
		const char *base = *name == '/' ? path_base_name(name) : name;
		const char *pattern = arena_printf(f->i->arena, "%s/%s", top, pattern_of(f->i->arena, base));

		if (str_equal(base, "none") || !*base)
			continue;
		if (is_bin)
			import_add(f->i, IMPORT_WANTED, "filesystem", "execute", pattern, origin);
		else
			import_tree(f->i, IMPORT_WANTED, str_equal(place, "opt") ? "execute" : "read-only", pattern,
				    origin);
	}
}

/* --- without any line -------------------------------------------------------------------- */

/* Directories of programs, in /usr and elsewhere; those of commands are closed by private-bin. */
static const struct { const char *path; bool commands; } programs[] = {
	{ "/bin", true }, { "/lib", false }, { "/lib32", false }, { "/lib64", false }, { "/libx32", false },
	{ "/sbin", true }, { "/usr/bin", true }, { "/usr/games", true }, { "/usr/include", false },
	{ "/usr/lib", false }, { "/usr/lib32", false }, { "/usr/lib64", false }, { "/usr/libexec", false },
	{ "/usr/libx32", false }, { "/usr/local/etc", false }, { "/usr/local/bin", true },
	{ "/usr/local/games", true }, { "/usr/local/include", false }, { "/usr/local/lib", false },
	{ "/usr/local/libexec", false }, { "/usr/local/sbin", true }, { "/usr/local/share", false },
	{ "/usr/sbin", true }, { "/usr/share", false },
};

/* What is left open without being asked for is granted to flags only, but for these. */
static const struct { const char *path, *key; unsigned unless; enum import_need need; } places[] = {
	{ "/etc", "read-only", PRIVATE_ETC, IMPORT_WANTED },
	{ "/gnu", "execute", 0, IMPORT_IMPLIED },
	{ "/media", "read-write", 0, IMPORT_WANTED },
	{ "/mnt", "read-write", 0, IMPORT_WANTED },
	{ "/nix", "execute", 0, IMPORT_IMPLIED },
	{ "/opt", "execute", PRIVATE_OPT, IMPORT_WANTED },
	{ "/run", "read-only", 0, IMPORT_IMPLIED },
	{ "/run", "execute", 0, IMPORT_IMPLIED },
	{ "/run/media", "read-write", 0, IMPORT_WANTED },
	{ "/srv", "read-write", PRIVATE_SRV, IMPORT_IMPLIED },
	{ "/sys", "read-only", 0, IMPORT_IMPLIED },
	{ "/proc", "read-only", 0, IMPORT_IMPLIED },
	{ "/tmp", "read-write", PRIVATE_TMP, IMPORT_WANTED },
	{ "/var", "read-only", 0, IMPORT_IMPLIED },
	{ "${XDG_RUNTIME_DIR}", "read-write", 0, IMPORT_IMPLIED },
};

/* What firejail hides by itself; with writable-run-user the last two are shown. */
static const char hidden[] = "/boot /lib/modules /usr/src /usr/lib/debug /sys/firmware /sys/hypervisor "
	"/sys/power /sys/kernel/debug /sys/kernel/vmcoreinfo /sys/kernel/uevent_helper "
	"/run/dbus ${XDG_RUNTIME_DIR}/bus";
static const char hidden_run[] = "${XDG_RUNTIME_DIR}/gnupg ${XDG_RUNTIME_DIR}/systemd";

void firejail_hide(struct firejail *f, const char *list)
{
	char *rest = arena_strdup(f->i->arena, list), *path;

	while ((path = import_word(&rest, " ")))
		import_tree(f->i, IMPORT_IF_NEEDED, "deny", path, NULL);
}

static void directory(struct firejail *f, enum import_need need, const char *key, const char *path)
{
	import_add(f->i, need, "filesystem", key, arena_printf(f->i->arena, "%s{/,/**}", path), NULL);
}

static void show_programs(struct firejail *f)
{
	bool whole = !(f->private & PRIVATE_BIN);

	for (size_t n = 0; n < f->tops.count; n++)
		whole &= !str_starts(f->tops.items[n], "/usr");
	if (whole)
		directory(f, IMPORT_WANTED, "execute", "/usr");
	for (size_t n = 0; n < ARRAY_SIZE(programs); n++) {
		const char *path = programs[n].path;
		bool local = str_starts(path, "/usr/local");

		if ((whole && str_starts(path, "/usr/")) || firejail_is_top(f, local ? "/usr/local" : path) ||
		    (programs[n].commands && f->private & PRIVATE_BIN))
			continue;
		directory(f, IMPORT_WANTED, "execute", path);
	}
}

static void show_home(struct firejail *f)
{
	if (f->private & PRIVATE_HOME || firejail_is_top(f, "~"))
		return;
	import_tree(f->i, IMPORT_WANTED, "read-write", "~", NULL);
	if (f->runs_home)
		import_tree(f->i, IMPORT_WANTED, "execute", "~", NULL);
}

void firejail_base(struct firejail *f)
{
	show_programs(f);
	show_home(f);
	for (size_t n = 0; n < ARRAY_SIZE(places); n++) {
		const char *path = places[n].path;
		bool closed = f->closed[OPEN_MOUNTS] && places[n].need == IMPORT_WANTED &&
			      (str_ends(path, "/media") || str_equal(path, "/mnt"));

		if (!closed && !(f->private & places[n].unless) && !firejail_is_top(f, path) &&
		    !(str_equal(path, "/run/media") && firejail_is_top(f, "/run")))
			directory(f, places[n].need, places[n].key, path);
	}
	import_add(f->i, IMPORT_IMPLIED, "filesystem", "temporary", "/var/tmp", NULL); /* as without keep-var-tmp */
	if (f->writes_var && !firejail_is_top(f, "/var"))
		directory(f, IMPORT_WANTED, "read-write", "/var");
	firejail_hide(f, hidden);
	if (!f->closed[OPEN_USER_RUN])
		firejail_hide(f, hidden_run);
	if (f->closed[OPEN_MOUNTS])
		firejail_hide(f, "/mnt /media /run/mount /run/media");
	import_mount(f->i, "proc:", "/proc", "read-write", NULL);
	import_mount(f->i, "synthetic:hostname", "/etc/hostname", "read-only", NULL);
	import_mount(f->i, "synthetic:machine-id", "/etc/machine-id", "read-only", NULL);
}
