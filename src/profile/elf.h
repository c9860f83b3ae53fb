/* profile/elf.h - which shared libraries a program asks for. */
#ifndef CUDDY_PROFILE_ELF_H
#define CUDDY_PROFILE_ELF_H

#include "base/text.h"

/* The DT_NEEDED names of the ELF file `fd`, in file order, in `arena`; of any class and byte order.
 * Reads with pread(2) what the headers name and nothing else, bounded by LIMIT_ELF_*: a file that
 * lies costs a few kilobytes.  0 with no names for a static program; -ENOEXEC for what is no ELF
 * file or contradicts itself; else -errno.  Source: elf(5), System V ABI chapter 5. */
int elf_read_needed(struct arena *arena, int fd, const char *const **ret, size_t *ret_count);

#endif
