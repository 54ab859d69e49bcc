"""Size and idle limits of one request body.

FastAPI's own `max_body_size` replaces every response to a request whose Content-Length is too large, problem+json and
refusals of a key included, by a 413 in plain text; so the limit is kept here.
"""

import asyncio

from starlette.requests import Request
from starlette.types import Message

from registry.errors import SenderTooSlow, TooLarge
from service.auth.request_state import RequestState
from service.http.body_refused import BodyRefused
from service.settings import GatewaySettings


class BoundedBody:
    """The ASGI `receive` of one request, with limits.

    A request that announces too much is refused at the first read, so before `100 Continue`.
    Source: RFC 9110, section 10.1.1.
    """

    def __init__(self, request: Request, state: RequestState, settings: GatewaySettings, *, streamed: bool) -> None:
        self._receive = request.receive
        self._state = state
        self._idle = settings.idle_seconds
        self._limit = settings.max_body_bytes if streamed else settings.max_json_bytes
        self._setting = "ODEM_MAX_BODY_BYTES" if streamed else "ODEM_MAX_JSON_BYTES"
        announced = request.headers.get("content-length", "")
        self._announced = int(announced) if announced.isdecimal() else 0
        self._received = 0

    async def receive(self) -> Message:
        """The next message. Raises BodyRefused with TooLarge or SenderTooSlow."""
        if not self._state.body_pending:
            return await self._receive()
        self._check(self._announced)
        try:
            async with asyncio.timeout(self._idle):
                message = await self._receive()
        except TimeoutError as error:
            raise BodyRefused(SenderTooSlow(self._idle)) from error
        self._received += len(message.get("body", b""))
        self._state.body_pending = message.get("more_body", False)
        self._check(self._received)
        return message

    def _check(self, size: int) -> None:
        if size > self._limit:
            raise BodyRefused(TooLarge(f"The request body is larger than {self._limit} bytes ({self._setting})."))
