/* cli/main.c - finds the command, lets the tables parse, prints what went wrong.
 * The only place that ends the process with a status. */
#include "cli/cli.h"
#include "base/fd.h"
#include "base/path.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int cli_print(const char *text)
{
	return !text || fd_write_all(STDOUT_FILENO, text, strlen(text)) < 0 ? EXIT_REFUSED : 0;
}

bool cli_agrees(const char *question)
{
	char answer[16] = "";

	(void)fd_write_all(STDERR_FILENO, question, strlen(question));
	return read(STDIN_FILENO, answer, sizeof(answer) - 1) > 0 && (*answer == 'y' || *answer == 'Y');
}

int cli_protect(struct cli *cli)
{
	if (cuddy_protect(cli->words) == 0)
		return 0;
	diag_error(&cli->d, "C411", NULL, "cuddy's own file cannot be kept out of reach of the cage: %s", strerror(errno));
	diag_help(&cli->d, "as an ordinary user, run a cuddy that root owns, such as an installed one");
	return -1;
}

const struct command *command_find(struct cli *cli, const char *name)
{
	const char *names[64], *near;
	size_t count = 0;

	for (const struct command *const *c = commands; *c && count < ARRAY_SIZE(names); c++) {
		if (strcmp((*c)->name, name) == 0)
			return *c;
		names[count++] = (*c)->name;
	}
	diag_error(&cli->d, "C504", NULL, "there is no command '%s'", str_quote(cli->arena, name));
	near = diag_nearest(name, names, count);
	if (near)
		diag_help(&cli->d, "did you mean 'cuddy %s'?", near);
	else
		diag_help(&cli->d, "'cuddy --help' lists the commands");
	return NULL;
}

/* The action that the first argument names, or the default; NULL with a diagnostic. */
static const struct action *find_action(struct cli *cli)
{
	const struct action *actions = cli->command->actions;
	const char *names[16], *near;
	size_t count = 0;

	if (cli->count == 0)
		return actions;
	for (const struct action *a = actions; a->name && count < ARRAY_SIZE(names); a++) {
		if (strcmp(a->name, cli->arguments[0]) == 0)
			return a;
		names[count++] = a->name;
	}
	diag_error(&cli->d, "C513", NULL, "'cuddy %s' has no action '%s'", cli->command->name,
		   str_quote(cli->arena, cli->arguments[0]));
	near = diag_nearest(cli->arguments[0], names, count);
	if (near)
		diag_help(&cli->d, "did you mean 'cuddy %s %s'?", cli->command->name, near);
	else
		diag_help(&cli->d, "'cuddy %s --help' lists the actions", cli->command->name);
	return NULL;
}

/* Takes the options that `arguments` begins with.  0, or 1 for help, or -EINVAL. */
static int take_options(struct cli *cli, char **arguments, void *values)
{
	bool help = false;
	int taken = options_parse(cli, cli->command, arguments, values, &help);

	if (help || taken < 0)
		return help ? 1 : taken;
	cli->arguments = arguments + taken;
	for (cli->count = 0; cli->arguments[cli->count]; cli->count++)
		;
	return 0;
}

/* The same where options may stand among the arguments, since those are nobody else's. */
static int take_all_options(struct cli *cli, char **arguments, void *values)
{
	VEC(char *) words = { 0 };
	bool help = false;

	for (bool over = false; *arguments; arguments++) {
		int taken = over ? 0 : options_parse(cli, cli->command, arguments, values, &help);

		if (help || taken < 0)
			return help ? 1 : taken;
		over = over || (taken && strcmp(arguments[taken - 1], "--") == 0);
		arguments += taken;
		if (!*arguments)
			break;
		*vec_push(cli->arena, &words) = *arguments;
	}
	cli->count = (int)words.count;
	*vec_push(cli->arena, &words) = NULL;
	cli->arguments = words.items;
	return 0;
}

static int run_command(struct cli *cli, char **arguments)
{
	if (cli->command == &command_bwrap)
		return bwrap_main(cli, "cuddy bwrap", arguments);
	void *values = arena_alloc(cli->arena, cli->command->options_size);
	struct strbuf out = { .arena = cli->arena };
	const struct action *action = NULL;
	bool ends_early = cli->command->actions || strstr(cli->command->arguments, "[ARGUMENT…]");
	int r = ends_early ? take_options(cli, arguments, values) :
		take_all_options(cli, arguments, values);

	if (r == 0 && cli->command->actions) {
		action = find_action(cli);
		r = !action ? -EINVAL : cli->count ? take_all_options(cli, cli->arguments + 1, values) : 0;
	}
	if (r > 0) {
		help_command(&out, cli->command);
		return cli_print(strbuf_text(&out));
	}
	if (r < 0)
		return EXIT_REFUSED;
	if (!action)
		return cli->command->run(cli, values);
	if (cli->count < action->least || cli->count > action->most) {
		diag_error(&cli->d, "C513", NULL, "'cuddy %s %s' wants %s", cli->command->name, action->name,
			   *action->arguments ? action->arguments : "no argument");
		return EXIT_REFUSED;
	}
	return action->run(cli, values);
}

static int dispatch(struct cli *cli, char **arguments)
{
	struct strbuf out = { .arena = cli->arena };

	if (!arguments[0] || strcmp(arguments[0], "--help") == 0 || strcmp(arguments[0], "-h") == 0) {
		help_commands(&out);
		return cli_print(strbuf_text(&out));
	}
	if (strcmp(arguments[0], "--version") == 0)
		return cli_print("cuddy " CUDDY_VERSION "\n");
	cli->command = command_find(cli, arguments[0]);
	return cli->command ? run_command(cli, arguments + 1) : EXIT_REFUSED;
}

static void print_errors(const char *text)
{
	(void)fd_write_all(STDERR_FILENO, text, strlen(text));
}

int main(int argc, char **argv)
{
	struct arena *arena = arena_new();
	struct cli cli = { .arena = arena, .words = argv };
	struct strbuf errors = { .arena = arena };
	int status;

	if (geteuid() != getuid() || getegid() != getgid()) {
		print_errors("cuddy: refusing to run with set-uid or set-gid rights\n");
		return EXIT_REFUSED;
	}
	if (fd_fill_streams() < 0)
		return EXIT_REFUSED;
	diags_init(&cli.d, arena);
	cli.colour = isatty(STDERR_FILENO) && !getenv("NO_COLOR");
	if (argc && strcmp(path_base_name(argv[0]), "bwrap") == 0) {
		status = bwrap_main(&cli, argv[0], argv + 1);
	} else if (argc && strcmp(path_base_name(argv[0]), "cuddy") != 0) {
		cli.arguments = argv + 1;
		cli.count = argc - 1;
		status = run_by_name(&cli, path_base_name(argv[0]));
	} else {
		status = dispatch(&cli, argc ? argv + 1 : argv);
	}
	if (cli.cuddy)
		print_errors(cuddy_messages(cli.cuddy));
	diags_print(&cli.d, &errors, cli.colour);
	print_errors(strbuf_text(&errors));
	exit(status); /* the arena goes with the process */
}
