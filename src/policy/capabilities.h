/* policy/capabilities.h - the names and numbers of Linux' capabilities. */
#ifndef CUDDY_POLICY_CAPABILITIES_H
#define CUDDY_POLICY_CAPABILITIES_H

#define CAPABILITY_COUNT 41 /* CAP_CHECKPOINT_RESTORE, Linux 5.9, is the last */

/* "CAP_NET_ADMIN", "net_admin", "net-admin", in any letter case: its number, else -ENOENT. */
int capability_find(const char *name);

/* "net_admin"; NULL when there is no such number. */
const char *capability_name(unsigned number);

#endif
