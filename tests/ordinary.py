#!/usr/bin/env python3
"""tests/ordinary.py - do real programs get along with `runtime.ordinary`?

Usage: ordinary.py SOURCE-ROOT
Runs each program under strace and compares the calls it made with those that the flag grants.  A
call that the filter answers with ENOSYS does not count: libraries fall back.  Prints TAP; a program
that is not installed is skipped."""
import os
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
import catalogue

FALL_BACK = {"clone3", "io_uring_enter", "io_uring_register", "io_uring_setup", "openat2"}
PYTHON = """
import asyncio, os, signal, sqlite3, subprocess, tempfile, threading
thread = threading.Thread(target=print); thread.start(); thread.join()
subprocess.run(["true"], check=True); tempfile.TemporaryDirectory().cleanup()
asyncio.run(asyncio.sleep(0.01)); sqlite3.connect("x.db").execute("create table t(a)")
"""
NODE = """
require("child_process").execSync("true"); require("fs").watch(".").close();
new (require("worker_threads").Worker)("1", {eval: true});
"""
PROGRAMS = [
    ("bash", ["bash", "-c", "ls | sort; read x <a.c; (sleep 0.01 & wait); ulimit -a; cat a.c >b"]),
    ("gcc", ["gcc", "-O2", "-pipe", "a.c", "-o", "a"]),
    ("git", ["sh", "-c", "git init -q r && cp a.c r && cd r && git add . && git -c user.name=a "
                         "-c user.email=a@b commit -qm x && git gc -q && git clone -q . ../s"]),
    ("node", ["node", "-e", NODE]),
    ("python3", [sys.executable, "-c", PYTHON]),
]


def granted(root):
    files = {c: catalogue.load(os.path.join(root, f"permissions/{c}.toml"))
             for c in catalogue.CATEGORIES}
    flags = {f"{c}.{n}": table for c, part in files.items() for n, table in part.items()}
    return {call.split("(")[0] for call in catalogue.syscalls_of(flags, "runtime.ordinary")}


def calls_of(command, place):
    """The names that strace counted; the last word of each row of its table."""
    with open(os.path.join(place, "a.c"), "w", encoding="utf-8") as file:
        file.write("int main(void) { return 0; }\n")
    table = os.path.join(place, "calls")
    subprocess.run(["strace", "-f", "-qq", "-c", "-o", table, *command], cwd=place, check=True,
                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with open(table, encoding="utf-8") as file:
        rows = [line.split() for line in file]
    return {row[-1] for row in rows if row and row[0][0].isdigit()} - {"total"}


def main():
    root = os.path.abspath(sys.argv[1] if len(sys.argv) > 1
                           else os.path.join(os.path.dirname(__file__), ".."))
    if not shutil.which("strace"):
        print("1..0 # SKIP strace is not installed")
        return 0
    allowed, failed = granted(root) | FALL_BACK, False
    for number, (name, command) in enumerate(PROGRAMS, 1):
        if not shutil.which(name):
            print(f"ok {number} - {name} # SKIP not installed")
            continue
        with tempfile.TemporaryDirectory() as place:
            missing = sorted(calls_of(command, place) - allowed)
        print(f"{'not ok' if missing else 'ok'} {number} - {name} needs ordinary calls only")
        for call in missing:
            print(f"# {call}")
        failed |= bool(missing)
    print(f"1..{len(PROGRAMS)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
