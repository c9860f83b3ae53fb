#!/bin/sh
# tests/integration/live.sh - grants to a running cage: what they show and what they never do.

start() {
	cage=$1; shift
	"$tree/build/cuddy" run -n "$cage" "$@" >"$work/$cage.out" 2>"$work/$cage.err" </dev/null &
	until_true 20 runs "$cage"
}
runs()   { "$tree/build/cuddy" ps 2>/dev/null | grep -q "^$1 "; }
inside() { cuddy exec g -- bash -c "$1"; }
# What of the host's test directory is mounted in the cage.
mounts() { "$tree/build/cuddy" exec g -- grep -c "$host" /proc/self/mountinfo; }

grants() {
	mkdir -p "$host/data/sub" "$host/mixed/secret" "$host/mixed/rest"
	echo hello >"$host/data/file"; echo s >"$host/mixed/secret/s"; echo 1 >"$host/one"
	start g --hide "$host/mixed/secret" sleep 1000
	inside "ls '$host'"
	ok "before: not there" not is_status 0
	cuddy grant g "$host/data"
	ok "a directory is granted" is_status 0
	inside "cat '$host/data/file'; echo x >'$host/data/new'"
	ok "and can be read" says '^hello$'
	ok "and written" test -s "$host/data/new"
	inside "cp /bin/true '$host/data/true' && '$host/data/true'"
	ok "but nothing in it executed" is_status 126
	cuddy grant g "$host/one" --ro
	inside "cat '$host/one'; echo 2 >'$host/one'"
	ok "a file is granted" says '^1$'
	ok "only to be read" complains 'Read-only'
	ln -s data "$host/link"
	cuddy grant g "$host/link/sub"
	ok "links of the host are resolved, and that is said" says "^$host/data/sub: read-write"
	cuddy ps --json
	ok "ps --json shows all" python3 -c 'import json, sys; g = json.load(open(sys.argv[1]))[0]["grants"]; assert [(x["path"][-8:], x["access"]) for x in g] == [("ive/data", "read-write"), ("live/one", "read-only"), ("data/sub", "read-write")], g' "$work/out"
	cuddy grant g "$host/data"
	ok "nothing is granted twice" complains C643
	cuddy run -n g --hide "$host/mixed/secret" cat "$host/data/file"
	ok "who joins sees it" says '^hello$'
	cuddy revoke g "$host/one"
	inside "test ! -s '$host/one'"
	ok "what is taken back is gone" is_status 0
	cuddy revoke g "$host/one"
	ok "once" complains C644
	cuddy revoke g "$host/data"
	same "with what was granted below it" 0 "$(mounts)"
	cuddy ps
	ok "and not shown any more" not says granted
	ok "the host's files are what they were" test -s "$host/data/file"
	cuddy revoke g /etc
	ok "what the profile gives cannot be taken back" complains C644
	cuddy grant nobody "$host/data"
	ok "no such cage" complains C606
}

denied() {
	cuddy grant g "$host/mixed/secret"
	ok "a path hidden at the start is refused" complains C640
	ok "with the line" complains 'deny file'
	cuddy grant g "$host/mixed/secret/s"
	ok "and what is in it" complains C640
	cuddy grant g "$host/mixed"
	ok "the directory that holds it is granted" is_status 0
	inside "cat '$host/mixed/secret/s'"
	ok "without it" not says s
	inside "mv '$host/mixed/secret' '$host/mixed/other' || mv '$host/mixed' '$host/other'"
	ok "it cannot be moved away" not is_status 0
	cuddy revoke g "$host/mixed"
	cuddy grant g /etc/shadow --ro
	ok "a deny of the profile" complains 'error\[C640\]'
	ok "is named with its line" complains 'filesystem.toml:[0-9]'
	cuddy grant g "$HOME/.local/share/cuddy"
	ok "the data of cages" complains C640
	mkdir -p "$HOME/.config/cuddy/profiles" "$host/later"
	printf '[filesystem]\ndeny = ["%s/later/**"]\n' "$host" >"$HOME/.config/cuddy/profiles/command-line.local.toml"
	cuddy grant g "$host/later"
	ok "a deny that the profile got since then" complains 'command-line.local.toml:2'
	rm "$HOME/.config/cuddy/profiles/command-line.local.toml"
	ln -s "$host/data" "$host/alias"
	start h --hide "$host/alias" sleep 1000
	cuddy grant h "$host/data"
	ok "what a denied link leads to" complains C640
	for path in /proc /proc/self /sys /dev/null /dev /; do
		cuddy grant g "$path" --ro
		ok "refused: $path" is_status 125
	done
	mkfifo "$host/fifo"
	cuddy grant g "$host/fifo"
	ok "a pipe" complains C641
	cuddy grant g "$host/none-such"
	ok "what is not there" complains C641
}

