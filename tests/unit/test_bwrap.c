/* test_bwrap - bubblewrap's options: each is known, wants its arguments, and says what bubblewrap says; the
 * plan that comes of a command line keeps the rules for such plans, and is refused as a cage's. */
#include "bwrap/bwrap.h"
#include "base/own.h"
#include "tap.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define MOST 16
static struct arena *arena;
static struct bwrap b;
static const char *const environment[] = { "HOME=/home/me", "PATH=/usr/bin", "TERM=x", NULL };

/* A copy of `line`, split at spaces; "" is an empty word. */
static char **words(const char *line)
{
	char **list = arena_new_array(arena, char *, MOST + 1), *copy = arena_strdup(arena, line);

	for (size_t i = 0; i < MOST && *copy; i++) {
		size_t length = strcspn(copy, " ");
		list[i] = length == 2 && strncmp(copy, "\"\"", 2) == 0 ? arena_strdup(arena, "")
								       : arena_strndup(arena, copy, length);
		copy += length + (copy[length] == ' ');
	}
	return list;
}

static int parse_as(const char *line, uid_t uid)
{
	const struct bwrap_caller caller = { .uid = uid, .gid = uid, .caps = 0xff, .environment = environment };

	return bwrap_parse(arena, words(line), &caller, &b);
}

static int parse(const char *line)
{
	return parse_as(line, 1000);
}

/* A line that is refused, and the message; NULL: the help. */
static const struct { const char *line, *message; } refused[] = {
	{ "", NULL }, { "--tmpfs /x", NULL }, { "--", NULL },
	{ "--x true", "Unknown option --x" }, { "-x true", "Unknown option -x" }, { "- true", "Unknown option -" },
	{ "--bind", "--bind takes two arguments" }, { "--bind /a", "--bind takes two arguments" },
	{ "--ro-bind-try /a", "--ro-bind-try takes two arguments" },
	{ "--ro-bind-fd 3", "--bind-fd takes two arguments" },
	{ "--tmpfs", "--tmpfs takes an argument" }, { "--chdir", "--chdir takes one argument" },
	{ "--remount-ro", "--remount-ro takes one argument" }, { "--argv0", "--argv0 takes one argument" },
	{ "--setenv A", "--setenv takes two arguments" }, { "--args", "--args takes an argument" },
	{ "--overlay a b", "--overlay takes three arguments" },
	{ "--overlay a b c true", "--overlay requires at least one --overlay-src" },
	{ "--tmp-overlay c true", "--tmp-overlay requires at least one --overlay-src" },
	{ "--overlay-src a --ro-overlay c true", "--ro-overlay requires at least two --overlay-src" },
	{ "--overlay-src a --dir /x true", "--overlay-src must be followed by another --overlay-src or one of "
					   "--overlay, --tmp-overlay, or --ro-overlay" },
	{ "--overlay-src a true", "--overlay-src must be followed by another --overlay-src or one of "
				  "--overlay, --tmp-overlay, or --ro-overlay" },
	{ "--uid x true", "Invalid uid: x" }, { "--gid -1 true", "Invalid gid: -1" },
	{ "--uid \"\" true", "Invalid uid: " }, { "--uid 99999999999 true", "Invalid uid: 99999999999" },
	{ "--sync-fd 3x true", "Invalid fd: 3x" }, { "--file -1 /x true", "Invalid fd: -1" },
	{ "--cap-add none true", "unknown cap: none" }, { "--cap-add sys_admin true", "unknown cap: sys_admin" },
	{ "--perms 8 --dir /x true", "--perms takes an octal argument <= 07777" },
	{ "--perms 10000 --dir /x true", "--perms takes an octal argument <= 07777" },
	{ "--perms 1 --perms 1 --dir /x true", "--perms given twice for the same action" },
	{ "--perms 1 --proc /x true", "--perms must be followed by an option that creates a file" },
	{ "--chmod 99 /x true", "--chmod takes an octal argument <= 07777" },
	{ "--size 0 --tmpfs /x true", "--size takes a non-zero number of bytes" },
	{ "--size -1 --tmpfs /x true", "--size takes a non-zero number of bytes" },
	{ "--size 1k --tmpfs /x true", "--size takes a non-zero number of bytes" },
	{ "--size 1 --size 1 --tmpfs /x true", "--size given twice for the same action" },
	{ "--size 1 --dir /x true", "--size must be followed by --tmpfs" },
	{ "--seccomp 3 --add-seccomp-fd 4 true", "--add-seccomp-fd cannot be combined with --seccomp" },
	{ "--add-seccomp-fd 4 --seccomp 3 true", "--seccomp cannot be combined with --add-seccomp-fd" },
	{ "--setenv \"\" x true", "setenv failed" }, { "--setenv a=b x true", "setenv failed" },
	{ "--unsetenv a=b true", "unsetenv failed" },
	{ "--argv0 a --argv0 b true", "--argv0 used multiple times" },
	{ "--hostname h true", "Specifying --hostname requires --unshare-uts" },
	{ "--as-pid-1 true", "Specifying --as-pid-1 requires --unshare-pid" },
	{ "--unshare-pid --as-pid-1 --lock-file /x true", "Specifying --as-pid-1 and --lock-file is not permitted" },
	{ "--userns-block-fd 3 true", "--userns-block-fd requires --unshare-user" },
	{ "--unshare-user --userns-block-fd 3 true", "--userns-block-fd requires --info-fd" },
	{ "--unshare-user --userns 3 true", "--userns not compatible --unshare-user" },
	{ "--unshare-all --userns 3 true", "--userns not compatible --unshare-user-try" },
	{ "--disable-userns true", "--disable-userns requires --unshare-user" },
	{ "--args 99 true", "Can't read --args data: Bad file descriptor" },
};

