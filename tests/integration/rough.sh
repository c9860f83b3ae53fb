#!/bin/sh
# tests/integration/rough.sh - who looks into those that enter a cage, and kill -9 at any moment.
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

suite() {
	XDG_RUNTIME_DIR=$work/runtime
	export XDG_RUNTIME_DIR
	mkdir -m 700 "$XDG_RUNTIME_DIR"
	tracer
	kills
}

. "$(dirname "$0")/both.lib"
