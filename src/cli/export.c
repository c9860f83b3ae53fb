/* cli/export.c - writes a profile as artefacts of another tool, and says what that tool can't say. */
#include "base/fd.h"
#include "base/json.h"
#include "cli/session.h"
#include "export/export.h"
#include "lib/caller.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct export_command {
	const char *to, *output;
	struct export_options options;
	bool strict, json;
};

static const struct option options[] = {
	{ "bundle", 0, OPTION_WORD, offsetof(struct export_command, options.rootfs), "ROOTFS",
	  "oci, podman: make a whole bundle around this root" },
	{ "image", 0, OPTION_WORD, offsetof(struct export_command, options.image), "IMAGE",
	  "docker, podman, kubernetes: the image to run" },
	{ "json", 0, OPTION_FLAG, offsetof(struct export_command, json), NULL, "print what can be said, and how exactly, as JSON" },
	{ "output", 'o', OPTION_WORD, offsetof(struct export_command, output), "DIRECTORY", "write the files there" },
	{ "strict", 0, OPTION_FLAG, offsetof(struct export_command, strict), NULL, "status 1 unless everything is said exactly" },
	{ "to", 't', OPTION_WORD, offsetof(struct export_command, to), "TARGET",
	  "apparmor, bwrap, docker, kubernetes, landlock, oci, podman or systemd" },
	{ 0 },
};

static const struct export_target *find_target(struct cli *cli, const char *name)
{
	const char *names[16], *near;
	size_t count = 0;

	for (const struct export_target *const *t = export_targets; *t; t++) {
		if (str_equal((*t)->name, name))
			return *t;
		names[count++] = (*t)->name;
	}
	diag_error(&cli->d, "C530", NULL, name ? "there is no target '%s'" : "no target was named",
		   name ? str_quote(cli->arena, name) : "");
	near = name ? diag_nearest(name, names, count) : NULL;
	if (near)
		diag_help(&cli->d, "did you mean '--to %s'?", near);
	else
		diag_help(&cli->d, "'cuddy export --help' lists the targets");
	return NULL;
}

static int write_file(int dir, struct export_file *file)
{
	if (S_ISDIR(file->mode))
		return mkdirat(dir, file->name, file->mode & 07777) < 0 && errno != EEXIST ? -errno : 0;
	return fd_replace_file(dir, file->name, strbuf_text(&file->text), file->text.length, file->mode);
}

/* What hides something has mode 0000: a file is made anew, never opened. */
static int write_files(struct cli *cli, const struct export *e, const char *directory)
{
	AUTO_FD int dir = -1;

	if (mkdir(directory, 0777) < 0 && errno != EEXIST)
		return diag_error(&cli->d, "C531", NULL, "'%s' cannot be made: %s", str_quote(cli->arena, directory),
				  strerror(errno));
	dir = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = 0; i < e->files.count; i++) {
		struct export_file *file = e->files.items[i];
		int r = dir < 0 ? -errno : write_file(dir, file);

		if (r < 0)
			return diag_error(&cli->d, "C531", NULL, "'%s/%s' cannot be written: %s",
					  str_quote(cli->arena, directory), file->name, strerror(-r));
	}
	return 0;
}

/* Several files stand under headings, as with head(1); what is no text needs a directory. */
static void print_files(const struct export *e, struct strbuf *out)
{
	for (size_t i = 0; i < e->files.count; i++) {
		struct export_file *file = e->files.items[i];

		if (e->files.count > 1)
			strbuf_addf(out, "%s==> %s <==\n", i ? "\n" : "", file->name);
		if (memchr(strbuf_text(&file->text), '\0', file->text.length))
			strbuf_addf(out, "(%zu bytes that are no text: use '-o DIRECTORY')\n", file->text.length);
		else
			strbuf_add(out, strbuf_text(&file->text));
	}
}

static int run(struct cli *cli, void *values)
{
	const struct export_command *o = values;
	const struct export_target *target;
	struct strbuf out = { .arena = cli->arena }, losses = { .arena = cli->arena };
	struct json json = { .out = &out };
	struct caller caller;
	struct policy *policy;
	struct export *e;
	int status;

	if (cli->count != 1)
		return diag_error(&cli->d, "C515", NULL, "'cuddy export' wants a profile"), EXIT_REFUSED;
	target = find_target(cli, o->to);
	if (!target || session_caller(cli, &caller) < 0 ||
	    caller_resolve(cli->arena, &caller, cli->arguments[0], &cli->d, &policy) < 0)
		return EXIT_REFUSED;
	e = export_make(cli->arena, policy, &caller.cage, target, &o->options, &cli->d);
	if (!e || (o->output && write_files(cli, e, o->output) < 0)) {
		export_free(e);
		return EXIT_REFUSED;
	}
	if (o->json)
		export_print_json(e, &json);
	else if (!o->output)
		print_files(e, &out);
	export_print_losses(e, &losses, "cuddy: ");
	(void)fd_write_all(STDERR_FILENO, strbuf_text(&losses), losses.length);
	status = o->strict && export_lost(e) ? 1 : 0;
	export_free(e);
	return cli_print(strbuf_text(&out)) != 0 ? EXIT_REFUSED : status;
}

const struct command command_export = {
	"export", "PROFILE", "write a profile as files of another tool: oci, docker, systemd, …", options,
	sizeof(struct export_command), run, NULL,
};
