/* cli/vpn_describe.c - a VPN configuration in words and as JSON.  Must not: show a secret. */
#include "cli/vpn.h"

#include "base/json.h"
#include "vpn/config.h"

#include <sys/socket.h>

static const char *remote_text(struct arena *arena, const struct vpn_remote *r)
{
	bool is_quoted = r->is_address && r->family == AF_INET6;

	return arena_printf(arena, is_quoted ? "[%s]:%u" : "%s:%u", r->host, r->port);
}

static void describe_list(struct strbuf *out, const char *title, const struct vpn_addresses *list,
			  const char *const *more)
{
	if (!list->count && !(more && more[0]))
		return;
	strbuf_addf(out, "%-9s", title);
	for (size_t i = 0; i < list->count; i++)
		strbuf_addf(out, " %s", list->items[i].text);
	for (size_t i = 0; more && more[i]; i++)
		strbuf_addf(out, " %s", more[i]);
	strbuf_add(out, "\n");
}

void vpn_describe(struct strbuf *out, const struct vpn_config *c)
{
	for (size_t i = 0; i < c->remote_count; i++)
		strbuf_addf(out, "server    %s %s\n", remote_text(out->arena, &c->remotes[i]),
			    c->remotes[i].tcp ? "tcp" : "udp");
	if (c->wants_auth)
		strbuf_addf(out, "login     user and password, which are %s\n", c->user ? "stored" : "not stored");
	if (c->key_is_encrypted)
		strbuf_addf(out, "key       has a password, which is %s\n", c->key_password ? "stored" : "not stored");
	describe_list(out, "address", &c->addresses, NULL);
	describe_list(out, "dns", &c->dns, c->search);
	describe_list(out, "routes", &c->routes, NULL);
	for (size_t i = 0; i < c->peer_count; i++) {
		strbuf_addf(out, "peer      %s\n", vpn_key_text(out->arena, c->peers[i].public_key));
		describe_list(out, "  allowed", &c->peers[i].allowed, NULL);
	}
	if (c->mtu)
		strbuf_addf(out, "mtu       %u\n", c->mtu);
}

static void json_list(struct json *json, const char *key, const struct vpn_addresses *list)
{
	json_array(json, key);
	for (size_t i = 0; i < list->count; i++)
		json_string(json, NULL, list->items[i].text);
	json_end_array(json);
}

static void describe_peers(struct json *json, const struct vpn_config *c)
{
	struct arena *arena = json->out->arena;

	json_array(json, "peers");
	for (size_t i = 0; i < c->peer_count; i++) {
		const struct vpn_peer *p = &c->peers[i];

		json_object(json, NULL);
		json_string(json, "public-key", vpn_key_text(arena, p->public_key));
		json_string(json, "endpoint", p->endpoint ? remote_text(arena, p->endpoint) : NULL);
		json_bool(json, "preshared-key", p->has_preshared_key);
		json_list(json, "allowed", &p->allowed);
		json_number(json, "keepalive", p->keepalive);
		json_end_object(json);
	}
	json_end_array(json);
}

void vpn_describe_json(struct json *json, const struct vpn_config *c)
{
	json_array(json, "servers");
	for (size_t i = 0; i < c->remote_count; i++) {
		json_object(json, NULL);
		json_string(json, "host", c->remotes[i].host);
		json_number(json, "port", c->remotes[i].port);
		json_string(json, "protocol", c->remotes[i].tcp ? "tcp" : "udp");
		json_end_object(json);
	}
	json_end_array(json);
	json_bool(json, "wants-login", c->wants_auth);
	json_bool(json, "has-login", c->user && c->password);
	json_list(json, "addresses", &c->addresses);
	json_list(json, "dns", &c->dns);
	json_array(json, "search");
	for (size_t i = 0; c->search[i]; i++)
		json_string(json, NULL, c->search[i]);
	json_end_array(json);
	json_list(json, "routes", &c->routes);
	json_number(json, "mtu", c->mtu);
	describe_peers(json, c);
}
