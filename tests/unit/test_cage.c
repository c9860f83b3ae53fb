/* test_cage - names, data that may be hostile, the gate, the record, packed plans, policies as lines. */
#include "cage/data.h"
#include "cage/record.h"
#include "cage/state.h"
#include "policy/lines.h"
#include "policy/policy.h"
#include "base/fd.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char top[] = "/tmp/cuddy-test-cage.XXXXXX";

static const struct sock_filter code[] = {
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
};

static void test_names(struct arena *arena)
{
	static const char *const good[] = { "firefox", "firefox-work", "a", "A.b_c-9", "x.toml" };
	static const char *const bad[] = { "", ".", "..", ".a", "-a", "a/b", "a b", "a\nb", "\xc3\xa4",
					   "0123456789012345678901234567890123456789012345678901234567890123x" };
	bool right = true;

	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		right = right && cage_name_is_valid(good[i]);
	ok(right, "good names are valid");
	right = true;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		right = right && !cage_name_is_valid(bad[i]);
	ok(right, "bad names are not");
	ok(str_equal(cage_name_from(arena, "/usr/bin/g++"), "g__") &&
	       str_equal(cage_name_from(arena, "dir/my.toml"), "my") &&
	       str_equal(cage_name_from(arena, "./.hidden"), "_hidden") &&
	       str_equal(cage_name_from(arena, ""), "cage"), "every text gives a valid name");
	ok(str_equal(cage_kept_path(arena, "/home/u", "/home/u"), "home") &&
	       str_equal(cage_kept_path(arena, "/home/u", "/home/u/.mozilla/x"), "home/.mozilla/x") &&
	       str_equal(cage_kept_path(arena, "/home/u", "/home/user2"), "places/home/user2") &&
	       str_equal(cage_kept_path(arena, "/", "/var"), "places/var"), "where a path is kept");
}

static void test_data(struct arena *arena, struct diags *d)
{
	const char *place = arena_printf(arena, "%s/a/b/cuddy", top), **names;
	static const char *const words[] = { "prog", "a \"quoted\" \\ word\n", "\xc3\xa4", "prog" };
	struct cage_card card = { "web-browser", words, ARRAY_SIZE(words) }, read;
	struct stat status;
	size_t count = 0;

	ok(cage_store_open(place, false) == -ENOENT, "no store before it is made");
	AUTO_FD int store = cage_store_open(place, true);
	ok(store >= 0 && fstat(store, &status) == 0 && (status.st_mode & 07777) == 0700, "a store of mode 0700");
	ok(cage_data_open(store, "../x", true) == -EINVAL, "no name leaves the store");
	AUTO_FD int data = cage_data_open(store, "one", true);
	must(data >= 0);
	AUTO_FD int deep = cage_descend(data, "home/.config/x", true);
	ok(deep >= 0 && faccessat(data, "home/.config/x", F_OK, 0) == 0, "directories are made on the way");
	must(symlinkat("/etc", data, "link") == 0 && mkfifoat(data, "fifo", 0600) == 0);
	ok(cage_descend(data, "link", false) == -ENOTDIR || cage_descend(data, "link", false) == -ELOOP,
	       "a link is not followed");
	ok(cage_descend(data, "link/made", true) < 0 && access("/etc/made", F_OK) < 0, "nor made through");
	ok(cage_descend(data, "fifo", true) == -ENOTDIR, "a FIFO is no directory");
	ok(cage_descend(data, "home/../..", true) == -EINVAL, "'..' is no way");
	ok(cage_card_read(arena, data, "one", d, &read) == 0 && !read.profile, "no card is an empty card");
	ok(cage_card_write(arena, data, &card) == 0 && cage_card_read(arena, data, "one", d, &read) == 0 &&
	       str_equal(read.profile, "web-browser") && read.command_count == 4 &&
	       str_equal(read.command[1], words[1]) && str_equal(read.command[2], words[2]) &&
	       str_equal(read.command[3], "prog"), "a card comes back as it was written");
	struct stat before;
	must(fstatat(data, "cage.toml", &before, 0) == 0 && cage_card_write(arena, data, &card) == 0);
	ok(fstatat(data, "cage.toml", &status, 0) == 0 && before.st_ino == status.st_ino,
	       "an equal card is not written again");
	card.command = (const char *const[]){ "\xff" };
	card.command_count = 1;
	ok(cage_card_write(arena, data, &card) == -EILSEQ, "what TOML cannot hold is refused");
	AUTO_FD int second = cage_data_open(store, "another", true);
	must(second >= 0 && mkdirat(store, ".tmp", 0700) == 0);
	ok(cage_list(arena, store, &names, &count) == 0 && count == 2 && str_equal(names[0], "another") &&
	       str_equal(names[1], "one"), "cages are listed in order");
	if (geteuid() == 0) {
		must(fchownat(store, "another", 1, 1, 0) == 0);
		ok(cage_data_open(store, "another", false) == -EPERM, "what another owns is refused");
	} else {
		ok(true, "what another owns is refused # SKIP needs root");
	}
}

