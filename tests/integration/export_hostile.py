#!/usr/bin/env python3
"""tests/integration/export_hostile.py - words of others never become directives of an artefact.

Each place of a profile whose text reaches an export (names of files and flags, descriptions, commands, variables,
paths) gets each of the payloads below: what a shell, YAML, JSON, systemd or AppArmor would take for more than a
word.  The artefact must have the bones of the one with a harmless word there: the same keys, directives, rules and
words of a command line, and scripts run with stubs for their tools must start nothing else.  A profile may be
refused instead.  Each place gets every ninth payload, another one for each target; ALL=1 takes all.  Prints TAP."""
import collections
import csv
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
from export_check import CUDDY, TARGETS, ok

HARMLESS = "harmless"
STEP = 1 if os.environ.get("ALL") else 9
PAYLOADS = ["a b", "a'b", 'a"b', "a\\", "a\\nb", "$(touch pwned)", "`touch pwned`", "a;touch pwned;", "a|touch pwned", "a&&touch pwned",
            "'; touch pwned; '", '"; touch pwned; "', "$HOME", "${HOME}", "a\nExecStartPre=touch pwned", "a\n[Unit]\nDescription=x",
            "a\ntouch pwned\n", "a\n- evil: 1\n", "a\nevil: 1", "a: b", "- a", "{a: b}", "[a, b]", "*a", "&a", "!a", "|", ">", "a # b",
            "#a", "%h%n", "%", "a,\n  capability,", "a}\nprofile evil {\n}", "@{HOME}", "a,b=c", "type=bind,source=/", "a:b:rw",
            "--privileged", "-v", "a=b", "~root", "a\tb", "a\rb", "\x1b[31m", "a\x7fb", "\u2028a", "ä", "a^b", "a[b]", "a{b,c}", "'", '"', "\\"]


def quoted(value):
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def as_path(path):
    return re.sub(r"([*?\[\]{}\\$,^@])", r"\\\1", path)


# Each place: a function of (work, word) that makes what is needed and yields the profile's file and its text.
def filesystem(key):
    def place(work, word):
        path = f"{work}/tree/{word.replace('/', '_')}"
        os.makedirs(path, exist_ok=True)
        return f"{work}/p.toml", f"[filesystem]\nread-write = [{quoted(as_path(work + '/tree') + '{/,/**}')}]\n" \
                                 f"{key} = [{quoted(path if key == 'temporary' else as_path(path))}]\n"
    return place


def mount(work, word):
    return f"{work}/p.toml", f"[filesystem]\nmount = [{{ source = \"/usr\", target = {quoted('/mnt/' + word)}, access = \"read-only\" }}]\n"


def named(work, word):
    return f"{work}/{word.replace('/', '_')}.toml", "[filesystem]\nread-only = [\"/usr/**\"]\n"


def below(work, word):
    directory = f"{work}/{word.replace('/', '_')}"
    os.makedirs(directory, exist_ok=True)
    return f"{directory}/p.toml", "[filesystem]\nread-only = [\"/usr/**\"]\n"


def with_flag(work, word):
    return f"{work}/p.toml", f"[define.filesystem.{quoted(word)}]\ndescription = {quoted(word)}\nread-only = [\"/usr/**\"]\n" \
                             f"[filesystem]\nflags = [{quoted(word)}]\n"


def line(form):
    return lambda work, word: (f"{work}/p.toml", form.replace("@", quoted(word)) + "[filesystem]\nread-only = [\"/usr/**\"]\n")


PLACES = {
    "a description": line("description = @\n"), "a command": line("command = [\"/usr/bin/true\", @]\n"),
    "an id": line("id = @\n"), "a program": line("command = [@]\n"), "a host name": line("hostname = @\n"),
    "a variable": line("[environment]\nset = { A = @ }\n"), "the name of a variable": line("[environment.set]\n@ = \"x\"\n"),
    "a variable to pass": line("[environment]\npass = [@]\n"),
    "a bus name": line("[desktop]\nsession-bus = { talk = [@] }\n"), "a name of the network": line("[networking]\nallow = [@]\n"),
    "a port": line("[networking]\npublish = [@]\n"), "a name server": line("[networking]\ndns = [@]\n"),
    "a user": line("[user]\nas = @\n"), "a group": line("[user]\ngroups = [@]\n"),
    "a path to read": filesystem("read-only"), "a path that is denied": filesystem("deny"), "an empty place": filesystem("temporary"),
    "a path to log": filesystem("log-on-write"), "a place of a mount": mount, "a file name": named, "a directory": below, "a flag": with_flag,
}


PATTERNS = {"an empty place", "a place of a mount"} # what stands for other names there is no word

# ---- bones ----

def bones_of_document(value):
    if isinstance(value, dict):
        return {key: bones_of_document(v) for key, v in value.items()}
    if isinstance(value, list):
        return [bones_of_document(v) for v in value]
    return type(value).__name__


def bones_of_unit(text):
    keys = []
    for each in text.split("\n"):
        # An odd backslash at the end joins the next line; names of variables that there can't be are left out.
        assert each.startswith("#") or (len(each) - len(each.rstrip("\\"))) % 2 == 0, f"goes on: {each}"
        if each and not each.startswith(("#", "PassEnvironment=")):
            key, _, value = each.partition("=")
            assert "%" not in value.replace("%%", ""), f"a specifier: {each}"
            keys.append(key)
    return keys


