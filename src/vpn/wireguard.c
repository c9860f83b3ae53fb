/* vpn/wireguard.c - reads and writes WireGuard's .conf files: wg(8), and what wg-quick(8) adds.
 *
 * Keys of sections are known by a table.  Lines with keys of the tunnel, and those that we do not know, are
 * never shown: they may hold a secret. */
#include "vpn/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

enum section { SECTION_NONE, SECTION_INTERFACE, SECTION_PEER };

struct wireguard {
	struct reader *r;
	enum section section;
	struct vpn_peer *peer;		 /* that we are in */
	const struct origin *interface;	 /* its [Interface]; NULL: none yet */
	const struct origin *private;	 /* where the key is set */
	const struct origin *public, *preshared, *endpoint; /* the same for this peer */
};

typedef int handler(struct wireguard *w, const struct word *key, const struct word *value);

static int wants(struct wireguard *w, const struct word *key, const struct word *value, const char *what)
{
	return diag_error(w->r->d, "C725", &value->origin, "'%s' wants %s, not '%s'", key->text, what,
			  str_quote(w->r->arena, value->text));
}

static int once(struct wireguard *w, const struct word *key, const struct origin **set)
{
	if (*set) {
		diag_error(w->r->d, "C729", &key->origin, "'%s' is set twice", key->text);
		diag_note(w->r->d, *set, "first here");
		return -EINVAL;
	}
	*set = origin_kept(w->r->arena, &key->origin);
	return 0;
}

/* ---- lists ------------------------------------------------------------------------------- */

/* Calls `each` for the parts between commas; an empty one is an error. */
static int each_part(struct wireguard *w, const struct word *key, const struct word *value, handler *each)
{
	size_t at = 0;

	for (;;) {
		size_t length = strcspn(value->text + at, ",");
		struct word part = word_part(w->r->arena, value, at, length);

		part = word_trimmed(w->r->arena, &part);
		if (!*part.text)
			return diag_error(w->r->d, "C725", &part.origin, "'%s' has an empty entry", key->text);
		if (each(w, key, &part) < 0)
			return -EINVAL;
		at += length;
		if (!value->text[at++])
			return 0;
	}
}

static int add_address(struct wireguard *w, const struct word *key, const struct word *part)
{
	struct vpn_address address;

	if (!parse_address(w->r->arena, part->text, AF_UNSPEC, &address))
		return wants(w, key, part, "addresses such as 10.0.0.2/32");
	return reader_add_address(w->r, &w->r->config->addresses, &address, &part->origin);
}

static int add_allowed(struct wireguard *w, const struct word *key, const struct word *part)
{
	struct vpn_address network;

	if (!parse_address(w->r->arena, part->text, AF_UNSPEC, &network))
		return wants(w, key, part, "networks such as 0.0.0.0/0");
	address_mask(w->r->arena, &network);
	return reader_add_address(w->r, &w->peer->allowed, &network, &part->origin);
}

static int add_dns(struct wireguard *w, const struct word *key, const struct word *part)
{
	struct vpn_address address;
	int family;

	if (!strchr(part->text, '/') && parse_address(w->r->arena, part->text, AF_UNSPEC, &address))
		return reader_add_address(w->r, &w->r->config->dns, &address, &part->origin);
	if (!parse_host(w->r->arena, part->text, &family))
		return wants(w, key, part, "addresses of name servers, or domains");
	return reader_add_search(w->r, part);
}

static int take_address(struct wireguard *w, const struct word *key, const struct word *value)
{
	return each_part(w, key, value, add_address);
}

static int take_allowed(struct wireguard *w, const struct word *key, const struct word *value)
{
	return *value->text ? each_part(w, key, value, add_allowed) : 0;
}

static int take_dns(struct wireguard *w, const struct word *key, const struct word *value)
{
	return each_part(w, key, value, add_dns);
}

/* ---- single values ------------------------------------------------------------------------ */

