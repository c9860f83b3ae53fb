#!/bin/sh
# tests/integration/faults.sh - fails every step of the plan of every base profile, one at a time; as the
# caller and, when that is root, as cuddy-test.
#
# Each time the program must not have run, the status must be 125, the message must name the step and,
# where a line of a profile asked for it, that line, and no mount and no process may be left.  Links its own cuddy with
# what stands beside CUDDY (default build/cuddy), because only it obeys CUDDY_FAULT_STEP.
root=$(cd "$(dirname "$0")/../.." && pwd) || exit 1
. "$root/tests/integration/own_mounts.lib"
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
count=0 bad=0 user=cuddy-test

result() { # STATUS TEXT
	count=$((count + 1))
	if [ "$1" = 0 ]; then echo "ok $count - $2"; else bad=1; echo "not ok $count - $2"; fi
}

# Does a process of our cuddy or of its helper still live?  Compared as files: whoever owns cuddy executes it by
# another path.
left_over() {
	for process in /proc/[0-9]*; do
		[ ! "$process/exe" -ef "$work/cuddy" ] && [ ! "$process/exe" -ef "$work/cuddy-net" ] || return 0
	done
	return 1
}

# text FILE: all of it, as $text; there are thousands of them, so without a process.
text() {
	text=
	while IFS= read -r line || [ -n "$line" ]; do
		text="$text$line
"
	done <"$1"
}
mounts_changed() {
	text /proc/self/mountinfo
	[ "$text" != "$mounts" ]
}

# The relay's workers end when it does, a moment later.
is_all_gone() {
	tries=0
	while left_over; do
		tries=$((tries + 1))
		[ "$tries" -lt 50 ] || return 1
		sleep 0.1
	done
}

run() { # PROFILE STEP
	rm -f "$home/project/ran"
	# shellcheck disable=SC2086 # a list of words
	(cd "$home/project" && $become env HOME="$home" XDG_RUNTIME_DIR="$home/runtime" CUDDY_FAULT_STEP="$2" \
		timeout -k 5 20 "$work/cuddy" run -n faults -p "$1" /bin/sh -c 'echo ran') \
		>"$work/out" 2>"$work/err" </dev/null
}

fail_one() { # PROFILE STEP ORIGIN
	wrong=
	run "$1" "$2"
	status=$?
	[ "$status" = 125 ] || wrong="$wrong; status $status"
	text "$work/out"
	case $text in *ran*) wrong="$wrong; the program ran" ;; esac
	text "$work/err"
	case $text in *"step $2, stage"*) ;; *) wrong="$wrong; the message names no step $2" ;; esac
	case $text in *"$3"*) ;; *) wrong="$wrong; the message does not name $3" ;; esac
	! mounts_changed || wrong="$wrong; mounts changed"
	is_all_gone || wrong="$wrong; a process is left"
	[ -z "$wrong" ] && return
	echo "# step $2$wrong"
	sed 's/^/#   /' "$work/err"
	return 1
}

fail_all() { # PROFILE
	name="$who: $(basename "$1" .toml)"
	run "$1" -1
	status=$?
	case $status in
	126)
		result 0 "$name: lets nothing start, so there is no step to fail"
		return ;;
	125)
		grep -q 'error\[C3' "$work/err"
		result $? "$name: is refused before there is a step to fail"
		return ;;
	esac
	[ "$status" = 0 ] && grep -q ran "$work/out"
	result $? "$name: the program runs when nothing fails"
	# shellcheck disable=SC2086 # a list of words
	(cd "$home/project" && $become env HOME="$home" XDG_RUNTIME_DIR="$home/runtime" "$work/cuddy" plan --json "$1" /bin/sh -c 'echo ran >ran') |
		python3 -c 'import json, sys
for step in json.load(sys.stdin)["steps"]: print((step.get("origin") or "").split(",")[0])' >"$work/origins"
	failed=0 step=0
	while IFS= read -r origin <&3; do
		fail_one "$1" "$step" "$origin" || failed=$((failed + 1))
		step=$((step + 1))
	done 3<"$work/origins"
	[ "$failed" = 0 ] && [ "$step" -gt 20 ]
	result $? "$name: each of $step steps fails closed ($failed did not)"
}

