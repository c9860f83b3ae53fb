#!/usr/bin/env python3
"""tests/integration/places.py - does a cage ever give more than the oracle says, where broad grants, denies, mounts
of one tree on another and the places of the cage's own (/tmp, /dev, /proc, the home) meet?

Only that direction: a cage that gives less is counted.  A cage that does not start gives nothing, but must say
why with a place of the profile.  Prints TAP.  CUDDY_SEED repeats a run, CUDDY_POLICIES sets its length."""
import collections
import os
import random
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from differential import CUDDY, compile_tools, decide, make_tree  # noqa: E402

SEED = int(os.environ.get("CUDDY_SEED", "20261122"))
POLICIES = int(os.environ.get("CUDDY_POLICIES", "60"))
# @ is the tree of differential.py; it lies in the home.
LINES = {
    "read-only": ["/**", "/{,**}", "/proc/**", "/proc/*/status", "/proc/sys/kernel/*", "/dev/**", "/sys/**", "/var/**",
                  "/etc{/,/**}", "~{/,/**}", "@/**", "/run/**", "/tmp/**"],
    "read-write": ["/**", "/tmp{,/,/**}", "@{/,/**}", "~/**", "/var/tmp/**", "/dev/shm/**", "@/a/**", "@/d/e{,/,/**}"],
    "deny": ["/tmp/x", "/tmp", "/tmp/**", "/dev/shm{,/,/**}", "/dev/shm/x", "/dev/null", "/dev/full", "/dev", "/var/tmp",
             "@/a", "@/a/", "@/a/b{,/,/**}", "@/d/**", "@/*.c", "@/**.txt", "@/missing", "@/a/missing{,/,/**}", "~/kept",
             "/proc/sys{,/,/**}", "/proc/version", "/etc/hostname", "/etc", "@/l", "@/f/n"],
    "deny-write": ["/**", "/tmp{,/,/**}", "~{,/,/**}", "/dev/shm/**", "@/a", "@/d{,/,/**}", "/var{/,/**}", "@/missing"],
    "deny-execute": ["/usr/bin/env", "@/**", "/**.c"],
    "temporary": ["@/a", "@/d/e", "~/scratch"],
    "persist": ["@/d", "~/kept"],
    "copy-on-write": ["@/f", "@/a"],
}
MOUNTS = [("@", "/m"), ("@/a", "@/d"), ("@/a/b", "/m/deep"), ("~", "/m"), ("/", "/m"), ("@/l", "/m"), ("@/f", "/tmp/m")]
NAMES = ["", "x.txt", "y.c", "a", "a/x.txt", "a/b", "a/b/x.txt", "a/b/c/y.c", "d", "d/x.txt", "d/e", "d/e/y.c", "f",
         "f/x.txt", "missing", "a/missing", "l/x.txt", "f/n/x.txt"]


def random_policy(rng, tree, home, probe):
    lines = collections.defaultdict(list)
    for key in rng.choices(list(LINES), [4, 4, 6, 3, 1, 1, 1, 1], k=rng.randint(2, 7)):
        lines[key].append(rng.choice(LINES[key]))
    lines["execute"].append(probe)
    text = ['include = ["command-line"]', "[filesystem]"]
    text += [f"{key} = {sorted(set(values))!r}" for key, values in sorted(lines.items())]
    if rng.random() < 0.5:
        source, target = rng.choice(MOUNTS)
        access = rng.choice(["read-only", "read-write"])
        text.append(f"mount = [{{ source = '{source}', target = '{target}', access = '{access}' }}]")
    return "\n".join(text).replace("@", tree).replace("'~", f"'{home}") + "\n"


def requests_of(rng, tree, home):
    tops = [tree, "/m", "/m/deep", "/tmp/m", "/m" + tree, "/m/" + os.path.basename(tree)]
    paths = [f"{top}/{name}".rstrip("/") for top in tops for name in NAMES]
    pairs = [(verb, path) for path in paths for verb in ("read", "write", "list", "create")]
    pairs = rng.sample(pairs, 150)
    for place in ("/tmp", "/var/tmp", "/dev/shm", "/dev", home, home + "/kept", "/etc", "/usr", "/", "/run", "/m", "/proc"):
        pairs += [("list", place)] + [("create", f"{place.rstrip('/')}/{name}") for name in ("x", "new")]
    pairs += [("read", p) for p in ("/etc/shadow", "/etc/hostname", "/m/etc/shadow", "/proc/version", "/proc/kcore",
              "/proc/sys/kernel/hostname", "/dev/null", "/dev/full", "/m/dev/kmsg", f"{home}/.config/cuddy/secret",
              f"/m/.config/cuddy/secret", f"/m{home}/.config/cuddy/secret", "/dev/kmsg", "/dev/mem")]
    pairs += [("write", "/proc/sys/kernel/hostname")]  # not devices: see decision D181
    return pairs


