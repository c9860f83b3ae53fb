#!/usr/bin/env python3
"""tests/integration/image.py CUDDY DIRECTORY - 'cuddy image' as its users and enemies meet it; TAP.

Every archive is made here.  Around the store lie files that must never change ("outside")."""
import bz2
import fcntl
import gzip
import hashlib
import json
import lzma
import os
import random
import re
import shutil
import signal
import stat
import subprocess
import sys
import tarfile
import time
import tomllib

from archives import Layout, corrupt, digest, directory, entry, hardlink, symlink, tar

CUDDY, WORK = sys.argv[1], sys.argv[2]
DATA = os.path.join(WORK, "data")
STORE = os.path.join(DATA, "cuddy/images")
OUTSIDE = os.path.join(WORK, "outside")
ROOT = os.geteuid() == 0
os.environ["XDG_DATA_HOME"] = DATA
count = 0


def ok(good, title, *more):
    global count
    count += 1
    print(f"{'ok' if good else 'not ok'} {count} - {title}", flush=True)
    if not good:
        for line in more:
            print(f"#   {line!r}", flush=True)
    return good


def skip(title, why):
    ok(True, f"{title} # SKIP {why}")


def cuddy(*words, **more):
    return subprocess.run([CUDDY, "image", *words], capture_output=True, text=True, errors="replace",
                          stdin=subprocess.DEVNULL, **more)


def write(name, data):
    path = os.path.join(WORK, name)
    with open(path, "wb") as out:
        out.write(data)
    return path


def import_(data, *words, name="t", suffix=".tar"):
    """Imports bytes or a path, in place of what has the name."""
    path = write(name + suffix, data) if isinstance(data, bytes) else data
    return cuddy("import", path, "--name", name, "--replace", *words)


def rootfs(name="t"):
    return os.path.join(STORE, name, "rootfs")


def read_tree(top):
    """Everything that matters of a tree, by path; hard links as the first name of each."""
    tree, inodes = {}, {}
    for path, names, files in os.walk(top):
        for each in ["."] + sorted(files) + [n for n in names if os.path.islink(os.path.join(path, n))]:
            full = os.path.normpath(os.path.join(path, each))
            s = os.lstat(full)
            key = os.path.relpath(full, top)
            kind = stat.S_IFMT(s.st_mode)
            if kind == stat.S_IFLNK:
                tree[key] = ("link", os.readlink(full))
                continue
            first = inodes.setdefault(s.st_ino, key) if kind == stat.S_IFREG else key
            content = None
            if kind == stat.S_IFREG and os.access(full, os.R_OK):
                with open(full, "rb") as file:
                    content = hashlib.sha256(file.read()).hexdigest()
            tree[key] = (kind, stat.S_IMODE(s.st_mode), int(s.st_mtime), first, content)
    return tree


def mode(path):
    return stat.S_IMODE(os.lstat(path).st_mode)


def left():
    return sorted(os.listdir(STORE)) if os.path.isdir(STORE) else []


def reset():
    """The store is empty, the outside as it must stay."""
    for name in left():
        cuddy("rm", "--force", name)
    cuddy("list")
    ok_quietly = not left()
    if not ok_quietly:
        ok(False, "the store can be emptied", left())
    shutil.rmtree(OUTSIDE, ignore_errors=True)
    os.makedirs(OUTSIDE + "/dir")
    for name in ("file", "dir/file"):
        with open(os.path.join(OUTSIDE, name), "w") as out:
            out.write("outside")
        os.utime(os.path.join(OUTSIDE, name), (1, 1))
    os.utime(OUTSIDE + "/dir", (1, 1))
    os.utime(OUTSIDE, (1, 1))


BASE = [
    directory("./", mtime=900000000), directory("./bin", 0o755, mtime=900000001), directory("./etc"),
    entry("./bin/tool", b"tool" * 1000, mode=0o755), hardlink("./bin/other", "./bin/tool"),
    symlink("./bin/sh", "tool"), symlink("./abs", "/etc/passwd"), entry("./etc/empty", b"", mode=0o600),
    directory("./closed", 0o500), entry("./closed/file", b"x", mode=0o400),
    directory("./tmp", 0o1777), directory("./group", 0o2775),
]


