#!/bin/sh
# tests/integration/own_file.sh - the file of the program that starts cages cannot be changed from inside, also
# where the caller owns it (root; whoever built it): by /proc/1/exe, nor by making the cage execute
# /proc/self/exe, which is that file until the program has been executed (the class of CVE-2019-5736).
suite_files=tests/integration/takeover.c

look() { # what must stay
	stat -c '%a %s' "$own"
	cksum <"$own"
}

# taken TITLE COMMAND…: somebody outside waits for the file; then the command; then it is attacked, when
# nobody executes it any more.
taken() {
	title=$1; shift
	rm -f "$work/socket" "$work/gate" "$work/got"
	mkfifo "$work/gate"; : >"$work/got"
	"$work/takeover" receive "$work/home/project/socket" <"$work/gate" >"$work/got" &
	receiver=$!
	exec 8>"$work/gate"
	until_true 20 grep -q ready "$work/got"
	before=$(look)
	"$@" >"$work/out" 2>"$work/err" </dev/null 8>&-
	[ "$dynamic" = no ] || until_true 20 grep -q got "$work/got" # it takes its time
	exec 8>&-
	grep -q got "$work/got" || kill "$receiver" 2>/dev/null
	wait "$receiver" 2>/dev/null
	reached=$((reached + $(grep -c got "$work/got")))
	rm -f "$work/home/project/socket"
	same "$title: it is what it was" "$before" "$(look)"
	ok "$title: nobody could write to what was handed out" not grep -qE 'written|truncated' "$work/got" "$work/out"
}

write_files() {
	cat >"$work/home/take.toml" <<-EOF
		include = ["command-line"]
		[environment.set]
		LD_PRELOAD = "$PWD/takeover.so"
		TAKEOVER_SOCKET = "$PWD/socket"
		[filesystem]
		read-write = ["$PWD/**"]
		execute = ["$PWD/**"]
		[runtime]
		flags = ["debug"]
	EOF
	ln -s /proc/self/exe link
	printf '#!/proc/self/exe\n' >script
	printf '#!%s\n' "$PWD/link" >by-link
	chmod 755 script by-link
}

# With and without the right to trace, before init has ended and while it is there.
first_process() {
	before=$(look)
	cuddy_own run -p "$work/home/take.toml" sh -c '
		for path in /proc/1/exe /proc/1/root /proc/1/cwd /proc/1/map_files /proc/1/mem /proc/1/environ; do
			ls "$path/" >/dev/null 2>&1 && echo "list $path"
			head -c 1 "$path" >/dev/null 2>&1 && echo "read $path"
		done
		chmod 4777 /proc/1/exe 2>/dev/null && echo mode
		(: >>/proc/1/exe) 2>/dev/null && echo write
		echo end'
	same "nothing of pid 1 is open" end "$(cat "$work/out")"
	same "nor was it changed" "$before" "$(look)"
}

cuddy_own() {
	"$own" "$@" >"$work/out" 2>"$work/err" </dev/null
	status=$?
}

runs() { "$own" exec "$1" -- env -u LD_PRELOAD true >/dev/null 2>&1 </dev/null; }

joined() {
	"$own" run -p "$work/home/take.toml" -n "taken$1" sh -c 'unset LD_PRELOAD; exec sleep 1000' >"$work/up" 2>&1 </dev/null &
	keeper=$!
	until_true 20 runs "taken$1"
	"$own" exec "taken$1" -- "$PWD/$2"
	kill "$keeper"
	wait "$keeper" 2>/dev/null
}

as_bubblewrap() {
	"$own" bwrap --ro-bind / / --proc /proc --dev /dev --unshare-pid --bind "$PWD" "$PWD" \
		--setenv LD_PRELOAD "$PWD/takeover.so" --setenv TAKEOVER_SOCKET "$PWD/socket" "$@"
}

