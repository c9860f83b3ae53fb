/* fuzz_menu.c - desktop entries and user-dirs.dirs are read without harm, and never give the home; what is written anew
 * from an entry starts our command and nothing else. */
#include "base/path.h"
#include "profile/desktop.h"
#include "profile/menu.h"
#include "profile/user_dirs.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_rewrite(struct arena *arena, const char *text, size_t size)
{
	const struct desktop_wish wish = { .command = "/our", .suffix = "s", .program = "p" };
	struct strbuf out = { .arena = arena };
	struct menu_entry entry;

	(void)desktop_icon(arena, text, size);
	if (desktop_rewrite(arena, text, size, &wish, &out) < 0)
		return;
	must(menu_parse(arena, out.text, out.length, &entry) == 0 && strcmp(entry.program, "/our") == 0);
	for (const char *at = out.text; (at = strchr(at, '\n')); at++)
		must(!str_starts(at, "\nExec") || str_starts(at, "\nExec=/our"));
	for (const char *at = out.text; *at; at++)
		must((unsigned char)*at >= 0x20 || *at == '\n' || *at == '\t');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const char *text = arena_strndup(arena, (const char *)data, size), *category;
	struct profile_variable folders[USER_DIRS_COUNT];
	struct menu_entry entry;
	char path[64];
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	if (menu_parse(arena, (const char *)data, size, &entry) == 0) {
		must(entry.program && *entry.program);
		(void)menu_profile(arena, entry.categories, &category);
		check_rewrite(arena, (const char *)data, size);
	}
	must(fd >= 0 && write(fd, text, size) == (ssize_t)size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	user_dirs_read(arena, path, "/home/me", NULL, folders);
	close(fd);
	for (size_t i = 0; i < USER_DIRS_COUNT; i++)
		must(!*folders[i].value || !path_is_within("/home/me", folders[i].value));
	return 0;
}
