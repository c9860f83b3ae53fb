/* cli/overlay.c - changes, commit, discard: what a cage changed in its copy-on-write trees. */
#include "base/fd.h"
#include "base/json.h"
#include "base/path.h"
#include "cage/data.h"
#include "cage/overlay.h"
#include "cage/state.h"
#include "cli/bar.h"
#include "cli/difference.h"
#include "cli/session.h"
#include "lib/caller.h"

#include <errno.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- what all three commands begin with ---- */

struct trees {
	struct overlay *items;
	struct selection *meant; /* one for each tree; NULL paths and count 1: nothing of it */
	size_t count;
	bool *chosen;
	int gate;		 /* the lock of the name: no cage starts meanwhile */
};

static void trees_close(struct trees *t)
{
	for (size_t i = 0; i < t->count; i++)
		overlay_close(&t->items[i]);
	fd_closep(&t->gate);
}

/* Paths of the command line, for the tree that each is in. */
static int choose(struct cli *cli, const struct cage *cage, const char *name, struct trees *t)
{
	t->meant = arena_new_array(cli->arena, struct selection, t->count);
	t->chosen = arena_new_array(cli->arena, bool, t->count);
	for (size_t i = 0; i < t->count; i++)
		t->chosen[i] = cli->count == 1;
	for (int k = 1; k < cli->count; k++) {
		const char *path = path_normal(cli->arena, cage->working_directory, cli->arguments[k]);
		bool found = false;

		for (size_t i = 0; i < t->count; i++) {
			const char *top = t->items[i].path;
			const char **paths;

			if (!path_is_within(path, top))
				continue;
			found = t->chosen[i] = true;
			paths = arena_new_array(cli->arena, const char *, t->meant[i].count + 1);
			if (t->meant[i].count)
				memcpy(paths, t->meant[i].paths, t->meant[i].count * sizeof(*paths));
			paths[t->meant[i].count] = path + strlen(top) + (path[strlen(top)] == '/');
			t->meant[i] = (struct selection){ paths, t->meant[i].count + 1 };
		}
		if (!found)
			return diag_error(&cli->d, "C562", NULL, "'%s' is in no copy-on-write directory of cage '%s'",
					  str_quote(cli->arena, path), str_quote(cli->arena, name));
	}
	return 0;
}

/* A mounted overlay must not change below the kernel (overlayfs.rst), and what runs may still write. */
static int lock_resting(struct cli *cli, const struct caller *caller, const char *name, struct trees *t)
{
	AUTO_FD int runtime = cage_runtime_open(&caller->places, true);
	struct cage_handles handles;
	int r;

	t->gate = runtime < 0 ? runtime : cage_gate_open(runtime, name, true);
	r = t->gate < 0 ? t->gate : cage_gate_connect(t->gate, SERVE_LOOK, &handles);
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return diag_error(&cli->d, "C561", NULL, "the cage '%s' cannot be looked at: %s", name, strerror(-r));
	diag_error(&cli->d, "C569", NULL, "the cage '%s' is running, and may change more", name);
	diag_help(&cli->d, "end it first: cuddy stop %s", name);
	return -EINVAL;
}

static int open_trees(struct cli *cli, struct trees *ret)
{
	AUTO_FD int store = -1, data = -1, at = -1;
	struct caller caller;
	const char *name;
	int r;

	if (cli->count < 1) {
		diag_error(&cli->d, "C561", NULL, "'cuddy %s' wants the name of a cage", cli->command->name);
		return -EINVAL;
	}
	name = cli->arguments[0];
	if (session_caller(cli, &caller) < 0)
		return -EINVAL;
	store = cage_name_is_valid(name) ? cage_store_open(caller.places.data, false) : -ENOENT;
	data = store < 0 ? store : cage_data_open(store, name, false);
	at = data < 0 ? data : cage_descend(data, "overlay", false);
	if (at >= 0 && lock_resting(cli, &caller, name, ret) < 0)
		return -EINVAL;
	r = at < 0 ? at : overlays_open(cli->arena, at, &ret->items, &ret->count);
	if (r < 0 || ret->count == 0) {
		diag_error(&cli->d, "C561", NULL, "cage '%s' has no copy-on-write directories%s%s",
			   str_quote(cli->arena, name), r < 0 && r != -ENOENT ? ": " : "",
			   r < 0 && r != -ENOENT ? strerror(-r) : "");
		diag_help(&cli->d, "they come from 'copy-on-write' of its profile, with its first start");
		return -EINVAL;
	}
	return choose(cli, &caller.cage, name, ret);
}

static int tell(struct cli *cli, const struct overlay *o, const char *what, int error)
{
	return diag_error(&cli->d, "C563", NULL, "the changes of '%s' cannot be %s: %s",
			  str_quote(cli->arena, o->path), what,
			  error == -ENOENT && o->lower < 0 ? "the directory is gone" : strerror(-error));
}

/* ---- changes ---- */

