#!/bin/sh
# roots.sh - other root file systems, as schroot is used: a Debian from which packages are built and into
# which they are installed, copy-on-write, as mapped root, without a network; images; ids; hostile roots.
# TAP; as both.lib does.  The Debian is made of this machine's own packages (debian_root.py).
suite_files="tests/integration/debian_root.py tests/integration/archives.py"

sum() { tar -C "$1" --sort=name -cf - . | sha256sum; }
inside() { cuddy run -p build -n "$cage" --root "$root" "$@"; }
in_sh() { inside sh -c "$1"; }

# A package of one program, one directory of another owner ($1 = games or root), one new user ($2).
make_package() {
	mkdir -p hello/debian/source
	echo '3.0 (native)' >hello/debian/source/format
	cat >hello/debian/control <<-EOF
		Source: cuddy-hello
		Section: misc
		Priority: optional
		Maintainer: Nobody <nobody@example.org>
		Standards-Version: 4.6.2

		Package: cuddy-hello
		Architecture: any
		Description: says hello
		 To be built and installed.
	EOF
	cat >hello/debian/changelog <<-EOF
		cuddy-hello (1.0) unstable; urgency=low

		  * First.

		 -- Nobody <nobody@example.org>  Thu, 01 Jan 2026 00:00:00 +0000
	EOF
	tab=$(printf '\t')
	cat >hello/debian/rules <<-EOF
		#!/usr/bin/make -f
		p = debian/cuddy-hello
		build build-arch build-indep:
		${tab}cc -o hello hello.c
		clean:
		${tab}rm -rf hello debian/files debian/cuddy-hello
		binary: binary-arch
		binary-indep:
		binary-arch: build
		${tab}install -D hello \$p/usr/bin/cuddy-hello
		${tab}install -d \$p/DEBIAN \$p/var/games/cuddy
		${tab}chown $1:$1 \$p/var/games/cuddy
		${tab}printf '#!/bin/sh\nset -e\n$2\n' >\$p/DEBIAN/postinst
		${tab}chmod 755 \$p/DEBIAN/postinst
		${tab}dpkg-gencontrol -P\$p
		${tab}dpkg-deb --build \$p ..
		.PHONY: build build-arch build-indep clean binary binary-arch binary-indep
	EOF
	chmod 755 hello/debian/rules
	printf '#include <stdio.h>\nint main(void) { return puts("hello from the root") < 0; }\n' >hello/hello.c
}

build_and_install() {
	before=$(sum "$1")
	rm -rf hello cuddy-hello* repository
	make_package "$2" "$3"
	in_sh 'cd hello && dpkg-buildpackage -us -uc -b 2>&1'
	ok "$4: dpkg-buildpackage builds a package" test "$status" = 0 -a -f cuddy-hello_1.0_amd64.deb
	in_sh "apt-get $apt install -y ./cuddy-hello_1.0_amd64.deb 2>&1"
	ok "$4: apt-get installs it" is_status 0
	inside cuddy-hello
	ok "$4: it is there in the next run" says 'hello from the root'
	same "$4: the root is as it was" "$before" "$(sum "$1")"
	mkdir repository && mv cuddy-hello*.deb repository/
	in_sh "set -e; dpkg -P cuddy-hello; cd repository; dpkg-scanpackages . >Packages
		echo \"deb [trusted=yes] file:\$PWD ./\" >/etc/apt/sources.list
		apt-get $apt update; apt-get $apt install -y cuddy-hello; cuddy-hello" 2>&1
	ok "$4: and from a repository of files" says 'hello from the root'
}

debian() {
	if ! python3 "$tree/tests/integration/debian_root.py" "$work/debian.tar" 2>"$work/err"; then
		skip "a Debian made of this machine's packages"
		return
	fi
	mkdir "$work/debian"
	tar -C "$work/debian" -xpf "$work/debian.tar"
	apt=
	has_ids || apt='-o APT::Sandbox::User=root'
	cage=directory root=$work/debian
	if [ "$(id -u)" = 0 ]; then
		build_and_install "$work/debian" games 'id cuddy-guest || useradd --system cuddy-guest' 'a directory'
	else
		build_and_install "$work/debian" root : 'a directory'
	fi
	in_sh 'cat /proc/net/dev | grep -v -e lo: -e "|"; cat /etc/os-release'
	ok "there is no network" test "$(grep -c : "$work/out")" = 0 -o "$(grep -c eth "$work/out")" = 0
	cuddy changes directory
	ok "changes lists what was installed" says "^A $work/debian/usr/bin/cuddy-hello$"
	cuddy discard directory
	inside cuddy-hello
	ok "discard drops it" is_status 127
	cuddy rm --force directory
	ok "the cage is removed" test "$status" = 0 -a ! -e "$HOME/.local/share/cuddy/cages/directory"
	inner_root="$work/debian"
	single_id
	rm -rf "$work/debian"
	image
}

