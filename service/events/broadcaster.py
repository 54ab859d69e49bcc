"""Broadcaster: whoever waits for a lineage's events, served by one reader for all of them.

One task reads the events of every watched lineage, in one blocking command, and hands them on: a watcher costs neither
a thread nor a connection to the state store. A watcher that does not keep up is let go; its client resumes by id.
"""

import asyncio
import contextlib
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from registry.errors import OdemError, Overloaded
from registry.event import Event, Position, Reached
from registry.state.interface import EventSource

_WAIT_MS = 200
"""A lineage that is newly watched is read at the latest after this long; no event is lost meanwhile, only late."""
_PAUSE = 1.0
_MOST_BEHIND = 1000
_log = logging.getLogger(__name__)


class Subscription:
    """One watcher of one lineage. Nothing that happens after it was made escapes it."""

    def __init__(self, lineage: str) -> None:
        self.lineage = lineage
        self._changes: list[Event] = []
        self._progress: Event | None = None
        self._seen: Position | None = None
        self._ready = asyncio.Event()
        self._over = False

    def begin(self, position: Position) -> None:
        """What happened up to this position is known already."""
        self._seen = position

    async def next(self, seconds: float) -> Sequence[Event] | None:
        """The next events; none when `seconds` have passed without one; None when the watch is over."""
        if not self._over:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._ready.wait()
            self._ready.clear()
        events = [event for event in self._changes if self._seen is None or self._seen < event.position]
        if events:
            self._seen = events[-1].position
        if self._progress is not None:
            events.insert(0, self._progress)
        self._changes, self._progress = [], None
        return None if self._over and not events else events

    def put(self, event: Event) -> None:
        """Hand an event on. Of progress only the newest is kept."""
        if event.progress is not None:
            self._progress = event
        elif len(self._changes) < _MOST_BEHIND:
            self._changes.append(event)
        else:
            self._over = True
        self._ready.set()

    def end(self) -> None:
        """Let the watcher go once it has had what is there."""
        self._over = True
        self._ready.set()


class Broadcaster:
    """All watchers of one gateway. Belongs to one event loop.

    limit: how many there may be at once.
    """

    def __init__(self, source: EventSource, limit: int) -> None:
        self._source = source
        self._limit = limit
        self._watches: dict[str, set[Subscription]] = {}
        self._reached: dict[str, Reached] = {}
        self._count = 0
        self._reader: asyncio.Task[None] | None = None
        self._closed = False

    @contextmanager
    def watching(self, lineage: str) -> Iterator[Subscription]:
        """A watch of a lineage as long as the block runs. Raises Overloaded."""
        if self._count >= self._limit:
            raise Overloaded(f"{self._limit} watchers wait for events already (ODEM_MAX_WATCHERS). Try again later.")
        watch = Subscription(lineage)
        self._count += 1
        self._watches.setdefault(lineage, set()).add(watch)
        if self._closed:
            watch.end()
        try:
            yield watch
        finally:
            self._count -= 1
            self._watches[lineage].discard(watch)
            if not self._watches[lineage]:
                del self._watches[lineage]
                self._reached.pop(lineage, None)

    def begin(self, watch: Subscription, position: Position) -> None:
        """Let a watch have what happens after this position."""
        watch.begin(position)
        reached = self._reached.get(watch.lineage)
        # Going back costs others nothing: each watch leaves out what it has seen.
        if reached is None or position < reached.changes:
            self._reached[watch.lineage] = Reached(changes=position, progress=position)
        if self._reader is None or self._reader.done():
            self._reader = asyncio.create_task(self._read(), name="events")

    def end(self) -> None:
        """Let all watchers go: the gateway is about to stop."""
        self._closed = True
        for watches in self._watches.values():
            for watch in watches:
                watch.end()

    async def close(self) -> None:
        """End all, and the reader."""
        self.end()
        if self._reader is not None:
            self._reader.cancel()
            with contextlib.suppress(asyncio.CancelledError, OdemError):
                await self._reader

    async def _read(self) -> None:
        """Read for as long as anybody watches."""
        while self._reached and not self._closed:
            asked = dict(self._reached)
            try:
                found = await self._source.read(asked, _WAIT_MS)
            except OdemError as error:
                _log.warning("Broadcaster wait: %s", error)
                await asyncio.sleep(_PAUSE)
                continue
            for lineage, events in found.items():
                self._hand_on(lineage, asked[lineage], events)

    def _hand_on(self, lineage: str, asked: Reached, events: Sequence[Event]) -> None:
        for event in events:
            for watch in self._watches.get(lineage, ()):
                watch.put(event)
        # A watch that began meanwhile may want what lies before.
        if self._reached.get(lineage) == asked:
            for event in events:
                asked = asked.past(event)
            self._reached[lineage] = asked
