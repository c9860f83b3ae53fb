#!/bin/sh
# overlay.sh - copy-on-write: what a program changes is kept apart, listed, committed, discarded.  TAP; once as
# the caller and, when that is root, once more as cuddy-test.  Each three times:
#     kernel  with the kernel's overlayfs
#     fuse    with fuse-overlayfs, as if the kernel had refused
#     nested  where it does refuse: all lies on an overlay, as in a container.  There whiteouts are files.
# CUDDY names the program (default build/cuddy); it is copied to where both users can read it.
root=$(cd "$(dirname "$0")/../.." && pwd) || exit 1
user=cuddy-test
PATH=/usr/local/bin:/usr/bin:/bin
unset XDG_CONFIG_HOME XDG_DATA_HOME XDG_CACHE_HOME XDG_STATE_HOME XDG_RUNTIME_DIR SHELL BASH_ENV ENV
export PATH LC_ALL=C NO_COLOR=1
umask 022

# ---- the second part: called again for each user, in a directory of its own ----------------

count=0
ok() { # TITLE COMMAND…: passes when the command does
	title=$1; shift
	count=$((count + 1))
	if "$@"; then
		echo "ok $count - $title"
	else
		echo "not ok $count - $title"
		head -n 20 "$work/out" "$work/err" 2>/dev/null | sed 's/^/# /'
	fi
}
cuddy() {
	"$tree/build/cuddy" "$@" >"$work/out" 2>"$work/err" </dev/null
	status=$?
}
caged()     { cuddy run -p "$work/cow.toml" -n "$cage" sh -c "$1"; }
is_status() { [ "$status" = "$1" ]; }
says()      { grep -qF -e "$1" "$work/out"; }
complains() { grep -qF -e "$1" "$work/err"; }
not()       { ! "$@"; }
same()      { [ "$1" = "$2" ]; }

# All that a commit must carry over: names, types, modes, times, links, texts and contents.
# The time of the top is its own.
snapshot() {
	(cd "$1" && find . -mindepth 1 \
		\( -type d -printf '%P %y %m %T@\n' -o -printf '%P %y %m %s %n %l %T@\n' \) | sort
	 find . -type f ! -name none -exec sha256sum {} + | sort) | sed 's/^\\//' | grep -v secret
}
show='cd "$HOME/project" && find . -mindepth 1 \
	\( -type d -printf "%P %y %m %T@\n" -o -printf "%P %y %m %s %n %l %T@\n" \) | sort;
	find . -type f ! -name none -exec sha256sum {} + | sort'
# What the cage sees, but for what is hidden from it.
seen() {
	caged "$show"
	grep -v -e secret -e '^missing ' "$work/out" | sed 's/^\\//'
}

# The tree of the cage $cage, with what fuse-overlayfs would have begun.
begin_with_fuse() {
	[ "$variant" = fuse ] || return
	caged true
	for tree_data in "$HOME/.local/share/cuddy/cages/$cage"/overlay/*; do
		mkdir -m 700 "$tree_data/fuse" && mv "$tree_data/upper" "$tree_data/work" "$tree_data/fuse/"
	done
}
serves() { ls -d "$HOME/.local/share/cuddy/cages/$cage"/overlay/*/fuse/upper >/dev/null 2>&1; }

