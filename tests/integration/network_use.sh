#!/bin/sh
# tests/integration/network_use.sh - what is done with a cage's network, in the small internet of lab.lib:
# joining, ports into the cage, other name servers, counters and the log.
apart=yes

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

serves() { [ "$(grep -c up "$work/served")" = "$1" ]; }

# A server in the cage, and who reaches it from outside.
publishes() {
	cp "$root/tests/integration/lab_server.py" "$work/home/"
	profile served 'flags = ["incoming"]
publish = ["18080:80", "192.168.77.10:18081:80/tcp", "[::1]:18082:80", "18083:80/udp", "18084:81", "18085:443", "18087:5353/udp"]'
	at_host "$base/tree/build/cuddy" run -n served -p ./served.toml sh -c '
		/usr/bin/python3 lab_server.py all "$HOME/log" 0.0.0.0 -- 5353 &
		/usr/bin/python3 lab_server.py one "$HOME/log" 127.0.0.1 -- 80 81 &
		exec /usr/bin/python3 lab_server.py six "$HOME/log" ::1 -- 443' >"$work/served" 2>"$work/err" </dev/null &
	server=$!
	until_true serves 3
	try at_host tcp:127.0.0.1/18080 tcp:192.168.77.10/18080 tcp:192.168.77.10/18081 tcp:::1/18082 \
		udp:127.0.0.1/18083 udp:127.0.0.1/18087 tcp:127.0.0.1/18084 tcp:127.0.0.1/18085 tcp:127.0.0.1/18086
	ok "publish: a port leads into the cage" tried 'tcp:127.0.0.1/18080 reached one 127.0.0.1 80'
	ok "publish: only from the address that it has" tried 'tcp:192.168.77.10/18080 closed'
	ok "publish: another address, when it is named" tried 'tcp:192.168.77.10/18081 reached one'
	ok "publish: IPv6 outside" tried 'tcp:::1/18082 reached one'
	ok "publish: UDP" tried 'udp:127.0.0.1/18083 reached one 127.0.0.1 80'
	ok "publish: UDP to a server that waits at all addresses" tried 'udp:127.0.0.1/18087 reached all 0.0.0.0 5353'
	ok "publish: another port inside" tried 'tcp:127.0.0.1/18084 reached one 127.0.0.1 81'
	ok "publish: a server of IPv6 only" tried 'tcp:127.0.0.1/18085 reached six ::1 443'
	ok "publish: no other port" tried 'tcp:127.0.0.1/18086 closed'
	try in_inet tcp:192.168.77.10/18080 tcp:192.168.77.10/18081 udp:192.168.77.10/18083
	ok "publish: the neighbours do not reach loopback's" tried 'tcp:192.168.77.10/18080 closed'
	ok "publish: nor its datagrams" tried 'udp:192.168.77.10/18083 closed'
	ok "publish: but the address that was opened" tried 'tcp:192.168.77.10/18081 reached one'
	at_host /usr/bin/python3 -c '
import socket, threading
s = socket.create_connection(("127.0.0.1", 18080)); s.settimeout(10)
data = b"x" * 3000000; got = b""
threading.Thread(target=lambda: (s.sendall(data), s.shutdown(1))).start()
while more := s.recv(65536): got += more
print(got == b"one 127.0.0.1 80 " + data)' >"$work/tried"
	ok "publish: 3 MB go in and come back whole" tried True
	cuddy exec served -- sh -c 'cat "$HOME/log"'
	ok "publish: visitors come from the cage's address, not from loopback" holds '^tcp 198.18.0.1 ' "$work/out"
	ok "publish: and from nowhere else" not holds '^tcp 127' "$work/out"
	maker=$(helpers cuddy-inlet)
	ok "publish: who makes the sockets has a filter and no capability" \
		sh -c 'grep -q "^Seccomp:.2" "/proc/$1/status" && grep -q "^CapEff:.0000000000000000" "/proc/$1/status" &&
		grep -q "^CapPrm:.0000000000000000" "/proc/$1/status"' - "$maker"
	cuddy run -n second -p ./served.toml true
	status=$?
	ok "publish: a port that is taken stops the start" [ "$status" = 125 ]
	ok "publish: with the profile's line" holds 'served.toml:5:12: error.C422' "$work/err"
	ok "publish: and its name" holds "18080:80.: Address already in use" "$work/err"
	cuddy stop served
	wait "$server"
	ok "publish: the helpers end with the cage" no_relays
	try at_host tcp:127.0.0.1/18080
	ok "publish: and the port" tried 'tcp:127.0.0.1/18080 closed'
	profile silent 'publish = ["18080"]'
	cuddy run -p ./silent.toml true
	ok "publish: wants the right to wait there" holds 'silent.toml:4:12: error.C317' "$work/err"
	profile hosted 'flags = ["host"]
publish = ["18080"]'
	cuddy run -p ./hosted.toml true
	ok "publish: has no meaning in the host's network" holds 'hosted.toml:5:12: error.C318' "$work/err"
	profile both 'flags = ["incoming"]
allow = ["ok.example:443"]
publish = ["18080"]'
	cuddy run -p ./both.toml /usr/bin/python3 "$work/home/lab_client.py" tcp:ok.example/443 tcp:evil.example/443
	ok "publish: beside allowed hosts" holds 'ok.example/443 reached' "$work/out"
	ok "publish: opens no others" holds 'evil.example/443 closed' "$work/out"
}

