"""The service as processes that can be killed one by one and are started again at once."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from standalone.pdeathsig import command_with_pdeathsig
from standalone.valkey import EmbeddedValkey

WORKERS = 4
LEASE_SECONDS = 3.0
_CLAIMED = b", fence "


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Stack:
    """Valkey, a gateway and workers over one folder; a context manager. Use it from the main thread."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "data"
        self.data.mkdir()
        self.workers = [f"worker{index}" for index in range(WORKERS)]
        self.kills = 0
        self.pauses = 0
        self._folder = folder
        self._port = _free_port()
        self._valkey = EmbeddedValkey(self.data / "valkey")
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._paused: list[tuple[int, threading.Timer]] = []

    @property
    def url(self) -> str:
        """The gateway's."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def redis_url(self) -> str:
        """The state store's."""
        return self._valkey.url

    def __enter__(self) -> Self:
        self._valkey.start()
        for name in ("gateway", *self.workers):
            self._start(name)
        end = time.monotonic() + 120
        while not self._ready():
            if time.monotonic() > end:
                raise RuntimeError((self._folder / "gateway.log").read_text()[-2000:])
            time.sleep(0.1)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.resume_all()
        for process in self._processes.values():
            process.kill()
            process.wait()
        self._valkey.stop()
        self._valkey.close()

    def kill(self, name: str) -> None:
        """SIGKILL, and start it again."""
        self.kills += 1
        if name == "valkey":
            self._valkey.kill()
            self._valkey.start()
            return
        self._processes[name].kill()
        self._processes[name].wait()
        self._start(name)

    def pause_a_busy_worker(self, name: str, seconds: float, patience: float = 4.0) -> None:
        """Stop the worker's child as soon as it has claimed a merge, and let it go on after `seconds`."""
        log = self._log(name)
        seen, end = log.stat().st_size, time.monotonic() + patience
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
        """Let every stopped process go on now."""
        for child, timer in self._paused:
            timer.cancel()
            _resume(child)
        self._paused.clear()

    def count_said(self, *phrases: str) -> int:
        """How many lines of the workers' logs have one of the phrases."""
        lines = [line for name in self.workers for line in self._log(name).read_text(errors="replace").splitlines()]
        return sum(any(phrase in line for phrase in phrases) for line in lines)

    def _children(self, name: str) -> list[int]:
        pid = self._processes[name].pid
        with contextlib.suppress(OSError):
            return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        return []

    def _log(self, name: str) -> Path:
        return self._folder / f"{name}.log"

    def _start(self, name: str) -> None:
        module = "service" if name == "gateway" else "worker"
        environment = {
            **os.environ,
            "ODEM_REDIS_URL": self._valkey.url,
            "ODEM_BROKER_URL": self._valkey.broker_url,
            "ODEM_DATA_DIR": str(self.data),
            "ODEM_PORT": str(self._port),
            "ODEM_DEVICE": "cpu",
            "ODEM_LEASE_SECONDS": str(LEASE_SECONDS),
            "ODEM_SWEEP_SECONDS": "1",
            "ODEM_MAX_ATTEMPTS": "50",
            "ODEM_MIN_FREE_BYTES": "0",
            "OMP_NUM_THREADS": "1",
        }
        with self._log(name).open("ab") as log:
            self._processes[name] = subprocess.Popen(
                command_with_pdeathsig((sys.executable, "-m", module)),
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _ready(self) -> bool:
        with contextlib.suppress(httpx.TransportError):
            return httpx.get(f"{self.url}/readyz", trust_env=False).status_code == 200
        return False


def _resume(child: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(child, signal.SIGCONT)
