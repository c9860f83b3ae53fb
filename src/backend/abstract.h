/* backend/abstract.h - sockets without a file (unix(7)) in the host's network. */
#ifndef CUDDY_BACKEND_ABSTRACT_H
#define CUDDY_BACKEND_ABSTRACT_H

#include "backend/backend.h"

/* May the program connect to them? */
bool abstract_is_allowed(const struct policy *policy);

/* For a cage with the host's network: adds the step that closes them (OP_SCOPE), unless they are allowed, and claims
 * the denies of them; warns where the kernel can't.  Landlock has scopes since ABI 6, Linux 6.12:
 * Documentation/userspace-api/landlock.rst, "IPC scoping". */
void abstract_compile(struct compilation *c);

#endif
