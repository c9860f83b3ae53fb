#!/usr/bin/env python3
"""tests/catalogue.py - checks the permission files and base profiles.

Usage: catalogue.py SOURCE-ROOT [LIST-SYSCALLS]
Every system call that libseccomp knows (tests/list_syscalls.c prints them) or our table has
stands in a flag or in permissions/never.toml, never in both; no name is unknown; every flag has
a description and a risk; everything is sorted; every flag and profile that is mentioned exists;
the strict profile takes nothing that an ordinary program needs.  Prints TAP."""
import os
import re
import subprocess
import sys
import tempfile
import tomllib

CATEGORIES = ["desktop", "filesystem", "misc", "networking", "runtime", "user"]
RISKS = ["low", "medium", "high", "escape"]
CLASSES = {
    "clone": {"namespaces", "user-namespace"},
    "ioctl": {"TIOCLINUX", "TIOCSETD", "TIOCSTI"},
    "personality": {"any"},
    "socket": {"inet", "inet6", "netlink-route", "packet", "raw", "vsock"},
    "unshare": {"namespaces", "user-namespace"},
} | {name: {"set-id"} for name in (
    "chmod creat fchmod fchmodat fchmodat2 mkdir mkdirat mknod mknodat open openat").split()}
FLAG_LISTS = ["flags", "deny-flags", "ask-flags"]
KEYS = {
    "filesystem": {"read-only", "read-write", "execute", "deny", "deny-write", "deny-execute", "ask",
                   "copy-on-write", "temporary", "persist", "log-on-write", "mount", "root",
                   "working-directory"},
    "networking": {"allow", "deny", "ask", "publish", "vpn", "dns", "network"},
    "runtime": {"allow-syscalls", "deny-syscalls", "allow-capabilities", "deny-capabilities",
                "memory", "swap", "cpu", "tasks", "open-files", "file-size", "disk", "timeout",
                "nice", "io-weight"},
    "user": {"as", "groups"},
    "desktop": {"session-bus", "system-bus", "x11", "screen"},
    "misc": {"devices"},
    "environment": {"set", "pass", "unset"},
}
SPECIAL = {"proc:", "devices:", "temporary:"} | {
    "synthetic:" + name for name in ("group", "hostname", "hosts", "machine-id", "passwd",
                                     "resolv-conf")}
MINIMUM = {
    "filesystem": "system own-home tmp home home-read-only project documents downloads music "
                  "pictures videos desktop removable ssh-keys certificates",
    "networking": "dns outgoing incoming local lan ping raw abstract-sockets host",
    "runtime": "stdio malloc threads processes signals clock ipc random terminal jit io-uring debug "
               "realtime nested-sandbox browser-sandbox foreign-abi ordinary",
    "user": "identity create switch",
}
BASES = ("build chat command-line daemon desktop-app development editor game mail media-player "
         "network-app nothing office project strict viewer web-browser").split()
# What menu entries lead to, and programs that most people have.
PROGRAMS = "chromium code curl firefox git libreoffice npm pip cargo ssh thunderbird vlc".split()
# Programs that start others: their profile would be everybody's.
STARTERS = {"bash", "dash", "env", "node", "perl", "python", "python3", "ruby", "sh", "sudo"}


class Report:
    def __init__(self):
        self.count = self.failed = 0

    def check(self, name, complaints):
        self.count += 1
        self.failed += bool(complaints)
        print(f"{'not ok' if complaints else 'ok'} {self.count} - {name}")
        for complaint in complaints:
            print(f"# {complaint}")


def load(path):
    with open(path, "rb") as file:
        return tomllib.load(file)


def known_syscalls(root, lister):
    with tempfile.TemporaryDirectory() as place:
        if not lister:
            lister = os.path.join(place, "list_syscalls")
            compiler = os.environ.get("CC", "cc").split()
            subprocess.run([*compiler, os.path.join(root, "tests/list_syscalls.c"), "-lseccomp",
                            "-o", lister], check=True)
        names = set(subprocess.run([lister], check=True, text=True,
                                   stdout=subprocess.PIPE).stdout.split())
    # Our own table knows newer calls and those of other architectures.
    table = os.path.join(root, "src/policy/syscalls.def")
    if os.path.exists(table):
        with open(table, encoding="utf-8") as file:
            names |= set(re.findall(r"^SYSCALL\((\w+),", file.read(), re.M))
    return names


