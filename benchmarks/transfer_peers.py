"""Who takes part in the transfer benchmark: our gateway, a handler that discards, nginx, and the disk alone."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, cast

import psutil
import uvicorn

from standalone.pdeathsig import command_with_pdeathsig
from standalone.valkey import EmbeddedValkey

_NGINX = """
daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/error.log; worker_processes 1;
events {{ worker_connections 64; }}
http {{
  access_log off; sendfile on; tcp_nopush on;
  client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder}; uwsgi_temp_path {folder};
  scgi_temp_path {folder};
  server {{ listen 127.0.0.1:{port}; root {root}; }}
}}
"""


def free_port() -> int:
    """A port that nobody uses at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Peer:
    """A server process. `port` is where it listens."""

    def __init__(self, port: int, process: subprocess.Popen[bytes]) -> None:
        self.port = port
        self._process = process
        end = time.monotonic() + 60
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                return
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"a server did not start: {process.args!r}")
            time.sleep(0.05)

    @property
    def cpu(self) -> float:
        """Processor seconds so far."""
        times = psutil.Process(self._process.pid).cpu_times()
        return float(times.user + times.system)

    @property
    def peak_mb(self) -> float:
        """The most resident memory so far, in MB of a million bytes."""
        for line in Path(f"/proc/{self._process.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / 1e6
        raise RuntimeError("the kernel does not tell VmHWM")

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait(30)


def start_gateway(valkey: EmbeddedValkey, data: Path) -> Peer:
    """Our gateway, as its owner starts it."""
    port = free_port()
    environment = {
        **os.environ,
        "ODEM_REDIS_URL": valkey.url,
        "ODEM_BROKER_URL": valkey.broker_url,
        "ODEM_DATA_DIR": str(data),
        "ODEM_PORT": str(port),
    }
    log = data.with_name("gateway.log").open("ab")
    return Peer(port, _launch((sys.executable, "-m", "service"), env=environment, stdout=log, stderr=log))


def start_discard() -> Peer:
    """The same server with an application that forgets the body."""
    port = free_port()
    return Peer(port, _launch((sys.executable, "-m", "benchmarks.transfer_peers", str(port))))


def start_nginx(folder: Path, root: Path) -> Peer | None:
    """The web server nginx, with sendfile on a folder of files; None where there is none."""
    program = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        return None
    port = free_port()
    folder.mkdir()
    (folder / "nginx.conf").write_text(_NGINX.format(folder=folder, port=port, root=root))
    return Peer(port, _launch((program, "-c", str(folder / "nginx.conf"), "-p", str(folder))))


def _launch(command: tuple[str, ...], **more: Any) -> subprocess.Popen[bytes]:
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return cast("subprocess.Popen[bytes]", subprocess.Popen(command_with_pdeathsig(command), **(quiet | more)))


def disk(file: Path, folder: Path) -> tuple[float, float]:
    """`cp`, `sync`, `sha256sum` of a file; returns wall and processor seconds."""
    copy = folder / "copy"
    before, start = os.times(), time.perf_counter()
    subprocess.run(["cp", str(file), str(copy)], check=True)
    subprocess.run(["sync", str(copy)], check=True)
    subprocess.run(["sha256sum", str(copy)], check=True, stdout=subprocess.DEVNULL)
    wall, after = time.perf_counter() - start, os.times()
    copy.unlink()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return wall, cpu


async def _discard(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] != "http":
        return
    more = True
    while more:
        more = (await receive()).get("more_body", False)
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body"})


if __name__ == "__main__":
    uvicorn.run(_discard, host="127.0.0.1", port=int(sys.argv[1]), loop="uvloop", http="httptools", log_level="warning")
