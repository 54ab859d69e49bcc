"""A supervised child process and its output."""

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import IO

from standalone.console import Console
from standalone.orphans import MARK_VARIABLE, sweep
from standalone.pdeathsig import command_with_pdeathsig

# A line longer than this is broken; no child's output can fill the memory.
LINE_LIMIT = 1 << 16


@dataclass(frozen=True)
class Child:
    """A command line (an absolute path first) and additions to its environment.

    The children that come after it are started once `ready` answers true. `descriptors` are inherited.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    ready: Callable[[], bool] | None = None
    descriptors: tuple[int, ...] = ()


class RunningChild:
    """A started child in its own session, whose output goes to the console line by line.

    Started from a thread that ends before the process does, the child is killed with the thread (see pdeathsig.py).
    """

    def __init__(self, child: Child, mark: str, console: Console) -> None:
        self.child = child
        self._mark = f"{mark}/{child.name}/"
        self._process = subprocess.Popen(  # noqa: S603 - our own command line, no shell
            command_with_pdeathsig(child.command),
            # What the user set for all processes is handed on unread.
            env={**os.environ, "PYTHONUNBUFFERED": "1", **child.environment, MARK_VARIABLE: self._mark},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=child.descriptors,
        )
        assert self._process.stdout is not None  # noqa: S101 - Popen promises it for PIPE
        self._reader = threading.Thread(
            target=_relay, args=(self._process.stdout, console, child.name), daemon=True, name=f"{child.name} output"
        )
        self._reader.start()

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def status(self) -> int | None:
        """None while the child runs; then its exit status, or the negative number of the signal that killed it."""
        return self._process.poll()

    def terminate(self) -> None:
        """Send SIGTERM to the child, which stops its own children."""
        self._process.send_signal(signal.SIGTERM)

    def clear(self) -> int:
        """Kill the child and all its descendants in any session; return the number of descendants."""
        if self.status is None:
            self._process.kill()
            self._process.wait()
        left = sweep(self._mark)
        self._reader.join(timeout=2.0)
        return left


def _relay(output: IO[bytes], console: Console, name: str) -> None:
    with output:
        while line := output.readline(LINE_LIMIT):
            # Of a progress bar that redraws itself, the last state counts.
            text = line.decode(errors="replace").rstrip("\r\n").rpartition("\r")[2]
            if text:
                console.say(text, name)