struct list { bool json, diff, details; };

static const struct option list_options[] = {
	{ "json", 0, OPTION_FLAG, offsetof(struct list, json), NULL, "print JSON" },
	{ "diff", 0, OPTION_FLAG, offsetof(struct list, diff), NULL, "show how text files differ" },
	{ "long", 'l', OPTION_FLAG, offsetof(struct list, details), NULL, "show sizes and what differs" },
	{ 0 },
};

static const struct { char letter; const char *word; } kinds[] = {
	[CHANGE_ADDED] = { 'A', "added" },	 [CHANGE_DELETED] = { 'D', "deleted" },
	[CHANGE_MODIFIED] = { 'M', "modified" }, [CHANGE_TYPE] = { 'T', "type-changed" },
};

static const char *type_word(mode_t mode)
{
	static const struct { mode_t type; const char *word; } types[] = {
		{ S_IFREG, "file" }, { S_IFDIR, "directory" }, { S_IFLNK, "link" }, { S_IFIFO, "pipe" },
		{ S_IFSOCK, "socket" }, { S_IFCHR, "device" }, { S_IFBLK, "device" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if ((mode & S_IFMT) == types[i].type)
			return types[i].word;
	return NULL;
}

static const struct { unsigned bit; const char *word; } aspects[] = {
	{ DIFFERS_CONTENT, "content" }, { DIFFERS_MODE, "mode" },
	{ DIFFERS_TIME, "time" },	{ DIFFERS_XATTRS, "attributes" },
};

static void print_entry(struct json *json, const char *key, const struct entry *e)
{
	if (!e->exists)
		return;
	json_object(json, key);
	json_string(json, "type", type_word(e->mode));
	json_number(json, "size", (long long)e->size);
	json_string(json, "mode", arena_printf(json->out->arena, "%04o", e->mode & 07777));
	json_end_object(json);
}

static void print_json(struct json *json, const struct overlay *o, const struct change *c)
{
	json_object(json, NULL);
	json_string(json, "change", kinds[c->kind].word);
	json_string(json, "path", path_join(json->out->arena, o->path, c->path));
	json_array(json, "differs");
	for (size_t i = 0; i < ARRAY_SIZE(aspects); i++)
		if (c->differs & aspects[i].bit)
			json_string(json, NULL, aspects[i].word);
	json_end_array(json);
	print_entry(json, "before", &c->before);
	print_entry(json, "after", &c->after);
	json_end_object(json);
}

static void print_details(struct strbuf *out, const struct change *c)
{
	const char *comma = "  (";

	if (S_ISREG(c->before.mode) || S_ISREG(c->after.mode)) {
		strbuf_addf(out, "  (%llu -> %llu bytes", (unsigned long long)c->before.size,
			    (unsigned long long)c->after.size);
		comma = ", ";
	}
	for (size_t i = 0; i < ARRAY_SIZE(aspects); i++)
		if (c->differs & aspects[i].bit) {
			strbuf_addf(out, "%s%s", comma, aspects[i].word);
			comma = ", ";
		}
	strbuf_add(out, *comma == ',' ? ")" : "");
}

static void print_line(struct strbuf *out, const struct overlay *o, const struct change *c, bool details)
{
	const struct entry *shown = c->after.exists ? &c->after : &c->before;

	strbuf_addf(out, "%c %s%s", kinds[c->kind].letter,
		    str_quote(out->arena, path_join(out->arena, o->path, c->path)),
		    S_ISDIR(shown->mode) ? "/" : "");
	if (details)
		print_details(out, c);
	strbuf_add(out, "\n");
}

static int list_tree(struct cli *cli, const struct list *o, const struct overlay *tree,
		     const struct selection *meant, struct strbuf *out, struct json *json)
{
	struct bar bar = { 0 };
	const struct progress *progress = bar_is_wanted(cli) ? bar_begin(&bar, "comparing", overlay_work(tree)) : NULL;
	struct changes changes;
	int r = overlay_changes(tree, cli->arena, progress, &changes);

	if (r == -EACCES && overlay_gain_power() == 0)
		r = overlay_changes(tree, cli->arena, progress, &changes);
	bar_end(&bar);
	if (r < 0)
		return tell(cli, tree, "listed", r);
	for (size_t i = 0; i < changes.list.count; i++) {
		const struct change *c = &changes.list.items[i];

		if (selection_find(meant, c->path) != MEANT)
			continue;
		if (o->json)
			print_json(json, tree, c);
		else
			print_line(out, tree, c, o->details);
		if (o->diff && !o->json && difference_print(cli, tree, c, out) < 0)
			return -EINVAL;
	}
	if (changes.too_deep)
		diag_warning(&cli->d, "C564", NULL, "%zu changes below '%s' are too deep to be named",
			     changes.too_deep, str_quote(cli->arena, tree->path));
	return 0;
}

static int run_changes(struct cli *cli, void *values)
{
	const struct list *o = values;
	CLEANUP(trees_close) struct trees trees = { .gate = -1 };
	struct strbuf out = { .arena = cli->arena };
	struct json json = { .out = &out };

	if (open_trees(cli, &trees) < 0)
		return EXIT_REFUSED;
	if (o->json)
		json_array(&json, NULL);
	for (size_t i = 0; i < trees.count; i++)
		if (trees.chosen[i] && list_tree(cli, o, &trees.items[i], &trees.meant[i], &out, &json) < 0)
			return EXIT_REFUSED;
	if (o->json)
		json_end_array(&json);
	return cli_print(strbuf_text(&out));
}

/* ---- commit ---- */

struct commit { bool force; };

static const struct option commit_options_table[] = {
	{ "force", 'f', OPTION_FLAG, offsetof(struct commit, force), NULL, "replace what changed outside too" },
	{ 0 },
};

static const char *const left_texts[] = {
	[LEFT_CHANGED_OUTSIDE] = "it changed outside since the cage took it over",
	[LEFT_DELETED_OUTSIDE] = "it was deleted outside since the cage took it over",
	[LEFT_PART] = "the cage replaced a directory above it: commit that as a whole",
	[LEFT_FAILED] = "",
};

static void tell_left(struct cli *cli, const struct overlay *o, const struct commit_result *result)
{
	bool conflicts = false;

	for (size_t i = 0; i < result->left.count; i++) {
		const struct left *left = &result->left.items[i];
		const char *path = str_quote(cli->arena, path_join(cli->arena, o->path, left->path));

		conflicts |= left->why == LEFT_CHANGED_OUTSIDE || left->why == LEFT_DELETED_OUTSIDE;
		if (left->why == LEFT_FAILED)
			diag_error(&cli->d, "C566", NULL, "'%s' was not committed: %s", path, strerror(left->error));
		else
			diag_error(&cli->d, "C565", NULL, "'%s' was not committed: %s", path,
				   left_texts[left->why]);
	}
	if (conflicts)
		diag_help(&cli->d, "compare with 'cuddy changes --diff %s', then 'cuddy discard' or "
			  "'cuddy commit --force' with the path", cli->arguments[0]);
}

static int commit_tree(struct cli *cli, const struct commit *o, const struct overlay *tree,
		       const struct selection *meant)
{
	struct bar bar = { 0 };
	struct commit_options options = { .selection = *meant, .force = o->force, .has_power = getuid() == 0 };
	struct commit_result result;
	int r;

	if (bar_is_wanted(cli))
		options.progress = bar_begin(&bar, "committing", overlay_work(tree));
	r = overlay_commit(tree, cli->arena, &options, &result);
	if (r == -EACCES && !options.has_power) {
		(void)overlay_gain_power(); /* without it the entry is named as the one that failed */
		options.has_power = true;
		r = overlay_commit(tree, cli->arena, &options, &result);
	}
	bar_end(&bar);
	if (r < 0)
		return tell(cli, tree, "committed", r);
	tell_left(cli, tree, &result);
	return result.left.count ? 1 : 0;
}

static int run_commit(struct cli *cli, void *values)
{
	CLEANUP(trees_close) struct trees trees = { .gate = -1 };
	int status = 0;

	if (open_trees(cli, &trees) < 0)
		return EXIT_REFUSED;
	for (size_t i = 0; i < trees.count; i++) {
		int r = trees.chosen[i] ? commit_tree(cli, values, &trees.items[i], &trees.meant[i]) : 0;

		if (r < 0)
			return EXIT_REFUSED;
		status = MAX(status, r);
	}
	return status;
}

/* ---- discard ---- */

static int run_discard(struct cli *cli, void *values UNUSED)
{
	CLEANUP(trees_close) struct trees trees = { .gate = -1 };

	if (open_trees(cli, &trees) < 0)
		return EXIT_REFUSED;
	for (size_t i = 0; i < trees.count; i++) {
		int r = trees.chosen[i] ? overlay_discard(&trees.items[i], &trees.meant[i]) : 0;

		if (r == -ENOENT) {
			diag_error(&cli->d, "C567", NULL, "nothing was changed there");
			diag_help(&cli->d, "'cuddy changes %s' lists what was", cli->arguments[0]);
			return EXIT_REFUSED;
		}
		if (r < 0) {
			tell(cli, &trees.items[i], "discarded", r);
			return EXIT_REFUSED;
		}
	}
	return 0;
}

const struct command command_changes = {
	"changes", "NAME [PATH…]", "list what a cage changed in its copy-on-write directories", list_options,
	sizeof(struct list), run_changes, NULL,
};
const struct command command_commit = {
	"commit", "NAME [PATH…]", "apply such changes to your files", commit_options_table,
	sizeof(struct commit), run_commit, NULL,
};
const struct command command_discard = {
	"discard", "NAME [PATH…]", "drop such changes", NULL, 1, run_discard, NULL,
};
