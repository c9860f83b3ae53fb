#!/bin/sh
# run.sh CAGE-COMMAND… - runs the probe without a cage and inside one, and compares; prints TAP.
#
#     tests/containment/run.sh cuddy run --profile command-line --ro @DIR@ --
#     tests/containment/run.sh bwrap --ro-bind / / --dev /dev --proc /proc --unshare-all --
#
# The command gets the probe and its arguments appended; the word @DIR@ in it becomes the
# directory of the probe, @OUT@ the directory outside that must stay out of reach.
# A class that the control run (no cage) can't do either proves nothing and is marked so.
#
# CONTAINMENT_ALLOW  classes that this cage may leave open, separated by blanks
# CONTAINMENT_PROBE  a built probe (default: built here with ${CC:-cc} -static)
# CONTAINMENT_TASKS  how many processes count as unbounded (default 3000; 0: don't try)
# CONTAINMENT_HOME   an empty directory: files that matter in a home are planted there, and HOME is set to it
# CONTAINMENT_KEEP   keep the two lists of results in this directory
# CONTAINMENT_CONTROL  the list of an earlier control run of this user, instead of another one
here=$(cd "$(dirname "$0")" && pwd) || exit 1
[ $# -gt 0 ] || { sed -n '2,15s/^# \{0,1\}//p' "$0" >&2; exit 2; }
work=$(mktemp -d "${TMPDIR:-/var/tmp}/containment.XXXXXX") || exit 1
bait='' shared=''
finish() {
	exec 8>&- # the bait reads this pipe and ends by itself
	[ -n "$bait" ] && wait "$bait" 2>/dev/null
	# shellcheck disable=SC2086 # words
	rm -rf "$work" $shared
}
trap finish EXIT
trap 'exit 1' INT TERM HUP

mkdir "$work/bin" "$work/out" "$work/start" "$work/result" || exit 1
chmod 755 "$work" "$work/bin" "$work/start"
if [ -n "$CONTAINMENT_PROBE" ]; then
	cp "$CONTAINMENT_PROBE" "$work/bin/probe" || exit 1
else
	${CC:-cc} -std=gnu17 -D_GNU_SOURCE -O1 -static -o "$work/bin/probe" "$here"/*.c || exit 1
fi
echo "the secret of the host" > "$work/out/secret"

# The bait: outside, with the cookie in its environment, in our process group.
cookie="CUDDY-BAIT-$$-$(od -An -N8 -tx8 /dev/urandom | tr -d ' ')"
mkfifo "$work/gate" || exit 1
env -i BAIT="$cookie" "$work/bin/probe" --bait "$work/out" "$cookie" < "$work/gate" > "$work/said" &
bait=$!
exec 8> "$work/gate"
tries=0
until [ -s "$work/said" ]; do
	tries=$((tries + 1))
	[ $tries -lt 50 ] || { echo "Bail out! the bait did not start"; exit 1; }
	sleep 0.1
done
read -r port key pid < "$work/said"

shared="/tmp/$cookie /var/tmp/$cookie /dev/shm/$cookie"
for file in $shared; do
	echo secret > "$file"
done
planted='.ssh/id_ed25519 .bashrc .profile .gitconfig .config/autostart/x.desktop
	.local/share/applications/x.desktop .config/systemd/user/x.service .local/share/dbus-1/services/x.service
	.config/environment.d/x.conf .local/bin/x .local/lib/python3/site-packages/x.pth
	.config/cuddy/profiles/x.toml'
if [ -n "$CONTAINMENT_HOME" ]; then
	HOME=$CONTAINMENT_HOME
	export HOME
fi
plant() {
	for file in $planted; do
		mkdir -p "$CONTAINMENT_HOME/$(dirname "$file")"
		echo "# $cookie" > "$CONTAINMENT_HOME/$file"
	done
}
runtime=${XDG_RUNTIME_DIR:-/run/user/$(id -u)}
probe_in() { # RESULT WORDS-BEFORE-THE-PROBE…
	result=$1
	shift
	rm -f "$work/out/signalled"
	[ -z "$CONTAINMENT_HOME" ] || plant
	set -- "$@" "$work/bin/probe" "PROBE_OUTSIDE=$work/out" "PROBE_COOKIE=$cookie" \
		"PROBE_HOME=$CONTAINMENT_HOME" "PROBE_KEY=$cookie" "PROBE_PORT=$port" "PROBE_SHM=$key" "PROBE_PID=$pid" \
		"PROBE_ABSTRACT=$cookie" "PROBE_SOCKET=$work/out/bait.sock" \
		"PROBE_HOSTNAME=$(uname -n)" "PROBE_TASKS=${CONTAINMENT_TASKS:-3000}" \
		"PROBE_BOOT_ID=$(cat /proc/sys/kernel/random/boot_id 2>/dev/null)" \
		"PROBE_MACHINE_ID=$(cat /etc/machine-id 2>/dev/null)" \
		"PROBE_SSH_AUTH_SOCK=${SSH_AUTH_SOCK:-$work/out/bait.sock}" "PROBE_GPG_AGENT=$runtime/gnupg/S.gpg-agent" \
		"PROBE_SESSION_BUS=${DBUS_SESSION_BUS_ADDRESS:-unix:path=$work/out/bait.sock}" \
		"PROBE_SYSTEMD_USER=$runtime/systemd/private" \
		"PROBE_WAYLAND=$runtime/${WAYLAND_DISPLAY:-wayland-0}" \
		"PROBE_PULSE=$runtime/pulse/native" "PROBE_PIPEWIRE=$runtime/pipewire-0"
	# Standard input read only, standard error write only, descriptor 7 and a secret variable:
	# all of it must not come through.  The signal row needs our process group: no setsid here.
	( cd "$work/start" &&
	  CUDDY_PROBE_SECRET=hunter2 LD_LIBRARY_PATH=/nonexistent \
	  "$work/bin/probe" --with-key "$cookie" "$@" \
		< "$work/out/secret" 2>> "$work/result/errors" 7< "$work/out/secret" 8>&- \
	  | cat > "$work/result/$result" )
	# SIGURG arrives at once, the note of it a moment later.
	sleep 0.2
	if [ -e "$work/out/signalled" ]; then
		echo "open process-group-signal the bait outside got SIGURG"
	else
		echo "closed process-group-signal nothing arrived outside"
	fi >> "$work/result/$result"
	for file in "$work/out"/*; do
		case ${file##*/} in
		secret | bait.sock | signalled) ;;
		*) echo "open outside-left-over ${file##*/}" >> "$work/result/$result" ;;
		esac
	done
	for file in ${CONTAINMENT_HOME:+$planted}; do
		[ "$(cat "$CONTAINMENT_HOME/$file" && echo .)" = "# $cookie
." ] || echo "open home-changed $file"
	done >> "$work/result/$result"
	grep -qx 'end' "$work/result/$result"
}

