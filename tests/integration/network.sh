#!/bin/sh
# tests/integration/network.sh - which cage reaches what, in the small internet of lab.lib.
apart=yes

# ---- what each kind of cage reaches ----

profiles() {
	while read -r name rules; do
		printf '[filesystem]\nflags = ["system", "own-home", "project", "tmp"]\n[networking]\n%s\n[runtime]\nflags = ["ordinary"]\n' \
			"$rules" >"$work/home/$name.toml"
	done <<-'END'
	none
	names allow = ["ok.example:443", "six.example:443", "*.wild.example:443", "rebind.example", "rebind6.example", "rebind-loopback.example", "rebind-host.example", "rebind-mapped.example", "half.example", "nas.lan:443"]
	outgoing flags = ["outgoing"]
	lan flags = ["outgoing", "lan"]
	cidr allow = ["tcp:203.0.113.0/28:443", "tcp:203.0.113.8/29:443", "tcp:[2001:db8:200::]/64:443", "192.168.77.20:8080"]
	denied flags = ["outgoing"]; deny = ["203.0.113.10", "evil.example", "udp:internet"]
	host flags = ["host"]
	END
	sed -i 's/; deny/\ndeny/' "$work/home/denied.toml"
}
modes='none names outgoing lan cidr denied host'

# One row per destination: + reached, . closed, in the order of $modes.  The last column is the control:
# in the host's network it is open (or, for mapped names and the like, '.' too).
table() {
	cat <<-END
	tcp:127.0.0.1/7001                . . . . . . +
	tcp:172.17.0.1/8080               . . . + . . +
	tcp:192.168.77.10/8080            . . . + . . +
	tcp:2001:db8:77::10/8080          . . . + . . +
	tcp:192.168.77.20/8080            . . . + + . +
	tcp:192.168.77.20/443             . . . + . . +
	tcp:2001:db8:77::20/8080          . . . + . . +
	tcp:169.254.169.254/80            . . . + . . +
	tcp:203.0.113.10/443              . . + + + . +
	tcp:203.0.113.11/443              . . + + + + +
	tcp:203.0.113.11/80               . . + + . + +
	tcp:203.0.113.53/443              . . + + . + +
	tcp:2001:db8:200::10/443          . . + + + + +
	tcp:2001:db8:200::10/80           . . + + . + +
	tcp:::ffff:203.0.113.10/443       . . + + + . +
	tcp:::ffff:192.168.77.20/443      . . . + . . +
	tcp:ok.example/443                . + + + . + +
	tcp:ok.example/80                 . . + + . + +
	tcp:OK.Example/443                . + + + . + +
	tcp:six.example/443               . + + + . + +
	tcp:evil.example/443              . . + + . . +
	tcp:a.wild.example/443            . + + + . + +
	tcp:wild.example/443              . . + + . + +
	tcp:rebind.example/443            . . . + . . +
	tcp:rebind6.example/443           . . . + . . +
	tcp:rebind-loopback.example/7001  . . . . . . +
	tcp:rebind-host.example/8080      . . . + . . +
	tcp:rebind-mapped.example/443     . . . + . . +
	tcp:half.example/443              . + + + . . +
	tcp:nas.lan/443                   . + . + . . +
	udp:203.0.113.11/443              . . + + . . +
	udp:2001:db8:200::10/443          . . + + . . +
	udp:192.168.77.20/8080            . . . + + . +
	udp:2001:db8:77::20/8080          . . . + . . +
	udp:ok.example/443                . + + + . . +
	udp:ok.example/8080               . . + + . . +
	udp:evil.example/443              . . + + . . +
	tcp:203.0.113.53/853              . . + + . + +
	dns:203.0.113.53/53               . . + + . . +
	dnstcp:203.0.113.53/53            . . + + . + +
	ping:203.0.113.11/56              . . + + . + +
	ping:2001:db8:200::10/56          . . + + . + +
	ping:ok.example/1400              . . + + . + +
	ping:evil.example/10              . . + + . . +
	ping:rebind.example/10            . . . + . . +
	ping:203.0.113.10/10              . . + + . . +
	ping:192.168.77.10/10             . . . + . . +
	ping:172.17.0.1/10                . . . + . . +
	ping:192.168.77.20/10             . . . + . . +
	ping:2001:db8:77::20/10           . . . + . . +
	ping:169.254.169.254/10           . . . + . . +
	abstract:lab-host/0               . . . . . . $nameless
	raw:/0                            . . . . . . .
	packet:/0                         . . . . . . .
	END
}