attack_all() { # LABEL
	taken "$1, a link to it" "$own" run -p "$work/home/take.toml" ./link
	taken "$1, a script that names it" "$own" run -p "$work/home/take.toml" ./script
	taken "$1, a script that names a link" "$own" run -p "$work/home/take.toml" ./by-link
	taken "$1, a link in a running cage" joined 1 link
	taken "$1, a script in a running cage" joined 2 script
	taken "$1, in bubblewrap's words" as_bubblewrap "$PWD/script"
	before=$(look)
	as_bubblewrap sh -c 'chmod 4777 /proc/1/exe; echo x >>/proc/1/exe' >"$work/out" 2>&1
	same "$1, pid 1 in bubblewrap's words: it is what it was" "$before" "$(look)"
	first_process
	cuddy_own run -p command-line sh -c 'cat /proc/$$/comm; echo "${CUDDY_SELF-none}"'
	same "$1: a program does not notice" "sh none" "$(xargs <"$work/out")"
	python3 - "$own" >"$work/out" 2>&1 <<-'EOF'
		import os, sys
		fd = os.open(sys.argv[1], os.O_RDONLY)
		os.execve(fd, ["cuddy", "run", "-p", "command-line", "echo", "by descriptor"], os.environ)
	EOF
	same "$1: it can be executed by a descriptor, as service managers do" "by descriptor" "$(cat "$work/out")"
	CUDDY_SELF=/nowhere/cuddy cuddy_own run -p command-line echo works
	same "$1: what the caller's environment says about it does not matter" works "$(cat "$work/out")"
	cuddy_own bwrap --ro-bind / / sh -c 'echo "${CUDDY_SELF-none}"'
	same "$1: nor in bubblewrap's words" none "$(cat "$work/out")"
}

tree_sum() { find build permissions profiles ! -type d -exec cksum {} + | sort | cksum; }

# A tree that cuddy runs from may be what a program works on: then it may change all but what starts cages.
own_tree() {
	mkdir -p "$work/home/src"
	cp -R "$tree/build" "$tree/permissions" "$tree/profiles" "$work/home/src/"
	own=$work/home/src/build/cuddy
	touch "$work/home/src/build/cuddy-net"
	rm -f "$work/home/src/build/cuddy-image"
	cd "$work/home/src" || return
	listed=$(tree_sum)
	cat >"$work/home/spoil.sh" <<-'EOF'
		cp /bin/true other
		for file in build/cuddy build/cuddy-net permissions/builtin.toml profiles/base/project.toml; do
			{ cp other "$file"; mv -f other "$file"; ln -f other "$file"; rm -f "$file"; chmod 600 "$file"; } 2>/dev/null
			cp /bin/true other 2>/dev/null
		done
		for place in build permissions profiles profiles/base; do
			mv $place moved 2>/dev/null && mkdir $place
			(echo x >$place/new.toml) 2>/dev/null
		done
		rm -f other build/new.toml
		echo >worked && rm worked && echo end
	EOF
	spoil=$(cat ../spoil.sh)
	cuddy_own run -p project sh -c "$spoil"
	same "a tree that is a project is worked in" end "$(cat "$work/out")"
	same "what starts cages from it stays" "$listed" "$(tree_sum)"
	cuddy_own run -p project sh -c 'mkdir flags; printf "[filesystem.system]\n" >flags/new.toml'
	ok "flags that were not there are told" complains 'C610.*src/flags'
	cuddy_own run -p project sh -c 'echo x >flags/new.toml || rm -r flags || mv flags old || echo kept'
	ok "and those that are there are kept" says '^kept$'
	rm -r flags
	cd "$work/home/project" || return
	cuddy_own run -p command-line --rw "$work/home/src" sh -c "cd $work/home/src && $spoil"
	same "also where it is granted by name" "$listed" "$(cd ../src && tree_sum)"
	"$own" run -p command-line -n tree sleep 1000 >"$work/up" 2>&1 </dev/null &
	keeper=$!
	until_true 20 runs tree
	cuddy_own grant tree "$work/home/src"
	ok "nor is it given to a running cage" complains "what no cage may change:.*cannot be granted"
	kill "$keeper"
	wait "$keeper" 2>/dev/null
}

suite() {
	have cc || { skip "no compiler"; return; }
	source=$tree/tests/integration/takeover.c
	cc -D_GNU_SOURCE -O1 -o "$work/takeover" "$source" && cc -D_GNU_SOURCE -O1 -shared -fPIC -o takeover.so "$source" || return
	write_files
	own=$tree/build/cuddy reached=0 dynamic=no
	! grep -aq 'libc\.so' "$own" || dynamic=yes
	attack_all "as installed"
	mkdir -p "$work/own"
	cp -R "$tree/build" "$tree/permissions" "$tree/profiles" "$work/own/"
	own=$work/own/build/cuddy
	attack_all "built by the caller"
	own_tree
	if [ "$dynamic" = yes ]; then
		same "the attack reaches the file that it attacks, so this proves something" 12 "$reached"
	else
		skip "a program that is not static, which can be made to attack itself"
	fi
}

. "$(dirname "$0")/both.lib"
