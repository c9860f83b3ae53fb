#!/bin/sh
# tests/integration/cli.sh - what comes from the tables of commands (help, completions, the manual page)
# and the commands that write profiles, as TAP.  Nothing is started in a cage.
root=$(cd "$(dirname "$0")/../.." && pwd) || exit 1
program=${CUDDY:-$root/build/cuddy}
[ -x "$program" ] || { echo "1..0 # SKIP there is no program $program"; exit 0; }
unset XDG_CONFIG_HOME XDG_DATA_HOME XDG_CACHE_HOME XDG_STATE_HOME VISUAL
export LC_ALL=C NO_COLOR=1
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM HUP
HOME=$work/home PATH=$(dirname "$program"):$PATH
export HOME PATH
mine=$HOME/.config/cuddy/profiles
mkdir "$HOME"
cd "$work" || exit 1

count=0
have() { command -v "$1" >/dev/null 2>&1; }
ok() {
	title=$1; shift
	count=$((count + 1))
	if "$@"; then
		echo "ok $count - $title"
	else
		echo "not ok $count - $title"
		head -n 12 out err 2>/dev/null | sed 's/^/# /'
	fi
}
skip() { count=$((count + 1)); echo "ok $count - $* # SKIP not here"; }
cuddy() { "$program" "$@" >out 2>err </dev/null; status=$?; }
is_status() { [ "$status" = "$1" ]; }
says() { grep -q -e "$1" out; }
complains() { grep -q -e "$1" err; }
not() { ! "$@"; }

helps() {
	cuddy --help
	commands=$(sed -n 's/^  \([a-z-]*\)  .*/\1/p' out)
	for command in $commands; do
		cuddy help "$command"
		cp out wanted
		cuddy "$command" --help
		ok "$command --help says what help $command says" cmp -s out wanted
		sed -n '/^options:/,$p' wanted >>texts
	done
	grep -v '^options:' texts >texts.behind
	ok "no text of an option has what completions would stumble over" not grep "[]'[]" texts.behind
	cuddy help no-such-command
	ok "help for no command is refused" is_status 125
	cuddy profiel
	ok "a misspelt command has a neighbour" complains "did you mean 'cuddy profile'"
	cuddy profile lst
	ok "so has a misspelt action" complains "did you mean 'cuddy profile list'"
	cuddy permissions show networking.dn
	ok "and a misspelt flag" complains "did you mean 'networking.dns'"
	cuddy profile show
	ok "an action without its argument says which" complains "wants PROFILE"
	cuddy profile list --json
	cp out wanted
	cuddy profile --json list
	ok "options stand before or behind the action" cmp -s out wanted
}

manual_page() {
	"$root/tools/options-man" "$program" <"$root/man/cuddy.1.scd" >out 2>err
	status=$?
	ok "the manual page has all commands" is_status 0
	ok "as the program has them; else run 'make man'" diff out "$root/man/cuddy.1.scd"
}

# Words that bash offers behind a line.
bash_words() {
	bash -c 'complete() { :; }; . ./completions; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _cuddy; printf "%s\n" "${COMPREPLY[@]}"' \
		- "$@" >out 2>err
}
fish_words() {
	fish -c "source completions; complete -C '$1'" 2>err | cut -f1 >out
}

