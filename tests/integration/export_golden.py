#!/usr/bin/env python3
"""tests/integration/export_golden.py [--update] - every base profile × target against tests/golden/export.

The exports are made in a small made-up host, so that they are the same on every machine: bubblewrap
shows a tree of empty files with a user, a project and something of each kind that profiles name.
The table of docs/export.md is compared too: tools/export-table makes it in the same host.
What is long and tested elsewhere (cases of arguments) is counted; what is random is replaced.
Prints TAP; --update writes the files anew."""
import collections
import glob
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CUDDY = os.environ.get("CUDDY", os.path.join(ROOT, "build/cuddy"))
GOLDEN = f"{ROOT}/tests/golden/export"
TARGETS = ["apparmor", "bwrap", "docker", "kubernetes", "landlock", "oci", "podman", "systemd"]
HOST_FILES = """
etc/group etc/gshadow etc/hosts etc/hostname etc/machine-id etc/nsswitch.conf etc/resolv.conf etc/shadow
etc/ssh/ssh_host_rsa_key etc/ssl/certs/ca.pem etc/ssl/private/key.pem etc/sudoers home/user/.bashrc home/user/.gitconfig
home/user/.ssh/id_ed25519 home/user/Downloads/file home/user/Documents/text home/user/Music/song home/user/Pictures/photo
home/user/Videos/film home/user/project/.git/config home/user/project/.git/hooks/pre-commit home/user/project/main.c
home/user/.config/fontconfig/fonts.conf home/user/.local/share/fonts/a.ttf opt/README proc/kallsyms proc/keys proc/kcore
proc/sys/kernel/random/boot_id run/user/1000/bus run/user/1000/wayland-0 run/user/1000/pulse/native
sys/devices/system/cpu/online sys/devices/system/node/online usr/bin/sh usr/bin/true usr/lib/libc.so usr/lib64/ld.so
usr/sbin/nologin usr/share/fonts/b.ttf var/cache/fontconfig/cache var/lib/texmf/x var/tmp/x tmp/x
""".split()
HOST_LINKS = {"bin": "usr/bin", "lib": "usr/lib", "lib64": "usr/lib64", "sbin": "usr/sbin"}


def make_host(place):
    for name in HOST_FILES:
        os.makedirs(os.path.dirname(f"{place}/{name}"), exist_ok=True)
        with open(f"{place}/{name}", "w", encoding="utf-8"):
            pass
    for name, target in HOST_LINKS.items():
        os.symlink(target, f"{place}/{name}")
    with open(f"{place}/etc/passwd", "w", encoding="utf-8") as out:
        out.write("user:x:1000:1000::/home/user:/bin/sh\n")
    for name in ("dev", "out", "proc/self", "proc/acpi", "opt/cuddy/build", "opt/cuddy/lib"):
        os.makedirs(f"{place}/{name}", exist_ok=True)
    for data in ("permissions", "profiles"):
        shutil.copytree(f"{ROOT}/{data}", f"{place}/opt/cuddy/{data}")
    shutil.copy(CUDDY, f"{place}/opt/cuddy/build/cuddy")
    os.symlink("/opt/cuddy/build/cuddy", f"{place}/proc/self/exe")
    libraries = re.findall(r"(/\S+)", subprocess.run(["ldd", CUDDY], capture_output=True, text=True).stdout)
    for library in libraries:
        shutil.copy(library, f"{place}/opt/cuddy/lib/")
    return next((os.path.basename(p) for p in libraries if "ld-" in p), None)


