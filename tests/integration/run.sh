#!/bin/sh
# tests/integration/run.sh - the program as its users meet it, as TAP; as both.lib does.
suite_files=tests/unit/proposal.toml

# caged TITLE STATUS PATTERN COMMAND…: runs it under $profile in the project; what was planted
# never shows.
caged() {
	what=$1 wanted=$2 pattern=$3; shift 3
	cuddy run -p "$profile" "$@"
	ok "$profile: $what" is_good
}
is_good() {
	[ "$status" = "$wanted" ] && ! grep -q planted- "$work/out" "$work/err" &&
		{ [ -z "$pattern" ] || grep -q -e "$pattern" "$work/out"; }
}

make_home() {
	mkdir -p "$HOME/.ssh" "$HOME/other" "$HOME/project/src"
	echo planted-key >"$HOME/.ssh/id_ed25519"
	chmod 600 "$HOME/.ssh/id_ed25519"
	echo '# planted' >"$HOME/.bashrc"
	echo planted-project >"$HOME/other/secret"
	cd "$HOME/project" || exit 1
	cat >src/words.c <<-'END'
	#include <stdio.h>
	#include "words.h"
	int main(void) { printf("%zu words\n", words_count("a cage of words")); return 0; }
	END
	cat >src/count.c <<-'END'
	#include "words.h"
	size_t words_count(const char *s)
	{
		size_t n = 0;
		for (; *s; s++)
			n += *s != ' ' && (s[1] == ' ' || !s[1]);
		return n;
	}
	END
	printf '#include <stddef.h>\nsize_t words_count(const char *s);\n' >src/words.h
	printf 'words: src/words.o src/count.o\n\t$(CC) -o $@ $^\nsrc/%%.o: src/words.h\n' >Makefile
	git init -q local && echo text >local/file && git -C local add file &&
		git -C local -c user.name=t -c user.email=t@example.org commit -q -m first
}