has_ids() { [ "$(id -u)" = 0 ] || { have newuidmap && grep -q "^$(id -un):" /etc/subuid /etc/subgid; }; }

# In a user namespace with one user there are no ids to give away, and newuidmap may do nothing.
single_id() {
	if ! unshare -Ur true 2>/dev/null; then
		skip "without subordinate ids"
		return
	fi
	rm -rf hello cuddy-hello*
	make_package root :
	chown -R "$(id -u)" "$inner_root" 2>/dev/null
	XDG_RUNTIME_DIR=$work/runtime unshare -Ur "$tree/build/cuddy" run -p build --ephemeral --root "$inner_root" sh -c 'cat /proc/self/uid_map
		cd hello && dpkg-buildpackage -us -uc -b && cd .. &&
		apt-get -o APT::Sandbox::User=root install -y ./cuddy-hello_1.0_amd64.deb && cuddy-hello' \
		>"$work/out" 2>"$work/err"
	ok "without subordinate ids a package is built and installed too" says 'hello from the root'
	ok "and one line says that root is alone" complains 'root is the only user'
	same "it is" "0 0 1" "$(head -n 1 "$work/out" | tr -s ' ' | sed 's/^ //')"
}

image() {
	if [ ! -x "$tree/build/cuddy-image" ]; then
		skip "an image"
		return
	fi
	cuddy image import -n debian "$work/debian.tar"
	cage=image root=image:debian
	if has_ids; then
		build_and_install "$HOME/.local/share/cuddy/images/debian/rootfs" games 'id cuddy-guest || useradd --system cuddy-guest' 'an image'
		in_sh 'install -d -o games -m 700 /var/mine && touch /var/mine/x && chown -R games /var/mine && chmod 700 /var/mine
			stat -c %U /var/mine/x; grep cuddy-guest /etc/shadow; setpriv --reuid games --clear-groups id -un'
		ok "other users own files" says '^games$'
		ok "a user was made" says '^cuddy-guest:'
		ok "root may become one of them" test "$(grep -c '^games$' "$work/out")" = 2
		cuddy changes image
		ok "what only they can read is listed" says '/var/mine/x$'
	fi
	cuddy explain "$work/image.toml"
	ok "explain names the image and where it is from" says "the image 'debian', imported from '$work/debian.tar'"
	cuddy run -p "$work/image.toml" --ephemeral sh -c 'touch /etc/new && ls /etc/new'
	ok "a profile names it, an ephemeral cage changes it" says /etc/new
	cuddy run -p "$work/image.toml" --ephemeral ls /etc/new
	ok "and nothing is kept" not says /etc/new
	mkfifo "$work/wait"
	"$tree/build/cuddy" run -p "$work/image.toml" -n running sh -c 'echo ready; read -r line' \
		<"$work/wait" >"$work/ready" 2>"$work/err" &
	child=$!
	exec 9>"$work/wait"
	until_true 30 test -s "$work/ready"
	cuddy ps --json
	ok "ps tells the root" says '"root": "image:debian"'
	cuddy image rm --force debian
	ok "an image that a cage runs from is not removed" test "$status" = 125 -a -d "$HOME/.local/share/cuddy/images/debian"
	cuddy run -p "$work/image.toml" -n running sh -c 'cat /etc/debian_version && id -u'
	ok "another program joins" test "$status" = 0
	echo >&9
	exec 9>&-
	wait $child
	cuddy rm --force image
	ok "a cage with files of others is removed" test "$status" = 0 -a ! -e "$HOME/.local/share/cuddy/cages/image"
	cuddy image rm --force debian
	ok "then the image is" is_status 0
}

small_root() {
	rm -rf "$1"
	mkdir -p "$1/bin" "$1/etc" "$1/home" "$1/tmp" "$1/proc" "$1/dev"
	cp "$busybox" "$1/bin/busybox"
	for name in sh cat ls touch mkdir id echo rm; do ln -s busybox "$1/bin/$name"; done
	echo small >"$1/etc/name"
}

