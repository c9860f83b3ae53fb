/* cli/vpn_status.c - 'cuddy vpn status': the tunnels that run, as those who hold them tell.
 * Must not: show a word of theirs unquoted. */
#include "cli/vpn.h"

#include "base/fd.h"
#include "base/json.h"
#include "cli/session.h"
#include "lib/caller.h"
#include "vpn/tunnel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct { const char *key; bool is_number; } keys[] = {
	{ "name", false }, { "kind", false }, { "state", false }, { "seconds", true }, { "cages", true }, { "lost", true },
	{ "remote", false },
};

/* The number-th value of a key, or NULL. */
static const char *value_of(struct arena *arena, const char *text, const char *key, unsigned number)
{
	size_t length = strlen(key);

	for (; *text; text += strcspn(text, "\n"), text += *text == '\n')
		if (strncmp(text, key, length) == 0 && text[length] == ' ' && number-- == 0)
			return arena_strndup(arena, text + length + 1, strcspn(text + length + 1, "\n"));
	return NULL;
}

static void write_list(struct json *json, struct arena *arena, const char *text, const char *key, const char *name)
{
	const char *value;

	json_array(json, name);
	for (unsigned i = 0; (value = value_of(arena, text, key, i)); i++)
		json_string(json, NULL, value);
	json_end_array(json);
}

static void write_json(struct json *json, struct arena *arena, const char *text)
{
	json_object(json, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		const char *value = value_of(arena, text, keys[i].key, 0);
		if (keys[i].is_number)
			json_number(json, keys[i].key, value ? strtoll(value, NULL, 10) : 0);
		else
			json_string(json, keys[i].key, value);
	}
	write_list(json, arena, text, "address", "addresses");
	write_list(json, arena, text, "server", "dns");
	json_end_object(json);
}

static void write_line(struct strbuf *out, const char *text)
{
	const char *words[ARRAY_SIZE(keys)];

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		const char *value = value_of(out->arena, text, keys[i].key, 0);
		words[i] = value ? str_quote(out->arena, value) : "-";
	}
	strbuf_addf(out, "%-20s %-9s %-12s %7ss %5s %5s  %s\n", words[0], words[1], words[2], words[3], words[4], words[5],
		    words[6]);
}

int vpn_status(struct cli *cli, void *values)
{
	const struct vpn_options *o = values;
	struct strbuf out = { .arena = cli->arena };
	struct json json = { .out = &out };
	const char *wanted = cli->count ? cli->arguments[0] : NULL;
	const char *const *texts = NULL;
	struct caller caller;
	bool found = false;

	if (session_caller(cli, &caller) < 0)
		return EXIT_REFUSED;
	AUTO_FD int runtime = cage_runtime_open(&caller.places, false);
	int r = runtime < 0 ? runtime : tunnel_list(cli->arena, runtime, &texts);
	if (r < 0 && r != -ENOENT) {
		diag_error(&cli->d, "C600", NULL, "the tunnels cannot be looked for: %s", strerror(-r));
		return EXIT_REFUSED;
	}
	if (o->json)
		json_array(&json, NULL);
	for (; texts && *texts; texts++) {
		if (wanted && !str_equal(value_of(cli->arena, *texts, "name", 0), wanted))
			continue;
		if (!o->json && !found)
			strbuf_addf(&out, "%-20s %-9s %-12s %8s %5s %5s  %s\n", "NAME", "KIND", "STATE", "SINCE", "CAGES", "LOST", "SERVER");
		found = true;
		if (o->json)
			write_json(&json, cli->arena, *texts);
		else
			write_line(&out, *texts);
	}
	if (o->json)
		json_end_array(&json);
	if (!o->json && !found)
		strbuf_addf(&out, "%s\n", wanted ? "it is not up: no cage uses it" : "no tunnel is up: no cage uses one");
	return cli_print(strbuf_text(&out));
}
