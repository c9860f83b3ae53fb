/* host/doctor.c - says what the machine has, what it lacks, what that costs and what mends it.
 *
 * Two tables and two printers.  Nothing here looks at the machine, but for the name of its
 * package manager. */
#include "host/host.h"
#include "base/json.h"

#include <string.h>
#include <unistd.h>

#define N WEIGHT_NEEDED
#define W WEIGHT_WANTED
#define O WEIGHT_NICE

/* In the order of enum feature; tests/unit/test_host.c holds it to that. */
const struct feature_row feature_rows[FEATURE_COUNT] = {
	{ FEATURE_KERNEL, W, "kernel", "kernel 5.10 or newer",
	  "this kernel is older than those that cages are tested on",
	  "uname -r" },
	{ FEATURE_USER_NAMESPACE, N, "user-namespace", "user namespaces",
	  "no cage can be built without root; only Landlock remains, for profiles that may degrade",
	  "sudo sysctl -w user.max_user_namespaces=28633" },
	{ FEATURE_MOUNT_NAMESPACE, N, "mount-namespace", "mount namespaces",
	  "files can't be hidden from a program",
	  "sudo sysctl -w user.max_mnt_namespaces=28633" },
	{ FEATURE_PID_NAMESPACE, N, "pid-namespace", "process namespaces",
	  "a program could see and signal your other programs",
	  "sudo sysctl -w user.max_pid_namespaces=28633" },
	{ FEATURE_PROC_MOUNT, N, "proc-mount", "a /proc of the cage's own",
	  "programs that need /proc don't run in a cage",
	  "podman run --security-opt unmask=ALL …" },
	{ FEATURE_NETWORK_NAMESPACE, N, "network-namespace", "network namespaces",
	  "the network can't be withheld, nor can abstract sockets",
	  "sudo sysctl -w user.max_net_namespaces=28633" },
	{ FEATURE_NETWORK_RULES, W, "network-rules", "network rules with tproxy",
	  "profiles that allow hosts or the internet, or publish a port, do not start",
	  "sudo modprobe -a nft_tproxy nft_reject_inet  # and install nftables" },
	{ FEATURE_IPC_NAMESPACE, N, "ipc-namespace", "IPC namespaces",
	  "a program could reach the shared memory of others",
	  "sudo sysctl -w user.max_ipc_namespaces=28633" },
	{ FEATURE_UTS_NAMESPACE, N, "uts-namespace", "host name namespaces",
	  "a cage can't have a host name of its own and so shows yours",
	  "sudo sysctl -w user.max_uts_namespaces=28633" },
	{ FEATURE_CGROUP_NAMESPACE, W, "cgroup-namespace", "cgroup namespaces",
	  "a program can see in which control group of yours it runs",
	  "sudo sysctl -w user.max_cgroup_namespaces=28633" },
	{ FEATURE_TIME_NAMESPACE, O, "time-namespace", "time namespaces",
	  "a program can see how long this machine has been up",
	  "sudo sysctl -w user.max_time_namespaces=28633" },
	{ FEATURE_NESTING_LIMIT, W, "nesting-limit", "a limit on nested user namespaces",
	  "only the system call filter keeps programs from making user namespaces",
	  "sudo mount -o remount,rw /proc/sys" },
	{ FEATURE_OVERLAY, W, "overlay", "overlay file systems without root",
	  "copy-on-write directories, 'cuddy changes' and templates don't work",
	  "sudo modprobe overlay" },
	{ FEATURE_MOUNT_API, W, "mount-api", "the new mount calls",
	  "cages start more slowly, mount by mount",
	  "uname -r" },
	{ FEATURE_OPENAT2, N, "openat2", "openat2",
	  "paths can't be opened without following links that a program planted",
	  "uname -r" },
	{ FEATURE_PIDFD, W, "pidfd", "process descriptors",
	  "running cages can't be joined or stopped without races",
	  "uname -r" },
	{ FEATURE_SECCOMP, N, "seccomp", "system call filters",
	  "the whole kernel is open to the program",
	  "zgrep CONFIG_SECCOMP_FILTER /proc/config.gz" },
	{ FEATURE_SECCOMP_NOTIFY, O, "seccomp-notify", "supervised system calls",
	  "'ask' rules, 'cuddy learn' and log-on-write without AppArmor don't work",
	  "uname -r" },
	{ FEATURE_LANDLOCK, W, "landlock", "Landlock",
	  "the second line of defence of file, port and signal rules is missing",
	  "cat /sys/kernel/security/lsm  # then add landlock to lsm= on the kernel command line" },
	{ FEATURE_APPARMOR, O, "apparmor", "AppArmor",
	  "globs that match files made later are enforced at start only, and log-on-write "
	  "needs the supervisor",
	  "cat /sys/kernel/security/lsm  # then boot with apparmor=1 security=apparmor" },
	{ FEATURE_YAMA, O, "yama", "Yama",
	  "programs outside of cages can trace each other; cages don't depend on it",
	  "sudo sysctl -w kernel.yama.ptrace_scope=1" },
	{ FEATURE_CGROUP, W, "cgroup", "control groups, version 2",
	  "memory, CPU and tasks are bounded per process only, by rlimits",
	  "cat /proc/cmdline  # then boot with systemd.unified_cgroup_hierarchy=1" },
	{ FEATURE_CGROUP_DELEGATION, W, "cgroup-delegation", "control groups that a user may make",
	  "memory, CPU and tasks are bounded per process only, by rlimits",
	  "systemd-run --user --scope -p Delegate=yes $SHELL" },
	{ FEATURE_FUSE, O, "fuse", "/dev/fuse",
	  "fuse-overlayfs and the document portal's single files don't work",
	  "sudo modprobe fuse" },
	{ FEATURE_TUN, W, "tun", "/dev/net/tun",
	  "VPNs don't work; what goes without one does",
	  "sudo modprobe tun" },
	{ FEATURE_TIOCSTI_OFF, O, "tiocsti-off", "terminals without TIOCSTI",
	  "programs outside of cages can type into your terminal; cages have one of their own",
	  "sudo sysctl -w dev.tty.legacy_tiocsti=0" },
};

