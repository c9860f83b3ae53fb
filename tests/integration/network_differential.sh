#!/bin/sh
# tests/integration/network_differential.sh - oracle, explain and real cages agree on 240 pairs of policy and endpoint, in
# the lab of lab.lib; CUDDY_POLICIES raises the 12 policies.
apart=yes

suite() {
	cp "$root/tests/integration/network_differential.py" "$work/home/"
	at_host env CUDDY_SEED="${CUDDY_SEED:-20261122}" CUDDY_POLICIES="${CUDDY_POLICIES:-12}" \
		/usr/bin/python3 "$work/home/network_differential.py" "$base/tree/build/cuddy" "$work/home" \
		>"$work/out" 2>"$work/err" </dev/null
	ok "the comparison ran to its end" holds ' pairs, ' "$work/out"
	ok "no cage did what the oracle does not say" not holds '^different' "$work/out"
	sed 's/^/# /' "$work/out"
}

. "$(dirname "$0")/lab.lib"
