/* tests/unit/test_host.c - the tables are whole, the probe is honest and leaves no trace, the
 * doctor names every lack with its cost and remedy.  With "-p" it prints this machine. */
#include "host/host.h"
#include "base/json.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int count, failed;

static void ok(bool good, const char *name)
{
	printf("%s %d - %s\n", good ? "ok" : "not ok", ++count, name);
	failed += !good;
}

static size_t entries(const char *path)
{
	DIR *directory = opendir(path);
	size_t n = 0;

	while (directory && readdir(directory))
		n++;
	if (directory)
		closedir(directory);
	return n;
}

static int traces(void)
{
	static const char *const names[] = { "/tmp/lower", "/tmp/upper", "/tmp/work",
					     "/tmp/merged", "/tmp/proc" };
	int there = 0;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		there |= (access(names[i], F_OK) == 0) << i;
	return there;
}

static void test_tables(void)
{
	bool in_order = true, whole = true, kebab = true;

	for (size_t i = 0; i < FEATURE_COUNT; i++) {
		const struct feature_row *row = &feature_rows[i];

		in_order = in_order && row->feature == i;
		whole = whole && row->name && row->title && strlen(row->cost) > 20 &&
			strchr(row->remedy, ' ');
		kebab = kebab && !strpbrk(row->name, "_ ABCDEFGHIJKLMNOPQRSTUVWXYZ");
		for (size_t j = 0; j < i; j++)
			in_order = in_order && strcmp(feature_rows[j].name, row->name) != 0;
	}
	for (size_t i = 0; i < HELPER_COUNT; i++) {
		const struct helper_row *row = &helper_rows[i];

		in_order = in_order && row->helper == i;
		whole = whole && row->name && row->cost && row->debian && row->alpine &&
			row->fedora && row->arch;
	}
	ok(in_order, "tables stand in the order of their enums, no name twice");
	ok(whole, "every row has a cost and a remedy");
	ok(kebab, "names are kebab-case");
}

static void test_blame(void)
{
	static const struct { const char *name; struct knobs knobs; const char *word; } rows[] = {
		{ "limit 0", { 0, -1, -1, false, false, false }, "max_user_namespaces is 0" },
		{ "debian switch", { 99, 0, -1, false, false, false }, "unprivileged_userns_clone" },
		{ "the switch does not bind root", { 99, 0, -1, true, true, false }, "seccomp" },
		{ "apparmor", { 99, 1, 1, false, false, false }, "AppArmor" },
		{ "container", { 99, -1, -1, true, false, false }, "seccomp" },
		{ "chroot", { 99, -1, -1, false, true, true }, "chroot" },
		{ "not built in", { -1, -1, -1, false, false, false }, "CONFIG_USER_NS" },
	};
	struct finding nobody = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct finding finding = { 0 };
		char name[80];

		knobs_blame(&rows[i].knobs, &finding);
		snprintf(name, sizeof(name), "who blocks user namespaces: %s", rows[i].name);
		ok(finding.detail && strstr(finding.detail, rows[i].word) && finding.remedy, name);
	}
	knobs_blame(&(struct knobs){ 99, 1, 0, false, false, false }, &nobody);
	ok(!nobody.detail && !nobody.remedy, "who blocks user namespaces: nobody is blamed");
}

static void test_doctor(struct arena *arena)
{
	struct host bare = { .release = "6.1\033[31m", .machine = "riscv64" }, full = { 0 };
	struct strbuf text = { .arena = arena }, whole = { .arena = arena }, out = { .arena = arena };
	struct json json = { .out = &out };
	bool all = true;

	bare.features[FEATURE_USER_NAMESPACE] = (struct finding){
		.detail = "somebody says no", .remedy = "ask somebody" };
	doctor_print(&bare, &text, true);
	for (size_t i = 0; i < FEATURE_COUNT; i++)
		all = all && strstr(strbuf_text(&text), feature_rows[i].cost);
	for (size_t i = 0; i < HELPER_COUNT; i++)
		all = all && strstr(strbuf_text(&text), helper_rows[i].cost);
	ok(all, "a bare host: every cost is named");
	ok(!host_can_cage(&bare) && strstr(text.text, "do NOT work"), "a bare host can't cage");
	ok(strstr(text.text, "(somebody says no)") && strstr(text.text, "remedy: ask somebody"),
	   "what the probe found goes before the table");
	ok(!strchr(text.text, '\033'), "foreign bytes are quoted");
	doctor_print_json(&bare, &json, NULL);
	ok(strstr(strbuf_text(&out), "\"can-cage\": false") && strstr(out.text, "\"remedy\""),
	   "JSON of a bare host");

	for (size_t i = 0; i < FEATURE_COUNT; i++)
		full.features[i].support = SUPPORT_FULL;
	for (size_t i = 0; i < HELPER_COUNT; i++)
		full.helpers[i] = "/usr/bin/x";
	doctor_print(&full, &whole, true);
	ok(host_can_cage(&full) && !strstr(whole.text, "cost:"), "a full host costs nothing");
	full.features[FEATURE_SECCOMP].support = SUPPORT_PARTLY;
	ok(!host_can_cage(&full), "half of a needed feature is not enough");
}

