"""The whole service as a stranger starts it: `python -m standalone`, in processes and files of its own."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import IO, Self, TypeVar

import httpx
import psutil

from standalone.pdeathsig import command_with_pdeathsig

ROOT = Path(__file__).parents[2]
DEADLINE = 200.0
T = TypeVar("T")
_MARK = "ACCEPTANCE_STACK"
_SETTINGS = {
    "ODEM_LEASE_SECONDS": "3",
    "ODEM_SWEEP_SECONDS": "1",
    "ODEM_SHUTDOWN_SECONDS": "1",
    "ODEM_DEVICE": "cpu",
    "OMP_NUM_THREADS": "1",
}


def eventually(condition: Callable[[], T], what: str, deadline: float = DEADLINE) -> T:
    """Ask until the answer is true, and return it; fail after `deadline` seconds."""
    end = time.monotonic() + deadline
    while not (found := condition()):
        assert time.monotonic() < end, f"not within {deadline:g} s: {what}"
        time.sleep(0.05)
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Stack:
    """The service over one data folder. Every process that it ever starts can be told by a mark in its environment."""

    def __init__(self, data: Path, **settings: str) -> None:
        self.data = data
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._log = data.with_name(f"{data.name}.log")
        self._mark = uuid.uuid4().hex
        self._environment = {**os.environ, **_SETTINGS, **settings, _MARK: self._mark}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        """Start it, and wait until it answers /readyz."""
        with self._log.open("ab") as log:
            self._process = self._launch(log)
        return self.wait_ready()

    def _launch(self, log: IO[bytes]) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "standalone", "--data-dir", str(self.data), "--port", str(self.port)]
        return subprocess.Popen(
            command_with_pdeathsig(tuple(command)),  # whoever kills the test run leaves nothing behind
            cwd=ROOT,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def wait_ready(self) -> Self:
        """Wait until the gateway answers that the state store answers."""
        eventually(self._ready, f"/readyz; the service said:\n{self.text[-3000:]}")
        return self

    def _ready(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, f"the service ended:\n{self.text[-3000:]}"
        with contextlib.suppress(httpx.TransportError):
            return httpx.get(f"{self.url}/readyz", trust_env=False).status_code == 200
        return False

    @property
    def text(self) -> str:
        """Everything that the service has said."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def pid(self, name: str) -> int:
        """The process id of the newest start of `valkey`, `worker` or `gateway`."""
        return int(self.text.rsplit(f"started {name} (process ", 1)[1].split(")")[0])

    def kill(self, name: str) -> None:
        """SIGKILL one process, and wait until the supervisor has started it again."""
        pid = self.pid(name)
        os.kill(pid, signal.SIGKILL)
        self.restarted(name, pid)

    def restarted(self, name: str, pid: int) -> None:
        """Wait until the supervisor has replaced a process that had this id."""
        eventually(lambda: self.pid(name) != pid, f"a new {name} after process {pid}")

    def kill_supervisor(self) -> None:
        """SIGKILL the standalone command itself; what it had started is its own affair."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> int:
        """Ask it to end as a service manager does; returns the exit status."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(DEADLINE)

    def discard(self) -> None:
        """Kill whatever is left."""
        if self._process is not None:
            self.kill_supervisor()
        for process in self.processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()

    def processes(self) -> list[psutil.Process]:
        """All living processes that come from this stack."""
        return [process for process in psutil.process_iter() if self._is_ours(process)]

    def _is_ours(self, process: psutil.Process) -> bool:
        with contextlib.suppress(psutil.Error):
            alive = process.status() != psutil.STATUS_ZOMBIE
            return alive and process.environ().get(_MARK) == self._mark
        return False

    # The data folder

    @property
    def uploads(self) -> list[Path]:
        """Files on their way in."""
        return list((self.data / "uploads").iterdir())

    @property
    def blobs(self) -> set[str]:
        """The digests of all stored blobs."""
        return {f"sha256:{path.name}" for path in (self.data / "blobs" / "sha256").glob("*/*")}

    def blob(self, digest: str) -> Path:
        """A blob's file."""
        return self.data / "blobs" / "sha256" / digest[7:9] / digest[7:]
