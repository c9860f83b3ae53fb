#!/bin/sh
# tests/integration/export.sh - all tests of `cuddy export`, as TAP: the filters against the oracle, the
# files against their readers and against golden ones, and cages made by other tools against the oracle,
# these as who we are and, when that is root, as cuddy-test too.
cd "$(dirname "$0")/../.." || exit 1
tree=$PWD count=0 bad=0
CUDDY=${CUDDY:-$tree/build/cuddy} PYTHONDONTWRITEBYTECODE=1
PATH=/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin
export CUDDY PYTHONDONTWRITEBYTECODE PATH

# install COMMAND PACKAGE: where apt is, what a test needs is here.
install() {
	command -v "$1" >/dev/null 2>&1 && return
	[ "${CHECK_INSTALL:-yes}" = no ] || ! command -v apt-get >/dev/null 2>&1 || [ "$(id -u)" != 0 ] ||
		DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$2" >/dev/null 2>&1 || :
}

# part NAME COMMAND…: its tests, renumbered into ours.
part() {
	name=$1; shift
	output=$("$@" 2>&1)
	status=$?
	echo "$output" | awk -v n="$count" -v label="$name: " '
		/^(not )?ok / { sub(/ok [0-9]+ - /, "ok " ++n " - " label); print; next }
		/^#/ { print; next }
		!/^1\.\./ { print "# " $0 }'
	seen=$(echo "$output" | grep -cE '^(not )?ok ')
	count=$((count + seen))
	[ "$status" = 0 ] || bad=1
	wanted=$(echo "$output" | sed -n 's/^1\.\.//p')
	if [ "$seen" != "$wanted" ]; then
		count=$((count + 1)) bad=1
		echo "not ok $count - $name: $seen tests of ${wanted:-an unknown number} ran, status $status"
	fi
}

install bwrap bubblewrap
install runc runc
install crun crun
install apparmor_parser apparmor
install systemd-analyze systemd
install shellcheck shellcheck
python3 -c 'import yaml' 2>/dev/null || install python3-yaml-module python3-yaml

part filter python3 tests/integration/export_filter.py
part files python3 tests/integration/export_check.py
if command -v bwrap >/dev/null 2>&1; then
	part golden python3 tests/integration/export_golden.py
else
	count=$((count + 1))
	echo "ok $count - golden files # skip bubblewrap is not here"
fi
if python3 -c 'import yaml' 2>/dev/null; then
	part schemas python3 tests/integration/export_schemas.py
	part hostile python3 tests/integration/export_hostile.py
else
	count=$((count + 1))
	echo "ok $count - Kubernetes' schemas, hostile words # SKIP python3 has no yaml module"
fi
part live python3 tests/integration/export_live.py
if [ "$(id -u)" = 0 ] && number=$(id -u cuddy-test 2>/dev/null); then
	set -- setpriv --reuid "$number" --regid "$(id -g cuddy-test)" --clear-groups \
		env HOME=/home/cuddy-test USER=cuddy-test
	if "$@" test -r "$tree/build/libcore.a" && "$@" python3 -c ''; then
		part "live as cuddy-test" "$@" python3 tests/integration/export_live.py
	fi
fi
echo "1..$count"
exit "$bad"
