/* host/probe.c - finds out what this machine can enforce.
 *
 * Two sources: calls with arguments that can't succeed (a call that the kernel does not know says
 * ENOSYS, one that it knows says anything else), and a forked child that builds a tiny cage in
 * namespaces of its own, one attempt per row of a table, and sends the errno of each attempt back.
 * Must not: load modules (the kernel may load those that a cage needs), write outside of the child's namespaces,
 * trust version numbers. */
#include "host/host.h"
#include "base/fd.h"
#include "base/own.h"
#include "base/path.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <linux/magic.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif
/* These numbers are the same on every architecture (all since 5.1, asm-generic). */
enum { NR_OPEN_TREE = 428, NR_MOVE_MOUNT = 429, NR_FSOPEN = 430, NR_FSMOUNT = 432,
       NR_PIDFD_OPEN = 434, NR_OPENAT2 = 437, NR_MOUNT_SETATTR = 442, NR_LANDLOCK_CREATE = 444,
       NR_STATMOUNT = 457, NR_OPEN_TREE_ATTR = 467 };
#define FILE_ROOM 65536
/* ---- small readers ---- */

static char *slurp(struct arena *arena, const char *path)
{
	char *text;
	size_t length;

	if (fd_read_file(arena, AT_FDCWD, path, FILE_ROOM, &text, &length) < 0)
		return NULL;
	while (length && (text[length - 1] == '\n' || text[length - 1] == ' '))
		text[--length] = '\0';
	return text;
}

static long long slurp_number(struct arena *arena, const char *path)
{
	char *text = slurp(arena, path), *end;
	long long value;

	if (!text)
		return -1;
	value = strtoll(text, &end, 10);
	return end == text || *end ? -1 : value;
}

static bool is_known(long number)
{
	/* All arguments invalid: a known call fails on them before it does anything. */
	return syscall(number, -1, NULL, -1, NULL, 0, 0) >= 0 || errno != ENOSYS;
}

static void set(struct host *host, enum feature feature, enum support support, long long value,
		const char *detail)
{
	struct finding *finding = &host->features[feature];

	finding->support = support;
	finding->value = value;
	finding->detail = detail;
}

/* ---- the little cage: attempts in a child ---- */

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), r = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		r = -errno;
	close(fd);
	return r;
}

static uid_t outer_uid;
static gid_t outer_gid;

static int try_unshare(int flags)
{
	return unshare(flags) < 0 ? -errno : 0;
}

static int try_user(void)
{
	char map[64];
	int r = try_unshare(CLONE_NEWUSER);

	if (r < 0)
		return r;
	r = write_file("/proc/self/setgroups", "deny");
	if (r < 0 && r != -ENOENT)
		return r;
	snprintf(map, sizeof(map), "%u %u 1\n", outer_uid, outer_uid);
	r = write_file("/proc/self/uid_map", map);
	if (r < 0)
		return r;
	snprintf(map, sizeof(map), "%u %u 1\n", outer_gid, outer_gid);
	return write_file("/proc/self/gid_map", map);
}

static int try_mount_namespace(void)
{
	int r = try_unshare(CLONE_NEWNS);

	if (r < 0)
		return r;
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		return -errno;
	return mount("tmpfs", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV, "size=256k") < 0 ? -errno : 0;
}

static int try_overlay(void)
{
	static const char *const names[] = { "/tmp/lower", "/tmp/upper", "/tmp/work", "/tmp/merged" };

	/* Never without the tmpfs of the attempt before: these would be the host's directories. */
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (mkdir(names[i], 0700) < 0)
			return -errno;
	return mount("overlay", "/tmp/merged", "overlay", MS_NOSUID | MS_NODEV,
		     "lowerdir=/tmp/lower,upperdir=/tmp/upper,workdir=/tmp/work,userxattr") < 0
		       ? -errno : 0;
}

static int try_in_child(int (*attempt)(void))
{
	int status;
	pid_t child = fork();

	if (child < 0)
		return -errno;
	if (!child)
		_exit(-attempt());
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -EINTR;
}