def bones_of_apparmor(text):
    # Words in quotation marks, which may hold lines, and comments.
    text = re.sub(r'"(?:\\.|[^"\\])*"|(?<!\S)#[^\n]*', lambda m: '""' if m[0][0] == '"' else "", text, flags=re.S)
    rules = [each.strip() for each in text.split("\n")]
    return [re.sub(r"(profile )\S+|(^|[ =])[@/]\S+", r"\1…", r) for r in rules if r]


STUB = '#!/bin/sh\n{ printf "%s\\0" "${0##*/}" "$@"; } >>"@OUT@"\n'


def bones_of_script(path, work, payload):
    """The words with which a script calls its tool: options as they are.  The payload is a word like others: where
    it stands among as many words, another word stood."""
    out = f"{work}/called"
    if os.path.exists(out):
        os.unlink(out)
    place = f"{work}/cwd"
    os.makedirs(place, exist_ok=True)
    subprocess.run(["sh", path], cwd=place, env={"PATH": f"{work}/stubs:/usr/bin:/bin"}, capture_output=True,
                   stdin=subprocess.DEVNULL, timeout=20)
    assert not os.listdir(place) and not glob.glob(f"{work}/**/pwned", recursive=True), "it ran something"
    assert os.path.exists(out), "it called nothing"
    with open(out, "rb") as file:
        words = file.read().decode("utf-8", "surrogateescape").split("\0")
    bones, before = [], ""
    for word in words:
        if before == "--mount":
            bones.append([field.split("=")[0] for field in next(csv.reader([word], strict=True))])
        else:
            bones.append(word if re.fullmatch(r"--?[a-z][a-z-]*", word) and word != payload else "word")
        before = word
    return bones


def bones(path, work, target, payload):
    if path.endswith(".sh"):
        return bones_of_script(path, work, payload)
    if path.endswith((".bpf", ".nothing", ".nowhere", ".machine-id")):
        return ""
    with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
        text = file.read()
    if path.endswith(".conf"):
        return bones_of_unit(text)
    if path.endswith((".yaml", ".json")):
        document = yaml.safe_load(text) if path.endswith(".yaml") else json.loads(text)
        if "services" in document: # is called by the name of the file
            document["services"] = list(document["services"].values())
        for group in ("filesystem", "executable"): # lists of the paths that the operator can take
            document.get("spec", {}).get("abstract", {}).pop(group, None)
        for container in document.get("spec", {}).get("containers", []):
            for value in container.get("command", []) + [v["value"] for v in container.get("env", [])]:
                assert "$" not in value.replace("$$", ""), f"a variable: {value}"
        return bones_of_document(document)
    if path.endswith(".apparmor") or target == "apparmor":
        return bones_of_apparmor(text)
    return ""


def artefacts(work, place, word, target):
    """None when the profile is refused; else the bones of each file, by their endings."""
    profile, text = PLACES[place](work, word)
    out = f"{work}/out"
    shutil.rmtree(out, ignore_errors=True)
    with open(profile, "w", encoding="utf-8", newline="") as file:
        file.write(text)
    done = subprocess.run([CUDDY, "export", "--to", target, "-o", out, profile], capture_output=True)
    os.unlink(profile)
    if done.returncode:
        assert done.returncode == 125, f"status {done.returncode}"
        assert not os.path.exists(out) or not os.listdir(out), "it was refused and left files"
        return None
    found = collections.defaultdict(list)
    for path in sorted(glob.glob(f"{glob.escape(out)}/*")):
        found[os.path.basename(path).split(".", 1)[-1] if target != "apparmor" else "profile"].append(bones(path, work, target, word))
    return found


def attack(work, place, target, payloads):
    """(payloads that were taken, what went wrong)"""
    expected, taken, wrong = artefacts(work, place, HARMLESS, target), 0, []
    for payload in payloads:
        if place in PATTERNS and re.search(r"[*?[{\\$^@]", payload):
            continue
        try:
            got = artefacts(work, place, payload, target)
        except (AssertionError, ValueError, yaml.YAMLError, csv.Error) as error:
            wrong.append(f"{place}: {payload!r}: {str(error).splitlines()[0]}")
            continue
        taken += got is not None
        if got is not None and expected is not None and got != expected:
            where = next((k for k in set(got) | set(expected) if got.get(k) != expected.get(k)), "?")
            wrong.append(f"{place}: {payload!r}: other bones in {where}")
    return taken, wrong


def main():
    with tempfile.TemporaryDirectory(prefix="cuddy-hostile.") as work:
        os.makedirs(f"{work}/stubs")
        for tool in ("bwrap", "podman", "docker", "id", "env", "touch"):
            with open(f"{work}/stubs/{tool}", "w", encoding="utf-8") as file:
                file.write(STUB.replace("@OUT@", f"{work}/called") if tool not in ("env", "id") else '#!/bin/sh\nexec /usr/bin/%s "$@"\n' % tool)
            os.chmod(f"{work}/stubs/{tool}", 0o755)
        for target in TARGETS:
            wrong, taken = [], 0
            for i, place in enumerate(PLACES):
                count, lines = attack(work, place, target, PAYLOADS[(i + TARGETS.index(target)) % STEP::STEP])
                taken += count
                wrong += lines
            wrong += [] if taken > len(PAYLOADS) else ["hardly any was taken"]
            ok(f"{target}: {len(PLACES)} places × {len(PAYLOADS) // STEP} payloads, {taken} taken as words, the others refused", wrong)
    print(f"1..{export_check.count}")
    return export_check.bad != 0


if __name__ == "__main__":
    sys.exit(main())
