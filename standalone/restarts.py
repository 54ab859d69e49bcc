"""Restart policy for crashed processes."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class RestartPolicy:
    """At most `limit` restarts within `window` seconds, each with twice the delay of the one before.

    The waits start at `first_delay` seconds and grow to `longest_delay`.
    """

    limit: int = 5
    window: float = 120.0
    first_delay: float = 0.5
    longest_delay: float = 10.0

    def delay(self, crashes: Sequence[float]) -> float | None:
        """Seconds to wait after the newest of `crashes` (times in ascending order, not empty); None to give up."""
        recent = sum(crashes[-1] - crash <= self.window for crash in crashes)
        if recent > self.limit:
            return None
        return min(self.longest_delay, self.first_delay * 2.0 ** (recent - 1))
