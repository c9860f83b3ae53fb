/* policy/endpoint.c - reads endpoints, writes them in one canonical way, and compares them.
 *
 * All addresses are 128 bits, IPv4 as ::ffff:a.b.c.d.  What can reach an IPv4 host under an IPv6
 * name (mapped, compatible, NAT64) is compared as that IPv4 address too, so that no spelling goes
 * past a deny.  Must not: resolve names. */
#include "policy/endpoint.h"

#include "policy/policy.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { ALL_PORTS = 65535, NAME_BYTES = 253, LABEL_BYTES = 63, IPV4_BITS = 96 };

static const unsigned char ipv4_mapped[12] = { [10] = 0xff, [11] = 0xff };
static const unsigned char ipv4_nat64[12] = { 0x00, 0x64, 0xff, 0x9b };

static const struct protocol {
	const char *prefix;
	unsigned access;
	bool icmp;
} protocols[] = {
	{ "dns:",    ACCESS_RESOLVE, false },
	{ "icmp:",   ACCESS_SEND,    true  },
	{ "listen:", ACCESS_LISTEN,  false },
	{ "tcp:",    ACCESS_CONNECT, false },
	{ "udp:",    ACCESS_SEND,    false },
};

static const struct { const char *word; enum host_form form; } words[] = {
	{ "abstract",  HOST_ABSTRACT },
	{ "any",       HOST_ANY      },
	{ "host",      HOST_HOST     },
	{ "internet",  HOST_INTERNET },
	{ "lan",       HOST_LAN      },
	{ "localhost", HOST_LOOPBACK },
	{ "loopback",  HOST_LOOPBACK },
};

/* Networks that are not the internet; everything else is. */
static const struct { const char *address; unsigned prefix; enum host_form form; } special[] = {
	{ "::ffff:127.0.0.0",       IPV4_BITS + 8,  HOST_LOOPBACK },
	{ "::ffff:0.0.0.0",         IPV4_BITS + 32, HOST_LOOPBACK }, /* connects to this host */
	{ "::1",                    128,            HOST_LOOPBACK },
	{ "::",                     128,            HOST_LOOPBACK }, /* the same */
	{ "::ffff:0.0.0.0",         IPV4_BITS + 8,  HOST_LAN },      /* this network */
	{ "::ffff:10.0.0.0",        IPV4_BITS + 8,  HOST_LAN },      /* RFC 1918 */
	{ "::ffff:172.16.0.0",      IPV4_BITS + 12, HOST_LAN },
	{ "::ffff:192.168.0.0",     IPV4_BITS + 16, HOST_LAN },
	{ "::ffff:100.64.0.0",      IPV4_BITS + 10, HOST_LAN },      /* CGNAT */
	{ "::ffff:169.254.0.0",     IPV4_BITS + 16, HOST_LAN },      /* link-local */
	{ "::ffff:224.0.0.0",       IPV4_BITS + 4,  HOST_LAN },      /* multicast */
	{ "::ffff:255.255.255.255", IPV4_BITS + 32, HOST_LAN },      /* broadcast */
	{ "::ffff:192.0.0.0",       IPV4_BITS + 24, HOST_LAN },      /* protocol assignments */
	{ "::ffff:198.18.0.0",      IPV4_BITS + 15, HOST_LAN },      /* tests of devices; ours inside */
	{ "::ffff:240.0.0.0",       IPV4_BITS + 4,  HOST_LAN },      /* reserved */
	{ "64:ff9b:1::",            48,             HOST_LAN },      /* NAT64 of the local network */
	{ "100::",                  64,             HOST_LAN },      /* discarded */
	{ "2001::",                 32,             HOST_LAN },      /* Teredo: holds any IPv4 address */
	{ "2002::",                 16,             HOST_LAN },      /* 6to4: the same */
	{ "fe80::",                 10,             HOST_LAN },      /* link-local */
	{ "fec0::",                 10,             HOST_LAN },      /* site-local */
	{ "fc00::",                 7,              HOST_LAN },      /* ULA */
	{ "ff00::",                 8,              HOST_LAN },      /* multicast */
};

