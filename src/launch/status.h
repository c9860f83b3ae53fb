/* launch/status.h - what becomes of a cage, as one line of JSON for each event (cuddy(1), --status-fd).
 * A program that calls cuddy can so tell its program's 125 from ours. */
#ifndef CUDDY_LAUNCH_STATUS_H
#define CUDDY_LAUNCH_STATUS_H

#include "plan/plan.h"
#include <sys/types.h>

/* In all three `fd` 0 means that nobody asked.  A reader that is gone is no error, and no SIGPIPE. */

/* The program has been executed; `pid` is the cage's pid 1 as we number it. */
void status_started(int fd, struct arena *arena, pid_t pid, const char *cage);

/* The program ended by itself: a wait status (wait(2)). */
void status_ended(int fd, struct arena *arena, int wait_status);

/* It did not, or could not be started: our exit status, and the last error of `d`. */
void status_failed(int fd, const struct diags *d, const char *event, int status);

#endif
