#!/usr/bin/env python3
"""tests/vm/export.py - AppArmor and systemd exports enforced by the real thing, against the oracle; TAP.

For tests/vm/run, as root.  First the random policies and requests of differential.py: the probe runs under
the loaded AppArmor profile, and as a service with the drop-in.  Then what those don't have: capabilities and
socket families, by a table of profiles.  Last the drop-in for a user's manager: verified, and a service run
with it.  A difference is excused as in export_live.py, and where AppArmor can't do it.  CUDDY_SEED repeats
a run, CUDDY_POLICIES says how many."""
import collections
import json
import os
import random
import re
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, f"{ROOT}/tests/integration")
import differential  # noqa: E402
import export_live  # noqa: E402

WORK = "/srv/work"
USER, USER_ID = "cuddy-test", 1001
POLICIES = int(os.environ.get("CUDDY_POLICIES", "6"))
UNIT = "[Service]\nType=oneshot\nExecStart={command}\nStandardInput=file:{place}/in\nStandardOutput=file:{place}/out\nStandardError=file:{place}/err\n"
count = 0
failed = []


def say(good, title, lines=()):
    global count
    count += 1
    for line in lines:
        print("#", line)
    print(f"{'ok' if good else 'not ok'} {count} - {title}", flush=True)
    if not good:
        failed.append(title)


def run(*command, text=""):
    return subprocess.run(command, input=text, capture_output=True, text=True, timeout=120, cwd="/")


def export(target, profile):
    return export_live.export(WORK, target, profile)


def confined_by_apparmor(name, profile, command, text):
    out = export("apparmor", profile)
    loaded = run("apparmor_parser", "-r", "-W", f"{out}/cuddy.{name}")
    if loaded.returncode or loaded.stderr:
        raise RuntimeError(loaded.stderr)
    return run("aa-exec", "-p", f"cuddy.{name}", "--", *command, text=text).stdout


def service(manager, units, name, dropin, command, text):
    """Runs the command as a service of a manager, with the drop-in; what it printed."""
    place = f"{WORK}/service"
    shutil.rmtree(place, ignore_errors=True)
    os.makedirs(place)
    for file, content in (("in", text), ("out", ""), ("err", "")):
        with open(f"{place}/{file}", "w", encoding="utf-8") as stream:
            stream.write(content)
        os.chmod(f"{place}/{file}", 0o666)
    os.makedirs(f"{units}/{name}.service.d", exist_ok=True)
    with open(f"{units}/{name}.service", "w", encoding="utf-8") as unit:
        unit.write(UNIT.format(command=" ".join(command), place=place))
    shutil.copy(dropin, f"{units}/{name}.service.d/cuddy.conf")
    run(*manager, "daemon-reload")
    started = run(*manager, "start", f"{name}.service")
    with open(f"{place}/out", encoding="utf-8") as out, open(f"{place}/err", encoding="utf-8") as err:
        printed, complained = out.read(), err.read()
    if started.returncode:
        state = run(*manager, "status", "--no-pager", f"{name}.service").stdout
        raise RuntimeError(started.stderr + complained + state)
    return printed


def confined_by_systemd(name, profile, command, text):
    out = export("systemd", profile)
    return service(["systemctl"], "/run/systemd/system", f"cuddy-{name}", f"{out}/{name}.system.conf", command, text)


TOOLS = [("apparmor", confined_by_apparmor), ("systemd", confined_by_systemd)]


# ---- files and calls: random policies ----

def excuse_apparmor(verb, argument, result, groups, answers, rules):
    why = export_live.excuse(verb, argument, result, groups, answers, rules)
    if why:
        return why
    if verb == "syscall" and result == 0:
        return "AppArmor filters no system calls, as the export said"
    itself = answers[groups[0][0][0]]
    if verb == "list" and result == 13 and (itself[0] != "allow" or itself[3]):
        return "AppArmor lists no directory on the way"
    return None


def random_policies(tool, confine):
    def cage(work, profile, requests):
        text = "".join(f"{verb} {argument}\n" for verb, argument in requests)
        results = [int(word) for word in confine("policy", profile, [f"{work}/probe"], text).split()]
        return (results, None) if len(results) == len(requests) else (None, f"{len(results)} of {len(requests)} results\n")

    differential.run_cage = cage
    differential.excuse = excuse_apparmor if tool == "apparmor" else export_live.excuse
    rng, excuses, pairs, wrong = random.Random(differential.SEED), collections.Counter(), 0, []
    for number in range(POLICIES):
        asked, lines = differential.compare_one(WORK, number, rng, excuses)
        pairs += asked
        wrong += lines
    lines = "\n".join(wrong).splitlines()[:40] + [f"{times} differ: {why}" for why, times in sorted(excuses.items())]
    say(not wrong and pairs, f"{tool}: {POLICIES} policies, {pairs} requests, as the oracle says", lines)


# ---- capabilities and networks ----

ACTS = r"""
import os, socket
def attempt(call):
    try:
        call()
    except OSError:
        return "no"
    return "yes"
closed = "@WORK@/rights/closed"
print(attempt(lambda: open(closed).read()), attempt(lambda: os.chroot("/")),
      attempt(lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM)),
      attempt(lambda: socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)),
      attempt(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW)))
"""
QUESTIONS = ["capability dac_override", "capability sys_chroot", "connect tcp:192.0.2.1:443",
             "connect udp:[2001:db8::1]:53", "capability net_raw"]
