#!/bin/sh
# tests/integration/vpn_attack.sh - tunnels under attack, in the small internet of lab.lib: servers that push what they
# should not, a client that was taken over, a cage that looks for its tunnel's helpers, files planted where its socket
# should be, many at once, and SIGKILL for any process of it at any moment.  What leaves the computer is captured on
# the other side of its cable: never a packet but the tunnel's.
# VPN_KILLS (8) is the number of such moments for each user.

# ---- servers ----

fingerprint() { openssl x509 -in "$1.crt" -noout -fingerprint -sha256 | cut -d = -f 2; }

# server NAME PORT LINE…: one that pushes so.
server() {
	name=$1 port=$2; shift 2
	printf '%s\n' 'dev-type tun' 'topology subnet' 'local 203.0.113.99' 'proto udp' "cert $servers_at/server.crt" \
		"key $servers_at/server.key" 'dh none' 'keepalive 1 3' 'duplicate-cn' "peer-fingerprint $(fingerprint client)" \
		"dev $name" "port $port" "$@" >"$name.conf"
	printf '%s\n' client 'dev tun' nobind "peer-fingerprint $(fingerprint server)" '<cert>' "$(cat client.crt)" '</cert>' \
		'<key>' "$(cat client.key)" '</key>' "remote 203.0.113.99 $port udp" >"$name.ovpn"
	ip netns exec "$inet" openvpn --config "$name.conf" >"$name.log" 2>&1 &
	servers="$servers $!"
}
ready() { grep -q 'Initialization Sequence Completed' "$1.log"; }

start_servers() {
	servers_at=$base/vpn
	mkdir -m 755 "$servers_at" && cd "$servers_at" || return 1
	in_inet ip addr add 203.0.113.99/32 dev lo
	for name in server client; do
		openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj "/CN=$name" \
			-keyout "$name.key" -out "$name.crt" 2>/dev/null || return 1
	done
	server plain 1194 'server 10.88.0.0 255.255.255.0' 'push "redirect-gateway def1"' 'push "dhcp-option DNS 10.88.0.1"'
	server words 1195 'server 10.87.0.0 255.255.255.0' 'server-ipv6 fd87::/64' 'push "redirect-gateway def1 ipv6 bypass-dns"' \
		'push "route 203.0.113.99 255.255.255.255 net_gateway 1"' 'push "route 192.168.77.0 255.255.255.0 net_gateway"' \
		'push "route 203.0.113.11 255.255.255.255 192.168.77.1"' 'push "route 127.0.0.0 255.0.0.0"' \
		'push "route 198.18.0.0 255.254.0.0"' 'push "route 10.9.8.7 255.0.255.0"' 'push "route-ipv6 ::1/128"' \
		'push "dhcp-option DNS 127.0.0.1"' 'push "dhcp-option DNS 0.0.0.0"' 'push "dhcp-option DNS 224.0.0.1"' \
		'push "dhcp-option DNS ::1"' 'push "dhcp-option DNS 10.87.0.1"' 'push "dhcp-option DNS 192.168.77.1"' \
		'push "dhcp-option DNS 203.0.113.53"' 'push "dhcp-option DNS 169.254.169.254"' \
		'push "dhcp-option PROXY_HTTP 192.168.77.20 8080"' 'push block-outside-dns' 'push "script-security 3"' \
		"push \"up $servers_at/up\"" "push \"plugin $servers_at/up\"" "push \"setenv ifconfig_local 127.0.0.1\"" \
		'push "setenv-safe ifconfig_local 127.0.0.1"' 'push "topology net30"' 'push "tun-mtu 65000"' 'push "route-metric -7"' \
		'push "remote 192.168.77.20 443"' 'push "dev tap"' 'push "user nobody"' 'push "log /tmp/vpn-log"'
	printf '#!/bin/sh\necho ran >%s/ran\n' "$servers_at" >up
	chmod 755 up
	server self 1196 'mode server' 'tls-server' 'ifconfig 10.86.0.1 255.255.255.0' 'push "ifconfig 127.0.0.9 255.0.0.0"' \
		'push "redirect-gateway def1"'
	server restless 1197 'server 10.85.0.0 255.255.255.0' 'push "redirect-gateway def1"' 'push "inactive 1 1000000000"'
	{ awk 'BEGIN { for (i = 0; i < 2500; i++) printf "push \"route 11.%d.%d.0 255.255.255.0\"\n", i / 256, i % 256 }'; } >routes
	server many 1198 'server 10.84.0.0 255.255.255.0' 'push "redirect-gateway def1"' 'push "dhcp-option DNS 10.84.0.1"' \
		"config $servers_at/routes"
	for name in plain words self restless many; do
		until_true ready "$name" || { cat "$name.log"; return 1; }
	done
	serve tunnel "$inet" 10.88.0.1 10.87.0.1 10.84.0.1 -- 53 443
}

