/* vpn/store.h - VPN configurations by name: NAME.ovpn and NAME.conf below DIRECTORY/vpn.
 *
 * The user's are in $XDG_CONFIG_HOME/cuddy/vpn (0700; files 0600), which no cage sees, the administrator's in
 * /etc/cuddy/vpn.  The user's win by name.  They were written by vpn_stored_text(): files of their own. */
#ifndef CUDDY_VPN_STORE_H
#define CUDDY_VPN_STORE_H

#include "vpn/config.h"

/* Directories of configuration, such as /etc/cuddy and ~/.config/cuddy; NULL leaves one out. */
struct vpn_places { const char *etc, *user; };

/* The file of configuration `name`: a name, or an absolute path, which is given back.  0 and the path; or
 * -EINVAL with a diagnostic at `origin` that names those that there are. */
int vpn_find(struct arena *arena, const struct vpn_places *places, const char *name,
	     const struct origin *origin, struct diags *d, const char **ret_path);

struct vpn_entry {
	const char *name, *path;
	enum vpn_kind kind;
	bool is_users; /* else of /etc */
};

/* All by name, sorted; those of /etc that the user's hide are left out.  0 or -errno. */
int vpn_list(struct arena *arena, const struct vpn_places *places, struct vpn_entry **ret, size_t *ret_count);

/* Keeps a configuration as `name` of the user.  `replace`: also where there is one.  0 or -EINVAL, told. */
int vpn_add(struct arena *arena, const struct vpn_places *places, const char *name,
	    const struct vpn_config *config, bool replace, struct diags *d);

/* Removes the user's configuration `name`.  0 or -EINVAL, told. */
int vpn_remove(struct arena *arena, const struct vpn_places *places, const char *name, struct diags *d);

#endif
