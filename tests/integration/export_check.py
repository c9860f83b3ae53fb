#!/usr/bin/env python3
"""tests/integration/export_check.py - are the exported files what their readers take?

Every base profile × target, then: AppArmor's compiler without a warning, systemd-analyze verify,
sh -n and shellcheck, YAML and JSON with no member that the format does not know, one answer for
each rule in the report and none lost between report, table and exit status.  Prints TAP."""
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

try:
    import yaml
except ImportError:
    yaml = None

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CUDDY = os.environ.get("CUDDY", os.path.join(ROOT, "build/cuddy"))
TARGETS = ["apparmor", "bwrap", "docker", "kubernetes", "landlock", "oci", "podman", "systemd"]
ABI = "/etc/apparmor.d/abi/3.0"
# Hostile names and every kind of rule that no base profile has.
ODD = '''
description = "odd"
requires = ["seccomp"]
command = ["/bin/echo", "it's", "a $HOME %h \\"test\\" \\\\"]
hostname = "odd"
[environment]
set = { ODD = "a 'b' $C \\\\ \\"d\\" # e" }
[filesystem]
read-only = ["@TREE@/with blank/**", "@TREE@/quote\\"'/**", "@TREE@/co:lon,comma/**", "@TREE@/`touch x`/**"]
read-write = ["@TREE@/rw{/,/**}"]
deny = ["@TREE@/rw/hidden", "@TREE@/rw/*.key"]
log-on-write = ["@TREE@/rw/**", "/elsewhere/**"]
ask = ["@TREE@/asked"]
copy-on-write = ["@TREE@/cow"]
[networking]
flags = ["incoming"]
allow = ["tcp:192.0.2.0/24:443", "udp:[2001:db8::]/32", "example.org:443", "*.example.net", "icmp:internet", "tcp:any:8000-8010"]
deny = ["192.0.2.7", "tcp:192.0.2.8:443", "lan"]
publish = ["127.0.0.1:8080:80/tcp"]
dns = ["9.9.9.9"]
[runtime]
flags = ["ordinary"]
allow-capabilities = ["CAP_NET_RAW", "CAP_SYS_PTRACE"]
deny-capabilities = ["CAP_SYS_PTRACE"]
deny-syscalls = ["ptrace", "nanosleep"]
memory = "1G"
swap = "512M"
cpu = "150%"
tasks = 50
open-files = 100
file-size = "10M"
timeout = 60
nice = 5
io-weight = 50
[user]
as = "nobody"
groups = ["audio"]
[desktop]
session-bus = { talk = ["org.example.*"], own = ["org.mine"], call = ["org.c=org.i.Do@/a/*"], broadcast = ["org.b=org.i.*"], deny-talk = ["org.example.no"] }
[misc]
devices = ["/dev/null", "/dev/fuse"]
'''

# Members that a format knows; a list is one of such, None is any value.
SECCOMP = {"defaultAction": None, "architectures": None,
           "syscalls": [{"names": None, "action": None, "errnoRet": None,
                         "args": [{"index": None, "value": None, "valueTwo": None, "op": None}]}]}
META = {"name": None, "labels": None}
POD = {"apiVersion": None, "kind": None, "metadata": META, "spec": {
    "automountServiceAccountToken": None, "enableServiceLinks": None, "hostNetwork": None, "hostUsers": None,
    "hostname": None, "activeDeadlineSeconds": None, "dnsPolicy": None, "dnsConfig": {"nameservers": None},
    "securityContext": {"runAsUser": None, "runAsGroup": None, "runAsNonRoot": None,
                        "seccompProfile": {"type": None, "localhostProfile": None},
                        "appArmorProfile": {"type": None, "localhostProfile": None}},
    "containers": [{"name": None, "image": None, "command": None, "workingDir": None,
                    "env": [{"name": None, "value": None}], "resources": {"limits": None},
                    "securityContext": {"allowPrivilegeEscalation": None, "privileged": None,
                                        "readOnlyRootFilesystem": None, "capabilities": {"drop": None, "add": None}},
                    "volumeMounts": [{"name": None, "mountPath": None, "readOnly": None}]}],
    "volumes": [{"name": None, "hostPath": {"path": None}, "emptyDir": {"medium": None, "sizeLimit": None}}]}}
PORTS = [{"protocol": None, "port": None, "endPort": None}]
NETWORK = {"apiVersion": None, "kind": None, "metadata": META, "spec": {
    "podSelector": {"matchLabels": None}, "policyTypes": None, "ingress": [{"ports": PORTS}],
    "egress": [{"to": [{"ipBlock": {"cidr": None, "except": None}, "podSelector": None, "namespaceSelector": None}],
                "ports": PORTS}]}}
