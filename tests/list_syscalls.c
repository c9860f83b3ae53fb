/* tests/list_syscalls.c - prints the name of every x86_64 system call that libseccomp knows.
 * Walks the numbers, since the library has no list of its own; the order is that of the numbers.
 * Only a test uses this: cuddy itself does not link libseccomp. */
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>

#define LAST_NUMBER 1023 /* numbers are given out one by one; 5xx and up are x32's */

int main(void)
{
	for (int number = 0; number <= LAST_NUMBER; number++) {
		char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_X86_64, number);

		if (name)
			puts(name);
		free(name);
	}
	return ferror(stdout) ? 1 : 0;
}
