"""The TCP connection under a request: what the kernel knows of it before its events have come to us.

While the reading of a body is paused, or its handler waits for a disk, the event loop does not look at the socket; the
kernel knows all the same that the client has closed it, and when it last sent something.
"""

import asyncio
import fcntl
import os
import socket
import struct
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from starlette.types import Scope

EXTENSION = "odem.wire"
"""Where the scope's extensions have the connection."""
_ESTABLISHED = 1
_LAST_DATA_RECEIVED = 52
_TCP_INFO = getattr(socket, "TCP_INFO", None)
"""Linux only. Elsewhere a connection is gone when the event loop has seen it, and never silent."""


class TcpConnection:
    """One connection. `gone` and `silence` cost a system call."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._waiter: asyncio.Future[None] | None = None

    @classmethod
    def of(cls, scope: Scope) -> "TcpConnection | None":
        """The connection of a request; None on other servers than ours."""
        found: TcpConnection | None = scope.get("extensions", {}).get(EXTENSION)
        return found

    @property
    def gone(self) -> bool:
        """Whether nothing comes any more but what has come: the client has closed it, or it was reset."""
        if self._transport.is_closing():
            return True
        info = self._info()
        return info is not None and info[0] != _ESTABLISHED

    @property
    def silence(self) -> float:
        """Seconds since the last byte came, read by us or not; 0 where nobody knows."""
        info = self._info()
        return 0.0 if info is None else float(struct.unpack_from("=I", info, _LAST_DATA_RECEIVED)[0]) / 1000.0

    @property
    def is_plain(self) -> bool:
        """Whether bytes go to the client as they are written, without TLS."""
        return not self._transport.get_extra_info("sslcontext")

    @property
    def waiting(self) -> int:
        """Bytes that were written and that the client's system has not taken yet."""
        waiting = self._transport.get_write_buffer_size()
        with suppress(OSError, ValueError):
            descriptor = self._transport.get_extra_info("socket").fileno()
            waiting += int.from_bytes(fcntl.ioctl(descriptor, termios.TIOCOUTQ, bytes(4)), sys.byteorder)
        return waiting

    @contextmanager
    def unbuffered(self) -> Iterator[None]:
        """Take the transport for full as soon as it keeps a byte, while the block runs."""
        self._transport.set_write_buffer_limits(0)
        try:
            yield
        finally:
            if not self._transport.is_closing():
                self._transport.set_write_buffer_limits()

    def duplicate(self) -> int:
        """Another descriptor of the socket, which stays its when the transport has closed. The caller closes it."""
        return os.dup(self._transport.get_extra_info("socket").fileno())

    async def writable(self, descriptor: int) -> None:
        """Return when a duplicate takes bytes, or the connection is lost."""
        loop = asyncio.get_running_loop()
        self._waiter = loop.create_future()
        loop.add_writer(descriptor, self.wake)
        try:
            await self._waiter
        finally:
            loop.remove_writer(descriptor)
            self._waiter = None

    def wake(self) -> None:
        """Let go on who waits for `writable`."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def cut(self) -> None:
        """Close it at once."""
        self._transport.abort()

    def _info(self) -> bytes | None:
        """Linux's `struct tcp_info`: first the state, as in its tcp_states.h; at 52 the milliseconds without data."""
        sock = self._transport.get_extra_info("socket")
        if _TCP_INFO is None or sock is None or sock.family not in {socket.AF_INET, socket.AF_INET6}:
            return None
        try:
            info: bytes = sock.getsockopt(socket.IPPROTO_TCP, _TCP_INFO, 104)
        except (OSError, ValueError):
            # The event loop has closed it a moment ago.
            return bytes(104)
        return info
