"""A real S3 server for tests: the JuiceFS gateway, which serves S3 with MinIO's code, over files of its own."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import urlopen

from standalone.pdeathsig import command_with_pdeathsig

ACCESS_KEY = "odem-tests"
SECRET_KEY = "a-secret-of-the-tests"
BUCKET = "odem"


class S3Server:
    """One server with one bucket, over a folder; it may be killed and started again."""

    def __init__(self, program: str, folder: Path) -> None:
        self._program = program
        self._folder = folder
        self._meta = f"sqlite3://{folder}/meta.db"
        self._process: subprocess.Popen[bytes] | None = None
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self._environment = os.environ | {"MINIO_ROOT_USER": ACCESS_KEY, "MINIO_ROOT_PASSWORD": SECRET_KEY}
        make = ("format", "--storage", "file", "--bucket", f"{folder}/data/", "--trash-days", "0", self._meta, BUCKET)
        subprocess.run((program, *make), check=True, capture_output=True)

    def url(self, prefix: str) -> str:
        """ODEM_BLOBS_URL for this part of the bucket."""
        return f"s3://{BUCKET}/{prefix}?endpoint=http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        command = (self._program, "gateway", "--no-usage-report", "--metrics", "127.0.0.1:0", "--object-meta")
        cache = ("--cache-dir", "memory", "--buffer-size", "64")
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                command_with_pdeathsig((*command, *cache, self._meta, f"127.0.0.1:{self.port}")),
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        end = time.monotonic() + 60
        while time.monotonic() < end and self._process.poll() is None:
            with contextlib.suppress(OSError), urlopen(f"http://127.0.0.1:{self.port}/minio/health/live", timeout=5):
                return
            time.sleep(0.05)
        raise AssertionError((self._folder / "log").read_text(errors="replace")[-3000:])

    def kill(self) -> None:
        """SIGKILL."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


def find_program() -> str | None:
    """The packaged program, if it is installed."""
    return shutil.which("juicefs", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