completions() {
	if have bash; then
		cuddy completions bash
		mv out completions
		bash_words cuddy pro
		ok "bash: commands" test "$(cat out)" = profile
		bash_words cuddy profile d
		ok "bash: actions" test "$(cat out)" = diff
		bash_words cuddy profile show comm
		ok "bash: profiles" test "$(cat out)" = command-line
		bash_words cuddy run --profile comm
		ok "bash: profiles behind --profile" test "$(cat out)" = command-line
		bash_words cuddy run -p comm
		ok "bash: and behind -p" test "$(cat out)" = command-line
		bash_words cuddy permissions show networking.dn
		ok "bash: flags" test "$(cat out)" = networking.dns
		bash_words cuddy allow project networking.dn
		ok "bash: flags behind a profile" test "$(cat out)" = networking.dns
		bash_words cuddy run --dry
		ok "bash: options" test "$(cat out)" = --dry-run
		bash_words cuddy help explain-
		ok "bash: commands behind help" test "$(cat out)" = explain-code
		bash_words cuddy run --ro ''
		ok "bash: files behind --ro" test -z "$(cat out)"
	else
		skip bash
	fi
	if have fish; then
		cuddy completions fish
		mv out completions
		fish_words 'cuddy pro'
		ok "fish: commands" says '^profile$'
		fish_words 'cuddy profile d'
		ok "fish: actions" says '^diff$'
		fish_words 'cuddy profile show comm'
		ok "fish: profiles" says '^command-line$'
		fish_words 'cuddy run -p comm'
		ok "fish: profiles behind -p" says 'command-line$'
		fish_words 'cuddy permissions show networking.dn'
		ok "fish: flags" says '^networking.dns$'
		fish_words 'cuddy run --dry'
		ok "fish: options" says '^--dry-run$'
	else
		skip fish
	fi
	cuddy completions zsh
	mv out completions
	if have zsh; then
		ok "zsh: parses" zsh -n completions
		zsh -f -c 'autoload -U compinit; compinit -D; source ./completions; whence -w _cuddy; print $_comps[cuddy]' >out 2>err
		ok "zsh: has a function for cuddy" says '^_cuddy$'
	else
		skip zsh
	fi
}

new_profile() {
	cuddy profile new mine project
	ok "profile new writes" test -f "$mine/mine.toml"
	ok "what can be read" "$program" profile check mine
	cuddy profile new mine
	ok "and never over an old one" is_status 125
	ok "but says what does" complains "profile edit mine"
	cuddy profile new --help
	ok "profile new --help helps" says '^usage: cuddy profile'
	for name in -- -x --help ../x .hidden 'a b' ''; do
		cuddy profile new -- "$name"
		ok "'$name' is no name" is_status 125
	done
	ok "none of them was written" test "$(ls -A "$mine")" = mine.toml
}

allow_and_deny() {
	local=$mine/project.local.toml
	printf '# mine\n[networking] # here\nflags = ["dns"] # names\n' >"$local"
	cuddy why project 'connect 192.0.2.1:80'
	ok "project reaches nobody" says ^deny
	cuddy allow project networking.host
	ok "allow FLAG" is_status 0
	ok "says where it was written" says "^$local$"
	ok "keeps what was there" grep -q '^flags = \["dns", "host"\] # names$' "$local"
	cuddy why project 'connect 192.0.2.1:80'
	ok "and has an effect" says ^allow
	cuddy deny project networking.host
	ok "deny FLAG takes the allow out" grep -q '^flags = \["dns"\] # names$' "$local"
	cuddy why project 'connect 192.0.2.1:80'
	ok "and has an effect" says ^deny
	cuddy allow project networking.host
	cuddy why project 'connect 192.0.2.1:80'
	ok "until it is allowed again" says ^allow
	cuddy allow project 'read /srv/notes/**'
	ok "allow a right" is_status 0
	cuddy why project 'read /srv/notes/today'
	ok "has an effect" says "^allow: .*project.local.toml"
	cuddy deny project 'write /srv/notes/private'
	cuddy why project 'write /srv/notes/private'
	ok "deny a right" says "^deny: .*project.local.toml"
	cp "$local" before
	for permission in networking.no-such-flag 'read etc' 'syscall flyy' 'fly /tmp' nonsense 'connect a:99999'; do
		cuddy allow project "$permission"
		ok "'$permission' is refused" is_status 125
	done
	cuddy deny project 'device /dev/kvm'
	ok "so is what no profile can say" is_status 125
	cuddy allow no-such-profile networking.dns
	ok "and a profile that there is not" is_status 125
	cuddy allow ./x.toml networking.dns
	ok "or is a file" is_status 125
	ok "nothing was written for them" cmp -s before "$local"
	printf '[networking]\ndeny-flags = ["dns"]\n[filesystem]\ndeny = ["/srv/**"]\n' >"$mine/base.toml"
	printf 'include = ["base"]\n' >"$mine/above.toml"
	cuddy allow above networking.dns
	ok "a flag that another file denies: it says which" complains 'included from .*base.toml:2:15'
	cuddy allow above 'read /srv/notes/**'
	ok "and a right" complains 'base.toml:4:9: warning.C545'
	ok "but it is written" is_status 0
	cuddy allow above 'read /opt/**'
	ok "what nobody denies has no warning" test ! -s err
	rm "$mine/base.toml" "$mine"/above*
	rm "$local"
}