# Who stays behind, by the cookie on its command line: $found.
lingering() {
	found=''
	for line in $(grep -lsF -e "$1" /proc/[0-9]*/cmdline); do
		if { tr '\0' ' ' < "$line"; } 2>/dev/null | grep -q -e "^$work/bin/probe --linger $1 "; then
			process=${line#/proc/}
			found="$found ${process%/cmdline}"
		fi
	done
	[ -n "$found" ]
}

# Do they all go?  Without a cage they stay.  Who stayed is ended here, one by one.
is_left_alone() { # COOKIE
	tries=0
	[ "$result" != control ] || sleep 0.5
	while lingering "$1" && [ "$result" != control ] && [ $tries -lt 100 ]; do
		tries=$((tries + 1))
		sleep 0.05
	done
	# shellcheck disable=SC2086
	[ -z "$found" ] || kill -KILL $found 2>/dev/null
	[ -z "$found" ]
}

linger_in() { # RESULT WORDS-BEFORE-THE-PROBE…
	result=$1
	shift
	"$@" "$work/bin/probe" --linger "$cookie-leave" leave < /dev/null > /dev/null 2>&1 8>&-
	if is_left_alone "$cookie-leave"; then
		echo "closed life-after-program nothing stayed"
	else
		echo "open life-after-program a background process stayed"
	fi >> "$work/result/$result"
	"$@" "$work/bin/probe" --linger "$cookie-hold" hold < /dev/null > /dev/null 2>&1 8>&- &
	launcher=$!
	tries=0
	until lingering "$cookie-hold" || [ $tries -ge 400 ]; do
		tries=$((tries + 1))
		sleep 0.05
	done
	kill -KILL "$launcher"
	wait "$launcher" 2>/dev/null
	if [ $tries -ge 400 ]; then
		echo "open life-after-launcher the program was never seen"
	elif is_left_alone "$cookie-hold"; then
		echo "closed life-after-launcher nothing stayed"
	else
		echo "open life-after-launcher the program outlived its killed launcher"
	fi >> "$work/result/$result"
}

if [ -s "$CONTAINMENT_CONTROL" ]; then
	cp "$CONTAINMENT_CONTROL" "$work/result/control"
else
	probe_in control env || { echo "Bail out! the probe does not run without a cage"; exit 1; }
	linger_in control env
fi
count=$#
while [ $count -gt 0 ]; do # the same words, with @DIR@ and @OUT@ filled in
	case $1 in
	*@DIR@*) word=${1%%@DIR@*}$work/bin${1#*@DIR@} ;;
	*@OUT@*) word=${1%%@OUT@*}$work/out${1#*@OUT@} ;;
	*) word=$1 ;;
	esac
	shift
	set -- "$@" "$word"
	count=$((count - 1))
done
: > "$work/result/errors"
probe_in caged "$@" || {
	sed 's/^/# /' "$work/result/errors"
	echo "Bail out! the probe did not run to its end in the cage"
	exit 1
}
linger_in caged "$@"
[ -n "$CONTAINMENT_KEEP" ] && mkdir -p "$CONTAINMENT_KEEP" &&
	cp "$work/result/control" "$work/result/caged" "$CONTAINMENT_KEEP"

awk -v allowed=" $CONTAINMENT_ALLOW " '
	$1 == "end" { next }
	NR == FNR { control[$2] = $1; next }
	{
		state = $1; class = $2; $1 = $2 = ""; sub(/^ +/, ""); n++
		if (state == "skip")
			print "ok " n " - " class " # SKIP " $0
		else if (state == "open" && index(allowed, " " class " "))
			print "ok " n " - " class ": open, and may be (" $0 ")"
		else if (state == "open") {
			print "not ok " n " - " class ": open (" $0 ")"
			bad++
		} else {
			proof = control[class] == "open"
			print "ok " n " - " class (proof ? "" : " # closed without a cage too")
			proven += proof
		}
	}
	END {
		print "1.." n
		print "# " n " classes, " bad + 0 " open, " proven + 0 " proven closed by the cage"
		exit bad > 0
	}' "$work/result/control" "$work/result/caged"
