/* relay/vpn/room.c - the file system of a VPN client: programs and libraries, three devices, names by the relay of
 * the uplink.  Nothing of a home, of /etc but what libraries want, of other processes.
 * Must not: leave a mount outside of the caller's namespace. */
#include "relay/vpn/client.h"
#include "launch/kernel.h"
#include "base/fd.h"
#include "base/synthetic.h"

#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#define MS_REC_     0x4000ul /* sys/mount.h and linux/mount.h do not bear each other everywhere */
#define MS_PRIVATE_ 0x40000ul
#define READ_ONLY (MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID)

static const char *const made[] = { "dev", "dev/net", "etc", "etc/ssl", "run", "run/wireguard", "var", "tmp" };

/* Of the host, as far as they are there. */
static const struct { const char *path; uint64_t attributes; } shown[] = {
	{ "usr", READ_ONLY }, { "bin", READ_ONLY }, { "sbin", READ_ONLY }, { "lib", READ_ONLY },
	{ "lib32", READ_ONLY }, { "lib64", READ_ONLY }, { "libx32", READ_ONLY },
	{ "etc/ld.so.cache", READ_ONLY }, { "etc/ssl/openssl.cnf", READ_ONLY },
	{ "dev/null", MOUNT_ATTR_NOSUID }, { "dev/urandom", MOUNT_ATTR_NOSUID }, { "dev/net/tun", MOUNT_ATTR_NOSUID },
};

static const struct { const char *path, *text; } written[] = {
	{ "etc/hosts", "127.0.0.1 localhost\n::1 localhost\n" },
	{ "etc/nsswitch.conf", "hosts: files dns\n" },
	{ "etc/resolv.conf", "nameserver " SYNTHETIC_OWN4 "\n" },
	{ "cuddy-vpn", "" }, /* our own program comes here */
};

static int write_file(int root, const char *path, const char *text)
{
	AUTO_FD int fd = RESULT(openat(root, path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0755));

	return fd < 0 ? fd : fd_write_all(fd, text, strlen(text));
}

static int show(int root, const char *source, const char *path, uint64_t attributes, mode_t type)
{
	int r = 0;

	if (S_ISDIR(type))
		r = RESULT(mkdirat(root, path, 0755));
	else
		r = write_file(root, path, "");
	AUTO_FD int tree = r < 0 ? r : sys_clone_tree(AT_FDCWD, source, AT_RECURSIVE, attributes);
	return tree < 0 ? tree : sys_move_mount(tree, root, path);
}

/* A link stays one: /bin of most systems leads to usr/bin. */
static int show_host(int root, const char *path, uint64_t attributes)
{
	char source[64] = "/", target[256];
	struct stat status;

	strcat(source, path);
	if (lstat(source, &status) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISLNK(status.st_mode))
		return show(root, source, path, attributes, status.st_mode);
	ssize_t length = readlink(source, target, sizeof(target) - 1);
	if (length < 0)
		return -errno;
	target[length] = '\0';
	return RESULT(symlinkat(target, root, path));
}

static int make_root(void)
{
	int fs = sys_fsopen("tmpfs");

	if (fs < 0)
		return fs;
	int r = sys_fsconfig_string(fs, "mode", "0755");
	if (r == 0)
		r = sys_fsconfig_string(fs, "size", "4m");
	if (r == 0)
		r = sys_fsmount(fs, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
	close(fs);
	return r;
}

static int fill(int root, const char **ret_what)
{
	char path[PATH_MAX];
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(made) && r == 0; i++)
		r = RESULT(mkdirat(root, *ret_what = made[i], 0755));
	if (r == 0)
		r = RESULT(symlinkat("../run", root, "var/run"));
	for (size_t i = 0; i < ARRAY_SIZE(written) && r == 0; i++)
		r = write_file(root, *ret_what = written[i].path, written[i].text);
	for (size_t i = 0; i < ARRAY_SIZE(shown) && r == 0; i++)
		r = show_host(root, *ret_what = shown[i].path, shown[i].attributes);
	if (r < 0)
		return r;
	/* By its path: what the link holds is a mount of the namespace that we came from. */
	*ret_what = "cuddy-vpn";
	ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);
	if (length < 0)
		return -errno;
	path[length] = '\0';
	AUTO_FD int program = sys_clone_tree(AT_FDCWD, path, 0, READ_ONLY);
	return program < 0 ? program : sys_move_mount(program, root, "cuddy-vpn");
}

/* As launch/ does it: the new root covers "/" for those who resolve it anew, ours stays the old one until chroot(2),
 * and what is beneath is out of reach for who has no power over mounts. */
int room_enter(const char **ret_what)
{
	*ret_what = "/";
	int r = RESULT(syscall(SYS_mount, NULL, "/", NULL, MS_REC_ | MS_PRIVATE_, NULL));
	AUTO_FD int root = r < 0 ? r : make_root();
	r = root < 0 ? root : sys_move_mount(root, AT_FDCWD, "/");
	if (r == 0)
		r = fill(root, ret_what);
	if (r == 0)
		r = RESULT(fchdir(root));
	return r < 0 ? r : RESULT(chroot("."));
}
