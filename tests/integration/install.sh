#!/bin/sh
# tests/integration/install.sh - what 'make install' gives to a stranger, as TAP: the example built with
# pkg-config against the installed library and run, the header in C++, and the symbols that are seen.
root=$(cd "$(dirname "$0")/../.." && pwd) || exit 1
build=${BUILD:-$root/build}
unset PKG_CONFIG_PATH CPATH LIBRARY_PATH LD_LIBRARY_PATH
export LC_ALL=C

have() { command -v "$1" >/dev/null 2>&1; }
for tool in meson cc pkg-config nm; do
	have "$tool" || { echo "1..0 # SKIP $tool is not here"; exit 0; }
done
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM HUP
cd "$work" || exit 1

count=0
ok() {
	title=$1; shift
	count=$((count + 1))
	if "$@" >log 2>&1; then
		echo "ok $count - $title"
	else
		echo "not ok $count - $title"
		head -n 12 log | sed 's/^/# /'
	fi
}
skip() { count=$((count + 1)); echo "ok $count - $* # SKIP not here"; }
prints() { [ "$("$@" | head -c 6)" = "$wanted" ]; }

ok "make install" meson install -C "$build" --no-rebuild --destdir "$work/root"
file=$(find root -name cuddy.pc)
ok "a pkg-config file is installed" test -f "$file"
prefix=root$(sed -n 's/^prefix=//p' "$file")
library=$(dirname "$(dirname "$file")")
export PKG_CONFIG_LIBDIR="$work/${file%/*}" PKG_CONFIG_SYSROOT_DIR="$work/root"
flags=$(pkg-config --cflags --libs cuddy)
ok "pkg-config knows the library" test -n "$flags"

cp "$root/examples/why.c" .
# shellcheck disable=SC2086 # a list of words
ok "the example builds" cc -Wall -Wextra -Wpedantic -Werror -std=c99 -o why why.c $flags
export LD_LIBRARY_PATH="$work/$library"
for answer in 'deny: read /etc/shadow' 'allow: read /usr/bin/env'; do
	wanted=$(echo "$answer" | head -c 6)
	ok "the example answers $wanted" prints ./why project "${answer#*: }" "$prefix/share/cuddy"
done
ok "it needs the library by its interface's number" sh -c 'LC_ALL=C ldd why | grep -q "libcuddy\.so\.0 => $LD_LIBRARY_PATH"'
ok "the example fails without a profile" sh -c '! ./why no-such-profile "read /" "$1"' - "$prefix/share/cuddy"

if have c++; then
	cat >use.cc <<-'END'
		#include <cuddy.h>
		int main()
		{
			cuddy_options options = {};
			options.size = sizeof(options);
			cuddy *c = cuddy_load(&options);
			int r = cuddy_check(c);
			cuddy_free(c);
			return r == -1 ? 0 : 1;
		}
	END
	# shellcheck disable=SC2086
	ok "the header is C++ too" c++ -Wall -Werror -o use use.cc $flags
	ok "and links" ./use
else
	skip "c++"
fi

nm -D --defined-only "$library/libcuddy.so" | sed -n 's/.* T \([a-z_]*\).*/\1/p' | sort >shown
sed -n 's/^[a-z].*\(cuddy_[a-z_]*\)(.*/\1/p' "$prefix/include/cuddy.h" | sort -u >declared
sed -n 's/^\t\(cuddy_[a-z_]*\);/\1/p' "$root/src/lib/libcuddy.map" | sort >mapped
ok "the library shows some functions" test -s shown
ok "which are those of the header" diff declared shown
ok "and those of the map" diff mapped shown
ok "nothing else is shown" sh -c '! nm -D --defined-only "$1" | grep -v "cuddy_\| A CUDDY_0"' - "$library/libcuddy.so"
ok "the program is installed" "$prefix/bin/cuddy" --version
ok "and does not need the library" sh -c '! LC_ALL=C ldd "$1" | grep libcuddy' - "$prefix/bin/cuddy"
echo "1..$count"
