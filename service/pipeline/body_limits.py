"""Bounds on every body: how large it may be, and how long its sender may say nothing.

They are kept around the application, so that a route cannot forget them. A request whose headers already say too much
is answered before its body is asked for.
"""

import asyncio
from collections.abc import MutableMapping
from typing import Any

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from registry.errors import OdemError, SenderTooSlow, TooLarge
from service.settings import GatewaySettings

_FILES = ("/blobs", "/merge", "/uploads")
"""The routes whose bodies may be files; all others take JSON documents."""


class BodyRefused(HTTPException):
    """A body that passed a bound. An HTTPException, because FastAPI lets only those through where it reads bodies."""

    def __init__(self, error: OdemError) -> None:
        super().__init__(400, str(error))
        self.error = error


class BodyBounds:
    """ASGI middleware. An answer that does not wait for the body's end closes the connection.

    Source: RFC 9110, section 10.1.1 (100-continue: say whether the rest is read), RFC 9112, section 9.6.
    """

    def __init__(self, app: ASGIApp, settings: GatewaySettings) -> None:
        self._app = app
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the application on a bounded body."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = _Body(receive, send, *self._limit(scope["path"]), self._settings.idle_seconds)
        body.expect(Headers(scope=scope))
        if body.complete:
            await self._app(scope, receive, send)
        else:
            await self._app(scope, body.receive, body.send)

    def _limit(self, path: str) -> tuple[int, str]:
        if path.startswith("/uploads/") or path in _FILES:
            return self._settings.max_body_bytes, "ODEM_MAX_BODY_BYTES"
        return self._settings.max_json_bytes, "ODEM_MAX_JSON_BYTES"


class _Body:
    def __init__(self, receive: Receive, send: Send, limit: int, setting: str, idle: float) -> None:
        self._receive = receive
        self._send = send
        self._limit = limit
        self._setting = setting
        self._idle = idle
        self._taken = 0
        self._announced = 0
        self._complete = False

    def expect(self, headers: Headers) -> None:
        """Note what the headers say of the body."""
        length = headers.get("content-length", "")
        self._announced = int(length) if length.isdecimal() else 0
        self._complete = not self._announced and "transfer-encoding" not in headers

    @property
    def complete(self) -> bool:
        """Whether all of the body has come; of a request without one, from the start."""
        return self._complete

    async def receive(self) -> Message:
        """The next piece. Raises BodyRefused."""
        if self._complete:
            return await self._receive()
        self._check(self._announced)
        try:
            async with asyncio.timeout(self._idle):
                message = await self._receive()
        except TimeoutError as error:
            raise BodyRefused(SenderTooSlow(self._idle)) from error
        self._taken += len(message.get("body", b""))
        self._complete = not message.get("more_body", False)
        self._check(self._taken)
        return message

    async def send(self, message: MutableMapping[str, Any]) -> None:
        """Send on, and announce the end of a connection whose body was not read to its end."""
        if message["type"] == "http.response.start" and not self._complete:
            message = {**message, "headers": [*message.get("headers", []), (b"connection", b"close")]}
        await self._send(message)

    def _check(self, size: int) -> None:
        if size > self._limit:
            raise BodyRefused(
                TooLarge(f"The body has more than {self._limit} bytes, the most allowed here ({self._setting}).")
            )
