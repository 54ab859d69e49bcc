"""A worker with a merge process that nobody gets rid of kindly: it ignores signals, in a session of its own."""

import os
import signal
import subprocess
import sys

MERGE = (
    "import signal\n"
    "for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP): signal.signal(number, signal.SIG_IGN)\n"
    "print('merge running', flush=True)\n"
    "while True: signal.pause()\n"
)

if "stubborn" in os.environ.get("STAND_IN_WORKER", ""):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
else:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
if "crash" in os.environ.get("STAND_IN_WORKER", ""):
    sys.exit("no broker of that kind")
subprocess.Popen([sys.executable, "-c", MERGE], start_new_session=True)
while True:
    signal.pause()
