"""How long a client wants to wait for a merge, and after how long the merge is to be cancelled.

Source: RFC 7240, sections 2 and 4.3 (Prefer, wait).
"""

import re
import time
from datetime import datetime, timedelta

from fastapi import Response

from registry.base_record import now
from registry.errors import InvalidRecord, Overloaded
from registry.event import Event
from registry.merge import Merge
from service.pipeline.context import Context

_WAIT = re.compile(r"\s*wait\s*=\s*\"?([0-9]{1,6})\"?\s*(?:;.*)?", re.IGNORECASE)
_DURATION = re.compile(r"(?:([0-9]{1,6})h)?(?:([0-9]{1,6})m)?(?:([0-9]{1,9})s?)?")
_LONGEST = timedelta(days=30)
POLL_SECONDS = 1


def read_wait(prefer: str | None) -> int | None:
    """The seconds of the preference `wait`; None without one. What is not understood is left out, as RFC 7240 asks."""
    found = [match for item in (prefer or "").split(",") if (match := _WAIT.fullmatch(item))]
    return int(found[0][1]) if found else None


def read_deadline(cancel_after: str | None) -> datetime | None:
    """When a merge with this Cancel-After is to be cancelled: `90`, `90s`, `5m`, `1h30m`. Raises InvalidRecord."""
    if cancel_after is None:
        return None
    match = _DURATION.fullmatch(cancel_after.strip())
    hours, minutes, seconds = (int(part or 0) for part in match.groups()) if match else (0, 0, 0)
    duration = timedelta(hours=hours, minutes=minutes, seconds=seconds)
    if not timedelta(0) < duration <= _LONGEST:
        raise InvalidRecord(
            f"Cancel-After {cancel_after[:40]!r} is no duration of a second to 30 days, such as 90s, 5m or 1h30m."
        )
    return now() + duration


async def wait_for_end(context: Context, merge_id: str, wait: int | None, response: Response) -> Merge:
    """A merge once it has ended, or as it stands after `wait` seconds; says in the answer which wait was kept.

    Whoever waits is one of the watchers: where there are too many the answer comes at once. Raises MergeNotFound.
    """
    merge = await context.reads.merge(merge_id)
    if not wait:
        return merge
    seconds = min(wait, context.settings.max_wait_seconds)
    end = time.monotonic() + seconds
    try:
        with context.watchers.watching(merge.lineage) as watch:
            response.headers["Preference-Applied"] = f"wait={seconds}"
            merge, present = await context.events.present_merge(merge_id)
            if merge.state.terminal:
                return merge
            context.watchers.begin(watch, present.position)
            while (left := end - time.monotonic()) > 0:
                events = await watch.next(left)
                if events is None or any(_ends(event, merge_id) for event in events):
                    break
    except Overloaded:
        return merge
    return await context.reads.merge(merge_id)


def _ends(event: Event, merge_id: str) -> bool:
    return event.merge == merge_id and event.state is not None and event.state.terminal
