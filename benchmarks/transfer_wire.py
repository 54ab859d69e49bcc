"""The client of the transfer benchmark: plain sockets and sendfile, so that it costs as little as a client can.

`python -m benchmarks.transfer_wire PORT PATH FILE`: POST a file once; it is a process of its own where uploads are to
run beside the one who measures.
"""

import http.client
import os
import socket
import sys
import time
from pathlib import Path

_BUFFER = 1 << 20


def upload(port: int, path: str, file: Path) -> float:
    """POST a file; returns seconds until the answer was read. Raises RuntimeError for an answer that is no 2xx."""
    size = file.stat().st_size
    start = time.perf_counter()
    with socket.create_connection(("127.0.0.1", port), timeout=600) as wire, file.open("rb") as body:
        head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {size}\r\nConnection: close\r\n\r\n"
        wire.sendall(head.encode())
        offset = 0
        wire.setblocking(True)
        while offset < size:
            offset += os.sendfile(wire.fileno(), body.fileno(), offset, min(size - offset, 1 << 24))
        response = b""
        while piece := wire.recv(65_536):
            response += piece
    if not response.startswith(b"HTTP/1.1 2"):
        raise RuntimeError(response[:500].decode(errors="replace"))
    return time.perf_counter() - start


def download(port: int, path: str, size: int) -> float:
    """GET a file of so many bytes and forget it; returns seconds."""
    buffer = memoryview(bytearray(_BUFFER))
    start = time.perf_counter()
    with socket.create_connection(("127.0.0.1", port), timeout=600) as wire:
        wire.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        taken, begin = 0, b""
        while count := wire.recv_into(buffer):
            if taken == 0:
                begin = bytes(buffer[: min(count, 1000)])
            taken += count
    if not begin.startswith(b"HTTP/1.1 200") or not size < taken < size + 4096:
        raise RuntimeError(f"{taken} bytes: {begin[:300]!r}")
    return time.perf_counter() - start


class Asker:
    """Small requests on one connection that stays."""

    def __init__(self, port: int, path: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._path = path

    def ask(self) -> float:
        """Seconds for one GET."""
        start = time.perf_counter()
        self._connection.request("GET", self._path)
        response = self._connection.getresponse()
        response.read()
        if response.status != 200:
            raise RuntimeError(f"{self._path}: {response.status}")
        return time.perf_counter() - start


if __name__ == "__main__":
    print(upload(int(sys.argv[1]), sys.argv[2], Path(sys.argv[3])))
