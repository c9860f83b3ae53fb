#!/bin/sh
# fuse.sh - the fuse-overlayfs behind a copy-on-write directory: what it may do, and that it ends with its cage.
# What it keeps apart is tested by overlay.sh.  TAP; as both.lib does.

data=.local/share/cuddy/cages

runs()    { "$tree/build/cuddy" ps 2>/dev/null | grep -q "^$1 "; }
is_gone() { not runs "$1"; }
# The process that serves the project of this test, whoever its parent is.
helper() {
	for pid in $(pgrep -u "$(id -u)" -x fuse-overlayfs); do
		grep -qs "$HOME/$data/$cage/overlay" "/proc/$pid/mountinfo" && echo "$pid"
	done
}
served()   { [ -n "$(helper)" ]; }
unserved() { [ -z "$(helper)" ]; }

# begin NAME: a cage with a project, as if the kernel had refused; it runs until it is stopped.
begin() {
	cage=$1
	mkdir -p "$HOME/project/dir"
	echo original >"$HOME/project/file"
	cuddy run -p "$work/cow.toml" -n "$cage" true
	for one in "$HOME/$data/$cage"/overlay/*; do
		mkdir -m 700 "$one/fuse" && mv "$one/upper" "$one/work" "$one/fuse/"
	done
	start_again
}
start_again() {
	"$tree/build/cuddy" run -p "$work/cow.toml" -n "$cage" sleep 1000 >"$work/held" 2>"$work/held.err" </dev/null &
	launcher=$!
	until_true 20 runs "$cage"
}

confined() {
	begin confined
	ok "one process serves it" served
	pid=$(helper)
	same "with the capabilities over files, and none to come" \
		"CapPrm:1f CapEff:1f CapBnd:1f NoNewPrivs:1 Seccomp:2" "$(sed -n 's/^\(CapPrm\|CapEff\|CapBnd\):\t0*/\1:/p; s/^\(NoNewPrivs\|Seccomp\):\t/\1:/p' "/proc/$pid/status" | xargs)"
	cuddy ps --json
	init=$(sed -n 's/.*"pid": \([0-9]*\).*/\1/p' "$work/out" | head -n 1)
	for space in mnt pid net ipc uts user; do
		own=$(readlink /proc/self/ns/$space) its=$(readlink "/proc/$pid/ns/$space")
		ok "not in the host's namespace: $space" test -n "$its" -a "$own" != "$its"
		[ $space = user ] || ok "nor in the cage's: $space" test "$(readlink "/proc/$init/ns/$space")" != "$its"
	done
	same "its root has what it needs" "bin data lib lib64 lower proc usr" \
		"$(ls "/proc/$pid/root" 2>/dev/null | xargs)"
	same "its descriptors are its own" "" "$(ls -l "/proc/$pid/fd" | sed -n 's/.* -> //p' |
		grep -v -e '^pipe:' -e '^/dev/null$' -e '^/dev/fuse$' -e '^/data' -e '^/lower' -e '^/$')"
	same "it was told nothing of the caller" "" "$(tr '\0' '\n' <"/proc/$pid/environ")"
	cuddy exec confined -- sh -c 'ls /proc | grep -c "^[0-9]"; cat /proc/[0-9]*/comm'
	ok "it is not seen from inside" not says fuse-overlayfs
}

two_programs() {
	[ "$("$tree/build/cuddy" exec "$cage" -- sh -c 'cat /proc/[0-9]*/cmdline | tr "\0" "\n" | grep -c "^100[01]$"')" = 2 ]
}

shared() {
	cuddy exec "$cage" -- sh -c 'echo changed >"$HOME/project/file"; cat "$HOME/project/file"'
	ok "who enters is served too" says '^changed$'
	"$tree/build/cuddy" run -p "$work/cow.toml" -n "$cage" sleep 1001 >/dev/null 2>&1 </dev/null &
	second=$!
	until_true 20 two_programs
	cuddy exec "$cage" -- sh -c 'for each in /proc/[0-9]*; do
		[ "$(tr "\0" " " <$each/cmdline)" = "sleep 1000 " ] && kill ${each#/proc/}; done'
	wait $launcher
	cuddy exec "$cage" -- cat "$HOME/project/file"
	ok "and is when the first has gone" says '^changed$'
	cuddy stop "$cage"
	wait $second
	ok "it ends with the cage" until_true 20 unserved
	same "the host's file is as it was" original "$(cat "$HOME/project/file")"
	cuddy changes "$cage"
	ok "what was changed is kept" says "^M $HOME/project/file$"
}

# Whoever is killed takes all with him, and the next start finds what was written.
killed() {
	for whom in launcher init; do
		start_again
		cuddy exec "$cage" -- sh -c "echo $whom >\$HOME/project/by-$whom"
		case $whom in
		launcher) kill -KILL $launcher ;;
		init) kill -KILL "$("$tree/build/cuddy" ps --json | sed -n 's/.*"pid": \([0-9]*\).*/\1/p' | head -n 1)" ;;
		esac
		wait $launcher 2>/dev/null
		cuddy changes "$cage"
		ok "after SIGKILL of the $whom what was written is listed at once" says "^A $HOME/project/by-$whom$"
		ok "nobody serves it" until_true 20 unserved
	done
	start_again
	kill -KILL "$(helper)"
	cuddy exec "$cage" -- cat "$HOME/project/file"
	ok "when the server is killed the directory is out of reach" not says changed
	cuddy exec "$cage" -- echo alive
	ok "the cage lives" says alive
	cuddy stop "$cage"
	wait $launcher
	ok "who started it is told" grep -q C412 "$work/held.err"
	cuddy run -p "$work/cow.toml" -n "$cage" cat "$HOME/project/file"
	ok "the next start is served again" says '^changed$'
	ok "and its end is clean" unserved
}

