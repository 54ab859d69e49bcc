"""What routes work with, built once by `create_app`."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Annotated, cast

from fastapi import Depends, Request

from registry.blobs.store import BlobStore, UploadStore
from registry.state.access import RedisAccess
from registry.state.store import EventSource, Reads, StateStore
from service.callers import ANYBODY, Caller
from service.comparison import Comparer
from service.deliveries import Courier
from service.idempotency import Attempt, attempt_of
from service.senders import Senders
from service.settings import GatewaySettings
from service.slots import UploadSlots
from service.visible import VisibleBlobs, VisibleEvents, VisibleReads, VisibleState, VisibleUploads
from service.visits import Visit, visit_of
from service.watchers import Watchers


@dataclass(frozen=True)
class Context:
    """The gateway's stores, as `caller` may see them. `ring(lineage)` tells the workers of work.

    attempt: what the request is an attempt at. cancel_at: when the merge that it makes is to be cancelled.
    watchers: those of all callers; a lineage is looked at through `events` before it is watched.
    """

    settings: GatewaySettings
    state: StateStore
    reads: Reads
    events: EventSource
    blobs: BlobStore
    uploads: UploadStore
    slots: UploadSlots
    senders: Senders
    access: RedisAccess
    ring: Callable[[str], None]
    watchers: Watchers
    courier: Courier
    comparer: Comparer
    caller: Caller = ANYBODY
    attempt: Attempt = field(default_factory=Attempt)
    cancel_at: datetime | None = None

    def seen_by(self, visit: Visit, attempt: Attempt) -> "Context":
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
            state=cast("StateStore", VisibleState(self.state, key, revealed, visit.refuse)),
            reads=VisibleReads(self.reads, key, visit.refuse),
            events=VisibleEvents(self.events, key, visit.refuse),
            blobs=cast("BlobStore", VisibleBlobs(self.blobs, self.access, key, revealed)),
            uploads=cast("UploadStore", VisibleUploads(self.uploads, self.access, key)),
            caller=caller,
            attempt=attempt,
        )


async def _context(request: Request) -> Context:
    # Asynchronous although it waits for nothing: a plain function would be handed over to a thread.
    found = request.app.state.context
    assert isinstance(found, Context)  # noqa: S101  create_app puts it there
    return found.seen_by(visit_of(request.scope), attempt_of(request.scope))


Ctx = Annotated[Context, Depends(_context)]
"""The context of whoever asks, as a route's parameter."""