static void test_probe(struct arena *arena, bool print)
{
	struct stat before, after, mounts, user;
	size_t descriptors = entries("/proc/self/fd");
	int made = traces();
	const struct host *host = NULL;
	struct strbuf text = { .arena = arena }, document = { .arena = arena };
	struct json json = { .out = &document };

	stat("/proc/self/ns/user", &before);
	stat("/proc/self/ns/mnt", &mounts);
	ok(host_probe(arena, &host) == 0 && host, "the probe ends");
	stat("/proc/self/ns/user", &after);
	ok(before.st_ino == after.st_ino, "we are in the same user namespace");
	stat("/proc/self/ns/mnt", &user);
	ok(mounts.st_ino == user.st_ino, "we are in the same mount namespace");
	ok(entries("/proc/self/fd") == descriptors, "no descriptor is left");
	ok(traces() == made, "no directory of an attempt is left");
	ok(waitpid(-1, NULL, WNOHANG) < 0, "no child is left");
	ok(host->release && host->machine && host->features[FEATURE_KERNEL].value >= 3000,
	   "the kernel has a version");
	ok(!host_has(host, FEATURE_OVERLAY) || host_has(host, FEATURE_MOUNT_NAMESPACE),
	   "no overlay without mounts");
	ok(!host_has(host, FEATURE_MOUNT_NAMESPACE) || host_has(host, FEATURE_USER_NAMESPACE),
	   "no mounts without a user namespace");
	ok(!host_has(host, FEATURE_SECCOMP_NOTIFY) || host_has(host, FEATURE_SECCOMP),
	   "no notification without seccomp");
	doctor_print(host, &text, true);
	doctor_print_json(host, &json, NULL);
	ok(text.length > 500 && document.length > 500, "this machine prints");
	if (print)
		fprintf(stderr, "%s%s\n", text.text, document.text);
}

static bool put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool good = fd >= 0 && write(fd, text, strlen(text)) > 0;

	if (fd >= 0)
		close(fd);
	return good;
}

/* In a user namespace of its own, whose limits are its own too: 0 good, 1 wrong, 2 can't try. */
static int probe_with_limit(const char *knob, enum feature first, enum feature second)
{
	struct arena *arena = arena_new();
	const struct host *host;
	char map[64];

	snprintf(map, sizeof(map), "0 %u 1\n", geteuid());
	if (unshare(CLONE_NEWUSER) < 0 || !put("/proc/self/uid_map", map) || !put(knob, "0"))
		return 2;
	if (host_probe(arena, &host) < 0)
		return 1;
	return host_can_cage(host) || host_has(host, first) || host_has(host, second) ||
	       !host->features[first].detail || !host->features[second].detail ||
	       !host->features[second].remedy;
}

static void test_limits(void)
{
	static const struct { const char *knob; enum feature first, second; } rows[] = {
		{ "/proc/sys/user/max_user_namespaces", FEATURE_USER_NAMESPACE,
		  FEATURE_NETWORK_NAMESPACE },
		{ "/proc/sys/user/max_mnt_namespaces", FEATURE_MOUNT_NAMESPACE, FEATURE_OVERLAY },
		{ "/proc/sys/user/max_pid_namespaces", FEATURE_PID_NAMESPACE, FEATURE_PROC_MOUNT },
	};

	fflush(stdout);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int status = 0;
		pid_t child = fork();

		if (child == 0)
			_exit(probe_with_limit(rows[i].knob, rows[i].first, rows[i].second));
		waitpid(child, &status, 0);
		if (WIFEXITED(status) && WEXITSTATUS(status) == 2)
			printf("ok %d - %s is 0 # SKIP no user namespaces here\n", ++count,
			       rows[i].knob);
		else
			ok(WIFEXITED(status) && WEXITSTATUS(status) == 0, rows[i].knob);
	}
}

int main(int argc, char **argv)
{
	struct arena *arena = arena_new();

	test_tables();
	test_blame();
	test_doctor(arena);
	test_limits();
	test_probe(arena, argc > 1 && strcmp(argv[1], "-p") == 0);
	printf("1..%d\n", count);
	arena_free(arena);
	return failed > 0;
}
