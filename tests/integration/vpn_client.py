"""The client of tests/integration/vpn_attack.sh that was taken over: it runs as openvpn, with PART set in front of it.

PART "reach" tells what it finds: "reached:", "sees:", "gets:", each with what it should not have, and "open:" with its
descriptors.  "child" ends and leaves a child that holds all it has.  "tunnel" says that a tunnel is up, and does the same."""
import ctypes, fcntl, os, signal, socket, struct, subprocess, sys, time
from concurrent.futures import ThreadPoolExecutor

libc = ctypes.CDLL(None, use_errno=True)
CLONE_NEWUSER, CLONE_NEWNET, CLONE_NEWNS = 0x10000000, 0x40000000, 0x20000
QUERY = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x02ok\x07example\x00\x00\x01\x00\x01"
PLACES = [(kind, host, port) for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM) for host, port in [
    ("203.0.113.10", 443), ("203.0.113.53", 53), ("203.0.113.99", 443), ("203.0.113.99", 1195), ("192.168.77.20", 443),
    ("192.168.77.10", 8080), ("192.168.77.1", 53), ("172.17.0.1", 80), ("127.0.0.1", 7001), ("127.0.0.1", 53),
    ("169.254.169.254", 80), ("2001:db8:200::10", 443), ("2001:db8:77::10", 443), ("::ffff:203.0.113.10", 443),
    ("ok.example", 443), ("vpn.example", 1194)]]


def reaches(place):
    kind, host, port = place
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=kind)[0]
        with socket.socket(family, kind) as s:
            s.settimeout(1)
            s.connect(address)
            s.sendall(QUERY)
            return bool(s.recv(100))
    except OSError:
        return False


def local(name):
    try:
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(name)
            return True
    except OSError:
        return False


def alive(pid):
    try:
        os.kill(pid, 0)
        return True
    except OSError as error:
        return isinstance(error, PermissionError)


def makes(*arguments):
    try:
        socket.socket(*arguments).close()
        return True
    except OSError:
        return False


def call(number, *arguments):
    return libc.syscall(number, *arguments) >= 0


def device(name):
    try:
        with open("/dev/net/tun", "r+b", buffering=0) as tun:
            fcntl.ioctl(tun, 0x400454CA, struct.pack("16sH14x", name, 0x1001))
            return True
    except OSError:
        return False


def runs(*command):
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True).returncode == 0


def forks_into(flags):
    pid = libc.syscall(56, flags | signal.SIGCHLD, 0, 0, 0, 0)
    if pid == 0:
        os._exit(0)
    return pid > 0


def written(path):
    try:
        os.close(os.open(path, os.O_WRONLY))
        return True
    except OSError:
        return False


def own_descriptors():
    descriptors, script = [], os.stat(sys.argv[0]).st_ino
    for fd in range(256):
        try:
            if os.fstat(fd).st_ino != script:
                descriptors.append(fd)
        except OSError:
            pass
    return descriptors


def reach():
    descriptors = own_descriptors()
    processes = [f"process {pid}" for pid in range(2, 400) if pid != os.getpid() and alive(pid)]
    with ThreadPoolExecutor(32) as pool:
        found = [f"{'tcp' if kind == socket.SOCK_STREAM else 'udp'}:{host}/{port}"
                 for (kind, host, port), there in zip(PLACES, pool.map(reaches, PLACES)) if there]
    found += [name[1:] for name in ("\0lab-host", "\0lab-inet") if local(name)]
    known = {"dev", "etc", "run", "var", "tmp", "usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32", "cuddy-vpn"}
    sees = [name for name in os.listdir("/") if name not in known]
    sees += [path for path in ("/etc/passwd", "/etc/shadow", "/run/user", "/run/cuddy", "/var/lib") if os.path.exists(path)]
    sees += ["/tmp/" + name for name in os.listdir("/tmp")]
    sees += processes
    buffer = ctypes.create_string_buffer(256)
    gets = {
        "user namespace": libc.unshare(CLONE_NEWUSER) == 0, "network": libc.unshare(CLONE_NEWNET) == 0,
        "mounts": libc.unshare(CLONE_NEWNS) == 0, "clone": forks_into(CLONE_NEWUSER), "clone net": forks_into(CLONE_NEWNET),
        "mount": libc.mount(b"x", b"/tmp", b"tmpfs", 0, None) == 0, "chroot": libc.chroot(b"/tmp") == 0,
        "packets": makes(socket.AF_PACKET, socket.SOCK_RAW, 0x300), "raw": makes(socket.AF_INET, socket.SOCK_RAW, 255),
        "rules": makes(socket.AF_NETLINK, socket.SOCK_RAW, 12), "xfrm": makes(socket.AF_NETLINK, socket.SOCK_RAW, 6),
        "audit": makes(socket.AF_NETLINK, socket.SOCK_RAW, 9), "alg": makes(38, socket.SOCK_SEQPACKET, 0),
        "vsock": makes(40, socket.SOCK_STREAM, 0), "device": device(b"evil0"), "host's device": device(b"up0"),
        "address": runs("ip", "addr", "add", "10.0.0.1/8", "dev", "lo"), "lo down": runs("ip", "link", "set", "lo", "down"),
        "veth": runs("ip", "link", "add", "a", "type", "veth"), "nft": runs("nft", "list", "ruleset"),
        "ptrace": libc.ptrace(0x4206, 1, None, None) == 0, "memory": libc.process_vm_readv(1, buffer, 0, buffer, 0, 0) >= 0,
        "pidfd_getfd": call(438, call(434, 1, 0), 0, 0), "keyctl": call(250, 0, -3, 0), "add_key": call(248, b"user", b"x", b"x", 1, -3),
        "bpf": call(321, 0, buffer, 64), "perf": call(298, buffer, 0, -1, -1, 0), "io_uring": call(425, 1, buffer),
        "userfaultfd": call(323, 0), "handle": call(304, -100, buffer, 0), "kcmp": call(312, 1, os.getpid(), 0, 0, 0),
        "mknod": libc.mknod(b"/tmp/node", 0o20666, 0x103) == 0, "setuid": libc.setuid(1) == 0,
        "write /usr": written("/usr/bin/env"), "write cuddy-vpn": written("/cuddy-vpn"), "raise": libc.setpriority(0, 0, -20) == 0,
    }
    print("reached:", *found, sep=" " if found else "")
    print("sees:", *sees, sep=" " if sees else "")
    got = [name for name, have in gets.items() if have]
    print("gets:", *got, sep=" " if got else "")
    print("open:", *descriptors, flush=True)


def leave_child():
    if os.fork() == 0:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        os.setsid()
        while True:
            time.sleep(1000)


sys.stdin.read()
if PART == "reach":
    reach()
    sys.exit(9)
elif PART == "child":
    for _ in range(20):
        leave_child()
    os._exit(7)
else:
    tun = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(tun, 0x400454CA, struct.pack("16sH14x", b"tun0", 0x1001))
    leave_child()
    os.write(3, b"ifconfig_local=10.88.0.9\0ifconfig_netmask=255.255.255.0\0route_network_1=0.0.0.0\0route_netmask_1=0.0.0.0\0\0")
    time.sleep(0.5)
    os._exit(8)
