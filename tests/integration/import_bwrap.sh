#!/bin/sh
# tests/integration/import_bwrap.sh - 'cuddy import --from bwrap': the profile of a command line grants what
# 'cuddy bwrap' with the same words does, by what a program finds inside of both.  Nothing more, ever; where
# it is less, the table below says so, and the import says it with a note.

# What a program can do, a line each.
probe='
for p in $PLACES; do
	if [ -d "$p" ]; then
		ls "$p" >/dev/null 2>&1 && echo "list $p"
		( : >"$p/new" ) 2>/dev/null && echo "create $p" && rm -f "$p/new"
	else
		cat "$p" >/dev/null 2>&1 && echo "read $p"
		[ -e "$p" ] && ( : >>"$p" ) 2>/dev/null && echo "write $p"
		[ -x "$p" ] && "$p" >/dev/null 2>&1 && echo "execute $p"
	fi
done
echo "user $(id -u)"; [ "$(uname -n)" != boat ] || echo boat; echo "at $PWD"; echo "variable $A $B"
[ "$(wc -l </proc/net/dev 2>/dev/null || echo 0)" -gt 3 ] && echo network
( : >/dev/null ) 2>/dev/null && echo null
head -c 1 /dev/zero >/dev/null 2>&1 && echo zero
[ -r /proc/self/status ] && echo proc
[ -d /proc/1 ] && ! [ -d /proc/$OUTSIDE ] && echo own-processes
grep -q "^CapEff.*[1-9a-f]" /proc/self/status 2>/dev/null && echo capabilities
:
'

# trip NAME LESS WORD…: LESS is a pattern of lines that only bubblewrap may have.
trip() {
	name=$1 less=$2; shift 2
	tree_of_test
	A=outside B=outside PLACES=$places OUTSIDE=$$ "$tree/build/cuddy" bwrap "$@" /bin/sh -c "$probe" \
		>"$work/theirs" 2>"$work/err" </dev/null || { ok "$name: bwrap runs" false; return; }
	tree_of_test
	cuddy import --from bwrap -o "$work/profile.toml" -- "$@" /bin/sh -c "$probe"
	ok "$name: is imported" is_status 0
	cp "$work/err" "$work/notes"
	A=outside B=outside PLACES=$places OUTSIDE=$$ "$tree/build/cuddy" run --ephemeral -p "$work/profile.toml" \
		>"$work/ours" 2>"$work/err" </dev/null || { ok "$name: the profile runs" false; return; }
	sort "$work/theirs" >"$work/a"; sort "$work/ours" >"$work/b"
	same "$name: it grants nothing more" "" "$(comm -13 "$work/a" "$work/b")"
	same "$name: and no less, but for '$less'" "" "$(comm -23 "$work/a" "$work/b" | grep -v -E "^($less)$")"
}

tree_of_test() {
	rm -rf "$work/t"
	mkdir -p "$work/t/a/deep" "$work/t/b" "$work/t/ro/in"
	for file in a/file a/deep/file b/file ro/file ro/in/file; do echo "$file" >"$work/t/$file"; done
	cp /bin/true "$work/t/a/program"
	ln -sf a "$work/t/link"
}

