#!/bin/sh
# tests/integration/network_bad.sh - 58 malformed values of the network's keys: each is refused at its place, with its
# code, its words and something to type, by check and by run.

# KEY|value as TOML|column|code|message.  The value stands in line 2.
cases() {
	cat <<'END'
allow|""|10|C102|a string of 'allow' is empty or holds a zero byte
allow|"exa mple.org"|10|C210|'exa mple.org' is no endpoint: a name has only letters, digits, '-', '_' and dots
allow|"tcp:"|10|C210|'tcp:' is no endpoint: the host is missing
allow|"example.org:"|10|C210|'example.org:' is no endpoint: a port is a number from 1 to 65535
allow|"example.org:0"|10|C210|'example.org:0' is no endpoint: a port is a number from 1 to 65535
allow|"example.org:65536"|10|C210|'example.org:65536' is no endpoint: a port is a number from 1 to 65535
allow|"example.org:443-80"|10|C210|'example.org:443-80' is no endpoint: the range of ports runs backwards
allow|"example.org:http"|10|C210|'example.org:http' is no endpoint: a port is a number from 1 to 65535
allow|"example.org:80:81"|10|C210|'example.org:80:81' is no endpoint: behind a host stands one port, or a range as in '80-81'
allow|"sctp:example.org"|10|C210|'sctp:example.org' is no endpoint: only tcp:, udp:, icmp:, dns: and listen: may stand before a host
allow|"https://example.org"|10|C210|'https://example.org' is no endpoint: it is the address of a page: its host is enough
allow|"example.org/path"|10|C210|'example.org/path' is no endpoint: a name has no path, and a network is written in numbers
allow|"*.*.example.org"|10|C210|'*.*.example.org' is no endpoint: '*' stands for the front of a name, as in '*.example.org'; all hosts are 'internet' or 'any'
allow|"a*.example.org"|10|C210|'a*.example.org' is no endpoint: '*' stands for the front of a name, as in '*.example.org'; all hosts are 'internet' or 'any'
allow|"*:443"|10|C210|'*:443' is no endpoint: '*' stands for the front of a name, as in '*.example.org'; all hosts are 'internet' or 'any'
allow|"sctp:example.org:1"|10|C210|'sctp:example.org:1' is no endpoint: only tcp:, udp:, icmp:, dns: and listen: may stand before a host
allow|"[fe80::1%eth0]:80"|10|C210|'[fe80::1%eth0]:80' is no endpoint: an address takes no interface: leave out '%' and what follows
allow|"*."|10|C210|'*.' is no endpoint: a name has only letters, digits, '-', '_' and dots
allow|"ex_ample..org"|10|C210|'ex_ample..org' is no endpoint: a part of the name is empty
allow|".example.org"|10|C210|'.example.org' is no endpoint: a part of the name is empty
allow|"-a.example.org"|10|C210|'-a.example.org' is no endpoint: a part of a name neither begins nor ends with '-'
allow|"203.0.113.256"|10|C210|'203.0.113.256' is no endpoint: no IPv4 address or network
allow|"203.0.113"|10|C210|'203.0.113' is no endpoint: no IPv4 address or network
allow|"203.0.113.1/33"|10|C210|'203.0.113.1/33' is no endpoint: no IPv4 address or network
allow|"[2001:db8::1"|10|C210|'[2001:db8::1' is no endpoint: '[' is never closed
allow|"[2001:db8::g]"|10|C210|'[2001:db8::g]' is no endpoint: no IPv6 address stands in the brackets
allow|"[2001:db8::]/129"|10|C210|'[2001:db8::]/129' is no endpoint: no IPv6 address stands in the brackets
allow|"2001:db8::1"|10|C210|'2001:db8::1' is no endpoint: IPv6 addresses stand in brackets, as in '[::1]:80'
allow|"icmp:example.org:80"|10|C210|'icmp:example.org:80' is no endpoint: only tcp and udp have ports
allow|"dns:example.org:53"|10|C210|'dns:example.org:53' is no endpoint: only tcp and udp have ports
allow|"listen:example.org:80"|10|C210|'listen:example.org:80' is no endpoint: a port is a number from 1 to 65535
allow|"listen:0"|10|C210|'listen:0' is no endpoint: a port is a number from 1 to 65535
deny|"lan:"|9|C210|'lan:' is no endpoint: a port is a number from 1 to 65535
publish|"8080:http"|12|C139|'8080:http' is no value for 'publish'
publish|"localhost:80"|12|C139|'localhost:80' is no value for 'publish'
publish|"[::1]80"|12|C139|'[::1]80' is no value for 'publish'
publish|"80/sctp"|12|C139|'80/sctp' is no value for 'publish'
publish|"0"|12|C139|'0' is no value for 'publish'
publish|"80:65536"|12|C139|'80:65536' is no value for 'publish'
lend|"127.0.0.1:80"|9|C139|'127.0.0.1:80' is no value for 'lend'
lend|"65536"|9|C139|'65536' is no value for 'lend'
lend|"80/udp"|9|C139|'80/udp' is no value for 'lend'
lend|"db.sock:1"|9|C139|'db.sock:1' is no value for 'lend'
lend|"/run/db.sock"|9|C139|'/run/db.sock' is no value for 'lend'
lend|"/run/db.sock:0"|9|C139|'/run/db.sock:0' is no value for 'lend'
lend|"/run/:80"|9|C139|'/run/:80' is no value for 'lend'
lend|"~db/x:80"|9|C104|'~' stands for the home only before a '/'
lend|"$NOWHERE/x:80"|9|C105|'$NOWHERE/x:80' has a variable that is not set
expose|"8080"|11|C139|'8080' is no value for 'expose'
expose|"/run/app.sock"|11|C139|'/run/app.sock' is no value for 'expose'
expose|"app.sock:80"|11|C139|'app.sock:80' is no value for 'expose'
dns|"example.org"|8|C139|'example.org' is no value for 'dns'
dns|"203.0.113.53:53"|8|C139|'203.0.113.53:53' is no value for 'dns'
dns|"[2001:db8::53]"|8|C139|'[2001:db8::53]' is no value for 'dns'
network|"Lab"|11|C139|'Lab' is no value for 'network'
network|"a.b"|11|C139|'a.b' is no value for 'network'
network|"-"|11|C139|'-' is no value for 'network'
network|"lab network"|11|C139|'lab network' is no value for 'network'
END
}

# refused FILE: exactly one error, and help.
refused() {
	grep -q -x -F -e "./bad.toml:2:$column: error[$code]: $message" "$1" && [ "$(grep -c ': error\[' "$1")" = 1 ] &&
		grep -q '^help: .' "$1"
}

suite() {
	cases >"$work/cases"
	cd "$work" || return
	while IFS='|' read -r key value column code message; do
		[ "$key" = network ] || value="[$value]"
		printf '[networking]\n%s = %s\n' "$key" "$value" >"$work/bad.toml"
		"$tree/build/cuddy" profile check ./bad.toml >"$work/out" 2>"$work/err" </dev/null
		ok "$key = $value: check" refused "$work/err"
		"$tree/build/cuddy" run -p ./bad.toml true >"$work/out" 2>"$work/err" </dev/null
		ok "$key = $value: run, status 125" [ $? = 125 ] && ok "$key = $value: run" refused "$work/err"
	done <"$work/cases"
}

. "$(dirname "$0")/both.lib"
