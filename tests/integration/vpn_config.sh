#!/bin/sh
# tests/integration/vpn_config.sh - VPN configurations on the command line: what is kept, what is refused, and
# that no cage gets to see it.

store=.config/cuddy/vpn

pem() { printf -- '-----BEGIN %s-----\nTUlJQg==\n-----END %s-----\n' "$1" "$1"; }
write_files() {
	mkdir -p "$work/files"
	pem CERTIFICATE >"$work/files/ca.crt"
	pem 'PRIVATE KEY' >"$work/files/client.key"
	cat >"$work/files/work.ovpn" <<-'EOF'
		client
		dev tun
		remote vpn.example.org 1194 udp
		ca ca.crt
		cert ca.crt
		key client.key
		verb 3
	EOF
	sed 's/^verb 3/auth-user-pass/' "$work/files/work.ovpn" >"$work/files/login.ovpn"
	cat >"$work/files/home.conf" <<-'EOF'
		[Interface]
		PrivateKey = YAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=
		Address = 10.0.0.2/32
		[Peer]
		PublicKey = xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=
		PresharedKey = /UwcSPg38hW/D9Y3tcS1FOV0K1wuURMbS0sesJEP5ak=
		AllowedIPs = 0.0.0.0/0, ::/0
		Endpoint = 192.0.2.1:51820
	EOF
	printf 'me\nPaSsWoRd\n' >"$work/files/login"
}

is_kept()   { [ -f "$HOME/$store/$1" ]; }
mode_of()   { stat -c %a "$HOME/$store/$1"; }
# shellcheck disable=SC2011 # the names are ours
kept()      { ls -A "$HOME/$store" 2>/dev/null | xargs; }
is_json()   { python3 -m json.tool <"$work/out" >"$work/json" 2>&1; }

adding() {
	cuddy vpn list
	ok "nothing is there" is_status 0
	cuddy vpn add "$work/files/work.ovpn"
	ok "added" is_status 0
	ok "without a word" is_quiet
	same "for its owner alone" "600 700" "$(mode_of work.ovpn) $(mode_of .)"
	ok "with what it named" grep -q '^<key>' "$HOME/$store/work.ovpn"
	(cd "$work/files" && "$tree/build/cuddy" vpn add --name by-name home.conf) >"$work/out" 2>"$work/err"
	ok "WireGuard's, by a relative path and under another name" is_kept by-name.conf
	cuddy vpn add "$work/files/login.ovpn"
	ok "who is wanted must be told" complains '^cuddy: error\[C739\]: the server wants a user and a password$'
	ok "or nothing is kept" not is_kept login.ovpn
	cuddy vpn add --credentials "$work/files/login" "$work/files/login.ovpn"
	ok "told by a file" is_kept login.ovpn
	printf 'me\nfrom a pipe\n' | "$tree/build/cuddy" vpn add -f --credentials /dev/stdin "$work/files/login.ovpn" \
		>"$work/out" 2>"$work/err"
	ok "or by a pipe" grep -qx 'from a pipe' "$HOME/$store/login.ovpn"
	printf 'me\n' >"$work/files/half"
	cuddy vpn add -f --credentials "$work/files/half" "$work/files/login.ovpn"
	ok "half of it is not enough" complains "has no line 2"
	cuddy vpn list
	same "all are listed" "by-name login work" "$(sed 1d "$work/out" | cut -d' ' -f1 | xargs)"
	ok "with kind and server" says '^by-name  *wireguard  yours  *192.0.2.1$'
	if have python3; then
		cuddy vpn list --json
		ok "as JSON" is_json
		cuddy vpn show --json login
		ok "one as JSON" is_json
		ok "with its login, but not which" grep -q '"has-login": true' "$work/out"
	else
		skip "JSON"
	fi
	for name in by-name login work; do
		cuddy vpn show "$name"
		cp "$work/out" "$work/shown"
		cuddy vpn show --json "$name"
		ok "show has no secrets: $name" not grep -qE 'YAnz5|UwcSP|from a pipe|TUlJ' "$work/shown" "$work/out"
	done
	cuddy vpn show "$work/files/home.conf"
	ok "a file can be looked at before" says '^server    192.0.2.1:51820 udp$'
	cuddy vpn show wrok
	ok "an unknown one" complains "there is no VPN configuration 'wrok'"
	ok "names those that there are" complains 'there are: by-name, login, work'
}

replacing() {
	cuddy vpn add --name work "$work/files/home.conf"
	ok "a name is taken once" complains 'C736'
	ok "and what it had stays" is_kept work.ovpn
	cuddy vpn add --force --name work "$work/files/home.conf"
	same "with --force the new one is there, the old one is not" "by-name.conf login.ovpn work.conf" "$(kept)"
	cuddy vpn rm work
	ok "rm asks" complains "not removed without asking"
	ok "and removes nothing without an answer" is_kept work.conf
	cuddy vpn rm --force work
	ok "rm --force does not ask" not is_kept work.conf
	cuddy vpn rm --force work
	ok "only once" is_status 125
}

