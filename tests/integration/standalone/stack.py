"""The standalone command as a real process, with small stand-ins for worker and gateway."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).parents[3]
STAND_INS = Path(__file__).parent / "stand_ins"
DEADLINE = 90.0


def eventually(condition: Callable[[], bool], what: str, deadline: float = DEADLINE) -> None:
    end = time.monotonic() + deadline
    while not condition():
        assert time.monotonic() < end, f"not within {deadline} s: {what}"
        time.sleep(0.02)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Stack:
    """``python -m standalone`` over a data folder, with the worker and the service that lie in `rooms`.

    What it says is in `text`.
    """

    def __init__(self, data: Path, port: int, rooms: Path = STAND_INS, **environment: str) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "standalone", "--data-dir", str(data), "--port", str(port)],
            cwd=rooms,
            env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._stand_ins = rooms == STAND_INS
        self.text = ""
        self.seen: set[psutil.Process] = set()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                self.text += line

    def hears(self, words: str, times: int = 1) -> None:
        """Wait until the house has said `words`."""
        eventually(lambda: self.text.count(words) >= times, f"{words!r} in:\n{self.text}")

    def is_ready(self) -> "Stack":
        self.hears("ready at")
        if self._stand_ins:
            self.hears("merge running")
        self.processes()
        return self

    def processes(self) -> list[psutil.Process]:
        """All processes below the supervisor; every one ever seen is asked for by `nothing_is_left`."""
        now = psutil.Process(self.process.pid).children(recursive=True)
        self.seen.update(now)
        return now

    def pid(self, name: str) -> int:
        """The process id of the last start of a child."""
        self.hears(f"started {name} ")
        return int(self.text.rsplit(f"started {name} (process ", 1)[1].split(")")[0])

    def ends(self, signal_number: int | None = None) -> int:
        if signal_number is not None:
            self.process.send_signal(signal_number)
        try:
            status = self.process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            pytest.fail(f"did not end:\n{self.text}")
        self._reader.join(DEADLINE)
        return status

    def nothing_is_left(self) -> None:
        assert self.seen, "look at the processes first"
        _, alive = psutil.wait_procs(self.seen, timeout=10)
        assert not [each for each in alive if each.status() != psutil.STATUS_ZOMBIE]

    def write(self, note: str) -> bool:
        """Whether the note was acknowledged."""
        try:
            with urllib.request.urlopen(f"{self.url}/notes", note.encode(), timeout=5) as answer:
                return bool(answer.status == 202)
        except OSError:
            return False

    def notes(self) -> list[str]:
        with urllib.request.urlopen(f"{self.url}/notes", timeout=5) as answer:
            found: list[str] = json.load(answer)
            return found
