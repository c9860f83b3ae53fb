#!/bin/sh
# tests/integration/network_peers.sh - private networks: who finds whom, what a neighbour can do, and what is left.
apart=yes

# start NAME PROFILE COMMAND…: a cage in the background, whose words go to $work/NAME.said.
start() {
	name=$1 profile=$2; shift 2
	: >"$work/$name.said"
	at_host "$base/tree/build/cuddy" run -n "$name" -p "./$profile.toml" "$@" >"$work/$name.said" 2>"$work/$name.err" \
		</dev/null &
	started=$!
}

# client NAME PROFILE ATTEMPT…: a cage that tries.
client() {
	name=$1 profile=$2; shift 2
	cuddy run -n "$name" -p "./$profile.toml" /usr/bin/python3 "$work/home/lab_client.py" "$@"
}

# A server that tells who came, at all addresses and at loopback only.
peer_server() {
	cat >"$work/home/peer.py" <<-'END'
	import os, socket, sys, threading
	def talk(c, peer):
	    try:
	        c.sendall(f"{sys.argv[1]} sees {peer[0]} ".encode())
	        while data := c.recv(65536): c.sendall(data)
	        c.close()
	    except OSError: pass
	def serve(family, address, port):
	    s = socket.socket(family); s.setsockopt(1, 2, 1); s.bind((address, port)); s.listen(100)
	    while True: threading.Thread(target=talk, args=s.accept()[::1], daemon=True).start()
	for where in (2, "0.0.0.0", 80), (2, "127.0.0.1", 81), (10, "::1", 82), (2, "0.0.0.0", 83):
	    threading.Thread(target=serve, args=where, daemon=True).start()
	u = socket.socket(2, 2); u.bind(("0.0.0.0", 53000))
	print("up", flush=True)
	while True:
	    data, peer = u.recvfrom(65535)
	    u.sendto(f"{sys.argv[1]} sees {peer[0]} ".encode() + data, peer)
	END
}

