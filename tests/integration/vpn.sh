#!/bin/sh
# tests/integration/vpn.sh - cages whose only way out is a tunnel, in the small internet of lab.lib: OpenVPN with
# certificates and with a password, WireGuard of the kernel or by wireguard-go.  What leaves the computer is captured
# on the other side of its cable.

# ---- servers ----

fingerprint() { openssl x509 -in "$1.crt" -noout -fingerprint -sha256 | cut -d = -f 2; }

openvpn_servers() {
	for name in server client; do
		openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj "/CN=$name" \
			-keyout "$name.key" -out "$name.crt" 2>/dev/null || return 1
	done
	printf '#!/bin/sh\n[ "$(cat "$1")" = "$(printf "sailor\\nopen sesame")" ]\n' >verify
	chmod 755 verify
	common="dev-type tun
topology subnet
local 203.0.113.99
cert $servers_at/server.crt
key $servers_at/server.key
dh none
keepalive 1 3
duplicate-cn
peer-fingerprint $(fingerprint client)"
	printf '%s\n' "$common" 'dev ovs0' 'proto udp' 'port 1194' 'server 10.88.0.0 255.255.255.0' 'server-ipv6 fd88::/64' \
		'push "redirect-gateway def1 ipv6"' 'push "dhcp-option DNS 10.88.0.1"' >certificates.conf
	# Only a part of the internet goes through this one.
	printf '%s\n' "$common" 'dev ovs1' 'proto tcp-server' 'port 1195' 'server 10.87.0.0 255.255.255.0' \
		'push "route 203.0.113.10 255.255.255.255"' 'push "dhcp-option DNS 10.87.0.1"' 'script-security 2' \
		"auth-user-pass-verify $servers_at/verify via-file" >password.conf
	for kind in certificates password; do
		ip netns exec "$inet" openvpn --config "$kind.conf" --writepid "$kind.pid" >"$kind.log" 2>&1 &
		servers="$servers $!"
	done
}

openvpn_clients() {
	common="client
dev tun
nobind
peer-fingerprint $(fingerprint server)
<cert>
$(cat client.crt)
</cert>
<key>
$(cat client.key)
</key>"
	printf '%s\n' "$common" 'remote 203.0.113.99 1194 udp' >work.ovpn
	printf '%s\n' "$common" 'remote vpn.example 1195 tcp' 'auth-user-pass' >school.ovpn
	printf '%s\n' "$common" 'remote 203.0.113.99 1196 udp' >away.ovpn
	printf 'sailor\nopen sesame\n' >password
}

# wireguard-go where the kernel has none, as cuddy-vpn does it.
wireguard_server() {
	for name in server client; do
		(umask 077; wg genkey >"$name.wg"; wg pubkey <"$name.wg" >"$name.pub")
	done
	printf '[Interface]\nPrivateKey = %s\nListenPort = 51820\n[Peer]\nPublicKey = %s\nAllowedIPs = 10.99.0.2/32, fd99::2/128\n' \
		"$(cat server.wg)" "$(cat client.pub)" >server.wgconf
	printf '[Interface]\nPrivateKey = %s\nAddress = 10.99.0.2/32, fd99::2/128\nDNS = 10.99.0.1\n[Peer]\nPublicKey = %s\nEndpoint = 203.0.113.99:51820\nAllowedIPs = 0.0.0.0/0, ::/0\n' \
		"$(cat client.wg)" "$(cat server.pub)" >home.conf
	if ! in_inet ip link add wgs0 type wireguard 2>/dev/null; then
		ip netns exec "$inet" env LOG_LEVEL=error wireguard-go -f wgs0 >wireguard.log 2>&1 &
		servers="$servers $!"
	fi
	until_true in_inet wg setconf wgs0 server.wgconf 2>/dev/null || return 1
	in_inet sh -c 'ip addr add 10.99.0.1/24 dev wgs0; ip -6 addr add fd99::1/64 dev wgs0 nodad; ip link set wgs0 up'
}

has_address() { in_inet ip addr show "$1" 2>/dev/null | grep -q -e "$2"; }