static void test_refused(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		bool was = parse(refused[i].line) < 0;
		ok(was && b.usage == !refused[i].message, "refused: '%s'", refused[i].line);
		is(b.error, refused[i].message, "the message of '%s'", refused[i].line);
	}
	ok(parse_as("--uid 5 true", 0) < 0, "root's --uid wants a user namespace");
	ok(parse_as("--uid 0 true", 0) == 0, "unless nothing changes");
}

/* Every option of the help is taken with as many arguments as the help says, and none with fewer. */
static void test_all_options(void)
{
	struct strbuf help = { .arena = arena };
	unsigned count = 0, good = 0;

	bwrap_usage(&help, "bwrap");
	for (char *line = strstr(help.text, "    --"); line; line = strstr(line + 1, "\n    --")) {
		char *name = strstr(line, "--"), *at = name + strcspn(name, " ");
		const char *word = arena_strndup(arena, name, (size_t)(at - name));
		struct strbuf all = { .arena = arena };
		unsigned arguments = 0;

		for (; at[0] == ' ' && at[1] >= 'A' && at[1] <= 'Z' && at[2] != 0 && at[2] >= 'A' && at[2] <= 'Z';
		     at += 1 + strcspn(at + 1, " \n"))
			arguments++;
		strbuf_add(&all, word);
		count++;
		unsigned took = 0;
		for (unsigned i = 0; i < arguments && (parse(all.text), b.error && strstr(b.error, " takes ")); i++, took++)
			strbuf_add(&all, " 7");
		good += took == arguments;
		if (took != arguments)
			printf("# %s: %u of %u\n", word, took, arguments);
	}
	ok(count == 67 && good == count, "%u of %u options want what the help says", good, count);
}

static void test_values(void)
{
	ok(parse("--unshare-all --share-net a b") == 0 && b.unshare_pid && b.unshare_user_try && !b.unshare_net &&
		   strcmp(b.command[1], "b") == 0, "--unshare-all but the network");
	ok(parse("--share-net --unshare-all a") == 0 && b.unshare_net, "the last one wins");
	ok(parse("--dir /a -- --dir") == 0 && strcmp(b.command[0], "--dir") == 0, "-- ends the options");
	ok(parse("--perms 0700 --dir /a --dir /b x") == 0 && b.ops.items[0].mode == 0700 && b.ops.items[1].mode == 0755,
	   "--perms is for one");
	ok(parse("--size 0x10 --perms 1 --tmpfs /a --tmpfs /b x") == 0 && b.ops.items[0].size == 16 &&
		   b.ops.items[0].mode == 1 && !b.ops.items[1].size, "--size, too");
	ok(parse("--overlay-src a --overlay-src b --overlay u w d --overlay-src c --tmp-overlay e x") == 0 &&
		   b.ops.items[0].layers == 2 && b.ops.items[1].first_layer == 2 && b.ops.items[1].layers == 1,
	   "layers belong to the next overlay");
	ok(parse("--setenv A 1 --setenv TERM y --unsetenv HOME --setenv A 2 x") == 0 && b.environment.count == 3,
	   "the environment is changed in order");
	is(b.environment.items[1], "TERM=y", "a variable keeps its place");
	is(b.environment.items[2], "A=2", "the last value counts");
	ok(parse("--clearenv --setenv A 1 x") == 0 && b.environment.count == 1, "--clearenv");
	ok(parse("--cap-add cap_kill x") == 0 && b.caps == 1 << 5, "a capability");
	ok(parse("--cap-add ALL --cap-drop CAP_CHOWN x") == 0 && b.caps == (UINT64_MAX >> 1) - 1, "all but one");
	ok(parse_as("--cap-drop CAP_CHOWN x", 0) == 0 && b.caps == 0xfe, "root begins with its own");
	ok(parse("--chdir a --chdir b x") == 0 && strcmp(b.chdir, "b") == 0, "--chdir twice");
	is(b.warnings.text, "Only the last --chdir option will take effect\n", "is warned about");
	ok(parse("--foo") < 0 && parse("--help --foo") == 0 && b.help, "--help ends the parsing");
	ok(parse("--version") == 0 && b.version, "--version");
}

static int args_file(const char *bytes, size_t length)
{
	int fd = memfd_create("args", 0);

	if (fd < 0 || write(fd, bytes, length) != (ssize_t)length || lseek(fd, 0, SEEK_SET) < 0)
		abort();
	return fd;
}

