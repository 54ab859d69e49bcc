"""A service of the demo's own: `python -m standalone` in a process that ends with the demo."""

import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

_START = 120.0  # seconds until it must answer
_STOP = 30.0  # seconds that it may take to stop


class ServiceFailed(Exception):
    """The service did not start; the message holds the end of its output."""


@contextmanager
def running() -> Iterator[str]:
    """Start the service on a free port with a fresh data folder; gives its URL, and stops it at the end.

    Raises ServiceFailed.
    """
    with tempfile.TemporaryDirectory(prefix="odem-demo-") as folder:
        log = Path(folder) / "service.log"
        url = f"http://127.0.0.1:{(port := _free_port())}"
        command = (sys.executable, "-m", "standalone", "--data-dir", str(Path(folder) / "data"), "--port", str(port))
        with log.open("wb") as output:
            process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, start_new_session=True)
        try:
            _wait(process, url, log)
            yield url
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(_STOP)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(process: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    deadline = time.monotonic() + _START
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(f"{url}/readyz", trust_env=False).status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            pass  # Not listening yet.
        time.sleep(0.2)
    tail = log.read_text("utf-8", errors="replace")[-2000:]
    raise ServiceFailed(f"The service did not get ready. The end of its log:\n{tail}")