start_servers() {
	servers_at=$base/vpn
	mkdir -m 755 "$servers_at" && cd "$servers_at" || return 1
	in_inet ip addr add 203.0.113.99/32 dev lo
	openvpn_servers && openvpn_clients && wireguard_server || return 1
	until_true has_address ovs0 10.88.0.1 && until_true has_address ovs1 10.87.0.1 || return 1
	in_inet ip addr add 10.89.0.1/32 dev lo
	serve tunnel "$inet" 10.88.0.1 10.87.0.1 10.99.0.1 -- 53 443 && serve second "$inet" 10.89.0.1 -- 53
}

# ---- what a suite needs ----

profile() {
	printf '[filesystem]\nflags = ["system", "own-home", "project", "tmp"]\n[networking]\n%s\n[runtime]\nflags = ["ordinary"]\n' \
		"$2" >"$work/home/$1.toml"
}

start_suite() {
	mkdir -p "$work/home/signs"
	rm -f "$work/home/signs/"*
	cp "$root/tests/integration/vpn_use.py" "$work/home/"
	cp "$servers_at/"*.ovpn "$servers_at/home.conf" "$servers_at/password" "$work/home/"
	[ "$who" = root ] || chown -R "$who:" "$work/home"
	for name in work home away; do
		profile "$name" "flags = [\"outgoing\"]
vpn = \"$name\""
	done
	profile plain 'flags = ["outgoing", "lan"]'
	for name in work away school; do
		cuddy vpn add --credentials "$work/home/password" "$name.ovpn" || return 1
	done
	cuddy vpn add home.conf
}

client="/usr/bin/python3 lab_client.py"
opens() { [ "$(tail -n 2 "$work/out.$1" | grep -c '^open')" = 2 ]; }
cuts() { tail -n +"$2" "$work/out.$1" | grep -q '^cut'; }
lines() { wc -l <"$work/out.$1"; }
# named NAME [PARENT]: processes of the user at hand with that name (nobody else here has a VPN), or children.
named() {
	grep -l -x "Name:.$1" /proc/[0-9]*/status 2>/dev/null | while read -r status; do
		awk -v uid="$(id -u "$who")" -v parent="${2:-}" '
			$1 == "Pid:" { pid = $2 }
			$1 == "PPid:" && parent && $2 != parent { exit }
			$1 == "Uid:" && $2 == uid { print pid; exit }' "$status" 2>/dev/null
	done
}
the_client() {
	inside=$(named cuddy-vpn-in)
	case $1 in home) named wireguard-go "$inside" ;; *) named openvpn "$inside" ;; esac
}
own_relays() {
	for pid in $(relays); do
		[ "$(stat -c %u "/proc/$pid" 2>/dev/null)" != "$(id -u "$who")" ] || echo "$pid"
	done
}
nothing_left() { [ -z "$(named cuddy-vpn)$(named cuddy-vpn-in)$(own_relays)" ]; }

# ---- the capture ----

# What comes out of the computer and is no tunnel's; neighbours are asked for by the kernel itself, and it tells a
# server of an earlier session that its port is closed.
leaks="(src host 192.168.77.10 or src net 2001:db8:77::/64) and not arp and not icmp6 and not (icmp and icmp[0] == 3) and
	not (dst host 203.0.113.99 and (udp port 1194 or tcp port 1195 or udp port 1196 or udp port 51820))"
capture() {
	ip netns exec "$inet" tcpdump -Z root -U -i in0 -w "$base/capture" 2>"$base/capture.err" &
	capturer=$!
	until_true grep -q 'listening on' "$base/capture.err"
}
captured() {
	sleep 0.3
	kill "$capturer"
	wait "$capturer" 2>/dev/null
	tcpdump -nr "$base/capture" "$1" 2>/dev/null | wc -l
}

# use NAME: a program in a cage that tries everything, until signs/stop is there.
use() {
	rm -f "$work/home/signs/stop-$1"
	at_host "$base/tree/build/cuddy" run -p "./$1.toml" /usr/bin/python3 vpn_use.py "signs/stop-$1" \
		>"$work/out.$1" 2>"$work/err.$1" </dev/null &
	user_pid=$!
}
stop_using() {
	: >"$work/home/signs/stop-$1"
	wait "$user_pid"
}

enough() { [ "$(tcpdump -nr "$base/capture" "$leaks" 2>/dev/null | wc -l)" -gt 20 ]; }
control() {
	: >"$base/inet.log"
	capture
	use plain
	until_true opens plain
	ok "control: without a tunnel, the resolver outside sees its names" until_true holds 'leak.example' "$base/inet.log"
	until_true enough
	stop_using plain
	ok "control: and the capture sees its packets" [ "$(captured "$leaks")" -gt 20 ]
}

