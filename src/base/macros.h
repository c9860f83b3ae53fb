/* base/macros.h - the few language helpers that every file may use. */
#ifndef CUDDY_BASE_MACROS_H
#define CUDDY_BASE_MACROS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* CLEANUP(fn) v: call fn(&v) when v leaves its scope.  TAKE(v): hand v over, leave NULL behind. */
#define CLEANUP(function) __attribute__((cleanup(function)))
#define TAKE(variable) ({ __typeof__(variable) taken_ = (variable); (variable) = NULL; taken_; })
#define TAKE_FD(variable) ({ int taken_ = (variable); (variable) = -1; taken_; })

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#define PRINTF_LIKE(text, first) __attribute__((format(printf, text, first)))
#define UNUSED __attribute__((unused))
/* Large locals that are written before they are read: the compiler need not zero them at each call. */
#if __has_attribute(uninitialized)
#define UNSET __attribute__((uninitialized))
#else
#define UNSET
#endif
#define unreachable() __builtin_unreachable()

/* An assertion about our own work: stays in release builds, says where, and ends the process. */
#define must(condition) ((condition) ? (void)0 : must_failed(#condition, __FILE__, __LINE__))
_Noreturn void must_failed(const char *condition, const char *file, int line);

/* The names are new each time, so that MIN(MIN(a, b), c) shadows nothing. */
#define MIN(a, b) PICK_(a, <, b, __COUNTER__)
#define MAX(a, b) PICK_(a, >, b, __COUNTER__)
#define PICK_(a, is, b, n) PICK__(a, is, b, n)
#define PICK__(a, is, b, n)                                                                      \
	({                                                                                       \
		__typeof__(a) a_##n = (a);                                                       \
		__typeof__(b) b_##n = (b);                                                       \
		a_##n is b_##n ? a_##n : b_##n;                                                  \
	})

#endif