def run_there(place, loader, out, *words):
    """Runs cuddy in the made-up host; what it printed."""
    program = ["/opt/cuddy/build/cuddy"]
    if loader:
        program = [f"/opt/cuddy/lib/{loader}", "--library-path", "/opt/cuddy/lib"] + program
    command = ["bwrap", "--unshare-all", "--uid", "1000", "--gid", "1000", "--clearenv", "--setenv", "HOME", "/home/user",
               "--setenv", "PATH", "/usr/bin", "--setenv", "TERM", "dumb", "--setenv", "XDG_RUNTIME_DIR", "/run/user/1000",
               "--ro-bind", place, "/", "--dev", "/dev", "--bind", out, "/out", "--chdir", "/home/user/project", "--"]
    done = subprocess.run(command + program + list(words), capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{words}: {done.stderr}")
    return done.stdout


def short_filter(filter_):
    """A line per entry; the cases of one call as a number of each and a digest."""
    cases = collections.defaultdict(list)
    lines = [f"default {filter_['defaultAction']} {filter_.get('defaultErrnoRet')} {' '.join(filter_['architectures'])}"]
    for entry in filter_["syscalls"]:
        if "args" in entry:
            cases[entry["names"][0]].append(entry)
        else:
            lines.append(f"{entry['action']} {entry.get('errnoRet', '')} {entry.get('comment', '')}: {' '.join(entry['names'])}")
    for name, entries in sorted(cases.items()):
        digest = hashlib.sha256(json.dumps([(e["action"], e["args"]) for e in entries]).encode()).hexdigest()[:12]
        allowed = sum(e["action"] == "SCMP_ACT_ALLOW" for e in entries)
        lines.append(f"{name}: {allowed} cases allowed, {len(entries) - allowed} denied, {digest}")
    return "\n".join(lines) + "\n"


def short_text(path):
    name = os.path.basename(path)
    if name.endswith(".bpf"):
        return f"{os.path.getsize(path) // 8} instructions\n"
    if name.endswith((".nothing", ".nowhere")):
        return f"{os.lstat(path).st_mode:o}\n"
    with open(path, encoding="utf-8") as file:
        text = re.sub(r"\.toml:\d+", ".toml:N", file.read()) # lines of the flags move, and say nothing here
    if name.endswith(".machine-id"):
        return "(random)\n" if re.fullmatch(r"[0-9a-f]{32}\n", text) else text
    if name.endswith((".seccomp.json", ".seccompprofile.json")):
        document = json.loads(text)
        return short_filter(document.get("spec", document))
    if name == "config.json":
        document = json.loads(text)
        document["linux"]["seccomp"] = "as in the file beside it"
        return json.dumps(document, indent=1) + "\n"
    return text


def collect(directory, seen):
    """All files of one export as one text; what another target wrote already is named only."""
    parts = []
    for path in sorted(glob.glob(f"{directory}/*")):
        text, name = short_text(path), os.path.basename(path)
        digest = hashlib.sha256(text.encode()).hexdigest()
        if digest in seen and len(text) > 400:
            text = f"(the same as {seen[digest]})\n"
        seen.setdefault(digest, f"{os.path.basename(directory)}/{name}")
        parts.append(f"==> {name} <==\n{text}")
    return "\n".join(parts)


def main():
    update = "--update" in sys.argv
    profiles = sorted(os.path.basename(p)[:-5] for p in glob.glob(f"{ROOT}/profiles/base/*.toml"))
    count = bad = 0
    with tempfile.TemporaryDirectory(prefix="cuddy-golden.") as work:
        place, out = f"{work}/host", f"{work}/out"
        os.makedirs(place)
        os.makedirs(out)
        loader = make_host(place)
        for profile in profiles:
            seen = {}
            for target in TARGETS:
                run_there(place, loader, out, "export", "--to", target, "-o", f"/out/{target}.{profile}", profile)
                text = collect(f"{out}/{target}.{profile}", seen)
                path = f"{GOLDEN}/{target}/{profile}.txt"
                if update:
                    os.makedirs(os.path.dirname(path), exist_ok=True)
                    with open(path, "w", encoding="utf-8") as file:
                        file.write(text)
                wanted = open(path, encoding="utf-8").read() if os.path.exists(path) else ""
                count += 1
                if text == wanted:
                    print(f"ok {count} - {profile} for {target}")
                    continue
                bad += 1
                print(f"not ok {count} - {profile} for {target}")
                with open(f"{work}/now", "w", encoding="utf-8") as file:
                    file.write(text)
                diff = subprocess.run(["diff", "-u", path, f"{work}/now"], capture_output=True, text=True).stdout
                print("\n".join("# " + line for line in diff.splitlines()[:20]))
    done = subprocess.run([f"{ROOT}/tools/export-table"] + (["--update"] if update else ["--check"]), capture_output=True, text=True)
    count += 1
    bad += done.returncode != 0
    print(f"{'not ok' if done.returncode else 'ok'} {count} - the table of docs/export.md")
    print("\n".join("# " + line for line in (done.stdout + done.stderr).splitlines()[:20]))
    print(f"1..{count}")
    return bad != 0


if __name__ == "__main__":
    sys.exit(main())
