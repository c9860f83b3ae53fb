/* bwrap/parse.c - the options of bwrap(1) from one table.
 * Must not: look at the file system; act on anything but the descriptors of --args. */
#include "bwrap/bwrap.h"
#include "base/fd.h"
#include "policy/capabilities.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>
#include <unistd.h>

struct parser {
	struct bwrap *b;
	size_t words;		/* seen so far, --args included */
	size_t option;		/* the number of this one */
	int mode;		/* of --perms for the next one; -1 */
	uint64_t size;		/* of --size; 0 */
	size_t first_layer, layers; /* of --overlay-src */
	bool in_args;
};

struct option {
	const char *name, *arguments;
	unsigned count;
	int (*take)(struct parser *p, const struct option *option, char **words);
	size_t offset;		/* of what it sets in struct bwrap, */
	int value;		/* or what kind it is */
	const char *help;
};

#define PRINTF_ERROR PRINTF_LIKE(2, 3)
static int refuse(struct parser *p, const char *format, ...) PRINTF_ERROR;
static int refuse(struct parser *p, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	p->b->error = arena_vprintf(p->b->arena, format, arguments);
	va_end(arguments);
	return -EINVAL;
}

static void *field(struct parser *p, const struct option *o)
{
	return (char *)p->b + o->offset;
}

static void warn_twice(struct parser *p, const struct option *o)
{
	strbuf_addf(&p->b->warnings, "Only the last %s option will take effect\n", o->name);
}

/* ---- one function per kind of option ---- */

static int take_flag(struct parser *p, const struct option *o, char **words UNUSED)
{
	*(bool *)field(p, o) = o->value;
	return 0;
}

static int take_all(struct parser *p, const struct option *o UNUSED, char **words UNUSED)
{
	struct bwrap *b = p->b;

	b->unshare_user_try = b->unshare_ipc = b->unshare_pid = b->unshare_net = b->unshare_uts = true;
	b->unshare_cgroup_try = true;
	return 0;
}

static int take_word(struct parser *p, const struct option *o, char **words)
{
	const char **value = field(p, o);

	if (*value)
		warn_twice(p, o);
	*value = words[0];
	return 0;
}

static int take_argv0(struct parser *p, const struct option *o, char **words)
{
	return p->b->argv0 ? refuse(p, "--argv0 used multiple times") : take_word(p, o, words);
}

/* A number that is neither negative nor too large. */
static int number(struct parser *p, const char *what, const char *word, int *ret)
{
	char *end;
	errno = 0;
	long value = strtol(word, &end, 10);

	if (!*word || *end || errno || value < 0 || value > INT_MAX)
		return refuse(p, "Invalid %s: %s", what, word);
	*ret = (int)value;
	return 0;
}

static int take_number(struct parser *p, const struct option *o, char **words, const char *what)
{
	int *value = field(p, o);

	if (*value != -1)
		warn_twice(p, o);
	return number(p, what, words[0], value);
}

static int take_fd(struct parser *p, const struct option *o, char **words)
{
	return take_number(p, o, words, "fd");
}

static int take_id(struct parser *p, const struct option *o, char **words)
{
	return take_number(p, o, words, o->name + 2);
}

static int take_seccomp(struct parser *p, const struct option *o, char **words)
{
	if (p->b->filters.count)
		return refuse(p, "--seccomp cannot be combined with --add-seccomp-fd");
	return take_fd(p, o, words);
}

static int take_filter(struct parser *p, const struct option *o UNUSED, char **words)
{
	if (p->b->seccomp_fd != -1)
		return refuse(p, "--add-seccomp-fd cannot be combined with --seccomp");
	return number(p, "fd", words[0], vec_push(p->b->arena, &p->b->filters));
}

static int take_lock(struct parser *p, const struct option *o UNUSED, char **words)
{
	*vec_push(p->b->arena, &p->b->locks) = words[0];
	return 0;
}

static bool is_variable(const char *entry, const char *name)
{
	size_t length = strlen(name);

	return strncmp(entry, name, length) == 0 && entry[length] == '=';
}