/* In the order of enum helper. */
const struct helper_row helper_rows[HELPER_COUNT] = {
	{ HELPER_RELAY, W, "cuddy-net", "profiles that allow hosts or the internet, or publish a port, do not start",
	  "cuddy", "cuddy", "cuddy", "cuddy" },
	{ HELPER_NFT, W, "nft", "profiles that allow hosts or the internet do not start",
	  "nftables", "nftables", "nftables", "nftables" },
	{ HELPER_VPN, W, "cuddy-vpn", "profiles with a VPN do not start",
	  "cuddy", "cuddy", "cuddy", "cuddy" },
	{ HELPER_OPENVPN, W, "openvpn", "OpenVPN configurations can't be used",
	  "openvpn", "openvpn", "openvpn", "openvpn" },
	{ HELPER_WG, W, "wg", "WireGuard configurations can't be used",
	  "wireguard-tools", "wireguard-tools", "wireguard-tools", "wireguard-tools" },
	{ HELPER_WIREGUARD_GO, O, "wireguard-go", "WireGuard works only where the kernel has it",
	  "wireguard-go", "wireguard-go", "wireguard-go", "wireguard-go" },
	{ HELPER_XEPHYR, W, "Xephyr", "isolated X programs get no window where Xwayland is missing",
	  "xserver-xephyr", "xorg-server-xephyr", "xorg-x11-server-Xephyr", "xorg-server-xephyr" },
	{ HELPER_XWAYLAND, O, "Xwayland", "isolated X programs have no server on Wayland desktops",
	  "xwayland", "xwayland", "xorg-x11-server-Xwayland", "xorg-xwayland" },
	{ HELPER_XVFB, O, "Xvfb", "X programs can't run without a screen",
	  "xvfb", "xvfb", "xorg-x11-server-Xvfb", "xorg-server-xvfb" },
	{ HELPER_DBUS_DAEMON, O, "dbus-daemon", "there is no session bus to relay",
	  "dbus-daemon", "dbus", "dbus-daemon", "dbus" },
	{ HELPER_PORTAL, W, "xdg-desktop-portal", "the file chooser and other portals don't work",
	  "xdg-desktop-portal", "xdg-desktop-portal", "xdg-desktop-portal", "xdg-desktop-portal" },
	{ HELPER_NEWUIDMAP, O, "newuidmap", "a root file system can have one user only",
	  "uidmap", "shadow-subids", "shadow-utils", "shadow" },
	{ HELPER_FUSE_OVERLAYFS, O, "fuse-overlayfs", "no copy-on-write where the kernel has none: data on NFS, most containers",
	  "fuse-overlayfs", "fuse-overlayfs", "fuse-overlayfs", "fuse-overlayfs" },
	{ HELPER_BWRAP, O, "bwrap", "benchmarks have no peer; nothing else uses it",
	  "bubblewrap", "bubblewrap", "bubblewrap", "bubblewrap" },
};
#undef N
#undef W
#undef O

static const char *const support_names[] = { "missing", "partly", "yes" };
static const char *const weight_names[] = { "needed", "wanted", "nice-to-have" };

bool host_can_cage(const struct host *host)
{
	for (size_t i = 0; i < FEATURE_COUNT; i++)
		if (feature_rows[i].weight == WEIGHT_NEEDED && !host_has(host, i))
			return false;
	return true;
}

const char *helper_remedy(struct arena *arena, enum helper helper)
{
	const struct helper_row *row = &helper_rows[helper];
	const struct { const char *program, *command, *package; } managers[] = {
		{ "/usr/bin/apt-get", "sudo apt-get install", row->debian },
		{ "/sbin/apk",	      "doas apk add",	      row->alpine },
		{ "/usr/bin/dnf",     "sudo dnf install",     row->fedora },
		{ "/usr/bin/pacman",  "sudo pacman -S",	      row->arch },
	};

	for (size_t i = 0; i < ARRAY_SIZE(managers); i++)
		if (access(managers[i].program, X_OK) == 0)
			return arena_printf(arena, "%s %s", managers[i].command, managers[i].package);
	return arena_printf(arena, "command -v %s", row->name);
}

