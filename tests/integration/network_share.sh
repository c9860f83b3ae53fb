#!/bin/sh
# tests/integration/network_share.sh - what a cage shares beside its rules, in the small internet of lab.lib: services
# of the host that are lent, ports that are exposed on a socket.
apart=yes

# unix_server PATH NAME: answers as lab_server.py does, with its name; killed with the lab.
unix_server() {
	rm -f "$1"
	at_host /usr/bin/python3 -c '
import socket, sys, threading
s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen(64)
def talk(c):
	c.sendall(sys.argv[2].encode() + b" ")
	while data := c.recv(65536): c.sendall(data)
	c.close()
while True: threading.Thread(target=talk, args=(s.accept()[0],), daemon=True).start()' "$1" "$2" 2>/dev/null &
	servers="$servers $!"
	until_true [ -S "$1" ]
}

# unix_client PATH: what the socket there says to "hello".
unix_client() {
	at_host /usr/bin/python3 -c '
import socket, sys
s = socket.socket(socket.AF_UNIX); s.settimeout(5)
try:
	s.connect(sys.argv[1]); s.sendall(b"hello"); data = b""
	while not data.endswith(b"hello"): data += s.recv(999) or sys.exit("ended")
	print("reached", data.decode())
except OSError as error: print("closed", error)' "$1" >"$work/tried" 2>&1
}

