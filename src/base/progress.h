/* base/progress.h - somebody who wants to know how far long work has come; NULL where nobody does. */
#ifndef CUDDY_BASE_PROGRESS_H
#define CUDDY_BASE_PROGRESS_H

#include <stddef.h>
#include <stdint.h>

/* Bytes that an entry of a directory counts for, beside what is in it. */
#define PROGRESS_ENTRY 4096u

/* step() is told of each bit of work, in bytes. */
struct progress { void (*step)(void *context, uint64_t bytes); void *context; };

static inline void progress_step(const struct progress *progress, uint64_t bytes)
{
	if (progress && progress->step)
		progress->step(progress->context, bytes);
}

#endif