/* Names that never belong to the internet (RFC 6761, 6762, 8375 and ICANN's "internal"). */
static const struct { const char *suffix; enum host_form form; } local_names[] = {
	{ "home.arpa", HOST_LAN      },
	{ "internal",  HOST_LAN      },
	{ "lan",       HOST_LAN      },
	{ "local",     HOST_LAN      },
	{ "localhost", HOST_LOOPBACK },
};

/* ---- parts of an endpoint ---------------------------------------------------------------- */

/* Four decimal numbers without leading zeros: nothing that inet_aton() alone understands. */
static bool ipv4_parse(const char *text, unsigned char ret[4])
{
	unsigned char bytes[4];

	for (unsigned i = 0; i < 4; i++) {
		unsigned value = 0, digits = 0;

		for (; isdigit((unsigned char)*text) && digits < 4; digits++)
			value = value * 10 + (unsigned)(*text++ - '0');
		if (!digits || digits > 3 || value > 255 || (digits > 1 && text[-(int)digits] == '0') ||
		    *text++ != (i < 3 ? '.' : '\0'))
			return false;
		bytes[i] = (unsigned char)value;
	}
	memcpy(ret, bytes, sizeof(bytes));
	return true;
}

static bool number_parse(const char *text, unsigned most, unsigned *ret)
{
	unsigned value = 0;
	size_t digits = strspn(text, "0123456789");

	if (!digits || digits > 5 || text[digits] || (digits > 1 && text[0] == '0'))
		return false;
	for (; *text; text++)
		value = value * 10 + (unsigned)(*text - '0');
	if (value > most)
		return false;
	*ret = value;
	return true;
}

static void bits_mask(unsigned char address[16], unsigned prefix)
{
	for (unsigned bit = prefix; bit < 128; bit++)
		address[bit / 8] &= (unsigned char)~(0x80 >> bit % 8);
}

/* An address or CIDR; `v6` when it stood in brackets. */
static bool network_parse(char *host, bool v6, struct endpoint *ret)
{
	char *slash = strchr(host, '/');
	unsigned bits = v6 ? 128 : 32, prefix = bits;
	struct endpoint network = { .form = HOST_NETWORK };

	if (slash) {
		*slash = '\0';
		if (!number_parse(slash + 1, bits, &prefix))
			return false;
	}
	if (v6 ? inet_pton(AF_INET6, host, network.address) != 1
	       : !ipv4_parse(host, network.address + 12))
		return false;
	if (!v6) {
		memcpy(network.address, ipv4_mapped, sizeof(ipv4_mapped));
		prefix += IPV4_BITS;
	}
	bits_mask(network.address, prefix);
	ret->form = HOST_NETWORK;
	ret->prefix = prefix;
	memcpy(ret->address, network.address, sizeof(ret->address));
	return true;
}

/* The last label of a name is never a number: resolvers take "127.1" and "0x7f.1" for addresses. */
static bool label_is_number(const char *label)
{
	if (label[0] == '0' && label[1] == 'x')
		return !label[2 + strspn(label + 2, "0123456789abcdef")];
	return !label[strspn(label, "0123456789")];
}

/* NULL when `name` (small letters, no final dot) is a host name, else what is wrong with it. */
static const char *name_check(const char *name)
{
	const char *label = name;

	if (strlen(name) > NAME_BYTES)
		return "a name has 253 letters at most";
	for (;;) {
		size_t length = strspn(label, "abcdefghijklmnopqrstuvwxyz0123456789-_");

		if ((unsigned char)label[length] >= 0x80)
			return "write names with other letters in their xn-- form";
		if (label[length] && label[length] != '.')
			return "a name has only letters, digits, '-', '_' and dots";
		if (length == 0)
			return "a part of the name is empty";
		if (length > LABEL_BYTES)
			return "a part of a name has 63 letters at most";
		if (label[0] == '-' || label[length - 1] == '-')
			return "a part of a name neither begins nor ends with '-'";
		if (!label[length])
			break;
		label += length + 1;
	}
	if (label_is_number(label))
		return "that is neither a name nor an address of four numbers";
	return NULL;
}