# ---- what a suite needs ----

# vpn_profile NAME [VPN]
vpn_profile() { profile "$1" "flags = [\"outgoing\"]
vpn = \"${2:-$1}\""; }

start_suite() {
	rm -f "$work/home/signs/"*
	cp "$root/tests/integration/vpn_use.py" "$work/home/"
	cp "$servers_at/"*.ovpn "$work/home/"
	mkdir -m 700 "$work/run"
	chown -R "$who:" "$work/home" "$work/run"
	XDG_RUNTIME_DIR=$work/run
	export XDG_RUNTIME_DIR
	for name in plain words self restless many; do
		vpn_profile "$name"
		cuddy vpn add "$name.ovpn" || return 1
	done
}

client="/usr/bin/python3 lab_client.py"
# ours [-NAME]: processes of our programs, or of one of them, whatever they call themselves and wherever they are.
ours() { ls -l /proc/[0-9]*/exe 2>/dev/null | sed -n "s|.* /proc/\([0-9]*\)/exe -> $base/tree/build/cuddy$1.*|\1|p"; }
# Children of the inside, which is process 1 of theirs: when it has ended, so have they.
clients() {
	for pid in $(ours -vpn); do
		tr ' ' '\n' <"/proc/$pid/task/$pid/children"
	done 2>/dev/null | while read -r pid; do
		[ "$(cat "/proc/$pid/comm" 2>/dev/null)" != openvpn ] || echo "$pid"
	done
}
nothing_left() { [ -z "$(ours)" ]; }

# ---- the capture ----

leaks="(src host 192.168.77.10 or src net 2001:db8:77::/64) and not arp and not icmp6 and not (icmp and icmp[0] == 3) and
	not (dst host 203.0.113.99 and udp portrange 1194-1198)"
capture() {
	rm -f "$base/capture" "$base/capture.err" # of the one before
	ip netns exec "$inet" tcpdump -Z root -U --immediate-mode -i in0 -w "$base/capture" 2>"$base/capture.err" &
	capturer=$!
	until_true grep -q 'listening on' "$base/capture.err"
}
no_leak() {
	sleep 0.3
	kill "$capturer"
	wait "$capturer" 2>/dev/null
	tcpdump -nr "$base/capture" "$leaks" >"$work/leaked" 2>/dev/null
	tcpdump -nr "$base/capture" 'host 203.0.113.99' 2>/dev/null | wc -l | sed 's/$/ packets of tunnels/' | cat - "$work/leaked" >"$work/err"
	[ ! -s "$work/leaked" ] && ! head -n 1 "$work/err" | grep -q -x '[0-9] packets.*'
}

use() {
	rm -f "$work/home/signs/stop-$1"
	at_host "$base/tree/build/cuddy" run -p "./$1.toml" /usr/bin/python3 vpn_use.py "signs/stop-$1" \
		>"$work/out.$1" 2>"$work/err.$1" </dev/null &
	user_pid=$!
}
stop_using() {
	: >"$work/home/signs/stop-$1"
	wait "$user_pid"
	cp "$work/err.$1" "$work/err"
}
opens() { [ "$(tail -n 2 "$work/out.$1" | grep -c '^open')" = 2 ]; }
cuts() { tail -n +"$2" "$work/out.$1" | grep -q '^cut'; }
lines() { wc -l <"$work/out.$1"; }

# ---- hostile servers ----

