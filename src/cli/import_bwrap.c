/* cli/import_bwrap.c - a command line of bubblewrap as a profile, each line with its option.
 * Source: bwrap(1) of 0.11.  Options act in their order, a profile has none: what a later mount hides is left
 * out first, then each mount is one entry.  What bubblewrap shares with the host and a cage never does is said.
 * Must not: grant more than bubblewrap would; change anything. */
#include "cli/import_bwrap.h"
#include "base/json.h"
#include "base/path.h"
#include "bwrap/bwrap.h"
#include "import/import.h"
#include "policy/capabilities.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* An option of the command line, as a line of the text that origins point into. */
struct option_line { const char *name; char **arguments; struct origin origin; };

/* What stands at a place of the new root when all is done. */
struct spot { const struct bwrap_op *op; const char *target, *source; bool read_only; };

struct conversion {
	struct import *i;
	struct bwrap b;
	const struct bwrap_caller *caller;
	VEC(struct option_line) lines;
	VEC(struct spot) places;
};

/* Top directories that a bind of the whole file system comes to: not /dev and /proc, which a cage has of its own. */
static const char root_directories[] =
	"/bin /boot /data /etc /gnu /home /lib /lib32 /lib64 /libx32 /media /mnt /nix /opt /root /run /sbin /srv "
	"/sys /tmp /usr /var";
/* What a cage passes on by itself: permissions/builtin.toml. */
static const char usual_variables[] =
	"COLORTERM HOME LANG LANGUAGE LOGNAME NO_COLOR PATH SHELL TERM TZ USER";

/* ---- the text that origins point into ---- */

/* Options of --args are not seen here: their place is that of --args. */
static void read_lines(struct conversion *c, char **words)
{
	struct strbuf text = { .arena = c->i->arena };
	struct source *source = arena_new_object(c->i->arena, struct source);

	source->name = "command line";
	source->first_line = 1;
	while (words < c->b.command && *words && strcmp(*words, "--") != 0) {
		struct option_line *line = vec_push(c->i->arena, &c->lines);
		int count = bwrap_arguments(*words);
		size_t start = text.length;

		*line = (struct option_line){ .name = *words, .arguments = words + 1,
					      .origin = { .source = source, .line = (uint32_t)c->lines.count, .column = 1 } };
		for (int n = 0; n <= count; n++)
			strbuf_addf(&text, "%s%s", n ? " " : "", str_quote(c->i->arena, words[n]));
		line->origin.length = (uint32_t)(text.length - start);
		strbuf_add(&text, "\n");
		words += count + 1;
	}
	source->text = strbuf_text(&text);
	source->length = text.length;
}

static const struct origin *origin_of_op(const struct conversion *c, const struct bwrap_op *op)
{
	return op->option < c->lines.count ? &c->lines.items[op->option].origin : NULL;
}

/* The last option of this name, or NULL. */
static const struct option_line *option_named(const struct conversion *c, const char *name)
{
	for (size_t n = c->lines.count; n-- > 0;)
		if (str_equal(c->lines.items[n].name, name))
			return &c->lines.items[n];
	return NULL;
}

static const struct origin *origin_of(const struct conversion *c, const char *name)
{
	const struct option_line *line = option_named(c, name);

	return line ? &line->origin : NULL;
}

/* ---- what stands where ---- */

static bool is_mount(enum bwrap_kind kind)
{
	return kind != BWRAP_SYMLINK && kind != BWRAP_CHMOD && kind != BWRAP_REMOUNT_RO && kind != BWRAP_DIR &&
	       kind != BWRAP_FILE;
}

/* The deepest mount at or above a path, or NULL. */
static struct spot *place_above(struct conversion *c, const char *path)
{
	struct spot *best = NULL;

	for (size_t n = 0; n < c->places.count; n++) {
		struct spot *place = &c->places.items[n];

		if (is_mount(place->op->kind) && path_is_within(path, place->target) &&
		    (!best || strlen(place->target) >= strlen(best->target)))
			best = place;
	}
	return best;
}

static void hide(struct conversion *c, const char *path)
{
	size_t kept = 0;

	for (size_t n = 0; n < c->places.count; n++)
		if (!path_is_within(c->places.items[n].target, path))
			c->places.items[kept++] = c->places.items[n];
	c->places.count = kept;
}

