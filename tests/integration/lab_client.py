#!/usr/bin/env python3
"""The program in the cage: lab_client.py ATTEMPT...

An attempt is KIND:HOST/PORT with KIND tcp, udp, dns or dnstcp; one line is printed for each: the
attempt, and "reached" with what answered, or "closed".  "wait:FILE" waits for a file to appear; what
stands before it is done first."""
import os, socket, struct, sys, time
from concurrent.futures import ThreadPoolExecutor

QUERY = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x02ok\x07example\x00\x00\x01\x00\x01"


def attempt(kind, host, port):
    tcp = kind in ("tcp", "dnstcp")
    last = None
    for family, type_, _, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM):
        try:
            with socket.socket(family, type_) as s:
                s.settimeout(float(os.environ.get("LAB_TIMEOUT", "3")))
                s.connect(address)
                if kind == "dnstcp":
                    s.sendall(struct.pack("!H", len(QUERY)) + QUERY)
                elif kind == "dns":
                    s.sendall(QUERY)
                else:
                    s.sendall(b"hello")
                data = s.recv(2000)
                if not data:
                    raise OSError("nothing came")
                if kind == "tcp" and not data.endswith(b"hello"):
                    data += s.recv(2000)
                return "reached " + ("dns" if kind.startswith("dns") else data.decode(errors="replace"))
        except OSError as error:
            last = error
    return f"closed {last}"


def run(text):
    kind, rest = text.split(":", 1)
    host, port = rest.rsplit("/", 1)
    try:
        return f"{text} {attempt(kind, host, int(port))}"
    except OSError as error:
        return f"{text} closed {error}"


def run_all(attempts):
    with ThreadPoolExecutor(16) as pool:
        for line in pool.map(run, attempts):
            print(line, flush=True)


attempts = []
for text in sys.argv[1:]:
    if not text.startswith("wait:"):
        attempts.append(text)
        continue
    run_all(attempts)
    attempts = []
    for _ in range(1200):
        if os.path.exists(text[5:]):
            break
        time.sleep(0.05)
run_all(attempts)
