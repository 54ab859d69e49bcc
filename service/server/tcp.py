"""TCP socket under a connection: unsent bytes, duplicate descriptors and waiting until the socket accepts bytes."""

import asyncio
import fcntl
import os
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class TcpConnection:
    """The socket of one connection, beside the transport that owns it."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._waiter: asyncio.Future[None] | None = None

    @property
    def is_plain(self) -> bool:
        """Whether the connection is unencrypted, so that bytes written to the socket reach the client unchanged."""
        return not self._transport.get_extra_info("sslcontext")

    @property
    def unsent_bytes(self) -> int:
        """Bytes that were written and that the client's system has not acknowledged yet."""
        unsent = self._transport.get_write_buffer_size()
        with suppress(OSError, ValueError):
            descriptor = self._transport.get_extra_info("socket").fileno()
            unsent += int.from_bytes(fcntl.ioctl(descriptor, termios.TIOCOUTQ, bytes(4)), sys.byteorder)
        return unsent

    @contextmanager
    def unbuffered(self) -> Iterator[None]:
        """Pause writing as soon as the transport buffers a byte, while the block runs."""
        self._transport.set_write_buffer_limits(0)
        try:
            yield
        finally:
            if not self._transport.is_closing():
                self._transport.set_write_buffer_limits()

    def duplicate(self) -> int:
        """A second descriptor of the socket, valid after the transport has closed its own. The caller closes it."""
        return os.dup(self._transport.get_extra_info("socket").fileno())

    async def writable(self, descriptor: int) -> None:
        """Return when a duplicate accepts bytes or the connection is lost."""
        loop = asyncio.get_running_loop()
        self._waiter = loop.create_future()
        loop.add_writer(descriptor, self.wake)
        try:
            await self._waiter
        finally:
            loop.remove_writer(descriptor)
            self._waiter = None

    def wake(self) -> None:
        """End a wait in `writable`."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def abort(self) -> None:
        """Close the connection at once."""
        self._transport.abort()
