#!/usr/bin/env python3
"""tests/integration/network_differential.py CUDDY DIRECTORY - does the network do what the oracle says?

Runs in the lab of lab.lib: makes random policies, asks `cuddy why` for a verdict on many endpoints, starts one cage
for each policy in which lab_client.py tries all of them, and compares.  What the oracle is not asked for is added
as the manual tells it: a name must be resolvable, and none of its addresses that is denied is used.  Where
`cuddy explain` says that the deciding rule is exact, any difference is an error; where it says coarse, less than the
oracle's is none.  Prints one line for each difference, then the figures.  CUDDY_SEED repeats a run."""
import collections
import json
import os
import random
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

CUDDY, DIRECTORY = sys.argv[1:3]
RNG = random.Random(int(os.environ.get("CUDDY_SEED", "20261122")))
POLICIES = int(os.environ.get("CUDDY_POLICIES", "12"))
PAIRS = 20
NAMES = {"ok.example": ["203.0.113.10", "2001:db8:200::10"], "a.wild.example": ["203.0.113.11"],
         "wild.example": ["203.0.113.11"], "evil.example": ["203.0.113.12"], "six.example": ["2001:db8:200::10"]}
ADDRESSES = ["203.0.113.10", "203.0.113.11", "203.0.113.12", "2001:db8:200::10", "192.168.77.20", "192.168.77.10",
             "172.17.0.1", "169.254.169.254"]
PORTS = [80, 443, 8080]
ENDPOINTS = ["internet", "lan", "loopback", "tcp:internet", "udp:internet", "internet:443", "tcp:internet:1-500",
             "udp:internet:443-8080", "icmp:internet", "icmp:lan", "203.0.113.10", "203.0.113.0/28:443", "tcp:203.0.113.11",
             "udp:203.0.113.8/29", "icmp:203.0.113.11", "[2001:db8:200::]/64:443", "[2001:db8::]/32", "192.168.77.20:8080",
             "192.168.77.0/24", "tcp:172.17.0.1", "169.254.169.254:80", "ok.example:443", "ok.example", "*.wild.example",
             "tcp:wild.example:80", "six.example", "udp:evil.example", "evil.example:443", "*.example", "dns:any",
             "dns:*.example", "tcp:any:443", "listen:9000"]


def bracket(host):
    return f"[{host}]" if ":" in host else host


def cuddy(*words):
    return subprocess.run([CUDDY, *words], capture_output=True, text=True, stdin=subprocess.DEVNULL, cwd=DIRECTORY)


def write_profile(name):
    allow = RNG.sample(ENDPOINTS, RNG.randint(1, 6))
    deny = RNG.sample(ENDPOINTS, RNG.choice([0, 0, 1, 2, 3]))
    flags = RNG.sample(["outgoing", "lan", "ping", "dns", "local", "incoming"], RNG.choice([0, 0, 1, 2]))
    with open(f"{DIRECTORY}/{name}", "w") as out:
        out.write('[filesystem]\nflags = ["system", "own-home", "project", "tmp"]\n[runtime]\nflags = ["ordinary"]\n'
                  f"[networking]\nflags = {flags}\nallow = {allow}\ndeny = {deny}\n")
    return flags, allow, deny


def attempts():
    hosts = list(NAMES) + ADDRESSES
    every = [(kind, host, port) for host in hosts for kind in ("tcp", "udp") for port in PORTS]
    every += [("ping", host, 56) for host in hosts]
    return RNG.sample(every, PAIRS - 2) + [("own", "127.0.0.1", 9000), ("own", "::1", 9000)]


class Policy:
    def __init__(self, name):
        self.name = name
        explained = json.loads(cuddy("explain", "--json", f"./{name}").stdout)
        self.rules = {(rule["effect"], rule["pattern"]): rule for rule in explained["rules"] if rule["kind"] == "network"}
        self.asked = {}

    def ask(self, question):
        if question not in self.asked:
            self.asked[question] = json.loads(cuddy("why", "--json", f"./{self.name}", question).stdout)
        return self.asked[question]

    def question(self, kind, host, port):
        if kind == "ping":
            return f"send icmp:{bracket(host)}"
        return f"{'send udp:' if kind == 'udp' else 'connect tcp:'}{bracket(host)}:{port}"

    def expect(self, kind, host, port):
        """Whether it is open, and how exactly the rule that said so is enforced."""
        verdict = self.ask(self.question(kind, host, port))
        is_open = verdict["verdict"] == "allow"
        if kind == "own":  # what may not be waited at cannot be reached; the server is the program itself
            listen = self.ask(f"listen {port}")
            is_open = is_open and not (listen["verdict"] == "deny" and listen["pattern"])
        rule = self.rules.get((verdict["verdict"], verdict["pattern"]))
        if verdict["pattern"] and (not rule or rule["enforced"] == "none"):
            return None, f"explain does not know '{verdict['pattern']}'"
        if is_open and host in NAMES:
            answers = [self.ask(self.question(kind, address, port)) for address in NAMES[host]]
            is_open = (self.ask(f"resolve {host}")["verdict"] == "allow" and
                       any(a["verdict"] == "allow" or not a["pattern"] for a in answers))
        return is_open, rule["enforced"] if rule else "exact"


def start_cage(case):
    name, _, policy, tried = case
    words = [("" if policy.expect(*one)[0] else "-") + "{}:{}/{}".format(*one) for one in tried]
    return cuddy("run", "-n", name.removesuffix(".toml"), "-p", f"./{name}", "/usr/bin/python3", f"{DIRECTORY}/lab_client.py",
                 *words)


def main():
    figures = collections.Counter()
    names = [f"random{index}.toml" for index in range(POLICIES)]
    cases = [(name, write_profile(name), Policy(name), attempts()) for name in names]
    with ThreadPoolExecutor(12) as pool:  # what is closed by silence is waited for
        results = list(pool.map(start_cage, cases))
    for (name, said, policy, tried), done in zip(cases, results):
        lines = {line.split(" ", 1)[0]: line for line in done.stdout.splitlines()}
        for kind, host, port in tried:
            wanted, how = policy.expect(kind, host, port)
            line = lines.get(f"{kind}:{host}/{port}", "nothing " + done.stderr[-300:])
            got = " reached" in line
            figures["pairs"] += 1
            figures["open" if got else "closed"] += 1
            if wanted is None:
                print(f"different: {name} {said}: {kind} {host} {port}: {how}")
            elif got and not wanted:
                print(f"different: {name} {said}: {line}: the oracle says no")
            elif wanted and not got and how == "coarse":
                figures["narrower, as explain says"] += 1
            elif wanted and not got:
                print(f"different: {name} {said}: {line}: the oracle says yes, {how}")
    print(", ".join(f"{count} {what}" for what, count in figures.items()))


main()
