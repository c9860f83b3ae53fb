/* network/enter.h - the helper that goes into the namespaces of a waiting cage. */
#ifndef CUDDY_NETWORK_ENTER_H
#define CUDDY_NETWORK_ENTER_H

/* In a forked process: enters the user and network namespace of `pidfd`, loads the rules, makes the
 * addresses and sockets, sends these through `sockets`, writes "ready" to `answer` or what went wrong,
 * and ends.  It is root there, and nobody outside. */
_Noreturn void network_enter(int pidfd, const char *rules, int sockets, int answer);

#endif
