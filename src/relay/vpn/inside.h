/* relay/vpn/inside.h - the half of cuddy-vpn that lives in the tunnel's namespaces, as pid 1 of its own.
 *
 * It is root in a user namespace that owns two network namespaces: the uplink, where the client talks to its
 * server and to nobody else, and the tunnel's, which has the tunnel and nothing else.  When it ends, so does the
 * client, and with it the tunnel. */
#ifndef CUDDY_RELAY_VPN_INSIDE_H
#define CUDDY_RELAY_VPN_INSIDE_H

#include "relay/vpn/client.h"
#include "vpn/config.h"

/* What it tells the holder, one packet each: a word and a text.  SPACES comes with the tunnel's network namespace;
 * UP with lines of "server ADDRESS" and "address ADDRESS"; LINE is one of the client's; DOWN says how it ended. */
enum inside_word { INSIDE_READY = 'r', INSIDE_SPACES = 'n', INSIDE_UP = 'u', INSIDE_LINE = 'l', INSIDE_DOWN = 'd',
		   INSIDE_FAILED = 'f' };
#define INSIDE_MESSAGE 4096 /* bytes of one packet */
#define INSIDE_TUNNEL "tun0"

/* WireGuard has no connection, only what comes and goes; times of clock_ms(). */
struct inside_traffic {
	uint64_t received, sent; /* bytes of all peers when they were last looked at */
	long long heard;	 /* when something came; 0: nothing has yet */
	long long owed;		 /* since when an answer is owed; or 0 */
	long long renewed;	 /* when the socket was made anew for a silent server */
};

struct inside {
	struct arena *arena; /* of one try: reset when the client is started again */
	const struct vpn_config *config;
	int control;	     /* to the holder */
	int uplink, tunnel;  /* network namespaces; we are in the second */
	int uplink_links, links; /* links.h; the second listens */
	struct client client; /* what carries the tunnel; WireGuard in the kernel has none */
	int told;	     /* OpenVPN's --up writes here; or -1 */
	struct strbuf environment; /* what it wrote */
	bool exists, up;     /* the device is in the tunnel's namespace; and the server answers */
	bool redirects;	     /* OpenVPN: all IPv4 goes through */
	int pause;	     /* milliseconds to the next `ask` */
	struct inside_traffic traffic;
};

/* The two kinds.  Each is 0 or -errno with words to the holder. */
struct inside_kind {
	int (*start)(struct inside *in);		    /* makes the device and starts the client */
	void (*heard)(struct inside *in, const char *line); /* or NULL */
	int (*told)(struct inside *in);			    /* `told` has something; or NULL */
	int (*ask)(struct inside *in);			    /* every `pause`: is it up, is it still?  or NULL */
};
extern const struct inside_kind inside_openvpn, inside_wireguard;

/* In the new namespaces; does not come back. */
_Noreturn void inside_run(const struct vpn_config *config, int control);

/* One packet to the holder; `with` goes along unless it is negative. */
void inside_say(struct inside *in, char word, const char *text, int with);

/* Moves the device there, gives it addresses and routes, and says that the tunnel is up: `text` as for UP.
 * A family without an address gets no route. */
int inside_connect(struct inside *in, unsigned mtu, const struct vpn_addresses *addresses,
		   const struct vpn_addresses *routes);
void inside_is_up(struct inside *in, const struct vpn_addresses *addresses, const struct vpn_addresses *servers);
/* The client and the device stay, but nobody answers. */
void inside_is_silent(struct inside *in, const char *why);

/* Makes a tun device in the uplink's namespace; as links_tun(). */
int inside_tun(struct inside *in);

/* Runs a program to its end, for which it has 10 s; what it says goes to `out`, or to the holder.  Its status, or
 * -errno, told to the holder. */
int inside_call(struct inside *in, const struct client_wish *wish, struct strbuf *out);

#endif
