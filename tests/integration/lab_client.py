#!/usr/bin/env python3
"""The program in the cage: lab_client.py ATTEMPT...

An attempt is KIND:HOST/PORT with KIND tcp, tcp4, udp, ping (its port is the size), own (a server of
its own is reached at that loopback address), abstract, raw, packet, dns or dnstcp; one line is printed for each: the
attempt, and "reached" with what answered, or "closed".  "wait:FILE" waits for a file to appear; what
stands before it is done first.

LAB_TIMEOUT (20) is how many seconds an answer may take.  What begins with "-" is expected to stay without any, and
is given up after 3: that it would have come is for a control to show."""
import os, select, socket, struct, sys, time
from concurrent.futures import ThreadPoolExecutor

QUERY = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x02ok\x07example\x00\x00\x01\x00\x01"


GENEROUS, SHORT = float(os.environ.get("LAB_TIMEOUT", "20")), 3.0


def attempt(kind, host, port, limit):
    tcp = kind in ("tcp", "tcp4", "dnstcp")
    last = None
    for family, type_, _, _, address in socket.getaddrinfo(host, port, socket.AF_INET if kind == "tcp4" else 0,
                                                           socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM):
        try:
            with socket.socket(family, type_) as s:
                s.settimeout(limit)
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


def ping(host, size, limit):
    """By a ping socket, icmp(7).  All addresses of a name are asked at once: one that is none of the name's is silent."""
    last, sockets, payload = OSError("timed out"), {}, bytes(i % 251 for i in range(size))

    def exchange(s, sequence, answer):
        v6 = s.family == socket.AF_INET6
        if answer:
            data = s.recv(70000)
            if data[0] != (129 if v6 else 0) or data[6:] != struct.pack("!H", sequence) + payload:
                raise OSError(f"another answer {data[:20]!r}")
        else:
            s.send(struct.pack("!BBHHH", 128 if v6 else 8, 0, 0, 0, sequence) + payload)

    for family, _, _, _, address in socket.getaddrinfo(host, 0, type=socket.SOCK_DGRAM):
        try:
            s = socket.socket(family, socket.SOCK_DGRAM, socket.IPPROTO_ICMPV6 if family == socket.AF_INET6 else socket.IPPROTO_ICMP)
            s.settimeout(limit)
            s.connect(address)
            exchange(s, 7, False)
            sockets[s] = address
        except OSError as error:
            last = error
    end = time.monotonic() + limit
    while sockets and (ready := select.select(list(sockets), [], [], max(end - time.monotonic(), 0))[0]):
        try:
            exchange(ready[0], 7, True)
            exchange(ready[0], 8, False)
            exchange(ready[0], 8, True)
            return f"reached {sockets[ready[0]][0]}"
        except OSError as error:
            last = error
            del sockets[ready[0]]
    return f"closed {last}"


def local(kind, name, limit):
    """A nameless socket of the host; sockets that build packets."""
    sockets = {"abstract": (socket.AF_UNIX, socket.SOCK_STREAM, 0), "raw": (socket.AF_INET, socket.SOCK_RAW, 255),
               "packet": (socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))}
    try:
        with socket.socket(*sockets[kind]) as s:
            s.settimeout(limit)
            if kind == "abstract":
                s.connect("\0" + name)
        return "reached " + name
    except OSError as error:
        return f"closed {error}"


def run(text):
    limit = SHORT if text.startswith("-") else GENEROUS
    text = text.removeprefix("-")
    kind, rest = text.split(":", 1)
    host, port = rest.rsplit("/", 1)
    if kind in ("abstract", "raw", "packet"):
        return f"{text} {local(kind, host, limit)}"
    try:
        if kind == "own":
            server = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
            server.bind((host, int(port)))
            server.listen()
            with socket.create_connection((host, int(port)), limit):
                return f"{text} reached"
        return f"{text} {ping(host, int(port), limit) if kind == 'ping' else attempt(kind, host, int(port), limit)}"
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
