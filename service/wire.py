"""The TCP connection under a request: what the kernel knows of it before its events have come to us.

While the reading of a body is paused, or its handler waits for a disk, the event loop does not look at the socket; the
kernel knows all the same that the client has closed it, and when it last sent something.
"""

import asyncio
import socket
import struct

from starlette.types import Scope

_EXTENSION = "odem.wire"
_ESTABLISHED = 1
_LAST_DATA_RECEIVED = 52
_TCP_INFO = getattr(socket, "TCP_INFO", None)
"""Linux only. Elsewhere a connection is gone when the event loop has seen it, and never silent."""


class Wire:
    """One connection. `gone` and `silence` cost a system call."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport

    @classmethod
    def of(cls, scope: Scope) -> "Wire | None":
        """The connection of a request; None on other servers than ours."""
        found: Wire | None = scope.get("extensions", {}).get(_EXTENSION)
        return found

    @property
    def extension(self) -> dict[str, object]:
        """What the scopes of the connection's requests carry as an ASGI extension."""
        return {_EXTENSION: self}

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
