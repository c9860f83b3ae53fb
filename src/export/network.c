/* export/network.c - endpoint rules as lists of networks, for targets that know addresses. */
#include "export/export.h"

#include <arpa/inet.h>
#include <string.h>

const char *export_network_text(const struct export *e, const struct endpoint *endpoint)
{
	static const unsigned char ipv4[12] = { [10] = 0xff, [11] = 0xff };
	bool is_ipv4 = endpoint->prefix >= 96 && memcmp(endpoint->address, ipv4, sizeof(ipv4)) == 0;
	char text[INET6_ADDRSTRLEN];

	must(inet_ntop(is_ipv4 ? AF_INET : AF_INET6, endpoint->address + (is_ipv4 ? 12 : 0), text, sizeof(text)));
	return arena_printf(e->arena, "%s/%u", text, endpoint->prefix - (is_ipv4 ? 96 : 0));
}

/* The networks that an endpoint names; `internet` and `any` are "any", names are none. */
size_t export_networks(const struct export *e, const struct endpoint *endpoint, const char *const **ret)
{
	VEC(const char *) list = { 0 };
	const char *text;

	switch (endpoint->form) {
	case HOST_NETWORK:
		*vec_push(e->arena, &list) = export_network_text(e, endpoint);
		break;
	case HOST_LAN:
	case HOST_LOOPBACK:
		for (size_t i = 0; (text = endpoint_word_network(e->arena, endpoint->form, i)); i++)
			*vec_push(e->arena, &list) = text;
		break;
	case HOST_INTERNET:
	case HOST_ANY:
		*vec_push(e->arena, &list) = "any";
		break;
	case HOST_NAME:
	case HOST_SUFFIX:
	case HOST_HOST:
	case HOST_ABSTRACT:
		break;
	}
	*ret = list.items;
	return list.count;
}

/* Does some deny take this allow away as a whole, whatever the port? */
bool export_is_overruled(const struct export *e, const struct rule *allow)
{
	for (size_t i = 0; i < e->policy->rule_count; i++) {
		const struct rule *rule = &e->policy->rules[i];

		if (rule->kind == KIND_NETWORK && rule->effect == EFFECT_DENY &&
		    endpoint_covers(rule->endpoint, allow->endpoint))
			return true;
	}
	return false;
}

bool export_is_allowed_word(const struct export *e, enum host_form form)
{
	for (size_t i = 0; i < e->policy->rule_count; i++) {
		const struct rule *rule = &e->policy->rules[i];

		if (rule->kind == KIND_NETWORK && rule->effect == EFFECT_ALLOW && rule->endpoint->form == form &&
		    !rule->endpoint->icmp && rule->access & (ACCESS_CONNECT | ACCESS_SEND) && !export_is_overruled(e, rule))
			return true;
	}
	return false;
}
