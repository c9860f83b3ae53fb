/* vpn/openvpn.h - private to src/vpn: an .ovpn file while it is read. */
#ifndef CUDDY_VPN_OPENVPN_H
#define CUDDY_VPN_OPENVPN_H

#include "vpn/directives.h"
#include "vpn/internal.h"

struct protocol { const char *name; bool tcp; int family; };

/* A `remote`, before what it leaves out is known: port 0, protocol NULL. */
struct server { struct word host; int family; const char *name; uint16_t port; const struct protocol *protocol; };

struct openvpn {
	struct reader *r;
	int directory;
	struct strbuf lines;			  /* for the client */
	const char *blocks[MATERIAL_COUNT];	  /* what certificates and keys came to */
	const struct origin *set[MATERIAL_COUNT]; /* where */
	VEC(struct server) servers;
	struct server defaults;			  /* port and protocol */
	struct server outer;			  /* the same outside of the <connection> that we are in */
	const struct origin *connection;	  /* its beginning; NULL: outside */
	size_t first;				  /* its first server */
	VEC(const char *) unknown;		  /* names of ignore-unknown-option */
	const char *direction;			  /* of tls-auth, or NULL */
	struct word device, device_type;
	bool is_client;
	unsigned count;				  /* of lines */
};

/* What a directive of our own does; its arguments were checked.  0 or -EINVAL, told. */
typedef int openvpn_handler(struct openvpn *o, const struct word *words, size_t count);
openvpn_handler *openvpn_find_handler(const char *name);

/* Gives a line to the client.  0 or -EINVAL, told. */
int openvpn_pass(struct openvpn *o, const struct word *words, size_t count);
/* "'name' wants `what`, not 'word'"; always -EINVAL. */
int openvpn_wants(struct openvpn *o, const struct word *word, const char *name, const char *what);
/* Notes where a certificate or key is set; -EINVAL when it was before, told. */
int openvpn_set(struct openvpn *o, const struct material *m, const struct origin *origin);

#endif
