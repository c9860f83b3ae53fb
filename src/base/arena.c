/* base/arena.c - a list of blocks, each twice the last, filled from the front.
 * Blocks come from the kernel: zeroed, resident only where touched, and given back at once. */
#include "base/arena.h"
#include "base/copy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct block {
	struct block *next;
	size_t used, size;
	_Alignas(16) unsigned char bytes[];
};

struct arena {
	struct block *block; /* the newest; the oldest holds this structure */
	bool is_private;
};

#define FIRST_BLOCK (512 * 1024)
#define LARGEST_BLOCK (1024 * 1024)

void must_failed(const char *condition, const char *file, int line)
{
	dprintf(STDERR_FILENO, "cuddy: bug: %s is not true at %s:%d\n", condition, file, line);
	abort();
}

static struct block *block_new(size_t size)
{
	struct block *block = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	must(block != MAP_FAILED);
	block->size = size - sizeof(*block);
	return block;
}

static void block_free(struct block *block)
{
	munmap(block, block->size + sizeof(*block));
}

static void add_block(struct arena *arena, size_t need)
{
	size_t size = MIN((arena->block->size + sizeof(struct block)) * 2, (size_t)LARGEST_BLOCK);
	struct block *block;

	must(need < SIZE_MAX / 2);
	size = MAX(size, (need + sizeof(*block) + 4095) & ~(size_t)4095);
	block = block_new(size);
	block->next = arena->block;
	arena->block = block;
	if (arena->is_private)
		madvise(block, size, MADV_DONTFORK);
}

static struct arena *begin(struct block *first)
{
	struct arena *arena = (struct arena *)first->bytes;

	first->used = (sizeof(*arena) + 15) & ~(size_t)15;
	arena->block = first;
	return arena;
}

struct arena *arena_new(void)
{
	return begin(block_new(FIRST_BLOCK));
}

void arena_free(struct arena *arena)
{
	struct block *block, *next;

	for (block = arena ? arena->block : NULL; block; block = next) {
		next = block->next;
		block_free(block);
	}
}

void arena_reset(struct arena *arena)
{
	bool is_private = arena->is_private;
	struct block *block, *next;

	for (block = arena->block; (next = block->next); block = next)
		block_free(block);
	must(madvise(block, FIRST_BLOCK, MADV_DONTNEED) == 0);
	block->size = FIRST_BLOCK - sizeof(*block);
	begin(block)->is_private = is_private;
}

void arena_hide(struct arena *arena)
{
	arena->is_private = true;
	for (struct block *block = arena->block; block; block = block->next)
		madvise(block, block->size + sizeof(*block), MADV_DONTFORK);
}

void arena_freep(struct arena **arena)
{
	arena_free(*arena);
}

void *arena_alloc(struct arena *arena, size_t size)
{
	void *memory;

	must(size < SIZE_MAX - 64);
	size = (size + 15) & ~(size_t)15;
	if (arena->block->size - arena->block->used < size)
		add_block(arena, size);
	memory = arena->block->bytes + arena->block->used;
	arena->block->used += size;
	return memory;
}

void *arena_alloc_array(struct arena *arena, size_t size, size_t count)
{
	size_t bytes;

	must(!__builtin_mul_overflow(size, count, &bytes));
	return arena_alloc(arena, bytes);
}

char *arena_strndup(struct arena *arena, const char *text, size_t length)
{
	char *copy = arena_alloc(arena, length + 1);

	bytes_copy(copy, text, length);
	return copy;
}

char *arena_strdup(struct arena *arena, const char *text)
{
	return text ? arena_strndup(arena, text, strlen(text)) : NULL;
}

char *arena_vprintf(struct arena *arena, const char *format, va_list arguments)
{
	va_list again;
	UNSET char first[512];
	char *text;
	int length;

	va_copy(again, arguments);
	length = vsnprintf(first, sizeof(first), format, again);
	va_end(again);
	must(length >= 0);
	if ((size_t)length < sizeof(first)) /* nearly always: formatted once */
		return arena_strndup(arena, first, (size_t)length);
	text = arena_alloc(arena, (size_t)length + 1);
	vsnprintf(text, (size_t)length + 1, format, arguments);
	return text;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
	va_list arguments;
	char *text;

	va_start(arguments, format);
	text = arena_vprintf(arena, format, arguments);
	va_end(arguments);
	return text;
}

/* What was taken last can grow where it is: fresh memory costs more than its copying. */
static bool arena_extend(struct arena *arena, const void *memory, size_t old, size_t wanted)
{
	struct block *block = arena->block;
	size_t begin;

	old = (old + 15) & ~(size_t)15;
	wanted = (wanted + 15) & ~(size_t)15;
	if ((const unsigned char *)memory + old != block->bytes + block->used)
		return false;
	begin = block->used - old;
	if (wanted > block->size - begin)
		return false;
	block->used = begin + wanted;
	return true;
}

void *vec_grow(struct arena *arena, void *items, size_t size, size_t count, size_t *room)
{
	size_t more = *room ? *room * 2 : 8;
	void *copy;

	if (*room && arena_extend(arena, items, size * *room, size * more)) {
		*room = more;
		return items;
	}
	copy = arena_alloc_array(arena, size, more);
	if (count)
		memcpy(copy, items, size * count);
	*room = more;
	return copy;
}
