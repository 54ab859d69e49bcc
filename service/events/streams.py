"""Server-sent events of a merge and of a lineage.

Source: the HTML standard, section 9.2 (server-sent events).
"""

import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack

from fastapi.responses import StreamingResponse
from fastapi.sse import format_sse_event
from starlette.types import Receive, Scope, Send

from registry.event import Event, Position, Present
from registry.merge import Merge
from service.events.broadcaster import Subscription
from service.events.schemas import GapEvent, PresentEvent, ProgressEvent, StateEvent, VersionEvent
from service.events.waiting import EventFeed

_RETRY_MS = 1000
_MAX_MERGES = 100


class EventStream(StreamingResponse):
    """Streaming response of server-sent events. `cleanup` is closed when it ends, for whatever reason."""

    def __init__(self, frames: AsyncIterator[bytes], cleanup: ExitStack) -> None:
        # X-Accel-Buffering asks proxies not to buffer events.
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        super().__init__(frames, media_type="text/event-stream", headers=headers)
        self._cleanup = cleanup

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send events until the stream ends or the client disconnects."""
        with self._cleanup:
            await super().__call__(scope, receive, send)


async def merge_events(feed: EventFeed, merge_id: str, last_id: str | None) -> EventStream | None:
    """A merge's present state, then its events up to the terminal state. None if no event follows `last_id`.

    Raises MergeNotFound, InvalidRecord, Overloaded.
    """
    last = Position.parse(last_id) if last_id else None
    merge = await feed.queries.merge(merge_id)
    with ExitStack() as cleanup:
        subscription = cleanup.enter_context(feed.broadcaster.subscribe(merge.lineage, feed.caller))
        merge, present = await feed.events.present_merge(merge_id)
        frames = [format_sse_event(retry=_RETRY_MS)]
        if last is None or not present.reaches(last):
            if last is not None:
                frames.append(_frame(GapEvent(lineage=merge.lineage)))
            frames.extend(_merge_now(merge, present))
        else:
            missed = [event async for event in _since(feed, merge.lineage, last, present) if event.merge == merge_id]
            if merge.state.terminal and not missed:
                return None
            frames.extend(frame for event in missed for frame in _frames(event))
        return EventStream(_frames_from(feed, subscription, present, frames, merge), cleanup.pop_all())


async def lineage_events(feed: EventFeed, lineage: str, last_id: str | None) -> EventStream:
    """A lineage's present state, then its events, without an end.

    Raises LineageNotFound, InvalidRecord, Overloaded.
    """
    last = Position.parse(last_id) if last_id else None
    with ExitStack() as cleanup:
        subscription = cleanup.enter_context(feed.broadcaster.subscribe(lineage, feed.caller))
        present = await feed.events.present_lineage(lineage, _MAX_MERGES)
        frames = [format_sse_event(retry=_RETRY_MS)]
        if last is None or not present.reaches(last):
            if last is not None:
                frames.append(_frame(GapEvent(lineage=lineage)))
            frames.append(_frame(PresentEvent.from_present(present), present.position))
        else:
            missed = [event async for event in _since(feed, lineage, last, present)]
            frames.extend(frame for event in missed for frame in _frames(event))
        frames.extend(frame for merge in present.merges for frame in _progress_now(merge))
        return EventStream(_frames_from(feed, subscription, present, frames, None), cleanup.pop_all())


def _since(feed: EventFeed, lineage: str, last: Position, present: Present) -> AsyncIterator[Event]:
    return feed.events.since(lineage, last, present.position)


async def _frames_from(
    feed: EventFeed, subscription: Subscription, present: Present, frames: Sequence[bytes], merge: Merge | None
) -> AsyncIterator[bytes]:
    """The prepared frames, then those of new events, with comments as heartbeats."""
    yield b"".join(frames)
    if merge is not None and merge.state.terminal:
        return
    feed.broadcaster.start(subscription, present.position)
    end = time.monotonic() + feed.settings.events_seconds
    while (left := end - time.monotonic()) > 0:
        events = await subscription.next(min(left, feed.settings.events_heartbeat_seconds))
        if events is None:
            return
        if not events:
            yield format_sse_event(comment="waiting")
        for event in events:
            if merge is not None and event.merge != merge.id:
                continue
            yield b"".join(_frames(event))
            if merge is not None and event.state is not None and event.state.terminal:
                return


def _merge_now(merge: Merge, present: Present) -> Iterator[bytes]:
    yield _frame(StateEvent.now(merge), present.position)
    yield from _progress_now(merge)


def _progress_now(merge: Merge) -> Iterator[bytes]:
    if merge.progress is not None:
        yield _frame(ProgressEvent(lineage=merge.lineage, merge=merge.id, progress=merge.progress))


def _frames(event: Event) -> Iterator[bytes]:
    """Frames of an event. A new version comes before its merge's state, under one id: a client gets both or none."""
    if event.progress is not None and event.merge is not None:
        yield _frame(ProgressEvent(lineage=event.lineage, merge=event.merge, progress=event.progress))
        return
    if event.version is not None:
        yield _frame(VersionEvent.from_event(event), event.position if event.state is None else None)
    if event.state is not None:
        yield _frame(StateEvent.from_event(event), event.position)


def _frame(
    view: StateEvent | ProgressEvent | VersionEvent | PresentEvent | GapEvent, at: Position | None = None
) -> bytes:
    return format_sse_event(event=view.type, id=str(at) if at else None, data_str=view.model_dump_json())