static int take_setenv(struct parser *p, const struct option *o UNUSED, char **words)
{
	struct bwrap *b = p->b;
	const char *entry = arena_printf(b->arena, "%s=%s", words[0], words[1]);

	if (!*words[0] || strchr(words[0], '='))
		return refuse(p, "setenv failed");
	for (size_t i = 0; i < b->environment.count; i++)
		if (is_variable(b->environment.items[i], words[0])) {
			b->environment.items[i] = entry;
			return 0;
		}
	*vec_push(b->arena, &b->environment) = entry;
	return 0;
}

static int take_unsetenv(struct parser *p, const struct option *o UNUSED, char **words)
{
	struct bwrap *b = p->b;
	size_t kept = 0;

	if (!*words[0] || strchr(words[0], '='))
		return refuse(p, "unsetenv failed");
	for (size_t i = 0; i < b->environment.count; i++)
		if (!is_variable(b->environment.items[i], words[0]))
			b->environment.items[kept++] = b->environment.items[i];
	b->environment.count = kept;
	return 0;
}

static int take_clearenv(struct parser *p, const struct option *o UNUSED, char **words UNUSED)
{
	p->b->environment.count = 0;
	return 0;
}

static int take_cap(struct parser *p, const struct option *o, char **words)
{
	uint64_t bits = UINT64_MAX >> 1;

	p->b->caps_named = true;
	if (strcasecmp(words[0], "ALL") != 0) {
		int cap = capability_find(words[0]);
		if (cap < 0 || strncasecmp(words[0], "cap_", 4) != 0)
			return refuse(p, "unknown cap: %s", words[0]);
		bits = 1ull << cap;
	}
	p->b->caps = o->value ? p->b->caps | bits : p->b->caps & ~bits;
	return 0;
}

static int octal(struct parser *p, const char *option, const char *word, unsigned *ret)
{
	char *end;
	unsigned long mode = strtoul(word, &end, 8);

	if (!*word || *end || mode > 07777)
		return refuse(p, "%s takes an octal argument <= 07777", option);
	*ret = (unsigned)mode;
	return 0;
}

static int take_perms(struct parser *p, const struct option *o UNUSED, char **words)
{
	unsigned mode;

	if (p->mode >= 0)
		return refuse(p, "--perms given twice for the same action");
	int r = octal(p, "--perms", words[0], &mode);
	if (r == 0)
		p->mode = (int)mode;
	return r;
}

static int take_size(struct parser *p, const struct option *o UNUSED, char **words)
{
	char *end;

	if (p->size)
		return refuse(p, "--size given twice for the same action");
	errno = 0;
	p->size = strtoull(words[0], &end, 0);
	if (errno || !isdigit((unsigned char)words[0][0]) || *end || !p->size)
		return refuse(p, "--size takes a non-zero number of bytes");
	if (p->size > SIZE_MAX >> 1)
		return refuse(p, "--size (for tmpfs) is limited to %zu", SIZE_MAX >> 1);
	return 0;
}

/* ---- operations ---- */

static struct bwrap_op *add_op(struct parser *p, const struct option *o, const char *target)
{
	struct bwrap_op *op = vec_push(p->b->arena, &p->b->ops);

	*op = (struct bwrap_op){ .kind = (enum bwrap_kind)o->value, .target = target, .fd = -1,
				  .option = p->option };
	return op;
}

static unsigned take_mode(struct parser *p, unsigned otherwise)
{
	unsigned mode = p->mode >= 0 ? (unsigned)p->mode : otherwise;

	p->mode = -1;
	return mode;
}

static int take_bind(struct parser *p, const struct option *o, char **words)
{
	struct bwrap_op *op = add_op(p, o, words[1]);

	op->source = words[0];
	op->optional = str_ends(o->name, "-try");
	op->read_only = str_starts(o->name, "--ro-");
	op->devices = str_starts(o->name, "--dev-");
	return str_ends(o->name, "-fd") ? number(p, "fd", words[0], &op->fd) : 0;
}

static int take_target(struct parser *p, const struct option *o, char **words)
{
	add_op(p, o, words[0]);
	return 0;
}

static int take_tmpfs(struct parser *p, const struct option *o, char **words)
{
	struct bwrap_op *op = add_op(p, o, words[0]);

	op->mode = take_mode(p, 0755);
	op->size = p->size;
	p->size = 0;
	return 0;
}

static int take_dir(struct parser *p, const struct option *o, char **words)
{
	add_op(p, o, words[0])->mode = take_mode(p, 0755);
	return 0;
}