static int take_mtu(struct wireguard *w, const struct word *key, const struct word *value)
{
	unsigned long mtu;

	if (!parse_number(value->text, 65535, &mtu) || mtu < 576)
		return wants(w, key, value, "a number from 576 to 65535");
	w->r->config->mtu = (unsigned)mtu;
	return 0;
}

static int take_port(struct wireguard *w, const struct word *key, const struct word *value)
{
	unsigned long port;

	if (!parse_number(value->text, UINT16_MAX, &port))
		return wants(w, key, value, "a number from 0 to 65535");
	w->r->config->listen_port = (uint16_t)port;
	return 0;
}

static int take_mark(struct wireguard *w, const struct word *key, const struct word *value)
{
	const char *text = value->text;
	bool is_hex = str_starts(text, "0x") && text[2] && !text[2 + strspn(text + 2, "0123456789abcdefABCDEF")];
	unsigned long mark = 0;

	errno = 0;
	if (is_hex)
		mark = strtoul(text + 2, NULL, 16);
	else if (!str_equal(text, "off") && !parse_number(text, UINT32_MAX, &mark))
		return wants(w, key, value, "a number, 0x and a hexadecimal one, or off");
	if (errno || mark > UINT32_MAX)
		return wants(w, key, value, "a number of 32 bits");
	w->r->config->mark = (uint32_t)mark;
	return 0;
}

static int take_keepalive(struct wireguard *w, const struct word *key, const struct word *value)
{
	unsigned long seconds = 0;

	if (!str_equal(value->text, "off") && !parse_number(value->text, UINT16_MAX, &seconds))
		return wants(w, key, value, "seconds up to 65535, or off");
	w->peer->keepalive = (unsigned)seconds;
	return 0;
}

static int take_endpoint(struct wireguard *w, const struct word *key, const struct word *value)
{
	const char *text = value->text, *colon = strrchr(text, ':'), *name = NULL;
	struct vpn_remote *remote;
	unsigned long port = 0;
	size_t length = colon ? (size_t)(colon - text) : 0;
	bool is_quoted = length > 2 && text[0] == '[' && text[length - 1] == ']';
	int family = AF_UNSPEC;

	if (once(w, key, &w->endpoint) < 0)
		return -EINVAL;
	if (colon && (is_quoted || !memchr(text, ':', length)))
		name = parse_host(w->r->arena, arena_strndup(w->r->arena, text + is_quoted, length - 2 * is_quoted),
				  &family);
	if (!name || (is_quoted && family == AF_UNSPEC) || !parse_number(colon + 1, UINT16_MAX, &port) || !port) {
		wants(w, key, value, "a name or address with a port");
		diag_help(w->r->d, "write 'vpn.example.org:51820', '192.0.2.1:51820' or '[2001:db8::1]:51820'");
		return -EINVAL;
	}
	remote = reader_add_remote(w->r, &value->origin);
	if (!remote)
		return -EINVAL;
	remote->host = name;
	remote->is_address = family != AF_UNSPEC;
	remote->port = (uint16_t)port;
	remote->family = family;
	w->peer->endpoint = remote;
	return 0;
}

/* Neither the value nor its line is shown. */
static int take_key(struct wireguard *w, const struct word *key, const struct word *value,
		    const struct origin **set, unsigned char ret[VPN_KEY_BYTES])
{
	static const unsigned char nothing[VPN_KEY_BYTES];
	struct origin hidden = reader_secret(w->r, &value->origin);
	struct word name = { key->text, reader_secret(w->r, &key->origin) };
	size_t length = strlen(value->text);

	if (once(w, &name, set) < 0)
		return -EINVAL;
	if (!parse_key(value->text, ret)) {
		diag_error(w->r->d, "C725", &hidden, "'%s' wants a key, 44 characters of base64%s", key->text,
			   length < 44 ? ": some are missing" : length > 44 ? ": these are more" : "");
		diag_help(w->r->d, "copy it again: 43 letters, digits, '+' or '/', and one '=' at the end");
		return -EINVAL;
	}
	if (memcmp(ret, nothing, sizeof(nothing)) == 0 && set != &w->preshared)
		return diag_error(w->r->d, "C725", &hidden, "'%s' is the key of nobody: all bytes are 0", key->text);
	return 0;
}

