/* cli/doctor.c - what this host has, what it lacks, what that costs, how to mend it. */
#include "base/json.h"
#include "cli/cli.h"
#include "host/host.h"

#include <string.h>

struct doctor { bool json, verbose; };

static const struct option options[] = {
	{ "json", 0, OPTION_FLAG, offsetof(struct doctor, json), NULL, "print JSON" },
	{ "verbose", 'v', OPTION_FLAG, offsetof(struct doctor, verbose), NULL, "show what works too" },
	{ 0 },
};

static int run(struct cli *cli, void *values)
{
	const struct doctor *o = values;
	struct strbuf out = { .arena = cli->arena };
	struct json json = { .out = &out };
	const struct host *host;
	int r = host_probe(cli->arena, &host);

	if (r < 0) {
		diag_error(&cli->d, "C510", NULL, "the host cannot be probed: %s", strerror(-r));
		return EXIT_REFUSED;
	}
	if (o->json)
		doctor_print_json(host, &json, NULL);
	else
		doctor_print(host, &out, o->verbose);
	return cli_print(strbuf_text(&out));
}

const struct command command_doctor = {
	"doctor", "", "say what this host can enforce, what it lacks and how to mend it", options,
	sizeof(struct doctor), run, NULL,
};
