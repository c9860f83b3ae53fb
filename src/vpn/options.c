/* vpn/options.c - what the directives of OpenVPN that we understand come to.
 * Must not: resolve names, open what directives name (material.c does). */
#include "vpn/openvpn.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

/* ---- servers ----------------------------------------------------------------------------- */

static const struct protocol protocols[] = {
	{ "udp", false, AF_UNSPEC }, { "udp4", false, AF_INET }, { "udp6", false, AF_INET6 },
	{ "tcp", true, AF_UNSPEC }, { "tcp-client", true, AF_UNSPEC },
	{ "tcp4", true, AF_INET }, { "tcp4-client", true, AF_INET },
	{ "tcp6", true, AF_INET6 }, { "tcp6-client", true, AF_INET6 },
};

static int take_protocol(struct openvpn *o, const struct word *word, const struct protocol **ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(protocols); i++) {
		if (str_equal(protocols[i].name, word->text)) {
			*ret = &protocols[i];
			return 0;
		}
	}
	return openvpn_wants(o, word, "proto", "udp, tcp-client, or one of these with a 4 or 6");
}

static int take_port(struct openvpn *o, const struct word *word, uint16_t *ret)
{
	unsigned long port;

	if (!parse_number(word->text, UINT16_MAX, &port) || !port)
		return openvpn_wants(o, word, "port", "a number from 1 to 65535");
	*ret = (uint16_t)port;
	return 0;
}

static int take_proto(struct openvpn *o, const struct word *words, size_t count)
{
	(void)count;
	return take_protocol(o, &words[1], &o->defaults.protocol);
}

static int take_rport(struct openvpn *o, const struct word *words, size_t count)
{
	(void)count;
	return take_port(o, &words[1], &o->defaults.port);
}

static int take_remote(struct openvpn *o, const struct word *words, size_t count)
{
	struct server server = { .host = words[1] };
	int r = 0;

	server.name = parse_host(o->r->arena, words[1].text, &server.family);
	if (!server.name)
		return openvpn_wants(o, &words[1], "remote", "a name or an address");
	if (count > 2)
		r = take_port(o, &words[2], &server.port);
	if (r == 0 && count > 3)
		r = take_protocol(o, &words[3], &server.protocol);
	if (r == 0)
		*vec_push(o->r->arena, &o->servers) = server;
	return r;
}

static int take_client(struct openvpn *o, const struct word *words, size_t count)
{
	o->is_client = true;
	return openvpn_pass(o, words, count);
}

static int take_random(struct openvpn *o, const struct word *words, size_t count)
{
	(void)words, (void)count;
	o->r->config->remote_random = true;
	return 0;
}

/* ---- device, routes, name servers --------------------------------------------------------- */

static int take_dev(struct openvpn *o, const struct word *words, size_t count)
{
	(void)count;
	*(str_equal(words[0].text, "dev") ? &o->device : &o->device_type) = words[1];
	return 0;
}

static int take_mtu(struct openvpn *o, const struct word *words, size_t count)
{
	unsigned long mtu;

	if (!parse_number(words[1].text, 65535, &mtu) || mtu < 576)
		return openvpn_wants(o, &words[1], "tun-mtu", "a number from 576 to 65535");
	o->r->config->mtu = (unsigned)mtu;
	return openvpn_pass(o, words, count);
}

static int take_direction(struct openvpn *o, const struct word *word)
{
	if (!str_equal(word->text, "0") && !str_equal(word->text, "1"))
		return openvpn_wants(o, word, "key-direction", "0 or 1");
	if (o->direction && !str_equal(o->direction, word->text))
		return diag_error(o->r->d, "C729", &word->origin, "the direction of 'tls-auth' is %s before",
				  o->direction);
	o->direction = word->text;
	return 0;
}

static int take_key_direction(struct openvpn *o, const struct word *words, size_t count)
{
	(void)count;
	return take_direction(o, &words[1]);
}

/* "vpn_gateway" and "default" are what there is in any case; "net_gateway" leads past the tunnel. */
static int take_gateway(struct openvpn *o, const struct word *words, size_t count, size_t at, int family,
			bool *ret_outside)
{
	struct vpn_address address;

	*ret_outside = count > at && str_starts(words[at].text, "net_gateway");
	if (count <= at || *ret_outside || str_equal(words[at].text, "default") ||
	    str_equal(words[at].text, "vpn_gateway"))
		return 0;
	return parse_address(o->r->arena, words[at].text, family, &address) ? 0
		: openvpn_wants(o, &words[at], words[0].text, "an address as gateway");
}

