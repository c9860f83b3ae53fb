/* cli/vpn.c - 'cuddy vpn': adds, lists, shows and removes VPN configurations. */
#include "cli/vpn.h"

#include "base/fd.h"
#include "base/json.h"
#include "base/path.h"
#include "cli/session.h"
#include "lib/caller.h"
#include "vpn/store.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static const struct option options[] = {
	{ "name", 'n', OPTION_WORD, offsetof(struct vpn_options, name), "NAME",
	  "add: the name of the configuration; default: that of the file" },
	{ "credentials", 0, OPTION_WORD, offsetof(struct vpn_options, credentials), "FILE",
	  "add: take user, password and the password of the key from the lines of FILE, as far as they are wanted" },
	{ "force", 'f', OPTION_FLAG, offsetof(struct vpn_options, force), NULL,
	  "add: in place of one of that name; rm: do not ask" },
	{ "json", 0, OPTION_FLAG, offsetof(struct vpn_options, json), NULL, "list, show, status: print JSON" },
	{ 0 },
};

static int places(struct cli *cli, struct vpn_places *ret)
{
	struct caller caller;

	if (session_caller(cli, &caller) < 0)
		return -EINVAL;
	*ret = (struct vpn_places){ .etc = caller.context.places.etc, .user = caller.context.places.user };
	return 0;
}

/* "work.ovpn" is "work". */
static const char *name_for(struct arena *arena, const char *file)
{
	static const char *const endings[] = { ".ovpn", ".conf" };
	char *name = arena_strdup(arena, path_base_name(file));

	for (size_t i = 0; i < ARRAY_SIZE(endings); i++)
		if (str_ends(name, endings[i]))
			name[strlen(name) - strlen(endings[i])] = '\0';
	return name;
}

static int add(struct cli *cli, void *values)
{
	const struct vpn_options *o = values;
	const char *file = cli->arguments[0], *name = o->name ? o->name : name_for(cli->arena, file);
	struct vpn_config *config;
	struct vpn_places where;

	if (places(cli, &where) < 0 || vpn_config_load(cli->arena, file, NULL, &cli->d, &config) < 0 ||
	    vpn_ask(cli, config, o->credentials) < 0 ||
	    vpn_add(cli->arena, &where, name, config, o->force, &cli->d) < 0)
		return EXIT_REFUSED;
	return 0;
}

static const char *const kinds[] = { [VPN_OPENVPN] = "openvpn", [VPN_WIREGUARD] = "wireguard" };

/* The configuration of an entry; NULL when it can't be read, which 'show' explains. */
static struct vpn_config *try(struct cli *cli, const char *path)
{
	struct vpn_config *config = NULL;
	struct diags ignored;

	diags_init(&ignored, cli->arena);
	return vpn_config_load(cli->arena, path, NULL, &ignored, &config) < 0 ? NULL : config;
}

static void list_json(struct cli *cli, struct json *json, const struct vpn_entry *e)
{
	const struct vpn_config *config = try(cli, e->path);

	json_object(json, NULL);
	json_string(json, "name", e->name);
	json_string(json, "kind", kinds[e->kind]);
	json_string(json, "path", e->path);
	json_bool(json, "own", e->is_users);
	json_bool(json, "usable", config);
	if (config)
		vpn_describe_json(json, config);
	json_end_object(json);
}

static void list_line(struct cli *cli, struct strbuf *out, const struct vpn_entry *e)
{
	const struct vpn_config *config = try(cli, e->path);

	strbuf_addf(out, "%-20s %-9s  %-6s  %s\n", e->name, kinds[e->kind], e->is_users ? "yours" : "system",
		    config ? config->remotes[0].host : "(cannot be read: see 'cuddy vpn show')");
}

