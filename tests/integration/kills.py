#!/usr/bin/env python3
"""kills.py CUDDY ROUNDS SECONDS - kill -9 at random moments over start, exec, commit and stop.

Each round begins something, kills what did it at a moment that nobody chose, and makes one further call, which must
work.  At the end: no counter of the cage went backwards, every committed file is whole, nothing is left behind."""
import json
import os
import random
import signal
import subprocess
import sys
import time

CUDDY, ROUNDS, SECONDS = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
HOME = os.environ["HOME"]
WORK = HOME + "/tree"
QUIET = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
PROFILE = HOME + "/kills.toml"
# Files are replaced in one step, as a careful program does: what it tears itself is not ours to mend.
COUNT = 'n=$(cat ~/n 2>/dev/null || echo 0); echo $((n + 1)) >~/n.$$ && mv ~/n.$$ ~/n; echo $((n + 1)); '
CHANGE = f'cd {WORK}; for i in 1 2 3 4 5 6 7 8; do printf "%8000s\\n" "$1" >.new.$i && mv -f .new.$i f$i; done; '


def call(*words, **more):
    return subprocess.run([CUDDY, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, **more)


def inits():
    return [cage["pid"] for cage in json.loads(call("ps", "--json").stdout or "[]") if cage["name"] == "k"]


def run(script, *arguments):
    return ["run", "-p", PROFILE, "-n", "k", "bash", "-c", script, "sh", *arguments]


def counter():
    """One further call: it must work, and the counter must go on."""
    done = call(*run(COUNT))
    if done.returncode == 125 and "is running" not in done.stderr:
        return None, done.stderr
    return (int(done.stdout), "") if done.returncode == 0 else (None, done.stderr)


def one_round(number, random_kind):
    if random_kind in ("exec", "stop"):
        holder = subprocess.Popen([CUDDY, *run("sleep 2")], **QUIET)
        while not inits() and holder.poll() is None:
            time.sleep(0.01)
    words = {"start": run(COUNT + CHANGE + "sleep 0.05", str(number)), "exec": ["exec", "k", "--", "bash", "-c", COUNT],
             "commit": ["commit", "--force", "k"], "stop": ["stop", "--timeout", "1", "k"]}[random_kind]
    victim = subprocess.Popen([CUDDY, *words], **QUIET)
    time.sleep(random.random() ** 2 * 0.12)
    targets = [victim.pid] if random.random() < 0.7 else inits()
    for pid in targets:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    if random_kind in ("exec", "stop"):
        holder.kill()
        holder.wait()
    if random.random() < 0.7 or not targets:
        victim.kill()
    victim.wait()


def main():
    os.makedirs(WORK, exist_ok=True)
    for i in range(1, 9):
        with open(f"{WORK}/f{i}", "w") as file:
            file.write("%8000s\n" % "0")
    with open(PROFILE, "w") as file:
        file.write(f'include = ["command-line"]\n[filesystem]\ncopy-on-write = ["{WORK}"]\n')
    os.chdir(HOME)
    end, last, bad, done = time.monotonic() + SECONDS, 0, [], 0
    for number in range(1, ROUNDS + 1):
        if time.monotonic() > end:
            break
        kind = random.choice(("start", "start", "exec", "commit", "commit", "stop"))
        one_round(number, kind)
        count, why = counter()
        done += 1
        if count is None or count <= last:
            bad.append(f"round {number} ({kind}): counter {count} after {last} {why}")
        last = count or last
    print(f"# {done} rounds")
    for line in bad[:5]:
        print("# " + line.replace("\n", " "))
    whole = call("commit", "--force", "k")
    call("ps")
    sizes = [os.path.getsize(f"{WORK}/f{i}") for i in range(1, 9)]
    strays = [name for name in os.listdir(WORK) if not name.startswith(("f", ".new."))]
    left = os.listdir(os.environ["XDG_RUNTIME_DIR"] + "/cuddy") if os.path.isdir(os.environ["XDG_RUNTIME_DIR"] + "/cuddy") else []
    print(json.dumps({"bad": len(bad), "commit": whole.returncode, "broken": [s for s in sizes if s < 8000],
                      "strays": strays, "left": left}))
    return 0


sys.exit(main())
