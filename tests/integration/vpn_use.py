#!/usr/bin/env python3
"""The program in the cage of tests/integration/vpn.lib: vpn_use.py STOP [quiet]

Tries, until the file STOP is there, all that could find a way round a tunnel, and writes "open" or "cut" for each
connection to a host of the internet.  At its end it says what else answered."""
import os, socket, sys, threading, time

QUERY = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x06direct\x07example\x00\x00\x01\x00\x01"
PAIRS = [("203.0.113.11", 443), ("192.168.77.1", 53), ("192.168.77.20", 443), ("192.168.77.10", 8080),
         ("2001:db8:200::10", 443), ("2001:db8:77::20", 8080), ("::ffff:203.0.113.11", 443), ("203.0.113.53", 53)]
answered = set()


def attempt(kind, host, port):
    try:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, kind) as s:
            s.settimeout(0.3)
            s.connect((host, port))
            s.sendall(QUERY)
            return bool(s.recv(100))
    except OSError:
        return False


def noise():
    while True:
        for host, port in PAIRS:
            for kind in socket.SOCK_STREAM, socket.SOCK_DGRAM:
                if attempt(kind, host, port):
                    answered.add(host)
                time.sleep(0.02) # others want to run as well, in an emulated machine above all
        try:
            socket.create_connection((f"n{time.monotonic_ns()}.leak.example", 80), 0.3).close()
        except OSError:
            pass


for _ in range(3 if len(sys.argv) == 2 else 0):
    threading.Thread(target=noise, daemon=True).start()
while not os.path.exists(sys.argv[1]):
    print("open" if attempt(socket.SOCK_STREAM, "203.0.113.10", 443) else "cut", flush=True)
    time.sleep(0.05)
print("answered", *sorted(answered))