static int take_file(struct parser *p, const struct option *o, char **words)
{
	struct bwrap_op *op = add_op(p, o, words[1]);

	op->mode = take_mode(p, o->value == BWRAP_FILE ? 0666 : 0600);
	op->read_only = str_starts(o->name, "--ro-");
	return number(p, "fd", words[0], &op->fd);
}

static int take_symlink(struct parser *p, const struct option *o, char **words)
{
	add_op(p, o, words[1])->source = words[0];
	return 0;
}

static int take_chmod(struct parser *p, const struct option *o, char **words)
{
	return octal(p, "--chmod", words[0], &add_op(p, o, words[1])->mode);
}

static int take_layer(struct parser *p, const struct option *o UNUSED, char **words)
{
	if (!p->layers++)
		p->first_layer = p->b->layers.count;
	*vec_push(p->b->arena, &p->b->layers) = words[0];
	return 0;
}

static int take_overlay(struct parser *p, const struct option *o, char **words)
{
	size_t least = o->value == BWRAP_RO_OVERLAY ? 2 : 1;
	struct bwrap_op *op = add_op(p, o, words[o->count - 1]);

	if (p->layers < least)
		return refuse(p, "%s requires at least %s --overlay-src", o->name, least == 2 ? "two" : "one");
	if (o->value == BWRAP_OVERLAY) {
		op->source = words[0];
		op->work = words[1];
	}
	op->first_layer = p->first_layer;
	op->layers = p->layers;
	p->layers = 0;
	return 0;
}

static int parse(struct parser *p, char **words, char ***ret_rest);

/* Words that end with NUL each; the last may do without. */
static int take_args(struct parser *p, const struct option *o UNUSED, char **words)
{
	VEC(char *) list = { 0 };
	struct strbuf data = { .arena = p->b->arena };
	char room[4096], **rest;
	ssize_t got;
	int fd = -1;

	if (p->in_args)
		return refuse(p, "--args not supported in arguments file");
	if (number(p, "fd", words[0], &fd) < 0)
		return -EINVAL;
	while ((got = read(fd, room, sizeof(room))) != 0) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 || data.length + (size_t)got > BWRAP_ARGS_SIZE)
			return refuse(p, "Can't read --args data: %s", strerror(got < 0 ? errno : EFBIG));
		strbuf_add_bytes(&data, room, (size_t)got);
	}
	close(fd);
	for (size_t at = 0; at < data.length; at += strlen(data.text + at) + 1) {
		if (++p->words > BWRAP_WORDS)
			return refuse(p, "Exceeded maximum number of arguments %d", BWRAP_WORDS);
		*vec_push(p->b->arena, &list) = data.text + at;
	}
	*vec_push(p->b->arena, &list) = NULL;
	p->in_args = true;
	int r = parse(p, list.items, &rest);
	p->in_args = false;
	return r;
}