# refused TEXT MESSAGE: as .ovpn, at its place.
refused() {
	printf 'client\nremote a.example\n%b' "$1" >"$work/files/bad.ovpn"
	cuddy vpn add "$work/files/bad.ovpn"
	ok "refused: $1" complains "^$work/files/bad.ovpn:$2"
	ok "and not kept" not is_kept bad.ovpn
}

refusing() {
	refused 'up /bin/sh\n' "3:1: error\[C724\]: 'up' would run programs on this computer"
	refused 'script-security 2\n' "3:1: error\[C724\]"
	refused 'setenv opt plugin x\n' "3:12: error\[C724\]: 'plugin'"
	refused 'chipher x\n' "3:1: error\[C723\]: unknown directive 'chipher'"
	ok "with the nearest spelling" complains "did you mean 'cipher'"
	refused 'ca /etc/ssl/certs/ca.pem\n' "3:4: error\[C728\]"
	refused 'ca ../../../../etc/passwd\n' "3:4: error\[C728\]"
	ln -s "$work/files/ca.crt" "$work/files/link.crt"
	refused 'ca link.crt\n' "3:4: error\[C728\]: the file 'link.crt' of 'ca' cannot be used: links are not followed"
	refused 'float \0x\n' "3:7: error\[C721\]: control character 0x00"
	refused 'float\rup id\n' "3:6: error\[C721\]"
	printf '[Interface]\nPostUp = id\n' >"$work/files/bad.conf"
	cuddy vpn add "$work/files/bad.conf"
	ok "a hook of wg-quick" complains "bad.conf:2:1: error\[C724\]: 'PostUp' would run programs"
	printf '[Interface]\nPrivateKey = YAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fB\n' >"$work/files/bad.conf"
	cuddy vpn add "$work/files/bad.conf"
	ok "a broken key" complains "bad.conf:2:14: error\[C725\]"
	ok "is not shown" not complains 'YAnz5'
	cuddy explain-code C724
	ok "its code is explained" is_status 0
}

files() {
	mkfifo "$work/files/fifo"
	timeout 10 "$tree/build/cuddy" vpn add "$work/files/fifo" >"$work/out" 2>"$work/err" </dev/null
	same "a pipe is no configuration, and nobody waits for it" 125 $?
	for bad in "$work/files" "$work/none" /dev/zero '' /; do
		cuddy vpn add --name bad "$bad"
		ok "no configuration: '$bad'" complains 'C720'
	done
	head -c 300000 /dev/zero >"$work/files/huge.ovpn"
	cuddy vpn add "$work/files/huge.ovpn"
	ok "too long" complains 'LIMIT_VPN_FILE'
	cp "$work/files/work.ovpn" "$work/files/world.ovpn"
	chmod 666 "$work/files/world.ovpn"
	cuddy vpn add "$work/files/world.ovpn"
	ok "what everybody may write to" complains "everybody may write to"
	{ printf '\357\273\277'; sed 's/$/\r/' "$work/files/work.ovpn"; } >"$work/files/windows.ovpn"
	cuddy vpn add "$work/files/windows.ovpn"
	ok "a mark of the byte order and the ends of lines of Windows" is_status 0
	ok "are not kept" not grep -q "$(printf '\r')" "$HOME/$store/windows.ovpn"
	cuddy vpn rm -f windows
	cp "$work/files/work.ovpn" "$work/files/a
b.ovpn"
	cuddy vpn add "$work/files/a
b.ovpn"
	ok "a file whose name is none" complains "'a\\\\x0ab' cannot be the name"
	for bad in '' . .. .x -x a/b ../x /tmp/x "$(printf '%065d' 0)"; do
		cuddy vpn add --name="$bad" "$work/files/work.ovpn"
		ok "a bad name is refused: '$bad'" complains 'C737'
		cuddy vpn rm --force -- "$bad"
		ok "nor removed: '$bad'" is_status 125
	done
	same "nothing was added by all that" "by-name.conf login.ovpn" "$(kept)"
	ok "nor above" not test -e "$HOME/.config/cuddy/x.ovpn"
}

