#!/bin/sh
# tests/integration/image.sh - 'cuddy image': imports, hostile archives, kills, full disks, as TAP;
# once as the caller and, when that is root, once more as cuddy-test.
#
# CUDDY names the program (default build/cuddy); cuddy-image must be beside it.  The tests are in
# image.py, which makes every archive itself.
root=$(cd "$(dirname "$0")/../.." && pwd) || exit 1
user=cuddy-test
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
unset XDG_CONFIG_HOME XDG_DATA_HOME XDG_CACHE_HOME XDG_STATE_HOME XDG_RUNTIME_DIR
export PATH LC_ALL=C NO_COLOR=1 PYTHONDONTWRITEBYTECODE=1
umask 022
program=${CUDDY:-$root/build/cuddy}
for file in "$program" "$(dirname "$program")/cuddy-image"; do
	if [ ! -x "$file" ]; then
		echo "1..0 # SKIP there is no $(basename "$file"), libarchive is missing"
		exit 0
	fi
done
base=$(mktemp -d /var/tmp/cuddy-image.XXXXXX) || exit 1
trap 'rm -rf "$base"' EXIT
trap 'exit 1' INT TERM HUP
chmod 755 "$base"
mkdir "$base/tree" "$base/self"
cp "$program" "$(dirname "$program")/cuddy-image" "$root/tests/integration/image.py" \
	"$root/tests/integration/archives.py" "$base/tree/"
chmod -R a+rX "$base/tree"

python3 "$base/tree/image.py" "$base/tree/cuddy" "$base/self" >"$base/first"
: >"$base/second"
if [ "$(id -u)" = 0 ] && id "$user" >/dev/null 2>&1; then
	install -d -o "$user" -g "$(id -g "$user")" "$base/user"
	setpriv --reuid "$(id -u "$user")" --regid "$(id -g "$user")" --clear-groups \
		env USER="$user" LOGNAME="$user" HOME="$base/user" \
		python3 "$base/tree/image.py" "$base/tree/cuddy" "$base/user" >"$base/second"
fi
# Numbers and the plan are made anew for both together.
awk -v first="$base/first" '
	/^1\.\.[0-9]+$/ { next }
	/^(not )?ok / {
		who = FILENAME == first ? "caller" : "ordinary user"
		sub(/ok [0-9]+ - /, "ok " ++n " - " who ": ")
	}
	{ print }
	END { print "1.." n }
' "$base/first" "$base/second"
grep -q '^1\.\.' "$base/first" || exit 1
[ ! -s "$base/second" ] || grep -q '^1\.\.' "$base/second" || exit 1
! grep -q '^not ok' "$base/first" "$base/second"