/* Is what the source leads to, without its links, the same path outside? */
static bool is_same_place(const struct spot *place)
{
	char real[PATH_MAX];

	return str_equal(realpath(place->source, real) ? real : place->source, place->target);
}

static void gather_places(struct conversion *c)
{
	char here[PATH_MAX];
	const char *directory = getcwd(here, sizeof(here)) ? here : "/";

	for (size_t n = 0; n < c->b.ops.count; n++) {
		const struct bwrap_op *op = &c->b.ops.items[n];
		const char *target = path_normal(c->i->arena, "/", op->target);
		struct spot *over = place_above(c, target);

		if (op->kind == BWRAP_REMOUNT_RO && over && str_equal(over->target, target)) {
			over->read_only = true;
			continue;
		}
		if (is_mount(op->kind))
			hide(c, target);
		*vec_push(c->i->arena, &c->places) = (struct spot){
			.op = op, .target = target, .read_only = op->read_only || op->kind == BWRAP_RO_OVERLAY,
			.source = op->kind == BWRAP_BIND && op->fd < 0 ?
				  path_normal(c->i->arena, directory, op->source) : NULL,
		};
	}
}

/* ---- entries of places ---- */

static void tell(struct conversion *c, enum import_loss loss, const struct bwrap_op *op, const char *what)
{
	import_tell(c->i, loss, origin_of_op(c, op), "%s: '%s'", what, str_quote(c->i->arena, op->target));
}

static void add_tree(struct conversion *c, const char *key, const char *path, const struct bwrap_op *op)
{
	import_tree(c->i, IMPORT_WANTED, key, import_literal(c->i->arena, path, strlen(path)), origin_of_op(c, op));
}

/* A bind within one that can be written must be taken from that. */
static void add_narrower(struct conversion *c, const struct spot *place)
{
	const char *base = path_base_name(place->target);
	const char *parent = arena_strndup(c->i->arena, place->target, (size_t)(base - place->target));
	const struct spot *over = place_above(c, path_normal(c->i->arena, "/", parent));

	if (!place->read_only || !over || over->read_only || over->op->kind != BWRAP_BIND)
		return;
	add_tree(c, "deny-write", place->target, place->op);
	for (size_t n = 0; n < c->places.count; n++) {
		const struct spot *below = &c->places.items[n];

		if (below != place && !below->read_only && path_is_within(below->target, place->target))
			tell(c, IMPORT_NARROW, below->op, "not writable below what is read-only");
	}
}

static void add_root(struct conversion *c, const struct spot *place)
{
	for (char *rest = arena_strdup(c->i->arena, root_directories), *path; (path = import_word(&rest, " "));) {
		const struct spot *over = place_above(c, path);

		if (over != place) /* something else is mounted there */
			continue;
		add_tree(c, "execute", path, place->op);
		if (!place->read_only)
			add_tree(c, "read-write", path, place->op);
	}
	import_tell(c->i, IMPORT_NARROW, origin_of_op(c, place->op),
		    "of '/' the usual directories are shown, without /dev and /proc");
}

static void add_bind(struct conversion *c, const struct spot *place)
{
	const struct bwrap_op *op = place->op;
	char real[PATH_MAX];

	if (!place->source) {
		tell(c, IMPORT_NARROW, op, "what a descriptor leads to is not shown");
		return;
	}
	if (!is_same_place(place)) {
		import_mount(c->i, realpath(place->source, real) ? real : place->source, place->target,
			     place->read_only ? "execute" : "read-write", origin_of_op(c, op));
		if (!place->read_only)
			tell(c, IMPORT_NARROW, op, "nothing is run from it");
		return;
	}
	if (str_equal(place->target, "/")) {
		add_root(c, place);
		return;
	}
	if (path_is_within(place->target, "/dev")) {
		if (op->devices)
			import_add(c->i, IMPORT_WANTED, "misc", "devices",
				   str_equal(place->target, "/dev") ? "/dev/**" :
				   import_literal(c->i->arena, place->target, strlen(place->target)), origin_of_op(c, op));
		else
			tell(c, IMPORT_NARROW, op, "devices that cannot be opened are not shown");
		return;
	}
	add_tree(c, "execute", place->target, op);
	if (!place->read_only)
		add_tree(c, "read-write", place->target, op);
	add_narrower(c, place);
}