edit() {
	printf '#!/bin/sh\nprintf "[misc]\\ndevices = [\\"/dev/kvm\\"]\\n" >>"$2"\n[ "$1" = --option ]\n' >editor
	chmod +x editor
	EDITOR="$work/editor --option"; export EDITOR
	cuddy profile edit project
	ok "profile edit: a profile that came along" is_status 0
	ok "is added to" grep -q kvm "$mine/project.local.toml"
	cuddy profile edit mine
	ok "profile edit: one's own is edited itself" grep -q kvm "$mine/mine.toml"
	cuddy profile edit mine
	ok "profile edit: what is wrong then is told" complains 'mine.toml:.*error\['
	ok "with status 125" is_status 125
	if have script; then
		printf '[misc]\ndevices = []\n' >"$mine/mine.toml"
		echo n | script -qec "'$program' profile edit mine" typed >/dev/null
		ok "profile edit: on a terminal it asks" grep -q 'edit again' typed
		ok "profile edit: no is no, with status 125" grep -q 'EXIT_CODE="125"' typed
		ok "profile edit: the error is told once" test "$(grep -c 'error.C' typed)" = 1
		printf '#!/bin/sh\nprintf "" >"$1"\n' >mender
		printf '#!/bin/sh\n[ -e again ] && exec ./mender "$2"\n: >again\n' >twice
		chmod +x mender twice
		echo y | EDITOR="$work/twice x" script -qec "'$program' profile edit mine" typed >/dev/null
		ok "profile edit: yes edits again until all is well" grep -q 'EXIT_CODE="0"' typed
	else
		skip "script"
	fi
	cuddy profile edit no-such-profile
	ok "profile edit: no such profile" is_status 125
	ok "makes none" test ! -e "$mine/no-such-profile.local.toml"
	EDITOR=false
	cuddy profile edit project
	ok "profile edit: an editor that fails" complains 'C543'
	cuddy profile edit project
	rm -r "$HOME/.config"
}

permissions() {
	cuddy permissions
	cp out wanted
	cuddy permissions list
	ok "permissions list is the default" cmp -s out wanted
	cuddy permissions show networking.dns
	for text in '^risk: low' 'permissions/networking.toml:[0-9]' 'allow  *dns:any' 'flags  *client'; do
		ok "permissions show: $text" says "$text"
	done
	for words in 'permissions list' 'permissions show networking.dns' 'permissions show filesystem.system'; do
		# shellcheck disable=SC2086 # two words or three
		cuddy permissions --json ${words#permissions}
		ok "$words is JSON" python3 -m json.tool out wanted
	done
	cuddy permissions list --json
	for name in $(python3 -c 'import json; print(*(f["name"] for f in json.load(open("out"))))'); do
		"$program" permissions show "$name" >one 2>err || echo "$name" >>failed
	done
	ok "every flag can be shown" test ! -e failed
}

tools() {
	printf '#include <stdio.h>\n#include <stdlib.h>\nvoid f(void);\nvoid f(void) { printf("%%p", malloc(1)); }\n' >bad.c
	ok "tools/child-symbols finds malloc and stdio" sh -c \
		'FILES=$PWD/bad.c "$1/tools/child-symbols" | sort | tr -d "\n" | grep -q "malloc().*printf()"' - "$root"
}

helps
manual_page
completions
new_profile
allow_and_deny
edit
permissions
tools
echo "1..$count"
