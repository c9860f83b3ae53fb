#!/bin/sh
# tests/integration/differential.sh - differential.py and places.py as who we are and, when that is root, as
# cuddy-test: do cages do what the oracle says?
cd "$(dirname "$0")/../.." || exit 1
count=0 bad=0

compare() { # NAME PREFIX…
	name=$1; shift
	for script in differential places; do
		count=$((count + 1))
		output=$(env PYTHONDONTWRITEBYTECODE=1 "$@" python3 tests/integration/$script.py 2>&1)
		if [ $? = 0 ]; then echo "ok $count - $script: oracle and cage agree, as $name"
		else bad=1; echo "not ok $count - $script: oracle and cage agree, as $name"; fi
		echo "$output" | sed 's/^[# ]*/# /'
	done
}

# pyenv and the like may be closed to other users: the system's python3 is asked for then.
compare "$(id -un)" env
if [ "$(id -u)" = 0 ] && number=$(id -u cuddy-test 2>/dev/null); then
	set -- setpriv --reuid "$number" --regid "$(id -g cuddy-test)" --clear-groups \
		env HOME=/home/cuddy-test USER=cuddy-test PATH=/usr/local/bin:/usr/bin:/bin
	if "$@" test -r "$PWD/build/libcore.a" && "$@" python3 -c ''; then
		compare cuddy-test "$@"
	else
		count=$((count + 1))
		echo "ok $count - as cuddy-test # skip it cannot read $PWD or has no python3"
	fi
fi
echo "1..$count"
exit "$bad"