labs() {
	peer_server
	profile db 'allow = ["loopback", "listen:80-82", "listen:53000"]
network = "lab"'
	profile app 'network = "lab"
deny = ["udp:forbidden.lab"]'
	profile stranger 'flags = ["outgoing"]'
	profile elsewhere 'flags = ["incoming", "outgoing"]
network = "bal"'
	profile narrow 'network = "lab"
deny = ["db.lab"]'
	profile host 'flags = ["host"]'
	start db db /usr/bin/python3 peer.py database; db=$!
	start quiet app /usr/bin/python3 peer.py quiet; quiet=$!
	start far elsewhere /usr/bin/python3 peer.py far; far=$!
	until_true holds up "$work/db.said"; until_true holds up "$work/quiet.said"; until_true holds up "$work/far.said"
	client app app tcp:db/80 tcp:db.lab/80 tcp:DB.Lab/81 tcp:db/82 tcp:db/83 tcp:db/84 udp:db/53000 udp:db.lab/53000 ping:db/20 \
		tcp:quiet/80 -udp:quiet/53000 tcp:far/80 tcp:far.bal/80 tcp:far.lab/80 tcp:nobody/80 tcp:app/80 \
		tcp:203.0.113.10/443 tcp:ok.example/443 tcp:192.168.77.10/8080 tcp:192.168.77.20/8080 tcp:172.17.0.1/8080 \
		tcp:2001:db8:77::20/8080 udp:203.0.113.11/443 tcp:198.18.9.9/80 ping:203.0.113.11/10 ping:192.168.77.10/10 ping:nobody/10
	for attempt in tcp:db/80 tcp:db.lab/80 tcp:DB.Lab/81 tcp:db/82 udp:db/53000 udp:db.lab/53000; do
		ok "lab: $attempt is reached" holds "$attempt reached database sees" "$work/out"
	done
	ok "lab: a cage of it answers pings" holds 'ping:db/20 reached' "$work/out"
	for attempt in ping:203.0.113.11/10 ping:192.168.77.10/10 ping:nobody/10 tcp:db/83 tcp:db/84 tcp:quiet/80 udp:quiet/53000 tcp:far/80 tcp:far.bal/80 tcp:far.lab/80 tcp:nobody/80 \
		tcp:app/80 tcp:203.0.113.10/443 tcp:ok.example/443 tcp:192.168.77.10/8080 tcp:192.168.77.20/8080 \
		tcp:172.17.0.1/8080 tcp:2001:db8:77::20/8080 udp:203.0.113.11/443 tcp:198.18.9.9/80; do
		ok "lab: $attempt is closed" holds "$attempt closed" "$work/out"
	done
	client stranger host tcp:203.0.113.10/443 tcp:ok.example/443 tcp:192.168.77.10/8080 tcp:192.168.77.20/8080 \
		tcp:172.17.0.1/8080 tcp:2001:db8:77::20/8080 udp:203.0.113.11/443
	ok "lab: the control reaches all of the lab's host" [ "$(grep -c reached "$work/out")" = 7 ]
	cuddy exec db -- /usr/bin/python3 "$work/home/lab_client.py" tcp:127.0.0.1/83 tcp:db/80 tcp:db/81
	ok "lab: the control reaches what it must not be asked for, inside" holds '127.0.0.1/83 reached' "$work/out"
	ok "lab: a cage finds itself by its name" holds 'tcp:db/80 reached database' "$work/out"
	client stranger stranger tcp:db/80 tcp:db.lab/80 tcp:198.18.1.0/80 tcp:203.0.113.10/443
	ok "lab: who is not in it finds nobody" [ "$(grep -c closed "$work/out")" = 3 ]
	client other elsewhere tcp:db/80 tcp:db.lab/80 tcp:far/80 tcp:203.0.113.10/443
	ok "lab: nor does who is in another" [ "$(grep -c 'db.*closed' "$work/out")" = 2 ]
	ok "lab: but in its own, beside the internet" [ "$(grep -c reached "$work/out")" = 2 ]
	try at_host -tcp:198.18.1.0/80 tcp:127.0.0.1/80 tcp:db.lab/80
	ok "lab: the host does not see it" [ "$(grep -c 'reached data' "$work/tried")" = 0 ]
	client narrow narrow tcp:db/80 tcp:db.lab/80
	ok "lab: a deny wins" [ "$(grep -c closed "$work/out")" = 2 ]
	cuddy run -n app -p ./app.toml /usr/bin/python3 -c '
import socket, threading
s = socket.create_connection(("db", 81)); s.settimeout(10)
data = b"x" * 3000000; got = b""
threading.Thread(target=lambda: (s.sendall(data), s.shutdown(1))).start()
while more := s.recv(65536): got += more
print(got[:16], got.endswith(data))
all = [socket.create_connection(("db", 80), 10) for i in range(200)]
for s in all: s.sendall(b"hello")
print(sum(s.recv(100).startswith(b"database") for s in all))
u = socket.socket(2, 2); u.settimeout(5); u.sendto(b"y" * 60000, ("db", 53000)); data, peer = u.recvfrom(65535)
print(len(data) > 60000, peer[0] == socket.gethostbyname("db"))'
	ok "lab: 3 MB go there and back, each side closes in its time" holds 'database sees.*True' "$work/out"
	ok "lab: 200 connections at a time" holds '^200$' "$work/out"
	ok "lab: a large datagram comes back from where it was sent" holds '^True True$' "$work/out"
	cuddy ps --json
	ok "ps: tells the private network" holds '"private": "lab"' "$work/out"
	cuddy why ./app.toml 'connect db:80'
	ok "why: knows the names" holds "^allow: '\*.lab' at ./app.toml:4:" "$work/out"
	cuddy why ./app.toml 'connect db.bal:80'
	ok "why: and no others" holds '^deny' "$work/out"
	cuddy why ./narrow.toml 'connect db:80'
	ok "why: and what is denied" holds "^deny: 'db.lab'" "$work/out"
	cuddy run -p ./db.toml -n web --dry-run true
	ok "plan: has it as a step" holds 'PEERS *lab' "$work/out"
	cuddy log app
	ok "log: what another cage refused" holds 'tcp   quiet.lab:80  (relay)' "$work/out"
	lab_life
	lab_attacks
	kill -9 "$quiet" "$far" 2>/dev/null
	cuddy stop quiet; cuddy stop far; cuddy stop db
	ok "lab: nothing is left when the last one is gone" no_relays
	ok "lab: no socket either" [ -z "$(find "$work/own" -name peers)" ]
	refused 'network = "Lab"' C139 4:11 "network: 'Lab' is refused at its place"
	for entry in a.b '' lab_ 'a b' -x x- '*' ../x; do
		[ -n "$entry" ] || continue
		refused "network = \"$entry\"" C139 4:11 "network: '$entry' is refused at its place"
	done
	refused 'flags = ["host"]
network = "lab"' C318 5:11 "network: has no meaning in the host's network"
	profile named 'network = "lab"'
	cuddy run -n Capital -p ./named.toml true
	ok "network: a name that nobody could ask for stops the start" holds 'named.toml:4:11: error.C342' "$work/err"
}