# What each try of the probe needs: more than one answer is asked where the kernel asks for more than one thing.
ASKED = {"read": "read", "write": "write", "list": "list", "create": "write"}


def question_of(verb, path):
    return f"list {path.rstrip('/')}/" if verb == "list" else f"{ASKED[verb]} {path}"


def is_real(path):
    """Through a link another name is meant, and differential.py has the rules for that."""
    return os.path.realpath(path) == path


def run_cage(work, home, profile, requests):
    text = "".join(f"{verb} {path}\n" for verb, path in requests)
    return subprocess.run([CUDDY, "run", "--ephemeral", "-p", profile, f"{work}/probe"], input=text, cwd="/",
                          env={**os.environ, "HOME": home}, capture_output=True, text=True, timeout=60)


def compare_one(work, home, number, rng, counts):
    tree, profile = f"{home}/tree", f"{work}/policy.toml"
    make_tree(tree)
    policy = random_policy(rng, tree, home, f"{work}/probe")
    with open(profile, "w") as out:
        out.write(policy)
    requests = [r for r in requests_of(rng, tree, home) if is_real(r[1])]
    done = run_cage(work, home, profile, requests)
    results = [int(line) for line in done.stdout.split()]
    if done.returncode == 0 and len(results) != len(requests):
        return [f"policy {number}: {len(results)} of {len(requests)} results", done.stderr, policy]
    if done.returncode != 0:
        if done.returncode == 125:
            counts["refused: " + done.stderr.split("error", 1)[-1].split("\n")[0].split("'")[0]] += 1
        counts["could not run the probe"] += done.returncode in (126, 127)
        if done.returncode in (126, 127) or (done.returncode == 125 and f"{profile}:" in done.stderr):
            return []
        return [f"policy {number}: status {done.returncode}", done.stderr, policy]
    asked = sorted({question_of(*r) for r in requests})
    rules, lines = decide(work, profile, asked)
    answers = dict(zip(asked, lines))
    wrong = []
    for (verb, path), result in zip(requests, results):
        answer = answers[question_of(verb, path)]
        counts["compared"] += 1
        if result != 0 and answer[0] == "allow":
            counts["less than the oracle says"] += 1
        if result != 0 or answer[0] == "allow":
            continue
        if answer[0] == "deny" and answer[2] == "at-start":
            counts["more, and the denying rule is at-start"] += 1
            continue
        wrong.append(f"policy {number}: {verb} {path}: the oracle says no ({answer[4]}), the cage does it")
    return wrong + [policy] if wrong else []


def main():
    rng, counts, bad = random.Random(SEED), collections.Counter(), 0
    with tempfile.TemporaryDirectory(prefix="cuddy-places.", dir="/srv" if os.access("/srv", os.W_OK) else None) as work:
        work = os.path.realpath(work)
        home = f"{work}/home"
        os.makedirs(f"{home}/.config/cuddy")
        os.environ["HOME"] = home
        for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR"):
            os.environ.pop(name, None)
        with open(f"{home}/.config/cuddy/secret", "w") as out:
            out.write("secret\n")
        compile_tools(work)
        print(f"# seed {SEED}, as user {os.getuid()}")
        for number in range(POLICIES):
            lines = compare_one(work, home, number, rng, counts)
            bad += bool(lines)
            for line in "\n".join(lines).splitlines():
                print("#", line)
    for what, count in sorted(counts.items()):
        print(f"# {count} {what}")
    print(f"{'not ok' if bad else 'ok'} 1 - {POLICIES} policies of many places: no cage gives more ({bad} do)")
    enough = counts["compared"] >= 50 * POLICIES
    print(f"{'ok' if enough else 'not ok'} 2 - most of them start: {counts['compared']} requests were compared")
    print("1..2")
    return 1 if bad or not enough else 0


if __name__ == "__main__":
    sys.exit(main())