def sections(category, table):
    """The (category, keys) parts of a flag; its own category's keys stand directly in it."""
    own = {k: v for k, v in table.items()
           if k not in ("description", "risk") and not (k in KEYS and isinstance(v, dict))}
    yield category, own
    for name, part in table.items():
        if name in KEYS and isinstance(part, dict):
            yield name, part


def expand(flags, name, seen=None):
    """All "category.flag" names that flag NAME brings, itself included."""
    seen = set() if seen is None else seen
    if name in seen or name not in flags:
        return seen
    seen.add(name)
    for category, keys in sections(name.split(".", 1)[0], flags[name]):
        for other in keys.get("flags", []):
            expand(flags, f"{category}.{other}", seen)
    return seen


def syscalls_of(flags, name):
    return {call for part in expand(flags, name)
            for category, keys in sections(part.split(".", 1)[0], flags[part])
            if category == "runtime" for call in keys.get("allow-syscalls", [])}


def bad_call(call, known):
    match = re.fullmatch(r"([a-z0-9_]+)(?:\(([A-Za-z0-9-]+)\))?", call)
    if not match or match[1] not in known:
        return True
    return match[2] is not None and match[2] not in CLASSES.get(match[1], ())


def unsorted_lists(where, keys):
    """Lists whose order means nothing must be sorted; one with comments in it is grouped by them."""
    for key in ("flags", "deny-flags", "allow-syscalls", "allow-capabilities", "devices", "pass"):
        values = keys.get(key, [])
        if values != sorted(set(values)):
            yield f"{where}: {key} is not sorted or says something twice"


def check_keys(name, parts, flags):
    for category, keys in parts:
        lists = FLAG_LISTS if category != "environment" else []
        for key in keys:
            if key not in KEYS[category] and key not in lists:
                yield f"{name}: {category} has no key '{key}'"
        for key in lists:
            for other in keys.get(key, []):
                if f"{category}.{other}" not in flags:
                    yield f"{name}: {key} names '{category}.{other}', which does not exist"
        for mount in keys.get("mount", []):
            source = mount.get("source", "")
            if set(mount) != {"source", "target", "access"} or (
                    ":" in source and source not in SPECIAL):
                yield f"{name}: mount of '{source}' is malformed"


def check_flags(report, flags, files):
    report.check("every flag has a description that says what the program may do",
                 [n for n, t in flags.items()
                  if not re.match(r"may [^\n]{10,110}[^.\s]$", t.get("description", ""))])
    report.check("every flag has a risk",
                 [n for n, t in flags.items() if t.get("risk") not in RISKS])
    report.check("flags are sorted",
                 [c for c, t in files.items() if list(t) != sorted(t)])
    report.check("flags hold known keys, flags and mounts only",
                 [m for n, t in flags.items()
                  for m in check_keys(n, sections(n.split(".", 1)[0], t), flags)])
    report.check("lists are sorted",
                 [m for n, t in flags.items() for c, k in sections(n.split(".", 1)[0], t)
                  for m in unsorted_lists(n, k)])
    report.check("no flag weighs less than one that it contains",
                 [f"{n} is {t['risk']}, {o} is {flags[o]['risk']}" for n, t in flags.items()
                  for o in expand(flags, n)
                  if RISKS.index(t["risk"]) < RISKS.index(flags[o]["risk"])])
    report.check("the promised flags exist",
                 [f"{c}.{n}" for c, names in MINIMUM.items() for n in names.split()
                  if f"{c}.{n}" not in flags])