make_project() {
	chmod -R u+rwX "$HOME/project" "$HOME/.local" 2>/dev/null
	rm -rf "$HOME/project" "$HOME/.local"
	mkdir -p "$HOME/project/dir/deep" "$HOME/project/replaced" "$HOME/project/gone" "$HOME/project/secret"
	cd "$HOME/project" || exit 1
	for name in a b mode type dir/one dir/deep/two replaced/old gone/x secret/key touched; do
		echo "host's $name" >"$name"
	done
	ln -s a link
	echo linked >first && ln first second
	begin_with_fuse
	sleep 0.1
}
changes='cd "$HOME/project"; echo cage >>a; rm b; chmod 640 mode; rm type; mkdir type; echo x >type/x
	rm -r replaced gone; mkdir replaced; echo new >replaced/new; mkdir -p new/er; echo deep >new/er/f
	touch -d "2001-02-03 04:05:06.789" new/er/f; ln new/er/f new/hard; ln -sf b link; mkfifo pipe
	truncate -s 20M sparse; echo end >>sparse; chmod 700 dir; mv dir/one dir/moved; echo late >>dir/deep/two
	touch -d 2010-01-01 touched; echo "odd" >"$(printf "odd\nname\033[1m")"; mkdir empty; chmod 500 empty
	echo hidden >none; chmod 0 none'

test_changes() {
	cage=all
	make_project
	before=$(snapshot "$HOME/project")
	caged "$changes"
	ok "a program changes its project" is_status 0
	case $variant in
	kernel) ok "the kernel does it" not serves ;;
	*) ok "fuse-overlayfs does it" serves ;;
	esac
	ok "the host's files are as they were" same "$before" "$(snapshot "$HOME/project")"
	seen >"$work/wanted"
	cuddy changes all
	ok "changes are listed" says "M $HOME/project/a"
	for line in "D $HOME/project/b" "M $HOME/project/mode" "T $HOME/project/type/" \
		"D $HOME/project/replaced/old" "A $HOME/project/replaced/new" "D $HOME/project/gone/" \
		"A $HOME/project/new/er/f" "A $HOME/project/pipe" "M $HOME/project/dir/" "D $HOME/project/dir/one" \
		"M $HOME/project/link" "M $HOME/project/touched" 'odd\x0aname\x1b[1m'; do
		ok "listed: $(printf %s "${line#"? $HOME"}" | tr -d '\\')" says "$line"
	done
	ok "what is the same is not listed" not says "first"
	cuddy changes --json all
	ok "as JSON" python3 -c 'import json,sys; rows = json.load(open(sys.argv[1]))
assert any(r["path"].endswith("/a") and r["change"] == "modified" and "content" in r["differs"] for r in rows)' "$work/out"
	cuddy changes --diff all "$HOME/project/a"
	ok "as a difference" says "+cage"
	cuddy commit all
	ok "they are committed" is_status 0
	snapshot "$HOME/project" >"$work/got"
	ok "the host has what the cage saw" diff -u "$work/wanted" "$work/got"
	ok "with holes" test "$(du -k sparse | cut -f 1)" -lt 1000
	cuddy changes all
	ok "nothing is left to commit" test ! -s "$work/out"
	seen >"$work/got"
	ok "the cage sees the same as before" diff -u "$work/wanted" "$work/got"
}

test_conflicts() {
	cage=conflicts
	make_project
	caged 'cd "$HOME/project"; echo cage >>a; rm b; rm -r gone; echo cage >>dir/deep/two; echo >fresh'
	sleep 0.1
	echo host >>a; echo host >>b; echo host >gone/y; echo host >fresh
	cuddy commit conflicts
	ok "conflicts end with status 1" is_status 1
	for name in a b gone fresh; do
		ok "a conflict is named: $name" complains "'$HOME/project/$name' was not committed"
	done
	ok "the host's are left alone" test "$(tail -n 1 a)$(tail -n 1 b)$(cat gone/y)$(cat fresh)" = hosthosthosthost
	ok "others are committed" grep -q cage dir/deep/two
	cuddy discard conflicts "$HOME/project/b"
	ok "one is discarded" is_status 0
	cuddy changes conflicts
	ok "and is no change any more" not says "project/b"
	cuddy commit --force conflicts a
	ok "one is forced" test "$status$(tail -n 1 a)" = 0cage
	cuddy discard conflicts
	cuddy changes conflicts
	ok "all are discarded" test ! -s "$work/out"
	caged 'cat "$HOME/project/fresh"'
	ok "then the cage sees the host's" says host
	cuddy discard conflicts "$HOME/project/a"
	ok "no change is no discard" test "$status" = 125
	cuddy commit conflicts /etc
	ok "another directory is refused" test "$status" = 125
	cuddy changes nobody
	ok "another cage is refused" test "$status" = 125
}

