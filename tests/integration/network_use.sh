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

# try WHERE ATTEMPT…: lab_client.py outside of all cages, in at_host's or in_inet's network.
try() {
	where=$1; shift
	"$where" /usr/bin/python3 "$work/home/lab_client.py" "$@" >"$work/tried" 2>&1
}
tried() { grep -q -F -e "$1" "$work/tried"; }

serves() { [ "$(grep -c up "$work/served")" = "$1" ]; }

# A server in the cage, and who reaches it from outside.
publishes() {
	cp "$root/tests/integration/lab_server.py" "$work/home/"
	profile served 'flags = ["incoming"]
publish = ["18080:80", "192.168.77.10:18081:80/tcp", "[::1]:18082:80", "18083:80/udp", "18084:81", "18085:443"]'
	at_host "$base/tree/build/cuddy" run -n served -p ./served.toml sh -c '
		/usr/bin/python3 lab_server.py one "$HOME/log" 127.0.0.1 -- 80 81 &
		exec /usr/bin/python3 lab_server.py six "$HOME/log" ::1 -- 443' >"$work/served" 2>"$work/err" </dev/null &
	server=$!
	until_true serves 2
	try at_host tcp:127.0.0.1/18080 tcp:192.168.77.10/18080 tcp:192.168.77.10/18081 tcp:::1/18082 \
		udp:127.0.0.1/18083 tcp:127.0.0.1/18084 tcp:127.0.0.1/18085 tcp:127.0.0.1/18086
	ok "publish: a port leads into the cage" tried 'tcp:127.0.0.1/18080 reached one 127.0.0.1 80'
	ok "publish: only from the address that it has" tried 'tcp:192.168.77.10/18080 closed'
	ok "publish: another address, when it is named" tried 'tcp:192.168.77.10/18081 reached one'
	ok "publish: IPv6 outside" tried 'tcp:::1/18082 reached one'
	ok "publish: UDP" tried 'udp:127.0.0.1/18083 reached one 127.0.0.1 80'
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
	ok "publish: wants the right to wait there" holds 'silent.toml:4:12: error.C315' "$work/err"
	profile hosted 'flags = ["host"]
publish = ["18080"]'
	cuddy run -p ./hosted.toml true
	ok "publish: has no meaning in the host's network" holds 'hosted.toml:5:12: error.C316' "$work/err"
	profile both 'flags = ["incoming"]
allow = ["ok.example:443"]
publish = ["18080"]'
	cuddy run -p ./both.toml /usr/bin/python3 "$work/home/lab_client.py" tcp:ok.example/443 tcp:evil.example/443
	ok "publish: beside allowed hosts" holds 'ok.example/443 reached' "$work/out"
	ok "publish: opens no others" holds 'evil.example/443 closed' "$work/out"
}

# Name servers of the profile's own: asked in the place of the host's.
servers() {
	names='allow = ["which.example:443", "long.example:443", "ok.example:443", "rebind.example:443"]'
	set -- tcp:which.example/443 tcp:long.example/443 tcp:ok.example/443 tcp:rebind.example/443 tcp:evil.example/443
	profile resolved "$names"
	cuddy run -p ./resolved.toml /usr/bin/python3 "$work/home/lab_client.py" "$@"
	ok "dns: the host's resolver is asked when none is named" holds 'which.example/443 reached inet 203.0.113.53' "$work/out"
	for list in '"203.0.113.12"' '"203.0.113.99", "203.0.113.12"' '"192.168.77.1", "203.0.113.12"'; do
		profile resolved "$names
dns = [$list]"
		cuddy run -p ./resolved.toml env LAB_TIMEOUT=20 /usr/bin/python3 "$work/home/lab_client.py" "$@"
		ok "dns: [$list] is asked" holds 'which.example/443 reached inet 203.0.113.12' "$work/out"
		ok "dns: by TCP when the answer is long" holds 'long.example/443 reached inet 203.0.113.11' "$work/out"
		ok "dns: an allowed name is reached" holds 'ok.example/443 reached' "$work/out"
		ok "dns: answers into the local network are refused" holds 'rebind.example/443 closed' "$work/out"
		ok "dns: a denied name is closed" holds 'evil.example/443 closed' "$work/out"
	done
	profile resolved "$names
dns = [\"203.0.113.99\"]"
	cuddy run -p ./resolved.toml env LAB_TIMEOUT=30 /usr/bin/python3 "$work/home/lab_client.py" tcp:which.example/443
	ok "dns: nobody else is asked when the server is silent" holds 'which.example/443 closed' "$work/out"
}

# What was refused is counted and written down, with its name where there is one.
logs() {
	profile logged 'flags = ["incoming"]
allow = ["ok.example:443", "rebind.example:443"]
publish = ["127.0.0.1:18090:90/tcp"]'
	rm -f "$work/home/signs/seen"
	at_host "$base/tree/build/cuddy" run -n logged -p ./logged.toml /usr/bin/python3 "$work/home/lab_client.py" \
		tcp:ok.example/443 tcp:ok.example/80 udp:ok.example/53 tcp:rebind.example/443 tcp:203.0.113.11/443 \
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
	ok "log: one that is not there is an error" holds C610 "$work/err"
	ok "log: the files of a running cage are removed with it" \
		[ -z "$(find "$work/own/.local/state/cuddy/running" -mindepth 1 2>/dev/null)" ]
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
	servers
	logs
	doctor
}

. "$(dirname "$0")/lab.lib"
