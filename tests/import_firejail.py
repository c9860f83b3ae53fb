#!/usr/bin/env python3
"""tests/import_firejail.py CUDDY ORACLE SHARE DIRECTORY [EACH]: imports firejail's profiles and asks the oracle.

A second, independent reading of firejail's language (includes, ignore, noblacklist, groups of system calls
from firejail's own documentation) says what a profile forbids: every path on a black list, every dropped
capability and system call, writing what is read-only, running what is noexec, devices that are taken away, what
stands beside a white list or a list of what is kept, networks that are closed.  The imported profile must load and
deny all of these.  EACH takes every n-th profile only.  The last line has the figures: converted without loss, median lines before and after."""
import fnmatch, gzip, os, re, statistics, subprocess, sys, tempfile
from concurrent.futures import ThreadPoolExecutor

cuddy, oracle, share, directory = sys.argv[1:5]
each = int(sys.argv[5]) if len(sys.argv) > 5 else 1
HOLDS = {"BROWSER_DISABLE_U2F", "HAS_X11"}
PATH = ["/bin", "/sbin", "/usr/bin", "/usr/sbin", "/usr/games", "/usr/local/bin", "/usr/local/sbin"]
MACROS = {"${HOME}": "/home/me", "~": "/home/me", "${CFG}": "/etc/firejail", "${RUNUSER}": "/run/user/1000",
          "${DESKTOP}": "/home/me/Desktop", "${DOCUMENTS}": "/home/me/Documents", "${DOWNLOADS}": "/home/me/Downloads",
          "${MUSIC}": "/home/me/Music", "${PICTURES}": "/home/me/Pictures", "${VIDEOS}": "/home/me/Videos"}


# One device of each kind that a word of firejail's takes away; it leaves others.
DEVICES = {"private-dev": ["/dev/sda", "/dev/mem", "/dev/kmsg", "/dev/loop0"], "nosound": ["/dev/snd/pcmC0D0p"],
           "novideo": ["/dev/video0"], "nodvd": ["/dev/sr0"], "nou2f": ["/dev/hidraw0"], "no3d": ["/dev/dri/card0"],
           "notv": ["/dev/dvb/adapter0/frontend0"], "noinput": ["/dev/input/event0"]}
NAMESPACES = ["clone(user-namespace)", "unshare(user-namespace)"]
with open("/usr/include/linux/capability.h") as header:
    CAPABILITIES = {name.lower() for name in re.findall(r"#define CAP_(\w+)\s+\d", header.read())}


def read_groups():
    groups = {}
    for name in ("/usr/share/doc/firejail/syscalls.txt", "/usr/share/doc/firejail/syscalls.txt.gz"):
        if os.path.exists(name):
            opener = gzip.open if name.endswith("gz") else open
            with opener(name, "rt") as f:
                for line in f:
                    m = re.match(r"@([\w-]+)=(\S+)$", line)
                    if m:
                        groups[m[1]] = m[2].replace("set_mempolicyvmsplice", "set_mempolicy,vmsplice").split(",")
    return groups


def members(groups, name):
    if not name.startswith("@"):
        return {name}
    return set().union(*[members(groups, m) for m in groups.get(name[1:], [])] or [set()])


def flatten(path, ignored, depth=0):
    lines, count = [], 0
    with open(path, errors="replace") as f:
        text = f.read().splitlines()
    for line in text:
        line = re.sub(r"\s#.*", "", line).strip()
        if not line or line.startswith("#"):
            continue
        count += 1
        m = re.match(r"\?(\w+):\s*(.*)", line)
        if m:
            if m[1] not in HOLDS:
                continue
            line = m[2]
        if any(line == i or line.startswith(i + " ") for i in ignored):
            continue
        word, _, rest = line.partition(" ")
        rest = rest.strip()
        if word == "ignore":
            ignored.append(rest)
        elif word == "include":
            inner = os.path.join(directory, rest)
            if os.path.exists(inner) and depth < 16:
                more, below = flatten(inner, ignored, depth + 1)
                lines += more
                count += below
        else:
            lines.append((word, rest))
    return lines, count


def concrete(pattern):
    for macro, value in MACROS.items():
        if pattern.startswith(macro):
            pattern = value + pattern[len(macro):]
    many = [p + pattern[7:] for p in PATH] if pattern.startswith("${PATH}") else [pattern]
    # One path that each pattern matches, and one below it.
    return [re.sub(r"\[([^\]!])[^\]]*\]", r"\1", p).replace("*", "zz").replace("?", "z") for p in many]