# A deny holds among the changes too, whether it is there or not.
test_denies() {
	cage=denies
	make_project
	caged 'cd "$HOME/project"; cat secret/key; echo >secret/new; mkdir -p missing/dir; echo >missing/dir/x
		mv secret elsewhere; rm -rf secret; echo >read-me/x; ls read-me; :'
	ok "a denied file is not read" not says "host's"
	cuddy changes denies
	ok "nothing denied is changed or made" test ! -s "$work/out"
	ok "no stub is left on the host" test ! -e missing
}

# Nothing is taken out from under a running cage; an ephemeral one keeps nothing.
test_running() {
	cage=running
	make_project
	mkfifo "$work/wait"
	"$tree/build/cuddy" run -p "$work/cow.toml" -n running sh -c \
		'cd "$HOME/project"; echo cage >>a; echo ready; read -r line' <"$work/wait" >"$work/ready" 2>"$work/err" &
	child=$!
	exec 9>"$work/wait"
	while [ ! -s "$work/ready" ] && kill -0 $child 2>/dev/null; do sleep 0.05; done
	for command in changes commit discard; do
		cuddy $command running
		ok "$command waits for the end of a running cage" complains "is running"
	done
	echo >&9
	exec 9>&-
	wait $child
	cuddy commit running
	ok "then it is committed" grep -q cage a
	cage=ephemeral
	cuddy run -p "$work/cow.toml" -n ephemeral --ephemeral sh -c 'cd "$HOME/project"; echo more >>a; cat a'
	ok "an ephemeral cage changes its project" says more
	ok "and nothing is kept" not grep -q more a
	cuddy changes ephemeral
	ok "nor listed" is_status 125
}

many='cd "$HOME/project"; i=0; while [ $i -lt 200 ]; do mkdir -p many/$i; echo $i >many/$i/f
	ln many/$i/f many/$i/g; echo $i >>dir/deep/two; echo $i >top-$i; i=$((i + 1)); done; rm -r gone; rm -r replaced
	mkdir replaced; echo n >replaced/n'

# Killed at random moments; the unit test kills at each step.
test_kill() {
	cage=kill
	make_project
	caged "$many"
	seen >"$work/wanted"
	round=0 rounds=20
	[ $variant = kernel ] || rounds=6
	while [ $round -lt $rounds ]; do
		"$tree/build/cuddy" commit kill >"$work/out" 2>"$work/err" &
		child=$!
		sleep "0.0$((round * 7 % 40 + 10))"
		kill -9 $child 2>/dev/null
		wait $child 2>/dev/null
		round=$((round + 1))
	done
	cuddy commit kill
	ok "after $rounds kills the next commit finishes" is_status 0
	snapshot "$HOME/project" >"$work/got"
	ok "and the result is the same" diff -u "$work/wanted" "$work/got"
	ok "nothing temporary is left" test -z "$(find "$HOME" -name '.cuddy-commit-*' 2>/dev/null)"
	cuddy changes kill
	ok "nothing is left to commit" test ! -s "$work/out"
}

# A host's file system that is full: in a mount namespace of its own.
test_full() {
	cage=full
	make_project
	export tree work HOME
	unshare -m sh -c '
		mount -t tmpfs -o size=2m,mode=755 none "$HOME/project" && cd "$HOME/project" || exit 2
		head -c 300000 /dev/zero | tr "\0" a >big; echo small >small; sleep 0.1
		"$tree/build/cuddy" run -p "$work/cow.toml" -n full sh -c "cd \"\$HOME/project\" &&
			head -c 900000 /dev/zero | tr \"\\0\" b >big; echo changed >small"
		head -c 1200000 /dev/zero >filler
		"$tree/build/cuddy" commit full; echo "status $?"
		tr -d a <big | wc -c; wc -c <big; cat small; ls -A | grep cuddy
		rm filler; "$tree/build/cuddy" commit full; echo "status $?"; tr -d b <big | wc -c; wc -c <big
	' >"$work/out" 2>"$work/err"
	printf 'status 1\n0\n300000\nchanged\nstatus 0\n0\n900000\n' >"$work/wanted"
	ok "a full disk leaves the host's file whole" diff -u "$work/wanted" "$work/out"
	ok "and is said" complains "No space left"
}