static int parse_args(const char *bytes, size_t length, const char *behind)
{
	int fd = args_file(bytes, length);
	int r = parse(arena_printf(arena, "--args %d %s", fd, behind));

	ok(fcntl(fd, F_GETFD) < 0 || r < 0, "the descriptor of --args is closed");
	close(fd);
	return r;
}

#define ARGS(text, behind) parse_args(text, sizeof(text) - 1, behind)
static void test_args(void)
{
	ok(ARGS("--dir\0/a b\0", "x") == 0 && strcmp(b.ops.items[0].target, "/a b") == 0, "--args: words end with NUL");
	ok(ARGS("--dir\0/a", "x") == 0 && b.ops.count == 1, "the last may do without");
	ok(ARGS("--setenv\0A\0\0", "x") == 0 && strcmp(b.environment.items[3], "A=") == 0, "a word may be empty");
	ok(ARGS("", "x") == 0 && !b.ops.count, "no words at all");
	ok(ARGS("--dir\0/a\0x\0--dir\0", "y") == 0 && strcmp(b.command[0], "y") == 0,
	   "what is no option ends it, the command is outside");
	ok(ARGS("--dir\0", "/x x") < 0, "an option does not reach out for its argument");
	is(b.error, "--dir takes an argument", "and says so");
	ok(ARGS("--args\0003\0", "x") < 0, "no --args in --args");
	is(b.error, "--args not supported in arguments file", "and says so, too");

	struct strbuf many = { .arena = arena };
	for (unsigned i = 0; i < BWRAP_WORDS - 3; i++)
		strbuf_add_bytes(&many, "--unshare-ipc", sizeof("--unshare-ipc"));
	ok(parse_args(many.text, many.length, "x") == 0, "as many words as the limit allows");
	strbuf_add_bytes(&many, "--unshare-ipc", sizeof("--unshare-ipc"));
	ok(parse_args(many.text, many.length, "x") < 0, "one more is refused");
	is(b.error, "Exceeded maximum number of arguments 9000", "with bubblewrap's words");
	while (many.length <= BWRAP_ARGS_SIZE)
		strbuf_add_bytes(&many, many.text, many.length);
	ok(parse_args(many.text, many.length, "x") < 0, "too many bytes are refused");
}

static struct plan *plan_of(const char *line, uid_t uid)
{
	const struct bwrap_caller caller = { .uid = uid, .gid = uid, .environment = environment };
	struct launch_foreign launch;

	if (parse_as(line, uid) < 0)
		return NULL;
	return bwrap_plan(&b, &caller, &launch);
}

static unsigned count(const struct plan *plan, enum op op)
{
	unsigned found = 0;

	for (size_t i = 0; i < plan->steps.count; i++)
		found += plan->steps.items[i].op == op;
	return found;
}

static uint64_t leave(const char *line, uid_t uid)
{
	struct plan *plan = plan_of(line, uid);

	for (size_t i = 0; plan && i < plan->steps.count; i++)
		if (plan->steps.items[i].op == OP_LEAVE)
			return plan->steps.items[i].a;
	return 99;
}

static void test_plan(void)
{
	struct diags d;
	diags_init(&d, arena);
	struct plan *plan = plan_of("--unshare-all --ro-bind / / --proc /proc --dev /dev --tmpfs /a/../b --remount-ro / x", 1000);

	ok(plan && plan_verify(plan, &d) == 0, "a plan keeps the rules");
	ok(count(plan, OP_NEST) == 1 && count(plan, OP_MAP) == 1, "a devpts wants root first");
	plan->foreign = false;
	ok(plan_verify(plan, &d) < 0, "it is no plan of a cage");
	plan->foreign = true;
	plan->steps.items[0].op = OP_PRIVATE;
	ok(plan_verify(plan, &d) < 0, "operations of cages are not for it");
	plan = plan_of("--bind /usr /usr x", 1000);
	for (size_t i = 0; i < plan->steps.count; i++)
		if (plan->steps.items[i].op == OP_BIND)
			plan->steps.items[i].x = 0;
	ok(plan_verify(plan, &d) < 0, "a mount is nosuid here, too");
	ok(!plan_of("--ro-bind /does/not/exist /x x", 1000), "a source must exist");
	is(b.error, "Can't find source path /does/not/exist: No such file or directory", "as bubblewrap says it");
	ok(plan_of("--ro-bind-try /does/not/exist /x x", 1000) != NULL, "or be optional");
	ok(leave("x", 1000) == 0, "without capabilities the old root is covered");
	ok(leave("--cap-add ALL x", 1000) == PLAN_LEAVE_PIVOT, "with some it is taken away");
	ok(leave("--cap-add ALL --dev /dev x", 1000) == 0, "but not if they are in a namespace below");
	ok(leave("x", 0) == PLAN_LEAVE_PIVOT && leave("--unshare-user x", 0) == PLAN_LEAVE_PIVOT, "root's always");
}

int main(int count, char **words)
{
	if (!count || own_protect(words) < 0)
		return 1;
	arena = arena_new();
	test_refused();
	test_all_options();
	test_values();
	test_args();
	test_plan();
	arena_free(arena);
	return done();
}
