"""Answers on their way out: files by the kernel, and nobody who reads nothing for too long.

A file of which the application names a part (the ASGI extension "Zero Copy Send") goes from the page cache into the
socket with sendfile. That runs in a thread, for a page that is not cached waits for the disk; in short turns, so that
a slow reader holds no thread; and on descriptors of its own, beside uvicorn's transport, which has written all that
comes before the file's first byte and goes on after its last.

Source: https://asgi.readthedocs.io/en/latest/extensions.html#zero-copy-send
"""

import asyncio
import logging
import os
import select
import sys
import time
from collections.abc import Coroutine
from concurrent.futures import Executor
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope

from service.server.tcp import TcpConnection

EXTENSION = "http.response.zerocopysend"
AVAILABLE = sys.platform == "linux"
"""Elsewhere sendfile means other things, and applications send pieces."""
_TURN_SECONDS = 0.05
_PIECE = 4 << 20
_FULL_MILLISECONDS = 10
_log = logging.getLogger(__name__)


async def answering(app: ASGIApp, threads: Executor, idle: float, scope: Scope, receive: Receive, send: Any) -> None:
    """Run the application of one request; `send` is that of uvicorn's RequestResponseCycle."""
    wire = TcpConnection.of(scope)
    assert wire is not None  # noqa: S101  the connection has put it there
    await app(scope, receive, _Answer(send.__self__, wire, threads, idle).send)


class _Answer:
    """One request's way to answer: uvicorn's own, but that it takes files, and waits for a reader for so long only.

    Of uvicorn's insides it needs four things of `cycle`: flow, transport, disconnected and expected_content_length.
    idle: seconds in which a reader must take a byte.
    """

    def __init__(self, cycle: Any, wire: TcpConnection, threads: Executor, idle: float) -> None:
        self._cycle = cycle
        self._write = cycle.send
        self._wire = wire
        self._threads = threads
        self._idle = idle

    async def send(self, message: Message) -> None:
        """See ASGI. A file's message gets the key `sent`: how many bytes of it were sent before the reader left."""
        if self._cycle.flow.write_paused:
            await self._drain()
        if message["type"] != EXTENSION:
            await self._write(message)
            return
        if message["count"] > self._cycle.expected_content_length:
            raise RuntimeError("Response content longer than Content-Length")
        await self._flush()
        if self._over:
            self._cycle.disconnected = True
            return
        job = _Job(self._wire.duplicate(), os.dup(message["file"].fileno()), message["offset"], message["count"])
        try:
            await self._send_file(job)
        finally:
            job.close()
            message["sent"] = message["count"] - job.left
        self._cycle.expected_content_length -= message["sent"]
        self._cycle.disconnected = self._cycle.disconnected or job.left > 0
        await self._write({"type": "http.response.body", "body": b"", "more_body": message.get("more_body", False)})

    @property
    def _over(self) -> bool:
        return bool(self._cycle.disconnected or self._cycle.transport.is_closing())

    async def _flush(self) -> None:
        """Wait until the kernel has all that was written before."""
        if not self._over:
            with self._wire.unbuffered():
                await self._drain()

    async def _drain(self) -> None:
        """Wait until the transport has written what it was given, for as long as the reader takes something of it."""
        while self._cycle.flow.write_paused and not self._over:
            await self._patiently(self._cycle.flow.drain())

    async def _send_file(self, job: "_Job") -> None:
        try:
            while job.left and not self._over:
                await job.turn(self._threads)
                if job.full and not self._over:
                    await self._patiently(self._wire.writable(job.socket))
        except (ConnectionError, TimeoutError):
            self._leave()
        except (OSError, EOFError) as error:
            _log.error("A file could not be sent to its end, so its reader was cut off: %s", error)
            self._leave()

    async def _patiently(self, room: Coroutine[Any, Any, object]) -> None:
        """Wait for room, and cut off a reader who takes nothing meanwhile."""
        before = self._wire.waiting
        try:
            async with asyncio.timeout(self._idle):
                await room
        except TimeoutError:
            if self._wire.waiting >= before:
                _log.warning("A client took no byte of an answer for %g s and was cut off.", self._idle)
                self._leave()

    def _leave(self) -> None:
        self._cycle.disconnected = True
        self._wire.cut()


class _Job:
    """A part of a file that is being sent: `left` bytes from an offset on are still to be sent.

    It closes its descriptors. full: whether the socket takes no more for the moment.
    """

    def __init__(self, wire: int, file: int, offset: int, count: int) -> None:
        self.socket = wire
        self._file = file
        self._offset = offset
        self._turn: asyncio.Future[None] | None = None
        self.left = count
        self.full = False

    async def turn(self, threads: Executor) -> None:
        """Let a thread send for a moment. Raises OSError, and EOFError when the file is shorter than was announced."""
        self._turn = asyncio.get_running_loop().run_in_executor(threads, self._run)
        await asyncio.shield(self._turn)

    def close(self) -> None:
        """Close the descriptors; when somebody was cancelled in a turn, once its thread has done with them."""
        if self._turn is None or self._turn.done():
            self._close()
        else:
            self._turn.add_done_callback(self._close)

    def _close(self, turn: asyncio.Future[None] | None = None) -> None:
        if turn is not None and not turn.cancelled():
            turn.exception()
        os.close(self.socket)
        os.close(self._file)

    def _run(self) -> None:
        end = time.monotonic() + _TURN_SECONDS
        self.full = False
        while self.left and time.monotonic() < end:
            try:
                sent = os.sendfile(self.socket, self._file, self._offset, min(self.left, _PIECE))
            except BlockingIOError:
                if not _has_room(self.socket):
                    self.full = True
                    return
                continue
            if sent == 0:
                raise EOFError(f"it has {self._offset} bytes, {self.left} fewer than were announced")
            self._offset += sent
            self.left -= sent


def _has_room(descriptor: int) -> bool:
    """Whether the socket takes bytes again within a moment, as it does while a fast reader reads."""
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    return bool(poll.poll(_FULL_MILLISECONDS))
