#!/bin/sh
# tests/integration/exchange_bad.sh - bad input for import, export and the bwrap front end: what it says, where,
# word by word; exit 125 (the front end: 1, as bubblewrap), and nothing is printed or written.

# text FILE FORMAT: makes a file.
text() { file=$1; shift; # shellcheck disable=SC2059
	printf "$@" >"$work/in/$file"; }

# refused FIRST-LINE WORD…: of the words, FILE- ones are below the directory that we stand in.
refused() {
	said=$1; shift
	rm -rf "$work/written"
	cuddy "$@"
	[ "$status" = 125 ] || echo "status $status" >>"$work/err"
	[ ! -s "$work/out" ] || echo "it printed something" >>"$work/err"
	[ ! -e "$work/written" ] || echo "it wrote something" >>"$work/err"
	same "$(printf %s "$*" | tr -c "[:print:]" "?")" "$said" "$(sed -n '1p; /^status\|^it /p' "$work/err")"
}

import_json() {
	text cut.json '{ "defaultAction": "SCMP_ACT_ERRNO",\n  "syscalls": [ { "names": [ "read"'
	refused "cut.json:2:36: error[C709]: the file is no JSON: a comma or a closing bracket is missing" import --from oci cut.json
	text empty.json ''
	refused "empty.json:1:1: error[C709]: the file is no JSON: a value is missing or a number is malformed" import --from oci empty.json
	text twice.json '{ "defaultAction": "SCMP_ACT_ERRNO",\n  "defaultAction": "SCMP_ACT_ALLOW" }'
	refused "twice.json:2:18: error[C709]: the file is no JSON: a key stands twice" import --from oci twice.json
	awk 'BEGIN { for (i = 0; i < 100000; i++) printf "["; print "" }' >deep.json
	refused "deep.json:1:33: error[C709]: the file is no JSON: arrays and objects are nested too deep" import --from oci deep.json
	text odd.json '{ "defaultAction": "SCMP_ACT_ERRNO", "a": "\\ud800" }'
	refused "odd.json:1:50: error[C709]: the file is no JSON: half of a surrogate pair" import --from oci odd.json
	text bytes.json '\377\376{'
	refused "bytes.json:1:1: error[C709]: the file is no JSON: a value is missing or a number is malformed" import --from oci bytes.json
	text list.json '[1, 2]'
	refused "list.json:1:1: error[C709]: there is no action 'defaultAction'" import --from oci list.json
	text dance.json '{\n\t"defaultAction": "SCMP_ACT_DANCE\\u001b[1m" }'
	refused "dance.json:1:1: error[C709]: 'SCMP_ACT_DANCE\\x1b[1m' is no action" import --from oci dance.json
	text names.json '{ "defaultAction": "SCMP_ACT_ERRNO",\n"syscalls": [ { "names": "read", "action": "SCMP_ACT_ALLOW" } ] }'
	refused "names.json:2:1: error[C709]: a rule without names" import --from oci names.json
}

import_includes() {
	text circle.profile 'caps.drop all\ninclude middle.inc\n'
	text middle.inc '\n\ninclude circle.profile\n'
	refused "./circle.profile:2:1: error[C707]: 'middle.inc' includes itself" import circle.profile
	text self.profile 'include self.profile\n'
	refused "./self.profile:1:1: error[C707]: 'self.profile' includes itself" import self.profile
	text missing.profile 'caps.drop all\ninclude not-there.inc\n'
	refused "missing.profile:2:1: error[C706]: 'not-there.inc' is not there" import missing.profile
	text usr.bin.circle '#include "usr.bin.middle"\n/usr/bin/x {\n}\n'
	text usr.bin.middle '\n#include "usr.bin.circle"\n'
	refused "./usr.bin.circle:1:1: error[C707]: 'usr.bin.middle' includes itself" import --from apparmor usr.bin.circle
	for number in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18; do
		text "deep$number.profile" "include deep$((number + 1)).profile\n"
	done
	refused "./deep16.profile:1:1: error[C708]: includes are deeper than 16 or more than 256" import deep1.profile
}

