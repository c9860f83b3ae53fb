/* base/process.h - what processes of ours have in common: a clock for time limits, and how helpers begin. */
#ifndef CUDDY_BASE_PROCESS_H
#define CUDDY_BASE_PROCESS_H

/* Milliseconds that go on whatever is done to the clock of the day (CLOCK_MONOTONIC, clock_gettime(2)). */
long long clock_ms(void);

/* For a child that will execute a helper: no signal is held back or ignored that the program expects, and those of
 * the terminal go to another session. */
void process_begin_helper(void);

#endif
