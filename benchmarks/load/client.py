"""A client that costs little: HTTP/1.1 over connections that stay open, requests sent when they are due.

Times run from the moment at which a request was due, not from when it could be sent: a gateway that is late with one
answer is late with those that wait behind it, and that is counted.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Times:
    """Seconds of each request, and of all together; `wrong` counts answers other than 200."""

    seconds: Sequence[float]
    elapsed: float
    wrong: int

    def percentile(self, share: float) -> float:
        """Milliseconds within which this share of the requests was answered."""
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1e3

    @property
    def rate(self) -> float:
        """Requests answered in a second."""
        return len(self.seconds) / self.elapsed


class _Connection:
    """One open connection; one request at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, port: int) -> "_Connection":
        return cls(*await asyncio.open_connection("127.0.0.1", port, limit=1 << 20))

    async def ask(self, request: bytes) -> int:
        """Send a whole request, take the whole answer, and return its status."""
        self._writer.write(request)
        head = await self._reader.readuntil(b"\r\n\r\n")
        at = head.lower().index(b"content-length:") + 15
        await self._reader.readexactly(int(head[at : head.index(b"\r\n", at)]))
        return int(head[9:12])

    def close(self) -> None:
        self._writer.close()


def request(path: str, token: str | None) -> bytes:
    """The bytes of a GET."""
    key = f"Authorization: Bearer {token}\r\n" if token else ""
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{key}\r\n".encode()


async def run(port: int, requests: Sequence[bytes], connections: int, seconds: float, rate: float | None) -> Times:
    """Send these requests by turns for some seconds: `rate` a second, or, if None, as fast as they are answered."""
    opened = [await _Connection.open(port) for _ in range(connections)]
    started = time.perf_counter()
    taken: list[float] = []
    number = wrong = 0

    async def work(connection: _Connection) -> None:
        nonlocal number, wrong
        while True:
            mine = number
            number += 1
            due = started + mine / rate if rate else time.perf_counter()
            if due - started >= seconds:
                return
            if (pause := due - time.perf_counter()) > 0:
                await asyncio.sleep(pause)
            wrong += await connection.ask(requests[mine % len(requests)]) != 200
            taken.append(time.perf_counter() - due)

    await asyncio.gather(*(work(connection) for connection in opened))
    elapsed = time.perf_counter() - started
    for connection in opened:
        connection.close()
    return Times(taken, elapsed, wrong)


class Broadcaster:
    """Connections that wait for events; `events` counts what came."""

    def __init__(self) -> None:
        self.events = 0
        self._tasks: list[asyncio.Task[None]] = []

    async def open(self, port: int, requests: Sequence[bytes]) -> None:
        """Open one connection for each request, and wait until each has had its first event."""
        first = []
        for each in requests:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(each)
            seen = asyncio.Event()
            first.append(seen.wait())
            self._tasks.append(asyncio.create_task(self._follow(reader, writer, seen)))
        await asyncio.wait_for(asyncio.gather(*first), 60)

    async def _follow(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seen: asyncio.Event) -> None:
        try:
            while line := await reader.readline():
                if line.startswith(b"data:"):
                    self.events += 1
                    seen.set()
        finally:
            writer.close()

    async def close(self) -> None:
        """Hang up."""
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)
