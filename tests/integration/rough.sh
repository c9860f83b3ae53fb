#!/bin/sh
# tests/integration/rough.sh - who looks into those that enter a cage, kill -9 at any moment, disks that are full.
# ROUNDS and SECONDS_OF_KILLS bound the second part: 60 rounds and 30 seconds if not set.
suite_files='tests/integration/tracer.c tests/integration/kills.py'

runs() { "$tree/build/cuddy" ps 2>/dev/null | grep -q "^$1 "; }

tracer() {
	if ! have "${CC:-cc}"; then
		skip "a racing tracer: no compiler"
		return
	fi
	"${CC:-cc}" -O2 -static -o tracer "$tree/tests/integration/tracer.c" || return 1
	# Static, since a loader opens files of its own.  ptrace is allowed here: what is tested is that there is nothing
	# to attach to.
	printf 'include = ["command-line"]\n[runtime]\nallow-syscalls = ["ptrace"]\n' >traced.toml
	"$tree/build/cuddy" run -p ./traced.toml -n traced ./tracer "$PWD/stop" >"$work/traced" 2>"$work/traced.err" </dev/null &
	until_true 20 runs traced
	bad=0
	for i in $(seq 200); do
		PLANTED=secret "$tree/build/cuddy" exec traced -- ./tracer victim 3</etc/hostname >"$work/out" 2>"$work/err" </dev/null ||
			bad=$((bad + 1))
	done
	same "200 programs enter while another races to trace them" 0 "$bad"
	touch stop
	wait
	echo "# $(grep refused "$work/traced")"
	same "no program, environment, descriptor but their own is seen, nothing is attached to before" 0 \
		"$(sed -n 's/^refused .*hits //p' "$work/traced")"
	grep '^hit' "$work/traced" | head -n 3 | sed 's/^/# /'
	ok "they were seen afterwards" grep -q 'own [1-9]' "$work/traced"
}

kills() {
	python3 "$tree/tests/integration/kills.py" "$tree/build/cuddy" "${ROUNDS:-60}" "${SECONDS_OF_KILLS:-30}" >"$work/out" 2>"$work/err"
	grep '^#' "$work/out"
	same "kill -9 at any moment: one further call works, the counter goes on, files are whole, nothing is left" \
		'{"bad": 0, "commit": 0, "broken": [], "strays": [], "left": []}' "$(grep -v '^#' "$work/out"; cat "$work/err")"
}

# The data lies on a file system of 4 MiB, which only root of a namespace can mount.
full_disk() {
	as_root=
	[ "$(id -u)" = 0 ] || as_root=-Ur
	if ! unshare $as_root -m true 2>/dev/null; then
		skip "a full disk"
		return
	fi
	cat >"$work/full.sh" <<-'EOF'
		mount -t tmpfs -o size=4m,mode=700 none "$HOME/.local/share" || exit 1
		cuddy() { "$tree/build/cuddy" "$@" </dev/null 2>>"$work/full.err"; }
		cuddy run -n full sh -c 'echo mine >~/mine'
		cat /dev/zero >"$HOME/.local/share/filler" 2>/dev/null
		cuddy run -n full sh -c 'cat ~/mine; echo x >~/more || echo no room'
		cuddy run -n other true
		echo "a new cage: $?"
		cuddy run -p command-line -n full --ephemeral echo an ephemeral one
		[ ! -x "$tree/build/cuddy-image" ] || cuddy image import -n big "$work/big.tar"
		echo "an import: $?"
		rm "$HOME/.local/share/filler"
		[ ! -x "$tree/build/cuddy-image" ] || cuddy image import -n big "$work/big.tar"
		echo "one that is too large: $?"
		ls -A "$HOME/.local/share/cuddy/images" 2>/dev/null
		cuddy run -n full cat mine 2>/dev/null
		cuddy run -n full sh -c 'cat ~/mine; echo x >~/more && echo room'
		cuddy run -n other true
		echo "a new cage: $?"
	EOF
	mkdir -p "$HOME/.local/share"
	head -c 6000000 /dev/urandom >"$work/big" && tar -C "$work" -cf "$work/big.tar" big
	export tree work
	: >"$work/full.err"
	unshare $as_root -m sh "$work/full.sh" >"$work/out" 2>"$work/err"
	printf '%s\n' mine 'no room' 'a new cage: 0' 'an ephemeral one' 'an import: 125' 'one that is too large: 125' mine room \
		'a new cage: 0' >"$work/wanted"
	same "a full disk: what there is can be used, nothing is lost" "$(cat "$work/wanted")" "$(cat "$work/out")"
	ok "and it is said" test "$(grep -c 'No space left' "$work/full.err")" = 2
}

suite() {
	tracer
	kills
	full_disk
}

. "$(dirname "$0")/both.lib"
