"""Runs a command while others of its inputs are held back, so that a test sees what it says meanwhile.

The argument is JSON: `command`; `terminal`, whether standard error is one; `holds`, a list of files with an expression
each: one after the other they can be opened once standard error has what matches. (A lease of fcntl(2): whoever opens the
file waits until it is given back, for as long as /proc/sys/fs/lease-break-time says.) Prints JSON: `code`, `stdout`,
`stderr`, expressions that were `missed`, or the `reason` why this cannot be done here.
"""
import fcntl
import json
import os
import pty
import re
import signal
import subprocess
import sys
import threading

spec = json.loads(sys.argv[1])
# Tells that somebody waits for the file.
signal.signal(signal.SIGIO, signal.SIG_IGN)
holds = []
for path, until in spec["holds"]:
    descriptor = os.open(path, os.O_RDWR)
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_WRLCK)
    except OSError as error:
        print(json.dumps({"reason": f"files cannot be held back here: {error}"}))
        sys.exit()
    holds.append((descriptor, re.compile(until)))

reading, writing = pty.openpty() if spec["terminal"] else os.pipe()
child = subprocess.Popen(spec["command"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=writing)
os.close(writing)
stdout = []
reader = threading.Thread(target=lambda: stdout.append(child.stdout.read()))
reader.start()
stderr, seen = b"", 0
while True:
    try:
        chunk = os.read(reading, 65536)
    except OSError:
        # A terminal that nobody has open any more.
        break
    if not chunk:
        break
    stderr += chunk
    while holds and (found := holds[0][1].search(stderr.decode("utf-8", "replace")[seen:])):
        seen += found.end()
        fcntl.fcntl(holds.pop(0)[0], fcntl.F_SETLEASE, fcntl.F_UNLCK)

code = child.wait()
reader.join()
missed = [until.pattern for _, until in holds]
print(json.dumps({"code": code, "missed": missed, "stdout": stdout[0].decode(), "stderr": stderr.decode("utf-8", "replace")}))