# Name servers of the profile's own: asked in the place of the host's.  Some never answer, so cages with each of
# these lists ask while other things are tried.
lists='-
"203.0.113.12"
"203.0.113.99", "203.0.113.12"
"192.168.77.1", "203.0.113.12"
"203.0.113.99"'
ask_servers() {
	number=0 asking=
	while read -r list; do
		number=$((number + 1))
		profile "asks$number" 'allow = ["which.example:443", "long.example:443", "ok.example:443", "rebind.example:443"]'
		[ "$list" = - ] || sed -i "s/^allow.*example.*/&\ndns = [$list]/" "$work/home/asks$number.toml"
		set -- tcp:which.example/443 tcp:long.example/443 tcp:ok.example/443 tcp:rebind.example/443 tcp:evil.example/443
		[ "$list" != '"203.0.113.99"' ] || set -- tcp4:which.example/443
		at_host "$base/tree/build/cuddy" run -p "./asks$number.toml" env LAB_TIMEOUT=40 /usr/bin/python3 \
			"$work/home/lab_client.py" "$@" >"$work/asked$number" 2>"$work/err" </dev/null &
		asking="$asking $!"
	done <<-END
		$lists
	END
}
servers() {
	# shellcheck disable=SC2086 # a list of words
	wait $asking
	ok "dns: the host's resolver is asked when none is named" holds 'which.example/443 reached inet 203.0.113.53' "$work/asked1"
	for number in 2 3 4; do
		list=$(echo "$lists" | sed -n "${number}p") asked=$work/asked$number
		ok "dns: [$list] is asked" holds 'which.example/443 reached inet 203.0.113.12' "$asked"
		ok "dns: by TCP when the answer is long" holds 'long.example/443 reached inet 203.0.113.11' "$asked"
		ok "dns: an allowed name is reached" holds 'ok.example/443 reached' "$asked"
		ok "dns: answers into the local network are refused" holds 'rebind.example/443 closed' "$asked"
		ok "dns: a denied name is closed" holds 'evil.example/443 closed' "$asked"
	done
	ok "dns: nobody else is asked when the server is silent" holds 'which.example/443 closed' "$work/asked5"
}