/* A host of that name could not be told from the protocol: "tcp.:80" would become "tcp:80". */
static bool is_protocol(const char *name)
{
	size_t length = strlen(name);

	for (size_t i = 0; i < ARRAY_SIZE(protocols); i++)
		if (length + 1 == strlen(protocols[i].prefix) &&
		    strncmp(name, protocols[i].prefix, length) == 0)
			return true;
	return false;
}

static const char *host_parse(struct arena *arena, char *host, bool brackets,
			      struct endpoint *ret)
{
	size_t length = strlen(host);
	const char *name = host, *wrong;

	if (brackets && strchr(host, '%'))
		return "an address takes no interface: leave out '%' and what follows";
	if (brackets)
		return network_parse(host, true, ret) ? NULL : "no IPv6 address stands in the brackets";
	if (strchr(host, '/') || host[strspn(host, "0123456789.")] == '\0')
		return network_parse(host, false, ret) ? NULL : "no IPv4 address or network";
	for (size_t i = 0; i < length; i++)
		host[i] = (char)tolower((unsigned char)host[i]);
	if (length > 1 && host[length - 1] == '.')
		host[length - 1] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (str_equal(host, words[i].word)) {
			ret->form = words[i].form;
			return NULL;
		}
	ret->form = str_starts(host, "*.") ? HOST_SUFFIX : HOST_NAME;
	if (ret->form == HOST_SUFFIX)
		name += 2;
	wrong = is_protocol(name) ? "that is the name of a protocol, not of a host" : name_check(name);
	if (!wrong)
		ret->name = arena_strdup(arena, name);
	return wrong;
}

static const char *ports_parse(char *text, struct endpoint *ret)
{
	char *dash = strchr(text, '-');
	unsigned first, last;

	if (dash)
		*dash = '\0';
	if (!number_parse(text, ALL_PORTS, &first) ||
	    !number_parse(dash ? dash + 1 : text, ALL_PORTS, &last) || first == 0)
		return "a port is a number from 1 to 65535";
	if (last < first)
		return "the range of ports runs backwards";
	ret->first_port = (uint16_t)first;
	ret->last_port = (uint16_t)last;
	return NULL;
}

/* ---- parsing ----------------------------------------------------------------------------- */

static const char *listen_parse(char *text, struct endpoint *ret)
{
	ret->form = HOST_ANY;
	return str_equal(text, "any") ? NULL : ports_parse(text, ret);
}

static const char *many_colons(const char *text)
{
	if (!text[strspn(text, "0123456789abcdefABCDEF:./")])
		return "IPv6 addresses stand in brackets, as in '[::1]:80'";
	return memchr(text, '.', strcspn(text, ":")) ? "behind a host stands one port, or a range as in '80-81'"
						     : "only tcp:, udp:, icmp:, dns: and listen: may stand before a host";
}

/* Splits HOST[:PORT[-PORT]] and reads both. */
static const char *target_parse(struct arena *arena, char *text, struct endpoint *ret)
{
	bool brackets = *text == '[';
	char *port = NULL, *host = text;
	const char *wrong;

	if (brackets) {
		char *close = strchr(text, ']'), *behind;

		if (!close)
			return "'[' is never closed";
		host++;
		behind = close + 1;
		port = strchr(behind, ':');
		if (port)
			*port++ = '\0';
		if (*behind && *behind != '/')
			return "behind ']' may stand ':PORT' or '/BITS'";
		memmove(close, behind, strlen(behind) + 1); /* [fd00::]/8 is fd00::/8 */
	} else {
		port = strchr(text, ':');
		if (port && strchr(port + 1, ':'))
			return many_colons(text);
		if (port)
			*port++ = '\0';
	}
	wrong = host_parse(arena, host, brackets, ret);
	return wrong || !port ? wrong : ports_parse(port, ret);
}

