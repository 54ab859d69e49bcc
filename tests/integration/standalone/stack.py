"""The standalone command as a real process, with small stand-ins for worker and gateway."""

import json
import subprocess
import sys
import urllib.request
from pathlib import Path

import psutil
import pytest

from benchmarks.harness.processes import ROOT, ServerProcess, eventually

STAND_INS = Path(__file__).parent / "stand_ins"


class Stack:
    """``python -m standalone`` over a data folder, with packages `worker` and `service` from a folder."""

    def __init__(self, data: Path, port: int, packages: Path = STAND_INS, **environment: str) -> None:
        self.url = f"http://127.0.0.1:{port}"
        command = (sys.executable, "-m", "standalone", "--data-dir", str(data), "--port", str(port))
        log = data.with_name(f"standalone-{len(list(data.parent.glob('standalone-*.log')))}.log")
        self.server = ServerProcess(
            command, log, {"PYTHONPATH": str(ROOT), **environment}, cwd=packages, new_session=True
        ).spawn()
        self._stand_ins = packages == STAND_INS
        self.seen: set[psutil.Process] = set()

    @property
    def text(self) -> str:
        """The log of all processes."""
        return self.server.text

    def wait_for_log(self, words: str, times: int = 1) -> None:
        """Wait until the log contains `words`."""
        try:
            eventually(lambda: self.text.count(words) >= times, repr(words))
        except TimeoutError as error:
            pytest.fail(f"{error} in:\n{self.text}")

    def wait_ready(self) -> "Stack":
        self.wait_for_log("ready at")
        if self._stand_ins:
            self.wait_for_log("merge running")
        self.processes()
        return self

    def processes(self) -> list[psutil.Process]:
        """All processes below the supervisor; `assert_none_left` checks every one that was ever seen."""
        now = self.server.process.children(recursive=True)
        self.seen.update(now)
        return now

    def pid(self, name: str) -> int:
        """The process id of the last start of a child."""
        self.wait_for_log(f"started {name} ")
        return int(self.text.rsplit(f"started {name} (process ", 1)[1].split(")")[0])

    def end(self, signal_number: int | None = None) -> int:
        """Send a signal, if any, and wait; returns the exit status."""
        if signal_number is not None and self.server.running:
            self.server.signal(signal_number)
        try:
            return self.server.wait()
        except subprocess.TimeoutExpired:
            pytest.fail(f"did not end:\n{self.text}")

    def assert_none_left(self) -> None:
        assert self.seen, "look at the processes first"
        _, alive = psutil.wait_procs(self.seen, timeout=10)
        assert not [each for each in alive if each.status() != psutil.STATUS_ZOMBIE]

    def write(self, note: str) -> bool:
        """Whether the note was acknowledged."""
        try:
            with urllib.request.urlopen(f"{self.url}/notes", note.encode(), timeout=5) as response:
                return bool(response.status == 202)
        except OSError:
            return False

    def notes(self) -> list[str]:
        with urllib.request.urlopen(f"{self.url}/notes", timeout=5) as response:
            notes: list[str] = json.load(response)
            return notes
