/* tests/containment/files.c - ways to files outside, devices, /proc and /sys.
 *
 * PROBE_OUTSIDE is a directory outside of the cage with a file "secret" in it, writable for the
 * user; whatever is made there is removed at once. */
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysinfo.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#define ROOM 1024
static char path[ROOM], other[ROOM];

/* Absent is closed here too: what can't be named can't be reached. */
static enum verdict try_open(int at, const char *name, int flags)
{
	int fd = openat(at, name, flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0)
		return say(VERDICT_CLOSED, "%.120s: %s", name, strerror(errno));
	close(fd);
	return say(VERDICT_OPEN, "%.120s opened", name);
}

static const char *outside(void)
{
	const char *place = fact("PROBE_OUTSIDE");

	if (!place)
		say(VERDICT_SKIP, "PROBE_OUTSIDE is not given");
	return place;
}

static enum verdict outside_file(const struct row *row)
{
	const char *place = outside();

	if (!place)
		return VERDICT_SKIP;
	snprintf(path, ROOM, "%s%s%s", row->text, place, row->number[0] ? "" : "/secret");
	return try_open(AT_FDCWD, path, (int)row->number[0]);
}

static enum verdict outside_write(const struct row *row)
{
	const char *place = outside();
	enum verdict verdict;

	if (!place)
		return VERDICT_SKIP;
	snprintf(path, ROOM, "%s/%s-%d", place, row->text, (int)getpid());
	verdict = try_open(AT_FDCWD, path, O_WRONLY | O_CREAT | O_EXCL);
	/* A cage may have made that path for itself; the driver looks whether it is the host's. */
	if (verdict == VERDICT_OPEN && access(place, F_OK) == 0) {
		snprintf(other, ROOM, "%s/secret", place);
		if (access(other, F_OK) < 0)
			verdict = say(VERDICT_CLOSED, "a place of the cage's own");
		unlink(path);
	}
	return verdict;
}

static enum verdict by_link(const struct row *row)
{
	const char *place = outside(), *own = own_directory();
	enum verdict verdict;

	if (!place || !own)
		return place ? say(VERDICT_CLOSED, "no place to make a link") : VERDICT_SKIP;
	snprintf(path, ROOM, "%s/secret", place);
	snprintf(other, ROOM, "%s/link", own);
	if ((row->number[0] ? link(path, other) : symlink(path, other)) < 0)
		verdict = say(VERDICT_CLOSED, "link: %s", strerror(errno));
	else
		verdict = try_open(AT_FDCWD, other, O_RDONLY);
	unlink(other);
	rmdir(own);
	return verdict;
}

/* Up and up from `at`, past whatever calls itself the top, then down again. */
static enum verdict walk_from(int at)
{
	const char *place = outside();

	for (int i = 0; i < 64; i++) {
		int up = openat(at, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);

		if (up < 0)
			break;
		at = up;
	}
	snprintf(path, ROOM, "%s/secret", place + 1);
	return try_open(at, path, O_RDONLY);
}

static enum verdict dotdot_walk(const struct row *row)
{
	int at = outside() ? open(row->text, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;

	if (!fact("PROBE_OUTSIDE"))
		return VERDICT_SKIP;
	return at < 0 ? say(VERDICT_CLOSED, "%s: %s", row->text, strerror(errno)) : walk_from(at);
}

static enum verdict chroot_walk(const struct row *row)
{
	const char *own = own_directory();
	int top = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), r;

	(void)row;
	if (!outside() || !own)
		return say(VERDICT_SKIP, "no place for it");
	/* The old way out: change the root to below of where a descriptor stands. */
	r = chroot(own);
	rmdir(own);
	if (r < 0)
		return say(VERDICT_CLOSED, "chroot: %s", strerror(errno));
	return walk_from(top);
}

/* What the driver left in a place that all programs of a user share, under the name of its cookie. */
static enum verdict shared_place(const struct row *row)
{
	const char *cookie = fact("PROBE_COOKIE");

