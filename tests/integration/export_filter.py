#!/usr/bin/env python3
"""tests/integration/export_filter.py - does the exported filter say what the oracle says?

Takes the seccomp JSON of every base profile and reads it twice: by the rules of the runtime
specification, and through libseccomp as runc and crun do, whose program a small interpreter runs.
Both are asked about every call that the table knows, on every architecture, and about the
arguments below with garbage in the high halves.  Prints TAP.
Must not: use cuddy's own table of argument classes; `ARGUMENTS` is written from the manual pages."""
import ctypes
import ctypes.util
import errno
import glob
import json
import os
import random
import re
import struct
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CUDDY = os.environ.get("CUDDY", os.path.join(ROOT, "build/cuddy"))
ARCHITECTURES = {"SCMP_ARCH_X86_64": (0, 0xC000003E), "SCMP_ARCH_X86": (1, 0x40000003),
                 "SCMP_ARCH_AARCH64": (2, 0xC00000B7), "SCMP_ARCH_ARM": (3, 0x40000028)}
ALLOW, ERRNO, KILL = 0x7FFF0000, 0x00050000, 0x00000000
ORDINARY = {"clone3", "openat2", "io_uring_enter", "io_uring_register", "io_uring_setup"}

# Arguments by position, and every class that they need; [] is the ordinary one.
NEW = {"user-namespace": [0x10000000], "namespaces": [0x20000, 0x2000000, 0x4000000, 0x8000000, 0x20000000, 0x40000000]}
FLAGS = [([0x1200011], []), ([0], [])] + [([flag], [name]) for name, flags in NEW.items() for flag in flags]
FLAGS += [([0x10020000], ["user-namespace", "namespaces"])]
MODE = [([0o644], []), ([0o4755], ["set-id"]), ([0o2755], ["set-id"]), ([0o6000], ["set-id"]), ([0o1777], [])]
NODE = MODE + [([0o20666], ["device"]), ([0o60666], ["device"]), ([0o10644], []), ([0o140644], []),
               ([0o24755], ["device", "set-id"])]
SOCKET = [([1, 1, 0], []), ([1, 5, 0], []), ([2, 1, 0], ["inet"]), ([2, 0x80802, 17], ["inet"]),
          ([10, 1, 6], ["inet6"]), ([10, 2, 255], ["inet6"]), ([2, 3, 1], ["inet", "raw"]), ([10, 0x803, 58], ["inet6", "raw"]),
          ([2, 10, 0], ["inet", "packet"]), ([10, 10, 0], ["inet6"]), ([17, 3, 0], ["packet"]), ([40, 1, 0], ["vsock"]),
          ([16, 3, 0], ["netlink-route"]), ([16, 3, 9], ["other"]), ([2, 1, 262], ["inet", "other"]),
          ([10, 1, 262], ["inet6", "other"]), ([38, 5, 0], ["other"]), ([0, 1, 0], ["other"]),
          ([0xFFFFFFFF, 1, 0], ["other"]), ([3, 1, 0], ["other"]), ([18, 1, 0], ["other"]), ([2, 3, 262], ["inet", "raw", "other"])]
ARGUMENTS = {
    "chmod": (1, MODE), "fchmod": (1, MODE), "creat": (1, MODE), "mkdir": (1, MODE),
    "fchmodat": (2, MODE), "fchmodat2": (2, MODE), "mkdirat": (2, MODE), "mknod": (1, NODE), "mknodat": (2, NODE),
    "clone": (0, FLAGS), "unshare": (0, FLAGS + [([0x80], ["namespaces"])]),
    "ioctl": (1, [([0x5401], []), ([0x5412], ["TIOCSTI"]), ([0x541C], ["TIOCLINUX"]), ([0x5423], ["TIOCSETD"]),
                  ([0x5413], []), ([0x80005412], []), ([0xFFFFFFFF], [])]),
    "open": (1, [([0, 0o4755], []), ([0o101, 0o644], []), ([0o101, 0o4755], ["set-id"]), ([0o20200002, 0o2755], ["set-id"]),
                 ([0o2, 0o6000], [])]),
    "openat": (2, [([0, 0o4755], []), ([0o101, 0o644], []), ([0o101, 0o4755], ["set-id"]), ([0o20200002, 0o2755], ["set-id"])]),
    "personality": (0, [([0], []), ([0xFFFFFFFF], []), ([0x40000], ["any"]), ([8], ["any"]), ([0xFFFFFFFE], ["any"])]),
    "socket": (0, SOCKET),
    "socketpair": (0, [([1, 1, 0], []), ([2, 1, 0], ["other"]), ([16, 3, 0], ["other"]), ([0, 1, 0], ["other"]), ([9, 1, 0], ["other"])]),
}


def read_table():
    """Names and numbers from the table of calls: [(name, [number per architecture])]."""
    text = open(f"{ROOT}/src/policy/syscalls.def", encoding="utf-8").read()
    rows = re.findall(r"^SYSCALL\((\w+),([^)]*)\)", text, re.M)
    return [(name, [int(n, 0) for n in numbers.split(",")]) for name, numbers in rows]