def forbidden(lines, groups):
    lifted, asked, calls, excepted, capabilities = [], set(), set(), set(), set()
    writable = [path for word, rest in lines if word == "read-write" for path in concrete(rest)]
    for word, rest in lines:
        if word == "noblacklist":
            lifted.append(rest)
        elif word in ("blacklist", "blacklist-nolog"):
            if any(fnmatch.fnmatchcase(rest, n) for n in lifted):
                continue
            for path in concrete(rest):
                if path.startswith("/") and ".." not in path:
                    asked |= {"read " + path, "write " + path, "execute " + path, "read " + path + "/below"}
        elif word == "caps.drop":
            capabilities |= CAPABILITIES if rest == "all" else set(rest.split(","))
        elif word == "caps.keep":
            capabilities |= CAPABILITIES - {c.strip() for c in rest.split(",")}
        elif word == "caps": # firejail(1): the default filter
            capabilities |= {"sys_module", "sys_rawio", "sys_boot", "sys_nice", "sys_tty_config", "syslog", "mknod", "sys_admin"}
        elif word == "read-only":
            for path in concrete(rest):
                if path.startswith("/") and not any(path.startswith(w) for w in writable):
                    asked |= {"create " + path + "/below", "delete " + path + "/below"} | (
                        {"write " + path} if path != "/home/me" else set())
        elif word == "noexec":
            asked |= {"execute " + path for path in concrete(rest) if path.startswith("/")}
        elif word in DEVICES:
            asked |= {"device " + path for path in DEVICES[word]}
        elif word == "restrict-namespaces" and (not rest or "user" in rest.split(",")):
            asked |= {"syscall " + call for call in NAMESPACES}
        elif word == "allow-debuggers":
            excepted |= {"ptrace", "personality", "process_vm_readv"}
        elif word in ("seccomp", "seccomp.drop"):
            names = (rest.split(",") if rest else []) + (["@default-nodebuggers"] if word == "seccomp" else [])
            excepted |= {n[1:] for n in names if n.startswith("!")}
            for n in names:
                if not n.startswith("!"):
                    calls |= members(groups, n.split(":")[0])
    asked |= closed(lines)
    asked |= {"capability " + c.strip() for c in capabilities}
    kept = [set().union(*[members(groups, n) for n in rest.split(",")]) for word, rest in lines if word == "seccomp.keep"]
    if kept: # firejail takes one list of these, and no other with it
        return asked | {"syscall " + c for c in members(groups, "@default") - set().union(*kept)}
    return asked | {"syscall " + c for c in calls - excepted}


def closed(lines):
    """What is hidden because something else is named: beside white lists, private-bin, private-etc; networks."""
    words, asked = dict(lines), set()
    for word, rest in lines:
        if word == "whitelist" and "private" not in words and (rest.startswith("${HOME}") or rest.startswith("~")):
            asked |= {"read /home/me/zz-none", "write /home/me/zz-none"}
        for top in ("/usr/share", "/var"):
            if word == "whitelist" and rest.startswith(top + "/"):
                asked |= {"read %s/zz-none" % top, "execute %s/zz-none" % top}
    if "private-bin" in words:
        asked |= {"execute /usr/bin/zz-none", "execute /bin/zz-none"}
    if "private-etc" in words:
        asked.add("read /etc/zz-none")
    if words.get("net") == "none" or "inet" not in words.get("protocol", "inet"):
        asked |= {"connect 192.0.2.1:80", "resolve example.org", "connect 127.0.0.1:80"}
    if "dbus-user" in words:
        asked.add("talk org.example.Zz")
    if "nosound" in words:
        asked |= {"write /run/user/1000/pulse/native", "read /run/user/1000/pipewire-0"}
    return asked


def convert(name, out):
    source, target = os.path.join(directory, name), os.path.join(out, name[:-8] + ".toml")
    run = subprocess.run([cuddy, "import", "-o", target, source], capture_output=True, text=True)
    return name, run.returncode, target, run.stderr


names = sorted(n for n in os.listdir(directory) if n.endswith(".profile"))[::each]
groups = read_groups()
bad, before, own, after, whole, questions, refused = [], [], [], [], 0, 0, []
with tempfile.TemporaryDirectory() as out, ThreadPoolExecutor(2) as pool:
    for name, status, target, said in pool.map(lambda n: convert(n, out), names):
        if status != 0:
            # firejail refuses a profile whose include is missing, too.
            (refused if status == 125 and "is not there" in said else bad).append(f"{name}: exit {status}")
            continue
        lines, count = flatten(os.path.join(directory, name), [])
        wanted = sorted(forbidden(lines, groups))
        text = open(target).read()
        body = [l for l in text.splitlines() if l.strip() and not l.startswith("#")]
        before.append(count)
        own.append(sum(1 for l in open(os.path.join(directory, name), errors="replace")
                       if l.strip() and not l.startswith("#")))
        after.append(len(body))
        whole += "Not carried over" not in text and "Not understood" not in text
        with open(os.path.join(out, "questions"), "w") as f:
            f.write(f"= {target}\n" + "".join(q + "\n" for q in wanted))
        answers = subprocess.run([oracle, share], stdin=open(os.path.join(out, "questions")), capture_output=True,
                                 text=True).stdout.splitlines()
        if answers[:1] != ["ok"]:
            bad.append(f"{name}: {answers[:1]}")
        for question, answer in zip(wanted, answers[1:]):
            questions += 1
            if answer == "allow" or answer == "ask":
                bad.append(f"{name}: {question}: {answer}")
for line in bad[:40]:
    print("# " + line)
n = len(after)
print(f"# {n} profiles, {len(refused)} refused as firejail does, {questions} questions, {len(bad)} wrong; "
      f"without loss {100 * whole // max(n, 1)} %; median lines: own {statistics.median(own):.0f}, "
      f"with includes {statistics.median(before):.0f}, imported {statistics.median(after):.0f}")
sys.exit(1 if bad or not n else 0)