	if (!cookie)
		return say(VERDICT_SKIP, "PROBE_COOKIE is not given");
	snprintf(path, ROOM, "%s/%s", row->text, cookie);
	return try_open(AT_FDCWD, path, O_RDONLY);
}

/* Files of the user's home that programs outside read or run; the driver looks whether they stay. */
static enum verdict home_file(const struct row *row)
{
	const char *home = fact("PROBE_HOME"), *cookie = fact("PROBE_COOKIE");
	char text[200] = "";
	ssize_t length;
	int fd;

	if (!home || !cookie)
		return say(VERDICT_SKIP, "PROBE_HOME is not given");
	snprintf(path, ROOM, "%s/%s", home, row->text);
	fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	if (fd >= 0 && write(fd, "\n", 1) == 1) /* into a file of the cage's own, or the driver will see it */
		close(fd);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	length = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (length < 0)
		return say(VERDICT_CLOSED, "%.60s: %s", row->text, strerror(errno));
	return strstr(text, cookie) ? say(VERDICT_OPEN, "%.60s is the host's", row->text)
				    : say(VERDICT_CLOSED, "another file");
}

static enum verdict open_path(const struct row *row)
{
	return try_open(AT_FDCWD, row->text, (int)row->number[0]);
}

static enum verdict has_content(const struct row *row)
{
	int fd = open(row->text, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t length = fd < 0 ? -1 : read(fd, path, ROOM - 1);

	if (length <= 0)
		return say(VERDICT_CLOSED, "%s", length < 0 ? strerror(errno) : "empty");
	path[length] = '\0';
	if (row->number[0] && strtoull(path, NULL, 16) == 0) /* kallsyms with its addresses hidden */
		return say(VERDICT_CLOSED, "zeroes only");
	return say(VERDICT_OPEN, "%s is readable", row->text);
}

static enum verdict same_text(const struct row *row)
{
	const char *host = fact(row->number[0] ? "PROBE_MACHINE_ID" : "PROBE_BOOT_ID");
	int fd = open(row->text, O_RDONLY | O_CLOEXEC);
	ssize_t length = fd < 0 ? -1 : read(fd, path, ROOM - 1);

	if (!host)
		return say(VERDICT_SKIP, "the host's is not known");
	if (length <= 0)
		return say(VERDICT_CLOSED, "not readable");
	return strncmp(path, host, strlen(host)) == 0 ? say(VERDICT_OPEN, "it is the host's")
						      : say(VERDICT_CLOSED, "it is another");
}

static enum verdict same_host_name(const struct row *row)
{
	const char *host = fact("PROBE_HOSTNAME");
	struct utsname name;

	(void)row;
	uname(&name);
	if (!host)
		return say(VERDICT_SKIP, "PROBE_HOSTNAME is not given");
	return say(strcmp(host, name.nodename) ? VERDICT_CLOSED : VERDICT_OPEN, "%.100s",
		   name.nodename);
}

static enum verdict make_device(const struct row *row)
{
	const char *own = own_directory();
	enum verdict verdict;

	(void)row;
	if (!own)
		return say(VERDICT_CLOSED, "no place to write");
	snprintf(path, ROOM, "%s/node", own);
	if (mknod(path, S_IFCHR | 0600, makedev(1, 3)) < 0) /* a second /dev/null */
		verdict = say(VERDICT_CLOSED, "mknod: %s", strerror(errno));
	else
		verdict = try_open(AT_FDCWD, path, O_RDONLY);
	unlink(path);
	rmdir(own);
	return verdict;
}

static enum verdict setuid_bits(const struct row *row)
{
	const char *own = own_directory();
	struct statvfs fs = { 0 };
	int fd, r;