runs() { at_host "$base/tree/build/cuddy" ps | grep -q "^$1 "; }

# Those who come later, go, or are killed.
lab_life() {
	rm -f "$work/home/signs/gone" "$work/home/signs/back"
	start app app /usr/bin/python3 "$work/home/lab_client.py" tcp:db/80 "wait:$work/home/signs/gone" tcp:db/81 udp:db/53000 \
		"wait:$work/home/signs/back" tcp:db.lab/80
	app=$started
	until_true holds 'db/80 reached' "$work/app.said"
	for pid in $(ip netns pids "$host"); do # the launcher of db, and its relay
		case $(cat "/proc/$pid/comm") in
		cuddy) tr '\0' ' ' <"/proc/$pid/cmdline" | grep -q 'run -n db ' && kill -9 "$pid" ;;
		esac
	done
	wait "$db" 2>/dev/null
	until_true not runs db
	: >"$work/home/signs/gone"
	until_true holds 'udp:db/53000' "$work/app.said"
	ok "lab: who was killed is not found" [ "$(grep -c closed "$work/app.said")" = 2 ]
	start db db /usr/bin/python3 peer.py database; db=$started
	until_true holds up "$work/db.said"
	ok "lab: starts again after it was killed" [ ! -s "$work/db.err" ]
	: >"$work/home/signs/back"
	wait "$app"
	ok "lab: and is found again" holds 'db.lab/80 reached database' "$work/app.said"
	cuddy exec db -- /usr/bin/python3 "$work/home/lab_client.py" tcp:db/80 tcp:quiet/80 tcp:far/80
	ok "lab: exec is in the same network" holds 'tcp:db/80 reached' "$work/out"
	ok "lab: with the same rules" [ "$(grep -c closed "$work/out")" = 2 ]
}

