/* tests/unit/test_choose.c - the profile of a program that nobody named one for: matches, menu
 * entries, libraries; with files that lie, and with the programs of this computer. */
#include "profile/choose.h"

#include "base/fd.h"
#include "base/limits.h"
#include "profile/elf.h"
#include "profile/internal.h"
#include "profile/menu.h"
#include "tap.h"
#include "tree.h"
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static char paths[256], data[256];

/* A small ELF file that asks for `library`. */
struct small_elf {
	Elf64_Ehdr header;
	Elf64_Phdr segments[2];
	Elf64_Dyn dynamic[4];
	char names[64];
};

static struct small_elf make_elf(const char *library)
{
	struct small_elf e = {
		.header = { .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
			    .e_type = ET_DYN, .e_phoff = sizeof(Elf64_Ehdr), .e_phentsize = sizeof(Elf64_Phdr),
			    .e_phnum = 2 },
		.segments = {
			{ .p_type = PT_LOAD, .p_vaddr = 0x1000, .p_filesz = sizeof(e) },
			{ .p_type = PT_DYNAMIC, .p_offset = offsetof(struct small_elf, dynamic),
			  .p_filesz = sizeof(e.dynamic) },
		},
		.dynamic = {
			{ DT_NEEDED, { 1 } }, { DT_STRTAB, { 0x1000 + offsetof(struct small_elf, names) } },
			{ DT_STRSZ, { sizeof(e.names) } }, { DT_NULL, { 0 } },
		},
	};

	snprintf(e.names + 1, sizeof(e.names) - 1, "%s", library);
	return e;
}

static int read_elf(const void *bytes, size_t length, const char **ret)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	static char first[300];
	const char *const *names;
	size_t count = 0;
	int fd, r;

	tree_put_bytes("elf", bytes, length);
	fd = open(tree_path("elf"), O_RDONLY | O_CLOEXEC);
	r = elf_read_needed(arena, fd, &names, &count);
	close(fd);
	if (r == 0 && count)
		snprintf(first, sizeof(first), "%s", names[0]);
	*ret = r == 0 && count ? first : NULL;
	return r;
}

#define ELF_CASE(title, wanted, change) do {                                                     \
		struct small_elf e = make_elf("libgtk-3.so.0");                                  \
		change;                                                                          \
		ok(read_elf(&e, sizeof(e), &name) == (wanted), "ELF: %s", title);                \
	} while (0)

static void test_elf(void)
{
	struct small_elf whole = make_elf("libgtk-3.so.0");
	const char *name;
	int bad = 0;

	ok(read_elf(&whole, sizeof(whole), &name) == 0, "ELF: a small one");
	is(name, "libgtk-3.so.0", "ELF: its library");
	for (size_t length = 0; length < offsetof(struct small_elf, names) + 64; length++)
		bad += read_elf(&whole, length, &name) != -ENOEXEC;
	ok(bad == 0, "ELF: cut anywhere it is none");
	ELF_CASE("no magic", -ENOEXEC, e.header.e_ident[0] = 'x');
	ELF_CASE("no class", -ENOEXEC, e.header.e_ident[EI_CLASS] = 9);
	ELF_CASE("no byte order", -ENOEXEC, e.header.e_ident[EI_DATA] = 0);
	ELF_CASE("many segments", -ENOEXEC, e.header.e_phnum = 0xffff);
	ELF_CASE("one segment too many", -ENOEXEC, e.header.e_phnum = LIMIT_ELF_SEGMENTS + 1);
	ELF_CASE("segments of size 0", -ENOEXEC, e.header.e_phentsize = 0);
	ELF_CASE("segments far away", -ENOEXEC, e.header.e_phoff = UINT64_MAX - 3);
	ELF_CASE("segments behind the end", -ENOEXEC, e.header.e_phoff = 1 << 20);
	ELF_CASE("no segments: static", 0, e.header.e_phnum = 0);
	ELF_CASE("dynamic far away", -ENOEXEC, e.segments[1].p_offset = UINT64_MAX);
	ELF_CASE("dynamic is huge", -ENOEXEC, e.segments[1].p_filesz = UINT64_MAX);
	ELF_CASE("dynamic is empty", 0, e.segments[1].p_filesz = 0);
	ELF_CASE("names nowhere", -ENOEXEC, e.dynamic[1].d_un.d_val = 0);
	ELF_CASE("names at the end of all", -ENOEXEC, e.dynamic[1].d_un.d_val = UINT64_MAX);
	ELF_CASE("address overflows", -ENOEXEC, e.segments[0].p_offset = UINT64_MAX);
	ELF_CASE("a name behind the names", -ENOEXEC, e.dynamic[0].d_un.d_val = 64);
	ELF_CASE("names of no size", -ENOEXEC, e.dynamic[2].d_un.d_val = 0);
	ELF_CASE("a name without an end", -ENOEXEC, memset(e.names, 'x', sizeof(e.names)));
	ELF_CASE("the other byte order reads nonsense", -ENOEXEC, e.header.e_ident[EI_DATA] = ELFDATA2MSB);
	ELF_CASE("the other class reads nonsense", -ENOEXEC, e.header.e_ident[EI_CLASS] = ELFCLASS32);
}

