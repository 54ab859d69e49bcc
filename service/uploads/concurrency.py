"""Concurrency limit of uploads: how many bodies each owner may send at once."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from registry.errors import TooManyUploads


class UploadLimit:
    """Counts request bodies in progress by owner, for one event loop.

    per_owner: maximum number for each owner.
    """

    def __init__(self, per_owner: int) -> None:
        self.per_owner = per_owner
        self._taken: Counter[str] = Counter()

    @contextmanager
    def slot(self, owner: str, besides: int = 0) -> Iterator[None]:
        """Count one body while the block runs, beside `besides` other uploads. Raises TooManyUploads."""
        if self._taken[owner] + besides >= self.per_owner:
            raise TooManyUploads(self.per_owner)
        self._taken[owner] += 1
        try:
            yield
        finally:
            self._taken[owner] -= 1
            if not self._taken[owner]:
                del self._taken[owner]
