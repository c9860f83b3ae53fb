#!/bin/sh
# tests/golden.sh - what every shipped profile comes to: policy, words, plan, as files that show a
# change to whoever reads the commit.  Prints TAP; --update writes the files anew.
#
# tests/golden/NAME.txt holds the rules that the profile writes itself, the flags that it uses with the
# number of their rules, what 'explain' says it may, and the steps of 'plan' that do not depend on what
# this computer has installed, or the lines that refuse it.  permissions.txt holds the rules of each flag.
# CUDDY names the program (default build/cuddy).  It is copied with this tree's own files.
root=$(cd "$(dirname "$0")/.." && pwd) || exit 1
program=${CUDDY:-$root/build/cuddy}
golden=$root/tests/golden
if [ ! -x "$program" ]; then
	echo "1..0 # SKIP there is no program $program"
	exit 0
fi
work=$(mktemp -d /var/tmp/cuddy-golden.XXXXXX) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM HUP
mkdir -p "$work/tree/build" "$work/project" "$work/out"
mkdir -m 700 "$work/runtime" # a place for running cages that is the caller's alone
cp "$program" "$work/tree/build/cuddy"
cp -R "$root/permissions" "$root/profiles" "$work/tree/"
cp "$root/tests/unit/proposal.toml" "$work/tree/"
cd "$work/project" || exit 1

# The same caller everywhere; this home need not exist.
cuddy() {
	env -i HOME=/home/golden PATH=/usr/bin:/bin LANG=C XDG_RUNTIME_DIR="$work/runtime" \
		"$work/tree/build/cuddy" "$@"
}

# Names instead of directories that differ; places of rules without line numbers, which move.
normalise() {
	sed -e "s|$work/project|PROJECT|g; s|$work/tree/||g; s|$work|WORK|g" -e 's/[0-9a-f][0-9a-f]*:[0-9][0-9]*  //' -e 's/\.toml:[0-9:]*[0-9]/.toml/g'
}

# print_rules PROFILE [all]: every rule with all, else those that no flag brings, and a count of these.
print_rules() {
	cuddy explain --json "$1" | python3 -c '
import collections, json, sys
flags, calls = collections.Counter(), []
for rule in json.load(sys.stdin)["rules"]:
    if rule["flag"] and sys.argv[1] != "all":
        flags[rule["effect"], rule["flag"]] += 1
    elif rule["kind"] == "syscall":
        calls.append(("" if rule["effect"] == "allow" else rule["effect"] + " ") + rule["pattern"])
    elif rule["flag"] or sys.argv[1] != "all":
        print(rule["effect"], rule["kind"], rule["access"] + ":", rule["pattern"])
if calls:
    print("calls:", *calls)
for (effect, flag), count in sorted(flags.items()):
    print(effect, flag + ":", count)' "$2"
}

print_flags() {
	for flag in $(cuddy permissions | sed 's/ .*//'); do
		printf '[%s]\nflags = ["%s"]\n' "${flag%%.*}" "${flag#*.}" >"$work/flag.toml"
		echo "== $flag"
		print_rules "$work/flag.toml" all
	done | normalise
}

# Of the mounts only those are shown that every computer has; numbers of users, files and limits of
# the caller are left out, and so is what stands in files that are written for him.
print_plan() {
	if cuddy plan "$1" true >"$work/plan" 2>"$work/refusal"; then
		sed -n -E -e 's/^ *[0-9]+  //; s/  \([^()]*\.toml.*//; s/ +$//' \
			-e '/^(IDENTITY|PIVOT|INSIDE|NET|LIMITS|PRIVILEGE|EXEC)/{s/(MAP_IDS|RLIMIT +[0-9]+|NEST) .*/\1/; p; b' -e '}' \
			-e '/^FILTER/{s/[0-9]+ instructions/a program/; p; b' -e '}' \
			-e 's/(FILE +\/\.cuddy\/[a-z-]+) .*/\1/' \
			-e '/^ROOT +[A-Z_]+ +\/(\.cuddy|dev|home|tmp|usr|var\/tmp)/p' \
			-e '/^ROOT +(PRIVATE$|NEWROOT)/p' "$work/plan"
	else
		grep -E 'error\[|^help: ' "$work/refusal"
	fi
}

print_all() {
	echo "== rules"
	print_rules "$1" | normalise
	echo "== explain"
	cuddy explain "$1" | sed '/^It may never/,$d' | normalise
	echo "== plan"
	print_plan "$1" | normalise
}

# Five questions and more on each side, with the lines that decide.
print_answers() {
	echo "== why"
	for question in "read /sys/kernel/mm" "write /tmp/new" "connect example.org:443" "send icmp:example.org" \
		"resolve example.org" "listen 8080" "syscall mmap" "syscall setuid" "capability net_raw" \
		"write /sys/kernel/mm" "read /etc/shadow" "execute /bin/sh" "read ~/.ssh/id_ed25519" \
		"connect 192.168.1.1:443" "connect 169.254.169.254:80" "syscall ptrace" "capability sys_admin" \
		"talk org.freedesktop.secrets" "device /dev/video0"; do
		printf '%s: ' "$question"
		cuddy why "$1" "$question" 2>&1
	done | normalise
}

for path in "$work"/tree/profiles/base/*.toml "$work"/tree/profiles/*.toml; do
	name=$(basename "$path" .toml)
	print_all "$name" >"$work/out/$name.txt" 2>"$work/err" </dev/null
done
{ print_all "$work/tree/proposal.toml"; print_answers "$work/tree/proposal.toml"; } >"$work/out/proposal.txt" 2>>"$work/err"
print_flags >"$work/out/permissions.txt"

if [ "$1" = --update ]; then
	rm -f "$golden"/*.txt
	mkdir -p "$golden"
	cp "$work"/out/*.txt "$golden/"
	ls "$golden"
	exit 0
fi
count=0 failed=0
for file in "$golden"/*.txt "$work"/out/*.txt; do
	name=$(basename "$file")
	[ "$file" = "$work/out/$name" ] && [ -f "$golden/$name" ] && continue
	count=$((count + 1))
	if diff -u "$golden/$name" "$work/out/$name" >"$work/diff" 2>&1; then
		echo "ok $count - ${name%.txt}"
	else
		failed=1
		echo "not ok $count - ${name%.txt}"
		head -n 30 "$work/diff" | sed 's/^/# /'
	fi
done
[ "$failed" = 0 ] || echo "# if it is meant so: tests/golden.sh --update"
echo "1..$count"
exit "$failed"