# All cages at a time: what is dropped without a word is waited for in full.
run_modes() {
	running= column=0
	for mode in $modes; do
		column=$((column + 1))
		# shellcheck disable=SC2046 # a list of words
		at_host "$base/tree/build/cuddy" run -p "./$mode.toml" /usr/bin/python3 "$work/home/lab_client.py" \
			$(table | awk -v c=$((column + 1)) '{ print ($c == "." ? "-" : "") $1 }') \
			>"$work/out.$mode" 2>"$work/err" </dev/null &
		running="$running $!"
	done
	# shellcheck disable=SC2086 # a list of words
	wait $running
	table >"$work/table"
	column=0
	for mode in $modes; do
		column=$((column + 1))
		verdicts "$mode" "$column"
	done
}

verdicts() {
	mode=$1 column=$2
	while read -r attempt wanted; do
		# shellcheck disable=SC2086 # the columns
		set -- $wanted
		shift $((column - 1))
		case $1 in
		+) ok "$mode: $attempt is reached" grep -q -F -e "$attempt reached" "$work/out.$mode" ;;
		*) ok "$mode: $attempt is closed" grep -q -F -e "$attempt closed" "$work/out.$mode" ;;
		esac
	done <"$work/table"
}

# The last rows are closed in every cage: outside they are not.
controls() {
	in_host /usr/bin/python3 "$work/home/lab_client.py" raw:/0 packet:/0 abstract:lab-host/0 >"$work/out"
	ok "outside: raw and packet sockets open, the nameless one answers" [ "$(grep -c reached "$work/out")" = 3 ]
}

# The host's network without its nameless sockets, where the kernel can tell them apart.
nameless() {
	profile nameless 'flags = ["abstract-sockets"]'
	cuddy run -p ./nameless.toml /usr/bin/python3 "$work/home/lab_client.py" abstract:lab-host/0
	ok "host: with 'abstract-sockets' they are reached" holds '^abstract:lab-host/0 reached' "$work/out"
	ok "host: and nothing is said" not holds C344 "$work/err"
	cuddy run -n pair -p ./host.toml /usr/bin/python3 -c '
import socket
a = socket.socket(socket.AF_UNIX); a.bind("\0own"); a.listen()
socket.socket(socket.AF_UNIX).connect("\0own"); print("own")'
	ok "host: those of the cage itself always are" holds '^own$' "$work/out"
	profile closed 'flags = ["host"]
deny = ["abstract"]'
	cuddy run -p ./closed.toml /usr/bin/python3 "$work/home/lab_client.py" abstract:lab-host/0
	ok "host: a deny of them closes them, or stops the start" not holds reached "$work/out"
	cuddy why ./host.toml 'connect @lab-host'
	ok "host: 'why' says so" holds '^deny' "$work/out"
	cuddy why ./nameless.toml 'connect @lab-host'
	ok "host: and names who allows it" holds "allow: 'abstract' of networking.abstract-sockets" "$work/out"
}

# What a host that lets nobody ping makes of it.
no_ping() {
	in_host sysctl -q -w net.ipv4.ping_group_range='1 0'
	profile ping 'allow = ["icmp:203.0.113.11"]'
	cuddy run -p ./ping.toml true
	ok "ping: where the computer lets nobody, the start is refused at its line" holds 'ping.toml:4:10: error.C343' "$work/err"
	cuddy run -p ./outgoing.toml /usr/bin/python3 "$work/home/lab_client.py" -ping:203.0.113.11/10 tcp:203.0.113.11/443
	ok "ping: beside other rights it is closed" holds '^ping.*closed' "$work/out"
	ok "ping: and they are open" holds '^tcp.*reached' "$work/out"
	in_host sysctl -q -w net.ipv4.ping_group_range='0 2147483647'
	cuddy run -p ./ping.toml true
	ok "ping: the control starts" not holds C343 "$work/err"
	cuddy run -p ./outgoing.toml /usr/bin/python3 -c '
import socket, struct, time
all, got = [], 0
for i in range(100):
	s = socket.socket(2, 2, 1); s.settimeout(5); s.connect(("203.0.113.11", 0)); all.append(s)
	s.send(struct.pack("!BBHHH", 8, 0, 0, 0, i) + b"%d" % i)
for i, s in enumerate(all): got += s.recv(999)[6:] == struct.pack("!H", i) + b"%d" % i
print(got)'
	ok "ping: 100 at a time, each gets its own answer" holds '^100$' "$work/out"
}

