/* fuzz_menu.c - desktop entries and user-dirs.dirs are read without harm, and never give the home. */
#include "base/path.h"
#include "profile/menu.h"
#include "profile/user_dirs.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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
	}
	must(fd >= 0 && write(fd, text, size) == (ssize_t)size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	user_dirs_read(arena, path, "/home/me", NULL, folders);
	close(fd);
	for (size_t i = 0; i < USER_DIRS_COUNT; i++)
		must(!*folders[i].value || !path_is_within("/home/me", folders[i].value));
	return 0;
}
