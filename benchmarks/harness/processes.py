"""Server processes, free ports, and waiting for a condition with a deadline."""

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self, TypeVar
from urllib.request import ProxyHandler, build_opener

import psutil

from standalone.pdeathsig import command_with_pdeathsig

ROOT = Path(__file__).parents[2]
DEADLINE = 90.0
T = TypeVar("T")

_POLL_SECONDS = 0.02
_DIRECT = build_opener(ProxyHandler({}))


def eventually(condition: Callable[[], T], what: str, deadline: float = DEADLINE) -> T:
    """Call `condition` until its result is true, and return it. Raises TimeoutError after `deadline` seconds."""
    end = time.monotonic() + deadline
    while not (result := condition()):
        if time.monotonic() > end:
            raise TimeoutError(f"not within {deadline:g} s: {what}")
        time.sleep(_POLL_SECONDS)
    return result


def free_port() -> int:
    """A TCP port of this machine that is free at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def responds(url: str) -> bool:
    """Whether a URL of this machine responds with 200."""
    with contextlib.suppress(OSError), _DIRECT.open(url, timeout=5) as response:
        return bool(response.status == 200)
    return False


class ServerProcess:
    """A server as a process of its own that writes to a log file. It is killed when the thread that started it ends.

    environment: variables in addition to this process's own.
    """

    def __init__(
        self,
        command: Sequence[str],
        log: Path,
        environment: Mapping[str, str] | None = None,
        *,
        cwd: Path = ROOT,
        new_session: bool = False,
    ) -> None:
        self.log = log
        self._command = tuple(command)
        self._environment = {**os.environ, **(environment or {})}
        self._cwd = cwd
        self._new_session = new_session
        self._process: subprocess.Popen[bytes] | None = None

    def spawn(self) -> Self:
        """Start it without waiting until it is ready."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command_with_pdeathsig(self._command),
                cwd=self._cwd,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=self._new_session,
            )
        return self

    def wait_until(self, ready: Callable[[], bool], what: str, deadline: float = DEADLINE) -> Self:
        """Wait until it is ready. Raises RuntimeError if it ends before, TimeoutError; both with the end of its log."""

        def check() -> bool:
            if not self.running:
                raise RuntimeError(f"{self._command} has ended:\n{self.text[-3000:]}")
            return ready()

        try:
            eventually(check, what, deadline)
        except TimeoutError as error:
            raise TimeoutError(f"{error}\n{self.text[-3000:]}") from None
        return self

    @property
    def running(self) -> bool:
        """Whether it has been started and has not ended."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """The process id. Raises RuntimeError before `spawn`."""
        if self._process is None:
            raise RuntimeError(f"{self._command} was not started")
        return self._process.pid

    @property
    def process(self) -> psutil.Process:
        """The process, for its memory, its times and its children."""
        return psutil.Process(self.pid)

    @property
    def text(self) -> str:
        """Its whole log."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def signal(self, number: int) -> None:
        """Send a signal."""
        os.kill(self.pid, number)

    def wait(self, deadline: float = DEADLINE) -> int:
        """Wait until it ends; returns its exit status. Raises subprocess.TimeoutExpired."""
        if self._process is None:
            raise RuntimeError(f"{self._command} was not started")
        return self._process.wait(deadline)

    def stop(self, deadline: float = DEADLINE) -> int:
        """Send SIGTERM and wait; returns the exit status."""
        self.signal(signal.SIGTERM)
        return self.wait(deadline)

    def kill(self) -> None:
        """Send SIGKILL, as a crash would, and wait; do nothing if it does not run."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