def check_syscalls(report, flags, never, known):
    used = set().union(*(syscalls_of(flags, n) for n in flags))
    names = {call.split("(")[0] for call in used}
    report.check("every known system call is in a flag or on the never list",
                 sorted(known - names - set(never)))
    report.check("no system call is in a flag and on the never list", sorted(names & set(never)))
    report.check("no system call is unknown",
                 sorted(c for c in used | set(never) if bad_call(c, known)))
    report.check("every class that the filter knows is in a flag",
                 sorted(f"{n}({c})" for n, cs in CLASSES.items() for c in cs
                        if f"{n}({c})" not in used))
    report.check("the never list is sorted and gives reasons",
                 [n for n, why in never.items() if len(why) < 10]
                 + ([] if list(never) == sorted(never) else ["it is not sorted"]))


def check_programs(report, root, bases, programs):
    """Profiles of programs: short, unambiguous, and what the menu leads to exists."""
    claims = {}
    for name, profile in programs.items():
        for item in profile.get("match", [name]):
            claims.setdefault(item, []).append(name)
    report.check("no program has two profiles",
                 [f"{item}: {names}" for item, names in claims.items() if len(names) > 1]
                 + sorted(set(bases) & set(programs)))
    report.check("a profile matches what it is called after",
                 [n for n, p in programs.items()
                  if n not in p.get("match", [n]) or p.get("command") != [n]])
    report.check("no profile matches a program that starts others", sorted(STARTERS & set(claims)))
    report.check("profiles of programs have 20 lines at most",
                 [n for n in programs
                  if len(open(os.path.join(root, f"profiles/{n}.toml"), encoding="utf-8").readlines()) > 20])
    with open(os.path.join(root, "src/profile/menu.c"), encoding="utf-8") as file:
        meant = set(re.findall(r'^\t\{ "\w+", "([\w-]+)" \},$', file.read(), re.M))
    report.check("every profile that a menu category means exists",
                 sorted(meant - set(bases)) + ([] if len(meant) > 8 else ["the table was not found"]))


def check_profiles(report, root, flags):
    place = os.path.join(root, "profiles/base")
    programs = {f[:-5]: load(os.path.join(root, "profiles", f))
                for f in sorted(os.listdir(os.path.join(root, "profiles"))) if f.endswith(".toml")}
    bases = {f[:-5]: load(os.path.join(place, f)) for f in sorted(os.listdir(place))}
    profiles = bases | programs
    top = {"description", "include", "id", "command", "match", "requires", "may-degrade",
           "hostname"} | set(KEYS)

    report.check("the promised profiles exist", sorted(set(BASES) - set(bases) | set(PROGRAMS) - set(programs)))
    report.check("profiles hold known keys, flags and profiles only",
                 [m for n, p in profiles.items() for m in
                  list(check_keys(n, ((k, v) for k, v in p.items() if k in KEYS), flags))
                  + [f"{n}: no key '{k}'" for k in p if k not in top]
                  + [f"{n}: includes '{i}'" for i in p.get("include", []) if i not in profiles]])
    report.check("profiles have a description",
                 [n for n, p in profiles.items() if not p.get("description")])
    check_programs(report, root, bases, programs)
    needed = syscalls_of(flags, "runtime.ordinary")
    strict = profiles["strict"]["runtime"]
    report.check("strict takes nothing that ordinary programs need",
                 sorted(needed & set(strict["deny-syscalls"]).union(
                     *(syscalls_of(flags, f"runtime.{n}") for n in strict["deny-flags"]))))


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(__file__), "..")
    known = known_syscalls(root, sys.argv[2] if len(sys.argv) > 2 else None)
    files = {c: load(os.path.join(root, f"permissions/{c}.toml")) for c in CATEGORIES}
    flags = {f"{c}.{n}": table for c, flags in files.items() for n, table in flags.items()}
    never = load(os.path.join(root, "permissions/never.toml"))["syscalls"]
    builtin = load(os.path.join(root, "permissions/builtin.toml"))
    report = Report()

    check_flags(report, flags, files)
    check_syscalls(report, flags, never, known)
    check_profiles(report, root, flags)
    report.check("what always holds allows nothing",
                 list(check_keys("builtin", builtin.items(), flags))
                 + [k for k in ("networking", "user", "desktop", "misc") if k in builtin]
                 + [k for k in builtin["filesystem"] if not k.startswith("deny")])
    print(f"1..{report.count}")
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