# ping(8) itself, which gives up rights that it has not, and takes the first address of a name: of IPv6, always.
ping_program() {
	command -v ping >/dev/null || return
	for name in a.wild six evil; do
		profile ping 'allow = ["icmp:a.wild.example", "icmp:six.example"]'
		cuddy run -p ./ping.toml ping -c 1 -W 5 "$name.example"
		cp "$work/out" "$work/out.$name"
	done
	ok "ping(8): a host of IPv4 only answers" holds ' 1 received' "$work/out.a.wild"
	ok "ping(8): a host of IPv6 answers" holds ' 1 received' "$work/out.six"
	ok "ping(8): another host has no address" not holds 'received' "$work/out.evil"
	cuddy run -p ./ping.toml ping -4 -c 1 -W 5 six.example
	ok "ping(8): the other way round, too" holds ' 1 received' "$work/out"
	cuddy run -p ./outgoing.toml ping -c 1 -W 5 192.168.77.20
	ok "ping(8): is told at once what is denied" holds 'filtered' "$work/out"
}

# Lists longer than what the kernel takes at a time: the last entry counts as the first does.
long_lists() {
	profile long "allow = [$(awk 'BEGIN { for (i = 0; i < 10000; i++) printf "\"10.%d.%d.0/25\", ", i / 256, i % 256 }')\"203.0.113.11\"]"
	cuddy run -p ./long.toml /usr/bin/python3 "$work/home/lab_client.py" tcp:203.0.113.11/443 tcp:203.0.113.12/443
	ok "10,000 networks: one of them is reached" holds '^tcp:203.0.113.11/443 reached' "$work/out"
	ok "10,000 networks: no other is" holds '^tcp:203.0.113.12/443 closed' "$work/out"
	profile long "allow = [$(awk 'BEGIN { for (i = 0; i < 10000; i++) printf "\"name%d.example:443\", ", i }')\"ok.example:443\"]"
	cuddy run -p ./long.toml /usr/bin/python3 "$work/home/lab_client.py" tcp:ok.example/443 tcp:evil.example/443
	ok "10,000 names: one of them is reached" holds '^tcp:ok.example/443 reached' "$work/out"
	ok "10,000 names: no other is" holds '^tcp:evil.example/443 closed' "$work/out"
}

# What the cage's own resolver answered must not have made anybody ask outside: the DNS server's log.
asked() { grep -q "^$1 " "$base/inet.log"; }
look_ups() {
	: >"$base/inet.log"
	cuddy run -p ./names.toml /usr/bin/python3 -c '
import socket
for name in "secret.wild.example", "evil.example", "0123456789.evil.example":
	try: print(name, socket.getaddrinfo(name, 443)[0][4][0])
	except OSError as e: print(name, e)'
	ok "names: an allowed name has an address" grep -q '^secret.wild.example [0-9a-f]' "$work/out"
	ok "names: a denied one has none" not grep -q '^evil.example [0-9a-f]' "$work/out"
	ok "names: look-ups go nowhere" not asked '[a-z0-9.]*'
	cuddy run -p ./names.toml /usr/bin/python3 "$work/home/lab_client.py" tcp:ok.example/443
	ok "names: a connection asks the host's resolver" asked ok.example
}

# A host whose IPv6 is there and leads nowhere, as in many a network.
dead_six() {
	in_inet ip -6 addr del 2001:db8:200::10/128 dev lo
	in_inet ip -6 route add blackhole 2001:db8:200::10/128
	cuddy run -p ./names.toml env LAB_TIMEOUT=20 /usr/bin/python3 "$work/home/lab_client.py" tcp:ok.example/443 wait:/ \
		udp:ok.example/443
	ok "IPv6 that leads nowhere: a connection goes by IPv4" holds '^tcp:ok.example/443 reached inet 203' "$work/out"
	ok "IPv6 that leads nowhere: datagrams do so from then on" holds '^udp:ok.example/443 reached inet 203' "$work/out"
	in_inet ip -6 route del blackhole 2001:db8:200::10/128
	in_inet ip -6 addr add 2001:db8:200::10/128 dev lo nodad
}