/* What only some kinds of endpoint may have. */
static const char *endpoint_check(const struct endpoint *e, const struct protocol *protocol)
{
	bool ports = e->last_port != ALL_PORTS || e->first_port != 0;

	if (e->form == HOST_HOST && (protocol || ports))
		return "'host' is the whole network of the host: it takes neither protocol nor port";
	if (e->form == HOST_ABSTRACT && (protocol || ports))
		return "'abstract' is all sockets without a file: it takes neither protocol nor port";
	if (!protocol)
		return NULL;
	if (ports && (e->icmp || e->access == ACCESS_RESOLVE))
		return "only tcp and udp have ports";
	if (e->access == ACCESS_RESOLVE && e->form == HOST_NETWORK)
		return "'dns:' takes a name, not an address";
	return NULL;
}

/* What people write who think of something else. */
static const char *foreign_form(const char *text)
{
	const char *colon = strchr(text, ':');

	if (!*text)
		return "the host is missing";
	if (strchr(text, '*') && (!str_starts(text, "*.") || strchr(text + 1, '*')))
		return "'*' stands for the front of a name, as in '*.example.org'; all hosts are 'internet' or 'any'";
	if (strstr(text, "://"))
		return "it is the address of a page: its host is enough";
	if (colon && isalpha((unsigned char)colon[1]) && !strchr(colon + 1, ':') && memchr(colon, '.', strlen(colon)))
		return "only tcp:, udp:, icmp:, dns: and listen: may stand before a host";
	if (*text != '[' && strchr(text, '/') && strspn(text, "0123456789./") < strcspn(text, ":"))
		return "a name has no path, and a network is written in numbers";
	return NULL;
}

static const char *endpoint_read(struct arena *arena, char *text, struct endpoint *e)
{
	const struct protocol *protocol = NULL;
	const char *wrong;

	for (size_t i = 0; i < ARRAY_SIZE(protocols); i++)
		if (strncasecmp(text, protocols[i].prefix, strlen(protocols[i].prefix)) == 0)
			protocol = &protocols[i];
	if (protocol) {
		text += strlen(protocol->prefix);
		e->icmp = protocol->icmp;
	}
	e->access = protocol ? protocol->access : ACCESS_CONNECT | ACCESS_SEND;
	if (e->access == ACCESS_LISTEN)
		return listen_parse(text, e);
	wrong = foreign_form(text);
	if (!wrong)
		wrong = target_parse(arena, text, e);
	if (!wrong)
		wrong = endpoint_check(e, protocol);
	if (!wrong && (e->form == HOST_NAME || e->form == HOST_SUFFIX))
		e->access |= ACCESS_RESOLVE;
	if (!wrong && e->form == HOST_HOST) /* in the host's network nothing can be told apart */
		e->access |= ACCESS_LISTEN | ACCESS_RESOLVE;
	return wrong;
}

int endpoint_parse(struct arena *arena, const char *text, const struct origin *origin,
		   struct diags *d, struct endpoint *ret)
{
	struct endpoint e = { .last_port = ALL_PORTS };
	const char *wrong = endpoint_read(arena, arena_strdup(arena, text), &e);

	if (wrong) {
		diag_error(d, "C210", origin, "'%s' is no endpoint: %s", str_quote(d->arena, text),
			   wrong);
		diag_help(d, "write [tcp:|udp:]HOST[:PORT[-PORT]], as in 'example.org:443', "
			     "'192.168.0.0/16', '[::1]:80' or 'internet'");
		return -EINVAL;
	}
	*ret = e;
	return 0;
}

/* ---- printing ---------------------------------------------------------------------------- */

static const char *network_text(struct arena *arena, const struct endpoint *e)
{
	char text[INET6_ADDRSTRLEN];
	bool v4 = e->prefix >= IPV4_BITS &&
		  memcmp(e->address, ipv4_mapped, sizeof(ipv4_mapped)) == 0;

	if (v4)
		snprintf(text, sizeof(text), "%u.%u.%u.%u", e->address[12], e->address[13],
			 e->address[14], e->address[15]);
	else
		inet_ntop(AF_INET6, e->address, text, sizeof(text));
	if (e->prefix == 128)
		return arena_printf(arena, v4 ? "%s" : "[%s]", text);
	return arena_printf(arena, v4 ? "%s/%u" : "[%s]/%u", text, e->prefix - (v4 ? IPV4_BITS : 0));
}

