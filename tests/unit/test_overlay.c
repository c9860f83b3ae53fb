/* tests/unit/test_overlay.c - upper directories written by hand, as hostile as they can be: listed,
 * committed, killed at every step of a commit and committed again, discarded. */
#include "cage/overlay.h"
#include "cage/tree.h"
#include "base/fd.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

static int base = -1;	/* of the test: lower/, cage/tree/{upper,work,path}, outside/ */
static char base_name[64];
static struct arena *arena;

static void put(const char *name, const char *text)
{
	AUTO_FD int fd = openat(base, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	must(fd >= 0 && fd_write_all(fd, text, strlen(text)) == 0);
}

static void make(const char *name)
{
	must(mkdirat(base, name, 0755) == 0);
}

static const char *get(const char *name)
{
	size_t length;
	char *text;

	return fd_read_file(arena, base, name, 1 << 20, &text, &length) == 0 ? text : NULL;
}

static struct stat look(const char *name)
{
	struct stat status = { 0 };

	(void)fstatat(base, name, &status, AT_SYMLINK_NOFOLLOW);
	return status;
}

/* Until the clock of the file system has moved on: what comes now is later than what was. */
static void tick(void)
{
	struct timespec before, now;

	put("clock", "");
	before = look("clock").st_ctim;
	do {
		put("clock", "x");
		now = look("clock").st_ctim;
	} while (time_compare(&now, &before) == 0);
}

static void mark(const char *name, const char *attribute, const char *value)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", base_name, name);
	must(lsetxattr(path, attribute, value, strlen(value), 0) == 0);
}

static void whiteout(const char *name)
{
	must(mknodat(base, name, S_IFCHR, makedev(0, 0)) == 0);
}

/* The host's files: the same in every test. */
static void begin(void)
{
	static const char *const files[] = { "same", "changed", "mode", "deleted", "type", "dir/in",
					     "replaced/old", "gone/one", "gone/two", "kept" };
	static const char *const directories[] = { "lower", "lower/dir", "lower/replaced", "lower/gone", "cage",
						   "cage/tree", "cage/tree/upper", "cage/tree/work", "outside" };

	for (size_t i = 0; i < ARRAY_SIZE(directories); i++)
		make(directories[i]);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		put(arena_printf(arena, "lower/%s", files[i]), files[i]);
	put("cage/tree/path", arena_printf(arena, "%s/lower", base_name));
	put("outside/file", "outside");
	tick();
}

