/* base/sort.c - bottom-up merging of runs that double in length. */
#include "base/sort.h"

#include <string.h>

/* Merges [first, middle) and [middle, last); of equals the one that came first stays first. */
static void merge(const void *const *from, const void **to, size_t first, size_t middle, size_t last,
		  int (*compare)(const void *a, const void *b))
{
	size_t left = first, right = middle;

	for (size_t i = first; i < last; i++) {
		bool take_left = left < middle && (right >= last || compare(from[left], from[right]) <= 0);

		to[i] = take_left ? from[left++] : from[right++];
	}
}

void sort_pointers(const void **items, const void **scratch, size_t count,
		   int (*compare)(const void *a, const void *b))
{
	const void **from = items, **to = scratch, **swap;

	for (size_t run = 1; run < count; run *= 2) {
		for (size_t first = 0; first < count; first += 2 * run)
			merge(from, to, first, MIN(first + run, count), MIN(first + 2 * run, count), compare);
		swap = from;
		from = to;
		to = swap;
	}
	if (from != items)
		memcpy(items, from, count * sizeof(*items));
}