INET = 'allow-syscalls = ["socket(inet)", "socket(inet6)"]\n'
RIGHTS = [ # name, [networking], [runtime]
    ("none", "", ""),
    ("files", "", 'allow-capabilities = ["dac_override"]\n'),
    ("chroot", "", 'allow-capabilities = ["sys_chroot"]\nallow-syscalls = ["chroot"]\n'),
    ("denied", "", 'allow-capabilities = ["dac_override", "sys_chroot"]\nallow-syscalls = ["chroot"]\n'
                   'deny-capabilities = ["dac_override"]\n'),
    ("tcp", 'allow = ["tcp:any"]\n', INET),
    ("udp", 'allow = ["udp:any"]\n', INET),
    ("both", 'allow = ["any"]\n', INET + 'allow-capabilities = ["dac_override"]\n'),
]


def said_coarse(question):
    kind = "network" if question.startswith("connect") else "capability"
    return any(rule["said"] == "coarse" and rule["kind"] in (kind, "syscall") and "famil" in (rule["note"] or "")
               for rule in export_live.reports["now"]["rules"])


def rights():
    os.makedirs(f"{WORK}/rights")
    with open(f"{WORK}/rights/closed", "w", encoding="utf-8") as file:
        file.write("closed\n")
    os.chmod(f"{WORK}/rights/closed", 0)
    with open(f"{WORK}/rights/acts.py", "w", encoding="utf-8") as file:
        file.write(ACTS.replace("@WORK@", WORK))
    for name, networking, runtime in RIGHTS:
        profile = f"{WORK}/rights/{name}.toml"
        with open(profile, "w", encoding="utf-8") as file:
            file.write(f'[user]\nas = "root"\n[filesystem]\nflags = ["system"]\nread-only = ["{WORK}/rights/*"]\n'
                       f'[networking]\n{networking}[runtime]\n{runtime}flags = ["ordinary"]\n')
        wanted = ["yes" if run(differential.CUDDY, "why", profile, q).stdout.startswith("allow") else "no" for q in QUESTIONS]
        for tool, confine in TOOLS:
            got = confine(name, profile, ["/usr/bin/python3", f"{WORK}/rights/acts.py"], "").split()
            differ = [(q, w, g) for q, w, g in zip(QUESTIONS, wanted, got) if w != g]
            bad = [q for q, w, g in differ if g == "no" or not said_coarse(q)]
            lines = [f"{q}: the oracle says {w}, {tool} {g}{'' if q in bad else ', as the export said'}" for q, w, g in differ]
            say(len(got) == len(wanted) and not bad, f"{tool}: capabilities and networks of '{name}' ({' '.join(wanted)})", lines)


# ---- the drop-in for a user's manager ----

def as_user(*command):
    return ["setpriv", f"--reuid={USER_ID}", f"--regid={USER_ID}", "--clear-groups", "env", f"HOME=/home/{USER}",
            f"USER={USER}", f"XDG_RUNTIME_DIR=/run/user/{USER_ID}", *command]


def user_manager():
    profile = f"{WORK}/mine.toml"
    home = f"/home/{USER}"
    with open(profile, "w", encoding="utf-8") as file:
        file.write(f'[filesystem]\nflags = ["system"]\nread-write = ["{home}/notes{{/,/**}}"]\ndeny = ["{home}/notes/secret"]\n'
                   '[runtime]\nflags = ["ordinary"]\n')
    units = f"{home}/.config/systemd/user"
    run(*as_user("mkdir", "-p", units, f"{home}/notes"))
    run(*as_user("sh", "-c", f"echo hidden >{home}/notes/secret; echo mine >{home}/other"))
    out = f"{WORK}/user-export"
    run("install", "-d", "-o", USER, out)
    done = run(*as_user(differential.CUDDY, "export", "--to", "systemd", "-o", out, profile))
    say(done.returncode == 0, "a drop-in for the user's manager", done.stderr.splitlines() if done.returncode else ())
    command = ["/bin/sh", "-c", f"'cat {home}/notes/secret; cat {home}/other; echo new >{home}/notes/new; echo ended'"]
    manager = as_user("systemctl", "--user")
    try:
        printed = service(manager, units, "mine", f"{out}/mine.user.conf", command, "")
        say(printed == "ended\n", "a user's service runs with it, and reads nothing it may not", printed.splitlines())
        say(os.path.exists(f"{home}/notes/new"), "and writes what it may")
    except RuntimeError as error:
        say(False, "a user's service runs with it", str(error).splitlines())
    verified = run(*as_user("systemd-analyze", "verify", "--user", f"{units}/mine.service"))
    # A call that this systemd has no name for stays forbidden; nothing else may be ignored.
    about = [line for line in verified.stderr.splitlines()
             if re.search("mine|cuddy", line) and "Failed to parse system call, ignoring" not in line]
    say(verified.returncode == 0 and not about, "systemd-analyze verify --user is content", about)


def main():
    shutil.rmtree(WORK, ignore_errors=True)
    os.makedirs(WORK)
    differential.compile_tools(WORK)
    for part in [lambda: random_policies(*TOOLS[0]), lambda: random_policies(*TOOLS[1]), rights, user_manager]:
        try:
            part()
        except (RuntimeError, OSError, subprocess.TimeoutExpired, json.JSONDecodeError) as error:
            say(False, "the part ran to its end", str(error).splitlines())
    print(f"1..{count}")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
