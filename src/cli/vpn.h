/* cli/vpn.h - 'cuddy vpn': what its files share. */
#ifndef CUDDY_CLI_VPN_H
#define CUDDY_CLI_VPN_H

#include "cli/cli.h"

struct vpn_options { const char *name, *credentials; bool force, json; };

struct json;
struct vpn_config;

/* Fills in what the configuration needs and does not tell: user and password for the server, the password of
 * the key.  From `file`, a line each; without one, asked on the terminal.  0, or -EINVAL, told. */
int vpn_ask(struct cli *cli, struct vpn_config *config, const char *file);

/* What a configuration says, without its secrets. */
void vpn_describe(struct strbuf *out, const struct vpn_config *config);
void vpn_describe_json(struct json *json, const struct vpn_config *config);

#endif
