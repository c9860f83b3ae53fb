/* policy/capabilities.c - the table of capabilities(7); the index is the number. */
#include "policy/capabilities.h"
#include "base/macros.h"

#include <ctype.h>
#include <errno.h>
#include <strings.h>

static const char *const names[] = {
	"chown", "dac_override", "dac_read_search", "fowner", "fsetid", "kill", "setgid",
	"setuid", "setpcap", "linux_immutable", "net_bind_service", "net_broadcast",
	"net_admin", "net_raw", "ipc_lock", "ipc_owner", "sys_module", "sys_rawio",
	"sys_chroot", "sys_ptrace", "sys_pacct", "sys_admin", "sys_boot", "sys_nice",
	"sys_resource", "sys_time", "sys_tty_config", "mknod", "lease", "audit_write",
	"audit_control", "setfcap", "mac_override", "mac_admin", "syslog", "wake_alarm",
	"block_suspend", "audit_read", "perfmon", "bpf", "checkpoint_restore",
};
_Static_assert(ARRAY_SIZE(names) == CAPABILITY_COUNT, "a capability is missing");

static bool is_same(const char *name, const char *known)
{
	for (; *name && *known; name++, known++) {
		char letter = *name == '-' ? '_' : (char)tolower((unsigned char)*name);

		if (letter != *known)
			return false;
	}
	return *name == *known;
}

int capability_find(const char *name)
{
	if (!strncasecmp(name, "cap_", 4) || !strncasecmp(name, "cap-", 4))
		name += 4;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (is_same(name, names[i]))
			return (int)i;
	return -ENOENT;
}

const char *capability_name(unsigned number)
{
	return number < ARRAY_SIZE(names) ? names[number] : NULL;
}