#define ENTRY(text) "[Desktop Entry]\nType=Application\n" text

static const struct { const char *text, *program; } entries[] = {
	{ ENTRY("Exec=foo %U\n"), "foo" },
	{ "# first\n\n" ENTRY("Exec=/usr/bin/foo\n"), "/usr/bin/foo" },
	{ ENTRY("Exec = \"foo bar\" --x\n"), "foo bar" },
	{ ENTRY("Exec=\"a\\\\\\\\b\\\\\"c\"\n"), "a\\b\"c" },
	{ ENTRY("Exec=env A=1 -u B=2 foo\n"), "foo" },
	{ ENTRY("Exec=/usr/bin/env foo\n"), "foo" },
	{ ENTRY("Exec=python3 -O /usr/share/x/x.py\n"), "/usr/share/x/x.py" },
	{ ENTRY("Exec=sh -c \"foo %F\"\n"), "foo %F" },
	{ ENTRY("Exec=foo\r\nName=x\r\n"), "foo" },
	{ ENTRY("Exec=foo\nName[de]=x\nX-Thing=1\n[Desktop Action a]\nExec=other\nnonsense\n"), "foo" },
	{ ENTRY("Exec=foo"), "foo" },
	/* none */
	{ ENTRY("Name=x\n"), NULL }, { ENTRY("Exec=\n"), NULL }, { ENTRY("Exec=\"\"\n"), NULL },
	{ ENTRY("Exec=sh\n"), NULL }, { ENTRY("Exec=env A=1\n"), NULL }, { ENTRY("Exec=\"foo\n"), NULL },
	{ ENTRY("Exec=foo\nExec=bar\n"), NULL }, { ENTRY("Exec=foo\nnonsense\n"), NULL },
	{ ENTRY("Exec=foo\nNa me=1\n"), NULL }, { ENTRY("Exec=foo\n=1\n"), NULL }, { ENTRY("Exec=foo\n[]=1\nN[=1\n"), "foo" },
	{ ENTRY("Exec=foo\nN[=1\n"), NULL },
	{ "[Other]\nType=Application\nExec=foo\n", NULL }, { "Exec=foo\n" ENTRY("Exec=foo\n"), NULL },
	{ "[Desktop Entry]\nType=Link\nExec=foo\n", NULL }, { "[Desktop Entry]\nExec=foo\n", NULL },
	{ "", NULL }, { "[Desktop Entry]", NULL }, { "\xef\xbb\xbf[Desktop Entry]\nType=Application\nExec=foo\n", NULL },
};

static void test_entries(void)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	static const char zero[] = ENTRY("Exec=fo\0o\n");
	static const char switches[] = ENTRY("Exec=a\nHidden=true\nNoDisplay=true\nTerminal=true\nTryExec=t\n");
	struct menu_entry e;

	for (size_t i = 0; i < ARRAY_SIZE(entries); i++) {
		int r = menu_parse(arena, entries[i].text, strlen(entries[i].text), &e);

		is(r < 0 ? NULL : e.program, entries[i].program, "entry %zu", i);
	}
	ok(menu_parse(arena, zero, sizeof(zero) - 1, &e) < 0, "entry with a zero byte");
	ok(menu_parse(arena, switches, sizeof(switches) - 1, &e) == 0 && e.is_hidden && e.is_unlisted &&
	   e.wants_terminal && str_equal(e.try_program, "t"), "switches");
}

