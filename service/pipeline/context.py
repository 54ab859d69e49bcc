"""What routes work with, built once by `create_app`."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Annotated, cast

from fastapi import Depends, Request

from registry.blobs.store import BlobStore, UploadStore
from registry.state.interface import AsyncQueries, EventSource, StateStore
from registry.state.state_store import RedisApiKeys
from service.auth.api_keys import ANYBODY, Caller
from service.auth.request_state import RequestState, request_state
from service.auth.scoped_stores import ScopedBlobs, ScopedEvents, ScopedQueries, ScopedState, ScopedUploads
from service.events.broadcaster import Broadcaster
from service.models.tensor_diff import TensorDiffer
from service.pipeline.idempotency import Attempt, attempt_of
from service.settings import GatewaySettings
from service.uploads.concurrency import UploadLimit
from service.uploads.writer_lock import WriterLocks
from service.webhooks.dispatcher import WebhookDispatcher


@dataclass(frozen=True)
class Context:
    """The gateway's stores, as `caller` may see them. `ring(lineage)` tells the workers of work.

    attempt: what the request is an attempt at. cancel_at: when the merge that it makes is to be cancelled.
    watchers: those of all callers; a lineage is looked at through `events` before it is watched.
    """

    settings: GatewaySettings
    state: StateStore
    reads: AsyncQueries
    events: EventSource
    blobs: BlobStore
    uploads: UploadStore
    slots: UploadLimit
    senders: WriterLocks
    access: RedisApiKeys
    ring: Callable[[str], None]
    watchers: Broadcaster
    courier: WebhookDispatcher
    comparer: TensorDiffer
    caller: Caller = ANYBODY
    attempt: Attempt = field(default_factory=Attempt)
    cancel_at: datetime | None = None

    def seen_by(self, visit: RequestState, attempt: Attempt) -> "Context":
        """The stores as a visit's caller may see them; made anew for each request."""
        caller = visit.caller
        assert caller is not None  # noqa: S101  every route has a guard
        key = caller.key
        if key is None or key.lineages is None:
            return replace(self, caller=caller, attempt=attempt)
        revealed: set[str] = set()
        return replace(
            self,
            # The views have what routes ask for and no more: anything else must fail.
            state=cast("StateStore", ScopedState(self.state, key, revealed, visit.refuse)),
            reads=ScopedQueries(self.reads, key, visit.refuse),
            events=ScopedEvents(self.events, key, visit.refuse),
            blobs=cast("BlobStore", ScopedBlobs(self.blobs, self.access, key, revealed)),
            uploads=cast("UploadStore", ScopedUploads(self.uploads, self.access, key)),
            caller=caller,
            attempt=attempt,
        )


async def _context(request: Request) -> Context:
    # Asynchronous although it waits for nothing: a plain function would be handed over to a thread.
    found = request.app.state.context
    assert isinstance(found, Context)  # noqa: S101  create_app puts it there
    return found.seen_by(request_state(request.scope), attempt_of(request.scope))


Ctx = Annotated[Context, Depends(_context)]
"""The context of whoever asks, as a route's parameter."""
