#!/bin/sh
# bars.sh - long work shows how far it has come: on a terminal, and only there.  TAP; as both.lib does.
suite_files='tests/integration/bars.py'

# on_terminal COMMAND…: leaves $work/out, what the terminal got, with a line for each time the bar was drawn.
on_terminal() {
	env -u NO_COLOR $more python3 "$tree/tests/integration/bars.py" "$tree/build/cuddy" "$@" >"$work/out" 2>"$work/err"
	status=$?
}

# A bar goes from the left to the right and is gone at the end.
is_bar() {
	[ "$(grep -c "^$1 \[#* *\] *[0-9]* %" "$work/out")" -gt 10 ] || return 1
	grep "^$1 " "$work/out" | sed 's/.*\] *\([0-9]*\) %.*/\1/' | sort -nc || return 1
	grep -q '^.x1b\[K' "$work/out"
}
is_plain() { not grep -q '%' "$work/out"; }

suite() {
	if ! have python3; then
		skip "bars: no python3"
		return
	fi
	printf 'include = ["command-line"]\n[filesystem]\ncopy-on-write = ["~/project"]\n' >"$work/cow.toml"
	cuddy run -p "$work/cow.toml" -n bars sh -c 'cd ~/project && mkdir many && cd many && seq 6000 | xargs touch'
	ok "a program makes 6000 files" is_status 0
	more=NO_COLOR=1
	on_terminal changes bars
	ok "NO_COLOR: no bar" is_plain
	more=
	on_terminal changes --json bars
	ok "changes has a bar" is_bar comparing
	on_terminal commit bars
	ok "commit has a bar" is_bar committing
	same "they are there" 6000 "$(ls many | wc -l | tr -d ' ')"
	cuddy changes bars
	ok "nothing is left of it" test "$status" = 0 -a ! -s "$work/out" -a ! -s "$work/err"
	cuddy run -p "$work/cow.toml" -n bars sh -c 'cd ~/project && seq 6000 | xargs touch; echo x >many/1'
	on_terminal rm --force bars
	ok "rm has a bar" is_bar removing
	ok "and removes" test ! -e "$HOME/.local/share/cuddy/cages/bars"
	cuddy run -p "$work/cow.toml" -n bars sh -c 'touch ~/project/one'
	on_terminal commit bars
	ok "short work has none" is_plain
	cuddy run -p "$work/cow.toml" -n bars sh -c 'cd ~/project && seq 6000 | xargs touch'
	cuddy commit bars
	ok "nor has a pipe" is_quiet
}

. "$(dirname "$0")/both.lib"