hostile_words() {
	capture
	cuddy run -p ./words.toml $client tcp:203.0.113.10/443 tcp:203.0.113.11/443 tcp:ok.example/443 tcp:192.168.77.20/443 \
		tcp:127.0.0.1/7001 tcp:192.168.77.10/8080 tcp:2001:db8:200::10/443 udp:203.0.113.11/443
	ok "routes past the tunnel lead through it" [ "$(grep -c reached "$work/out")" = 5 ]
	ok "to the LAN and to the computer there is no way" [ "$(grep -c closed "$work/out")" = 3 ]
	ok "nothing that was pushed ran" [ ! -e "$servers_at/ran" ]
	ok "name servers of loopback are none" status_without words '"127.0.0.1"' '"10.87.0.1"'
	ok "and no packet but the tunnel's left the computer" no_leak
	cuddy run -p ./self.toml echo ran
	ok "an address of this computer is none: nothing starts" holds 'C423' "$work/err"
	ok "the reason is told" holds 'the server gave no address' "$work/err"
	ok "the program did not run" [ ! -s "$work/out" ]
	ok "nothing is left of it" until_true nothing_left
}
# The file says that the server may not have all; its log tells of what was pushed in any case.
refused_pushes() {
	for line in 'pull-filter ignore redirect-gateway' route-nopull; do
		{ cat "$work/home/plain.ovpn"; echo "$line"; } >"$work/home/filtered.ovpn"
		cuddy vpn add --force filtered.ovpn
		vpn_profile filtered
		cuddy run -p ./filtered.toml $client tcp:203.0.113.10/443
		ok "with '$line' the tunnel is up" holds '^tcp:' "$work/out"
		ok "and not for all" holds 'closed' "$work/out"
	done
}
# status_without NAME WORD WORD: while it is up.
status_without() {
	use "$1"
	until_true opens "$1"
	cuddy vpn status --json
	stop_using "$1"
	not holds "$2" "$work/out" && holds "$3" "$work/out"
}

restless() {
	capture
	use restless
	until_true opens restless
	for round in 1 2; do
		before=$(lines restless)
		ok "a server that ends its client: the network is cut, $round" until_true cuts restless "$((before + 1))"
		ok "and comes back" until_true opens restless
	done
	stop_using restless
	ok "without a packet but the tunnel's" no_leak
	ok "and that is told" holds C424 "$work/err.restless"
}

many_routes() {
	cuddy run -p ./many.toml $client tcp:203.0.113.10/443 tcp:ok.example/443
	ok "2500 routes are borne" [ "$(grep -c reached "$work/out")" = 2 ]
}

# ---- a client that was taken over ----

# hostile PART: vpn_client.py becomes openvpn, for with_hostile.
hostile() {
	printf '#!/usr/bin/python3\nPART = "%s"\n' "$1" | cat - "$root/tests/integration/vpn_client.py" >"$base/hostile"
	chmod 755 "$base/hostile"
}
# with_hostile ARGUMENT…: cuddy, in a mount namespace where it does.
with_hostile() {
	ip netns exec "$host" unshare -m --propagation private sh -c '
		mount --bind "$1/hostile" "$2" && mount --bind "$1/resolv.conf" /etc/resolv.conf || exit 99
		who=$3 home=$4
		shift 4
		cd "$home" && exec setpriv --reuid "$who" --regid "$who" --clear-groups \
			env HOME="${home%/home}/own" USER="$who" "$@"
	' - "$base" "$(command -v openvpn)" "$who" "$work/home" "$base/tree/build/cuddy" "$@"
}
lost_twice() { cuddy vpn status --json && grep -q '"lost": *[2-9]' "$work/out"; }

taken_over() {
	hostile reach
	capture
	with_hostile run -p ./plain.toml echo ran >"$work/out" 2>"$work/err" </dev/null
	sed -n 's/.*note: //p' "$work/err" >"$work/found"
	ok "a client that was taken over reaches no host, no LAN, no service of the computer, no name" holds '^reached:$' "$work/found"
	ok "it sees no file of the user or of the system, no process" holds '^sees:$' "$work/found"
	ok "it gets no namespace, mount, trace, device, packet socket, rule" holds '^gets:$' "$work/found"
	ok "what it has open is its own" holds '^open: 0 1 2 3$' "$work/found"
	sleep 0.3
	kill "$capturer"
	wait "$capturer" 2>/dev/null
	ok "nothing of it left the computer" [ "$(tcpdump -nr "$base/capture" "$leaks or dst port 1195" 2>/dev/null | wc -l)" = 0 ]
	ok "nothing is left of it" until_true nothing_left
	hostile child
	with_hostile run -p ./plain.toml echo ran >"$work/out" 2>"$work/err" </dev/null
	ok "children that outlive it are no reason to wait" holds 'the client ended with status 7' "$work/err"
	ok "and they are ended" until_true nothing_left
	hostile tunnel
	with_hostile run -p ./plain.toml /usr/bin/python3 vpn_use.py signs/stop-plain >"$work/out.plain" 2>"$work/err.plain" </dev/null &
	user_pid=$!
	ok "a tunnel of its own ends with it, though a child holds the device" until_true lost_twice
	ok "no more than one child is left" [ "$(clients | wc -l)" -le 2 ]
	stop_using plain
	ok "the cage had no way meanwhile" not holds open "$work/out.plain"
	ok "nothing is left of them" until_true nothing_left
}

