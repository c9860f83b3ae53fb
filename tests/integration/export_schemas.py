#!/usr/bin/env python3
"""tests/integration/export_schemas.py - are Kubernetes' files what its published schemas say?  Prints TAP.

Pod and NetworkPolicy: by the validators of the npm package kubernetes-models, which are made from the API
server's OpenAPI document; npm fetches it where it can.  They pass over members that they do not know: the
tables of export_check.py refuse those.  SeccompProfile and AppArmorProfile: by the tables below, after the
types of the security-profiles-operator's API, version v1.  Each schema is shown to refuse what is wrong."""
import copy
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

import yaml

import export_check
from export_check import ROOT, ok, skip

PACKAGE = "kubernetes-models@4"
VALIDATE = """
const fs = require("fs");
const kinds = { Pod: 'IoK8sApiCoreV1Pod', NetworkPolicy: 'IoK8sApiNetworkingV1NetworkPolicy' };
for (const file of process.argv.slice(2)) {
	const data = JSON.parse(fs.readFileSync(file));
	const { validate } = require(__dirname + '/node_modules/kubernetes-models/_schemas/' + kinds[data.kind] + '.js');
	console.log(JSON.stringify([file, validate(data) ? null : validate.errors]));
}
"""
ACTIONS = ["SCMP_ACT_" + a for a in "KILL KILL_PROCESS KILL_THREAD TRAP ERRNO TRACE ALLOW LOG NOTIFY".split()]
ARCHITECTURES = ["SCMP_ARCH_" + a for a in ("NATIVE X86 X86_64 X32 ARM AARCH64 MIPS MIPS64 MIPS64N32 MIPSEL MIPSEL64 "
                                             "MIPSEL64N32 PPC PPC64 PPC64LE S390 S390X PARISC PARISC64 RISCV64").split()]
CAPABILITY = "|".join("""chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap linux_immutable
net_bind_service net_broadcast net_admin net_raw ipc_lock ipc_owner sys_module sys_rawio sys_chroot sys_ptrace sys_pacct
sys_admin sys_boot sys_nice sys_resource sys_time sys_tty_config mknod lease audit_write audit_control setfcap
mac_override mac_admin syslog wake_alarm block_suspend audit_read perfmon bpf checkpoint_restore""".split())
NAME = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*"


# A schema is a function of a value and its path that yields what is wrong.
def text(pattern=r"(?s).*", words=None):
    def check(value, path):
        if not isinstance(value, str) or (words and value not in words) or not re.fullmatch(pattern, value):
            yield f"{path}: {value!r}"
    return check


def number(least, most):
    def check(value, path):
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            yield f"{path}: {value!r}"
    return check


def boolean(value, path):
    if not isinstance(value, bool):
        yield f"{path}: {value!r}"


def listed(item, least=0, most=10 ** 6, unique=True):
    def check(value, path):
        if not isinstance(value, list) or not least <= len(value) <= most:
            yield f"{path}: no list of {least} to {most}"
            return
        if unique and len({json.dumps(v) for v in value}) != len(value):
            yield f"{path}: not each once"
        for i, v in enumerate(value):
            yield from item(v, f"{path}[{i}]")
    return check


def members(required=(), **schemas):
    def check(value, path):
        if not isinstance(value, dict):
            yield f"{path}: no mapping"
            return
        yield from (f"{path}: lacks {name}" for name in required if name not in value)
        for name, v in value.items():
            if name in schemas:
                yield from schemas[name](v, f"{path}.{name}")
            else:
                yield f"{path}.{name}: unknown"
    return check


def of_operator(kind, spec):
    return members(("apiVersion", "kind", "metadata", "spec"), apiVersion=text(r"security-profiles-operator\.x-k8s\.io/v1"),
                   kind=text(kind), metadata=members(("name",), name=text(NAME)), spec=spec)