/* A directory is made in what is temporary; in a bind it is there, or is made on the host. */
static void add_directory(struct conversion *c, const struct spot *place)
{
	const struct spot *over = place_above(c, place->target);

	if (over && over->op->kind == BWRAP_BIND) {
		if (access(place->target, F_OK) < 0)
			tell(c, IMPORT_NARROW, place->op, "no directory is made on this computer");
	} else if (!over) {
		import_add(c->i, IMPORT_WANTED, "filesystem", "temporary", place->target, origin_of_op(c, place->op));
	}
}

/* A link that this computer has too is shown as it is. */
static void add_link(struct conversion *c, const struct spot *place)
{
	char text[PATH_MAX];
	ssize_t length = readlink(place->target, text, sizeof(text) - 1);

	text[MAX(length, 0)] = '\0';
	if (length > 0 && str_equal(text, place->op->source))
		import_add(c->i, IMPORT_WANTED, "filesystem", "read-only",
			   import_literal(c->i->arena, place->target, strlen(place->target)), origin_of_op(c, place->op));
	else
		tell(c, IMPORT_NARROW, place->op, "no link is made");
}

static void add_overlay(struct conversion *c, const struct spot *place)
{
	const struct bwrap_op *op = place->op;
	struct spot below = { .source = c->b.layers.items[op->first_layer], .target = place->target };

	if (op->kind == BWRAP_TMP_OVERLAY && op->layers == 1 && is_same_place(&below)) {
		import_add(c->i, IMPORT_WANTED, "filesystem", "copy-on-write", place->target, origin_of_op(c, op));
		tell(c, IMPORT_LOST, op, "changes are kept until 'cuddy discard', but with --ephemeral");
	} else {
		tell(c, IMPORT_NARROW, op, "an overlay of this kind is not shown");
	}
}

static void add_place(struct conversion *c, const struct spot *place)
{
	const struct bwrap_op *op = place->op;

	switch (op->kind) {
	case BWRAP_BIND:
		add_bind(c, place);
		return;
	case BWRAP_OVERLAY: case BWRAP_TMP_OVERLAY: case BWRAP_RO_OVERLAY:
		add_overlay(c, place);
		return;
	case BWRAP_TMPFS:
		if (strcmp(place->target, "/") == 0)
			return;
		import_add(c->i, IMPORT_WANTED, "filesystem", "temporary", place->target, origin_of_op(c, op));
		if (place->read_only)
			add_tree(c, "deny-write", place->target, op);
		if (op->size)
			tell(c, IMPORT_LOST, op, "the size is 'disk' of all temporary places together");
		return;
	case BWRAP_DIR:
		add_directory(c, place);
		return;
	case BWRAP_PROC:
		if (str_equal(place->target, "/proc"))
			import_mount(c->i, "proc:", "/proc", "read-write", origin_of_op(c, op));
		else
			tell(c, IMPORT_NARROW, op, "processes are shown at /proc alone");
		return;
	case BWRAP_DEV:
		if (str_equal(place->target, "/dev"))
			import_flag(c->i, "misc.standard-devices", origin_of_op(c, op));
		else
			tell(c, IMPORT_NARROW, op, "devices are shown at /dev alone");
		return;
	case BWRAP_SYMLINK:
		add_link(c, place);
		return;
	case BWRAP_MQUEUE:
		tell(c, IMPORT_NARROW, op, "message queues are not shown");
		return;
	case BWRAP_FILE: case BWRAP_DATA:
		tell(c, IMPORT_NARROW, op, "a file with what a descriptor holds is not made");
		return;
	case BWRAP_CHMOD:
		tell(c, IMPORT_LOST, op, "modes stay as they are");
		return;
	case BWRAP_REMOUNT_RO: /* of what is no mount of its own: the new root, which is read-only here */
		if (strcmp(place->target, "/") != 0)
			tell(c, IMPORT_LOST, op, "not read-only: it is no mount of its own");
		return;
	}
	unreachable();
}

/* ---- everything else ---- */

