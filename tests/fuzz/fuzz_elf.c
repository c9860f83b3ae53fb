/* fuzz_elf.c - an ELF file full of lies gives names that end, or none. */
#include "base/limits.h"
#include "profile/elf.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const char *const *names;
	size_t count = 0;
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	must(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	if (elf_read_needed(arena, fd, &names, &count) == 0)
		for (size_t i = 0; i < count; i++)
			must(strlen(names[i]) < LIMIT_ELF_NAME);
	must(count <= LIMIT_ELF_NEEDED);
	close(fd);
	return 0;
}
