#!/usr/bin/env python3
"""bench/inetwork.py - both ends of the network benches.

    serve ADDRESS...   port 9001 takes bytes, 9002 gives them, 9003 says one byte to who comes; prints "up"
    measure HOST [PORTS]  one line: Mbit/s out, Mbit/s in, microseconds from connect() to the first byte (median)
    look-ups NAME COUNT   one line: microseconds of one look-up (median)"""
import socket
import statistics
import sys
import threading
import time

SECONDS = 2.0
CHUNK = 1 << 20


def take(c):
    room = bytearray(CHUNK)
    total = 0
    while got := c.recv_into(room):
        total += got
    c.sendall(b"%20d" % total)


def give(c):
    data = bytes(CHUNK)
    while True:
        c.sendall(data)


def answer(c):
    c.sendall(b"x")


def talk(c, work):
    try:
        with c:
            work(c)
    except OSError:
        pass


def serve(addresses):
    for address in addresses:
        for port, work in (9001, take), (9002, give), (9003, answer):
            s = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.bind((address, port))
            s.listen(100)

            def loop(s=s, work=work):
                while True:
                    threading.Thread(target=talk, args=(s.accept()[0], work), daemon=True).start()
            threading.Thread(target=loop, daemon=True).start()
    print("up", flush=True)
    threading.Event().wait()


def upload(host):
    data = bytes(CHUNK)
    with socket.create_connection((host, 9001), 10) as s:
        start = time.monotonic()
        while time.monotonic() - start < SECONDS:
            s.sendall(data)
        s.shutdown(socket.SHUT_WR)
        total = int(s.recv(20, socket.MSG_WAITALL))
        return total * 8 / (time.monotonic() - start) / 1e6


def download(host):
    room = bytearray(CHUNK)
    total = 0
    with socket.create_connection((host, 9002), 10) as s:
        start = time.monotonic()
        while time.monotonic() - start < SECONDS:
            total += s.recv_into(room)
        return total * 8 / (time.monotonic() - start) / 1e6


def latency(host, count):
    times = []
    for _ in range(count):
        start = time.monotonic()
        with socket.create_connection((host, 9003), 10) as s:
            s.recv(1)
        times.append(time.monotonic() - start)
    return statistics.median(times) * 1e6


def measure(host):
    print(f"{upload(host):.0f} {download(host):.0f} {latency(host, 50):.0f}")


def look_ups(name, count):
    times = []
    for i in range(count):
        start = time.monotonic()
        socket.getaddrinfo(name.replace("@", str(i)), 80)
        times.append(time.monotonic() - start)
    print(f"{statistics.median(times) * 1e6:.0f}")


def main():
    action, words = sys.argv[1], sys.argv[2:]
    if action == "serve":
        serve(words)
    elif action == "measure":
        measure(words[0])
    else:
        look_ups(words[0], int(words[1]))


main()