# as WHO COMMAND…: every base profile, by what that command becomes.
as() {
	who=$1 home=$work/$1; shift
	become=$*
	mkdir -p "$home/project" "$home/runtime"
	chmod 700 "$home/runtime"
	[ -z "$become" ] || chown -R "$user" "$home"
	for profile in profiles/base/*.toml "$work/more"/*.toml; do
		# What no back end provides here is left out; the steps are what counts.
		{ echo 'may-degrade = ["filesystem", "networking", "runtime", "user", "desktop", "misc"]'
			grep -v '^may-degrade' "$profile"; } >"$work/profiles/$(basename "$profile")"
		chmod a+r "$work/profiles/$(basename "$profile")"
		fail_all "$work/profiles/$(basename "$profile")"
	done
}

# The same for a command line of bubblewrap, whose failures are 1: until the step is none of the plan's.
fail_bwrap() {
	failed=0 step=0
	printf '\006\000\000\000\000\000\377\177' >"$work/filter" # return SECCOMP_RET_ALLOW
	while [ "$step" -lt 200 ]; do
		rm -f "$home/project/ran"
		(cd "$home/project" && CUDDY_FAULT_STEP=$step timeout -k 5 20 "$work/cuddy" bwrap --unshare-all --dev-bind / / \
			--dev /mnt --tmpfs "$home/project/empty" --perms 0700 --dir "$home/project/empty/dir" --cap-add CAP_KILL \
			--symlink a "$home/project/empty/link" --file 8 "$home/project/empty/file" --lock-file /etc/passwd \
			--overlay-src /usr --overlay-src /etc --tmp-overlay "$home/project/empty/dir" --hostname h --seccomp 7 \
			--remount-ro "$home/project/empty" --chdir "$home/project" /bin/sh -c 'echo ran >ran' \
			7<"$work/filter" 8</etc/passwd) >"$work/out" 2>"$work/err" </dev/null
		status=$?
		[ -e "$home/project/ran" ] && break
		if [ "$status" != 1 ] || ! grep -q '^bwrap: .*Input/output error$' "$work/err" || left_over || mounts_changed; then
			failed=$((failed + 1))
			echo "# step $step: status $status, $(cat "$work/err")"
		fi
		step=$((step + 1))
	done
	[ "$failed" = 0 ] && [ "$step" -gt 30 ] && [ "$status" = 0 ]
	result $? "bwrap: each of $step steps fails closed ($failed did not)"
}

cd "$root" || exit 1
mkdir "$work/profiles" "$work/share"
built=$(dirname "${CUDDY:-$root/build/cuddy}")
# shellcheck disable=SC2046 # lists of words
if ! ${CC:-gcc} -std=gnu17 -O1 -D_GNU_SOURCE -DCUDDY_FAULTS -DCUDDY_VERSION='"faults"' \
	-DCUDDY_DATA_DIR="\"$work/share\"" -Isrc -Iinclude $(tools/sources main) \
	$(grep -lrE 'CUDDY_(FAULTS|DATA_DIR|LIBEXEC_DIR)' src --include='*.c') "$built/libcli.a" "$built/libcore.a" \
	-lm -o "$work/cuddy" 2>"$work/err"; then
	sed 's/^/# /' "$work/err"
	result 1 "cuddy compiles with CUDDY_FAULTS"
	echo "1..$count"
	exit 1
fi
chmod 755 "$work" "$work/cuddy"
cp -R permissions profiles "$work/share/"
chmod -R a+rX "$work/share"
text /proc/self/mountinfo
mounts=$text
cp "$built/cuddy-net" "$work/" 2>/dev/null
# One more, whose cage has a relay that then stands beside the program.
mkdir "$work/more"
printf 'include = ["project"]\n[networking]\nallow = ["example.org:443"]\n' >"$work/more/with-relay.toml"
as caller
mkdir "$home/project/empty"
fail_bwrap
if [ "$(id -u)" = 0 ] && id "$user" >/dev/null 2>&1; then
	as "ordinary-user" setpriv --reuid "$(id -u "$user")" --regid "$(id -g "$user")" --clear-groups
fi
echo "1..$count"
exit "$bad"
