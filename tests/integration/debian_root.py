"""tests/integration/debian_root.py OUTPUT.tar - a small Debian made of the packages of this machine.

The packages that a build needs and all that they depend on, as dpkg lists their files, with a list of
packages that names them alone.  Nothing is downloaded.  Exit status 77: this is no Debian."""
import io
import os
import re
import subprocess
import sys
import tarfile

WANTED = ["apt", "dpkg-dev", "gcc", "libc6-dev", "make", "passwd", "base-files", "base-passwd"]
DIRECTORIES = ["dev", "etc", "home", "proc", "root", "run", "srv", "sys", "tmp", "usr", "var", "var/cache",
               "var/cache/apt", "var/cache/apt/archives", "var/cache/apt/archives/partial", "var/lib",
               "var/lib/apt", "var/lib/apt/lists", "var/lib/apt/lists/partial", "var/lib/dpkg",
               "var/lib/dpkg/info", "var/lib/dpkg/updates", "var/log", "var/log/apt", "var/tmp"]
MERGED = ["bin", "lib", "lib32", "lib64", "libx32", "sbin"]
USERS = "root:x:0:0:root:/root:/bin/sh\ndaemon:x:1:1::/:/usr/sbin/nologin\ngames:x:5:60::/:/usr/sbin/nologin\n" \
        "_apt:x:42:65534::/nonexistent:/usr/sbin/nologin\nnobody:x:65534:65534::/nonexistent:/usr/sbin/nologin\n"
GROUPS = "root:x:0:\nadm:x:4:\nshadow:x:42:\ngames:x:60:\nnogroup:x:65534:\n"


def stanzas():
    found = {}
    with open("/var/lib/dpkg/status", encoding="utf-8") as file:
        for text in file.read().split("\n\n"):
            fields = dict(re.findall(r"^([\w-]+): *(.*)$", text, re.M))
            if "installed" in fields.get("Status", "").split():
                found.setdefault(fields["Package"], (fields, text))
                for name in re.findall(r"[\w.+-]+", re.sub(r"\(.*?\)", "", fields.get("Provides", ""))):
                    found.setdefault(name, (fields, text))
    return found


def closure(found):
    names = [n for n, (f, _) in found.items() if f.get("Essential") == "yes"]
    todo, done = names + WANTED, {}
    while todo:
        entry = found.get(todo.pop())
        if not entry or entry[0]["Package"] in done:
            continue
        done[entry[0]["Package"]] = entry[1]
        depends = ",".join(entry[0].get(key, "") for key in ("Depends", "Pre-Depends"))
        todo += [re.match(r"\s*([\w.+-]*)", one)[1] for one in re.split("[,|]", depends)]
    return done


def main():
    if not os.path.exists("/var/lib/dpkg/status"):
        sys.exit(77)
    packages = closure(stanzas())
    if any(name not in packages for name in WANTED):
        sys.exit(77)
    seen = set()
    with tarfile.open(sys.argv[1], "w") as out:
        def take(path):
            above, name = os.path.split(path)
            path = os.path.join(os.path.realpath(above), name)
            if path in seen or not os.path.lexists(path):
                return
            seen.add(path)
            try:
                info = out.gettarinfo(path, path.lstrip("/"))
                info.uid = info.gid = 0
                if info.isreg():
                    with open(path, "rb") as file:
                        out.addfile(info, file)
                elif info.isdir() or info.issym() or info.islnk():
                    out.addfile(info)
            except PermissionError:
                pass

        def write(name, text):
            info = tarfile.TarInfo(name)
            info.size = len(text.encode())
            info.mode = 0o644
            out.addfile(info, io.BytesIO(text.encode()))

        for name in MERGED:
            if os.path.islink("/" + name):
                take("/" + name)
        for name in DIRECTORIES:
            info = tarfile.TarInfo(name)
            info.type = tarfile.DIRTYPE
            info.mode = 0o1777 if name.endswith("tmp") else 0o755
            out.addfile(info)
            seen.add("/" + name)
        lists = subprocess.run(["dpkg-query", "-L", *packages], stdout=subprocess.PIPE, check=True, text=True)
        for path in sorted(set(lists.stdout.split("\n"))):
            if path.startswith("/") and not re.match("/usr/share/(doc|man|locale|info)/.", path):
                take(path)
        for top in ("/etc/alternatives", "/usr/bin"):
            for name in sorted(os.listdir(top)):
                path = os.path.join(top, name)
                if top != "/usr/bin" or (os.path.islink(path) and os.readlink(path).startswith("/etc/alternatives/")):
                    take(path)
        take("/etc/ld.so.cache")
        for name in sorted(os.listdir("/var/lib/dpkg/info")):
            if re.split("[.:]", name)[0] in packages or name.rsplit(".", 1)[0].split(":")[0] in packages or \
                    name == "format":
                take("/var/lib/dpkg/info/" + name)
        write("var/lib/dpkg/status", "\n\n".join(packages.values()) + "\n")
        write("var/lib/dpkg/arch", "")
        for name, text in (("passwd", USERS), ("group", GROUPS), ("shadow", "root:*:19000::::::\n"),
                           ("gshadow", ""), ("hosts", "127.0.0.1 localhost\n"), ("hostname", "root\n"),
                           ("machine-id", ""), ("resolv.conf", "")):
            write("etc/" + name, text)


main()
