"""ASGI middleware: per-request state, X-Request-Id on every response, and the audit log."""

import asyncio
import logging

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from registry.audit import AuditEntry
from registry.base_record import now
from registry.errors import StoreUnavailable
from registry.state.audit import AuditRepository
from service.auth.request_state import RequestState

_SAFE = {"GET", "HEAD", "OPTIONS"}
_REFUSALS = {401, 403, 429}
_REFUSAL_PAUSE = 0.2
_MAX_PENDING = 1000
_log = logging.getLogger(__name__)


class AuditLog:
    """Records every change and every refusal.

    A change is recorded before its response is sent. Refusals, which anyone can cause at will, are recorded a moment
    later in batches; of more than 1000 at once only the number is logged. limit: how many entries the log keeps.
    """

    def __init__(self, entries: AuditRepository, limit: int) -> None:
        self._entries = entries
        self._limit = limit
        self._pending: list[AuditEntry] = []
        self._dropped = 0
        self._writing: asyncio.Task[None] | None = None

    def around(self, app: ASGIApp) -> ASGIApp:
        """The middleware."""

        async def follow(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            state = RequestState.begin(scope)

            async def respond(message: Message) -> None:
                if message["type"] == "http.response.start":
                    message["headers"] = headers = [*message.get("headers", ()), *_headers(state)]
                    await self._record(scope, state, message["status"], headers)
                await send(message)

            try:
                await app(scope, receive, respond)
            except Exception:
                await self._record(scope, state, 500, [])
                raise

        return follow

    async def _record(self, scope: Scope, state: RequestState, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        refused = state.refused or status in _REFUSALS
        if not state.action or (scope["method"] in _SAFE and not refused):
            return
        key = state.caller.key
        entry = AuditEntry(
            time=now(),
            key=key.id if key else None,
            name=key.name if key else None,
            address=(scope.get("client") or ("",))[0],
            action=state.action,
            thing=(Headers(raw=headers).get("location") or scope["path"])[:512],
            status=status,
            request_id=state.request_id,
        )
        if refused:
            self._record_later(entry)
        else:
            await run_in_threadpool(self._write, [entry], refused=False)

    def _record_later(self, entry: AuditEntry) -> None:
        if len(self._pending) >= _MAX_PENDING:
            self._dropped += 1
            return
        self._pending.append(entry)
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_soon())

    async def _write_soon(self) -> None:
        # More entries may arrive during a write.
        while self._pending:
            await asyncio.sleep(_REFUSAL_PAUSE)
            await self.flush()

    async def close(self) -> None:
        """Write pending entries before the gateway stops."""
        await self.flush()

    async def flush(self) -> None:
        """Write pending entries."""
        pending, self._pending = self._pending, []
        if self._dropped:
            _log.warning("%d refusals were not recorded one by one.", self._dropped)
            self._dropped = 0
        if pending:
            await run_in_threadpool(self._write, pending, refused=True)

    def _write(self, entries: list[AuditEntry], *, refused: bool) -> None:
        try:
            self._entries.append(entries, refused=refused, limit=self._limit)
        except StoreUnavailable as error:
            # The change is made, so its response must not fail; these log lines then replace the entries.
            for entry in entries:
                _log.error("Audit entry not stored (%s): %s", error, entry.model_dump_json())


def _headers(state: RequestState) -> list[tuple[bytes, bytes]]:
    """X-Request-Id, the request's own headers, and `Connection: close` when the body is not read to its end.

    Source: RFC 9112, section 9.6.
    """
    headers = {"X-Request-Id": state.request_id} | state.headers
    headers |= {"Connection": "close"} if state.body_pending else {}
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()]