# A neighbour that wants more than it may.
lab_attacks() {
	sed 's/^\[networking\]/[user]\nas = "root"\n&/; s/^flags = \["ordinary"\]/&\nallow-capabilities = ["CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_SYS_ADMIN"]\nallow-syscalls = ["socket(raw)", "socket(packet)"]/' \
		"$work/home/app.toml" >"$work/home/evil.toml"
	cuddy run -n evil -p ./evil.toml /usr/bin/python3 -c '
import socket
address = socket.gethostbyname("db")
for source in "198.18.1.77", "127.0.0.1", "198.18.0.1", address:
	try:
		s = socket.socket(); s.settimeout(3); s.bind((source, 0)); s.connect((address, 80)); s.sendall(b"hello")
		print("from", source, s.recv(99).decode().replace(address, "ITSELF"))
	except OSError as e: print("from", source, "closed", e)
for family, kind, protocol in (17, 3, 3), (2, 3, 255), (10, 3, 255), (17, 2, 0x0806):
	try: socket.socket(family, kind, protocol); print("opened")
	except OSError as e: print(e.errno)'
	seen=$(sed -n 's/^from 198.18.0.1 database sees \([0-9.]*\).*/\1/p' "$work/out")
	ok "lab attack: whatever source it takes, it is seen as itself" \
		[ "$(sed -n 's/^from .* database sees \([0-9.]*\).*/\1/p' "$work/out" | sort -u | grep -c .)" -le 1 ]
	ok "lab attack: which is an address of a name" sh -c 'case $1 in 198.18.[1-9]*|"") true ;; *) false ;; esac' - "$seen"
	ok "lab attack: no frame of its own: there is no packet or raw socket" not holds opened "$work/out"
	cuddy run -n evil -p ./evil.toml sh -c '
		for path in "$HOME"/.local/state/cuddy/running "$XDG_RUNTIME_DIR"/cuddy /run/user/*/cuddy; do
			ls "$path"/db/peers && echo found; done 2>/dev/null; true'
	ok "lab attack: it does not see the others' sockets" not holds found "$work/out"
	start flood app /usr/bin/python3 -c '
import socket, threading, time
print("up", flush=True)
held, end = [], time.time() + 4
u = socket.socket(2, 2); u.setblocking(False)
while time.time() < end:
	try:
		s = socket.socket(); s.setblocking(False); s.connect_ex(("db.lab", 80)); held.append(s)
		u.sendto(b"x" * 1000, ("db.lab", 53000)); u.sendto(b"nonsense", ("198.18.0.1", 53))
		if len(held) > 900: held.clear()
	except OSError: held.clear()'
	flood=$started
	until_true holds up "$work/flood.said"
	client app app tcp:db/80 udp:db/53000 tcp:db/81
	ok "lab attack: a neighbour that floods does not keep others out" [ "$(grep -c reached "$work/out")" -ge 2 ]
	wait "$flood"
	client app app tcp:db/80 udp:db/53000 tcp:db/82
	ok "lab attack: and nothing of it stays" [ "$(grep -c reached "$work/out")" = 3 ]

	# Words that are none of ours, at the socket that all of this user's processes could reach.
	peers=$(find "$work/own" /run/user 2>/dev/null -path '*/db/peers' | head -n 1)
	ok "lab attack: the socket is its user's alone" [ -S "$peers" ]
	at_host /usr/bin/python3 -c '
import array, socket, struct, sys
path = sys.argv[1]
def ask(message, fds=1):
	ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET); ours.settimeout(5)
	s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.connect(path)
	s.sendmsg([message], [(1, 1, array.array("i", [theirs.fileno()] * fds))] if fds else []); theirs.close()
	data, control, _, _ = ours.recvmsg(16, 64)
	return "way" if control else data
def peer(network=b"lab", name=b"app", v6=0, access=1, port=80):
	return struct.pack("64s65sBBxH", network, name, v6, access, port)
good = peer()
print("good", ask(good))
for what, message in (("network", peer(network=b"bal")), ("nothing", peer(name=b"")), ("dots", peer(name=b"../db")),
		("capital", peer(name=b"App")), ("long", peer(name=b"a" * 65)), ("endless", peer(network=b"lab" + b"x" * 61)),
		("access", peer(access=4)), ("zero", peer(port=0)), ("port", peer(port=83)), ("short", good[:-1]),
		("longer", good + b"x"), ("empty", b"")):
	print("bad", what, ask(message))
try: print("bad none", ask(good, 0))
except OSError: print("bad none silent")' "$peers" >"$work/tried" 2>&1
	ok "lab attack: the control is answered" tried 'good way'
	ok "lab attack: no other call is" [ "$(grep -c '^bad .* way' "$work/tried")" = 0 ]
	client app app tcp:db/80
	ok "lab attack: and the relay lives" holds reached "$work/out"
}

suite() {
	labs
}

. "$(dirname "$0")/lab.lib"