static const struct { const char *categories, *profile; } meanings[] = {
	{ "Network;WebBrowser;", "web-browser" }, { "GNOME;GTK;Office;Viewer;Graphics;", "viewer" },
	{ "AudioVideo;Player;Recorder;", "media-player" }, { "Office;Network;Email;", "mail" },
	{ "Chat;Network;InstantMessaging;Qt;", "chat" }, { "TextEditor;Development;IDE;", "development" },
	{ "Utility;TextEditor", "editor" }, { "Graphics;2DGraphics;RasterGraphics;GTK;", "editor" },
	{ "AudioVideo;Audio;AudioVideoEditing;", "editor" }, { "Office;WordProcessor;", "office" },
	{ "Game;LogicGame;", "game" }, { "Network;FileTransfer;P2P;", "network-app" },
	{ "Utility;", NULL }, { "", NULL }, { NULL, NULL }, { "MyGame;webbrowser;", NULL },
};

static void test_meanings(void)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const char *category;

	for (size_t i = 0; i < ARRAY_SIZE(meanings); i++)
		is(menu_profile(arena, meanings[i].categories, &category), meanings[i].profile, "categories '%s'",
		   meanings[i].categories ? meanings[i].categories : "");
}

static char *environment[] = { paths, data, NULL };

static struct profile_choice choose(struct arena *arena, const char *program, struct diags *d)
{
	struct profile_variable variables[] = {
		{ "HOME", arena_printf(arena, "%s/home", tree_top) },
		{ "XDG_DATA_HOME", arena_printf(arena, "%s/data-home", tree_top) },
	};
	struct profile_context c = { .variables = variables, .variable_count = ARRAY_SIZE(variables),
				     .directory = arena_printf(arena, "%s/place", tree_top) };

	c.places.share = arena_printf(arena, "%s/share", tree_top);
	c.places.etc = arena_printf(arena, "%s/etc", tree_top);
	c.places.user = arena_printf(arena, "%s/user", tree_top);
	diags_init(d, arena);
	return profile_choose(arena, &c, environment, program, d);
}

static void chosen(const char *program, const char *profile, const char *reason)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct diags d;
	struct profile_choice choice = choose(arena, program, &d);

	is(choice.name, profile, "'%s' gets '%s'", program, profile);
	if (!strstr(choice.why, reason))
		is(choice.why, reason, "because");
}

static void test_matches(void)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct diags d;

	tree_put("bin/alpha", "#!/bin/sh\n");
	tree_put("bin/beta", "#!/bin/sh\n");
	tree_put("opt/beta/beta-bin", "#!/bin/sh\n");
	tree_put("place/alpha", "#!/bin/sh\n");
	tree_put("share/profiles/alpha.toml", "description = \"x\"\n");
	tree_put("share/profiles/base/beta.toml", "");
	chosen("alpha", "alpha", "share/profiles/alpha.toml");
	chosen(tree_path("bin/alpha"), "alpha", "matches");
	chosen("./alpha", "command-line", "no menu entry");
	chosen("../place/alpha", "command-line", "no menu entry");
	chosen("beta", "command-line", "no menu entry");
	tree_put("user/profiles/mine.toml", "Match = [\"b?ta\", \"/x\"]\n");
	chosen("beta", "mine", "user/profiles/mine.toml");
	tree_put("share/profiles/other.toml", "match = [\"beta\"]\n");
	chosen("beta", "mine", "user");
	tree_put("user/profiles/by-path.toml", "match = [\"~/../opt/none\", \"/**/beta-bin\"]\n");
	chosen(tree_path("opt/beta/beta-bin"), "by-path", "by-path");
	chosen("beta-bin", "command-line", "not found");
	tree_put("etc/profiles/alpha.toml", "match = [\"beta\"]\n");
	chosen("alpha", "command-line", "no menu entry");
	tree_put("user/profiles/alpha.toml", "x = [broken match\n");
	chosen("alpha", "alpha", "user/profiles/alpha.toml");
	tree_put("user/profiles/again.toml", "match = [\"beta\"]\n");
	is(choose(arena, "beta", &d).name, "again", "of two the first by name");
	ok(d.list.count == 1 && str_equal(d.list.items[0].code, "C140"), "and that is said");
}

