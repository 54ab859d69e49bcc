"""Idempotency-Key: a repeated POST creates nothing again; it receives the first response.

Routes opt in with `@idempotent`. What a request creates is named after its record's seed, which survives a gateway that
dies between creating a thing and storing its response; the next attempt then finds the thing. Only successful responses
are stored: a refused request has created nothing and may be corrected and sent again under the same key.
Source: draft-ietf-httpapi-idempotency-key-header-07.
"""

import asyncio
import contextlib
import hashlib
import json
import logging
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import cached_property

from fastapi import Request, Response
from starlette.types import Scope

from registry.errors import IdempotencyKeyReused, InvalidRecord, OdemError
from registry.idempotency_key import IdempotencyRecord, StoredResponse
from registry.state.interface import IdempotencyStore
from service.auth.api_keys import Caller
from service.pipeline.error_handlers import status_of

MAX_KEY_LENGTH = 255
_ATTEMPT = "odem.attempt"
_STORED_HEADERS = ("content-type", "location")
_log = logging.getLogger(__name__)
Handler = Callable[[Request], Awaitable[Response]]


class ReplayResponse(Exception):
    """The request repeats one that succeeded: this is its response."""

    def __init__(self, response: StoredResponse) -> None:
        self.response = response


class Attempt:
    """One request; without an Idempotency-Key it is never repeated."""

    @cached_property
    def seed(self) -> str:
        """24 hexadecimal digits; what the request creates is named after them."""
        return secrets.token_hex(12)

    @property
    def has_response(self) -> bool:
        """Whether the request repeats one that succeeded."""
        return False

    async def check_fingerprint(self, **known: str | None) -> None:
        """Compare what is known of the request so far: the outcome may be clear before the rest of it arrives."""

    async def bind_fingerprint(self, **known: str | None) -> None:
        """Store what identifies the request, before it creates anything."""


class KeyedAttempt(Attempt):
    """A request with an Idempotency-Key. Raises ReplayResponse, IdempotencyKeyReused, IdempotencyKeyBusy."""

    def __init__(self, store: IdempotencyStore, owner: str, key: str, record: IdempotencyRecord, token: str) -> None:
        self.seed = record.seed
        self._record = record
        self._store = store
        self._identity = (owner, key, token)
        self._known: dict[str, str] = {}
        self._bound = False

    @property
    def has_response(self) -> bool:
        """Whether the request repeats one that succeeded."""
        return self._record.response is not None

    async def check_fingerprint(self, **known: str | None) -> None:
        """Compare what is known of the request so far."""
        self._known |= {name: value for name, value in known.items() if value is not None}
        if self._record.contradicts(self._known):
            raise IdempotencyKeyReused
        if self._record.response is not None and self._record.repeats(self._known):
            raise ReplayResponse(self._record.response)

    async def bind_fingerprint(self, **known: str | None) -> None:
        """Store what identifies the request."""
        await self.check_fingerprint(**known)
        if self._record.response is not None:
            raise IdempotencyKeyReused
        await self._store.bind_fingerprint(*self._identity, self._known)
        self._bound = True

    async def finish(self, response: Response) -> None:
        """Store a successful response."""
        assert self._bound, "the endpoint has not called bind_fingerprint"  # noqa: S101
        headers = {
            name: value
            for name, value in response.headers.items()
            if name in _STORED_HEADERS or name.startswith("upload-")
        }
        stored = StoredResponse(status=response.status_code, headers=headers, body=bytes(response.body).decode())
        await self._store.finish(*self._identity, stored)

    async def give_up(self, status: int | None) -> None:
        """Free the key after an error. status: of its response; below 500 it says that nothing was created."""
        if not self.has_response:
            await self._store.give_up(*self._identity, made_nothing=status is not None and status < 500)

    @asynccontextmanager
    async def kept_alive(self) -> AsyncIterator[None]:
        """Renew the attempt's lease while the block runs."""

        async def renew() -> None:
            while True:
                await asyncio.sleep(self._store.lease / 3)
                try:
                    if not await self._store.renew(*self._identity):
                        return
                except OdemError as error:
                    _log.warning("The lease of an Idempotency-Key was not renewed: %s", error)

        task = asyncio.create_task(renew())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


def attempt_of(scope: Scope) -> Attempt:
    """The attempt that a request is."""
    attempt: Attempt | None = scope.get(_ATTEMPT)
    return attempt or Attempt()


def digest_of(document: bytes) -> str:
    """The sha256 of a JSON document, whatever the order of its fields; of anything else, of its bytes."""
    try:
        text = json.dumps(json.loads(document), sort_keys=True).encode()
    except (ValueError, RecursionError):
        text = document
    return hashlib.sha256(text).hexdigest()


async def respond_once(
    store: IdempotencyStore, request: Request, caller: Caller, handle: Handler, *, streamed: bool
) -> Response:
    """Run a handler under the request's Idempotency-Key, or replay the first response. Without a key, just run it."""
    given = request.headers.getlist("idempotency-key")
    if not given:
        return await handle(request)
    owner, key, token = caller.identity, _read_key(given), secrets.token_hex(8)
    target = f"POST {request.scope['path']}?{request.scope['query_string'].decode('latin-1')}"
    record = await store.begin(owner, key, token, target)
    attempt = request.scope[_ATTEMPT] = KeyedAttempt(store, owner, key, record, token)
    status: int | None = None
    try:
        async with attempt.kept_alive():
            if not streamed:
                await attempt.bind_fingerprint(body=digest_of(await request.body()))
            response = await handle(request)
        status = response.status_code
        if status < 300:
            await attempt.finish(response)
    except ReplayResponse as replay:
        first = replay.response
        response = Response(first.body, first.status, first.headers | {"Idempotent-Replayed": "true"})
    except Exception as error:
        status = status_of(error)
        raise
    finally:
        if status is None or status >= 300:
            await attempt.give_up(status)
    return response


def _read_key(given: list[str]) -> str:
    """The key, with or without the quotes that the draft asks for."""
    key = given[0].strip()
    if key.startswith('"') and key.endswith('"') and len(key) > 1:
        key = key[1:-1]
    if len(given) > 1 or not 0 < len(key) <= MAX_KEY_LENGTH or not (key.isascii() and key.isprintable()):
        raise InvalidRecord(f"Idempotency-Key must be one line of 1 to {MAX_KEY_LENGTH} printable ASCII characters.")
    return key