# What was refused is counted and written down, with its name where there is one.
logs() {
	profile logged 'flags = ["incoming"]
allow = ["ok.example:443", "rebind.example:443"]
publish = ["127.0.0.1:18090:90/tcp"]'
	rm -f "$work/home/signs/seen"
	at_host "$base/tree/build/cuddy" run -n logged -p ./logged.toml /usr/bin/python3 "$work/home/lab_client.py" \
		tcp:ok.example/443 tcp:ok.example/80 -udp:ok.example/53 tcp:rebind.example/443 tcp:203.0.113.11/443 \
		tcp:2001:db8:200::10/80 udp:203.0.113.11/5353 tcp:evil.example/443 "wait:$work/home/signs/seen" \
		udp:203.0.113.12/99 >"$work/first" 2>"$work/err" </dev/null &
	first=$!
	until_true holds evil.example "$work/first"
	cuddy ps --json
	ok "ps: the mode" holds '"mode": "relay"' "$work/out"
	ok "ps: the ports" holds '"127.0.0.1:18090:90/tcp"' "$work/out"
	ok "ps: connections are counted" holds '"connections": [2-9]' "$work/out"
	ok "ps: so is what was refused" holds '"refused": [1-9]' "$work/out"
	cuddy log logged
	for line in 'refused  tcp   ok.example:80  (relay)' 'refused  udp   ok.example:53  (relay)' \
		'refused  tcp   rebind.example:443  (relay)' 'refused  tcp   203.0.113.11:443  (rules)' \
		'refused  tcp   \[2001:db8:200::10\]:80  (rules)' 'refused  udp   203.0.113.11:5353  (rules)' \
		'refused  dns   evil.example  (resolver)'; do
		ok "log: $line" holds "$line" "$work/out"
	done
	ok "log: nothing that was reached" not holds 'tcp   ok.example:443' "$work/out"
	cuddy log logged --net --json
	ok "log: as JSON" /usr/bin/python3 -c 'import json, sys
for line in open(sys.argv[1]): assert json.loads(line)["event"] == "refused"' "$work/out"
	: >"$work/home/signs/seen"
	wait "$first"
	cuddy log logged
	ok "log: stays, with what came last" holds 'udp   203.0.113.12:99  (rules)' "$work/out"
	log=$work/own/.local/state/cuddy/logged.jsonl
	ok "log: is the user's alone" [ "$(stat -c %a "$log")" = 600 ]
	cuddy run -n logged -p ./logged.toml sh -c 'echo false >>"$HOME/.local/state/cuddy/logged.jsonl"; true'
	ok "log: no cage writes to it" not holds '^false' "$log"
	cuddy run -n flood -p ./logged.toml /usr/bin/python3 -c '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for i in range(20000):
	try: s.sendto(b"x", ("203.0.113.%d" % (i % 200), 1024 + i))
	except OSError: pass'
	ok "log: a flood has a bound" [ "$(wc -l <"$work/own/.local/state/cuddy/flood.jsonl")" -le 10000 ]
	cuddy log nobody
	ok "log: one that is not there is an error" holds C614 "$work/err"
	ok "log: the files of a running cage are removed with it" \
		[ -z "$(find "$work/own/.local/state/cuddy/running" -mindepth 1 2>/dev/null)" ]
}

# Programs that know nothing of proxies, each with its own way to look up a name.
clients() {
	profile clients 'allow = ["ok.example:443"]'
	cat >"$work/client.c" <<-'END'
	#include <netdb.h>
	#include <stdio.h>
	#include <sys/socket.h>
	#include <unistd.h>
	int main(int n, char **words)
	{
		struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *a = 0;
		char text[64] = "";
		int fd = n < 2 || getaddrinfo(words[1], "443", &hints, &a) ? -1 : socket(a->ai_family, SOCK_STREAM, 0);
		if (fd < 0 || connect(fd, a->ai_addr, a->ai_addrlen) || read(fd, text, 63) < 1)
			return 1;
		return !puts(text);
	}
	END
	for cc in musl-gcc cc; do
		command -v "$cc" >/dev/null && "$cc" -static -o "$work/home/static" "$work/client.c" 2>/dev/null && break
	done
	cat >"$work/home/clients.sh" <<-'END'
	for host in ok.example evil.example 203.0.113.11; do
		{
			case $1 in
			curl) curl -s -m 20 --http0.9 -H 'Connection: close' "http://$host:443/" ;;
			git) git -c http.lowSpeedLimit=1 -c http.lowSpeedTime=3 ls-remote "git://$host:443/x" ;;
			node) node -e "const s = require('net').connect(443, '$host'); s.on('data', d => { console.log(String(d)); process.exit() }); s.on('error', e => console.log(e.code))" ;;
			python3) python3 -c "import socket; print(socket.create_connection(('$host', 443), 5).recv(99))" ;;
			static) ./static "$host" ;;
			esac
		} >"$1.out" 2>&1
		# git reads the banner as a length and says so: then it was connected
		grep -q -e 'inet 2' -e 'bad line length' "$1.out" && echo "$1 $host reached" || echo "$1 $host closed"
	done
	END
	for client in curl git node python3 static; do
		[ "$client" = static ] || command -v "$client" >/dev/null || continue
		[ "$client" != static ] || [ -x "$work/home/static" ] || continue
		cuddy run -p ./clients.toml sh clients.sh "$client"
		ok "$client reaches an allowed name" holds "^$client ok.example reached" "$work/out"
		ok "$client reaches no other name" holds "^$client evil.example closed" "$work/out"
		ok "$client reaches no address" holds "^$client 203.0.113.11 closed" "$work/out"
	done
	sed -i 's/^allow = .*/flags = ["outgoing"]/' "$work/home/clients.toml"
	for client in curl git node python3 static; do
		[ "$client" = static ] || command -v "$client" >/dev/null || continue
		[ "$client" != static ] || [ -x "$work/home/static" ] || continue
		cuddy run -p ./clients.toml sh clients.sh "$client"
		ok "$client: the control reaches all three" [ "$(grep -c reached "$work/out")" = 3 ]
	done
}

