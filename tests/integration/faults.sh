#!/bin/sh
# tests/integration/faults.sh - fails every step of two plans, one at a time.
#
# Each time the program must not have run, the status must be 125, the message must name the step, and
# no mount and no process may be left.  Builds its own cuddy, because only it obeys CUDDY_FAULT_STEP.
root=$(cd "$(dirname "$0")/../.." && pwd) || exit 1
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
count=0 bad=0

result() { # STATUS TEXT
	count=$((count + 1))
	if [ "$1" = 0 ]; then echo "ok $count - $2"; else bad=1; echo "not ok $count - $2"; fi
}

# Processes of our cuddy that still live.
left_over() {
	# shellcheck disable=SC2012 # one process per line, of our own path
	ls -l /proc/[0-9]*/exe 2>/dev/null | grep -F -- "-> $work/cuddy"
}

run() { # PROFILE STEP
	rm -f "$work/project/ran"
	(cd "$work/project" && CUDDY_FAULT_STEP=$2 timeout -k 5 20 "$work/cuddy" run -p "$1" \
		/bin/sh -c 'echo ran >ran') >"$work/out" 2>"$work/err" </dev/null
}

fail_one() { # PROFILE STEP
	wrong=
	run "$1" "$2"
	status=$?
	[ "$status" = 125 ] || wrong="$wrong; status $status"
	[ -e "$work/project/ran" ] && wrong="$wrong; the program ran"
	grep -q "step $2, stage" "$work/err" || wrong="$wrong; the message names no step $2"
	cat /proc/self/mountinfo | cmp -s - "$work/mounts" || wrong="$wrong; mounts changed"
	[ -z "$(left_over)" ] || wrong="$wrong; a process is left"
	[ -z "$wrong" ] && return
	echo "# step $2$wrong"
	sed 's/^/#   /' "$work/err"
	return 1
}

fail_all() { # PROFILE
	name=$(basename "$1" .toml)
	steps=$(cd "$work/project" && "$work/cuddy" plan --json "$1" /bin/sh -c 'echo ran >ran' |
		python3 -c 'import json, sys; print(len(json.load(sys.stdin)["steps"]))')
	run "$1" -1
	status=$?
	[ "$status" = 0 ] && [ -e "$work/project/ran" ]
	result $? "$name: the program runs when nothing fails"
	failed=0 step=0
	while [ "$step" -lt "${steps:-0}" ]; do
		fail_one "$1" "$step" || failed=$((failed + 1))
		step=$((step + 1))
	done
	[ "$failed" = 0 ] && [ "$step" -gt 20 ]
	result $? "$name: each of $step steps fails closed ($failed did not)"
}

# The same for a command line of bubblewrap, whose failures are 1: until the step is none of the plan's.
fail_bwrap() {
	failed=0 step=0
	printf '\006\000\000\000\000\000\377\177' >"$work/filter" # return SECCOMP_RET_ALLOW
	while [ "$step" -lt 200 ]; do
		rm -f "$work/project/ran"
		(cd "$work/project" && CUDDY_FAULT_STEP=$step timeout -k 5 20 "$work/cuddy" bwrap --unshare-all --dev-bind / / \
			--dev /mnt --tmpfs "$work/project/empty" --perms 0700 --dir "$work/project/empty/dir" --cap-add CAP_KILL \
			--symlink a "$work/project/empty/link" --file 8 "$work/project/empty/file" --lock-file /etc/passwd \
			--overlay-src /usr --overlay-src /etc --tmp-overlay "$work/project/empty/dir" --hostname h --seccomp 7 \
			--remount-ro "$work/project/empty" --chdir "$work/project" /bin/sh -c 'echo ran >ran' \
			7<"$work/filter" 8</etc/passwd) >"$work/out" 2>"$work/err" </dev/null
		status=$?
		[ -e "$work/project/ran" ] && break
		if [ "$status" != 1 ] || ! grep -q '^bwrap: .*Input/output error$' "$work/err" || [ -n "$(left_over)" ] ||
		   ! cat /proc/self/mountinfo | cmp -s - "$work/mounts"; then
			failed=$((failed + 1))
			echo "# step $step: status $status, $(cat "$work/err")"
		fi
		step=$((step + 1))
	done
	[ "$failed" = 0 ] && [ "$step" -gt 30 ] && [ "$status" = 0 ]
	result $? "bwrap: each of $step steps fails closed ($failed did not)"
}

cd "$root" || exit 1
mkdir "$work/project"
# shellcheck disable=SC2046 # lists of words
if ! ${CC:-gcc} -std=gnu17 -O1 -D_GNU_SOURCE -DCUDDY_FAULTS -DCUDDY_VERSION='"faults"' \
	-DCUDDY_DATA_DIR="\"$root\"" -Isrc -Iinclude $(tools/sources lib) $(tools/sources cli) $(tools/sources main) \
	-lm -o "$work/cuddy" 2>"$work/err"; then
	sed 's/^/# /' "$work/err"
	result 1 "cuddy compiles with CUDDY_FAULTS"
	echo "1..$count"
	exit 1
fi
cat /proc/self/mountinfo >"$work/mounts"
for profile in command-line project; do
	# The network back end is not part of every build; the steps are what counts here.
	{ echo 'may-degrade = ["networking"]'; cat "profiles/base/$profile.toml"; } >"$work/$profile.toml"
	fail_all "$work/$profile.toml"
done
mkdir "$work/project/empty"
fail_bwrap
echo "1..$count"
exit "$bad"