static int list(struct cli *cli, void *values)
{
	const struct vpn_options *o = values;
	struct strbuf out = { .arena = cli->arena };
	struct json json = { .out = &out };
	struct vpn_entry *entries = NULL;
	struct vpn_places where;
	size_t count = 0;
	int r;

	if (places(cli, &where) < 0)
		return EXIT_REFUSED;
	r = vpn_list(cli->arena, &where, &entries, &count);
	if (r < 0) {
		diag_error(&cli->d, "C738", NULL, "the configurations in '%s/vpn' cannot be listed: %s",
			   str_quote(cli->arena, where.user), strerror(-r));
		diag_help(&cli->d, "it must be a directory of yours, and no link to one");
		return EXIT_REFUSED;
	}
	if (o->json)
		json_array(&json, NULL);
	else if (count)
		strbuf_addf(&out, "%-20s %-9s  %-6s  %s\n", "NAME", "KIND", "FROM", "SERVER");
	for (size_t i = 0; i < count; i++) {
		if (o->json)
			list_json(cli, &json, &entries[i]);
		else
			list_line(cli, &out, &entries[i]);
	}
	if (o->json)
		json_end_array(&json);
	return cli_print(strbuf_text(&out));
}

/* A word with a slash is a file, so that one can be looked at before it is added. */
static int show(struct cli *cli, void *values)
{
	const struct vpn_options *o = values;
	const char *name = cli->arguments[0], *path = name;
	struct strbuf out = { .arena = cli->arena };
	struct json json = { .out = &out };
	struct vpn_config *config;
	struct vpn_places where;

	if (places(cli, &where) < 0 ||
	    (!strchr(name, '/') && vpn_find(cli->arena, &where, name, NULL, &cli->d, &path) < 0) ||
	    vpn_config_load(cli->arena, path, NULL, &cli->d, &config) < 0)
		return EXIT_REFUSED;
	if (o->json) {
		json_object(&json, NULL);
		json_string(&json, "kind", kinds[config->kind]);
		json_string(&json, "path", path);
		vpn_describe_json(&json, config);
		json_end_object(&json);
	} else {
		strbuf_addf(&out, "kind      %s\nfile      %s\n", kinds[config->kind], str_quote(cli->arena, path));
		vpn_describe(&out, config);
	}
	return cli_print(strbuf_text(&out));
}

static int rm(struct cli *cli, void *values)
{
	const struct vpn_options *o = values;
	const char *name = cli->arguments[0], *quoted = str_quote(cli->arena, name), *path;
	struct vpn_places where;

	if (places(cli, &where) < 0)
		return EXIT_REFUSED;
	where.etc = NULL; /* those of /etc are not the user's to remove */
	if (!o->force && vpn_find(cli->arena, &where, name, NULL, &cli->d, &path) < 0)
		return EXIT_REFUSED;
	if (!o->force && !isatty(STDIN_FILENO)) {
		diag_error(&cli->d, "C740", NULL, "the VPN configuration '%s' is not removed without asking", quoted);
		diag_help(&cli->d, "'--force' removes it");
		return EXIT_REFUSED;
	}
	if (!o->force && !cli_agrees(arena_printf(cli->arena, "remove the VPN configuration '%s' and its keys? [y/N] ",
						  quoted)))
		return EXIT_REFUSED;
	return vpn_remove(cli->arena, &where, name, &cli->d) < 0 ? EXIT_REFUSED : 0;
}

static const struct action actions[] = {
	{ "list", "", "list the configurations", 0, 0, list },
	{ "add", "FILE", "check a .ovpn or WireGuard .conf file and keep it", 1, 1, add },
	{ "show", "NAME", "show what a configuration says, without its secrets; with a slash: a file", 1, 1, show },
	{ "status", "[NAME]", "show the tunnels that are up, and how many cages share each", 0, 1, vpn_status },
	{ "rm", "NAME", "remove one of yours", 1, 1, rm },
	{ 0 },
};

const struct command command_vpn = {
	"vpn", "", "add, list and remove VPN configurations for cages", options, sizeof(struct vpn_options), NULL,
	actions,
};