static int take_private(struct wireguard *w, const struct word *key, const struct word *value)
{
	return take_key(w, key, value, &w->private, w->r->config->private_key);
}

static int take_public(struct wireguard *w, const struct word *key, const struct word *value)
{
	return take_key(w, key, value, &w->public, w->peer->public_key);
}

static int take_preshared(struct wireguard *w, const struct word *key, const struct word *value)
{
	w->peer->has_preshared_key = true;
	return take_key(w, key, value, &w->preshared, w->peer->preshared_key);
}

/* ---- lines ------------------------------------------------------------------------------- */

static const char hook_help[] = "delete the line: addresses, routes and name servers of the cage are set without it";

static const struct {
	const char *name;
	enum section section;
	handler *take; /* NULL: refused */
	const char *why, *help;
} keys[] = {
	{ "Address",             SECTION_INTERFACE, take_address,   NULL, NULL },
	{ "AllowedIPs",          SECTION_PEER,      take_allowed,   NULL, NULL },
	{ "DNS",                 SECTION_INTERFACE, take_dns,       NULL, NULL },
	{ "Endpoint",            SECTION_PEER,      take_endpoint,  NULL, NULL },
	{ "FwMark",              SECTION_INTERFACE, take_mark,      NULL, NULL },
	{ "ListenPort",          SECTION_INTERFACE, take_port,      NULL, NULL },
	{ "MTU",                 SECTION_INTERFACE, take_mtu,       NULL, NULL },
	{ "PersistentKeepalive", SECTION_PEER,      take_keepalive, NULL, NULL },
	{ "PostDown",            SECTION_INTERFACE, NULL, "would run programs on this computer", hook_help },
	{ "PostUp",              SECTION_INTERFACE, NULL, "would run programs on this computer", hook_help },
	{ "PreDown",             SECTION_INTERFACE, NULL, "would run programs on this computer", hook_help },
	{ "PresharedKey",        SECTION_PEER,      take_preshared, NULL, NULL },
	{ "PreUp",               SECTION_INTERFACE, NULL, "would run programs on this computer", hook_help },
	{ "PrivateKey",          SECTION_INTERFACE, take_private,   NULL, NULL },
	{ "PublicKey",           SECTION_PEER,      take_public,    NULL, NULL },
	{ "SaveConfig",          SECTION_INTERFACE, NULL, "would write files of this computer",
	  "delete the line: the configuration stays as it was added" },
	{ "Table",               SECTION_INTERFACE, NULL, "would change routes of this computer",
	  "delete the line: the routes of a cage are its own" },
};

static const char *section_name(enum section section)
{
	return section == SECTION_PEER ? "[Peer]" : "[Interface]";
}

static int unknown_key(struct wireguard *w, const struct word *key)
{
	const char *names[ARRAY_SIZE(keys)], *near;
	struct origin hidden = reader_secret(w->r, &key->origin);

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		names[i] = keys[i].name;
	near = diag_nearest(key->text, names, ARRAY_SIZE(names));
	diag_error(w->r->d, "C723", &hidden, "unknown key '%s'", str_quote(w->r->arena, key->text));
	if (near)
		diag_help(w->r->d, "did you mean '%s'?", near);
	else
		diag_help(w->r->d, "delete the line, or say in it what wg(8) and wg-quick(8) know");
	return -EINVAL;
}