static void add_network(struct conversion *c)
{
	if (c->b.unshare_net)
		return;
	import_flag(c->i, "networking.host", origin_of(c, "--share-net"));
	import_add_all(c->i, IMPORT_WANTED, "runtime", "allow-syscalls",
		       "socket(inet) socket(inet6) socket(netlink-route)", NULL);
}

static bool is_set(const struct conversion *c, const char *name)
{
	size_t length = strlen(name);

	for (size_t n = 0; n < c->b.environment.count; n++)
		if (strncmp(c->b.environment.items[n], name, length) == 0 && c->b.environment.items[n][length] == '=')
			return true;
	return false;
}

static const struct origin *origin_of_variable(const struct conversion *c, const char *entry)
{
	const struct origin *found = origin_of(c, "--args");

	for (size_t n = 0; n < c->lines.count; n++) {
		const struct option_line *line = &c->lines.items[n];

		if (str_equal(line->name, "--setenv") && str_starts(entry, line->arguments[0]) &&
		    entry[strlen(line->arguments[0])] == '=')
			found = &line->origin;
	}
	return found;
}

/* It was parsed with no environment of the caller's, so what is in it was set. */
static void add_environment(struct conversion *c)
{
	const struct option_line *clear = option_named(c, "--clearenv");

	if (!clear)
		import_add(c->i, IMPORT_WANTED, "environment", "pass", "*", NULL);
	for (char *rest = arena_strdup(c->i->arena, clear ? usual_variables : ""), *name;
	     (name = import_word(&rest, " "));)
		if (!is_set(c, name))
			import_add(c->i, IMPORT_WANTED, "environment", "unset", name, &clear->origin);
	for (size_t n = 0; n < c->lines.count && !clear; n++)
		if (str_equal(c->lines.items[n].name, "--unsetenv") && !is_set(c, c->lines.items[n].arguments[0]))
			import_add(c->i, IMPORT_WANTED, "environment", "unset", c->lines.items[n].arguments[0],
				   &c->lines.items[n].origin);
	for (size_t n = 0; n < c->b.environment.count; n++) {
		const char *entry = c->b.environment.items[n];
		const struct origin *origin = origin_of_variable(c, entry);

		if (!import_variable(c->i, entry, origin))
			import_tell(c->i, IMPORT_NARROW, origin, "variable '%s'", str_quote(c->i->arena, entry));
	}
}

static void add_identity(struct conversion *c)
{
	const struct bwrap *b = &c->b;
	bool same = b->uid < 0 || (uid_t)b->uid == c->caller->uid;
	const char *as = same ? NULL : b->uid == 0 ? "root" : b->uid == 65534 ? "nobody" : NULL;
	gid_t group = as ? (gid_t)b->uid : c->caller->gid;

	if (as)
		import_set(c->i, "user", "as", as, false, origin_of(c, "--uid"));
	if (!same && !as)
		import_tell(c->i, IMPORT_LOST, origin_of(c, "--uid"), "the program runs as you, not as %d", b->uid);
	if (b->gid >= 0 && (gid_t)b->gid != group)
		import_tell(c->i, IMPORT_LOST, origin_of(c, "--gid"), "the group is not %d", b->gid);
	for (unsigned n = 0; b->caps_named && n < CAPABILITY_COUNT; n++)
		if (b->caps >> n & 1)
			import_capability(c->i, "allow-capabilities", capability_name(n), origin_of(c, "--cap-add"));
	if (c->caller->uid == 0 && !b->caps_named)
		import_tell(c->i, IMPORT_NARROW, NULL, "root keeps no capabilities");
	if (b->hostname)
		import_set(c->i, "", "hostname", b->hostname, false, origin_of(c, "--hostname"));
}

static bool is_root_sealed(const struct conversion *c)
{
	for (size_t n = 0; n < c->places.count; n++)
		if (str_equal(c->places.items[n].target, "/") &&
		    (c->places.items[n].op->kind == BWRAP_REMOUNT_RO || c->places.items[n].op->kind == BWRAP_BIND))
			return true;
	return false;
}

