/* cli/log.c - what a cage's log says: what its network refused.  A line that is none of ours is passed over. */
#include "base/fd.h"
#include "base/json.h"
#include "base/json_read.h"
#include "cage/data.h"
#include "cli/session.h"
#include "lib/caller.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct log { bool net, json; };

static const struct option options[] = {
	{ "net", 0, OPTION_FLAG, offsetof(struct log, net), NULL, "what the network refused; so far that is all" },
	{ "json", 0, OPTION_FLAG, offsetof(struct log, json), NULL, "print the lines as they are, one JSON object each" },
	{ 0 },
};

/* "2026-11-22 09:13:04  refused  tcp a.example:443  by the relay" */
static void print_line(struct arena *arena, struct strbuf *out, const char *line)
{
	const struct json_value *value;
	const char *ignored, *event, *host, *protocol, *by;
	char when[32] = "";
	struct tm local;

	if (json_parse(arena, line, strlen(line), &value, &ignored) < 0)
		return;
	time_t seconds = (time_t)json_get_size(value, "time");
	int64_t port = json_get_size(value, "port");
	event = json_get_string(value, "event");
	host = json_get_string(value, "host");
	protocol = json_get_string(value, "protocol");
	by = json_get_string(value, "by");
	if (!event || !host || !protocol || !by)
		return;
	if (localtime_r(&seconds, &local))
		strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", &local);
	strbuf_addf(out, "%s  %s  %-5s %s", when, str_quote(arena, event), str_quote(arena, protocol),
		    arena_printf(arena, strchr(host, ':') ? "[%s]" : "%s", str_quote(arena, host)));
	if (port > 0)
		strbuf_addf(out, ":%lld", (long long)port);
	strbuf_addf(out, "  (%s)\n", str_quote(arena, by));
}

static int run(struct cli *cli, void *values)
{
	const struct log *o = values;
	struct strbuf out = { .arena = cli->arena };
	struct caller caller;
	char *line = NULL;
	size_t room = 0;

	if (cli->count != 1) {
		diag_error(&cli->d, "C508", NULL, "'cuddy log' wants the name of a cage");
		return EXIT_REFUSED;
	}
	if (session_caller(cli, &caller) < 0)
		return EXIT_REFUSED;
	int fd = cage_log_open(&caller.places, cli->arguments[0], false);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
	if (!file) {
		diag_error(&cli->d, "C614", NULL, "the cage '%s' has no log: %s", str_quote(cli->arena, cli->arguments[0]),
			   strerror(fd < 0 ? -fd : errno));
		diag_help(&cli->d, "only cages with a network write one; 'cuddy ps --all' shows the cages there are");
		return EXIT_REFUSED;
	}
	while (getline(&line, &room, file) > 0)
		if (o->json)
			strbuf_add(&out, line);
		else
			print_line(cli->arena, &out, line);
	free(line);
	fclose(file);
	return cli_print(strbuf_text(&out));
}

const struct command command_log = {
	"log", "NAME", "show what the network of a cage refused", options, sizeof(struct log), run, NULL,
};