remembered() {
	mkdir -p "$host/kept"
	file=$HOME/.config/cuddy/profiles/command-line.local.toml
	printf '# mine\n[filesystem]\nread-only = ["/srv/x"] # why\n' >"$file"
	cuddy grant g --ro --remember "$host/kept"
	ok "--remember writes the user's file" grep -q "\"/srv/x\", \"$host/kept{,/,/\*\*}\"" "$file"
	ok "comments stay" grep -q '# why' "$file"
	cuddy run -n other ls "$host/kept"
	ok "and the next cage has it" is_status 0
	cuddy revoke g "$host/kept" --forget
	ok "--forget takes the line" not grep -q kept "$file"
	ok "that line" grep -q '"/srv/x"\] # why' "$file"
	rm "$file"
}

hostile() {
	odd="$host/$(printf 'a\nb c\\040')"
	mkdir -p "$odd" "$HOME/a/b" "$HOME/shown/empty/sub"
	echo odd >"$odd/f"
	cuddy grant g "$odd"
	inside "cat '$host/a'*/f"
	ok "odd names" says '^odd$'
	cuddy revoke g "$odd"
	same "come and go" 0 "$(mounts)"
	deep=$host; i=0
	while [ $i -lt 150 ]; do deep=$deep/deeper; i=$((i + 1)); done
	mkdir -p "$deep"
	cuddy grant g "$deep"
	ok "a deep path" is_status 0
	cuddy revoke g "$deep"
	inside 'ln -s /etc ~/a'
	cuddy grant g "$HOME/a/b"
	ok "a link of the program's on the way is not followed" complains C642
	inside 'rm ~/a; mkdir ~/a; ln -s /etc ~/a/b'
	cuddy grant g "$HOME/a/b"
	ok "nor one in the place itself" complains C642
	inside 'rm -r ~/a'
	printf 'include = ["command-line"]\n[filesystem]\nread-write = ["%s/shown/**"]\ntemporary = ["%s/shown/empty"]\n' \
		"$HOME" "$HOME" >mount.toml
	"$tree/build/cuddy" run -p ./mount.toml -n m sleep 1000 </dev/null >"$work/m.out" 2>&1 &
	until_true 20 runs m
	cuddy grant m "$HOME/shown/empty/sub"
	ok "nothing is made in a directory that is not the cage's own" complains 'not the cage.s own'
	cuddy stop --timeout 1 m
}

# The program moves the parents of the place as fast as it can, and puts links there.
races() {
	mkdir -p "$HOME/r/s/t"
	echo mark >"$HOME/r/s/t/mark"
	"$tree/build/cuddy" exec g -- bash -c 'cd ~; while :; do mkdir -p r/s; mv r q; ln -s /etc r; rm r; mv q r; rm -rf q; done' \
		>/dev/null 2>&1 </dev/null &
	racer=$!
	given=0
	for i in $(seq 40); do
		"$tree/build/cuddy" grant g "$HOME/r/s/t" >/dev/null 2>&1 && given=$((given + 1))
		"$tree/build/cuddy" revoke g "$HOME/r/s/t" >/dev/null 2>&1
	done
	echo "# $given of 40 grants went through"
	cuddy ps
	ok "in a race of renames: all is taken back" not says granted
	same "nothing stays mounted" 0 "$("$tree/build/cuddy" exec g -- grep -c "$HOME/r/s/t" /proc/self/mountinfo)"
	ok "nothing was made in the host's /etc" not test -e /etc/s
	ok "nor changed on the host" test -s "$HOME/r/s/t/mark"
	kill "$racer"
	wait "$racer" 2>/dev/null
}

limits() {
	for i in $(seq 101); do
		mkdir -p "$host/many/$i"
		cuddy grant g "$host/many/$i"
		[ "$i" = 100 ] && ok "100 grants" is_status 0
	done
	ok "and no more" complains '100 grants'
	cuddy stop --timeout 1 g
	start g sleep 1000
	cuddy ps
	ok "the next cage of the name has none" not says granted
	"$tree/build/cuddy" grant g "$host/data" >/dev/null
	kill -KILL "$("$tree/build/cuddy" ps --json | python3 -c 'import json, sys; print([c["pid"] for c in json.load(sys.stdin) if c["name"] == "g"][0])')"
	until_true 20 not runs g
	start g sleep 1000
	cuddy ps
	ok "not even when it was killed" not says granted
	cuddy stop --timeout 1 g h
}

suite() {
	host=$work/live
	grants
	denied
	remembered
	hostile
	races
	limits
}

. "$(dirname "$0")/both.lib"