#define AT(member) offsetof(struct bwrap, member)
static const struct option options[] = {
	{ "--help", "", 0, take_flag, AT(help), 1, "Print this help" },
	{ "--version", "", 0, take_flag, AT(version), 1, "Print version" },
	{ "--args", "FD", 1, take_args, 0, 0, "Take more options from FD, with a NUL behind each word" },
	{ "--argv0", "VALUE", 1, take_argv0, AT(argv0), 0, "Start the command with this argv[0]" },
	{ "--level-prefix", "", 0, take_flag, AT(level_prefix), 1, "Begin each message with its level, such as <3>" },
	{ "--unshare-all", "", 0, take_all, 0, 0, "Make all namespaces that can be made" },
	{ "--share-net", "", 0, take_flag, AT(unshare_net), 0, "Keep the network namespace, after --unshare-all" },
	{ "--unshare-user", "", 0, take_flag, AT(unshare_user), 1, "Make a user namespace (always, but for root)" },
	{ "--unshare-user-try", "", 0, take_flag, AT(unshare_user_try), 1, "Make a user namespace if that is possible" },
	{ "--unshare-ipc", "", 0, take_flag, AT(unshare_ipc), 1, "Make an ipc namespace" },
	{ "--unshare-pid", "", 0, take_flag, AT(unshare_pid), 1, "Make a pid namespace" },
	{ "--unshare-net", "", 0, take_flag, AT(unshare_net), 1, "Make a network namespace" },
	{ "--unshare-uts", "", 0, take_flag, AT(unshare_uts), 1, "Make a uts namespace" },
	{ "--unshare-cgroup", "", 0, take_flag, AT(unshare_cgroup), 1, "Make a cgroup namespace" },
	{ "--unshare-cgroup-try", "", 0, take_flag, AT(unshare_cgroup_try), 1, "Make a cgroup namespace if that is possible" },
	{ "--userns", "FD", 1, take_fd, AT(userns_fd), 0, "Use this user namespace" },
	{ "--userns2", "FD", 1, take_fd, AT(userns2_fd), 0, "Enter this user namespace after the set-up" },
	{ "--disable-userns", "", 0, take_flag, AT(disable_userns), 1, "Forbid further user namespaces" },
	{ "--assert-userns-disabled", "", 0, take_flag, AT(assert_userns_disabled), 1,
	  "Fail unless user namespaces are forbidden" },
	{ "--pidns", "FD", 1, take_fd, AT(pidns_fd), 0, "Use this pid namespace, or with --unshare-pid one below it" },
	{ "--uid", "UID", 1, take_id, AT(uid), 0, "User inside (wants --unshare-user or --userns)" },
	{ "--gid", "GID", 1, take_id, AT(gid), 0, "Group inside (wants --unshare-user or --userns)" },
	{ "--hostname", "NAME", 1, take_word, AT(hostname), 0, "Host name inside (wants --unshare-uts)" },
	{ "--chdir", "DIR", 1, take_word, AT(chdir), 0, "Change to DIR" },
	{ "--clearenv", "", 0, take_clearenv, 0, 0, "Unset all variables" },
	{ "--setenv", "VAR VALUE", 2, take_setenv, 0, 0, "Set a variable" },
	{ "--unsetenv", "VAR", 1, take_unsetenv, 0, 0, "Unset a variable" },
	{ "--lock-file", "DEST", 1, take_lock, 0, 0, "Hold a lock on DEST while anything runs inside" },
	{ "--sync-fd", "FD", 1, take_fd, AT(sync_fd), 0, "Hold FD open while anything runs inside" },
	{ "--bind", "SRC DEST", 2, take_bind, 0, BWRAP_BIND, "Show the host's SRC at DEST" },
	{ "--bind-try", "SRC DEST", 2, take_bind, 0, BWRAP_BIND, "The same, unless SRC is missing" },
	{ "--dev-bind", "SRC DEST", 2, take_bind, 0, BWRAP_BIND, "Show the host's SRC at DEST, devices too" },
	{ "--dev-bind-try", "SRC DEST", 2, take_bind, 0, BWRAP_BIND, "The same, unless SRC is missing" },
	{ "--ro-bind", "SRC DEST", 2, take_bind, 0, BWRAP_BIND, "Show the host's SRC at DEST, read-only" },
	{ "--ro-bind-try", "SRC DEST", 2, take_bind, 0, BWRAP_BIND, "The same, unless SRC is missing" },
	{ "--bind-fd", "FD DEST", 2, take_bind, 0, BWRAP_BIND, "Show the open directory or file FD at DEST" },
	{ "--ro-bind-fd", "FD DEST", 2, take_bind, 0, BWRAP_BIND, "The same, read-only" },
	{ "--remount-ro", "DEST", 1, take_target, 0, BWRAP_REMOUNT_RO, "Make the mount at DEST read-only, none below" },
	{ "--overlay-src", "SRC", 1, take_layer, 0, 0, "A layer of the overlay that follows" },
	{ "--overlay", "RWSRC WORKDIR DEST", 3, take_overlay, 0, BWRAP_OVERLAY, "Mount an overlay on DEST that writes to RWSRC" },
	{ "--tmp-overlay", "DEST", 1, take_overlay, 0, BWRAP_TMP_OVERLAY, "Mount an overlay on DEST that writes to a tmpfs" },
	{ "--ro-overlay", "DEST", 1, take_overlay, 0, BWRAP_RO_OVERLAY, "Mount a read-only overlay on DEST" },
	{ "--exec-label", "LABEL", 1, take_word, AT(exec_label), 0, "SELinux label of the command" },
	{ "--file-label", "LABEL", 1, take_word, AT(file_label), 0, "SELinux label of what is made" },
	{ "--proc", "DEST", 1, take_target, 0, BWRAP_PROC, "Mount proc on DEST" },
	{ "--dev", "DEST", 1, take_target, 0, BWRAP_DEV, "Make a small /dev on DEST" },
	{ "--tmpfs", "DEST", 1, take_tmpfs, 0, BWRAP_TMPFS, "Mount a tmpfs on DEST" },
	{ "--mqueue", "DEST", 1, take_target, 0, BWRAP_MQUEUE, "Mount message queues on DEST" },
	{ "--dir", "DEST", 1, take_dir, 0, BWRAP_DIR, "Make the directory DEST" },
	{ "--file", "FD DEST", 2, take_file, 0, BWRAP_FILE, "Copy FD to DEST" },
	{ "--bind-data", "FD DEST", 2, take_file, 0, BWRAP_DATA, "Copy FD to a file that is mounted on DEST" },
	{ "--ro-bind-data", "FD DEST", 2, take_file, 0, BWRAP_DATA, "The same, read-only" },
	{ "--symlink", "SRC DEST", 2, take_symlink, 0, BWRAP_SYMLINK, "Make a symbolic link DEST that says SRC" },
	{ "--seccomp", "FD", 1, take_seccomp, AT(seccomp_fd), 0, "Load the filter in FD (only one)" },
	{ "--add-seccomp-fd", "FD", 1, take_filter, 0, 0, "Load the filter in FD (as many as you like)" },
	{ "--block-fd", "FD", 1, take_fd, AT(block_fd), 0, "Wait for a byte from FD before the command" },
	{ "--userns-block-fd", "FD", 1, take_fd, AT(userns_block_fd), 0, "Wait for a byte from FD, that ids are mapped" },
	{ "--info-fd", "FD", 1, take_fd, AT(info_fd), 0, "Write to FD what was made" },
	{ "--json-status-fd", "FD", 1, take_fd, AT(status_fd), 0, "Write to FD what was made and what became of it" },
	{ "--new-session", "", 0, take_flag, AT(new_session), 1, "Make a new session, without a terminal" },
	{ "--die-with-parent", "", 0, take_flag, AT(die_with_parent), 1, "Kill all when bwrap's parent dies" },
	{ "--as-pid-1", "", 0, take_flag, AT(as_pid_1), 1, "Let the command be pid 1" },
	{ "--cap-add", "CAP", 1, take_cap, 0, 1, "Keep the capability CAP, or ALL" },
	{ "--cap-drop", "CAP", 1, take_cap, 0, 0, "Drop the capability CAP, or ALL" },
	{ "--perms", "OCTAL", 1, take_perms, 0, 0, "Mode of what the next option makes" },
	{ "--size", "BYTES", 1, take_size, 0, 0, "Size of what --tmpfs makes next" },
	{ "--chmod", "OCTAL PATH", 2, take_chmod, 0, BWRAP_CHMOD, "Set the mode of PATH, which is there" },
};

