#!/bin/sh
# tests/integration/bad.sh - profiles with one fault each, hostile ones too: one precise error with its
# place, a caret and a way out; exit status 125; nothing is started and nothing is left behind.
# TAP, as both.lib does.
suite_files=tests/integration/own_mounts.lib
. "$(dirname "$0")/own_mounts.lib"

# quick ARGUMENT…: cuddy as both.lib has it, but it never takes long.
quick() {
	timeout 20 "$tree/build/cuddy" "$@" >"$work/out" 2>"$work/err" </dev/null
	status=$?
}

# one CODE PLACE: was it refused, with this one error there?  With a line, the line is shown.
one() {
	[ "$status" = 125 ] && [ ! -s "$work/out" ] && [ ! -e "$work/started" ] &&
		[ "$(grep -c 'error\[' "$work/err")" = 1 ] && grep -q "$2: error\[$1\]: " "$work/err" &&
		grep -q '^help: .' "$work/err" &&
		case $2 in *:*) grep -q '^ *	*\.*[ 	]*^' "$work/err" ;; esac &&
		[ "$(wc -c <"$work/err")" -lt 5000 ]
}

# refused TITLE CODE PLACE FILE: by check and by run.
refused() {
	quick profile check "$4"
	ok "$1: check" one "$2" "$3"
	quick run -p "$4" touch "$work/started"
	ok "$1: run" one "$2" "$3"
}

# bad TITLE CODE LINE:COLUMN: the profile on standard input.
bad() {
	cat >"$work/bad.toml"
	refused "$1" "$2" "bad\.toml:$3" "$work/bad.toml"
}

# good TITLE: the profile on standard input has no fault, although it looks odd.
good() {
	cat >"$work/good.toml"
	quick profile check "$work/good.toml"
	ok "$1" test "$status" = 0 -a ! -s "$work/err"
}

# offers WORD: did the last error name what was meant?
offers() {
	ok "offered: $1" complains "^help: did you mean '$1'"
}

# repeat COUNT TEXT
repeat() { awk -v count="$1" -v text="$2" 'BEGIN { while (count-- > 0) printf "%s", text }'; }

toml() {
	printf 'a = "x\n' | bad "string not closed" 'C0..' '1:[0-9]*'
	printf 'description = \n' | bad "value missing" 'C0..' '1:[0-9]*'
	printf 'description = "a"\ndescription = "b"\n' | bad "key set twice" 'C0..' 2:1
	printf 'description = "\\q"\n' | bad "unknown escape" 'C0..' '1:[0-9]*'
	printf '[filesystem\n' | bad "header not closed" 'C0..' '1:[0-9]*'
	printf '[filesystem]\n[filesystem]\n' | bad "table defined twice" 'C0..' '2:[0-9]*'
	printf 'id = "a" b = "c"\n' | bad "two keys in a line" 'C0..' '1:[0-9]*'
	printf '[filesystem]\ndeny = ["/a" "/b"]\n' | bad "comma missing" 'C0..' '2:[0-9]*'
	printf 'description = "\377"\n' | bad "not UTF-8" 'C0..' '1:[0-9]*'
	printf 'description = "a\000b"\n' | bad "zero byte" 'C0..' '1:[0-9]*'
	printf '# \001\n' | bad "control character in a comment" 'C0..' '1:[0-9]*'
	printf '\377\376d\000=\0001\000\n' | bad "UTF-16" 'C0..' '1:[0-9]*'
	head -c 3000 "$tree/build/cuddy" | bad "a program as profile" 'C0..' '1:[0-9]*'
	printf 'x = %s%s\n' "$(repeat 40 '[')" "$(repeat 40 ']')" | bad "40 arrays deep" 'C0..' '1:[0-9]*'
	printf '%s = 1\n' "a$(repeat 40 .a)" | bad "40 tables deep" 'C...' '1:[0-9]*'
	printf 'description = "\n' | bad "line ends in a string" 'C0..' '1:[0-9]*'
}

