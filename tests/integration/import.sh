#!/bin/sh
# tests/integration/import.sh - 'cuddy import': own files of each format against tests/golden/import, bad input,
# and all of firejail's profiles that are installed, asked by an oracle (tests/import_firejail.py).
# GOLDEN=update writes the golden files anew.  EACH=n takes every n-th of firejail's profiles (default 12).
cd "$(dirname "$0")/../.." || exit 1
cuddy=${CUDDY:-build/cuddy}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
count=0 bad=0

ok() { # TITLE COMMAND…
	title=$1; shift
	count=$((count + 1))
	if "$@" >"$work/said" 2>&1; then
		echo "ok $count - $title"
	else
		echo "not ok $count - $title"
		head -n 8 "$work/said" | sed 's/^/# /'
		bad=1
	fi
}

golden() { # FILE
	"$cuddy" import "$1" >"$work/profile.toml" 2>"$work/err" || { cat "$work/err"; return 1; }
	[ "$GOLDEN" != update ] || cp "$work/profile.toml" "tests/golden/import/${1##*/}.toml"
	diff "tests/golden/import/${1##*/}.toml" "$work/profile.toml" && "$cuddy" profile check "$work/profile.toml"
}

refused() { # CODE ARGUMENT…
	code=$1; shift
	timeout 60 "$cuddy" import "$@" >"$work/out" 2>"$work/err"
	status=$?
	[ "$status" = 125 ] && grep -q "$code" "$work/err" && return
	echo "exit $status"; head -n 4 "$work/err"; return 1
}

accepted() { # ARGUMENT…: and what was written loads
	timeout 60 "$cuddy" import -o "$work/x.toml" "$@" && "$cuddy" profile check "$work/x.toml"
}

for file in browser.profile viewer.metadata seccomp.json worker.service usr.bin.worker; do
	ok "$file gives its golden profile, which loads" golden "tests/import/$file"
done
ok "--json is JSON" sh -c '"$1" import --json tests/import/browser.profile 2>/dev/null | python3 -m json.tool' - "$cuddy"
sh -c '"$1" import --strict tests/import/browser.profile >/dev/null 2>&1' - "$cuddy"
ok "--strict exits with 1 when something is lost" [ $? = 1 ]
"$cuddy" import --strict tests/import/seccomp.json >/dev/null 2>&1
ok "and with 0 when nothing is" [ $? = 0 ]

cd "$work" || exit 1
case $cuddy in /*) ;; *) cuddy=$OLDPWD/$cuddy ;; esac
printf 'include b.inc\n' >a.profile; printf 'include a.profile\n' >b.inc
ok "includes in a circle" refused C707 a.profile
printf 'include missing.inc\n' >c.profile
ok "a missing include, since it may forbid something" refused C706 c.profile
printf 'include c.local\ncaps.drop all\n' >d.profile
ok "but not a missing .local" accepted d.profile
printf 'blacklist /a\0b\n' >nul.profile
ok "a zero byte" refused C704 nul.profile
printf '{ "defaultAction": ' >cut.json
ok "JSON that is cut off" refused C709 --from docker cut.json
printf '{ "defaultAction": "SCMP_ACT_DANCE" }' >action.json
ok "an action that there is not" refused C709 --from oci action.json
printf '/usr/bin/x {\n /etc/x r\n' >usr.bin.x
ok "an AppArmor rule without its comma" refused C709 usr.bin.x
printf '#include "usr.bin.y"\n' >usr.bin.y
ok "an AppArmor include in a circle" refused C707 usr.bin.y
printf '[Service]\nwhat is this\n' >x.service
ok "a unit with a line that is none" refused C709 x.service
printf 'hello\n' >plain
ok "a file of no known format" refused C702 plain
ok "a format that there is not" refused C701 --from fireja plain
ok "a directory" refused C700 --from firejail .
awk 'BEGIN { for (i = 0; i < 1000000; i++) print "a b" }' >million.profile
ok "a million lines" refused C703 million.profile
awk 'BEGIN { printf "blacklist /"; for (i = 0; i < 1000000; i++) printf "a*"; print "" }' >long.profile
ok "a line of two million bytes: more is denied, not less" accepted long.profile
printf 'blacklist /a/"q"/${x}\\\001\n' >odd.profile
ok "odd bytes in a name" accepted odd.profile
name=$(printf 'two\nlines.profile'); printf 'caps.drop all\nwhatever\n' >"$name"
ok "a file name of two lines" accepted "$name"
cd "$OLDPWD" || exit 1

count=$((count + 1))
if [ -d /etc/firejail ] && command -v cc >/dev/null && [ -e build/libcore.a ] && command -v python3 >/dev/null; then
	cc -std=gnu17 -D_GNU_SOURCE -Isrc -Iinclude -o "$work/oracle" tests/import_decide.c build/libcore.a -lm &&
		env PYTHONDONTWRITEBYTECODE=1 python3 tests/import_firejail.py "$cuddy" "$work/oracle" . /etc/firejail "${EACH:-12}" \
			>"$work/out" 2>&1
	[ $? = 0 ] && echo "ok $count - firejail's profiles grant nothing that firejail denies" || {
		bad=1; echo "not ok $count - firejail's profiles grant nothing that firejail denies"; }
	tail -n 12 "$work/out" | sed 's/^[# ]*/# /'
else
	echo "ok $count - firejail's profiles # SKIP firejail is not installed"
fi
echo "1..$count"
exit "$bad"