static const struct option *find_option(const char *word)
{
	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		if (strcmp(options[i].name, word) == 0)
			return &options[i];
	return NULL;
}

int bwrap_arguments(const char *name)
{
	const struct option *option = find_option(name);

	return option ? (int)option->count : -1;
}

/* These do nothing alone and must be used up by the option that follows. */
static int check_pending(struct parser *p, const struct option *o)
{
	if (o->take == take_perms || o->take == take_size)
		return 0;
	if (p->mode >= 0)
		return refuse(p, "--perms must be followed by an option that creates a file");
	if (p->size)
		return refuse(p, "--size must be followed by --tmpfs");
	if (p->layers && o->take != take_layer)
		return refuse(p, "--overlay-src must be followed by another --overlay-src or one of "
			      "--overlay, --tmp-overlay, or --ro-overlay");
	return 0;
}

static int too_few(struct parser *p, const struct option *o)
{
	static const char *const wants[] = { "", "an argument", "two arguments", "three arguments" };
	bool one = o->value == BWRAP_REMOUNT_RO && o->take == take_target;

	one = one || o->offset == AT(chdir) || o->take == take_argv0;
	return refuse(p, "%s takes %s", str_ends(o->name, "bind-fd") ? "--bind-fd" : o->name,
		      one ? "one argument" : wants[o->count]);
}

