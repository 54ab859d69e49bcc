"""Event broadcaster: one reader of the state store serves every subscriber of a gateway.

One task reads the events of all subscribed lineages in one blocking command and distributes them, so a subscriber costs
neither a thread nor a connection to the state store. A subscriber that does not keep up is disconnected; its client
resumes by event id.
"""

import asyncio
import contextlib
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from registry.errors import OdemError
from registry.event import Event, Position, Reached
from registry.state.interface import EventSource
from service.auth.api_keys import Caller
from service.auth.shares import SharedLimit

_BLOCK_MS = 200
"""The longest delay until the events of a newly subscribed lineage are read. None is lost meanwhile."""
_RETRY_SECONDS = 1.0
_MAX_PENDING = 1000
_log = logging.getLogger(__name__)


class Subscription:
    """A subscriber of one lineage. It receives every event after its creation."""

    def __init__(self, lineage: str) -> None:
        self.lineage = lineage
        self._pending: list[Event] = []
        self._progress: Event | None = None
        self._seen: Position | None = None
        self._ready = asyncio.Event()
        self._ended = False

    def skip_to(self, position: Position) -> None:
        """Skip events up to this position."""
        self._seen = position

    async def next(self, seconds: float) -> Sequence[Event] | None:
        """The next events; an empty sequence after `seconds` without one; None when the subscription has ended."""
        if not self._ended:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._ready.wait()
            self._ready.clear()
        events = [event for event in self._pending if self._seen is None or self._seen < event.position]
        if events:
            self._seen = events[-1].position
        if self._progress is not None:
            events.insert(0, self._progress)
        self._pending, self._progress = [], None
        return None if self._ended and not events else events

    def put(self, event: Event) -> None:
        """Add an event. Of progress events only the newest is kept; too many pending events end the subscription."""
        if event.progress is not None:
            self._progress = event
        elif len(self._pending) < _MAX_PENDING:
            self._pending.append(event)
        else:
            self._ended = True
        self._ready.set()

    def end(self) -> None:
        """End the subscription after its pending events."""
        self._ended = True
        self._ready.set()


class Broadcaster:
    """All subscriptions of one gateway, for one event loop.

    limit: of concurrent subscriptions, for all keys and for one.
    """

    def __init__(self, source: EventSource, limit: SharedLimit) -> None:
        self._source = source
        self._limit = limit
        self._subscriptions: dict[str, set[Subscription]] = {}
        self._reached: dict[str, Reached] = {}
        self._reader: asyncio.Task[None] | None = None
        self._closed = False

    @contextmanager
    def subscribe(self, lineage: str, caller: Caller) -> Iterator[Subscription]:
        """Subscribe to a lineage while the block runs. Raises Overloaded."""
        with self._limit.hold(caller):
            subscription = Subscription(lineage)
            self._subscriptions.setdefault(lineage, set()).add(subscription)
            if self._closed:
                subscription.end()
            try:
                yield subscription
            finally:
                self._subscriptions[lineage].discard(subscription)
                if not self._subscriptions[lineage]:
                    del self._subscriptions[lineage]
                    self._reached.pop(lineage, None)

    def start(self, subscription: Subscription, position: Position) -> None:
        """Start to deliver the events after this position."""
        subscription.skip_to(position)
        reached = self._reached.get(subscription.lineage)
        # Reading events again does not affect other subscriptions: each skips what it has seen.
        if reached is None or position < reached.changes:
            self._reached[subscription.lineage] = Reached(changes=position, progress=position)
        if self._reader is None or self._reader.done():
            self._reader = asyncio.create_task(self._read(), name="events")

    def end(self) -> None:
        """End all subscriptions, before the gateway stops."""
        self._closed = True
        for subscriptions in self._subscriptions.values():
            for subscription in subscriptions:
                subscription.end()

    async def close(self) -> None:
        """End all subscriptions and stop the reader."""
        self.end()
        if self._reader is not None:
            self._reader.cancel()
            with contextlib.suppress(asyncio.CancelledError, OdemError):
                await self._reader

    async def _read(self) -> None:
        """Read events while there are subscriptions."""
        while self._reached and not self._closed:
            requested = dict(self._reached)
            try:
                events_by_lineage = await self._source.read(requested, _BLOCK_MS)
            except OdemError as error:
                _log.warning("Event streams paused: %s", error)
                await asyncio.sleep(_RETRY_SECONDS)
                continue
            for lineage, events in events_by_lineage.items():
                self._distribute(lineage, requested[lineage], events)

    def _distribute(self, lineage: str, requested: Reached, events: Sequence[Event]) -> None:
        for event in events:
            for subscription in self._subscriptions.get(lineage, ()):
                subscription.put(event)
        # A subscription that began meanwhile may need earlier events.
        if self._reached.get(lineage) == requested:
            for event in events:
                requested = requested.past(event)
            self._reached[lineage] = requested
