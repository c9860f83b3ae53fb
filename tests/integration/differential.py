#!/usr/bin/env python3
"""tests/integration/differential.py - does the cage do what the oracle says?

Makes random policies over a small tree, starts one cage for each with a probe that tries many
requests, and compares every result with policy_decide().  A cage that gives more than the oracle says
is a failure, except for what a partial deny (at-start) could not see; so is one that gives less, except
where the rule says so (at-start, coarse) or the kernel has no other way (see `excuse`).  All are counted.  Prints TAP.  CUDDY_SEED repeats a run."""
import collections
import os
import random
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CUDDY = os.environ.get("CUDDY", os.path.join(ROOT, "build/cuddy"))
SEED = int(os.environ.get("CUDDY_SEED", "20260101"))
POLICIES = int(os.environ.get("CUDDY_POLICIES", "60"))
DIRECTORIES = ["a", "a/b", "a/b/c", "d", "d/e", "f"]
FILES = ["x.txt", "y.c"]
LINKS = {"l": "a/b", "d/m": "../a/x.txt", "f/n": "../d/e"}
KEYS = ["read-only", "read-write", "execute", "deny", "deny-write", "deny-execute"]
BASIC = ["add_key", "getpgid", "getpriority", "getrusage", "inotify_init1", "keyctl", "process_vm_readv",
         "ptrace", "sched_yield", "sysinfo", "times", "umask", "uname"]


def compile_tools(work):
    compiler = os.environ.get("CC", "gcc").split()
    subprocess.run(compiler + ["-static", "-Os", "-o", f"{work}/probe",
                               f"{ROOT}/tests/integration/probe.c"], check=True)
    subprocess.run(compiler + ["-std=gnu17", "-D_GNU_SOURCE", f"-I{ROOT}/src", "-o", f"{work}/decide",
                               f"{ROOT}/tests/decide_many.c", f"{ROOT}/build/libcore.a", "-lm"], check=True)


def make_tree(tree):
    shutil.rmtree(tree, ignore_errors=True)
    for directory in ["."] + DIRECTORIES:
        os.makedirs(f"{tree}/{directory}", exist_ok=True)
        for name in FILES:
            with open(f"{tree}/{directory}/{name}", "w") as out:
                out.write("no program\n")
            os.chmod(f"{tree}/{directory}/{name}", 0o755)
    for name, target in LINKS.items():
        os.symlink(target, f"{tree}/{name}")


def random_pattern(rng, tree):
    directory = rng.choice(["", "/a", "/a/b", "/a/b/c", "/d", "/d/e", "/f", "/l", "/f/n"])
    tail = rng.choice(["{,/,/**}"] * 4 + ["{/,/**}"] * 3 + ["/x.txt", "/y.c", "/x.txt", "/*.txt", "/**.c",
                      "/?.c", "/new", "/[xy].*", "/*/x.txt", "/b{,/,/**}"])
    return tree + directory + tail


def random_policy(rng, tree, probe):
    keys = collections.defaultdict(list)
    for _ in range(rng.randint(2, 7)):
        keys[rng.choice(KEYS)].append(random_pattern(rng, tree))
    keys["execute"].append(probe)
    calls = rng.sample(BASIC, 6)
    lines = ["[filesystem]"] + [f"{k} = {sorted(set(v))!r}" for k, v in sorted(keys.items())]
    lines += ["[runtime]", 'flags = ["ordinary"]', f"allow-syscalls = {calls[:3]!r}",
              f"deny-syscalls = {calls[3:]!r}", ""]
    return "\n".join(lines)


def make_requests(rng, tree):
    directories = [""] + ["/" + d for d in DIRECTORIES]
    files = [d + "/" + f for d in directories + ["/l", "/f/n"] for f in FILES] + ["/d/m"]
    pairs = [(verb, f) for verb in ("read", "write", "execute") for f in files]
    pairs = rng.sample(pairs, 36) + [("list", d) for d in directories]
    pairs += [("create", d + "/" + name) for d in directories for name in ("new", "new.txt", "q.c")]
    requests = [(verb, tree + path) for verb, path in pairs]
    requests += [("syscall", name) for name in BASIC]
    return requests + [("delete", tree + d + "/" + rng.choice(FILES)) for d in directories]


def decide(work, profile, questions):
    text = "".join(q + "\n" for q in questions)
    done = subprocess.run([f"{work}/decide", ROOT, profile], input=text, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"Bail out! the oracle refused a policy ({done.returncode})\n{done.stderr}{open(profile).read()}")
    lines = [line.split("\t") for line in done.stdout.splitlines()]
    rules = [line for line in lines if line[0] == "rule"]
    return rules, [line for line in lines if line[0] != "rule"]


def aliases_of(policy):
    """Rules that name a path through a link speak of what it leads to: (name, real, is an allow)."""
    found = set()
    for line in policy.splitlines():
        for pattern in line.split("'")[1::2]:
            name = pattern.split("{")[0]
            if any(c in name for c in "*?["):
                name = os.path.dirname(min((name.split(c)[0] for c in "*?["), key=len) + "x")
            if name.startswith("/") and os.path.realpath(name) != name:
                found.add((name, os.path.realpath(name), not line.startswith("deny")))
    return sorted(found)


def names_of(path, aliases, allows):
    real = os.path.realpath(path)
    return [real] + [name + real[len(to):] for name, to, allow in aliases
                     if (allow or not allows) and (real == to or real.startswith(to + "/"))]


def link_of(path):
    while not os.path.islink(path):
        path = os.path.dirname(path)
    return path


def group_of(verb, path, aliases, tail=""):
    """All names of one thing: those by which it may be allowed, those by which it may be denied."""
    return tuple([f"{verb} {name}{tail}" for name in names_of(path, aliases, allows)]
                 for allows in (True, False))