PATHS = listed(text(r"/(?:[a-zA-Z0-9_./*?+@ -]|@\{[a-zA-Z0-9_]+\})*"))
LARGE = 2 ** 63 - 1
OPERATOR = {
    "SeccompProfile": of_operator("SeccompProfile", members(
        ("defaultAction",), disabled=boolean, baseProfileName=text(), defaultAction=text(words=ACTIONS[:-1]),
        architectures=listed(text(words=ARCHITECTURES)), flags=listed(text(r"SECCOMP_FILTER_FLAG_[A-Z_]+")),
        listenerPath=text(), listenerMetadata=text(),
        syscalls=listed(members(
            ("names", "action"), names=listed(text(r"[a-z0-9_]+"), 1), action=text(words=ACTIONS), errnoRet=number(0, 4095),
            args=listed(members(("index", "op"), index=number(0, 5), value=number(0, LARGE), valueTwo=number(0, LARGE),
                                op=text(r"SCMP_CMP_(NE|LT|LE|EQ|GE|GT|MASKED_EQ)")), 0, 6, False)), unique=False))),
    "AppArmorProfile": of_operator("AppArmorProfile", members(
        disabled=boolean, mode=text("Enforce|Complain"), abstract=members(
            executable=members(allowedExecutables=PATHS, allowedLibraries=PATHS),
            filesystem=members(readOnlyPaths=PATHS, writeOnlyPaths=PATHS, readWritePaths=PATHS),
            network=members(allowRaw=boolean, allowedProtocols=members(allowTcp=boolean, allowUdp=boolean)),
            capability=members(allowedCapabilities=listed(text(CAPABILITY))),
            ptrace=members(("allowedAccess",), allowedAccess=listed(text("read|readby|trace|tracedby"), 1, 4),
                           peer=text(r"(?:[a-zA-Z0-9_./*?-]|@\{profile_name\})+"))))),
}
# What a schema must refuse: the value at a path of keys, and another for it.
WRONG = [
    ("SeccompProfile", ["spec", "defaultAction"], "SCMP_ACT_NOTIFY"), ("SeccompProfile", ["spec", "policy"], "x"),
    ("SeccompProfile", ["spec", "syscalls", 0, "errnoRet"], 5000), ("SeccompProfile", ["spec", "syscalls", 0, "names"], []),
    ("AppArmorProfile", ["spec", "policy"], "profile x {}"), ("AppArmorProfile", ["metadata", "name"], "A b"),
    ("AppArmorProfile", ["spec", "abstract", "filesystem", "readOnlyPaths", 0], "/{a,b}"),
    ("Pod", ["spec", "containers", 0, "securityContext", "capabilities", "drop"], "ALL"),
    ("Pod", ["spec", "containers", 0, "image"], 7), ("Pod", ["spec", "volumes"], {}),
    ("NetworkPolicy", ["spec", "podSelector"], "all"), ("NetworkPolicy", ["spec", "policyTypes"], "Egress"),
]


def changed(document, path, value):
    document = copy.deepcopy(document)
    at = document
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    return document


def export_all(work):
    """All documents of all base profiles, of the proposal's and of one with everything odd."""
    profiles = sorted(glob.glob(f"{ROOT}/profiles/base/*.toml")) + [export_check.make_odd(work), f"{ROOT}/tests/unit/proposal.toml"]
    found = []
    for number_, profile in enumerate(profiles):
        out = f"{work}/{number_}"
        done = export_check.export("kubernetes", profile, out)
        if done.returncode:
            raise RuntimeError(done.stderr)
        for path in sorted(glob.glob(f"{out}/*.yaml") + glob.glob(f"{out}/*.json")):
            with open(path, encoding="utf-8") as file:
                found.append((os.path.relpath(path, work), yaml.safe_load(file)))
    return found


def fetch(work):
    """Where node finds the validators, or why not."""
    if not shutil.which("npm") or not shutil.which("node"):
        return None, "npm is not here"
    if os.environ.get("CHECK_INSTALL") == "no":
        return None, "nothing is to be installed"
    done = subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", work, PACKAGE],
                          capture_output=True, text=True)
    return (work, "") if done.returncode == 0 else (None, f"npm cannot fetch {PACKAGE}")


def validate(work, documents):
    """What kubernetes-models says of each document: a list of complaints."""
    paths = []
    for i, document in enumerate(documents):
        paths.append(f"{work}/document{i}.json")
        with open(paths[-1], "w", encoding="utf-8") as file:
            json.dump(document, file)
    with open(f"{work}/validate.js", "w", encoding="utf-8") as file:
        file.write(VALIDATE)
    done = subprocess.run(["node", f"{work}/validate.js", *paths], capture_output=True, text=True)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    if len(answers) != len(paths):
        raise RuntimeError(done.stderr)
    return [[f"{e['instancePath']}: {e['keyword']} {e['params']}" for e in errors or []] for _, errors in answers]


def main():
    with tempfile.TemporaryDirectory(prefix="cuddy-schemas.") as work:
        found = export_all(work)
        for kind, schema in sorted(OPERATOR.items()):
            mine = [(name, d) for name, d in found if d["kind"] == kind]
            ok(f"{len(mine)} files are a {kind} of the operator", [f"{n}{m}" for n, d in mine for m in schema(d, "")])
            good = next(d for n, d in mine if "daemon" in n)
            ok(f"and what is none is seen: {kind}", [str(w) for w in WRONG if w[0] == kind and
                                                    not list(schema(changed(good, w[1], w[2]), ""))])
        place, why = fetch(f"{work}/npm")
        for kind in ("NetworkPolicy", "Pod"):
            mine = [(name, d) for name, d in found if d["kind"] == kind]
            if not place:
                skip(f"a {kind} by its published schema", why)
                continue
            ok(f"{len(mine)} files are a {kind} of the API server",
               [f"{n}{m}" for (n, _), errors in zip(mine, validate(place, [d for _, d in mine])) for m in errors])
            wrong = [w for w in WRONG if w[0] == kind]
            good = next(d for n, d in mine if "daemon" in n)
            answers = validate(place, [changed(good, w[1], w[2]) for w in wrong])
            ok(f"and what is none is seen: {kind}", [str(w) for w, errors in zip(wrong, answers) if not errors])
    print(f"1..{export_check.count}")
    return export_check.bad != 0


if __name__ == "__main__":
    sys.exit(main())
