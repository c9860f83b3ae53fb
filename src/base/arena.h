/* base/arena.h - memory with one owner and one end.
 *
 * A profile, a policy, a plan each live in one arena: nothing in it is freed alone, everything
 * goes at once.  Allocation never fails: a process out of memory is ended by must(). */
#ifndef CUDDY_BASE_ARENA_H
#define CUDDY_BASE_ARENA_H

#include "base/macros.h"
#include <stdarg.h>

struct arena;

struct arena *arena_new(void);
void arena_free(struct arena *arena); /* NULL is fine */
void arena_freep(struct arena **arena);
/* Frees all that was allocated; the arena itself stays, empty. */
void arena_reset(struct arena *arena);
/* Children made from now on do not get it (MADV_DONTFORK, madvise(2)): what they need lies elsewhere. */
void arena_hide(struct arena *arena);

/* Zeroed memory, aligned to 16 bytes, of `size` bytes (0 gives a valid pointer). */
void *arena_alloc(struct arena *arena, size_t size);
#define arena_new_object(arena, type) ((type *)arena_alloc((arena), sizeof(type)))
#define arena_new_array(arena, type, count) \
	((type *)arena_alloc_array((arena), sizeof(type), (count)))
void *arena_alloc_array(struct arena *arena, size_t size, size_t count);

char *arena_strdup(struct arena *arena, const char *text); /* NULL gives NULL */
char *arena_strndup(struct arena *arena, const char *text, size_t length);
char *arena_printf(struct arena *arena, const char *format, ...) PRINTF_LIKE(2, 3);
char *arena_vprintf(struct arena *arena, const char *format, va_list arguments)
	PRINTF_LIKE(2, 0);

/* A growing array whose items live in an arena.
 *     VEC(struct rule) rules = { 0 };
 *     *vec_push(arena, &rules) = rule;
 *     for (size_t i = 0; i < rules.count; i++) … rules.items[i] … */
#define VEC(type) struct { type *items; size_t count, room; }
#define vec_push(arena, vec)                                                                     \
	({                                                                                       \
		if ((vec)->count == (vec)->room)                                                 \
			(vec)->items = vec_grow((arena), (vec)->items, sizeof(*(vec)->items),    \
						(vec)->count, &(vec)->room);                     \
		&(vec)->items[(vec)->count++];                                                   \
	})
void *vec_grow(struct arena *arena, void *items, size_t size, size_t count, size_t *room);

#endif
