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

# ---- what a cage has beside the tunnel ----

beside() {
	cp "$root/tests/integration/lab_server.py" "$work/home/"
	profile shop 'flags = ["outgoing", "incoming", "local"]
vpn = "work"
network = "lab"
publish = ["18080:80"]
lend = ["7001"]
expose = ["'"$work/home/shop.sock"':80"]'
	profile guest 'network = "lab"'
	: >"$base/inet.log"
	capture
	rm -f "$work/home/signs/stop-shop"
	at_host "$base/tree/build/cuddy" run -n shop -p ./shop.toml sh -c '
		/usr/bin/python3 lab_server.py shop "$HOME/log" 0.0.0.0 -- 80 >"$HOME/up" &
		until grep -q up "$HOME/up"; do sleep 0.1; done
		exec /usr/bin/python3 vpn_use.py signs/stop-shop' >"$work/out.shop" 2>"$work/err.shop" </dev/null &
	user_pid=$!
	ok "beside a published port: the tunnel is up" until_true opens shop
	cuddy exec shop -- $client tcp:127.0.0.1/7001 tcp:127.0.0.1/8080 tcp:192.168.77.10/8080 tcp:172.17.0.1/8080
	ok "lend: a service of the computer is reached" grep -q '7001 reached host 127.0.0.1 7001 hello' "$work/out"
	ok "lend: and no other, by no address" [ "$(grep -c closed "$work/out")" = 3 ]
	try at_host tcp:127.0.0.1/18080 udp:127.0.0.1/18080
	ok "publish: who comes from the computer is let in" tried '18080 reached shop 0.0.0.0 80 hello'
	try in_inet tcp:192.168.77.10/18080
	ok "publish: nobody from elsewhere" tried closed
	at_host curl -s -m 5 --http0.9 --unix-socket "$work/home/shop.sock" http://shop/ >"$work/tried" 2>&1
	ok "expose: its socket leads there" tried 'shop 0.0.0.0 80'
	cuddy run -n guest -p ./guest.toml $client tcp:shop.lab/80 tcp:203.0.113.10/443
	ok "network: another cage reaches it by its name" grep -q 'shop.lab/80 reached shop' "$work/out"
	ok "network: and gets no tunnel by that" grep -q '203.0.113.10/443 closed' "$work/out"
	kind=shop
	kill_client -KILL
	before=$(lines shop)
	until_true cuts shop "$((before + 1))"
	try at_host tcp:127.0.0.1/18080
	ok "publish: it stays while the tunnel is cut" tried '18080 reached shop'
	ok "beside a published port: the tunnel comes back" until_true opens shop
	stop_using shop
	ok "beside all that no packet left but the tunnel's" [ "$(captured "$leaks and not src port 18080")" = 0 ]
	ok "no name was asked for outside of it" not grep -q 'leak.example' "$base/inet.log"
	ok "and nothing that ran beside it is left" until_true nothing_left
}

# ---- a server that pushes another name server ----

# asked_of SERVER: its log has what a program in the cage looks up now.
asked_of() {
	looked=$((looked + 1))
	cuddy exec named -- $client "tcp:look-$looked.example/443"
	grep -q "look-$looked.example" "$base/$1.log"
}
# certificates ADDRESS: the server with certificates, started anew, pushes this name server.
certificates() {
	sed -i "s/DNS [0-9.]*/DNS $1/" "$servers_at/certificates.conf"
	kill "$(cat "$servers_at/certificates.pid")"
	until_true not test -e "$servers_at/certificates.pid" # it is taken away at the very end
	(cd "$servers_at" && ip netns exec "$inet" openvpn --config certificates.conf --writepid certificates.pid >>certificates.log 2>&1 &)
	until_true test -s "$servers_at/certificates.pid" && until_true has_address ovs0 10.88.0.1
}
other_servers() {
	looked=0
	profile named 'flags = ["outgoing"]
vpn = "work"'
	at_host "$base/tree/build/cuddy" run -n named -p ./named.toml sleep 300 >/dev/null 2>"$work/err.named" </dev/null &
	user_pid=$!
	ok "names: asked of the server that was pushed" until_true asked_of tunnel
	certificates 10.89.0.1
	ok "names: when it comes back with another, of that one" until_true asked_of second
	certificates 10.88.0.1
	ok "names: and again" until_true asked_of tunnel
	cuddy stop named
	wait "$user_pid"
	until_true nothing_left
}

# ---- refusals ----

refusals() {
	profile host 'flags = ["host"]
vpn = "work"'
	cuddy run -p ./host.toml echo ran
	ok "a VPN in the host's network is refused" grep -q 'host.toml:5:.*C318' "$work/err"
	profile idle 'vpn = "work"'
	cuddy run -p ./idle.toml echo ran
	ok "one that no rule lets the program use is warned of" grep -q 'idle.toml:4:.*C319' "$work/err"
	profile shop 'flags = ["incoming"]
vpn = "away"
publish = ["18080:80"]'
	cuddy run -p ./shop.toml echo ran
	ok "ports into the cage are none: the tunnel is not made for them" grep -q 'shop.toml:5:.*C319' "$work/err"
	ok "and the program runs" grep -q ran "$work/out"
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
	beside
	other_servers
	power work 0000000000000000
	power home 0000000000001000
	launcher_killed
	refusals
	[ "$who" != root ] || unreachable
	[ "$who" = root ] && id "$user" >/dev/null 2>&1 || was_unreachable
}

. "$(dirname "$0")/vpn.lib"