keys() {
	printf 'colour = "red"\n' | bad "unknown key" C100 1:1
	printf '[filesystem]\nread-onyl = ["/etc"]\n' | bad "misspelt key" C100 2:1
	offers 'read-only'
	printf '[network]\nallow = []\n' | bad "misspelt category" C100 1:2
	printf '[filesystem]\nmemory = "1G"\n' | bad "key of another category" C100 2:1
	printf '[desktop]\nsession-bus = { speak = [] }\n' | bad "unknown key of a bus" C100 2:17
	printf 'description = 3\n' | bad "wrong type" C101 1:15
	printf '[filesystem]\npersist = ["/"]\n' | bad "the whole disk kept apart" C143 2:12
	printf '[filesystem]\ncopy-on-write = ["//"]\n' | bad "the whole disk copy-on-write" C143 2:18
	printf '[filesystem]\nmount = [{ source = "/etc", target = "/", access = "read-only" }]\n' |
		bad "a mount on the whole disk" C143 2:38
	printf '[filesystem]\nread-only = "/etc"\n' | bad "text for a list" C101 2:13
	printf '[filesystem]\nread-only = ["/a", 1]\n' | bad "number in a list" C101 2:20
	printf 'filesystem = 1\n' | bad "number for a table" C101 1:14
	printf '[environment]\npass = "HOME"\n' | bad "text for a list of variables" C101 2:8
	printf '[environment]\nset = { A = 1 }\n' | bad "variable is no string" C136 '2:[0-9]*'
	printf '[environment]\npass = ["A=B"]\n' | bad "value where a name belongs" C139 2:9
	printf 'id = ""\n' | bad "empty string" C102 1:6
	printf 'id = "a\\u0000b"\n' | bad "zero byte in a string" C102 1:6
	printf 'id = "firefox"\n' | bad "id without dots" C139 1:6
	printf 'hostname = "my_host!"\n' | bad "host name" C139 1:12
	printf 'hostname = "%s"\n' "$(repeat 65 a)" | bad "host name too long" C139 1:12
	printf 'requires = ["secomp"]\n' | bad "unknown mechanism" C138 1:13
	offers 'seccomp'
	printf 'may-degrade = ["network"]\n' | bad "unknown category" C138 1:16
	printf '[user]\nas = "a b"\n' | bad "name of a user" C139 2:6
	printf '[desktop]\nx11 = "isolate"\n' | bad "unknown word" C138 2:7
	offers 'isolated'
	printf '[desktop]\nscreen = "800"\n' | bad "size of a screen" C139 2:10
	printf '[define.filesystem.mine]\ndescription = "x"\nrisk = "huge"\n' | bad "not a risk" C120 '3:[0-9]*'
	printf '[define.files.mine]\nrisk = "low"\n' | bad "flag of no category" C123 1:9
	printf '[define.filesystem]\nx = 1\n' | bad "flag is no table" C121 2:1
	printf '[define.filesystem.tmp]\nread-only = ["/x"]\n' | bad "flag that exists" C122 1:20
}

