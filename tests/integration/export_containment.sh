#!/bin/sh
# tests/integration/export_containment.sh - the probe of tests/containment in exported cages: what is
# open in a cage of cuddy's own may be open in these, and what the table below gives a reason for.
# Prints TAP.
tree=$(cd "$(dirname "$0")/../.." && pwd) || exit 1
work=$(mktemp -d /var/tmp/cuddy-exported.XXXXXX) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM HUP
CUDDY=${CUDDY:-$tree/build/cuddy} base=command-line count=0 bad=0
export CUDDY

${CC:-cc} -std=gnu17 -D_GNU_SOURCE -O1 -static -o "$work/probe" "$tree"/tests/containment/*.c || exit 1

# Becomes: cage TOOL DIRECTORY PROGRAM…: exports a profile that adds the directory, and runs it there.
cat > "$work/cage" <<'END'
#!/bin/sh
tool=$1 place=${0%/*}/$1
profile=$place/caged.toml
mkdir -p "$place/root"
printf 'include = ["%s"]\nmay-degrade = ["networking"]\n[filesystem]\nexecute = ["%s{/,/**}"]\n' "$BASE" "$2" > "$profile"
shift 2
case $tool in
cuddy) exec "$CUDDY" run -p "$profile" -- "$@" ;;
bwrap)
	"$CUDDY" export --to bwrap -o "$place/out" "$profile" 2>/dev/null
	exec sh "$place/out/caged.sh" "$@" ;;
runc)
	"$CUDDY" export --to oci --bundle "$place/root" -o "$place/out" "$profile" 2>/dev/null
	python3 -c 'import json, sys
config = json.load(open(sys.argv[1]))
config["process"]["args"] = sys.argv[2:]
json.dump(config, open(sys.argv[1], "w"))' "$place/out/config.json" "$@"
	exec runc --root "$place/state" run --bundle "$place/out" "cuddy-$$" ;;
esac
END
chmod 755 "$work/cage"

# Classes that a tool leaves open and a cage of ours does not, and why.
reason() {
	case $1:$2 in
	bwrap:inherited-descriptors) echo "bubblewrap passes descriptors on; the script closes those below 9" ;;
	bwrap:std*-reopen) echo "only cuddy puts itself between redirected files and the program" ;;
	bwrap:pid-1-*) echo "bubblewrap's own first process belongs to the same user" ;;
	runc:pid-1-*) echo "the program is process 1, and reads itself" ;;
	runc:proc-log) echo "hidden by /dev/null, which opens" ;;
	runc:life-after-launcher) echo "a container lives on without runc" ;;
	esac
}

# attack TOOL: leaves the names of the open classes in $work/TOOL.open.
attack() {
	BASE=$tree/profiles/base/$base.toml CONTAINMENT_PROBE=$work/probe CONTAINMENT_TASKS=0 TMPDIR=$work \
		sh "$tree/tests/containment/run.sh" "$work/cage" "$1" @DIR@ > "$work/$1.tap" 2>&1 </dev/null
	sed -n 's/^not ok [0-9]* - \([a-z0-9-]*\): open.*/\1/p' "$work/$1.tap" > "$work/$1.open"
	grep -q '^1\.\.' "$work/$1.tap"
}

attack cuddy
for tool in bwrap runc; do
	count=$((count + 1)) unexplained=
	if ! command -v "$tool" >/dev/null 2>&1 || { [ "$tool" = runc ] && [ "$(id -u)" != 0 ]; }; then
		echo "ok $count - $tool # SKIP not here, or not for this user"
		continue
	fi
	attack "$tool" || unexplained=' the driver did not end'
	while read -r class; do
		grep -qx "$class" "$work/cuddy.open" && continue
		why=$(reason "$tool" "$class")
		echo "# $tool leaves $class open: ${why:-no reason is known}"
		[ -n "$why" ] || unexplained="$unexplained $class"
	done < "$work/$tool.open"
	tried=$(grep -cE '^(not )?ok' "$work/$tool.tap")
	if [ -z "$unexplained" ] && [ "$tried" -gt 100 ]; then
		echo "ok $count - $tool: $tried ways out, as closed as cuddy's or explained"
	else
		bad=1
		echo "not ok $count - $tool: open without a reason:$unexplained ($tried tried)"
		tail -n 5 "$work/$tool.tap" | sed 's/^/# /'
	fi
done
echo "1..$count"
exit "$bad"
