"""The servers that the transfer benchmark compares: our gateway, a handler that discards, nginx, and the disk alone."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import uvicorn

from benchmarks.harness.gateway import Gateway
from benchmarks.harness.processes import ServerProcess, free_port
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


class Peer:
    """A running server. `port` is where it listens."""

    def __init__(self, port: int, server: ServerProcess | Gateway) -> None:
        self.port = port
        self._server = server

    @property
    def cpu(self) -> float:
        """Processor seconds so far."""
        times = self._server.process.cpu_times()
        return float(times.user + times.system)

    @property
    def peak_mb(self) -> float:
        """The peak resident memory so far, in MB of a million bytes."""
        for line in Path(f"/proc/{self._server.process.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / 1e6
        raise RuntimeError("the kernel does not report VmHWM")

    def stop(self) -> None:
        """End it."""
        self._server.stop()
        if isinstance(self._server, Gateway):
            self._server.close()


def start_gateway(valkey: EmbeddedValkey, data: Path) -> Peer:
    """Our gateway, as its owner starts it."""
    gateway = Gateway(valkey, data).start()
    return Peer(gateway.port, gateway)


def start_discard(folder: Path) -> Peer:
    """The same server with an application that discards the body."""
    port = free_port()
    return _start((sys.executable, "-m", "benchmarks.transfer_peers", str(port)), port, folder / "discard.log")


def start_nginx(folder: Path, root: Path) -> Peer | None:
    """The web server nginx, with sendfile on a folder of files; None if it is not installed."""
    program = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        return None
    port = free_port()
    folder.mkdir()
    (folder / "nginx.conf").write_text(_NGINX.format(folder=folder, port=port, root=root))
    return _start((program, "-c", str(folder / "nginx.conf"), "-p", str(folder)), port, folder / "nginx.log")


def _start(command: tuple[str, ...], port: int, log: Path) -> Peer:
    server = ServerProcess(command, log).spawn()

    def listens() -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
        return False

    return Peer(port, server.wait_until(listens, f"{command[0]} listens on port {port}"))


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
