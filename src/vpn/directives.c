/* vpn/directives.c - the table of OpenVPN's directives, and the words for what is not passed on. */
#include "vpn/directives.h"

#include "diag/diag.h"

#include <stdlib.h>
#include <string.h>

#define DIRECTIVE(name, action, arguments, reason) { name, DIRECTIVE_##action, arguments, REASON_##reason },
static const struct directive directives[] = {
#include "vpn/directives.def"
};
#undef DIRECTIVE

static const struct { const char *text, *help; } reasons[] = {
	[REASON_NONE] = { "", "" },
	[REASON_ASKS] = { "asks somebody who is not there when a tunnel starts again",
			  "ask the one who made the file for one without it" },
	[REASON_BINDS] = { "names a device or mark of this computer, and the client sees none of them",
			   "delete the line" },
	[REASON_CONTROL] = { "would let others control the client", "delete the line" },
	[REASON_ENVIRONMENT] = { "sets a variable for programs, and none is run", "delete the line" },
	[REASON_IDENTITY] = { "would change who or where the client is",
			      "delete the line: the client has only what it needs" },
	[REASON_PROXY] = { "leads past the server that is named, and packets may go only there",
			   "delete the line, or ask for a configuration that connects directly" },
	[REASON_READS] = { "would read more files of this computer", "put what is needed into this file" },
	[REASON_RESOLVES] = { "wants names resolved by the client, which can't", "delete the line" },
	[REASON_RUNS] = { "would run programs on this computer",
			  "delete the line: addresses, routes and name servers of the cage are set without it" },
	[REASON_SERVER] = { "is for servers", "ask for the configuration of a client" },
	[REASON_STATIC] = { "is a static key: who gets it reads all that was ever sent, and new clients take none",
			    "ask for a configuration with certificates" },
	[REASON_TELLS] = { "would tell the server about this computer", "delete the line" },
	[REASON_TOKEN] = { "needs a token or a store of keys that the client can't reach",
			   "ask for a certificate and key in files" },
	[REASON_WEAKENS] = { "weakens the tunnel, or is gone from OpenVPN", "delete the line" },
	[REASON_WRITES] = { "would write files of this computer", "delete the line" },
};

const char *directive_reason_text(enum directive_reason reason, const char **ret_help)
{
	*ret_help = reasons[reason].help;
	return reasons[reason].text;
}

static int compare(const void *name, const void *row)
{
	return strcmp(name, ((const struct directive *)row)->name);
}

const struct directive *directive_find(const char *name)
{
	return bsearch(name, directives, ARRAY_SIZE(directives), sizeof(*directives), compare);
}

const struct directive *directive_at(size_t index)
{
	return index < ARRAY_SIZE(directives) ? &directives[index] : NULL;
}

const char *directive_nearest(struct arena *arena, const char *name)
{
	const char **names = arena_new_array(arena, const char *, ARRAY_SIZE(directives));
	size_t count = 0;

	for (size_t i = 0; i < ARRAY_SIZE(directives); i++)
		if (directives[i].action != DIRECTIVE_REFUSE)
			names[count++] = directives[i].name;
	return diag_nearest(name, names, count);
}
