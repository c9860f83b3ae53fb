/* import/flatpak.c - flatpak's metadata and overrides.
 * Source: flatpak-metadata(5), flatpak-override(1).  Flatpak shows nothing but what is named, so all of
 * it is carried over; the runtime becomes this computer's own programs, and that is said. */
#include "import/ini.h"

#include <string.h>

struct flatpak { struct import *i; bool is_application; };

typedef void handler(struct flatpak *f, const char *word, const struct origin *origin);

/* --- words with a fixed meaning ---------------------------------------------------------- */

/* Rights of a word in a list of [Context]: rows of one word stand together. */
static const struct { const char *key, *word, *section, *list, *values; } rights[] = {
	{ "devices", "all", "misc", "devices", "/dev/**" },
	{ "devices", "dri", "misc", "devices", "/dev/dri/** /dev/kgsl-3d0 /dev/mali[0-9]* /dev/nvidia* /dev/udmabuf" },
	{ "devices", "dri", "filesystem", "read-only",
	  "/sys/class/drm{/,/**} /sys/dev/char/226:* /sys/devices/pci*{/,/**} /sys/devices/platform{/,/**}" },
	{ "devices", "input", "misc", "devices", "/dev/input/**" },
	{ "devices", "kvm", "misc", "devices", "/dev/kvm" },
	{ "devices", "usb", "misc", "devices", "/dev/bus/usb/**" },
	{ "features", "bluetooth", "system-bus", "", "" },
	{ "features", "devel", "runtime", "allow-syscalls",
	  "kcmp personality(any) pidfd_getfd process_vm_readv process_vm_writev ptrace perf_event_open" },
	{ "features", "multiarch", "runtime", "allow-syscalls",
	  "get_thread_area modify_ldt personality(any) set_thread_area" },
	{ "shared", "ipc", "", "", "" },
	{ "shared", "network", "networking", "allow", "dns:any internet lan listen:any loopback" },
	{ "shared", "network", "runtime", "allow-syscalls", "socket(inet) socket(inet6) socket(netlink-route)" },
	{ "shared", "network", "filesystem", "read-only",
	  "/etc/gai.conf /etc/host.conf /etc/nsswitch.conf /etc/protocols /etc/services" },
	{ "sockets", "cups", "filesystem", "read-write", "/run/cups/cups.sock" },
	{ "sockets", "fallback-x11", "desktop", "flags", "x11" },
	{ "sockets", "gpg-agent", "filesystem", "read-write", "${XDG_RUNTIME_DIR}/gnupg/S.gpg-agent" },
	{ "sockets", "pcsc", "filesystem", "read-write", "/run/pcscd/pcscd.comm" },
	{ "sockets", "pulseaudio", "filesystem", "read-write", "${XDG_RUNTIME_DIR}/pulse/native" },
	{ "sockets", "pulseaudio", "filesystem", "read-only", "/etc/pulse{/,/**} /usr/share/alsa{/,/**}" },
	{ "sockets", "session-bus", "desktop", "flags", "session-bus-all" },
	{ "sockets", "system-bus", "desktop.system-bus", "talk", "*" },
	{ "sockets", "wayland", "filesystem", "read-write", "${XDG_RUNTIME_DIR}/wayland-[0-9]" },
	{ "sockets", "x11", "desktop", "flags", "x11" },
};

static void word(struct flatpak *f, const char *key, const char *name, const struct origin *origin)
{
	bool taken = *name == '!', known = false;

	name += taken;
	for (size_t n = 0; n < ARRAY_SIZE(rights); n++) {
		if (!str_equal(rights[n].key, key) || !str_equal(rights[n].word, name) || !*rights[n].list) {
			known |= str_equal(rights[n].key, key) && str_equal(rights[n].word, name);
			continue;
		}
		known = true;
		if (!taken) {
			import_add_all(f->i, IMPORT_WANTED, rights[n].section, rights[n].list, rights[n].values, origin);
			continue;
		}
		for (char *rest = arena_strdup(f->i->arena, rights[n].values), *v; (v = import_word(&rest, " "));)
			import_drop(f->i, rights[n].section, rights[n].list, v);
		if (str_equal(rights[n].section, "networking"))
			import_add(f->i, IMPORT_WANTED, "networking", "deny", "any", origin);
		else if (str_equal(rights[n].list, "read-write"))
			import_add_all(f->i, IMPORT_WANTED, "filesystem", "deny", rights[n].values, origin);
		else if (!f->is_application && !str_equal(rights[n].section, "runtime") &&
			 !str_equal(rights[n].section, "filesystem"))
			import_tell(f->i, IMPORT_LOST, origin, "'!%s' takes nothing from another profile", name);
	}
	if (!known || str_equal(name, "bluetooth") || str_equal(name, "ipc"))
		import_tell(f->i, known && !taken ? IMPORT_NARROW : taken ? IMPORT_LOST : IMPORT_UNKNOWN, origin,
			    "%s '%s'", key, str_quote(f->i->arena, name));
}

