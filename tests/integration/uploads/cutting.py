"""A bad network: a proxy that cuts connections after random numbers of bytes."""

import contextlib
import random
import socket
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

_PIECE = 16_384


class CuttingProxy:
    """Forwards to a port. So many times it cuts a connection in the midst of a body; after that it is a good network.

    Of every other cut the server hears nothing: to it the client has fallen silent. on_cut(number) is called before the
    client sees the cut.
    """

    def __init__(self, port: int, cuts: int, seed: int, most: int, on_cut: Callable[[int], None]) -> None:
        self._target = port
        self._left = cuts
        self._random = random.Random(seed)
        self._most = most
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
                threading.Thread(target=self._answer, args=(server, client), daemon=True).start()
                budget = self._random.randint(20_000, self._most)
                while data := client.recv(_PIECE):
                    if budget < len(data) and self._take_cut():
                        server.sendall(data[:budget])
                        break
                    budget -= min(budget, len(data))
                    server.sendall(data)
                else:
                    return
                if self.cuts % 2:
                    # Closing it would not do: the thread that waits for an answer keeps it open.
                    server.shutdown(socket.SHUT_RDWR)
            self._on_cut(self.cuts)
            client.shutdown(socket.SHUT_RDWR)

    def _take_cut(self) -> bool:
        with self._lock:
            if self._left == 0:
                return False
            self._left -= 1
            self.cuts += 1
            return True

    def _answer(self, server: socket.socket, client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(_PIECE):
                client.sendall(data)
            client.shutdown(socket.SHUT_WR)
