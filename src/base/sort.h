/* base/sort.h - a stable merge sort of pointers.  Some C libraries' qsort() moves bytes around for most of
 * its time; here only pointers move, so large things are sorted by their addresses. */
#ifndef CUDDY_BASE_SORT_H
#define CUDDY_BASE_SORT_H

#include "base/arena.h"

/* Sorts `count` pointers in place; `compare` gets two of them.  The second half of the work is done in
 * `scratch`, which has as much room. */
void sort_pointers(const void **items, const void **scratch, size_t count,
		   int (*compare)(const void *a, const void *b));

#endif