static const char *host_text(struct arena *arena, const struct endpoint *e)
{
	switch (e->form) {
	case HOST_NAME:
		return e->name;
	case HOST_SUFFIX:
		return arena_printf(arena, "*.%s", e->name);
	case HOST_NETWORK:
		return network_text(arena, e);
	case HOST_INTERNET:
		return "internet";
	case HOST_LAN:
		return "lan";
	case HOST_LOOPBACK:
		return "loopback";
	case HOST_ANY:
		return "any";
	case HOST_HOST:
		return "host";
	case HOST_ABSTRACT:
		return "abstract";
	}
	unreachable();
}

const char *endpoint_text(struct arena *arena, const struct endpoint *e)
{
	struct strbuf out = { .arena = arena };
	bool ports = e->first_port != 0 || e->last_port != ALL_PORTS;
	bool listens = e->access == ACCESS_LISTEN;
	unsigned access = e->access == ACCESS_RESOLVE ? e->access : e->access & ~ACCESS_RESOLVE;

	for (size_t i = 0; i < ARRAY_SIZE(protocols); i++)
		if (access == protocols[i].access && e->icmp == protocols[i].icmp)
			strbuf_add(&out, protocols[i].prefix);
	if (!listens || !ports)
		strbuf_add(&out, host_text(arena, e));
	if (ports)
		strbuf_addf(&out, "%s%u", listens ? "" : ":", e->first_port);
	if (ports && e->last_port != e->first_port)
		strbuf_addf(&out, "-%u", e->last_port);
	return strbuf_text(&out);
}

const char *endpoint_word_network(struct arena *arena, enum host_form form, size_t index)
{
	for (size_t i = 0; i < ARRAY_SIZE(special); i++) {
		bool is_short = str_starts(special[i].address, "::ffff:");

		if (special[i].form == form && index-- == 0)
			return arena_printf(arena, "%s/%u", special[i].address + (is_short ? strlen("::ffff:") : 0),
					    special[i].prefix - (is_short ? IPV4_BITS : 0));
	}
	return NULL;
}

/* ---- comparing --------------------------------------------------------------------------- */

static bool network_has(const unsigned char network[16], unsigned prefix,
			const unsigned char address[16])
{
	unsigned whole = prefix / 8, rest = prefix % 8;

	return memcmp(network, address, whole) == 0 &&
	       (!rest || (network[whole] ^ address[whole]) >> (8 - rest) == 0);
}

static bool is_ipv4(const unsigned char address[16])
{
	return memcmp(address, ipv4_mapped, sizeof(ipv4_mapped)) == 0;
}

/* NAT64 and the old "compatible" form become the IPv4 address that they reach. */
static void address_fold(unsigned char address[16])
{
	static const unsigned char zero[12];
	bool compatible = memcmp(address, zero, sizeof(zero)) == 0 &&
			  (address[12] || address[13] || address[14]); /* not :: nor ::1 */

	if (compatible || memcmp(address, ipv4_nat64, sizeof(ipv4_nat64)) == 0)
		memcpy(address, ipv4_mapped, sizeof(ipv4_mapped));
}

/* Which of internet, lan, loopback holds all of the network; HOST_ANY: not one of them alone. */
static enum host_form network_form(const unsigned char address[16], unsigned prefix)
{
	for (size_t i = 0; i < ARRAY_SIZE(special); i++) {
		unsigned char network[16];

		must(inet_pton(AF_INET6, special[i].address, network) == 1);
		if (prefix >= special[i].prefix && network_has(network, special[i].prefix, address))
			return special[i].form;
		if (prefix < special[i].prefix && network_has(address, prefix, network))
			return HOST_ANY;
	}
	return HOST_INTERNET;
}

static bool name_below(const char *name, const char *suffix)
{
	size_t length = strlen(name), end = strlen(suffix);

	return length > end && name[length - end - 1] == '.' && str_ends(name, suffix);
}

