"""Lease renewal: a thread that renews a merge's claim, stores its progress and notices a cancel request."""

import logging
import threading
import time
from types import TracebackType
from typing import Self

from registry.errors import LeaseLost, StoreUnavailable
from registry.merge import Claim, Progress
from registry.state.interface import ClaimStore
from worker.watchdog import Watchdog

_PROGRESS_EVERY = 0.25
_log = logging.getLogger(__name__)


class Lease:
    """Renews the lease of a claim while the `with` block runs.

    `stopping` is true once a cancel was requested or the lease was lost; the merge should stop at its next step.
    watchdog: is notified at every renewal, and ends a merge that does not stop.
    """

    def __init__(self, claims: ClaimStore, claim: Claim, seconds: float, watchdog: Watchdog | None = None) -> None:
        self.claim = claim
        self.cancelled = False
        self.lost = False
        self._claims = claims
        self._seconds = seconds
        self._watchdog = watchdog
        self._progress: Progress | None = None
        self._changed = threading.Event()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"lease of {claim.merge.id}", daemon=True)

    @property
    def stopping(self) -> bool:
        """Whether the merge should stop."""
        return self.cancelled or self.lost

    def report(self, progress: Progress) -> None:
        """Publish the progress of the merge; cheap enough for every step."""
        self._progress = progress
        self._changed.set()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        self._changed.set()
        self._thread.join()

    def _run(self) -> None:
        renewed = time.monotonic()
        while not self._done.is_set():
            changed = self._changed.wait(self._seconds / 3)
            if self._done.is_set():
                return
            self._changed.clear()
            if changed or time.monotonic() - renewed >= self._seconds / 3:
                renewed = self._renew(renewed)
                if self._watchdog is not None:
                    self._watchdog.alive(stopping=self.stopping)
            self._done.wait(_PROGRESS_EVERY)

    def _renew(self, renewed: float) -> float:
        try:
            self.cancelled |= self._claims.renew(self.claim, int(self._seconds * 1000), self._progress)
        except LeaseLost as error:
            self.lost = True
            _log.warning("%s This attempt stops.", error)
        except StoreUnavailable as error:
            # The fence decides at commit: an unavailable store loses nothing unless another worker took over.
            _log.warning("%s The lease was not renewed.", error)
            return renewed
        return time.monotonic()