access() {
	root=$work/small cage=small
	small_root "$root"
	before=$(sum "$root")
	inside --root-access read-only sh -c 'touch /etc/x; touch /x; touch here && cat /etc/name'
	ok "read-only: nothing of it can be written, the project can" test "$(cat "$work/out")" = small -a -e here
	same "read-only: it is as it was" "$before" "$(sum "$root")"
	cuddy rm --force small
	inside --root-access copy-on-write sh -c 'echo new >/etc/name; rm /bin/id; cat /etc/name'
	ok "copy-on-write: changes are seen" says new
	inside cat /etc/name
	ok "copy-on-write: and kept" says new
	same "copy-on-write: it is as it was" "$before" "$(sum "$root")"
	cuddy commit small "$root/etc/name"
	ok "copy-on-write: a change is committed" test "$(cat "$root/etc/name")" = new
	inside --new --root-access writable sh -c 'echo written >/etc/name'
	ok "writable: writes reach it" test "$(cat "$root/etc/name")" = written
	ok "writable: nothing is left in it" test ! -e "$root/.cuddy"
	in_sh 'touch /dev/x; ls /dev/null /proc/self/status; echo $$; echo x >/tmp/x && cat /tmp/x'
	ok "/dev, /proc and /tmp are the cage's own" test "$(tr '\n' ' ' <"$work/out" | tr -s 0-9 N)" = '/dev/null /proc/self/status N x '
	inside --hide /etc/name sh -c 'cat /etc/name; echo x >/etc/name'
	ok "a deny holds in it" test ! -s "$work/out" -a "$(cat "$root/etc/name")" = written
	small_root ./below
	before=$(sum below)
	root=./below
	in_sh 'touch below/etc/x "$PWD/below/x"; echo x >>below/etc/name'
	same "it cannot be written where the project shows it" "$before" "$(sum below)"
	printf 'include = ["build"]\nfilesystem.root = "%s"\n' "$work/small" >"$work/small.toml"
	cuddy why "$work/small.toml" 'write /etc/name'
	ok "why: allowed, of the root" says 'allow: of the root file system'
	cuddy why "$work/small.toml" 'read /usr/lib/x'
	ok "why: everything in it" says 'allow: of the root file system'
	cuddy why "$work/small.toml" "write $PWD/x"
	ok "why: the project is the computer's" says 'filesystem.project'
	cuddy run -p "$work/small.toml" --root "$work/other" true
	ok "two roots are an error" complains C135
}

hostile() {
	root=$work/hostile cage=hostile
	small_root "$root"
	mkdir "$work/secret"
	echo key >"$work/secret/key"
	rm -rf "$root/etc" "$root/home" "$root/tmp"
	ln -s "$work/secret" "$root/etc"
	ln -s "$work/secret" "$root/opt"
	ln -s "$work/secret" "$root/tmp"
	before=$(ls -lR "$work/secret")
	in_sh 'cat /etc/key /opt/key; echo x >/tmp/x; echo x >/opt/x'
	ok "links of a root lead into the root" not says key
	same "nothing is made behind them" "$before" "$(ls -lR "$work/secret")"
}

archives() {
	if [ ! -x "$tree/build/cuddy-image" ]; then
		skip "archives"
		return
	fi
	python3 - "$tree/tests/integration" "$work" "$busybox" <<-'EOF'
		import sys
		sys.path.insert(0, sys.argv[1])
		sys.dont_write_bytecode = True
		from archives import *
		box = open(sys.argv[3], "rb").read()
		lower = [directory("bin"), entry("bin/busybox", box, mode=0o755), symlink("bin/sh", "busybox")]
		lower += [directory("etc"), entry("etc/one", b"one\n"), entry("etc/gone", b"gone\n")]
		layers = [lower, [entry("etc/two", b"two\n", uid=5, gid=60), entry("etc/.wh.gone", b"")]]
		layout = Layout()
		layout.index([layout.image(layers)]).write(sys.argv[2] + "/oci")
		open(sys.argv[2] + "/saved.tar", "wb").write(Layout().saved(layers).tar())
	EOF
	for source in oci saved.tar; do
		cuddy image import -n box "$work/$source"
		cage=box-$source root=image:box
		inside sh -c 'busybox cat /etc/one /etc/two; busybox ls /etc; busybox touch /etc/three'
		ok "$source: imported and run" test "$status" = 0 -a "$(head -n 2 "$work/out" | tr '\n' ' ')" = 'one two '
		ok "$source: without what a layer took away" not says gone
		cuddy image rm --force box
		ok "$source: removed" is_status 0
	done
}

# podman, buildah and skopeo with stores below $work.  Nothing is fetched.
stored() {
	tool=$1; shift
	"$tool" --root "$work/pods" --runroot "$work/pods-run" --storage-driver vfs "$@" >"$work/out" 2>"$work/err" </dev/null
}

