/* base/copy.h - copying a few bytes.
 *
 * Ten thousand names and words are copied at each start, most of them shorter than 32 bytes.  The static
 * release is built with musl, whose memcpy() spends some hundred cycles on the first byte ("rep movs"):
 * a tenth of all that we compute. */
#ifndef CUDDY_BASE_COPY_H
#define CUDDY_BASE_COPY_H

#include <stddef.h>
#include <string.h>

/* As memcpy(3).  `to` and `from` must not overlap.  Two copies of a fixed size, which may meet in the middle, are
 * a few instructions; the compiler would make a call of a loop. */
static inline void bytes_copy(char *restrict to, const char *restrict from, size_t count)
{
	if (count > 32) {
		memcpy(to, from, count);
	} else if (count >= 16) {
		memcpy(to, from, 16);
		memcpy(to + count - 16, from + count - 16, 16);
	} else if (count >= 8) {
		memcpy(to, from, 8);
		memcpy(to + count - 8, from + count - 8, 8);
	} else if (count >= 4) {
		memcpy(to, from, 4);
		memcpy(to + count - 4, from + count - 4, 4);
	} else if (count) {
		to[0] = from[0];
		to[count / 2] = from[count / 2];
		to[count - 1] = from[count - 1];
	}
}

#endif
