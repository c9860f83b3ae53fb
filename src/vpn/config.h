/* vpn/config.h - VPN configurations: OpenVPN's .ovpn and WireGuard's .conf, read by us.
 *
 * Such a file comes from somebody else, and the clients' own readers run programs that it names.  So it
 * is parsed here, to the last byte: what stands in our table of directives is checked and kept, what only
 * matters to the host is left out, all else is refused with its line.  Files that it names are read here
 * too.  The client gets a text that we wrote, which names no file and no program.
 * openvpn(8) (2.6), wg(8), wg-quick(8).  Must not: resolve names, run anything. */
#ifndef CUDDY_VPN_CONFIG_H
#define CUDDY_VPN_CONFIG_H

#include "diag/diag.h"

enum vpn_kind { VPN_OPENVPN, VPN_WIREGUARD };
enum { VPN_KEY_BYTES = 32 }; /* of a WireGuard key */

/* Where the tunnel leads to: the only place that its packets may go to. */
struct vpn_remote {
	const char *host;  /* a name in small letters, or an address without brackets */
	bool is_address;   /* nothing has to be resolved */
	uint16_t port;
	bool tcp;	   /* else UDP */
	int family;	   /* AF_INET, AF_INET6; AF_UNSPEC: both (names) */
	const struct origin *origin;
};

/* An address or network.  `bytes` are in the order of the wire, 4 or 16 of them. */
struct vpn_address {
	int family;	   /* AF_INET or AF_INET6 */
	unsigned char bytes[16];
	unsigned prefix;   /* bits; 32 or 128 for a host */
	const char *text;  /* canonical, "10.0.0.0/8"; without "/…" for a host where none was written */
	const struct origin *origin;
};
struct vpn_addresses { struct vpn_address *items; size_t count; };

/* A peer of WireGuard.  Without an endpoint it is one that only answers. */
struct vpn_peer {
	unsigned char public_key[VPN_KEY_BYTES], preshared_key[VPN_KEY_BYTES];
	bool has_preshared_key;
	const struct vpn_remote *endpoint;  /* one of the configuration's remotes, or NULL */
	struct vpn_addresses allowed;
	unsigned keepalive;		    /* seconds; 0: none */
	const struct origin *origin;	    /* its [Peer] */
};

/* All memory is in the arena of the reader; so are the secrets. */
struct vpn_config {
	enum vpn_kind kind;
	const struct source *source;
	struct vpn_remote *remotes;  /* at least one; in the order in which they are tried */
	size_t remote_count;
	bool remote_random;	     /* OpenVPN: in any order */
	struct vpn_addresses dns;    /* named in the file; OpenVPN's servers mostly push theirs */
	const char **search;	     /* domains, NULL at the end; never NULL */
	unsigned mtu;		     /* bytes; 0: not set */

	/* OpenVPN.  Routes and dhcp-options stand in the client's text too, so its environment has them
	 * together with those that are pushed. */
	bool wants_auth;	     /* user and password, for --auth-user-pass */
	const char *user, *password; /* both NULL: nobody told them */
	const char *key_password;    /* of an encrypted private key, for --askpass; or NULL */
	bool key_is_encrypted;	     /* so there must be one */
	bool key_is_bundle;	     /* of PKCS #12: there may be one, which cannot be seen */
	struct vpn_addresses routes;
	bool redirect_gateway;	     /* the file says that all goes through the tunnel */
	const char *directives;	     /* what vpn_client_text() begins with; ask that one */

	/* WireGuard */
	unsigned char private_key[VPN_KEY_BYTES];
	uint16_t listen_port;	     /* 0: any */
	uint32_t mark;		     /* FwMark; 0: none */
	struct vpn_addresses addresses; /* of the tunnel's end here */
	struct vpn_peer *peers;
	size_t peer_count;
};

/* Reads a text.  Names of files in it are relative to `directory` (a descriptor; O_PATH suffices); with -1
 * such a name is an error.  0 and the configuration; or -EINVAL with all that is wrong in `d`. */
int vpn_config_parse(struct arena *arena, const struct source *source, enum vpn_kind kind, int directory,
		     struct diags *d, struct vpn_config **ret);

/* Reads a file: `path` absolute, or relative to the working directory.  Its kind is what it looks like.
 * Errors about the file itself are told at `origin` (may be NULL). */
int vpn_config_load(struct arena *arena, const char *path, const struct origin *origin, struct diags *d,
		    struct vpn_config **ret);

/* A user name or a password, which become lines of files: NULL, or what is wrong with it. */
const char *vpn_secret_fault(const char *text);

/* A key of WireGuard in base64, as in files. */
const char *vpn_key_text(struct arena *arena, const unsigned char key[VPN_KEY_BYTES]);

/* What the client is given.  `addresses[i]` is the numeric address to use for remote i, which the caller has
 * resolved; NULL leaves that remote out; `addresses` NULL writes all as they are in the file.
 * OpenVPN: for --config; without dev, user, password and all that its command line must say.
 * WireGuard: for `wg setconf`: keys and peers; Address, DNS and MTU are the caller's to set. */
const char *vpn_client_text(struct arena *arena, const struct vpn_config *config, const char *const *addresses);

/* The whole configuration as one file, secrets included, that reads as the same again without warnings. */
const char *vpn_stored_text(struct arena *arena, const struct vpn_config *config);

#endif
