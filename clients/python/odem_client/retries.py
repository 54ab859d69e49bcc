"""When to try again, and how long to wait before.

Source: RFC 9110, section 10.2.3 (Retry-After).
"""

import email.utils
import random
from dataclasses import dataclass
from datetime import UTC, datetime

STATUSES = frozenset({408, 425, 429, 502, 503, 504})
"""Answers after which the same request may do better."""


@dataclass(frozen=True)
class Retries:
    """How often, and how long to wait, in seconds.

    attempts: how often a request is sent at most. first: the longest wait before the second attempt; doubles with each
    one more, up to `longest`. patience: a server that asks for a longer wait than this is not waited for.
    """

    attempts: int = 6
    first: float = 0.5
    longest: float = 20.0
    patience: float = 120.0

    def wait(self, attempt: int, retry_after: str | None = None) -> float | None:
        """How long to wait after the attempt of this number (from 1), or None to give up.

        Without Retry-After a random time up to the present bound, so that clients do not come back all at once.
        """
        if attempt >= self.attempts:
            return None
        asked = seconds(retry_after)
        if asked is not None:
            return asked + random.uniform(0, self.first) if asked <= self.patience else None  # noqa: S311
        return random.uniform(0.1, 1.0) * min(self.first * 2.0 ** (attempt - 1), self.longest)  # noqa: S311


def seconds(retry_after: str | None) -> float | None:
    """Retry-After as seconds from now; None when it is missing or unreadable."""
    if retry_after is None:
        return None
    if retry_after.isdecimal():
        return float(retry_after)
    try:
        when = email.utils.parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    return max(0.0, (when - datetime.now(UTC)).total_seconds())