import_text() {
	text usr.bin.cut '/usr/bin/x {\n  /etc/a r,\n'
	refused "usr.bin.cut:1:1: error[C709]: a profile that no '}' ends" import --from apparmor usr.bin.cut
	text usr.bin.comma '/usr/bin/x {\n  /etc/a r\n'
	refused "usr.bin.comma:2:3: error[C709]: a rule without a comma at its end" import --from apparmor usr.bin.comma
	text a.service '[Service]\nExecStart=/bin/x\nnonsense\n'
	refused "a.service:3:1: error[C709]: neither a section nor KEY=VALUE" import a.service
	text b.service '[Service\nExecStart=/bin/x\n'
	refused "b.service:1:1: error[C709]: neither a section nor KEY=VALUE" import b.service
	text metadata '[Application]\nname=x\n[Context]\nfilesystems\n'
	refused "metadata:4:1: error[C709]: neither a section nor KEY=VALUE" import metadata
	text nul.profile 'caps.drop all\nblack\0list /a\n'
	refused "nul.profile:2:6: error[C704]: the file holds a zero byte, so it is no text" import nul.profile
	text plain 'hello\n'
	refused "cuddy: error[C702]: 'plain' looks like no file that can be imported" import plain
	refused "cuddy: error[C701]: there is no reader for 'frejail'" import --from frejail plain
}

# Names with bytes that a terminal, a shell or a reader of the message would take for something else.
names() {
	odd=$(printf 'a\033[31m\nb"$(id).profile')
	printf 'include not-there.inc\n' >"$odd"
	refused "a\\x1b[31m\\x0ab\"\$(id).profile:1:1: error[C706]: 'not-there.inc' is not there" import "$odd"
	text quote.profile 'include "$(id)`id`\033[31m.inc\n'
	refused "quote.profile:1:1: error[C706]: '\"\$(id)\`id\`\\x1b[31m.inc' is not there" import quote.profile
	refused "cuddy: error[C700]: 'not\\x0athere.profile' cannot be read: No such file or directory" \
		import "$(printf 'not\nthere.profile')"
	refused "cuddy: error[C700]: '.' cannot be read: Is a directory" import --from firejail .
	mkfifo pipe
	refused "cuddy: error[C700]: 'pipe' cannot be read: Invalid argument" import --from oci pipe
	refused "cuddy: error[C700]: '/dev/zero' cannot be read: Invalid argument" import --from oci /dev/zero
	refused "cuddy: error[C515]: name one file to import" import plain plain
	text fine.profile 'caps.drop all\n'
	refused "cuddy: error[C519]: '/proc/x' cannot be written: No such file or directory" import -o /proc/x fine.profile
}

exports() {
	refused "cuddy: error[C530]: there is no target 'nothing'" export --to nothing daemon
	refused "cuddy: error[C515]: 'cuddy export' wants a profile" export --to oci
	refused "cuddy: error[C112]: there is no profile 'nothere'" export --to oci -o "$work/written" nothere
	refused "cuddy: error[C532]: 'systemd' makes no bundles" export --to systemd --bundle / -o "$work/written" daemon
	refused "cuddy: error[C532]: '/not-there' is no directory" export --to oci --bundle /not-there -o "$work/written" daemon
	refused "cuddy: error[C531]: '/proc/a/b' cannot be made: No such file or directory" export --to oci -o /proc/a/b daemon
	refused "cuddy: error[C501]: there is no option '--frob'" export --to docker --frob daemon
	text bad.toml '[filesystem]\nread-only = ["/a"\n'
	cuddy export --to oci -o "$work/written" ./bad.toml
	ok "a profile that is cut off" is_status 125
	ok "says where" complains '^\./bad.toml:[23]:[0-9]*: error'
	ok "and writes nothing" not test -e "$work/written"
	mkdir -p "$work/colon/a:b"
	text colon.toml "[filesystem]\ntemporary = [\"$work/colon/a:b\"]\n"
	refused "./colon.toml:2:14: error[C533]: docker cannot take '$work/colon/a:b': a colon ends a path there" \
		export --to docker -o "$work/written" ./colon.toml
}

front_end() {
	while IFS='|' read -r said words; do
		# shellcheck disable=SC2086
		cuddy bwrap $words
		same "bwrap $words" "1 bwrap: $said" "$status $(head -n 1 "$work/err")"
	done <<'END'
Unknown option --frob|--frob true
--bind takes two arguments|--bind /
Can't find source path /not-there: No such file or directory|--bind /not-there / true
Invalid fd: x|--args x true
Can't read --args data: Bad file descriptor|--args 99 true
unknown cap: CAP_FROB|--cap-add CAP_FROB true
--size takes a non-zero number of bytes|--size 0 --tmpfs /x true
--perms takes an octal argument <= 07777|--perms 99999 --dir /x true
--perms must be followed by an option that creates a file|--perms 0755 --ro-bind / / true
Specifying --hostname requires --unshare-uts|--ro-bind / / --hostname x true
--overlay-src must be followed by another --overlay-src or one of --overlay, --tmp-overlay, or --ro-overlay|--overlay-src / --ro-bind / / true
END
}

suite() {
	mkdir -p "$work/in"
	cd "$work/in" || exit 1
	import_json
	import_includes
	import_text
	names
	exports
	front_end
}

. "$(dirname "$0")/both.lib"
