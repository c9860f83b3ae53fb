#!/bin/sh
# tests/integration/hostile.sh - what a program leaves behind for the next start, and what surrounds a start.

data=.local/share/cuddy/cages

write_profiles() {
	cat >"$work/home-only.toml" <<-'EOF'
		[filesystem]
		flags = ["own-home", "system", "tmp"]
		[runtime]
		flags = ["ordinary"]
	EOF
}

# The working directory lies in the cage's home, where the program can put a link in its place.
working_directory() {
	mkdir -p "$HOME/sub"
	cd "$HOME" || return
	cuddy run -p "$work/home-only.toml" -n cwd bash -c 'cd; rm -rf sub; ln -s /proc/self/fd/9 sub'
	ok "a cage leaves a link where it will be started" is_status 0
	cd "$HOME/sub" || return
	sed '/^\[filesystem\]/a working-directory = "~/sub"' "$work/home-only.toml" >"$work/cwd.toml"
	reached=
	for fd in $(seq 3 40); do
		ln -sfn "/proc/self/fd/$fd" "$HOME/$data/cwd/home/sub"
		cuddy run -p "$work/cwd.toml" -n cwd bash -c 'ls -a . ..' 9<"$HOME"
		is_status 125 || reached="$reached $fd"
	done
	same "no descriptor of the start is reached through it" "" "$reached"
	for target in /proc/self/root /proc/1/root /proc/self/cwd; do
		ln -sfn "$target" "$HOME/$data/cwd/home/sub"
		cuddy run -p "$work/cwd.toml" -n cwd true
		ok "nor a directory: $target" is_status 125
	done
	ln -sfn .config "$HOME/$data/cwd/home/sub"
	cuddy run -p "$work/cwd.toml" -n cwd bash -c 'pwd -P'
	ok "an ordinary link is a directory of the cage" says "^$HOME/.config\$"
	cd "$HOME/project" || return
	cuddy rm --force cwd
}

# What is given as a standard stream, or shown as a device, keeps its node.
device_nodes() {
	cat >"$work/home/nodes.py" <<-'EOF'
		import os
		for node in ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"):
		    for change in (lambda: os.chmod(node, 0o666), lambda: os.utime(node, (1, 1))):
		        try:
		            change()
		            print("changed", node)
		        except OSError:
		            pass
		    with open(node, "r+b", buffering=0) as device:
		        device.read(1)
		for stream in (0, 1, 2):
		    if os.readlink("/proc/self/fd/%d" % stream).startswith("/dev/"):
		        try:
		            os.fchmod(stream, 0o666)
		            print("changed stream", stream)
		        except OSError:
		            pass
		open("/dev/null", "w").write("x")
		print("end")
	EOF
	have python3 || { skip "device nodes"; return; }
	cd "$HOME" || return
	cuddy run -p "$work/home-only.toml" --ro "$work/home/nodes.py" python3 "$work/home/nodes.py"
	same "devices can be used, their nodes cannot be changed" end "$(cat "$work/out" "$work/err")"
	"$tree/build/cuddy" run -p "$work/home-only.toml" --ro "$work/home/nodes.py" \
		sh -c 'python3 "$1" >/tmp/said 2>&1 </dev/stdin; cat /tmp/said >&2' sh "$work/home/nodes.py" \
		<&- >&- 2>"$work/err"
	same "nor by a stream that was closed outside" end "$(cat "$work/err")"
	cd "$HOME/project" || return
}

# More files than a pattern may stand for, in a directory that is denied as a whole.
large_project() {
	mkdir -p big/.git/objects big/hooks big/src
	(cd big/.git/objects && seq 6000 | xargs touch)
	ln -s ../hooks big/.git/hooks
	echo original | tee big/.git/objects/1 >big/hooks/hook
	cd big || return
	cuddy run -p command-line sh -c 'echo made >src/made && cat src/made; echo x >.git/objects/1; echo x >hooks/hook'
	ok "a project with thousands of objects can be worked in" says '^made$'
	same "they are as safe as few, and so is what a link among them leads to" "original original" \
		"$(cat .git/objects/1 hooks/hook | xargs)"
	cd ..
}

# The socket of a cage hands out its namespaces, and ends it: nobody inside may reach one, not even where
# running cages are found in a directory that the profile shows.
own_socket() {
	have python3 || { skip "the socket of the cage"; return; }
	cat >"$work/home/reach.py" <<-'EOF'
		import glob, os, socket
		for path in glob.glob("/tmp/cuddy-%d/reach*/socket" % os.getuid()):
		    try:
		        socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET).connect(path)
		        print("reached")
		    except OSError:
		        pass
		print("end")
	EOF
	(
		unset XDG_RUNTIME_DIR
		cuddy run -p command-line -n "reach.$$" --rw /tmp --ro "$work/home/reach.py" python3 "$work/home/reach.py"
		same "the socket of a cage is not reached from inside" end "$(cat "$work/out" "$work/err")"
	)
	count=$((count + 1))
}

