"""Zero-copy sending of files with sendfile, and a time limit for clients that do not read their response.

The ASGI extension "Zero Copy Send" lets an application name a part of a file as the body of a response. sendfile moves
it from the page cache to the socket. It runs in a thread, because a page that is not cached waits for the disk; in
short turns, so that a slow client does not occupy a thread; and on duplicate descriptors beside uvicorn's transport,
which has written everything before the file's first byte and continues after its last.

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

from starlette.types import Message
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from service.server.tcp import TcpConnection

EXTENSION = "http.response.zerocopysend"
AVAILABLE = sys.platform == "linux"
"""sendfile differs on other systems; applications send chunks there."""
_TURN_SECONDS = 0.05
_MAX_SENDFILE_BYTES = 4 << 20
_POLL_MILLISECONDS = 10
_log = logging.getLogger(__name__)


class ResponseSender:
    """ASGI `send` of one request: uvicorn's, with zero-copy messages and a time limit for the client.

    cycle: uvicorn's request; its `flow`, `transport`, `disconnected`, `expected_content_length` and `send` are used.
    idle_seconds: time within which the client must accept a byte.
    """

    def __init__(
        self, cycle: RequestResponseCycle, tcp: TcpConnection, executor: Executor, idle_seconds: float
    ) -> None:
        self._cycle = cycle
        self._uvicorn_send: Any = cycle.send
        self._tcp = tcp
        self._executor = executor
        self._idle_seconds = idle_seconds

    async def send(self, message: Message) -> None:
        """See ASGI. Sets `sent` in a zero-copy message: the number of bytes that were sent before the client left."""
        if self._cycle.flow.write_paused:
            await self._drain()
        if message["type"] != EXTENSION:
            await self._uvicorn_send(message)
            return
        if message["count"] > self._cycle.expected_content_length:
            raise RuntimeError("Response content longer than Content-Length")
        await self._flush()
        if self._closed:
            self._cycle.disconnected = True
            return
        transfer = _FileTransfer(
            self._tcp.duplicate(), os.dup(message["file"].fileno()), message["offset"], message["count"]
        )
        try:
            await self._send_file(transfer)
        finally:
            transfer.close()
            message["sent"] = message["count"] - transfer.remaining
        self._cycle.expected_content_length -= message["sent"]
        self._cycle.disconnected = self._cycle.disconnected or transfer.remaining > 0
        await self._uvicorn_send(
            {"type": "http.response.body", "body": b"", "more_body": message.get("more_body", False)}
        )

    @property
    def _closed(self) -> bool:
        return self._cycle.disconnected or self._cycle.transport.is_closing()

    async def _flush(self) -> None:
        """Wait until the transport has passed everything to the kernel."""
        if not self._closed:
            with self._tcp.unbuffered():
                await self._drain()

    async def _drain(self) -> None:
        """Wait until the transport accepts data again, as long as the client reads."""
        while self._cycle.flow.write_paused and not self._closed:
            await self._wait_for_reader(self._cycle.flow.drain())

    async def _send_file(self, transfer: "_FileTransfer") -> None:
        try:
            while transfer.remaining and not self._closed:
                await transfer.turn(self._executor)
                if transfer.socket_full and not self._closed:
                    await self._wait_for_reader(self._tcp.writable(transfer.socket))
        except (ConnectionError, TimeoutError):
            self._abort()
        except (OSError, EOFError) as error:
            _log.error("Sending a file failed; the connection was closed: %s", error)
            self._abort()

    async def _wait_for_reader(self, room: Coroutine[Any, Any, object]) -> None:
        """Wait for room; close the connection of a client that reads nothing meanwhile."""
        before = self._tcp.unsent_bytes
        try:
            async with asyncio.timeout(self._idle_seconds):
                await room
        except TimeoutError:
            if self._tcp.unsent_bytes >= before:
                _log.warning(
                    "Connection closed: the client read no byte of its response for %g s (ODEM_READER_IDLE_SECONDS).",
                    self._idle_seconds,
                )
                self._abort()

    def _abort(self) -> None:
        self._cycle.disconnected = True
        self._tcp.abort()


class _FileTransfer:
    """Part of a file on its way to a socket. Owns both descriptors.

    remaining: bytes still to be sent. socket_full: whether the socket accepted no more at the end of the last turn.
    """

    def __init__(self, socket: int, file: int, offset: int, count: int) -> None:
        self.socket = socket
        self._file = file
        self._offset = offset
        self._turn: asyncio.Future[None] | None = None
        self.remaining = count
        self.socket_full = False

    async def turn(self, executor: Executor) -> None:
        """Send for a moment in a thread. Raises OSError, and EOFError when the file is shorter than announced."""
        self._turn = asyncio.get_running_loop().run_in_executor(executor, self._run)
        await asyncio.shield(self._turn)

    def close(self) -> None:
        """Close the descriptors; after a cancelled turn, once its thread has finished."""
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
        self.socket_full = False
        while self.remaining and time.monotonic() < end:
            try:
                sent = os.sendfile(self.socket, self._file, self._offset, min(self.remaining, _MAX_SENDFILE_BYTES))
            except BlockingIOError:
                if not _becomes_writable(self.socket):
                    self.socket_full = True
                    return
                continue
            if sent == 0:
                raise EOFError(f"the file has {self._offset} bytes, {self.remaining} fewer than announced")
            self._offset += sent
            self.remaining -= sent


def _becomes_writable(descriptor: int) -> bool:
    """Whether the socket accepts bytes again within a moment, as it does while a fast client reads."""
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    return bool(poll.poll(_POLL_MILLISECONDS))