directories() {
	mv "$HOME/$store" "$HOME/elsewhere"
	ln -s "$HOME/elsewhere" "$HOME/$store"
	cuddy vpn add "$work/files/work.ovpn"
	ok "a link in the place of the directory" complains 'C738'
	ok "is not followed" not test -e "$HOME/elsewhere/work.ovpn"
	rm "$HOME/$store"
	: >"$HOME/$store"
	cuddy vpn add "$work/files/work.ovpn"
	ok "a file there" complains 'C738'
	rm "$HOME/$store"
	mv "$HOME/elsewhere" "$HOME/$store"
	chmod 755 "$HOME/$store"
	: >"$HOME/$store/.work.ovpn.1.new"
	cuddy vpn add "$work/files/work.ovpn"
	same "an open directory is closed, leftovers of killed commands go" "700 by-name.conf login.ovpn work.ovpn" \
		"$(mode_of .) $(kept)"
	if [ "$(id -u)" != 0 ]; then
		chmod 500 "$HOME/$store"
		cuddy vpn add --force "$work/files/home.conf"
		ok "a directory that cannot be written" complains "cannot be written: Permission denied"
		chmod 700 "$HOME/$store"
	fi
}

# The disk is a tmpfs of our own, which ends with its namespace.
full_disk() {
	cat >"$work/full.sh" <<-EOF
		mount -t tmpfs -o size=64k,mode=700 tmpfs "$HOME/$store" || exit 77
		"$tree/build/cuddy" vpn add "$work/files/work.ovpn" || exit 1
		cp "$HOME/$store/work.ovpn" "$work/before"
		cat /dev/zero >"$HOME/$store/filler" 2>/dev/null
		"$tree/build/cuddy" vpn add --force "$work/files/work.ovpn"
		echo "\$?" >"$work/full"
		cmp "$HOME/$store/work.ovpn" "$work/before" && ls -A "$HOME/$store" >>"$work/full"
	EOF
	unshare -Urm sh "$work/full.sh" >"$work/out" 2>"$work/err" </dev/null
	same "a full disk: refused, what was there stays, and nothing else" "125 filler work.ovpn" "$(xargs <"$work/full")"
	ok "and said" complains 'No space left on device'
}

together() {
	cuddy vpn rm -f work
	for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
		kind=work.ovpn
		[ $((i % 2)) = 0 ] || kind=home.conf
		{ "$tree/build/cuddy" vpn add --name race "$work/files/$kind" >/dev/null 2>"$work/race.err.$i" </dev/null
		echo $? >"$work/race.$i"; } &
	done
	wait
	same "12 at once: one is added, the others are told" "1 11" \
		"$(cat "$work"/race.[0-9]* | grep -cx 0) $(cat "$work"/race.err.* | grep -c C736)"
	same "of one kind" 1 "$(kept | tr ' ' '\n' | grep -c '^race')"
	for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
		kind=work.ovpn
		[ $((i % 2)) = 0 ] || kind=home.conf
		"$tree/build/cuddy" vpn add --force --name race "$work/files/$kind" </dev/null >/dev/null 2>&1 &
	done
	wait
	same "with --force: one is left" 1 "$(kept | tr ' ' '\n' | grep -c '^race')"
	cuddy vpn show race
	ok "and whole" is_status 0
	cuddy vpn rm -f race
}

# reach ARGUMENT…: tries all that a program could do about the store, and says what it got.
reach() {
	cat >"$work/reach.sh" <<-'EOF'
		for path in "$1" "$1/login.ovpn" "$HOME/alias/login.ovpn" "/proc/self/root$1/login.ovpn"; do
			cat "$path" >/dev/null 2>&1 && echo "read $path"
		done
		ls "$1" 2>/dev/null | grep -v '^$'
		echo evil >"$1/evil.conf" && echo "wrote"
		rm -rf "$1" "${1%/*}"
		grep -rl 'from a pipe' "$HOME" 2>/dev/null
		cat "$HOME/other"
	EOF
	cuddy run "$@" --ro "$work/reach.sh" sh "$work/reach.sh" "$where"
}

unseen() {
	where=$HOME/$store
	ln -s "$where" "$HOME/alias"
	echo "the rest is seen" >"$HOME/other"
	cat >"$work/all-home.toml" <<-EOF
		include = ["command-line"]
		[filesystem]
		read-write = ["~/**", "$where/**"]
	EOF
	reach -p "$work/all-home.toml"
	same "no cage sees it" "the rest is seen" "$(xargs <"$work/out")"
	reach --rw "$where" --rw "$HOME"
	same "not even when it is named on the command line" "the rest is seen" "$(xargs <"$work/out")"
	mv "$HOME/.config/cuddy" "$HOME/dotfiles"
	ln -s "$HOME/dotfiles" "$HOME/.config/cuddy"
	reach -p "$work/all-home.toml"
	same "nor where ~/.config/cuddy is a link: by the link" "the rest is seen" "$(xargs <"$work/out")"
	where=$HOME/dotfiles/vpn
	reach -p "$work/all-home.toml"
	same "nor by what it leads to" "the rest is seen" "$(xargs <"$work/out")"
	rm "$HOME/.config/cuddy"
	mv "$HOME/dotfiles" "$HOME/.config/cuddy"
	same "and all is as it was" "by-name.conf login.ovpn" "$(kept)"
	where=$HOME/$store
	"$tree/build/cuddy" run -p "$work/all-home.toml" -n granted sleep 1000 >/dev/null 2>&1 </dev/null &
	until_true 20 sh -c "'$tree/build/cuddy' ps | grep -q '^granted '"
	cuddy grant granted "$where/login.ovpn"
	ok "nor can it be granted" is_status 125
	cuddy stop --timeout 1 granted
}

