"""The preference `wait=n` of the Prefer header. Source: RFC 7240, sections 2 and 4.3."""

import re

_WAIT = re.compile(r"\s*wait\s*=\s*\"?([0-9]{1,6})\"?\s*(?:;.*)?", re.IGNORECASE)


def read_wait(prefer: str | None) -> int:
    """The seconds of `wait`, 0 without one. Unknown preferences are ignored, as RFC 7240 asks."""
    result = [match for item in (prefer or "").split(",") if (match := _WAIT.fullmatch(item))]
    return int(result[0][1]) if result else 0