/* Single words and the reserved suffixes are local names, all others the internet's. */
static enum host_form name_form(const char *name, bool suffix)
{
	for (size_t i = 0; i < ARRAY_SIZE(local_names); i++)
		if (str_equal(name, local_names[i].suffix) || name_below(name, local_names[i].suffix))
			return local_names[i].form;
	return strchr(name, '.') || suffix ? HOST_INTERNET : HOST_LAN;
}

static enum host_form endpoint_form(const struct endpoint *e)
{
	unsigned char folded[16];

	switch (e->form) {
	case HOST_NAME:
	case HOST_SUFFIX:
		return name_form(e->name, e->form == HOST_SUFFIX);
	case HOST_NETWORK:
		memcpy(folded, e->address, sizeof(folded));
		if (e->prefix == 128)
			address_fold(folded);
		return network_form(folded, e->prefix);
	case HOST_INTERNET:
	case HOST_LAN:
	case HOST_LOOPBACK:
	case HOST_ANY:
	case HOST_HOST:
	case HOST_ABSTRACT:
		return e->form;
	}
	unreachable();
}

static bool network_covers(const struct endpoint *rule, const struct endpoint *request)
{
	unsigned char folded[16];

	if (request->form != HOST_NETWORK || rule->prefix > request->prefix)
		return false;
	/* [::]/0 is all of IPv6 and says nothing of IPv4. */
	if ((rule->prefix >= IPV4_BITS || !is_ipv4(request->address)) &&
	    network_has(rule->address, rule->prefix, request->address))
		return true;
	if (request->prefix != 128)
		return false;
	memcpy(folded, request->address, sizeof(folded));
	address_fold(folded);
	return rule->prefix >= IPV4_BITS && network_has(rule->address, rule->prefix, folded);
}

static bool host_covers(const struct endpoint *rule, const struct endpoint *request)
{
	switch (rule->form) {
	case HOST_NAME:
		return request->form == HOST_NAME && str_equal(rule->name, request->name);
	case HOST_SUFFIX:
		return (request->form == HOST_NAME && name_below(request->name, rule->name)) ||
		       (request->form == HOST_SUFFIX && (str_equal(rule->name, request->name) ||
							 name_below(request->name, rule->name)));
	case HOST_NETWORK:
		return network_covers(rule, request);
	case HOST_INTERNET:
	case HOST_LAN:
	case HOST_LOOPBACK:
		return endpoint_form(request) == rule->form;
	case HOST_ANY:
		return request->form != HOST_HOST && request->form != HOST_ABSTRACT;
	case HOST_HOST:
		return request->form != HOST_ABSTRACT;
	case HOST_ABSTRACT:
		return request->form == HOST_ABSTRACT;
	}
	unreachable();
}

enum host_form endpoint_class(const unsigned char address[16])
{
	struct endpoint e = { .form = HOST_NETWORK, .prefix = 128 };

	memcpy(e.address, address, sizeof(e.address));
	return endpoint_form(&e);
}

enum host_form endpoint_name_class(const char *name)
{
	return name_form(name, false);
}

bool endpoint_special(size_t index, struct endpoint *ret)
{
	if (index >= ARRAY_SIZE(special))
		return false;
	*ret = (struct endpoint){ .form = HOST_NETWORK, .prefix = special[index].prefix };
	must(inet_pton(AF_INET6, special[index].address, ret->address) == 1);
	return true;
}

bool endpoint_covers(const struct endpoint *rule, const struct endpoint *request)
{
	/* A rule without a protocol means all of them, pings too. */
	unsigned all = ACCESS_CONNECT | ACCESS_SEND;

	if (request->access & ~rule->access || (rule->icmp && !request->icmp && request->access != ACCESS_RESOLVE))
		return false;
	if (request->icmp && !rule->icmp && (rule->access & all) != all)
		return false;
	if (request->access != ACCESS_RESOLVE &&
	    (rule->first_port > request->first_port || rule->last_port < request->last_port))
		return false;
	return host_covers(rule, request);
}
