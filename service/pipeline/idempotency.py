"""Idempotency-Key: a POST that is sent again makes nothing again; it gets the first answer.

One mechanism for all routes that create. What is made is named after the intent's seed, which outlives a gateway that
dies between making a thing and keeping its answer; so the next attempt finds the thing made. Only answers of success
are kept: whatever is refused has made nothing, and may be mended and sent again under the same key.
Source: draft-ietf-httpapi-idempotency-key-header-07.
"""

import asyncio
import contextlib
import copy
import hashlib
import json
import logging
import secrets
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from registry.errors import IdempotencyKeyBusy, IdempotencyKeyReused, InvalidRecord, OdemError
from registry.idempotency_key import IdempotencyRecord, StoredResponse
from registry.state.interface import IdempotencyStore
from service.auth.request_state import request_state
from service.http.problems import PROBLEM_MEDIA_TYPE, PROBLEM_TYPES

_LONGEST_KEY = 255
_ATTEMPT = "odem.attempt"
_STREAMED = frozenset({"/merge", "/blobs", "/uploads"})
"""Routes whose bodies are not read at once; they settle by themselves what the attempt is about."""
_SELF_EVIDENT = frozenset({"/uploads/{upload_id}"})
"""POST in place of PATCH and DELETE, which are idempotent by themselves."""
_PARAMETER = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "The same key again makes nothing again: it gets the first answer. Take a new one for each request.",
    "schema": {"type": "string", "minLength": 1, "maxLength": _LONGEST_KEY},
}
_REPLAYED = {"description": "`true`: the answer to an earlier request.", "schema": {"type": "string"}}
_WAIT = "Of idempotency-key-busy: seconds after which an attempt that was broken off is given up."
_KEPT_HEADERS = ("content-type", "location")
_log = logging.getLogger(__name__)


class Answered(Exception):
    """The intent is done: this is its answer."""

    def __init__(self, answer: StoredResponse) -> None:
        self.answer = answer


class Attempt:
    """One request's attempt at an intent; without a key, one that nobody will repeat."""

    repeatable = False

    @cached_property
    def seed(self) -> str:
        """What is made is named after it; 24 hexadecimal digits."""
        return secrets.token_hex(12)

    @property
    def answered(self) -> bool:
        """Whether it is the repetition of a request that has been answered."""
        return False

    async def foresee(self, **known: str | None) -> None:
        """Say what is known so far of what the attempt is about: the answer may be clear before the rest has come."""

    async def settle(self, **asked: str | None) -> None:
        """Say all that the attempt is about, before anything is made."""


class _KeyedAttempt(Attempt):
    """An attempt under an Idempotency-Key. Raises Answered, IdempotencyKeyReused, IdempotencyKeyBusy."""

    repeatable = True

    def __init__(self, store: IdempotencyStore, owner: str, key: str, intent: IdempotencyRecord, token: str) -> None:
        self.seed = intent.seed
        self.settled = False
        self.intent = intent
        self._store = store
        self._owner = owner
        self._key = key
        self._token = token
        self._known: dict[str, str] = {}

    @property
    def answered(self) -> bool:
        return self.intent.response is not None

    async def foresee(self, **known: str | None) -> None:
        self._known |= {name: value for name, value in known.items() if value is not None}
        if self.intent.contradicts(self._known):
            raise IdempotencyKeyReused
        if self.intent.response is not None and self.intent.repeats(self._known):
            raise Answered(self.intent.response)

    async def settle(self, **asked: str | None) -> None:
        await self.foresee(**asked)
        if self.intent.response is not None:
            raise IdempotencyKeyReused
        await self._store.bind_fingerprint(self._owner, self._key, self._token, self._known)
        self.settled = True

    async def end(self, answer: StoredResponse | None) -> None:
        """Keep the answer of success; free the key after any other (None: whether something was made is not known)."""
        if self.intent.response is not None:
            return
        if answer is not None and 200 <= answer.status < 300:
            assert self.settled, "a route has not said what it is about"  # noqa: S101
            await self._store.finish(self._owner, self._key, self._token, answer)
        else:
            refused = answer is not None and 400 <= answer.status < 500
            await self._store.give_up(self._owner, self._key, self._token, made_nothing=refused)

    @asynccontextmanager
    async def kept_alive(self) -> AsyncIterator[None]:
        """Say, as long as the block runs, that the attempt is under way."""

        async def renew() -> None:
            while True:
                await asyncio.sleep(self._store.lease / 3)
                try:
                    if not await self._store.renew(self._owner, self._key, self._token):
                        return
                except OdemError as error:
                    _log.warning("An attempt was not renewed: %s", error)

        task = asyncio.create_task(renew())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


def attempt_of(scope: Scope) -> Attempt:
    """The attempt that a request is."""
    found: Attempt | None = scope.get(_ATTEMPT)
    return found or Attempt()


def digest_of(document: bytes) -> str:
    """What a JSON document says, whatever the order of its fields; of anything else its bytes."""
    try:
        text = json.dumps(json.loads(document), sort_keys=True).encode()
    except (ValueError, RecursionError):
        text = document
    return hashlib.sha256(text).hexdigest()


