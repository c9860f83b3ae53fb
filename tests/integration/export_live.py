#!/usr/bin/env python3
"""tests/integration/export_live.py - does an exported cage do what the oracle says?

The random policies and requests of differential.py, but the probe runs under bubblewrap with the
exported command line, under runc or crun with the exported bundle over an empty root, and under podman
with the exported script.  A
difference is excused only as there, or where the export itself said that the rule is not exact.
Prints TAP; CUDDY_SEED repeats a run."""
import collections
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile

import differential

POLICIES = int(os.environ.get("CUDDY_POLICIES", "25"))
reports = {}
judge = differential.excuse


def export(work, target, profile, *options):
    out = f"{work}/{target}"
    shutil.rmtree(out, ignore_errors=True)
    done = subprocess.run([differential.CUDDY, "export", "--json", "--to", target, "-o", out, *options, profile],
                          capture_output=True, text=True, cwd="/")
    if done.returncode:
        raise RuntimeError(done.stderr)
    reports["now"] = json.loads(done.stdout)
    return out


def run(command, text):
    return subprocess.run(command, input=text, capture_output=True, text=True, timeout=60, cwd="/")


def run_bwrap(work, profile, text):
    out = export(work, "bwrap", profile)
    return run(["sh", f"{out}/policy.sh", f"{work}/probe"], text)


def bundle_runner(runtime, *options):
    def run_bundle(work, profile, text):
        root = f"{work}/root"
        shutil.rmtree(root, ignore_errors=True)
        os.mkdir(root)
        out = export(work, "oci", profile, "--bundle", root)
        with open(f"{out}/config.json", encoding="utf-8") as file:
            config = json.load(file)
        config["process"]["args"] = [f"{work}/probe"]
        if not any(m["destination"] == "/proc" for m in config["mounts"]): # runc itself reads it
            config["mounts"].insert(0, {"destination": "/proc", "type": "proc", "source": "proc"})
        if options: # crun knows no hybrid of both cgroup versions; files and calls need none
            del config["linux"]["resources"]
        with open(f"{out}/config.json", "w", encoding="utf-8") as file:
            json.dump(config, file)
        return run([runtime, *options, "--root", f"{work}/state", "run", "--bundle", out, f"cuddy-{os.getpid()}"], text)
    return run_bundle


def run_podman(work, profile, text):
    """Podman by its script, over an empty root.  It asks for more processes than a root without
    CAP_SYS_RESOURCE may have, and its crun refuses hybrid control groups: a podman in front says so."""
    shim, root = f"{work}/shim", f"{work}/podman-root"
    os.makedirs(shim, exist_ok=True)
    with open(f"{shim}/podman", "w", encoding="utf-8") as out:
        out.write(f'#!/bin/sh\nshift\nexec {shutil.which("podman")} --runtime runc run --ulimit nproc=100:100 "$@"\n')
    os.chmod(f"{shim}/podman", 0o755)
    os.mkdir(root)
    out = export(work, "podman", profile, "--bundle", root)
    done = run(["env", f"PATH={shim}:{os.environ['PATH']}", "sh", f"{out}/policy.sh", f"{work}/probe"], text)
    # Without root, podman makes mount points that belong to subordinate users.
    subprocess.run(["rm", "-rf", root] if os.getuid() == 0 else ["podman", "unshare", "rm", "-rf", root], check=True)
    return done


def cage_with(runner):
    def run_cage(work, profile, requests):
        done = runner(work, profile, "".join(f"{verb} {argument}\n" for verb, argument in requests))
        results = [int(line) for line in done.stdout.split()]
        if done.returncode or len(results) != len(requests):
            return None, f"status {done.returncode}, {len(results)} results\n{done.stderr}"
        return results, None
    return run_cage


def excuse(verb, argument, result, groups, answers, rules):
    why = judge(verb, argument, result, groups, answers, rules)
    if why:
        return why
    said = reports["now"]["rules"]
    for question in (q for group in groups for half in group for q in half):
        kind = "syscall" if question.startswith("syscall ") else "file"
        effect, pattern = answers[question][0], answers[question][4]
        for rule in said: # by what it says: the exporter may have a rule more than decide_many
            if [rule["kind"], rule["effect"], rule["pattern"]] == [kind, effect, pattern] and rule["said"] != "exact":
                return f"the export said {rule['said']}: {rule['note']}"
    if verb == "execute" and result == 0: # nothing denies it, and the grant to read it is wider than asked
        wider = {r["note"] for r in said if r["kind"] == "file" and "executed" in (r["note"] or "")}
        return f"the export said {wider.pop()}" if wider else None
    return None


def can_run(work, runner):
    """A policy that allows the probe and nothing else: does the tool start it here at all?"""
    profile = f"{work}/policy.toml"
    with open(profile, "w", encoding="utf-8") as out:
        out.write(f'[filesystem]\nexecute = ["{work}/probe"]\n[runtime]\nflags = ["ordinary"]\n')
    done = runner(work, profile, "syscall uname\n")
    return done.returncode == 0, done.stderr.strip().splitlines()[-1:] or ["?"]


def main():
    tools = [("bwrap", run_bwrap), ("runc", bundle_runner("runc")), ("crun", bundle_runner("crun", "--cgroup-manager=disabled")),
             ("podman", run_podman)]
    differential.excuse = excuse
    bad = 0
    with tempfile.TemporaryDirectory(prefix="cuddy-export.") as work:
        work = os.path.realpath(work)
        differential.compile_tools(work)
        for count, (tool, runner) in enumerate(tools, 1):
            rng, excuses, pairs, wrong = random.Random(differential.SEED), collections.Counter(), 0, 0
            if not shutil.which(tool):
                print(f"ok {count} - {tool} # SKIP not installed")
                continue
            works, message = can_run(work, runner)
            if not works:
                print(f"ok {count} - {tool} # SKIP it starts nothing here: {message[0]}")
                continue
            differential.run_cage = cage_with(runner)
            policies = POLICIES if tool != "podman" else POLICIES // 3 # it takes a second for each
            for number in range(policies):
                asked, lines = differential.compare_one(work, number, rng, excuses)
                pairs += asked
                wrong += bool(lines)
                for line in "\n".join(lines).splitlines():
                    print("#", line)
            for why, times in sorted(excuses.items()):
                print(f"# {tool}: {times} differ: {why}")
            bad += bool(wrong)
            print(f"{'not ok' if wrong else 'ok'} {count} - {tool}, as user {os.getuid()}: {policies} policies, "
                  f"{pairs} requests ({wrong} policies differ)")
    print(f"1..{len(tools)}")
    return bad != 0


if __name__ == "__main__":
    sys.exit(main())
