/* cli/image.c - 'cuddy image': imports root file systems, lists and removes them.
 * The import is a program of its own, which links libarchive; nothing else of cuddy does. */
#include "base/fd.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/own.h"
#include "cage/image.h"
#include "cage/tree.h"
#include "cli/bar.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

struct image { const char *name, *size, *architecture, *tag; bool replace, force, json; };

static const struct option options[] = {
	{ "name", 'n', OPTION_WORD, offsetof(struct image, name), "NAME",
	  "import: the name of the image; default: that of the file" },
	{ "max-size", 0, OPTION_WORD, offsetof(struct image, size), "SIZE",
	  "import: most that may be unpacked; default: 20G" },
	{ "arch", 0, OPTION_WORD, offsetof(struct image, architecture), "ARCH",
	  "import: of several architectures, such as arm64" },
	{ "tag", 0, OPTION_WORD, offsetof(struct image, tag), "TAG", "import: of several images in the file" },
	{ "replace", 0, OPTION_FLAG, offsetof(struct image, replace), NULL,
	  "import: in place of an image of that name" },
	{ "force", 'f', OPTION_FLAG, offsetof(struct image, force), NULL, "rm: do not ask" },
	{ "json", 0, OPTION_FLAG, offsetof(struct image, json), NULL, "list: print JSON" },
	{ 0 },
};

/* "500M", "20G", "1T", or bytes. */
static bool parse_size(const char *text, uint64_t *ret)
{
	static const char units[] = "KMGT";
	char *end;
	const char *unit;

	errno = 0;
	*ret = strtoull(text, &end, 10);
	if (errno || end == text || *text == '-')
		return false;
	unit = *end ? strchr(units, *end) : NULL;
	if (unit) {
		unsigned shift = 10 * (unsigned)(unit - units + 1);

		if (*ret > UINT64_MAX >> shift)
			return false;
		*ret <<= shift;
		end++;
	}
	return !*end && *ret <= INT64_MAX / 2;
}

static int execute_import(struct cli *cli, const struct image *o, const char *name, uint64_t size)
{
	const char *helper = own_helper(cli->arena, "cuddy-image"), *architecture = o->architecture;
	struct utsname machine;

	if (!architecture && uname(&machine) == 0)
		architecture = image_architecture(machine.machine);
	char *words[] = {
		arena_strdup(cli->arena, "cuddy-image"), arena_strdup(cli->arena, name), cli->arguments[0],
		arena_printf(cli->arena, "%llu", (unsigned long long)size),
		arena_strdup(cli->arena, architecture ? architecture : ""),
		arena_strdup(cli->arena, o->tag ? o->tag : ""),
		arena_printf(cli->arena, "%s%s%s", o->replace ? "r" : "", bar_is_wanted(cli) ? "p" : "",
			     cli->colour ? "c" : ""),
		NULL,
	};

	execv(helper, words);
	if (errno == ENOENT) {
		diag_error(&cli->d, "C570", NULL, "this cuddy was built without libarchive, which reads images");
		diag_help(&cli->d, "install libarchive-dev (Debian, Alpine) or libarchive-devel (Fedora) and build "
				   "cuddy again");
	} else {
		diag_error(&cli->d, "C570", NULL, "'%s' cannot be executed: %s", str_quote(cli->arena, helper),
			   strerror(errno));
	}
	return EXIT_REFUSED;
}

static int import(struct cli *cli, void *values)
{
	const struct image *o = values;
	const char *file = cli->arguments[0], *name = o->name ? o->name : image_name_for(cli->arena, file);
	uint64_t size = (uint64_t)LIMIT_IMAGE_SIZE << 30;

	if (!name || !image_name_is_valid(name)) {
		diag_error(&cli->d, "C571", NULL, "'%s' is no name for an image",
			   str_quote(cli->arena, name ? name : file));
		diag_help(&cli->d, "give one with '--name': letters, digits, '.', '_', '+', '-'");
		return EXIT_REFUSED;
	}
	if (o->size && !parse_size(o->size, &size)) {
		diag_error(&cli->d, "C500", NULL, "'--max-size' wants a size such as 500M or 20G, not '%s'",
			   str_quote(cli->arena, o->size));
		return EXIT_REFUSED;
	}
	return execute_import(cli, o, name, size);
}

static int refuse_store(struct cli *cli, int r)
{
	diag_error(&cli->d, "C583", NULL, "'%s' cannot be used: %s",
		   str_quote(cli->arena, image_store_path(cli->arena)), strerror(-r));
	return EXIT_REFUSED;
}

static void list_strings(struct json *json, const char *key, const struct image_strings *list)
{
	json_array(json, key);
	for (size_t i = 0; i < list->count; i++)
		json_string(json, NULL, list->items[i]);
	json_end_array(json);
}