static void test_menu(void)
{
	struct small_elf gtk = make_elf("libgtk-4.so.1"), plain = make_elf("libc.so.6");

	tree_put_bytes("bin/paint", &gtk, sizeof(gtk));
	tree_put_bytes("bin/player", &plain, sizeof(plain));
	tree_put_bytes("bin/tool", &plain, sizeof(plain));
	tree_put("bin/script", "#!/usr/bin/env paint\n");
	tree_put("bin/plain-script", "#!/bin/none\n");
	chosen("paint", "desktop-app", "libgtk-4.so.1");
	chosen("script", "desktop-app", "libgtk-4.so.1");
	chosen("plain-script", "command-line", "links no library");
	chosen("tool", "command-line", "links no library");
	tree_put("data/applications/x.desktop", ENTRY("Exec=paint %F\nCategories=Graphics;\n"));
	chosen("paint", "editor", "'Graphics'");
	tree_put("data-home/applications/x.desktop", ENTRY("Exec=paint %F\nCategories=Game;\n"));
	chosen("paint", "game", "data-home");
	tree_put("data-home/applications/x.desktop", ENTRY("Exec=paint\nHidden=true\n"));
	chosen("paint", "desktop-app", "libgtk");
	tree_put("data/applications/org.example.Paint.desktop", ENTRY("TryExec=paint\nExec=sh -c x\nCategories=Office;\n"));
	chosen("paint", "office", "org.example.Paint.desktop");
	tree_put("data/applications/y.desktop", ENTRY("Exec=tool\nCategories=Office;\n"));
	chosen("tool", "command-line", "links no library");
	tree_put("data/applications/deep/er/player.desktop", ENTRY("Exec=player\nCategories=AudioVideo;\n"));
	chosen("player", "media-player", "deep/er/player.desktop");
	chosen("script", "desktop-app", "libgtk-4.so.1");
	tree_put("data/applications/s1.desktop", ENTRY("Exec=script\nCategories=Game;\nNoDisplay=true\n"));
	chosen("script", "game", "s1");
	tree_put("data/applications/s2.desktop", ENTRY("Exec=script\nCategories=Network;\n"));
	chosen("script", "network-app", "s2");
	tree_put("data/applications/s2.desktop", ENTRY("Exec=script\nCategories=Network;\nTerminal=true\n"));
	chosen("script", "command-line", "wants a terminal");
	tree_put("data/applications/s2.desktop", ENTRY("Exec=script\nCategories=Unheard;\n"));
	chosen("script", "desktop-app", "none that has a profile");
}

static void test_hostile(void)
{
	char target[512];

	snprintf(target, sizeof(target), "%s", tree_path("data/applications/loop"));
	ok(symlink(".", target) == 0, "a folder in itself");
	snprintf(target, sizeof(target), "%s", tree_path("data/applications/paint.desktop"));
	ok(mkfifo(target, 0600) == 0, "a FIFO as menu entry");
	snprintf(target, sizeof(target), "%s", tree_path("bin/me"));
	ok(symlink("me", target) == 0, "a program that links to itself");
	snprintf(target, sizeof(target), "%s", tree_path("bin/fifo"));
	ok(mkfifo(target, 0700) == 0, "a FIFO as program");
	tree_put("bin/self", "#!/usr/bin/env self\n");
	tree_put("bin/empty", "");
	tree_put("bin/hash", "#!");
	tree_put("bin/spaces", "#!   \n");
	chosen("paint", "office", "org.example.Paint");
	chosen("me", "command-line", "not found");
	chosen("fifo", "command-line", "not found");
	chosen(target, "command-line", "links no");
	chosen("self", "command-line", "links no");
	chosen("empty", "command-line", "links no");
	chosen("hash", "command-line", "links no");
	chosen("spaces", "command-line", "links no");
	chosen("", "command-line", "not found");
	chosen("/", "command-line", "links no");
	chosen("/dev/zero", "command-line", "links no");
	chosen("no-such-program", "command-line", "not found");
}

