"""One HTTP connection: uvicorn's, with bounds on the head of a request and a gentle end.

uvicorn takes heads of any size for any time. And when it closes a connection on which a client is still sending, the
kernel answers the client's next bytes with a reset, at which many systems forget the answer that they have received.
So a refusal closes our side only, and for a moment what still comes is thrown away.

Source: RFC 9112, sections 3 (431 for a head that is too long) and 9.6 (closing in stages).
"""

import asyncio
import json
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial
from http import HTTPStatus
from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from service.server import zero_copy as sending
from service.server.tcp import EXTENSION as WIRE
from service.server.tcp import TcpConnection
from service.settings import GatewaySettings

_LINGER_SECONDS = 5.0
_LINGER_BYTES = 64 << 20
_SENDING_THREADS = 8
_PROBLEM = "application/problem+json"


class BoundedConnection(HttpToolsProtocol):
    """A connection whose request heads are bounded in size and time; see the module."""

    settings: GatewaySettings
    threads: Executor

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.app = partial(sending.answering, self.app, self.threads, self.settings.reader_idle_seconds)
        self._head: int | None = 0
        self._framing = 0
        self._refusal: tuple[int, str, str] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._lingering: int | None = None

    @classmethod
    def of(cls, settings: GatewaySettings) -> type["BoundedConnection"]:
        """The class with these settings, as uvicorn wants it."""
        threads = ThreadPoolExecutor(_SENDING_THREADS, "sending")
        return type(cls.__name__, (cls,), {"settings": settings, "threads": threads})

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Expect a head."""
        super().connection_made(transport)
        self._wire = TcpConnection(transport)
        self._extensions: dict[str, Any] = {WIRE: self._wire}
        if sending.AVAILABLE and self._wire.is_plain:
            self._extensions[sending.EXTENSION] = {}
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timer, and wake who waits for a reader."""
        self._stop_timer()
        super().connection_lost(exc)
        self._wire.wake()

    def data_received(self, data: bytes) -> None:
        """Bytes of a head, of a body, or such as nobody waits for any more."""
        if self._lingering is not None:
            self._lingering += len(data)
            if self._lingering > _LINGER_BYTES:
                self.transport.abort()
            return
        if self._head is not None:
            self._head += len(data)
        else:
            self._framing += len(data)
        super().data_received(data)
        if max(self._head or 0, self._framing) > self.settings.max_request_head_bytes:
            self._refuse_head()

    def on_message_begin(self) -> None:
        """A head begins."""
        super().on_message_begin()
        self.scope["extensions"] = self._extensions
        if self._head is None and self._refusal is None:
            self._expect_head()

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header; trailers are not wanted."""
        if self._head is not None:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is there."""
        self._stop_timer()
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        self._head = None
        self._framing = 0
        if size > self.settings.max_request_head_bytes:
            self._refuse_head()
            return
        super().on_headers_complete()
        if self.cycle is not None:
            self.cycle.transport = _GentleTransport(self, self.cycle)  # type: ignore[assignment]

    def on_body(self, body: bytes) -> None:
        """Bytes of a body; of a request that was refused they are thrown away."""
        self._framing = 0
        if self._refusal is None:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """A request's end."""
        self._framing = 0
        if self._refusal is None:
            super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """A request that is no HTTP, as a problem."""
        if self._refusal is None:
            self._answer(HTTPStatus.BAD_REQUEST, "malformed-request", msg)

    def linger(self) -> None:
        """Close our side; throw away for a moment what still comes."""
        if self._lingering is not None or self.transport.is_closing():
            return
        self._lingering = 0
        self.flow.resume_reading()
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._timer = self.loop.call_later(_LINGER_SECONDS, self.transport.close)

    def _expect_head(self) -> None:
        self._head = 0
        self._stop_timer()
        self._timer = self.loop.call_later(self.settings.idle_seconds, self._give_up)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _give_up(self) -> None:
        if self._head:
            seconds = self.settings.idle_seconds
            self._answer(
                HTTPStatus.REQUEST_TIMEOUT,
                "sender-too-slow",
                f"The request's head did not come within {seconds:g} s (ODEM_IDLE_SECONDS).",
            )
        elif not self.transport.is_closing():
            self.transport.close()

    def _refuse_head(self) -> None:
        most = self.settings.max_request_head_bytes
        self._answer(
            HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
            "head-too-large",
            "The request line and headers, or a chunked body's extensions and trailers, have more than "
            f"{most} bytes (ODEM_MAX_REQUEST_HEAD_BYTES).",
        )

    def _answer(self, status: HTTPStatus, kind: str, detail: str) -> None:
        """Answer where there is no request yet that the application could answer, and close."""
        if self._refusal is not None or self.transport.is_closing():
            return
        self._refusal = (status.value, kind, detail)
        if self.cycle is not None and not self.cycle.response_complete:
            # The request before this one is over, too: nothing of it is written after this answer.
            self.cycle.disconnected = True
            self.cycle.message_event.set()
            if self.cycle.response_started:
                # What the client would take for the rest of that answer must not be this one.
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


class _GentleTransport:
    """A request's way to write. Closing it while the client still sends is lingering."""

    def __init__(self, connection: BoundedConnection, cycle: Any) -> None:
        self._connection = connection
        self._cycle = cycle
        self._transport = connection.transport
        self.write = self._transport.write
        self.is_closing = self._transport.is_closing

    def close(self) -> None:
        """Close, at once or gently."""
        if self._cycle.more_body:
            self._connection.linger()
        else:
            self._transport.close()