static void print_json(struct arena *arena, struct json *json, const struct image_info *i)
{
	json_object(json, NULL);
	json_string(json, "name", i->name);
	json_string(json, "path", image_find(arena, i->name));
	json_number(json, "size", i->size);
	json_string(json, "imported", i->imported);
	json_string(json, "created", i->config.created);
	json_string(json, "architecture", i->config.architecture);
	json_string(json, "source", i->source);
	json_string(json, "digest", i->digest);
	json_string(json, "tag", i->tag);
	json_string(json, "ids", i->ids);
	json_string(json, "user", i->config.user);
	json_string(json, "working-directory", i->config.directory);
	list_strings(json, "entrypoint", &i->config.entrypoint);
	list_strings(json, "command", &i->config.command);
	list_strings(json, "environment", &i->config.environment);
	json_end_object(json);
}

static const char *shown(struct arena *arena, const char *text)
{
	return text && *text ? str_quote(arena, text) : "-";
}

static void print_line(struct strbuf *out, const struct image_info *i)
{
	struct arena *a = out->arena;
	char size[32];

	snprintf(size, sizeof(size), "%lld MiB", (long long)(i->size + (1 << 20) - 1) >> 20);
	strbuf_addf(out, "%-20s %10s  %-10.10s  %-10s  %s\n", i->name, size, shown(a, i->imported),
		    shown(a, i->config.architecture), shown(a, i->source));
}

static int list(struct cli *cli, void *values)
{
	const struct image *o = values;
	AUTO_FD int store = image_store_open(cli->arena, false);
	struct strbuf out = { .arena = cli->arena };
	struct json json = { .out = &out };
	struct image_info *items = NULL;
	size_t count = 0;
	int r = store < 0 ? store : image_list(cli->arena, store, &items, &count);

	if (r < 0 && r != -ENOENT)
		return refuse_store(cli, r);
	if (o->json)
		json_array(&json, NULL);
	else if (count)
		strbuf_addf(&out, "%-20s %10s  %-10s  %-10s  %s\n", "NAME", "SIZE", "IMPORTED", "ARCH", "SOURCE");
	for (size_t i = 0; i < count; i++) {
		if (o->json)
			print_json(cli->arena, &json, &items[i]);
		else
			print_line(&out, &items[i]);
	}
	if (o->json)
		json_end_array(&json);
	return cli_print(strbuf_text(&out));
}

static int fail_remove(struct cli *cli, const char *name, int r)
{
	const char *quoted = str_quote(cli->arena, name);

	if (r == -ENOENT) {
		diag_error(&cli->d, "C580", NULL, "there is no image '%s'", quoted);
		diag_help(&cli->d, "'cuddy image list' shows them");
	} else if (r == -EBUSY) {
		diag_error(&cli->d, "C581", NULL, "the image '%s' is in use", quoted);
		diag_help(&cli->d, "stop the cages that run from it");
	} else {
		diag_error(&cli->d, "C582", NULL, "the image '%s' cannot be removed: %s", quoted, strerror(-r));
	}
	return EXIT_REFUSED;
}

static int rm(struct cli *cli, void *values)
{
	const struct image *o = values;
	const char *name = cli->arguments[0];
	AUTO_FD int store = image_store_open(cli->arena, false);
	const struct progress *progress = NULL;
	struct tree_size size;
	struct bar bar = { 0 };
	int r;

	if (store < 0 && store != -ENOENT)
		return refuse_store(cli, store);
	if (store < 0 || !image_find(cli->arena, name))
		return fail_remove(cli, name, -ENOENT);
	if (!o->force && !isatty(STDIN_FILENO)) {
		diag_error(&cli->d, "C585", NULL, "the image '%s' is not removed without asking", name);
		diag_help(&cli->d, "'--force' removes it");
		return EXIT_REFUSED;
	}
	if (!o->force && !cli_agrees(arena_printf(cli->arena, "remove the image '%s'? [y/N] ", name)))
		return EXIT_REFUSED;
	if (bar_is_wanted(cli) && tree_size(store, name, &size) == 0)
		progress = bar_begin(&bar, "removing", size.entries * PROGRESS_ENTRY);
	r = image_remove(cli->arena, store, name, progress);
	bar_end(&bar);
	return r < 0 ? fail_remove(cli, name, r) : 0;
}

static const struct action actions[] = {
	{ "list", "", "list the images", 0, 0, list },
	{ "import", "FILE", "unpack a root file system: a tar archive, an OCI layout, what 'docker save' wrote", 1, 1, import },
	{ "rm", "NAME", "remove an image that no cage runs from", 1, 1, rm },
	{ 0 },
};

const struct command command_image = {
	"image", "", "import, list and remove root file systems for cages", options, sizeof(struct image), NULL, actions,
};
