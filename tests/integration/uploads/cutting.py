"""Unreliable network: a proxy that cuts connections after random numbers of bytes."""

import contextlib
import random
import socket
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

_CHUNK = 16_384


class CuttingProxy:
    """Forwards to a port, and cuts `cuts` connections within a body, each after at most `max_bytes`.

    The server does not notice every other cut: the client seems to send nothing more. on_cut(number) is called before
    the client notices the cut.
    """

    def __init__(self, port: int, cuts: int, seed: int, max_bytes: int, on_cut: Callable[[int], None]) -> None:
        self._target = port
        self._remaining = cuts
        self._random = random.Random(seed)
        self._max_bytes = max_bytes
        self._on_cut = on_cut
        self._lock = threading.Lock()
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._server.getsockname()[1])
        self.cuts = 0

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._server.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            with socket.create_connection(("127.0.0.1", self._target)) as server:
                threading.Thread(target=self._return, args=(server, client), daemon=True).start()
                budget = self._random.randint(20_000, self._max_bytes)
                while data := client.recv(_CHUNK):
                    if budget < len(data) and self._take_cut():
                        server.sendall(data[:budget])
                        break
                    budget -= min(budget, len(data))
                    server.sendall(data)
                else:
                    return
                if self.cuts % 2:
                    # Closing it is not enough: the thread that waits for a response keeps it open.
                    server.shutdown(socket.SHUT_RDWR)
            self._on_cut(self.cuts)
            client.shutdown(socket.SHUT_RDWR)

    def _take_cut(self) -> bool:
        with self._lock:
            if self._remaining == 0:
                return False
            self._remaining -= 1
            self.cuts += 1
            return True

    def _return(self, server: socket.socket, client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(_CHUNK):
                client.sendall(data)
            client.shutdown(socket.SHUT_WR)