SERVICE = {key: None for key in """image init command cap_add cap_drop devices dns environment group_add hostname blkio_config
cpus mem_limit memswap_limit network_mode pids_limit ports read_only security_opt tmpfs ulimits user volumes working_dir""".split()}
LANDLOCK = {"ruleset": [{"handledAccessFs": None, "handledAccessNet": None, "scoped": None}],
            "pathBeneath": [{"allowedAccess": None, "parent": None}], "netPort": [{"allowedAccess": None, "port": None}]}

count = bad = 0


def ok(title, wrong):
    """One test: passes when nothing is wrong."""
    global count, bad
    count += 1
    bad += bool(wrong)
    print(f"{'not ' if wrong else ''}ok {count} - {title}")
    for line in list(wrong)[:12]:
        print(f"# {line}")


def skip(title, why):
    global count
    count += 1
    print(f"ok {count} - {title} # SKIP {why}")


def unknown_members(value, shape, path=""):
    if shape is None:
        return []
    if isinstance(shape, list):
        if not isinstance(value, list) or not value:
            return [f"{path}: no list, or an empty one"]
        return [m for i, item in enumerate(value) for m in unknown_members(item, shape[0], f"{path}[{i}]")]
    if not isinstance(value, dict):
        return [f"{path}: no mapping"]
    return [f"{path}.{key}: unknown" for key in value if key not in shape] + \
        [m for key in value if key in shape for m in unknown_members(value[key], shape[key], f"{path}.{key}")]


def export(target, profile, out, *options):
    return subprocess.run([CUDDY, "export", "--to", target, "-o", out, *options, profile], capture_output=True, text=True)


def run(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, **options)
    return done.returncode, (done.stdout + done.stderr).strip()


def check_report(target, profile, out):
    """Report, table and exit status agree, and there is an answer for every rule."""
    done = export(target, profile, out, "--json")
    if done.returncode:
        return [f"{profile}: status {done.returncode}: {done.stderr}"]
    report = json.loads(done.stdout)
    answers = report["rules"] + report["settings"]
    lost = [a for a in answers if a["said"] != "exact"]
    wrong = []
    if len(lost) != report["lost"]:
        wrong.append(f"{profile}: {report['lost']} lost in the report, {len(lost)} answers say so")
    if sorted(report["files"]) != sorted(os.listdir(out)):
        wrong.append(f"{profile}: files {report['files']}, written {sorted(os.listdir(out))}")
    wrong += [f"{profile}: no reason for {a}" for a in lost if not a["note"]]
    wrong += [f"{profile}: no origin for {a}" for a in answers if not re.search(r":\d+$", a["origin"])]
    strict = export(target, profile, out, "--strict").returncode
    if strict != (1 if lost else 0):
        wrong.append(f"{profile}: --strict gives {strict} with {len(lost)} lost")
    told = re.match(r"cuddy: (\d+) rules", done.stderr)
    if int(told.group(1) if told else 0) != len(lost):
        wrong.append(f"{profile}: the table says otherwise: {done.stderr.splitlines()[:1]}")
    return wrong


def check_apparmor(files):
    wrong = []
    for path in files:
        status, said = run("apparmor_parser", "-QTK", "--warn=all", "-M", ABI, path)
        if status or said:
            wrong.append(f"{path}: {said}")
        if re.search(r"#include|include <abstractions", open(path, encoding="utf-8").read()):
            wrong.append(f"{path}: includes what was not asked for")
    return wrong


def check_shell(files):
    wrong = []
    for path in files:
        status, said = run("sh", "-n", path)
        if status or said:
            wrong.append(f"{path}: {said}")
        if shutil.which("shellcheck"): # ulimit's options are not POSIX, but dash, bash and busybox have them
            status, said = run("shellcheck", "-s", "sh", "-S", "warning", "-e", "SC3045", path)
            if status:
                wrong.append(f"{path}: {said}")
    return wrong


def check_systemd(files, work):
    wrong = []
    for path in files:
        unit = f"{work}/units/x-{os.path.basename(path).split('.')[0]}.service"
        os.makedirs(f"{unit}.d", exist_ok=True)
        with open(unit, "w", encoding="utf-8") as out:
            out.write("[Service]\nExecStart=/bin/true\n")
        shutil.copy(path, f"{unit}.d/cuddy.conf")
        _, said = run("systemd-analyze", "verify", "--man=no", unit)
        wrong += [line for line in said.splitlines() # calls that are newer than its libseccomp are passed over
                  if os.path.basename(unit) in line and "Failed to parse system call, ignoring" not in line]
    return wrong


def check_yaml(files, shape):
    wrong = []
    for path in files:
        with open(path, encoding="utf-8") as file:
            wrong += [f"{path}{m}" for m in unknown_members(yaml.safe_load(file), shape)]
    return wrong


