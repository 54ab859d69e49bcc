"""The request headers Prefer (`wait=n`) and Cancel-After. Source: RFC 7240, sections 2 and 4.3 (Prefer)."""

import re
from datetime import datetime, timedelta

from registry.base_record import now
from registry.errors import InvalidRecord

_DURATION = re.compile(r"(?:([0-9]{1,6})h)?(?:([0-9]{1,6})m)?(?:([0-9]{1,9})s?)?")
_WAIT = re.compile(r"\s*wait\s*=\s*\"?([0-9]{1,6})\"?\s*(?:;.*)?", re.IGNORECASE)
_LONGEST = timedelta(days=30)


def read_wait(prefer: str | None) -> int:
    """The seconds of `wait`, 0 without one. Unknown preferences are ignored, as RFC 7240 asks."""
    waits = [match for item in (prefer or "").split(",") if (match := _WAIT.fullmatch(item))]
    return int(waits[0][1]) if waits else 0


def read_deadline(cancel_after: str | None) -> datetime | None:
    """When to cancel a merge with this Cancel-After: `90`, `90s`, `5m`, `1h30m`. Raises InvalidRecord."""
    if cancel_after is None:
        return None
    match = _DURATION.fullmatch(cancel_after.strip())
    hours, minutes, seconds = (int(part or 0) for part in match.groups()) if match else (0, 0, 0)
    duration = timedelta(hours=hours, minutes=minutes, seconds=seconds)
    if not timedelta(0) < duration <= _LONGEST:
        raise InvalidRecord(
            f"Invalid Cancel-After {cancel_after[:40]!r}: send a duration of 1 second to 30 days, such as 90s, 5m or "
            "1h30m."
        )
    return now() + duration