# The cage runs while the host gets one more address.
later_address() {
	for mode in outgoing host; do
		rm -f "$work/home/signs/now"
		cuddy run -p "./$mode.toml" /usr/bin/python3 "$work/home/lab_client.py" tcp:203.0.113.11/443 \
			"wait:$work/home/signs/now" tcp:203.0.113.200/443 &
		waiter=$!
		tries=0
		until grep -q 203.0.113.11 "$work/out" 2>/dev/null || [ "$tries" = 100 ]; do
			sleep 0.1; tries=$((tries + 1))
		done
		in_host ip addr add 203.0.113.200/32 dev docker0
		ip netns exec "$host" /usr/bin/python3 -c '
import socket
s = socket.socket(); s.setsockopt(1, 2, 1); s.bind(("203.0.113.200", 443)); s.listen()
open("'"$work/home/signs/now"'", "w").close()
c = s.accept()[0]; c.sendall(b"later hello")' 2>/dev/null &
		later=$!
		wait "$waiter"
		kill "$later" 2>/dev/null
		wait "$later" 2>/dev/null
		in_host ip addr del 203.0.113.200/32 dev docker0
		if [ "$mode" = host ]; then
			ok "host: the control reaches an address that the host got later" grep -q '203.0.113.200/443 reached' "$work/out"
		else
			ok "outgoing: an address that the host got later is closed" grep -q '203.0.113.200/443 closed' "$work/out"
		fi
		rm -f "$work/out"
	done
}

# Real programs obey, those that know nothing of proxies too.
programs() {
	cuddy run -p ./names.toml /usr/bin/python3 -c '
import socket
s = socket.create_connection(("ok.example", 443)); s.settimeout(10)
data = b"x" * 3000000; got = b""
import threading
threading.Thread(target=lambda: (s.sendall(data), s.shutdown(1))).start()
while more := s.recv(65536): got += more
print(got == b"inet 203.0.113.10 443 " + data or got == b"inet 2001:db8:200::10 443 " + data)'
	ok "3 MB go out and come back whole, each side closes in its time" grep -q '^True$' "$work/out"
	cuddy run -p ./outgoing.toml /usr/bin/python3 -c '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(5)
s.sendto(b"y" * 60000, ("203.0.113.11", 443)); data, peer = s.recvfrom(65535)
print(peer, len(data))'
	ok "a large datagram comes back from where it was sent" grep -q "('203.0.113.11', 443) 60022" "$work/out"
	cuddy run -p ./outgoing.toml /usr/bin/python3 -c '
import socket
all = [socket.create_connection(("203.0.113.11", 443), 10) for i in range(200)]
for s in all: s.sendall(b"hello")
print(sum(s.recv(100).startswith(b"inet 203.0.113.11") for s in all))'
	ok "200 connections at a time" grep -q '^200$' "$work/out"
	cuddy run -p ./outgoing.toml /usr/bin/python3 -c '
import socket
s = socket.create_connection(("203.0.113.11", 443), 10); got = b""
s.sendall(b"a"); s.send(b"b", socket.MSG_OOB); s.sendall(b"c"); s.sendall(b"d" * 100000); s.send(b"e", socket.MSG_OOB); s.shutdown(1)
while more := s.recv(65536): got += more
print(got.count(b"abcd"), got.endswith(b"de"), got.count(b"d"))'
	ok "what stands behind urgent bytes comes through" grep -q '^1 True 100000$' "$work/out"
	cuddy run -p ./outgoing.toml /usr/bin/python3 -c '
import socket
got = 0
for i in range(1200):
	with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
		s.settimeout(2 if got == i else 0); s.sendto(b"z", ("203.0.113.11", 443))
		try: got += s.recv(100).startswith(b"inet")
		except OSError: pass
print(got)'
	ok "datagrams of more ports than are remembered: the last are answered, too" grep -q '^1200$' "$work/out"
	cuddy run -p ./outgoing.toml /usr/bin/python3 -c '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(1)
s.setsockopt(0, 15, 1)
try: s.bind(("203.0.113.12", 4444)); s.sendto(b"z", ("203.0.113.11", 443)); print(s.recvfrom(100))
except OSError as e: print("closed", e)'
	ok "datagrams from an address that is not its own go nowhere" grep -q '^closed' "$work/out"
	cuddy run -p ./outgoing.toml /usr/bin/python3 -c '
import socket
for host in "203.0.113.11", "2001:db8:200::10":
	try: socket.create_connection((host, 9), 5); print("open")
	except OSError as e: print(e)'
	ok "a closed port outside is an error, not silence" not grep -q timed "$work/out"
	cuddy run -p ./names.toml /usr/bin/python3 -c '
import socket, time
t = time.time()
try: socket.create_connection(("203.0.113.11", 443), 5)
except OSError as e: print(type(e).__name__, time.time() - t < 1)'
	ok "a refused address fails at once" grep -q 'ConnectionRefusedError True' "$work/out"
	if command -v curl >/dev/null; then
		cuddy run -p ./names.toml curl -s -m 20 --http0.9 -H 'Connection: close' http://ok.example:443/
		ok "curl reaches an allowed name" grep -q 'inet .* 443 GET' "$work/out"
		cuddy run -p ./names.toml curl -s -m 20 --http0.9 -H 'Connection: close' http://evil.example:443/
		ok "and no other" not grep -q inet "$work/out"
	fi
}