# The program as root of the cage, with all that a profile can give it.
capable() {
	profile capable 'allow = ["ok.example:443"]'
	sed -i 's/^\[networking\]/[user]\nas = "root"\n&/; s/^flags = \["ordinary"\]/&\nallow-capabilities = ["CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_SYS_ADMIN", "CAP_NET_BIND_SERVICE"]\nallow-syscalls = ["socket(raw)", "socket(packet)", "socket(netlink-route)"]/' \
		"$work/home/capable.toml"
	cuddy run -p ./capable.toml sh -c 'grep CapEff /proc/self/status; id -u'
	ok "capable: it has the capabilities" holds 'CapEff:.*[1-9a-f]' "$work/out"
	ok "capable: and is root" holds '^0$' "$work/out"
	cuddy run -p ./capable.toml sh -c '
		ip addr add 10.9.9.9/8 dev lo && echo done; ip link set lo down && echo done; ip link add x type dummy && echo done
		ip route add 10.0.0.0/8 dev lo && echo done; ip route flush table local && echo done; nft list ruleset | grep -q table && echo done
		nft flush ruleset && echo done; sysctl -w net.ipv4.ip_forward=1 && echo done
		nsenter -t 1 -n true && echo done; ip netns add x && echo done; true'
	ok "capable: no address, link, route, rule or namespace is its to change" not holds done "$work/out"
	cuddy run -p ./capable.toml /usr/bin/python3 -c '
import socket
for family, kind, protocol in (17, 3, 3), (2, 3, 255), (10, 3, 255), (16, 3, 12):
	try: socket.socket(family, kind, protocol); print("opened")
	except OSError as e: print(e.errno)'
	ok "capable: no packet, raw or netfilter socket" not holds opened "$work/out"
	cuddy run -p ./capable.toml /usr/bin/python3 "$work/home/lab_client.py" tcp:ok.example/443 tcp:203.0.113.11/443
	ok "capable: and reaches what it may" holds 'ok.example/443 reached' "$work/out"
	ok "capable: nothing else" holds '203.0.113.11/443 closed' "$work/out"
}

# doctor tries the very rules, and looks for our own helper.
doctor() {
	cuddy doctor -v
	ok "doctor: the rules work here" holds 'yes *network rules with tproxy' "$work/out"
	ok "doctor: the relay is here" holds 'yes *cuddy-net' "$work/out"
	mv "$base/tree/build/cuddy-net" "$base/tree/build/away"
	cuddy doctor
	mv "$base/tree/build/away" "$base/tree/build/cuddy-net"
	ok "doctor: or missing, with what that costs" holds 'missing *cuddy-net' "$work/out"
}

suite() {
	joins
	publishes
	logs
	ask_servers
	clients
	capable
	servers
	doctor
}

. "$(dirname "$0")/lab.lib"
