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
cp "${CUDDY:-$tree/build/cuddy}" "$work/build/cuddy" &&
	cp -R "$tree/permissions" "$tree/profiles" "$work/" &&
	cp "$tree"/tests/containment/run.sh "$work/attack/" || exit 1
${CC:-cc} -std=gnu17 -D_GNU_SOURCE -O1 -static -o "$work/attack/probe" \
	"$tree"/tests/containment/*.c || exit 1

# Becomes: a profile that adds the directory of the probe to a base profile.
cat > "$work/attack/cage" <<'END'
#!/bin/sh
# cage BASE DIRECTORY PROGRAM…
profile=${2%/*}/$1.toml share=${0%/attack/cage}
printf 'include = ["%s"]\n' "$share/profiles/base/$1.toml" > "$profile"
[ "$1" != project ] || echo 'may-degrade = ["networking"]' >> "$profile"
printf '[filesystem]\nexecute = ["%s{/,/**}"]\n' "$2" >> "$profile"
shift 2
exec "$share/build/cuddy" run --profile "$profile" -- "$@"
END
chmod -R a+rX "$work"
chmod 755 "$work/attack/cage"

# attack WHO ALLOWED BASE COMMAND-BEFORE…: one run of the driver, renumbered into ours.
attack() {
	who=$1 base=$3 allowed=$2
	shift 3
	place=$work/$who-$base
	mkdir "$place" && chmod 1777 "$place" || exit 1
	"$@" CONTAINMENT_ALLOW="$allowed" CONTAINMENT_PROBE="$work/attack/probe" CONTAINMENT_TASKS=5000 TMPDIR="$place" \
		sh "$work/attack/run.sh" "$work/attack/cage" "$base" @DIR@ > "$work/tap" 2>&1 </dev/null
	if ! grep -q '^1\.\.' "$work/tap"; then
		count=$((count + 1))
		echo "not ok $count - $base as $who: the driver ran to its end"
		sed 's/^/# /' "$work/tap"
		return
	fi
	awk -v n="$count" -v label="$base as $who: " '
		/^(not )?ok / { sub(/ok [0-9]+ - /, "ok " ++n " - " label); print }
		/^#/ { print }' "$work/tap" > "$work/renumbered"
	cat "$work/renumbered"
	count=$((count + $(grep -cE '^(not )?ok ' "$work/renumbered")))
}

everyone() { # BASE ALLOWED
	if [ "$(id -u)" != 0 ]; then
		attack "$(id -un)" "$2" "$1" env
		return
	fi
	attack root "$2" "$1" env
	if id "$user" >/dev/null 2>&1; then
		attack "$user" "$2" "$1" setpriv --reuid "$(id -u "$user")" --regid "$(id -g "$user")" \
			--clear-groups env HOME="/home/$user" USER="$user"
	else
		count=$((count + 1))
		echo "ok $count - $1 as $user # SKIP there is no user $user"
	fi
}

# Granted by runtime.ordinary, through malloc and numa.
granted='memory-policy memory-secret move-pages process-madvise'
# Known and open: 4096 tasks are the standard limit.
known=
if [ "$(id -u)" = 0 ]; then
	known=unbounded-tasks # RLIMIT_NPROC does not bind the root of the host
fi
everyone command-line "$granted $known"
everyone project "$granted $known"
echo "1..$count"
