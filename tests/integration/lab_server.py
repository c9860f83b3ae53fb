#!/usr/bin/env python3
"""The servers of tests/integration/network.sh: lab_server.py NAME FILE ADDRESS... -- PORT...

Every address and port answers TCP and UDP with "NAME ADDRESS PORT" and what it was sent, until that is
a header "Connection: close".  With NAME
"inet", port 53 is a DNS server instead, whose queries are written to FILE.  It waits at the abstract socket
"lab-NAME" too."""
import socket, struct, sys, threading

RECORDS = {
    "ok.example": ["203.0.113.10", "2001:db8:200::10"],
    "a.wild.example": ["203.0.113.11"],
    "wild.example": ["203.0.113.11"],
    "evil.example": ["203.0.113.12"],
    "six.example": ["2001:db8:200::10"],
    "rebind.example": ["192.168.77.20"],
    "rebind6.example": ["2001:db8:77::20"],
    "rebind-loopback.example": ["127.0.0.1"],
    "rebind-host.example": ["2001:db8:77::10"],
    "rebind-mapped.example": ["::ffff:192.168.77.20"],
    "half.example": ["192.168.77.20", "203.0.113.10"],
    "nas.lan": ["192.168.77.20"],
    "vpn.example": ["203.0.113.99"],
}


def answer(packet, log, own, datagram):
    at, labels = 12, []
    while packet[at]:
        labels.append(packet[at + 1:at + 1 + packet[at]].decode())
        at += packet[at] + 1
    kind = struct.unpack("!H", packet[at + 1:at + 3])[0]
    name = ".".join(labels).lower()
    log.write(f"{name} {kind}\n")
    log.flush()
    found = b""
    count = 0
    records = {**RECORDS, "which.example": [own], "long.example": ["203.0.113.11"]}
    for text in records.get(name, []):
        family = socket.AF_INET6 if ":" in text else socket.AF_INET
        if (kind == 28) == (family == socket.AF_INET6) and kind in (1, 28):
            data = socket.inet_pton(family, text)
            found += struct.pack("!HHHIH", 0xC00C, kind, 1, 1, len(data)) + data
            count += 1
    flags = 0x8580 if name in records else 0x8583
    if name == "long.example" and datagram:  # to be asked again by TCP
        return packet[:2] + struct.pack("!HHHHH", flags | 0x200, 1, 0, 0, 0) + packet[12:at + 5]
    return packet[:2] + struct.pack("!HHHHH", flags, 1, count, 0, 0) + packet[12:at + 5] + found


def listen(family, kind, address, port):
    s = socket.socket(family, kind)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(address if port is None else (address, port))
    if kind == socket.SOCK_STREAM:
        s.listen(64)
    return s


def serve_tcp(s, reply):
    while True:
        c, peer = s.accept()
        threading.Thread(target=talk, args=(c, peer, reply), daemon=True).start()


def talk(c, peer, reply):
    try:
        c.settimeout(20)
        reply(c, peer)
    except OSError:
        pass
    finally:
        c.close()


def serve_udp(s, reply):
    while True:
        try:
            data, peer = s.recvfrom(65535)
            s.sendto(reply(data), peer)
        except OSError:
            pass


def main():
    name, path = sys.argv[1:3]
    log = open(path, "a")
    split = sys.argv.index("--")
    for address in sys.argv[3:split]:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        for port in map(int, sys.argv[split + 1:]):
            banner = f"{name} {address} {port} ".encode()

            def tcp(c, peer, banner=banner, port=port, address=address):
                if port == 53:
                    size = struct.unpack("!H", c.recv(2))[0]
                    out = answer(c.recv(size), log, address, False)
                    c.sendall(struct.pack("!H", len(out)) + out)
                    return
                log.write(f"tcp {peer[0]} {banner.decode()}\n")
                log.flush()
                c.sendall(banner)
                while data := c.recv(65536):
                    c.sendall(data)
                    if b"\r\nConnection: close\r\n" in data:  # clients of HTTP wait for the end
                        return

            def udp(data, banner=banner, port=port, address=address):
                return answer(data, log, address, True) if port == 53 else banner + data

            for kind, serve, reply in ((socket.SOCK_STREAM, serve_tcp, tcp), (socket.SOCK_DGRAM, serve_udp, udp)):
                s = listen(family, kind, address, port)
                threading.Thread(target=serve, args=(s, reply), daemon=True).start()
    nameless = listen(socket.AF_UNIX, socket.SOCK_STREAM, "\0lab-" + name, None)
    threading.Thread(target=serve_tcp, args=(nameless, lambda c, peer: None), daemon=True).start()
    print("up", flush=True)
    threading.Event().wait()


main()