static int add_route(struct openvpn *o, const struct word *words, size_t count, const struct vpn_address *route,
		     size_t gateway)
{
	struct vpn_address network = *route;
	bool outside;
	unsigned long metric;

	if (take_gateway(o, words, count, gateway, route->family, &outside) < 0)
		return -EINVAL;
	if (count > gateway + 1 && !str_equal(words[gateway + 1].text, "default") &&
	    !parse_number(words[gateway + 1].text, UINT16_MAX, &metric))
		return openvpn_wants(o, &words[gateway + 1], words[0].text, "a number as metric");
	if (outside) {
		diag_warning(o->r->d, "C726", &words[gateway].origin,
			     "the route is left out: nothing goes past the tunnel");
		return 0;
	}
	address_mask(o->r->arena, &network);
	if (reader_add_address(o->r, &o->r->config->routes, &network, &words[1].origin) < 0)
		return -EINVAL;
	return openvpn_pass(o, words, count);
}

static int take_route(struct openvpn *o, const struct word *words, size_t count)
{
	struct vpn_address route, mask = { .bytes = { 255, 255, 255, 255 } };
	uint32_t bits;

	if (!parse_address(o->r->arena, words[1].text, AF_INET, &route) || strchr(words[1].text, '/'))
		return openvpn_wants(o, &words[1], "route", "an IPv4 address");
	if (count > 2 && !str_equal(words[2].text, "default") &&
	    (!parse_address(o->r->arena, words[2].text, AF_INET, &mask) || strchr(words[2].text, '/')))
		return openvpn_wants(o, &words[2], "route", "a mask such as 255.255.255.0");
	bits = (uint32_t)mask.bytes[0] << 24 | (uint32_t)mask.bytes[1] << 16 | (uint32_t)mask.bytes[2] << 8 |
	       mask.bytes[3];
	if (~bits & (~bits + 1))
		return openvpn_wants(o, &words[2], "route", "a mask such as 255.255.255.0");
	route.prefix = (unsigned)__builtin_popcount(bits);
	route.text = arena_printf(o->r->arena, "%s/%u", route.text, route.prefix);
	return add_route(o, words, count, &route, 3);
}

static int take_route6(struct openvpn *o, const struct word *words, size_t count)
{
	struct vpn_address route;

	if (!parse_address(o->r->arena, words[1].text, AF_INET6, &route))
		return openvpn_wants(o, &words[1], "route-ipv6", "an IPv6 network");
	return add_route(o, words, count, &route, 2);
}

static int take_redirect(struct openvpn *o, const struct word *words, size_t count)
{
	static const char *const flags[] = { "!ipv4", "autolocal", "block-local", "bypass-dhcp", "bypass-dns", "def1",
					     "ipv6", "local" };

	for (size_t i = 1; i < count; i++) {
		bool known = false;

		for (size_t n = 0; n < ARRAY_SIZE(flags); n++)
			known |= str_equal(flags[n], words[i].text);
		if (!known)
			return openvpn_wants(o, &words[i], words[0].text, "flags such as def1");
	}
	o->r->config->redirect_gateway |= str_equal(words[0].text, "redirect-gateway");
	return openvpn_pass(o, words, count);
}

static int take_dns_address(struct openvpn *o, const struct word *word, const char *name)
{
	struct vpn_address address;

	if (strchr(word->text, '/') || !parse_address(o->r->arena, word->text, AF_UNSPEC, &address))
		return openvpn_wants(o, word, name, "an address");
	return reader_add_address(o->r, &o->r->config->dns, &address, &word->origin);
}

static int take_dhcp(struct openvpn *o, const struct word *words, size_t count)
{
	static const char *const searches[] = { "ADAPTER_DOMAIN_SUFFIX", "DOMAIN", "DOMAIN-SEARCH" };
	static const char *const others[] = { "DISABLE-NBT", "DOMAIN-ROUTE", "NBDD", "NBS", "NBT", "NTP",
					      "PROXY_AUTO_CONFIG_URL", "PROXY_HTTP", "PROXY_HTTPS", "WINS" };
	bool is_dns = str_equal(words[1].text, "DNS") || str_equal(words[1].text, "DNS6"), is_search = false;
	int r;

	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (str_equal(others[i], words[1].text))
			return 0;
	for (size_t i = 0; i < ARRAY_SIZE(searches); i++)
		is_search |= str_equal(searches[i], words[1].text);
	if (!is_dns && !is_search)
		return openvpn_wants(o, &words[1], "dhcp-option", "DNS, DNS6, DOMAIN or DOMAIN-SEARCH");
	if (count < 3)
		return diag_error(o->r->d, "C725", &words[1].origin, "'%s' wants a value", words[1].text);
	r = is_dns ? take_dns_address(o, &words[2], "dhcp-option") : reader_add_search(o->r, &words[2]);
	return r < 0 ? r : openvpn_pass(o, words, count);
}