if [ "$1" = --inner ]; then
	tree=$2 work=$3 HOME=$3/home variant=$4
	export HOME
	mkdir -p "$HOME"
	cat >"$work/cow.toml" <<-'END'
		include = ["command-line"]
		[filesystem]
		copy-on-write = ["~/project"]
		deny = ["~/project/secret/**", "~/project/missing/dir/**"]
	END
	test_changes
	test_conflicts
	test_denies
	test_running
	test_kill
	[ "$(id -u)" != 0 ] || test_full
	echo "1..$count"
	exit 0
fi

# ---- the first part: makes the tree and calls the second -----------------------------------

# Runs the second part as both users below a directory: each variant once.
both() {
	mkdir -p "$2/self"
	sh "$script" --inner "$base/tree" "$2/self" "$1" >"$base/$1.caller"
	[ "$(id -u)" = 0 ] && id "$user" >/dev/null 2>&1 || return
	install -d -o "$user" -g "$(id -g "$user")" "$2/user"
	setpriv --reuid "$(id -u "$user")" --regid "$(id -g "$user")" --clear-groups \
		env USER="$user" LOGNAME="$user" sh "$script" --inner "$base/tree" "$2/user" "$1" >"$base/$1.user"
}
if [ "$1" = --nested ]; then # in a mount namespace
	base=$2
	script=$base/tree/tests/integration/overlay.sh
	mount -t overlay -o "lowerdir=$base/low,upperdir=$base/up,workdir=$base/wk${3:+,$3}" none "$base/nested" || exit 1
	both nested "$base/nested"
	exit 0
fi

place=/srv
[ -w "$place" ] || place=$HOME
base=$(mktemp -d "$place/cuddy-overlay.XXXXXX") || exit 1
trap 'chmod -R u+rwX "$base"; rm -rf "$base"' EXIT
trap 'exit 1' INT TERM HUP
chmod 755 "$base"
program=${CUDDY:-$root/build/cuddy}
if [ ! -x "$program" ]; then
	echo "1..0 # SKIP there is no program $program"
	exit 0
fi
if "$program" doctor --verbose | grep -q 'overlay.*missing'; then
	echo "1..0 # SKIP this kernel has no overlay file systems for users"
	exit 0
fi
mkdir -p "$base/tree/build" "$base/tree/tests/integration"
cp "$program" "$base/tree/build/cuddy"
cp -R "$root/permissions" "$root/profiles" "$base/tree/"
cp "$root/tests/integration/overlay.sh" "$base/tree/tests/integration/"
chmod -R a+rX "$base/tree"
script=$base/tree/tests/integration/overlay.sh
both kernel "$base/kernel"
[ "$(id -u)" != 0 ] || [ ! -c /dev/fuse ] || chmod 666 /dev/fuse # as distributions have it
if command -v fuse-overlayfs >/dev/null && [ -w /dev/fuse ]; then
	both fuse "$base/fuse"
	mkdir "$base/low" "$base/up" "$base/wk" "$base/nested"
	if [ "$(id -u)" = 0 ]; then
		unshare -m sh "$script" --nested "$base"
	else
		unshare -Urm sh "$script" --nested "$base" userxattr
	fi || printf 'ok 1 - an overlay on an overlay # SKIP it cannot be mounted\n1..1\n' >"$base/nested.caller"
else
	printf 'ok 1 - with fuse-overlayfs # SKIP it is not here\n1..1\n' >"$base/fuse.caller"
fi
cd "$base" || exit 1
set -- kernel.caller
for part in kernel.user fuse.caller fuse.user nested.caller nested.user; do
	[ ! -e $part ] || set -- "$@" $part
done
awk '
	/^1\.\.[0-9]+$/ { next }
	/^(not )?ok / {
		who = FILENAME
		sub(/\./, ", ", who)
		sub(/ok [0-9]+ - /, "ok " ++n " - " who ": ")
	}
	{ print }
	END { print "1.." n }
' "$@"
for part in "$@"; do
	grep -q '^1\.\.' $part || exit 1
done
! grep -q '^not ok' "$@"