static int mount_proc(void)
{
	/* On the tmpfs of an earlier attempt; the mount ends with this mount namespace. */
	if (mkdir("/tmp/proc", 0700) < 0)
		return -errno;
	return mount("proc", "/tmp/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0
		       ? -errno : 0;
}

static int try_pid(void)  { return try_unshare(CLONE_NEWPID); }
static int try_proc(void) { return try_in_child(mount_proc); }
static int try_net(void)  { return try_unshare(CLONE_NEWNET); }
static int try_ipc(void)  { return try_unshare(CLONE_NEWIPC); }
static int try_uts(void)  { return try_unshare(CLONE_NEWUTS); }
static int try_cgroup(void) { return try_unshare(CLONE_NEWCGROUP); }
static int try_time(void) { return try_unshare(CLONE_NEWTIME); }

/* What a cage with a relay needs of nft (backend/network.c), with the capability for it kept over exec. */
static int load_rules(void)
{
	static const char rules[] = "table inet cuddy { chain prerouting {\n"
		"type filter hook prerouting priority mangle; policy drop;\n"
		"meta nfproto ipv4 meta l4proto { tcp, udp } tproxy ip to 127.0.0.1:1 accept\n"
		"meta nfproto ipv6 meta l4proto { tcp, udp } tproxy ip6 to [::1]:1 accept\n}\n"
		"chain refuse {\nmeta l4proto tcp reject with tcp reset\nreject with icmpx admin-prohibited\n}\n}\n";
	static const char *const places[] = { "/usr/sbin/nft", "/sbin/nft", "/usr/bin/nft", "/usr/local/sbin/nft" };
	static const char *const argv[] = { "nft", "-f", "-", NULL }, *const envp[] = { NULL };
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct caps[2] = { { 0 } };
	int ends[2], null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	if (null < 0 || pipe2(ends, O_CLOEXEC) < 0 || syscall(SYS_capget, &header, caps) < 0)
		return -errno;
	caps[0].inheritable = 1u << CAP_NET_ADMIN;
	if (write(ends[1], rules, sizeof(rules) - 1) < 0 || dup2(ends[0], 0) < 0 || dup2(null, 1) < 0 ||
	    dup2(null, 2) < 0 || syscall(SYS_capset, &header, caps) < 0 ||
	    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_ADMIN, 0, 0) < 0)
		return -errno;
	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		execve(places[i], (char *const *)argv, (char *const *)envp);
	return -ENOENT;
}

/* nft itself ends with 1 when the kernel refused. */
static int try_rules(void)
{
	int r = try_in_child(load_rules);

	return r == -1 ? -EOPNOTSUPP : r;
}

static int no_nesting(void)
{
	/* Per user namespace: the limit of the one that the attempts made, not the host's. */
	int r = write_file("/proc/sys/user/max_user_namespaces", "0");

	if (r < 0)
		return r;
	return unshare(CLONE_NEWUSER) == 0 ? -EEXIST : 0;
}
static int try_nesting(void) { return try_in_child(no_nesting); }

/* In this order: each needs those before it on its own row's `after`. */
static const struct attempt {
	enum feature feature, after;
	int (*run)(void);
} attempts[] = {
	{ FEATURE_USER_NAMESPACE,    FEATURE_COUNT,	      try_user },
	{ FEATURE_MOUNT_NAMESPACE,   FEATURE_USER_NAMESPACE,  try_mount_namespace },
	{ FEATURE_OVERLAY,	     FEATURE_MOUNT_NAMESPACE, try_overlay },
	{ FEATURE_NETWORK_NAMESPACE, FEATURE_USER_NAMESPACE,  try_net },
	{ FEATURE_NETWORK_RULES,     FEATURE_NETWORK_NAMESPACE, try_rules },
	{ FEATURE_IPC_NAMESPACE,     FEATURE_USER_NAMESPACE,  try_ipc },
	{ FEATURE_UTS_NAMESPACE,     FEATURE_USER_NAMESPACE,  try_uts },
	{ FEATURE_CGROUP_NAMESPACE,  FEATURE_USER_NAMESPACE,  try_cgroup },
	{ FEATURE_TIME_NAMESPACE,    FEATURE_USER_NAMESPACE,  try_time },
	{ FEATURE_NESTING_LIMIT,     FEATURE_USER_NAMESPACE,  try_nesting },
	{ FEATURE_PID_NAMESPACE,     FEATURE_USER_NAMESPACE,  try_pid },
	{ FEATURE_PROC_MOUNT,	     FEATURE_PID_NAMESPACE,   try_proc },
};