/* "server N address A…" and "search-domains D…" of OpenVPN 2.6 become what all clients take. */
static int take_dns(struct openvpn *o, const struct word *words, size_t count)
{
	bool is_search = str_equal(words[1].text, "search-domains");
	size_t first = is_search ? 2 : 4;

	if (!is_search && !(str_equal(words[1].text, "server") && count > 4))
		return openvpn_wants(o, &words[1], "dns", "'server N address A' or 'search-domains D'");
	if (!is_search && !str_equal(words[3].text, "address")) {
		diag_warning(o->r->d, "C726", &words[3].origin, "'dns server … %s' is left out: all names are asked there",
			     str_quote(o->r->arena, words[3].text));
		return 0;
	}
	for (size_t i = first; i < count; i++) {
		struct word line[] = { { .text = "dhcp-option" }, { .text = is_search ? "DOMAIN-SEARCH" : "DNS" }, words[i] };
		int r = is_search ? reader_add_search(o->r, &words[i]) : take_dns_address(o, &words[i], "dns");

		line[0].origin = words[0].origin;
		if (r < 0 || openvpn_pass(o, line, ARRAY_SIZE(line)) < 0)
			return -EINVAL;
	}
	return 0;
}

static int take_ignore(struct openvpn *o, const struct word *words, size_t count)
{
	for (size_t i = 1; i < count; i++)
		*vec_push(o->r->arena, &o->unknown) = words[i].text;
	return 0;
}

/* ---- certificates, keys, secrets ---------------------------------------------------------- */

int openvpn_set(struct openvpn *o, const struct material *m, const struct origin *origin)
{
	size_t i = material_index(m);

	if (o->set[i]) {
		diag_error(o->r->d, "C729", origin, "'%s' is set twice", m->name);
		diag_note(o->r->d, o->set[i], "first here");
		return -EINVAL;
	}
	o->set[i] = origin_kept(o->r->arena, origin);
	return 0;
}

static int take_material(struct openvpn *o, const struct word *words, size_t count)
{
	const struct material *m = material_find(words[0].text);
	bool is_tls_auth = str_equal(m->name, "tls-auth");
	const char *text;

	o->r->config->wants_auth |= m->form == MATERIAL_LOGIN;
	if (count > 2 && !is_tls_auth)
		return diag_error(o->r->d, "C725", &words[2].origin, "'%s' takes one file", m->name);
	if (count > 2 && take_direction(o, &words[2]) < 0)
		return -EINVAL;
	if (count < 2 || str_equal(words[1].text, "[inline]")) /* a block follows, or nothing */
		return 0;
	if (openvpn_set(o, m, &words[0].origin) < 0)
		return -EINVAL;
	text = material_load(o->r, m, o->directory, &words[1]);
	o->blocks[material_index(m)] = text;
	return text ? 0 : -EINVAL;
}

static int take_fingerprint(struct openvpn *o, const struct word *words, size_t count)
{
	const struct material *m = material_find(words[0].text);
	struct source *source = arena_new_object(o->r->arena, struct source);

	(void)count;
	*source = (struct source){ .name = o->r->source->name, .text = words[1].text, .length = strlen(words[1].text),
				   .first_line = words[1].origin.line };
	if (openvpn_set(o, m, &words[0].origin) < 0)
		return -EINVAL;
	o->blocks[material_index(m)] = material_read(o->r, m, source);
	return o->blocks[material_index(m)] ? 0 : -EINVAL;
}

static const struct { const char *name; openvpn_handler *run; } handlers[] = {
	{ "askpass",               take_material      },
	{ "auth-user-pass",        take_material      },
	{ "ca",                    take_material      },
	{ "cert",                  take_material      },
	{ "client",                take_client        },
	{ "crl-verify",            take_material      },
	{ "dev",                   take_dev           },
	{ "dev-type",              take_dev           },
	{ "dhcp-option",           take_dhcp          },
	{ "dns",                   take_dns           },
	{ "extra-certs",           take_material      },
	{ "ignore-unknown-option", take_ignore        },
	{ "key",                   take_material      },
	{ "key-direction",         take_key_direction },
	{ "peer-fingerprint",      take_fingerprint   },
	{ "pkcs12",                take_material      },
	{ "port",                  take_rport         },
	{ "proto",                 take_proto         },
	{ "redirect-gateway",      take_redirect      },
	{ "redirect-private",      take_redirect      },
	{ "remote",                take_remote        },
	{ "remote-random",         take_random        },
	{ "route",                 take_route         },
	{ "route-ipv6",            take_route6        },
	{ "rport",                 take_rport         },
	{ "tls-auth",              take_material      },
	{ "tls-client",            take_client        },
	{ "tls-crypt",             take_material      },
	{ "tls-crypt-v2",          take_material      },
	{ "tun-mtu",               take_mtu           },
};

openvpn_handler *openvpn_find_handler(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(handlers); i++)
		if (str_equal(handlers[i].name, name))
			return handlers[i].run;
	return NULL;
}