def questions_of(verb, argument, aliases):
    """One request of the probe in words of the oracle; then what else the kernel wants for it."""
    if verb == "syscall":
        return [([f"syscall {argument}"], [])]
    groups = [group_of(verb, argument, aliases)]
    if verb == "list":  # also the way to what a rule names through a link
        groups[0][0].extend(f"{ask} {name}" for name, to, allow in aliases for ask in ("list", "read")
                            if allow and to.startswith(argument + "/"))
    elif os.path.realpath(argument) != argument:
        groups.append(([f"read {link_of(argument)}"], []))
    elif verb in ("create", "delete"):
        groups.append(group_of("write", os.path.dirname(argument), aliases, "/"))
    return groups


def speaks(answer, number):
    """Of the names through links only those count that the deciding rule itself spells."""
    name = answer[4].split("{")[0]
    parent = os.path.dirname(name)
    return number == 0 or os.path.realpath(parent) != parent or os.path.islink(name)


def allowed(group, answers):
    denied = any(answers[q][0] == "deny" and answers[q][1] != "-1" and speaks(answers[q], i)
                 for i, q in enumerate(group[1]))
    return not denied and any(answers[q][0] == "allow" for q in group[0])


def excuse(verb, argument, result, groups, answers, rules):
    """Why the cage may differ, or None.  Kernel: what is bound by itself is a mount point, and cannot
    be unlinked (EBUSY); a name can be made or removed only where its directory can be written."""
    decided = [answers[q] for group in groups for part in group for q in part]
    if result == 0:  # more than asked for: only what a partial deny did not see at the start
        late = any(a[0] == "deny" and a[2] == "at-start" for a in decided)
        return "wider: the denying rule is at-start" if late else None
    inexact = {a[2] for a in decided} - {"exact"}
    if inexact:
        return "the deciding rule is " + "/".join(sorted(inexact))
    if verb == "list" and result == 2 and (len(groups[0][0]) > 1 or any(answers[q][3] for q in groups[0][0])):
        return "what it leads to does not exist or is denied"
    if verb != "syscall" and not any(answers[q][0] == "allow" and speaks(answers[q], i)
                                     for i, q in enumerate(groups[0][0])):
        return "it is allowed only by a link's name, and no rule spells that"
    if len(groups) > 1 and not allowed(groups[1], answers):
        if verb in ("create", "delete"):
            return "its directory is not granted for writing"
        if result in (2, 13):
            return "the link on its way is not granted"
    if any(answers[q][0] == "deny" and answers[q][1] != "-1" for q in groups[0][1] + groups[-1][1]):
        return "a deny speaks of it by a link's name"
    if verb == "delete" and result == 16:
        return "EBUSY: it is a mount point"
    for rule in rules:
        parent = os.path.dirname(argument)
        frozen = rule[4].split("'")[1] if "nothing new" in rule[4] else None
        if verb in ("create", "delete") and frozen and (frozen + "/").startswith(parent + "/"):
            return "coarse: its directory is frozen by a deny"
    return None


def run_cage(work, profile, requests):
    text = "".join(f"{verb} {argument}\n" for verb, argument in requests)
    done = subprocess.run([CUDDY, "run", "-p", profile, f"{work}/probe"], input=text, cwd="/",
                          capture_output=True, text=True, timeout=30)
    results = [int(line) for line in done.stdout.split()]
    if done.returncode or len(results) != len(requests):
        return None, f"status {done.returncode}, {len(results)} results\n{done.stderr}"
    return results, None


def compare_one(work, number, rng, excuses):
    tree, profile = f"{work}/tree", f"{work}/policy.toml"
    make_tree(tree)
    policy = random_policy(rng, tree, f"{work}/probe")
    with open(profile, "w") as out:
        out.write(policy)
    requests, aliases = make_requests(rng, tree), aliases_of(policy)
    groups = [questions_of(verb, argument, aliases) for verb, argument in requests]
    asked = sorted({q for g in groups for group in g for part in group for q in part})
    rules, lines = decide(work, profile, asked)
    answers = dict(zip(asked, lines))
    results, error = run_cage(work, profile, requests)
    if error:
        return 0, [error + policy]
    wrong = []
    for (verb, argument), group, result in zip(requests, groups, results):
        if (result == 0) == allowed(group[0], answers):
            continue
        why = excuse(verb, argument, result, group, answers, rules)
        excuses[why or "none"] += 1
        if not why:
            wrong.append(f"policy {number}: {verb} {argument.replace(work, '')}: the oracle says "
                         f"{'no' if result == 0 else 'yes'}, the cage gives {result}")
    if wrong:
        wrong.append(policy.replace(work, ""))
    return len(requests), wrong


def main():
    rng, excuses, pairs, bad = random.Random(SEED), collections.Counter(), 0, 0
    with tempfile.TemporaryDirectory(prefix="cuddy-differential.") as work:
        work = os.path.realpath(work)
        compile_tools(work)
        print(f"# seed {SEED}, as user {os.getuid()}")
        for number in range(POLICIES):
            count, wrong = compare_one(work, number, rng, excuses)
            pairs += count
            bad += bool(wrong)
            for line in "\n".join(wrong).splitlines():
                print("#", line)
    for why, count in sorted(excuses.items()):
        print(f"# {count} differ: {why}")
    print(f"{'not ok' if bad else 'ok'} 1 - {POLICIES} policies, {pairs} requests: "
          f"oracle and cage agree ({bad} policies do not)")
    print(f"{'ok' if pairs >= 2000 else 'not ok'} 2 - at least 2000 requests were compared")
    print("1..2")
    return 1 if bad or pairs < 2000 else 0


if __name__ == "__main__":
    sys.exit(main())
