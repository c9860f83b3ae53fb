"""bars.py COMMAND… - runs a command with a terminal of its own and prints what it shows there, control bytes quoted."""
import os
import pty
import sys

pid, master = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
shown = b""
while True:
    try:
        part = os.read(master, 4096)
    except OSError: # EIO: nobody has it open any more
        break
    if not part:
        break
    shown += part
print(ascii(shown.decode(errors="replace")).replace("\\r", "\n"))
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