static _Noreturn void attempt_all(int out)
{
	int results[FEATURE_COUNT];

	/* A parent that dies takes the child along; nothing stays. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (size_t i = 0; i < FEATURE_COUNT; i++)
		results[i] = -ECANCELED;
	for (size_t i = 0; i < ARRAY_SIZE(attempts); i++) {
		const struct attempt *row = &attempts[i];
		bool is_ready = row->after == FEATURE_COUNT || results[row->after] == 0;

		if (row->feature == FEATURE_PROC_MOUNT)
			is_ready = is_ready && results[FEATURE_MOUNT_NAMESPACE] == 0;
		if (is_ready)
			results[row->feature] = row->run();
	}
	_exit(fd_write_all(out, results, sizeof(results)) < 0);
}

static int probe_namespaces(struct host *host)
{
	int results[FEATURE_COUNT], ends[2], status;
	size_t length = 0;
	ssize_t count = 0;
	pid_t child;

	outer_uid = geteuid();
	outer_gid = getegid();
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	child = fork();
	if (child == 0)
		attempt_all(ends[1]);
	close(ends[1]);
	while (child > 0 && length < sizeof(results)) {
		count = read(ends[0], (char *)results + length, sizeof(results) - length);
		if (count < 0 && errno == EINTR)
			continue;
		if (count <= 0)
			break;
		length += (size_t)count;
	}
	close(ends[0]);
	if (child < 0)
		return -EAGAIN;
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	for (size_t i = 0; i < ARRAY_SIZE(attempts); i++) {
		struct finding *finding = &host->features[attempts[i].feature];
		int r = length == sizeof(results) ? results[attempts[i].feature] : -EINTR;

		finding->error = -r;
		finding->support = r == 0 ? SUPPORT_FULL : SUPPORT_NONE;
	}
	return 0;
}

/* ---- who is in the way ---- */

void knobs_blame(const struct knobs *knobs, struct finding *ret)
{
	const struct { bool applies; const char *detail, *remedy; } suspects[] = {
		{ knobs->max_user_namespaces == 0,
		  "user.max_user_namespaces is 0",
		  "sudo sysctl -w user.max_user_namespaces=28633" },
		{ knobs->unprivileged_userns == 0 && !knobs->is_root,
		  "kernel.unprivileged_userns_clone is 0",
		  "sudo sysctl -w kernel.unprivileged_userns_clone=1" },
		{ knobs->apparmor_restrict > 0 && !knobs->is_root,
		  "AppArmor gives user namespaces to listed programs only "
		  "(kernel.apparmor_restrict_unprivileged_userns)",
		  "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0" },
		{ knobs->has_filter,
		  "a seccomp filter lies on this process, as in a container",
		  "podman run --security-opt seccomp=unconfined --security-opt unmask=ALL …" },
		{ knobs->is_chrooted,
		  "this process lives in a chroot, which user namespaces refuse",
		  "unshare --mount --root DIRECTORY sh" },
		{ knobs->max_user_namespaces < 0,
		  "the kernel was built without user namespaces (CONFIG_USER_NS)",
		  "zgrep CONFIG_USER_NS /proc/config.gz" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(suspects); i++)
		if (suspects[i].applies) {
			ret->detail = suspects[i].detail;
			ret->remedy = suspects[i].remedy;
			return;
		}
}

static bool is_chrooted(void)
{
	struct stat own, first;

	return stat("/", &own) == 0 && stat("/proc/1/root", &first) == 0 &&
	       (own.st_dev != first.st_dev || own.st_ino != first.st_ino);
}

/* What was not tried for want of something else is mended with that. */
static void blame_others(struct arena *arena, struct host *host)
{
	for (size_t i = 0; i < ARRAY_SIZE(attempts); i++) {
		struct finding *finding = &host->features[attempts[i].feature];
		enum feature after = attempts[i].after;

		if (finding->error == ENOSPC && !finding->detail)
			finding->detail = "the limit on their number is reached";
		if (finding->error != ECANCELED || after == FEATURE_COUNT)
			continue;
		if (host_has(host, after)) /* the second need of one row */
			after = FEATURE_MOUNT_NAMESPACE;
		finding->detail = arena_printf(arena, "not tried, it needs %s",
					       feature_rows[after].title);
		finding->remedy = host->features[after].remedy ? host->features[after].remedy
							       : feature_rows[after].remedy;
	}
}

void knobs_read(struct arena *arena, struct knobs *ret)
{
	*ret = (struct knobs){
		.max_user_namespaces = slurp_number(arena, "/proc/sys/user/max_user_namespaces"),
		.unprivileged_userns =
			slurp_number(arena, "/proc/sys/kernel/unprivileged_userns_clone"),
		.apparmor_restrict = slurp_number(
			arena, "/proc/sys/kernel/apparmor_restrict_unprivileged_userns"),
		.is_root = geteuid() == 0,
		.is_chrooted = is_chrooted(),
	};
}

static void blame(struct arena *arena, struct host *host)
{
	struct knobs knobs;
	struct finding *user = &host->features[FEATURE_USER_NAMESPACE];
	struct finding *mounts = &host->features[FEATURE_MOUNT_NAMESPACE];
	struct finding *proc = &host->features[FEATURE_PROC_MOUNT];

	knobs_read(arena, &knobs);
	knobs.has_filter = host->in_container;
	if (user->support == SUPPORT_NONE)
		knobs_blame(&knobs, user);
	/* Ubuntu lets the namespace be made and takes its power away: seen at the first mount. */
	if (user->support == SUPPORT_FULL && (mounts->error == EPERM || mounts->error == EACCES)) {
		user->support = SUPPORT_PARTLY;
		knobs_blame(&knobs, user);
		*mounts = (struct finding){ .error = mounts->error, .detail = user->detail,
					    .remedy = user->remedy };
	}
	if (proc->support == SUPPORT_NONE && proc->error == EPERM)
		proc->detail = "parts of /proc are covered by mounts, as in a container: the kernel "
			       "then refuses a new one";
	blame_others(arena, host);
}

/* ---- the kernel and its modules ---- */

static void probe_kernel(struct arena *arena, struct host *host)
{
	struct utsname name;
	unsigned major = 0, minor = 0;
	char *status = slurp(arena, "/proc/self/status"), *line;

	uname(&name);
	sscanf(name.release, "%u.%u", &major, &minor);
	host->release = arena_strdup(arena, name.release);
	host->machine = arena_strdup(arena, name.machine);
	set(host, FEATURE_KERNEL, major * 1000 + minor >= 5010 ? SUPPORT_FULL : SUPPORT_PARTLY,
	    major * 1000 + minor, host->release);
	line = status ? strstr(status, "\nSeccomp:\t") : NULL;
	host->in_container = line && line[10] == '2';
	host->modules = slurp(arena, "/sys/kernel/security/lsm");
}

static void probe_calls(struct host *host)
{
	static const struct { long number; enum mount_api level; const char *name; } levels[] = {
		{ NR_OPEN_TREE_ATTR, MOUNT_API_OPEN_ATTR, "open_tree_attr (6.15)" },
		{ NR_STATMOUNT,	     MOUNT_API_STATMOUNT, "statmount (6.8)" },
		{ NR_MOUNT_SETATTR,  MOUNT_API_SETATTR,	  "mount_setattr (5.12)" },
		{ NR_FSOPEN,	     MOUNT_API_NEW,	  "fsopen, open_tree (5.2)" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(levels); i++)
		if (is_known(levels[i].number)) {
			set(host, FEATURE_MOUNT_API,
			    levels[i].level >= MOUNT_API_SETATTR ? SUPPORT_FULL : SUPPORT_PARTLY,
			    levels[i].level, levels[i].name);
			break;
		}
	set(host, FEATURE_OPENAT2, is_known(NR_OPENAT2) ? SUPPORT_FULL : SUPPORT_NONE, 0, NULL);
	set(host, FEATURE_PIDFD, is_known(NR_PIDFD_OPEN) ? SUPPORT_FULL : SUPPORT_NONE, 0, NULL);
}

static bool has_action(uint32_t action)
{
	return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

static void probe_seccomp(struct host *host)
{
	struct seccomp_notif_sizes sizes;
	bool notify = has_action(SECCOMP_RET_USER_NOTIF) &&
		      syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) == 0;

	set(host, FEATURE_SECCOMP,
	    !has_action(SECCOMP_RET_ERRNO) ? SUPPORT_NONE
	    : has_action(SECCOMP_RET_KILL_PROCESS) ? SUPPORT_FULL : SUPPORT_PARTLY, 0, NULL);
	set(host, FEATURE_SECCOMP_NOTIFY, notify ? SUPPORT_FULL : SUPPORT_NONE, 0, NULL);
}

static void probe_modules(struct arena *arena, struct host *host)
{
	long abi = syscall(NR_LANDLOCK_CREATE, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	char *apparmor = slurp(arena, "/sys/module/apparmor/parameters/enabled");
	long long scope = slurp_number(arena, "/proc/sys/kernel/yama/ptrace_scope");
	long long tiocsti = slurp_number(arena, "/proc/sys/dev/tty/legacy_tiocsti");

	if (abi > 0)
		set(host, FEATURE_LANDLOCK, abi >= 6 ? SUPPORT_FULL : SUPPORT_PARTLY, abi,
		    arena_printf(arena, "ABI %ld", abi));
	else
		set(host, FEATURE_LANDLOCK, SUPPORT_NONE, 0,
		    errno == EOPNOTSUPP ? "built into the kernel, but switched off at boot"
					: "not built into the kernel");
	if (str_equal(apparmor, "Y"))
		set(host, FEATURE_APPARMOR, SUPPORT_FULL, 0, slurp(arena, "/proc/self/attr/current"));
	else if (apparmor)
		host->features[FEATURE_APPARMOR].detail = "built into the kernel, but switched off";
	if (scope >= 0)
		set(host, FEATURE_YAMA, scope > 0 ? SUPPORT_FULL : SUPPORT_PARTLY, scope,
		    arena_printf(arena, "ptrace_scope %lld", scope));
	if (tiocsti >= 0)
		set(host, FEATURE_TIOCSTI_OFF, tiocsti == 0 ? SUPPORT_FULL : SUPPORT_NONE, tiocsti,
		    arena_printf(arena, "dev.tty.legacy_tiocsti is %lld", tiocsti));
	else
		host->features[FEATURE_TIOCSTI_OFF].detail =
			"this kernel has no dev.tty.legacy_tiocsti (before 6.2)";
}

/* ---- control groups ---- */

static const char *cgroup_top(struct host *host)
{
	static const char *const places[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified" };
	struct statfs fs;

	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		if (statfs(places[i], &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC) {
			if (i == 0)
				set(host, FEATURE_CGROUP, SUPPORT_FULL, 2, "version 2");
			else
				set(host, FEATURE_CGROUP, SUPPORT_PARTLY, 1,
				    "version 1, with an empty version 2 beside it");
			return places[i];
		}
	if (statfs("/sys/fs/cgroup", &fs) == 0 && fs.f_type == TMPFS_MAGIC)
		set(host, FEATURE_CGROUP, SUPPORT_PARTLY, 1, "version 1");
	return NULL;
}

static long long controllers_of(struct arena *arena, const char *group)
{
	static const struct { const char *name; long long bit; } known[] = {
		{ "cpu",    HOST_CONTROLLER_CPU },
		{ "io",	    HOST_CONTROLLER_IO },
		{ "memory", HOST_CONTROLLER_MEMORY },
		{ "pids",   HOST_CONTROLLER_PIDS },
	};
	char *list = slurp(arena, path_join(arena, group, "cgroup.controllers")), *rest = NULL;
	long long bits = 0;

	for (char *word = list ? strtok_r(list, " ", &rest) : NULL; word;
	     word = strtok_r(NULL, " ", &rest))
		for (size_t i = 0; i < ARRAY_SIZE(known); i++)
			if (str_equal(word, known[i].name))
				bits |= known[i].bit;
	return bits;
}

static void probe_cgroup(struct arena *arena, struct host *host)
{
	const char *top = cgroup_top(host);
	char *own = slurp(arena, "/proc/self/cgroup"), *line, *end;
	struct finding *delegation = &host->features[FEATURE_CGROUP_DELEGATION];
	bool writable;

	line = own ? strstr(own, "0::/") : NULL;
	if (!top || !line || (line != own && line[-1] != '\n'))
		return;
	end = strchr(line, '\n');
	if (end)
		*end = '\0';
	host->cgroup = path_normal(arena, top, line[4] ? line + 4 : ".");
	writable = access(host->cgroup, W_OK) == 0 &&
		   access(path_join(arena, host->cgroup, "cgroup.procs"), W_OK) == 0;
	delegation->value = controllers_of(arena, host->cgroup);
	if (!writable)
		delegation->detail = "our own group is not ours to write";
	else if ((delegation->value & (HOST_CONTROLLER_MEMORY | HOST_CONTROLLER_PIDS)) !=
		 (HOST_CONTROLLER_MEMORY | HOST_CONTROLLER_PIDS))
		set(host, FEATURE_CGROUP_DELEGATION, SUPPORT_PARTLY, delegation->value,
		    "groups can be made, but memory and pids controllers are not in them");
	else
		set(host, FEATURE_CGROUP_DELEGATION, SUPPORT_FULL, delegation->value, host->cgroup);
}

/* ---- devices and programs ---- */

static void probe_device(struct host *host, enum feature feature, const char *path,
			 const char *remedy)
{
	struct stat status;

	if (stat(path, &status) < 0 || !S_ISCHR(status.st_mode))
		host->features[feature].detail = "no such device";
	else if (access(path, R_OK | W_OK) < 0)
		host->features[feature] = (struct finding){
			.support = SUPPORT_PARTLY, .error = EACCES, .remedy = remedy,
			.detail = "the device is there, but not for this user" };
	else
		set(host, feature, SUPPORT_FULL, 0, path);
}

static const char *find_program(struct arena *arena, const char *name)
{
	static const char more[] = ":/usr/sbin:/sbin:/usr/local/bin:/usr/libexec:/usr/lib"
				   ":/usr/lib/xdg-desktop-portal";
	const char *path = getenv("PATH");
	const char *own = str_starts(name, "cuddy-") ? own_helper(arena, name) : NULL;
	char *list = arena_printf(arena, "%s%s", path ? path : "/usr/bin:/bin", more), *rest = NULL;

	if (own)
		return access(own, X_OK) == 0 ? own : NULL;
	for (char *place = strtok_r(list, ":", &rest); place; place = strtok_r(NULL, ":", &rest)) {
		char *candidate = path_join(arena, place, name);
		struct stat status;

		/* Relative places would give an answer that depends on where we stand. */
		if (place[0] == '/' && stat(candidate, &status) == 0 && S_ISREG(status.st_mode) &&
		    access(candidate, X_OK) == 0)
			return candidate;
	}
	return NULL;
}

int host_probe(struct arena *arena, const struct host **ret)
{
	struct host *host = arena_new_object(arena, struct host);
	int r;

	r = probe_namespaces(host);
	if (r < 0)
		return r;
	probe_kernel(arena, host);
	probe_calls(host);
	probe_seccomp(host);
	probe_modules(arena, host);
	probe_cgroup(arena, host);
	probe_device(host, FEATURE_FUSE, "/dev/fuse", "sudo chmod 666 /dev/fuse");
	probe_device(host, FEATURE_TUN, "/dev/net/tun", "sudo chmod 666 /dev/net/tun");
	for (size_t i = 0; i < HELPER_COUNT; i++)
		host->helpers[i] = find_program(arena, helper_rows[i].name);
	blame(arena, host);
	*ret = host;
	return 0;
}