values() {
	printf '[filesystem]\nread-only = ["etc"]\n' | bad "relative pattern" C201 '2:1[45]'
	printf '[filesystem]\nread-only = ["/a[b"]\n' | bad "open bracket" C200 '2:1[4-9]'
	printf '[filesystem]\nread-only = ["/a{b"]\n' | bad "open brace" C200 '2:1[4-9]'
	printf '[filesystem]\nread-only = ["/a/../b"]\n' | bad "pattern with .." C202 '2:1[4-9]'
	printf '[filesystem]\nread-only = ["/%s"]\n' "$(repeat 12 '{a,b}')" | bad "too many alternatives" C203 '2:1[4-9]'
	printf '[filesystem]\nread-only = ["/%s"]\n' "$(repeat 5000 a)" | bad "pattern too long" C203 '2:1[4-9]'
	printf '[filesystem]\nread-only = ["$NOT_SET_HERE/x"]\n' | bad "variable not set" C105 '2:1[45]'
	printf '[filesystem]\nread-only = ["${HOM}/x"]\n' | bad "variable misspelt" C105 '2:1[45]'
	offers '${HOME}'
	printf '[filesystem]\nread-only = ["${HOME/x"]\n' | bad "variable not closed" C105 '2:1[45]'
	printf '[filesystem]\nread-only = ["${${HOME}}/x"]\n' | bad "variable in a variable" C105 '2:1[45]'
	printf '[filesystem]\nread-only = ["~other/x"]\n' | bad "home of another" C104 '2:1[45]'
	printf '[filesystem]\nworking-directory = "src"\n' | bad "relative working directory" C139 2:21
	printf '[filesystem]\nflags = ["no-such-flag"]\n' | bad "no such flag" C124 '2:1[01]'
	printf '[misc]\nflags = ["x"]\n[define.misc.x]\nflags = ["x"]\n' | bad "flag that names itself" C125 4:10
	printf '[filesystem]\nmount = [{ source = "x", target = "/y" }]\n' | bad "mount source" C134 '2:[0-9]*'
	printf '[filesystem]\nmount = [{ source = "/x" }]\n' | bad "mount without a target" C132 '2:[0-9]*'
	printf '[filesystem]\nmount = [{ source = "/x", target = "/y", access = "all" }]\n' | bad "mount access" C133 '2:[0-9]*'
	printf '[runtime]\nmemory = "lots"\n' | bad "not a limit" C103 '2:1[01]'
	printf '[runtime]\nmemory = "5X"\n' | bad "unknown unit" C103 '2:1[01]'
	printf '[runtime]\ntasks = -1\n' | bad "negative limit" C103 2:9
	printf '[runtime]\nmemory = "99999999999T"\n' | bad "limit that overflows" C103 '2:1[01]'
	printf '[runtime]\nnice = 20\n' | bad "nice level" C103 2:8
	printf '[runtime]\ntimeout = 1.5\n' | bad "broken number" C103 2:11
	printf '[runtime]\nallow-syscalls = ["flyy"]\n' | bad "no such call" C222 '2:1[89]'
	printf '[runtime]\ndeny-syscalls = ["ptrase"]\n' | bad "misspelt call" C222 '2:1[78]'
	offers 'ptrace'
	printf '[runtime]\nallow-syscalls = ["socket(quick)"]\n' | bad "no such class of a call" C222 '2:1[89]'
	printf '[runtime]\nallow-capabilities = ["CAP_NET_ROW"]\n' | bad "misspelt capability" C222 '2:2[123]'
	offers net_raw
	printf '[runtime]\nallow-capabilities = ["flying"]\n' | bad "no such capability" C222 '2:2[123]'
	printf '[networking]\nallow = ["example.org:99999"]\n' | bad "port out of range" C210 '2:[0-9]*'
	printf '[networking]\nallow = ["10.0.0.0/33"]\n' | bad "network too narrow" C210 '2:[0-9]*'
	printf '[networking]\nallow = ["[::1:80"]\n' | bad "open bracket of an address" C210 '2:[0-9]*'
	printf '[networking]\nallow = ["ftp:example.org"]\n' | bad "unknown protocol" C210 '2:[0-9]*'
	printf '[networking]\nallow = ["*.*.org"]\n' | bad "star within a name" C210 '2:[0-9]*'
	printf '[networking]\npublish = ["80:"]\n' | bad "port to publish" C139 2:12
	printf '[networking]\ndns = ["one.example"]\n' | bad "name server by name" C139 2:8
}