static int read_setting(struct wireguard *w, const struct word *line, const char *equals)
{
	size_t at = (size_t)(equals - line->text);
	struct word key = word_part(w->r->arena, line, 0, at);
	struct word value = word_part(w->r->arena, line, at + 1, strlen(equals + 1));

	key = word_trimmed(w->r->arena, &key);
	value = word_trimmed(w->r->arena, &value);
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		if (strcasecmp(keys[i].name, key.text) != 0)
			continue;
		key.text = keys[i].name;
		if (!keys[i].take) {
			diag_error(w->r->d, "C724", &key.origin, "'%s' %s", key.text, keys[i].why);
			diag_help(w->r->d, "%s", keys[i].help);
			return -EINVAL;
		}
		if (w->section == keys[i].section)
			return keys[i].take(w, &key, &value);
		key.origin = reader_secret(w->r, &key.origin);
		return diag_error(w->r->d, "C722", &key.origin, "'%s' belongs into %s", key.text,
				  section_name(keys[i].section));
	}
	return unknown_key(w, &key);
}

static int finish_peer(struct wireguard *w)
{
	struct vpn_config *c = w->r->config;

	if (!w->peer)
		return 0;
	if (!w->public)
		return diag_error(w->r->d, "C730", w->peer->origin, "the peer has no PublicKey");
	for (size_t i = 0; i + 1 < c->peer_count; i++) {
		if (memcmp(c->peers[i].public_key, w->peer->public_key, VPN_KEY_BYTES) != 0)
			continue;
		diag_error(w->r->d, "C729", w->public, "two peers have the same PublicKey");
		diag_note(w->r->d, c->peers[i].origin, "the other peer");
		return -EINVAL;
	}
	return 0;
}

static int begin_peer(struct wireguard *w, const struct word *line)
{
	struct vpn_config *c = w->r->config;
	int r = finish_peer(w);

	w->section = SECTION_PEER;
	w->public = w->preshared = w->endpoint = NULL;
	if (!c->peers)
		c->peers = arena_new_array(w->r->arena, struct vpn_peer, LIMIT_VPN_REMOTES + 1);
	w->peer = &c->peers[c->peer_count];
	*w->peer = (struct vpn_peer){ .origin = origin_kept(w->r->arena, &line->origin) };
	if (c->peer_count >= LIMIT_VPN_REMOTES)
		return diag_error(w->r->d, "C731", &line->origin, "more than %d peers (LIMIT_VPN_REMOTES)",
				  LIMIT_VPN_REMOTES);
	c->peer_count++;
	return r;
}

static int read_line(struct wireguard *w, const struct word *whole)
{
	struct word line = word_part(w->r->arena, whole, 0, strcspn(whole->text, "#"));
	struct origin hidden;
	const char *equals;

	line = word_trimmed(w->r->arena, &line);
	if (!*line.text)
		return 0;
	if (strcasecmp(line.text, "[Peer]") == 0)
		return begin_peer(w, &line);
	if (strcasecmp(line.text, "[Interface]") == 0) {
		w->section = SECTION_INTERFACE;
		return once(w, &(struct word){ "[Interface]", line.origin }, &w->interface);
	}
	if (*line.text == '[') {
		diag_error(w->r->d, "C722", &line.origin, "there is no section '%s'", str_quote(w->r->arena, line.text));
		diag_help(w->r->d, "sections are [Interface] and [Peer]");
		return -EINVAL;
	}
	hidden = reader_secret(w->r, &line.origin);
	equals = strchr(line.text, '=');
	if (!equals || equals == line.text) {
		diag_error(w->r->d, "C722", &hidden, "neither a section nor 'Key = value'");
		diag_help(w->r->d, "comments begin with '#'");
		return -EINVAL;
	}
	if (w->section == SECTION_NONE) {
		diag_error(w->r->d, "C722", &hidden, "the line stands before any section");
		diag_help(w->r->d, "write [Interface] above it");
		return -EINVAL;
	}
	return read_setting(w, &line, equals);
}

/* ---- the whole --------------------------------------------------------------------------- */

