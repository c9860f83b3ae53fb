/* cli/import.c - 'cuddy import': a profile from the file of another sandbox, or from bubblewrap's command line. */
#include "cli/session.h"
#include "base/fd.h"
#include "base/json.h"
#include "cli/import_bwrap.h"
#include "import/import.h"
#include "lib/caller.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct import_options { const char *from, *output; bool json, strict; };

static const struct option options[] = {
	{ "from", 'f', OPTION_WORD, offsetof(struct import_options, from), "FORMAT",
	  "apparmor, bwrap, docker, firejail, flatpak, oci or systemd; else as the file looks" },
	{ "json", 0, OPTION_FLAG, offsetof(struct import_options, json), NULL, "print JSON, with all origins" },
	{ "output", 'o', OPTION_WORD, offsetof(struct import_options, output), "FILE", "write the profile to FILE" },
	{ "strict", 0, OPTION_FLAG, offsetof(struct import_options, strict), NULL,
	  "exit with 1 when the profile is weaker than the source somewhere" },
	{ 0 },
};

/* One line for each finding; with many the profile's comments have the rest. */
static bool report(struct cli *cli, const struct import *i)
{
	bool weaker = false;

	for (size_t n = 0; n < i->findings.count; n++) {
		const struct import_finding *f = &i->findings.items[n];

		weaker |= f->loss == IMPORT_LOST;
		diag_warning(&cli->d, "C710", f->origin, "%s: %s",
			     f->loss == IMPORT_LOST ? "not carried over" :
			     f->loss == IMPORT_NARROW ? "narrower here" : "not understood",
			     str_quote(cli->arena, f->what));
	}
	return weaker;
}

static int import(struct cli *cli, void *values)
{
	const struct import_options *o = values;
	struct strbuf out = { .arena = cli->arena };
	struct json json = { .out = &out };
	struct import i = { .arena = cli->arena, .d = &cli->d };
	struct caller caller;
	const char *text;
	int r, status;

	bool bwrap = str_equal(o->from, "bwrap");

	if (!bwrap && cli->count != 1) {
		diag_error(&cli->d, "C515", NULL, "name one file to import");
		return EXIT_REFUSED;
	}
	if (session_caller(cli, &caller) < 0)
		return EXIT_REFUSED;
	i.context = &caller.context;
	r = bwrap ? import_bwrap(&i, cli->arguments, getuid(), getgid()) : import_file(&i, cli->arguments[0], o->from);
	if (r < 0)
		return EXIT_REFUSED;
	if (o->json) {
		import_write_json(&i, &json);
		text = strbuf_text(&out);
	} else {
		text = import_write(&i);
	}
	status = report(cli, &i) && o->strict ? 1 : 0;
	if (!o->output) {
		r = cli_print(text);
		return r ? r : status;
	}
	r = fd_replace_file(AT_FDCWD, o->output, text, strlen(text), 0600);
	if (r < 0) {
		diag_error(&cli->d, "C519", NULL, "'%s' cannot be written: %s", str_quote(cli->arena, o->output),
			   strerror(-r));
		return EXIT_REFUSED;
	}
	return status;
}

const struct command command_import = {
	"import", "[FILE] [-- WORD…]", "write a profile that does what another sandbox's file or words do", options,
	sizeof(struct import_options), import, NULL,
};
