#!/bin/sh
# tests/integration/bwrap_programs.sh - programs that use bubblewrap in earnest, with cuddy in its place:
# flatpak installs and runs an application that is made here, GNOME's thumbnailer makes a thumbnail, and
# command lines in the style of bubblewrap's demo and of Steam's runtime start a shell.

# The one that is used writes down that it was.
link_ours() {
	mkdir -p "$work/bin"
	ln -sf "$tree/build/cuddy" "$work/bin/bwrap"
	printf '#!/bin/sh\necho "$*" >>"%s/calls"\nexec "%s/bin/bwrap" "$@"\n' "$work" "$work" >"$work/logging"
	chmod 755 "$work/logging"
}

# flatpak wants a system bus for parental controls; the session's does.
with_bus() {
	dbus-run-session -- sh -c 'DBUS_SYSTEM_BUS_ADDRESS=$DBUS_SESSION_BUS_ADDRESS exec "$@"' sh "$@"
}

make_application() {
	mkdir -p rt/files rt/usr/bin rt/usr/lib rt/usr/etc app/files/bin app/export
	cp /bin/busybox rt/usr/bin/
	for name in sh ls cat echo id; do ln -s busybox "rt/usr/bin/$name"; done
	ref=org.test.Platform/$(flatpak --default-arch)/1
	printf '[Runtime]\nname=org.test.Platform\nruntime=%s\nsdk=%s\n' "$ref" "$ref" >rt/metadata
	printf '#!/bin/sh\necho hello $(id -u) $1; ls /; cat /.flatpak-info | head -n 3; exit 5\n' >app/files/bin/hello
	chmod 755 app/files/bin/hello
	printf '[Application]\nname=org.test.App\nruntime=%s\nsdk=%s\ncommand=hello\n' "$ref" "$ref" >app/metadata
	flatpak build-export --disable-sandbox -r repo rt 1 && flatpak build-export --disable-sandbox repo app 1 &&
		flatpak --user remote-add --no-gpg-verify test "file://$PWD/repo"
}

flatpak_runs() {
	for needed in flatpak dbus-run-session /bin/busybox; do
		have "$needed" || { skip "flatpak: $needed"; return; }
	done
	XDG_RUNTIME_DIR=$work/run XDG_DATA_HOME=$work/data
	export XDG_RUNTIME_DIR XDG_DATA_HOME
	mkdir -m 700 "$work/run"
	make_application >"$work/out" 2>"$work/err"
	FLATPAK_BWRAP=$work/logging with_bus flatpak --user install -y --noninteractive test org.test.App >"$work/out" 2>"$work/err"
	status=$?
	ok "flatpak installs an application" is_status 0
	: >"$work/calls"
	FLATPAK_BWRAP=$work/logging with_bus flatpak --user run org.test.App argument >"$work/out" 2>"$work/err"
	same "flatpak runs it: its exit status" 5 $?
	ok "its output" says "^hello $(id -u) argument$"
	ok "cuddy started it" grep -q -- '--args .* hello argument$' "$work/calls"
	if [ -x /usr/bin/bwrap ]; then
		FLATPAK_BWRAP=/usr/bin/bwrap with_bus flatpak --user run org.test.App argument >"$work/theirs" 2>"$work/err"
		same "bubblewrap's is the same" "$(cat "$work/theirs")" "$(cat "$work/out")"
	fi
}

thumbnail() {
	printf 'P3\n2 2\n255\n255 0 0  255 0 0\n255 0 0  255 0 0\n' >picture.ppm
	cat >thumbnail.py <<-'END'
		import gi, sys
		gi.require_version("GnomeDesktop", "4.0")
		from gi.repository import GnomeDesktop as G
		factory = G.DesktopThumbnailFactory.new(G.DesktopThumbnailSize.NORMAL)
		picture = factory.generate_thumbnail("file://" + sys.argv[1], "image/x-portable-pixmap", None)
		print(picture.get_width(), picture.get_height(), picture.get_pixels()[:3].hex())
	END
	if ! python3 -c 'import gi; gi.require_version("GnomeDesktop", "4.0")' 2>/dev/null ||
	   ! have gdk-pixbuf-thumbnailer; then
		skip "gnome-desktop's thumbnailer"
		return
	fi
	: >"$work/calls"
	mkdir -p "$work/first"
	cp "$work/logging" "$work/first/bwrap"
	PATH=$work/first:$PATH python3 thumbnail.py "$PWD/picture.ppm" >"$work/out" 2>"$work/err"
	ok "GNOME makes a thumbnail, all red" says 'fe0000$\|ff0000$'
	ok "in our sandbox" grep -q -- '--seccomp' "$work/calls"
}

styles() {
	unset XDG_RUNTIME_DIR
	for name in passwd group; do getent $name 65534 >"$work/$name"; done
	"$work/bin/bwrap" --ro-bind /usr /usr --dir /tmp --dir /var --symlink ../tmp var/tmp --proc /proc --dev /dev \
		--ro-bind /etc/resolv.conf /etc/resolv.conf --symlink usr/lib /lib --symlink usr/lib64 /lib64 \
		--symlink usr/bin /bin --symlink usr/sbin /sbin --chdir / --unshare-all --share-net --die-with-parent \
		--dir "/run/user/$(id -u)" --setenv XDG_RUNTIME_DIR "/run/user/$(id -u)" --setenv PS1 "bwrap-demo$ " \
		--file 5 /etc/passwd --file 6 /etc/group /bin/sh -c \
		'pwd; readlink /var/tmp; cat /etc/passwd | wc -l; echo $XDG_RUNTIME_DIR; test -d $XDG_RUNTIME_DIR && echo dir' \
		5<"$work/passwd" 6<"$work/group" >"$work/out" 2>"$work/err"
	same "the style of bubblewrap's demo" "/ ../tmp 1 /run/user/$(id -u) dir " "$(tr '\n' ' ' <"$work/out")"
	# Steam's runtime: options in files, whole host trees at /run/host, overrides at the end, no new namespaces but one.
	printf '%s\0' --dev-bind /dev /dev --proc /proc --setenv LD_LIBRARY_PATH /nowhere --unsetenv LD_LIBRARY_PATH >more
	for path in /usr /bin /lib /lib64 /sbin /etc; do
		[ -e $path ] && printf '%s\0' --ro-bind $path $path
	done >system
	printf '%s\0' --tmpfs /run --dir /run/host --ro-bind /usr /run/host/usr --ro-bind /etc /run/host/etc \
		--symlink host/usr/lib /run/overrides >words
	"$work/bin/bwrap" --args 7 --args 8 --args 9 --unshare-pid --info-fd 5 --sync-fd 6 --lock-file /etc/passwd -- \
		sh -c 'ls /run/host; ls -d /run/overrides/; echo "[$LD_LIBRARY_PATH]"' \
		6</dev/null 7<system 8<words 9<more 5>info >"$work/out" 2>"$work/err"
	same "the style of a Steam runtime" "etc usr /run/overrides/ [] " "$(tr '\n' ' ' <"$work/out")"
	ok "with its information" grep -q child-pid info
}

suite() {
	link_ours
	styles
	thumbnail
	flatpak_runs
}

. "$(dirname "$0")/both.lib"
