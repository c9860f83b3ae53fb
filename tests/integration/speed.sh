#!/bin/sh
# tests/integration/speed.sh - what noise can't move: how many system calls one start makes, that a host
# with 300 more mounts or 4000 more processes adds none, and what memory a resting cage keeps for itself.
# Times are told by `make bench`.
#
# The profile is chosen, not named.  MOST is a little above what is reached, so that a start does not grow
# unnoticed; the goal of the design is 200.  As root some more paths are looked at.  The program's own calls
# (some 30) are in it, and those of the dynamic linker.  MOST_KB is for a build with a shared C library; the
# static one keeps half of it.  Who owns cuddy executes it twice (decision D170), which is TWICE.
root=$(cd "$(dirname "$0")/../.." && pwd) || exit 1
PATH=/usr/local/bin:/usr/bin:/bin # each directory of it costs calls
export PATH
cuddy=${CUDDY:-$root/build/cuddy}
MOST=740
TWICE=60
MOST_KB=220
for tool in strace cc; do
	command -v "$tool" >/dev/null || { echo "1..0 # skip no $tool"; exit 0; }
done
work=$(mktemp -d /var/tmp/cuddy-speed.XXXXXX) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
chmod 755 "$work"
mkdir -m 777 "$work/here" "$work/out" "$work/runtime"
cc -std=gnu17 -D_GNU_SOURCE -O2 -o "$work/ihost" "$root/bench/ihost.c" || exit 1
count=0 bad=0

result() { # STATUS TEXT
	count=$((count + 1))
	if [ "$1" = 0 ]; then echo "ok $count - $2"; else bad=1; echo "not ok $count - $2"; fi
}

# Words before the start, such as "ihost mounts 300"; prints the number of calls, or 0.
calls() {
	rm -f "$work/out/"*
	(cd "$work/here" && $as "$@" strace -f -qq -c -o "$work/out/calls" \
		"$cuddy" run /bin/true </dev/null >/dev/null 2>&1) || { echo 0; return; }
	awk '$NF == "total" { n = $4 } END { print n + 0 }' "$work/out/calls"
}

# The kB that a process has for itself or shares with its copy only.  Pid 1 of a cage is told to root alone.
anonymous() { # PID
	awk '$1 == "Anonymous:" { print $2 }' "/proc/$1/smaps_rollup" 2>/dev/null
}

rest() { # LABEL
	mkfifo -m 666 "$work/fifo"
	(cd "$work/here" && exec $as "$cuddy" run -p command-line sh -c 'echo; exec sleep 60') </dev/null >"$work/fifo" 2>&1 &
	pid=$!
	read -r _ <"$work/fifo"
	for try in 1 2 3 4 5 6 7 8 9 10; do # the program may speak before init says that it runs
		launcher=$(anonymous "$pid") init=$(anonymous "$(tr -d ' ' <"/proc/$pid/task/$pid/children")")
		[ "${launcher:-0}" -le "$MOST_KB" ] && [ "${init:-0}" -le "$MOST_KB" ] && break
		sleep "0.$try"
	done
	[ "${launcher:-0}" -gt 0 ] && [ "$launcher" -le "$MOST_KB" ] && [ "${init:-0}" -le "$MOST_KB" ]
	result $? "$1: at rest the launcher keeps $launcher kB and init ${init:-?} kB, at most $MOST_KB"
	kill "$pid"
	wait "$pid" 2>/dev/null
	rm -f "$work/fifo"
}

measure() { # LABEL
	plain=$(calls env) most=$MOST
	$as test ! -O "$cuddy" || most=$((MOST + TWICE))
	[ "$plain" -gt 0 ] && [ "$plain" -le "$most" ]
	result $? "$1: one start makes $plain system calls, at most $most"
	grown=$(calls "$work/ihost" crowd 4000)
	[ "$grown" -gt 0 ] && [ "$grown" -le $((plain + 20)) ]
	result $? "$1: $grown with 4000 more processes"
	grown=$(calls unshare -Urm --propagation private "$work/ihost" mounts 300)
	plain=$(calls unshare -Urm --propagation private "$work/ihost" mounts 1)
	[ "$grown" -gt 0 ] && [ "$grown" -le $((plain + 20)) ]
	result $? "$1: $grown with 300 more mounts"
	rest "$1"
}

# A runtime directory of their own: that of user 0 may be somebody else's in a user namespace.
as="env XDG_RUNTIME_DIR=$work/runtime/root"
mkdir -m 700 "$work/runtime/root"
measure "as $(id -un)"
if [ "$(id -u)" = 0 ] && id cuddy-test >/dev/null 2>&1; then
	as="setpriv --reuid 1001 --regid 1001 --clear-groups env HOME=/home/cuddy-test USER=cuddy-test"
	as="$as XDG_RUNTIME_DIR=$work/runtime/test"
	$as mkdir -m 700 "$work/runtime/test"
	measure "as cuddy-test"
fi
if [ -f "$(dirname "$cuddy")/libcore.a" ]; then # the clock of bench/ is built against what is here
	BENCH_CUDDY=$cuddy "$root/bench/run.sh" stages 2>&1 | grep -q '^parent: rules to plan'
	result $? "the benchmark takes a start to pieces"
fi
echo "1..$count"
exit "$bad"
