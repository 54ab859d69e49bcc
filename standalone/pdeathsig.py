"""Runs a command that the kernel kills as soon as its parent dies (PR_SET_PDEATHSIG).

Run by its path, ``python -I -S pdeathsig.py PARENT_PID COMMAND...``, so it imports only a little of the
standard library. Linux only; elsewhere the command simply runs.

Source: prctl(2), PR_SET_PDEATHSIG. The signal comes when the parent's *thread* ends that started the command,
so start commands from a thread that lives as long as the process.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def command_with_pdeathsig(command: tuple[str, ...]) -> tuple[str, ...]:
    """Return the command line that runs `command`, an absolute path first, so that it dies with the calling process."""
    return (sys.executable, "-I", "-S", __file__, str(os.getpid()), *command)


def main() -> None:
    """Request the signal, check that the parent is still alive, and execute the command."""
    parent, command = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    if os.getppid() != parent:
        raise SystemExit("the parent died before its child had started")
    os.execv(command[0], command)  # noqa: S606 - there is no shell on purpose; the caller names the program


if __name__ == "__main__":
    main()