/* Options up to the first word that is none; *ret_rest is that. */
static int parse(struct parser *p, char **words, char ***ret_rest)
{
	for (; *words; words++) {
		const struct option *o = find_option(*words);

		if (!o && strcmp(*words, "--") == 0) {
			words++;
			break;
		}
		if (!o && **words == '-')
			return refuse(p, "Unknown option %s", *words);
		if (!o)
			break;
		for (unsigned i = 1; i <= o->count; i++)
			if (!words[i])
				return too_few(p, o);
		int r = o->take(p, o, words + 1);
		if (r == 0 && (p->b->help || p->b->version))
			return 0;
		if (r == 0)
			r = check_pending(p, o);
		if (r < 0)
			return r;
		words += o->count;
		p->option += !p->in_args;
	}
	*ret_rest = words;
	return 0;
}

/* What goes together, in bubblewrap's order. */
static int check_whole(struct parser *p, const struct bwrap_caller *caller)
{
	struct bwrap *b = p->b;
	bool user = b->unshare_user, other_user = b->userns_fd != -1;
	bool will = user || other_user || b->unshare_user_try || caller->uid != 0;
	const struct { bool wrong; const char *message; } rules[] = {
		{ p->layers, "--overlay-src must be followed by another --overlay-src or one of "
			     "--overlay, --tmp-overlay, or --ro-overlay" },
		{ b->userns_block_fd != -1 && !user, "--userns-block-fd requires --unshare-user" },
		{ b->userns_block_fd != -1 && b->info_fd == -1, "--userns-block-fd requires --info-fd" },
		{ other_user && user, "--userns not compatible --unshare-user" },
		{ other_user && b->unshare_user_try, "--userns not compatible --unshare-user-try" },
		{ b->disable_userns && !user, "--disable-userns requires --unshare-user" },
		{ b->disable_userns && b->userns_block_fd != -1,
		  "--disable-userns is not compatible with  --userns-block-fd" },
		{ !b->command[0], NULL },
		{ !will && b->uid != -1 && (uid_t)b->uid != caller->uid,
		  "Specifying --uid requires --unshare-user or --userns" },
		{ !will && b->gid != -1 && (gid_t)b->gid != caller->gid,
		  "Specifying --gid requires --unshare-user or --userns" },
		{ b->hostname && !b->unshare_uts, "Specifying --hostname requires --unshare-uts" },
		{ b->as_pid_1 && !b->unshare_pid, "Specifying --as-pid-1 requires --unshare-pid" },
		{ b->as_pid_1 && b->locks.count, "Specifying --as-pid-1 and --lock-file is not permitted" },
		{ b->locks.count > FOREIGN_LOCKS, "Too many --lock-file options" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
		if (rules[i].wrong) {
			b->usage = !rules[i].message;
			return b->usage ? -EINVAL : refuse(p, "%s", rules[i].message);
		}
	return 0;
}

int bwrap_parse(struct arena *arena, char **words, const struct bwrap_caller *caller, struct bwrap *ret)
{
	struct parser p = { .b = ret, .mode = -1 };

	*ret = (struct bwrap){
		.arena = arena, .uid = -1, .gid = -1, .sync_fd = -1, .block_fd = -1, .userns_block_fd = -1,
		.info_fd = -1, .status_fd = -1, .seccomp_fd = -1, .userns_fd = -1, .userns2_fd = -1,
		.pidns_fd = -1, .caps = caller->uid == 0 ? caller->caps : 0, .warnings = { .arena = arena },
		.command = words,
	};
	for (const char *const *entry = caller->environment; entry && *entry; entry++)
		*vec_push(arena, &ret->environment) = *entry;
	while (words[p.words])
		p.words++;
	ret->usage = !p.words;
	if (ret->usage)
		return -EINVAL;
	if (p.words > BWRAP_WORDS)
		return refuse(&p, "Exceeded maximum number of arguments %d", BWRAP_WORDS);
	int r = parse(&p, words, &ret->command);
	return r < 0 || ret->help || ret->version ? r : check_whole(&p, caller);
}

void bwrap_usage(struct strbuf *out, const char *called)
{
	strbuf_addf(out, "usage: %s [OPTIONS...] [--] COMMAND [ARGS...]\n\n", called);
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		const char *both = arena_printf(out->arena, "%s %s", options[i].name, options[i].arguments);
		strbuf_addf(out, "    %-28s %s\n", both, options[i].help);
	}
}
