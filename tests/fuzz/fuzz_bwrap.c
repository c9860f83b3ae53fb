/* fuzz_bwrap - words and --args of any bytes are parsed; what is accepted becomes a plan that keeps the rules.
 * The first byte says how many of the words come by --args. */
#include "bwrap/bwrap.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Words that name descriptors would let the fuzzer close or read its own. */
static bool is_tame(const char *word)
{
	return strstr(word, "fd") == NULL && strstr(word, "--seccomp") == NULL && strstr(word, "--args") == NULL &&
	       strstr(word, "userns") == NULL && strstr(word, "pidns") == NULL && strstr(word, "data") == NULL &&
	       strcmp(word, "--file") != 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const environment[] = { "HOME=/", "PATH=/bin", NULL };
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	char *words[260], number[16];
	size_t count = 0, by_args = size ? data[0] : 0, at = 1;
	struct launch_foreign launch;
	struct bwrap b;
	struct diags d;

	int fd = memfd_create("args", MFD_CLOEXEC);
	snprintf(number, sizeof(number), "%d", fd);
	words[count++] = (char *)"--args";
	words[count++] = number;
	for (; at < size && count < 256; at += strnlen((const char *)data + at, size - at) + 1) {
		char *word = arena_strndup(arena, (const char *)data + at, strnlen((const char *)data + at, size - at));
		if (!is_tame(word))
			continue;
		if (by_args && by_args--)
			(void)!write(fd, word, strlen(word) + 1);
		else
			words[count++] = word;
	}
	words[count] = NULL;
	lseek(fd, 0, SEEK_SET);
	const struct bwrap_caller caller = { .uid = size & 1 ? 0 : 1000, .environment = environment };
	diags_init(&d, arena);
	if (bwrap_parse(arena, words, &caller, &b) < 0)
		must(b.error || b.usage);
	else if (!b.help && !b.version) {
		CLEANUP(plan_freep) struct plan *plan = bwrap_plan(&b, &caller, &launch);
		must(plan ? plan->foreign : b.error != NULL);
		must(!plan || plan->text.length > 1 << 20 || plan_verify(plan, &d) == 0);
	}
	close(fd);
	return 0;
}
