#!/usr/bin/env python3
"""The program in the cage: lab_client.py ATTEMPT...

An attempt is KIND:HOST/PORT with KIND tcp, tcp4, udp, ping (its port is the size), own (a server of
its own is reached at that loopback address), abstract, raw, packet, dns or dnstcp; one line is printed for each: the
attempt, and "reached" with what answered, or "closed".  "wait:FILE" waits for a file to appear; what
stands before it is done first."""
import os, socket, struct, sys, time
from concurrent.futures import ThreadPoolExecutor

QUERY = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x02ok\x07example\x00\x00\x01\x00\x01"


def attempt(kind, host, port):
    tcp = kind in ("tcp", "tcp4", "dnstcp")
    last = None
    for family, type_, _, _, address in socket.getaddrinfo(host, port, socket.AF_INET if kind == "tcp4" else 0,
                                                           socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM):
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
                if kind.startswith("tcp") and not data.endswith(b"hello"):
                    data += s.recv(2000)
                return "reached " + ("dns" if kind.startswith("dns") else data.decode(errors="replace"))
        except OSError as error:
            last = error
    return f"closed {last}"


def ping(host, size):
    """By a ping socket, icmp(7)."""
    last = OSError("no address")
    for family, _, _, _, address in socket.getaddrinfo(host, 0, type=socket.SOCK_DGRAM):
        v6 = family == socket.AF_INET6
        payload = bytes(i % 251 for i in range(size))
        try:
            with socket.socket(family, socket.SOCK_DGRAM, socket.IPPROTO_ICMPV6 if v6 else socket.IPPROTO_ICMP) as s:
                s.settimeout(float(os.environ.get("LAB_TIMEOUT", "3")))
                s.connect(address)
                for sequence in 7, 8:
                    s.send(struct.pack("!BBHHH", 128 if v6 else 8, 0, 0, 0, sequence) + payload)
                    data = s.recv(70000)
                    if data[0] != (129 if v6 else 0) or data[6:] != struct.pack("!H", sequence) + payload:
                        return f"closed: another answer {data[:20]!r}"
                return f"reached {address[0]}"
        except OSError as error:
            last = error
    return f"closed {last}"


def local(kind, name):
    """A nameless socket of the host; sockets that build packets."""
    sockets = {"abstract": (socket.AF_UNIX, socket.SOCK_STREAM, 0), "raw": (socket.AF_INET, socket.SOCK_RAW, 255),
               "packet": (socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))}
    try:
        with socket.socket(*sockets[kind]) as s:
            s.settimeout(3)
            if kind == "abstract":
                s.connect("\0" + name)
        return "reached " + name
    except OSError as error:
        return f"closed {error}"


def run(text):
    kind, rest = text.split(":", 1)
    host, port = rest.rsplit("/", 1)
    if kind in ("abstract", "raw", "packet"):
        return f"{text} {local(kind, host)}"
    try:
        if kind == "own":
            server = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
            server.bind((host, int(port)))
            server.listen()
            with socket.create_connection((host, int(port)), 3):
                return f"{text} reached"
        return f"{text} {ping(host, int(port)) if kind == 'ping' else attempt(kind, host, int(port))}"
    except OSError as error:
        return f"{text} closed {error}"


def run_all(attempts):
    with ThreadPoolExecutor(max(len(attempts), 1)) as pool:
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
