"""Kills orphaned processes, whichever process dies first.

Every process that the supervisor starts carries a mark in its environment, and hands it down to whatever it starts
itself, in whatever session or process group. `sweep` kills all that carries a mark. The supervisor sweeps behind
each process that ended; behind the supervisor sweeps the sentinel, a process that waits for the supervisor's end.
If both are killed at once, pdeathsig.py still kills the supervisor's direct children.

Run by its path, ``python -I -S orphans.py MARK``, this module is the sentinel: it sweeps once standard input ends,
which is when the supervisor, holding the other end of that pipe, is gone. Marks are read from /proc: Linux only.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Self

MARK_VARIABLE = "ODEM_STANDALONE_MARK"
PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans() -> None:
    """Make this process the parent of its descendants' orphans, so that it can reap them.

    Source: prctl(2), PR_SET_CHILD_SUBREAPER.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def reap_orphans(children: set[int]) -> None:
    """Reap every ended process that this one adopted, except `children`, which their owners reap."""
    if sys.platform != "linux":
        return
    with contextlib.suppress(ChildProcessError):
        while ended := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            if ended.si_pid in children:
                return
            os.waitpid(ended.si_pid, 0)


def marked(mark: str) -> list[int]:
    """Return the living processes whose mark begins with `mark`, except this one."""
    wanted = f"{MARK_VARIABLE}={mark}".encode()
    result = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            variables = (folder / "environ").read_bytes().split(b"\0")
            if any(variable.startswith(wanted) for variable in variables):
                result.append(int(folder.name))
    return [process for process in result if process != os.getpid()]


def sweep(mark: str, deadline: float = 10.0) -> int:
    """SIGKILL all processes with the mark until none is left or `deadline` seconds have passed; return their number."""
    killed: set[int] = set()
    end = time.monotonic() + deadline
    while (result := marked(mark)) and time.monotonic() < end:
        for process in result:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(process, signal.SIGKILL)
        killed.update(result)
        time.sleep(0.01)
    return len(killed)


class Sentinel:
    """The process that kills orphans once the supervisor has died; a context manager that starts and stops it."""

    def __init__(self, mark: str) -> None:
        self._mark = mark
        self._process = self._start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.dismiss()

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def keep(self) -> bool:
        """Restart the process if it has ended; return whether it had."""
        if self._process.poll() is None:
            return False
        self._process = self._start()
        return True

    def dismiss(self) -> None:
        """Make the process sweep once more, and wait for its end."""
        self._process.communicate()

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # noqa: S603 - our own command line, no shell
            (sys.executable, "-I", "-S", __file__, self._mark),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )


def main() -> None:
    """Wait for the supervisor to end, then kill its orphans."""
    while os.read(sys.stdin.fileno(), 4096):
        pass
    if killed := sweep(sys.argv[1]):
        with contextlib.suppress(OSError):
            os.write(sys.stderr.fileno(), f"standalone died; killed {killed} of its processes\n".encode())


if __name__ == "__main__":
    main()
