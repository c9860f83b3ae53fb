"""swapper.py STOP TARGET PLACE… - exchanges each place with a link to TARGET and back, as fast as it can, until there
is a file STOP, with breaks.  It holds the directories that the places are in, so it follows no link of its own."""
import ctypes
import os
import random
import sys
import time

RENAME_EXCHANGE = 2
stop, target = sys.argv[1:3]
libc = ctypes.CDLL(None, use_errno=True)
places = [(os.open(os.path.dirname(p), os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW), os.path.basename(p)) for p in sys.argv[3:]]

print("ready", flush=True)


def is_link(directory, name):
    try:
        return os.readlink(name, dir_fd=directory) is not None
    except OSError:
        return False


def exchange(directory, name):
    return libc.renameat2(directory, os.fsencode(name), directory, os.fsencode(name + ".link"), RENAME_EXCHANGE) == 0


rounds = 0
while rounds % 64 or not os.path.exists(stop):
    for place in places:
        if not exchange(*place) and not is_link(*place):
            try: # the first time, and when somebody took it away
                os.symlink(target, place[1] + ".link", dir_fd=place[0])
            except OSError:
                pass
    time.sleep(random.random() * (0.001 if rounds % 2 else 0.003)) # links are there for the shorter time
    rounds += 1
for directory, name in places: # what is left is as it began
    if is_link(directory, name):
        exchange(directory, name)
    if is_link(directory, name + ".link"):
        os.unlink(name + ".link", dir_fd=directory)
print(rounds)