# ---- from inside ----

# A way to what carries it: sockets, processes, descriptors, names.
from_inside() {
	use plain
	until_true opens plain
	vpn_profile other plain
	sed 's/^\[networking\]/[user]\nas = "root"\n&/' "$work/home/other.toml" >"$work/home/rooted.toml"
	cuddy run -p ./rooted.toml sh -c '
		find / -xdev -type s -o -name .vpn 2>/dev/null
		grep -a -e cuddy /proc/net/unix; grep -e "[.]vpn" /proc/self/mountinfo
		grep -l -e cuddy-vpn -e cuddy-net -e openvpn /proc/[0-9]*/comm
		ls /proc/self/fd | tr "\n" " "
		ls "$XDG_RUNTIME_DIR" "$1/cuddy" 2>/dev/null; echo end' - "$work/run" 2>/dev/null
	tr '\n' ' ' <"$work/out" >"$work/out.flat"
	ok "a cage finds no socket, no process, no descriptor of its tunnel" holds '^0 1 2 3 end *$' "$work/out.flat"
	stop_using plain
	ok "nothing is left" until_true nothing_left
}

# A program that stays behind its cage does not keep the tunnel.
stays_behind() {
	cuddy run -p ./plain.toml sh -c '(trap "" HUP TERM; setsid sleep 1000 </dev/null >/dev/null 2>&1 &) ; echo ran'
	ok "a program that stays behind does not keep the tunnel" until_true nothing_left
}

# ---- from outside ----

answered() { [ "$(cat "$work/out".cage-* | grep -c reached)" = "$1" ]; }
# start_cage NUMBER VPN
start_cage() {
	vpn_profile "cage-$1" "$2"
	at_host "$base/tree/build/cuddy" run -p "./cage-$1.toml" $client tcp:203.0.113.10/443 \
		>"$work/out.cage-$1" 2>"$work/err.cage-$1" </dev/null &
	cages="$cages $!"
}
many_at_once() {
	for number in 1 2 3 4 5 6 7 8 9 10; do
		start_cage "$number" plain
	done
	wait $cages
	cages=
	cat "$work/err".cage-* >"$work/err"
	ok "ten cages of one tunnel at once" answered 10
	ok "leave nothing" until_true nothing_left
	for number in 1 2 3 4 5 6 7 8 9 10; do
		cp "$work/home/plain.ovpn" "$work/home/way-$number.ovpn"
		cuddy vpn add --force "way-$number.ovpn"
		start_cage "$number" "way-$number"
	done
	wait $cages
	cages=
	cat "$work/err".cage-* >"$work/err"
	ok "ten tunnels at once" answered 10
	ok "leave nothing" until_true nothing_left
}
cages=

# What lies where the socket of the tunnel should be: gone, or told; never obeyed.
planted() {
	place=$work/run/cuddy/.vpn/plain
	for what in 'mkfifo "$1"' ': >"$1"' 'ln -s /nowhere "$1"' 'ln -s /etc/passwd "$1"' \
		'/usr/bin/python3 -c "import socket, sys; socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET).bind(sys.argv[1])" "$1"'; do
		rm -rf "$place"
		as_user sh -c "$what" - "$place"
		cuddy run -p ./plain.toml $client tcp:203.0.113.10/443
		ok "planted, and taken away: ${what%% *} ${what##* }" grep -q reached "$work/out"
		until_true nothing_left
	done
	rm -rf "$place"
	as_user mkdir "$place"
	cuddy run -p ./plain.toml echo ran
	ok "a directory there is told" holds "C423.*directory" "$work/err"
	rmdir "$place"
	ok "a file that a link led to is still there" [ -s /etc/passwd ]
	mv "$work/run/cuddy/.vpn" "$work/run/away"
	as_user ln -s "$work/run/away" "$work/run/cuddy/.vpn"
	cuddy run -p ./plain.toml echo ran
	ok "a link in place of their directory is refused" holds 'C423' "$work/err"
	rm "$work/run/cuddy/.vpn"
	mv "$work/run/away" "$work/run/cuddy/.vpn"
}
as_user() { setpriv --reuid "$who" --regid "$who" --clear-groups "$@"; }