static void end(void)
{
	static const char *const names[] = { "lower", "cage", "outside", "clock" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		must(tree_remove(base, names[i]) == 0);
}

/* What a cage did: every kind of change. */
#define UP "cage/tree/upper/"
static void change(void)
{
	AUTO_FD int sparse = -1;

	put(UP "changed", "after");
	mark(UP "changed", "user.overlay.origin", "x");
	mark(UP "changed", "user.mine", "value");
	put(UP "mode", "mode");
	must(fchmodat(base, UP "mode", 04750, 0) == 0);
	must(utimensat(base, UP "mode", (struct timespec[]){ look("lower/mode").st_atim,
							   look("lower/mode").st_mtim }, 0) == 0);
	whiteout(UP "deleted");
	make(UP "type");
	put(UP "type/file", "in a directory that was a file");
	make(UP "replaced");
	mark(UP "replaced", "user.overlay.opaque", "y");
	put(UP "replaced/new", "new");
	whiteout(UP "gone");
	make(UP "dir");
	mark(UP "dir", "user.overlay.origin", "x");
	put(UP "dir/added", "added");
	make(UP "fresh");
	make(UP "fresh/deeper");
	put(UP "fresh/deeper/file", "file");
	must(symlinkat("/etc/passwd", base, UP "link") == 0);
	put(UP "one", "two names");
	must(linkat(base, UP "one", base, UP "fresh/two", 0) == 0);
	must(mkfifoat(base, UP "pipe", 0600) == 0);
	put(UP "new\nline \033[31m", "escape");
	sparse = openat(base, UP "sparse", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	must(ftruncate(sparse, 64 << 20) == 0 && pwrite(sparse, "middle", 6, 32 << 20) == 6);
	must(futimens(sparse, (struct timespec[]){ { 1000, 5 }, { 2000, 123456789 } }) == 0);
	must(mkdirat(base, UP "stub", 0) == 0 && fchmodat(base, UP "stub", 01000, 0) == 0);
}

static struct overlay open_tree(void)
{
	AUTO_FD int cage = openat(base, "cage", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct overlay *all = NULL;
	size_t count = 0;

	must(overlays_open(arena, cage, &all, &count) == 0 && count == 1);
	return all[0];
}

static const char *list(void)
{
	static const char letters[] = { 'A', 'D', 'M', 'T' };
	CLEANUP(overlay_close) struct overlay o = open_tree();
	struct strbuf out = { .arena = arena };
	struct changes changes;
	int r = overlay_changes(&o, arena, NULL, &changes);

	if (r < 0)
		return strerror(-r);
	for (size_t i = 0; i < changes.list.count; i++)
		strbuf_addf(&out, "%c %s\n", letters[changes.list.items[i].kind],
			    str_quote(arena, changes.list.items[i].path));
	if (changes.too_deep)
		strbuf_add(&out, "too deep\n");
	return strbuf_text(&out);
}

/* What was left alone, a line each; "error …" when the commit could not be carried through. */
static const char *commit(struct commit_options options)
{
	static const char *const words[] = { "changed", "deleted", "part", "failed" };
	CLEANUP(overlay_close) struct overlay o = open_tree();
	struct strbuf out = { .arena = arena };
	struct commit_result result;
	int r;

	options.has_power = true;
	r = overlay_commit(&o, arena, &options, &result);
	if (r < 0)
		return arena_printf(arena, "error %s", strerror(-r));
	for (size_t i = 0; i < result.left.count; i++)
		strbuf_addf(&out, "%s %s\n", words[result.left.items[i].why], result.left.items[i].path);
	return strbuf_text(&out);
}

static const char *const all_changes =
	"M changed\nD deleted\nA dir/added\nA fresh\nA fresh/deeper\nA fresh/deeper/file\nA fresh/two\n"
	"D gone\nA link\nM mode\nA new\\x0aline \\x1b[31m\nA one\nA pipe\nA replaced/new\n"
	"D replaced/old\nA sparse\nT type\nA type/file\n";

static bool is_applied(void)
{
	struct stat sparse = look("lower/sparse"), one = look("lower/one"), two = look("lower/fresh/two");
	char value[16] = { 0 };
	char path[256];

	snprintf(path, sizeof(path), "%s/lower/changed", base_name);
	return str_equal(get("lower/same"), "same") && str_equal(get("lower/changed"), "after") &&
	       lgetxattr(path, "user.mine", value, sizeof(value)) == 5 &&
	       lgetxattr(path, "user.overlay.origin", value, sizeof(value)) < 0 &&
	       look("lower/mode").st_mode == (S_IFREG | 0750) && !look("lower/deleted").st_ino &&
	       str_equal(get("lower/type/file"), "in a directory that was a file") &&
	       !look("lower/replaced/old").st_ino && str_equal(get("lower/replaced/new"), "new") &&
	       !look("lower/gone").st_ino && str_equal(get("lower/dir/in"), "dir/in") &&
	       str_equal(get("lower/dir/added"), "added") && str_equal(get("lower/fresh/deeper/file"), "file") &&
	       S_ISLNK(look("lower/link").st_mode) && S_ISFIFO(look("lower/pipe").st_mode) &&
	       one.st_ino == two.st_ino && one.st_nlink == 2 && sparse.st_size == 64 << 20 &&
	       sparse.st_blocks < 1000 && sparse.st_mtim.tv_sec == 2000 && sparse.st_mtim.tv_nsec == 123456789 &&
	       str_equal(get("lower/new\nline \033[31m"), "escape") && !look("lower/stub").st_ino &&
	       str_equal(get("lower/kept"), "kept");
}

/* No entry of ours stays on the host's side, whatever happened. */
static bool is_clean(void)
{
	struct tree_size size;

	return tree_size(base, "lower", &size) == 0 && size.entries == 20;
}

static bool is_nothing_left(void)
{
	struct tree_size size;

	return tree_size(base, "cage/tree/upper", &size) == 0 && size.entries == 0 &&
	       !look("cage/tree/commit").st_ino;
}

static void test_all(void)
{
	begin();
	change();
	is(list(), all_changes, "every kind of change is listed");
	is(commit((struct commit_options){ 0 }), "", "all are committed");
	ok(is_applied() && is_clean(), "the host has them: modes, times, attributes, holes, links");
	is(list(), "", "and nothing is listed any more");
	ok(is_nothing_left(), "nor left behind");
	end();
}

static void test_kill(void)
{
	unsigned long rounds = 0, good = 0;
	int status = 1;

	while (status) {
		pid_t child;

		begin();
		change();
		child = fork();
		if (child == 0) {
			(void)commit((struct commit_options){ .die_after = rounds + 1 });
			_exit(0);
		}
		must(waitpid(child, &status, 0) == child);
		rounds++;
		good += str_equal(commit((struct commit_options){ 0 }), "") && is_applied() && is_clean() &&
			is_nothing_left() && str_equal(get("outside/file"), "outside");
		end();
	}
	ok(rounds > 40 && good == rounds, "killed at each of %lu steps, the next commit finishes it", rounds);
}

static void test_conflicts(void)
{
	begin();
	change();
	tick();
	put("lower/changed", "outside");
	put("lower/deleted", "outside");
	put("lower/gone/two", "outside");
	put("lower/replaced/old", "outside");
	put("lower/pipe", "outside");
	is(commit((struct commit_options){ 0 }), "changed changed\nchanged deleted\nchanged gone\nchanged pipe\n"
	   "changed replaced/old\n", "what changed outside is left alone, each by name");
	ok(str_equal(get("lower/changed"), "outside") && str_equal(get("lower/deleted"), "outside") &&
	   str_equal(get("lower/gone/one"), "gone/one") && str_equal(get("lower/pipe"), "outside") &&
	   str_equal(get("lower/replaced/old"), "outside"), "the host's files are untouched");
	ok(str_equal(get("lower/fresh/deeper/file"), "file"), "others are committed");
	is(list(), "M changed\nD deleted\nD gone\nT pipe\nD replaced/old\n", "conflicts stay listed");
	is(commit((struct commit_options){ .force = true }), "", "they can be forced");
	ok(str_equal(get("lower/changed"), "after") && !look("lower/gone").st_ino && is_nothing_left(),
	   "then the cage's win");
	end();

	begin();
	change();
	must(unlinkat(base, "lower/changed", 0) == 0 && unlinkat(base, "lower/deleted", 0) == 0 &&
	     unlinkat(base, "lower/dir/in", 0) == 0 && unlinkat(base, "lower/dir", AT_REMOVEDIR) == 0);
	is(commit((struct commit_options){ 0 }), "deleted changed\ndeleted dir\n",
	   "what was deleted outside is left alone; deleted on both sides is no conflict");
	end();
}

static void test_selection(void)
{
	const char *const some[] = { "fresh/deeper", "mode", "d" }, *const part[] = { "replaced/new" };
	const char *const drop[] = { "fresh", "deleted" }, *const none[] = { "kept" };
	CLEANUP(overlay_close) struct overlay o = { .data = -1, .upper = -1, .lower = -1, .hold = -1 };

	begin();
	change();
	is(commit((struct commit_options){ .selection = { some, 3 } }), "", "some paths are committed");
	ok(str_equal(get("lower/fresh/deeper/file"), "file") && !look("lower/fresh/two").st_ino &&
	   look("lower/deleted").st_ino && str_equal(get("lower/changed"), "changed"), "these and no others");
	is(commit((struct commit_options){ .selection = { part, 1 } }), "part replaced\n",
	   "a part of a replaced directory is refused");
	is(commit((struct commit_options){ 0 }), "", "the rest follows without a conflict");
	ok(is_applied() && is_nothing_left(), "and gives the same");
	end();

	begin();
	change();
	o = open_tree();
	ok(overlay_discard(&o, &(struct selection){ drop, 2 }) == 0, "some changes are discarded");
	ok(overlay_discard(&o, &(struct selection){ none, 1 }) == -ENOENT, "no change is not discarded");
	ok(!strstr(list(), "fresh") && !strstr(list(), "deleted") && strstr(list(), "M changed"), "these go");
	ok(overlay_discard(&o, &(struct selection){ NULL, 0 }) == 0 && is_nothing_left(), "then all of them");
	ok(str_equal(get("lower/changed"), "changed") && str_equal(get("lower/gone/one"), "gone/one"),
	   "the host's files are as they were");
	end();
}

static void test_deep(void)
{
	int at = -1;

	begin();
	at = openat(base, UP, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (unsigned i = 0; i < 10000; i++) {
		int next;

		must(mkdirat(at, "d", 0700) == 0);
		next = openat(at, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		close(at);
		at = next;
	}
	close(openat(at, "bottom", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	close(at);
	ok(strstr(list(), "too deep\n"), "10000 levels are listed as far as they can be named");
	is(commit((struct commit_options){ 0 }), "", "and committed");
	at = openat(base, "lower", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (unsigned i = 0; at >= 0 && i < 10000; i++) {
		int next = openat(at, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		close(at);
		at = next;
	}
	ok(at >= 0 && faccessat(at, "bottom", F_OK, 0) == 0 && is_nothing_left(), "down to the last one");
	close(at);
	end();
}

/* A directory of the host is exchanged for a link to another, all the time. */
static atomic_bool stop;

static void *swap(void *context UNUSED)
{
	while (!stop) {
		if (renameat(base, "lower/dir", base, "lower/moved") == 0 &&
		    symlinkat("../outside", base, "lower/dir") == 0)
			unlinkat(base, "lower/dir", 0);
		renameat(base, "lower/moved", base, "lower/dir");
	}
	return NULL;
}

static void test_race(void)
{
	unsigned clean = 0;

	for (unsigned round = 0; round < 50; round++) {
		struct tree_size size;
		pthread_t thread;

		begin();
		change();
		stop = false;
		must(pthread_create(&thread, NULL, swap, NULL) == 0);
		(void)commit((struct commit_options){ .force = true });
		stop = true;
		pthread_join(thread, NULL);
		clean += tree_size(base, "outside", &size) == 0 && size.entries == 1 &&
			 str_equal(get("outside/file"), "outside");
		end();
	}
	ok(clean == 50, "nothing is written through a link (%u of 50)", clean);
}

static void test_hostile(void)
{
	begin();
	put(UP "empty", "");
	mark(UP "empty", "user.overlay.whiteout", "");
	put("lower/empty", "");
	make(UP "half");
	mark(UP "half", "user.overlay.opaque", "x");
	make("lower/half");
	put("lower/half/shown", "shown");
	must(mknodat(base, UP "socket", S_IFSOCK | 0600, 0) == 0);
	put("lower/commit-me", "");
	put("cage/tree/commit", "apply ../../etc\n");
	is(list(), "D empty\nA socket\n", "both kinds of whiteouts and of opaque directories");
	(void)commit((struct commit_options){ .force = true });
	ok(!look("lower/empty").st_ino && str_equal(get("lower/half/shown"), "shown"), "are meant as written");
	make(UP "closed");
	put(UP "closed/file", "closed");
	must(fchmodat(base, UP "closed/file", 0, 0) == 0 && fchmodat(base, UP "closed", 0, 0) == 0);
	if (getuid() != 0) {
		is(list(), strerror(EACCES), "what is closed to us is said");
		ok(overlay_gain_power() == 0, "power over our own files");
	}
	is(list(), "A closed\nA closed/file\n", "what is closed is listed");
	is(commit((struct commit_options){ 0 }), "", "and committed");
	ok(look("lower/closed").st_mode == (S_IFDIR | 0), "as it was");
	must(fchmodat(base, "lower/closed", 0700, 0) == 0);
	ok(look("lower/closed/file").st_mode == (S_IFREG | 0), "with what is in it");
	end();
}

int main(void)
{
	umask(022);
	arena = arena_new();
	strcpy(base_name, "/var/tmp/cuddy-overlay-XXXXXX");
	if (!mkdtemp(base_name))
		return 1;
	base = open(base_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	test_all();
	test_kill();
	test_conflicts();
	test_selection();
	test_deep();
	test_race();
	test_hostile();
	ok(rmdir(base_name) == 0, "the test leaves nothing");
	return done();
}
