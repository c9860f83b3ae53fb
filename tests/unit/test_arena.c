/* tests/unit/test_arena.c - arenas: zeroed memory, emptied and used again, hidden from children. */
#include "base/arena.h"

#include "tap.h"
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static bool is_zero(const char *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (bytes[i])
			return false;
	return true;
}

static void test_blocks(void)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	char *first = arena_alloc(arena, 100), *large;

	ok(is_zero(first, 100) && (uintptr_t)first % 16 == 0, "zeroed and aligned");
	memset(first, 'x', 100);
	large = arena_alloc(arena, 3 << 20);
	ok(is_zero(large, 3 << 20), "larger than a block");
	memset(large, 'x', 3 << 20);
	ok(first[0] == 'x' && first[99] == 'x', "what was there stays");
	arena_reset(arena);
	ok(arena_alloc(arena, 100) == (void *)first && is_zero(first, 100), "emptied, it begins anew with zeros");
	ok(is_zero(arena_alloc(arena, 3 << 20), 3 << 20), "and grows again");
	arena_free(NULL);
}

/* The signal that ends a child which looks at the byte; 0: it can. */
static int look_in_child(const char *at)
{
	pid_t pid = fork();
	int status = 0;

	if (pid == 0)
		_exit(*(const volatile char *)at == 'x' ? 0 : 1);
	must(waitpid(pid, &status, 0) == pid);
	return WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
}

static void test_hidden(void)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	char *early = arena_strdup(arena, "x"), *late;

	ok(look_in_child(early) == 0, "a child has it");
	arena_hide(arena);
	late = arena_alloc(arena, 3 << 20);
	*late = 'x';
	/* A sanitizer makes an exit status of the signal. */
	ok(look_in_child(early) != 0 && look_in_child(late) != 0, "hidden, it has neither old nor new blocks");
	arena_reset(arena);
	early = arena_strdup(arena, "x");
	ok(look_in_child(early) != 0, "nor when it was emptied");
	ok(*early == 'x', "the parent has it");
}

int main(void)
{
	test_blocks();
	test_hidden();
	return done();
}
