/* cuddy.h - ask what a profile allows, and start a program in its cage.
 *
 *     struct cuddy *c = cuddy_load("project", "/usr/share/cuddy");
 *     if (cuddy_decide(c, "read /etc/shadow") == CUDDY_DENY) …
 *     puts(cuddy_messages(c));
 *     cuddy_free(c);
 *
 * Not for several threads at once: one of them may use a structure, and none may run while
 * cuddy_start() does.  From cuddy_start() to cuddy_wait() HUP, INT, QUIT, TERM, USR1, USR2, WINCH, CONT
 * and TSTP are blocked, and passed on.  If our standard streams lead to a terminal, cuddy_wait() makes it
 * raw, and stops our process group when the program stops. */
#ifndef CUDDY_H
#define CUDDY_H

#ifdef __cplusplus
extern "C" {
#endif

struct cuddy;

enum cuddy_verdict { CUDDY_ERROR = -1, CUDDY_DENY, CUDDY_ALLOW, CUDDY_ASK };

/* Reads a profile, by name or, with a slash, as a file.  `share` is the directory with cuddy's own
 * profiles and permissions, NULL for the installed one.  The environment gives the variables of
 * profiles.  Never NULL: a structure for cuddy_free(), which after an error only has messages. */
struct cuddy *cuddy_load(const char *profile, const char *share);
void cuddy_free(struct cuddy *cuddy); /* NULL is fine */

/* 0 when the profile was read without an error, else -1. */
int cuddy_check(const struct cuddy *cuddy);

/* May it?  A question is a verb and a subject: "read ~/.ssh/id_rsa", "connect example.org:443". */
enum cuddy_verdict cuddy_decide(struct cuddy *cuddy, const char *question);

/* Starts a program in its cage, with our standard streams; one at a time.  0 or -1. */
int cuddy_start(struct cuddy *cuddy, const char *const *argv);

/* Waits until all of the cage is gone; the exit status as a shell shows it, or -1 if none runs. */
int cuddy_wait(struct cuddy *cuddy);

/* All messages so far, as the program prints them; "" for none.  Valid until cuddy_free(). */
const char *cuddy_messages(struct cuddy *cuddy);

#ifdef __cplusplus
}
#endif
#endif
