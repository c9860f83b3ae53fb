#!/bin/sh
# tests/integration/vpn.sh - cages whose only way out is a tunnel, in the small internet of lab.lib: OpenVPN with
# certificates and with a password, WireGuard of the kernel or by wireguard-go.  What leaves the computer is captured
# on the other side of its cable.

rules() {
	profile bare 'flags = ["dns"]'
	cuddy run --net vpn:work -p ./bare.toml $client tcp:203.0.113.10/443
	ok "--net vpn:NAME does the same" grep -q reached "$work/out"
	profile named 'allow = ["ok.example:443"]
vpn = "work"'
	cuddy run -p ./named.toml $client tcp:ok.example/443 tcp:ok.example/80 tcp:203.0.113.11/443
	ok "rules hold in a tunnel as well" [ "$(grep -c reached "$work/out")" = 1 ]
}

# A server known by name, TCP, a password, a part of the networks.
password() {
	profile school 'flags = ["outgoing"]
vpn = "school"'
	cuddy run -p ./school.toml $client tcp:ok.example/443 tcp:203.0.113.10/443 tcp:203.0.113.11/443
	ok "a server with a name, over TCP, that wants a password" [ "$(grep -c reached "$work/out")" = 2 ]
	ok "where it pushes no route to, there is none" grep -q '203.0.113.11/443 closed' "$work/out"
	sed 's/^open sesame/wrong/' "$work/home/password" >"$work/home/wrong"
	cuddy vpn add --force --credentials "$work/home/wrong" school.ovpn
	cuddy run -p ./school.toml echo ran
	status=$?
	ok "with a wrong one nothing starts" [ "$status" = 125 ]
	ok "and the client's own words say why" grep -q 'AUTH_FAILED' "$work/err"
	ok "at the line of the profile" grep -q 'school.toml:5:.*C423' "$work/err"
}

# ---- sharing ----

client_count() { the_client "$1" | wc -l; }
cages_of() { cuddy vpn status --json && grep -q "\"cages\": *$1" "$work/out"; }

share() {
	use work quiet
	until_true opens work
	first=$user_pid
	cp "$work/home/work.toml" "$work/home/second.toml"
	use second quiet
	ok "two cages use one tunnel" until_true opens second
	ok "of one client" [ "$(client_count work)" = 1 ]
	ok "'vpn status' counts both" cages_of 2
	ok "and says what the tunnel is" grep -q '"kind": *"openvpn".*' "$work/out"
	cuddy vpn status
	ok "to people too" grep -q 'work  *openvpn  *up .* 2 .*203.0.113.99:1194' "$work/out"
	cuddy ps --json
	ok "'ps' says by which way" [ "$(grep -c '"mode": *"vpn"' "$work/out")" -ge 1 ]
	sed 's/^nobind/nobind\nmssfix 1300/' "$work/home/work.ovpn" >"$work/home/other.ovpn"
	cuddy vpn add --force --name work other.ovpn
	cp "$work/home/work.toml" "$work/home/third.toml"
	cuddy run -p ./third.toml echo ran
	ok "a changed configuration is not mixed with it" grep -q 'third.toml:5:.*C425' "$work/err"
	cuddy vpn add --force work.ovpn
	: >"$work/home/signs/stop-work"
	wait "$first"
	ok "when one ends the other keeps it" cages_of 1
	ok "with an open way" until_true opens second
	user_pid=$!
	stop_using second
	ok "the last one ends it" until_true nothing_left
	cuddy vpn status
	ok "and status says so" grep -q 'no tunnel is up' "$work/out"
}

# ---- refusals ----

refusals() {
	profile host 'flags = ["host"]
vpn = "work"'
	cuddy run -p ./host.toml echo ran
	ok "a VPN in the host's network is refused" grep -q 'host.toml:5:.*C318' "$work/err"
	profile port 'flags = ["outgoing", "incoming"]
vpn = "work"
publish = ["8080"]'
	cuddy run -p ./port.toml echo ran
	ok "so is a port beside it" grep -q 'port.toml:6:.*C320' "$work/err"
	profile lab 'flags = ["outgoing"]
vpn = "work"
network = "lab"'
	cuddy run -p ./lab.toml echo ran
	ok "and a private network" grep -q 'lab.toml:6:.*C320' "$work/err"
	profile idle 'vpn = "work"'
	cuddy run -p ./idle.toml echo ran
	ok "one that no rule lets the program use is warned of" grep -q 'idle.toml:4:.*C319' "$work/err"
	profile none 'flags = ["outgoing"]
vpn = "nowhere"'
	cuddy run -p ./none.toml echo ran
	status=$?
	ok "one that is not there is refused" [ "$status" = 125 ]
	ok "with those that are" grep -q 'work' "$work/err"
	cuddy plan --net ./work.toml
	ok "'plan --net' says what its rules let out" grep -q "through the VPN 'work' or nowhere" "$work/out"
	cuddy explain ./work.toml
	ok "'explain' names the way" grep -q "through the VPN 'work'" "$work/out"
	cuddy why ./work.toml 'connect 203.0.113.10:443'
	ok "so does 'why'" grep -q "through the VPN 'work'" "$work/out"
	mv "$base/tree/build/cuddy-vpn" "$base/tree/build/away"
	cuddy run -p ./work.toml echo ran
	status=$?
	mv "$base/tree/build/away" "$base/tree/build/cuddy-vpn"
	ok "without cuddy-vpn nothing starts" [ "$status" = 125 ]
}

# Root's time limit runs while the other user's cages are tested.
unreachable() {
	at_host "$base/tree/build/cuddy" run -p ./away.toml echo ran >"$base/out.away" 2>"$base/err.away" </dev/null &
	away=$!
}
was_unreachable() {
	wait "$away"
	status=$?
	cp "$base/err.away" "$work/err"
	ok "a server that does not answer: nothing starts" [ "$status" = 125 ]
	ok "after a time, which is told" grep -q 'the time limit is over' "$work/err"
	ok "with the client's last words" grep -q -e 'note:.*203.0.113.99' -e 'note:.*UDP' "$work/err"
	ok "and the program never ran" [ ! -s "$base/out.away" ]
}

suite() {
	carrier=${carrier:-$(kernel_or_program)}
	server=$carrier
	start_vpn
	control
	reaches work
	reaches home
	rules
	password
	no_leak work
	no_leak home
	share
	power work 0000000000000000
	power home 0000000000001000
	launcher_killed
	refusals
	[ "$who" != root ] || unreachable
	[ "$who" = root ] && id "$user" >/dev/null 2>&1 || was_unreachable
}

. "$(dirname "$0")/vpn.lib"