def check_json(files, shape):
    wrong = []
    for path in files:
        with open(path, encoding="utf-8") as file:
            wrong += [f"{path}{m}" for m in unknown_members(json.load(file), shape)]
    return wrong


def check_compose(files):
    wrong = []
    for path in files:
        with open(path, encoding="utf-8") as file:
            services = yaml.safe_load(file)["services"]
        wrong += [f"{path}{m}" for service in services.values() for m in unknown_members(service, SERVICE)]
    return wrong


def check_start(work, profiles):
    """Where a program starts is where it does in cuddy's cage, whoever asks from wherever."""
    wrong = []
    for place in (work, ROOT, os.path.expanduser("~"), "/usr/share", "/"):
        for profile in profiles:
            planned = subprocess.run([CUDDY, "plan", "--json", profile], cwd=place, capture_output=True, text=True)
            if planned.returncode: # a directory that this profile takes for no project
                continue
            ours = next(s["a"] for s in json.loads(planned.stdout)["steps"] if s["op"] == "CHDIR")
            out = f"{work}/start"
            subprocess.run([CUDDY, "export", "--to", "bwrap", "-o", out, profile], cwd=place, capture_output=True, check=True)
            script = open(glob.glob(f"{out}/*.sh")[0], encoding="utf-8").read()
            theirs = re.search(r"--chdir (\S+)", script).group(1)
            shutil.rmtree(out)
            if theirs != ours:
                wrong.append(f"{profile} in {place}: a cage starts in {ours}, the export in {theirs}")
    return wrong


def make_odd(work):
    tree = f"{work}/tree"
    for name in ("with blank", "quote\"'", "co:lon,comma", "`touch x`", "rw", "cow"):
        os.makedirs(f"{tree}/{name}")
    for name in ("rw/hidden", "rw/a.key", "asked"):
        open(f"{tree}/{name}", "w", encoding="utf-8").close()
    path = f"{work}/Odd_profile.toml"
    with open(path, "w", encoding="utf-8") as out:
        out.write(ODD.replace("@TREE@", tree))
    return path


def main():
    with tempfile.TemporaryDirectory(prefix="cuddy-check.") as work:
        profiles = sorted(glob.glob(f"{ROOT}/profiles/base/*.toml")) + [make_odd(work)]
        for target in TARGETS:
            wrong = []
            for profile in profiles:
                wrong += check_report(target, profile, f"{work}/{target}.{os.path.basename(profile)[:-5]}")
            ok(f"{target}: nothing is lost in silence, in {len(profiles)} profiles", wrong)

        ok("a program starts where it does in a cage", check_start(work, profiles[:-1]))

        def files(target, ending):
            found = sorted(p for p in glob.glob(f"{work}/{target}.*/*") if p.endswith(ending))
            assert len(found) >= len(profiles), f"{target} {ending}: {found}"
            return found
        apparmor = glob.glob(f"{work}/apparmor.*/*") + files("docker", ".apparmor") + files("kubernetes", ".apparmor")
        if shutil.which("apparmor_parser") and os.path.exists(ABI):
            ok(f"apparmor_parser compiles {len(apparmor)} profiles without a warning", check_apparmor(apparmor))
        else:
            skip("apparmor_parser compiles", "it is not installed")
        shell = files("bwrap", ".sh") + files("docker", ".sh") + files("podman", ".sh")
        ok(f"sh reads {len(shell)} scripts", check_shell(shell))
        units = files("systemd", ".system.conf")
        if shutil.which("systemd-analyze"):
            ok(f"systemd-analyze verifies {len(units)} drop-ins", check_systemd(units, work))
        else:
            skip("systemd-analyze verifies", "it is not installed")
        ok("kubernetes: SeccompProfile has only known members", check_json(
            files("kubernetes", ".seccompprofile.json"), {"apiVersion": None, "kind": None, "metadata": META, "spec": SECCOMP}))
        ok("landlock: only known members, no empty list", check_json(files("landlock", ".json"), LANDLOCK))
        ok("oci: config.json is JSON", [m for p in files("oci", "config.json") for m in check_json([p], None)])
        if yaml:
            ok("kubernetes: Pod has only known members", check_yaml(files("kubernetes", ".pod.yaml"), POD))
            ok("kubernetes: NetworkPolicy has only known members", check_yaml(files("kubernetes", ".networkpolicy.yaml"), NETWORK))
            ok("compose: a service has only known keys", check_compose(files("docker", ".yaml") + files("podman", ".yaml")))
        else:
            skip("YAML files", "python3 has no yaml module")
    print(f"1..{count}")
    return bad != 0


if __name__ == "__main__":
    sys.exit(main())