# The clients' own readers take what is kept.
clients() {
	PATH=$PATH:/usr/sbin:/sbin
	if have openvpn && have openssl; then
		openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=x \
			-keyout "$work/files/real.key" -out "$work/files/real.crt" 2>/dev/null
		printf '%s\n' client 'remote 127.0.0.1 9' 'ca real.crt' 'cert real.crt' 'key real.key' 'data-ciphers AES-256-GCM' \
			'connect-retry 1 1' 'connect-retry-max 1' 'connect-timeout 1' \
			"verify-x509-name 'C=DE, CN=\"a b\"' subject" >"$work/files/real.ovpn"
		cuddy vpn add "$work/files/real.ovpn"
		timeout 30 openvpn --dev null --config "$HOME/$store/real.ovpn" >"$work/out" 2>&1
		ok "OpenVPN reads it, and tries to connect" says 'connect-retry-max (1) times unsuccessful'
		cuddy vpn rm -f real
	else
		skip "OpenVPN"
	fi
	if have wg-quick; then
		cuddy vpn add "$work/files/home.conf"
		unshare -Ur wg-quick strip "$HOME/$store/home.conf" >"$work/out" 2>"$work/err"
		ok "wg-quick reads it" says '^Endpoint = 192.0.2.1:51820$'
		cuddy vpn rm -f home
	else
		skip "wg-quick"
	fi
}

asking() {
	have python3 || { skip "a terminal"; return; }
	cat >"$work/ask.py" <<-'EOF'
		import os, pty, sys, time
		answers = [a.encode() for a in sys.argv[1].split(",")]
		pid, fd = pty.fork()
		if pid == 0:
		    os.execv(sys.argv[2], sys.argv[2:])
		seen, left = b"", list(answers)
		while True:
		    try:
		        data = os.read(fd, 1024)
		    except OSError:
		        break
		    if not data:
		        break
		    seen += data
		    if left and seen.endswith((b": ", b"] ")):
		        answer = left.pop(0)
		        time.sleep(0.1)
		        os.write(fd, b"\x03" if answer == b"^C" else answer + b"\n")
		status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
		sys.stdout.buffer.write(seen.replace(b"\r", b""))
		print("status", status)
	EOF
	python3 "$work/ask.py" 'someone,hidden word' "$tree/build/cuddy" vpn add --name asked "$work/files/login.ovpn" >"$work/out" 2>"$work/err"
	ok "on a terminal user and password are asked for" grep -qx 'hidden word' "$HOME/$store/asked.ovpn"
	ok "the user is shown" says 'user: someone'
	ok "the password is not" not says hidden
	python3 "$work/ask.py" 'someone,^C' "$tree/build/cuddy" vpn add -f --name asked "$work/files/login.ovpn" >"$work/out" 2>"$work/err"
	ok "Ctrl-C ends the question" says '^status 125$'
	printf '\060\202\000\377' >"$work/files/b.p12"
	printf '%s\n' client 'remote a.example' 'pkcs12 b.p12' >"$work/files/bundle.ovpn"
	python3 "$work/ask.py" 'its word' "$tree/build/cuddy" vpn add "$work/files/bundle.ovpn" >"$work/out" 2>"$work/err"
	ok "a bundle may have a password" grep -qx 'its word' "$HOME/$store/bundle.ovpn"
	python3 "$work/ask.py" '' "$tree/build/cuddy" vpn add -f "$work/files/bundle.ovpn" >"$work/out" 2>"$work/err"
	ok "or none" not grep -q askpass "$HOME/$store/bundle.ovpn"
	cuddy vpn add -f "$work/files/bundle.ovpn"
	ok "and is kept without a terminal" is_status 0
	cuddy vpn rm -f bundle
	python3 "$work/ask.py" n "$tree/build/cuddy" vpn rm asked >"$work/out" 2>"$work/err"
	ok "rm asks, and heeds a no" is_kept asked.ovpn
	python3 "$work/ask.py" y "$tree/build/cuddy" vpn rm asked >"$work/out" 2>"$work/err"
	ok "and a yes" not is_kept asked.ovpn
}

suite() {
	write_files
	adding
	replacing
	refusing
	files
	directories
	full_disk
	together
	unseen
	clients
	asking
}

. "$(dirname "$0")/both.lib"