def questions_for(name, needs):
    return [f"syscall {name}({need})" for need in needs] or [f"syscall {name}"]


def make_cases(rng):
    """[(name, six arguments, questions)] for every call."""
    cases = []
    for name, _ in read_table():
        garbage = [rng.getrandbits(64) for _ in range(6)]
        if name not in ARGUMENTS:
            cases.append((name, garbage, questions_for(name, [])))
            continue
        first, rows = ARGUMENTS[name]
        for values, needs in rows:
            for high in (0, 0xFFFFFFFF00000000 & rng.getrandbits(64)):
                args = list(garbage)
                args[first:first + len(values)] = [v | high for v in values]
                cases.append((name, args, questions_for(name, needs)))
    return cases


# ---- reading 1: by the specification -----------------------------------------------------------

def condition_holds(arg, args):
    value = args[arg["index"]]
    assert arg["op"] == "SCMP_CMP_MASKED_EQ", arg
    return value & arg["value"] == arg["valueTwo"]


def read_by_specification(filter_, name, args):
    found = {(e["action"], e.get("errnoRet")) for e in filter_["syscalls"]
             if name in e["names"] and all(condition_holds(a, args) for a in e.get("args", []))}
    assert len(found) < 2, f"{name} {args}: rules contradict each other: {found}"
    action, number = found.pop() if found else (filter_["defaultAction"], filter_["defaultErrnoRet"])
    return ALLOW if action == "SCMP_ACT_ALLOW" else ERRNO | number


# ---- reading 2: libseccomp, and a program -------------------------------------------------------

class Comparison(ctypes.Structure):
    _fields_ = [("arg", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64)]


def load_libseccomp():
    name = ctypes.util.find_library("seccomp")
    lib = name and ctypes.CDLL(name)
    if lib:
        lib.seccomp_init.restype = ctypes.c_void_p
        lib.seccomp_init.argtypes = [ctypes.c_uint32]
        lib.seccomp_arch_add.argtypes = [ctypes.c_void_p, ctypes.c_uint32]
        lib.seccomp_rule_add_array.argtypes = [ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int, ctypes.c_uint,
                                               ctypes.POINTER(Comparison)]
        lib.seccomp_export_bpf.argtypes = [ctypes.c_void_p, ctypes.c_int]
        lib.seccomp_syscall_resolve_name.argtypes = [ctypes.c_char_p]
        lib.seccomp_syscall_resolve_name_arch.argtypes = [ctypes.c_uint32, ctypes.c_char_p]
        lib.seccomp_arch_native.restype = ctypes.c_uint32
    return lib


def compile_filter(lib, filter_):
    """As runc and crun: unknown names are passed over.  The program as a list of instructions."""
    context = lib.seccomp_init(ERRNO | filter_["defaultErrnoRet"])
    for name in filter_["architectures"]:
        token = ARCHITECTURES[name][1]
        if token != lib.seccomp_arch_native():
            assert lib.seccomp_arch_add(context, token) == 0, name
    for entry in filter_["syscalls"]:
        action = ALLOW if entry["action"] == "SCMP_ACT_ALLOW" else ERRNO | entry["errnoRet"]
        array = (Comparison * 6)(*[Comparison(a["index"], 7, a["value"], a["valueTwo"]) for a in entry.get("args", [])])
        for name in entry["names"]:
            number = lib.seccomp_syscall_resolve_name(name.encode())
            if number == -1:
                continue
            r = lib.seccomp_rule_add_array(context, action, number, len(entry.get("args", [])), array)
            assert r == 0, f"{entry}: {errno.errorcode.get(-r)}"
    with tempfile.TemporaryFile() as out:
        assert lib.seccomp_export_bpf(context, out.fileno()) == 0
        out.seek(0)
        program = out.read()
    return [struct.unpack_from("HBBI", program, i) for i in range(0, len(program), 8)]


def run_program(program, number, arch, args):
    data = struct.pack("=iIQ6Q", number, arch, 0, *args)
    at = a = 0
    while True:
        code, jt, jf, k = program[at]
        at += 1
        if code == 0x20:
            a = struct.unpack_from("=I", data, k)[0]
        elif code == 0x54:
            a &= k
        elif code == 0x06:
            return k
        elif code == 0x05:
            at += k
        else:
            taken = {0x15: a == k, 0x25: a > k, 0x35: a >= k, 0x45: a & k != 0}[code]
            at += jt if taken else jf


# ---- reading 3: systemd's list of calls ---------------------------------------------------------

def systemd_groups():
    """What systemd itself says its groups hold, all the way down; None without systemd."""
    try:
        done = subprocess.run(["systemd-analyze", "syscall-filter"], capture_output=True, text=True, check=True,
                              env={"PATH": os.environ["PATH"], "SYSTEMD_COLORS": "0", "NO_COLOR": "1", "LC_ALL": "C"})
    except (OSError, subprocess.CalledProcessError):
        return None
    groups, members = {}, None
    for line in done.stdout.splitlines():
        if line.startswith("@"):
            members = groups.setdefault(line.strip(), [])
        elif line.startswith("#"):
            members = None
        elif members is not None and line.strip() and not line.strip().startswith("#"):
            members.append(line.strip())

    def expand(name):
        return {name} if not name.startswith("@") else {c for m in groups[name] for c in expand(m)}
    return {name: expand(name) for name in groups}