# Two layers, the second without a file of the first; its "/" is of whoever made it.
make_images() {
	mkdir -p "$work/made/bin" "$work/made/etc"
	cp "$busybox" "$work/made/bin/busybox"
	ln -s busybox "$work/made/bin/sh"
	echo one >"$work/made/etc/one"
	echo gone >"$work/made/etc/gone"
	echo two >"$work/two"
	tar -C "$work/made" -cf "$work/made.tar" .
	stored podman import -c 'CMD ["/bin/sh"]' "$work/made.tar" localhost/made:1 || return
	cat >"$work/build" <<-EOF
		set -e
		b() { buildah --root "$work/pods" --runroot "$work/pods-run" --storage-driver vfs "\$@"; }
		c=\$(b from --pull-never localhost/made:1)
		b copy "\$c" "$work/two" /etc/two
		rm "\$(b mount "\$c")/etc/gone"
		b commit "\$c" localhost/made:2
		b push localhost/made:2 "oci:$work/by-buildah"
		b push localhost/made:2 "docker-archive:$work/by-buildah.tar:made:2"
	EOF
	$unshared sh "$work/build" >"$work/out" 2>"$work/err" || return
	stored podman save --format docker-archive -o "$work/by-podman.tar" localhost/made:2 || return
	stored podman save --format oci-dir -o "$work/by-podman" localhost/made:2 || return
	skopeo copy --insecure-policy "oci:$work/by-buildah" "oci-archive:$work/by-skopeo.tar" >"$work/out" 2>"$work/err"
}

tools() {
	unshared=
	[ "$(id -u)" = 0 ] || unshared='buildah unshare'
	if ! have podman || ! have buildah || ! have skopeo || [ ! -x "$tree/build/cuddy-image" ] || ! $unshared true; then
		skip "images of podman, buildah and skopeo"
		return
	fi
	make_images
	ok "podman, buildah and skopeo make images" test -s "$work/by-skopeo.tar"
	for source in by-podman by-podman.tar by-buildah by-buildah.tar by-skopeo.tar; do
		cuddy image import -n made "$work/$source"
		cage=made root=image:made
		inside sh -c 'busybox cat /etc/one /etc/two; busybox ls /etc'
		same "$source: imported and run" 'one two one two' "$(xargs <"$work/out")"
		cuddy rm --force made
		cuddy image rm --force made
	done
	$unshared rm -rf "$work/pods"
}

# A mount of another path shows that one, with and without a root.
mounts() {
	mkdir -p "$work/source"
	echo source >"$work/source/file"
	printf 'include = ["build"]\nfilesystem.mount = [{ source = "%s", target = "/srv/target" }]\n' "$work/source" >"$work/mount.toml"
	cuddy run -p "$work/mount.toml" --ephemeral sh -c 'cat /srv/target/file; echo x >/srv/target/x'
	ok "a mount shows its source at its target" test "$(cat "$work/out")" = source -a ! -e "$work/source/x"
	cuddy run -p "$work/mount.toml" --ephemeral --root "$work/small" sh -c 'cat /srv/target/file; echo x >/srv/target/x'
	ok "in a root too" test "$(cat "$work/out")" = source -a ! -e "$work/source/x"
}

refusals() {
	mkdir -p "$work/empty"
	for row in "$work/nowhere:No such file" "$work/empty:holds no programs" "$work/small/etc/name:Not a directory" \
		"image:bax:no image 'bax'" "image:../x:no image"; do
		cuddy run -p build --root "${row%:*}" true
		ok "refused: ${row#"$work"}" test "$status" = 125 -a "$(grep -c "${row##*:}" "$work/err")" = 1
	done
	mkdir -p "$HOME/.local/share/cuddy/images/box/rootfs"
	cuddy run -p build --root image:bix true
	ok "the nearest image is named" complains "did you mean 'image:box'"
	rm -r "$HOME/.local/share/cuddy/images/box"
	cuddy run -p build --root "$work/small" --root-access write true
	ok "an unknown access is refused" complains C138
	if [ "$(id -u)" != 0 ]; then
		cuddy run -p build --root / true
		ok "a root of somebody else is refused, with a way out" complains 'belongs to another user'
	fi
}

suite() {
	printf 'include = ["build"]\n[filesystem]\nroot = "image:debian"\n' >"$work/image.toml"
	busybox=$(command -v busybox)
	if [ -n "$busybox" ] && ! ldd "$busybox" >/dev/null 2>&1; then
		access
		hostile
		archives
		tools
		mounts
		refusals
	else
		skip "small roots"
	fi
	debian
}

. "$(dirname "$0")/both.lib"
