#!/usr/bin/env python3
"""tests/vm/export.py prepare CUDDY | compare RESULTS - AppArmor and systemd exports, enforced, against the oracle.

Needs a machine of its own with AppArmor and systemd: `prepare` (with a static cuddy) fills
/var/tmp/cuddy-vm with random policies of differential.py, a probe and guest.sh; that directory goes into
a virtual machine as /srv/project, where `sh guest.sh` runs as root and leaves results in $VMTEST_OUT;
`compare` prints TAP.  A difference is excused as in export_live.py, and where AppArmor, which has no filter
and lists no directory on the way, can't do it.  CUDDY_SEED repeats a run, CUDDY_POLICIES says how many."""
import collections
import json
import os
import random
import shutil
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, f"{ROOT}/tests/integration")
import differential  # noqa: E402
import export_live  # noqa: E402

WORK = "/var/tmp/cuddy-vm"
POLICIES = int(os.environ.get("CUDDY_POLICIES", "20"))
GUEST = r"""#!/bin/sh
# In the machine, as root: each policy under AppArmor and as a service, over a fresh tree.
work=@WORK@ cuddy=@WORK@/share/build/cuddy out=$VMTEST_OUT
rm -rf "$work"
cp -a /srv/project "$work" && chown -R root:root "$work" && chmod 755 "$work" || exit 1
cd / || exit 1
fresh() { rm -rf "$work/tree"; cp -a "$work/fresh" "$work/tree"; }
for place in "$work"/policy-*; do
	n=${place##*-} name=${place##*/}
	fresh
	"$cuddy" export --json --to apparmor -o "$place/apparmor" "$place/$name.toml" > "$out/apparmor.$n.json" 2>/dev/null
	apparmor_parser -r "$place/apparmor/cuddy.$name"
	aa-exec -p "cuddy.$name" -- "$work/probe" < "$place/requests" > "$out/apparmor.$n"
	fresh
	"$cuddy" export --json --to systemd -o "$place/systemd" "$place/$name.toml" > "$out/systemd.$n.json" 2>/dev/null
	unit=/run/systemd/system/cuddy-$n.service
	mkdir -p "$unit.d"
	printf '[Service]\nType=oneshot\nExecStart=%s\nStandardInput=file:%s\nStandardOutput=file:%s\n' \
		"$work/probe" "$place/requests" "$out/systemd.$n" > "$unit"
	cp "$place/systemd/$name.system.conf" "$unit.d/cuddy.conf"
	systemctl daemon-reload
	timeout 20 systemctl start "cuddy-$n.service" || systemctl status --no-pager "cuddy-$n.service"
done
"""


def prepare(cuddy):
    rng = random.Random(differential.SEED)
    shutil.rmtree(WORK, ignore_errors=True)
    os.makedirs(f"{WORK}/share/build")
    differential.compile_tools(WORK)
    differential.make_tree(f"{WORK}/tree")
    shutil.copytree(f"{WORK}/tree", f"{WORK}/fresh", symlinks=True)
    shutil.copy(cuddy, f"{WORK}/share/build/cuddy")
    for data in ("permissions", "profiles"):
        shutil.copytree(f"{ROOT}/{data}", f"{WORK}/share/{data}")
    for number in range(POLICIES):
        place = f"{WORK}/policy-{number}"
        os.makedirs(place)
        with open(f"{place}/policy-{number}.toml", "w", encoding="utf-8") as out:
            out.write(differential.random_policy(rng, f"{WORK}/tree", f"{WORK}/probe"))
        with open(f"{place}/requests", "w", encoding="utf-8") as out:
            out.writelines(f"{verb} {argument}\n" for verb, argument in differential.make_requests(rng, f"{WORK}/tree"))
    with open(f"{WORK}/guest.sh", "w", encoding="utf-8") as out:
        out.write(GUEST.replace("@WORK@", WORK))


def excuse(tool, verb, argument, result, groups, answers, rules):
    why = export_live.excuse(verb, argument, result, groups, answers, rules)
    if why or tool != "apparmor":
        return why
    if verb == "syscall" and result == 0:
        return "AppArmor filters no system calls, as the export said"
    itself = answers[groups[0][0][0]]
    if verb == "list" and result == 13 and (itself[0] != "allow" or itself[3]):
        return "AppArmor lists no directory on the way"
    return None


def compare_policy(tool, number, results, excuses):
    """How many requests there were, and what differs without an excuse."""
    place = f"{WORK}/policy-{number}"
    profile = f"{place}/policy-{number}.toml"
    with open(profile, encoding="utf-8") as file:
        aliases = differential.aliases_of(file.read())
    with open(f"{place}/requests", encoding="utf-8") as file:
        requests = [tuple(line.rstrip("\n").split(" ", 1)) for line in file]
    with open(f"{results}/{tool}.{number}.json", encoding="utf-8") as file:
        export_live.reports["now"] = json.load(file)
    with open(f"{results}/{tool}.{number}", encoding="utf-8") as file:
        got = [int(word) for word in file.read().split()]
    if len(got) != len(requests):
        return 0, [f"policy {number}: {len(got)} results of {len(requests)}"]
    groups = [differential.questions_of(verb, argument, aliases) for verb, argument in requests]
    asked = sorted({q for g in groups for group in g for part in group for q in part})
    rules, lines = differential.decide(WORK, profile, asked)
    answers, wrong = dict(zip(asked, lines)), []
    for (verb, argument), group, result in zip(requests, groups, got):
        if (result == 0) == differential.allowed(group[0], answers):
            continue
        why = excuse(tool, verb, argument, result, group, answers, rules)
        excuses[why or "none"] += 1
        if not why:
            wrong.append(f"policy {number}: {verb} {argument.replace(WORK, '')}: {tool} gives {result}")
    return len(requests), wrong


def compare(results):
    bad = 0
    for count, tool in enumerate(("apparmor", "systemd"), 1):
        excuses, pairs, wrong = collections.Counter(), 0, []
        for number in range(POLICIES):
            asked, lines = compare_policy(tool, number, results, excuses)
            pairs += asked
            wrong += lines
        for line in wrong[:20] + [f"{times} differ: {why}" for why, times in sorted(excuses.items())]:
            print("#", line)
        bad += bool(wrong)
        print(f"{'not ok' if wrong else 'ok'} {count} - {tool}: {POLICIES} policies, {pairs} requests, {len(wrong)} differ")
    print("1..2")
    return bad != 0


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in ("prepare", "compare"):
        sys.exit(__doc__)
    sys.exit(prepare(sys.argv[2]) if sys.argv[1] == "prepare" else compare(sys.argv[2]))
