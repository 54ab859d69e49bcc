"""The service as separate processes that are killed one at a time and restarted at once."""

import contextlib
import os
import signal
import sys
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from benchmarks.harness.gateway import Gateway
from benchmarks.harness.processes import ServerProcess
from standalone.valkey import EmbeddedValkey

WORKERS = 4
LEASE_SECONDS = 3.0
_CLAIMED = b", fence "


class Stack:
    """Valkey, a gateway and workers over one folder; a context manager. Use it from the main thread."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "data"
        self.data.mkdir()
        self.workers = [f"worker{index}" for index in range(WORKERS)]
        self.kills = 0
        self.pauses = 0
        self._folder = folder
        self._valkey = EmbeddedValkey(self.data / "valkey")
        self._paused: list[tuple[int, threading.Timer]] = []

    @property
    def url(self) -> str:
        """The gateway's URL."""
        return self._gateway.url

    @property
    def redis_url(self) -> str:
        """The state store's URL."""
        return self._valkey.url

    def __enter__(self) -> Self:
        self._valkey.start()
        settings = {"ODEM_MIN_FREE_BYTES": "0", "OMP_NUM_THREADS": "1"}
        self._gateway = Gateway(self._valkey, self.data, **settings)
        environment = settings | {
            "ODEM_REDIS_URL": self._valkey.url,
            "ODEM_BROKER_URL": self._valkey.broker_url,
            "ODEM_DATA_DIR": str(self.data),
            "ODEM_DEVICE": "cpu",
            "ODEM_LEASE_SECONDS": str(LEASE_SECONDS),
            "ODEM_SWEEP_SECONDS": "1",
            "ODEM_MAX_ATTEMPTS": "50",
        }
        command = (sys.executable, "-m", "worker")
        self._processes = {
            name: ServerProcess(command, self._log(name), environment, new_session=True).spawn()
            for name in self.workers
        }
        self._gateway.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.resume_all()
        for process in self._processes.values():
            process.kill()
        self._gateway.close()
        self._valkey.stop()
        self._valkey.close()

    def kill(self, name: str) -> None:
        """Kill a process with SIGKILL, and restart it."""
        self.kills += 1
        if name == "valkey":
            self._valkey.kill()
            self._valkey.start()
            return
        server = self._gateway if name == "gateway" else self._processes[name]
        server.kill()
        server.spawn()

    def pause_a_busy_worker(self, name: str, seconds: float, timeout: float = 4.0) -> None:
        """Stop the worker's child as soon as it claims a merge, and resume it after `seconds`."""
        log = self._log(name)
        seen, end = log.stat().st_size, time.monotonic() + timeout
        while time.monotonic() < end:
            with log.open("rb") as file:
                file.seek(seen)
                if _CLAIMED in file.read():
                    break
            time.sleep(0.002)
        else:
            return
        for child in self._children(name):
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGSTOP)
                timer = threading.Timer(seconds, _resume, (child,))
                timer.start()
                self._paused.append((child, timer))
        self.pauses += 1

    def resume_all(self) -> None:
        """Resume every stopped process now."""
        for child, timer in self._paused:
            timer.cancel()
            _resume(child)
        self._paused.clear()

    def count_log_lines(self, *phrases: str) -> int:
        """The number of lines in the workers' logs that have one of the phrases."""
        lines = [line for name in self.workers for line in self._log(name).read_text(errors="replace").splitlines()]
        return sum(any(phrase in line for phrase in phrases) for line in lines)

    def _children(self, name: str) -> list[int]:
        with contextlib.suppress(psutil.Error):
            return [child.pid for child in self._processes[name].process.children()]
        return []

    def _log(self, name: str) -> Path:
        return self._folder / f"{name}.log"


def _resume(child: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(child, signal.SIGCONT)
