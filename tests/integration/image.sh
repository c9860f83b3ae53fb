#!/bin/sh
# tests/integration/image.sh - 'cuddy image': imports, hostile archives, kills, full disks, as TAP, as both.lib does.
#
# The tests are in image.py, which makes every archive itself; cuddy-image must be beside the program.
suite_files='tests/integration/image.py tests/integration/archives.py'

suite() {
	export PYTHONDONTWRITEBYTECODE=1
	mkdir "$work/image"
	python3 "$tree/tests/integration/image.py" "$tree/build/cuddy" "$work/image" >"$work/tap"
	grep -v '^1\.\.' "$work/tap"
	count=$(sed -n 's/^1\.\.//p' "$work/tap")
	[ -n "$count" ] || exit 1
}

if [ ! -x "$(dirname "${CUDDY:-$(dirname "$0")/../../build/cuddy}")/cuddy-image" ]; then
	echo "1..0 # SKIP there is no cuddy-image, libarchive is missing"
	exit 0
fi
. "$(dirname "$0")/both.lib"