def install(app: FastAPI) -> None:
    """Answer again what was answered before."""
    app.add_exception_handler(Answered, _answer_again)


async def _answer_again(_: Request, error: Exception) -> Response:
    assert isinstance(error, Answered)  # noqa: S101  registered for this class only
    answer = error.answer
    return Response(answer.body, answer.status, answer.headers | {"Idempotent-Replayed": "true"})


def repeatable(routes: Iterable[BaseRoute], store: IdempotencyStore) -> Iterator[BaseRoute]:
    """The same routes; those that create take an Idempotency-Key."""
    for route in routes:
        assert isinstance(route, APIRoute)  # noqa: S101  routers have no other routes
        if takes_key(route.methods or (), route.path):
            route = copy.copy(route)  # noqa: PLW2901
            route.app = _Repeatable(route.app, store, streamed=route.path in _STREAMED)
        yield route


def declare(document: dict[str, Any]) -> None:
    """Say in an OpenAPI document which operations take an Idempotency-Key, and what it adds to their answers."""
    for path, operations in document["paths"].items():
        operation = operations.get("post")
        if operation is None or not takes_key(["POST"], path):
            continue
        operation.setdefault("parameters", []).append(_PARAMETER)
        for status, response in operation["responses"].items():
            if status.startswith("2"):
                response.setdefault("headers", {})["Idempotent-Replayed"] = _REPLAYED
        for error in (IdempotencyKeyBusy, IdempotencyKeyReused):
            _declare_problem(operation["responses"], *PROBLEM_TYPES[error])


def _declare_problem(responses: dict[str, Any], status: int, kind: str, title: str) -> None:
    schema = {"$ref": "#/components/schemas/Problem"}
    new = {"description": "", "content": {PROBLEM_MEDIA_TYPE: {"schema": schema, "examples": {}}}}
    response = responses.setdefault(str(status), new)
    response["description"] = "; ".join(filter(None, [response["description"].removesuffix("."), f"{title}."]))
    response["content"][PROBLEM_MEDIA_TYPE]["examples"][kind] = {"$ref": f"#/components/examples/{kind}"}
    if status == 409:
        response["headers"] = {"Retry-After": {"description": _WAIT, "schema": {"type": "integer"}}}


def takes_key(methods: Iterable[str], path: str) -> bool:
    """Whether a route takes an Idempotency-Key."""
    return "POST" in methods and path not in _SELF_EVIDENT


@dataclass(frozen=True)
class _Repeatable:
    """Stands before a route, behind its guard."""

    app: ASGIApp
    store: IdempotencyStore
    streamed: bool

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        given = request.headers.getlist("idempotency-key")
        if not given:
            await self.app(scope, receive, send)
            return
        caller = request_state(scope).caller
        owner, key, token = caller.identity if caller else "", _read_key(given), secrets.token_hex(8)
        target = f"POST {scope['path']}?{scope['query_string'].decode('latin-1')}"
        intent = await self.store.begin(owner, key, token, target)
        attempt = scope[_ATTEMPT] = _KeyedAttempt(self.store, owner, key, intent, token)
        answer: StoredResponse | None = None
        sender = _Sender()
        try:
            async with attempt.kept_alive():
                if not self.streamed:
                    body = await request.body()
                    await attempt.settle(body=digest_of(body))
                    receive = _once(body, receive)
                await self.app(scope, receive, sender)
            answer = sender.answer
        except OdemError:
            answer = StoredResponse(status=400, body="")  # refused before the route: nothing was made
            raise
        except Answered as found:
            await (await _answer_again(request, found))(scope, receive, send)
            return
        finally:
            await attempt.end(answer)
        for message in sender.messages:
            await send(message)


class _Sender:
    """Keeps what a route answers until its answer is stored. Answers of these routes are small."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    async def __call__(self, message: Message) -> None:
        self.messages.append(message)

    @property
    def answer(self) -> StoredResponse:
        """What was answered."""
        start, *rest = self.messages
        found = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in start["headers"]]
        body = b"".join(message.get("body", b"") for message in rest)
        headers = {name: value for name, value in found if name in _KEPT_HEADERS or name.startswith("upload-")}
        return StoredResponse(status=start["status"], headers=headers, body=body.decode())


def _once(body: bytes, receive: Receive) -> Receive:
    """The body that has been read, then whatever else comes."""
    waiting = [{"type": "http.request", "body": body, "more_body": False}]

    async def take() -> Message:
        return waiting.pop() if waiting else await receive()

    return take


def _read_key(given: list[str]) -> str:
    """The key, with or without the quotes that the draft asks for."""
    key = given[0].strip()
    if key.startswith('"') and key.endswith('"') and len(key) > 1:
        key = key[1:-1]
    if len(given) > 1 or not 0 < len(key) <= _LONGEST_KEY or not (key.isascii() and key.isprintable()):
        raise InvalidRecord(f"Idempotency-Key must be one line of 1 to {_LONGEST_KEY} printable ASCII characters.")
    return key