static const char *remedy_of(const struct host *host, enum feature feature)
{
	const char *better = host->features[feature].remedy;

	return better ? better : feature_rows[feature].remedy;
}

static void print_lack(const struct host *host, const struct feature_row *row, struct strbuf *out)
{
	const struct finding *finding = &host->features[row->feature];
	const char *mark = finding->support == SUPPORT_PARTLY ? "partly "
			   : row->weight == WEIGHT_NEEDED     ? "MISSING" : "missing";

	strbuf_addf(out, "  %s  %s", mark, row->title);
	if (finding->detail)
		strbuf_addf(out, " (%s)", str_quote(out->arena, finding->detail));
	else if (finding->error)
		strbuf_addf(out, " (%s)", strerror(finding->error));
	strbuf_addf(out, "\n           cost:   %s\n           remedy: %s\n", row->cost,
		    remedy_of(host, row->feature));
}

static void print_have(const struct host *host, const struct feature_row *row, struct strbuf *out)
{
	const char *detail = host->features[row->feature].detail;

	strbuf_addf(out, "  yes      %s", row->title);
	if (detail)
		strbuf_addf(out, " (%s)", str_quote(out->arena, detail));
	strbuf_add(out, "\n");
}

static void print_helpers(const struct host *host, struct strbuf *out, bool verbose)
{
	strbuf_add(out, "\nprograms that cages use:\n");
	for (size_t i = 0; i < HELPER_COUNT; i++) {
		const struct helper_row *row = &helper_rows[i];

		if (host->helpers[i])
			strbuf_addf(out, "  yes      %s (%s)\n", row->name,
				    str_quote(out->arena, host->helpers[i]));
		else if (verbose || row->weight != WEIGHT_NICE)
			strbuf_addf(out, "  missing  %s\n           cost:   %s\n           remedy: %s\n",
				    row->name, row->cost, helper_remedy(out->arena, i));
	}
}

void doctor_print(const struct host *host, struct strbuf *out, bool verbose)
{
	size_t have = 0;

	strbuf_addf(out, "%s, Linux %s on %s%s\n\n",
		    host_can_cage(host) ? "cages work here" : "cages do NOT work here",
		    str_quote(out->arena, host->release ? host->release : "of unknown version"),
		    str_quote(out->arena, host->machine ? host->machine : "an unknown machine"),
		    host->in_container ? ", under a seccomp filter" : "");
	/* What is missing first, the needed first of all: that is what people came for. */
	for (enum weight weight = WEIGHT_NEEDED; weight <= WEIGHT_NICE; weight++)
		for (size_t i = 0; i < FEATURE_COUNT; i++)
			if (feature_rows[i].weight == weight && !host_has(host, i))
				print_lack(host, &feature_rows[i], out);
	for (size_t i = 0; i < FEATURE_COUNT; i++) {
		have += host_has(host, i);
		if (verbose && host_has(host, i))
			print_have(host, &feature_rows[i], out);
	}
	if (!verbose)
		strbuf_addf(out, "  yes      %zu other features ('cuddy doctor -v' lists them)\n", have);
	print_helpers(host, out, verbose);
}

static void print_feature_json(const struct host *host, const struct feature_row *row,
			       struct json *json)
{
	const struct finding *finding = &host->features[row->feature];

	json_object(json, NULL);
	json_string(json, "name", row->name);
	json_string(json, "support", support_names[finding->support]);
	json_string(json, "weight", weight_names[row->weight]);
	json_number(json, "value", finding->value);
	json_string(json, "detail", finding->detail);
	if (finding->support != SUPPORT_FULL) {
		json_string(json, "error", finding->error ? strerror(finding->error) : NULL);
		json_string(json, "cost", row->cost);
		json_string(json, "remedy", remedy_of(host, row->feature));
	}
	json_end_object(json);
}

void doctor_print_json(const struct host *host, struct json *json, const char *key)
{
	json_object(json, key);
	json_bool(json, "can-cage", host_can_cage(host));
	json_string(json, "release", host->release);
	json_string(json, "machine", host->machine);
	json_string(json, "security-modules", host->modules);
	json_string(json, "cgroup", host->cgroup);
	json_bool(json, "under-seccomp-filter", host->in_container);
	json_array(json, "features");
	for (size_t i = 0; i < FEATURE_COUNT; i++)
		print_feature_json(host, &feature_rows[i], json);
	json_end_array(json);
	json_array(json, "helpers");
	for (size_t i = 0; i < HELPER_COUNT; i++) {
		json_object(json, NULL);
		json_string(json, "name", helper_rows[i].name);
		json_string(json, "path", host->helpers[i]);
		if (!host->helpers[i]) {
			json_string(json, "cost", helper_rows[i].cost);
			json_string(json, "remedy", helper_remedy(json->out->arena, i));
		}
		json_end_object(json);
	}
	json_end_array(json);
	json_end_object(json);
}
