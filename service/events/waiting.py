"""Waiting for the end of a merge (`Prefer: wait=n`), and what event streams read from."""

import time
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request, Response

from registry.errors import Overloaded
from registry.event import Event
from registry.merge import Merge
from registry.state.interface import AsyncQueries, EventSource
from service.auth.api_keys import Caller
from service.events.broadcaster import Broadcaster
from service.pipeline.dependencies import scoped_stores, services_of
from service.settings import GatewaySettings


@dataclass(frozen=True)
class EventFeed:
    """Merges and events as the caller may see them.

    broadcaster: shared by all callers; read a lineage through `queries` or `events` before you subscribe to it.
    """

    queries: AsyncQueries
    events: EventSource
    broadcaster: Broadcaster
    settings: GatewaySettings
    caller: Caller


async def _event_feed(request: Request) -> EventFeed:
    stores, services = await scoped_stores(request), services_of(request)
    return EventFeed(
        stores.queries, stores.events, services.get(Broadcaster), services.get(GatewaySettings), stores.caller
    )


Feed = Annotated[EventFeed, Depends(_event_feed)]


async def wait_for_end(feed: EventFeed, merge_id: str, wait: int, response: Response) -> Merge:
    """The merge once it has ended, or as it is after `wait` seconds; sets Preference-Applied.

    A waiting request counts as an event stream: beyond their limit it returns at once. Raises MergeNotFound.
    """
    merge = await feed.queries.merge(merge_id)
    seconds = min(wait, feed.settings.max_wait_seconds)
    end = time.monotonic() + seconds
    try:
        with feed.broadcaster.subscribe(merge.lineage, feed.caller) as subscription:
            response.headers["Preference-Applied"] = f"wait={seconds}"
            merge, present = await feed.events.present_merge(merge_id)
            if merge.state.terminal:
                return merge
            feed.broadcaster.start(subscription, present.position)
            while (left := end - time.monotonic()) > 0:
                events = await subscription.next(left)
                if events is None or any(_ends(event, merge_id) for event in events):
                    break
    except Overloaded:
        return merge
    return await feed.queries.merge(merge_id)


def _ends(event: Event, merge_id: str) -> bool:
    return event.merge == merge_id and event.state is not None and event.state.terminal