# What is asked for inside of a connection: the lab's servers send back what reached them.
names_inside() {
	sed 's/^allow/check-names = true\n&/; s/"ok.example:443"/"ok.example"/' "$work/home/names.toml" >"$work/home/checked.toml"
	cat >"$work/home/inside.py" <<-'END'
	import socket, ssl, sys
	def hello(name):
	    out = ssl.MemoryBIO()
	    context = ssl.create_default_context()
	    context.check_hostname = False
	    try: context.wrap_bio(ssl.MemoryBIO(), out, server_hostname=name).do_handshake()
	    except ssl.SSLWantReadError: pass
	    return out.read()
	def http(name): return f"GET / HTTP/1.1\r\nHost: {name}\r\n\r\n".encode()
	def tried(port, pieces):
	    got, sent = b"", b"".join(pieces)
	    try:
	        with socket.create_connection(("ok.example", port), 5) as s:
	            s.settimeout(5)
	            for piece in pieces: s.sendall(piece)
	            s.shutdown(socket.SHUT_WR)
	            while more := s.recv(65536): got += more
	    except OSError: pass
	    return "through" if got.endswith(sent) else "cut"
	h = hello("ok.example")
	for what, port, pieces in (
	        ("same-tls", 443, [h]), ("pieces", 443, [h[i:i + 50] for i in range(0, len(h), 50)]),
	        ("other-tls", 443, [hello("evil.example")]), ("no-name", 443, [hello(None)]),
	        ("same-http", 443, [http("ok.example")]), ("other-http", 443, [http("evil.example")]),
	        ("half", 443, [h[:100]]), ("neither", 443, [b"hello"]), ("other-port", 8080, [b"hello"]),
	        ("other-tls-port", 8080, [hello("evil.example")]), ("body", 443, [http("ok.example"), b"x" * 300000])):
	    print(what, tried(port, pieces))
	END
	cuddy run -p ./checked.toml /usr/bin/python3 "$work/home/inside.py"
	for what in same-tls pieces same-http other-port body; do
		ok "check-names: $what passes" grep -q "^$what through" "$work/out"
	done
	for what in other-tls no-name other-http half neither other-tls-port; do
		ok "check-names: $what is cut" grep -q "^$what cut" "$work/out"
	done
	sed -i '/^check-names/d' "$work/home/checked.toml"
	cuddy run -p ./checked.toml /usr/bin/python3 "$work/home/inside.py"
	ok "the control without it lets all of them pass" [ "$(grep -c through "$work/out")" = 11 ]
}

# The program as mapped root with what it can get: the rules are not its own.
powerless() {
	sed 's/^\[networking\]/[user]\nas = "root"\n&/' "$work/home/names.toml" >"$work/home/root.toml"
	cuddy run -p ./root.toml sh -c '
		nft list ruleset; nft flush ruleset; ip addr add 10.0.0.1/8 dev lo; ip link set lo down
		ip route add default dev lo; id -u; ip -o addr' 2>/dev/null
	ok "mapped root cannot see or change rules, addresses, links, routes" not grep -q -e 'table' -e 'inet 10.0.0.1' "$work/out"
	ok "as the root that it is" grep -q '^0$' "$work/out"
	ok "loopback stays up" grep -q '198.18.0.1/32' "$work/out"
	cuddy run -p ./root.toml sh -c 'ls -d /proc/[0-9]* | wc -l; cat /proc/[0-9]*/comm' 2>/dev/null
	ok "no helper is seen" not grep -q -e cuddy-net -e cuddy-resolve "$work/out"
}

