"""One request from its coming to its answer: its id, who asks, and what the audit log is told."""

import asyncio
import logging
import re
import secrets
from contextvars import ContextVar
from dataclasses import dataclass, field

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from registry.audit import AuditEntry
from registry.base_record import now
from registry.errors import StoreUnavailable
from registry.state.state_store import RedisApiKeys
from service.auth.api_keys import Caller

_VISIT = "odem.visit"
_WELL_FORMED = re.compile(rb"[A-Za-z0-9._-]{1,128}")
_SAFE = {"GET", "HEAD", "OPTIONS"}
_REFUSALS = {401, 403, 429}
_REFUSAL_PAUSE = 0.2
_MOST_WAITING = 1000
_log = logging.getLogger(__name__)
_request_id: ContextVar[str] = ContextVar("request_id", default="-")


@dataclass
class RequestState:
    """What is known of one request.

    action: the route's operation id; "" until a route was found. refused: whether something was kept from its key.
    """

    request_id: str
    caller: Caller | None = None
    action: str = ""
    refused: bool = False
    headers: dict[str, str] = field(default_factory=dict)

    def refuse(self) -> None:
        """Note that something is kept from this key."""
        self.refused = True


def request_state(scope: Scope) -> RequestState:
    """The visit of a request."""
    visit: RequestState = scope[_VISIT]
    return visit


def current_request_id() -> str | None:
    """The id of the request that this task or thread works for."""
    found = _request_id.get()
    return None if found == "-" else found


class RequestIdFilter(logging.Filter):
    """Gives log records the `request_id` of their request, "-" for none; `about` is the same as the end of a line."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep every record."""
        found = _request_id.get()
        record.request_id = found
        record.about = "" if found == "-" else f" {found}"
        return True


class AuditLog:
    """Puts X-Request-Id on every answer and tells the audit log of every change and every refusal.

    A change is in the log before its answer is sent. Refusals, which strangers can cause at will, are written a moment
    later, many at once; of more than 1000 in a moment only the number is logged.
    """

    def __init__(self, access: RedisApiKeys, most: int) -> None:
        self._access = access
        self._most = most
        self._waiting: list[AuditEntry] = []
        self._left_out = 0
        self._writing: asyncio.Task[None] | None = None

    def around(self, app: ASGIApp) -> ASGIApp:
        """The app behind this."""

        async def follow(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            visit = RequestState(_id_of(scope))
            scope[_VISIT] = visit
            _request_id.set(visit.request_id)

            async def answer(message: Message) -> None:
                if message["type"] == "http.response.start":
                    told = {"X-Request-Id": visit.request_id} | visit.headers
                    more = [(name.lower().encode(), value.encode()) for name, value in told.items()]
                    message["headers"] = [*message.get("headers", ()), *more]
                    await self._note(scope, visit, message["status"], message["headers"])
                await send(message)

            try:
                await app(scope, receive, answer)
            except Exception:
                await self._note(scope, visit, 500, [])
                raise

        return follow

    async def _note(self, scope: Scope, visit: RequestState, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        refused = visit.refused or status in _REFUSALS
        if not visit.action or (scope["method"] in _SAFE and not refused):
            return
        key = visit.caller.key if visit.caller else None
        entry = AuditEntry(
            time=now(),
            key=key.id if key else None,
            name=key.name if key else None,
            address=(scope.get("client") or ("",))[0],
            action=visit.action,
            thing=(Headers(raw=headers).get("location") or scope["path"])[:512],
            status=status,
            request_id=visit.request_id,
        )
        if refused:
            self._note_later(entry)
        else:
            await run_in_threadpool(self._write, [entry], refused=False)

    def _note_later(self, entry: AuditEntry) -> None:
        if len(self._waiting) >= _MOST_WAITING:
            self._left_out += 1
            return
        self._waiting.append(entry)
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_soon())

    async def _write_soon(self) -> None:
        # More may have come while some were written.
        while self._waiting:
            await asyncio.sleep(_REFUSAL_PAUSE)
            await self.finish()

    async def finish(self) -> None:
        """Write what waits."""
        waiting, self._waiting = self._waiting, []
        if self._left_out:
            _log.warning("%d refusals were too many to be logged one by one.", self._left_out)
            self._left_out = 0
        if waiting:
            await run_in_threadpool(self._write, waiting, refused=True)

    def _write(self, entries: list[AuditEntry], *, refused: bool) -> None:
        try:
            self._access.note(entries, refused=refused, most=self._most)
        except StoreUnavailable as error:
            # What was done is done, so its answer must not fail for this; these lines are then all there is.
            for entry in entries:
                _log.error("Not in the audit log (%s): %s", error, entry.model_dump_json())


def _id_of(scope: Scope) -> str:
    """The client's X-Request-Id if it is well formed, else a new one."""
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _WELL_FORMED.fullmatch(value):
            return str(value.decode())
    return f"req_{secrets.token_hex(12)}"
