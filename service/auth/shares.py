"""Concurrency limits of which one API key takes a share at most."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from registry.errors import Overloaded
from service.auth.api_keys import Caller


class SharedLimit:
    """A limit on what runs at the same time. Thread-safe.

    limit: of all callers together. share: the part of it that one key takes at most, at least one; callers without a
    key have no share of their own. kind, setting: what is limited, and by which setting, for messages.
    """

    def __init__(self, limit: int, share: float, kind: str, setting: str) -> None:
        self._limit = limit
        self._key_limit = max(1, int(limit * share))
        self._kind = kind
        self._setting = setting
        self._running: Counter[str | None] = Counter()
        self._lock = threading.Lock()

    @contextmanager
    def hold(self, caller: Caller) -> Iterator[None]:
        """Count one while the block runs. Raises Overloaded."""
        key = caller.key.id if caller.key else None
        with self._lock:
            if self._running.total() >= self._limit:
                raise Overloaded(
                    f"The limit of {self._limit} concurrent {self._kind} is reached ({self._setting}). Try again later."
                )
            if key is not None and self._running[key] >= self._key_limit:
                raise Overloaded(
                    f"This key has {self._key_limit} concurrent {self._kind}, its share of {self._limit} "
                    f"({self._setting}, ODEM_KEY_SHARE). Try again later."
                )
            self._running[key] += 1
        try:
            yield
        finally:
            with self._lock:
                self._running[key] -= 1
                if not self._running[key]:
                    del self._running[key]
