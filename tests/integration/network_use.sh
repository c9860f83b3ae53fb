#!/bin/sh
# tests/integration/network_use.sh - what is done with a cage's network, in the small internet of lab.lib:
# joining, ports into the cage, other name servers, counters and the log.

# profile NAME LINES: one with the given rules of networking.
profile() {
	printf '[filesystem]\nflags = ["system", "own-home", "project", "tmp"]\n[networking]\n%s\n[runtime]\nflags = ["ordinary"]\n' \
		"$2" >"$work/home/$1.toml"
}

# kill_launcher WORD: of the processes of this lab, the launcher whose command line holds the word.
kill_launcher() {
	for pid in $(ip netns pids "$host"); do
		[ "$(cat "/proc/$pid/comm")" = cuddy ] && tr '\0' ' ' <"/proc/$pid/cmdline" | grep -q -F "$1" && kill -9 "$pid"
	done
}

# Whoever is in the cage has its network, as long as somebody is.
joins() {
	profile names 'allow = ["ok.example:443", "*.wild.example:443"]'
	for end in leaves dies; do
		rm -f "$work"/home/signs/*
		at_host "$base/tree/build/cuddy" run -n shared -p ./names.toml /usr/bin/python3 "$work/home/lab_client.py" \
			tcp:ok.example/443 "wait:$work/home/signs/first" >"$work/first" 2>"$work/err" </dev/null &
		first=$!
		until_true holds reached "$work/first"
		at_host "$base/tree/build/cuddy" run -n shared -p ./names.toml /usr/bin/python3 "$work/home/lab_client.py" \
			tcp:ok.example/443 tcp:203.0.113.11/443 "wait:$work/home/signs/second" tcp:ok.example/443 \
			tcp:a.wild.example/443 tcp:evil.example/443 >"$work/second" 2>"$work/err" </dev/null &
		second=$!
		until_true holds 203.0.113.11 "$work/second"
		ok "join: the second reaches what the first does" holds '^tcp:ok.example/443 reached' "$work/second"
		ok "join: and no more" holds '^tcp:203.0.113.11/443 closed' "$work/second"
		ok "join: one relay for both" [ "$(relays | wc -w)" = 1 ]
		cuddy exec shared -- /usr/bin/python3 "$work/home/lab_client.py" tcp:ok.example/443 tcp:evil.example/443
		ok "exec: reaches the same" holds '^tcp:ok.example/443 reached' "$work/out"
		ok "exec: and no more" holds '^tcp:evil.example/443 closed' "$work/out"
		if [ "$end" = leaves ]; then
			: >"$work/home/signs/first"
		else
			kill_launcher "$work/home/signs/first"
		fi
		wait "$first" 2>/dev/null
		: >"$work/home/signs/second"
		wait "$second"
		ok "join: the first $end, the second still reaches its hosts" \
			[ "$(grep -c '^tcp:[a-z.]*/443 reached' "$work/second")" = 3 ]
		ok "join: the first $end, others stay closed" holds '^tcp:evil.example/443 closed' "$work/second"
		ok "join: no relay is left when all are gone" no_relays
	done
}

suite() {
	joins
}

. "$(dirname "$0")/lab.lib"