static void test_gate(void)
{
	AUTO_FD int runtime = cage_runtime_open(&(struct cage_places){ .runtime = top }, true);
	struct cage_handles handles;

	must(runtime >= 0);
	ok(cage_gate_open(runtime, "one", false) == -ENOENT, "no gate before it is made");
	int gate = cage_gate_open(runtime, "one", true);
	ok(gate >= 0 && cage_gate_connect(gate, SERVE_LOOK, &handles) == -ENOENT, "nobody behind a new gate");
	int listener = cage_gate_listen(gate);
	ok(listener >= 0, "a socket for init");
	close(listener);
	ok(cage_gate_connect(gate, SERVE_LOOK, &handles) == -ENOENT, "its socket outlived it: nobody answers");
	listener = cage_gate_listen(gate);
	ok(listener >= 0, "and is replaced");
	close(listener);
	pid_t pid = fork();
	if (pid == 0) {
		close(gate); /* else the lock would stay ours, and we would wait for ourselves */
		int other = cage_gate_open(runtime, "one", true);
		_exit(other < 0 || unlinkat(runtime, "one", AT_REMOVEDIR) < 0);
	}
	cage_gate_clear(runtime, gate, "one");
	close(gate);
	int status = 1;
	must(waitpid(pid, &status, 0) == pid);
	ok(status == 0, "who waits at a gate that is removed makes a new one");
	must(mkdirat(runtime, "open", 0755) == 0 && fchmodat(runtime, "open", 0755, 0) == 0);
	ok(cage_gate_open(runtime, "open", true) == -EPERM, "a gate that others can enter is refused");
	must(symlinkat("one", runtime, "link") == 0);
	ok(cage_gate_open(runtime, "link", true) < 0, "a link is no gate");
}

static struct plan *small_plan(void)
{
	static const char *const argv[] = { "true", "-x", NULL };
	struct plan *plan = plan_new();

	plan_base(plan, 1000, 1000, 1000, 1000, 1 << 20);
	plan_bind(plan, "/usr", &(struct stat){ .st_dev = 1, .st_ino = 2, .st_mode = S_IFDIR | 0755 }, "/usr",
		  PLAN_READ_ONLY, NULL);
	plan_file(plan, "/etc/passwd", "me\n", 0644, NULL);
	plan_add(plan, OP_CHDIR, plan_text(plan, "/"), 0, 0, 0, NULL);
	plan_set_filter(plan, code, ARRAY_SIZE(code), NULL);
	plan_set_init_filter(plan, code, ARRAY_SIZE(code));
	plan_env(plan, "PATH", "/usr/bin");
	plan_exec(plan, "/usr/bin/true", NULL, argv, NULL);
	plan_seal(plan);
	return plan;
}

static const char *printed(struct arena *arena, const struct plan *plan)
{
	struct strbuf out = { .arena = arena };

	plan_print(plan, &out);
	return strbuf_text(&out);
}