/* --- files ------------------------------------------------------------------------------- */

static const struct { const char *name, *path; } places[] = {
	{ "~", "~" },
	{ "home", "~" },
	{ "host-etc", "/etc" },
	{ "xdg-cache", "${XDG_CACHE_HOME}" },
	{ "xdg-config", "${XDG_CONFIG_HOME}" },
	{ "xdg-data", "${XDG_DATA_HOME}" },
	{ "xdg-desktop", "${XDG_DESKTOP_DIR}" },
	{ "xdg-documents", "${XDG_DOCUMENTS_DIR}" },
	{ "xdg-download", "${XDG_DOWNLOAD_DIR}" },
	{ "xdg-music", "${XDG_MUSIC_DIR}" },
	{ "xdg-pictures", "${XDG_PICTURES_DIR}" },
	{ "xdg-run", "${XDG_RUNTIME_DIR}" },
	{ "xdg-videos", "${XDG_VIDEOS_DIR}" },
};
static const char host_places[] = "/data /media /mnt /opt /run/media /srv";
static const char host_system[] = "/usr /bin /lib /lib32 /lib64 /libx32 /sbin";

/* What flatpak keeps from a home that is shown: other applications and flatpak itself. */
static const char hidden[] = "~/.var ~/.local/share/flatpak";

static void add_trees(struct flatpak *f, enum import_need need, const char *key, const char *list,
		      const struct origin *origin)
{
	for (char *rest = arena_strdup(f->i->arena, list), *path; (path = import_word(&rest, " "));)
		import_add(f->i, need, "filesystem", key, arena_printf(f->i->arena, "%s{/,/**}", path), origin);
}

/* The path of a word such as "xdg-run/pipewire-0", "~/Notes" or "/srv"; NULL when it is none. */
static const char *path_of(struct flatpak *f, const char *name)
{
	struct arena *arena = f->i->arena;
	size_t length = strcspn(name, "/");

	if (*name == '/')
		return import_literal(arena, name, strlen(name));
	for (size_t n = 0; n < ARRAY_SIZE(places); n++)
		if (strlen(places[n].name) == length && strncmp(places[n].name, name, length) == 0)
			return arena_printf(arena, "%s%s", places[n].path,
					    import_literal(arena, name + length, strlen(name + length)));
	return NULL;
}

static void file_system(struct flatpak *f, const char *name, const struct origin *origin)
{
	struct arena *arena = f->i->arena;
	bool taken = *name == '!';
	const char *colon = strrchr(name, ':'), *path;
	const char *mode = colon ? colon + 1 : "";
	const char *key = str_equal(mode, "ro") ? "read-only" : "read-write";

	name = arena_strndup(arena, name + taken, colon ? (size_t)(colon - name - taken) : strlen(name + taken));
	if (str_equal(name, "host") && !taken) {
		add_trees(f, IMPORT_WANTED, key, host_places, origin);
		add_trees(f, IMPORT_IMPLIED, key, "/var", origin);
		import_tell(f->i, IMPORT_NARROW, origin, "of 'host' the home and drives are shown");
		name = "home";
	}
	if (str_equal(name, "host-os") && !taken) {
		add_trees(f, IMPORT_WANTED, "execute", host_system, origin);
		return;
	}
	path = path_of(f, name);
	if (!path && !taken) {
		import_tell(f->i, IMPORT_UNKNOWN, origin, "filesystem '%s'", str_quote(arena, name));
		return;
	}
	if (taken && (!path || str_equal(path, "~"))) {
		import_drop(f->i, "filesystem", "read-write", "~/");
		import_drop(f->i, "filesystem", "read-write", "~/**");
		import_tell(f->i, IMPORT_LOST, origin, "'!%s' takes nothing from another profile",
			    str_quote(arena, name));
		return;
	}
	import_tree(f->i, IMPORT_WANTED, taken ? "deny" : key, path, origin);
	if (str_equal(path, "~"))
		for (char *rest = arena_strdup(arena, hidden), *hide; (hide = import_word(&rest, " "));)
			import_tree(f->i, IMPORT_IF_NEEDED, "deny", hide, origin);
}