def compare_systemd(groups, tool, profile, names):
    with tempfile.TemporaryDirectory() as out:
        subprocess.run([CUDDY, "export", "--to", "systemd", "-o", out, profile], check=True, stderr=subprocess.DEVNULL)
        text = open(glob.glob(f"{out}/*.system.conf")[0], encoding="utf-8").read()
    listed = " ".join(re.findall(r"^SystemCallFilter=(.*)", text, re.M)).split()
    said = {call for word in listed for call in (groups[word] if word.startswith("@") else {word})}
    answers = decide(tool, profile, [(n, [], [f"syscall {n}"]) for n in names])
    granted = {n for n in names if answers[f"syscall {n}"] == "allow"} | groups["@default"]
    return sorted(f"{n}: said by systemd only" for n in (said - granted) & set(names)) + \
        sorted(f"{n}: not said" for n in (granted - said) & set(names))


# ---- the comparison -----------------------------------------------------------------------------

def decide(tool, profile, cases):
    questions = sorted({q for _, _, needed in cases for q in needed})
    done = subprocess.run([tool, ROOT, profile], input="".join(q + "\n" for q in questions),
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    answers = [line.split("\t")[0] for line in done.stdout.splitlines() if not line.startswith("rule\t")]
    assert len(answers) == len(questions)
    return dict(zip(questions, answers))


def expected(answers, name, needed):
    if all(answers[q] == "allow" for q in needed):
        return ALLOW
    return ERRNO | (errno.ENOSYS if name in ORDINARY else errno.EPERM)


def show(value):
    return "allow" if value == ALLOW else "kill" if value == KILL else errno.errorcode.get(value & 0xFFFF, hex(value))


def compare(lib, tool, profile, cases, numbers):
    with tempfile.TemporaryDirectory() as out:
        subprocess.run([CUDDY, "export", "--to", "oci", "-o", out, profile], check=True, stderr=subprocess.DEVNULL)
        filter_ = json.load(open(glob.glob(f"{out}/*.seccomp.json")[0], encoding="utf-8"))
    program = compile_filter(lib, filter_) if lib else None
    answers = decide(tool, profile, cases)
    asked, unknown, wrong = 0, set(), []
    for name, args, needed in cases:
        wanted = expected(answers, name, needed)
        got = read_by_specification(filter_, name, args)
        asked += 1
        if got != wanted:
            wrong.append(f"specification: {name}{args}: {show(got)}, oracle {show(wanted)}")
        for arch in filter_["architectures"] if program else []:
            index, token = ARCHITECTURES[arch]
            number = numbers[name][index]
            if number < 0:
                continue
            if lib.seccomp_syscall_resolve_name_arch(token, name.encode()) == -1:
                unknown.add(name) # newer than the library: it falls to the default
                wanted_here = ERRNO | errno.ENOSYS
            else:
                wanted_here = wanted
            got = run_program(program, number, token, args)
            asked += 1
            if got != wanted_here:
                wrong.append(f"libseccomp: {arch} {name}{[hex(a) for a in args]}: {show(got)}, oracle {show(wanted_here)}")
    return asked, unknown, wrong, len(program or [])


def main():
    lib = load_libseccomp()
    table = read_table()
    numbers = dict(table)
    cases = make_cases(random.Random(7))
    profiles = sorted(glob.glob(f"{ROOT}/profiles/base/*.toml")) + sys.argv[1:]
    count = bad = 0
    with tempfile.TemporaryDirectory() as work:
        subprocess.run(os.environ.get("CC", "gcc").split() + [
            "-std=gnu17", "-D_GNU_SOURCE", f"-I{ROOT}/src", "-o", f"{work}/decide", f"{ROOT}/tests/decide_many.c",
            f"{ROOT}/build/libcore.a", "-lm"], check=True)
        for profile in profiles:
            asked, unknown, wrong, length = compare(lib, f"{work}/decide", profile, cases, numbers)
            count += 1
            bad += bool(wrong)
            print(f"{'not ' if wrong else ''}ok {count} - {os.path.basename(profile)}: {asked} questions of "
                  f"{len(table)} calls; {length} instructions, {len(unknown)} calls newer than libseccomp")
            for line in wrong[:12]:
                print(f"# {line}")
        groups = systemd_groups()
        for profile in profiles if groups else []:
            wrong = compare_systemd(groups, f"{work}/decide", profile, list(numbers))
            count += 1
            bad += bool(wrong)
            print(f"{'not ' if wrong else ''}ok {count} - {os.path.basename(profile)}: systemd's groups hold what is granted")
            for line in wrong[:12]:
                print(f"# {line}")
    print(f"# libseccomp: {'used' if lib else 'not here, the specification alone was read'}")
    print(f"1..{count}")
    return bad != 0


if __name__ == "__main__":
    sys.exit(main())