has_keeper() { [ -n "$(helpers cuddy-keeper)" ]; }
lends() {
	unix_server "$work/own/db.sock" database
	unix_server "$work/home/near.sock" near
	unix_server "$work/own/other.sock" other
	profile lent 'flags = ["local"]
lend = ["7001", "7001:80", "~/db.sock:5432", "'"$work/home/near.sock"':81", "9", "~/late.sock:82"]'
	cuddy run -n lent -p ./lent.toml /usr/bin/python3 "$work/home/lab_client.py" tcp:127.0.0.1/7001 tcp:::1/7001 \
		tcp:localhost/80 tcp:127.0.0.1/5432 tcp:127.0.0.1/81 tcp:127.0.0.1/9 tcp:127.0.0.1/82 \
		tcp:127.0.0.1/8080 tcp:127.0.0.1/443 tcp:192.168.77.10/7001 tcp:203.0.113.10/443 tcp:198.18.0.1/7001
	ok "lend: a port of the host's loopback" holds '127.0.0.1/7001 reached host 127.0.0.1 7001 hello' "$work/out"
	ok "lend: by IPv6 inside" holds '::1/7001 reached host 127.0.0.1 7001' "$work/out"
	ok "lend: at another port, a low one" holds 'localhost/80 reached host 127.0.0.1 7001' "$work/out"
	ok "lend: a socket of the host" holds '127.0.0.1/5432 reached database hello' "$work/out"
	ok "lend: one in a folder that the cage can write" holds '127.0.0.1/81 reached near hello' "$work/out"
	ok "lend: a service that is not there is an error" holds '127.0.0.1/9 closed' "$work/out"
	ok "lend: a socket that is not there too" holds '127.0.0.1/82 closed' "$work/out"
	for attempt in tcp:127.0.0.1/8080 tcp:127.0.0.1/443 tcp:192.168.77.10/7001 tcp:203.0.113.10/443 tcp:198.18.0.1/7001; do
		ok "lend: $attempt stays closed" holds "$attempt closed" "$work/out"
	done
	try at_host tcp:127.0.0.1/8080 tcp:127.0.0.1/443 tcp:192.168.77.10/8080 tcp:203.0.113.10/443
	ok "lend: the control reaches all these" [ "$(grep -c reached "$work/tried")" = 4 ]
	cuddy run -p ./lent.toml /usr/bin/python3 -c '
import socket, threading
for port, name in (7001, b"host 127.0.0.1 7001 "), (5432, b"database "):
	s = socket.create_connection(("127.0.0.1", port)); s.settimeout(10)
	data = b"x" * 3000000; got = b""
	threading.Thread(target=lambda: (s.sendall(data), s.shutdown(1))).start()
	while more := s.recv(65536): got += more
	print(got == name + data)
all = [socket.create_connection(("127.0.0.1", 5432), 10) for i in range(100)]
for s in all: s.sendall(b"hello")
print(sum(s.recv(100).startswith(b"database") for s in all))'
	ok "lend: 3 MB go there and back by both, each side closes in its time" [ "$(grep -c True "$work/out")" = 2 ]
	ok "lend: 100 connections at a time" holds '^100$' "$work/out"

	# The cage can write where near.sock is: it must not lead the keeper to another service.
	cuddy run -p ./lent.toml sh -c 'rm near.sock; ln -s "'"$work/own/other.sock"'" near.sock
		python3 lab_client.py tcp:127.0.0.1/81; rm near.sock; mkdir near.sock; python3 lab_client.py tcp:127.0.0.1/81'
	ok "lend: no link is followed that the cage made" [ "$(grep -c closed "$work/out")" = 2 ]
	try at_host tcp:127.0.0.1/7001
	rmdir "$work/home/near.sock"; ln -s "$work/own/other.sock" "$work/home/near.sock"
	unix_client "$work/home/near.sock"
	ok "lend: the control follows it" tried 'reached other'
	cuddy run -p ./lent.toml true
	ok "lend: a link on the way stops the start, at its line" \
		holds 'lent.toml:5:[0-9]*: error.C422.*near.sock:81.: Too many levels' "$work/err"
	rm "$work/home/near.sock"

	at_host "$base/tree/build/cuddy" run -n lent -p ./lent.toml sleep 60 >/dev/null 2>"$work/err" </dev/null &
	sleeper=$!
	until_true has_keeper
	ok "lend: who connects has a filter and no right to files" \
		sh -c 'grep -q "^Seccomp:.2" "/proc/$1/status" && grep -q "^NoNewPrivs:.1" "/proc/$1/status"' - "$(helpers cuddy-keeper)"
	cuddy ps --json
	ok "ps: tells what is lent" holds "$work/own/db.sock:5432" "$work/out"
	cuddy exec lent -- /usr/bin/python3 "$work/home/lab_client.py" tcp:127.0.0.1/5432 tcp:127.0.0.1/443
	ok "exec: reaches what is lent" holds '/5432 reached database' "$work/out"
	ok "exec: and no more" holds '/443 closed' "$work/out"
	kill -9 "$(helpers cuddy-keeper)"
	cuddy exec lent -- /usr/bin/python3 "$work/home/lab_client.py" tcp:127.0.0.1/5432 tcp:127.0.0.1/7001
	ok "lend: without the keeper its sockets are closed" holds '/5432 closed' "$work/out"
	cuddy stop lent
	wait "$sleeper"
	ok "lend: no helper outlives the cage" no_relays
	cuddy why ./lent.toml 'connect 127.0.0.1:5432'
	ok "why: says where it leads" holds "db.sock:5432. is lent at .*lent.toml:5:" "$work/out"
	cuddy why ./lent.toml 'connect 127.0.0.1:8080'
	ok "why: only for that port" not holds 'is lent' "$work/out"
	cuddy explain ./lent.toml
	ok "explain: lists it" holds "it reaches a service of the computer: '7001:80'" "$work/out"
	cuddy run -n lent -p ./lent.toml --dry-run true
	ok "plan: has it as a step" holds 'LEND *7001:80' "$work/out"

	refused 'lend = ["7001"]' C340 4:9 "lend: wants the right to connect there"
	refused 'flags = ["local"]
deny = ["loopback"]
lend = ["7001"]' C340 6:9 "lend: a deny of it wins"
	refused 'flags = ["local"]
lend = ["~/.ssh/agent:22"]' C341 6:9 "lend: a deny of the path wins" '~/.ssh/**'
	refused 'flags = ["local"]
lend = ["$HOME/.config/cuddy/x:22"]' C341 5:9 "lend: cuddy's own directories are denied"
	refused 'flags = ["host"]
lend = ["7001"]' C318 5:9 "lend: has no meaning in the host's network"
	for entry in '127.0.0.1:80' 0 65536 7001/udp db.sock:1 '/run/x' '/run/x:0'; do
		refused "lend = [\"$entry\"]" C139 4:9 "lend: '$entry' is refused at its place"
	done
}

exposes() {
	cp "$root/tests/integration/lab_server.py" "$work/home/"
	mkdir -p "$work/own/sockets"
	[ "$who" = root ] || chown "$who:" "$work/own/sockets"
	profile exposed 'flags = ["incoming"]
expose = ["~/sockets/app:8080", "~/sockets/none:81"]'
	for end in stops dies; do
		: >"$work/served"
		at_host "$base/tree/build/cuddy" run -n exposed -p ./exposed.toml /usr/bin/python3 lab_server.py caged \
			/dev/null 127.0.0.1 -- 8080 >"$work/served" 2>"$work/err" </dev/null &
		server=$!
		until_true holds up "$work/served"
		unix_client "$work/own/sockets/app"
		ok "expose: the port is reached by the socket" tried 'reached caged 127.0.0.1 8080 hello'
		ok "expose: which is its user's alone" [ "$(stat -c %a:%U "$work/own/sockets/app")" = "600:$who" ]
		unix_client "$work/own/sockets/none"
		ok "expose: where nobody waits it ends" not tried reached
		try at_host tcp:127.0.0.1/8080
		ok "expose: and no port of the host is open" not tried caged
		cuddy ps --json
		ok "ps: tells what is exposed" holds 'sockets/app:8080' "$work/out"
		cuddy run -n second -p ./exposed.toml true
		ok "expose: a socket in use stops the start at its line" \
			holds 'exposed.toml:5:11: error.C422.*app:8080.: Address already in use' "$work/err"
		ok "expose: and stays" [ -S "$work/own/sockets/app" ]
		if [ "$end" = stops ]; then
			cuddy stop exposed
			wait "$server"
			ok "expose: the socket is gone with the cage" [ -z "$(ls "$work/own/sockets")" ]
		else
			for pid in $(helpers cuddy-keeper) $(relays); do kill -9 "$pid"; done
			ok "expose: a relay and a keeper that were killed leave it" [ -S "$work/own/sockets/app" ]
			unix_client "$work/own/sockets/app"
			ok "expose: but nobody behind it" tried 'closed'
			cuddy stop exposed
			wait "$server"
		fi
	done
	cuddy run -p ./exposed.toml true
	ok "expose: the next start takes its place" [ ! -s "$work/err" ]
	ok "expose: and takes it away" [ -z "$(ls "$work/own/sockets")" ]
	at_host "$base/tree/build/cuddy" run -n exposed -p ./exposed.toml sleep 60 >/dev/null 2>"$work/err" </dev/null &
	server=$!
	until_true [ -S "$work/own/sockets/none" ]
	for pid in $(relays); do kill -9 "$pid"; done
	until_true [ ! -e "$work/own/sockets/app" ]
	ok "expose: when the relay is killed, the keeper takes the sockets away" [ -z "$(ls "$work/own/sockets")" ]
	cuddy stop exposed
	wait "$server"
	echo mine >"$work/own/sockets/app"
	cuddy run -p ./exposed.toml true
	ok "expose: a file is never replaced" holds '^mine$' "$work/own/sockets/app"
	rm "$work/own/sockets/app"
	ln -s "$work/own" "$work/home/elsewhere"
	refused 'flags = ["incoming"]
expose = ["'"$work/home/elsewhere/x"':80"]' C422 5:11 "expose: no link is on the way"
	refused 'expose = ["~/sockets/app:80"]' C317 4:11 "expose: wants the right to wait there"
	refused 'flags = ["incoming"]
expose = ["/nowhere/app:80"]' C422 5:11 "expose: a folder that is not there"
	refused 'flags = ["incoming"]
expose = ["~/.local/share/cuddy/app:80"]' C341 5:11 "expose: cuddy's own directories are denied"
	for entry in 8080 app:80 '~/app' '~/app:http' '~/:80'; do
		refused "expose = [\"$entry\"]" C139 4:11 "expose: '$entry' is refused at its place"
	done
}

suite() {
	lends
	exposes
}

. "$(dirname "$0")/lab.lib"
