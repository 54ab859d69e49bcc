"""HTTP protocol of one connection: uvicorn's, with a size limit on request heads and a graceful close.

uvicorn accepts request heads of any size. It also closes a connection on which the client still sends; the kernel then
answers the client's next bytes with a reset, and many systems discard the response that they have received. This
protocol closes only its own side and discards for a few seconds what still arrives.

uvicorn has no time-out for request heads either: a reverse proxy limits the time (`client_header_timeout` in nginx).

Source: RFC 9112, sections 3 (431 for a head that is too long) and 9.6 (closing in stages).
"""

import asyncio
import json
from concurrent.futures import Executor
from http import HTTPStatus
from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from service.server import zero_copy
from service.server.tcp import TcpConnection
from service.settings import GatewaySettings

_LINGER_SECONDS = 5.0
_LINGER_BYTES = 64 << 20
_PROBLEM = "application/problem+json"


class GatewayProtocol(HttpToolsProtocol):
    """One connection. Subclasses set `settings` and `executor`, whose threads send files; see `protocol_class`."""

    settings: GatewaySettings
    executor: Executor

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._head_bytes: int | None = 0
        """Bytes received of the request head; None while a body arrives."""
        self._framing_bytes = 0
        """Bytes received since the last byte of a body: chunk extensions and trailers."""
        self._refused = False
        self._discarded_bytes: int | None = None
        """Bytes discarded since this side was closed; None while it is open."""
        self._close_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Prepare the extensions that every request of the connection offers to the application."""
        super().connection_made(transport)
        self._tcp = TcpConnection(transport)
        self._extensions: dict[str, Any] = {}
        if zero_copy.AVAILABLE and self._tcp.is_plain:
            self._extensions[zero_copy.EXTENSION] = {}

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel the timer and wake a response that waits for its client."""
        if self._close_timer is not None:
            self._close_timer.cancel()
        super().connection_lost(exc)
        self._tcp.wake()

    def data_received(self, data: bytes) -> None:
        """Parse bytes of a head or a body; discard them once this side is closed."""
        if self._discarded_bytes is not None:
            self._discarded_bytes += len(data)
            if self._discarded_bytes > _LINGER_BYTES:
                self.transport.abort()
            return
        if self._head_bytes is not None:
            self._head_bytes += len(data)
        else:
            self._framing_bytes += len(data)
        super().data_received(data)
        if max(self._head_bytes or 0, self._framing_bytes) > self.settings.max_request_head_bytes:
            self._refuse_head()

    def on_message_begin(self) -> None:
        """Start to count the bytes of a head."""
        super().on_message_begin()
        self.scope["extensions"] = self._extensions
        if self._head_bytes is None and not self._refused:
            self._head_bytes = 0

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header field; ignore trailers."""
        if self._head_bytes is not None:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Check the size of the head and start the request."""
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        self._head_bytes = None
        self._framing_bytes = 0
        if size > self.settings.max_request_head_bytes:
            self._refuse_head()
            return
        super().on_headers_complete()
        # The request's task starts in the next turn of the event loop and calls what is set here.
        cycle = self.cycle
        cycle.transport = _GracefulTransport(self, cycle)  # type: ignore[assignment]
        sender = zero_copy.ResponseSender(cycle, self._tcp, self.executor, self.settings.reader_idle_seconds)
        cycle.send = sender.send  # type: ignore[method-assign, assignment]

    def on_body(self, body: bytes) -> None:
        """Pass on bytes of a body, unless its request was refused."""
        self._framing_bytes = 0
        if not self._refused:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """End a request, unless it was refused."""
        self._framing_bytes = 0
        if not self._refused:
            super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Respond with a problem to a request that is not HTTP."""
        self._refuse(HTTPStatus.BAD_REQUEST, "malformed-request", msg)

    def linger(self) -> None:
        """Close this side and discard what still arrives; close the connection after a few seconds."""
        if self._discarded_bytes is not None or self.transport.is_closing():
            return
        self._discarded_bytes = 0
        self.flow.resume_reading()
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._close_timer = self.loop.call_later(_LINGER_SECONDS, self.transport.close)

    def _refuse_head(self) -> None:
        self._refuse(
            HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
            "head-too-large",
            "The request line and headers, or a chunked body's extensions and trailers, exceed "
            f"{self.settings.max_request_head_bytes} bytes (ODEM_MAX_REQUEST_HEAD_BYTES).",
        )

    def _refuse(self, status: HTTPStatus, kind: str, detail: str) -> None:
        """Respond with a problem in place of the application, and close the connection."""
        if self._refused or self.transport.is_closing():
            return
        self._refused = True
        if self.cycle is not None and not self.cycle.response_complete:
            # End the previous request: nothing of its response may follow this one.
            self.cycle.disconnected = True
            self.cycle.message_event.set()
            if self.cycle.response_started:
                # The client would take this response for the rest of the previous one.
                self.transport.abort()
                return
        body = json.dumps(
            {"type": f"/problems/{kind}", "title": status.phrase, "status": status.value, "detail": detail}
        ).encode()
        head = (
            f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: {_PROBLEM}\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.linger()


def protocol_class(settings: GatewaySettings, executor: Executor) -> type[GatewayProtocol]:
    """The protocol with these settings, as `uvicorn.Config(http=...)` takes it."""
    return type("GatewayProtocol", (GatewayProtocol,), {"settings": settings, "executor": executor})


class _GracefulTransport:
    """The transport as one request sees it. Closing it while the client still sends a body lingers."""

    def __init__(self, protocol: GatewayProtocol, cycle: RequestResponseCycle) -> None:
        self._protocol = protocol
        self._cycle = cycle
        self._transport = protocol.transport
        self.write = self._transport.write
        self.is_closing = self._transport.is_closing

    def close(self) -> None:
        """Close at once, or linger while the body has not arrived in full."""
        if self._cycle.more_body:
            self._protocol.linger()
        else:
            self._transport.close()