# cut_and_back KIND WHAT COMMAND…: something ends the tunnel; then there is nothing, then it is back.
cut_and_back() {
	kind=$1 what=$2; shift 2
	before=$(lines "$kind")
	"$@"
	ok "$kind: $what: the network is cut" until_true cuts "$kind" "$((before + 1))"
	ok "$kind: $what: and comes back" until_true opens "$kind"
	until_true is_up # a WireGuard carries before it is known to
}
is_up() { cuddy vpn status && grep -q ' up ' "$work/out"; }
kill_client() {
	until_true has_client
	kill "$1" $(the_client "$kind")
}
has_client() { [ -n "$(the_client "$kind")" ]; }
# As its owner: root of the machine is nobody in that namespace.
in_tunnel() {
	setpriv --reuid "$who" --regid "$who" --clear-groups \
		nsenter --preserve-credentials -U -n -t "$(named cuddy-vpn-in)" "$@"
}
delete_device() {
	until_true has_client
	in_tunnel ip link del tun0
}

no_leak() {
	kind=$1
	: >"$base/inet.log"
	: >"$base/tunnel.log"
	capture
	use "$kind"
	ok "$kind: the tunnel is up" until_true opens "$kind"
	cut_and_back "$kind" "the client is killed" kill_client -KILL
	cut_and_back "$kind" "the device is deleted" delete_device
	[ "$kind" = home ] || { kill_client -USR1; ok "$kind: restarted by itself" until_true opens "$kind"; }
	stop_using "$kind"
	sleep 0.3
	through=$(tcpdump -nr "$base/capture" 'host 203.0.113.99' 2>/dev/null | wc -l)
	ok "$kind: no packet but the tunnel's left the computer, $through of those" [ "$(captured "$leaks")" = 0 ]
	ok "$kind: some of those did" [ "$through" -gt 100 ]
	ok "$kind: the resolver outside was asked through the tunnel or not at all" not grep -q 'leak.example' "$base/inet.log"
	ok "$kind: that of the tunnel was" grep -q 'leak.example' "$base/tunnel.log"
	ok "$kind: all that came, came by the tunnel" not grep -q -e 'tcp 192.168' -e 'tcp 2001:db8:77' "$base/inet.log"
	cp "$work/err.$kind" "$work/err"
	ok "$kind: the cut is told" grep -q 'C424.*down 2 times' "$work/err"
	ok "$kind: and how the client ended" grep -q 'device was removed' "$work/err"
	ok "$kind: a LAN is none there" not grep -q 'answered.*192.168' "$work/out.$kind"
	ok "$kind: nothing is left" until_true nothing_left
}

# ---- what goes where ----

