#!/bin/sh
# tests/integration/bwrap.sh - bubblewrap's command line: many calls by the real program and by ours, with
# the same result (bwrap.cases); what is newer than the installed one; what must never happen.
suite_files="tests/integration/bwrap.cases"
peer=/usr/bin/bwrap

# Both run in directories of their own, so that what one leaves does not help the other.
by() { # NAME PROGRAM LINE
	rm -rf "$work/by.$1"
	mkdir "$work/by.$1"
	(cd "$work/by.$1" && unset OLDPWD && bwrap=$2 && eval "$3") >"$work/$1.out" 2>"$work/$1.err" </dev/null
	echo "status $?" >>"$work/$1.out"
	sed -i "s|by\\.$1|here|g" "$work/$1.out" "$work/$1.err"
}

differential() {
	if [ ! -x "$peer" ]; then
		skip "bubblewrap is not installed"
		return
	fi
	while read -r kind line; do
		case $kind in '=' | '~') ;; *) continue ;; esac
		by peer "$peer" "$line"
		by ours "$ours" "$line"
		[ "$kind" = '=' ] || : >"$work/peer.err" >"$work/ours.err"
		same "as bubblewrap: $line" "$(cat "$work/peer.out" "$work/peer.err")" "$(cat "$work/ours.out" "$work/ours.err")"
	done <"$tree/tests/integration/bwrap.cases"
}

# ours WORD…: leaves $work/out, $work/err and $status.
bwrap() {
	"$ours" "$@" >"$work/out" 2>"$work/err" </dev/null
	status=$?
}

newer() {
	"$tree/build/cuddy" bwrap --ro-bind / / echo by command >"$work/out" 2>"$work/err"
	ok "cuddy bwrap is the same program" says '^by command$'
	bwrap --version
	ok "it says which bubblewrap it is like" says '^bubblewrap 0\.11'
	bwrap --ro-bind / / --argv0 other sh -c 'echo $0; tr "\0" " " </proc/$$/cmdline'
	ok "--argv0" says '^other -c'
	bwrap --level-prefix --foo
	ok "--level-prefix" complains '^<3>bwrap: Unknown option --foo$'
	mkdir -p low1 low2 up wrk
	echo one >low1/a; echo two >low2/a; echo deep >low1/b
	bwrap --ro-bind / / --overlay-src low1 --overlay-src low2 --tmp-overlay /mnt \
		sh -c 'cat /mnt/a /mnt/b; echo new >/mnt/c && cat /mnt/c'
	same "--tmp-overlay: the last layer is on top, writes vanish" "two deep new " "$(tr '\n' ' ' <"$work/out")"
	ok "nothing came out of it" not test -e low2/c
	bwrap --ro-bind / / --overlay-src low1 --overlay-src low2 --ro-overlay /mnt sh -c 'cat /mnt/a; echo x >/mnt/a'
	ok "--ro-overlay shows" says '^two$'
	ok "--ro-overlay is read-only" complains 'Read-only'
	bwrap --ro-bind / / --overlay-src low1 --overlay up wrk /mnt sh -c 'echo mine >/mnt/d; rm /mnt/b'
	ok "--overlay keeps what is written" grep -q mine up/d
	ok "--overlay leaves the layer alone" grep -q deep low1/b
	bwrap --overlay-src low1 --ro-bind / / true
	ok "--overlay-src alone is refused" complains 'must be followed by another --overlay-src'
	bwrap --overlay-src low1 --ro-overlay /mnt true
	ok "--ro-overlay wants two" complains 'requires at least two'
	bwrap --ro-bind / / --tmpfs /mnt --symlink x /mnt/l --symlink x /mnt/l readlink /mnt/l
	ok "the same --symlink twice is no error" says '^x$'
	bwrap --ro-bind / / --tmpfs /mnt --symlink x /mnt/l --symlink y /mnt/l true
	ok "another one is" complains "Can't make symlink at /mnt/l"
	"$ours" --ro-bind / / --ro-bind-fd 7 /mnt sh -c 'cat /mnt/a; echo x >/mnt/a' 7<low1 >"$work/out" 2>"$work/err"
	ok "--ro-bind-fd shows" says '^one$'
	ok "--ro-bind-fd is read-only" complains 'Read-only'
	"$ours" --ro-bind / / --bind-fd 7 /mnt sh -c 'ls /proc/self/fd | tr "\n" " "' 7<low1 >"$work/out" 2>"$work/err"
	ok "and its descriptor is not the program's" not says 7
}