# with_runtime OPTIONS ARGUMENT…: cuddy, whose directory of running cages is a file system of its own.
with_runtime() {
	ip netns exec "$host" unshare -m --propagation private sh -c '
		mount -t tmpfs -o "mode=700,uid=$(id -u "$3"),$2" runtime "$1/run" || exit 99
		who=$3 work=$1
		shift 3
		cd "$work/home" && exec setpriv --reuid "$who" --regid "$who" --clear-groups env HOME="$work/own" USER="$who" "$@"
	' - "$work" "$1" "$who" "$base/tree/build/cuddy" run -p ./plain.toml echo ran >"$work/out" 2>"$work/err" </dev/null
}
# It has room for so many files, or cannot be written at all: the program runs or is refused, and that is all.
no_room() {
	odd= ran=0
	for options in nr_inodes=2 nr_inodes=3 nr_inodes=4 nr_inodes=5 nr_inodes=6 nr_inodes=7 nr_inodes=8 nr_inodes=9 \
		nr_inodes=12 ro; do
		with_runtime "$options"
		case $?$(cat "$work/out") in 0ran) ran=$((ran + 1)) ;; 125) ;; *) odd="$odd $options" ;; esac
		until_true nothing_left || odd="$odd $options:left"
	done
	ok "without room for running cages a program runs or is refused$odd" [ -z "$odd" ]
	ok "with some room it runs, $ran times" [ "$ran" -gt 0 ]
}

# ---- SIGKILL ----

# A process of the tree: each kind of them as likely as the others.
victim() {
	for pid in $(ours -) $(clients); do
		echo "$(cat "/proc/$pid/comm" 2>/dev/null) $pid"
	done | shuf | sort -s -u -k 1,1 | shuf -n 1
}
random() { od -An -N4 -tu4 /dev/urandom | tr -d ' '; }
kills() {
	capture
	rounds=${VPN_KILLS:-8} killed= bad_rounds=
	for round in $(seq "$rounds"); do
		use plain
		sleep "0.$(($(random) % 6))$(($(random) % 10))"
		victim=$(victim)
		killed="$killed ${victim%% *}"
		[ -z "$victim" ] || kill -KILL "${victim##* }" 2>/dev/null
		sleep "0.$(($(random) % 4))"
		stop_using plain
		until_true nothing_left || bad_rounds="$bad_rounds $round"
	done
	printf '# killed:%s\n' "$killed"
	ok "$rounds times one of its processes was killed at some moment: nothing is left$bad_rounds" [ -z "$bad_rounds" ]
	ok "and no packet but the tunnel's left the computer" no_leak
	cuddy run -p ./plain.toml $client tcp:203.0.113.10/443
	ok "the next one works" grep -q reached "$work/out"
	ok "no cage is left over" no_cages
}
no_cages() { cuddy ps --json && not grep -q '"name"' "$work/out"; }

suite() {
	if [ -z "${servers_at:-}" ] && ! start_servers; then
		result 1 "the servers are there"
		return
	fi
	start_suite || { result 1 "configurations are added"; return; }
	hostile_words
	refused_pushes
	restless
	many_routes
	taken_over
	from_inside
	stays_behind
	many_at_once
	planted
	no_room
	kills
}

for program in openvpn tcpdump openssl; do
	command -v "$program" >/dev/null || { echo "1..0 # SKIP $program is not here"; exit 0; }
done
[ -e /dev/net/tun ] || { echo "1..0 # SKIP there is no /dev/net/tun"; exit 0; }
[ -w /dev/net/tun ] && [ "$(stat -c %a /dev/net/tun)" = 666 ] || chmod 666 /dev/net/tun

. "$(dirname "$0")/lab.lib"
