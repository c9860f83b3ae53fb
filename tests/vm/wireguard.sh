#!/bin/sh
# tests/vm/wireguard.sh - the kernel's WireGuard carries cages, with the rows of tests/integration/vpn.lib: the module
# is loaded for whoever wants a device, and where it can't be, wireguard-go is used.  For tests/vm/run.

module=/etc/modprobe.d/cuddy-test.conf
is_loaded() { grep -q '^wireguard ' /proc/modules; }
unload() { ! is_loaded || rmmod wireguard 2>/dev/null; }

# carries WHAT: the tunnel is up, and by which of them.
carries() {
	carrier=$1 kind=home
	use home quiet
	ok "the tunnel is up" until_true opens home
	if [ "$carrier" = kernel ]; then
		ok "by the module, which is loaded" is_loaded
		ok "the device is the kernel's" is_wireguard
	else
		ok "the module was not loaded" not is_loaded
		ok "wireguard-go carries it" until_true has_client
	fi
	stop_using home
	ok "nothing is left" until_true nothing_left
}

# Neither the module nor the program.
carries_nothing() {
	program=$(command -v wireguard-go)
	mv "$program" "$program-away"
	cuddy run -p ./home.toml echo ran
	status=$?
	mv "$program-away" "$program"
	ok "without both nothing starts" [ "$status" = 125 ]
	ok "and what is missing is told" grep -q "note: cannot start 'wireguard-go'" "$work/err"
}

suite() {
	server=program # nobody but a cage has a use for the module
	if [ "$who" = root ]; then
		echo 'install wireguard /bin/false' >"$module"
		start_vpn
		carries program
		carries_nothing
		rm "$module"
		control
	else
		ok "nothing uses the module any more" until_true unload
		start_vpn
	fi
	mv /dev/net/tun /dev/net/tun-away # for programs only
	carries kernel
	mv /dev/net/tun-away /dev/net/tun
	no_leak home
	[ "$who" = root ] && id "$user" >/dev/null 2>&1 && return
	reaches home
	power home
	launcher_killed
}

. "$(dirname "$0")/../integration/vpn.lib"
