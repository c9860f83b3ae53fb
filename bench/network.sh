#!/bin/sh
# bench/network.sh CUDDY - what the network of a cage costs: start-up by mode, throughput and latency against the host
# and against pasta alone on the same link, long lists.  All figures of a column are of one run; compare ratios.
#
# Builds two network namespaces with a link that takes BENCH_DELAY microseconds each way (default 100 and then
# 5000), so it needs root; the cages run as BENCH_USER, or as root.
here=$(cd "$(dirname "$0")" && pwd) || exit 1
cuddy=$1
[ "$(id -u)" = 0 ] || { echo "# network: the link needs root"; exit 0; }
for tool in ip nft python3 unshare nsenter; do
	command -v "$tool" >/dev/null || { echo "# network: no $tool here"; exit 0; }
done
[ -c /dev/net/tun ] || { echo "# network: no /dev/net/tun here"; exit 0; }
work=$(mktemp -d /var/tmp/cuddy-network.XXXXXX) || exit 1
pids=
spaces=' '
finish() {
	for process in /proc/[0-9]*; do # all that live in our two namespaces
		case $spaces in *" $(readlink "$process/ns/net" 2>/dev/null) "*) kill "${process#/proc/}" 2>/dev/null ;; esac
	done
	for pid in $pids; do kill "$pid" 2>/dev/null; done
	rm -rf "$work"
}
trap finish EXIT
trap 'exit 1' INT TERM HUP
chmod 755 "$work"
mkdir -p "$work/home/here"
tree=$(cd "$here/.." && pwd)
mkdir -p "$work/tree/build"
cp "$cuddy" "$(dirname "$cuddy")/cuddy-net" "$work/tree/build/" || exit 1
cp -R "$tree/permissions" "$tree/profiles" "$work/tree/"
cp "$here/inetwork.py" "$work/home/here/"
chmod -R a+rX "$work/tree"
[ -z "$BENCH_USER" ] || chown -R "$BENCH_USER:" "$work/home"
${CC:-cc} -std=gnu17 -D_GNU_SOURCE -O2 -o "$work/idelay" "$here/idelay.c" || exit 1

unshare -n sleep 3600 & near=$!
unshare -n sleep 3600 & far=$!
pids="$near $far"
until [ "$(readlink "/proc/$near/ns/net")" != "$(readlink /proc/$$/ns/net)" ] &&
	[ "$(readlink "/proc/$far/ns/net")" != "$(readlink /proc/$$/ns/net)" ]; do sleep 0.1; done
spaces=" $(readlink "/proc/$near/ns/net") $(readlink "/proc/$far/ns/net") "

at_near() {
	nsenter -t "$near" -n unshare -m --propagation private sh -c '
		mount --bind "$1/hosts" /etc/hosts || exit 99
		cd "$1/home/here" && who=$2 work=$1; shift 2
		[ -n "$who" ] || exec env HOME="$work/home" "$@"
		exec setpriv --reuid "$who" --regid "$who" --clear-groups env HOME="$work/home" "$@"' \
		- "$work" "$BENCH_USER" "$@"
}

link_up() { # MICROSECONDS
	[ -z "$link" ] || { kill "$link"; wait "$link" 2>/dev/null; }
	"$work/idelay" "$near" up0 "$far" up1 "$1" >"$work/link" & link=$!
	pids="$pids $link"
	until grep -q up "$work/link"; do sleep 0.1; done
	nsenter -t "$near" -n sh -c 'ip link set lo up; ip addr add 198.51.100.2/24 dev up0; ip link set up0 up
		ip route replace default via 198.51.100.1'
	nsenter -t "$far" -n sh -c 'ip link set lo up; ip addr add 198.51.100.1/24 dev up1; ip link set up1 up
		ip addr replace 203.0.113.1/32 dev lo'
}

profile() { # NAME RULES
	printf '[filesystem]\nflags = ["system", "own-home", "project", "tmp"]\n[networking]\n%s\n[runtime]\nflags = ["ordinary"]\n' \
		"$2" >"$work/home/here/$1.toml"
}
in_cage() { name=$1; shift; at_near "$work/tree/build/cuddy" run -n "bench-$name" -p "./$name.toml" "$@" 2>"$work/err" </dev/null; }

printf '127.0.0.1 localhost\n203.0.113.1 far.bench\n' >"$work/hosts"
profile none ''
profile local 'flags = ["local"]'
profile host 'flags = ["host"]'
profile names 'allow = ["far.bench"]'
profile outgoing 'flags = ["outgoing"]'
profile lends 'flags = ["local"]
lend = ["9001", "9002", "9003"]'
profile lab 'flags = ["incoming"]
network = "lab"'
python3 -c '
print("[networking]\nallow = [")
for i in range(10000): print(f"\"name{i}.bench:443\",")
print("\"far.bench\"]")' >"$work/names"
python3 -c '
print("[networking]\nallow = [")
for i in range(10000): print(f"\"10.{i // 256 % 256}.{i % 256}.0/25\",")
print("\"203.0.113.1\"]")' >"$work/networks"
for list in names networks; do
	{ printf '[filesystem]\nflags = ["system", "own-home", "project", "tmp"]\n[runtime]\nflags = ["ordinary"]\n'
	cat "$work/$list"; } >"$work/home/here/many-$list.toml"
