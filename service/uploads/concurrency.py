"""How many bodies each owner may send at once."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from registry.errors import TooManyUploads


class UploadLimit:
    """Counts bodies on their way in, by owner. Used from the event loop alone."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._taken: Counter[str] = Counter()

    @contextmanager
    def taken(self, owner: str, besides: int = 0) -> Iterator[None]:
        """Take a slot while the block runs; `besides` more are taken elsewhere. Raises TooManyUploads."""
        if self._taken[owner] + besides >= self.most:
            raise TooManyUploads(self.most)
        self._taken[owner] += 1
        try:
            yield
        finally:
            self._taken[owner] -= 1
            if not self._taken[owner]:
                del self._taken[owner]