/* Every cut and every flipped bit: no plan, or one that the verifier can look at. */
static void torture(const struct strbuf *bytes)
{
	char *copy = malloc(bytes->length);

	must(copy != NULL);
	for (size_t i = 0; i < bytes->length * 9; i++) {
		size_t length = i < bytes->length ? i : bytes->length;
		struct arena *arena = arena_new();
		struct diags d;

		diags_init(&d, arena);
		memcpy(copy, bytes->text, bytes->length);
		if (i >= bytes->length)
			copy[(i - bytes->length) / 8] ^= (char)(1 << i % 8);
		struct plan *plan = plan_unpack(copy, length);
		if (plan)
			(void)plan_verify(plan, &d);
		plan_free(plan);
		arena_free(arena);
	}
	free(copy);
}

static void test_record(struct arena *arena, struct diags *d)
{
	CLEANUP(plan_freep) struct plan *plan = small_plan();
	struct cage_record record = { .name = "one", .profile = "p", .program = "true", .directory = "/x",
				      .policy = "allow file\n", .since = 77, .ephemeral = true }, read;
	struct strbuf bytes = { .arena = arena };

	AUTO_FD int fd = cage_record_make(&record, plan);
	ok(fd >= 0 && cage_record_read(arena, fd, &read) == 0 && str_equal(read.name, "one") &&
	       str_equal(read.directory, "/x") && str_equal(read.policy, "allow file\n") && read.since == 77 &&
	       read.ephemeral, "a record comes back");
	CLEANUP(plan_freep) struct plan *again = plan_unpack(read.plan, read.plan_length);
	ok(again && plan_verify(again, d) == 0 && str_equal(printed(arena, plan), printed(arena, again)),
	       "with its plan");
	ok(pwrite(fd, "x", 1, 0) < 0 && ftruncate(fd, 0) < 0, "and nobody can change it");
	AUTO_FD int other = open(top, O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
	ok(cage_record_read(arena, other, &read) == -EPROTO, "a file that is not sealed is none");
	plan_pack(plan, &bytes);
	torture(&bytes);
	ok(true, "cut and flipped plans do no harm");
}

static void test_lines(struct arena *arena)
{
	struct rule rules[] = {
		{ .kind = KIND_FILE, .effect = EFFECT_ALLOW, .access = 1, .pattern = "/usr" },
		{ .kind = KIND_FILE, .effect = EFFECT_DENY, .access = 3, .pattern = "/usr/secret\n" },
	};
	struct policy a = { .rules = rules, .rule_count = 2 }, b = { .rules = rules, .rule_count = 1 };
	struct strbuf widened = { .arena = arena }, narrowed = { .arena = arena };
	const char *one = policy_lines(&a, arena), *two = policy_lines(&b, arena);

	ok(!policy_lines_differ(arena, one, one, &widened, &narrowed), "a policy is like itself");
	ok(policy_lines_differ(arena, one, two, &widened, &narrowed) && strstr(strbuf_text(&widened), "- deny") &&
	       !*strbuf_text(&narrowed), "a deny that went widens");
	widened.length = 0;
	ok(policy_lines_differ(arena, two, one, &widened, &narrowed) && strstr(strbuf_text(&narrowed), "+ deny"),
	       "a deny that came narrows");
	ok(strstr(strbuf_text(&narrowed), "deny file read, write /usr/secret"), "what a rule is about is told in words");
	b = a;
	b.check_names.value = "true";
	narrowed.length = widened.length = 0;
	ok(policy_lines_differ(arena, one, policy_lines(&b, arena), &widened, &narrowed) && !widened.length &&
	       strstr(strbuf_text(&narrowed), "+ set check-names"), "a check of names that came narrows");
	ok(!strstr(one, "secret\n\n") && strstr(one, "\\x0a"), "a line break in a path stays in its line");
}

int main(void)
{
	struct arena *arena = arena_new();
	struct diags d;

	diags_init(&d, arena);
	must(mkdtemp(top) != NULL);
	test_names(arena);
	test_data(arena, &d);
	test_gate();
	test_record(arena, &d);
	test_lines(arena);
	if (fork() == 0)
		execl("/bin/rm", "rm", "-rf", top, NULL);
	wait(NULL);
	arena_free(arena);
	return done();
}