static void persistent(struct flatpak *f, const char *name, const struct origin *origin)
{
	const char *path = str_equal(name, ".") ? "~" :
			   arena_printf(f->i->arena, "~/%s", import_literal(f->i->arena, name, strlen(name)));

	if (*name == '!')
		import_tell(f->i, IMPORT_UNKNOWN, origin, "persistent '%s'", str_quote(f->i->arena, name));
	else
		import_add(f->i, IMPORT_WANTED, "filesystem", "persist", path, origin);
}

/* --- lines ------------------------------------------------------------------------------- */

static void context(struct flatpak *f, const struct ini_line *line)
{
	char *rest = arena_strdup(f->i->arena, line->value), *name;

	while ((name = import_word(&rest, ";"))) {
		if (str_equal(line->key, "filesystems"))
			file_system(f, name, line->origin);
		else if (str_equal(line->key, "persistent"))
			persistent(f, name, line->origin);
		else if (str_equal(line->key, "unset-environment"))
			import_add(f->i, IMPORT_WANTED, "environment", "unset", name, line->origin);
		else
			word(f, line->key, name, line->origin);
	}
}

static void bus(struct flatpak *f, const struct ini_line *line, const char *section)
{
	static const char *const words[] = { "see", "talk", "own" };

	for (size_t n = 0; n < ARRAY_SIZE(words); n++)
		if (str_equal(line->value, words[n])) {
			import_add(f->i, IMPORT_WANTED, section, words[n], line->key, line->origin);
			return;
		}
	if (str_equal(line->value, "none"))
		import_add(f->i, IMPORT_WANTED, section, "deny-talk", line->key, line->origin);
	else
		import_tell(f->i, IMPORT_UNKNOWN, line->origin, "bus policy '%s'",
			    str_quote(f->i->arena, line->value));
}

/* What every application of flatpak has: a home of its own, its name on the bus, portals. */
static void application(struct flatpak *f, const struct ini_line *line)
{
	if (str_equal(line->key, "name")) {
		f->is_application = true;
		import_set(f->i, "", "id", line->value, false, line->origin);
		import_add_all(f->i, IMPORT_WANTED, "desktop.session-bus", "own",
			       arena_printf(f->i->arena, "%s %s.*", line->value, line->value), line->origin);
		import_add(f->i, IMPORT_WANTED, "filesystem", "persist", "~", line->origin);
		import_add_all(f->i, IMPORT_WANTED, "filesystem", "temporary", "/tmp /var/tmp", line->origin);
		import_flag(f->i, "desktop.portals", line->origin);
		import_flag(f->i, "runtime.ordinary", line->origin);
	} else if (str_equal(line->key, "command")) {
		struct strbuf command = { .arena = f->i->arena };

		if (strpbrk(line->value, "\"\\") || !str_equal(str_quote(f->i->arena, line->value), line->value))
			return;
		strbuf_addf(&command, "[\"%s\"]", line->value);
		import_set(f->i, "", "command", strbuf_text(&command), true, line->origin);
	} else if (str_equal(line->key, "runtime")) {
		import_flag(f->i, "filesystem.system", line->origin);
		import_tell(f->i, IMPORT_LOST, line->origin, "this computer's programs are shown, not '%s'",
			    str_quote(f->i->arena, line->value));
	}
}

static void each(void *data, const struct ini_line *line)
{
	struct flatpak *f = data;

	if (str_equal(line->section, "Application"))
		application(f, line);
	else if (str_equal(line->section, "Context"))
		context(f, line);
	else if (str_equal(line->section, "Session Bus Policy"))
		bus(f, line, "desktop.session-bus");
	else if (str_equal(line->section, "System Bus Policy"))
		bus(f, line, "desktop.system-bus");
	else if (str_equal(line->section, "Environment"))
		(void)import_variable(f->i, arena_printf(f->i->arena, "%s=%s", line->key, line->value), line->origin);
	else if (str_starts(line->section, "Policy "))
		import_tell(f->i, IMPORT_UNKNOWN, line->origin, "[%s] %s", str_quote(f->i->arena, line->section),
			    str_quote(f->i->arena, line->key));
}

static int read_metadata(struct import *i, const struct source *source)
{
	struct flatpak f = { .i = i };

	return ini_read(i, source, false, each, &f);
}

static int recognise(const char *text, const char *file)
{
	if (str_equal(file, "metadata") && strstr(text, "[Application]"))
		return 2;
	return strstr(text, "[Context]") || strstr(text, "[Session Bus Policy]");
}

const struct import_reader import_flatpak = { "flatpak", recognise, read_metadata };
