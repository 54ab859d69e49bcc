"""A newcomer's machine: a fresh clone, an environment with the packages of `make run` alone, and `make run` itself.

Installing requirements/standalone.txt takes minutes and gigabytes, and the environment that runs the tests holds the
same pinned files. So the newcomer's environment consists of links to the installed files of exactly the distributions
that requirements/standalone.txt pins, at exactly those versions: nothing else can be imported. Only the installation
itself is left out; the stamp that `make` leaves after it is put in place here.
"""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import venv
from importlib.metadata import Distribution, distribution
from pathlib import Path
from typing import Self

import httpx

from benchmarks.harness.processes import ROOT, eventually, free_port
from standalone.pdeathsig import command_with_pdeathsig

_PIN = re.compile(r"^([a-z0-9][\w.-]*)==([\w.+-]+)", re.MULTILINE)


class Newcomer:
    """A fresh clone in `folder`, and the service that its `make run` starts on a free port."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._log = folder.with_name(f"{folder.name}.log")
        self._process: subprocess.Popen[bytes] | None = None

    def clone(self) -> Self:
        """Clone what is committed, and make the environment."""
        subprocess.run(["git", "clone", "--quiet", "--depth=1", f"file://{ROOT}", str(self.folder)], check=True)
        make_environment(self.folder / ".venv", self.folder / "requirements" / "standalone.txt")
        return self

    def make_run(self) -> Self:
        """Start `make run`, and wait until the gateway is ready."""
        make = shutil.which("make")
        assert make is not None
        command = (make, "run", f"ARGS=--port {self.port}")
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                command_with_pdeathsig(command),
                cwd=self.folder,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        eventually(self._ready, "the gateway of `make run` is ready")
        return self

    def paste(self, text: str) -> str:
        """Run commands in one bash in the clone; returns what they printed. Any failing command fails the test."""
        text = text.replace("http://localhost:8000", self.url)
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", text],
            cwd=self.folder,
            env=self._environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}\n{self._log.read_text()[-3000:]}"
        return done.stdout

    def discard(self) -> None:
        """Stop `make run` as Ctrl-C does, and kill what is left of its session."""
        if self._process is None:
            return
        for sent in (signal.SIGINT, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, sent)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(30)
                return

    def _ready(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, f"`make run` ended:\n{self._log.read_text()[-3000:]}"
        with contextlib.suppress(httpx.TransportError):
            return httpx.get(f"{self.url}/readyz", trust_env=False).status_code == 200
        return False

    @staticmethod
    def _environment() -> dict[str, str]:
        kept = {
            key: value for key, value in os.environ.items() if not key.startswith(("ODEM_", "PYTHON", "VIRTUAL_ENV"))
        }
        return kept | {"OMP_NUM_THREADS": "2", "OMP_WAIT_POLICY": "PASSIVE", "NO_PROXY": "127.0.0.1"}


def make_environment(folder: Path, lock: Path) -> None:
    """A virtual environment of the distributions that `lock` pins, linked from the environment that runs this."""
    venv.create(folder, symlinks=True, with_pip=False)
    packages = next(folder.glob("lib/python*/site-packages"))
    for name, version in _PIN.findall(lock.read_text()):
        result = distribution(name)
        assert result.version == version, f"{name} {result.version} is installed, {lock.name} pins {version}"
        _link(result, packages)
    (folder / f".{lock.stem}").touch()


def _link(result: Distribution, packages: Path) -> None:
    """Link a distribution's files; those outside of site-packages (commands, man pages) are left out."""
    for file in result.files or ():
        if ".." not in file.parts:
            target = packages.joinpath(*file.parts)
            target.parent.mkdir(parents=True, exist_ok=True)
            with contextlib.suppress(FileExistsError):
                _link_file(Path(str(result.locate_file(file))), target)


def _link_file(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError as error:
        if isinstance(error, FileExistsError):
            raise
        target.symlink_to(source)  # another file system