def formats():
    packers = {"": lambda d: d, ".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}
    trees = []
    for suffix, pack in packers.items():
        r = import_(pack(tar(BASE)), suffix=".tar" + suffix)
        ok(r.returncode == 0, f"imports tar{suffix}", r.stderr)
        trees.append(read_tree(rootfs()))
    if shutil.which("zstd"):
        path = write("z.tar", tar(BASE))
        subprocess.run(["zstd", "-qf", path], check=True)
        r = import_(path + ".zst")
        ok(r.returncode == 0, "imports tar.zst", r.stderr)
        trees.append(read_tree(rootfs()))
    else:
        skip("imports tar.zst", "zstd")
    for name, form in (("ustar", tarfile.USTAR_FORMAT), ("gnu", tarfile.GNU_FORMAT)):
        r = import_(tar(BASE, form))
        ok(r.returncode == 0, f"imports {name}", r.stderr)
        trees.append(read_tree(rootfs()))
    ok(all(t == trees[0] for t in trees), "the same tree each time")
    t = trees[0]
    ok(t["."][1:3] == (0o755, 900000000), "the top's mode and time", t["."])
    ok(t["bin"][1:3] == (0o755, 900000001), "a directory's time, after files were made in it", t["bin"])
    ok(t["closed"][1] == 0o500 and t["closed/file"][1] == 0o400, "a directory that cannot be written")
    ok(t["tmp"][1] == 0o1777 and t["group"][1] == 0o2775, "sticky and group bits of directories")
    ok(t["bin/tool"][3] == t["bin/other"][3], "a hard link is one")
    ok(t["abs"] == ("link", "/etc/passwd"), "a link keeps its text")
    ok(mode(STORE) == 0o700 and mode(os.path.join(STORE, "t")) == 0o700, "the store is closed to others")


def metadata():
    long = "/".join(["d" * 200] * 10) + "/" + "f" * 255
    binary = b"raw-\xff\xfe".decode("utf-8", "surrogateescape")
    entries = [
        entry("a/b/c", b"implied parents"), entry(long, b"long"), entry("e\u0301", b"decomposed"),
        entry("\u00e9", b"composed"), entry(binary, b"bytes"), entry("new\nline", b"n"),
        entry("owned", b"o", uid=7, gid=8), entry("far", b"o", uid=4000000000, gid=4000000000),
        symlink("owned-link", "x", uid=7, gid=8), directory("owned-dir", uid=7, gid=8),
        entry("suid", b"s", mode=0o4755), entry("sgid", b"s", mode=0o2755),
        entry("node", type=tarfile.CHRTYPE, devmajor=1, devminor=3), entry("block", type=tarfile.BLKTYPE),
        entry("fifo", type=tarfile.FIFOTYPE), hardlink("long-link", long),
        entry("attributes", b"a", pax={"SCHILY.xattr.user.note": "value",
                                       "SCHILY.xattr.security.capability": "x"}),
        entry("dup", b"first"), entry("dup", b"second"), entry("time", b"t", mtime=1234567890.5),
        entry("//abs//olute", b"relative"), entry("./dots/./file", b"dots"),
    ]
    r = import_(tar(entries))
    top = rootfs()
    if not ok(r.returncode == 0, "imports odd entries", r.stderr):
        return
    names = set(os.listdir(os.fsencode(top)))
    ok({b"a", "e\u0301".encode(), "\u00e9".encode(), b"raw-\xff\xfe", b"new\nline"} <= names,
       "names stay the bytes they are", names)
    with open(os.path.join(top, long)) as file:
        ok(file.read() == "long", "a long name")
    ok(os.stat(os.path.join(top, "long-link")).st_nlink == 2, "a hard link to a long name")
    ok(not {b"node", b"block", b"fifo"} & names and "sockets left out: 3" in r.stderr, "devices are left out", r.stderr)
    ok(mode(top + "/suid") == 0o755 and mode(top + "/sgid") == 0o755 and "taken away" in r.stderr and
       ": 2" in r.stderr, "set-id bits are taken away", r.stderr)
    with open(top + "/dup") as file:
        ok(file.read() == "second", "of two entries the later one counts")
    ok(os.stat(top + "/time").st_mtime == 1234567890.5, "parts of a second")
    ok(os.path.exists(top + "/abs/olute") and os.path.exists(top + "/dots/file"), "names are below the top")
    try:
        ok(os.getxattr(top + "/attributes", "user.note") == b"value", "user attributes are kept")
        ok(os.listxattr(top + "/attributes") == ["user.note"] and "attributes left out" in r.stderr,
           "others are left out", r.stderr)
    except OSError as error:
        ok(False, "extended attributes", error)
    owners(r, top)


def owners(r, top):
    ids = cuddy_json()[0]["ids"]
    wanted = {"all": (7, 8), "single": (os.getuid(), os.getgid())}.get(ids)
    if ids == "mapped":
        start = [int(granted(kind)[0]) for kind in ("/etc/subuid", "/etc/subgid")]
        wanted = (start[0] + 6, start[1] + 7)
    for name in ("owned", "owned-link", "owned-dir"):
        s = os.lstat(os.path.join(top, name))
        ok((s.st_uid, s.st_gid) == wanted, f"the owner of {name}, ids {ids}", (s.st_uid, s.st_gid), wanted)
    far = os.lstat(top + "/far").st_uid
    if ids == "all":
        ok(far == 4000000000, "root gives files to whom they belong")
    else:
        ok(far == os.getuid(), "an owner beyond the ids becomes root", r.stderr)
        ok(("given to root" in r.stderr) == (ids == "mapped"), "and that is said", r.stderr)
    if not ROOT:
        ok(ids == ("mapped" if shutil.which("newuidmap") and granted("/etc/subuid") else "single"),
           "ids are mapped where that is granted", ids)
        without = dict(os.environ, PATH="/nowhere")
        path = write("single.tar", tar([entry("owned", b"o", uid=7, gid=8)]))
        r = cuddy("import", path, "--name", "single", env=without)
        ok(r.returncode == 0 and "belong to one user" in r.stderr, "without newuidmap all is one user's, said so",
           r.stderr)
        ok(os.lstat(rootfs("single") + "/owned").st_uid == os.getuid(), "and it is")


def granted(path):
    try:
        with open(path) as file:
            for line in file:
                name, start, size = line.strip().split(":")
                if name in (os.environ.get("USER"), str(os.getuid())):
                    return start, size
    except (OSError, ValueError):
        pass
    return None


def cuddy_json():
    return json.loads(cuddy("list", "--json").stdout)


def sparse():
    path = os.path.join(WORK, "hole")
    with open(path, "wb") as file:
        file.truncate(64 << 20)
        file.seek(32 << 20)
        file.write(b"in the middle")
    for form in ("gnu", "posix"):
        subprocess.run(["tar", "-S", f"--format={form}", "-cf", path + ".tar", "-C", WORK, "hole"], check=True)
        r = import_(path + ".tar")
        ok(r.returncode == 0, f"imports a sparse file ({form})", r.stderr)
        with open(path, "rb") as one, open(rootfs() + "/hole", "rb") as other:
            ok(one.read() == other.read(), "its content")
        ok(os.stat(rootfs() + "/hole").st_blocks < 4096, "it has its hole")
    os.unlink(path)


LAYERS = [
    [directory("d"), entry("d/gone", b"1"), entry("d/stays", b"1"), directory("o"), entry("o/old", b"1"),
     directory("o/sub"), entry("o/sub/old", b"1"), entry("f-to-d", b"1"), directory("d-to-f"),
     entry("d-to-f/x", b"1"), directory("d-to-l"), entry("d-to-l/x", b"1"), symlink("l-to-d", "d"),
     entry("one", b"shared"), hardlink("two", "one"), directory("m", 0o755, mtime=5),
     entry("m/x", b"1"), entry("own", b"1"), directory("late"), entry("late/old", b"1"),
     entry("wide", b"1", mode=0o644), directory("whole"), entry("whole/x", b"1")],
    [entry("d/.wh.gone", b""), entry("o/.wh..wh..opq", b""), entry("o/new", b"2"), directory("f-to-d"),
     entry("f-to-d/x", b"2"), entry("d-to-f", b"2"), symlink("d-to-l", "d"), directory("l-to-d"),
     entry("l-to-d/x", b"2"), entry("two", b"changed"), directory("m", 0o700, mtime=6),
     entry("own", b"2"), entry(".wh.own", b""), entry("late/new", b"2"), entry("late/.wh..wh..opq", b""),
     entry(".wh.absent", b""), entry("nowhere/.wh.x", b""), entry(".wh.whole", b""), entry(".wh..wh.plnk", b"")],
    [hardlink("three", "one"), entry("d/gone", b"3"), entry("wide", b"3", mode=0o600)],
]


def check_layers(title, r, name="t"):
    if not ok(r.returncode == 0, title, r.stderr):
        return
    top = rootfs(name)

    def has(path, data):
        full = os.path.join(top, path)
        return os.path.isfile(full) and not os.path.islink(full) and open(full, "rb").read() == data
    tree = read_tree(top)
    ok(has("d/gone", b"3") and has("d/stays", b"1"), f"{title}: a whiteout, and the file made again")
    ok(sorted(os.listdir(top + "/o")) == ["new"], f"{title}: an opaque directory")
    ok(sorted(os.listdir(top + "/late")) == ["new"], f"{title}: opaque, said after its entries")
    ok(has("f-to-d/x", b"2") and has("d-to-f", b"2"), f"{title}: files and directories change places")
    ok(tree["d-to-l"] == ("link", "d") and has("l-to-d/x", b"2"), f"{title}: links and directories, too")
    ok(has("one", b"shared") and has("two", b"changed"), f"{title}: a changed name leaves the other as it was")
    ok(tree["three"][3] == "one" or tree["one"][3] == "three" or tree["three"][3] == tree["one"][3],
       f"{title}: a hard link across layers")
    ok(tree["m"][1:3] == (0o700, 6) and has("m/x", b"1"), f"{title}: a directory's metadata alone")
    ok(has("own", b"2"), f"{title}: a whiteout does not hide its own layer")
    ok(tree["wide"][1] == 0o600 and "whole" not in tree, f"{title}: modes, and a whole directory gone")
    ok(not [p for p in tree if ".wh." in p], f"{title}: no whiteout is left")


def images():
    layout = Layout()
    layout.index([layout.image(LAYERS, Cmd=["sh", "-c", "a \"b\""], Entrypoint=["/init"], User="1:2",
                               Env=["A=\u00e4\n"], WorkingDir="/w", architecture=MACHINE)])
    path = layout.write(os.path.join(WORK, "layout"))
    check_layers("OCI directory", import_(path))
    check_layers("OCI tar", import_(layout.tar()))
    check_layers("OCI tar.gz", import_(gzip.compress(layout.tar()), suffix=".tgz"))
    with open(os.path.join(STORE, "t/image.toml"), "rb") as file:
        info = tomllib.load(file)
    manifest = json.loads(layout.files["index.json"])["manifests"][0]["digest"]
    ok(info["command"] == ["sh", "-c", "a \"b\""] and info["entrypoint"] == ["/init"] and info["user"] == "1:2" and
       info["environment"] == ["A=\u00e4\n"] and info["working-directory"] == "/w", "image.toml: how to start", info)
    ok(info["digest"] == manifest and info["architecture"] == MACHINE and info["source"].endswith("t.tgz") and
       info["created"] == "2020-02-02T00:00:00Z" and info["size"] > 0 and "imported" in info, "image.toml: what it is", info)
    listed = [i for i in cuddy_json() if i["name"] == "t"][0]
    ok(listed["command"] == info["command"] and listed["path"] == rootfs(), "list --json says the same", listed)
    ok(mode(os.path.join(STORE, "t/image.toml")) == 0o600, "image.toml is closed to others")
    plain = Layout()
    check_layers("OCI, layers not packed",
                 import_(plain.index([plain.image(LAYERS, packed=False, architecture=MACHINE)]).tar()))
    old = Layout().saved(LAYERS, architecture=MACHINE)
    check_layers("docker save", import_(old.tar()))
    check_layers("docker save, tar.gz", import_(gzip.compress(old.tar())))
    check_layers("docker save, a directory", import_(old.write(os.path.join(WORK, "saved"))))
    twice = Layout().saved([LAYERS[0], [], LAYERS[1], [], LAYERS[2]], links=True, architecture=MACHINE)
    check_layers("docker save with links between layers", import_(twice.tar()))
    podman = Layout().saved(LAYERS, architecture=MACHINE)
    for name in [n for n in podman.files if n.endswith("layer.tar")]:
        inside = digest(podman.files[name]) + ".tar"
        podman.files[inside], podman.files[name] = podman.files[name], "../" + inside
    check_layers("podman save, layers at the top and links to them", import_(podman.tar()))
    both = Layout()
    both.saved(LAYERS, architecture=MACHINE).index([both.image(LAYERS, architecture=MACHINE)])
    check_layers("docker save with an OCI layout", import_(both.tar()))
    packed = Layout().saved(LAYERS, architecture=MACHINE)
    for name in [n for n in packed.files if n.endswith("layer.tar")]:
        packed.files[name] = gzip.compress(packed.files[name])
    check_layers("docker save, layers packed", import_(packed.tar()))
    r = import_(tar([entry("a", b"1"), entry(".wh.a", b"")]))
    ok(r.returncode == 0 and sorted(os.listdir(rootfs())) == [".wh.a", "a"], "in a root file system .wh. means nothing")


def refused(title, code, r, *texts):
    good = r.returncode == 125 and f"[{code}]" in r.stderr and all(t in r.stderr for t in texts)
    ok(good and not r.stdout, f"{title}: {code}", r.stderr, r.returncode)


def choices():
    layout = Layout()

    def made(architecture, variant=None, tag=None, mark=b""):
        part = layout.image([[entry("arch", architecture.encode() + mark)]], architecture=architecture)
        part["platform"] = {"os": "linux", "architecture": architecture}
        if variant:
            part["platform"]["variant"] = variant
        if tag:
            part["annotations"] = {"org.opencontainers.image.ref.name": tag}
        return part

    def which(r):
        return open(rootfs() + "/arch", "rb").read() if r.returncode == 0 else r.stderr
    foreign = "s390x" if MACHINE != "s390x" else "amd64"
    unknown = dict(made("unknown"), platform={"os": "unknown", "architecture": "unknown"})
    several = [unknown, made(foreign), made("arm", "v6"), made("arm", "v7", mark=b"7"), made(MACHINE)]
    layout.index(several)
    ok(which(import_(layout.tar())) == MACHINE.encode(), "an index: this machine's architecture")
    ok(which(import_(layout.tar(), "--arch", foreign)) == foreign.encode(), "an index: --arch")
    ok(which(import_(layout.tar(), "--arch", "arm/v7")) == b"arm7", "an index: --arch with a variant")
    refused("an architecture that is not there", "C578", import_(layout.tar(), "--arch", "vax"), foreign, "arm/v6")
    layout.index([layout.index(several, name=None)])
    ok(which(import_(layout.tar())) == MACHINE.encode(), "an index in an index")
    layout.index([made(MACHINE, tag="one"), made(MACHINE, tag="two", mark=b"2")])
    refused("two tags", "C578", import_(layout.tar()), "one", "two", "--tag")
    ok(which(import_(layout.tar(), "--tag", "two")) == MACHINE.encode() + b"2", "--tag")
    refused("a tag that is not there", "C578", import_(layout.tar(), "--tag", "three"), "three", "two")
    layout.index([layout.image([[entry("a", b"")]], architecture=foreign)])
    refused("the configuration tells another architecture", "C578", import_(layout.tar()), foreign)
    saved = Layout().saved([[entry("arch", b"1")]], ("a:1",), MACHINE).saved([[entry("arch", b"2")]], ("b:2",), MACHINE)
    refused("docker save of two images", "C578", import_(saved.tar()), "a:1", "b:2")
    ok(which(import_(saved.tar(), "--tag", "b:2")) == b"2", "docker save: --tag")
    deep = Layout()
    part = deep.image([[entry("a", b"")]], architecture=MACHINE)
    for _ in range(12):
        part = deep.index([part], name=None)
    refused("indexes without end", "C576", import_(deep.index([part]).tar()))


def damaged():
    """Each change of an honest image is found, and the image of that name stays."""
    r = import_(tar([entry("kept", b"kept")]), name="kept")
    path = os.path.join(WORK, "kept.tar")

    def attempt(title, code, change, maker):
        layout = maker()
        change(layout)
        write("kept.tar", layout.tar() if isinstance(layout, Layout) else layout)
        refused(title, code, cuddy("import", path, "--name", "kept", "--replace"))
        ok(os.listdir(rootfs("kept")) == ["kept"] and left() == ["kept"], f"{title}: the old image stays, nothing else", left())

    def oci():
        layout = Layout()
        return layout.index([layout.image(LAYERS, architecture=MACHINE)])

    def saved():
        return Layout().saved(LAYERS, architecture=MACHINE)

    def of(layout, *way):
        """The blob's name: index.json's manifest, and on from there."""
        at = json.loads(layout.files["index.json"])["manifests"][0]
        for key in way:
            at = json.loads(layout.files["blobs/sha256/" + at["digest"][7:]])
            for step in key:
                at = at[step]
        return "blobs/sha256/" + at["digest"][7:]

    def flip(layout, name, at=-20):
        layout.files[name] = corrupt(layout.files[name], at % len(layout.files[name]))
    last = ("layers", 2)
    attempt("a manifest that was changed", "C577", lambda l: flip(l, of(l)), oci)
    attempt("a configuration that was changed", "C577", lambda l: flip(l, of(l, ("config",))), oci)
    attempt("a layer with bytes behind its end", "C577",
            lambda l: l.files.update({of(l, last): l.files[of(l, last)] + b"\0"}), oci)

    def swap(layout):
        other = gzip.compress(tar([entry("evil", b"")]))
        layout.files[of(layout, last)] = other
    attempt("a layer that is another", "C577", swap, oci)
    attempt("a layer that is missing", "C576", lambda l: l.files.pop(of(l, last)), oci)
    attempt("a layer that is cut off", "C572",
            lambda l: l.files.update({of(l, last): l.files[of(l, last)][:-30]}), oci)
    attempt("an index that is no JSON", "C576", lambda l: l.files.update({"index.json": b"{"}), oci)
    attempt("an index with a key twice", "C576",
            lambda l: l.files.update({"index.json": b'{"manifests":[],"manifests":[]}'}), oci)
    attempt("an empty index", "C578", lambda l: l.files.update({"index.json": b'{"manifests":[]}'}), oci)
    attempt("another kind of digest", "C576", lambda l: l.files.update(
        {"index.json": b'{"manifests":[{"digest":"md5:00","size":1}]}'}), oci)
    attempt("a digest that is a path", "C576", lambda l: l.files.update(
        {"index.json": b'{"manifests":[{"digest":"sha256:../../../../etc/passwd","size":1}]}'}), oci)
    attempt("docker save: a layer that was changed", "C577",
            lambda l: flip(l, [n for n in l.files if n.endswith("layer.tar")][0], 600), saved)
    attempt("docker save: a configuration that was changed", "C577",
            lambda l: flip(l, [n for n in l.files if n.endswith(".json") and n[0] != "m"][0]), saved)

    def listed(**change):
        def apply(layout):
            manifest = json.loads(layout.files["manifest.json"])
            manifest[0].update(change)
            layout.files["manifest.json"] = json.dumps(manifest).encode()
        return apply
    outside = os.path.join(OUTSIDE, "file")
    attempt("docker save: a layer outside, by '..'", "C576", listed(Layers=["../" * 12 + outside[1:]] * 3), saved)
    attempt("docker save: a layer outside, by its path", "C576", listed(Layers=[outside] * 3), saved)
    attempt("docker save: layers left out", "C576", listed(Layers=[]), saved)
    attempt("docker save: no digest in a name", "C576", listed(Config="config.json"), saved)
    attempt("docker save: a layer that is a list", "C576", listed(Layers=[[]]), saved)

    def planted(layout):
        name = [n for n in layout.files if n.endswith("layer.tar")][0]
        layout.files[name] = outside
    attempt("docker save: a layer that is a link to the outside", "C576", planted, saved)
    attempt("no archive", "C572", lambda d: None, lambda: b"this is no archive" * 100)
    attempt("an empty file", "C572", lambda d: None, lambda: b"")
    attempt("an archive without entries", "C572", lambda d: None, lambda: tar([]))
    attempt("an archive that is cut off", "C572", lambda d: None, lambda: tar(BASE)[:3000])
    attempt("a packed archive that is cut off", "C572", lambda d: None, lambda: gzip.compress(tar(BASE))[:-9])
    attempt("a zip file", "C572", lambda d: None, lambda: b"PK\x03\x04" + b"\0" * 600)
    for title, words, code in (("no such file", ["/nowhere/x.tar"], "C572"), ("a device", ["/dev/null"], "C572"),
                               ("a directory that is no layout", [OUTSIDE], "C576")):
        refused(title, code, cuddy("import", *words, "--name", "x"))
    fifo = Layout()
    fifo.index([fifo.image(LAYERS, architecture=MACHINE)])
    where = fifo.write(os.path.join(WORK, "fifo"))
    victim = os.path.join(where, of(fifo))
    os.unlink(victim)
    os.mkfifo(victim)
    refused("a layout with a FIFO", "C576", cuddy("import", where, "--name", "x", timeout=20))


def hostile():
    out = OUTSIDE
    link = symlink("l", out)
    up = "../" * 20 + out[1:]
    rows = [
        ("'..' at the front", "C573", [entry("../evil", b"x")]),
        ("'..' inside", "C573", [directory("a"), entry("a/../../evil", b"x")]),
        ("'..' at the end", "C573", [directory("a/..")]),
        ("'..' that stays inside", "C573", [directory("a"), entry("a/../b", b"x")]),
        ("'..' behind the path to the outside", "C573", [entry(up + "/evil", b"x")]),
        ("a file through a link", "C573", [link, entry("l/evil", b"x")]),
        ("a file through a relative link", "C573", [symlink("l", up), entry("l/evil", b"x")]),
        ("a file through two links", "C573", [symlink("m", "l"), link, entry("m/evil", b"x")]),
        ("a file through a link to a link", "C573", [link, symlink("m", "l/dir"), entry("m/evil", b"x")]),
        ("a file through a link to '/'", "C573", [symlink("l", "/"), entry("l" + out + "/evil", b"x")]),
        ("a file through a link to '.'", "C573", [symlink("l", "."), entry("l/evil", b"x")]),
        ("a directory through a link", "C573", [link, directory("l/evil")]),
        ("a link through a link", "C573", [link, symlink("l/evil", "x")]),
        ("a hard link through a link", "C573", [link, entry("a", b"x"), hardlink("l/evil", "a")]),
        ("a hard link to the outside", "C573", [hardlink("h", out + "/file"), entry("h", b"x")]),
        ("a hard link to '..'", "C573", [hardlink("h", up + "/file")]),
        ("a hard link to a file behind a link", "C573", [link, hardlink("h", "l/file")]),
        ("a hard link to a file of the system", "C573", [hardlink("h", "/etc/passwd")]),
        ("a hard link to nothing", "C573", [hardlink("h", "absent")]),
        ("a hard link to a directory", "C573", [directory("d"), hardlink("h", "d")]),
        ("a hard link to the top", "C573", [hardlink("h", ".")]),
        ("a file below a file", "C573", [entry("a", b"x"), entry("a/b", b"x")]),
        ("a file in place of the top", "C573", [entry(".", b"x")]),
        ("a link in place of the top", "C573", [symlink(".", out), entry("evil", b"x")]),
        ("a link made of a directory", "C573", [directory("a"), directory("a/b"), symlink("a/b", out), entry("a/b/evil", b"x")]),
        ("a name of 5000 bytes", "C574", [entry("n/" * 2500 + "n", b"x")]),
        ("a name of 300 bytes in one piece", "C575", [entry("n" * 300, b"x")]),
        ("a hard link to a name of 5000 bytes", "C574", [hardlink("h", "n/" * 2500)]),
    ]
    for title, code, entries in rows:
        attack(title, code, tar(entries))
    layers = [
        ("a whiteout of '..'", "C573", [[entry("a", b"x")], [entry(".wh...", b"")]]),
        ("a whiteout of '.'", "C573", [[entry("a", b"x")], [entry(".wh..", b"")]]),
        ("a whiteout of nothing", "C573", [[entry("a", b"x")], [entry(".wh.", b"")]]),
        ("a whiteout behind '..'", "C573", [[entry("a", b"x")], [entry("../.wh.t", b"")]]),
        ("a whiteout through a link", "C573", [[link], [entry("l/.wh.file", b"")]]),
        ("an opaque link", "C573", [[link], [entry("l/.wh..wh..opq", b"")]]),
        ("a file through a link of the layer below", "C573", [[link], [entry("l/evil", b"x")]]),
        ("a hard link through a link of the layer below", "C573", [[link], [hardlink("h", "l/file")]]),
    ]
    for title, code, parts in layers:
        layout = Layout()
        attack(title, code, layout.index([layout.image(parts, architecture=MACHINE)]).tar())
    # Entries that only look harmful: replaced, not followed.
    for title, entries in (
            ("a file in place of a link", [link, entry("l", b"inside")]),
            ("a directory in place of a link", [link, directory("l"), entry("l/file", b"inside")]),
            ("a file in place of a hard link to a link", [link, hardlink("h", "l"), entry("h", b"inside")])):
        r = import_(tar(entries))
        ok(r.returncode == 0 and unharmed(), f"{title} is replaced", r.stderr)
    nested = Layout()
    nested.index([nested.image([[entry("a", b"x")]], architecture=MACHINE)])
    nested.files["blobs/../../evil"] = b"x"
    attack("'..' in the archive around the layers", "C573", nested.tar())


def mutations():
    """Archives with wrong bytes in right headers: imported or refused, and nothing else."""
    generator = random.Random(2)
    seed = tar(BASE + [symlink("l", OUTSIDE), hardlink("h", "etc/empty"), entry("x", b"y" * 700, pax={"path": "p" * 300})])
    offsets = [at for at in range(0, len(seed) - 1024, 512) if seed[at + 257:at + 262] == b"ustar"]
    reset()
    bad, whole = [], 0
    for turn in range(100):
        data = bytearray(seed)
        for _ in range(generator.randrange(1, 4)):
            at = generator.choice(offsets)
            data[at + generator.choice([0, 1, 100, 124, 130, 135, 156, 156, 157, 158, 200, 257, 345])] = generator.choice(
                b"./0123456789DKLSVgxX\0\xff")
            block = data[at:at + 512]
            block[148:156] = b" " * 8
            data[at + 148:at + 156] = b"%06o\0 " % sum(block)
        r = import_(bytes(data), "--max-size", "100M")
        whole += r.returncode == 0
        if r.returncode not in (0, 125) or not unharmed() or "ended by signal" in r.stderr or left() not in ([], ["t"]):
            bad.append((turn, r.returncode, r.stderr))
    ok(not bad, f"100 archives with wrong bytes, {whole} of them imported, do no harm", *bad[:3])


def unharmed():
    names = sorted(os.path.relpath(os.path.join(p, n), OUTSIDE) for p, d, f in os.walk(OUTSIDE) for n in d + f)
    return (names == ["dir", "dir/file", "file"] and os.stat(OUTSIDE).st_mtime == 1 and
            os.stat(OUTSIDE + "/dir").st_mtime == 1 and
            all(open(os.path.join(OUTSIDE, n)).read() == "outside" and os.stat(os.path.join(OUTSIDE, n)).st_mtime == 1 and
                os.stat(os.path.join(OUTSIDE, n)).st_nlink == 1 for n in ("file", "dir/file")) and
            not os.path.exists(os.path.join(WORK, "evil")) and not os.path.exists(os.path.join(DATA, "evil")) and
            not os.path.exists(os.path.join(STORE, "evil")))


def attack(title, code, data):
    reset()
    r = import_(data, name="attack")
    refused(title, code, r)
    ok(unharmed() and not left(), f"{title}: nothing outside, nothing left", left())
    ok("\x1b" not in r.stderr, f"{title}: no escape is shown")


def limits():
    reset()
    big = [entry("a", b"x" * 600000), entry("b", b"x" * 600000)]
    refused("more than --max-size", "C574", import_(tar(big), "--max-size", "1M"))
    ok(import_(tar(big), "--max-size", "1200000").returncode == 0, "exactly --max-size")
    refused("one byte more", "C574", import_(tar(big), "--max-size", "1199999"))
    for word in ("", "x", "-1", "1Q", "1MM", "99999999999999999999", "9999999T"):
        refused(f"--max-size '{word}'", "C500", import_(tar(big), "--max-size", word))
    path = os.path.join(WORK, "bomb")
    with open(path, "wb") as file:
        file.truncate(10 << 30)
    subprocess.run(["tar", "-Scf", path + ".tar", "-C", WORK, "bomb"], check=True)
    r = import_(path + ".tar")
    ok(r.returncode == 0 and os.stat(rootfs() + "/bomb").st_blocks == 0, "10 GiB of hole take no room", r.stderr)
    for number in "12":
        with open(path + number, "wb") as file:
            file.truncate(10 << 30)
    subprocess.run(["tar", "-Scf", path + ".tar", "-C", WORK, "bomb", "bomb1", "bomb2"], check=True)
    refused("30 GiB of holes", "C574", import_(path + ".tar"))
    for number in ("", "1", "2"):
        os.unlink(path + number)
    # 6 GiB of zeros in a whiteout are never written, only unpacked.
    whiteout = entry(".wh.x", b"")[0]
    whiteout.size = 6 << 30
    layout = Layout()
    part = layout.image([[entry("x", b"x")], [entry("y", b"x")]], architecture=MACHINE)
    manifest = json.loads(layout.files["blobs/sha256/" + part["digest"][7:]])
    manifest["layers"][1] = layout.blob(gzip.compress(whiteout.tobuf(tarfile.GNU_FORMAT)) +
                                        gzip.compress(bytes(64 << 20), 1) * 96)
    layout.index([layout.blob(json.dumps(manifest).encode())])
    refused("content that unpacks without end", "C574", import_(layout.tar(), "--max-size", "100M"))


def names():
    reset()
    path = write("debian-12.tar.gz", gzip.compress(tar(BASE)))
    r = cuddy("import", path)
    ok(r.returncode == 0 and left() == ["debian-12"], "the name comes from the file", r.stderr)
    refused("a name that is taken", "C579", cuddy("import", path), "--replace")
    ok(left() == ["debian-12"], "and nothing is left of it", left())
    for name in ("", ".x", "../x", "a/b", "-x", "a b", "x" * 65, "a\nb"):
        refused(f"the name {name!r}", "C571", cuddy("import", path, f"--name={name}"))
    ok(cuddy("import", path, "--name", "x" * 64).returncode == 0, "a name of 64 bytes")
    alone = os.path.join(WORK, "alone", "cuddy")
    os.mkdir(os.path.dirname(alone))
    shutil.copy(CUDDY, alone)
    r = subprocess.run([alone, "image", "import", path], capture_output=True, text=True)
    refused("a cuddy without its helper names the package", "C570", r, "libarchive-dev")
    r = cuddy("import", "--help")
    ok(r.returncode == 0 and "--max-size" in r.stdout, "--help behind the action")
    refused("no file", "C513", cuddy("import"))
    refused("an unknown action", "C513", cuddy("frobnicate"))
    refused("rm of nothing", "C580", cuddy("rm", "--force", "absent"))
    refused("rm of a path", "C580", cuddy("rm", "--force", "../images"))
    refused("rm without a terminal", "C585", cuddy("rm", "debian-12"))
    held = os.open(os.path.join(STORE, "debian-12"), os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_SH)
    refused("rm of an image in use", "C581", cuddy("rm", "--force", "debian-12"))
    ok(cuddy("import", path, "--replace").returncode == 0, "an image in use is replaced")
    kept = [n for n in left() if n.startswith(".")]
    cuddy("list")
    ok(len(kept) == 1 and [n for n in left() if n.startswith(".")] == kept, "the old one stays as long as it is used")
    os.close(held)
    cuddy("list")
    ok(not [n for n in left() if n.startswith(".")], "and goes with the next command", left())
    r = cuddy("list")
    ok("debian-12" in r.stdout and "debian-12.tar.gz" in r.stdout, "list", r.stdout)
    os.unlink(os.path.join(STORE, "debian-12/image.toml"))
    ok("debian-12" in cuddy("list").stdout, "list without image.toml")
    reset()
    ok(cuddy("list").stdout == "" and cuddy_json() == [], "an empty list")


def ended(process):
    process.wait()
    return process.returncode


def start(path, name):
    return subprocess.Popen([CUDDY, "image", "import", path, "--name", name], stdin=subprocess.DEVNULL,
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def kills():
    reset()
    many = [entry(f"d{i % 50}/f{i}", b"x" * (i % 3000)) for i in range(4000)]
    path = write("many.tar.gz", gzip.compress(tar(many), 1))
    layout = Layout()
    image = write("many-oci.tar", layout.index([layout.image([many, many], architecture=MACHINE)]).tar())
    begin = time.monotonic()
    ok(ended(start(image, "whole")) == 0, "imports 8000 files")
    length = time.monotonic() - begin
    cuddy("rm", "--force", "whole")
    generator = random.Random(1)
    bad, whole = [], 0
    for turn in range(20):
        process = start((path, image)[turn % 2], "killed")
        time.sleep(length * generator.random())
        process.send_signal(signal.SIGKILL)
        process.wait()
        # The child dies with its parent, and holds the lock as long as it lives.
        end = time.monotonic() + 20
        while [n for n in left() if n.startswith(".")] and time.monotonic() < end:
            cuddy("list")
        if [n for n in left() if n.startswith(".")]:
            bad.append((turn, left()))
        if "killed" in left():
            whole += 1
            if len(read_tree(rootfs("killed"))) != 4000 + 51 or not os.path.exists(STORE + "/killed/image.toml"):
                bad.append((turn, "half an image"))
            cuddy("rm", "--force", "killed")
    ok(not bad, f"20 imports killed at random moments leave all or nothing ({whole} were whole)", bad)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        process = start(path, "stopped")
        while not left():
            if process.poll() is not None:
                break
        process.send_signal(number)
        status = ended(process)
        ok(status in (128 + number, 0), f"{number.name} ends an import", status)
        ok(left() == (["stopped"] if status == 0 else []), f"{number.name} leaves nothing", left())
        cuddy("rm", "--force", "stopped")
    alive(path)
    two(path)


def alive(path):
    process = start(path, "alive")
    # It has the lock before it makes anything in its directory.
    while not any(os.path.exists(rootfs(n)) for n in left()) and process.poll() is None:
        pass
    process.send_signal(signal.SIGSTOP)
    before = left()
    cuddy("list")
    ok(left() == before, "an import that lives is left alone", before, left())
    process.send_signal(signal.SIGCONT)
    ok(ended(process) == 0 and left() == ["alive"], "and comes to its end", left())
    cuddy("rm", "--force", "alive")


def two(path):
    pair = [start(path, "same") for _ in range(4)]
    codes = sorted(ended(p) for p in pair)
    ok(codes == [0, 125, 125, 125] and left() == ["same"], "of four imports of one name one wins", codes, left())
    cuddy("rm", "--force", "same")


def full():
    reset()
    path = write("full.tar", tar([entry(f"f{i}", b"x" * 100000) for i in range(100)]))
    small = os.path.join(WORK, "small")
    os.makedirs(small, exist_ok=True)
    script = f"""mount -t tmpfs -o size=3m none {small} || exit 77
        XDG_DATA_HOME={small} {CUDDY} image import {path} --name full
        echo status $?; find {small} -mindepth 3; df --output=used {small} | tail -n 1"""
    unshare = ["unshare", "-m"] if ROOT else ["unshare", "-Urm"]
    r = subprocess.run(unshare + ["sh", "-c", script], capture_output=True, text=True)
    if r.returncode == 77:
        ok(False, "a small file system can be mounted", r.stderr)
        return
    words = r.stdout.split()
    ok(words[:2] == ["status", "125"] and "[C575]" in r.stderr and "space" in r.stderr, "a full disk is an error", r.stdout, r.stderr)
    ok(len(words) == 3 and int(words[2]) < 100, "nothing is left of the import", r.stdout)


def removal():
    reset()
    import_(tar(BASE + [entry("owned", b"x", uid=3, gid=3), directory("theirs", 0o700, uid=3, gid=3),
                        entry("theirs/x", b"x", uid=3, gid=3)]), name="deep")
    top = rootfs("deep")
    os.symlink(OUTSIDE, top + "/planted")
    at = os.open(top, os.O_RDONLY)
    for _ in range(10000):
        os.mkdir("d", dir_fd=at)
        below = os.open("d", os.O_RDONLY, dir_fd=at)
        os.close(at)
        at = below
    os.symlink(OUTSIDE, "out", dir_fd=at)
    os.mkdir("shut", 0, dir_fd=at)
    os.close(at)
    r = cuddy("rm", "--force", "deep")
    ok(r.returncode == 0 and not left(), "a tree of 10,000 levels is removed", r.stderr)
    ok(unharmed(), "no link in it was followed")


def terminal():
    """The bar and the question need a terminal."""
    import pty
    reset()
    path = write("bar.tar.gz", gzip.compress(tar([entry(f"f{i}", b"x" * 9000) for i in range(2000)])))

    def run(words, answer, **more):
        pid, master = pty.fork()
        if pid == 0:
            os.execve(CUDDY, [CUDDY, "image", *words], {k: v for k, v in os.environ.items() if k != "NO_COLOR"} | more)
        if answer:
            os.write(master, answer)
        shown = b""
        while True:
            try:
                part = os.read(master, 4096)
            except OSError:
                break
            if not part:
                break
            shown += part
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        os.close(master)
        return status, shown.decode(errors="replace")
    status, shown = run(["import", path, "--name", "bar"], b"")
    ok(status == 0 and re.search(r"\r\[[# ]{30}\] +\d+ % of", shown), "a terminal sees a bar", shown)
    r = cuddy("import", path, "--name", "bar2")
    ok("\r" not in r.stderr, "others do not", r.stderr)
    status, shown = run(["import", path, "--name", "bar3"], b"", NO_COLOR="1")
    ok(status == 0 and "%" not in shown, "nor does NO_COLOR", shown)
    status, shown = run(["rm", "bar"], b"n\n")
    ok(status == 125 and "bar" in left() and "[y/N]" in shown, "rm asks, and takes no for an answer", shown)
    status, shown = run(["rm", "bar"], b"y\n")
    ok(status == 0 and "bar" not in left(), "and yes", shown)


def peers():
    """What umoci and skopeo make of the same layers."""
    if not shutil.which("umoci") or not shutil.which("skopeo"):
        skip("umoci and skopeo", "umoci or skopeo")
        return
    reset()
    layout = Layout()
    part = layout.image(LAYERS, architecture=MACHINE)
    part["mediaType"] = "application/vnd.oci.image.manifest.v1+json"
    part["annotations"] = {"org.opencontainers.image.ref.name": "t"}
    name = "blobs/sha256/" + part["digest"][7:]
    manifest = json.loads(layout.files.pop(name))
    manifest["config"]["mediaType"] = "application/vnd.oci.image.config.v1+json"
    part.update(layout.blob(json.dumps(manifest).encode()))
    path = layout.index([part]).write(os.path.join(WORK, "peer"))
    bundle = os.path.join(WORK, "bundle")
    words = ["umoci", "unpack", "--image", path + ":t", bundle]
    r = subprocess.run(words if ROOT else words[:2] + ["--rootless"] + words[2:], capture_output=True, text=True)
    if ok(r.returncode == 0, "umoci unpacks our image", r.stderr):
        ours = import_(path)
        trees = undated(bundle + "/rootfs"), undated(rootfs())
        differ = {k: (trees[0].get(k), trees[1].get(k)) for k in trees[0].keys() | trees[1].keys()
                  if trees[0].get(k) != trees[1].get(k)}
        ok(ours.returncode == 0 and not differ, "umoci's tree is the same", differ)
    tree = undated(rootfs())
    for target in ("oci-archive:", "docker-archive:", "oci:"):
        other = os.path.join(WORK, "copied-" + target[:-1])
        r = subprocess.run(["skopeo", "--insecure-policy", "--tmpdir", WORK, "copy", "-q", f"oci:{path}:t", target + other + (":t:t" if target == "docker-archive:" else ":t")],
                           capture_output=True, text=True)
        if ok(r.returncode == 0, f"skopeo writes {target}", r.stderr):
            r = import_(other)
            got = undated(rootfs())
            ok(r.returncode == 0 and got == tree, f"what skopeo wrote ({target}) gives the same tree", r.stderr,
               {k: (got.get(k), tree.get(k)) for k in got.keys() | tree.keys() if got.get(k) != tree.get(k)})


def undated(top):
    """Directories that no entry names get the time of their import, so times of directories differ."""
    return {path: row[:2] + row[3:] if row[0] == stat.S_IFDIR else row for path, row in read_tree(top).items()}


MACHINE = {"x86_64": "amd64", "aarch64": "arm64", "riscv64": "riscv64", "ppc64le": "ppc64le", "s390x": "s390x"}.get(
    os.uname().machine, os.uname().machine)


def main():
    reset()
    for part in (formats, metadata, sparse, images, choices):
        part()
    reset()
    damaged()
    for part in (hostile, mutations, limits, names, kills, full, removal, terminal, peers):
        part()
    reset()
    ok(not left(), "the store can be emptied", left())
    print(f"1..{count}")


main()
