"""Which requests to retry, and after what delay.

Source: RFC 9110, section 10.2.3 (Retry-After).
"""

import email.utils
import random
from dataclasses import dataclass
from datetime import UTC, datetime

STATUSES = frozenset({408, 425, 429, 502, 503, 504})
"""Statuses after which a retry may succeed."""


@dataclass(frozen=True)
class Retries:
    """Retry policy; times are in seconds.

    attempts: maximum number of times that a request is sent. first: upper bound of the delay before the second attempt;
    doubles with each further one, up to `longest`. patience: longest Retry-After that is respected; beyond it the
    request fails.
    """

    attempts: int = 6
    first: float = 0.5
    longest: float = 20.0
    patience: float = 120.0

    def wait(self, attempt: int, retry_after: str | None = None) -> float | None:
        """The delay after this attempt (from 1), or None to give up.

        Without Retry-After it is random up to the current bound, so that clients do not return all at once.
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
