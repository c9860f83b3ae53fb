#!/bin/sh
# tests/integration/export_containment.sh - one program, confined by cuddy and by other tools with what cuddy
# exported: the verdicts of the probe of tests/containment, row by row.  A row where a tool and cuddy differ
# needs a reason in the table below.  Prints TAP; the rows that differ are a table of comments.
#
# CUDDY_BASES names the profiles.  Of the tools those are asked that run here; tests/vm/run has them all.
tree=$(cd "$(dirname "$0")/../.." && pwd) || exit 1
work=$(mktemp -d /var/tmp/cuddy-exported.XXXXXX) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM HUP
CUDDY=${CUDDY:-$tree/build/cuddy} count=0 bad=0
export CUDDY

${CC:-cc} -std=gnu17 -D_GNU_SOURCE -O1 -static -o "$work/probe" "$tree"/tests/containment/*.c || exit 1

# Becomes: cage TOOL DIRECTORY PROGRAM…: exports a profile that adds the directory, and runs it there.
cat > "$work/cage" <<'END'
#!/bin/sh
tool=$1 place=${0%/*}/$BASE-$1
PATH=$PATH:/usr/sbin:/sbin
profile=$place/caged.toml
rm -rf "$place" # a second export is made for what the first one left in the root, and runs nothing
mkdir -p "$place/root"
cat > "$profile" <<EOF
include = ["$SHARE/$BASE.toml"]
may-degrade = ["desktop", "networking"]
[filesystem]
execute = ["$2{/,/**}"]
[desktop]
x11 = "none"
EOF
shift 2
case $tool in
cuddy) exec "$CUDDY" run -p "$profile" -- "$@" ;;
bwrap)
	"$CUDDY" export --to bwrap -o "$place/out" "$profile" 2>/dev/null
	exec sh "$place/out/caged.sh" "$@" ;;
runc | crun)
	"$CUDDY" export --to oci --bundle "$place/root" -o "$place/out" "$profile" 2>/dev/null
	python3 -c 'import json, sys
config = json.load(open(sys.argv[1]))
config["process"]["args"] = sys.argv[2:]
json.dump(config, open(sys.argv[1], "w"))' "$place/out/config.json" "$@"
	exec "$tool" --root "$place/state" run --bundle "$place/out" "cuddy-$$" ;;
podman)
	"$CUDDY" export --to podman --bundle "$place/root" -o "$place/out" "$profile" 2>/dev/null
	[ ! -d /sys/kernel/security/apparmor ] || apparmor_parser -r "$place/out/caged.apparmor" || exit 1
	exec sh "$place/out/caged.sh" "$@" ;;
systemd)
	"$CUDDY" export --to systemd -o "$place/out" "$profile" 2>/dev/null
	mkdir -p "/run/systemd/system/cuddy-$$.service.d"
	cp "$place/out/caged.system.conf" "/run/systemd/system/cuddy-$$.service.d/cuddy.conf"
	systemctl daemon-reload
	exec systemd-run --quiet --collect --pipe --wait --unit "cuddy-$$" "$@" ;;
esac
END
chmod 755 "$work/cage"

# Why a tool leaves a class open that cuddy closes.
reason() {
	case $1:$2 in
	bwrap:inherited-descriptors) echo "bubblewrap passes descriptors on; the script closes those below 9" ;;
	*:std*-reopen) echo "only cuddy puts itself between redirected files and the program" ;;
	bwrap:pid-1-*) echo "bubblewrap's own first process belongs to the same user" ;;
	runc:pid-1-* | crun:pid-1-* | podman:pid-1-*) echo "the program is process 1, and reads itself" ;;
	runc:proc-* | crun:proc-* | podman:proc-*) echo "hidden by /dev/null, which opens" ;;
	systemd:terminal-*) echo "systemd compares no arguments of ioctl, as the export said" ;;
	systemd:abstract-socket) echo "with the host's network come its abstract sockets, as the export said" ;;
	systemd:netlink-* | systemd:socket-*) echo "systemd knows families of sockets, not protocols, as the export said" ;;
	systemd:machine-id | systemd:host-name) echo "the host's own, as the export said" ;;
	systemd:process-group-signal) echo "systemd 252 makes no process namespace; root's processes may be signalled" ;;
	systemd:sys-*) echo "systemd mounts /sys as a whole" ;;
	systemd:unbounded-run) echo "systemd's own /run has no size of the profile's" ;;
	*:life-after-launcher) echo "a container or service lives on without the command that started it" ;;
	esac
}

# works TOOL: does it run anything here, for this user?
works() {
	case $1 in
	bwrap) bwrap --ro-bind / / true ;;
	systemd) [ -d /run/systemd/system ] && [ "$(id -u)" = 0 ] ;;
	crun | podman) [ "$(id -u)" = 0 ] && command -v "$1" && [ -e /sys/fs/cgroup/cgroup.controllers ] ;;
	*) [ "$(id -u)" = 0 ] && command -v "$1" ;;
	esac >/dev/null 2>&1
}

# attack TOOL: leaves its rows, as "CLASS open" or "CLASS closed", in $work/TOOL.rows.
attack() {
	BASE=$base SHARE=$tree/profiles/base CONTAINMENT_PROBE=$work/probe CONTAINMENT_TASKS=0 TMPDIR=$work \
		CONTAINMENT_KEEP=$work/kept CONTAINMENT_CONTROL=$work/kept/control \
		sh "$tree/tests/containment/run.sh" "$work/cage" "$1" @DIR@ > "$work/$1.tap" 2>&1 </dev/null
	sed -n 's/^\(not \)\{0,1\}ok [0-9]* - \([a-z0-9-]*\)\(.*\)/\2 \1\3/p' "$work/$1.tap" |
		awk '{ print $1, / # SKIP/ ? "skipped" : $2 == "not" ? "open" : "closed" }' > "$work/$1.rows"
	grep -q '^1\.\.' "$work/$1.tap"
}

# compare TOOL: the rows that differ, with the reason; those that are open without one in $unexplained.
compare() {
	unexplained=
	join "$work/cuddy.sorted" "$work/$1.sorted" | awk '$2 != $3' > "$work/differ"
	while read -r class ours theirs; do
		why=$(reason "$1" "$class")
		[ "$theirs" = open ] || why="the tool gives less"
		printf '# %-13s %-8s %-28s cuddy: %-8s %s: %-8s %s\n' "$base" "$1" "$class" "$ours" "$1" "$theirs" "${why:-no reason is known}"
		[ -n "$why" ] || unexplained="$unexplained $class"
	done < "$work/differ"
}

for base in ${CUDDY_BASES:-daemon project web-browser}; do
	for tool in cuddy bwrap runc crun podman systemd; do
		if [ "$tool" != cuddy ] && ! works "$tool"; then
			count=$((count + 1))
			echo "ok $count - $base: $tool # SKIP it runs nothing here, or not for this user"
			continue
		fi
		ended=yes
		attack "$tool" || ended=
		sort "$work/$tool.rows" > "$work/$tool.sorted"
		count=$((count + 1)) tried=$(wc -l < "$work/$tool.rows") unexplained=
		[ "$tool" = cuddy ] || compare "$tool"
		if [ -n "$ended" ] && [ -z "$unexplained" ] && [ "$tried" -gt 100 ]; then
			same=$(join "$work/cuddy.sorted" "$work/$tool.sorted" | awk '$2 == $3' | wc -l)
			echo "ok $count - $base: $tool, $tried ways out: $same as in cuddy's cage, the others explained"
		else
			bad=1
			echo "not ok $count - $base: $tool, open without a reason:$unexplained ($tried tried)"
			tail -n 5 "$work/$tool.tap" | sed 's/^/# /'
		fi
	done
done
echo "1..$count"
exit "$bad"