# What a program inside once wrote must not lead us anywhere when it is started again.
hostile() {
	mkdir -p data victim
	ln -sfn "$HOME/project/victim" data/absolute
	ln -sfn ../victim data/up
	ln -sfn ../../../../../../../../../../../../"$HOME/project/victim" data/far
	ln -sfn /proc/self/cwd data/magic
	ln -sfn loop data/loop
	system="--ro-bind /usr /usr --symlink usr/lib /lib --symlink usr/lib64 /lib64 --symlink usr/bin /bin"
	for link in absolute up far magic loop; do
		for kind in --tmpfs --dir --proc --mqueue "--ro-bind /etc/hosts" "--bind $HOME/project/data" "--symlink text" "--ro-bind-data 8" \
			"--file 8"; do
			"$ours" --unshare-all $system --bind data /data $kind "/data/$link/made" true 8</etc/hosts >"$work/out" 2>"$work/err"
			ok "through a link '$link', $kind makes nothing outside" [ -z "$(ls -A victim)" ]
		done
		"$ours" $system --bind data /data --chmod 0000 "/data/$link" true >"$work/out" 2>"$work/err"
		same "nor does --chmod: $link" "$(stat -c %a victim)" 755
	done
	rm -rf victim/* data
	mkdir data
	ln -s /oldroot"$HOME/project/victim" data/old
	ln -s ../oldroot"$HOME/project/victim" data/old2
	for link in old old2; do
		"$ours" $system --bind data /data --dir "/data/$link/made" true >"$work/out" 2>"$work/err"
		ok "there is no /oldroot: $link" [ -z "$(ls -A victim)" ]
	done
	bwrap $system --bind data /data --dir /data/old3 --tmpfs /data/../../../x sh -c 'ls -d /x'
	ok "'..' stays inside" says '^/x$'
	# The whole host is below a root that is taken away, or only covered, by who may do something about it.
	for caps in "" "--cap-add ALL --uid 0 --gid 0"; do
		bwrap --unshare-all $caps $system --proc /proc --dir /x sh -c '
			unshare -Urm sh -c "umount -l /; umount -l /; cd /; ls -d etc home root; chroot /proc/1/root ls -d /etc"
			umount -l / 2>/dev/null; umount / 2>/dev/null; cd /; cd ../../..; ls -d etc home root srv
			chroot /x/../.. ls -d /home; nsenter -t 1 -m ls -d /home /srv; cat /proc/1/environ | tr "\0" "\n" | grep HOME=
			ls -d /proc/1/root/home /proc/1/cwd/home'
		ok "nothing of the host shows${caps:+ with capabilities}" not says .
	done
	bwrap --unshare-all --ro-bind / / sh -c 'grep NoNewPrivs:.1 /proc/self/status'
	ok "no new privileges" says NoNew
}

descriptors() {
	"$ours" --unshare-all --ro-bind / / --info-fd 7 sh -c 'sleep 0.1' 7>info
	ok "--info-fd is JSON" grep -q '^    "child-pid": [0-9]*,$' info
	"$ours" --unshare-all --ro-bind / / --json-status-fd 7 sh -c 'exit 3' 7>info
	ok "--json-status-fd tells the exit" grep -q '^{ "exit-code": 3 }$' info
	mkfifo go
	rm -f info
	"$ours" --unshare-user --ro-bind / / --userns-block-fd 8 --info-fd 7 sh -c 'cat /proc/self/uid_map' \
		7>info 8<>go >"$work/out" 2>"$work/err" &
	pid=$!
	until_true 20 grep -q child-pid info
	child=$(sed -n 's/.*"child-pid": \([0-9]*\).*/\1/p' info)
	echo "$(id -u) $(id -u) 1" >"/proc/$child/uid_map"
	echo x >go
	wait $pid
	ok "--userns-block-fd: somebody else maps the ids" grep -q "$(id -u) *$(id -u) *1" "$work/out"
	rm -f info
	"$ours" --bind / / --info-fd 7 --block-fd 8 sh -c 'echo went >went' 7>info 8<>go 2>"$work/err" &
	pid=$!
	until_true 20 grep -q '}' info
	ok "--block-fd holds it back" not test -e went
	echo x >go
	wait $pid
	ok "and lets it go" test -e went
	unshare -Ur sleep 100 & holder=$!
	until_true 20 different_userns $holder
	if exec 7<"/proc/$holder/ns/user"; then
		"$ours" --userns 7 --ro-bind / / readlink /proc/self/ns/user >"$work/out" 2>"$work/err"
		same "--userns enters it" "$(readlink "/proc/$holder/ns/user")" "$(cat "$work/out")"
		exec 7<&-
	fi
	kill $holder
	wait $holder 2>/dev/null
	printf 'not a multiple' >filter
	"$ours" --ro-bind / / --seccomp 7 true 7<filter >"$work/out" 2>"$work/err"
	ok "a broken filter is refused" complains 'Invalid seccomp data, must be multiple of 8'
	# BPF_RET of SECCOMP_RET_ALLOW, little-endian.
	printf '\006\000\000\000\000\000\377\177' >filter
	"$ours" --ro-bind / / --seccomp 7 grep Seccomp: /proc/self/status 7<filter >"$work/out" 2>"$work/err"
	ok "--seccomp loads a filter" says '2$'
	"$ours" --unshare-pid --ro-bind / / --proc /proc --add-seccomp-fd 7 --add-seccomp-fd 8 \
		sh -c 'grep -h Seccomp_filters /proc/self/status /proc/1/status | tr -d "\n"' 7<filter 8<filter >"$work/out" 2>"$work/err"
	ok "--add-seccomp-fd loads each, and before for pid 1" says '2.*2$'
	for try in 1 2 3 4 5 6 7 8 9 10; do
		"$ours" --unshare-pid --ro-bind / / --proc /proc --seccomp 7 grep Seccomp: /proc/1/status 7<filter
	done >"$work/out" 2>"$work/err"
	same "each time" 10 "$(grep -c '2$' "$work/out")"
}
different_userns() { [ "$(readlink "/proc/$1/ns/user")" != "$(readlink /proc/self/ns/user)" ]; }