	if (!own)
		return say(VERDICT_CLOSED, "no place to write");
	snprintf(path, ROOM, "%s/bits", own);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	fstatvfs(fd, &fs);
	r = row->number[0] ? fchmod(fd, 06700) : 0;
	unlink(path);
	rmdir(own);
	if (row->number[0])
		return judge(r, "chmod ug+s");
	return say(fs.f_flag & ST_NOSUID ? VERDICT_CLOSED : VERDICT_OPEN, "%.100s is%s nosuid", own,
		   fs.f_flag & ST_NOSUID ? "" : " not");
}

static enum verdict unbounded_tmpfs(const struct row *row)
{
	struct statfs fs;
	struct sysinfo info;
	unsigned long long size, memory;

	if (statfs(row->text, &fs) < 0 || access(row->text, W_OK) < 0)
		return say(VERDICT_CLOSED, "not there or not writable");
	if (fs.f_type != TMPFS_MAGIC)
		return say(VERDICT_CLOSED, "not a tmpfs");
	sysinfo(&info);
	memory = (unsigned long long)info.totalram * info.mem_unit;
	size = (unsigned long long)fs.f_blocks * (unsigned long long)fs.f_bsize;
	/* The kernel's default is half of the memory, and so many inodes. */
	return say(size == 0 || size > memory / 100 * 45 ? VERDICT_OPEN : VERDICT_CLOSED,
		   "%llu of %llu MB", size >> 20, memory >> 20);
}

#define RO O_RDONLY
#define WO O_WRONLY
const struct row file_rows[] = {
	{ "outside-read",	   outside_file, "", { 0 } },
	{ "outside-read-dotdot",   outside_file, "/../../..", { 0 } },
	{ "outside-read-self-root", outside_file, "/proc/self/root", { 0 } },
	{ "outside-read-pid-1-root", outside_file, "/proc/1/root", { 0 } },
	{ "outside-read-old-root", outside_file, "/oldroot", { 0 } },
	{ "outside-write",	   outside_write, "written", { 0 } },
	{ "outside-symbolic-link", by_link, NULL, { 0 } },
	{ "outside-hard-link",	   by_link, NULL, { 1 } },
	{ "shared-tmp",		   shared_place, "/tmp", { 0 } },
	{ "shared-var-tmp",	   shared_place, "/var/tmp", { 0 } },
	{ "shared-memory",	   shared_place, "/dev/shm", { 0 } },
	{ "home-key",		   home_file, ".ssh/id_ed25519", { 0 } },
	{ "home-shell",		   home_file, ".bashrc", { 0 } },
	{ "home-profile",	   home_file, ".profile", { 0 } },
	{ "home-git",		   home_file, ".gitconfig", { 0 } },
	{ "home-autostart",	   home_file, ".config/autostart/x.desktop", { 0 } },
	{ "home-menu",		   home_file, ".local/share/applications/x.desktop", { 0 } },
	{ "home-service",	   home_file, ".config/systemd/user/x.service", { 0 } },
	{ "home-bus-service",	   home_file, ".local/share/dbus-1/services/x.service", { 0 } },
	{ "home-environment",	   home_file, ".config/environment.d/x.conf", { 0 } },
	{ "home-program",	   home_file, ".local/bin/x", { 0 } },
	{ "home-python",	   home_file, ".local/lib/python3/site-packages/x.pth", { 0 } },
	{ "home-cuddy-settings",   home_file, ".config/cuddy/profiles/x.toml", { 0 } },
	{ "dotdot-walk-root",	   dotdot_walk, "/", { 0 } },
	{ "dotdot-walk-here",	   dotdot_walk, ".", { 0 } },
	{ "dotdot-walk-proc",	   dotdot_walk, "/proc/self/cwd", { 0 } },
	{ "dotdot-walk-dev",	   dotdot_walk, "/dev/pts", { 0 } },
	{ "chroot-walk",	   chroot_walk, NULL, { 0 } },
	{ "device-make",	   make_device, NULL, { 0 } },
	{ "device-block",	   open_path, "/dev/vda", { RO } },
	{ "device-disk",	   open_path, "/dev/sda", { RO } },
	{ "device-console",	   open_path, "/dev/tty0", { RO } },
	{ "device-fuse",	   open_path, "/dev/fuse", { RO } },
	{ "device-input",	   open_path, "/dev/input/event0", { RO } },
	{ "device-kernel-log",	   open_path, "/dev/kmsg", { RO } },
	{ "device-kvm",		   open_path, "/dev/kvm", { RO } },
	{ "device-loop",	   open_path, "/dev/loop-control", { RO } },
	{ "device-memory",	   open_path, "/dev/mem", { RO } },
	{ "device-screen-text",	   open_path, "/dev/vcs", { RO } },
	{ "device-tun",		   open_path, "/dev/net/tun", { RO } },
	{ "device-uinput",	   open_path, "/dev/uinput", { WO } },
	{ "device-userfaultfd",	   open_path, "/dev/userfaultfd", { RO } },
	{ "device-vsock",	   open_path, "/dev/vhost-vsock", { RO } },
	{ "proc-core-pattern",	   open_path, "/proc/sys/kernel/core_pattern", { WO } },
	{ "proc-modprobe",	   open_path, "/proc/sys/kernel/modprobe", { WO } },
	{ "proc-overcommit",	   open_path, "/proc/sys/vm/overcommit_memory", { WO } },
	{ "proc-binfmt",	   open_path, "/proc/sys/fs/binfmt_misc/register", { WO } },
	{ "proc-forward",	   open_path, "/proc/sys/net/ipv4/ip_forward", { WO } },
	{ "proc-sysrq",		   open_path, "/proc/sysrq-trigger", { WO } },
	{ "proc-irq",		   open_path, "/proc/irq/default_smp_affinity", { WO } },
	{ "proc-kcore",		   open_path, "/proc/kcore", { RO } },
	{ "proc-kallsyms",	   has_content, "/proc/kallsyms", { 1 } },
	{ "proc-keys",		   has_content, "/proc/keys", { 0 } },
	{ "proc-key-users",	   has_content, "/proc/key-users", { 0 } },
	{ "proc-timer-list",	   has_content, "/proc/timer_list", { 0 } },
	{ "proc-sched-debug",	   has_content, "/proc/sched_debug", { 0 } },
	{ "proc-log",		   has_content, "/proc/kmsg", { 0 } },
	{ "sys-uevent-helper",	   open_path, "/sys/kernel/uevent_helper", { WO } },
	{ "sys-power",		   open_path, "/sys/power/state", { WO } },
	{ "sys-debug",		   open_path, "/sys/kernel/debug", { RO | O_DIRECTORY } },
	{ "sys-cgroup-write",	   open_path, "/sys/fs/cgroup/cgroup.procs", { WO } },
	{ "sys-cgroup-agent",	   open_path, "/sys/fs/cgroup/memory/release_agent", { WO } },
	{ "boot-id",		   same_text, "/proc/sys/kernel/random/boot_id", { 0 } },
	{ "machine-id",		   same_text, "/etc/machine-id", { 1 } },
	{ "machine-id-dbus",	   same_text, "/var/lib/dbus/machine-id", { 1 } },
	{ "host-name",		   same_host_name, NULL, { 0 } },
	{ "setuid-bits",	   setuid_bits, NULL, { 1 } },
	{ "setuid-mount",	   setuid_bits, NULL, { 0 } },
	{ "unbounded-tmp",	   unbounded_tmpfs, "/tmp", { 0 } },
	{ "unbounded-shm",	   unbounded_tmpfs, "/dev/shm", { 0 } },
	{ "unbounded-run",	   unbounded_tmpfs, "/run", { 0 } },
	{ "unbounded-var-tmp",	   unbounded_tmpfs, "/var/tmp", { 0 } },
	{ "unbounded-dev",	   unbounded_tmpfs, "/dev", { 0 } },
	{ NULL, NULL, NULL, { 0 } }
};
