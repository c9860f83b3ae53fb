#!/bin/sh
# tests/vm/no-userns.sh - where an ordinary user may make no user namespaces: by the limit, and by Debian's switch.
# Nothing runs, the message says what to do, the status is 125; root goes on where it may.  For tests/vm/run.
count=0 bad=0
ok() {
	title=$1; shift
	count=$((count + 1))
	if "$@"; then
		echo "ok $count - $title"
	else
		bad=1
		echo "not ok $count - $title"
		sed 's/^/# /' /tmp/said
	fi
}
is_status() { [ "$status" = "$1" ]; }
says() { grep -q -e "$1" /tmp/said; }
not() { ! "$@"; }
as_user() {
	(cd /tmp && setpriv --reuid 1001 --regid 1001 --clear-groups env HOME=/home/cuddy-test USER=cuddy-test \
		NO_COLOR=1 /srv/tree/build/cuddy "$@") >/tmp/said 2>&1
	status=$?
}

# closed SETTING PATTERN: in /proc/sys as in sysctl's remedy.
closed() {
	file=/proc/sys/$(echo "$1" | tr . /) before=
	if [ ! -e "$file" ]; then
		count=$((count + 1))
		echo "ok $count - $1 # SKIP this kernel does not have it"
		return
	fi
	before=$(cat "$file")
	echo 0 >"$file"
	as_user run -n closed bash -c 'echo it ran'
	ok "$1 is 0: nothing runs" is_status 125
	ok "$1 is 0: not even a little" not says 'it ran'
	ok "$1 is 0: the message names it" says "$1"
	as_user doctor
	ok "$1 is 0: doctor names it" says "$1"
	ok "$1 is 0: and says that cages don't work" not says '^cages work'
	echo "$before" >"$file"
	as_user run -n closed bash -c 'echo it ran'
	ok "$1 is $before again: it runs" says 'it ran'
}
closed user.max_user_namespaces
closed kernel.unprivileged_userns_clone
echo "1..$count"
exit "$bad"