static void check_whole(struct wireguard *w)
{
	const struct vpn_config *c = w->r->config;
	const struct origin start = { .source = w->r->hidden, .line = 1, .column = 1 };
	size_t allowed = 0;

	for (size_t i = 0; i < c->peer_count; i++)
		allowed += c->peers[i].allowed.count;
	if (!w->interface || !w->private)
		diag_error(w->r->d, "C730", w->interface ? w->interface : &start, "[Interface] has no PrivateKey");
	if (!c->addresses.count) {
		diag_error(w->r->d, "C730", w->interface ? w->interface : &start, "[Interface] has no Address");
		diag_help(w->r->d, "its administrator knows the address that the tunnel has here");
	}
	if (!c->remote_count) {
		diag_error(w->r->d, "C730", c->peer_count ? c->peers[0].origin : &start,
			   "no [Peer] has an Endpoint, so there is nowhere to connect to");
	} else if (!allowed) {
		diag_error(w->r->d, "C730", c->peers[0].origin, "no [Peer] has AllowedIPs, so nothing would go to it");
		diag_help(w->r->d, "all of the internet is 'AllowedIPs = 0.0.0.0/0, ::/0'");
	}
}

void wireguard_read(struct reader *r)
{
	struct wireguard w = { .r = r };
	size_t errors = r->d->errors;
	struct word line;

	while (reader_line(r, &line) && r->config->peer_count <= LIMIT_VPN_REMOTES)
		(void)read_line(&w, &line);
	(void)finish_peer(&w);
	if (r->d->errors == errors)
		check_whole(&w);
}

/* ---- writing ----------------------------------------------------------------------------- */

static void write_list(struct strbuf *out, const char *key, const struct vpn_addresses *list,
		       const char *const *names)
{
	const char *between = arena_printf(out->arena, "%s = ", key);

	for (size_t i = 0; i < list->count; i++, between = ", ")
		strbuf_addf(out, "%s%s", between, list->items[i].text);
	for (size_t i = 0; names && names[i]; i++, between = ", ")
		strbuf_addf(out, "%s%s", between, names[i]);
	strbuf_add(out, list->count || (names && names[0]) ? "\n" : "");
}

static void write_peer(struct strbuf *out, const struct vpn_peer *peer, const char *host)
{
	strbuf_addf(out, "\n[Peer]\nPublicKey = %s\n", vpn_key_text(out->arena, peer->public_key));
	if (peer->has_preshared_key)
		strbuf_addf(out, "PresharedKey = %s\n", vpn_key_text(out->arena, peer->preshared_key));
	write_list(out, "AllowedIPs", &peer->allowed, NULL);
	if (host)
		strbuf_addf(out, strchr(host, ':') ? "Endpoint = [%s]:%u\n" : "Endpoint = %s:%u\n", host,
			    peer->endpoint->port);
	if (peer->keepalive)
		strbuf_addf(out, "PersistentKeepalive = %u\n", peer->keepalive);
}

void wireguard_write(struct strbuf *out, const struct vpn_config *c, const char *const *addresses, bool stored)
{
	strbuf_addf(out, "[Interface]\nPrivateKey = %s\n", vpn_key_text(out->arena, c->private_key));
	if (c->listen_port)
		strbuf_addf(out, "ListenPort = %u\n", c->listen_port);
	if (c->mark)
		strbuf_addf(out, "FwMark = %u\n", c->mark);
	if (stored) {
		write_list(out, "Address", &c->addresses, NULL);
		write_list(out, "DNS", &c->dns, c->search);
		if (c->mtu)
			strbuf_addf(out, "MTU = %u\n", c->mtu);
	}
	for (size_t i = 0; i < c->peer_count; i++) {
		const struct vpn_peer *peer = &c->peers[i];
		const char *host = !peer->endpoint ? NULL : addresses ? addresses[peer->endpoint - c->remotes]
							      : peer->endpoint->host;

		write_peer(out, peer, host);
	}
}
