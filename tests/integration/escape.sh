#!/bin/sh
# escape.sh - what a program in the cage of command-line must not do to its project and to the
# host, tried by hand; prints TAP.  CUDDY is the program to test (default: build/cuddy).
tree=$(cd "$(dirname "$0")/../.." && pwd) || exit 1
. "$tree/tests/integration/own_mounts.lib"
cuddy=${CUDDY:-$tree/build/cuddy}
work=$(mktemp -d /var/tmp/cuddy-escape.XXXXXX) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM HUP
count=0

mkdir -p "$work/project/.git/hooks" "$work/other" "$work/home/.ssh" || exit 1
echo original | tee "$work/project/.git/config" "$work/project/.cuddy.toml.off" "$work/other/secret" \
	"$work/home/.bashrc" "$work/home/.ssh/key" > "$work/project/.git/hooks/pre-commit"
echo '# tightens nothing' > "$work/project/.cuddy.toml"
ln -s "$work/other/secret" "$work/project/planted"
ln -s /proc/1/root "$work/project/planted-root"
HOME=$work/home
export HOME
cd "$work/project" || exit 1

caged() { "$cuddy" run --profile "$tree/profiles/base/command-line.toml" sh -c "$1" 2>&1; }
row() { # NAME STATUS
	count=$((count + 1))
	if [ "$2" = 0 ]; then echo "ok $count - $1"; else echo "not ok $count - $1"; fi
}
# refused NAME SCRIPT: the last command of the script must fail, and the cage must have run.
refused() {
	said=$(caged "if { $2; } >/dev/null 2>&1; then echo open; else echo closed; fi")
	[ "$said" = closed ]
	row "$1" $?
	[ "$said" = closed ] || printf '%s\n' "$said" | sed 's/^/# /'
}

[ "$(caged 'echo new > file && mkdir dir && mv dir dir2 && echo works')" = works ]
row "a project can be changed" $?
refused "a hook is not written" 'echo evil > .git/hooks/pre-commit'
refused "a new hook is not made" 'echo evil > .git/hooks/post-merge'
refused "the hooks are not renamed" 'mv .git/hooks old'
refused "what holds the hooks is not renamed" 'mv .git old'
refused "what holds the hooks is not removed" 'rm -rf .git; mkdir .git/hooks'
refused "git's settings are not replaced" 'echo evil > .git/new; mv -f .git/new .git/config'
refused "the tightening file is not changed" 'echo > .cuddy.toml'
refused "the tightening file is not removed" 'rm -f .cuddy.toml'
refused "a planted link leads nowhere" 'cat planted'
refused "a planted link to the root of init is closed" 'ls planted-root/'
refused "another project is not read" "cat '$work/other/secret'"
refused "keys are not read" 'cat ~/.ssh/key'
refused "init is not traced" 'head -c 1 /proc/1/mem'
refused "namespaces of init are not entered" 'nsenter --target 1 --mount true'
refused "no mount namespace is made" 'unshare --mount true'
refused "no user namespace is made" 'unshare --user true'
refused "a process of the host is not signalled" "kill -0 $$ && grep -q escape.sh /proc/$$/cmdline"
caged 'echo evil >> ~/.bashrc; mkdir -p ~/.ssh; echo evil > ~/.ssh/key' >/dev/null
[ "$(cat "$HOME/.bashrc" "$HOME/.ssh/key" "$work/other/secret" .git/config .git/hooks/pre-commit |
	sort -u)" = original ]
row "nothing of it reached the host" $?

rm -rf .git .cuddy.toml
mkdir .git real-hooks
ln -s ../real-hooks .git/hooks
echo original > real-hooks/pre-commit
refused "a hook behind a link is not written" 'echo evil > real-hooks/pre-commit'
refused "a link to the hooks is not replaced" 'rm .git/hooks; mkdir .git/hooks/new'
refused "what holds the link is not renamed" 'mv .git old'
cd "$work/other" || exit 1 # the links made what holds them read-only; the rest needs none

mounts=$(wc -l < /proc/self/mountinfo)
for wait in 0.001 0.003 0.005 0.008 0.012 0.02 0.04 0.1; do
	"$cuddy" run --profile "$tree/profiles/base/command-line.toml" \
		sleep 98765.25 >/dev/null 2>&1 </dev/null &
	launcher=$!
	sleep "$wait"
	kill -KILL "$launcher"
	wait "$launcher" 2>/dev/null
done
outlives() { cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\0' ' ' | grep -q 'sleep 98765[.]25'; }
for wait in 0.1 0.2 0.5 1 2 5 10; do # the kernel takes its time
	outlives || break
	sleep "$wait"
done
! outlives
row "no program outlives its killed launcher" $?
[ "$(wc -l < /proc/self/mountinfo)" = "$mounts" ]
row "no mount is left" $?

for i in 0 1 2 3 4 5 6 7 8 9; do
	caged "touch start-$i; sleep 0.1; echo started" > "$work/start-$i" &
done
wait
[ "$(cat "$work"/start-? | grep -c '^started$')" = 10 ]
row "ten starts at once" $?
echo "1..$count"