# A deny with a wildcard holds for what was there; what comes later is told.
late_names() {
	mkdir -p late && cd late || return
	cuddy run -p command-line mkdir -p .git/hooks
	ok "a repository that the program made is told" complains 'C610.*late/.git'
	ok "with the line of the deny" complains 'filesystem.toml'
	cuddy run -p command-line sh -c 'echo x >>file; ! mkdir .git/hooks/x 2>/dev/null'
	ok "one that was there is not" is_quiet
	rm -rf .git
	mkdir real && ln -s real .git
	cuddy run -p command-line sh -c 'ls -a'
	ok "nor one behind a link" is_quiet
	rm -rf .git
	cuddy run -p command-line true
	ok "nor what is not there" is_quiet
	cd ..
}

# A mask goes with the file that it hides: who replaces that outside is told.
replaced_files() {
	mkdir -p replaced && cd replaced || return
	echo old >.env
	printf 'include = ["command-line"]\n[filesystem]\ndeny = ["%s/.env"]\n' "$PWD" >../replaced.toml
	(
		while [ ! -e ready ]; do sleep 0.1; done
		echo new >.env.new && mv .env.new .env
		: >go
	) &
	cuddy run -p ../replaced.toml sh -c ': >ready; while [ ! -e go ]; do sleep 0.1; done'
	wait $!
	ok "a denied file that was replaced is told, with the line" complains 'replaced.toml:3:9: warning.C615.*replaced/.env'
	cuddy run -p ../replaced.toml sh -c 'cat .env'
	ok "the next start hides the new one" complains 'Permission denied'
	ok "and tells nothing" not complains C615
	cd ..
}

# Repositories in folders of a project: their hooks and settings are run outside, a submodule's by a mere status.
nested_repositories() {
	mkdir -p nested/module nested/plain/src && cd nested || return
	for folder in . "odd * name" library; do
		mkdir -p "$folder/.git/hooks"
		echo original | tee "$folder/.git/config" >"$folder/.git/hooks/pre-commit"
	done
	echo 'gitdir: ../.git/modules/module' >module/.git
	cat >"$work/home/nested.sh" <<-'EOF'
		for folder in library "odd * name" module; do
			for change in 'echo x >>.git' 'echo x >.git/config' 'echo x >.git/hooks/post-merge' 'rm -rf .git' \
				'mv .git old' 'mkdir new; mv -T new .git' 'ln -sfn /tmp .git' 'chmod 777 .git'; do
				(cd "$folder" && eval "$change") 2>/dev/null && echo "$folder: $change"
			done
			mv "$folder" moved 2>/dev/null && echo "moved $folder"
			echo >"$folder/file" || echo "$folder cannot be worked in"
		done
		echo end
	EOF
	for profile in command-line project; do
		cuddy run -p "$profile" sh -c "$(cat "$work/home/nested.sh")"
		same "$profile: a repository inside of a project stays, its folder can be worked in" end "$(cat "$work/out")"
		same "$profile: as seen from outside" "original original gitdir: ../.git/modules/module" \
			"$(xargs <library/.git/config) $(xargs <library/.git/hooks/pre-commit) $(cat module/.git)"
	done
	cuddy why command-line "write $PWD/library/.git/config"
	ok "why says so" says '^deny: .*what no cage may change'
	cuddy why command-line "write $PWD/library/file"
	ok "and allows the rest" says '^allow: '
	cd ..
}

# What stands at the place of running cages is believed only as far as it answers.
odd_runtime() {
	place=$XDG_RUNTIME_DIR/cuddy
	for make in 'touch cuddy' 'ln -s /tmp cuddy' 'mkdir -m 777 cuddy' 'mkdir -m 700 cuddy; ln -s /tmp cuddy/odd' \
		'mkdir -m 700 cuddy; mkdir -m 755 cuddy/odd'; do
		rm -rf "$place"
		(cd "$XDG_RUNTIME_DIR" && eval "$make")
		cuddy run -p command-line -n odd true
		ok "no start where others could listen: $make" complains C600
	done
	rm -rf "$place"
	mkdir -p -m 700 "$place" "$place/odd"
	ln -s /dev/null "$place/odd/socket"
	cuddy run -p command-line -n odd echo started
	ok "a link in the place of the socket is replaced" says '^started$'
	have flock || { skip "a lock that somebody keeps"; return; }
	mkdir -p -m 700 "$place/odd"
	flock "$place/odd" sh -c 'echo kept; exec tail -f /dev/null' >"$work/kept" &
	keeper=$!
	until_true 20 grep -q kept "$work/kept"
	cuddy ps
	ok "who only looks waits for nobody" is_status 0
	kill $(cat "/proc/$keeper/task/$keeper/children") "$keeper" 2>/dev/null
	wait "$keeper" 2>/dev/null
}

# The caller's own descriptors, closed in every way, change nothing but where output goes.
closed_streams() {
	for how in '<&-' '>&-' '2>&-' '<&- >&-' '<&- 2>&-' '>&- 2>&-' '<&- >&- 2>&-'; do
		eval "\"\$tree/build/cuddy\" run -p command-line bash -c 'cat; echo x; echo y >&2; exit 7' $how" \
			>"$work/out" 2>"$work/err" </dev/null
		same "streams closed: $how" 7 $?
	done
}

suite() {
	write_profiles
	working_directory
	device_nodes
	large_project
	own_socket
	late_names
	replaced_files
	nested_repositories
	odd_runtime
	closed_streams
}

. "$(dirname "$0")/both.lib"