programs_work() {
	caged "bash runs" 0 '^7$' bash -c 'echo $((3 + 4))'
	caged "python3 runs" 0 '^55$' python3 -c 'import json, hashlib, subprocess; print(sum(range(11)))'
	caged "python3 starts threads and processes" 0 '^x 4$' python3 -c \
		'import subprocess as s, threading as t; r = []; [a.start() or a.join() for a in [t.Thread(target=r.append, args=(1,)) for i in range(4)]]; print(s.check_output(["echo", "x"]).decode().strip(), len(r))'
	rm -rf clone
	caged "git clones a local repository" 0 '' git clone -q local clone
	ok "$profile: the clone is there for the host" grep -q text clone/file
	caged "git log reads it" 0 first git -C clone log --oneline
	rm -f words src/*.o
	if have gcc && have make; then
		caged "make builds a project with gcc" 0 words.o make -j2 CC=gcc
		caged "what was built runs" 0 '^4 words$' ./words
		ok "$profile: what was built is there for the host" test -x words
	else
		skip "$profile: gcc and make"
	fi
	if have node; then
		caged "node runs" 0 '^42$' node -e 'setTimeout(() => console.log(6 * 7), 1)'
	else
		skip "$profile: node"
	fi
	"$tree/build/cuddy" run -p "$profile" tr a-z A-Z <src/words.h >"$work/out" 2>"$work/err"
	ok "$profile: standard input and output are passed" says '#INCLUDE <STDDEF.H>'
}

# Programs that work in the cage, asked for what lies outside.
secrets_stay() {
	for file in "$HOME/.ssh/id_ed25519" "$HOME/other/secret"; do
		name=${file#"$HOME"/}
		ok "outside the cage $name can be read" grep -q planted- "$file"
		caged "bash cannot read $name" 1 '' bash -c 'cat "$1"' - "$file"
		ok "$profile: nor shows any of $name" not says planted
		caged "python3 cannot read $name" 1 '' python3 -c 'import sys; print(open(sys.argv[1]).read())' "$file"
		cuddy run -p "$profile" git hash-object "$file"
		ok "$profile: git cannot read $name" is_status 128
		printf '#include "%s"\nint main(void) { return 0; }\n' "$file" >src/steal.c
		cuddy run -p "$profile" gcc -E src/steal.c
		ok "$profile: gcc cannot include $name" not says planted
		have node && caged "node cannot read $name" 1 '' node -e 'console.log(require("fs").readFileSync(process.argv[1], "utf8"))' "$file"
		ln -sf "$file" link
		cuddy run -p "$profile" cat link
		ok "$profile: a link does not lead to $name" is_status 1
		rm -f link src/steal.c
	done
	cuddy run -p "$profile" git clone -q "$HOME/other" stolen
	ok "$profile: git cannot clone the other project" is_status 128
	for shell in 'bash -c' 'python3 -c'; do
		case $shell in
		bash*) text='echo evil >>~/.bashrc' ;;
		*)     text='import os; open(os.path.expanduser("~/.bashrc"), "a").write("evil")' ;;
		esac
		# shellcheck disable=SC2086 # two words
		cuddy run -p "$profile" $shell "$text"
		ok "$profile: ${shell%% *} does not write ~/.bashrc of the host" \
			test "$(cat "$HOME/.bashrc")" = '# planted'
	done
	first=/proc/1/environ
	caged "bash reads nothing of $first" 0 '' bash -c 'test -z "$(tr -d "\0" 2>/dev/null <"$1")"' - "$first"
	caged "python3 reads nothing of $first" 1 '' python3 -c 'import sys; print(open(sys.argv[1]).read())' "$first"
	caged "git reads nothing of $first" 128 '' git hash-object "$first"
	printf '#include "%s"\nint main(void) { return 0; }\n' "$first" >src/steal.c
	cuddy run -p "$profile" gcc -E src/steal.c
	ok "$profile: gcc includes nothing of $first" not says '='
	rm -f src/steal.c
	have node && caged "node reads nothing of $first" 1 '' node -e 'console.log(require("fs").readFileSync(process.argv[1]))' "$first"
	caged "the host's ~/.bashrc is not shown" 0 '^none$' bash -c 'grep planted ~/.bashrc || echo none'
}

# exits STATUS TITLE COMMAND…
exits() {
	wanted=$1 reason=$2; shift 2
	cuddy "$@"
	ok "status $wanted: $reason" is_status "$wanted"
}

# In the plan, or an error at its line.
takes_part() {
	if is_status 0; then grep -qi "$missing" "$work/out"; else is_status 125 && complains 'requires.toml:2:2.*C306'; fi
}

statuses() {
	exits 0 true run -p command-line true
	exits 1 false run -p command-line false
	exits 7 "of the program" run -p command-line sh -c 'exit 7'
	exits 124 "--timeout" run -p command-line --timeout 1 sleep 5
	ok "the time limit is named" complains 'C405'
	exits 125 "unknown option" run --no-such-option true
	exits 125 "no program" run -p command-line
	exits 125 "unknown command" no-such-command
	exits 125 "unknown profile" run -p no-such-profile true
	exits 125 "--timeout takes a number" run -p command-line --timeout soon true
	exits 125 "--timeout has a limit" run -p command-line --timeout 99999999999 true
	exits 125 "a program without a name" run -p command-line ""
	ok "which is no mistake of ours" not complains 'C410'
	printf 'include = ["command-line"]\nrequires = ["mounts", "seccomp"]\n' >requires.toml
	exits 0 "required back ends that are here" run -p ./requires.toml true
	for missing in apparmor bus cgroup display landlock supervisor; do
		printf 'include = ["command-line"]\nrequires = ["mounts", "%s"]\n' "$missing" >requires.toml
		cuddy run --dry-run -p ./requires.toml true
		ok "a required back end takes part or is refused: $missing" takes_part
	done
	rm -f requires.toml
	exits 126 "not executable" run -p command-line ./Makefile
	exits 127 "no such program" run -p command-line no-such-program
	exits 137 "SIGKILL of its own" run -p command-line sh -c 'kill -KILL $$'
	exits 143 "SIGTERM of its own" run -p command-line sh -c 'kill -TERM $$'
}

empty_profile() {
	nothing=$tree/profiles/base/nothing.toml
	exits 126 "the empty profile starts nothing" run -p "$nothing" true
	ok "the message names the flag for system calls" complains 'runtime\.ordinary'
	ok "the message names the flag for files" complains 'filesystem\.system'
	ok "one error" test "$(grep -c 'error\[' "$work/err")" = 1
	if have strace && strace -o "$work/trace" true 2>/dev/null; then
		strace -f -o "$work/trace" -e trace=process "$tree/build/cuddy" run -p "$nothing" true 2>/dev/null
		ok "it makes no process" not grep -qE '(clone3?|v?fork)\(' "$work/trace"
		ok "it executes nothing" test "$(grep -c 'execve(' "$work/trace")" = 1
	else
		skip "strace"
	fi
}

# ask VERDICT PROFILE PLACE QUESTION…: the verdict, and for an allow the line that decided.
ask() {
	verdict=$1 asked=$2 place=$3 question=$4
	cuddy why "$asked" "$question"
	ok "why: $verdict $question" is_answer
}
is_answer() { [ "$status" = 0 ] && grep -q "^$verdict: .*$place" "$work/out"; }

questions() {
	proposal=$tree/tests/unit/proposal.toml
	bus=$work/bus.toml
	cat >"$bus" <<-'END'
	[desktop]
	session-bus = { talk = ["org.example.Talk"], see = ["org.example.See"], own = ["org.example.Own"], call = ["org.example.Call=org.example.I.Do@/o"], broadcast = ["org.example.Cast=org.example.I.Done@/o"] }
	END
	while read -r verdict place question; do
		[ "$place" = - ] && place=
		ask "$verdict" "$proposal" "$place" "$question" </dev/null
	done <<-'END'
	allow proposal.toml:23:5 read /sys/kernel/mm
	allow proposal.toml:23:5 list /sys/kernel
	allow proposal.toml:14:5 write /tmp/new
	allow proposal.toml:14:5 create /tmp/a/b
	allow proposal.toml:14:5 delete /tmp/old
	deny - write /sys/kernel/mm
	deny - read /etc/shadow
	deny - write /etc/passwd
	deny - execute /bin/sh
	deny - read ~/.ssh/id_ed25519
	allow leads list /
	allow runtime.toml syscall read
	allow runtime.toml syscall mmap
	allow proposal.toml syscall socket
	allow proposal.toml:33:5 syscall setuid
	allow proposal.toml:14:5 syscall unlink
	deny - syscall ptrace
	deny - syscall execve
	deny - syscall bpf
	deny - syscall mount
	deny - syscall reboot
	allow proposal.toml:7:5 capability net_raw
	allow proposal.toml:7:5 capability CAP_NET_RAW
	allow proposal.toml:33:5 capability setuid
	allow proposal.toml:33:5 capability setgid
	allow proposal.toml:33:5 capability CAP_SETUID
	deny - capability sys_admin
	deny - capability net_admin
	deny - capability sys_ptrace
	deny - capability dac_override
	deny - capability CAP_SYS_MODULE
	allow proposal.toml:9:5 connect example.org:443
	allow proposal.toml:9:5 connect 192.0.2.1:80
	allow proposal.toml:8:5 listen 8080
	allow proposal.toml:6:5 resolve example.org
	allow proposal.toml:7:5 send icmp:example.org
	deny - connect 10.0.0.1:80
	deny - connect 192.168.1.1:443
	deny - connect 169.254.169.254:80
	deny - connect 172.16.0.1:22
	deny - connect [fd00::1]:80
	END
	while read -r verdict place question; do
		[ "$place" = - ] && place=
		ask "$verdict" "$bus" "$place" "$question" </dev/null
	done <<-'END'
	allow bus.toml:2: talk org.example.Talk
	allow bus.toml:2: see org.example.See
	allow bus.toml:2: own org.example.Own
	allow bus.toml:2: see org.example.Talk
	allow bus.toml:2: talk org.example.Own
	deny - talk org.example.See
	deny - own org.example.Talk
	deny - see org.example.Other
	deny - talk org.freedesktop.secrets
	deny - own org.example
	END
	for question in "talk org.freedesktop.secrets" "own org.example.A" "see org.example.A" \
		"talk org.freedesktop.systemd1" "talk org.freedesktop.Notifications"; do
		ask deny "$proposal" "" "$question"
	done
	exits 125 "why: not a question" why "$proposal" "frobnicate /etc"
	exits 125 "why: no such call" why "$proposal" "syscall flyy"
	exits 125 "why: no such capability" why "$proposal" "capability flying"
}

deny_over_allow() {
	mkdir -p "$HOME/.config/cuddy/profiles"
	printf '[filesystem]\ndeny = ["%s/other/**"]\n' "$HOME" >"$HOME/.config/cuddy/profiles/deepest.toml"
	printf 'include = ["deepest"]\n[filesystem]\nread-only = ["%s/other/**"]\n' "$HOME" \
		>"$HOME/.config/cuddy/profiles/middle.toml"
	printf 'include = ["middle", "command-line"]\n[filesystem]\nread-write = ["%s/other/**"]\n' "$HOME" \
		>"$HOME/.config/cuddy/profiles/outermost.toml"
	cuddy why outermost 'read ~/other/secret'
	ok "a deny two includes deep wins over both allows" says '^deny: '
	ok "its own place is shown" says 'deepest.toml:2:9'
	ok "the first include is shown" says 'middle.toml:1:12'
	ok "the second include is shown" says 'outermost.toml:1:12'
	ok "the allow that lost is shown, with its include" says '^it overrides .*middle.toml:3:1[0-9], included from .*outermost.toml:1:12'
	cuddy run -p outermost cat "$HOME/other/secret"
	ok "and the cage obeys" not says planted
	ok "cat fails" is_status 1
	rm -rf "$HOME/.config"
}

# What is denied by a bare name: a directory, a device, a name in the cage's own /dev/shm.
denied_names() {
	mkdir -p secrets
	echo planted-inside >secrets/file
	printf 'include = ["project"]\n[filesystem]\ndeny = ["%s/secrets", "/dev/full", "/dev/fuse", "/dev/net/**", "/dev/shm/x"]\n' \
		"$HOME/project" >../denied.toml
	cuddy run -p ../denied.toml sh -c 'ls secrets; cat secrets/file; ls -l /dev; true >/dev/shm/x; echo 1 >/dev/shm/y; cat /dev/shm/y'
	ok "a directory that is denied without a slash shows nothing" not says planted-inside
	ok "and lists nothing" not says '^file$'
	ok "a device that is denied as a file is not there" not says ' full$'
	ok "others are" says ' zero$'
	ok "the rest of /dev/shm works" says '^1$'
	ok "what is denied in it cannot be made" complains '/dev/shm/x'
	cuddy why ../denied.toml 'device /dev/full'
	ok "the oracle knows" says '^deny: .*denied.toml:3'
	cuddy explain ../denied.toml
	ok "that the whole directory goes is told" says "is a directory: all in it is denied"
	printf 'include = ["project"]\n[filesystem]\ndeny = ["/dev/shm{,/,/**}"]\n' >../denied.toml
	cuddy run -p ../denied.toml sh -c ': >/dev/shm/y'
	ok "/dev/shm can be denied as a whole" complains 'cannot create /dev/shm/y'
	# The whole disk but some of it, as other sandboxes begin.
	for how in read-only read-write; do
		printf 'include = ["command-line"]\n[filesystem]\n%s = ["/**"]\ndeny = ["%s{,/,/**}", "%s"]\n' \
			$how "$HOME/project/secrets" "$HOME/project/late" >../denied.toml
		cuddy run -p ../denied.toml sh -c 'ls /dev; cat secrets/file src/main.c; touch late /dev/made; echo started'
		ok "all $how: it starts" says '^started$'
		ok "all $how: a denied tree shows nothing" not says planted-inside
		ok "all $how: /dev is the cage's own" not says '^console$'
		ok "all $how: nothing is made in it" complains '/dev/made'
		ok "all $how: nor what is denied and missing" test ! -e late
		ok "all $how: nothing is told of what was there before" not complains C610
	done
	rm -r secrets ../denied.toml
}

# A home is no project: what is started there sees a home of its own, and that is said.
started_at_home() {
	for directory in "$HOME" "${HOME%/*}" /; do
		cd "$directory" || exit 1
		for profile in command-line project editor; do
			cuddy why "$profile" 'read ~/.ssh/id_ed25519'
			ok "started in $directory, $profile does not give the keys" not says '^allow: .*filesystem.project'
		done
		cuddy run bash -c 'cat ~/.ssh/id_ed25519 ~/.bashrc; echo evil >>~/.bashrc'
		ok "a shell started in $directory shows nothing of the home" not says planted
		ok "it says why" complains 'warning.C142'
		ok "and writes nothing there" grep -qx '# planted' "$HOME/.bashrc"
	done
	cd "$HOME/project" || exit 1
}

# chosen PROFILE PROGRAM…: what a program gets that no profile was named for.
chosen() {
	wanted=$1; shift
	cuddy run -v --dry-run "$@"
	ok "chosen: $wanted for $1" complains "note: profile '$wanted': "
}

choices() {
	profiles=$HOME/.config/cuddy/profiles
	mkdir -p "$profiles" "$HOME/bin" "$HOME/.local/share/applications"
	printf 'include = ["command-line"]\nmatch = ["tac", "%s/project/b*"]\n' "$HOME" >"$profiles/mine.toml"
	printf '#!/bin/sh\necho built\n' >built
	printf '#!/bin/sh\necho viewed\n' >"$HOME/bin/see"
	chmod +x built "$HOME/bin/see"
	chosen mine tac
	chosen mine /usr/bin/tac
	chosen mine ./built
	chosen command-line true
	chosen command-line bash
	chosen command-line no-such-program
	printf '[Desktop Entry]\nType=Application\nExec=%s/bin/see %%f\nCategories=Office;Viewer;\n' "$HOME" \
		>"$HOME/.local/share/applications/org.example.See.desktop"
	printf 'include = ["command-line"]\n' >"$profiles/viewer.toml"
	chosen viewer "$HOME/bin/see"
	ok "the menu entry is named" complains 'org.example.See.desktop'
	printf 'include = ["command-line"]\nmatch = ["tac"]\n' >"$profiles/also.toml"
	chosen also tac
	ok "two that match are named" complains "warning.C140.*'also' and 'mine'"
	printf 'broken = [\n' >"$profiles/tac.toml"
	rm "$profiles/also.toml" "$profiles/mine.toml"
	exits 125 "a broken profile of the program's name" run tac
	rm -rf "$HOME/.config" "$HOME/.local" "$HOME/bin" built
}

# Folders as user-dirs.dirs names them; one that is the home itself grants nothing.
folders() {
	mkdir -p "$HOME/.config/cuddy/profiles" "$HOME/loads"
	echo 'include = ["command-line"]
[filesystem]
flags = ["downloads", "music"]' >"$HOME/.config/cuddy/profiles/loads.toml"
	echo planted-load >"$HOME/loads/file"
	printf 'XDG_DOWNLOAD_DIR="$HOME/loads"\nXDG_MUSIC_DIR="$HOME/"\n' >"$HOME/.config/user-dirs.dirs"
	cuddy run -p loads cat "$HOME/loads/file"
	ok "the folder of user-dirs.dirs is given" says planted-load
	cuddy why loads 'read ~/.ssh/id_ed25519'
	ok "the home as music folder gives nothing" not says filesystem.music
	cuddy profile check loads
	ok "which is no fault" is_quiet
	cuddy profile -v check loads
	ok "and is said by check -v" complains "XDG_MUSIC_DIR.*names a folder that you do not have"
	rm -rf "$HOME/.config" "$HOME/loads"
}

asks() {
	printf 'include = ["command-line"]\n[filesystem]\nask = ["%s/asked/**"]\n' "$work" >"$work/ask.toml"
	mkdir -p "$work/asked"; echo planted-asked >"$work/asked/secret"
	cuddy run -p "$work/ask.toml" cat "$work/asked/secret"
	ok "what nothing can ask is denied" not says planted
	ok "and that is said" complains 'warning.C308.*asked'
	cuddy why "$work/ask.toml" "read $work/asked/secret"
	ok "why: it would be asked" says '^ask: '
}

explains() {
	cuddy explain "$tree/tests/unit/proposal.toml"
	ok "explain: the proposal's profile" is_status 0
	for text in networking.dns networking.ping networking.incoming networking.outgoing filesystem.tmp \
		runtime.malloc user.create '/sys/\*\*' 'write /etc/\*\*' 'not named here is denied'; do
		ok "explain: says $text" says "$text"
	done
	for path in "$tree"/profiles/base/*.toml; do
		name=$(basename "$path" .toml)
		cuddy profile check "$path"
		ok "profile check: $name, as a file" is_status 0
		ok "profile check: $name says nothing" is_quiet
		cuddy profile check "$name"
		ok "profile check: $name, by name" is_status 0
	done
}

# The JSON of a command parses.
json() {
	cuddy "$@"
	ok "JSON: cuddy $1 $2" python3 -m json.tool "$work/out" "$work/json"
}

documents() {
	cuddy --help
	names=$(sed -n 's/^  \([a-z-]*\)  .*/\1/p' "$work/out")
	ok "--help lists the commands" test "$(echo "$names" | wc -w)" -ge 9
	for name in $names; do
		cuddy "$name" --help
		ok "$name --help" is_status 0
		ok "$name --help begins with its usage" says "^usage: cuddy $name"
	done
	for shell in bash zsh fish; do
		cuddy completions $shell
		ok "completions $shell" test -s "$work/out"
		if have $shell; then
			ok "$shell parses its completions" $shell -n "$work/out"
		else
			skip "$shell"
		fi
	done
	proposal=$tree/tests/unit/proposal.toml
	json explain --json "$proposal"
	json why --json "$proposal" "read /etc/shadow"
	json why --json "$proposal" "read /sys/x"
	json why --json "$proposal" "read /odd\"\\$(printf '\001')name"
	json plan --json command-line
	json run --dry-run --json -p command-line true
	json profile --json list
	json permissions --json
	json doctor --json
}

suite() {
	make_home
	for profile in command-line project; do
		programs_work
		secrets_stay
	done
	statuses
	empty_profile
	questions
	deny_over_allow
	denied_names
	started_at_home
	choices
	folders
	asks
	explains
	documents
}

. "$(dirname "$0")/both.lib"
