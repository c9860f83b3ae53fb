#!/bin/sh
# containment.sh - the probe of tests/containment in cages of the base profiles, as ordinary user
# and as root; prints TAP.  CUDDY is the program to test (default: build/cuddy of this tree).
#
# The program and its data are copied where both users can read them: a checkout may be closed.
# Classes that may be open are listed with their reason in the table below.
tree=$(cd "$(dirname "$0")/../.." && pwd) || exit 1
work=$(mktemp -d /var/tmp/cuddy-attack.XXXXXX) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM HUP
user=cuddy-test
count=0

mkdir "$work/build" "$work/attack" || exit 1
chmod 755 "$work" "$work/build"
program=${CUDDY:-$tree/build/cuddy}
cp "$program" "$work/build/cuddy" && cp "$(dirname "$program")/cuddy-net" "$work/build/" &&
	cp -R "$tree/permissions" "$tree/profiles" "$work/" &&
	cp "$tree"/tests/containment/run.sh "$work/attack/" || exit 1
${CC:-cc} -std=gnu17 -D_GNU_SOURCE -O1 -static -o "$work/attack/probe" \
	"$tree"/tests/containment/*.c || exit 1

# Becomes: a profile that adds the directory of the probe to a base profile.
cat > "$work/attack/cage" <<'END'
#!/bin/sh
# cage BASE DIRECTORY PROGRAM…
profile=${2%/*}/$1.toml share=${0%/attack/cage}
{
	echo 'description = "the probe"'
	case $1 in
	nothing | strict) printf 'include = ["%s", "command-line"]\n' "$share/profiles/base/$1.toml" ;;
	*) printf 'include = ["%s"]\n' "$share/profiles/base/$1.toml" ;;
	esac
	# What no back end provides yet must not keep the rest from being tried.
	[ "$1" = build ] || [ "$1" = daemon ] || echo 'may-degrade = ["desktop", "filesystem", "misc", "networking"]'
	grep -qE '^include.*desktop-app' "$share/profiles/base/$1.toml" || [ "$1" = desktop-app ] &&
		printf '[desktop]\nx11 = "none"\n'
} > "$profile"
printf '[filesystem]\nexecute = ["%s{/,/**}"]\n' "$2" >> "$profile"
shift 2
exec "$share/build/cuddy" run --profile "$profile" -- "$@"
END
chmod -R a+rX "$work"
chmod 755 "$work/attack/cage"

# attack WHO ALLOWED BASE COMMAND-BEFORE…: one run of the driver, into files of its own.  What the user can do
# without a cage is tried with the first ones only.
attack() {
	who=$1 base=$3 allowed=$2
	shift 3
	place=$work/$who-$base
	mkdir "$place" && chmod 1777 "$place" && mkdir -m 777 "$place/home" || exit 1
	"$@" CONTAINMENT_ALLOW="$allowed" CONTAINMENT_PROBE="$work/attack/probe" CONTAINMENT_TASKS="$tasks" TMPDIR="$place" \
		CONTAINMENT_HOME="$place/home" CONTAINMENT_KEEP="$place/kept" \
		CONTAINMENT_CONTROL="$work/$who-command-line/kept/control" \
		sh "$work/attack/run.sh" "$work/attack/cage" "$base" @DIR@ > "$place/tap" 2>&1 </dev/null
}

# report WHO BASE: what attack() left, renumbered into ours.
report() {
	tap=$work/$1-$2/tap
	if ! grep -q '^1\.\.' "$tap"; then
		count=$((count + 1))
		echo "not ok $count - $2 as $1: the driver ran to its end"
		sed 's/^/# /' "$tap"
		return
	fi
	awk -v n="$count" -v label="$2 as $1: " '
		/^(not )?ok / { sub(/ok [0-9]+ - /, "ok " ++n " - " label); print }
		/^#/ { print }' "$tap" > "$work/renumbered"
	cat "$work/renumbered"
	count=$((count + $(grep -cE '^(not )?ok ' "$work/renumbered")))
}

# Three base profiles at once: most of the time the driver waits.  4096 tasks are the standard limit, and
# more than 32768 processes no kernel has that was not told to.
tasks=4200
everyone() { # BASE ALLOWED [BASE ALLOWED]…
	asked=
	while [ $# -gt 0 ]; do
		asked="$asked $1"
		if [ "$(id -u)" != 0 ]; then
			attack "$(id -un)" "$2" "$1" env &
		else
			attack root "$2" "$1" env &
			id "$user" >/dev/null 2>&1 &&
				attack "$user" "$2" "$1" setpriv --reuid "$(id -u "$user")" --regid "$(id -g "$user")" \
					--clear-groups env HOME="/home/$user" USER="$user" &
		fi
		shift 2
	done
	wait
	for base in $asked; do
		for who in "$(id -un)" "$user"; do
			[ ! -d "$work/$who-$base" ] || report "$who" "$base"
		done
	done
}

# Granted by runtime.ordinary, through malloc and numa.
granted='memory-policy memory-secret move-pages process-madvise'
if [ "$(id -u)" = 0 ]; then
	granted="$granted unbounded-tasks" # known: RLIMIT_NPROC does not bind the root of the host
fi
spaces='chroot user-namespace-clone user-namespace-power user-namespace-unshare'  # browser-sandbox
ways='route-internet route-lan route-metadata' # there is a way to the relay, which refuses: network.sh
caps='capabilities-ambient capabilities-bounding capabilities-effective capabilities-inheritable capabilities-permitted'
traces='kcmp personality pidfd-getfd process-vm-read process-vm-write ptrace' # debug
everyone command-line "$granted" project "$granted"
everyone strict "$granted" nothing "$granted" build "$granted $caps setuid-bits"
everyone daemon "$granted $caps $ways" desktop-app "$granted" chat "$granted $spaces $ways"
everyone development "$granted $spaces $ways $traces" editor "$granted" game "$granted int-0x80 ldt personality"
everyone mail "$granted $spaces $ways" media-player "$granted" network-app "$granted $ways"
everyone office "$granted" viewer "$granted" web-browser "$granted $spaces $ways"
for file in "$tree"/profiles/base/*.toml; do
	name=$(basename "$file" .toml)
	[ -d "$work/$(id -un)-$name" ] || { count=$((count + 1)); echo "not ok $count - $name is tried as well"; }
done
echo "1..$count"