# What the program makes of the marks, it makes for itself only.
marks() {
	mkdir -p "$HOME/project/kept"
	echo kept >"$HOME/project/kept/file"
	cuddy run -p "$work/cow.toml" -n "$cage" bash -c 'cd ~/project; echo x >.wh.kept; mkdir .wh.dir .wh..wh..opq
		ln -s .. .wh..opq; echo x >.wh..wh..x; setfattr -n user.fuseoverlayfs.opaque -v y kept; mknod kept/dev c 0 0
		setfattr -n user.fuseoverlayfs.origin -v ../../../../../etc/passwd file; cat file'
	ok "the program goes on" says '^changed$'
	cuddy changes "$cage"
	ok "and changes too" is_status 0
	before=$(ls -A "$HOME")
	cuddy commit "$cage"
	same "what is committed lies below the project" "$before" "$(ls -A "$HOME")"
	ok "the change as well" grep -q changed "$HOME/project/file"
	cuddy rm --force "$cage"
	ok "the cage can be removed" test "$status" = 0 -a ! -e "$HOME/$data/$cage"
}

# A deny is a mount over what FUSE shows, and goes if FUSE denies the name: no call from inside brings it to that.
denies() {
	mkdir -p "$HOME/denied/dir/secret" "$HOME/denied/dir/sub"
	echo KEY | tee "$HOME/denied/dir/secret/key" >"$HOME/denied/dir/file"
	printf 'include = ["command-line"]\n[filesystem]\ncopy-on-write = ["~/denied"]
		deny = ["~/denied/dir/secret/**", "~/denied/dir/file"]\n' >"$work/denied.toml"
	cat >"$work/denied.py" <<-'EOF'
		import ctypes, os
		os.chdir(os.environ["HOME"] + "/denied")
		libc = ctypes.CDLL(None)
		def tried(call, *arguments):
		    try:
		        return call(*arguments)
		    except OSError:
		        return None
		for i in range(3):
		    for name in ("dir/secret", "dir/file"):
		        for call in (os.mkdir, os.mkfifo, os.unlink, os.rmdir, lambda n: os.open(n, os.O_CREAT | os.O_EXCL | os.O_RDWR),
		                     lambda n: os.rename(n, "x"), lambda n: os.rename("new", n), lambda n: os.link("/etc/passwd", n),
		                     lambda n: os.link(n, "y"), lambda n: os.symlink("a", n), lambda n: os.truncate(n, 0)):
		            open("new", "w").write("n")
		            tried(call, name)
		        libc.renameat2(-100, b"new", -100, name.encode(), 2)
		    for old, new in (("dir", "dir2"), ("dir/sub", "sub"), ("new", f"dir/new{i}"), (f"dir/new{i}", f"dir/old{i}")):
		        tried(os.rename, old, new)
		    libc.renameat2(-100, b"dir", -100, b"dir/sub", 2)
		    os.chmod("dir", 0o700)
		    os.listdir("dir")
		    print([tried(lambda: open(n).read()) for n in ("dir/file", "dir/secret/key", "dir2/file", "dir2/secret/key")])
	EOF
	cage=denied
	cuddy run -p "$work/denied.toml" -n denied true
	for one in "$HOME/$data/denied"/overlay/*; do
		mkdir -m 700 "$one/fuse" && mv "$one/upper" "$one/work" "$one/fuse/"
	done
	cuddy run -p "$work/denied.toml" -n denied --ro "$work/denied.py" python3 "$work/denied.py"
	same "a deny holds whatever is done to its name" 3 "$(grep -c '^\[None, None, None, None\]$' "$work/out")"
	same "the host's are as they were" "KEY KEY" "$(cat "$HOME/denied/dir/file" "$HOME/denied/dir/secret/key" | xargs)"
}

# Without the device a cage that was begun with it is not started.
without() {
	[ "$(id -u)" = 0 ] || return
	begin lost
	cuddy stop lost
	wait $launcher
	mkdir -p "$HOME/project/mounted"
	unshare -m sh -c 'mount -t tmpfs none project/mounted; exec "$@"' - "$tree/build/cuddy" run -p "$work/cow.toml" -n mounted true \
		>"$work/out" 2>"$work/err" </dev/null
	status=$?
	ok "a mount in the directory is served by neither, and refused" complains C409
	unshare -m sh -c 'mount --bind /dev/null /dev/fuse; exec "$@"' - "$tree/build/cuddy" run -p "$work/cow.toml" -n lost echo it ran \
		>"$work/out" 2>"$work/err" </dev/null
	status=$?
	ok "without the device: refused" is_status 125
	ok "without the device: nothing ran" not says 'it ran'
	ok "without the device: said" complains 'keep changes apart'
}

suite() {
	if ! have fuse-overlayfs || [ ! -w /dev/fuse ]; then
		skip "fuse-overlayfs"
		return
	fi
	printf 'include = ["command-line"]\n[filesystem]\ncopy-on-write = ["~/project"]\n' >"$work/cow.toml"
	cd "$HOME" || return
	confined
	shared
	killed
	marks
	denies
	without
}

[ "$(id -u)" != 0 ] || [ ! -c /dev/fuse ] || chmod 666 /dev/fuse # as distributions have it
. "$(dirname "$0")/both.lib"
