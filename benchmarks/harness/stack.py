"""The whole service as a user starts it, `python -m standalone`, in processes and files of its own."""

import contextlib
import os
import signal
import sys
import uuid
from pathlib import Path
from typing import Self

import psutil

from benchmarks.harness.processes import ServerProcess, eventually, free_port, responds

DEADLINE = 200.0
_MARK = "HARNESS_STACK"
_SETTINGS = {
    "ODEM_LEASE_SECONDS": "3",
    "ODEM_SWEEP_SECONDS": "1",
    "ODEM_SHUTDOWN_SECONDS": "1",
    "ODEM_DEVICE": "cpu",
    "OMP_NUM_THREADS": "1",
}


class Stack:
    """The service over one data folder. A mark in their environment identifies all processes that it ever starts."""

    def __init__(self, data: Path, **settings: str) -> None:
        self.data = data
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._mark = uuid.uuid4().hex
        command = (sys.executable, "-m", "standalone", "--data-dir", str(data), "--port", str(self.port))
        environment = {**_SETTINGS, **settings, _MARK: self._mark}
        log = data.with_name(f"{data.name}.log")
        self._supervisor = ServerProcess(command, log, environment, new_session=True)

    def start(self) -> Self:
        """Start it and wait until /readyz responds with 200."""
        self._supervisor.spawn()
        return self.wait_ready()

    def wait_ready(self) -> Self:
        """Wait until the gateway and its state store are ready."""
        self._supervisor.wait_until(lambda: responds(f"{self.url}/readyz"), "/readyz", DEADLINE)
        return self

    @property
    def text(self) -> str:
        """The log of all processes."""
        return self._supervisor.text

    def pid(self, name: str) -> int:
        """The process id of the newest start of `valkey`, `worker` or `gateway`."""
        return int(self.text.rsplit(f"started {name} (process ", 1)[1].split(")")[0])

    def kill(self, name: str) -> None:
        """Send SIGKILL to one process, and wait until the supervisor has restarted it."""
        pid = self.pid(name)
        os.kill(pid, signal.SIGKILL)
        self.restarted(name, pid)

    def restarted(self, name: str, pid: int) -> None:
        """Wait until the supervisor has replaced a process that had this id."""
        eventually(lambda: self.pid(name) != pid, f"a new {name} after process {pid}", DEADLINE)

    def kill_supervisor(self) -> None:
        """Send SIGKILL to the standalone command itself; its children must notice on their own."""
        self._supervisor.kill()

    def stop(self) -> int:
        """Send SIGTERM, as a service manager does; returns the exit status."""
        return self._supervisor.stop(DEADLINE)

    def discard(self) -> None:
        """Kill every process that is left."""
        self.kill_supervisor()
        for process in self.processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()

    def processes(self) -> list[psutil.Process]:
        """All living processes of this stack."""
        return [process for process in psutil.process_iter() if self._is_ours(process)]

    def _is_ours(self, process: psutil.Process) -> bool:
        with contextlib.suppress(psutil.Error):
            alive = process.status() != psutil.STATUS_ZOMBIE
            return alive and process.environ().get(_MARK) == self._mark
        return False

    # The data folder

    @property
    def uploads(self) -> list[Path]:
        """Files of unfinished uploads."""
        return list((self.data / "uploads").iterdir())

    @property
    def blobs(self) -> set[str]:
        """The digests of all stored blobs."""
        return {f"sha256:{path.name}" for path in (self.data / "blobs" / "sha256").glob("*/*")}

    def blob(self, digest: str) -> Path:
        """A blob's file."""
        return self.data / "blobs" / "sha256" / digest[7:9] / digest[7:]