suite() {
	t=$work/t
	places="$t $t/a $t/a/file $t/a/deep $t/a/deep/file $t/a/program $t/b $t/b/file $t/ro $t/ro/file $t/ro/in \
$t/ro/in/file $t/link/file $t/not-there /etc/passwd /usr/bin /bin /tmp /run/x /mnt /mnt/a /mnt/a/file /mnt/a/program \
/mnt/b /mnt/b/file $HOME /var /root /proc/sys/kernel/hostname"
	system="--ro-bind /usr /usr --ro-bind-try /etc/ld.so.cache /etc/ld.so.cache"
	for link in bin lib lib64 lib32 sbin; do
		[ ! -L "/$link" ] || system="$system --symlink $(readlink "/$link") /$link"
		[ -L "/$link" ] || [ ! -e "/$link" ] || system="$system --ro-bind /$link /$link"
	done
	basic="$system --proc /proc --dev /dev --unshare-all --chdir /"
	# The root that bubblewrap makes can be written, a cage's can't; root keeps its capabilities.
	none="capabilities|create ($t|/run/x|/mnt|$HOME|/var|/root)"

	# shellcheck disable=SC2086
	{
	trip "a small system" "$none" $basic
	trip "a directory to write" "$none" $basic --bind "$t" "$t"
	trip "one to read in it" "$none" $basic --bind "$t" "$t" --ro-bind "$t/ro" "$t/ro"
	trip "and one to write in that" "(create|write) $t/ro/in.*|$none" \
		$basic --bind "$t" "$t" --ro-bind "$t/ro" "$t/ro" --bind "$t/ro/in" "$t/ro/in"
	trip "one to write in one to read" "$none" $basic --ro-bind "$t" "$t" --bind "$t/a" "$t/a"
	trip "an empty place" "$none" $basic --tmpfs /tmp --bind "$t" "$t" --tmpfs "$t/b"
	trip "an empty place that hides what came before" "$none" $basic --bind "$t/a" "$t/a" --tmpfs "$t"
	trip "what is bound into an empty place" "$none" $basic --tmpfs "$t" --ro-bind "$t/a" "$t/a"
	trip "an empty place that is read-only" "list $t.*|$none" $basic --tmpfs "$t/b" --remount-ro "$t/b"
	trip "read-only at last" "$none" $basic --bind "$t" "$t" --remount-ro "$t"
	trip "somewhere else" "execute /mnt.*|$none" $basic --ro-bind "$t/a" /mnt/a --bind "$t/b" /mnt/b
	trip "what is missing" "$none" $basic --ro-bind-try "$t/not-there" "$t/not-there"
	trip "a directory that is made" "(list|create) /run/x|$none" $basic --dir /run/x
	trip "through a link" "$none" $basic --ro-bind "$t/link" "$t/link"
	trip "the whole system" "(list|read|execute) (/|/mnt).*|$none" --ro-bind / / --tmpfs /tmp --proc /proc --dev /dev \
		--unshare-all --chdir /
	trip "the whole system to write, but for one" "$none" --bind / / --ro-bind "$t/ro" "$t/ro" --proc /proc --dev /dev \
		--unshare-all --chdir / --tmpfs /tmp
	trip "root inside" "$none" $basic --unshare-user --uid 0 --gid 0
	trip "nobody inside" "$none" $basic --unshare-user --uid 65534 --gid 65534
	trip "another name" "$none" $basic --hostname boat
	trip "variables" "$none" $basic --setenv A "a 'b' \$(c)" --unsetenv B
	trip "and no others" "$none" $basic --clearenv --setenv B b
	trip "the host's network" "$none" $basic --share-net
	trip "a working directory" "$none" $basic --bind "$t" "$t" --chdir "$t/a"
	}
	trip_arguments
	refusals
}

# The options may come through a descriptor, and words may be anything.
trip_arguments() {
	printf '%s\0' --ro-bind /usr /usr --setenv A "two
lines \"#" >"$work/words"
	"$tree/build/cuddy" import --from bwrap -- --args 7 --unshare-all "pro
gram" '"' '\' 7<"$work/words" >"$work/out" 2>"$work/err"
	status=$?
	ok "options of --args are imported" is_status 0
	ok "with their place" says '"/usr{,/,/\*\*}".*command line:1'
	cp "$work/out" "$work/words.toml"
	cuddy profile check "$work/words.toml"
	ok "odd words stay words" is_status 0
}

refusals() {
	for words in --bind --foo "--bind /a" "--uid x" "--size 0 --tmpfs /x true" "--perms 9 --dir /x true" "--unshare-all" \
		"--setenv A=B c true" "--args 9 true" "--disable-userns true" "--hostname x true"; do
		# shellcheck disable=SC2086
		cuddy import --from bwrap -- $words
		ok "refused: '$words'" is_status 125
		ok "with what bubblewrap says" complains 'C711'
	done
	cuddy import --from bwrap
	ok "refused: no words" is_status 125
	cuddy import --strict --from bwrap -- --chmod 0700 / true
	ok "--strict exits with 1 when something is lost" is_status 1
}

. "$(dirname "$0")/both.lib"
