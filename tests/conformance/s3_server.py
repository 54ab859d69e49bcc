"""A real S3 server for tests: the JuiceFS gateway, which serves S3 with MinIO's code, over files of its own."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks.harness.processes import ServerProcess, free_port, responds

ACCESS_KEY = "odem-tests"
SECRET_KEY = "a-secret-of-the-tests"
BUCKET = "odem"


class S3Server:
    """One server with one bucket, over a folder; it may be killed and started again."""

    def __init__(self, program: str, folder: Path) -> None:
        meta = f"sqlite3://{folder}/meta.db"
        self.port = free_port()
        make = ("format", "--storage", "file", "--bucket", f"{folder}/data/", "--trash-days", "0", meta, BUCKET)
        subprocess.run((program, *make), check=True, capture_output=True)
        command = (program, "gateway", "--no-usage-report", "--metrics", "127.0.0.1:0", "--object-meta")
        cache = ("--cache-dir", "memory", "--buffer-size", "64")
        environment = {"MINIO_ROOT_USER": ACCESS_KEY, "MINIO_ROOT_PASSWORD": SECRET_KEY}
        address = f"127.0.0.1:{self.port}"
        self._server = ServerProcess((*command, *cache, meta, address), folder / "log", environment, new_session=True)

    def url(self, prefix: str) -> str:
        """ODEM_BLOBS_URL for this part of the bucket."""
        return f"s3://{BUCKET}/{prefix}?endpoint=http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it and wait until it is ready."""
        health = f"http://127.0.0.1:{self.port}/minio/health/live"
        self._server.spawn().wait_until(lambda: responds(health), health)

    def kill(self) -> None:
        """Send SIGKILL."""
        self._server.kill()


def find_program() -> str | None:
    """The packaged program, if it is installed."""
    return shutil.which("juicefs", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