/* What this computer has; the search path and the menu are the real ones. */
static void test_real(void)
{
	static const struct { const char *path, *profile; } programs[] = {
		{ "/usr/bin/gcc", "command-line" }, { "/usr/bin/git", "command-line" }, { "/usr/bin/ls", "command-line" },
		{ "/usr/bin/xterm", "desktop-app" }, { "/usr/bin/xclock", "desktop-app" }, { "/usr/bin/vlc", "media-player" },
		{ "/usr/bin/xeyes", "desktop-app" }, { "/usr/bin/gimp", "editor" }, { "/usr/bin/vim.basic", "command-line" },
	};

	snprintf(paths, sizeof(paths), "PATH=/usr/bin:/bin");
	snprintf(data, sizeof(data), "XDG_DATA_DIRS=");
	for (size_t i = 0; i < ARRAY_SIZE(programs); i++)
		if (access(programs[i].path, X_OK) == 0)
			chosen(programs[i].path, programs[i].profile, "");
}

/* What the parser says of a profile, as a line of the index. */
static const char *line_of(struct arena *arena, const char *directory, const char *name)
{
	struct source source = { .name = name, .first_line = 1 };
	struct strbuf out = { .arena = arena };
	const struct toml_value *root, *match;
	struct diags d;
	char *text;

	diags_init(&d, arena);
	must(fd_read_file(arena, AT_FDCWD, arena_printf(arena, "%s/%s.toml", directory, name), LIMIT_FILE_SIZE, &text,
			  &source.length) == 0);
	source.text = text;
	must(toml_parse(arena, &source, NULL, &d, &root) == 0);
	match = toml_get(root, "match");
	for (const struct toml_value *item = match ? match->first : NULL; item; item = item->next)
		strbuf_addf(&out, "%s%s", out.length ? "\t" : "", item->string);
	if (!out.length)
		strbuf_add(&out, name);
	return strbuf_text(&out);
}

static void test_index(void)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const char *tree = getenv("MESON_SOURCE_ROOT"), *directory, *index, **names;
	size_t count, lines = 0;

	directory = arena_printf(arena, "%s/profiles", tree ? tree : ".");
	index = matches_read(arena, directory);
	count = places_names(arena, directory, &names);
	for (size_t i = 0; i < count; i++) {
		const char *items = matches_find(index, names[i]);

		is(items ? arena_strndup(arena, items, strcspn(items, "\n")) : NULL, line_of(arena, directory, names[i]),
		   "'%s' is in the index; else run: tools/match-index >profiles/index", names[i]);
	}
	for (const char *at = index; (at = strchr(at, '\n')); at++)
		lines++;
	ok(count > 0 && lines == count, "and nothing else is");

	tree_put("bin/indexed", "#!/bin/sh\n");
	tree_put("bin/late", "#!/bin/sh\n");
	tree_put("share/profiles/of-index.toml", "match = [\"nothing\"]\n");
	tree_put("share/profiles/later.toml", "match = [\"late\"]\n");
	tree_put("share/profiles/index", "of-index\tother\tindexed\ngone\tlate\n");
	chosen("indexed", "of-index", "share/profiles/of-index.toml' matches");
	chosen("late", "later", "later.toml' matches"); /* not in the index; and 'gone' is not there */
	tree_put("user/profiles/of-index.toml", "match = [\"late\"]\n");
	tree_put("user/profiles/index", "of-index\tindexed\n");
	chosen("late", "of-index", "user/profiles/of-index.toml' matches");
	chosen("indexed", "command-line", "not found"); /* the user's replaces the shipped one */
}

int main(void)
{
	tree_make();
	snprintf(paths, sizeof(paths), "PATH=:relative:%s/none:%s/bin", tree_top, tree_top);
	snprintf(data, sizeof(data), "XDG_DATA_DIRS=%s/data", tree_top);
	test_elf();
	test_entries();
	test_meanings();
	test_matches();
	test_menu();
	test_hostile();
	test_real();
	test_index();
	tree_remove();
	return done();
}
