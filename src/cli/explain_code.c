/* cli/explain_code.c - what a code like C021 means and how to mend it. */
#include "cli/cli.h"
#include "base/json.h"

#include <string.h>

struct explain_code { bool json; };

static const struct option options[] = {
	{ "json", 0, OPTION_FLAG, offsetof(struct explain_code, json), NULL, "print JSON" },
	{ 0 },
};

static void print_code(struct strbuf *out, struct json *json, bool as_json, const struct diag_code *code)
{
	if (as_json) {
		json_object(json, NULL);
		json_string(json, "code", code->code);
		json_string(json, "title", code->title);
		json_string(json, "text", code->text);
		json_end_object(json);
	} else {
		strbuf_addf(out, "%s: %s\n\n  %s\n\n", code->code, code->title, code->text);
	}
}

static int run(struct cli *cli, void *values)
{
	const struct explain_code *o = values;
	struct strbuf out = { .arena = cli->arena };
	struct json json = { .out = &out };

	if (o->json)
		json_array(&json, NULL);
	for (size_t i = 0; cli->count == 0 && diag_code_at(i); i++)
		print_code(&out, &json, o->json, diag_code_at(i));
	for (int i = 0; i < cli->count; i++) {
		const struct diag_code *code = diag_code_find(cli->arguments[i]);

		if (!code) {
			diag_error(&cli->d, "C505", NULL, "there is no code '%s'",
				   str_quote(cli->arena, cli->arguments[i]));
			diag_help(&cli->d, "'cuddy explain-code' without a code lists all");
			return EXIT_REFUSED;
		}
		print_code(&out, &json, o->json, code);
	}
	if (o->json)
		json_end_array(&json);
	return cli_print(strbuf_text(&out));
}

const struct command command_explain_code = {
	"explain-code", "[CODE…]", "say what the code of a message means", options,
	sizeof(struct explain_code), run, NULL,
};