includes() {
	printf 'include = ["no-such-profile"]\n' | bad "no such profile" C112 '1:1[23]'
	printf 'include = ["../../etc/passwd"]\n' | bad "no such file" C110 1:12
	printf 'include = [".."]\n' | bad "not a name" C115 1:12
	printf 'include = ["a b"]\n' | bad "name with a space" C115 1:12
	printf 'include = ["%s"]\n' "$(repeat 65 a)" | bad "name too long" C115 1:12
	printf 'include = ["%s"]\n' "$work/bad.toml" | bad "includes itself" C113 '1:1[23]'
	ln -sf bad.toml "$work/link.toml"
	printf 'include = ["./link.toml"]\n' >"$work/bad.toml"
	refused "includes itself through a link" C113 'link\.toml:1:12' "$work/bad.toml"
	mkfifo "$work/fifo.toml"
	printf 'include = ["./fifo.toml"]\n' | bad "includes a FIFO" C110 1:12
	printf 'include = ["/etc"]\n' | bad "includes a directory" C110 1:12
	printf 'include = ["/dev/zero"]\n' | bad "includes a device" C110 1:12
	for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do
		printf 'include = ["./deep%d.toml"]\n' $((i + 1)) >"$work/deep$i.toml"
	done
	: >"$work/deep17.toml"
	quick profile check "$work/deep1.toml"
	ok "17 includes deep" one C114 'deep16\.toml:1:12'
	ok "17 includes deep: the chain is shown" complains 'included from .*deep1\.toml:1:12'
}

files() {
	refused "a FIFO" C110 cuddy "$work/fifo.toml"
	refused "a directory" C110 cuddy "$work/"
	refused "no such file" C110 cuddy "$work/none.toml"
	ln -s self.toml "$work/self.toml"
	refused "a link to itself" C110 cuddy "$work/self.toml"
	repeat 1048577 '#' >"$work/big.toml"
	refused "a file of more than 1 MiB" C110 cuddy "$work/big.toml"
	refused "a name that goes up" C110 cuddy ../../etc/shadow-none
	refused "a name with a space" C115 cuddy "a b"
	refused "a name that is none" C112 cuddy no-such-profile
	if [ "$(id -u)" != 0 ]; then
		: >"$work/closed.toml"
		chmod 0 "$work/closed.toml"
		refused "a file that may not be read" C110 cuddy "$work/closed.toml"
	fi
}

# What has many faults shows the first of them, and ends.
many() {
	repeat 100000 'k_' | sed 's/k_/k_\n/g' | awk '{ print "k" NR " = 1" }' | head -n 90000 | head -c 1000000 | sed '$d' >"$work/many.toml"
	quick profile check "$work/many.toml"
	ok "tens of thousands of unknown keys: 100 are shown" test "$status:$(grep -c 'error\[' "$work/err")" = 125:100
	ok "and that there are more" complains 'more are not shown'
	{ printf '[filesystem]\ndeny = ['; repeat 30000 '"/x?", '; printf ']\n'; } >"$work/many.toml"
	quick profile check "$work/many.toml"
	ok "30000 rules" one C131 'many\.toml:2:[0-9]*'
	printf '[filesystem]\nread-only = ["/x%s"]\n' "$(repeat 500 '*?')" >"$work/many.toml"
	quick why "$work/many.toml" "read /$(repeat 2000 x)"
	ok "a pattern of 1000 wildcards is matched at once" is_status 0
}

odd_but_good() {
	printf 'description = "x"\r\n[filesystem]\r\nread-only = ["/etc"]\r\n' | good "lines that end in CR LF"
	printf '' | good "an empty file"
	printf '# %s\n' "$(repeat 500000 x)" | good "a line of 500000 characters"
	printf '[filesystem]\nread-only = ["/no/such/path"]\n' | good "a path that is not there"
	printf '[filesystem]\nread-only = ["/a b/\\u00e4"]\n' | good "spaces and umlauts"
}

suite() {
	cat /proc/self/mountinfo >"$work/before"
	toml
	keys
	values
	includes
	files
	many
	odd_but_good
	{ find "$HOME" -mindepth 1 ! -path "$HOME/project" 2>&1
	  diff "$work/before" /proc/self/mountinfo | grep '^>'; } >"$work/out"
	ok "nothing is left" test ! -s "$work/out"
	ok "nothing was started" test ! -e "$work/started"
}

. "$(dirname "$0")/both.lib"