done

# ---- start-up ----

start_up() {
	echo "== milliseconds from run to the end of true(1), median of ${BENCH_STARTS:-25}, and beyond a cage without a network"
	python3 - "$work" "${BENCH_STARTS:-25}" "$near" "$BENCH_USER" none local host names outgoing lends lab many-names \
		many-networks <<-'END'
	import os, statistics, subprocess, sys, time
	work, rounds, near, user = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
	modes = sys.argv[5:]
	enter = ["nsenter", "-t", near, "-n"]
	if user:
	    enter += ["setpriv", "--reuid", user, "--regid", user, "--clear-groups"]
	env = {**os.environ, "HOME": work + "/home"}
	times = {mode: [] for mode in ["(nothing)"] + modes}
	for _ in range(rounds):
	    for mode in times:
	        command = ["true"] if mode == "(nothing)" else \
	            [work + "/tree/build/cuddy", "run", "-n", "bench-" + mode, "-p", f"./{mode}.toml", "true"]
	        start = time.monotonic()
	        subprocess.run(enter + command, cwd=work + "/home/here", env=env, stdin=subprocess.DEVNULL, check=True)
	        times[mode].append((time.monotonic() - start) * 1e3)
	base = statistics.median(times.pop("(nothing)"))
	none = statistics.median(times["none"]) - base
	for mode, all in times.items():
	    value = statistics.median(all) - base
	    print(f"{mode:14} {value:8.1f} {value - none:+8.1f}")
	END
}

# ---- the link ----

row() { # TITLE FIGURES…: with the ratios to the first row
	title=$1; shift
	[ $# = 3 ] || { echo "$title: no figures: $(head -n 2 "$work/err")"; return; }
	[ -n "$host_out" ] || host_out=$1 host_in=$2 host_latency=$3
	echo "$title $* $host_out $host_in $host_latency" | awk '{ printf "%-16s %8d %8d %8d   %.2f %.2f %.2f\n",
		$1, $2, $3, $4, $2 / $5, $3 / $6, $4 / $7 }'
}

# shellcheck disable=SC2046 # three figures
link() { # MICROSECONDS
	link_up "$1"
	host_out=
	echo "== Mbit/s out and in, microseconds to the first byte; of the host's: $1 us each way"
	row host $(at_near python3 inetwork.py measure 203.0.113.1)
	row cuddy-names $(in_cage names python3 inetwork.py measure far.bench)
	row cuddy-outgoing $(in_cage outgoing python3 inetwork.py measure 203.0.113.1)
	row many-networks $(in_cage many-networks python3 inetwork.py measure 203.0.113.1)
	if command -v pasta >/dev/null; then
		row pasta $(at_near pasta --config-net -q -t none -u none -T none -U none -- \
			python3 "$work/home/here/inetwork.py" measure 203.0.113.1 2>"$work/err")
	fi
}

# shellcheck disable=SC2046 # three figures
near_by() {
	host_out=
	echo "== the same without a link: the host's loopback, lent to a cage, and from cage to cage"
	at_near python3 inetwork.py serve 127.0.0.1 >"$work/served" & pids="$pids $!"
	until grep -q up "$work/served"; do sleep 0.1; done
	row loopback $(at_near python3 inetwork.py measure 127.0.0.1)
	row lent $(in_cage lends python3 inetwork.py measure 127.0.0.1)
	cp "$work/home/here/lab.toml" "$work/home/here/db.toml"
	in_cage db python3 inetwork.py serve 127.0.0.1 >"$work/peer" & peer=$!
	until grep -q up "$work/peer"; do sleep 0.1; done
	row cage-to-cage $(in_cage lab python3 inetwork.py measure bench-db)
	at_near "$work/tree/build/cuddy" stop bench-db 2>/dev/null
	wait "$peer" 2>/dev/null
}

nsenter -t "$far" -n ip link set lo up
nsenter -t "$far" -n ip addr add 203.0.113.1/32 dev lo
nsenter -t "$far" -n python3 "$here/inetwork.py" serve 203.0.113.1 >"$work/far" & pids="$pids $!"
until grep -q up "$work/far"; do sleep 0.1; done
link_up 100
start_up
for delay in ${BENCH_DELAY:-100 5000}; do
	link "$delay"
done
near_by
echo "== microseconds of a look-up in a cage, median of 1000 names: 1 rule, 10,000 rules"
echo "$(in_cage names python3 inetwork.py look-ups far.bench 1000) $(in_cage many-names python3 inetwork.py look-ups name@.bench 1000)"