/* What bubblewrap shares with the host unless it is told, and what has no word in a profile. */
static void tell_rest(struct conversion *c)
{
	static const struct { const char *option; enum import_loss loss; const char *what; } rows[] = {
		{ "--add-seccomp-fd", IMPORT_LOST, "the filter in a descriptor" },
		{ "--argv0", IMPORT_LOST, "argv[0] is the command" },
		{ "--as-pid-1", IMPORT_NARROW, "the program is not process 1" },
		{ "--assert-userns-disabled", IMPORT_NARROW, "nothing is asserted" },
		{ "--block-fd", IMPORT_LOST, "the program does not wait for a descriptor" },
		{ "--exec-label", IMPORT_LOST, "labels of SELinux" },
		{ "--file-label", IMPORT_LOST, "labels of SELinux" },
		{ "--info-fd", IMPORT_NARROW, "nothing is written to a descriptor" },
		{ "--json-status-fd", IMPORT_NARROW, "nothing is written to a descriptor" },
		{ "--lock-file", IMPORT_LOST, "no file is locked" },
		{ "--perms", IMPORT_LOST, "modes are the usual ones" },
		{ "--pidns", IMPORT_LOST, "the processes of another namespace" },
		{ "--seccomp", IMPORT_LOST, "the filter in a descriptor" },
		{ "--sync-fd", IMPORT_LOST, "no descriptor is held open" },
		{ "--userns", IMPORT_LOST, "another user namespace" },
		{ "--userns-block-fd", IMPORT_LOST, "the program does not wait for a descriptor" },
		{ "--userns2", IMPORT_LOST, "another user namespace" },
	};
	const struct { bool unshared; const char *what; } shared[] = {
		{ c->b.unshare_pid, "processes" }, { c->b.unshare_ipc, "System V IPC and message queues" },
		{ c->b.hostname, "the host's name" },
		{ c->b.unshare_cgroup || c->b.unshare_cgroup_try, "control groups" },
	};

	for (size_t n = 0; n < ARRAY_SIZE(rows); n++)
		if (option_named(c, rows[n].option))
			import_tell(c->i, rows[n].loss, origin_of(c, rows[n].option), "%s", rows[n].what);
	for (size_t n = 0; n < ARRAY_SIZE(shared); n++)
		if (!shared[n].unshared)
			import_tell(c->i, IMPORT_NARROW, NULL, "%s: always the cage's own", shared[n].what);
	if (!is_root_sealed(c))
		import_tell(c->i, IMPORT_NARROW, NULL, "nothing can be made in the root that leads to what is shown");
	import_tell(c->i, IMPORT_NARROW, NULL, "bubblewrap filters no system calls, a cage does");
}

static void add_command(struct conversion *c)
{
	struct strbuf out = { .arena = c->i->arena };

	for (char **word = c->b.command; *word; word++) {
		strbuf_add(&out, word == c->b.command ? "[" : ", ");
		json_quote(&out, *word);
	}
	strbuf_add(&out, "]");
	import_set(c->i, "", "command", strbuf_text(&out), true, NULL);
	if (c->b.chdir)
		import_set(c->i, "filesystem", "working-directory", c->b.chdir, false, origin_of(c, "--chdir"));
}

int import_bwrap(struct import *i, char **words, uid_t user, gid_t group)
{
	const struct bwrap_caller caller = { .uid = user, .gid = group };
	struct conversion c = { .i = i, .caller = &caller };

	if (bwrap_parse(i->arena, words, &caller, &c.b) < 0 || c.b.help || c.b.version) {
		diag_error(i->d, "C711", NULL, "the command line of bubblewrap is refused: %s",
			   c.b.error ? str_quote(i->arena, c.b.error) : "it has no command");
		diag_help(i->d, "cuddy import --from bwrap -- --ro-bind /usr /usr … PROGRAM");
		return -EINVAL;
	}
	i->from = "bwrap";
	i->file = "command line";
	read_lines(&c, words);
	gather_places(&c);
	for (size_t n = 0; n < c.places.count; n++)
		add_place(&c, &c.places.items[n]);
	add_network(&c);
	add_environment(&c);
	add_identity(&c);
	add_command(&c);
	import_all_calls(i);
	import_calls_of(i, "runtime.ordinary", NULL);
	tell_rest(&c);
	return i->is_full || i->d->errors ? -EINVAL : import_fold(i);
}