reaches() {
	for kind in work home; do
		cuddy run -p "./$kind.toml" $client tcp:203.0.113.10/443 tcp:ok.example/443 udp:203.0.113.11/443 \
			tcp:2001:db8:200::10/443 ping:203.0.113.10/56 tcp:192.168.77.20/443 tcp:127.0.0.1/7001
		ok "$kind: IPv4, names, datagrams, IPv6 and pings come through" [ "$(grep -c reached "$work/out")" = 5 ]
		ok "$kind: the LAN and the computer do not" [ "$(grep -c closed "$work/out")" = 2 ]
	done
	cuddy run --net vpn:work -p plain $client tcp:203.0.113.10/443 2>/dev/null
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
	use work
	until_true opens work
	first=$user_pid
	cp "$work/home/work.toml" "$work/home/second.toml"
	use second
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
	until_true not has_address ovs0 10.88.0.1
	(cd "$servers_at" && ip netns exec "$inet" openvpn --config certificates.conf --writepid certificates.pid >>certificates.log 2>&1 &)
	until_true has_address ovs0 10.88.0.1
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

# ---- power ----

# state PID KEY: a line of its status.
state() { awk -v key="$2:" '$1 == key { print $2 }' "/proc/$1/status"; }
confined() {
	[ "$(state "$1" Seccomp)" = 2 ] && [ "$(state "$1" NoNewPrivs)" = 1 ] && [ "$(state "$1" CapEff)" = "$2" ] &&
		[ "$(state "$1" CapBnd)" = "$2" ]
}
sees_nothing() {
	for path in home root proc srv etc/passwd etc/shadow run/user sys; do
		[ ! -e "/proc/$1/root/$path" ] || return 1
	done
	[ -z "$(ls "/proc/$1/root/tmp" | grep -v -e user -e key)" ]
}
same_space() { [ "$(readlink "/proc/$1/ns/$3")" = "$(readlink "/proc/$2/ns/$3")" ]; }

power() {
	kind=$1
	use "$kind"
	until_true opens "$kind"
	pid=$(the_client "$kind")
	ok "$kind: the client has no capability that it does not need" confined "$pid" "$2"
	ok "$kind: sees no home, no process, no file of the system" sees_nothing "$pid"
	ok "$kind: and is in no network of ours" not same_space "$pid" "$(named cuddy-vpn)" net
	ok "$kind: nor in the one where the tunnel is" not same_space "$pid" "$(named cuddy-vpn-in)" net
	ok "$kind: the holder is confined" [ "$(state "$(named cuddy-vpn)" Seccomp)" = 2 ]
	inside=$(named cuddy-vpn-in)
	ok "$kind: the tunnel's network has the tunnel, and a loopback that is down" \
		[ "$(in_tunnel ip -o link | grep -c -e tun0 -e 'lo:.*DOWN')" = 2 ]
	sed 's/^\[networking\]/[user]\nas = "root"\n&/' "$work/home/$kind.toml" >"$work/home/rooted.toml"
	cuddy run -p ./rooted.toml sh -c '
		nft list ruleset; nft flush ruleset; ip addr add 10.0.0.1/8 dev lo; ip link set lo down
		ip route add default dev lo; id -u; ip -o addr; cat /proc/[0-9]*/comm; cat /etc/resolv.conf
		kill -9 -1; ls -d /proc/[0-9]*/root/tmp/*' 2>/dev/null
	ok "$kind: mapped root cannot list or change rules, addresses, routes" not grep -q -e 'table' -e 'inet 10.0.0.1' "$work/out"
	ok "$kind: nor see a helper" not grep -q -e openvpn -e wireguard -e cuddy-vpn -e cuddy-net "$work/out"
	ok "$kind: names are asked of its own relay" grep -q 'nameserver 198.18.0.1' "$work/out"
	sign=$(sed -n 's/^PrivateKey = //p' "$work/home/home.conf")
	cuddy run -p "./$kind.toml" sh -c 'cat /proc/*/environ /proc/*/cmdline ~/.config/cuddy/vpn/* 2>/dev/null'
	ok "$kind: keys are not there" not grep -q -a -F -e "$sign" -e 'BEGIN PRIVATE' "$work/out"
	kill -9 "$(named cuddy-vpn)"
	before=$(lines "$kind")
	ok "$kind: without the holder the network is cut" until_true cuts "$kind" "$((before + 2))"
	stop_using "$kind"
	ok "$kind: for good" not opens "$kind"
	cp "$work/err.$kind" "$work/err"
	ok "$kind: and that is told" grep -q 'C424' "$work/err"
	ok "$kind: nothing of it is left" until_true nothing_left
}

launcher_killed() {
	use home
	until_true opens home
	for pid in $(ip netns pids "$host"); do
		[ "$(cat "/proc/$pid/comm")" = cuddy ] && [ "$(stat -c %u "/proc/$pid")" = "$(id -u "$who")" ] && kill -9 "$pid"
	done
	wait "$user_pid" 2>/dev/null
	ok "a launcher that is killed leaves no tunnel" until_true nothing_left
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
	if [ -z "${servers_at:-}" ] && ! start_servers; then
		result 1 "the servers are there"
		return
	fi
	start_suite || { result 1 "configurations are added"; return; }
	control
	reaches
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

for program in openvpn wg wireguard-go tcpdump openssl nsenter; do
	command -v "$program" >/dev/null || { echo "1..0 # SKIP $program is not here"; exit 0; }
done
[ -e /dev/net/tun ] || { echo "1..0 # SKIP there is no /dev/net/tun"; exit 0; }
# As distributions have it.
[ -w /dev/net/tun ] && [ "$(stat -c %a /dev/net/tun)" = 666 ] || chmod 666 /dev/net/tun

. "$(dirname "$0")/lab.lib"