life() {
	ok "no relay outlives its cage" no_relays
	at_host "$base/tree/build/cuddy" run -p ./names.toml sleep 30 >/dev/null 2>&1 </dev/null &
	starter=$!
	tries=0
	until [ -n "$(relays)" ] || [ "$tries" = 100 ]; do sleep 0.1; tries=$((tries + 1)); done
	relay=$(relays)
	ok "a cage has one relay" [ "$(echo "$relay" | wc -w)" = 1 ]
	ok "it has a filter, no new rights, none of root's when it is not root" \
		sh -c 'grep -q "^Seccomp:.2" "/proc/$1/status" && grep -q "^NoNewPrivs:.1" "/proc/$1/status" &&
		{ [ "$2" = root ] || grep -q "^CapEff:.0000000000000000" "/proc/$1/status"; }' - "$relay" "$who"
	for pid in $(ip netns pids "$host"); do
		[ "$(cat "/proc/$pid/comm")" = cuddy ] && kill -9 "$pid"
	done
	wait "$starter" 2>/dev/null
	ok "nor a launcher that was killed" no_relays
	cuddy run -p ./names.toml /usr/bin/python3 "$work/home/lab_client.py" tcp:ok.example/443 "wait:$work/home/signs/dead" \
		tcp:ok.example/443 tcp:203.0.113.11/443 tcp:evil.example/443 &
	waiter=$!
	tries=0
	until grep -q reached "$work/out" 2>/dev/null || [ "$tries" = 100 ]; do sleep 0.1; tries=$((tries + 1)); done
	for pid in $(relays); do kill -9 "$pid"; done
	: >"$work/home/signs/dead"
	wait "$waiter"
	ok "a dead relay is a cut network" [ "$(grep -c closed "$work/out")" = 3 ]
	ok "and a message" grep -q 'C421' "$work/err"
}

reaches() { [ "$(grep -c reached "$work/out" 2>/dev/null)" = "$1" ]; }

# Those that help the relay: when one is gone, all is cut, and that is said.
dead_helpers() {
	profile helped 'flags = ["incoming", "local", "outgoing"]
publish = ["18080"]
lend = ["7001"]'
	for helper in cuddy-resolve cuddy-inlet cuddy-keeper; do
		rm -f "$work/home/signs/dead" "$work/out"
		cuddy run -p ./helped.toml /usr/bin/python3 "$work/home/lab_client.py" tcp:203.0.113.11/443 tcp:127.0.0.1/7001 \
			"wait:$work/home/signs/dead" tcp:203.0.113.11/443 tcp:ok.example/443 tcp:127.0.0.1/7001 &
		waiter=$!
		until_true reaches 2
		# shellcheck disable=SC2046 # a list of numbers
		kill -9 $(helpers "$helper")
		ok "a dead $helper ends the relay" no_relays
		: >"$work/home/signs/dead"
		wait "$waiter"
		ok "a dead $helper is a cut network" [ "$(grep -c closed "$work/out")" = 3 ]
		ok "a dead $helper: and a message" holds C421 "$work/err"
	done
}

# A helper that is missing: nothing is started, and the message stands at the line.
fails_closed() {
	mv "$base/tree/build/cuddy-net" "$base/tree/build/away"
	cuddy run -p ./names.toml echo ran
	status=$?
	mv "$base/tree/build/away" "$base/tree/build/cuddy-net"
	ok "without the relay nothing starts" [ "$status" = 125 ]
	ok "the message names the line" grep -q 'names.toml:4:.*C420' "$work/err"
	ok "the program never ran" not grep -q ran "$work/out"
}

suite() {
	profiles
	cuddy run -p ./host.toml true
	if holds C344 "$work/err"; then nameless=+; else nameless=.; fi # Landlock has scopes since ABI 6
	run_modes
	controls
	nameless
	long_lists
	no_ping
	ping_program
	look_ups
	dead_six
	later_address
	programs
	names_inside
	powerless
	life
	dead_helpers
	fails_closed
}

. "$(dirname "$0")/lab.lib"