lives() {
	mkfifo alive
	"$ours" --unshare-pid --die-with-parent --ro-bind / / sh -c 'echo up; sleep 1000' >alive &
	exec 6<alive
	read -r line <&6
	kill -9 $!
	ok "--die-with-parent: nobody holds the pipe" timeout 20 cat <&6
	exec 6<&-
	sh -c "\"$ours\" --unshare-pid --ro-bind / / sh -c 'kill -INT \$\$; sleep 1'"
	same "a signal is 128 more" 130 $?
	i=0
	while [ $i -lt 300 ]; do printf '%s\0' --tmpfs "/t$i"; i=$((i + 1)); done >many
	"$ours" --args 7 --ro-bind /usr /usr --symlink usr/lib /lib --symlink usr/lib64 /lib64 --proc /proc \
		/usr/bin/grep -c ' /t[0-9]' /proc/self/mountinfo 7<many >"$work/out" 2>"$work/err"
	ok "300 mounts" says '^300$'
	(ulimit -n 64; "$ours" --args 7 --ro-bind /usr /usr --symlink usr/lib /lib --symlink usr/lib64 /lib64 /usr/bin/true 7<many) 2>"$work/err"
	same "and with few descriptors" 0 $?
}

suite() {
	ours=$work/bwrap
	ln -s "$tree/build/cuddy" "$ours"
	differential
	newer
	hostile
	descriptors
	lives
}

. "$(dirname "$0")/both.lib"
